"""The team's files and a new render, merged over the render the team started from.

What is merged is what lies on the disk, whatever git thinks of it: ignored, untracked, hidden or with other line ends.
"""

import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlscaffold import vcs
from mlscaffold.errors import InTheWay
from mlscaffold.repository import journal, lineends
from mlscaffold.repository.journal import Change
from mlscaffold.repository.renaming import OWN, Renaming
from mlscaffold.vcs import File

_LARGEST = 1_000_000  # bytes; a larger file is no page of ours under a new name


_DUTIES = "docs/governance.md"
_TABLE = re.compile(rb"^\| Asked \| Answered by \| Owner \| Stands \|\n(?:\|.*\n?)*", re.MULTILINE)
_STANDS = re.compile(rb"^(\|.*\|) (?:open with|there:) (?:[^|\n]|\\\|)*\|$", re.MULTILINE)
_BORN = rb"\1 open: not looked at yet |"


@dataclass(frozen=True)
class Merged:
    """What a merge asks for, and what it leaves to people.

    `conflicts` maps a path to its sides for git's index. `deleted` are pages that the team deleted or replaced and
    the plan changed: they stay as the team left them. `kept` are pages of the team's that the new plan no longer has.
    `beside` are files of the plan's put beside the team's, because two versions of them cannot be marked.
    """

    changes: tuple[Change, ...]
    conflicts: dict[str, dict[int, File]]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    beside: tuple[str, ...]


def marked(content: bytes) -> bool:
    """Whether a text holds the marks of a merge of ours; what has a zero byte is no text, as git sees it."""
    return b"\0" not in content and vcs.MARKED.search(content) is not None


def three_way(
    folder: Path,
    base: Mapping[str, File],
    theirs: Mapping[str, File],
    *,
    own: Collection[str],
    computed: Collection[str],
    elsewhere: Mapping[str, str] | None = None,
    called: str = vcs.THEIRS,
    renamings: Sequence[Renaming] = (),
) -> Merged:
    """Merge the new render `theirs` into `folder` over `base`.

    `elsewhere` maps paths of a render to where they lie instead, as seen from `folder`; all results name that place.
    `called` is the new render's name beside the marks of a conflict.

    `own` are further files of the team's, among which a renamed page may be. `computed` are files that are read before
    and written from the answers: the new version holds. Raises `InTheWay` where something that is no file stands in
    the place of a new one, and `GitFailed`.

    `renamings` are carried out first, in the base and in what lies on the disk: what is merged has the new names.
    """
    base, theirs = (_moved(side, elsewhere or {}) for side in (base, theirs))
    for path in computed:
        if why := journal.obstacle(folder, path):
            raise InTheWay(folder, path, why)
    apart = _plain_without(base, computed)
    planned = _plain_without(theirs, computed)
    replaced = _take_obstacles_out(folder, apart, planned)
    disk = _read(folder, {*apart, *planned}) | _read(folder, set(own) - set(computed), largest=_LARGEST)
    crlf = lineends.mostly_crlf(file.content for path, file in disk.items() if path in apart)
    apart, there, planned = _renamed(folder, renamings, apart, disk, planned)
    # A capability that the team wrote by hand, before the plan knew of it, is theirs: the plan adds nothing to it.
    planned |= {path: there[path] for path in planned if path in there and path not in apart and OWN.fullmatch(path)}
    merge = _merge(folder, apart, there, planned, called)
    found = _Sorted(there, merge)
    changes = [_change(path, file, disk if renamings else there, crlf) for path, file in found.changed.items()]
    gone = [path for path in merge.removed if path not in found.kept]
    changes += [Change(path, None, (disk if renamings else there)[path].content) for path in gone if path in disk]
    if renamings:
        touched = {change.path for change in changes}
        changes += [
            Change(path, file.content, disk[path].content if path in disk else None, file.executable)
            for path, file in there.items()
            if path not in touched and path not in gone and file != disk.get(path)
        ]
        changes += [Change(path, None, file.content) for path, file in disk.items() if path not in there]
    beside = []
    for path in found.two_versions:
        place = journal.free_name(folder, path).relative_to(folder).as_posix()
        changes.append(Change(place, merge.conflicts[path][3].content, None))
        beside.append(place)
    changes += _computed(folder, theirs, computed, crlf)
    return Merged(
        tuple(sorted(changes, key=lambda change: change.path)),
        {path: merge.conflicts[path] for path in (*found.marked, *found.two_versions)},
        tuple(sorted({*replaced, *found.deleted})),
        tuple(sorted(found.kept)),
        tuple(beside),
    )


def _renamed(
    folder: Path,
    renamings: Sequence[Renaming],
    base: dict[str, File],
    disk: dict[str, File],
    planned: dict[str, File],
) -> tuple[dict[str, File], dict[str, File], dict[str, File]]:
    """Base, disk and plan under the new names; a capability's own files are the team's, so the plan leaves them alone.

    Raises `InTheWay` where something else has the new name.
    """
    for renaming in renamings:
        try:
            base, disk = renaming.applied(base), renaming.applied(disk)
        except KeyError as error:
            raise InTheWay(folder, str(error.args[0]), f"{error.args[0]} is there already") from error
        planned = {
            path: base[path] if renaming.is_own(path) and path in base else file for path, file in planned.items()
        }
    return base, disk, planned


def _moved(files: Mapping[str, File], elsewhere: Mapping[str, str]) -> dict[str, File]:
    return {elsewhere.get(path, path): file for path, file in files.items()}


def _plain_without(files: Mapping[str, File], left_out: Collection[str]) -> dict[str, File]:
    return {
        path: File(lineends.plain(file.content), file.executable)
        for path, file in files.items()
        if path not in left_out
    }


def _take_obstacles_out(folder: Path, base: dict[str, File], theirs: dict[str, File]) -> list[str]:
    """Take paths that the team has made something else of out of the merge; those of them that the plan changed.

    A link counts as deleted, not as taken out: the page may live on under another name, which a merge follows.
    """
    replaced = []
    for path in {*base, *theirs}:
        why = journal.obstacle(folder, path)
        if not why:
            continue
        if path not in base:
            raise InTheWay(folder, path, why)
        if not why.endswith(" a link"):
            old, new = base.pop(path), theirs.pop(path, None)
            replaced += [path] if new is not None and new != old else []
    return replaced


def _read(folder: Path, paths: Collection[str], largest: int | None = None) -> dict[str, File]:
    """The ordinary files among these paths as they lie on the disk, byte for byte."""
    found = {}
    for path in sorted(paths):
        place = folder / path
        if largest is not None and place.is_file() and place.stat().st_size > largest:
            continue
        content = journal.bytes_at(folder, path)
        if content is not None:
            found[path] = File(content, bool(place.stat().st_mode & 0o100))
    return found


def _merge(
    folder: Path, base: Mapping[str, File], disk: dict[str, File], theirs: Mapping[str, File], called: str
) -> vcs.Merge:
    """Merge, and merge again with every file on the disk that a result would be written over."""
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(len(theirs) + 2):
            ours = _as_born(_plain_without(disk, ()))
            merge = vcs.Store(Path(scratch, str(turn))).merge(base, ours, theirs, called)
            over = [path for path in merge.changed if path not in disk]
            for path in over:
                if why := journal.obstacle(folder, path):
                    if path in merge.conflicts and set(merge.conflicts[path]) == {1, 3}:
                        continue  # deleted by the team: it will not be written
                    raise InTheWay(folder, path, why)
            unseen = _read(folder, over)
            if not unseen:
                return merge
            disk |= unseen
    raise AssertionError("each turn sees a file more, and there are only so many")


def _as_born(files: Mapping[str, File]) -> dict[str, File]:
    """The team's files, without what `planrun govern` wrote into the page of duties: it is no edit, and comes again."""
    if _DUTIES not in files:
        return dict(files)
    page = files[_DUTIES]
    born = _TABLE.sub(lambda table: _STANDS.sub(_BORN, table[0]), page.content)
    return {**files, _DUTIES: File(born, page.executable)}


class _Sorted:
    """The paths of a merge by what is to be done with them."""

    def __init__(self, disk: Mapping[str, File], merge: vcs.Merge) -> None:
        self.changed = dict(merge.changed)
        self.marked: list[str] = []
        self.two_versions: list[str] = []
        self.deleted: list[str] = []
        self.kept: list[str] = []
        for path, sides in merge.conflicts.items():
            result = self.changed.get(path)
            if result is not None and marked(result.content):
                self.marked.append(path)
            elif set(sides) == {1, 2}:
                self.kept.append(path)
                self.changed.pop(path, None)
            elif set(sides) == {1, 3}:
                self.deleted.append(path)
                self.changed.pop(path, None)
            elif {2, 3} <= set(sides) and sides[2].content != sides[3].content:
                self.two_versions.append(path)
                self.changed.pop(path, None)


def _change(path: str, file: File, disk: Mapping[str, File], crlf: bool) -> Change:
    own = disk.get(path)
    seen = None if own is None else own.content
    return Change(path, lineends.restored(file.content, seen, crlf=crlf), seen, file.executable)


def _computed(folder: Path, theirs: Mapping[str, File], paths: Collection[str], crlf: bool) -> list[Change]:
    changes = []
    for path in paths:
        seen = journal.bytes_at(folder, path)
        if path in theirs and (seen is None or lineends.plain(seen) != lineends.plain(theirs[path].content)):
            changes.append(_change(path, theirs[path], {path: File(seen)} if seen is not None else {}, crlf))
    return changes
