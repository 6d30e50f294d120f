"""However mlscaffold was installed: the same answers give the same bytes, and a replan from elsewhere changes none."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import borrowing
import pytest
from borrowing import BIN
from material import ROOT, mostly_slow, sample_answers
from mlscaffold import templates, update, vcs
from test_doors import Quiet, command, same, through_the_door
from test_templates import KINDS


def run(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; the test fails with all it said where it fails."""
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=surroundings | (env or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Installed:
    """An installation: the words that start its `mlscaffold`, and its `cookiecutter` with the template beside it."""

    mlscaffold: tuple[str | Path, ...]
    cookiecutter: tuple[str | Path, ...] = ()
    env: tuple[tuple[str, str], ...] = ()

    def new(self, name: str, output: Path) -> Path:
        """A sample through our own command."""
        answers = ROOT / "tests" / "samples" / f"{name}.yaml"
        words = ("new", "--answers", answers, "--defaults", "--no-git", "--output", output)
        output.mkdir()
        run(*self.mlscaffold, *words, cwd=output, env=dict(self.env))
        return output / sample_answers(name).project_slug

    def plain(self, name: str, output: Path) -> Path:
        """A sample through plain cookiecutter of the same environment."""
        pairs = [f"{key}={value}" for key, value in through_the_door(name).items()]
        chosen = ("--directory", f"templates/{sample_answers(name).kind}", "--no-input")
        output.mkdir()
        run(*self.cookiecutter, *chosen, *pairs, cwd=output, env=dict(self.env))
        return output / sample_answers(name).project_slug


def all_of(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file below a folder, whatever its name, with its content and whether it is executable.

    One line is left out by its name: the record's commit of the templates, which is another one in a clone's own
    history. What it says of each way is a test of its own.
    """
    paths = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
    found = {path.relative_to(folder).as_posix(): (path.read_bytes(), os.access(path, os.X_OK)) for path in paths}
    if state := found.get(".mlscaffold/state.json"):
        content = re.sub(rb'^  "template_commit": ".*",\n', b"", state[0], flags=re.MULTILINE)
        found[".mlscaffold/state.json"] = content, state[1]
    return found


def commit_of(folder: Path) -> str:
    """The commit of the templates that a repository's record names."""
    return str(json.loads(folder.joinpath(".mlscaffold/state.json").read_text("utf-8"))["template_commit"])


def the_same_tree(installed: Installed, rendered: Callable[[str], Path], output: Path) -> None:
    """Both kinds and both doors of an installation give what a checkout gives, our record included."""
    output.mkdir(parents=True, exist_ok=True)
    for kind, name in KINDS.items():
        expected = all_of(rendered(name))
        assert all_of(installed.new(name, output / f"{kind}-new")) == expected
        if installed.cookiecutter:
            plain = {path: content for path, content in expected.items() if not path.startswith(".mlscaffold/")}
            assert all_of(installed.plain(name, output / f"{kind}-plain")) == plain


def in_environment(folder: Path, template: Path | None = None) -> Installed:
    """What was installed into an environment; the template is the archive in its packages, or a checkout."""
    binaries = folder / BIN
    archive = template or next(folder.rglob(templates.ARCHIVE))
    return Installed((binaries / "mlscaffold",), (binaries / "python", "-I", "-m", "cookiecutter", archive))


# ------------------------------------------------------------------------------------- one wheel, installed by real pip


@pytest.fixture(scope="session")
def by_pip(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """An environment into which pip has installed the wheel; what it needs comes from the running environment."""
    folder = tmp_path_factory.mktemp("by pip") / "env"
    python = borrowing.environment(folder)
    run(
        *(sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"),
        *("install", "--no-deps", "--no-index", "--ignore-installed", wheel),
        cwd=folder,
    )
    where = run(python, "-c", "import mlscaffold; print(mlscaffold.__file__)", cwd=folder).strip()
    assert Path(where).is_relative_to(folder)
    assert list(folder.rglob("site-packages/mlscaffold/**/*.pyc"))  # pip compiles what it installs
    return folder


def test_pip_gives_the_same_tree(by_pip: Path, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """pip compiles whatever Python it installs; none of that reaches a repository or its record."""
    the_same_tree(in_environment(by_pip), rendered, tmp_path / "out")


def test_packages_compiled_afterwards_give_the_same_tree(
    by_pip: Path, rendered: Callable[[str], Path], tmp_path: Path
) -> None:
    """Images and distributions compile all of site-packages and write-protect it; two first runs at once are fine."""
    copied = tmp_path / "env"
    shutil.copytree(by_pip, copied, symlinks=True)
    run(
        copied / BIN / "python", "-m", "compileall", "-q", "-f", *copied.rglob("site-packages/mlscaffold"), cwd=tmp_path
    )
    for path in [copied, *copied.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    words = [copied / BIN / "python", "-m", "mlscaffold", "new", "--no-git", "--defaults", "--answers"]
    started = [
        subprocess.Popen([*words, ROOT / "tests/samples/sw-default.yaml", "--output", tmp_path / str(number)])
        for number in range(2)
    ]
    try:
        assert [process.wait(120) for process in started] == [0, 0]
    finally:
        for path in [copied, *copied.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)

    for number in range(2):
        assert all_of(tmp_path / str(number) / "my-project") == all_of(rendered("sw-default"))


@pytest.mark.slow
def test_pip_removes_all_that_a_used_installation_holds(by_pip: Path, tmp_path: Path) -> None:
    """What Jinja compiled goes with the modules: no folder stays behind that Python would take for a package."""
    copied = tmp_path / "env"
    shutil.copytree(by_pip, copied, symlinks=True)
    installed = Installed((copied / BIN / "python", "-m", "mlscaffold"))  # its scripts name where they were copied from
    for name in KINDS.values():
        installed.new(name, tmp_path / name)
    [packages] = copied.rglob("site-packages")
    kept = [path for path in packages.rglob("compiled/__pycache__/*.pyc") if path.stat().st_size > 20_000]
    pip = (sys.executable, "-m", "pip", "--python", copied / BIN / "python", "--disable-pip-version-check")
    run(*pip, "uninstall", "--quiet", "--yes", "mlscaffold-planner", cwd=tmp_path)

    assert len(kept) == len(KINDS)
    assert list(packages.glob("mlscaffold*")) == []


@pytest.mark.parametrize("kind", mostly_slow(["software", "ml"], "software"))
def test_a_replan_from_another_installation_changes_nothing(by_pip: Path, kind: str, tmp_path: Path) -> None:
    """Made by a checkout and replanned by what pip installed, and the other way round."""
    installed = in_environment(by_pip)
    folder = installed.new(KINDS[kind], tmp_path / "made by pip")
    vcs.create(folder, "Start")
    before = all_of(folder)

    here = update.replan(folder, {})
    run(*installed.mlscaffold, "replan", folder, cwd=folder)

    assert (here.changed, here.removed, here.conflicts) == ((), (), ())
    assert all_of(folder) == before
    assert not vcs.uncommitted(folder)


# ------------------------------------------------------------------------------------------------ zip, through the door


@pytest.fixture
def zipped(tmp_path: Path) -> Iterator[str]:
    """The address of this repository as an archive, the way code hosts offer one, on loopback."""
    made = tmp_path / "served" / "template-main"
    for name in ("generator", "templates"):
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cookiecutter.json", made)
    shutil.make_archive(str(tmp_path / "served" / "main"), "zip", made.parent, made.name)
    handler = partial(Quiet, directory=str(made.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/main.zip"
        server.shutdown()
        thread.join()


def test_an_archive_from_a_code_host(zipped: str, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """`cookiecutter https://…/main.zip --directory templates/ml`."""
    pairs = [f"{key}={value}" for key, value in through_the_door("ml-default").items()]
    done = command("-m", "cookiecutter", zipped, "--directory", "templates/ml", "--no-input", *pairs, cwd=tmp_path)

    assert done.returncode == 0, done.stderr + done.stdout
    same(tmp_path / "my-project", rendered("ml-default"))


# ----------------------------------------------------------------------------------------------------- the whole matrix


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the work as it stands, in a path with a space; installers may write into it."""
    folder = tmp_path_factory.mktemp("a clone") / "mlscaffold"
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false")
    run("git", "init", "--quiet", "--template=", "--initial-branch=main", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", *identity, "commit", "--quiet", "--no-verify", "--message", "x", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One cache of downloads for all ways; a home is empty for every test."""
    folder = tmp_path_factory.mktemp("cache")
    return {"PIP_CACHE_DIR": str(folder / "pip"), "UV_CACHE_DIR": str(folder / "uv"), "UV_LINK_MODE": "copy"}


PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python")
UV = (sys.executable, "-m", "uv")
PIPX = (sys.executable, "-m", "pipx")


def _environment(folder: Path) -> Path:
    venv.create(folder, symlinks=os.name != "nt")
    return folder


def _pip(what: tuple[str | Path, ...], folder: Path, env: dict[str, str], template: Path | None = None) -> Installed:
    made = _environment(folder / "env")
    run(*PIP, made / BIN / "python", "install", *what, cwd=folder, env=env)
    return in_environment(made, template)


def _uv_pip(what: tuple[str | Path, ...], folder: Path, env: dict[str, str], template: Path | None = None) -> Installed:
    made = _environment(folder / "env")
    run(*UV, "pip", "install", "--quiet", "--python", made / BIN / "python", *what, cwd=folder, env=env)
    return in_environment(made, template)


def _uv_tool(source: Path, folder: Path, env: dict[str, str], *more: str) -> Installed:
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run(*UV, "tool", "install", "--quiet", "--python", sys.executable, *more, source, cwd=folder, env=env | places)
    return in_environment(folder / "tools" / "mlscaffold-planner")


def _pipx(source: Path, folder: Path, env: dict[str, str]) -> Installed:
    places = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    run(*PIPX, "install", "--quiet", "--python", sys.executable, source, cwd=folder, env=env | places)
    return in_environment(folder / "pipx" / "venvs" / "mlscaffold-planner")


def _built(source: Path, folder: Path, what: str) -> Path:
    run(sys.executable, "-m", "build", f"--{what}", "--no-isolation", "--outdir", folder, source, cwd=folder)
    return next(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))


def _run_once(words: tuple[str | Path, ...], env: dict[str, str]) -> Installed:
    return Installed(words, env=tuple(env.items()))


Way = Callable[[Path, Path, dict[str, str]], Installed]
WAYS: dict[str, Way] = {
    "pip": lambda source, folder, env: _pip((source,), folder, env),
    "pip-editable": lambda source, folder, env: _pip(("--editable", source), folder, env, source),
    "pip-wheel": lambda source, folder, env: _pip((_built(source, folder, "wheel"),), folder, env),
    "pip-sdist": lambda source, folder, env: _pip((_built(source, folder, "sdist"),), folder, env),
    "pip-git": lambda source, folder, env: _pip((f"git+{source.as_uri()}",), folder, env),
    "uv-pip": lambda source, folder, env: _uv_pip((source,), folder, env),
    "uv-pip-compiled": lambda source, folder, env: _uv_pip(("--compile-bytecode", source), folder, env),
    "uv-pip-editable": lambda source, folder, env: _uv_pip(("--editable", source), folder, env, source),
    "uv-tool": _uv_tool,
    "uvx": lambda source, folder, env: _run_once(
        (*UV, "tool", "run", "--quiet", "--python", sys.executable, "--from", source, "mlscaffold"), env
    ),
    "pipx": _pipx,
    "pipx-run": lambda source, folder, env: _run_once(
        (*PIPX, "run", "--python", sys.executable, "--spec", source, "mlscaffold"),
        env | {"PIPX_HOME": str(folder / "pipx")},
    ),
}


@pytest.fixture(scope="session")
def installed(
    tmp_path_factory: pytest.TempPathFactory, source: Path, cache: dict[str, str]
) -> Callable[[str], Installed]:
    """`installed(way)`: really installed, once a session."""

    @functools.cache
    def install(way: str) -> Installed:
        return WAYS[way](source, tmp_path_factory.mktemp(way), cache)

    return install


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_install_gives_one_tree(
    installed: Callable[[str], Installed], way: str, rendered: Callable[[str], Path], tmp_path: Path
) -> None:
    """Both kinds, both doors, byte for byte, with every package fetched and built as a person's would be."""
    the_same_tree(installed(way), rendered, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_install_knows_its_commit(
    installed: Callable[[str], Installed], way: str, source: Path, tmp_path: Path
) -> None:
    """The one that was cloned, also where the installation has no git: so that two of them record the same bytes."""
    made = installed(way).new("sw-default", tmp_path / "out")

    assert commit_of(made) == run("git", "rev-parse", "HEAD", cwd=source).strip()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_replan_by_each_installation_in_turn_changes_nothing(
    installed: Callable[[str], Installed], kind: str, tmp_path: Path
) -> None:
    """One repository, carried from machine to machine."""
    folder = installed("pip").new(KINDS[kind], tmp_path / "out")
    vcs.create(folder, "Start")
    before = all_of(folder)

    for way in ("pipx", "uv-tool", "pip-editable", "pip-sdist", "pip"):
        run(*installed(way).mlscaffold, "replan", folder, cwd=folder)
        assert all_of(folder) == before, way
        assert not vcs.uncommitted(folder)
