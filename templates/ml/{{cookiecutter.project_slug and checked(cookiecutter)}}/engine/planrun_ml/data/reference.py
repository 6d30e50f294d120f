"""The profile of reference rows that later rows are compared with."""

import math
from collections.abc import Mapping
from typing import Any

from planrun_ml.data import shift
from planrun_ml.tables.sql import quoted

# rows of a profile; levels of a category in it
REFERENCE_ROWS = 200_000
LEVELS = 50


def profile(ask: shift.Ask, table: str, kinds: Mapping[str, str], bins: int) -> dict[str, Any]:
    """What the reference rows look like, in about 10 kB. `kinds` says number, date or category; `table` is SQL."""
    rows = ask(f"select count(*) from ({table})")[0][0]
    if not rows:
        raise ValueError("There are no rows to take a profile of.")
    columns = {name: {"kind": kind, "cuts": _cuts(ask, table, name, kind, bins)} for name, kind in kinds.items()}
    counts = shift.count(ask, table, columns)
    return {
        "rows": rows,
        "columns": {n: c | {"counts": counts[n][0], "nulls": counts[n][1]} for n, c in columns.items()},
    }


def _cuts(ask: shift.Ask, table: str, name: str, kind: str, bins: int) -> list[Any]:
    """Numbers: edges at 2 x bins quantiles and one below the smallest value. Categories: the most frequent levels."""
    values = f"select {shift.valued(quoted(name), kind)} as v from ({table})"
    if kind == "category":
        levels = f"select v, count(*) as n from ({values}) where v is not null group by v order by n desc, v"
        return [level for level, _ in ask(f"{levels} limit {LEVELS}")]
    points = [i / (2 * bins) for i in range(2 * bins + 1)]
    found = ask(f"select quantile_disc(v, {points}) from ({values}) where v is not null")[0][0]
    if not found:
        return []
    edges = sorted({float(f"{edge:.9g}") for edge in found})
    below = math.nextafter(edges[0], -math.inf) - max(abs(edges[0]), 1e-300) * 1e-8
    return [float(f"{below:.9g}"), *edges]
