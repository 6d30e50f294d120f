"""The money of acceptance.*: cost per decision, value per month, payback (F12)."""

from collections.abc import Mapping
from typing import Any, Literal

from mlscaffold import questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import NumberKey
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.acceptance.worth import decision_cost, false_alarms
from mlscaffold.planning.formulas import payback
from mlscaffold.planning.number import Number, Numbers, said

CHEAPER = "A smaller build_cost or monthly_run_budget, more daily_volume or dearer errors lower the gain that pays."

Which = Literal["baseline", "target"]
LEVELS: Mapping[Which, NumberKey] = {"baseline": "acceptance.baseline", "target": "acceptance.target"}


def costs(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """The decision threshold, and what a decision costs when nobody acts, today, and at the target."""
    nothing = answers.positive_share * answers.miss_cost if answers.task == "binary" else None
    no_error = None if nothing is not None else "Without any answer there is no error to count."
    inputs = cost_inputs(answers)
    return _threshold(answers) | {
        "acceptance.cost_per_decision.nothing": Number(nothing, inputs=inputs, note=no_error),
        "acceptance.cost_per_decision.baseline": _cost(answers, metric, numbers, "baseline"),
        "acceptance.cost_per_decision.target": _cost(answers, metric, numbers, "target"),
    }


def _threshold(answers: Answers) -> Numbers:
    if answers.task != "binary":
        none = "Only a yes-or-no decision has a threshold."
        return {"acceptance.threshold": Number(None, note=none)}
    inputs = {"false_alarm_cost": answers.false_alarm_cost, "miss_cost": answers.miss_cost}
    note = None
    if answers.review_rate is not None:
        limit = said(answers.review_rate)
        note = f"At most {limit} of the cases can be looked at; where more lie above, take the highest."
    found = payback.threshold(answers.false_alarm_cost, answers.miss_cost)
    return {"acceptance.threshold": Number(found, inputs=inputs, note=note)}


def _cost(answers: Answers, metric: Metric, numbers: Numbers, which: Which) -> Number:
    level = numbers[LEVELS[which]].value
    inputs = {which: level} | cost_inputs(answers)

    def number(cost: float | None, note: str | None = None, remedy: str | None = None) -> Number:
        return Number(cost, inputs=inputs, note=note, remedy=remedy)

    if level is None:
        return number(None, f"The {which} is not known.")
    alarms, note = _alarms(answers, metric, numbers, which)
    if alarms < -1e-12:
        note = (
            f"People can look at {said(answers.review_rate)} of the cases, but a recall of {said(level)} means "
            f"at least {said(answers.positive_share * level)}."
        )
        return number(None, note, "Raise review_rate, or lower target_value.")
    cost = decision_cost(answers, metric, level, max(alarms, 0.0))
    return number(cost, f"The {metric.title} alone does not tell what a decision costs." if cost is None else note)


def _alarms(answers: Answers, metric: Metric, numbers: Numbers, which: Which) -> tuple[float, str | None]:
    """False alarms per decision, and what had to be assumed about them."""
    level, today = numbers[LEVELS[which]].value, numbers["acceptance.baseline"].value
    if metric.known != "recall":
        return 0.0, None
    if which == "target" and answers.review_rate is not None:
        return answers.review_rate - answers.positive_share * level, None
    found = None if today is None else false_alarms(answers, today, answers.current_precision)
    if found is None:
        return 0.0, "Misses only: give current_precision or review_rate, and false alarms are counted as well."
    return found, "False alarms are taken to stay as many as today." if which == "target" else None


def returns(answers: Answers, numbers: Numbers) -> Numbers:
    """What the target is worth a month, and how long it takes to pay the build back."""
    worth, note = _value_month(answers, numbers)
    build, run = numbers["acceptance.build_cost"].value, answers.monthly_run_budget
    months = None if worth is None else payback.payback_months(build, worth, run)
    inputs = {"build_cost": build, "value_month": worth, "monthly_run_budget": run}
    why, remedy = None, None
    if worth is None:
        why = "The value per month is not known."
    elif months is None:
        why = f"At the target it is worth {worth:,.0f} a month and costs {run:,.0f} a month to run: it never pays back."
        remedy = f"Aim higher with target_value, or build something simpler. {CHEAPER}"
    return {
        "acceptance.value_month": note,
        "acceptance.payback_months": Number(months, inputs=inputs, note=why, remedy=remedy),
    }


def _value_month(answers: Answers, numbers: Numbers) -> tuple[float | None, Number]:
    """What reaching the target is worth a month, before running cost."""
    before = numbers["acceptance.cost_per_decision.baseline"].value
    after = numbers["acceptance.cost_per_decision.target"].value
    gain, worth = numbers["acceptance.gain"].value, numbers["acceptance.unit_worth"]
    month = answers.daily_volume * payback.MONTH
    if before is not None and after is not None:
        amount, inputs = (before - after) * month, {"baseline": before, "target": after, "decisions_a_month": month}
        note = numbers["acceptance.baseline"].note
    elif gain is not None:
        amount = gain * worth.value * month
        inputs = {"gain": gain, "unit_worth": worth.value, "decisions_a_month": month}
        note = worth.note
    else:
        amount, inputs, note = None, {}, numbers["acceptance.target"].note or numbers["acceptance.baseline"].note
    return amount, Number(amount, inputs=inputs, note=note)


def cost_inputs(answers: Answers) -> dict[str, Any]:
    """The answers about money that a number rests on."""
    keys: tuple[str, ...] = ("unit_error_cost",)
    if answers.task == "binary":
        keys = ("positive_share", "false_alarm_cost", "miss_cost", "review_rate", "current_precision")
    elif answers.task == "multiclass":
        keys = ("miss_cost",)
    if questions.is_own(answers.metric):
        keys = (*keys, "metric_worth", "metric_unit")
    return {key: answers[key] for key in keys}
