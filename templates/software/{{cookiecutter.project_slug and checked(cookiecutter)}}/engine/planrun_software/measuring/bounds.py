"""Percentiles and upper bounds of rates."""

import math
from collections.abc import Sequence

CONFIDENCE = 0.95


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def upper_bound(failures: int, trials: int) -> float:
    """F28. The largest failure rate that such a count leaves possible (Clopper and Pearson, one-sided, 95 %)."""
    if failures >= trials:
        return 1.0
    low, high = failures / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(failures, trials, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def _at_most(failures: int, trials: int, rate: float) -> float:
    """The chance of seeing no more failures than these at a given rate."""
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(rate) + (trials - k) * math.log1p(-rate)
        for k in range(failures + 1)
    )  # fmt: skip
    return sum(map(math.exp, terms))
