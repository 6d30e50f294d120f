"""The backlog: one item for each piece of work, gate and requirement, and the ML project's first hypotheses."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, said, value_of
from mlscaffold.planning.schedule.dated_lists import sessions
from mlscaffold.planning.schedule.dates import Schedule
from mlscaffold.planning.schedule.people import staff

# Which gate each task serves; a task of p2 serves the gate of the iterations.
GATES = {
    "ml": {"p0": "G0", "p1": "G1", "g1": "G1", "p2": "G2", "p3": "G3", "p4": "G4", "p5": "G4", "g5": "G5"},
    "software": {"p0": "T0", "p1": "T1", "g1": "T1", "p2": "T2", "p3": "T3", "p4": "T4", "p5": "T4", "g5": "T4"},
}
DONE = {
    "ml": {
        "p0a": "docs/00-charter.md and docs/decisions/0001-ml-or-not.md hold no open question, and are accepted.",
        "p0b": "`make baseline` has written the baseline with its interval, and current_value is replanned with it.",
        "p1a": "Every source in docs/01-data-audit.md has an owner, access, a history and a change notice.",
        "p1b": "`make audit` passes on the real data: every rule of data/schema.yaml holds.",
        "p1c": "Definition, examples and edge cases are written down, and two people agree often enough.",
        "p1d": "The test set holds {test_rows}, after the training period and untouched.",
        "p1e": "Two runs from raw data give the same hash, by the code that serves as well.",
        "p1f": "A constant scores what it must, shuffled labels score chance, and the same seed gives the same result.",
        "g1": "`make status` shows every blocking G0 and G1 gate as pass, and gates/G1.lock is written.",
        "p2": "A stop rule of docs/02-iteration-plan.md has spoken: success, futility or budget.",
        "p3": "`make accept` says pass, fail or inconclusive on thresholds that were signed before the first look.",
        "p4": "Load test, parity test and a timed rollback have passed; predictions are logged.",
        "p5": "Shadow and canary have run to their bounds, and the go or stop is recorded.",
        "g5": "Every monitor reports, and a test alert has reached its owner.",
    },
    "software": {
        "p0a": "docs/00-charter.md and docs/decisions/0001-approach.md hold no open question, and are accepted.",
        "p0b": "What today's practice costs is counted, and current_value is replanned with it.",
        "p1a": "Every capability has requirements that its users have read and corrected.",
        "p1b": "Speed, availability, security and recovery each have a number, and the objective is possible.",
        "p1c": "Interfaces, data and the reaction to each dependency's failure are decided and recorded.",
        "p1d": "A clean machine builds, checks and tests every change.",
        "g1": "`make status` shows every blocking T0 and T1 gate as pass, and requirements are signed.",
        "p3": "`make accept` passes every must scenario, and the product owner has signed.",
        "p4": "Load test, restore drill and a timed rollback have passed.",
        "p5": "All traffic runs on the new version, and the error budget is intact.",
        "g5": "Alerts reach the person on call, and the runbook has been followed once by somebody else.",
    },
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
SHORTEST_DAYS = 0.1  # what rounds to nothing is work all the same


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
    return [
        {
            "id": f"H{number}",
            "change": change,
            "expected_gain": None,
            "cost_days": answers.cycle_days,
            "source": source,
            "status": "open",
        }
        for number, (change, source) in enumerate(HYPOTHESES, 1)
    ]


def backlog(
    answers: Answers, numbers: Numbers, schedule: Schedule, requirements: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Every item, in the order of gates; ids such as G1-03 stay the same as long as the answers do."""
    drafts = _tasks(answers, numbers, schedule)
    drafts += _experiments(answers, schedule) if answers.kind == "ml" else _built(schedule, requirements)
    drafts += _sessions(answers, schedule)
    gates = sorted({draft.gate for draft in drafts})
    ordered = [draft for gate in gates for draft in drafts if draft.gate == gate]
    ids: dict[str, str] = {}
    count = dict.fromkeys(gates, 0)
    for draft in ordered:
        count[draft.gate] += 1
        ids[draft.id] = f"{draft.gate}-{count[draft.gate]:02}"
    return [_renamed(draft, ids) for draft in ordered]


def _renamed(draft: Item, ids: Mapping[str, str]) -> dict[str, Any]:
    item = asdict(draft)
    return item | {"id": ids[draft.id], "depends_on": sorted({ids[name] for name in draft.depends_on if name in ids})}


def _gate(answers: Answers, task: str) -> str:
    return GATES[answers.kind][task[:2]]


def _tasks(answers: Answers, numbers: Numbers, schedule: Schedule) -> list[Item]:
    """One item a task of the schedule; experiments and capabilities come as items of their own."""
    done = DONE[answers.kind]
    needed = value_of(numbers, "test.rows")
    rows = "as many rows as the plan asks for" if needed is None else f"{said(needed)} rows"
    built = tuple(task.id for task in schedule.tasks if task.id.startswith("p2"))
    return [
        Item(
            task.id,
            task.title,
            "Done when: " + done[task.id].replace("{test_rows}", rows),
            "gate" if task.gate else "task",
            _gate(answers, task.id),
            schedule.staff[task.id].person,
            schedule.ends(task.id).isoformat(),
            (*task.after, *(built if task.id == "p3" else ())),
            max(SHORTEST_DAYS, round(task.mean, 1)),
        )
        for task in schedule.tasks
        if task.id in done
    ]


def _experiments(answers: Answers, schedule: Schedule) -> list[Item]:
    """As many seeded hypotheses as the backlog of the iteration plan holds; each is blocked by gate G1."""
    return [
        Item(
            idea["id"],
            f"Experiment {idea['id']}: {idea['change']}",
            "Blocked by G1. Write the predicted effect into the record before the run; change one thing only. "
            "Done when: experiments/ holds its record with an interval against champion and baseline, kept or dropped.",
            "experiment",
            "G2",
            schedule.staff["p2"].person,
            schedule.ends("p2").isoformat(),
            ("g1",),
            float(idea["cost_days"]),
        )
        for idea in hypotheses(answers)
    ]


def _built(schedule: Schedule, requirements: Sequence[Mapping[str, Any]]) -> list[Item]:
    """One item a requirement: a capability's is the task that builds it; the others follow all capabilities."""
    tasks = {task.title: task for task in schedule.tasks if task.id.startswith("p2")}
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
                schedule.ends(task.id if task else "p3").isoformat(),
                ("g1",) if task else tuple(other.id for other in tasks.values()),
                round(task.mean, 1) if task else 0.5,
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
