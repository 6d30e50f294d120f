"""Trying several: how far the best of them looks too good (F11), and the chance that one is better (F29)."""

import functools
import math

from mlscaffold.planning.formulas.stats import phi


@functools.lru_cache(maxsize=128)
def expected_best(count: int) -> float:
    """F11. The expected largest of `count` independent standard normal values (Simpson, error below 1e-7).

    Raises `ValueError` for a count below 1.
    """
    if count < 1:
        raise ValueError(f"the best of {count} does not exist")
    steps, low, high = 400, -10.0, 10.0
    width = (high - low) / steps
    points = (low + width * i for i in range(steps + 1))
    weights = (1 if i in (0, steps) else 4 if i % 2 else 2 for i in range(steps + 1))
    normal = 1 / math.sqrt(2 * math.pi)
    return math.fsum(
        w * x * count * phi(x) ** (count - 1) * normal * math.exp(-x * x / 2)
        for w, x in zip(weights, points, strict=True)
    ) * (width / 3)


def optimism(standard_error: float, tried: int) -> float:
    """F11. By how much the best of `tried` equally good models looks better than it is on one validation set.

    Standard error times the expected maximum; the worst case, in which their errors are independent. Raises
    `ValueError` for a negative standard error.
    """
    if standard_error < 0:
        raise ValueError("a standard error is not negative")
    return standard_error * expected_best(tried)


def chance_of_success(rate: float, tries: int) -> float:
    """F29. The chance of at least one improvement in `tries` experiments that each improve at this rate.

    Raises `ValueError` for a rate outside 0 to 1, or negative tries.
    """
    if not 0 <= rate <= 1 or tries < 0:
        raise ValueError("a chance needs a rate between 0 and 1 and no negative number of tries")
    return 1.0 - (1.0 - rate) ** tries
