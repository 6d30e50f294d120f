"""The schedule's lists: tasks with people and dates, the critical path, negotiation sessions, reviews after release."""

import datetime
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.formulas import network
from mlscaffold.planning.number import Numbers, value_of
from mlscaffold.planning.schedule.dates import LAST_DAY, Schedule, workday
from mlscaffold.planning.schedule.people import staff
from mlscaffold.planning.schedule.tasks import drivers


def task_list(plan: Schedule) -> list[dict[str, Any]]:
    """The tasks with people, dates and slack, by phase, and by start within a phase."""
    return [
        {
            "id": task.id,
            "title": task.title,
            "phase": task.phase,
            "after": list(task.after),
            "role": task.role.upper(),
            "person": plan.staff[task.id].person,
            "effort": [round(days, 1) for days in task.effort],
            "answers": list(task.grows),
            "days": round(plan.windows[task.id].end - plan.windows[task.id].start, 1),
            "start": plan.starts(task.id).isoformat(),
            "end": plan.ends(task.id).isoformat(),
            "slack_days": round(max(0.0, plan.windows[task.id].slack), 1),
            "critical": plan.windows[task.id].slack < 1e-6,
            "criticality": round(plan.forecast.criticality[task.id], 2),
            "waiting": task.elapsed,
            "milestone": task.gate is not None,
            "gate": task.gate,
        }
        for task in plan.tasks
    ]


def critical(plan: Schedule) -> list[str]:
    """The tasks without slack, in order."""
    return [task.id for task in plan.tasks if plan.windows[task.id].slack < 1e-6]


MOVERS = 3


def movers(plan: Schedule) -> list[dict[str, Any]]:
    """The tasks that move the end most: by how many working days each does at its best and at its worst.

    One at a time, every other task at its mean; waiting and work alike, signatures not.
    """
    ends = max(window.end for window in plan.windows.values())
    moved = []
    for activity in plan.activities:
        best, worst = (
            network.end_with(plan.activities, activity.id, days) - ends for days in (activity.low, activity.high)
        )
        moved.append((worst - best, activity.id, best, worst))
    by_id = {task.id: task for task in plan.tasks}
    moved = [row for row in moved if row[0] >= 0.05 and by_id[row[1]].gate is None]
    return [
        {
            "id": id,
            "title": by_id[id].title,
            "earlier_days": round(max(0.0, -best), 1),
            "later_days": round(max(0.0, worst), 1),
            "answers": list(by_id[id].grows),
        }
        for _, id, best, worst in sorted(moved, key=lambda row: (-round(row[0], 6), row[1]))[:MOVERS]
    ]


def sessions(answers: Answers, plan: Schedule) -> list[dict[str, Any]]:
    """Three meetings that settle what counts as good enough, each before the first look at the test set."""
    about = ML_SESSIONS if answers.kind == "ml" else SOFTWARE_SESSIONS
    first_look = plan.windows["acceptance"].start
    days = [plan.windows["charter"].end, plan.windows["g1"].end, max(plan.windows["g1"].end + 1, first_look - 5)]
    return [
        {
            "id": f"N{number}",
            "date": min(plan.date(day), workday_before(plan.starts("acceptance"))).isoformat(),
            "about": text,
            "people": _people(answers),
        }
        for number, (day, text) in enumerate(zip(days, about, strict=True), 1)
    ]


ML_SESSIONS = (
    "What an error costs, which gain is worth having, and who decides",
    "Thresholds against the measured baseline, and how many rows decide",
    "Last changes to thresholds, slices and limits; then they are signed and the test set is opened",
)
SOFTWARE_SESSIONS = (
    "What must be there, what may wait, and who decides",
    "Fit criteria and objectives against the measured practice",
    "Last changes to acceptance scenarios; then they are signed and acceptance starts",
)


def _people(answers: Answers) -> str:
    """Whoever must agree: the product owner, whoever builds, and whoever runs it."""
    roles = ("po", "ds", "ops") if answers.kind == "ml" else ("po", "swe", "ops")
    return ", ".join(dict.fromkeys(staff(answers, role).person for role in roles))


def workday_before(day: datetime.date) -> datetime.date:
    """The last working day before `day`."""
    return day - datetime.timedelta(days={0: 3, 6: 2}.get(day.weekday(), 1))


def reviews(answers: Answers, plan: Schedule, earlier: Numbers) -> list[dict[str, str]]:
    """What comes round after release, with the first date of each: reviews, drills, and retraining."""
    live, drilled = plan.ends("g5"), plan.ends(rehearsal(plan))
    every = value_of(earlier, "retrain.every_days")
    promised = answers.kind == "software" and answers.is_asked("slo_percent")
    counted = "labels received" if answers.kind == "ml" else "error budget left" if promised else "open defects"
    dates = [
        (drilled, answers.drill_age_days, "rollback drill repeated"),
        (live, 30, f"first operations review: alerts, {counted}, cost against budget"),
        (live, 90, "quarterly review: objectives, dependencies, open risks"),
        (live, 365, "yearly review: keep, rebuild or retire"),
    ]
    if every:
        dates.append((live, int(every), "first planned retraining"))
    return [
        {"date": day, "about": text} for day, text in sorted((_on(after, days), text) for after, days, text in dates)
    ]


def rehearsal(plan: Schedule) -> str:
    """The task in which going back is rehearsed: a drill, or the release of what only its users run."""
    return plan.there("operation", "drills", "release")


def _on(day: datetime.date, days: int) -> str:
    """The working day on or after `days` calendar days later."""
    return workday(min(day + datetime.timedelta(days=min(days, 36500)), LAST_DAY), 0).isoformat()


def lists(answers: Answers, plan: Schedule, earlier: Numbers) -> dict[str, list[Any]]:
    """Everything of schedule.* that is a list."""
    return {
        "tasks": task_list(plan),
        "critical": critical(plan),
        "movers": movers(plan),
        "follows": list(drivers(answers)),
        "sessions": sessions(answers, plan),
        "reviews": reviews(answers, plan, earlier),
    }
