"""A misspelt name fails the type check that `make lint` runs, and not a user."""

import os
import subprocess
import sys

import pytest
from material import ROOT

# Each line is right but for one name; what the type check says of it names the mistake.
PLANTED = {
    "answers.mis_cost": '"Answers" has no attribute "mis_cost"',
    'answers["mis_cost"]': 'Invalid index type "Literal[\'mis_cost\']" for "Answers"',
    'answers.get("mis_cost")': 'No overload variant of "get" of "Mapping" matches argument type "str"',
    '"mis_cost" in answers': 'Unsupported operand types for in ("str" and "Answers")',
    'answers.text("mis_cost")': "incompatible type \"Literal['mis_cost']\"",
    'questions.text_of(answers.raw, "mis_cost")': "incompatible type \"Literal['mis_cost']\"",
    'questions.named("mis_cost")': "incompatible type \"Literal['mis_cost']\"",
    '[answers[key] for key in ("miss_cost", "mis_cost")]': 'Invalid index type "str" for "Answers"',
    'answers.provenance("mis_cost")': "incompatible type \"Literal['mis_cost']\"",
    'answers.is_asked("slo_percnt")': "incompatible type \"Literal['slo_percnt']\"",
    'gates.gate("G1.33")': 'No overload variant of "gate" matches argument type "str"',
    'value_of(numbers, "acceptance.targt")': "incompatible type \"Literal['acceptance.targt']\"",
    'numbers["test.row"]': "Invalid index type \"Literal['test.row']\"",
    'planned: Numbers = {"retrain.costs": Number(1)}': "incompatible type \"Literal['retrain.costs']\"",
    'Number(1, formula="F99")': "incompatible type \"Literal['F99']\"",
    'Number(1, unit="rows")': 'Unexpected keyword argument "unit" for "Number"',
    'numbers_of(context.plan_of(answers))["acceptance.targt"]': "Invalid index type \"Literal['acceptance.targt']\"",
    'context.plan_of(answers)["findngs"]': "Invalid index type \"Literal['findngs']\"",
    'context.plan_of(answers).get("findngs")': 'No overload variant of "get" of "dict" matches argument type "str"',
    'advice_rules.planned({}, "acceptance.targt")': "incompatible type \"Literal['acceptance.targt']\"",
    'repo.answers["mis_cost"]': "Invalid index type \"Literal['mis_cost']\"",
    'repo.answers.get("mis_cost")': 'No overload variant of "get" of "dict" matches argument type "str"',
    '"mis_cost" in repo.answers': 'Unsupported operand types for in ("str" and "Answers")',
    '[repo.answers[key] for key in ("miss_cost", "mis_cost")]': 'Invalid index type "str" for "Answers"',
    'repo.names("segmnts")': "incompatible type \"Literal['segmnts']\"",
    'repo.plan["metrc"]': "Invalid index type \"Literal['metrc']\"",
    'repo.plan.get("metrc")': 'No overload variant of "get" of "dict" matches argument type "str"',
    'story.answer("mis_cost")': "incompatible type \"Literal['mis_cost']\"",
    'story.plan("slo.objectiv")': "incompatible type \"Literal['slo.objectiv']\"",
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
    'answers["miss_cost"]',
    'answers.get("miss_cost")',
    '"miss_cost" in answers',
    'questions.text_of(answers.raw, "miss_cost")',
    'context.plan_of(answers).get("findings")',
    'repo.answers["miss_cost"]',
    'repo.answers.get("miss_cost", "")',
    '"miss_cost" in repo.answers',
    '[repo.answers[key] for key in ("miss_cost", "metric")]',
    'repo.plan["metric"]',
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
        "from mlscaffold import advice_rules, context, questions",
        "from mlscaffold.answers import Answers",
        "from mlscaffold.demo.project import Project",
        "from mlscaffold.planning.acceptance.metrics import METRICS, Metric",
        "from mlscaffold.planning.number import Number, Numbers, numbers_of, value_of",
        "from planrun import gates",
        "from planrun.repository import Repo",
        "from planrun_ml.measuring import metrics as evaluator",
        "",
        "",
        "def planted(answers: Answers, numbers: Numbers, metric: Metric, repo: Repo, story: Project) -> None:",
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
    """An answer, a gate, a number, a part of the plan, a formula, a metric; and what may be unknown is not added to."""
    rows = zip(PLANTED.items(), complaints[: len(PLANTED)], strict=True)

    assert [(line, said) for (line, wanted), said in rows if wanted not in said] == []


def test_a_right_one_passes(complaints: list[str]) -> None:
    assert complaints[len(PLANTED) :] == [""] * len(SOUND)
