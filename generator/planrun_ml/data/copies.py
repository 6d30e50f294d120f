"""Rows that are equal in all inputs: copies of each other, or equal by chance?

A few coarse columns make many rows equal that are different cases. How many equal pairs chance makes follows from the
joint distribution, and that shows in pairs that are nearly equal: where rows meet by chance, pairs that differ in one
column alone, or in two, abound; copies have none beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from planrun_ml.data.profile import PLACE
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import quoted

CELLS = 8_000_000  # values that are compared; of a larger table a part of the rows
MOST_ROWS = 100_000
CLOSEST = 8  # columns whose pairs of columns are looked at
EXPLAINED = 0.5  # share of the equal pairs from which chance explains them


@dataclass(frozen=True)
class Coincidences:
    """Pairs of rows that are equal in all inputs, and how many of them chance makes."""

    seen: float
    expected: float

    @property
    def by_chance(self) -> float:
        """The share of equal pairs that chance explains, from 0 to 1."""
        return min(1.0, self.expected / self.seen) if self.seen else 0.0

    @property
    def explained(self) -> bool:
        """Whether chance makes at least half of them, so that calling them copies is wrong more often than right."""
        return self.by_chance >= EXPLAINED


def coincidences(rows: pd.DataFrame) -> Coincidences:
    """Equal pairs among rows (any types, missing values equal each other), and the number that chance makes.

    Of two columns j and k, let N be the pairs that agree in all other columns, split by whether they agree in j and in
    k. Agreement in j and in k being independent given all others, the pairs that agree in both are N_j · N_k / N_jk, of
    those that differ in j alone, in k alone and in both: the missing cell of a two by two table, as in capture and
    recapture (Chapman 1951, whose + 1 keeps small numbers from promising too much). Each pair of the columns in which
    rows differ most often alone gives an estimate; their median counts.
    """
    keys = _keys(rows)
    whole = keys.sum(axis=1, dtype=np.uint64)
    seen = _equal_pairs(whole)
    if not seen or keys.shape[1] < 2:
        return Coincidences(seen, 0.0 if keys.shape[1] > 1 else seen)
    alone = np.array([_equal_pairs(whole - keys[:, j]) - seen for j in range(keys.shape[1])])
    closest = [int(j) for j in np.argsort(-alone, kind="stable")[:CLOSEST] if alone[j] > 0]
    estimates = []
    for j, k in combinations(closest, 2):
        both = _equal_pairs(whole - keys[:, j] - keys[:, k]) - seen - alone[j] - alone[k]
        estimates.append(alone[j] * alone[k] / (both + 1))
    return Coincidences(seen, float(np.median(estimates)) if estimates else 0.0)


def _keys(rows: pd.DataFrame) -> np.ndarray:
    """A random 64-bit number for each value of each column, so that sums of them tell rows apart."""
    draw, columns = np.random.default_rng(19), []
    for name in rows:
        codes, values = pd.factorize(rows[name], use_na_sentinel=True)
        columns.append(draw.integers(0, 2**64, len(values) + 1, dtype=np.uint64)[codes])  # the last one: missing
    return np.column_stack(columns) if columns else np.zeros((len(rows), 0), dtype=np.uint64)


def _equal_pairs(keys: np.ndarray) -> float:
    """Pairs of rows with the same key."""
    counts = np.unique(keys, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / 2)


def by_chance(table: Engine, inputs: Sequence[str], relation: str, tell: dict[str, float]) -> Coincidences:
    """The coincidences among the rows of a relation that `tell` (see `profile.telling`) takes for copies."""
    return coincidences(_enough(table, inputs, tell, relation)) if tell else Coincidences(0.0, 0.0)


def _enough(table: Engine, inputs: Sequence[str], tell: dict[str, float], relation: str) -> pd.DataFrame:
    """The rows that could be copies: those whose known inputs tell them apart; of very many a part."""
    rows = table.rows(f"select count(*) from {relation}")[0][0]
    share = min(1.0, min(MOST_ROWS, CELLS / len(inputs)) / max(1, rows))
    known = " + ".join(f"if({quoted(name)} is null, 0, {digits})" for name, digits in tell.items() if name)
    where = f"{known} >= {tell['']} and {PLACE} < {share}"
    joined = f"{relation} and {where}" if " where " in relation else f"{relation} where {where}"
    return table.frame(f"select {', '.join(map(quoted, inputs))} from {joined}")
