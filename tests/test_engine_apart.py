"""The engine lies in a team's repository and is none of its work: no tool of the team's looks into it."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from material import SAMPLES, sample_answers
from mlscaffold import answers, render
from rendered_repository import run

Rendered = Callable[[str], Path]
KINDS = ["ml-default", "sw-default"]
UGLY = "import os\nx  = 1\ny: int = 'one'\n"


def tool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One of this environment's tools, in a folder."""
    environment = os.environ | {"PRE_COMMIT_HOME": str(folder / ".git/hooks-cache")}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("repository", KINDS, indirect=True)
def test_the_teams_linter_does_not_read_the_engine(repository: Path) -> None:
    """What it would find in the team's own code, it does not look for there."""
    repository.joinpath("engine/planrun/ugly.py").write_text(UGLY)
    clean = tool(repository, "ruff", "check", "--no-cache", "."), tool(repository, "ruff", "format", "--check", ".")
    package = next(repository.glob("src/*/__init__.py")).parent
    package.joinpath("ugly.py").write_text(UGLY)

    assert [done.returncode for done in clean] == [0, 0], clean[0].stdout
    assert tool(repository, "ruff", "check", "--no-cache", ".").returncode == 1


@pytest.mark.parametrize("repository", KINDS, indirect=True)
def test_what_is_built_holds_no_engine(repository: Path, tmp_path: Path) -> None:
    """Neither the archive of sources nor the wheel."""
    done = tool(repository, "hatchling", "build", "-d", str(tmp_path / "dist"))
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(tmp_path.glob("dist/*.tar.gz"))) as sources:
        names = sources.getnames()
    with zipfile.ZipFile(next(tmp_path.glob("dist/*.whl"))) as wheel:
        names += wheel.namelist()

    assert [name for name in names if "planrun" in name or "/engine/" in name] == []
    assert any(name.endswith("/pyproject.toml") for name in names)


def test_an_image_is_built_from_the_product_alone(rendered: Rendered) -> None:
    """Its folder is not even sent to whoever builds it."""
    for name in ("sw-default", "sw-rates", "sw-web-app", "sw-batch", "sw-orders"):
        ignored = rendered(name) / ".dockerignore"
        if sample_answers(name).deploy == "container":
            lines = ignored.read_text("utf-8").splitlines()
            assert "*" in lines
            assert not any("engine" in line for line in lines)
            assert "requirements-dev.lock" not in (rendered(name) / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_coverage_counts_the_teams_lines(name: str, rendered: Rendered) -> None:
    """Whatever tool of coverage they install."""
    assert '[tool.coverage.run]\nomit = ["engine/*"]\n' in rendered(name).joinpath("pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("repository", ["sw-orders"], indirect=True)
def test_secrets_are_looked_for_in_the_teams_files(repository: Path) -> None:
    """The same line counts in the team's code, and not in the engine's, which is the same everywhere."""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        repository.joinpath(lock).write_text("a==1\n")
    repository.joinpath("src/pip_audit.py").write_text("print('{\"dependencies\": []}')\n")
    line = 'password = "correct-horse-battery"\n'
    ends = []
    for place in ("engine/planrun/own.py", "src/own.py"):
        repository.joinpath(place).write_text(line)
        subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
        done = run(repository, "audit")
        ends.append((done.returncode, f"{place}:1" in done.stdout))

    assert ends == [(0, False), (1, True)]


def test_nobody_owns_the_engine(tmp_path: Path) -> None:
    """Where owners are named, its folder has none of them; where nobody is, no line says anything."""
    for kind in ("ml", "software"):
        given = {"kind": kind, "kind_reason": "a test", "project_name": "Owned", "start_date": "2026-01-05"}
        (tmp_path / kind).mkdir()
        owners = []
        for more in ({}, {"code_owners": "po=@org/product; swe=@org/team; mle=@org/team"}):
            folder = tmp_path / kind / str(len(owners))
            folder.mkdir()
            tree = render.render(answers.complete(given | more), folder)
            lines = tree.joinpath(".github/CODEOWNERS").read_text("utf-8").splitlines()
            owners.append([line.split() for line in lines if line.strip() and not line.startswith("#")])

        assert owners[0] == []
        assert ["/engine/"] in owners[1]
        assert owners[1].index(["/engine/"]) == 1, "a later line goes before an earlier one"


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_hooks_do_not_run_over_the_engine(repository: Path) -> None:
    """Nor any hook that the team adds."""
    config = repository / ".pre-commit-config.yaml"
    own = "      - {id: own, name: own, entry: 'false', language: system, files: ugly}\n"
    config.write_text(config.read_text("utf-8").replace("    hooks:\n", f"    hooks:\n{own}", 1), "utf-8")
    ends = []
    for place in ("engine/planrun/ugly.py", "src/ugly.py"):
        repository.joinpath(place).write_text(UGLY)
        subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
        ends.append(tool(repository, "pre_commit", "run", "own", "--all-files").returncode)

    assert ends == [0, 1]


@pytest.mark.parametrize("name", KINDS)
def test_the_engine_brings_its_types(name: str, rendered: Rendered) -> None:
    """A team's own type check knows what it calls there."""
    packages = [path.parent for path in rendered(name).glob("engine/*/__init__.py")]

    assert len(packages) == 2
    assert all(package.joinpath("py.typed").is_file() for package in packages)


@pytest.fixture(scope="session")
def known_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy has seen, kept a kind: the engine is the same bytes at the same path in every sample of it."""
    return tmp_path_factory.mktemp("types")


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_types_hold_in_what_a_team_is_given(name: str, rendered: Rendered, known_types: Path, tmp_path: Path) -> None:
    """mypy, strict, over a repository's own code, its tests and its engine."""
    folder = Path(shutil.copytree(rendered(name), tmp_path / "repository", symlinks=True))
    # A file of the path, size and second of one that it knows is not read again: each sample has a second of its own.
    for path in folder.rglob("*.py"):
        os.utime(path, (SAMPLES.index(name), SAMPLES.index(name)))
    cache = str(known_types / sample_answers(name).kind)
    engine = [path.parent.relative_to(folder).as_posix() for path in folder.glob("engine/*/__init__.py")]
    words = ["mypy", "--strict", "--cache-dir", cache, "--ignore-missing-imports", "src", "tests", *engine]
    done = tool(folder, *words)

    assert done.returncode == 0, done.stdout
