"""A measured value and a difference in words: what is better is called so, and what is not known is said."""

import math
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"


def value_told(found: Mapping[str, Any], unit: str = "") -> str:
    """A recorded interval: 0.84, bounds 0.79 to 0.88. `found` has `value`, `low` and `high`, None for what is unknown.

    `unit` is what the metric is counted in, as the plan says it.
    """
    return f"{figure(found['value'])}{unit and f' {unit}'}, {bounds_told(found)}"


def difference_told(found: Mapping[str, Any], unit: str = "") -> str:
    """A recorded gain, of which more is better whichever way the metric runs: better by 11, bounds: worse by 2 to …"""
    if found["low"] is None and found["high"] is None:
        return f"{better_by(found['value'], unit)}, {bounds_told(found)}"
    low, high = (better_by(found[key]) for key in ("low", "high"))
    return f"{better_by(found['value'], unit)}, bounds: {low} to {high}{_why(found)}"


def better_by(gain: float | None, unit: str = "") -> str:
    """A gain, in the metric's unit, as what it is: better, worse, or neither."""
    if gain is None:
        return UNKNOWN
    if not gain:
        return "as good"
    return f"{'better' if gain > 0 else 'worse'} by {figure(abs(gain))}{unit and f' {unit}'}"


def bounds_told(found: Mapping[str, Any]) -> str:
    """Both bounds; where one is not known, why, as far as `method` tells it."""
    if found["low"] is None and found["high"] is None:
        return f"without bounds{_why(found)}"
    return f"bounds {figure(found['low'])} to {figure(found['high'])}{_why(found)}"


def _why(found: Mapping[str, Any]) -> str:
    known = found["low"] is not None and found["high"] is not None
    return "" if known or not found.get("method") else f" ({found['method']})"


def figure(value: float | None) -> str:
    """Four digits of a number; a word where there is none."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:.4g}"
