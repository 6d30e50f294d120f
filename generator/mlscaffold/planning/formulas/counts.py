"""Counts: rounded up, and the largest that a plan can use."""

import math

LIMIT = 1e9  # a count or an amount beyond this is a sentence about the answers, not a number to plan with


def whole(value: float) -> int:
    """Round a count up; noise in the last digits does not add a row. Raises ValueError where it is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"a count must be finite, not {value}")
    return math.ceil(value - 1e-9 * max(1.0, abs(value)))
