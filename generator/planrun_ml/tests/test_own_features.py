"""A feature of a row is the same whoever stands beside it; one that is not is named, with the row and both values."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planrun.rooms import Rooms
from planrun.trouble import Trouble

from planrun_ml.models import own_features

KEYS = ["A", "B", "C", "D"]


class Centred:
    """Each value less the mean: of the rows beside it, or of those that it was fitted on where `kept` is one."""

    def __init__(self, kept: float | None = None) -> None:
        self.kept = kept

    def transform(self, x: pd.DataFrame) -> pd.DataFrame:
        """With a column of the distance to the mean: of the rows at hand, where no mean was kept."""
        return x.assign(centred=x["size"] - (x["size"].mean() if self.kept is None else self.kept))


class Dummies:
    """A column for each colour that is among the rows."""

    def transform(self, x: pd.DataFrame) -> pd.DataFrame:
        """With one column more for each colour among these rows."""
        return x.join(pd.get_dummies(x["colour"], prefix="is"))


class Picky:
    """It fails on one row."""

    def transform(self, x: pd.DataFrame) -> pd.DataFrame:
        """The rows as they are. Raises `ValueError` where a size is 2."""
        if (x["size"] == 2.0).any():
            raise ValueError("no two")
        return x


@pytest.fixture
def rows() -> pd.DataFrame:
    """Four rows: a number with a gap, and a text with two levels."""
    return pd.DataFrame({"size": [1.0, 2.0, np.nan, 6.0], "colour": ["red", "blue", "red", "red"]})


def refused(steps: list[Any], rows: pd.DataFrame) -> str:
    """What is said of these steps; "" where nothing is."""
    try:
        own_features.refuse_company(steps, rows, KEYS, Rooms(Path(), "ours"))
    except Trouble as trouble:
        return trouble.sentence
    return ""


def test_a_feature_of_the_rows_beside_it_is_named(rows: pd.DataFrame) -> None:
    """The column, the row by its key, and both values, in one sentence."""
    assert refused([Centred()], rows) == (
        "src/ours/features.py: centred of row A is -2 among other rows and 0 where it is asked alone, "
        "as a service asks."
    )


def test_a_column_that_only_company_brings_is_named(rows: pd.DataFrame) -> None:
    assert refused([Dummies()], rows) == (
        'src/ours/features.py: is_blue of row A is 0 among other rows and "no column" where it is asked alone, '
        "as a service asks."
    )


@pytest.mark.parametrize("steps", [[], [Centred(3.0)], [Centred(3.0), Centred(0.0)], [Picky()]])
def test_what_is_alike_both_times_is_not(steps: list[Any], rows: pd.DataFrame) -> None:
    """A missing value is missing both times; a row on which a step fails is told elsewhere, with the step's line."""
    assert refused(steps, rows) == ""


def test_values_are_compared_as_what_they_are() -> None:
    """Numbers within rounding, whatever their type; texts by their letters; a gap with a gap alone."""
    together = pd.DataFrame({"a": [1e9], "b": [3], "c": ["x"], "d": [None]}, dtype=object)
    same = pd.DataFrame({"a": [1e9 + 0.1], "b": [3.0], "c": ["x"], "d": [float("nan")]}, dtype=object)

    assert own_features.difference(together, [same], ["R"]) is None
    assert own_features.difference(together, [None], ["R"]) is None
    for column, value in {"a": 1e9 + 10, "b": 4, "c": "y", "d": 0.0}.items():
        found = own_features.difference(together, [same.assign(**{column: [value]})], ["R"])
        assert found is not None
        assert (found.column, found.key, found.other) == (column, "R", value)
