"""The work of a project: which tasks its answers call for, what they follow, whose they are, and three-point effort.

Which tasks there can be and the days of each part stand in catalogue/work.yaml; how much there is of each, here.
The figures are proposals for a team that knows its tools, and `efforts` replaces those of any task.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlscaffold import catalogue
from mlscaffold.answers import Answers
from mlscaffold.catalogue import Days, Work
from mlscaffold.planning.number import Numbers, value_of

EARLY = ("p0", "p1", "g1")  # the phases before the first experiment or iteration
DOCUMENTS = {"light": 0.5, "standard": 1.0, "strict": 1.5}  # how much there is to write and to sign
WEEK, WORKING_WEEK = 7, 5  # days
MOST_DAYS = 3650  # calendar days of waiting, beyond which no project waits
PEOPLE, LOGS = ("people", "both"), ("logs", "both")
SERVED = ("service", "web-app")

# The answers by which a task comes or goes.
DECIDING = {
    "ml": ("personal_data", "label_source", "current_practice"),
    "software": ("deliverable", "data_class", "dependencies", "current_practice"),
}

Amounts = dict[str, dict[str, float]]  # of each task that there is, how much of each of its parts


@dataclass(frozen=True)
class Task:
    """One line of the schedule. `effort` is in person-days, of an `elapsed` task in working days that pass.

    An elapsed task is waiting: no share of a week makes it shorter, and it costs no person-day. `hands` people who
    are not of the team do a task that has them, at full pace.
    """

    id: str
    title: str
    after: tuple[str, ...]
    role: str
    effort: Days
    phase: str
    gate: str | None = None
    elapsed: bool = False
    hands: int = 0
    grows: tuple[str, ...] = ()
    done: str = ""

    @property
    def mean(self) -> float:
        """The PERT mean of the effort, (low + 4 likely + high) / 6."""
        low, likely, high = self.effort
        return (low + 4 * likely + high) / 6

    @property
    def work(self) -> float:
        """Person-days at the mean; none where it is waiting."""
        return 0.0 if self.elapsed else self.mean


@dataclass(frozen=True)
class Known:
    """What the rest of the plan says of the schedule's tasks; None where it is not known.

    `labelling` is in person-days, the others in calendar days.
    """

    labelling: int | None = None
    wait: float | None = None
    shadow: float | None = None
    canary: float | None = None


def known(numbers: Numbers) -> Known:
    """What the numbers before the schedule say of its tasks."""
    canary = value_of(numbers, "rollout.canary_days")
    return Known(
        value_of(numbers, "schedule.labelling_days"),
        value_of(numbers, "schedule.wait_days"),
        value_of(numbers, "rollout.shadow_days"),
        canary if canary is None or canary <= MOST_DAYS else None,
    )


def tasks(answers: Answers, given: Known | None = None) -> list[Task]:
    """The tasks of this project, each after what it follows."""
    rows = catalogue.work()[answers.kind]
    given = given or Known()
    amounts = _ml(answers, given) if answers.kind == "ml" else _software(answers)
    found = [task for row in rows.values() if row.id in amounts for task in _of_row(row, answers, amounts[row.id])]
    there = {row.id: tuple(task.id for task in found if _row_of(task.id) == row.id) for row in rows.values()}
    return _linked([replace(task, after=_after(rows[_row_of(task.id)], rows, there)) for task in found])


def drivers(answers: Answers) -> tuple[str, ...]:
    """The answers that effort and dates follow: those that a task there is grows with, and those that call for one."""
    of_tasks = (key for task in tasks(answers) for key in task.grows)
    return tuple(key for key in dict.fromkeys((*DECIDING[answers.kind], *of_tasks)) if key != "current_value")


def is_early(task: Task) -> bool:
    """Whether the task belongs to the sequential phase before the first experiment or iteration."""
    return task.phase in EARLY


def unused_efforts(answers: Answers) -> list[str]:
    """The tasks of `efforts` that these answers do not call for."""
    there = {task.id for task in tasks(answers, Known(wait=1.0, shadow=1.0))}
    return [name for name in answers.efforts if name not in there | {_row_of(id) for id in there}]


# ------------------------------------------------------------------------------------------------ from rows to tasks


def _of_row(row: Work, answers: Answers, amount: Mapping[str, float]) -> Iterator[Task]:
    """The task of a row; of slices and faults one each."""
    low, likely, high = (math.fsum(amount[name] * row.parts[name].days[at] for name in amount) for at in range(3))
    hands = int(answers[row.hands]) if row.hands else 0
    for id, title in _named(row, answers):
        days = answers.efforts.get(id, answers.efforts.get(row.id, (low, likely, high)))
        yield Task(id, title, (), row.role, days, row.phase, row.gate or None, row.waits, hands, row.grows, row.done)


def _named(row: Work, answers: Answers) -> Iterator[tuple[str, str]]:
    if row.id == "slice":
        for number, capability in enumerate(answers.capabilities, 1):
            yield f"slice_{number}", row.title.format(capability=capability)
    elif row.id == "fault":
        for number, dependency in enumerate(answers.dependencies, 1):
            yield f"fault_{number}", row.title.format(dependency=dependency)
    else:
        yield row.id, row.title


def _row_of(id: str) -> str:
    """The row of a task: `slice_3` is one of the slices."""
    name, _, number = id.rpartition("_")
    return name if number.isdigit() else id


def _linked(found: list[Task]) -> list[Task]:
    """The tasks without what another predecessor follows already."""
    before: dict[str, set[str]] = {}
    linked = []
    for task in found:
        further = set[str]().union(*(before[name] for name in task.after))
        before[task.id] = further.union(task.after)
        linked.append(replace(task, after=tuple(name for name in task.after if name not in further)))
    return linked


def _after(row: Work, rows: Mapping[str, Work], there: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What a row's task follows: where a predecessor is not there, what that would have followed."""
    found: list[str] = []
    for name in row.after:
        found += there[name] or _after(rows[name], rows, there)
    return tuple(dict.fromkeys(found))


def working(calendar_days: float) -> float:
    """Calendar days as working days that pass."""
    return calendar_days * WORKING_WEEK / WEEK


# ------------------------------------------------------------------------------------------------ how much of what


def _ml(answers: Answers, given: Known) -> Amounts:
    return _of_the_data(answers, given) | _of_the_model(answers) | _of_the_release(answers, given)


def _of_the_data(answers: Answers, given: Known) -> Amounts:
    """Access, rights, labels, pipeline: what comes before anything can be measured."""
    more = {"system": answers.upstream_sources - 1.0, "columns": math.log10(answers.input_columns)}
    if answers.compute == "spark":
        more["spark"] = 1.0
    found: Amounts = {
        "pipeline": {"base": 1.0} | more,
        "audit": {"base": 1.0} | more,
        "test_set": {"split": 1.0} | ({"logs": 1.0} if answers.label_source in LOGS else {}),
    }
    if has_own_data(answers):
        kind = "unnamed" if answers.data_source == "sample" else "named"
        found["access"] = {kind: 1.0, "system": float(answers.upstream_sources)}
    return found | _of_the_rights(answers) | _of_the_labels(answers, given)


def has_own_data(answers: Answers) -> bool:
    """Whether it is about data of the team's own: only a person's word makes the built-in sample the whole of it."""
    return answers.data_source != "sample" or answers.provenance("data_source") == "default"


def _of_the_rights(answers: Answers) -> Amounts:
    if answers.personal_data == "none":
        return {}
    asked = {"privacy_answer": {"answer": 1.0}} if answers.personal_data == "special" else {}
    return {"privacy": {answers.personal_data: 1.0}} | asked


def _of_the_labels(answers: Answers, given: Known) -> Amounts:
    found: Amounts = {}
    if answers.label_source == "none":
        found["labels_found"] = {"search": 1.0}
    if answers.label_source in PEOPLE:
        found["label_guide"] = {"new" if answers.label_agreement is None else "measured": 1.0}
        amount = {"unknown": 1.0} if given.labelling is None else {"label": float(given.labelling)}
        found |= {"labelling": amount} if given.labelling != 0 else {}
    if given.wait and answers.label_source in LOGS:
        found["label_wait"] = {"day": working(given.wait)}
    return found


def _of_the_model(answers: Answers) -> Amounts:
    document, segments = DOCUMENTS[answers.rigor], float(len(answers.segments))
    own = {"own": 1.0} if answers.metric.startswith("own:") else {}
    found: Amounts = {
        "charter": {"document": document},
        "harness": {"base": 1.0, "segment": segments} | own,
        "baseline": {"base": 1.0},
        "g1": {"signature": document},
        "experiments": {"cycle": float(answers.cycle_days)},
        "acceptance": {"document": document, "segment": segments},
    }
    return found | ({"practice": {"practice": 1.0}} if is_unmeasured(answers) else {})


def is_unmeasured(answers: Answers) -> bool:
    """Whether something does the job today, and nobody has measured how well."""
    return answers.current_practice != "none" and answers.current_value is None


def _of_the_release(answers: Answers, given: Known) -> Amounts:
    found: Amounts = {"operation": {"base": 1.0}, "g5": {"signature": 1.0}}
    if answers.serving == "batch":
        found["batch_run"] = {"base": 1.0}
    else:
        found["service"] = {"base": 1.0, "fast": max(0.0, math.log2(1000 / answers.latency_ms))}
        found["load_test"] = {"base": 1.0, "peak": math.log10(answers.peak_factor)}
    if given.shadow:
        found["shadow"] = {"day": working(given.shadow)}
    if given.canary != 0:
        found["canary"] = {"unknown": 1.0} if given.canary is None else {"day": working(given.canary)}
    if answers.label_delay_days:
        found["canary_labels"] = {"day": working(answers.label_delay_days)}
    return found


def _software(answers: Answers) -> Amounts:
    document, count = DOCUMENTS[answers.rigor], float(len(answers.capabilities))
    served = {"served" if answers.deliverable in SERVED else "other": 1.0}
    runs = {"alone" if answers.deliverable in ("cli", "library") else "served": 1.0}
    library = answers.deliverable == "library"
    systems = float(len(answers.dependencies) + bool(answers.ml_component))
    guarded = {"guarded": 1.0} if answers.data_class in ("personal", "regulated") else {}
    found: Amounts = {
        "charter": {"document": document},
        "requirements": {"base": 1.0, "capability": count} | guarded,
        "quality": served | ({"called": 1.0} if library else {}),
        "architecture": runs | ({"surface": 1.0} if library else {}) | {"dependency": systems},
        "environment": runs,
        "g1": {"signature": document},
        "slice": {answers.deliverable: 1.0, "dependency": len(answers.dependencies) / count},
        "acceptance": {"document": document, "capability": count},
        "g5": {"signature": 1.0},
    }
    found |= {"practice": {"practice": 1.0}} if is_unmeasured(answers) else {}
    found |= {"fault": {"base": 1.0}} if answers.dependencies else {}
    found |= {"model_client": {"base": 1.0}} if answers.ml_component else {}
    return found | _of_running(answers)


def _of_running(answers: Answers) -> Amounts:
    """What it takes to run a product where it is kept running, or to hand it over where it is not."""
    if answers.deliverable == "library":
        return {"release": {"library": 1.0}, "deprecation": {"base": 1.0}}
    if answers.deliverable == "cli":
        return {"release": {"cli": 1.0}}
    where = {"batch" if answers.deliverable == "batch" else "served": 1.0}
    nines = {"nines": max(0.0, -math.log10(100 - answers.slo_percent))}
    found: Amounts = {"deployment": where | nines, "drills": where | nines, "gradual": where}
    if answers.deliverable in SERVED:
        found["load"] = {"base": 1.0, "peak": math.log10(answers.peak_factor)}
    return found | ({"data": {answers.data_class: 1.0}} if answers.data_class != "none" else {})
