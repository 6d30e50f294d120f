"""The backlog: one item for each piece of work, gate and requirement, and the ML project's first hypotheses."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, said, value_of
from mlscaffold.planning.schedule.dated_lists import sessions
from mlscaffold.planning.schedule.dates import Schedule, workday, working_days
from mlscaffold.planning.schedule.people import staff

# Which gate the tasks of each phase serve; experiments and slices serve the gate of the iterations.
GATES = {
    "ml": {"p0": "G0", "p1": "G1", "g1": "G1", "p2": "G2", "p3": "G3", "p4": "G4", "p5": "G4", "g5": "G5"},
    "software": {"p0": "T0", "p1": "T1", "g1": "T1", "p2": "T2", "p3": "T3", "p4": "T4", "p5": "T4", "g5": "T4"},
}
HYPOTHESES = (
    ("A better rule: today's practice with its two commonest errors corrected", "expert"),
    ("The simplest readable model on the columns the rule uses", "literature"),
    ("The labels and inputs that error analysis finds wrong, corrected", "error analysis"),
    ("Features for the segment with the most errors", "error analysis"),
    ("Another model family on the same features", "literature"),
    ("Tuning of the champion, on the validation split only", "literature"),
    ("A new source of information for the cases nobody gets right", "expert"),
)
# What takes the place of one of these, counted from 1, where a forecast is made, or a person can write the rules down.
OF_A_FORECAST = {
    2: ("The value of the same period one season ago, moved by the latest level", "literature"),
    4: ("The calendar: weekday, season, holidays and what is planned, as known when the forecast is made", "expert"),
}
OF_RULES = {1: ("The rules written down in full, tried as they are before anything is learned", "expert")}
SHORTEST_DAYS = 0.1  # what rounds to nothing is work all the same, and of waiting somebody has to see the end
MOST_PARTS = 12  # of one task; what lies further away is sliced when these are done


@dataclass(frozen=True)
class Item:
    """One item of plan/backlog.json. `kind` is task, requirement, experiment, session or gate."""

    id: str
    title: str
    body: str
    kind: str
    gate: str
    owner: str
    due: str
    depends_on: tuple[str, ...]
    estimate_days: float
    requirement: str | None = None


def hypotheses(answers: Answers) -> list[dict[str, Any]]:
    """The experiments to begin with, in the order of value: what is cheap and readable comes first."""
    own = OF_A_FORECAST if answers.task == "forecast" else {}
    own = own | (OF_RULES if answers.rules_expressible == "full" else {})
    listed = [own.get(number, idea) for number, idea in enumerate(HYPOTHESES, 1)]
    return [
        {
            "id": f"H{number}",
            "change": change,
            "expected_gain": None,
            "cost_days": answers.cycle_days,
            "source": source,
            "status": "open",
        }
        for number, (change, source) in enumerate(listed, 1)
    ]


def backlog(
    answers: Answers, numbers: Numbers, schedule: Schedule, requirements: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Every item, in the order of gates; ids such as G1-03 stay the same as long as the answers do.

    None is larger than half an iteration: what is, comes as several, each after the one before.
    """
    drafts = _tasks(answers, numbers, schedule)
    drafts += _experiments(answers, numbers, schedule) if answers.kind == "ml" else _built(schedule, requirements)
    drafts += _sessions(answers, schedule)
    drafts = [part for draft in drafts for part in _parts(draft, half_an_iteration(answers), schedule)]
    gates = sorted({draft.gate for draft in drafts})
    ordered = [draft for gate in gates for draft in drafts if draft.gate == gate]
    ids: dict[str, str] = {}
    count = dict.fromkeys(gates, 0)
    for draft in ordered:
        count[draft.gate] += 1
        ids[draft.id] = f"{draft.gate}-{count[draft.gate]:02}"
    return [_renamed(draft, ids) for draft in ordered]


def half_an_iteration(answers: Answers) -> float:
    """The days that an item may take: half of an experiment cycle, or of an iteration."""
    return (answers.cycle_days if answers.kind == "ml" else answers.iteration_days) / 2


def _parts(draft: Item, limit: float, schedule: Schedule) -> list[Item]:
    """An item, or the parts it is too large for; the last part has its id, so that what follows it waits for all."""
    count = math.ceil(draft.estimate_days / limit - 1e-9)
    if count <= 1:
        return [draft]
    shown, each = min(count, MOST_PARTS), round(draft.estimate_days / count, 1)
    begun = schedule.starts(draft.id) if draft.id in schedule.windows else None
    found: list[Item] = []
    for number in range(1, shown + 1):
        last = number == shown
        body = draft.body if last else f"Part {number} of {count}. {draft.body}"
        estimate = max(SHORTEST_DAYS, min(each, limit))
        if last and shown < count:
            left = round(draft.estimate_days - each * (shown - 1), 1)
            body = f"About {left:,} person-days are left: slice them anew when this is reached. {draft.body}"
            estimate = min(estimate, 0.5)
        found.append(
            replace(
                draft,
                id=draft.id if last else f"{draft.id}#{number}",
                title=f"{draft.title} ({number} of {shown})",
                body=body,
                due=draft.due if last or begun is None else _between(begun, draft.due, number / count),
                depends_on=(f"{draft.id}#{number - 1}",) if number > 1 else draft.depends_on,
                estimate_days=estimate,
            )
        )
    return found


def _between(begun: datetime.date, due: str, share: float) -> str:
    """The working day at which this share of the working days to `due` is over."""
    days = working_days(begun, datetime.date.fromisoformat(due))
    return workday(begun, max(0, math.ceil(share * days) - 1)).isoformat()


def _renamed(draft: Item, ids: Mapping[str, str]) -> dict[str, Any]:
    item = asdict(draft)
    return item | {"id": ids[draft.id], "depends_on": sorted({ids[name] for name in draft.depends_on if name in ids})}


def _tasks(answers: Answers, numbers: Numbers, schedule: Schedule) -> list[Item]:
    """One item a task of the schedule; experiments and capabilities come as items of their own."""
    needed = value_of(numbers, "test.rows")
    rows = "as many rows as the plan asks for" if needed is None else f"{said(needed)} rows"
    own = tuple(task.id for task in schedule.tasks if is_item_of_its_own(task.id))
    return [
        Item(
            task.id,
            task.title,
            "Done when: " + task.done.replace("{test_rows}", rows),
            "gate" if task.gate else "task",
            GATES[answers.kind][task.phase],
            (staff(answers, task.role) if task.hands else schedule.staff[task.id]).person,
            schedule.ends(task.id).isoformat(),
            (*task.after, *(own if task.phase == "p3" else ())),
            SHORTEST_DAYS if task.id == "experiments" else max(SHORTEST_DAYS, round(task.work, 1)),
        )
        for task in schedule.tasks
        if task.id not in own
    ]


def is_item_of_its_own(task: str) -> bool:
    """Whether the item of a task comes with what it is about: a slice is its requirement's."""
    return task.startswith("slice_")


def _experiments(answers: Answers, numbers: Numbers, schedule: Schedule) -> list[Item]:
    """As many seeded hypotheses as the backlog of the iteration plan holds; each is blocked by gate G1.

    An experiment takes a cycle, which is two items: the change with its run, and what is learned from it.
    Ideas are more than fit into the budget, so that the best of them are tried: those that come after it say so.
    """
    most = value_of(numbers, "iterations.max")
    return [
        Item(
            idea["id"],
            f"Experiment {idea['id']}: {idea['change']}",
            f"{_beyond(place, most)}Blocked by G1. "
            "Write the predicted effect into the record before the run; change one thing only. "
            "Done when: experiments/ holds its record with an interval against champion and baseline, kept or dropped.",
            "experiment",
            "G2",
            schedule.staff["experiments"].person,
            schedule.ends("experiments").isoformat(),
            ("g1",),
            float(idea["cost_days"]),
        )
        for place, idea in enumerate(hypotheses(answers), 1)
    ]


def _beyond(place: int, most: int) -> str:
    """What the item of an idea says first where the experiments planned are over before its turn."""
    count = f"{most} experiments" if most != 1 else "one experiment"
    return f"Only in the place of an earlier one: the budget is {count}. " if place > most else ""


def _built(schedule: Schedule, requirements: Sequence[Mapping[str, Any]]) -> list[Item]:
    """One item a requirement: a capability's is the task that builds it; the others follow all capabilities."""
    tasks = {task.title: task for task in schedule.tasks if is_item_of_its_own(task.id)}
    found = []
    for row in requirements:
        task = tasks.get(row["capability"])
        scenario = row["scenario"]
        found.append(
            Item(
                task.id if task else row["id"],
                f"{row['id']} {task.title if task else _short(row)}",
                f"{row['text']}\n\nFit: {row['fit']}\nGiven {scenario['given']}, when {scenario['when']}, "
                f"then {scenario['then']}.\nVerified by {row['verification']}.",
                "requirement",
                "T2" if row["verification"] == "test" else "T3",
                row["owner"],
                schedule.ends(task.id if task else "acceptance").isoformat(),
                ("g1",) if task else tuple(other.id for other in tasks.values()),
                max(SHORTEST_DAYS, round(task.mean, 1)) if task else 0.5,
                row["id"],
            )
        )
    return found


def _short(row: Mapping[str, Any]) -> str:
    about = str(row["test"]).removeprefix("test_").replace("_", " ")
    return f"{about} fails" if row["kind"] == "fault" else about


def _sessions(answers: Answers, schedule: Schedule) -> list[Item]:
    """The negotiation sessions: the first with the charter, the second with the gate, the last before acceptance."""
    gates = ("G0", "G1", "G3") if answers.kind == "ml" else ("T0", "T1", "T3")
    return [
        Item(
            meeting["id"],
            f"Session {number}: {meeting['about']}",
            f"With {meeting['people']}. Done when: what was asked, offered and agreed stands in docs/03-acceptance.md.",
            "session",
            gate,
            staff(answers, "po").person,
            meeting["date"],
            (),
            0.5,
        )
        for number, (meeting, gate) in enumerate(zip(sessions(answers, schedule), gates, strict=True), 1)
    ]
