"""A misspelt name fails the type check that `make lint` runs, and not a user."""

import os
import subprocess
import sys

import pytest
from material import ROOT

# Each line is right but for one name; what the type check says of it names the mistake.
PLANTED = {
    "answers.mis_cost": '"Answers" has no attribute "mis_cost"',
    'answers.provenance("mis_cost")': "incompatible type \"Literal['mis_cost']\"",
    'answers.is_asked("slo_percnt")': "incompatible type \"Literal['slo_percnt']\"",
    'gates.gate("G1.33")': 'No overload variant of "gate" matches argument type "str"',
    'value_of(numbers, "acceptance.targt")': "incompatible type \"Literal['acceptance.targt']\"",
    'numbers["test.row"]': "Invalid index type \"Literal['test.row']\"",
    'planned: Numbers = {"retrain.costs": Number(1)}': "incompatible type \"Literal['retrain.costs']\"",
    'Number(1, formula="F99")': "incompatible type \"Literal['F99']\"",
    'Number(1, unit="rows")': 'Unexpected keyword argument "unit" for "Number"',
    'repo.needed("acceptance.targt")': "incompatible type \"Literal['acceptance.targt']\"",
    'METRICS["recal"]': "Invalid index type \"Literal['recal']\"",
    'metric.is_any("mae", "rmsee")': "incompatible type \"Literal['rmsee']\"",
    'metric.known == "rmsee"': "Non-overlapping equality check",
    'evaluator.named("recal")': "incompatible type \"Literal['recal']\"",
    "answers.current_value + 1": 'Unsupported operand types for + ("None" and "int")',
}
SOUND = (
    'gates.gate("G1.3")',
    "answers.miss_cost",
    'answers.provenance("miss_cost")',
    "answers.daily_volume + 1",
    'value_of(numbers, "acceptance.target")',
    'sound: Numbers = {"retrain.cost": Number(1, formula="F12")}',
    'repo.needed("acceptance.target")',
    'METRICS["recall"].is_any("mae", "rmse")',
    'metric.known == "rmse"',
    'evaluator.named("recall")',
)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of each line below, in order; the empty text where it says nothing."""
    lines = [*PLANTED, *SOUND]
    head = [
        "from mlscaffold.answers import Answers",
        "from mlscaffold.planning.acceptance.metrics import METRICS, Metric",
        "from mlscaffold.planning.number import Number, Numbers, value_of",
        "from planrun import gates",
        "from planrun.repository import Repo",
        "from planrun_ml.measuring import metrics as evaluator",
        "",
        "",
        "def planted(answers: Answers, numbers: Numbers, metric: Metric, repo: Repo) -> None:",
    ]
    folder = tmp_path_factory.mktemp("planted")
    program = folder / "planted.py"
    program.write_text("\n".join([*head, *(f"    {line}" for line in lines), ""]), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), str(program)],
        cwd=folder, env=os.environ | {"MYPYPATH": str(ROOT / "generator")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = {
        int(line.split(":")[1]): line
        for line in done.stdout.splitlines()
        if line.startswith(f"{program.name}:") and ": error: " in line
    }
    return [said.get(number, "") for number, _ in enumerate(lines, len(head) + 1)]


def test_a_misspelt_name_fails_the_type_check(complaints: list[str]) -> None:
    """An answer, a gate, a number, a formula, a metric; and a fact that may be unknown is not added to."""
    assert all(wanted in said for wanted, said in zip(PLANTED.values(), complaints, strict=False)), complaints


def test_a_right_one_passes(complaints: list[str]) -> None:
    assert complaints[len(PLANTED) :] == [""] * len(SOUND)
