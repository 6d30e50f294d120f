"""What the baseline says of its rule beside an answer that is always the same."""

import math

import numpy as np
import pytest

from planrun_ml.baseline.run import RECORD, SHOWN, _bounds, _constant, _shortened
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.intervals import Interval, gain, verdict
from planrun_ml.measuring.metrics import BUILT_IN, score

RIGHT = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
TELLING = np.array([0.2, 0.3, 0.4, 0.35, 0.9])  # five of the six pairs are in order


def told(name: str, scores: np.ndarray, threshold: float, flat: float) -> str:
    """The sentence of a rule with these scores, beside a constant answer with its own."""
    rule, same = (Case(RIGHT, given, threshold) for given in (scores, np.full(5, flat)))
    return _constant(BUILT_IN[name], score(BUILT_IN[name], rule), score(BUILT_IN[name], same), rule)


@pytest.mark.parametrize("scores", [TELLING, 1 - TELLING], ids=["telling", "telling the wrong way"])
def test_a_recall_of_everybody_says_nothing_of_the_rules_column(scores: np.ndarray) -> None:
    """At a threshold below the share of positives a constant answer alarms all, and nobody can find more."""
    said = told("recall", scores, 0.09, 0.4)
    order = "0.833" if scores is TELLING else "0.167"

    assert said == (
        "Answering always the same scores 1: the rule is no better by recall at the threshold of 0.09; "
        f"in order its scores have a ROC AUC of {order} (a coin has 0.5)."
    )


def test_what_is_better_or_has_no_order_is_told_without_it() -> None:
    assert (
        told("recall", TELLING, 0.5, 0.4) == "Answering always the same scores 0: the rule is better, as it should be."
    )
    assert (
        told("roc_auc", 1 - TELLING, 0.5, 0.4)
        == "Answering always the same scores 0.5: the rule is no better by roc_auc."
    )
    amounts = Case(np.array([1.0, 2.0, 4.0]), np.zeros(3))
    assert _constant(BUILT_IN["mae"], 7 / 3, 4 / 3, amounts).endswith(": the rule is no better by mae.")


# ------------------------------------------------------------------------------------------------ words that are meant
AMOUNTS = {"mae", "rmse"}
OF_TWO = sorted(set(BUILT_IN) - AMOUNTS - {"macro_f1", "ndcg_at_10", "mrr", "cost"})


@pytest.mark.parametrize("name", [*OF_TWO, *sorted(AMOUNTS)])
def test_which_way_is_better_is_said_as_it_is_meant(name: str) -> None:
    """Right answers are better than wrong ones: by the word on the console, by the sign, and as a gain."""
    metric, y = BUILT_IN[name], np.tile(RIGHT, 30) if name not in AMOUNTS else np.arange(150.0)
    right, wrong = Case(y, y + 0.1 * (name in AMOUNTS), 0.5), Case(y, y[::-1] if name in AMOUNTS else 1 - y, 0.5)
    found = gain(metric, right, wrong, 0.05)

    lower = score(metric, right) < score(metric, wrong)
    assert metric.better == ("lower" if lower else "higher")
    assert found.value > 0
    assert lower == (name in (*AMOUNTS, "brier", "log_loss"))


@pytest.mark.parametrize(("low", "high"), [(-math.inf, math.inf), (0.4, math.inf), (math.nan, math.nan)])
def test_no_bound_is_told_as_endless(low: float, high: float) -> None:
    """Where there are no bounds, why stands there, and on how many of which units."""
    found = Interval(0.5, low, high, 3, "only 3 groups", 0.05)
    told = _bounds(BUILT_IN["ndcg_at_10"], found), verdict(found, 0.1, "queries").sentence

    assert told[0] == "without bounds (only 3 groups), 3 queries"
    assert not any(word in text for text in told for word in ("inf", "nan"))


def test_a_rule_that_fills_the_screen_is_cut() -> None:
    """Between two words, with where it stands in full; a short one stands as it is."""
    long = "case " + " ".join(f"when a <= {number} then {number / 7}" for number in range(60)) + " end"

    assert len(long) > 2_000 > SHOWN
    assert len(_shortened(long)) < SHOWN + 60
    assert _shortened(long).endswith(f" … (in full in {RECORD})")
    assert _shortened("case when a <= 1 then 0 end") == "case when a <= 1 then 0 end"
