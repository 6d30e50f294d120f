"""Which engine this is: its version, whether it is as it was released, and one hash of all that was imported."""

import functools
import hashlib
import importlib
import json
from pathlib import Path
from types import ModuleType

import planrun
from planrun.files import canonical
from planrun.rigor import ENGINES

MANIFEST = "manifest.json"  # in each package of a release: the hash of every file


def manifest_of(package: ModuleType) -> dict[str, str]:
    """The SHA-256 of each file of an imported package, by its path below it; line ends and caches do not count."""
    folder = Path(str(package.__file__)).parent
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for path in files
        if path.name != MANIFEST
    }


def packages(kind: str) -> tuple[ModuleType, ModuleType]:
    """The shared package, and the one of this kind of repository."""
    return planrun, importlib.import_module(ENGINES[kind])


@functools.cache
def engine_sha256(kind: str) -> str:
    """One hash for the engine of a kind of repository, whichever folder it was imported from."""
    return canonical({package.__name__: manifest_of(package) for package in packages(kind)})


def edited(kind: str) -> list[str] | None:
    """The files that differ from the release, came or went; None where the engine is no release but its source."""
    found: list[str] = []
    for package in packages(kind):
        released = Path(str(package.__file__)).parent / MANIFEST
        if not released.is_file():
            return None
        wanted, now = json.loads(released.read_text("utf-8"))["files"], manifest_of(package)
        found += [
            f"{package.__name__}/{path}"
            for path in sorted(wanted.keys() | now.keys())
            if wanted.get(path) != now.get(path)
        ]
    return found


def told(kind: str) -> str:
    """The engine in one line: version, and whether it is as it was released."""
    changes = edited(kind)
    if changes is None:
        state = "run from its source"
    elif changes:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        state = f"edited here: {', '.join(changes[:3])}{more}"
    else:
        state = "as it was released"
    return f"planrun {planrun.__version__}, {state}"
