"""Many files change together or not at all, whatever ends the run: a full disk, Ctrl-C, SIGKILL.

Everything new is written beside the record first, with a second link to everything old. Then the journal is put in
place in one step: before it nothing has happened, after it only renames are left, which the next run can finish.
Each of these is on the disk before the next begins, so that a power cut too ends in one of the two.
"""

import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mlscaffold import disk, vcs
from mlscaffold.errors import CannotChange, ChangedMeanwhile, InTheWay, UnfinishedRun
from mlscaffold.repository import lock

JOURNAL = "journal.json"
BESIDE = ".new-plan"
REPLAN = "replan"


@dataclass(frozen=True)
class Change:
    """A file to write, or to remove where `content` is None, and what was seen in its place (None: nothing)."""

    path: str
    content: bytes | None
    seen: bytes | None
    executable: bool = False


@dataclass(frozen=True)
class Step:
    """One change as the journal keeps it: where its bytes lie in the workshop, and their hashes."""

    path: str
    number: str
    old: str | None
    new: str | None
    emptied: bool = False  # an empty folder stood there


# ------------------------------------------------------------------------------------------------- what is on the disk


def obstacle(folder: Path, path: str) -> str:
    """What keeps a file from being written at `path` without following a link or losing something; empty: nothing."""
    place = folder
    *parents, leaf = path.split("/")
    for name in parents:
        before, place = place, place / name
        kind = _kind(place, looked_into=False)
        if kind == "absent":
            return _emptiness(folder, before)
        if kind != "a folder":
            return f"{place.relative_to(folder).as_posix()} is {kind}"
    kind = _kind(place / leaf)
    if kind == "absent":
        return _emptiness(folder, place)
    return "" if kind in ("a file", "an empty folder") else f"{path} is {kind}"


def _emptiness(folder: Path, inside: Path) -> str:
    """That a folder below `folder` is empty: git knows none, so somebody has made it. Looked for where nothing is."""
    empty = inside != folder and _kind(inside) == "an empty folder"
    return f"{inside.relative_to(folder).as_posix()} is an empty folder" if empty else ""


def _kind(place: Path, *, looked_into: bool = True) -> str:
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return "absent"
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode) and not looked_into:
        return "a folder"
    if stat.S_ISDIR(mode):
        with os.scandir(place) as entries:  # one entry will do, of a folder that may hold thousands
            return "a folder" if next(entries, None) or place.is_mount() else "an empty folder"
    return "a file" if stat.S_ISREG(mode) else "no ordinary file"


def bytes_at(folder: Path, path: str) -> bytes | None:
    """The bytes of the ordinary file at `path`, reached through no link; None where there is none."""
    place = folder / path
    return place.read_bytes() if not obstacle(folder, path) and _kind(place) == "a file" else None


# ---------------------------------------------------------------------------------------------------------- writing


def write(folder: Path, changes: Sequence[Change], unmerged: str = "", deed: str = REPLAN) -> None:
    """Make all changes, or none; `unmerged` are the entries that git's index gets with them.

    `deed` is what a later run calls this one, should it have to finish it.

    Raises `CannotChange`, `ChangedMeanwhile`, `InTheWay` or `GitFailed`, after which everything is as it was.
    """
    try:
        work = lock.workshop(folder)
        steps = _prepare(folder, work, changes)
        for written in (work / "old", work / "new"):
            disk.flush_folder(written)
        told = {"deed": deed, "steps": [asdict(step) for step in steps], "unmerged": unmerged}
        _keep(work / JOURNAL, json.dumps(told).encode())
        disk.flush_folder(work)
    except BaseException as error:
        clear(folder)
        if isinstance(error, OSError):
            raise CannotChange(folder, error.strerror or str(error)) from error
        raise
    done: list[Step] = []
    finished = False
    try:
        for step in steps:
            _refuse_other(folder, work, step)
            done.append(step)
            _take(folder, work, step)
        _compare(folder, work, steps)
        _flush_places(folder, steps)
        if unmerged:
            vcs.mark_unmerged(folder, unmerged)
        finished = True
    except OSError as error:
        raise CannotChange(folder, error.strerror or str(error)) from error
    finally:
        if not finished:
            _undo(folder, work, done)
        clear(folder)


def _prepare(folder: Path, work: Path, changes: Sequence[Change]) -> list[Step]:
    """Write the new bytes and link the old ones, in the workshop; nothing outside it changes."""
    steps = []
    for name in ("old", "new"):
        work.joinpath(name).mkdir()
    for count, change in enumerate(changes):
        number, place = str(count), folder / change.path
        if why := obstacle(folder, change.path):
            raise InTheWay(folder, change.path, why)
        if bytes_at(folder, change.path) != change.seen:
            raise ChangedMeanwhile(folder, [change.path])
        if change.seen is not None:
            _second_link(place, work / "old" / number)
        if change.content is not None:
            _keep(work / "new" / number, change.content)
            _like(work / "new" / number, place if change.seen is not None else None, change.executable)
        emptied = _kind(place) == "an empty folder"
        steps.append(Step(change.path, number, _hash(change.seen), _hash(change.content), emptied))
    return steps


def _keep(path: Path, content: bytes) -> None:
    """Bytes in a file under its name only once they are all on the disk."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    disk.flush(part)
    part.replace(path)


def _second_link(place: Path, link: Path) -> None:
    try:
        os.link(place, link)
    except OSError:  # a file system without links
        shutil.copy2(place, link)


def _like(new: Path, old: Path | None, executable: bool) -> None:
    """The mode and, for an administrator, the owner of the file that is replaced; `executable` as the merge says."""
    facts = (old or new).stat()
    may_run = (facts.st_mode & 0o444) >> 2
    new.chmod(stat.S_IMODE(facts.st_mode | may_run if executable else facts.st_mode & ~0o111))
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(new, facts.st_uid, facts.st_gid)


def _refuse_other(folder: Path, work: Path, step: Step) -> None:
    """Raise `ChangedMeanwhile` where another file stands in the place since it was looked at."""
    place, old = folder / step.path, work / "old" / step.number
    kind = _kind(place)
    if step.old is None:
        same = kind in ("absent", "an empty folder")
    else:
        same = kind == "a file" and (os.path.samefile(place, old) or _hash(place.read_bytes()) == step.old)
    if not same:
        raise ChangedMeanwhile(folder, [step.path])


def _take(folder: Path, work: Path, step: Step) -> None:
    """Put one step's file in its place, or take it away. Nothing is copied, so no space is needed."""
    place = folder / step.path
    if step.new is None:
        place.unlink(missing_ok=True)
        _without_empty(folder, place.parent)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if _kind(place) == "an empty folder":
        place.rmdir()
    os.replace(work / "new" / step.number, place)


def _compare(folder: Path, work: Path, steps: Iterable[Step]) -> None:
    """Raise `ChangedMeanwhile` where somebody wrote into a file after it was read: its second link holds that."""
    kept = {step.path: work / "old" / step.number for step in steps if step.old is not None}
    hashes = {step.path: step.old for step in steps}
    changed = [path for path, old in kept.items() if _hash(old.read_bytes()) != hashes[path]]
    if changed:
        raise ChangedMeanwhile(folder, changed)


def _flush_places(folder: Path, steps: Iterable[Step]) -> None:
    """Have every rename and removal on the disk before the journal that could finish it goes."""
    above = {parent for step in steps for parent in _folders_of(folder, step.path) if parent.is_dir()}
    for parent in above:
        disk.flush_folder(parent)


def _folders_of(folder: Path, path: str) -> Iterator[Path]:
    """The folders that a step may have made or removed on its way to `path`, and the one that they lie in."""
    for parent in folder.joinpath(path).parents:
        yield parent
        if parent == folder:
            return


def _undo(folder: Path, work: Path, steps: Sequence[Step]) -> None:
    for step in reversed(steps):
        place = folder / step.path
        if step.old is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(work / "old" / step.number, place)
        elif not work.joinpath("new", step.number).exists():
            place.unlink(missing_ok=True)
            _without_empty(folder, place.parent)
        if step.emptied:
            place.mkdir(parents=True, exist_ok=True)


def _without_empty(folder: Path, parent: Path) -> None:
    """Folders that hold nothing any more go with their last file, as git does it."""
    with contextlib.suppress(OSError):  # the first one that holds something ends it
        while parent != folder:
            parent.rmdir()
            parent = parent.parent


def clear(folder: Path) -> None:
    """Take the workshop away, the journal first: without it nothing is left to be done."""
    work = folder / lock.WORK
    work.joinpath(JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)


# -------------------------------------------------------------------------------------------------- after a killed run


def settle(folder: Path) -> str:
    """Finish what a killed run had begun, or sweep what it had only prepared; what was done, empty where nothing was.

    Files that somebody edited since are left alone; the plan's version is then put beside them.
    Raises `UnfinishedRun` where it cannot be finished.
    """
    work = folder / lock.WORK
    if not work.is_dir():
        return ""
    if not work.joinpath(JOURNAL).is_file():
        clear(folder)
        return "A run that was interrupted had changed nothing; what it had prepared was removed."
    try:
        kept = json.loads(work.joinpath(JOURNAL).read_text("utf-8"))
        beside = [step.path for step in (Step(**facts) for facts in kept["steps"]) if not _finish(folder, work, step)]
        _flush_places(folder, [Step(**facts) for facts in kept["steps"]])
        if kept["unmerged"] and vcs.is_inside_repository(folder):
            vcs.mark_unmerged(folder, kept["unmerged"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnfinishedRun(work, str(error)) from error
    clear(folder)
    told = f"The {kept.get('deed', REPLAN)} that was interrupted has been finished: every file and the record are its."
    if beside:
        told += f" Edited since and left alone, with the plan's version beside it ({BESIDE}): {', '.join(beside)}."
    return told


def _finish(folder: Path, work: Path, step: Step) -> bool:
    """Take a step that was not taken; False where the file was edited since, and is left as it is."""
    free = not obstacle(folder, step.path)
    now = _hash(bytes_at(folder, step.path)) if free else "?"
    if now == step.new:
        return True
    if now == step.old:
        _take(folder, work, step)
        return True
    if step.new is not None and work.joinpath("new", step.number).is_file():
        os.replace(work / "new" / step.number, free_name(folder, step.path))
    return False


def free_name(folder: Path, path: str) -> Path:
    """A name beside `path` that nothing has yet, for the plan's version of it, in a folder that is no link."""
    *parents, leaf = path.split("/")
    place = folder
    for name in parents:
        if _kind(place / name) not in ("a folder", "an empty folder"):
            break
        place = place / name
    names = [f"{leaf}{BESIDE}", *(f"{leaf}{BESIDE}-{number}" for number in range(2, 1000))]
    return next(place / name for name in names if not os.path.lexists(place / name))


def _hash(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
