"""What takes long to work out, remembered by all that it depends on, and never taken from a file that somebody typed.

Each entry carries a code that only this copy of the repository can make: the key lies in git's own folder, in no
commit, and is never pushed, fetched or cloned. An entry with another code is not there, so that what a person writes
into `.cache/`, or brings along from elsewhere, opens nothing. Who may write git's folder can deceive this one copy;
another one, such as a pipeline's, works everything out again. Without git nothing outlives the process.
"""

import hashlib
import hmac
import json
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any

from planrun.files import canonical, write_text
from planrun.git import git

CACHE = Path(".cache", "remembered.json")
KEY = "planrun.key"
MOST = 400  # entries; the oldest go first

_here: dict[tuple[str, str], Any] = {}  # of this process


def recall(root: Path, *about: Any) -> Any:
    """What was remembered about exactly this (plain data), as it was given to `remember`; None where nothing was."""
    name = canonical(list(about))
    if (str(root), name) in _here:
        return _here[str(root), name]
    entry = _entries(root).get(name)
    if not isinstance(entry, dict) or not hmac.compare_digest(str(entry.get("code")), _code(root, name, entry)):
        return None
    return entry["said"]


def remember(root: Path, said: Any, *about: Any) -> None:
    """Remember what was worked out about exactly this; for this process alone where git's folder takes no key."""
    name = canonical(list(about))
    _here[str(root), name] = said
    if not _key(root):
        return
    entry = {"said": said}
    known = {key: value for key, value in _entries(root).items() if key != name}
    known[name] = entry | {"code": _code(root, name, entry)}
    write_text(root / CACHE, json.dumps(dict(list(known.items())[-MOST:])))


def _entries(root: Path) -> dict[str, Any]:
    try:
        found = json.loads((root / CACHE).read_text("utf-8"))
    except (OSError, ValueError):  # not there, or torn: what is not remembered is worked out again
        return {}
    return found if isinstance(found, dict) else {}


def _code(root: Path, name: str, entry: dict[str, Any]) -> str:
    key = _key(root)
    told = canonical([name, entry.get("said")])
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest() if key else secrets.token_hex()


@lru_cache(maxsize=8)
def _key(root: Path) -> bytes:
    """This copy's key, made the first time; empty where there is no git, or its folder cannot be written to."""
    folder = git(root, "rev-parse", "--git-common-dir")
    if not folder:
        return b""
    path = (root / folder / KEY).resolve()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    except OSError:
        return b""
    try:
        return path.read_bytes()
    except OSError:
        return b""
