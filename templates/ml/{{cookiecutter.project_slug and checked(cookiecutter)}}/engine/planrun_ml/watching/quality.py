"""Did the metric fall? Fixed window, sequential test and CUSUM over late labels (F20 to F22)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import Metric, per_unit, score

# labels that a mean needs to be near normal; rows in one CUSUM period without days
FEWEST = 30
BLOCK = 100


# ------------------------------------------------------------------------------------------------ quality
@dataclass(frozen=True)
class Verdict:
    """state: healthy, decayed, or open (more labels are needed, about `missing` of them)."""

    test: str
    state: str
    reason: str
    missing: int = 0

    @property
    def counts(self) -> bool:
        """A CUSUM can raise an alarm; that it has not risen yet shows nothing."""
        return self.test != "CUSUM" or self.state == "decayed"


@dataclass(frozen=True)
class Bounds:
    """What late labels are held against, on the scale of `values_of`, where higher is better."""

    good: float  # as accepted
    bad: float  # the floor
    scale: float  # standard deviation of one label's value
    needed: int  # labels in a fixed window
    limit: float  # a window's mean below it is an alarm
    least: float  # the sequential tests take a mean from here on as healthy


def bounds(metric: Metric, healthy: Mapping[str, Any], floor: float, alpha: float, power: float) -> Bounds:
    """Bounds at which chance raises one false alarm in 1 / alpha looks (F20, F02), whatever acceptance was rested on.

    The accepted value is itself measured on `healthy["rows"]` units, so a window is compared with it as one sample with
    another; or with the floor, where that is nearer than acceptance could tell. It is never longer than acceptance was.
    """
    good, bad, held = _turned(metric, healthy["value"]), _turned(metric, floor), max(2, healthy["rows"])
    z = float(stdtrit(held - 1, 1 - alpha))  # Student's t: the spread, too, was measured on those units
    scale = healthy["spread"] * (2 * healthy["value"] if metric.root else 1)
    worst = scale * max(1, bad / good if good and metric.sign < 0 else 1)  # losses spread as they grow
    if metric.share:  # hits and misses: a rate close to 1 seems to vary less than the one behind it may
        low = healthy["value"] if healthy.get("low") is None else healthy["low"]
        scale, worst = (max(scale, math.sqrt(rate * (1 - rate))) for rate in np.clip((low, floor), 0, 1).tolist())
    if bad >= good or not scale > 0:
        return Bounds(good, bad, scale, FEWEST, bad, bad)
    fewest = max(FEWEST, labels_needed(scale, worst, good - bad, z, power))
    needed = max(FEWEST, math.ceil(fewest / max(1 - fewest / held, fewest / held)))
    limit = max(good - z * scale * math.sqrt(1 / needed + 1 / held), bad - z * worst / math.sqrt(needed))
    return Bounds(good, bad, scale, needed, limit, max(good - z * scale / math.sqrt(held), (good + bad) / 2))


def verdicts(
    metric: Metric, case: Case, days: np.ndarray, held: Bounds, alpha: float, power: float, limit: float
) -> list[Verdict]:
    """Fixed window, sequential test and CUSUM over labelled answers, oldest first.

    Metrics that are no mean over rows (F1, AUC) go without the sequential test, and are summed up in blocks of rows
    instead of days.
    """
    if held.bad >= held.good:
        good, bad = (metric.sign * value for value in (held.good, held.bad))
        said = f"accepted at {good:.4g}, already {'below' if metric.sign > 0 else 'above'} the floor {bad:.4g}"
        return [Verdict("fixed window", "decayed", said)]
    if not held.scale > 0:
        return [Verdict("fixed window", "open", "acceptance did not show how much one label varies", 1)]
    (values, days), unit = values_of(metric, case, days), metric.labels
    if values is None:
        rows = np.arange(len(case.y))
        last = score(metric, case.only(rows >= len(rows) - held.needed))
        blocks = [(score(metric, case.only(rows // BLOCK == number)), BLOCK) for number in range(len(rows) // BLOCK)]
    else:
        rows, last = values, float(values[-held.needed :].mean()) if len(values) else math.nan
        blocks = [(values[days == day].mean(), (days == day).sum()) for day in np.unique(days)]
    steps = [(mean - held.least) * math.sqrt(n) / held.scale for mean, n in blocks if math.isfinite(mean)]
    found = [
        fixed_window(last, min(len(rows), held.needed), held.limit, held.needed, unit, metric.sign),
        cusum(steps, limit),
    ]
    return found if values is None else [*found, sprt(values, held.least, held.bad, held.scale, alpha, power, unit)]


def values_of(metric: Metric, case: Case, days: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """One number a unit, higher is better, whose mean is the metric (rmse: its square), and each unit's day."""
    if metric.each is None:
        return None, days
    found, kept = per_unit(metric, case)
    if case.queries is not None:  # a query is one unit, of its first day
        days = pd.Series(days).groupby(case.queries).min().to_numpy()
    found, days = metric.sign * found[kept], days[kept]
    order = np.argsort(days, kind="stable")
    return found[order], days[order]


def _turned(metric: Metric, value: float) -> float:
    """A value of the metric on the scale of `values_of`."""
    return metric.sign * (value**2 if metric.root else value)


def labels_needed(scale: float, worst: float, drop: float, z: float, power: float) -> int:
    """Values that tell a drop of the mean from chance, one-sided; `worst` is its spread after (F02, F08, F20)."""
    return math.ceil(((z * scale + NormalDist().inv_cdf(power) * worst) / drop) ** 2)


def fixed_window(value: float, n: int, limit: float, needed: int, unit: str = "labels", sign: int = 1) -> Verdict:
    """One test at the planned number of labels: is the metric lower than chance makes it for a healthy model?"""
    if n < needed or not math.isfinite(value):
        return Verdict("fixed window", "open", f"{n:,} of the {needed:,} {unit} it needs", max(needed - n, 1))
    reason = f"{sign * value:.4g} over the last {n:,} {unit}, limit {sign * limit:.4g}"  # a loss is negative here
    return Verdict("fixed window", "decayed" if value < limit else "healthy", reason)


def sprt(
    values: np.ndarray, healthy: float, floor: float, scale: float, alpha: float, power: float, unit: str = "labels"
) -> Verdict:
    """F22. Wald's sequential test, begun anew after each decision; the last one counts. It sums the log likelihood of
    floor against healthy: Bernoulli for hits; for losses normal, and looked at when enough came for a normal mean."""
    decayed, fine, look = math.log(power / alpha), math.log((1 - power) / (1 - alpha)), 1
    steps = np.append(values[np.isfinite(values)], healthy)  # the last one: what a healthy model adds on average
    if np.isin(values, (0, 1)).all() and 0 < floor < healthy < 1:
        steps = steps * math.log(floor / healthy) + (1 - steps) * math.log((1 - floor) / (1 - healthy))
    else:
        steps, look = (floor - healthy) / scale**2 * (steps - (floor + healthy) / 2), FEWEST
    *sums, expected = steps.tolist()
    total, used, found = 0.0, 0, None
    for step in sums:
        total, used = total + step, used + 1
        if used % look == 0 and (total >= decayed or total <= fine):
            said = f"decided after {used:,} of {len(sums):,} {unit}"
            found = Verdict("SPRT", "decayed" if total > 0 else "healthy", said)
            total, used = 0.0, 0
    missing = max(1, math.ceil((total - fine) / -expected))
    return found or Verdict("SPRT", "open", f"{len(sums):,} {unit} do not decide yet", missing)


def cusum(scores: Sequence[float], limit: float, allowance: float = 0.5) -> Verdict:
    """F21. Adds up how far each period's z score lies below healthy; finds a slow slide that no one window shows. It is
    an alarm while the sum lies above the limit."""
    total, first = 0.0, 0
    for period, z in enumerate(scores, start=1):
        total = max(0.0, total - z - allowance)
        first = first or (period if total > limit else 0)
    if not scores:
        return Verdict("CUSUM", "open", "no period has labels yet", 1)
    if total > limit:
        return Verdict("CUSUM", "decayed", f"{total:.2f} passed {limit:.2f} in period {first} of {len(scores)}")
    return Verdict("CUSUM", "healthy", f"{total:.2f} of {limit:.2f} after {len(scores)} periods")
