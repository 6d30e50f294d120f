"""Did the metric fall? One running test over labels in the order of their answers, which may be looked at every day.

It bets that the model is worse than half the way down to its floor, day after day, and adds up what the bets win (an
e-detector: Shin, Ramdas and Rinaldo, 2023; bets on a mean: Waudby-Smith and Ramdas, 2023). While the model is not as
bad as that, a bet wins nothing on average, whatever its losses look like, so the days from one false alarm to the next
are on average as many as the plan asks for, however often somebody looks (F21).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, logsumexp, ndtri

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import Metric, per_unit, score

FEWEST = 30  # labels from which a mean is near normal
BLOCK = 100  # rows of one value, of a metric that is no mean over rows
WEIGHTS = (0.75, 0.25)  # of the bet on a fall to the floor, and of the bet on a much larger one
LARGER = 3.0  # times as much is staked in the second
MOST_STAKED = 0.9  # of what one loss may cost
KEPT = 3.0  # log evidence above the limit that is kept, so that a model that has recovered is seen to
LAST_DAYS = 28  # on which is known how days differ
FEW_DAYS = 5  # days before which nothing is known of how days differ
UNLIKELY = 0.05  # of days as unequal as these, where rows alone vary

Sums = tuple[float, ...]  # log evidence of each bet


# ------------------------------------------------------------------------------------------------ quality
@dataclass(frozen=True)
class Verdict:
    """state: healthy, decayed, or open (more labels are needed, about `missing` of them)."""

    test: str
    state: str
    reason: str
    missing: int = 0


@dataclass(frozen=True)
class Bounds:
    """What late labels are held against: the mean loss of a unit as accepted and at the floor; lower is better."""

    good: float
    bad: float
    spread: float  # standard deviation of one unit's loss at the floor
    limit: float  # log evidence of an alarm
    needed: int  # units that tell a model as accepted from one at the floor, in one look
    falls: int  # units until the running test shows a fall to the floor, on average
    share: bool

    @property
    def half(self) -> float:
        """The worst that is still no alarm: half the way from the accepted value to the floor."""
        return (self.good + self.bad) / 2


def bounds(
    metric: Metric, healthy: Mapping[str, Any], floor: float, limit: float, alpha: float, power: float
) -> Bounds:
    """From what was accepted and the floor: a share that is lost, a loss (RMSE squared), or a score turned round.

    `limit` is the evidence of an alarm, `alpha` and `power` are those of a single look (F02).
    """
    good, bad = _lost(metric, healthy["value"]), _lost(metric, floor)
    scale = healthy["spread"] * (2 * healthy["value"] if metric.root else 1)
    spread = scale * max(1, bad / good if good > 0 and metric.sign < 0 else 1)  # losses spread as they grow
    share = metric.share and metric.each is not None  # each unit right or wrong
    if share:
        scale, spread = (math.sqrt(min(max(rate * (1 - rate), 0.0), 0.25)) for rate in (good, bad))
    needed = falls = FEWEST
    if bad > good and spread > 0:
        needed = max(FEWEST, labels_needed(scale, spread, bad - good, float(-ndtri(alpha)), power))
        falls = max(FEWEST, labels_to_alarm(good, bad, spread, limit, "share" if share else _form(metric)))
    return Bounds(good, bad, spread, limit, needed, falls, share)


def labels_needed(scale: float, worst: float, drop: float, z: float, power: float) -> int:
    """Values that tell a drop of the mean from chance, one-sided; `worst` is the spread after the drop (F02, F08)."""
    return math.ceil(((z * scale + float(ndtri(power)) * worst) / drop) ** 2)


def _form(metric: Metric) -> str:
    """How a unit's value is bet on: a loss as it is, never below 0; anything else as its normal deviate."""
    return "loss" if metric.each is not None and metric.sign < 0 else "normal"


def _lost(metric: Metric, value: float) -> float:
    if metric.share:
        return 1 - value
    return value**2 if metric.root else -metric.sign * value


def stakes(held: Bounds, form: str) -> Sums:
    """What each bet stakes on one unit: as a share of its expected loss, or in standard deviations."""
    if form == "normal":
        first = (held.bad - held.half) / held.spread
        return first, LARGER * first
    half = max(held.half, 1e-12)
    more = held.bad / half - 1
    first = (held.bad - half) / (1 - half) if held.share else more / ((held.spread / half) ** 2 + more**2)
    return min(first, MOST_STAKED), min(LARGER * first, MOST_STAKED)


def labels_to_alarm(good: float, bad: float, spread: float, limit: float, form: str) -> int:
    """Units until a fall from good to bad shows, on average: the evidence of an alarm over what one adds (F21)."""
    half = max((good + bad) / 2, 1e-12) if form != "normal" else (good + bad) / 2
    if form == "share":
        rest = (1 - bad) * math.log((1 - bad) / (1 - half)) if bad < 1 else 0.0
        gain = bad * math.log(bad / half) + rest
    elif form == "loss":
        more = bad / half - 1
        gain = more**2 / ((spread / half) ** 2 + more**2) / 2
    else:
        gain = ((bad - half) / spread) ** 2 / 2
    height = limit - math.log(WEIGHTS[0])
    return math.ceil((height + math.exp(-height) - 1) / gain)


@dataclass(frozen=True)
class Seen:
    """The verdict, and the sums that the next version begins with."""

    verdict: Verdict
    sums: Sums


def verdict(metric: Metric, case: Case, days: np.ndarray, held: Bounds, before: Sums = (0.0, 0.0)) -> Seen:
    """The running test over labelled answers, oldest first; `before` are the sums of the versions that answered before.

    Once a version has as many labels as a fall to the floor takes, it is judged by its own alone.
    """
    unit = metric.labels
    if held.bad <= held.good:
        good, bad = (1 - value if metric.share else -metric.sign * value for value in (held.good, held.bad))
        good, bad = (math.sqrt(value) if metric.root else value for value in (good, bad))
        said = f"accepted at {good:.4g}, already {'below' if metric.sign > 0 else 'above'} the floor {bad:.4g}"
        return Seen(Verdict("running test", "decayed", said), before)
    if not held.spread > 0:
        return Seen(Verdict("running test", "open", "acceptance did not show how much one label varies", 1), before)
    values, days, size = losses_of(metric, case, days)
    form = "share" if held.share else _form(metric) if size == 1 else "normal"
    enough = len(values) * size >= max(held.needed, held.falls)
    sums = evidence(values, days, size, held, form, (0.0, 0.0) if enough else before)
    total, counted = together(sums), len(values) * size
    said = f"evidence {total:.2f} of {held.limit:.2f} after {counted:,} {unit}"
    said += "" if enough or not any(before) else ", begun by the versions before"
    if total >= held.limit:
        return Seen(Verdict("running test", "decayed", said), sums)
    if counted < held.needed:
        if counted >= FEWEST and _is_beyond_doubt(values, days, counted, held):
            return Seen(Verdict("running test", "healthy", f"{said}, clearly on the good side of the floor"), sums)
        said = f"{counted:,} of the {held.needed:,} {unit} it needs; {said}"
        return Seen(Verdict("running test", "open", said, held.needed - counted), sums)
    if values[-max(1, held.needed // size) :].mean() < held.bad:
        return Seen(Verdict("running test", "healthy", said), sums)
    return Seen(Verdict("running test", "open", f"{said}, and lately beyond the floor", held.needed), sums)


def _is_beyond_doubt(values: np.ndarray, days: np.ndarray, counted: int, held: Bounds) -> bool:
    """Whether so many units already show a mean better than the floor, though accepted and floor lie close together.

    One-sided, with the risk of one look of those between two false alarms, so that looking every day claims it falsely
    as seldom as the test alarms falsely; days that differ count for less.
    """
    apart = unequal([values[days == day] for day in np.unique(days)][-LAST_DAYS:])
    error = held.spread * math.sqrt(apart / counted)
    return bool(held.bad - values.mean() >= -float(ndtri(math.exp(-held.limit))) * error)


def losses_of(metric: Metric, case: Case, days: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """One loss a unit and its day, oldest first; where no unit stands alone, one value for each block of rows."""
    if metric.each is None:
        rows, count = np.arange(len(case.y)), len(case.y) // BLOCK
        found = np.array([score(metric, case.only(rows // BLOCK == number)) for number in range(count)])
        last, known = days[BLOCK - 1 :: BLOCK][:count], np.isfinite(found)
        return (1 - found[known] if metric.share else -metric.sign * found[known]), last[known], BLOCK
    each, kept = per_unit(metric, case)
    if case.queries is not None:  # a query is one unit, of its first day
        days = pd.Series(days).groupby(case.queries).min().to_numpy()
    found, days = each[kept], days[kept]
    order = np.argsort(days, kind="stable")
    found, days = found[order], days[order]
    known = np.isfinite(found)
    return (1 - found[known] if metric.share else -metric.sign * found[known]), days[known], 1


def evidence(
    values: np.ndarray, days: np.ndarray, size: int, held: Bounds, form: str, before: Sums = (0.0, 0.0)
) -> Sums:
    """Log evidence of each bet after the last day: a day's bets are added, and what was lost before it is forgiven.

    Where the days so far differ by more than their rows explain, a day counts as if it had so many fewer rows.
    """
    sums, done = before, list[np.ndarray]()
    for day in np.unique(days):
        own = values[days == day]
        sums = after(sums, own, size, held, form, unequal(done[-LAST_DAYS:]))
        done.append(own)
    return sums


def after(sums: Sums, own: np.ndarray, size: int, held: Bounds, form: str, apart: float) -> Sums:
    """The sums after one more day's values; `apart` is how much more days differ than their rows explain."""
    staked = np.array(stakes(held, form))
    if form == "normal":
        units = math.sqrt(len(own) * size)
        won = staked * units * (own.mean() - held.half) * units / held.spread - (staked * units) ** 2 / 2
    else:
        won = np.log1p(staked[:, None] * (own / max(held.half, 1e-12) - 1)).sum(axis=1)
    found = np.minimum(np.maximum(np.array(sums), 0.0) + won / apart, held.limit + KEPT)
    return tuple(found.tolist())


def unequal(days: Sequence[np.ndarray]) -> float:
    """How much more one day differs from the next than their rows explain; 1 where chance explains it.

    From the differences of neighbouring days (von Neumann, 1941), so that a slide is not taken for unequal days.
    """
    if len(days) < FEW_DAYS:
        return 1.0
    counts, means = np.array([len(own) for own in days]), np.array([own.mean() for own in days])
    within = float(sum(((own - own.mean()) ** 2).sum() for own in days)) / max(1, int(counts.sum()) - len(days))
    if not within > 0:
        return 1.0
    terms = np.diff(means) ** 2 / (within * (1 / counts[1:] + 1 / counts[:-1]))
    free = 2 / 3 * len(terms)  # neighbouring differences share a day
    return float(terms.mean()) if chdtrc(free, terms.mean() * free) < UNLIKELY else 1.0


def together(sums: Sums) -> float:
    """The log evidence of all bets: at the limit of the plan it is an alarm."""
    return float(logsumexp(sums, b=WEIGHTS))  # evidence far below 0 is no number for exp and log alone
