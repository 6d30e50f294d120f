"""What a metric is: the engine's own say what they always said, and a team's own is asked as one of them."""

import json
import re
from typing import Any

import evaluator
import pytest
from mlscaffold import catalogue
from mlscaffold.catalogue.keys import MetricKey
from planrun_ml.measuring import intervals
from planrun_ml.measuring.metrics import BUILT_IN, Metric, named


@pytest.mark.parametrize(("task", "name", "grouped"), evaluator.every())
def test_the_evaluator_says_what_it_said(task: str, name: str, grouped: bool) -> None:
    """Value, interval, gain and what late labels show, of each of the engine's metrics on rows alone and in groups."""
    known = _known()[evaluator.key(task, name, grouped)]

    assert evaluator.says(task, name, grouped) == near(known)


@pytest.mark.parametrize("key", catalogue.metrics())
def test_two_models_are_compared_as_the_plan_says(key: MetricKey) -> None:
    """`decided_by` of a metric's row names what the engine does where each row stands alone."""
    task = next(task for task, names in evaluator.NAMES.items() if key in names.split())
    method = str(intervals.gain(named(key), *evaluator.pairs()[task], 0.05).as_json()["method"])
    # How many alarms there are is itself the model's doing, so a mean over them is a ratio of two sums.
    means = named(key).each is not None and named(key).counted_on != "alarms"
    told = {"Tango": "score", "DeLong": "delong"}
    done = next((way for name, way in told.items() if method.startswith(name)), "mean" if means else "influence")

    assert catalogue.metrics()[key].decided_by == done, method


def test_figures_are_written_to_digits_that_every_machine_has() -> None:
    """Written anew where nothing changed, tests/evaluator.json is the same text."""
    figures = re.findall(r"-?\d+\.\d+", json.dumps([row["score"] for row in _known().values()]))

    assert [text for text in figures if len(text.partition(".")[2]) > evaluator.DIGITS] == []


def _known() -> dict[str, Any]:
    return dict(json.loads(evaluator.KNOWN.read_text("utf-8")))


def near(known: Any) -> Any:
    """What libraries sum in another order is no other figure."""
    if isinstance(known, dict):
        return {key: near(value) for key, value in known.items()}
    return pytest.approx(known, abs=2e-6) if isinstance(known, float) else known


def test_every_metric_of_the_engine_is_held() -> None:
    """None is without its figures above."""
    assert {name for names in evaluator.NAMES.values() for name in names.split()} == set(BUILT_IN)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "one of each, sums and value"),
        ({"each": len, "value": len}, "one of each, sums and value"),
        ({"sums": len}, "how to combine"),
        ({"each": len, "share": True, "better": "lower"}, "so higher is better"),
        ({"each": len, "better": "more"}, 'better="more" is none of higher, lower'),
        ({"each": len, "counted_on": "cases"}, 'counted_on="cases" is none of rows, positives, alarms, queries'),
    ],
)
def test_a_metric_that_says_something_else_than_it_may(facts: dict, told: str) -> None:
    """It is refused where it is made, so that the line in the team's room is named."""
    with pytest.raises(ValueError, match=told):
        Metric(**facts)
