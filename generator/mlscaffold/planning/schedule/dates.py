"""The plan's schedule: dates with their probabilities, and tasks with their slack (F30).

Effort becomes working days by dividing it by the share of the responsible role and by the focus factor; a role does
one task at a time. Days are Monday to Friday; holidays are not known and belong into the focus factor.
"""

import datetime
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import NumberKey
from mlscaffold.planning.formulas import network
from mlscaffold.planning.formulas.network import Activity, Forecast, Window
from mlscaffold.planning.number import Number, Numbers
from mlscaffold.planning.schedule.people import Staff, staff
from mlscaffold.planning.schedule.tasks import Known, Task, is_early, known, tasks, unused_efforts

PHASES = ("p0", "p1", "g1", "p2", "p3", "p4", "p5", "g5")  # tasks are listed by phase, and by start within one
LAST_DAY = datetime.date(2999, 12, 31)  # a plan that ends later than this is said to end here, and does not fit


class Quantile(NamedTuple):
    """A probability, and the keys under which the plan has what is done by then: all of it, and its first phase."""

    share: float
    end: NumberKey
    days: NumberKey
    phase: NumberKey
    phase_days: NumberKey


QUANTILES = (
    Quantile(0.5, "schedule.p50", "schedule.days.p50", "schedule.phase1.p50", "schedule.phase1.p50_days"),
    Quantile(0.8, "schedule.p80", "schedule.days.p80", "schedule.phase1.p80", "schedule.phase1.p80_days"),
    Quantile(0.95, "schedule.p95", "schedule.days.p95", "schedule.phase1.p95", "schedule.phase1.p95_days"),
)


@dataclass(frozen=True)
class Schedule:
    """Everything the schedule knows: the tasks as leveled activities, their windows, and the forecast."""

    start: datetime.date
    deadline: datetime.date
    tasks: tuple[Task, ...]
    staff: Mapping[str, Staff]
    activities: tuple[Activity, ...]
    windows: Mapping[str, Window]
    forecast: Forecast

    def date(self, days: float) -> datetime.date:
        """The working day on which this many working days of work end."""
        return workday(self.start, math.ceil(days - 1e-6) - 1)

    def there(self, *names: str) -> str:
        """The first of these tasks that is called for. Raises StopIteration where none is."""
        return next(name for name in names if name in self.windows)

    def ends(self, task: str) -> datetime.date:
        """The day on which a task ends at the mean durations."""
        return self.date(self.windows[task].end)

    def starts(self, task: str) -> datetime.date:
        """The day on which a task starts at the mean durations."""
        return workday(self.start, math.floor(self.windows[task].start + 1e-6))


def effort(answers: Answers, labelling: int | None = 0) -> Numbers:
    """The effort in person-days, which build cost rests on; `labelling` is what people need for the labels of it."""
    todo = tasks(answers, Known(labelling=labelling))
    total = math.fsum(task.work for task in todo)
    early = math.fsum(task.work for task in todo if is_early(task))
    building = math.fsum(task.work for task in todo if task.phase == "p2")
    inputs: dict[str, Any] = {"efforts": answers.text("efforts") or None}
    inputs |= {"capabilities": len(answers.capabilities)} if answers.kind == "software" else {}
    note = "A proposal, from the three-point effort of each task; the answer efforts replaces what a team knows better."
    unused = unused_efforts(answers)
    remedy = f"Leave {' and '.join(unused)} out of efforts." if unused else None
    if unused:
        note = f"The answers call for no task {' and '.join(unused)}, so what efforts says of it moves nothing."
    return {
        "schedule.effort_days": Number(total, inputs=inputs, provenance="default", note=note, remedy=remedy),
        "schedule.early_share": Number(early / total, inputs={"effort_days": total}),
        "schedule.iteration_days": Number(building, inputs=inputs, provenance="default"),
    }


def build(answers: Answers, earlier: Numbers) -> Schedule:
    """The schedule of these answers; `earlier` holds what the plan knows of its waiting and its labels."""
    todo = tasks(answers, known(earlier))
    people = {task.id: _staff(answers, task) for task in todo}
    activities = network.level([_activity(task, people[task.id], answers.focus_factor) for task in todo])
    windows = network.passes(activities)
    todo.sort(key=lambda task: (PHASES.index(task.phase), windows[task.id].start))
    start = workday(answers.start_date, 0)
    return Schedule(
        start,
        answers.start_date + datetime.timedelta(weeks=answers.appetite_weeks),
        tuple(todo),
        people,
        tuple(activities),
        windows,
        _forecast(tuple(activities)),
    )


def _staff(answers: Answers, task: Task) -> Staff:
    """Who does a task or sees to it: people of the team by role, or hands from outside of it."""
    if task.hands:
        label = "one person who labels" if task.hands == 1 else f"{task.hands:,} people who label"
        return Staff(None, (label,), float(task.hands))
    return staff(answers, task.role)


@functools.lru_cache(maxsize=64)
def _forecast(activities: tuple[Activity, ...]) -> Forecast:
    """Kept, because most answers move no task, and plans are compared with one another."""
    return network.simulate(activities, "g1")


def _activity(task: Task, who: Staff, focus: float) -> Activity:
    """A task as days that pass: effort by who is there for it. Waiting, and hands from outside, occupy nobody."""
    pace = 1.0 if task.elapsed else who.share if task.hands else who.share * focus
    low, likely, high = (days / pace for days in task.effort)
    resource = None if task.elapsed or task.hands else f"{who.role or task.role}"
    return Activity(task.id, task.after, resource, low, likely, high, rank=0 if task.phase == "p0" else 1)


def workday(start: datetime.date, days: int) -> datetime.date:
    """The working day `days` after the first one on or after `start`."""
    first = start + datetime.timedelta(days=max(0, 7 - start.weekday()) % 7 if start.weekday() > 4 else 0)
    weeks, rest = divmod(max(0, days) + first.weekday(), 5)
    monday = first - datetime.timedelta(days=first.weekday())
    if weeks * 7 + rest > (LAST_DAY - monday).days:
        return LAST_DAY
    return monday + datetime.timedelta(days=weeks * 7 + rest)


def working_days(start: datetime.date, end: datetime.date) -> int:
    """Working days from `start` to `end`, both included."""
    days = (end - start).days + 1
    weeks, rest = divmod(max(0, days), 7)
    return weeks * 5 + sum((start.weekday() + day) % 7 < 5 for day in range(rest))


# ------------------------------------------------------------------------------------------------ the plan's entries


def schedule(answers: Answers, plan: Schedule) -> Numbers:
    """The numbers of schedule.*; the lists beside them come from `dated_lists`."""
    end = plan.date(plan.forecast.quantile(0.8))
    given = {"start_date": plan.start.isoformat(), "team": answers.text("team"), "focus_factor": answers.focus_factor}
    numbers: Numbers = {
        "schedule.start": Number(plan.start.isoformat(), inputs={"start_date": answers.text("start_date")}),
        "schedule.deadline": Number(plan.deadline.isoformat(), inputs={"appetite_weeks": answers.appetite_weeks}),
        "schedule.floor_days": Number(network.shortest(plan.activities, "g1"), inputs=given),
        "schedule.floor_total_days": Number(network.shortest(plan.activities, "g5"), inputs=given),
        "schedule.available_days": Number(
            working_days(plan.start, plan.deadline), inputs={"appetite_weeks": answers.appetite_weeks}
        ),
        "schedule.weeks_needed": Number(math.ceil(((end - answers.start_date).days) / 7), inputs=given),
        "schedule.fits": _fits(answers, plan, end),
    }
    ends = {keys: plan.forecast.quantile(keys.share) for keys in QUANTILES}
    numbers |= {
        keys.end: Number(plan.date(days).isoformat(), inputs=given | {"days": days}) for keys, days in ends.items()
    }
    numbers |= {keys.days: Number(round(days, 1), inputs=given) for keys, days in ends.items()}
    for keys in QUANTILES:
        days = plan.forecast.milestone(keys.share)
        numbers[keys.phase] = Number(plan.date(days).isoformat(), inputs=given | {"days": days})
        numbers[keys.phase_days] = Number(round(days, 1), inputs=given)
    return numbers


def _fits(answers: Answers, plan: Schedule, end: datetime.date) -> Number:
    fits = end <= plan.deadline
    given = {"p80": end.isoformat(), "deadline": plan.deadline.isoformat(), "appetite_weeks": answers.appetite_weeks}
    if fits:
        return Number(True, inputs=given)
    weeks = math.ceil((end - answers.start_date).days / 7)
    days = (end - plan.deadline).days
    after = f"{days:,} day{'' if days == 1 else 's'} after the appetite"
    late = f"with 80 % probability it ends by {end}, {after} ({plan.deadline})"
    return Number(
        False,
        inputs=given,
        note=f"The plan does not fit: {late}.",
        remedy=f"Cut scope, raise shares in team, or set appetite_weeks to {weeks}.",
    )


def iterations(answers: Answers, plan: Schedule) -> Numbers:
    """The numbers of iterations.* of a software plan: how many there are, when, and what one of them can hold."""
    built = [task.id for task in plan.tasks if task.phase == "p2"]
    first, last = plan.windows[built[0]].start, max(plan.windows[name].end for name in built)
    length = answers.iteration_days
    share = plan.staff[built[0]].share
    return {
        "iterations.count": Number(
            math.ceil((last - first) / length - 1e-6),
            inputs={"working_days": round(last - first, 1), "iteration_days": length},
        ),
        "iterations.capacity": Number(
            round(length * share * answers.focus_factor, 1),
            inputs={"iteration_days": length, "team": answers.text("team"), "focus_factor": answers.focus_factor},
        ),
        "iterations.start": Number(plan.starts(built[0]).isoformat()),
        "iterations.end": Number(plan.date(last).isoformat()),
    }
