"""Replanning and updating: new facts, or new templates, and nothing that the team has written is lost.

The repository keeps the pristine render it started from (`.mlscaffold/base.tar.gz`). The same template rendered with
the new answers, or the newer template rendered with the same ones, is merged with the team's files over that base, as
git merges two branches. The engine is merged with nothing: a replan leaves it alone, an update replaces it whole.
"""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlscaffold import (
    __version__,
    agreed,
    answers,
    changes,
    context,
    house,
    invocation,
    presets,
    questions,
    render,
    report,
    templates,
    vcs,
    yamltext,
)
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.errors import (
    AlreadyAdopted,
    AnotherKind,
    AnotherMetric,
    DamagedRecord,
    NoRecord,
    NoSuchCapability,
    NotCommitted,
    OlderRecord,
    OtherVersion,
    TwoRecords,
    UnreadablePlan,
    Unresolved,
)
from mlscaffold.house import House
from mlscaffold.planning.number import entries
from mlscaffold.planning.requirements import specification, verbs
from mlscaffold.repository import engine, find, journal, lineends, lock, merge, record, renaming
from mlscaffold.repository.engine import Replacement
from mlscaffold.repository.journal import Change
from mlscaffold.repository.record import Record
from mlscaffold.repository.renaming import Renaming
from mlscaffold.vcs import File

OWN = "own_"  # a label that no requirement can have: the highest number that the team has given itself
MEETS = re.compile(r'(?m)^MEETS = "(R-\d+)"')  # the number of a capability's requirement, as its own file says it
MANIFEST = "engine/planrun/manifest.json"  # which version's engine a repository has
# Written by the program from the answers, which have been read from them: the new version holds.
COMPUTED = ("plan/plan.json", "plan/project.yaml", "plan/assumptions.yaml")


@dataclass(frozen=True)
class Replanned:
    """What a replan changed, or would change, in the repository at `root`.

    `conflicts` are for a person to resolve; `in_git` says whether git's index knows of them. `deleted` stay deleted,
    `kept` stay although the new plan has them no more, and `beside` are versions of the plan's put beside the team's.
    """

    root: Path
    before: dict[PlanKey, Any]
    after: dict[PlanKey, Any]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    conflicts: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    beside: tuple[str, ...]
    in_git: bool
    still_signed: tuple[str, ...]  # pages of which only figures beside the signature change
    by: str  # whose changes they are: the new plan's, or another version's
    diff: str = ""  # of the team's files, as `git apply` takes it; without those that the program computes


@dataclass(frozen=True)
class News:
    """What this version's render has otherwise than the one that the repository started from, whoever edited what.

    `pages` are paths below the words for what became of them; `engine` counts the files of the engine that differ.
    """

    pages: Mapping[str, tuple[str, ...]]
    engine: int


@dataclass(frozen=True)
class Updated:
    """What an update changed, or would change: the merge of all pages, and what became of the engine."""

    version: str
    merged: Replanned
    engine: Replacement


def replan(
    folder: Path,
    new_facts: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda sentence: None,
) -> Replanned:
    """Plan again with new facts and merge the result into the repository that `folder` lies in.

    `names` are new names of capabilities, by their old ones: files, ids and what the team wrote stay theirs.

    One writer at a time; `say` is told what became of a run that was interrupted before. Raises `NoRecord` where
    mlscaffold did not make the repository, `NotCommitted` where changes would be hard to tell apart from the merge,
    `Unresolved` where an earlier merge is not finished, `OlderRecord` where another version wrote it, `Busy`, and what
    reading, completing and writing raise: after any of them the repository is as it was.
    Further `TwoRecords` where two branches both planned, `NoSuchCapability` for a name that no capability has,
    `AnotherKind` for one that would change who may do it, `AnotherMetric` where a signed metric would be another, and
    `UnreadablePlan`.
    """
    with _held(folder, dry_run, say) as root:
        kept = _record(root)
        if kept.version != __version__:
            raise OlderRecord(root, kept.version, __version__)
        with house.using(presets.recorded(kept.state)):
            known = recorded(root)
            renamed = _called(known, names or {})
            return _merged(root, kept, renamed, new_facts, None, dry_run=dry_run, names=names or {}, say=say)


def update(
    folder: Path,
    assignments: Sequence[str] = (),
    named: Sequence[str] = (),
    *,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda sentence: None,
) -> Updated:
    """Bring this version's templates and engine into the repository that `folder` lies in, with the answers it has.

    Presets come anew from where they are, or those that are `named` come in their place. What they set and lock is
    taken over, which `say` tells; `assignments` are further answers, such as the reason for another than a locked one.

    Pages are merged as by `replan`. The engine is replaced whole; what a team has edited in it is kept as a patch in
    the record's folder. Everything changes together or not at all. Raises what `replan` raises, but for `OlderRecord`.
    Those are `NoRecord`, `TwoRecords`, `Unresolved`, `NotCommitted`, `AnotherMetric` and `UnreadablePlan`.
    """
    with _held(folder, dry_run, say) as root:
        kept = _record(root)
        known = _known(root, kept)
        newer = presets.renewed(kept.state, named, say)
        with house.using(newer):
            new_facts = answers.from_flags(assignments)
            taken = _taken_over(known, presets.recorded(kept.state), newer, new_facts)
            for key, text in taken.items():
                if known.get(key, text) != text:
                    say(f"{key}: {known[key] or 'none'} becomes {text or 'none'}, as the presets have it.")
            complete = answers.complete(answers.merge(taken, new_facts))
            with tempfile.TemporaryDirectory() as scratch:
                tree = render.generate(complete, Path(scratch))
                delivered = str(kept.state.get("engine_sha256", ""))
                found = engine.replaced(root, render.engine_of(tree), delivered, kept.version)
                ready = (complete, tree)
                merged = _merged(root, kept, taken, new_facts, found, dry_run=dry_run, ready=ready, say=say)
            return Updated(kept.version, merged, found)


@dataclass(frozen=True)
class Adopted:
    """A repository that has a record from now on, and the pages that are not as they were rendered."""

    root: Path
    edited: tuple[str, ...]


def adopt(folder: Path) -> Adopted:
    """Record the base of a repository that plain cookiecutter made: the render of its answers by this version.

    Only `.mlscaffold/` is written. Raises `AlreadyAdopted`, `NoRecord` where there are no answers or no engine that
    tells its version, `OtherVersion`, and what reading and completing the answers raise.
    """
    root = find.root_of(folder)
    if root.joinpath(render.RECORD).exists():
        raise AlreadyAdopted(root)
    for needed in (find.PLAN, MANIFEST):
        if not root.joinpath(needed).is_file():
            raise NoRecord(root, needed)
    version = str(json.loads(root.joinpath(MANIFEST).read_text("utf-8")).get("version"))
    if version != __version__:
        raise OtherVersion(root, version, __version__)
    complete = answers.complete(answers.read(root / find.PLAN))
    with tempfile.TemporaryDirectory() as scratch:
        tree = render.generate(complete, Path(scratch))
        born = _rendered(tree)
        edited = [path for path, file in born.items() if _differs(root / path, file.content)]
        render.write_record(root, tree, complete)
    return Adopted(root, tuple(sorted(edited)))


def _differs(path: Path, born: bytes) -> bool:
    """Whether a page is gone or says something else than it did; line ends are git's affair."""
    return not path.is_file() or lineends.plain(path.read_bytes()) != lineends.plain(born)


def house_of(folder: Path) -> House:
    """The presets that the repository around `folder` was made with; none where there is no record to say so.

    Raises `TwoRecords` where two branches both planned.
    """
    root = find.root_of(folder)
    return presets.recorded(_record(root).state) if root.joinpath(record.STATE).is_file() else house.NONE


def _record(root: Path) -> Record:
    """The repository's record. Raises `TwoRecords` where two branches each brought one, and what reading raises."""
    try:
        return record.read(root)
    except DamagedRecord as damage:
        apart = {path for path in vcs.unmerged(root) if path.startswith(f"{render.RECORD}/")}
        if not apart:
            raise
        ours, theirs = (_version_of(vcs.staged(root, record.STATE, side)) for side in (vcs.OUR_SIDE, vcs.THEIR_SIDE))
        older = vcs.other_side(root) if changes.numbers(theirs) < changes.numbers(ours) else "HEAD"
        raise TwoRecords(root, ours, theirs, older, plan=COMPUTED[0]) from damage


def _version_of(state: bytes) -> str:
    """The version that a record's facts name; none where they are no record's."""
    try:
        return str(json.loads(state)["version"])
    except (ValueError, KeyError, TypeError):
        return ""


def _known(root: Path, kept: Record) -> dict[str, str]:
    """The recorded answers, as the presets of the record ask for them."""
    with house.using(presets.recorded(kept.state)):
        return recorded(root)


def _taken_over(known: Mapping[str, str], old: House, newer: House, new_facts: Mapping[str, str]) -> dict[str, str]:
    """The recorded answers under newer presets, which are in force.

    Locked values hold, unless the answers say why not. What a preset sets anew holds where the team had kept what it
    set before, or, where it had set nothing, the general default without confirming it. Answers to questions that it
    no longer asks are left out.
    """
    texts = {key: text for key, text in known.items() if key in questions.load()}
    said = new_facts.get(house.EXCEPTIONS) or texts.get(house.EXCEPTIONS, "")
    reasons = {part.partition("=")[0].strip(): part for part in questions.split(said)}
    if house.EXCEPTIONS in questions.load():  # of the old reasons, those that still excuse something
        still = [part for key, part in reasons.items() if key in newer.locks or house.EXCEPTIONS in new_facts]
        texts[house.EXCEPTIONS] = "; ".join(still)
    for key, text in newer.given.items():
        locked = key in newer.locks and key not in reasons
        unchanged = key not in known or known[key] == old.given.get(key, _unconfirmed_default(key, known))
        if locked or (unchanged and key not in newer.locks):
            texts[key] = text
    return texts


def _unconfirmed_default(key: str, known: Mapping[str, str]) -> str | None:
    """The general default of an answer; None where a person vouches for it."""
    if key in questions.split(questions.text_of(known, "confirmed")):
        return None
    return questions.default(questions.load()[key], known)


@dataclass(frozen=True)
class Due:
    """What wrote a repository, and whether this version's templates, or its presets by now, are other ones."""

    version: str
    templates: bool
    presets: bool
    commit: str = ""  # of the templates that wrote it; "" where it was not known

    @property
    def anything(self) -> bool:
        """Whether an update would bring something."""
        return self.templates or self.presets


def is_due(folder: Path, named: Sequence[str] = (), say: Callable[[str], None] = lambda sentence: None) -> Due:
    """Whether there is something newer for the repository around `folder`.

    Raises `NoRecord`, `NewerRecord` and `DamagedRecord`, and what newer presets raise.
    Raises `TwoRecords` where two branches both planned.
    """
    root = find.root_of(folder)
    kept = _record(root)
    same = kept.version == __version__
    current = same and kept.state.get("template_sha256") == templates.fingerprint(kept.state["template"])
    other = presets.changed(kept.state, presets.renewed(kept.state, named, say))
    return Due(kept.version, not current, other, str(kept.state.get("template_commit", "")))


def news(folder: Path, named: Sequence[str] = ()) -> News:
    """What an update would bring into the repository around `folder`; nothing is written, and no merge is tried.

    Pages are compared with the render that the repository started from, so that neither the team's edits nor what is
    not committed matter. Raises what reading the record and completing the answers raise.
    Raises `TwoRecords` where two branches both planned.
    """
    root = find.root_of(folder)
    kept = _record(root)
    newer = presets.renewed(kept.state, named)
    with house.using(newer), tempfile.TemporaryDirectory() as scratch:
        taken = _taken_over(_known(root, kept), presets.recorded(kept.state), newer, {})
        tree = render.generate(answers.complete(taken), Path(scratch))
        new = {path: file.content for path, file in _rendered(tree).items() if path not in COMPUTED}
        fresh = render.engine_of(tree)
    old = {path: file.content for path, file in kept.base.items() if path not in COMPUTED}
    pages = {
        "New": tuple(sorted(new.keys() - old.keys())),
        "Changed": tuple(sorted(path for path in new.keys() & old.keys() if new[path] != old[path])),
        "Gone": tuple(sorted(old.keys() - new.keys())),
    }
    here = render.engine_of(root)
    differing = sum(here.get(path) != fresh.get(path) for path in here.keys() | fresh.keys()) if here else 0
    return News({fate: paths for fate, paths in pages.items() if paths}, differing)


def _rendered(tree: Path) -> dict[str, File]:
    """The files of a render but for the engine, by their paths."""
    return {
        path.relative_to(tree).as_posix(): File(path.read_bytes(), os.access(path, os.X_OK))
        for path in render.files_of(tree)
        if not render.is_engine(path.relative_to(tree).as_posix())
    }


@contextlib.contextmanager
def _held(folder: Path, dry_run: bool, say: Callable[[str], None]) -> Iterator[Path]:
    """The root of the repository around `folder`, held alone, with what an interrupted run left settled first."""
    root = find.root_of(folder)
    if not root.joinpath(render.RECORD).is_dir():
        raise NoRecord(root, record.BASE)
    vcs.require_git(to_merge=True)
    with lock.alone(root):
        if told := journal.settle(root):
            say(told)
        if dry_run:
            yield root
            return
        try:
            lock.workshop(root)
            yield root
        finally:
            journal.clear(root)


def settle(folder: Path) -> str:
    """Finish or sweep what an interrupted run left in the repository; what was done, empty where nothing was."""
    if not any(folder.joinpath(left).is_dir() for left in (lock.WORK, lock.HELD)):
        return ""
    with lock.alone(folder):
        return journal.settle(folder)


def refuse_unresolved(folder: Path) -> None:
    """Raise `Unresolved` where the repository around `folder` has conflicts that nobody has resolved yet.

    Raises `TwoRecords` where two branches both planned.
    """
    root = find.root_of(folder)
    if vcs.is_installed():
        _places(root, _record(root))


def _merged(
    root: Path,
    kept: Record,
    known: dict[str, str],
    new_facts: Mapping[str, str],
    new_engine: Replacement | None,
    *,
    dry_run: bool,
    say: Callable[[str], None],
    ready: tuple[Answers, Path] | None = None,
    names: Mapping[str, str] | None = None,
) -> Replanned:
    """Merge this version's render with `known` answers and `new_facts` into the repository, and a new engine too.

    `ready` is a render that there is already, with the answers it is of: rendering is most of the work. `say` is told
    before anything is written where thresholds move that somebody signed.
    """
    if missing := [name for name in COMPUTED if not root.joinpath(name).is_file()]:
        raise NoRecord(root, missing[0])
    tracked, elsewhere, hosted, places = _places(root, kept)
    before = _plan_before(root / "plan/plan.json")
    texts = answers.merge(_of_this_metric(known, new_facts), new_facts)
    rows = _rows_called(before, names or {})
    complete = _with_kept_numbers(texts, rows, root / "plan/requirements.yaml")
    with tempfile.TemporaryDirectory() as scratch:
        same = ready is not None and ready[0].raw == complete.raw
        tree = ready[1] if ready and same else render.generate(complete, Path(scratch))
        theirs = _rendered(tree)
        # Packing the record costs more than merging, and a dry run writes none.
        fresh = [] if dry_run else _fresh_record(tree, complete, kept, root, with_engine=new_engine is not None)
    fresh += new_engine.changes if new_engine else ()
    by, called, deed = _names(new_engine is not None)
    own = {path for path in tracked or _files_below(root) if not path.startswith(f"{render.RECORD}/")}
    renamings = _renamings(before, complete, names or {})
    merged = merge.three_way(
        root, kept.base, theirs,
        own=own, computed=COMPUTED, elsewhere=elsewhere, called=called, renamings=renamings,
    )  # fmt: skip
    fresh += _renumbered(root, before, complete, {*own}.difference(change.path for change in merged.changes))
    after = context.plan_of(complete)
    if warning := _signed_moves(root, before, after):
        say(warning)
    if not dry_run:
        touched = {change.path for change in (*merged.changes, *fresh)}
        places |= {elsewhere.get(path, path) for path in theirs}
        _refuse_uncommitted(root, {*places, *touched, record.BASE, record.STATE}, hosted)
        unmerged = vcs.unmerged_entries(root, merged.conflicts) if tracked and merged.conflicts else ""
        changes = [*merged.changes, *fresh]
        if changes:
            journal.write(root, changes, unmerged, deed)
    return Replanned(
        root,
        before,
        after,
        tuple(change.path for change in merged.changes if change.content is not None),
        tuple(change.path for change in merged.changes if change.content is None),
        tuple(sorted(merged.conflicts)),
        merged.deleted,
        merged.kept,
        merged.beside,
        bool(tracked),
        tuple(change.path for change in merged.changes if _only_beside(change)),
        by,
        _diff(merged.changes) if dry_run and new_engine else "",
    )


def _signed_moves(root: Path, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> str:
    """Which signed thresholds a new plan moves, old and new, and what holds them; "" where none moves, or is signed."""
    signed = root / agreed.SIGNATURE
    if not signed.is_file() or signed.read_bytes().strip() in (b"", b"[]"):
        return ""
    if not (changes := agreed.moved(before, after)):
        return ""
    looks = root / "evidence/test_access.log"
    late = looks.is_file() and bool(looks.read_text("utf-8").strip())
    then = (
        "Somebody has looked at the test rows, so that signing anew comes too late."
        if late
        else "They are to be signed again."
    )
    answer = agreed.holding(changes, invocation.command())
    keep = f" The gain stays what it was with: {answer}" if answer else ""
    return f"This moves thresholds that were signed: {agreed.told(changes)}. {then}{keep}"


def _only_beside(change: Change) -> bool:
    """Whether a change of the page of acceptance leaves all that is signed of it as it was."""
    if not change.path.endswith(agreed.DOCUMENT) or change.content is None or change.seen is None:
        return False
    old, new = (agreed.signed_text(text.decode("utf-8", "replace")) for text in (change.seen, change.content))
    return old == new


def _names(updates: bool) -> tuple[str, str, str]:
    """Whose changes a merge brings, how its side is marked in a conflict, and what a run that finishes it calls it."""
    if updates:
        return f"version {__version__}", vcs.name_of(__version__), f"update to {__version__}"
    return "the new plan", vcs.THEIRS, journal.REPLAN


def _places(root: Path, kept: Record) -> tuple[set[str], dict[str, str], list[str], set[str]]:
    """What git keeps, which pages lie elsewhere, which of them in a host, and where all pages lie.

    Raises `Unresolved`, and what looking into the repository raises.
    """
    tracked = vcs.tracked(root)
    elsewhere = _elsewhere(root, kept)
    hosted = [elsewhere[path] for path in kept.hosted if path in elsewhere]
    places = {elsewhere.get(path, path) for path in kept.base}
    _refuse_unresolved(root, {*tracked, *places}, hosted, in_git=bool(tracked))
    return tracked, elsewhere, hosted, places


def _called(known: dict[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """The recorded answers with capabilities under their new names.

    Raises `NoSuchCapability`, `AnotherKind`, and `Contradiction`.
    """
    if not names:
        return known
    there = questions.split(questions.text_of(known, "capabilities"))
    for old in names:
        if answers.complete(known).kind != "software" or old not in there:
            raise NoSuchCapability(old, there)
    called = known | {"capabilities": "; ".join(names.get(name, name) for name in there)}
    kept = {**answers.complete(known).requirement_ids}
    for old, new in names.items():
        label, other = (specification.labelled([("", name)])[0] for name in (old, new))
        if label in kept:
            kept[other] = kept.pop(label)
    if kept:
        called["requirement_ids"] = "; ".join(f"{label}={number}" for label, number in kept.items())
    _refuse_another_kind(known, called, names)
    return called


def _refuse_another_kind(known: dict[str, str], called: dict[str, str], names: Mapping[str, str]) -> None:
    """A rename keeps a capability's files, so it must not change who may do it. Raises `AnotherKind`."""
    before, after = (verbs.approvals(answers.complete(texts)) for texts in (known, called))
    for old in questions.split(questions.text_of(known, "capabilities")):
        new = names.get(old, old)
        if (old in before) != (new in after):
            raise AnotherKind(new, verbs.APPROVING, approves=new in after)


def _rows_called(before: dict[PlanKey, Any], names: Mapping[str, str]) -> dict[PlanKey, Any]:
    """The plan before, with capabilities under their new names: their requirements keep their numbers by them."""
    rows = [
        {**row, "capability": names.get(row["capability"], row["capability"])} for row in before.get("requirements", ())
    ]
    return {**before, "requirements": rows} if names else before


def _renamings(before: Mapping[PlanKey, Any], complete: Answers, names: Mapping[str, str]) -> list[Renaming]:
    """What becomes of each name's function, by the plan before and the one that comes."""
    plans = (before, context.plan_of(complete)) if names else ()
    old, new = (
        (
            {row["capability"]: row["function"] for row in plan["requirements"] if row["kind"] == "capability"}
            for plan in plans
        )
        if names
        else ({}, {})
    )
    return [Renaming((name, to), (old[name], new[to])) for name, to in names.items() if name in old and to in new]


def _renumbered(
    root: Path, before: Mapping[PlanKey, Any], complete: Answers, there: Collection[str]
) -> Iterator[Change]:
    """A new capability's own files, where they carry a number that the plan has given to another requirement.

    Two clones that each planned a capability gave both the same number. Once they are merged, the plan that knows both
    gives one of them another, and its files, which came with the other clone, follow.
    """
    if complete.kind != "software":
        return
    known = {row["function"] for row in before.get("requirements", ())}
    rows = context.plan_of(complete)["requirements"]
    taken = {row["id"] for row in rows}
    for row in rows:
        if row["kind"] != "capability" or row["function"] in known:
            continue
        own = {
            path: root.joinpath(path).read_bytes() for path in sorted(there) if renaming.belongs(path, row["function"])
        }
        said = {number for content in own.values() for number in MEETS.findall(content.decode("utf-8", "replace"))}
        for number in (said & taken) - {row["id"]}:
            word = re.compile(rf"\b{number}\b".encode())
            found = {path: word.sub(row["id"].encode(), content) for path, content in own.items()}
            yield from (Change(path, new, own[path]) for path, new in found.items() if new != own[path])


def _diff(changes: Iterable[Change]) -> str:
    """What changes in the team's files; plan.json and its like are left out: they are read as the six lines."""
    told = [change for change in changes if change.path not in COMPUTED and not change.path.startswith("..")]
    before = {change.path: change.seen for change in told if change.seen is not None}
    after = {change.path: change.content for change in told if change.content is not None}
    return vcs.patch(before, after).decode("utf-8", "replace")


def _of_this_metric(known: dict[str, str], new_facts: Mapping[str, str]) -> dict[str, str]:
    """The recorded answers; where another metric is to decide, without what was confirmed of the old one.

    Raises `AnotherMetric` where a number would be taken over in the old one's unit.
    """
    old, new = (answers.complete(texts).get("metric") for texts in (known, _without_values(known) | dict(new_facts)))
    if old == new:
        return known
    said = {
        key: text
        for key in questions.in_the_metrics_unit()
        if (text := known.get(key, ""))
        and key not in new_facts
        and text != questions.default(questions.load()[key], known)
    }
    if not questions.is_own(new):
        said = {key: text for key, text in said.items() if not key.startswith("metric_")}
    if said:
        raise AnotherMetric(str(old), str(new), said)
    confirmed = [
        key
        for key in questions.split(questions.text_of(known, "confirmed"))
        if key not in questions.in_the_metrics_unit()
    ]
    return known | {"confirmed": "; ".join(confirmed)}


def _without_values(known: Mapping[str, str]) -> dict[str, str]:
    """The recorded answers without those counted in the metric's unit, which could be out of another one's range."""
    return {key: text for key, text in known.items() if key not in questions.in_the_metrics_unit()}


def _elsewhere(root: Path, kept: Record) -> dict[str, str]:
    """Path of a render → where it lies instead: a proposal, or, as seen from the root, at the top of its host."""
    moved = {path: f"{report.PROPOSALS}/{path}" for path in kept.declined}
    if kept.hosted and (top := vcs.surroundings(root).top):
        up = os.path.relpath(top, root).replace(os.sep, "/")
        moved |= {path: f"{up}/{place}" for path, place in kept.hosted.items()}
    return moved


def _refuse_unresolved(root: Path, paths: Iterable[str], hosted: Iterable[str], *, in_git: bool) -> None:
    marked = [path for path in sorted(paths) if merge.marked(journal.bytes_at(root, path) or b"")]
    if unresolved := sorted({*vcs.unmerged(root, hosted), *marked}):
        raise Unresolved(root, unresolved, in_git=in_git)


def _refuse_uncommitted(root: Path, paths: set[str], hosted: Iterable[str]) -> None:
    """What was made beside the plan's pages, such as evidence, cannot be mixed up with them and is nobody's matter."""
    if mixed := sorted(vcs.uncommitted(root, hosted) & paths):
        raise NotCommitted(root, mixed, first=not vcs.has_commits(root))


def _fresh_record(tree: Path, complete: Answers, kept: Record, root: Path, *, with_engine: bool) -> list[Change]:
    """The record's new files where they differ; facts in state.json that are not the render's stay in it.

    So does what it says of the engine, unless that changes with the rest.
    """
    render.write_record(tree, tree, complete)
    state = json.loads(tree.joinpath(record.STATE).read_text("utf-8"))
    if not with_engine:  # then an update of the engine is still due, where it was before
        for of_the_version in ("engine_sha256", "template_sha256", "template_commit"):
            del state[of_the_version]
    text = json.dumps({**kept.state, **state}, indent=2, ensure_ascii=False) + "\n"
    new = {record.BASE: tree.joinpath(record.BASE).read_bytes(), record.STATE: text.encode()}
    seen = {path: root.joinpath(path).read_bytes() for path in new}
    return [Change(path, content, seen[path]) for path, content in new.items() if content != seen[path]]


def _files_below(root: Path) -> set[str]:
    """The files of a folder without history, but for caches and environments: a page may live on under another name."""
    found = set()
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ("__pycache__", "store")]
        found |= {Path(folder, name).relative_to(root).as_posix() for name in names}
    return found


def _with_kept_numbers(texts: dict[str, str], before: Mapping[PlanKey, Any], own: Path) -> Answers:
    """The complete answers; where the plain order would give a requirement another's number, with `requirement_ids`."""
    complete = answers.complete(texts)
    if complete.kind != "software":
        return complete
    kept = {**complete.requirement_ids} | _numbers(before.get("requirements", ()))
    highest = max([*kept.values(), *_own_numbers(own)], default=0)
    wanted = _numbers(context.plan_of(complete)["requirements"])
    if all(number == kept[label] if label in kept else number > highest for label, number in wanted.items()):
        return complete
    listed = kept | ({OWN: highest} if highest > max(kept.values(), default=0) else {})
    return answers.complete(texts | {"requirement_ids": "; ".join(f"{key}={value}" for key, value in listed.items())})


def _numbers(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    rows = list(rows)
    labels = specification.labelled([(row["about"], row["capability"]) for row in rows])
    return {label: int(row["id"].removeprefix("R-")) for label, row in zip(labels, rows, strict=True)}


def _own_numbers(path: Path) -> list[int]:
    """The numbers in the team's page of requirements, its own ones among them; readable or not."""
    return [int(digits) for digits in re.findall(r"\bR-(\d{2,4})\b", path.read_text("utf-8"))] if path.is_file() else []


def recorded(folder: Path) -> dict[str, str]:
    """The repository's answers: project.yaml as it stands, and what people have confirmed since.

    Raises `UnreadablePlan` where the list of assumptions cannot be read.
    """
    texts = answers.read(folder / "plan/project.yaml")
    kept = questions.split(questions.text_of(texts, "confirmed"))
    return texts | {"confirmed": "; ".join(dict.fromkeys([*kept, *_confirmed(folder / "plan/assumptions.yaml")]))}


def _confirmed(path: Path) -> list[str]:
    """The keys of the assumptions that a person has put a name to."""
    try:
        rows = yamltext.load(path.read_text("utf-8")) or []
        return [row["key"] for row in rows if row.get("confirmed_by")]
    except (UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise UnreadablePlan(path, "it is not a list of assumptions, each with its key") from error


def _plan_before(path: Path) -> dict[PlanKey, Any]:
    try:
        plan = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UnreadablePlan(path, f"it is not JSON ({error})") from error
    if not isinstance(plan, dict):
        raise UnreadablePlan(path, "it holds no plan")
    return plan


def changed_numbers(replanned: Replanned) -> list[tuple[str, Any, Any]]:
    """(key, before, after) of each number that moved."""
    old, new = (dict(entries(plan)) for plan in (replanned.before, replanned.after))
    return [
        (key, old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if (old.get(key) or {}).get("value") != (new.get(key) or {}).get("value")
    ]
