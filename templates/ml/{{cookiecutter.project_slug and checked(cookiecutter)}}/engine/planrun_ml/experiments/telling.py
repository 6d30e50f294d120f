"""A difference and its interval in words."""

from typing import Any


def _said(found: dict[str, Any], sign: str = "") -> str:
    """A recorded interval in words; a bound without end is a question mark."""
    value, low, high = (_figure(found[key], sign) for key in ("value", "low", "high"))
    return f"{value}, bounds {low} to {high}"


def _figure(value: float | None, sign: str) -> str:
    """Four digits, with a sign where a difference is told; nothing is neither plus nor minus."""
    if value is None:
        return "?"
    return f"{value:{sign}.4g}" if value else "0"
