"""What a software product's operations page says by the answers: the morning's watch, maintenance."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import called_for, is_served, lines, stores

Plan = Mapping[PlanKey, Any]


def is_counted(answers: Answers) -> bool:
    """Whether a page of metrics can tell what is left of the error budget."""
    return is_served(answers) and answers.is_asked("slo_percent")


def results(answers: Answers) -> str:
    """What is counted as right or wrong."""
    return "runs" if answers.deliverable == "batch" else "requests"


def watched(answers: Answers, plan: Plan) -> list[dict[str, str]]:
    """What the pipeline looks at every morning: in words, the command, and the gate that reads it."""
    packages = {"about": "known weaknesses in the packages", "command": "`make audit`", "gate": "T4.6"}
    budget = {"about": "the error budget that is left", "command": "`make budget` from `METRICS_URL`", "gate": "T5.1"}
    return [packages] * (answers.rigor != "light") + [budget] * is_counted(answers)


def maintenance(answers: Answers, plan: Plan) -> str:
    """The rows of what is renewed, and how often."""
    locked = f"every {answers.drill_age_days} days, and on a critical advisory at once"
    retention = "as section 5 of [requirements](01-requirements.md#5-interfaces-and-data) says"
    return lines(
        called_for(
            (True, f"| Dependencies: lock file renewed, advisories read | {locked} | T4.6 |"),
            (is_served(answers), "| Certificates | renewed 30 days before one ends | review |"),
            (stores(answers), f"| Records past their retention | {retention} | review |"),
        )
    )
