"""Whether two runs from the raw data gave the same result."""

from typing import Any

PIPELINE = "pipeline"  # the evidence of two runs


def differing(runs: dict[str, Any]) -> list[str]:
    """The parts in which two runs from the raw file differ."""
    return [name for name, digest in runs["second"].items() if runs["first"][name] != digest]
