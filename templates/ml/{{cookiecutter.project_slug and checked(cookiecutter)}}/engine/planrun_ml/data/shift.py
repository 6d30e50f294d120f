"""The statistics of watching: did a column move, and did a metric fall? No files; rows are counted in DuckDB's SQL.

A limit knows its sample: PSI and KS of pure noise shrink with the rows, so a fixed "0.1" cries wolf on small windows
and sleeps on large ones. A shift counts when it is statistically real and above the practical floor of the plan.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from scipy.special import chdtri

from planrun_ml.tables.sql import literal, quoted

Ask = Callable[[str], list[tuple[Any, ...]]]  # runs SQL, gives rows


@dataclass(frozen=True)
class Shift:
    """How far one column moved, beside the PSI that noise alone reaches at these row counts."""

    column: str
    psi: float
    psi_limit: float
    missing: float  # rise of the share of rows without a value
    outside: float  # share of rows with a value that no reference row had
    moved: bool


def valued(column: str, kind: str) -> str:
    """A column as the bins see it: text for categories, a finite number for all else, or null.

    A free text is its length: each is new, and what is wrong with a feed shows in texts cut short or run together.
    """
    if kind == "category":
        return f"cast({column} as varchar)"
    if kind == "text":
        return f"length(cast({column} as varchar))::double"
    number = f"epoch(try_cast({column} as timestamp)) / 86400.0" if kind == "date" else f"try_cast({column} as double)"
    return f"case when isfinite({number}) then {number} end"


def count(
    ask: Ask, table: str, columns: Mapping[str, Mapping[str, Any]], prefix: str = ""
) -> dict[str, tuple[list[int], int]]:
    """Rows per bin (the last one: above the last edge, or another level) and rows without a value; one scan."""
    parts = []
    for name, column in columns.items():
        value, cuts = valued(prefix + quoted(name), column["kind"]), column["cuts"]
        bins = f"histogram({value}, {list(cuts)}::double[])" if cuts else "null"
        if cuts and column["kind"] == "category":
            bins = f"histogram_exact({value}, [{', '.join(literal(level) for level in cuts)}]::varchar[])"
        parts.append(f"{bins}, count({value})")
    rows, *found = ask(f"select count(*), {', '.join(parts)} from ({table})")[0]
    counts = {}
    for (name, column), histogram, filled in zip(columns.items(), found[::2], found[1::2], strict=True):
        inside = [int((histogram or {}).get(edge, 0)) for edge in column["cuts"]]
        counts[name] = [*inside, int(filled) - sum(inside)], rows - int(filled)
    return counts


def psi(before: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index, with half a row added to every bin so that an empty one stays finite."""
    b, n = (np.add(bins, 0.5) / (sum(bins) + 0.5 * len(bins)) for bins in (before, now))
    return float(np.dot(n - b, np.log(n / b)))


def psi_limit(bins: int, rows_before: int, rows_now: int, alpha: float) -> float:
    """The PSI that two samples of one distribution exceed with probability alpha (F17)."""
    return float(chdtri(max(bins - 1, 1), alpha)) * (1 / rows_before + 1 / rows_now)


def ks(before: Sequence[int], now: Sequence[int]) -> float:
    """The largest gap between the two cumulative shares, taken at the stored edges."""
    return float(np.abs(np.cumsum(before) / sum(before) - np.cumsum(now) / sum(now)).max())


def ks_limit(rows_before: int, rows_now: int, alpha: float, floor: float) -> float:
    """The KS distance of noise at alpha (F18), or of the mean shift whose PSI is `floor`, whichever is larger."""
    noise = math.sqrt(-math.log(alpha / 2) / 2 * (rows_before + rows_now) / (rows_before * rows_now))
    return max(noise, 2 * NormalDist().cdf(math.sqrt(floor) / 2) - 1)


def compare(
    ask: Ask,
    reference: Mapping[str, Any],
    table: str,
    *,
    alpha: float,
    floor: float,
    prefix: str = "",
    calendar: Collection[str] = (),
) -> list[Shift]:
    """Every column of a stored profile against the rows of `table`, the furthest moved first; none without rows.

    Of columns in `calendar`, which move on whatever happens, only whether they are filled is compared.
    """
    shifts = []
    for name, (bins, nulls) in count(ask, table, reference["columns"], prefix).items():
        held, before, rows = reference["columns"][name], reference["rows"], sum(bins) + nulls
        if name in calendar:
            bins, held = (
                [sum(bins), 0],
                {"counts": [sum(held["counts"]), 0], "nulls": held["nulls"], "kind": "category"},
            )
        if not rows:
            return []
        old, new, outside = [*held["counts"], held["nulls"]], [*bins, nulls], bins[-1]
        distance, limit = psi(old, new), psi_limit(int(np.count_nonzero(np.add(old, new))), before, rows, alpha)
        moved = distance > max(limit, floor)
        if held["kind"] != "category":
            outside += bins[0] if len(bins) > 1 else 0
            both = sum(held["counts"]), sum(bins)
            moved |= all(both) and ks(held["counts"], bins) > ks_limit(*both, alpha, floor)
        shifts.append(Shift(name, distance, limit, nulls / rows - held["nulls"] / before, outside / rows, moved))
    return sorted(shifts, key=lambda shift: shift.psi / shift.psi_limit, reverse=True)
