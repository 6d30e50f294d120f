"""Small files and the errors people see: reading, hashing, and writing so that a crash leaves nothing torn."""

import hashlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml


class Trouble(Exception):
    """Expected trouble: one sentence that names what is wrong, and the remedy. The command exits with `code`."""

    code = 1

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.remedy = sentence, remedy


class Blocked(Trouble):
    """Something that has to come first is missing, stale, unsigned or assumed."""

    code = 2


def canonical(content: Any) -> str:
    """Hash of plain data, whatever the order or layout it was written in."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise Blocked(f"{path.name} is missing.", f"git checkout {path.parent.name}/{path.name}") from None
    except (ValueError, TypeError) as error:
        raise Trouble(f"{path.name} is not JSON: {error}.", f"git checkout {path.parent.name}/{path.name}") from None


def read_yaml(path: Path, default: Any = None) -> Any:
    """A YAML file with every scalar as the text that was typed."""
    if not path.is_file() and default is not None:
        return default
    try:
        found = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  (builds texts and lists only)
        return found or ({} if default is None else default)
    except FileNotFoundError:
        raise Blocked(f"{path.name} is missing.", f"git checkout {path.parent.name}/{path.name}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise Trouble(f"{path.name} is not YAML: {first}.", f"Correct it, or: git checkout {path.name}") from None


def write_text(path: Path, text: str) -> None:
    """Write beside the target and rename over it: a reader, or a crash, sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
