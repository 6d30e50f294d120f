"""One repository's history at random: what a team, git, other programs and accidents do between replans.

The oracle is here too, and knows nothing of how a replan works: every text that the team wrote is on the disk
afterwards; what was refused changed nothing; what was done is the render of exactly one set of facts; nothing is left.
"""

import io
import json
import os
import random
import re
import shutil
import signal
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlscaffold import answers, render, update, vcs
from mlscaffold.errors import Busy, DamagedRecord, InTheWay, MlscaffoldError, NoRecord, NotCommitted, Unresolved
from mlscaffold.repository import journal
from standing import commit, contents, facts_of, git

# A few whole sets of facts a kind, so that renders are few: each replan takes one of them.
FACTS: dict[str, list[dict[str, str]]] = {
    "ml": [
        {"positive_share": "0.2", "label_source": "logs", "ci": "github", "project_name": "My project"},
        {"positive_share": "0.04", "label_source": "people", "ci": "github", "project_name": "My project"},
        {"positive_share": "0.3", "label_source": "both", "ci": "gitlab", "project_name": "Renamed project"},
        {"positive_share": "0.3", "label_source": "logs", "ci": "none", "project_name": "My project"},
    ],
    "software": [
        {"slo_percent": "99.0", "ci": "github", "data_class": "internal", "project_name": "My project"},
        {"slo_percent": "99.9", "ci": "gitlab", "data_class": "none", "project_name": "My project"},
        {"slo_percent": "99.5", "ci": "none", "data_class": "personal", "project_name": "Renamed project"},
    ],
}
# Files that some of these sets call for and others do not.
COMING = {
    "ml": ["docs/labelling-guide.md", ".gitlab-ci.yml", "docs/CODEOWNERS", ".github/workflows/ci.yml"],
    "software": ["src/my_project/deletion.py", ".gitlab-ci.yml", "docs/CODEOWNERS", ".github/workflows/ci.yml"],
}
NUMBERED = {"requirement_ids": ""}  # what a replan itself writes among the answers
OPENED = re.compile(rb"^<<<<<<< yours", re.MULTILINE)
MARKS = (b"<<<<<<<", b"=======", b">>>>>>>")
OURS = re.compile(r"mlscaffold/(work|held)\b")  # folders of a run, which git does not see and the next run sweeps
EXPECTED = (Busy, DamagedRecord, InTheWay, NoRecord, NotCommitted, Unresolved)


@dataclass
class History:
    """A repository on its way: where it is, what lies outside of it, and whether git keeps it."""

    folder: Path
    outside: Path
    kind: str
    rng: random.Random
    kept: bool
    written: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def word(self) -> bytes:
        """A text that nobody else writes, noted as the team's."""
        text = f"team-wrote-{len(self.written):04}-{self.rng.random()}".encode()
        self.written.append(text)
        return text

    def page(self) -> Path | None:
        """Any ordinary file of the team's and the plan's, but for what the program computes."""
        taboo = (*update.COMPUTED, ".mlscaffold", ".git", ".gitattributes")
        pages = [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and not path.is_symlink()
            and self.folder.resolve() in path.resolve().parents
            and not path.relative_to(self.folder).as_posix().startswith(taboo)
        ]
        return self.rng.choice(pages) if pages else None


# ----------------------------------------------------------------------------------------------------- what happens


def edits_a_line(history: History) -> None:
    if page := history.page():
        lines = page.read_bytes().split(b"\n")
        lines[history.rng.randrange(len(lines))] = b"# " + history.word()
        page.write_bytes(b"\n".join(lines))


def adds_a_paragraph(history: History) -> None:
    if page := history.page():
        page.write_bytes(page.read_bytes() + b"\n" + history.word() + b"\n")


def deletes_a_page(history: History) -> None:
    if page := history.page():
        forget(history, page)
        page.unlink()


def renames_a_page(history: History) -> None:
    if page := history.page():
        name = history.rng.choice(['Übung "x".md', "plain.md", "with space\t.md", "日本.txt"])
        target = page.with_name(name)
        if not os.path.lexists(target):
            page.rename(target)


def makes_it_binary(history: History) -> None:
    if page := history.page():
        forget(history, page)
        page.write_bytes(b"\0\1" + history.word())


def may_be_run(history: History) -> None:
    if page := history.page():
        page.chmod(page.stat().st_mode ^ 0o111)


def takes_windows_line_ends(history: History) -> None:
    if page := history.page():
        text = page.read_bytes()
        if b"\0" not in text:
            page.write_bytes(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def writes_an_ignored_file(history: History) -> None:
    """In the place of one that the plan may call for; git is told to overlook it, in one of its ways."""
    name = history.rng.choice(COMING[history.kind])
    if place := free(history, name):
        place.write_bytes(b"# ours\n" + history.word() + b"\n")
    ignore(history, f"/{name}\n")


def ignores_much(history: History) -> None:
    ignore(history, history.rng.choice(["docs/\n", "*.md\n", "*.json\n*.yaml\n", "*\n"]))


def links_a_page_outside(history: History) -> None:
    if page := history.page():
        target = history.outside / f"{len(history.written)}-{page.name}"
        target.write_bytes(page.read_bytes() + history.word())
        forget(history, page)
        page.unlink()
        page.symlink_to(target)


def links_a_folder(history: History) -> None:
    folder = history.folder / history.rng.choice(["docs", "ops", "docs/decisions", "tests"])
    if folder.is_dir() and not folder.is_symlink() and not folder.parent.is_symlink():
        inside = history.rng.random() < 0.4
        target = history.folder / "moved" if inside else history.outside / f"{len(history.written)}"
        if not os.path.lexists(target):
            history.word()
            history.written.pop()
            shutil.move(folder, target)
            target.joinpath("note.txt").write_bytes(history.word())
            folder.symlink_to(target)


def puts_a_folder_in_the_way(history: History) -> None:
    name = history.rng.choice(COMING[history.kind])
    if place := free(history, name):
        place.mkdir()
        if history.rng.random() < 0.5:
            place.joinpath("inside.txt").write_bytes(history.word())


def puts_a_file_in_a_folders_way(history: History) -> None:
    place = history.folder / "docs/decisions"
    if place.is_dir() and not place.is_symlink() and not place.parent.is_symlink():
        for path in place.rglob("*"):
            if path.is_file():
                forget(history, path)
        shutil.rmtree(place)
        place.write_bytes(history.word())


def damages_the_record(history: History) -> None:
    """The next replan must say so; then it is brought back."""
    name = history.rng.choice([".mlscaffold/base.tar.gz", ".mlscaffold/state.json"])
    path = history.folder / name
    whole = path.read_bytes()
    how = history.rng.choice(["cut", "gone", "empty", "out"])
    if how == "gone":
        path.unlink()
    elif how == "out":
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo("../outside"))
        path.write_bytes(packed.getvalue())
    else:
        path.write_bytes(whole[: len(whole) // 2] if how == "cut" else b"")
    before = snapshot(history)
    try:
        update.replan(history.folder, history.rng.choice(FACTS[history.kind]))
    except (DamagedRecord, NoRecord) as refusal:
        history.told.append(str(refusal))
    else:
        raise AssertionError("a damaged record was not noticed")
    assert snapshot(history) == before
    path.write_bytes(whole)


def is_killed_in_the_middle(history: History) -> None:
    """A replan ends by SIGKILL at one of its steps; git sees nothing of what it prepared."""
    if not ready(history):
        return
    facts, at = history.rng.choice(FACTS[history.kind]), history.rng.randrange(1, 120)
    before, old = snapshot(history), facts_of(history.folder)
    killed(lambda: update.replan(history.folder, facts), at)
    if not history.folder.joinpath(".mlscaffold/work/journal.json").is_file() and facts_of(history.folder) == old:
        assert {name: text for name, text in snapshot(history).items() if not OURS.search(name)} == before
    if history.kept:
        assert not OURS.search(git(history.folder, "status", "--porcelain", "--untracked-files=all"))
    update.settle(history.folder)
    now = facts_of(history.folder)
    if now == old:
        assert snapshot(history) == before
    assert_one_set_of_facts(history)
    resolve(history)


def is_replanned_twice_at_once(history: History) -> None:
    """Two threads with different facts: with history one is refused or both took the same way; never a mixture."""
    if not ready(history):
        return
    first, second = history.rng.sample(FACTS[history.kind], 2)
    old = facts_of(history.folder)
    refused: list[MlscaffoldError] = []

    def run(facts: dict[str, str]) -> None:
        try:
            update.replan(history.folder, facts)
        except MlscaffoldError as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=run, args=(facts,)) for facts in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(refusal, EXPECTED) for refusal in refused), refused
    now = facts_of(history.folder)
    if len(refused) < 2:
        wholes = [answers.complete(old | facts).recorded for facts in (first, second)]
        assert any(now | NUMBERED == whole | NUMBERED for whole in wholes)
    assert_one_set_of_facts(history)
    resolve(history)


EVENTS: list[Callable[[History], None]] = [
    edits_a_line, edits_a_line, edits_a_line, adds_a_paragraph, adds_a_paragraph, deletes_a_page, renames_a_page,
    makes_it_binary, may_be_run, takes_windows_line_ends, writes_an_ignored_file, ignores_much, links_a_page_outside,
    links_a_folder, puts_a_folder_in_the_way, puts_a_file_in_a_folders_way, damages_the_record,
    is_killed_in_the_middle, is_replanned_twice_at_once,
]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ small deeds


def free(history: History, name: str) -> Path | None:
    """The place of a file that is not there, in a folder that is no link; None where something is."""
    place = history.folder / name
    above = [history.folder.joinpath(*Path(name).parts[:length]) for length in range(1, len(Path(name).parts))]
    if os.path.lexists(place) or any(up.is_symlink() or (up.exists() and not up.is_dir()) for up in above):
        return None
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def ignore(history: History, lines: str) -> None:
    """In .gitignore, in the repository's own list or in somebody's global one."""
    places = [history.folder / ".gitignore", Path.home() / ".config/git/ignore"]
    if history.kept:
        places.append(history.folder / ".git/info/exclude")
    place = history.rng.choice(places)
    if place.is_symlink() or place.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a") as file:
        file.write(f"\n{lines}")


def forget(history: History, path: Path) -> None:
    """The team itself throws this text away."""
    gone = path.read_bytes()
    history.written = [text for text in history.written if text not in gone or elsewhere(history, text, path)]


def elsewhere(history: History, text: bytes, path: Path) -> bool:
    return any(text in content for name, content in snapshot(history).items() if history.folder / name != path)


def ready(history: History) -> bool:
    """Commit what there is; whether a replan would not be refused for want of it."""
    if history.kept:
        commit(history.folder)
    return True


def resolve(history: History) -> None:
    """Take both versions of every conflict, as a person might, and commit."""
    for name, content in contents(history.folder).items():
        if OPENED.search(content):
            lines = [line for line in content.splitlines(keepends=True) if not line.startswith(MARKS)]
            history.folder.joinpath(name).write_bytes(b"".join(lines))
    if history.kept:
        git(history.folder, "add", "--update")
        commit(history.folder)


def killed(deed: Callable[[], object], at: int) -> None:
    """Do something in a process of its own that ends by SIGKILL at the step `at` of its writing."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def step(*words: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count >= at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*words, **named)

            return step

        for module, names in ((os, ("replace", "link", "fsync", "unlink", "rmdir", "mkdir", "chmod")),):
            for name in names:
                setattr(module, name, counted(getattr(module, name)))
        try:
            deed()
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)


# -------------------------------------------------------------------------------------------------------- the oracle


def snapshot(history: History) -> dict[str, bytes]:
    """Every file in the repository and outside of it, with its mode; links by where they lead."""
    found = contents(history.folder)
    found |= {f"outside:{name}": content for name, content in contents(history.outside).items()}
    for name in list(found):
        path = history.folder / name
        if path.is_file() and not path.is_symlink():
            found[f"mode:{name}"] = oct(path.stat().st_mode & 0o111).encode()
    return found


def assert_one_set_of_facts(history: History) -> None:
    """The record is the render of the answers that plan/project.yaml tells, and so are the computed files."""
    complete = answers.complete(facts_of(history.folder))
    scratch = history.outside.parent / "fresh"
    shutil.rmtree(scratch, ignore_errors=True)
    tree = render.generate(complete, scratch)
    pristine = {path: content for path, content in contents(tree).items() if not path.startswith("engine/")}
    with tarfile.open(history.folder / ".mlscaffold/base.tar.gz") as archive:
        recorded = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}  # type: ignore[union-attr]
    assert recorded == pristine, "the record is not the render of the facts"
    for name in update.COMPUTED:
        assert history.folder.joinpath(name).read_bytes().replace(b"\r\n", b"\n") == pristine[name], name
    assert not any(OURS.search(name) for name in snapshot(history)), "something was left behind"


def replans(history: History, facts: dict[str, str]) -> None:
    """One replan, held against what was there before."""
    before, base = snapshot(history), facts_of(history.folder)
    there = [text for text in history.written if any(text in content for content in before.values())]
    refused = ""
    try:
        done = update.replan(history.folder, facts)
    except EXPECTED as refusal:
        refused = str(refusal)
    after = snapshot(history)
    if refused:
        history.told.append(refused)
        assert after == before, f"refused ({refused}), and yet something changed"
        return
    lost = [text for text in there if not any(text in content for content in after.values())]
    assert not lost, f"the team's text is nowhere: {lost}"
    outside = {name: content for name, content in after.items() if name.startswith("outside:")}
    assert outside == {name: content for name, content in before.items() if name.startswith("outside:")}
    expected = answers.complete(base | facts).recorded
    assert facts_of(history.folder) | NUMBERED == expected | NUMBERED
    assert_one_set_of_facts(history)
    said = {*done.changed, *done.removed, ".mlscaffold/base.tar.gz", ".mlscaffold/state.json"}
    for name in before.keys() | after.keys():
        if name.removeprefix("mode:") not in said:
            assert before.get(name) == after.get(name), f"{name} changed and was not named"
    marked = {name for name, content in after.items() if OPENED.search(content)}
    assert marked == set(done.conflicts) - {name.rpartition(journal.BESIDE)[0] for name in done.beside}
    if history.kept and done.in_git:
        assert vcs.unmerged(history.folder) == sorted(done.conflicts)
    if not done.conflicts:
        assert not update.replan(history.folder, {}, dry_run=True).changed, "a second time changes something"
    else:
        try:
            update.replan(history.folder, {})
        except Unresolved:
            pass
        else:
            assert not marked, "marks were left, and the next replan did not say so"
    resolve(history)


def live(history: History, turns: int) -> None:
    """Events and replans in turn; some of the team's work is committed, some is not."""
    for _ in range(turns):
        for event in history.rng.sample(EVENTS, history.rng.randint(1, 4)):
            history.told.append(event.__name__)
            event(history)
        if history.kept and history.rng.random() < 0.9:
            commit(history.folder)
        replans(history, history.rng.choice(FACTS[history.kind]))


def summary(history: History) -> str:
    """What happened, for whoever reads a failure."""
    return json.dumps(history.told, indent=1, ensure_ascii=False)
