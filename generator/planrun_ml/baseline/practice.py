"""Today's practice as somebody answered it, held against the rule as it was measured.

The plan starts from the one and acceptance from the other, so a difference is told. Where the rule falls short of the
figure, a gain over the rule alone would be one over a straw man: a model is then held against the figure, too.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planrun.repository import Repo

from planrun_ml.data import source
from planrun_ml.measuring.intervals import Interval
from planrun_ml.measuring.metrics import Metric


def stated(repo: Repo) -> float | None:
    """What today's practice is said to reach (`current_value`), in the metric's unit.

    None where nobody said it, where it is what was measured here, and on the sample's rows, which are not theirs.
    """
    entry = repo.entry("acceptance.baseline")
    said = entry["provenance"] == "answered" and not source.source_of(repo).is_sample
    return float(entry["value"]) if said and entry["value"] is not None else None


def unlike(figure: float | None, metric: Metric, result: Mapping[str, Any]) -> str:
    """A sentence where the figure lies beyond the bounds of the measured rule; "" where it does not, or is not known.

    `result` has the `value` of the rule in the metric's unit, and its bounds `low` and `high`, None for one that is not
    known: then nothing is said.
    """
    low, high = result.get("low"), result.get("high")
    if figure is None or low is None or high is None or low <= figure <= high:
        return ""
    return (
        f"The plan starts from {metric.name} {figure:.4g}, as answered (current_value), and acceptance from the "
        f"{result['value']:.4g} of the measured rule ({low:.4g} to {high:.4g}): they are not the same practice."
    )


def settled_by(result: Mapping[str, Any]) -> str:
    """The two ways to make them one: plan from what was measured, or measure what was answered."""
    return (
        f"plan from what was measured (mlscaffold replan --set current_value={result['value']:.4g}), "
        "or write today's practice as `baseline` in data/source.yaml"
    )


def missed(figure: float | None, metric: Metric, low: float | None, high: float | None) -> bool:
    """Whether a rule with these bounds is shown to fall short of the figure."""
    best = high if metric.sign > 0 else low
    if figure is None or best is None or not math.isfinite(best):
        return False
    return metric.sign * (best - figure) < 0


def over(metric: Metric, found: Interval, figure: float) -> Interval:
    """How much better a model is than a figure without rows of its own, bounds from the model's; positive is better."""
    low, high = (found.low, found.high) if metric.sign > 0 else (found.high, found.low)
    value, low, high = (metric.sign * (end - figure) for end in (found.value, low, high))
    return replace(found, value=value, low=low, high=high)


def falls_short(metric: str, value: float, figure: float) -> str:
    """Why the figure counts beside the rule."""
    return (
        f"The rule's {metric} of {value:.4g} is shown to be worse than the {figure:.4g} that today's practice is said "
        "to reach (current_value)"
    )
