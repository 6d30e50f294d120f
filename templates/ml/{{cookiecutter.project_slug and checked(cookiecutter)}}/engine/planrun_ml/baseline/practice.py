"""Today's practice where it is only a figure that somebody said, and the rule that was measured falls short of it.

A gain over such a rule alone would be one over a straw man: the model is then held against the figure, too.
"""

import math
from dataclasses import replace

from planrun.repository import Repo

from planrun_ml.data import source
from planrun_ml.measuring.intervals import Interval
from planrun_ml.measuring.metrics import Metric

MEND = (
    "write today's practice as `baseline` in data/source.yaml, so that it is measured on the same rows; or correct the "
    "figure: mlscaffold replan --set current_value=…"
)


def stated(repo: Repo) -> float | None:
    """What today's practice is said to reach (`current_value`), in the metric's unit.

    None where nobody said it, where it is what was measured here, and on the sample's rows, which are not theirs.
    """
    entry = repo.entry("acceptance.baseline")
    said = entry["provenance"] == "answered" and not source.source_of(repo).is_sample
    return float(entry["value"]) if said and entry["value"] is not None else None


def missed(repo: Repo, metric: Metric, low: float | None, high: float | None) -> float | None:
    """The figure of today's practice, where a rule with these bounds is shown to fall short of it; else None."""
    figure, best = stated(repo), high if metric.sign > 0 else low
    if figure is None or best is None or not math.isfinite(best):
        return None
    return figure if metric.sign * (best - figure) < 0 else None


def over(metric: Metric, found: Interval, figure: float) -> Interval:
    """How much better a model is than a figure without rows of its own, bounds from the model's; positive is better."""
    low, high = (found.low, found.high) if metric.sign > 0 else (found.high, found.low)
    value, low, high = (metric.sign * (end - figure) for end in (found.value, low, high))
    return replace(found, value=value, low=low, high=high)


def told(metric: str, value: float, figure: float) -> str:
    """Why the figure counts."""
    return (
        f"The rule's {metric} of {value:.4g} is shown to be worse than the {figure:.4g} that today's practice is said "
        "to reach (current_value)"
    )
