"""Random histories like those of tests/histories.py, in which newer versions of mlscaffold come along.

The same oracle, and two things more: the engine is the new version's, byte for byte, and what a team had edited in the
old one comes out of the patch again, byte for byte; and a conflict never ends with exit code 0.
"""

import shutil
import subprocess
import threading
from pathlib import Path

from histories import (
    EVENTS,
    EXPECTED,
    NUMBERED,
    OPENED,
    OURS,
    History,
    assert_one_set_of_facts,
    is_killed_in_the_middle,
    is_replanned_twice_at_once,
    killed,
    replans,
    resolve,
    snapshot,
)
from histories import FACTS as FACTS_OF
from made_up_releases import LAST, MadeUp, number_of
from mlscaffold import answers, cli, render, update, vcs
from mlscaffold.errors import MlscaffoldError, Unresolved
from mlscaffold.repository import journal, record
from mlscaffold.update import Updated
from standing import commit, facts_of, git

Engine = dict[str, bytes]
REPLANNING = (is_killed_in_the_middle, is_replanned_twice_at_once)


def lives(history: History, made_up: MadeUp, turns: int) -> None:
    """Events, releases, updates and replans in turn; some of the team's work is committed, some is not."""
    rng = history.rng
    for _ in range(turns):
        events = [event for event in EVENTS if event not in REPLANNING]
        for event in rng.sample([*events, edits_the_engine, edits_the_engine], rng.randint(1, 4)):
            history.told.append(event.__name__)
            event(history)
        if history.kept and rng.random() < 0.9:
            commit(history.folder)
        wrote = made_up.install_what_wrote(history.folder)
        if wrote < LAST and rng.random() < 0.85:
            made_up.install(rng.randint(wrote + 1, min(wrote + 2, LAST)))
            deed = rng.choice([updates, updates, updates, is_killed_updating, is_updated_twice_at_once])
            history.told.append(f"{deed.__name__} from {wrote} to {made_up.installed}")
            deed(history, made_up)
        else:
            replans(history, rng.choice(FACTS_OF[history.kind]))


def edits_the_engine(history: History) -> None:
    """A line, a module more, one less or one under another name."""
    modules = [path for path in sorted(history.folder.joinpath("engine").rglob("*.py")) if not path.is_symlink()]
    if not modules:
        return
    module = history.rng.choice(modules)
    how = history.rng.choice(["line", "line", "new", "rename", "binary"])
    if how == "line":
        module.write_bytes(module.read_bytes() + b"# " + history.word() + b"\n")
    elif how == "new":
        module.with_name(f"ours_{len(history.written)}.py").write_bytes(b"# " + history.word() + b"\n")
    elif how == "rename":
        module.rename(module.with_name(f"ours_{len(history.written)}.py"))
    else:
        module.with_name(f"ours_{len(history.written)}.bin").write_bytes(b"\0\1" + history.word())


def updates(history: History, made_up: MadeUp) -> None:
    """One update by its command, held against what was there before."""
    before, facts = snapshot(history), facts_of(history.folder)
    engine = render.engine_of(history.folder)
    there = [text for text in history.written if any(text in content for content in before.values())]
    code, done, refusal = typed(history)
    after = snapshot(history)
    if done is None:
        history.told.append(refusal)
        assert code == 1
        assert after == before, f"refused ({refusal}), and yet something changed"
        return
    assert code == bool(done.merged.conflicts), "exit code 0 with a conflict, or 1 without one"
    kept = edits_in_the_patch(history, done, engine, made_up)
    lost = [text for text in there if not any(text in content for content in (*after.values(), *kept.values()))]
    assert not lost, f"the team's text is nowhere: {lost}"
    outside = {name: content for name, content in after.items() if name.startswith("outside:")}
    assert outside == {name: content for name, content in before.items() if name.startswith("outside:")}
    assert facts_of(history.folder) | NUMBERED == answers.complete(facts).recorded | NUMBERED
    assert_one_set_of_facts(history)
    if engine:
        new = made_up.generate(answers.complete(facts_of(history.folder)), scratch(history, "new"))
        assert render.engine_of(history.folder) == render.engine_of(new), "the engine is not the new version's"
    said = {*done.merged.changed, *done.merged.removed, *(change.path for change in done.engine.changes)}
    for name in before.keys() | after.keys():
        if name.removeprefix("mode:") not in {*said, record.BASE, record.STATE}:
            assert before.get(name) == after.get(name), f"{name} changed and was not named"
    marked = {name for name, content in after.items() if OPENED.search(content)}
    beside = {name.rpartition(journal.BESIDE)[0] for name in done.merged.beside}
    assert marked == set(done.merged.conflicts) - beside
    if history.kept and done.merged.in_git:
        assert vcs.unmerged(history.folder) == sorted(done.merged.conflicts)
    assert_a_second_time_changes_nothing(history, marked)
    resolve(history)


def assert_a_second_time_changes_nothing(history: History, marked: set[str]) -> None:
    """Where marks are left, the next update refuses them; otherwise it has nothing to do."""
    try:
        again = update.update(history.folder, dry_run=True)
    except Unresolved:
        return
    assert not marked, "marks were left, and the next update did not say so"
    changed = (*again.merged.changed, *again.merged.removed, *again.engine.changes)
    assert not changed, f"a second time changes {changed}"


def typed(history: History) -> tuple[int, Updated | None, str]:
    """The exit code of `mlscaffold update`, what it did, and why it refused."""
    done: list[Updated] = []
    refused: list[str] = []
    real = update.update

    def seen(*words: object, **named: object) -> Updated:
        try:
            done.append(real(*words, **named))  # type: ignore[arg-type]
        except EXPECTED as refusal:
            refused.append(str(refusal))
            raise
        return done[0]

    update.update = seen
    try:
        code = cli.run(["update", str(history.folder)])
    finally:
        update.update = real
    assert done or refused, "it ended otherwise than it may"
    return code, *(done or [None]), "".join(refused)


def edits_in_the_patch(history: History, done: Updated, engine: Engine, made_up: MadeUp) -> Engine:
    """The engine as the team had it, made from the release that the patch is against; it must come out the same."""
    if not done.engine.patch:
        return {}
    new = made_up.installed
    if done.engine.on_release:
        made_up.install(next(count for count in range(LAST + 1) if done.version == number_of(count)))
    tree = made_up.generate(answers.complete(facts_of(history.folder)), scratch(history, "patched"))
    made_up.install(new)
    patch = history.folder / done.engine.patch
    subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=tree, check=True, capture_output=True)
    again = render.engine_of(tree)
    assert again == engine, sorted(path for path in again.keys() | engine if again.get(path) != engine.get(path))
    return again


def scratch(history: History, name: str) -> Path:
    """An empty folder in no repository."""
    folder = history.outside.parent / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def is_killed_updating(history: History, made_up: MadeUp) -> None:
    """An update ends by SIGKILL at one of its steps: the old tree, or the new one, once the next run has been there."""
    before, old = snapshot(history), made_up.installed
    wrote = made_up.install_what_wrote(history.folder)
    made_up.install(old)
    killed(lambda: update.update(history.folder), history.rng.randrange(1, 400))
    if history.kept:
        assert not OURS.search(git(history.folder, "status", "--porcelain", "--untracked-files=all"))
    update.settle(history.folder)
    now = made_up.install_what_wrote(history.folder)
    if now == wrote:
        assert snapshot(history) == before
    else:
        assert now == old
    assert_one_set_of_facts(history)
    resolve(history)


def is_updated_twice_at_once(history: History, made_up: MadeUp) -> None:
    """Two at once: one is refused, or comes after the other and has nothing to do; never a mixture."""
    refused: list[MlscaffoldError] = []

    def run() -> None:
        try:
            update.update(history.folder)
        except MlscaffoldError as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(refusal, EXPECTED) for refusal in refused), refused
    made_up.install_what_wrote(history.folder)
    assert_one_set_of_facts(history)
    resolve(history)
