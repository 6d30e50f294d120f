"""Which engine this is: its version, whether it is as it was released, and one hash of all that was imported."""

import functools
import hashlib
import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import planrun
from planrun.files import canonical, left_over
from planrun.rigor import ENGINES

MANIFEST = "manifest.json"  # in each package of a release: the hash of every file


def manifest_of(package: ModuleType) -> dict[str, str]:
    """The SHA-256 of each file of an imported package, by its path below it.

    Line ends do not count, nor what programs leave there: caches, editors' copies.
    """
    folder = Path(str(package.__file__)).parent
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for name, path in files.items()
        if name.as_posix() != MANIFEST and not left_over(name)
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
        now = manifest_of(package)
        try:
            wanted = dict(json.loads(released.read_text("utf-8"))["files"])
        except (ValueError, KeyError, TypeError):  # no list of hashes any more: nothing can be held against it
            found.append(f"{package.__name__}/{MANIFEST}")
            continue
        found += [
            f"{package.__name__}/{path}"
            for path in sorted(wanted.keys() | now.keys())
            if wanted.get(path) != now.get(path)
        ]
    return found


def facts(kind: str) -> dict[str, Any]:
    """The engine for a program: version, state (released, edited or source), the edited files, and its one hash."""
    changes = edited(kind)
    return {
        "version": planrun.__version__,
        "state": "source" if changes is None else "edited" if changes else "released",
        "edited": changes or [],
        "sha256": engine_sha256(kind),
    }


def told(kind: str) -> str:
    """The engine in one line: version, and whether it is as it was released."""
    known = facts(kind)
    changes = known["edited"]
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    states = {
        "released": "as it was released",
        "edited": f"edited here: {', '.join(changes[:3])}{more}",
        "source": "run from its source",
    }
    return f"planrun {known['version']}, {states[known['state']]}"
