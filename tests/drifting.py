"""Worlds for drift: columns whose rows, or whose days, vary by chance alone, and shifts planted in them."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import statsmodels.api as sm
from planrun_ml.data import shift

Rng = np.random.Generator
KINDS: dict[str, Callable[[Rng, int], np.ndarray]] = {
    "numeric": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.lognormal(0, 2, n),
    "discrete": lambda rng, n: rng.poisson(1.2, n).astype(float),
    "mostly zero": lambda rng, n: (rng.random(n) < 0.01) * rng.random(n),
    "constant": lambda rng, n: np.ones(n),
    "six levels": lambda rng, n: rng.choice(6, n, p=[0.5, 0.3, 0.15, 0.04, 0.007, 0.003]),
    "rare levels": lambda rng, n: np.minimum(rng.geometric(0.08, n), 90),
}
LEVELS = ("six levels", "rare levels")
Bins = Callable[[np.ndarray], list[int]]


def profiled(rows: np.ndarray, levels: bool, bins: int = 10) -> tuple[dict[str, Any], Bins]:
    """What a card holds of a column, and how later rows are counted: as `planrun_ml.data.reference` does in SQL."""
    if levels:
        counts = np.bincount(rows)
        kept = [level for level in np.argsort(-counts, kind="stable")[:50] if counts[level]]
        place = np.full(100, len(kept))
        place[kept] = np.arange(len(kept))

        def count(values: np.ndarray) -> list[int]:
            return np.bincount(place[values], minlength=len(kept) + 1).tolist()

        return {"kind": "category", "counts": count(rows), "nulls": 0, "once": int((counts == 1).sum())}, count
    edges = np.unique(np.quantile(rows, np.arange(2 * bins + 1) / (2 * bins), method="inverted_cdf"))
    edges = np.concatenate([[edges[0] - 1e-8 * max(1e-300, abs(edges[0]))], edges])

    def counted(values: np.ndarray) -> list[int]:
        return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1).tolist()

    return {"kind": "number", "counts": counted(rows), "nulls": 0}, counted


def independent(kind: str, rows: int, held: int, alpha: float, runs: int, seed: int = 1) -> float:
    """The share of looks with an alert where reference and window are rows of one law; no size is too small to tell."""
    rng, alerts = np.random.default_rng(seed), 0
    for _ in range(runs):
        profile, count = profiled(KINDS[kind](rng, held), kind in LEVELS)
        column = shift.Column("x", profile, held, 10, None, alpha / shift.PARTS)
        window = [*count(KINDS[kind](rng, rows)), 0]
        found = column.shift(lambda window=window: iter([window]), 0.0, 0)  # type: ignore[misc]
        alerts += found.moved or found.gap > 0
    return alerts / runs


@dataclass(frozen=True)
class World:
    """A column whose days differ: by `sd` of a row's spread, and by `week` of it at weekends.

    `chain` is how much of a day's effect the next one has, `tails` the degrees of freedom of the effects (0: normal).
    """

    kind: str
    days: int
    rows: int
    sd: float
    week: float
    chain: float = 0.0
    tails: int = 0

    def effects(self, rng: Rng, days: int) -> np.ndarray:
        """Of each day, from a Monday on."""
        own = (
            rng.standard_t(self.tails, days) / math.sqrt(self.tails / (self.tails - 2))
            if self.tails
            else rng.normal(size=days)
        )
        for day in range(1, days):
            own[day] = self.chain * own[day - 1] + math.sqrt(1 - self.chain**2) * own[day]
        return self.sd * own + self.week * (np.arange(days) % 7 > 4)

    def day(self, rng: Rng, effect: float, spread: float = 1.0) -> np.ndarray:
        rows = effect + spread * rng.normal(size=self.rows)
        return np.digitize(rows, [-1.5, -0.5, 0.0, 0.5, 1.5]) if self.kind in LEVELS else rows

    def known(self, rng: Rng, effects: np.ndarray, alpha: float, dated: bool = True) -> tuple[shift.Column, Bins]:
        """The column with what its reference days did, and how later days are counted."""
        days = [self.day(rng, effect) for effect in effects]
        profile, count = profiled(np.concatenate(days), self.kind in LEVELS)
        rows, each = self.rows * len(days), alpha / shift.PARTS
        if not dated:
            return shift.Column("x", profile, rows, 10, None, each), count
        held = shift.Days(1, np.full(len(days), float(self.rows)), np.arange(len(days)) % 7)
        column = shift.Column("x", profile, rows, 10, held, each)
        periods: dict[str, list[float]] = {"above": [], "psi": [], "missing": [], "outside": []}
        for values in days:
            own = [*count(values), 0]
            others = np.subtract(column.before, own).tolist()
            cells = (shift.pooled(bins, column.day_cells) for bins in (others, own))
            periods["above"].append(shift.above(own[:-1], shift.middle(profile)))
            periods["psi"].append(shift.psi(*cells))
            periods["missing"].append(0.0)
            periods["outside"].append(0.0 if self.kind not in LEVELS else own[-2] / self.rows)
        return shift.Column("x", profile | {"days": periods}, rows, 10, held, each), count


def looks(column: shift.Column, windows: list[list[int]], first: int) -> Iterator[shift.Shift]:
    """What each further day shows, with those before it behind it."""
    for day in range(len(windows)):
        behind = windows[day::-1]
        yield column.shift(lambda behind=behind: iter(behind), 0.0, (first + day) % 7)  # type: ignore[misc]


def daily(world: World, alpha: float, runs: int, follow: int, dated: bool = True, seed: int = 2) -> float:
    """The share of further days with an alert, where days go on as they were."""
    rng, alerts = np.random.default_rng(seed), 0
    for _ in range(runs):
        effects = world.effects(rng, world.days + follow)
        column, count = world.known(rng, effects[: world.days], alpha, dated)
        windows = [[*count(world.day(rng, effect)), 0] for effect in effects[world.days :]]
        alerts += sum(found.moved or found.gap > 0 for found in looks(column, windows, world.days))
    return alerts / runs / follow


def least(world: World, alpha: float, seed: int = 3) -> float:
    """The smallest shift that is printed as seen."""
    rng = np.random.default_rng(seed)
    effects = world.effects(rng, world.days + 1)
    column, count = world.known(rng, effects[:-1], alpha)
    (found,) = looks(column, [[*count(world.day(rng, effects[-1])), 0]], world.days)
    assert found.least is not None
    return found.least


def seen(world: World, alpha: float, moved: float, runs: int, seed: int = 5) -> float:
    """How often one day whose middle moved so far is an alert."""
    rng, alerts = np.random.default_rng(seed), 0
    for _ in range(runs):
        effects = world.effects(rng, world.days + 1)
        column, count = world.known(rng, effects[:-1], alpha)
        (found,) = looks(column, [[*count(world.day(rng, effects[-1] + moved)), 0]], world.days)
        alerts += found.moved
    return alerts / runs


def wider(world: World, alpha: float, after: int, seed: int = 6) -> bool:
    """Whether a column twice as spread around the same middle is an alert after so many days of it."""
    rng = np.random.default_rng(seed)
    effects = world.effects(rng, world.days + after)
    column, count = world.known(rng, effects[: world.days], alpha)
    changed = [[*count(world.day(rng, 0.0, 2.0)), 0] for _ in range(after)]
    return next(itertools.islice(looks(column, changed, world.days), after - 1, None)).moved


# ------------------------------------------------------------------------------------------------ a year, replayed
REFERENCE, PLANTED = 60, 90  # days that are known, and days after them until a change is planted
SLIDE = 60  # days that a slow slide takes, and half of a season's
CHANGES: dict[str, Callable[[int], tuple[float, float]]] = {  # by days since: added, multiplied by
    "a step of .5 sd": lambda day: (0.5, 1.0),
    "a slow slide to 1 sd": lambda day: (min(1.0, day / SLIDE), 1.0),
    "a season of 1 sd": lambda day: (max(0.0, math.sin(math.pi * day / SLIDE)), 1.0),
    "another unit, 2.54 times": lambda day: (0.0, 2.54),
}


def series() -> dict[str, np.ndarray]:
    """Three real series that statsmodels ships, of weeks, months and years; each value is a day of the replay."""
    co2 = sm.datasets.co2.load_pandas().data["co2"].interpolate().diff().dropna().to_numpy()
    sea = sm.datasets.elnino.load_pandas().data.drop(columns="YEAR")
    spots = sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    months = (sea - sea.mean()).to_numpy().ravel()
    return {"CO2, weekly change": co2, "sea surface, without its season": months, "sunspots": spots}


@dataclass(frozen=True)
class Replay:
    """Days with an alert before the change, and how many there were; days from the change to its first alert, or 0."""

    false: int
    before: int
    after: int
    least: float


def replay(values: np.ndarray, change: str, alpha: float, rows: int = 500, sd: float = 0.1, seed: int = 7) -> Replay:
    """A year whose days differ as the series does, by `sd` of a row's spread in its reference, and a planted change."""
    rng = np.random.default_rng(seed)
    values = values[: REFERENCE + 365]
    known = values[:REFERENCE]
    effects = sd * (values - known.mean()) / known.std()
    world = World("numeric", REFERENCE, rows, 0.0, 0.0)
    column, count = world.known(rng, 5.0 + effects[:REFERENCE], alpha)
    windows = []
    for day, effect in enumerate(effects[REFERENCE:]):
        added, times = CHANGES[change](day - PLANTED) if day >= PLANTED else (0.0, 1.0)
        windows.append([*count(times * world.day(rng, 5.0 + effect + added)), 0])
    false, least_seen = 0, []
    for day, found in enumerate(looks(column, windows, REFERENCE)):
        alarm = found.moved or found.gap > 0
        least_seen.append(found.least or 0.0)
        if day < PLANTED:
            false += alarm
        elif alarm:
            return Replay(false, PLANTED, day - PLANTED + 1, float(np.median(least_seen)))
    return Replay(false, PLANTED, 0, float(np.median(least_seen)))
