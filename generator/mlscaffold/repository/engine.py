"""The engine in a repository: whether it is as it was released, what a new one changes, and what a team edited in it.

It is in neither the record's archive nor a merge: it is replaced whole, and a team's edits of it are kept as a patch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlscaffold import render, vcs
from mlscaffold.repository import journal, lineends
from mlscaffold.repository.journal import Change

FOLDER = "engine"
MEASURING = f"{FOLDER}/planrun_ml/measuring/"  # what the lock of a machine learning repository holds

Engine = Mapping[str, bytes]  # path from the repository's root → content with line feeds alone


@dataclass(frozen=True)
class Replacement:
    """How a new engine comes into a repository.

    `here` is False where the repository has none of its own, but installs one. `edited` are the files in which the
    old one was no longer as released; `patch` is where that is kept, and `on_release` says that it is against the
    release they were edited in, not against the new one. `measuring` says that other modules measure now.
    """

    changes: tuple[Change, ...]
    here: bool
    edited: tuple[str, ...] = ()
    patch: str = ""
    on_release: bool = True
    measuring: bool = False


def replaced(root: Path, new: Engine, released: str, version: str) -> Replacement:
    """What puts the engine `new` in the place of the repository's; `released` is the digest it was delivered with.

    Raises `GitFailed` where git cannot say what was edited.
    """
    old = render.engine_of(root)
    if not old:
        return Replacement((), here=False)
    changes = [_change(root, path, new.get(path)) for path in sorted(old.keys() | new.keys())]
    kept = tuple(change for change in changes if change is not None)
    measuring = any(old.get(path) != new.get(path) for path in old.keys() | new.keys() if path.startswith(MEASURING))
    if render.engine_sha256(old) == released:
        return Replacement(kept, here=True, measuring=measuring)
    base = _as_released(root, released)
    against = new if base is None else base
    edited = tuple(path for path in sorted(old.keys() | against.keys()) if old.get(path) != against.get(path))
    place = _free(root, f"{render.RECORD}/engine-edits-{version}")
    patch = Change(place, vcs.patch(against, old), None)
    return Replacement((*kept, patch), True, edited, place, base is not None, measuring)


def _as_released(root: Path, released: str) -> dict[str, bytes] | None:
    """The engine as it was delivered, from the repository's history; None where no commit holds it."""
    for commit in vcs.commits_of(root, FOLDER):
        found = {path: lineends.plain(content) for path, content in vcs.files_at(root, commit, FOLDER).items()}
        if render.engine_sha256(found) == released:
            return found
    return None


def _change(root: Path, path: str, content: bytes | None) -> Change | None:
    """The change of one file, which gets the line ends that it had; None where it stays."""
    seen = journal.bytes_at(root, path)
    if content is None:
        return Change(path, None, seen) if seen is not None else None
    fresh = lineends.restored(content, seen, crlf=False)
    return None if fresh == seen else Change(path, fresh, seen)


def _free(root: Path, stem: str) -> str:
    names = (f"{stem}.patch", *(f"{stem}-{number}.patch" for number in range(2, 1000)))
    return next(name for name in names if not root.joinpath(name).exists())
