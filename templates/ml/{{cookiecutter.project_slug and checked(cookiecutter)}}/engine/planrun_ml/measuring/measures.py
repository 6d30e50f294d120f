"""What a measurement says of the answers in plan/project.yaml, by their keys: `mlscaffold replan --measured` offers it.

Each piece of evidence that measures such a fact holds it under `measures`; what could not be measured is not in it, and
the sample, which stands in for a team's data, measures nothing of theirs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.influence import influence
from planrun_ml.measuring.intervals import Interval
from planrun_ml.measuring.metrics import Metric, counted, losses, score

MEASURES = "measures"
ENOUGH = 100  # labels that were due, or answers that were logged, below which operation has measured nothing yet


def of_labels(
    labels: Mapping[str, Any], inputs: Iterable[str], positive: str | None, own_split: bool = False
) -> dict[str, Any]:
    """Of the audited table: its rows, those with an answer, its inputs, the share of positives, how far people agree.

    `positive` is the value of the target that counts as positive, None where the target is not a yes or no. Where the
    team splits (`own_split`), the test rows are counted, too: they need not be the share that the audit would take.
    """
    found: dict[str, Any] = {"past_cases": labels["rows"], "labelled_cases": labels["labelled"]}
    found["input_columns"] = len(list(inputs))
    if own_split and labels["test"]["rows"]:
        found["test_cases"] = labels["test"]["rows"]
    if positive is not None:
        found["positive_share"] = _short(labels["balance"][positive] / labels["labelled"])
    return found | ({"label_agreement": labels["agreement"]} if labels["agreement"] else {})


def of_baseline(metric: Metric, found: Interval) -> dict[str, Any]:
    """Of today's rule on the validation rows: its value, and how much the metric varies from row to row."""
    told = {"current_value": _short(found.value)} if np.isfinite(found.value) else {}
    if metric.share or metric.each is None or not found.spread:
        return told
    return told | {"metric_spread" if metric.own else "error_spread": _short(found.spread)}


def of_pair(metric: Metric, new: Any, old: Any) -> dict[str, Any]:
    """Of a model beside the rule, on the same rows: where one of them alone is right, or how their losses correlate.

    `new` and `old` are cases of the same rows, in the same order.
    """
    if metric.counted_on == "alarms":
        return {}
    if metric.share:
        found = differing(metric, new, old)
        return {} if found is None else {"discordance": _short(found)}
    if metric.each is None:
        return {}
    after, before = losses(metric, new), losses(metric, old)
    if after is None or before is None:
        return {}
    if not np.std(after) or not np.std(before):
        return {}
    return {"error_correlation": _short(float(np.clip(np.corrcoef(after, before)[0, 1], 0, 0.99)))}


def differing(metric: Metric, new: Case, old: Case) -> float | None:
    """The share of what a share counts on which exactly one of two systems is right; None where nothing tells it.

    A share that is one value for all rows (an order, the top of a list) has no right and wrong row. It has an error,
    and with it the discordance ψ of rows that would have the same: √((ψ - d²) / n) is that error (F05), d the gain.
    """
    after, before = losses(metric, new), losses(metric, old)
    if after is not None and before is not None:
        return float(np.mean(after != before)) if len(after) else None
    units = int(counted(metric, new).sum())
    if metric.counted_on == "queries" or not units:
        return None
    alone = [replace(case, clusters=None) for case in (new, old)]  # the plan counts with groups by itself (F10)
    gain, error = abs(score(metric, new) - score(metric, old)), influence(metric, alone).error()
    if not np.isfinite([gain, error]).all():
        return None
    return float(np.clip(units * error**2 + gain**2, gain, 1.0))


def of_operation(answered: int, days: float, due: int, received: int) -> dict[str, Any]:
    """Of the log: answers a day over the whole `days` that were watched, and the share of due labels that came back."""
    found: dict[str, Any] = {}
    if days >= 1 and answered >= ENOUGH:
        found["daily_volume"] = max(1, round(answered / days))
    if due >= ENOUGH:
        found["label_return_share"] = _short(received / due)
    return found


def _short(value: float) -> float:
    """As a person would write it; more digits would say more than was measured."""
    return float(f"{value:.4g}")
