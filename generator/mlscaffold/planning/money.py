"""The money of acceptance.*: cost per decision, value per month, payback (F12)."""

from typing import Any

from mlscaffold import questions
from mlscaffold.answers import Answers
from mlscaffold.planning import value
from mlscaffold.planning.metrics import Metric
from mlscaffold.planning.number import Number, Numbers, said

CHEAPER = "A smaller build_cost or monthly_run_budget, more daily_volume or dearer errors lower the gain that pays."


def costs(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """The decision threshold, and what a decision costs when nobody acts, today, and at the target."""
    nothing = answers.positive_share * answers.miss_cost if answers.task == "binary" else None
    no_error = None if nothing is not None else "Without any answer there is no error to count."
    unit, inputs = f"{answers.currency} per decision", cost_inputs(answers)
    return _threshold(answers) | {
        "acceptance.cost_per_decision.nothing": Number(
            nothing, unit, "F12", inputs, "What a decision costs when nobody acts.", note=no_error
        ),
        "acceptance.cost_per_decision.baseline": _cost(answers, metric, numbers, "baseline"),
        "acceptance.cost_per_decision.target": _cost(answers, metric, numbers, "target"),
    }


def _threshold(answers: Answers) -> Numbers:
    meaning = "Act when the calibrated probability is above this."
    if answers.task != "binary":
        none = "Only a yes-or-no decision has a threshold."
        return {"acceptance.threshold": Number(None, "probability", "F12", {}, meaning, note=none)}
    inputs = {"false_alarm_cost": answers.false_alarm_cost, "miss_cost": answers.miss_cost}
    note = None
    if answers.review_rate is not None:
        limit = said(answers.review_rate)
        note = f"At most {limit} of the cases can be looked at; where more lie above, take the highest."
    found = value.threshold(answers.false_alarm_cost, answers.miss_cost)
    return {"acceptance.threshold": Number(found, "probability", "F12", inputs, meaning, note=note)}


def _cost(answers: Answers, metric: Metric, numbers: Numbers, which: str) -> Number:
    level = numbers[f"acceptance.{which}"].value
    unit, inputs = f"{answers.currency} per decision", {which: level} | cost_inputs(answers)
    meaning = {"baseline": "What a decision costs today.", "target": "What a decision costs at the target."}[which]

    def number(cost: float | None, note: str | None = None, remedy: str | None = None) -> Number:
        return Number(cost, unit, "F12", inputs, meaning, note=note, remedy=remedy)

    if level is None:
        return number(None, f"The {which} is not known.")
    alarms, note = _alarms(answers, metric, numbers, which)
    if alarms < -1e-12:
        note = (
            f"People can look at {said(answers.review_rate)} of the cases, but a recall of {said(level)} means "
            f"at least {said(answers.positive_share * level)}."
        )
        return number(None, note, "Raise review_rate, or lower target_value.")
    cost = value.decision_cost(answers, metric, level, max(alarms, 0.0))
    return number(cost, f"The {metric.title} alone does not tell what a decision costs." if cost is None else note)


def _alarms(answers: Answers, metric: Metric, numbers: Numbers, which: str) -> tuple[float, str | None]:
    """False alarms per decision, and what had to be assumed about them."""
    level, today = numbers[f"acceptance.{which}"].value, numbers["acceptance.baseline"].value
    if metric.key != "recall":
        return 0.0, None
    if which == "target" and answers.review_rate is not None:
        return answers.review_rate - answers.positive_share * level, None
    found = None if today is None else value.false_alarms(answers, today, answers.current_precision)
    if found is None:
        return 0.0, "Misses only: give current_precision or review_rate, and false alarms are counted as well."
    return found, "False alarms are taken to stay as many as today." if which == "target" else None


def returns(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """What the target is worth a month, and how long it takes to pay the build back."""
    worth, note = _value_month(answers, metric, numbers)
    build, run = numbers["acceptance.build_cost"].value, answers.monthly_run_budget
    months = None if worth is None else value.payback_months(build, worth, run)
    inputs = {"build_cost": build, "value_month": worth, "monthly_run_budget": run}
    why, remedy = None, None
    if worth is None:
        why = "The value per month is not known."
    elif months is None:
        why = f"At the target it is worth {worth:,.0f} a month and costs {run:,.0f} a month to run: it never pays back."
        remedy = f"Aim higher with target_value, or build something simpler. {CHEAPER}"
    return {
        "acceptance.value_month": note,
        "acceptance.payback_months": Number(
            months,
            "months",
            "F12",
            inputs,
            "How long the gain takes to earn the build cost, running cost paid.",
            note=why,
            remedy=remedy,
        ),
    }


def _value_month(answers: Answers, metric: Metric, numbers: Numbers) -> tuple[float | None, Number]:
    """What reaching the target is worth a month, before running cost."""
    before, after = (numbers[f"acceptance.cost_per_decision.{which}"].value for which in ("baseline", "target"))
    gain, worth = numbers["acceptance.gain"].value, numbers["acceptance.unit_worth"]
    month = answers.daily_volume * value.MONTH
    if before is not None and after is not None:
        amount, inputs = (before - after) * month, {"baseline": before, "target": after, "decisions_a_month": month}
        note = numbers["acceptance.baseline"].note
    elif gain is not None:
        amount = gain * worth.value * month
        inputs = {"gain": gain, "unit_worth": worth.value, "decisions_a_month": month}
        note = worth.note
    else:
        amount, inputs, note = None, {}, numbers["acceptance.target"].note or numbers["acceptance.baseline"].note
    meaning = "What reaching the target is worth a month, before running cost."
    return amount, Number(amount, answers.currency, "F12", inputs, meaning, note=note)


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
