"""How far a metric moves by chance, for one that is a single value for all rows."""

import numpy as np
import pytest

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.influence import influence
from planrun_ml.measuring.metrics import Metric

ONE_IN_FIFTY = 2.054 * np.sqrt(3.16)  # of what the columns below sum to


def found_in_the_top(case: Case) -> float:
    """The share of all positives that is among the first hundredth: a cut at a whole number of rows."""
    order = np.argsort(-case.scores, kind="stable")
    return float(case.y[order[: len(order) // 100]].sum() / max(1, case.y.sum()))


METRIC = Metric(value=found_in_the_top, better="higher", share=True, counted_on="positives")


def a_pair(chance: np.random.Generator, rows: int) -> list[Case]:
    """A model that sees three columns, and a rule that sees one, on the same rows."""
    columns = chance.normal(size=(rows, 3))
    y = (columns.sum(axis=1) + chance.normal(0, 0.4, rows) > ONE_IN_FIFTY).astype(int)
    return [Case(y=y, scores=columns.sum(axis=1)), Case(y=y, scores=columns[:, 0])]


@pytest.mark.parametrize("rows", [4002, 4050])
def test_the_error_of_a_cut_is_as_large_as_it_varies(rows: int) -> None:
    """Whether a part that is left out moves the cut by a row or not, which 4,002 rows do and 4,050 do not."""
    chance = np.random.default_rng(5)
    drawn = [a_pair(chance, rows) for _ in range(60)]
    spread = np.std([found_in_the_top(new) - found_in_the_top(old) for new, old in drawn])
    errors = [influence(METRIC, pair).error() for pair in drawn]

    assert 0.9 < np.mean(errors) / spread < 1.5
    assert np.std(errors) < 0.25 * np.mean(errors)
