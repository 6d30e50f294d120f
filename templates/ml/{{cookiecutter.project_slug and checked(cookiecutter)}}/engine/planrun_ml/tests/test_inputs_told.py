"""What the watch of inputs says: every column that alarms, and of the others the one that is furthest off."""

from types import SimpleNamespace
from typing import Any

import pytest

from planrun_ml.watching import watches


def column(name: str, missing: float, outside: float, gap: float) -> Any:
    """A column with more missing and new values than training had; `gap` is what of it chance does not explain."""
    return SimpleNamespace(column=name, missing=missing, outside=outside, gap=gap)


def told(*columns: Any) -> tuple[str, str]:
    """State and reason of the watch of inputs over these columns, in a window of one day at a limit of 0.05."""
    view: Any = SimpleNamespace(shifts=lambda days, profile: list(columns))
    found = watches.inputs(view, 1, 0.05)
    return found.state, found.reason


CALM, EMPTY, NEW = column("calm", 0.02, 0, 0), column("empty", 0.3, 0, 0.3), column("new", 0.01, 0.1, 0.1)


@pytest.mark.parametrize("given", [(CALM, EMPTY, NEW), (NEW, CALM, EMPTY)])
def test_every_column_that_alarms_is_named(given: tuple[Any, ...]) -> None:
    """The worst first, whatever their order; a column within its limit is not among them."""
    assert told(*given) == ("alarm", "empty has 30.0% more missing; new has 10.0% never seen before")


def test_without_an_alarm_the_furthest_is_told() -> None:
    """And what chance explains is no alarm, however large."""
    assert told(CALM, column("few rows", 0.2, 0, 0)) == ("ok", "few rows has 20.0% more missing")
    assert told() == ("silent", "no inputs were logged")
