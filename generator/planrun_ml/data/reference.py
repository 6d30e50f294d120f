"""The profile of reference rows that later rows are compared with."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from planrun_ml.data import shift
from planrun_ml.tables.sql import quoted

# rows of a profile; levels of a category in it
REFERENCE_ROWS = 200_000
LEVELS = 50
LONGEST = 366  # days that are looked back on for how days differ


def profile(
    ask: shift.Ask, table: str, kinds: Mapping[str, str], bins: int, day: str = "", each: int = 1
) -> dict[str, Any]:
    """What the reference rows look like, in about 10 kB. `kinds` says number, date or category; `table` is SQL.

    `day` is its column with each row's date, where it has one: how periods of `each` days differ is kept as well, three
    or four figures a period for each column. Raises `ValueError` without rows.
    """
    rows = ask(f"select count(*) from ({table})")[0][0]
    if not rows:
        raise ValueError("There are no rows to take a profile of.")
    columns = {name: {"kind": kind, "cuts": _cuts(ask, table, name, kind, bins)} for name, kind in kinds.items()}
    counts = shift.count(ask, table, columns)
    once = {name: _once(ask, table, name) for name, kind in kinds.items() if kind == "category"}
    held: dict[str, dict[str, Any]] = {n: {**c, **({"once": once[n]} if n in once else {})} for n, c in columns.items()}
    held = {n: c | {"counts": counts[n][0], "nulls": counts[n][1]} for n, c in columns.items()}
    found = {"rows": rows, "bins": bins, "columns": held}
    return with_days(ask, table, found, day, each) if day else found


def with_days(ask: shift.Ask, table: str, found: dict[str, Any], day: str, each: int) -> dict[str, Any]:
    """A profile with what its periods did: share above the middle, PSI against all others, missing, never seen.

    Periods of fewer than half as many rows as usual are left out: they were cut short. So is all but the last year.
    """
    newest = f"(select max({day}::date) from ({table}))"
    counted = shift.count_by(ask, table, found["columns"], f"date_diff('day', {day}::date, {newest}) // {each}")
    first = next(iter(found["columns"]))
    sizes = {back: sum(held[first][0]) + held[first][1] for back, held in counted.items() if back * each < LONGEST}
    usual = float(np.median(list(sizes.values()) or [0]))
    kept = [back for back in sorted(sizes, reverse=True) if 2 * sizes[back] >= usual]
    if not kept:
        return found
    last = ask(f"select isodow(max({day}::date)) - 1 from ({table})")[0][0]
    rows = [sizes[back] for back in kept]
    days = shift.Days(each, np.array(rows, dtype=float), np.array([(last - back * each) % 7 for back in kept]))
    columns = {}
    for name, held in found["columns"].items():
        column, periods = shift.Column(name, held, found["rows"], found["bins"], days, 1.0), []
        groups, cut, numeric = column.day_cells, shift.middle(held), held["kind"] != "category"
        for back in kept:
            bins, nulls = counted[back][name]
            own, others = [*bins, nulls], np.subtract(column.before, [*bins, nulls]).tolist()
            unseen = bins[-1] + (bins[0] if numeric and len(bins) > 1 else 0)
            apart = shift.psi(shift.pooled(others, groups), shift.pooled(own, groups))
            periods.append((shift.above(bins, cut), apart, nulls / sum(own), unseen / sum(own)))
        kinds = zip(("above", "psi", "missing", "outside"), zip(*periods, strict=True), strict=True)
        columns[name] = held | {"days": {kind: [round(value, 6) for value in values] for kind, values in kinds}}
    weekdays = days.weekdays.tolist()
    return found | {"columns": columns, "days": {"each": each, "rows": rows, "weekdays": weekdays}}


def _once(ask: shift.Ask, table: str, name: str) -> int:
    """Levels that one row holds; as large a sample has about as many rows of levels that none here has (Good, 1953)."""
    levels = f"select count(*) as n from ({table}) where {quoted(name)} is not null group by {quoted(name)}"
    return int(ask(f"select count(*) filter (where n = 1) from ({levels})")[0][0])


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
