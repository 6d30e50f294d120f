"""What the tests share: an empty home, named samples, and each sample rendered once."""

import functools
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.environment import StrictEnvironment
from jinja2 import FileSystemBytecodeCache
from material import ROOT, SAMPLES, newborn, sample_answers
from mlscaffold import render, vcs

# Set by editors, hooks and continuous integration; none of them may decide what is rendered or committed.
# make hands on what was typed to it, ARGS among it, and a rendered repository's Makefile would take that as its own.
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "OUTPUT", "PART", "VENV")
SURROUNDINGS = (*OF_MAKE, "XDG_CONFIG_HOME", "EMAIL", "CI", "PLANRUN_AGENT")
# Whoever tests in the background hands on that Ctrl-C is ignored; what is tested shall end by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
SETTINGS = "[user]\n\tname = Ana Example\n\temail = ana@example.org\n"


@pytest.fixture(scope="session", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """git, homes and the rest as nobody has set them up, for what is made once a session."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name in SURROUNDINGS or (name.startswith("GIT_") and name != "GIT_EXEC_PATH"):
                patch.delenv(name)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        _settle(folder, patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Jinja keeps what it compiled, by the hash of each template's text: most of a rendering is compiling."""
    kept = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("compiled")))
    plain = StrictEnvironment.__init__

    def keeping(self: StrictEnvironment, **settings: Any) -> None:
        plain(self, **{"bytecode_cache": kept} | settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StrictEnvironment, "__init__", keeping)
        yield


@pytest.fixture(autouse=True)
def home(_surroundings: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home whose git knows an invented name."""
    folder = tmp_path_factory.mktemp("home")
    # Tests run rendered repositories' tests; folders shared by all of them would be tidied up by one under another.
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(folder))
    _settle(folder, monkeypatch)
    return folder


def _settle(folder: Path, patch: pytest.MonkeyPatch) -> None:
    folder.joinpath(".gitconfig").write_text(SETTINGS)
    patch.setenv("HOME", str(folder))
    patch.setenv("USERPROFILE", str(folder))


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> str:
    """The name of each sample in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`rendered(name)`: the folder of a sample, rendered once a session, for tests that only read."""

    @functools.cache
    def render_once(name: str) -> Path:
        return render.render(sample_answers(name), tmp_path_factory.mktemp(name))

    return render_once


@pytest.fixture
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The sample that the test names, as `mlscaffold new` leaves it today: rendered and committed once."""
    given = newborn(request.param)
    folder = render.render(given, tmp_path)
    vcs.create(folder, "Start")
    if named := [person.name for person in given.team if person.name != "?"]:  # whoever is at work is of the team
        subprocess.run(["git", "config", "user.name", named[0]], cwd=folder, check=True)
    return folder


@pytest.fixture
def in_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty current folder."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    # --no-isolation: the build backend of this environment, so that no network is needed.
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel_root(wheel: Path) -> Path:
    """The built wheel, unpacked: the package as an installation has it, with no checkout near."""
    folder = wheel.parent / "root"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder
