"""The rendered software repository: its README followed word for word, its gates on the first day."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from material import ROOT, SAMPLES, sample_answers
from readme_run import follow
from rendered_repository import run, states

SOFTWARE = [name for name in SAMPLES if sample_answers(name).kind == "software"]
DAY_ONE = yaml.safe_load((ROOT / "tests" / "day_one.yaml").read_text("utf-8"))


@pytest.mark.parametrize("repository", SOFTWARE, indirect=True)
def test_the_first_day(repository: Path, request: pytest.FixtureRequest) -> None:
    """Each gate is in the state that the table says, and `status` names the questions a person still owes."""
    name = request.node.callspec.params["repository"]

    assert states(repository) == DAY_ONE[name]


@pytest.mark.parametrize("repository", SOFTWARE, indirect=True)
def test_every_must_requirement_has_a_scenario_that_passes(repository: Path) -> None:
    """For each deliverable: the scenarios run the product, and requirement, scenario and test are tied together."""
    done = run(repository, "accept")
    requirements = yaml.safe_load(repository.joinpath("plan/requirements.yaml").read_text("utf-8"))
    capabilities = sample_answers(repository_name(repository)).capabilities

    assert done.returncode == 0, done.stdout + done.stderr
    for requirement in requirements:
        assert requirement["id"] in done.stdout
    assert {requirement["capability"] for requirement in requirements} >= set(capabilities)


def repository_name(folder: Path) -> str:
    """The sample that a folder was rendered from."""
    return next(name for name in SOFTWARE if sample_answers(name).project_slug == folder.name)


ONE_A_DELIVERABLE = ("sw-model", "sw-web-app", "sw-cli", "sw-library", "sw-batch")
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in SOFTWARE if name not in ONE_A_DELIVERABLE]


@pytest.mark.parametrize("repository", [*ONE_A_DELIVERABLE, *OTHERS], indirect=True)
def test_its_own_tests_pass(repository: Path) -> None:
    """The tests that the repository ships, on its first minute."""
    done = run(repository, "-q", "-p", "no:cacheprovider", module="pytest")

    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_the_readme_word_for_word(repository: Path) -> None:
    """The first ten minutes in an empty home, from `make setup` on; every line does what the page says."""
    ran = {step.line: step for step in follow(repository, "The first ten minutes")}
    answered = next(step.said for line, step in ran.items() if line.startswith("curl"))

    assert {line: step for line, step in ran.items() if step.code} == {}
    assert "report_status" in answered
    assert "Traceback" not in "".join(step.said for step in ran.values())


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_reader_that_leaves_is_no_error(repository: Path) -> None:
    """`status | head -1` shows one line and no traceback."""
    package = next(path.parent.name for path in repository.glob("src/*/gates.py"))
    line = f"PYTHONPATH=src {sys.executable} -m {package} status | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=repository, capture_output=True, text=True, check=True)

    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
