"""The schedule as its page shows it: the bars of the picture, the critical path, the dates; and the risks beside it."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.rendering.forms import lines
from mlscaffold.wording import mermaid

OPENINGS = {"p0a": "Before the gate", "p2": "Experiments", "p2a": "Iterations", "p3": "Release"}
SEVERE = 12  # a score from which a risk needs an owner, a response and a date
RED = (
    "All of it is red, because the same hands do one task after the other: "
    "only more hands or less scope make it shorter."
)

Row = Mapping[str, Any]


class Schedule:
    """The plan's tasks."""

    def __init__(self, answers: Answers, plan: Mapping[str, Any]) -> None:
        self._tasks: list[Row] = plan["schedule"]["tasks"]

    @property
    def bars(self) -> str:
        """The lines of a Gantt chart: sections where a phase begins, a bar a task, a diamond a milestone."""
        return lines(line for task in self._tasks for line in _bar(task))

    @property
    def critical_path(self) -> str:
        """The tasks that move the end, in a sentence."""
        work = [task for task in self._tasks if not task["milestone"]]
        critical = [task["title"] for task in work if task["critical"]]
        return RED if len(critical) == len(work) else f"It runs through {' → '.join(critical)}."

    @property
    def dates(self) -> list[Row]:
        """The tasks as rows, with who does each and after which."""
        return [
            {**task, "who": f"{task['person']} ({task['role']})", "after": ", ".join(task["after"])}
            for task in self._tasks
        ]


def _bar(task: Row) -> list[str]:
    opening = [f"  section {OPENINGS[task['id']]}"] if task["id"] in OPENINGS else []
    red = "crit, " if task["critical"] else ""
    title = mermaid(task["title"])
    if task["milestone"]:
        return [*opening, f"  {title} :milestone, {red}{task['id']}, {task['end']}, 0d"]
    return [*opening, f"  {title} :{red}{task['id']}, {task['start']}, {task['end']}"]


class Risks:
    """The risks that follow from the answers today."""

    def __init__(self, answers: Answers, plan: Mapping[str, Any]) -> None:
        active = [risk for risk in plan["risks"] if risk["active"]]
        self.severe = [risk["id"] for risk in active if risk["score"] >= SEVERE]
        self.total = sum(risk["score"] for risk in active)
        ranked = sorted(active, key=lambda risk: risk["score"], reverse=True)
        self.active: list[Row] = [{**risk, "weight": f"**{risk['score']}**"} for risk in ranked]
