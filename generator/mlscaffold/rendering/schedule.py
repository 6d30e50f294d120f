"""The schedule as its page shows it: the bars of the picture, the critical path, the dates; and the risks beside it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlscaffold import figures
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import lines
from mlscaffold.wording import MARK, Page, mermaid, number

SECTIONS = {"p0": "Before the gate", "p1": "Before the gate", "g1": "Before the gate", "p3": "Release"}
BUILDING = {"ml": "Experiments", "software": "Iterations"}  # the section of phase p2
SEVERE = 12  # a score from which a risk needs an owner, a response and a date
RED = (
    "All of it is red, because the same hands do one task after the other: "
    "only more hands or less scope make it shorter."
)

Row = Mapping[str, Any]


class Schedule:
    """The plan's tasks."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._tasks: list[Row] = plan["schedule"]["tasks"]
        self._movers: list[Row] = plan["schedule"]["movers"]
        self._assumed = {row["key"] for row in plan["assumptions"]}
        self._sections = SECTIONS | {"p2": BUILDING[answers.kind]}

    @property
    def bars(self) -> str:
        """The lines of a Gantt chart: sections where a phase begins, a bar a task, a diamond a milestone."""
        return Page(lines(self._lines()))  # a picture knows no marks

    def _lines(self) -> Iterator[str]:
        section = ""
        for task in self._tasks:
            opened = self._sections.get(task["phase"], "Release")
            if opened != section:
                section = opened
                yield f"  section {section}"
            yield _bar(task)

    @property
    def critical_path(self) -> str:
        """The tasks that move the end, in a sentence."""
        work = [task for task in self._tasks if not task["milestone"]]
        critical = [task["title"] for task in work if task["critical"]]
        return RED if len(critical) == len(work) else f"It runs through {' → '.join(critical)}."

    @property
    def movers(self) -> list[Row]:
        """What moves the end most, as rows in whole days, each with the answers that it follows."""
        return [
            {**row}
            | {name: _whole(row[name]) + self._mark(row) for name in ("earlier_days", "later_days")}
            | {"from_answers": ", ".join(f"`{key}`" for key in (*row["answers"], "efforts"))}
            for row in self._movers
        ]

    def _mark(self, task: Row) -> str:
        """The mark of days that grow with an answer nobody gave; the page's last lines name it, as do its dates'."""
        return MARK if self._assumed.intersection(task["answers"]) else ""

    @property
    def example(self) -> str:
        """The first of these with a figure for `efforts`."""
        first = self._movers[0]["id"] if self._movers else self._tasks[0]["id"]
        days = next(task["effort"] for task in self._tasks if task["id"] == first)
        return f"{first}=" + "/".join(figures.half_days(day) for day in days)

    @property
    def dates(self) -> list[Row]:
        """The tasks as rows, with who does each and after which."""
        return [
            {
                **task,
                "who": _who(task),
                "work": _days(task) + ("" if task["waiting"] else self._mark(task)),
                "after": ", ".join(task["after"]),
                "slack_days": _whole(task["slack_days"]),
            }
            for task in self._tasks
        ]


def _whole(days: float) -> str:
    return number({"value": float(days), "unit": "days"})


def _days(task: Row) -> str:
    """Person-days at best, likely and at worst; none of waiting."""
    return "" if task["waiting"] else " / ".join(figures.half_days(days) for days in task["effort"])


def _who(task: Row) -> str:
    """Who does a task; of waiting, who sees to it."""
    who = f"{task['person']} ({task['role']})"
    return f"waiting; {who} sees to it" if task["waiting"] and not task["milestone"] else who


def _bar(task: Row) -> str:
    red = "crit, " if task["critical"] else ""
    title = mermaid(task["title"])
    if task["milestone"]:
        return f"  {title} :milestone, {red}{task['id']}, {task['end']}, 0d"
    return f"  {title} :{red}{task['id']}, {task['start']}, {task['end']}"


def _resting(risk: Row, name: str) -> Row:
    """A sentence of a risk, and what it rests on where it has a figure."""
    return {"value": risk[name], "rests_on": risk["rests_on"] if re.search(r"\d", risk[name]) else []}


class Risks:
    """The risks that follow from the answers today."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self.limit = SEVERE
        active = [risk for risk in plan["risks"] if risk["active"]]
        self.severe = [risk["id"] for risk in active if risk["score"] >= SEVERE]
        self.total = sum(risk["score"] for risk in active)
        ranked = sorted(active, key=lambda risk: risk["score"], reverse=True)
        self.active: list[Row] = [
            {**risk, "weight": f"**{risk['score']}**"}
            | {name: _resting(risk, name) for name in ("trigger", "response")}
            for risk in ranked
        ]
