"""The floor of a model in use: from what was measured, once there is one, and from what is assumed only until then."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from planrun_ml.measuring.case import Case
from planrun_ml.release import registry
from planrun_ml.watching import late_labels

CASE = Case(np.ones(100), np.repeat([1.0, 0.0], [80, 20]))  # a recall of .8


def repo(provenance: str, floor: float | None) -> Any:
    """A repository whose plan has this floor, from a baseline of this provenance, and asks for a gain of .05."""
    numbers = {"monitor.floor": floor, "acceptance.alpha": 0.05, "acceptance.min_gain": 0.05}
    entries = {"acceptance.baseline": {"provenance": provenance}, "acceptance.min_gain": {"inputs": {}}}
    return SimpleNamespace(
        answers={"metric": "recall", "task": "binary"},
        number=numbers.get,
        needed=lambda key: numbers[key],
        entry=entries.get,
    )


@pytest.mark.parametrize(
    ("provenance", "floor", "beaten", "held_to"),
    [
        ("default", 0.55, 0.7, 0.75),  # assumed .5, measured .7: .2 further down it would still not pay
        ("default", 0.55, 0.73, 0.765),  # the smallest gain lies above the middle, and the middle is the floor
        ("default", 0.55, 0.78, 0.55),  # hardly better than what was measured: nothing tells a floor right below it
        ("default", 0.55, None, 0.55),  # nothing measured yet
        ("default", None, 0.7, 0.75),
        ("answered", 0.6, 0.7, 0.6),  # a person's word, which the page holds against the measurement
        ("measured", 0.72, 0.7, 0.72),
    ],
)
def test_a_version_is_held_to_what_was_measured(
    provenance: str, floor: float | None, beaten: float | None, held_to: float
) -> None:
    """And to what the plan assumes only while nothing was."""
    found = registry.standard(repo(provenance, floor), CASE, beaten)

    assert found["floor"] == pytest.approx(held_to)


@pytest.mark.parametrize(("provenance", "held_to"), [("default", 0.75), ("answered", 0.55), ("measured", 0.55)])
def test_late_labels_are_held_against_the_same_floor(provenance: str, held_to: float) -> None:
    """The version's own while the plan assumes; the plan's once its baseline is known."""
    card = {"metric": "recall", "floor": 0.75}

    assert late_labels._floor(repo(provenance, 0.55), card) == held_to
