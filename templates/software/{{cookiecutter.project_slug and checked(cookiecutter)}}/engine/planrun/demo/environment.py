"""The environment that the example runs in: made once in the cache folder, found again by what it was made of."""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from planrun.demo.door import DemoEnvironment, DemoPython
from planrun.demo.telling import Telling

ABANDONED = 24 * 3600.0  # seconds after which a half-made environment, whose maker cannot be asked, is swept
NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Extent:
    """What a kind needs beside its own dependencies, and how large all of it is: measured, see the tests."""

    also: tuple[str, ...]  # names of the development dependencies that the story's commands use
    packages: int
    megabytes: int


@dataclass(frozen=True)
class Needs:
    """The requirements of an example, each as pyproject.toml has it."""

    requirements: tuple[str, ...]
    extent: Extent

    @property
    def names(self) -> list[str]:
        """The packages without their versions."""
        return [name[0] for text in self.requirements if (name := NAME.match(text))]

    @property
    def folder(self) -> Path:
        """Where its environment is, or would be: the same requirements and the same Python give the same folder."""
        parts = (*sorted(self.requirements), sys.implementation.cache_tag or "", sys.platform, platform.machine())
        return cache() / f"demo-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def needs_of(repository: Path, extent: Extent) -> Needs:
    """What a rendered repository and its engine say they depend on."""
    files = (repository / "pyproject.toml", repository / "engine" / "pyproject.toml")
    own, engine = (tomllib.loads(path.read_text("utf-8")) for path in files)
    groups = [
        *own["project"].get("optional-dependencies", {}).values(),
        *own.get("dependency-groups", {}).values(),
        *engine["project"].get("optional-dependencies", {}).values(),
    ]
    also = [text for group in groups for text in group if (name := NAME.match(text)) and name[0] in extent.also]
    required = (*own["project"]["dependencies"], *engine["project"]["dependencies"], *also)
    return Needs(tuple(dict.fromkeys(required)), extent)


def cache() -> Path:
    """This program's folder below the one that the system, or the person, keeps for caches."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named).absolute() / "mlscaffold"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mlscaffold" / "Cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "mlscaffold"


def python(needs: Needs, telling: Telling, given: Path | None) -> Path:
    """The interpreter to run the example with: the one that was given, the one made before, or one made now.

    Raises `DemoPython` for a given one that lacks a package, `DemoEnvironment` where one cannot be made.
    """
    if given is not None:
        named = Path(shutil.which(given) or given).absolute()  # it will be started from another folder
        _lacks_nothing(named, needs)
        return named
    found = _interpreter(needs.folder)
    if found.exists():  # false, too, where the Python that it was made with is gone
        return found
    _make(needs, telling)
    return found


def _interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _lacks_nothing(given: Path, needs: Needs) -> None:
    asks = (
        "import importlib.metadata as m, sys\n"
        "def lacks(name):\n try: m.version(name)\n except m.PackageNotFoundError: return True\n"
        "print(*filter(lacks, sys.argv[1:]))"
    )
    try:
        done = subprocess.run([given, "-c", asks, *needs.names], capture_output=True, text=True, check=False)
    except OSError as error:
        raise DemoPython(given, f"it cannot be started: {error.strerror}") from error
    if done.returncode:
        raise DemoPython(given, f"it ended with exit code {done.returncode}")
    if lacking := done.stdout.split():
        raise DemoPython(given, f"it has no {', '.join(lacking)}")


def _make(needs: Needs, telling: Telling) -> None:
    """Install beside the final name, then rename: an interrupted installation is never taken for a finished one."""
    final, uv = needs.folder, os.environ.get("UV") or shutil.which("uv")
    extent, downloads = needs.extent, "in uv's own cache" if uv else "not kept"
    telling.note(
        f"To run, the example needs {extent.packages} packages ({', '.join(needs.names[:4])} …), about "
        f"{extent.megabytes} MB on disk. They go into {final}, once, and stay there for the next time; delete the "
        f"folder whenever you like. Downloads are {downloads}."
    )
    part = final.with_name(f".{final.name}-{os.getpid()}.part")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        if final.exists() and not _interpreter(final).exists():
            shutil.rmtree(final)
        with telling.step("install", counted=False) as step:
            since = time.monotonic()
            with _away_from_home() as settings:
                _run(_creating(uv, part), settings)
                _run(_installing(uv, part, needs.requirements), settings)
            _into_place(part, final)
            step.says(f"done in {time.monotonic() - since:.0f} s, with {'uv' if uv else 'pip'}")
    except OSError as error:
        raise DemoEnvironment(final, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        with contextlib.suppress(OSError):
            final.parent.rmdir()  # only where nothing is in it: an installation that failed leaves nothing


def _into_place(part: Path, final: Path) -> None:
    """Give a whole environment its name, unless another demo has finished first: theirs is as good."""
    try:
        part.rename(final)
    except OSError:
        if not _interpreter(final).exists():
            raise


def _creating(uv: str | None, folder: Path) -> list[str]:
    if uv:
        return [uv, "venv", "--quiet", "--no-config", "--no-project", "--python", sys.executable, str(folder)]
    return [sys.executable, "-m", "venv", str(folder)]


def _installing(uv: str | None, folder: Path, requirements: Sequence[str]) -> list[str]:
    interpreter = str(_interpreter(folder))
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", interpreter, *requirements]
    # Not compiled while installing: most of it is never imported.
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-compile", "--no-input"]
    return [interpreter, "-m", "pip", "install", *quiet, *requirements]


@contextlib.contextmanager
def _away_from_home() -> Iterator[dict[str, str]]:
    """Settings for an installer: pip asks `rustc` for its version, and rustup's stand-in then makes itself a home."""
    if Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup").is_dir():
        yield {}
        return
    with tempfile.TemporaryDirectory() as elsewhere:
        yield {"RUSTUP_HOME": elsewhere}


def _run(command: Sequence[str], settings: Mapping[str, str]) -> None:
    """Run an installer to its end, or end it with us. Raises `DemoEnvironment` with what it complains about."""
    surroundings = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    with subprocess.Popen(
        command, env=surroundings | dict(settings), text=True, encoding="utf-8", errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise DemoEnvironment(cache(), _complaint(said) or f"{command[0]} ended with exit code {process.returncode}")


def _complaint(said: str) -> str:
    """The line that names the error, with the first cause where an installer gives that below it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    at = next((place for place, line in enumerate(lines) if "error" in line.lower()), len(lines) - 1)
    cause = re.match(r"(?:caused by|cause): (.+)", lines[at + 1], re.IGNORECASE) if at + 1 < len(lines) else None
    return (lines[at] if lines else "") + (f" ({cause[1]})" if cause else "")


def _sweep(folder: Path) -> None:
    """Remove what installations that were killed have left."""
    for part in folder.glob(".demo-*.part"):
        if not _is_at_work(part):
            shutil.rmtree(part, ignore_errors=True)


def _is_at_work(part: Path) -> bool:
    """Whether the process that a half-made environment is named after still lives."""
    if os.name != "posix":  # asking would end it there
        return time.time() - part.stat().st_mtime < ABANDONED
    try:
        os.kill(int(part.stem.rpartition("-")[2]), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, ValueError):
        return False
    return True
