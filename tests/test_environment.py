"""What is installed in a rendered repository: two locks that follow its pyproject.toml, by their hashes."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from planrun import environment
from planrun.environment import DEVELOPMENT, LOCK, CannotInstall

Rendered = Callable[[str], Path]

# Stands in for uv: notes what it was asked, and writes what it found where it writes and one line more.
UV = """#!{python}
import json, sys
from pathlib import Path
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
out = Path(sys.argv[sys.argv.index("--output-file") + 1])
held = [line for line in out.read_text().splitlines() if not line.startswith("#")] if out.is_file() else []
if {failing!r} and out.name == {failing!r}:
    sys.exit(2)
out.write_text("\\n".join([*held, f"new-{{len(held)}}==1", f"    # via -c {{out.parent}}/x"]) + "\\n")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two projects whose requirements are easily told apart."""
    tmp_path.joinpath("engine").mkdir()
    tmp_path.joinpath("pyproject.toml").write_text(
        '[project]\nname = "own"\nrequires-python = ">=3.11"\ndependencies = ["own>=1"]\n'
        '[project.optional-dependencies]\nbig = ["big"]\n'
        '[dependency-groups]\ndev = ["tool", {include-group = "more"}]\nmore = ["another"]\n'
        '[tool.planrun]\nextras = ["api"]\n'
    )
    tmp_path.joinpath("engine/pyproject.toml").write_text(
        '[project]\nname = "engine"\ndependencies = ["core"]\n'
        '[project.optional-dependencies]\napi = ["served"]\nspark = ["cluster"]\n[tool.planrun]\nproduction = true\n'
    )
    return tmp_path


def requirements(root: Path) -> dict[str, tuple[str, ...]]:
    """For each lock what it is compiled from."""
    return {name: asked.requirements for name, asked in environment.asked(root).items()}


def stand_in(folder: Path, failing: str = "") -> tuple[list[str], Path]:
    """A uv of our own and the file in which it notes what it was asked."""
    log = folder / "asked.log"
    path = folder / "uv"
    path.write_text(UV.format(python=sys.executable, log=str(log), failing=failing))
    path.chmod(0o755)
    return [str(path)], log


# ---------------------------------------------------------------------------------------------------- what is asked for


def test_production_holds_no_tools(project: Path) -> None:
    """Where the engine runs in production it is in both locks, with the extras that were chosen and no others."""
    assert requirements(project) == {
        LOCK: ("big", "core", "own>=1", "served"),
        DEVELOPMENT: ("another", "big", "core", "own>=1", "served", "tool"),
    }


def test_an_engine_for_development_is_in_no_image(project: Path) -> None:
    """It says so itself, in its own pyproject.toml."""
    path = project / "engine/pyproject.toml"
    path.write_text(path.read_text().replace("production = true", "production = false"))

    assert requirements(project)[LOCK] == ("big", "own>=1")
    assert environment.asked(project)[LOCK].reading == ("pyproject.toml", "--extra", "big")
    assert "core" in requirements(project)[DEVELOPMENT]


def test_an_engine_from_an_index_is_a_requirement_like_others(project: Path) -> None:
    """Then there is no folder to read."""
    shutil.rmtree(project / "engine")
    path = project / "pyproject.toml"
    path.write_text(path.read_text().replace('extras = ["api"]', "").replace('["own>=1"]', '["own>=1", "engine==1"]'))

    assert requirements(project)[LOCK] == ("big", "engine==1", "own>=1")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["api"]', '["apo"]', "names the extra 'apo', which the engine has not. Name some of: api, spark."),
        ("[project]", "[project", "pyproject.toml cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(project: Path, old: str, new: str, said: str) -> None:
    """With the value and what to do."""
    path = project / "pyproject.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(CannotInstall) as refused:
        environment.asked(project)

    assert said in str(refused.value)


def test_every_sample_asks_for_what_it_imports(rendered: Rendered, sample: str) -> None:
    """A product's lock holds no tool and no engine; a model's holds the engine that serves it."""
    root = rendered(sample)
    names = {lock: {text.split(">")[0] for text in texts} for lock, texts in requirements(root).items()}
    engine = tomllib.loads(root.joinpath("engine/pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    is_ml = root.joinpath("data/source.yaml").is_file()

    assert names[LOCK] <= names[DEVELOPMENT]
    assert {"pytest", "ruff"} <= names[DEVELOPMENT] - names[LOCK]
    assert ("pyyaml" in names[LOCK]) == is_ml
    assert {text.split(">")[0] for text in engine} <= names[DEVELOPMENT]


# ---------------------------------------------------------------------------------------------------- compiling


def test_a_lock_follows_what_is_asked_for(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """First written, then left alone, then added to with what stands kept; renewed from nothing."""
    uv, log = stand_in(tmp_path_factory.mktemp("bin"))
    assert environment.lock(project, uv) == [LOCK, DEVELOPMENT]
    first = project.joinpath(DEVELOPMENT).read_text()
    assert environment.behind(project) == {}
    assert environment.lock(project, uv) == []
    path = project / "pyproject.toml"
    path.write_text(path.read_text().replace('"tool"', '"tool", "later"'))
    assert environment.behind(project) == {DEVELOPMENT: ["later"]}
    assert environment.lock(project, uv) == [DEVELOPMENT]
    added = project.joinpath(DEVELOPMENT).read_text()
    assert environment.lock(project, uv, renew=True) == [LOCK, DEVELOPMENT]
    words = [json.loads(line) for line in log.read_text().splitlines()]

    assert first.splitlines()[:2] == ["# Written by `make setup`; `make lock` takes newer versions.", "# from: another"]
    assert "new-0==1\n" in first
    assert "# via -c x" in first, "a scratch folder's name is in no lock"
    assert "# from: later" in added
    assert added.count("==1") == 2, "what stood is kept, and one was added"
    assert project.joinpath(LOCK).read_text().count("==1") == 1, "renewed: nothing was kept"
    assert all({"--universal", "--generate-hashes"} <= set(line) for line in words)
    assert [line[line.index("--python-version") + 1] for line in words] == ["3.11"] * 5
    assert "--constraint" not in words[0]
    assert words[1][words[1].index("--constraint") + 1].endswith(f"/{LOCK}")
    assert words[2][words[2].index("--constraint") + 1] == LOCK
    assert sorted(path.name for path in project.iterdir()) == ["engine", "pyproject.toml", DEVELOPMENT, LOCK]


def test_what_cannot_be_compiled_leaves_both_locks(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Also where the second one fails after the first."""
    uv, _ = stand_in(tmp_path_factory.mktemp("bin"), failing=DEVELOPMENT)
    project.joinpath(LOCK).write_text("kept\n")
    with pytest.raises(CannotInstall, match=rf"^{DEVELOPMENT} could not be compiled, and is as it was \(exit code 2"):
        environment.lock(project, uv)

    assert project.joinpath(LOCK).read_text() == "kept\n"
    assert not project.joinpath(DEVELOPMENT).exists()


def test_uv_finds_packages_where_pip_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror, a proxy and a certificate that pip is set to hold for the uv that pip has installed."""
    said = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://own.example/simple",
        "PIP_CERT": "/etc/own.pem",
        "PIP_PROXY": "http://proxy.example:3128",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY", "SSL_CERT_FILE", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    found = environment.as_pip_is_set()
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")

    assert found["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert "https://own.example/simple" in found["UV_INDEX"].split()
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert (found["SSL_CERT_FILE"], found["ALL_PROXY"]) == ("/etc/own.pem", "http://proxy.example:3128")
    assert "UV_DEFAULT_INDEX" not in environment.as_pip_is_set(), "what is said to uv itself goes first"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--new"], "'--new' is not known here"), ([], "Make one first: python3 -m venv .venv")],
)
def test_it_installs_into_an_environment_only(project: Path, words: list[str], said: str) -> None:
    """Never into the machine's own Python; a word that it does not know is named."""
    script = Path(environment.__file__)
    python = Path(sys.base_prefix, "bin/python3")
    done = subprocess.run([python, script, *words], cwd=project, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr


# ---------------------------------------------------------------------------------------------------- installing


def test_what_takes_long_is_said_before_it_begins(
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Versions are chosen once, packages are installed each time, and nobody looks at an empty screen for minutes."""
    uv, _ = stand_in(tmp_path_factory.mktemp("bin"))
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "prefix", str(project / ".venv"))
    monkeypatch.setattr(environment, "_uv", lambda root: uv)
    monkeypatch.setattr(environment, "install", lambda root: print("installed", file=sys.stderr, flush=True))
    said = []
    for _ in range(2):
        assert environment.main([]) == 0
        said.append(capfd.readouterr().err.splitlines())

    assert said[0] == [
        f"Choosing versions for {LOCK} and {DEVELOPMENT}; a first time takes a minute.",
        "Installing 1 packages into .venv; the first time takes a minute or more.",
        "installed",
    ]
    assert said[1] == said[0][1:]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "has_uv"), [("ml-default", False), ("sw-orders", True)])
def test_setup_installs_what_the_locks_hold(
    rendered: Rendered, tmp_path: Path, name: str, has_uv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hashes, with pip as with uv; a package that is added comes in, and what stands keeps its version."""
    folder = Path(shutil.copytree(rendered(name), tmp_path / name))
    own = str(Path(sys.executable).parent)
    path = [one for one in os.environ["PATH"].split(os.pathsep) if one != own and not Path(one, "uv").is_file()]
    monkeypatch.setenv("PATH", os.pathsep.join([*([own] if has_uv else []), *path]))
    subprocess.run(["make", "setup"], cwd=folder, check=True, timeout=900)
    before = folder.joinpath(DEVELOPMENT).read_text("utf-8")
    # as it would stand had it been written when that was the newest
    older = re.sub(r"^iniconfig==.*(?:\n    --hash=.*)+", "iniconfig==2.0.0", before, flags=re.MULTILINE)
    folder.joinpath(DEVELOPMENT).write_text(older, "utf-8")
    project = folder / "pyproject.toml"
    project.write_text(project.read_text("utf-8").replace('  "pytest>=8",', '  "pytest>=8",\n  "tomli-w",'), "utf-8")
    subprocess.run(["make", "setup"], cwd=folder, check=True, timeout=900)
    after = folder.joinpath(DEVELOPMENT).read_text("utf-8")
    python = next(folder.glob(".venv/bin/python"))
    installed = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(m.version('iniconfig'), m.version('tomli-w') != '')"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "--hash=sha256:" in before
    assert "\niniconfig==2.0.0 \\\n    --hash=" in after
    assert installed.stdout.split() == ["2.0.0", "True"]
    told = subprocess.run([folder / ".venv/bin/planrun", "--version"], cwd=folder, capture_output=True, check=False)
    assert told.returncode == 0
