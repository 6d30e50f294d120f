"""Is the model still as good as when it was accepted? Three tests on late labels, and one early warning without any.

All values are "higher is better": a hit (1 or 0) for rates, minus the loss for errors. Healthy is the accepted value,
floor the one below which the model must not stay in use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np

OVERSHOOT = 1.166  # Siegmund's correction of a discrete random walk's boundary


@dataclass(frozen=True)
class Verdict:
    """state: healthy, decayed, or open (more labels are needed, about `missing` of them)."""

    test: str
    state: str
    reason: str
    missing: int = 0


def spread(values: Sequence[float], healthy: float) -> float:
    """Standard deviation of one value: from the healthy rate for hits, measured for losses; 0 when unknown."""
    if set(values) <= {0.0, 1.0} and 0 < healthy < 1:
        return math.sqrt(healthy * (1 - healthy))
    return stdev(values) if len(values) > 1 else 0.0


def labels_needed(scale: float, drop: float, alpha: float, power: float) -> int:
    """Values that tell a drop of the mean from chance, one-sided (F20)."""
    z = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)
    return max(1, math.ceil((z * scale / drop) ** 2))


def fixed_window(value: float, n: int, healthy: float, scale: float, alpha: float, needed: int) -> Verdict:
    """One test at the planned number of labels: is the metric lower than chance makes it for a healthy model?"""
    if n < needed or not math.isfinite(value):
        return Verdict("fixed window", "open", f"{n:,} of the {needed:,} labels it needs", max(needed - n, 1))
    limit = healthy - NormalDist().inv_cdf(1 - alpha) * scale / math.sqrt(needed)
    state = "decayed" if value < limit else "healthy"
    return Verdict("fixed window", state, f"{value:.4g} over the last {n:,} labels, limit {limit:.4g}")


def sprt(values: Sequence[float], healthy: float, floor: float, alpha: float, power: float) -> Verdict:
    """Wald's sequential test: decides as early as the labels allow; the first bound that is crossed counts."""
    decayed, fine = math.log(power / alpha), math.log((1 - power) / (1 - alpha))
    total = 0.0
    for used, step in enumerate(_steps(values, healthy, floor), start=1):
        total += step
        if total >= decayed:
            return Verdict("SPRT", "decayed", f"decided after {used:,} labels")
        if total <= fine:
            return Verdict("SPRT", "healthy", f"decided after {used:,} labels")
    drift = abs(fmean(_steps([healthy], healthy, floor))) if values else 0.0
    missing = math.ceil((total - fine) / drift) if drift else 0
    return Verdict("SPRT", "open", f"{len(values):,} labels do not decide yet", missing)


def _steps(values: Sequence[float], healthy: float, floor: float) -> list[float]:
    """Log likelihood ratio of floor against healthy, one a value: Bernoulli for hits, normal for losses."""
    if set(values) <= {0.0, 1.0, healthy} and 0 < floor < healthy < 1:
        hit, miss = math.log(floor / healthy), math.log((1 - floor) / (1 - healthy))
        return [value * hit + (1 - value) * miss for value in values]
    scale = spread(values, healthy) or 1.0
    return [(floor - healthy) / scale**2 * (value - (floor + healthy) / 2) for value in values]


def cusum(scores: Sequence[float], limit: float, allowance: float = 0.5) -> Verdict:
    """Adds up how far each period's z score lies below healthy; finds a slow slide that no single window shows."""
    total = 0.0
    for period, z in enumerate(scores, start=1):
        total = max(0.0, total - z - allowance)
        if total > limit:
            return Verdict("CUSUM", "decayed", f"{total:.2f} passed {limit:.2f} in period {period} of {len(scores)}")
    if not scores:
        return Verdict("CUSUM", "open", "no period has labels yet", 1)
    return Verdict("CUSUM", "healthy", f"{total:.2f} of {limit:.2f} after {len(scores)} periods")


def run_length(limit: float, shift: float, allowance: float = 0.5) -> float:
    """Siegmund's mean number of periods until a CUSUM alarm; shift is in standard deviations, 0 for none (F21)."""
    delta, bound = shift - allowance, limit + OVERSHOOT
    if abs(delta) < 1e-9:
        return bound**2
    return (math.exp(-2 * delta * bound) + 2 * delta * bound - 1) / (2 * delta**2)


def expected_accuracy(best: np.ndarray) -> tuple[float, float]:
    """CBPE: the accuracy that the chances of the chosen classes promise, and its standard error (F25).

    An early warning, never a pass: it believes the model, so it is blind when the meaning of the inputs changes.
    """
    return float(best.mean()), float(math.sqrt((best * (1 - best)).sum()) / len(best))
