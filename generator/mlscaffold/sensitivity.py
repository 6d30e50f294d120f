"""How a plan's six lines answer to its answers: for several values of one, and which answers move a line most.

Nothing is drawn at random: the same answers give the same lines.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlscaffold import answers, context, questions, wording
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import NumberKey, PlanKey
from mlscaffold.errors import AnswerError, SecretGiven, UnknownAnswer, UsageError
from mlscaffold.planning.number import numbers_of

Plan = Mapping[PlanKey, Any]

SOURCE = "--what-if"
MOST_DRIVERS = 10
# What is tried of an answer of which half and double say nothing: nobody knows it yet, or it is none.
PLAUSIBLE = {
    "past_cases": ("1000", "50000"),
    "labelled_cases": ("1000", "20000"),
    "label_delay_days": ("7", "60"),
    "label_agreement": ("0.8", "0.95"),
    "review_rate": ("0.02", "0.2"),
    "current_precision": ("0.2", "0.7"),
    "discordance": ("0.05", "0.25"),
    "decay_per_month": ("0.005", "0.05"),
    "icc": ("0.05", "0.3"),
    "cache_hit_share": ("0.2", "0.6"),
    "false_alarm_cost": ("1", "100"),
    "miss_cost": ("1", "100"),
    "unit_error_cost": ("1", "100"),
    "monthly_run_budget": ("200", "5000"),
}
# Who somebody else is makes another project, and is no uncertainty of this one.
GIVEN = ("kind", "task", "deliverable", "metric", "metric_direction", "metric_form", "metric_counted_on")


class Case(NamedTuple):
    """A plan under one value of an answer; `value` is how the answer is written, and "" where it is left as it is."""

    value: str
    plan: Plan


class Size(NamedTuple):
    """What a line comes to: as a number to compare (None where there is none), and as a reader sees it."""

    amount: float | None
    text: str


class Tried(NamedTuple):
    """One value of an answer, and what a line then comes to."""

    value: str
    text: str


Measure = Callable[[Mapping[NumberKey, Any], Answers], Size | None]
Outcome = tuple[str, dict[str, Size]]  # a value that was tried, and what each line comes to by its label


@dataclass(frozen=True)
class Driver:
    """An answer that moves a line: what was tried of it, the lowest outcome first."""

    key: str
    tried: tuple[Tried, ...]
    assumed: bool


@dataclass(frozen=True)
class Line:
    """One of the six lines: what it comes to now, and what moves it, the most first."""

    label: str
    now: str
    drivers: tuple[Driver, ...]


# ------------------------------------------------------------------------------------------------ what if


def what_if(given: Mapping[str, str], asked: str) -> tuple[str, list[Case]]:
    """The key, the plan as it is, and the plan for each value of `KEY=A,B,C`.

    Raises `UsageError` where that is no such text, an `AnswerError` for a key or a value that cannot be.
    `UnknownAnswer` and `SecretGiven` are such.
    """
    key, values = _read(asked)
    varied = [{**given, key: value} for value in values]
    for texts in varied:
        answers.check_texts(texts, SOURCE)
    plans = [context.plan_of(answers.complete(texts)) for texts in (given, *varied)]
    return key, [Case(value, plan) for value, plan in zip(("", *values), plans, strict=True)]


def _read(asked: str) -> tuple[str, list[str]]:
    key, equals, text = asked.partition("=")
    key = key.strip()
    if questions.holds_secret(text or key):
        raise SecretGiven(key if key in questions.load() else "An answer", SOURCE)
    if equals and key not in questions.load():
        raise UnknownAnswer(key, questions.near(key), SOURCE)
    values = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not values:
        raise UsageError(
            f"--what-if {asked} names no value.", "Write --what-if KEY=A,B, such as --what-if daily_volume=500,5000."
        )
    grouped = next((value for value in values if re.fullmatch(r"0\d+", value)), None)
    if grouped and questions.load()[key].type in ("integer", "number"):
        raise UsageError(
            f"In --what-if {asked} a comma stands between values, and {grouped} looks like the end of a number.",
            "Write numbers without a sign between thousands: 48000,60000.",
        )
    return key, values


# ------------------------------------------------------------------------------------------------ what moves a line


def drivers(given: Mapping[str, str]) -> list[Line]:
    """What each line comes to, and the answers that move it most, one at a time over a plausible range."""
    complete = answers.complete(given)
    now = _sizes(complete, context.plan_of(complete))
    outcomes = {
        key: [(value, _sizes(other, context.plan_of(other))) for value, other in _tried(given, complete, key)]
        for key in _varied(complete)
    }
    return [Line(label, size.text, tuple(_movers(complete, label, size, outcomes))) for label, size in now.items()]


def _movers(complete: Answers, label: str, now: Size, outcomes: Mapping[str, list[Outcome]]) -> Iterator[Driver]:
    """The answers that move one line, the most first; those that move it as far in the order of their keys."""
    moved = {
        key: [(value, sizes[label]) for value, sizes in cases if _distance(now, sizes[label]) > 0]
        for key, cases in outcomes.items()
    }
    most = {key: max(_distance(now, size) for _, size in cases) for key, cases in moved.items() if cases}
    for key in sorted(most, key=lambda key: (-most[key], key))[:MOST_DRIVERS]:
        yield Driver(key, _ordered(moved[key]), complete.origin_of(key) == "default")


def _ordered(tried: list[tuple[str, Size]]) -> tuple[Tried, ...]:
    """The lowest and the highest outcome; outcomes without a number come last."""
    ranked = sorted(tried, key=lambda case: (case[1].amount is None, case[1].amount or 0.0))
    ends = ranked if len(ranked) < 3 else [ranked[0], ranked[-1]]
    return tuple(Tried(value, size.text) for value, size in ends)


def _distance(before: Size, after: Size) -> float:
    """How far apart, as a ratio on a log scale; a number that appears or goes is farther than any ratio."""
    if before.amount is None or after.amount is None:
        return 0.0 if before.text == after.text else math.inf
    if before.amount > 0 and after.amount > 0:
        return abs(math.log(after.amount / before.amount))
    return abs(after.amount - before.amount)


def _sizes(complete: Answers, plan: Plan) -> dict[str, Size]:
    """What each of the six lines comes to, by its label."""
    numbers = numbers_of(plan)
    found = {}
    for line in plan["headline"]:
        size = MEASURES[line["key"]](numbers, complete) if line["key"] in MEASURES else _obstacle(plan, line["text"])
        # What is not there says which of four things it is: not yet measured, never, cannot be shown, does not apply.
        found[line["label"]] = size or Size(None, line["text"].partition(":")[0])
    return found


def _obstacle(plan: Plan, text: str) -> Size:
    """What is most in the way, in a sentence; assumptions alone are no obstacle that another value brings or takes."""
    unsettled = plan["advice"]["overruled"] and not plan["advice"]["override_reason"]
    return Size(None, text.partition(". ")[0] if plan["findings"] or unsettled else "nothing but assumptions")


def _entry(key: NumberKey, *, size: NumberKey | None = None) -> Measure:
    """The size of a line that one number stands for; `size` is the number that ranks it where that is another."""

    def measured(numbers: Mapping[NumberKey, Any], complete: Answers) -> Size | None:
        shown, ranked = numbers[key], numbers[size or key]["value"]
        return None if shown["value"] is None else Size(float(ranked), wording.measure(shown))

    return measured


def _cost(numbers: Mapping[NumberKey, Any], complete: Answers) -> Size:
    amount = numbers["schedule.effort_days"]["value"] * complete.day_rate
    return Size(amount, f"{amount:,.0f} {complete.currency}")


def _shown(numbers: Mapping[NumberKey, Any], complete: Answers) -> Size | None:
    key: NumberKey = "slo.demo_requests" if numbers["slo.demo_requests"]["value"] is not None else "slo.demo_samples"
    return _entry(key)(numbers, complete)


MEASURES: dict[str, Measure] = {
    "release": _entry("schedule.p80", size="schedule.days.p80"),
    "rows": _entry("test.rows"),
    "gain": _entry("acceptance.min_gain"),
    "threshold": _entry("acceptance.threshold"),
    "payback": _entry("acceptance.payback_months"),
    "objective": _entry("slo.objective"),
    "shown": _shown,
    "budget": _entry("slo.budget_minutes"),
    "cost": _cost,
}


# ------------------------------------------------------------------------------------------------ plausible ranges


def _varied(complete: Answers) -> Iterator[str]:
    """The answers that are asked here and have a range: numbers, choices, the team's time."""
    for key, question in questions.of_kind(complete.kind).items():
        ranged = question.type in ("integer", "number", "choice", "team")
        if ranged and key not in GIVEN and complete.calls_for(key):
            yield key


def _tried(given: Mapping[str, str], complete: Answers, key: str) -> Iterator[tuple[str, Answers]]:
    """Each plausible value of an answer, and all answers with it; what contradicts the others is left out."""
    for said, text in _plausible(complete, key):
        try:
            yield said, answers.complete({**given, key: text})
        except AnswerError:
            continue


def _plausible(complete: Answers, key: str) -> list[tuple[str, str]]:
    """Values of an answer: as it is told, and as it is written."""
    question = questions.load()[key]
    if question.type == "choice":
        others = questions.choices(question, complete.raw)
        return [(other, other) for other in others if other != complete.raw[key]]
    if question.type == "team":
        return [(words, _team(complete, factor)) for words, factor in (("half the time", 0.5), ("twice the time", 2.0))]
    value = complete.at(key)
    if not value:
        return [(text, text) for text in PLAUSIBLE.get(key, ())]
    texts = [_written(question, other) for other in _half_and_double(question, float(value))]
    return [(text, text) for text in dict.fromkeys(texts) if text != _written(question, float(value))]


def _half_and_double(question: questions.Question, value: float) -> tuple[float, float]:
    """Half and twice an amount, within its limits; of a share, or of a per cent, half and twice its odds."""
    low = 0.0 if question.min is None else question.min
    high = math.inf if question.max is None else question.max
    if high in (1.0, 100.0) and question.type == "number" and 0 < value < high:
        odds = value / (high - value)
        return high * (odds / 2) / (1 + odds / 2), high * (odds * 2) / (1 + odds * 2)
    return max(low, value / 2), min(high, value * 2)


def _written(question: questions.Question, value: float) -> str:
    return str(round(value)) if question.type == "integer" else f"{float(f'{value:.4g}'):.12g}"


def _team(complete: Answers, factor: float) -> str:
    """The same people with another share of their week, a whole one at most."""
    return "; ".join(f"{one.role}={one.name}:{min(1.0, one.share * factor):g}" for one in complete.team)
