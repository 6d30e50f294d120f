"""The record in `.mlscaffold/`: the pristine render that the team started from, and what it was made of."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mlscaffold import __version__, questions, render
from mlscaffold.errors import DamagedRecord, NewerRecord, NoRecord
from mlscaffold.vcs import File

BASE, STATE = f"{render.RECORD}/base.tar.gz", f"{render.RECORD}/state.json"
_MOST = 200_000_000  # bytes; a render has well under a million


@dataclass(frozen=True)
class Record:
    """The pristine files by path, the facts of state.json, and which files lie elsewhere than their path says.

    `declined` are paths that were somebody's before; the template's versions of them are proposals beside the record.
    `hosted` maps a path to one from the top of the repository around this one, where its code host reads it.
    """

    base: dict[str, File]
    state: dict[str, Any]
    declined: tuple[str, ...] = ()
    hosted: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version of mlscaffold that wrote it."""
        return str(self.state["version"])


def read(folder: Path) -> Record:
    """The record of the repository at `folder`.

    Raises `NoRecord` where a part is missing, `NewerRecord` where a newer mlscaffold wrote it, and `DamagedRecord`
    where it cannot be what mlscaffold wrote.
    """
    if folder.joinpath(render.RECORD).is_symlink():
        raise DamagedRecord(folder / render.RECORD, "it is a link, and nothing is read or written through one")
    for name in (BASE, STATE):
        if not folder.joinpath(name).is_file():
            raise NoRecord(folder, name)
    state = _state(folder / STATE)
    base = _base(folder / BASE)
    if {name: hashlib.sha256(file.content).hexdigest() for name, file in base.items()} != state["files"]:
        raise DamagedRecord(folder / BASE, "its files are not those that state.json lists")
    declined, hosted = state.get("declined", []), state.get("hosted", {})
    told = isinstance(declined, list) and isinstance(hosted, dict)
    if not told or not all(isinstance(name, str) for name in (*declined, *hosted, *hosted.values())):
        raise DamagedRecord(folder / STATE, "what it says of declined and hosted files is no list of paths")
    for name in (*declined, *hosted.values()):
        if _leads_out(name):
            raise DamagedRecord(folder / STATE, f"it names {name}, which is no place for a file of a render")
    return Record(base, state, tuple(declined), hosted)


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text("utf-8"))
    except ValueError as error:  # no JSON, or no UTF-8
        raise DamagedRecord(path, f"it is not JSON ({error})") from error
    if not isinstance(state, dict) or not isinstance(state.get("files"), dict):
        raise DamagedRecord(path, "it lists no files")
    if state.get("template") not in questions.KINDS:
        raise DamagedRecord(path, f"its template is {json.dumps(state.get('template'))}, which is none of ours")
    version = state.get("version")
    numbers = _numbers(version) if isinstance(version, str) else None
    if numbers is None:
        raise DamagedRecord(path, f"its version is {json.dumps(version)}, which is no version of mlscaffold")
    ours = _numbers(__version__)
    if ours is not None and numbers > ours:
        raise NewerRecord(path, str(version), __version__)
    return state


def _numbers(version: str) -> tuple[int, ...] | None:
    """0.1.0 → (0, 1, 0); None where the text begins with no version."""
    release = version.split("+")[0].split(".dev")[0]
    parts = release.split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else None


def _base(path: Path) -> dict[str, File]:
    try:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes()), mode="r:gz") as archive:
            members = archive.getmembers()
            if sum(member.size for member in members) > _MOST:
                raise DamagedRecord(path, "it holds more than a render ever does")
            return {member.name: _file(path, archive, member) for member in members}
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DamagedRecord(path, f"it is cut short or no archive ({error})") from error


def _file(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> File:
    if _leads_out(member.name):
        raise DamagedRecord(path, f"it names {member.name}, which is no place for a file of a render")
    content = archive.extractfile(member) if member.isfile() else None
    if content is None:
        raise DamagedRecord(path, f"its entry {member.name} is no file")
    return File(content.read(), bool(member.mode & 0o100))


def _leads_out(name: str) -> bool:
    """Whether a path leads out of its folder, into git's own part of it or into the record."""
    parts = PurePosixPath(name).parts
    leads_out = name.startswith("/") or "\\" in name or ":" in name or ".." in parts
    return leads_out or not parts or parts[0].lower() in (".git", render.RECORD)
