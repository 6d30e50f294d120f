"""Today's value as answered and as measured: where they are two practices, somebody is asked which one it is."""

from types import SimpleNamespace
from typing import Any

import pytest

from planrun_ml.baseline import practice

RESULT: dict[str, Any] = {"value": 0.9312, "low": 0.88, "high": 0.98}
RECALL: Any = SimpleNamespace(name="recall", sign=1)
ERROR: Any = SimpleNamespace(name="mae", sign=-1)


@pytest.mark.parametrize("today", [0.5, 0.8799, 0.99, -3.0])
def test_an_answer_beyond_the_measured_bounds_is_told(today: float) -> None:
    """Both figures, the bounds, and what makes them one."""
    told = practice.unlike(today, RECALL, RESULT)

    assert told == (
        f"The plan starts from recall {today:.4g}, as answered (current_value), and acceptance from the 0.9312 "
        "of the measured rule (0.88 to 0.98): they are not the same practice."
    )
    assert "--set current_value=0.9312" in practice.settled_by(RESULT)


@pytest.mark.parametrize(
    ("today", "result"),
    [(0.88, RESULT), (0.95, RESULT), (0.98, RESULT), (None, RESULT), (0.5, RESULT | {"low": None})],
)
def test_what_may_be_the_same_is_not(today: float | None, result: dict[str, Any]) -> None:
    """Within the bounds, unanswered, or without bounds."""
    assert practice.unlike(today, RECALL, result) == ""


@pytest.mark.parametrize(
    ("metric", "figure", "is_missed"),
    [(RECALL, 0.99, True), (RECALL, 0.98, False), (RECALL, 0.5, False), (RECALL, None, False),
     (ERROR, 0.5, True), (ERROR, 0.88, False), (ERROR, 0.99, False)],
)  # fmt: skip
def test_a_rule_falls_short_on_the_side_that_is_worse(metric: Any, figure: float | None, is_missed: bool) -> None:
    """Whichever way the metric runs; without a bound nothing is shown."""
    assert practice.missed(figure, metric, RESULT["low"], RESULT["high"]) == is_missed
    assert not practice.missed(figure, metric, None, None)
