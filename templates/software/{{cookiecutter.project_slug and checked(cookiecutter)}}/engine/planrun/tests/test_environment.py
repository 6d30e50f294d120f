"""What is installed follows from two files of requirements: a lock that was compiled from something else is behind."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from planrun import environment
from planrun.environment import DEVELOPMENT, LOCK

PROJECT = """
[project]
name = "ours"
dependencies = ["pandas>=2"]
optional-dependencies = {api = ["fastapi"]}
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
lint = ["ruff"]
[tool.planrun]
extras = ["spark"]
"""
ENGINE = """
[project]
name = "mlscaffold-planrun"
dependencies = ["pyyaml"]
optional-dependencies = {spark = ["pyspark"], mlflow = ["mlflow"]}
[tool.planrun]
production = false
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two projects."""
    tmp_path.joinpath("engine").mkdir()
    tmp_path.joinpath("pyproject.toml").write_text(PROJECT)
    tmp_path.joinpath("engine/pyproject.toml").write_text(ENGINE)
    return tmp_path


def test_each_lock_is_asked_for_what_runs_there(root: Path) -> None:
    """Tools and the engine are for development; an extra of the engine's is asked for where it is named."""
    asked = environment.asked(root)

    assert asked[LOCK].requirements == ("fastapi", "pandas>=2")
    assert asked[DEVELOPMENT].requirements == ("fastapi", "pandas>=2", "pyspark", "pytest", "pyyaml", "ruff")
    text = ENGINE.replace("production = false", "production = true")
    root.joinpath("engine/pyproject.toml").write_text(text)
    assert environment.asked(root)[LOCK].requirements == ("fastapi", "pandas>=2", "pyspark", "pyyaml")


def test_a_lock_says_what_it_was_compiled_from(root: Path) -> None:
    """What was added or taken out since is named; without a lock it is all of it."""
    for name, asked in environment.asked(root).items():
        root.joinpath(name).write_text("".join(f"{environment.SOURCE}{one}\n" for one in asked.requirements))
    assert environment.behind(root) == {}
    root.joinpath("pyproject.toml").write_text(PROJECT.replace('"ruff"', '"mypy"'))
    assert environment.behind(root) == {DEVELOPMENT: ["mypy", "ruff"]}
    root.joinpath(LOCK).unlink()

    assert environment.behind(root)[LOCK] == ["fastapi", "pandas>=2"]


def test_an_extra_that_the_engine_has_not_is_told(root: Path) -> None:
    root.joinpath("pyproject.toml").write_text(PROJECT.replace('["spark"]', '["sparc"]'))
    with pytest.raises(environment.CannotInstall, match=r"names the extra 'sparc'.*Name some of: spark, mlflow\."):
        environment.asked(root)
    root.joinpath("pyproject.toml").write_text("[project\n")
    with pytest.raises(environment.CannotInstall, match=r"pyproject\.toml cannot be read"):
        environment.asked(root)


@pytest.mark.parametrize("committed", [False, True])
def test_a_project_file_that_is_gone_comes_back_by_the_command_that_is_told(
    committed: bool, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether somebody committed that it went or not; without a commit that has it, no command is promised."""
    monkeypatch.chdir(root)
    file = root / "pyproject.toml"
    text = file.read_text()
    monkeypatch.setattr("sys.prefix", "elsewhere")
    file.unlink()
    assert environment.main([]) == 1
    assert capsys.readouterr().err == "pyproject.toml is not there.\n"
    file.write_text(text)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "Start"], ["rm", "-q", "pyproject.toml"]):
        subprocess.run(["git", *words], check=True, capture_output=True)
    if committed:
        subprocess.run(["git", "commit", "-qm", "Gone"], check=True, capture_output=True)
    assert environment.main([]) == 1
    said, way = capsys.readouterr().err.splitlines()
    subprocess.run(way.removeprefix("Next: ").split(), check=True, capture_output=True)

    assert (said, file.read_text()) == ("pyproject.toml is not there.", text)


def test_an_environment_that_was_made_without_pip_is_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As uv makes it: whoever sets up after that without uv needs pip, to fetch uv by and to install with."""
    run: list[tuple[str, ...]] = []
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(environment, "_run", lambda words, *rest: run.append(tuple(words[1:])))
    environment.install(Path())

    assert run[0] == ("-m", "ensurepip", "--default-pip")
    assert all(words[:3] == ("-m", "pip", "--disable-pip-version-check") for words in run[1:])
    run.clear()
    monkeypatch.setattr(environment, "as_pip_is_set", dict)
    environment._uv(Path())
    assert [words[1] for words in run] == ["ensurepip", "pip"]
    run.clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "pip")
    environment.install(Path())
    assert [words[1] for words in run] == ["pip", "pip"]
