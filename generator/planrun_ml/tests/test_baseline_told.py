"""What the baseline says of its rule beside an answer that is always the same."""

import numpy as np
import pytest

from planrun_ml.baseline.run import _constant
from planrun_ml.measuring.case import Case
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
