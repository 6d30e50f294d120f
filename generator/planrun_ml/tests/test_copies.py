"""Rows that are equal in all inputs: what chance makes, and what it does not."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from planrun_ml.data.copies import coincidences

ROWS = 1250


def coarse(draw: np.random.Generator, columns: int, skew: float) -> pd.DataFrame:
    """Columns of two to six levels, some of them frequent, that go together through something nobody wrote down."""
    hidden, found = draw.normal(0, 1, ROWS), {}
    for number in range(columns):
        shares = 1 / np.arange(1, draw.integers(3, 8)) ** skew
        place = norm.cdf((draw.normal(0, 1, ROWS) + 0.6 * hidden) / np.sqrt(1.36))
        found[f"c{number}"] = np.searchsorted(np.cumsum(shares / shares.sum()), place).clip(0, len(shares) - 1)
    return pd.DataFrame(found)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("columns", "skew"), [(9, 1.5), (9, 1.0), (14, 1.2)])
def test_chance_explains_what_coarse_columns_make_equal(columns: int, skew: float, seed: int) -> None:
    """Many pairs are equal, none of them is a copy, and half of them at least are expected."""
    found = coincidences(coarse(np.random.default_rng(seed), columns, skew))

    assert found.seen > 100
    assert found.explained


@pytest.mark.parametrize("seed", range(6))
def test_copies_are_beyond_chance(seed: int) -> None:
    """A hundred rows twice, told apart by one measured column among coarse ones: nothing is nearly equal to them."""
    draw = np.random.default_rng(seed)
    rows = coarse(draw, 6, 1.0).assign(measured=draw.normal(0, 1, ROWS).round(3))
    twice = pd.concat([rows, rows.sample(100, random_state=seed)])
    found = coincidences(twice)

    assert found.seen >= 100
    assert not found.explained
    assert found.by_chance < 0.3


def test_few_pairs_and_few_columns() -> None:
    """Nothing equal has nothing to explain; one column alone cannot be asked, so chance has the benefit."""
    rows = pd.DataFrame({"a": range(20), "b": range(20)})

    assert coincidences(rows).seen == 0
    assert not coincidences(rows).explained
    assert coincidences(pd.DataFrame({"a": [1, 1, 2]})).explained
    assert coincidences(pd.concat([rows, rows.head(3)])).seen == 3
    assert not coincidences(pd.concat([rows, rows.head(3)])).explained


def test_missing_values_are_equal_to_each_other() -> None:
    """And to nothing else."""
    rows = pd.DataFrame({"a": [None, None, "x"], "b": [1.0, 1.0, np.nan]})

    assert coincidences(rows).seen == 1
