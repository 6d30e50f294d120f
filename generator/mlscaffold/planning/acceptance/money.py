"""The money of acceptance.*: cost per decision, value per month, payback (F12)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from mlscaffold import figures, questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey, NumberKey
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.acceptance.worth import decision_cost, false_alarms, price_keys
from mlscaffold.planning.formulas import payback
from mlscaffold.planning.formulas.counts import LIMIT
from mlscaffold.planning.number import Number, Numbers, said

LONGEST_PAYBACK = 120  # months; what pays back later than that does not pay
FAR = "An amount behind it is far from real."
SEEN = 1e-6  # of a cost: where two differ by less, rounding is part of the difference, and the gain is priced itself

CLOSE = 1.01  # how near to the first cost at which the target pays back in time the one found lies
DEARER = (1.1, 1.5, 2, 4, 20)  # times a cost at which the target pays back in time: there it has to as well

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
        return number(None, numbers[LEVELS[which]].note or f"The {which} is not known.")
    alarms, note = _alarms(answers, metric, numbers, which, level)
    if alarms < -1e-12:
        note = (
            f"People can look at {said(answers.review_rate)} of the cases, but a recall of {said(level)} means "
            f"at least {said(answers.positive_share * level)}: it cannot be reached."
        )
        return number(None, note, "Raise review_rate, or lower target_value.")
    cost = decision_cost(answers, metric, level, max(alarms, 0.0))
    return number(
        cost,
        f"Only some metrics tell what a decision costs; the {metric.title} alone does not." if cost is None else note,
    )


def _alarms(answers: Answers, metric: Metric, numbers: Numbers, which: Which, level: float) -> tuple[float, str | None]:
    """False alarms per decision, and what had to be assumed about them."""
    today = numbers["acceptance.baseline"].value
    if metric.known != "recall":
        return 0.0, None
    if which == "target" and answers.review_rate is not None:
        return answers.review_rate - answers.positive_share * level, None
    found = None if today is None else false_alarms(answers, today, answers.current_precision)
    if found is None:
        return 0.0, "Misses only: give current_precision or review_rate, and false alarms are counted as well."
    return found, "False alarms are taken to stay as many as today." if which == "target" else None


# ------------------------------------------------------------------------------------------------ worth and payback


def returns(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """What passing and what the target are worth a month, and how long the target takes to pay the build back.

    `numbers` holds acceptance.* and upkeep.total, so that every page counts with one yearly total.
    """
    at_pass, at_target = (_value_month(answers, metric, numbers, level) for level in ("pass", "target"))
    return {
        "acceptance.value_month": at_target,
        "acceptance.value_month_pass": at_pass,
        "acceptance.payback_months": _payback(answers, numbers, at_target),
        "acceptance.break_even_cost": _break_even_cost(answers, metric, numbers, at_target),
    }


def _payback(answers: Answers, numbers: Numbers, worth: Number) -> Number:
    build, upkeep = numbers["acceptance.build_cost"].value, numbers["upkeep.total"].value
    inputs = {"build_cost": build, "value_month": worth.value, "upkeep_year": upkeep}
    if worth.value is None:
        return Number(None, inputs=inputs, note=worth.note)
    if max(worth.value, build, upkeep) > LIMIT:
        return Number(None, inputs=inputs, note=FAR)
    months = payback.payback_months(build, worth.value, upkeep / 12)
    longest = max(LONGEST_PAYBACK, answers.payback_limit_months)
    if months is not None and months <= longest:
        return Number(months, inputs=inputs)
    worth_it = f"At the target it is worth {figures.money(worth.value)} {answers.currency} a month"
    never = "it never pays back" if months is None else f"it never pays back within {longest / 12:g} years"
    return Number(None, inputs=inputs, note=f"{worth_it} and costs {figures.money(upkeep / 12)} to keep: {never}.")


def _value_month(answers: Answers, metric: Metric, numbers: Numbers, level: Literal["pass", "target"]) -> Number:
    """What a gain is worth a month, before upkeep: that of the target, or the smallest that passes."""
    before, baseline = numbers["acceptance.cost_per_decision.baseline"].value, numbers["acceptance.baseline"].value
    gain = numbers["acceptance.gain" if level == "target" else "acceptance.min_gain"].value
    worth, month = numbers["acceptance.unit_worth"], answers.daily_volume * payback.MONTH
    if gain is None or baseline is None:
        return Number(None, note=numbers["acceptance.target"].note or numbers["acceptance.baseline"].note)
    inputs: dict[str, Any] = {"gain": gain, "unit_worth": worth.value, "decisions_a_month": month}
    amount, note = gain * worth.value * month, worth.note
    after = _cost_of(answers, metric, numbers, metric.improved(baseline, gain))
    if before is not None and after is not None and abs(before - after) > SEEN * abs(before):
        amount, note = (before - after) * month, numbers["acceptance.baseline"].note
        inputs = {"baseline": before, level: after, "decisions_a_month": month}
    if amount < 0:
        more = f"{figures.money(-amount / month)} {answers.currency}"
        note = f"A decision would cost {more} more than today, so it never pays."
        return Number(None, inputs=inputs, note=note)
    return Number(amount, inputs=inputs, note=note)


def _cost_of(answers: Answers, metric: Metric, numbers: Numbers, value: float) -> float | None:
    """What a decision costs with a model at this value; None where that cannot be told, or cannot be."""
    alarms, _ = _alarms(answers, metric, numbers, "target", value)
    return None if alarms < -1e-12 else decision_cost(answers, metric, value, max(alarms, 0.0))


def _break_even_cost(answers: Answers, metric: Metric, numbers: Numbers, worth: Number) -> Number:
    """F12 turned round: what an error would have to cost for the target to pay back in time, were all else the same.

    Where the plan turns on that cost as well, `kept_from` holds it against the plan that follows from it.
    """
    build, upkeep, limit = (
        numbers["acceptance.build_cost"].value,
        numbers["upkeep.total"].value,
        answers.payback_limit_months,
    )
    key = break_even_key(answers, metric)
    price = numbers["acceptance.unit_worth"].value if key == "metric_worth" else answers[key]
    inputs = {"build_cost": build, "payback_limit_months": limit, "upkeep_year": upkeep, "value_month": worth.value}
    if not worth.value:
        return Number(None, inputs=inputs, note=worth.note or "The gain is worth nothing, so it never pays.")
    if max(worth.value, build, upkeep) > LIMIT:
        return Number(None, inputs=inputs, note=FAR)
    needed = (build / limit + upkeep / 12) / worth.value * price
    return Number(rounded_up(needed), inputs=inputs | {key: price}, note=f"Of {key}, the other answers as they are.")


def kept_from(answers: Answers, metric: Metric, found: Number, months_at: Callable[[float], float | None]) -> Number:
    """`found`, moved to where the target begins to pay back in time.

    `months_at` gives the months of the plan that follows when the cost is answered: the smallest gain then follows
    from money, and rows, labels and upkeep from that gain, so that the plan at hand does not tell them. Costs are
    tried in steps that grow, away from `found`, and what lies between two of them is narrowed down to a hundredth.
    """
    if not found.value:
        return found  # not known; or nothing is spent, so that it pays whatever an error costs

    def in_time(cost: float) -> bool:
        months = months_at(cost)
        return months is not None and months <= answers.payback_limit_months

    low = high = float(found.value)
    step = 1.02
    while not in_time(high):
        low, high, step = high, rounded_up(high * step), step**1.7
        if high > LIMIT:
            note = f"No {break_even_key(answers, metric)} is known at which it would: it never pays."
            return replace(found, value=None, note=note)
    while low == high or in_time(low):
        low, high, step = low / step, rounded_up(low), step**1.7
    while high > CLOSE * low and low < (middle := rounded_up((low + high) / 2)) < high:
        low, high = (low, middle) if in_time(middle) else (middle, high)
    if not all(in_time(high * more) for more in DEARER):
        key = break_even_key(answers, metric)
        note = f"It cannot be shown: with more {key} a smaller gain pays, and that takes more labels than it earns."
        return replace(found, value=None, note=note)
    return replace(found, value=high)


def rounded_up(amount: float) -> float:
    """Three digits, as sentences print them, and never less than the amount: what is promised from there on holds."""
    if not amount:
        return 0.0
    digits = 2 - math.floor(math.log10(amount))
    return round(math.ceil(round(amount * 10.0**digits, 6)) / 10.0**digits, max(digits, 0))


def break_even_key(answers: Answers, metric: Metric) -> AnswerKey:
    """The answer that `acceptance.break_even_cost` is a value of."""
    return "metric_worth" if metric.own and metric.method == "mean" else price_keys(answers, metric)[0]


def cost_inputs(answers: Answers) -> dict[str, Any]:
    """The answers about money that a number rests on."""
    keys: tuple[AnswerKey, ...] = ("unit_error_cost",)
    if answers.task == "binary":
        keys = ("positive_share", "false_alarm_cost", "miss_cost", "review_rate", "current_precision")
    elif answers.task == "multiclass":
        keys = ("miss_cost",)
    if questions.is_own(answers.metric):
        keys = (*keys, "metric_worth", "metric_unit")
    return {key: answers[key] for key in keys}
