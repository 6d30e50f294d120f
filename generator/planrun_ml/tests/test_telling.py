"""A value and a difference in words: the way that is better by its name, and what is unknown by a word."""

import math
import re
from pathlib import Path

import pytest
from planrun.repository import Repo

from planrun_ml.experiments import run
from planrun_ml.measuring.catalogue import MetricKey
from planrun_ml.measuring.intervals import Interval
from planrun_ml.measuring.metrics import BUILT_IN
from planrun_ml.measuring.telling import better_by, bounds_told, difference_told, figure, value_told

ENDS: dict[str, tuple[float | None, float | None]] = {
    "both": (-2.0, 15.0),
    "lower": (-2.0, None),
    "upper": (None, 15.0),
    "none": (None, None),
}


@pytest.mark.parametrize("ends", ENDS)
def test_no_bound_is_a_question_mark(ends: str) -> None:
    """Whatever is missing, no reader sees a mark, a None or a nan; both missing, why is told."""
    low, high = ENDS[ends]
    found = {"value": 11.18, "low": low, "high": high, "method": "5 positives, and 15 more are needed to judge"}
    for said in (value_told(found), difference_told(found), difference_told({**found, "value": None})):
        assert not re.search(r"\?|None|nan|inf", said), said
        assert ("without bounds" in said) == (ends == "none")
        assert ("(5 positives, and 15 more are needed to judge)" in said) == (ends != "both")
        assert ("unknown" in said.partition(",")[2]) == (ends in ("lower", "upper"))


def test_a_difference_says_which_way_it_goes() -> None:
    """No sign whose direction hangs on the metric: 11 less of an error is better, and is called so."""
    found = {"value": 11.18, "low": -2.0, "high": 15.25}

    assert difference_told(found, "EUR") == "better by 11.18 EUR, bounds: worse by 2 to better by 15.25"
    assert better_by(-0.07143) == "worse by 0.07143"
    assert better_by(0.0) == better_by(-0.0) == "as good"
    assert better_by(None) == "unknown"
    assert value_told({"value": 48.2, "low": 41.0, "high": 55.0}, "EUR") == "48.2 EUR, bounds 41 to 55"


def test_an_interval_without_ends_is_told_as_evidence_holds_it() -> None:
    """Bounds that are infinite are None in evidence, and neither is printed."""
    found = Interval(0.5, -math.inf, math.inf, 3, "3 queries, and 5 more are needed to judge", 0.05)

    assert bounds_told(found.as_json()) == "without bounds (3 queries, and 5 more are needed to judge)"
    assert bounds_told({"low": None, "high": None}) == "without bounds"
    assert figure(math.inf) == figure(math.nan) == figure(None) == "unknown"


@pytest.mark.parametrize(
    ("name", "unit"), [("mae", " units of the target"), ("rmse", " units of the target"), ("f1", "")]
)
def test_what_an_experiment_learned_names_metric_direction_and_unit(
    name: MetricKey, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lower error that is better is no minus, and a worse one that is kept, as nothing shows it, is called worse."""
    monkeypatch.setattr(run, "deciding", lambda repo: BUILT_IN[name])
    repo = Repo(Path())

    assert run._against(repo, 11.18, "the baseline") == f"{name} better by 11.18{unit} than that of the baseline"
    assert run._against(repo, -11.18, "the champion") == f"{name} worse by 11.18{unit} than that of the champion"
    assert run._against(repo, 0.0, "the champion") == f"{name} as good as that of the champion"
