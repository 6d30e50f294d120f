"""The metric that decides: one of the engine's, or the team's own. It is found by its name here, and handed on."""

import math
from collections.abc import Mapping
from typing import Any

from planrun.files import canonical
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.measuring.metrics import BUILT_IN, OWN, Metric
from planrun_ml.measuring.own import ROOM, own

MEASURED_BY = "plan/plan.json#metric"  # evidence in units of the metric is stale where another one decides


def deciding(repo: Repo) -> Metric:
    """The metric of the answers. Raises `Trouble` where it is the team's own and not there as the plan knows it."""
    name = repo.answers["metric"]
    return own(repo, name) if name.startswith(OWN) else BUILT_IN[name]


def accepted_by(repo: Repo, card: Mapping[str, Any]) -> Metric:
    """The metric that a version was accepted by, which another may have replaced since.

    Raises `Trouble` where it is a team's own that is gone, or says something else than it did then.
    """
    name = str(card["metric"])
    if not name.startswith(OWN):
        return BUILT_IN[name]
    found = own(repo, name)
    if found.code != card["metric_code"]:
        raise Trouble(
            f"{name} is computed otherwise than when {card['version']} was accepted: {ROOM}.py changed since.",
            "make baseline, then make experiment and make accept",
        )
    return found


def same_metric(repo: Repo, card: Mapping[str, Any]) -> bool:
    """Whether a version was accepted by the metric that decides today, as it is computed today."""
    now = deciding(repo)
    return bool(card["metric"] == now.name and card.get("metric_code", "") == now.code)


def measured_by(repo: Repo) -> tuple[str, ...]:
    """What evidence in units of the metric was measured by: the plan's entry, and of a team's own also the room."""
    return (MEASURED_BY, f"rooms/{ROOM}.py") if repo.answers["metric"].startswith(OWN) else (MEASURED_BY,)


def identity(repo: Repo) -> str:
    """What tells one deciding metric from another: its name, and of a team's own what answers and room say."""
    name = repo.answers["metric"]
    facts = [repo.answers.get(key) for key in ("metric_direction", "metric_form", "metric_counted_on")]
    return canonical([name, *facts, repo.rooms.content(ROOM)] if name.startswith(OWN) else [name])


def settled(metric: Metric, value: float) -> float:
    """The value itself; a team's own that is no number on all rows is `Trouble`."""
    if metric.own and not math.isfinite(value):
        told = f"{metric.name} is not a number on these rows: nothing there is counted on ({metric.counted_on})."
        if metric.value or metric.sums:
            told = f"{metric.name} is not a number on these rows."
        raise Trouble(told, f"Correct it in {ROOM}.py: on all rows it must be a finite number")
    return value
