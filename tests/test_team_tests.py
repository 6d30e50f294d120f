"""The tests that a repository starts with, the team's and the engine's: each is seen red on what it is there for."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from material import mostly_slow
from rendered_repository import run, states

PYTEST = ("-q", "-p", "no:cacheprovider")
IDLE = """
import pytest
@pytest.mark.skip(reason="later")
def test_put_off(): assert True
@pytest.mark.xfail
def test_known_to_fail(): assert False
def test_asserts_nothing(): pass
def test_sound(): assert True
"""


def edited(path: Path, old: str, new: str) -> None:
    """Something else in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def audited(repository: Path) -> Path:
    """Its sample has been audited."""
    assert run(repository, "audit").returncode == 0
    return repository


def a_tighter_rule(repository: Path) -> None:
    """A person tightens data/schema.yaml: no row may be so large."""
    path = repository / "data" / "schema.yaml"
    path.write_text(re.sub(r"max: [0-9.]+", "max: 0.001", path.read_text("utf-8"), count=1), "utf-8")


def a_service_that_rounds(repository: Path) -> None:
    """The service prepares its rows otherwise than training does."""
    path = repository / "engine" / "planrun_ml" / "release" / "champion_model.py"
    edited(path, "clean = self._clean(given)", "clean = self._clean(given).round(1)")


def an_invariance_that_does_not_hold(repository: Path) -> None:
    """The team writes down that the first number must not decide, and the model lets it."""
    said = '("the first number does not decide", lambda rows: rows * [1000, *[1] * (rows.shape[1] - 1)]),\n]'
    edited(repository / "tests" / "test_model.py", "\n]\n", f"\n    {said}\n")


CENTRED = """
from sklearn.base import BaseEstimator, TransformerMixin


class Centred(TransformerMixin, BaseEstimator):
    def __init__(self, column):
        self.column = column

    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return x.assign(centred=x[self.column] - x[self.column].mean())


def steps(task, columns):
    return [Centred(next(iter(columns)))]
"""


def a_feature_of_the_rows_beside_it(repository: Path) -> None:
    """A row asked alone has another feature than the same row among others."""
    package = next(path.parent for path in repository.glob("src/*/__init__.py"))
    (package / "features.py").write_text(CENTRED, "utf-8")


PLANTED = {
    "test_every_row_keeps_the_schema": a_tighter_rule,
    "test_training_and_service_agree_on_every_row": a_service_that_rounds,
    "the first number does not decide": an_invariance_that_does_not_hold,
}


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
@pytest.mark.parametrize("name", mostly_slow(PLANTED, next(iter(PLANTED))))
def test_the_teams_tests_find_what_they_are_for(audited: Path, name: str) -> None:
    """Rows beyond their schema, a feature that differs in service, an invariance that does not hold."""
    plant: Callable[[Path], None] = PLANTED[name]
    plant(audited)
    done = run(audited, *PYTEST, module="pytest")

    assert done.returncode == 1, done.stdout
    red = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert len(red) == 1, done.stdout
    assert name in red[0]
    if plant is a_service_that_rounds:
        told = r"Of row C\d+, the input [\w ]+ is \S+ as training reads it and \S+ as a service does, asked alone"
        assert re.search(told, done.stdout), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_feature_of_the_rows_beside_it_is_found_twice(audited: Path) -> None:
    """Asked alone, a row is scored otherwise: the company of other rows decides, and service differs from training."""
    a_feature_of_the_rows_beside_it(audited)
    done = run(audited, *PYTEST, module="pytest")

    red = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert len(red) == 2, done.stdout
    assert "test_training_and_service_agree_on_every_row" in red[0]
    assert re.search(
        r"Of row C\d+, the feature centred is \S+ as training reads it and 0 as a service does", done.stdout
    )
    assert "the company of other rows does not decide" in red[1]


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_an_experiment_says_so_before_anything_is_recorded(audited: Path) -> None:
    """One sentence with the feature, the row and both values; no record, and no copy of the room."""
    for words in (("confirm", "--all"), ("baseline",)):
        assert run(audited, *words).returncode == 0
    a_feature_of_the_rows_beside_it(audited)
    done = run(audited, "experiment", "--model", "linear")

    assert done.returncode == 1
    assert re.search(
        r"src/\w+/features\.py: centred of row C\d+ is \S+ among other rows and 0 where it is asked alone", done.stderr
    )
    assert [path.name for path in audited.glob("experiments/[0-9]*")] == ["0000-baseline"]
    assert list(audited.glob("registry/rooms/*")) == []


@pytest.mark.parametrize("repository", ["ml-invoices"], indirect=True)
def test_rows_that_are_not_here_are_said_not_failed(repository: Path) -> None:
    """Where rows of its own have not come yet, the tests say what is missing and what to type."""
    path = repository / "data" / "source.yaml"
    path.write_text(re.sub(r"(?m)^source: .*", "source: data/raw/rows.csv", path.read_text("utf-8")), "utf-8")
    done = run(repository, *PYTEST, module="pytest")

    assert done.returncode == 0, done.stdout
    assert "make audit" in done.stdout
    assert " passed" not in done.stdout


def break_whatever_the_team_wrote(repository: Path) -> None:
    """Every module of the team's, its tests and its settings cannot be imported or read."""
    for path in (*repository.glob("src/**/*.py"), *repository.glob("tests/**/*.py"), repository / "conftest.py"):
        path.write_text("raise SystemExit('the team was imported')\n", "utf-8")
    with repository.joinpath("pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.pytest.ini_options.none]\naddopts = "--no-such-option"\n')


@pytest.mark.parametrize("repository", mostly_slow(["ml-default", "sw-default"], "sw-default"), indirect=True)
def test_the_engine_tests_itself_on_its_own_sample(repository: Path) -> None:
    """No line of the team's is imported, nothing is left but the evidence, and it names the engine.

    A coding agent types it after an update: what the tests sign and confirm is their sample, and nobody's word.
    """
    break_whatever_the_team_wrote(repository)
    before = {path for path in repository.rglob("*") if path.is_file()}
    done = run(repository, "self-test", PYTEST_ADDOPTS="--no-such-option", PLANRUN_AGENT="helper")
    found = json.loads(repository.joinpath("evidence/self-test.json").read_text("utf-8"))
    engine = json.loads(run(repository, "status", "--json").stdout)["engine"]

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert done.stdout.splitlines()[-1].startswith("PASS planrun 0.1.0, as it was released: ")
    assert found["engine"] == engine
    assert found["measured"] == {"engine/": engine["sha256"]}
    assert found["passed"] > 30
    assert {path for path in repository.rglob("*") if path.is_file()} - before == {
        repository / "evidence" / "self-test.json"
    }


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_test_of_the_engine_that_shows_nothing_is_no_pass(repository: Path) -> None:
    """One that was skipped, is expected to fail or asserts nothing makes the run red and is named."""
    folder = repository / "engine" / "planrun_software" / "self_test"
    for path in (*folder.glob("test_*.py"), *folder.parent.parent.glob("planrun*/tests/test_*.py")):
        path.unlink()
    folder.joinpath("test_idle.py").write_text(IDLE)
    done = run(repository, "self-test")
    found = json.loads(repository.joinpath("evidence/self-test.json").read_text("utf-8"))

    assert done.returncode == 1
    said = done.stdout.splitlines()[-1]
    assert said.startswith("FAIL planrun 0.1.0, edited here: ")
    assert said.endswith("planrun_software/self_test/test_idle.py::test_known_to_fail skipped; 3 tests in all.")
    assert found["passed"] == 1
    assert [name.rpartition("::")[2] for name in found["skipped"]] == ["test_known_to_fail", "test_put_off"]
    assert [name.rpartition("::")[2] for name in found["empty"]] == ["test_asserts_nothing"]


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_the_gate_of_the_harness_reads_the_engines_tests(audited: Path) -> None:
    """G1.8 warns until they have run on this engine, and the team's own tests are no part of it."""
    done = run(audited, *PYTEST, module="pytest")

    assert done.returncode == 0, done.stdout
    assert states(audited)["G1.8"] == "warn"
