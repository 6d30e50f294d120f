"""What a metric is: the engine's own say what they always said, and a team's own is asked as one of them."""

import json
from typing import Any

import evaluator
import pytest
from planrun_ml.measuring.metrics import BUILT_IN, Metric


@pytest.mark.parametrize(("task", "name", "grouped"), evaluator.every())
def test_the_evaluator_says_what_it_said(task: str, name: str, grouped: bool) -> None:
    """Value, interval, gain and what late labels show, of each of the engine's metrics on rows alone and in groups."""
    known = json.loads(evaluator.KNOWN.read_text("utf-8"))[evaluator.key(task, name, grouped)]

    assert evaluator.says(task, name, grouped) == near(known)


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
