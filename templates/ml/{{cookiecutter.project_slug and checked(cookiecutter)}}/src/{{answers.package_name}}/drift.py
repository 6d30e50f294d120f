"""Did the inputs or the scores move? A stored profile of about 10 kB against the rows of a window, in DuckDB's SQL.

A limit knows its sample: PSI and KS of pure noise shrink with the rows, so a fixed "0.1" cries wolf on small windows
and sleeps on large ones. A shift counts when it is statistically real and above the practical floor of the plan.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from scipy.special import chdtri

from .engine import literal, quoted

LEVELS = 50
Ask = Callable[[str], list[tuple[Any, ...]]]  # runs SQL, gives rows


@dataclass(frozen=True)
class Shift:
    """How far one column moved, beside what noise alone would do at these row counts."""

    column: str
    psi: float
    psi_limit: float
    ks: float | None
    ks_limit: float | None
    nulls_before: float
    nulls_now: float
    outside: float
    moved: bool

    def as_json(self) -> dict[str, Any]:
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(self).items()}


def profile(ask: Ask, table: str, kinds: Mapping[str, str], bins: int, prefix: str = "") -> dict[str, Any]:
    """What the reference rows look like. `kinds` says number, date or category; `table` is SQL for the rows."""
    rows = ask(f"select count(*) from ({table})")[0][0]
    if not rows:
        raise ValueError("There are no rows to take a profile of.")
    cuts = {name: _cuts(ask, table, value_sql(prefix + quoted(name), kind), kind, bins) for name, kind in kinds.items()}
    counts = count(ask, table, kinds, cuts, prefix)
    columns = {
        name: {"kind": kinds[name], "cuts": cuts[name], "counts": counts[name][0], "nulls": counts[name][1]}
        for name in kinds
    }
    return {"rows": rows, "columns": columns}


def value_sql(column: str, kind: str) -> str:
    """A column as the bins see it: text for categories, a finite number for all else, or null."""
    if kind == "category":
        return f"cast({column} as varchar)"
    number = f"epoch(try_cast({column} as timestamp)) / 86400.0" if kind == "date" else f"try_cast({column} as double)"
    return f"case when isfinite({number}) then {number} end"


def _cuts(ask: Ask, table: str, value: str, kind: str, bins: int) -> list[Any]:
    """Numbers: edges at 2 x bins quantiles and one below the smallest value. Categories: the most frequent levels."""
    if kind == "category":
        found = ask(
            f"select {value} as level, count(*) as n from ({table}) where {value} is not null "
            f"group by level order by n desc, level limit {LEVELS}"
        )
        return [level for level, _ in found]
    points = [i / (2 * bins) for i in range(2 * bins + 1)]
    found = ask(f"select quantile_disc(v, {points}) from (select {value} as v from ({table})) where v is not null")[0][
        0
    ]
    if not found:
        return []
    edges = sorted({float(f"{edge:.9g}") for edge in found})
    below = math.nextafter(edges[0], -math.inf) - max(abs(edges[0]), 1e-300) * 1e-8
    return [float(f"{below:.9g}"), *edges]


def count(
    ask: Ask,
    table: str,
    kinds: Mapping[str, str],
    cuts: Mapping[str, Sequence[Any]],
    prefix: str = "",
) -> dict[str, tuple[list[int], int]]:
    """Rows per bin (the last one: above the last edge, or another level) and rows without a value; one scan."""
    parts = []
    for name, edges in cuts.items():
        value = value_sql(prefix + quoted(name), kinds[name])
        if not edges:
            parts.append(f"null, count({value})")
        elif kinds[name] == "category":
            listed = ", ".join(literal(level) for level in edges)
            parts.append(f"histogram_exact({value}, [{listed}]::varchar[]), count({value})")
        else:
            parts.append(f"histogram({value}, {list(edges)}::double[]), count({value})")
    found = ask(f"select count(*), {', '.join(parts)} from ({table})")[0]
    return {
        name: _bins(found[0], edges, found[1 + 2 * i] or {}, found[2 + 2 * i])
        for i, (name, edges) in enumerate(cuts.items())
    }


def _bins(rows: int, edges: Sequence[Any], histogram: Mapping[Any, int], filled: int) -> tuple[list[int], int]:
    inside = [int(histogram.get(edge, 0)) for edge in edges]
    return [*inside, int(filled) - sum(inside)], rows - int(filled)


def psi(before: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index, with half a row added to every bin so that an empty one stays finite."""
    total_before, total_now = sum(before) + 0.5 * len(before), sum(now) + 0.5 * len(now)
    shares = [((b + 0.5) / total_before, (n + 0.5) / total_now) for b, n in zip(before, now, strict=True)]
    return sum((n - b) * math.log(n / b) for b, n in shares)


def psi_limit(bins: int, rows_before: int, rows_now: int, alpha: float) -> float:
    """The PSI that two samples of one distribution exceed with probability alpha (F17)."""
    return float(chdtri(max(bins - 1, 1), alpha)) * (1 / rows_before + 1 / rows_now)


def ks(before: Sequence[int], now: Sequence[int]) -> float:
    """The largest gap between the two cumulative shares, taken at the stored edges."""
    gap = running_before = running_now = 0.0
    for b, n in zip(before, now, strict=True):
        running_before += b / max(sum(before), 1)
        running_now += n / max(sum(now), 1)
        gap = max(gap, abs(running_before - running_now))
    return gap


def ks_limit(rows_before: int, rows_now: int, alpha: float) -> float:
    """The KS distance that noise exceeds with probability alpha (F18)."""
    return math.sqrt(-math.log(alpha / 2) / 2 * (rows_before + rows_now) / (rows_before * rows_now))


def ks_floor(floor: float) -> float:
    """The KS distance of the mean shift whose PSI is `floor`: one practical floor for both measures."""
    return 2 * NormalDist().cdf(math.sqrt(floor) / 2) - 1


def compare(
    ask: Ask,
    reference: Mapping[str, Any],
    table: str,
    *,
    alpha: float,
    floor: float,
    prefix: str = "",
) -> list[Shift]:
    """Every column of a stored profile against the rows of `table`, the furthest moved first."""
    held = reference["columns"]
    kinds = {name: column["kind"] for name, column in held.items()}
    counts = count(ask, table, kinds, {name: column["cuts"] for name, column in held.items()}, prefix)
    rows = sum(next(iter(counts.values()))[0]) + next(iter(counts.values()))[1] if counts else 0
    if not rows:
        return []
    shifts = [_shift(name, held[name], reference["rows"], *counts[name], rows, alpha, floor) for name in held]
    return sorted(shifts, key=lambda shift: shift.psi / shift.psi_limit, reverse=True)


def _shift(
    name: str,
    held: Mapping[str, Any],
    rows_before: int,
    bins: Sequence[int],
    nulls: int,
    rows: int,
    alpha: float,
    floor: float,
) -> Shift:
    before, now = [*held["counts"], held["nulls"]], [*bins, nulls]
    used = sum(1 for b, n in zip(before, now, strict=True) if b or n)
    distance, limit = psi(before, now), psi_limit(used, rows_before, rows, alpha)
    gap = gap_limit = None
    if held["kind"] != "category" and sum(bins) and sum(held["counts"]):
        gap, gap_limit = ks(held["counts"], bins), ks_limit(sum(held["counts"]), sum(bins), alpha)
    moved = distance > max(limit, floor) or (gap is not None and gap > max(gap_limit or 0, ks_floor(floor)))
    outside = bins[-1] + (bins[0] if held["kind"] != "category" and len(bins) > 1 else 0)
    return Shift(
        name, distance, limit, gap, gap_limit, held["nulls"] / rows_before, nulls / rows, outside / rows, moved
    )
