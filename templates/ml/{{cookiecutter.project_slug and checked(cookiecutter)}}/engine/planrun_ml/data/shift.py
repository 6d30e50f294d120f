"""The statistics of watching: did a column move? No files; rows are counted in DuckDB's SQL.

A limit knows its sample: what noise makes of a column shrinks with the rows, so a fixed PSI of 0.1 cries wolf on small
windows and sleeps on large ones. It also knows its days: where the reference holds enough of them, a column has moved
only where it left what those days did among themselves. A shift counts when it is above that noise, and above the
practical floor of the plan.
"""

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.special import chdtrc, chdtri, gammaln, ndtr, ndtri, stdtr, stdtrit

from planrun_ml.tables.sql import literal, quoted

Ask = Callable[[str], list[tuple[Any, ...]]]  # runs SQL, gives rows
Counts = dict[str, tuple[list[int], int]]  # of each column: rows a bin, and rows without a value

PARTS = 4  # tests of one column, which share its alpha: its middle, its shape, what is missing, what was never seen
FEWEST = 5  # rows that a cell should expect; a rarer one joins its neighbour
ENOUGH = 28  # days that a reference needs to know how days differ: four of each weekday


@dataclass(frozen=True)
class Shift:
    """How far one column moved, beside the PSI that noise alone reaches at these row counts."""

    column: str
    psi: float
    psi_limit: float
    missing: float  # rise of the share of rows without a value
    outside: float  # rise of the share of rows with a value that no reference row had
    gap: float  # the larger of these rises that chance does not explain, or 0
    moved: bool
    p: float  # of moving as far by chance, and at most alpha where it moved
    run: int = 0  # windows in a row, this one included, whose shape no reference day had
    least: float | None = None  # smallest shift of the middle that is seen, in sd; needs reference days


@dataclass(frozen=True)
class Days:
    """How the periods of a reference differ: one value a period for each column, and what a new period is held to."""

    each: int  # days in a period
    rows: np.ndarray
    weekdays: np.ndarray  # 0 is Monday; of periods of one day

    @property
    def enough(self) -> bool:
        """Whether these periods cover the days from which is known how days differ, and have a shape: two cells."""
        return len(self.rows) * self.each >= ENOUGH and bool(np.median(self.rows) >= 2 * FEWEST)

    def outlying(self, values: Sequence[float], now: float, rows: int, weekday: int, sided: int) -> float:
        """The p-value of a new period among these, by Student's t for one further value, weekdays removed.

        `sided` 2 looks both ways, 1 for more. A period with fewer rows than these had is allowed their further noise.
        """
        error, middle, free = self._spread(values, rows, weekday)
        if not error > 0:
            return 1.0 if now == middle else 0.0  # the rows' own test has to agree
        return float(sided * stdtr(free, -(abs(now - middle) if sided == 2 else now - middle) / error))

    def width(self, values: Sequence[float], rows: int, weekday: int, alpha: float) -> float:
        """How far from the middle a new period has to lie, two-sided at alpha."""
        error, _, free = self._spread(values, rows, weekday)
        return float(stdtrit(free, 1 - alpha / 2)) * error

    def _spread(self, values: Sequence[float], rows: int, weekday: int) -> tuple[float, float, int]:
        """Standard error of a new period's distance from the middle, that middle, and the degrees of freedom."""
        held, groups = np.asarray(values, dtype=float), np.zeros(len(values), dtype=int)
        if self.each == 1 and np.bincount(self.weekdays, minlength=7).min() >= 3:
            groups = self.weekdays
        means = {group: held[groups == group].mean() for group in np.unique(groups)}
        free = len(held) - len(means)
        left = held - np.array([means[group] for group in groups])
        mine = weekday if weekday in means else 0
        middle = means.get(mine, held.mean())
        variance = float((left**2).sum()) / free
        share = min(max(float(held.mean()), 0.0), 1.0)
        more = share * (1 - share) * max(0.0, 1 / rows - float(np.mean(1 / self.rows)))
        return math.sqrt(variance * (1 + 1 / max(1, int((groups == mine).sum()))) + more), float(middle), free


def days_of(reference: Mapping[str, Any]) -> Days | None:
    """The periods of a stored profile; None where its rows have no dates."""
    held = reference.get("days")
    return held and Days(held["each"], np.array(held["rows"], dtype=float), np.array(held["weekdays"], dtype=int))


# ------------------------------------------------------------------------------------------------ counting
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


def count(ask: Ask, table: str, columns: Mapping[str, Mapping[str, Any]], prefix: str = "") -> Counts:
    """Rows per bin (the last one: above the last edge, or another level) and rows without a value; one scan."""
    return _counted(columns, ask(f"select {_bins(columns, prefix)} from ({table})")[0])


def count_by(ask: Ask, table: str, columns: Mapping[str, Mapping[str, Any]], by: str) -> dict[Any, Counts]:
    """The same for each value of an expression that is not null, in its order."""
    rows = ask(f"select {by} as _by, {_bins(columns, '')} from ({table}) where {by} is not null group by 1 order by 1")
    return {key: _counted(columns, row) for key, *row in rows}


def _bins(columns: Mapping[str, Mapping[str, Any]], prefix: str) -> str:
    parts = ["count(*)"]
    for name, column in columns.items():
        value, cuts = valued(prefix + quoted(name), column["kind"]), column["cuts"]
        bins = f"histogram({value}, {list(cuts)}::double[])" if cuts else "null"
        if cuts and column["kind"] == "category":
            bins = f"histogram_exact({value}, [{', '.join(literal(level) for level in cuts)}]::varchar[])"
        parts.append(f"{bins}, count({value})")
    return ", ".join(parts)


def _counted(columns: Mapping[str, Mapping[str, Any]], row: Sequence[Any]) -> Counts:
    rows, *found = row
    counts = {}
    for (name, column), histogram, filled in zip(columns.items(), found[::2], found[1::2], strict=True):
        inside = [int((histogram or {}).get(edge, 0)) for edge in column["cuts"]]
        counts[name] = [*inside, int(filled) - sum(inside)], rows - int(filled)
    return counts


# ------------------------------------------------------------------------------------------------ rows against rows
def psi(before: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index, with half a row added to every bin so that an empty one stays finite."""
    b, n = (np.add(bins, 0.5) / (sum(bins) + 0.5 * len(bins)) for bins in (before, now))
    return float(np.dot(n - b, np.log(n / b)))


def psi_limit(bins: int, rows_before: float, rows_now: float, alpha: float) -> float:
    """The PSI that two samples of one distribution exceed with probability alpha (F17)."""
    return float(chdtri(max(bins - 1, 1), alpha)) * (1 / rows_before + 1 / rows_now)


def middle_limit(rows_before: float, rows_now: float, alpha: float) -> float:
    """How far the share above the reference's median lies from one half by chance, two-sided (F18)."""
    return float(-ndtri(alpha / 2)) * math.sqrt((1 / rows_before + 1 / rows_now) / 4)


def middle_floor(floor: float, share: float = 0.5) -> float:
    """How far the share above a cut moves where a normal value's mean moves so that its PSI is `floor` (F18)."""
    return float(ndtr(ndtri(share) + math.sqrt(floor))) - share if 0 < share < 1 else math.inf


def tail(total: int, good: int, drawn: int, seen: int, upper: bool) -> float:
    """The chance of `seen` good rows or more (or fewer) among `drawn` of `total`: the hypergeometric tail, exact."""
    low, high = max(0, drawn - (total - good)), min(good, drawn)
    sigma = math.sqrt(drawn * (good / total) * (1 - good / total)) if total else 0.0
    steps = min(high - seen if upper else seen - low, int(12 * sigma) + 60)
    ways = [(good, seen), (total - good, drawn - seen), (total, drawn)]
    first, other, of = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) for n, k in ways)
    left = float(total - good - drawn)
    if upper:
        k = seen + np.arange(steps, dtype=float)
        ratios = (good - k) * (drawn - k) / ((k + 1) * (left + k + 1))
    else:
        k = seen - np.arange(steps, dtype=float)
        ratios = k * (left + k) / ((good - k + 1) * (drawn - k + 1))
    return min(1.0, math.exp(first + other - of) * (1 + float(np.cumprod(ratios).sum())))


def both_tails(total: int, good: int, drawn: int, seen: int) -> float:
    """Twice the smaller tail: a p-value for a share that is larger or smaller than the other sample's."""
    return min(1.0, 2 * tail(total, good, drawn, seen, seen * total >= drawn * good))


def chance(before: Sequence[int], now: Sequence[int]) -> float:
    """The p-value that two samples come from one distribution over these cells.

    Cell after cell is held against those behind it by its exact hypergeometric tails, and each p-value counts as the
    square of its normal deviate (Lancaster's partition of chi-square). What is left out by chance of whole rows only
    makes a term smaller, so the sum exceeds its chi-square limit no more often than alpha says, whatever the rows,
    the cells and their shares are.
    """
    total, drawn, terms = sum(before) + sum(now), sum(now), 0.0
    for was, seen in zip(before[:-1], now[:-1], strict=True):
        p = both_tails(total, was + seen, drawn, seen)
        terms += float(ndtri(p / 2)) ** 2 if p > 0 else math.inf
        total, drawn = total - was - seen, drawn - seen
    return float(chdtrc(len(now) - 1, terms)) if len(now) > 1 else 1.0


def cells(before: Sequence[int], now: Sequence[int], share: float) -> list[list[int]]:
    """Which bins are one cell: neighbours, until both samples may expect five rows and the cell holds that share."""
    both = np.add(before, now)
    total, fewer = int(both.sum()), min(sum(before), sum(now))
    least = max(share * total, FEWEST * total / fewer if fewer else math.inf)
    found: list[list[int]] = [[]]
    for place in range(len(both)):
        if int(both[found[-1]].sum()) >= least:
            found.append([])
        found[-1].append(place)
    if len(found) > 1 and int(both[found[-1]].sum()) < least:
        rest = found.pop()
        found[-1] += rest
    return found


def pooled(bins: Sequence[int], groups: Iterable[Sequence[int]]) -> list[int]:
    """Rows of each cell."""
    return [sum(bins[place] for place in group) for group in groups]


def middle(held: Mapping[str, Any]) -> int:
    """How many bins lie below the cut that halves a column best; 0 where one bin holds all."""
    if held["kind"] == "category":
        return 0
    below = np.cumsum(held["counts"])[:-1] / max(1, sum(held["counts"]))
    if not len(below) or not ((below > 0) & (below < 1)).any():
        return 0
    return int(np.abs(below - 0.5).argmin()) + 1


def above(bins: Sequence[int], cut: int) -> float:
    """The share of filled rows above a cut; one half where there are none."""
    filled = sum(bins)
    return sum(bins[cut:]) / filled if filled else 0.5


def often(periods: int, run: int) -> float:
    """How often so many windows in a row lie beyond all periods of the reference, where days are alike in law.

    The last j of D + j lie above all the others once in (D + j choose j) times.
    """
    return 1 / math.comb(periods + run, run)


def windows_for(periods: int, alpha: float) -> int:
    """Windows in a row that show a change of shape at alpha."""
    return next(run for run in itertools.count(1) if often(periods, run) <= alpha)


# ------------------------------------------------------------------------------------------------ comparing
@dataclass(frozen=True)
class Column:
    """One column of a profile, and what a window of it is held to; `alpha` is that of each of its tests."""

    name: str
    held: Mapping[str, Any]
    rows: int
    bins: int
    days: Days | None
    alpha: float

    @property
    def before(self) -> list[int]:
        """How many reference rows each bin held, the missing ones last."""
        return [*self.held["counts"], self.held["nulls"]]

    def shape(self, now: Sequence[int]) -> tuple[float, float, float]:
        """PSI, the PSI that noise of rows stays below, and the p-value against such noise."""
        groups = cells(self.before, now, self._share)
        old, new = pooled(self.before, groups), pooled(now, groups)
        return psi(old, new), psi_limit(len(groups), self.rows, sum(now), self.alpha), chance(old, new)

    @property
    def _share(self) -> float:
        return 0.0 if self.held["kind"] == "category" else 0.9 / self.bins

    @property
    def day_cells(self) -> list[list[int]]:
        """The cells in which periods are compared with the reference, and with one another."""
        typical = np.multiply(self.before, float(np.median(self.days.rows)) / self.rows if self.days else 1.0)
        return cells(self.before, typical.tolist(), self._share)

    def outdoes(self, now: Sequence[int]) -> bool:
        """Whether a window lies further from the reference than any of its own days does from the others."""
        if self.days is None or not sum(now):
            return False
        groups = self.day_cells
        fewer = max(0.0, 1 / sum(now) - float(np.mean(1 / self.days.rows)))
        further = float(chdtri(max(1, len(groups) - 1), self.alpha)) * fewer
        return bool(psi(pooled(self.before, groups), pooled(now, groups)) > max(self.held["days"]["psi"]) + further)

    def run(self, windows: Iterable[Sequence[int]]) -> tuple[int, float]:
        """Windows in a row that outdo every reference day, and the p-value of so many."""
        count = sum(1 for _ in itertools.takewhile(self.outdoes, windows))
        return count, often(len(self.days.rows), count) if self.days else 0.0

    def middle(self, now: Sequence[int], weekday: int) -> tuple[float, float, float, float | None]:
        """Shares above the cut that halves the reference, before and now; the p-value, and the smallest shift seen."""
        (*old, _), (*new, _), cut = self.before, now, middle(self.held)
        if not cut or not sum(new) or not sum(old):
            return 0.5, 0.5, 1.0, None
        was, is_now, drawn = above(old, cut), above(new, cut), sum(new)
        p = both_tails(sum(old) + drawn, sum(old[cut:]) + sum(new[cut:]), drawn, sum(new[cut:]))
        if self.days is None:
            return was, is_now, p, None
        held = self.held["days"]["above"]
        width = self.days.width(held, drawn, weekday, self.alpha)
        least = float(ndtri(min(was + width, 1 - 1e-9)) - ndtri(was))
        return was, is_now, max(p, self.days.outlying(held, is_now, drawn, weekday, 2)), least

    def gaps(self, now: Sequence[int], weekday: int) -> tuple[float, float, float]:
        """Rises of the shares that are missing and that were never seen; the larger that chance does not explain."""
        (*old, empty), (*new, nulls) = self.before, now
        numeric = self.held["kind"] != "category" and len(new) > 1
        was, seen = (old[-1] + old[0], new[-1] + new[0]) if numeric else (old[-1] + self.held.get("once", 0), new[-1])
        drawn, filled = sum(now), sum(new)
        if numeric:  # beyond both ends of what the reference held: as many before its second smallest value
            strange = tail(sum(old) + filled, sum(old), seen + 1, 1, upper=False) if filled and sum(old) > 1 else 1.0
        else:
            strange = tail(self.rows + drawn, was + seen, drawn, seen, upper=True)
        gone = tail(self.rows + drawn, empty + nulls, drawn, nulls, upper=True)
        rises = [nulls / drawn - empty / self.rows, seen / drawn - was / self.rows]
        real = [0.0]
        for kind, rise, share, p in (
            ("missing", rises[0], nulls / drawn, gone),
            ("outside", rises[1], seen / drawn, strange),
        ):
            if p <= self.alpha and self.days is not None:
                p = max(p, self.days.outlying(self.held["days"][kind], share, drawn, weekday, 1))
            real.append(rise if p <= self.alpha else 0.0)
        return rises[0], rises[1], max(real)

    def shift(self, windows: Callable[[], Iterator[Sequence[int]]], floor: float, weekday: int) -> Shift:
        """What the newest window says, and those before it where the reference has days."""
        now = next(windows())
        distance, limit, shaped = self.shape(now)
        run, rare = 0, 0.0
        if self.days is not None and shaped <= self.alpha:
            run, rare = self.run(windows())
        was, is_now, placed, least = self.middle(now, weekday)
        far = abs(is_now - was) > middle_floor(floor, was if is_now > was else 1 - was)
        # a shift of the middle that is large enough has a PSI above the floor, but for the noise of few rows
        told = [max(shaped, rare)] if distance > floor else []
        told += [placed] if far else []
        p = min(1.0, PARTS * min([1.0, *told]))
        return Shift(self.name, distance, limit, *self.gaps(now, weekday), p <= PARTS * self.alpha, p, run, least)


class Windows:
    """Counts of this window and of those before it, each read once, and only when a column asks for it."""

    def __init__(self, read: Iterator[Counts]) -> None:
        self._read, self._known = read, list[Counts]()

    def of(self, name: str, filled_alone: bool) -> Iterator[list[int]]:
        """A column's rows a bin with those without a value last, newest window first."""
        for place in itertools.count():
            if place == len(self._known):
                counts = next(self._read, None)
                if counts is None:
                    return
                self._known.append(counts)
            bins, nulls = self._known[place][name]
            yield [sum(bins), 0, nulls] if filled_alone else [*bins, nulls]


def compare(
    ask: Ask,
    reference: Mapping[str, Any],
    table: str,
    *,
    alpha: float,
    floor: float,
    prefix: str = "",
    calendar: Collection[str] = (),
    weekday: int = 0,
    earlier: Iterable[str] = (),
) -> list[Shift]:
    """Every column of a stored profile against the rows of `table`, the furthest moved first; none without rows.

    A column gets `alpha`, a quarter of it for each of its tests. `weekday` is that of the window, and `earlier` are
    the windows before this one, newest first: a change of shape takes several in a row to be told from days that
    differ. Of columns in `calendar`, which move on whatever happens, only whether they are filled is compared.
    """
    columns, days = reference["columns"], days_of(reference)
    windows = Windows(count(ask, one, columns, prefix) for one in itertools.chain([table], earlier))
    shifts = []
    for name, held in columns.items():
        alone = name in calendar
        if alone:
            held = {"counts": [sum(held["counts"]), 0], "nulls": held["nulls"], "kind": "category"}
        known = days if days is not None and days.enough and not alone else None
        column = Column(name, held, reference["rows"], reference.get("bins", 10), known, alpha / PARTS)
        if not sum(next(windows.of(name, alone))):
            return []
        shifts.append(column.shift(partial(windows.of, name, alone), floor, weekday))
    return sorted(shifts, key=lambda shift: (shift.p, -shift.psi / shift.psi_limit))
