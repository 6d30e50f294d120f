"""The six lines that stand above everything else: what the plan comes to, and what it still rests on.

They are worked out from the finished plan, so they can say nothing that the plan does not. What is not there is said in
one of four ways: not yet measured (and by what it will be), never, cannot be shown, does not apply.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlscaffold import figures
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey, NumberKey
from mlscaffold.planning import absence
from mlscaffold.planning.acceptance import metrics
from mlscaffold.planning.acceptance.money import break_even_key
from mlscaffold.planning.acceptance.sample_size import test_rows_held
from mlscaffold.planning.acceptance.worth import is_priced
from mlscaffold.planning.assumptions import Entry, Plan, behind
from mlscaffold.planning.number import numbers_of, said
from mlscaffold.planning.plausibility import is_a_matter_of_volume
from mlscaffold.planning.schedule.dates import LAST_DAY

# Findings by how much they stand in the way: what no work can mend first, what work will settle last. Those of a key
# that is not listed come after these, in the order of the plan.
WEIGHT = (
    "labels.weeks",
    "acceptance.break_even_gain",
    "acceptance.min_gain",
    "acceptance.target",
    "labels.ceiling",
    "slo.ceiling",
    "capacity.workers",
    "acceptance.payback_months",
    "retrain.cap_days",
    "monitor.quality_rows",
    "test.units",
    "test.rows",
    "test.shortfall",
    "schedule.fits",
    "acceptance.baseline",
    "acceptance.break_even_cost",
)
# The answers that the advice is chosen by, before any money.
ADVISED_BY = ("rules_expressible", "past_cases", "labelled_cases", "consequence", "current_value")


@dataclass(frozen=True)
class Line:
    """One of the six: its key, how it is called, what it says, and the plan's names that it says it from."""

    key: str
    label: str
    text: str
    sources: tuple[AnswerKey | NumberKey, ...]


def headline(answers: Answers, plan: Plan) -> list[dict[str, Any]]:
    """The entry `headline` of plan.json: six lines, each with the unconfirmed defaults that it rests on.

    `plan` holds everything else already, the advice included.
    """
    numbers = numbers_of(plan)
    lines = [*(_ml(answers, numbers) if answers.kind == "ml" else _software(answers, numbers))]
    found = [_entry(line, behind(answers, plan, numbers, line.sources)) for line in lines]
    text, keys = _in_the_way(answers, plan, numbers, found)
    return [*found, _entry(Line("obstacle", "Most in the way", text, ()), keys)]


def _entry(line: Line, rests_on: list[str]) -> dict[str, Any]:
    return {
        "key": line.key,
        "label": line.label,
        "text": line.text,
        "assumed": bool(rests_on),
        "rests_on": rests_on,
    }


# ------------------------------------------------------------------------------------------------ five lines each

# What says which metric decides, and of a team's own also what kind it is.
METRIC: tuple[AnswerKey, ...] = (
    "task",
    "metric",
    "metric_direction",
    "metric_form",
    "metric_counted_on",
    "metric_spread",
)


def _ml(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> Iterator[Line]:
    yield _release(numbers)
    rows = numbers["test.rows"]
    volume: tuple[AnswerKey, ...] = (
        ("daily_volume",) if is_a_matter_of_volume(answers, rows["value"], rows["note"]) else ()
    )
    yield Line("rows", "Rows needed, rows held", _rows(answers, numbers), (*METRIC, *volume, "test.shortfall"))
    yield Line(
        "gain",
        "Smallest useful gain",
        _gain(answers, numbers),
        (*METRIC, "acceptance.min_gain", "acceptance.baseline", "acceptance.target"),
    )
    yield Line("threshold", "Decision threshold", _threshold(numbers), ("task", "acceptance.threshold"))
    yield Line(
        "payback",
        "Payback",
        _payback(answers, numbers),
        (*METRIC, "acceptance.payback_months", "acceptance.target", "acceptance.break_even_cost"),
    )


def _software(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> Iterator[Line]:
    yield _release(numbers)
    yield Line("objective", "Objective", _objective(answers, numbers), ("deliverable", "slo.objective"))
    yield Line("shown", "What shows it", _shown(answers, numbers), ("deliverable", "slo.objective"))
    yield Line("budget", "Error budget", _budget(answers, numbers), ("deliverable", "slo.budget_requests"))
    effort = numbers["schedule.effort_days"]["value"]
    cost = figures.money(effort * answers.day_rate)
    text = f"{figures.number(effort, 'person-days')} person-days, about {cost} {answers.currency}"
    yield Line("cost", "Cost to build", text, ("schedule.effort_days", "day_rate"))


def _release(numbers: Mapping[NumberKey, Entry]) -> Line:
    even, likely, deadline = (numbers[key]["value"] for key in ("schedule.p50", "schedule.p80", "schedule.deadline"))
    if likely >= LAST_DAY.isoformat():
        text = f"never: with this team the work does not end before {LAST_DAY.year}"
    else:
        ends = "ends" if likely <= deadline else "ends before that, on"
        text = f"by {even} as likely as not, by {likely} in 4 of 5 cases; the appetite {ends} {deadline}"
    return Line("release", "Release", text, ("schedule.p50", "schedule.p80", "appetite_weeks"))


def _rows(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    rows, short = numbers["test.rows"], numbers["test.shortfall"]["value"]
    if rows["value"] is None:
        return _missing(answers, numbers, rows["note"])
    needed = f"{rows['value']:,} labelled test rows show the gain"
    if answers.provenance("labelled_cases") == "default":
        return f"{needed}; nobody has said how many are held"
    available = test_rows_held(answers)
    held = f"{available:,} of the {answers.labelled_cases or 0:,} labelled rows are test rows"
    return f"{needed}; {held}, {short:,} are missing" if short else f"{needed}; {held}, which is enough"


def _gain(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    gain, today = numbers["acceptance.min_gain"], numbers["acceptance.baseline"]
    target = numbers["acceptance.target"]
    if gain["value"] is None:
        if gain.get("words"):
            return f"not yet measured: {gain['words']}, once the baseline (gate G1.9) has measured it"
        return _missing(answers, numbers, gain["note"])
    if target["value"] is None and today["value"] is not None:
        return f"never: {_small(target['note'])}"
    if "break_even_gain" in gain["inputs"]:
        return f"never: {_small(numbers['acceptance.break_even_gain']['note']).removesuffix(': it never pays')}"
    stands_in = " (a stand-in)" if gain["provenance"] == "default" else ""
    amount = f"{said(gain['value'])} of {gain['unit']}{stands_in}"
    if today["value"] is None:
        return f"{amount}; today's value is not yet measured (gate G1.9 measures it)"
    where = "today's assumed" if today["provenance"] == "default" else "today's"
    hoped = " (a stand-in)" if target["provenance"] == "default" else ""
    return f"{amount} over {where} {said(today['value'])}; the target is {said(target['value'])}{hoped}"


def _threshold(numbers: Mapping[NumberKey, Entry]) -> str:
    entry = numbers["acceptance.threshold"]
    if entry["value"] is None:
        return f"does not apply: {_small(entry['note'])}"
    limit = "; where more cases lie above it than people can look at, the highest" if entry["note"] else ""
    return f"act where the calibrated probability is above {said(entry['value'])}{limit}"


def _payback(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    months, worth = numbers["acceptance.payback_months"], numbers["acceptance.value_month"]
    limit = f"{answers.payback_limit_months:g} months"
    if months["value"] is not None:
        whole = math.ceil(months["value"] - 1e-9)
        time = "at once" if not whole else f"within {whole:,} month{'s' if whole > 1 else ''} of operation"
        late = months["value"] > answers.payback_limit_months
        return f"{time}, at the target; the limit is {limit}{_kept_from(answers, numbers) if late else ''}"
    if absence.kind(months["note"]) != absence.NEVER:
        return _missing(answers, numbers, months["note"])
    if worth["value"] is None:
        return f"never: {_small(months['note'])}"
    keep = numbers["upkeep.total"]["value"] / 12
    costs = f"and costs {figures.money(keep)} {answers.currency} to keep" if keep else "and never earns the build"
    never = f"at the target a month is worth {figures.money(worth['value'])} {answers.currency} {costs}"
    kept = _kept_from(answers, numbers)
    return f"never: {never}; the limit is {limit}{kept}" if kept else f"never: {never}"


def _kept_from(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    """While nobody has said what an error costs: from which cost on it pays back in time."""
    cost, metric = numbers["acceptance.break_even_cost"]["value"], metrics.of(answers)
    if cost is None or is_priced(answers, metric):
        return ""
    key = break_even_key(answers, metric)
    assumed = "" if answers[key] is None else f", and {figures.money(answers[key], 'answered')} is assumed"
    return f", kept at this target where {key} is {figures.money(cost)} {answers.currency} or more{assumed}"


def _objective(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    entry = numbers["slo.objective"]
    if entry["value"] is None:
        return f"does not apply: {_small(entry['note'])}"
    runs = numbers["slo.budget_requests"]["unit"]
    return f"{100 * entry['value']:.7g} % of {runs} succeed, counted over {_count(answers.slo_window_days, 'day')}"


def _shown(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    demo = numbers["slo.demo_requests"]
    if demo["value"] is not None:
        return f"{demo['value']:,} {demo['unit']} in a row without a failure, with 95 % confidence"
    samples = numbers["slo.demo_samples"]["value"]
    return f"{samples:,} timed answers, of which 95 % take at most {answers.p95_ms:,} ms"


def _budget(answers: Answers, numbers: Mapping[NumberKey, Entry]) -> str:
    minutes, requests = numbers["slo.budget_minutes"], numbers["slo.budget_requests"]
    if minutes["value"] is None:
        return "does not apply: without an objective there is no budget to spend"
    failed = f"failed {requests['unit']}"
    if requests["value"] is None:
        allowed = ""
    elif requests["value"] < 1:
        allowed = f"; at this volume less than one of the {failed}"
    else:
        allowed = f", or {math.floor(requests['value'] + 1e-9):,} {failed}"
    window = _count(answers.slo_window_days, "day")
    if (
        answers.is_asked("rows_a_run") and requests["value"] is not None
    ):  # a run fails as a whole, and no clock counts between two of them
        whole_runs = math.floor(requests["value"] + 1e-9)
        return f"{_count(whole_runs, 'failed run') if whole_runs else 'not one failed run'} in {window}"
    whole = figures.number(float(minutes["value"]), "minutes")
    unit = "minute" if whole in ("1", "less than 1") else "minutes"
    return f"{whole} {unit} of complete failure in {window}{allowed}"


def _missing(answers: Answers, numbers: Mapping[NumberKey, Entry], note: str | None) -> str:
    """Why a number about the gain is not there: nobody has measured yet, or no sample could show it."""
    if numbers["acceptance.baseline"]["value"] is None:
        title = numbers["acceptance.baseline"]["unit"]
        return f"not yet measured: it needs today's {title}, which the baseline (gate G1.9) measures"
    if note and note == metrics.of(answers).unplanned:
        return f"not yet measured: {_small(note)}"
    return f"cannot be shown: {_small(numbers['acceptance.target']['note'] or note or 'the answers do not say')}"


# ------------------------------------------------------------------------------------------------ what is in the way


def _in_the_way(
    answers: Answers, plan: Plan, numbers: Mapping[NumberKey, Entry], lines: Iterable[Mapping[str, Any]]
) -> tuple[str, list[str]]:
    """The most serious finding, or an overruled advice without a reason, or the assumption that decides most."""
    advice = plan.get("advice") or {}
    found = sorted(plan["findings"], key=lambda finding: _weight(finding["key"]))
    unsettled = bool(advice.get("overruled")) and not advice.get("override_reason")
    if unsettled and (not found or _weight(found[0]["key"]) > WEIGHT.index("test.rows")):
        given = f"The advice is {advice['recommendation']} ({advice['rung']}), not {answers.kind}."
        return f"{given} Follow it, or say why not in kind_reason.", behind(answers, plan, numbers, ADVISED_BY)
    if found:
        first = found[0]
        return f"{first['sentence']} {first['remedy']}", behind(answers, plan, numbers, (first["key"],))
    assumed = [row["key"] for row in plan["assumptions"]]
    if not assumed:
        return "Nothing that the answers show: no finding, and no open assumption.", []
    most = max(assumed, key=lambda key: sum(key in line["rests_on"] for line in lines))
    question = next(row["question"] for row in plan["assumptions"] if row["key"] == most)
    many = f"{len(assumed)} answers are assumed" if len(assumed) > 1 else "One answer is assumed"
    return f"{many}; most rests on {most}: {question} Answer it, or confirm it.", assumed


def _weight(key: str) -> int:
    return WEIGHT.index(key) if key in WEIGHT else len(WEIGHT)


# ------------------------------------------------------------------------------------------------ small facts


def _count(amount: int, unit: str) -> str:
    return f"{amount:,} {unit}{'' if amount == 1 else 's'}"


def _small(sentence: str | None) -> str:
    """A note as the end of another sentence."""
    text = (sentence or "").rstrip(".")
    return text[:1].lower() + text[1:]
