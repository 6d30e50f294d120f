"""What is installed, from two locks: `python engine/planrun/environment.py` is all that `make setup` does in `.venv`.

`requirements.lock` is what runs in production, `requirements-dev.lock` that and what development needs. Both hold every
package at one version with its hashes, for every system. Each says at its head what it was compiled from, and is
compiled again where pyproject.toml or engine/pyproject.toml says something else: what was added is added, what stands
keeps its version; with `--renew` all versions are the newest that fit.

The standard library is enough here, since nothing is installed yet when this runs; uv compiles, and where the machine
has none, pip installs one into the environment first.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCK = "requirements.lock"
DEVELOPMENT = "requirements-dev.lock"
PROJECT = "pyproject.toml"
ENGINE = "engine/pyproject.toml"
SOURCE = "# from: "  # how each requirement that a lock was compiled from stands at its head


class CannotInstall(Exception):
    """A lock could not be compiled or installed; the sentence says why, and what to do.

    `command` is what brings it about, where one command does.
    """

    def __init__(self, sentence: str, command: str = "") -> None:
        super().__init__(f"{sentence} Run: {command}" if command else sentence)
        self.sentence, self.command = sentence, command


@dataclass(frozen=True)
class Asked:
    """What the two projects ask for, as they write it, and how uv is told to read the same there."""

    requirements: tuple[str, ...]
    reading: tuple[str, ...]


# ------------------------------------------------------------------------------------------------- what is asked for
def asked(root: Path) -> dict[str, Asked]:
    """For each lock what pyproject.toml and engine/pyproject.toml ask for.

    The product's extras are in both. The engine is in `requirements.lock` where its own pyproject.toml says that it
    runs in production, with the extras that `[tool.planrun] extras` names. Raises `CannotInstall` for a file that is
    not there or no TOML, and for an extra that the engine has not.
    """
    project = _toml(root / PROJECT)
    engine = _toml(root / ENGINE) if root.joinpath(ENGINE).is_file() else {}  # else it comes from the team's index
    own_extras = _table(project, "project", "optional-dependencies")
    engine_extras = _extras_of_engine(project, _table(engine, "project", "optional-dependencies"))
    own = {*_table(project, "project").get("dependencies", []), *_flat(own_extras)}
    of_engine = {*_table(engine, "project").get("dependencies", []), *_flat(engine_extras)}
    groups = _table(project, "dependency-groups")
    tools = set(_in_group(groups, "dev"))

    alone = (PROJECT, *_each("--extra", own_extras))
    both = (PROJECT, *([ENGINE] if engine else []), *_each("--extra", {**own_extras, **engine_extras}))
    in_production = _table(engine, "tool", "planrun").get("production", False)
    product = Asked(tuple(sorted(own | of_engine)), both) if in_production else Asked(tuple(sorted(own)), alone)
    group = _each("--group", [f"{PROJECT}:dev"] if "dev" in groups else [])
    return {LOCK: product, DEVELOPMENT: Asked(tuple(sorted(own | of_engine | tools)), (*both, *group))}


def _extras_of_engine(project: Mapping[str, Any], offered: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The engine's extras that the team's pyproject.toml names, each with its requirements."""
    named = _table(project, "tool", "planrun").get("extras", [])
    for name in named:
        if name not in offered:
            raise CannotInstall(
                f"[tool.planrun] in {PROJECT} names the extra {name!r}, which the engine has not. "
                f"Name some of: {', '.join(offered) or 'none'}."
            )
    return {name: offered[name] for name in named}


def _in_group(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    """The requirements of a dependency group, those of the groups that it includes among them."""
    for entry in groups.get(name, []):
        if isinstance(entry, str):
            yield entry
        else:
            yield from _in_group(groups, entry["include-group"])


def _flat(extras: Mapping[str, list[str]]) -> list[str]:
    return [requirement for requirements in extras.values() for requirement in requirements]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def locked_from(lock: Path) -> tuple[str, ...] | None:
    """The requirements that a lock was compiled from; None where there is no lock."""
    if not lock.is_file():
        return None
    lines = lock.read_text("utf-8").splitlines()
    return tuple(line.removeprefix(SOURCE) for line in lines if line.startswith(SOURCE))


def behind(root: Path) -> dict[str, list[str]]:
    """For each lock that is missing or was compiled from something else, the requirements in which they differ."""
    found = {}
    for name, wanted in asked(root).items():
        held = locked_from(root / name)
        if held != wanted.requirements:
            found[name] = sorted({*wanted.requirements} ^ {*(held or ())})
    return found


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CannotInstall(f"{path.name} is not there.", _way_back(path)) from None
    except (OSError, ValueError) as error:
        raise CannotInstall(f"{path.name} cannot be read: {error}. Correct it, then run this again.") from None


def _way_back(path: Path) -> str:
    """The command that brings a file back as it was last committed, a commit that deleted it or not; "" without any.

    What `git.way_back` does; this program is started as a file, before anything that it could import is installed.
    """
    last = ["git", "log", "-1", "--format=%h", "--diff-filter=AM", "--", path.name]
    try:
        done = subprocess.run(last, cwd=path.parent, capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return ""
    commit = done.stdout.strip()
    return f"git checkout {commit} -- {path.name}" if commit else ""


def _table(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        found = found.get(name, {})
    return dict(found)


# ----------------------------------------------------------------------------------------------------- compiling
def lock(root: Path, uv: Sequence[str], renew: bool = False) -> list[str]:
    """Compile the locks that are behind, or with `renew` all; the names of those that were.

    Raises `CannotInstall`, with all locks as they were.
    """
    wanted = asked(root)
    stale = list(wanted) if renew else list(behind(root))
    if LOCK in stale and DEVELOPMENT not in stale:
        stale.append(DEVELOPMENT)  # it holds the same versions
    with tempfile.TemporaryDirectory(dir=root, prefix=".lock-") as scratch:
        place = Path(scratch).name
        for name in stale:
            part = Path(scratch, name)
            if not renew and root.joinpath(name).is_file():
                shutil.copyfile(root / name, part)  # uv keeps the versions that it finds where it writes
            same = [f"{place}/{LOCK}" if LOCK in stale else LOCK] if name == DEVELOPMENT else []
            words = [*uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header"]
            words += ["--python", sys.executable, "--python-version", _oldest(root)]
            words += ["--output-file", f"{place}/{name}", *_each("--constraint", same), *wanted[name].reading]
            _run(words, root, f"{name} could not be compiled, and is as it was")
            head = "".join(f"{SOURCE}{requirement}\n" for requirement in wanted[name].requirements)
            text = part.read_text("utf-8").replace(f"{place}/", "").replace(f"{place}\\", "")
            part.write_text(f"# Written by `make setup`; `make lock` takes newer versions.\n{head}{text}", "utf-8")
        for name in stale:
            with Path(scratch, name).open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(Path(scratch, name), root / name)
    return stale


def _oldest(root: Path) -> str:
    """The oldest Python that the project allows: what is locked has to fit it as well as newer ones."""
    said = re.search(r"(\d+\.\d+)", _table(_toml(root / PROJECT), "project").get("requires-python", ""))
    return said[1] if said else f"{sys.version_info.major}.{sys.version_info.minor}"


# ---------------------------------------------------------------------------------------------------- installing
def install(root: Path) -> None:
    """Install the development lock by its hashes, then the engine and the project as they lie here.

    With uv where the machine has one, else with pip. Raises `CannotInstall`.
    """
    if uv := shutil.which("uv"):
        start = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    else:
        # not compiled while installing: most of it is never imported
        start = [*_pip(root), "install", "--quiet", "--no-compile"]
    _run([*start, "--require-hashes", "--requirement", DEVELOPMENT], root, f"{DEVELOPMENT} could not be installed")
    folders = [folder for folder in ("./engine", ".") if root.joinpath(folder, PROJECT).is_file()]
    _run([*start, "--no-deps", *_each("--editable", folders)], root, "The project could not be installed")


def _uv(root: Path) -> list[str]:
    """The command of the machine's uv, or else of one that pip installs into this environment."""
    if found := shutil.which("uv"):
        return [found]
    if not importlib.util.find_spec("uv"):
        words = [*_pip(root), "install", "--quiet", "uv"]
        _run(words, root, "uv, which compiles the locks, could not be installed")
    os.environ |= as_pip_is_set()
    return [sys.executable, "-m", "uv"]


def _pip(root: Path) -> list[str]:
    """The command of this environment's pip; uv leaves pip out of those that it makes, so it is put in first."""
    if not importlib.util.find_spec("pip"):
        words = [sys.executable, "-m", "ensurepip", "--default-pip"]
        _run(words, root, "This environment has neither uv nor pip, and pip could not be put into it")
    return [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def as_pip_is_set() -> dict[str, str]:
    """uv's settings for the mirror, proxy and certificate that pip is set to, where the environment has none for uv."""
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    said = {
        name: value
        for section in ("global", "install", ":env:")  # a later one goes before an earlier one
        for name, value in re.findall(rf"^{section}\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    }
    indexes = said.get("extra-index-url", "").replace("\\n", " ").split()
    found = {
        "UV_DEFAULT_INDEX": said.get("index-url", ""),
        "UV_INDEX": " ".join(one for one in indexes if not one.startswith("file:") or _is_there(one)),
        "UV_INDEX_STRATEGY": "unsafe-best-match" if indexes else "",  # pip too takes the best version of all indexes
        "UV_FIND_LINKS": ",".join(said.get("find-links", "").replace("\\n", " ").split()),
        "UV_INSECURE_HOST": " ".join(said.get("trusted-host", "").replace("\\n", " ").split()),
        "SSL_CERT_FILE": said.get("cert", ""),
        "ALL_PROXY": said.get("proxy", ""),
    }
    return {name: value for name, value in found.items() if value and name not in os.environ}


def _is_there(address: str) -> bool:
    return Path(address.removeprefix("file://")).is_dir()


def _tell(said: str) -> None:
    """What takes long now, before it begins: pip and uv are quiet."""
    print(said, file=sys.stderr, flush=True)


def _run(words: Sequence[str], root: Path, else_said: str) -> None:
    """Run a program that says itself what is wrong. Raises `CannotInstall` where it fails."""
    code = subprocess.run(words, cwd=root, check=False).returncode
    if code:
        raise CannotInstall(f"{else_said} (exit code {code}; the lines above say why). Mend that, then run this again.")


def main(arguments: Sequence[str]) -> int:
    """`[--renew]`: lock, then install. 0, or 1 with one sentence where something is in the way."""
    root = Path.cwd()
    renew = list(arguments) == ["--renew"]
    try:
        if arguments and not renew:
            raise CannotInstall(f"{' '.join(arguments)!r} is not known here. Type --renew, or nothing.")
        if sys.prefix == sys.base_prefix:
            raise CannotInstall("This installs into an environment. Make one first: python3 -m venv .venv")
        if renew or (stale := behind(root)):
            _tell(
                f"Choosing versions for {' and '.join(asked(root) if renew else stale)}; a first time takes a minute."
            )
            lock(root, _uv(root), renew)
        many = sum("==" in line for line in root.joinpath(DEVELOPMENT).read_text("utf-8").splitlines())
        _tell(f"Installing {many} packages into {Path(sys.prefix).name}; the first time takes a minute or more.")
        install(root)
    except CannotInstall as error:
        print(f"{error.sentence}\nNext: {error.command}" if error.command else error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
