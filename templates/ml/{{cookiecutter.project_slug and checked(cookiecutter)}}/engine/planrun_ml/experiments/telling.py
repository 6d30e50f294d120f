"""A difference and its interval in words."""

from typing import Any


def _said(found: dict[str, Any], sign: str = "") -> str:
    """A recorded interval in words; a bound without end is a question mark."""
    value, low, high = ("?" if found[key] is None else f"{found[key]:{sign}.4g}" for key in ("value", "low", "high"))
    return f"{value}, bounds {low} to {high}"
