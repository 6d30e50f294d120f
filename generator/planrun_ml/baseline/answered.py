"""Today's value as somebody answered it, held against the rule as it was measured: the plan starts from one of them."""

from collections.abc import Mapping
from typing import Any

from planrun.repository import Repo

from planrun_ml.data import source as source_module
from planrun_ml.measuring.metrics import Metric


def unlike(repo: Repo, metric: Metric, result: Mapping[str, Any]) -> str:
    """A sentence where `current_value` as answered lies beyond the bounds of the measured rule; "" where it does not.

    `result` has the `value` of the rule in the metric's unit, and its bounds `low` and `high`, None for one that is not
    known: then nothing is said. Nor is it of the sample, whose rows are not the team's. Rows are planned for a gain
    over the answer, and acceptance counts a gain over the rule.
    """
    text = repo.answers.get("current_value", "").strip()
    low, high = result.get("low"), result.get("high")
    if not text or low is None or high is None or source_module.source_of(repo).is_sample:
        return ""
    today = float(text)
    if low <= today <= high:
        return ""
    return (
        f"The plan starts from {metric.name} {today:.4g}, as answered (current_value), and acceptance from the "
        f"{result['value']:.4g} of the measured rule ({low:.4g} to {high:.4g}): they are not the same practice."
    )


def settled_by(result: Mapping[str, Any]) -> str:
    """The two ways to make them one: plan from what was measured, or measure what was answered."""
    return (
        f"plan from what was measured (mlscaffold replan --set current_value={result['value']:.4g}), "
        "or write today's practice as `baseline` in data/source.yaml"
    )
