"""Where a preset's files come from: a file, a folder with preset.yaml in it, or a git address with a branch or tag."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlscaffold import vcs
from mlscaffold.errors import UnreadablePreset

MAIN = "preset.yaml"
ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)[^#\s]+")
SECRET = re.compile(r"(?<=//)[^/@]*:[^/@]*@")  # a user name with a password
MOST_FILES, MOST_BYTES = 200, 1_000_000


@dataclass(frozen=True)
class Files:
    """A preset as text: where it is from, the commit where it is from git, and its files by path."""

    address: str
    commit: str
    files: Mapping[str, str]

    def for_record(self) -> dict[str, Any]:
        """What the repository keeps of a preset in its record, so that `of_record` reads the same files again."""
        return {"source": self.address, "commit": self.commit, "files": dict(self.files)}


def fetched(name: str) -> Files:
    """The files at a source. Raises `UnreadablePreset`, and `GitFailed` where an address does not answer."""
    address, _, ref = name.partition("#")
    if ADDRESS.fullmatch(address):
        if SECRET.search(address):
            raise UnreadablePreset(SECRET.sub("", name), "its address holds a password, which would be kept in files")
        return _of_git(address, ref, name)
    path = Path(name).expanduser()
    if path.is_dir():
        return Files(str(path.resolve()), "", _read(path.resolve()))
    if not path.is_file():
        raise UnreadablePreset(name, "there is no such file or folder")
    whole = path.resolve()
    # A file alone may name pages beside it; a folder that holds much else is not read for that.
    return Files(str(whole), "", {MAIN: _text(whole, name)} | _beside(whole))


def of_record(kept: Any) -> Files:
    """What a repository's record kept. Raises `UnreadablePreset` where it is no preset's files."""
    files = kept.get("files") if isinstance(kept, dict) else None
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise UnreadablePreset("The record in .mlscaffold/state.json", "what it keeps of a preset is damaged")
    return Files(str(kept.get("source", "")), str(kept.get("commit", "")), files)


def _of_git(address: str, ref: str, name: str) -> Files:
    with tempfile.TemporaryDirectory(prefix="mlscaffold-preset-") as scratch:
        bare = Path(scratch, "bare")
        vcs.fetch(address, ref, bare)
        commit = vcs.commit_of(bare)
        if commit is None:
            raise UnreadablePreset(name, "it holds no commit")
        paths = [path for path in vcs.committed_paths(bare, commit.sha) if _belongs(path)]
        contents = vcs.contents(bare, commit.sha, paths)
    return Files(
        name, commit.sha, _bounded({path: _decoded(text, path, name) for path, text in contents.items()}, name)
    )


def _read(folder: Path) -> dict[str, str]:
    """The preset's files in a folder, links left out."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    named = {path.relative_to(folder).as_posix(): path for path in found}
    texts = {name: _text(path, str(folder)) for name, path in named.items() if _belongs(name)}
    return _bounded(texts, str(folder))


def _beside(path: Path) -> dict[str, str]:
    folder = path.parent / "documents"
    inside = _read(path.parent) if folder.is_dir() else {}
    return {name: text for name, text in inside.items() if name.startswith("documents/")}


def _belongs(path: str) -> bool:
    """preset.yaml, and the pages that it names, which lie in documents/."""
    return path == MAIN or (path.startswith("documents/") and not any(part.startswith(".") for part in path.split("/")))


def _bounded(files: dict[str, str], name: str) -> dict[str, str]:
    if MAIN not in files:
        raise UnreadablePreset(name, f"it holds no {MAIN}")
    if len(files) > MOST_FILES or sum(map(len, files.values())) > MOST_BYTES:
        raise UnreadablePreset(name, f"it holds more than {MOST_FILES} files or {MOST_BYTES:,} letters")
    return files


def _text(path: Path, name: str) -> str:
    try:
        return _decoded(path.read_bytes(), path.name, name)
    except OSError as error:
        raise UnreadablePreset(name, f"{path.name} cannot be read ({error.strerror or error})") from error


def _decoded(content: bytes, path: str, name: str) -> str:
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadablePreset(name, f"{path} is not UTF-8 text") from error
