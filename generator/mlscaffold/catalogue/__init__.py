"""What plan and engine speak of, declared once in the YAML files beside this: gates, roles, formulas, numbers, work.

`keys.py` holds the types of their ids, written by `generator/sync.py`.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, TypeGuard

from mlscaffold import yamltext
from mlscaffold.catalogue.keys import AnswerKey, NumberKey, PlanKey

RIGORS = ("light", "standard", "strict")
# What plan.json has beside its groups of numbers; `PlanKey` holds both.
SECTIONS: tuple[PlanKey, ...] = (
    "kind", "answers_sha256", "people", "risks", "assumptions", "findings", "metric", "hypotheses", "requirements",
    "backlog", "advice", "headline", "house", "seal",
)  # fmt: skip
FORMULA = re.compile(r"\bF\d{2}b?\b")  # the id of one, inside a text


@dataclass(frozen=True)
class Gate:
    """A row of gates.yaml: `blocks` is the lowest rigor at which it does, under all of `when` and one of `either`."""

    id: str
    kind: str
    title: str
    blocks: str
    when: Mapping[AnswerKey, tuple[str, ...]]
    either: Mapping[AnswerKey, tuple[str, ...]]

    def is_called_for(self, answers: Mapping[AnswerKey, Any]) -> bool:
        """Whether these answers have it."""
        one = not self.either or any(answers[key] in allowed for key, allowed in self.either.items())
        return one and all(answers[key] in allowed for key, allowed in self.when.items())

    def conditions(self, code: str = "") -> str:
        """Under which answers, in words: "serving is api"; "" under all. `code` goes around a key."""
        return _conditions(self.when, " and ", code) + _conditions(self.either, " or ", code)

    def is_due(self, answers: Mapping[AnswerKey, Any]) -> bool:
        """Whether it blocks under these answers."""
        return RIGORS.index(self.blocks) <= RIGORS.index(answers["rigor"]) and self.is_called_for(answers)


@dataclass(frozen=True)
class Role:
    """A row of roles.yaml; `stand_ins` do its work where nobody holds it, nearest first."""

    key: str
    title: str
    stand_ins: tuple[str, ...]


@dataclass(frozen=True)
class Formula:
    """A row of formulas.yaml: what it gives, in symbols, and the functions that compute it."""

    id: str
    name: str
    lines: tuple[str, ...]  # of the formula itself
    where: str  # what its symbols are, and what is assumed
    planning: tuple[str, ...]  # functions below mlscaffold.planning
    engine: tuple[str, ...]  # functions of the engine that compute it from what was measured
    source: str

    @property
    def anchor(self) -> str:
        """Where a page of formulas has it."""
        return self.id.lower()


@dataclass(frozen=True)
class NumberRow:
    """A row of numbers.yaml; a word in braces stands for one that the answers fill in."""

    key: str
    unit: str
    formulas: tuple[str, ...]  # the first holds where the plan does not say which; "" for an answer
    meaning: str


@dataclass(frozen=True)
class MetricRow:
    """A row of metrics.yaml."""

    key: str
    title: str
    short: str
    meaning: str
    tasks: tuple[str, ...]
    better: str  # "higher" or "lower"
    high: int | None  # the largest value; None where there is none
    counted_on: str  # rows, positives, alarms or queries
    method: str  # "share", "auc" or "mean"
    decided_by: str  # "score", "delong", "influence" or "mean"


@dataclass(frozen=True)
class Task:
    """A row of tasks.yaml."""

    key: str
    meaning: str
    form: str  # "class", "amount" or "order"
    metric: str  # the default
    natural: str  # the engine's own measure
    leakage: float
    counted_on: tuple[str, ...]
    says: str
    behaviour: str
    outcome: str
    gives: str
    sample: Mapping[str, str]  # target, origin, about, ends, top, bottom, category and rule


Days = tuple[float, float, float]  # at best, likely, at worst


@dataclass(frozen=True)
class Part:
    """What the days of a task are counted by: the days of one, and of what."""

    days: Days
    of: str


@dataclass(frozen=True)
class Work:
    """A row of work.yaml: a task of the schedule."""

    id: str
    title: str
    phase: str
    role: str
    hands: AnswerKey | Literal[""]  # the answer that says how many people do it who are not of the team
    gate: str
    after: tuple[str, ...]
    there: str
    grows: tuple[str, ...]
    parts: Mapping[str, Part]
    why: str
    done: str
    waits: bool  # it is time that passes, and no work


def is_number(key: str) -> TypeGuard[NumberKey]:
    """Whether a name that is not written in the code, such as that of a number's input, is a number's key."""
    return key in numbers()


@functools.cache
def work() -> dict[str, dict[str, Work]]:
    """Every task of the schedule by kind and id, each after what it follows."""
    return {kind: {id: _work(id, row) for id, row in rows.items()} for kind, rows in _read("work.yaml").items()}


def _work(id: str, row: Mapping[str, Any]) -> Work:
    parts = {name: Part(_days(part["days"]), part["of"]) for name, part in row["parts"].items()}
    said = {key: row.get(key, "") for key in ("title", "phase", "role", "hands", "gate", "there", "why", "done")}
    waits = "gate" in row or row.get("waits") == "yes"
    return Work(id=id, after=tuple(row["after"]), grows=tuple(row["grows"]), parts=parts, waits=waits, **said)


def _days(texts: Iterable[str]) -> Days:
    low, likely, high = (float(text) for text in texts)
    return low, likely, high


@functools.cache
def gates() -> dict[str, Gate]:
    """Every gate of both kinds by id, in the order of the file."""
    return {
        id: Gate(id, kind, row["title"], row["blocks"], _allowed(row, "when"), _allowed(row, "either"))
        for kind, rows in _read("gates.yaml").items()
        for id, row in rows.items()
    }


def _allowed(row: Mapping[str, Any], name: str) -> dict[AnswerKey, tuple[str, ...]]:
    return {key: tuple(values) for key, values in row.get(name, {}).items()}


def _conditions(allowed: Mapping[AnswerKey, tuple[str, ...]], joined: str, code: str) -> str:
    return joined.join(f"{code}{key}{code} is {' or '.join(values)}" for key, values in allowed.items())


def gates_of(kind: str) -> list[Gate]:
    """The gates of a repository of this kind ("ml" or "software"), in order."""
    return [gate for gate in gates().values() if gate.kind == kind]


@functools.cache
def roles() -> dict[str, Role]:
    """Every role by its key, in the order of the file."""
    return {key: Role(key, row["title"], tuple(row["stand_ins"])) for key, row in _read("roles.yaml").items()}


@functools.cache
def formulas() -> dict[str, Formula]:
    """Every formula by id, in the order of the file."""
    return {
        id: Formula(
            id, row["name"], tuple(row["formula"]), row["where"], tuple(row["planning"]), tuple(row.get("engine", ())),
            row["source"],
        )
        for id, row in _read("formulas.yaml").items()
    }  # fmt: skip


@functools.cache
def numbers() -> dict[str, NumberRow]:
    """Every number of a plan by its dotted key, in the order of the file."""
    return {
        key: NumberRow(key, row["unit"], _listed(row), row["meaning"]) for key, row in _read("numbers.yaml").items()
    }


def _listed(row: Mapping[str, Any]) -> tuple[str, ...]:
    found = row.get("formula", "")
    return (found,) if isinstance(found, str) else tuple(found)


@functools.cache
def metrics() -> dict[str, MetricRow]:
    """Every metric that the engine brings by its key, in the order of the file."""
    return {key: _metric(key, dict(row)) for key, row in _read("metrics.yaml").items()}


def _metric(key: str, row: dict[str, Any]) -> MetricRow:
    short, high, tasks = row.pop("short", row["title"]), row.pop("high", None), tuple(row.pop("tasks"))
    return MetricRow(key=key, short=short, high=None if high is None else int(high), tasks=tasks, **row)


@functools.cache
def tasks() -> dict[str, Task]:
    """Every form of a predicted result by its key, in the order of the file."""
    return {key: _task(key, row) for key, row in _read("tasks.yaml").items()}


def _task(key: str, row: Mapping[str, Any]) -> Task:
    typed = {"leakage": float(row["leakage"]), "counted_on": tuple(row["counted_on"])}
    return Task(key=key, **(dict(row) | typed))


def tasks_of(*forms: str) -> tuple[str, ...]:
    """The tasks whose answers have one of these forms."""
    return tuple(task.key for task in tasks().values() if task.form in forms)


def cited(plan: Any) -> list[Formula]:
    """The formulas that a finished plan cites, as the formula of a number or in its note, in the catalogue's order."""
    ids = set(_cited(plan))
    return [formula for formula in formulas().values() if formula.id in ids]


def _cited(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if "formula" in part:
            yield str(part["formula"])
            yield from FORMULA.findall(str(part.get("note")))
        for inner in part.values():
            yield from _cited(inner)
    elif isinstance(part, (list, tuple)):
        for inner in part:
            yield from _cited(inner)


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yamltext.load(resources.files("mlscaffold.catalogue").joinpath(name).read_text("utf-8"))
    return found
