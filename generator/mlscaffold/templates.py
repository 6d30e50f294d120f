"""Where the templates lie, and which files are theirs: the one definition for rendering, records, merges and wheels.

A checkout has them as folders, to be read and edited. An installation has them in one archive: installers and images
compile every `.py` below site-packages, and what they leave beside a template would be copied with it.
"""

import contextlib
import fnmatch
import functools
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath

CHECKOUT = Path(__file__).resolve().parents[2]
ARCHIVE = "_template.zip"  # beside this file
PARTS = "templates"  # beside a kind's files: parts of pages, where cookiecutter looks for what a template includes
TOP = "mlscaffold"  # cookiecutter takes an archive as a template when it holds one folder

# Made by programs beside what people write: interpreters, test runners, type checkers, editors, file managers, version
# control. None of it belongs to a template, wherever it lies and whichever door copies the folder.
FOREIGN_FOLDERS = (
    *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints"),
    *(".git", ".hg", ".svn", ".idea", ".vscode", ".venv", ".tox", ".nox", "node_modules", "__macosx", "*.egg-info"),
)
FOREIGN_FILES = (
    *("*.pyc", "*.pyo", "*.pyd", ".coverage", ".git"),
    *(".ds_store", "._*", "thumbs.db", "desktop.ini", ".directory", ".nfs*", ".fuse_hidden*"),
    *("*~", "#*#", ".#*", "*.swp", "*.swo", "*.swn", "*.un~", "*.bak", "*.orig", "*.rej", "*.tmp"),
)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns), re.IGNORECASE)


_FOLDER, _FILE = _any_of(FOREIGN_FOLDERS), _any_of(FOREIGN_FILES)


# What the engine's files are called: they are copied as they are.
COPIED = (".json", ".md", ".py", ".toml", ".typed")


def is_copied(path: str) -> bool:
    """Whether a template's file is copied without being rendered, by its path below the template's folder."""
    return PurePath(path).parts[0] == "engine" and path.endswith(COPIED)


def belongs(path: str | PurePath) -> bool:
    """Whether a file is a template's own (or a rendered tree's), by its path below the template's folder."""
    parts = PurePath(path).parts
    return not any(_FOLDER.match(part) for part in parts[:-1]) and not _FILE.match(parts[-1])


def files_of(folder: Path) -> list[Path]:
    """The files below a folder that belong to it, sorted by path."""
    return [folder / path for path, entry in entries_of(folder) if entry.is_file()]


def entries_of(folder: Path | str, below: str = "") -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """What belongs to a folder and is no folder itself, sorted by path: the path from it, and what the system says.

    Links are told as what they are, and none is followed.
    """
    with os.scandir(folder) as found:
        listed = sorted(found, key=lambda entry: entry.name)
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            if not _FOLDER.match(entry.name):
                yield from entries_of(entry.path, f"{below}{entry.name}/")
        elif not _FILE.match(entry.name):
            yield f"{below}{entry.name}", entry


@functools.cache
def fingerprint(kind: str) -> str:
    """One SHA-256 for all that a kind is rendered from: the same in a checkout, whatever its line ends, and installed.

    It says which templates a repository was made from, also between two releases and where no commit is known; whether
    an update is due is asked of it alone. The commit beside it in the record is for people (`origin.py`).
    """
    inside = f"{TOP}/templates/{kind}/"
    archive = Path(__file__).with_name(ARCHIVE)
    if archive.is_file():
        with zipfile.ZipFile(archive) as packed:
            names = [name for name in packed.namelist() if name.startswith(inside) and not name.endswith("/")]
            contents = {name.removeprefix(inside): packed.read(name) for name in names}
    else:
        folder = CHECKOUT / "templates" / kind
        contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder)}
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        plain = hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
        whole.update(f"{name}\0{plain}\n".encode())
    return whole.hexdigest()


# -------------------------------------------------------------------------------------------------- in an installation


def pack(root: Path, archive: Path) -> None:
    """Write a checkout's templates into an archive that is the same bytes for the same templates."""
    names = [root / "cookiecutter.json", *files_of(root / "templates")]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(_entry(f"{TOP}/", 0o40755), b"")
        for path in names:
            mode = 0o100755 if is_script(path.read_bytes()) else 0o100644
            packed.writestr(_entry(f"{TOP}/{path.relative_to(root).as_posix()}", mode), path.read_bytes())


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # dated 1980, whatever the clock says
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, wherever it is packed: the mode below is one
    entry.external_attr = mode << 16
    return entry


def is_script(content: bytes) -> bool:
    """Whether a file is to be executable: by its content, since modes differ with file systems and installers."""
    return content.startswith(b"#!")


@contextlib.contextmanager
def template(kind: str) -> Iterator[Path]:
    """The folder of one kind's template, with its cookiecutter.json; from an archive it is unpacked, and gone after."""
    archive = Path(__file__).with_name(ARCHIVE)
    if not archive.is_file():
        yield CHECKOUT / "templates" / kind
        return
    with tempfile.TemporaryDirectory(prefix="mlscaffold-") as name, zipfile.ZipFile(archive) as packed:
        inside = f"{TOP}/templates/{kind}/"
        packed.extractall(name, [entry for entry in packed.namelist() if entry.startswith(inside)])
        yield Path(name, inside)
