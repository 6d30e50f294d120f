"""Small files and the errors people see: reading, hashing, and writing so that a crash leaves nothing torn."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from planrun.git import way_back
from planrun.trouble import Blocked, Trouble

# Builds texts and lists only; libyaml's is ten times as quick, where it is there.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def canonical(content: Any) -> str:
    """Hash of plain data, whatever the order or layout it was written in."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256(path: Path) -> str:
    """Hash of a file; of a text, told from other files as git does, it is the same whatever its line ends are."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        block = file.read(1 << 20)
        is_text = b"\0" not in block[:8000]
        while block:
            while is_text and block.endswith(b"\r") and (more := file.read(1)):
                block += more  # a line end stays in one piece
            found.update(block.replace(b"\r\n", b"\n") if is_text else block)
            block = file.read(1 << 20)
    return found.hexdigest()


def left_over(path: Path) -> bool:
    """Whether programs have left this file beside what people write: interpreters, editors, file managers."""
    hidden = any(part.startswith((".", "__pycache__")) or part.endswith(".egg-info") for part in path.parts)
    return hidden or path.suffix in (".pyc", ".swp", ".orig", ".rej", ".bak") or path.name.endswith("~")


def now() -> str:
    """This moment in UTC as ISO 8601 with milliseconds, as evidence and signatures are dated."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def named(path: Path) -> str:
    """A file's path as it is typed in the repository's folder."""
    root = next((folder for folder in path.parents if (folder / "plan" / "project.yaml").is_file()), path.parent)
    return path.relative_to(root).as_posix()


def restoring(path: Path, sound: Callable[[str], bool] = bool, instead: str = "") -> str:
    """What brings a file back: git where a commit holds it, else the command that makes it, else whoever wrote it."""
    name = named(path)
    root = Path(str(path).removesuffix(name))
    return way_back(root, name, sound) or instead or f"Write {name} anew: no commit holds it"


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _is_yaml(text: str) -> bool:
    try:
        return bool(yaml.load(text, Loader=LOADER))  # noqa: S506  (see LOADER)
    except yaml.YAMLError:
        return False


def read_json(path: Path, instead: str = "") -> dict[str, Any]:
    """A JSON file; `instead` is the command that makes it anew, where git does not hold it.

    Raises `Blocked` where it is missing, `Trouble` where it is no JSON.
    """
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise Blocked(f"{named(path)} is missing.", restoring(path, _is_json, instead)) from None
    except (ValueError, TypeError) as error:
        raise Trouble(f"{named(path)} is not JSON: {error}.", restoring(path, _is_json, instead)) from None


def read_yaml(path: Path, default: Any = None) -> Any:
    """A YAML file with every scalar as the text that was typed.

    Raises `Blocked` where it is missing and nothing stands in, `Trouble` where it is no YAML.
    """
    if not path.is_file() and default is not None:
        return default
    try:
        found = yaml.load(path.read_text("utf-8"), Loader=LOADER)  # noqa: S506  (see LOADER)
        return found or ({} if default is None else default)
    except FileNotFoundError:
        raise Blocked(f"{named(path)} is missing.", restoring(path, _is_yaml)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        what = f"line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else str(error).splitlines()[0]
        raise Trouble(f"{named(path)} is not YAML: {what}.", f"Correct it, or: {restoring(path, _is_yaml)}") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML file of `key: value` lines. Raises `Trouble` where it is something else, and what `read_yaml` raises."""
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise Trouble(f"{named(path)} is no list of `key: value` lines.", restoring(path, _is_yaml))
    return found


def rows_of(root: Path, path: str, key: str = "") -> list[dict[str, Any]]:
    """The rows of a YAML file, each with named fields; with `key`, those below that key. [] where there is none.

    Raises `Trouble` where something else stands in a row's place, and what `read_yaml` raises.
    """
    found = read_yaml(root / path, [])
    if key and found:
        found = found.get(key) or [] if isinstance(found, dict) else [found]
    odd = [row for row in found if not isinstance(row, dict)] if isinstance(found, list) else [found]
    if odd:
        told = f"{path} holds {str(odd[0])[:60]!r} where a row of named fields belongs."
        raise Trouble(told, f"Write `- name: value`{f' below {key}:' if key else ''}, or: {restoring(root / path)}")
    return list(found)


def write_text(path: Path, text: str) -> None:
    """Write beside the target and rename over it: a reader, or a crash, sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        put_in_place(Path(name), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def put_in_place(part: Path, path: Path) -> None:
    """Rename a finished file over its target on the same disk; after a power cut it is the old file or this one.

    The bytes reach the disk before the name does: a rename that came first could leave the name on an empty file.
    Raises `OSError` where the disk is full or refuses, with the target as it was.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    _rename(part, path)


def put_folder_in_place(part: Path, path: Path) -> None:
    """The same for a finished folder, whose target is not there yet. Raises `OSError`."""
    for inner in sorted(part.rglob("*")):
        if inner.is_file():
            with inner.open("rb+") as file:
                os.fsync(file.fileno())
    _rename(part, path)


def _rename(part: Path, path: Path) -> None:
    os.replace(part, path)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and the system keeps names with the files
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def as_text(page: str, own: str = "") -> str:
    """A Markdown page in which what data and people say stays a text: no HTML and no image, but for the line `own`."""
    parts = page.split(own) if own else [page]
    return own.join(re.sub(r"<(?=[A-Za-z/!?])", "&lt;", part).replace("![", "!\\[") for part in parts)
