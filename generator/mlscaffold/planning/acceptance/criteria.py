"""What counts as success: tier, baseline, smallest useful gain, target, and what they are worth in money."""

import math
from collections.abc import Mapping

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import FormulaId, MetricKey
from mlscaffold.planning.acceptance import money
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.acceptance.worth import unit_worth
from mlscaffold.planning.formulas import payback
from mlscaffold.planning.number import Number, Numbers, said

# consequence: (alpha, power). Proposals, shown with every number that uses them.
TIERS: Mapping[str, tuple[float, float]] = {
    "cosmetic": (0.10, 0.8),
    "money": (0.05, 0.8),
    "rights": (0.025, 0.9),
    "intolerable": (0.01, 0.9),
}


def acceptance(answers: Answers, metric: Metric, effort_days: float) -> Numbers:
    """Everything under `acceptance.`; `effort_days` is the schedule's effort, labelling by people included."""
    numbers = _tier(answers)
    numbers["acceptance.baseline"] = _baseline(answers, metric)
    numbers |= _break_even(answers, metric, effort_days)
    numbers["acceptance.min_gain"] = _smallest(answers, metric, numbers)
    numbers |= _target(answers, metric, numbers)
    numbers |= money.costs(answers, metric, numbers)
    return numbers | money.returns(answers, numbers)


def _tier(answers: Answers) -> Numbers:
    alpha, power = TIERS[answers.consequence]
    inputs = {"consequence": answers.consequence}
    return {
        "acceptance.alpha": Number(alpha, inputs=inputs),
        "acceptance.power": Number(power, inputs=inputs),
    }


# ------------------------------------------------------------------------------------------------ baseline and gain


def _baseline(answers: Answers, metric: Metric) -> Number:
    inputs = {"current_practice": answers.current_practice, "current_value": answers.current_value}
    if answers.current_value is not None:
        return Number(answers.current_value, inputs=inputs, provenance=answers.provenance("current_value"))
    remedy = "Measure today's practice or a simple rule first, then replan with current_value."
    assumed = assumed_baseline(answers, metric)
    if assumed is None:
        note = f"Nobody has measured today's {metric.title}, and without it no scale is known."
        return Number(None, inputs=inputs, provenance="default", note=note, remedy=remedy)
    note = f"Nobody has measured today's {metric.title}; the plan assumes {said(assumed)} until it is measured."
    return Number(assumed, inputs=inputs, provenance="default", note=note, remedy=remedy)


def assumed_baseline(answers: Answers, metric: Metric) -> float | None:
    """A stand-in for an unmeasured baseline: what a constant scores, or the middle, where most rows are needed."""
    share = answers.positive_share if answers.task == "binary" else 0.5
    if metric.own and metric.method == "mean":
        return None
    if metric.is_any("mae", "rmse"):
        if answers.error_spread is None:
            return None
        return float(
            answers.error_spread / 0.7555 if metric.known == "mae" else math.sqrt(answers.error_spread / 2**0.5)
        )
    constants: Mapping[MetricKey | None, float] = {
        "accuracy": max(share, 1 - share),
        "average_precision": share,
        "brier": share * (1 - share),
        "log_loss": -share * math.log(share) - (1 - share) * math.log(1 - share),
    }
    return float(constants.get(metric.known, 0.5))


def _break_even(answers: Answers, metric: Metric, effort_days: float) -> Numbers:
    cost = _build_cost(answers, effort_days)
    worth = unit_worth(answers, metric)
    month = answers.daily_volume * payback.MONTH
    even = payback.break_even_gain(
        cost.value, answers.payback_limit_months, answers.monthly_run_budget, month, worth.amount
    )
    stand_in = (
        f"The {metric.title} itself is not money; this stands in for it: {worth.how}." if worth.stand_in else worth.how
    )
    inputs = {
        "build_cost": cost.value,
        "payback_limit_months": answers.payback_limit_months,
        "monthly_run_budget": answers.monthly_run_budget,
        "decisions_a_month": month,
        "unit_worth": worth.amount,
    }
    return {
        "acceptance.build_cost": cost,
        "acceptance.run_cost_year": Number(
            12 * answers.monthly_run_budget, inputs={"monthly_run_budget": answers.monthly_run_budget}
        ),
        "acceptance.unit_worth": Number(worth.amount, inputs=money.cost_inputs(answers), note=_sentence(stand_in)),
        "acceptance.break_even_gain": Number(even, inputs=inputs, note=_sentence(stand_in)),
    }


def _smallest(answers: Answers, metric: Metric, numbers: Numbers) -> Number:
    """What was answered; else the break-even gain; else, where money knows no unit of the metric, a share of the error.

    An error is counted in units of the data (euros, days, degrees). While unit_error_cost is an assumption, it says
    nothing about them, and the break-even gain would be too small for one unit and out of reach for another.
    """
    if answers.min_gain is not None:
        inputs: dict[str, float | None] = {"min_gain": answers.min_gain}
        return Number(answers.min_gain, formula="", inputs=inputs, provenance=answers.provenance("min_gain"))
    if not _in_units_of_the_data(answers, metric):
        return numbers["acceptance.break_even_gain"]
    baseline, share = numbers["acceptance.baseline"].value, answers.min_gain_share
    amount = None if baseline is None else share * abs(baseline)
    part, asked = (
        f"{100 * share:g} % of the baseline's {'value' if metric.own else 'error'}",
        "unit_error_cost is assumed",
    )
    if metric.own:
        asked = "metric_worth is not answered"
    note = f"{asked}, so what one unit of it is worth is not known, and {part} stands in; or answer min_gain."
    inputs = {"min_gain_share": share, "baseline": baseline}
    return Number(
        amount,
        formula="",
        inputs=inputs,
        provenance=answers.provenance("min_gain_share"),
        note=note,
        words=part if amount is None else None,
    )


def _in_units_of_the_data(answers: Answers, metric: Metric) -> bool:
    """Whether the metric counts euros, days or degrees of the data, and no money is known for one of them."""
    if metric.own:
        return metric.method == "mean" and unit_worth(answers, metric).stand_in
    return metric.is_any("mae", "rmse") and answers.provenance("unit_error_cost") == "default"


def _build_cost(answers: Answers, effort_days: float) -> Number:
    if answers.build_cost is not None:
        inputs = {"build_cost": answers.build_cost}
        return Number(answers.build_cost, formula="", inputs=inputs, provenance=answers.provenance("build_cost"))
    inputs = {"effort_days": effort_days, "day_rate": answers.day_rate}
    note = "Effort of the schedule, with what people need to label the test set (F15)."
    return Number(effort_days * answers.day_rate, inputs=inputs, note=note)


# ------------------------------------------------------------------------------------------------ target


def _target(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    baseline = numbers["acceptance.baseline"].value
    minimum = numbers["acceptance.min_gain"].value
    target = _asked_target(answers, metric, baseline, minimum)
    gain = metric.gain(baseline, target.value) if baseline is not None and target.value is not None else None
    inputs = {"baseline": baseline, "target": target.value}
    unknown = "Baseline or target is not known." if gain is None else None
    return {
        "acceptance.target": target,
        "acceptance.gain": Number(gain, inputs=inputs, note=unknown),
    }


def _asked_target(answers: Answers, metric: Metric, baseline: float | None, minimum: float | None) -> Number:
    inputs = {"target_value": answers.target_value, "baseline": baseline, "min_gain": minimum}

    def number(target: float | None, note: str | None = None, remedy: str | None = None) -> Number:
        provenance = "computed" if answers.target_value is None else answers.provenance("target_value")
        formula: FormulaId = "F12" if answers.target_value is None else ""
        return Number(target, formula=formula, inputs=inputs, provenance=provenance, note=note, remedy=remedy)

    if answers.target_value is not None:
        return number(answers.target_value, *_judged(answers.target_value, metric, baseline, minimum))
    if baseline is None or minimum is None:
        return number(None, "Without a baseline there is nothing to add the gain to.")
    if minimum <= 0:
        note = "The smallest useful gain is 0, so no target follows from it."
        return number(None, note, "Say which value is wanted with target_value, or give build_cost or min_gain.")
    room = metric.gain(baseline, metric.best)
    if minimum >= room:
        note = (
            f"The smallest useful gain is {said(minimum)}, but from {said(baseline)} even a perfect model gains "
            f"no more than {said(room)}."
        )
        return number(None, note, money.CHEAPER)
    if 2 * minimum >= room:
        note = f"Twice the smallest gain would pass the best possible value, so this lies half-way to {metric.best:g}."
        return number(metric.improved(baseline, (minimum + room) / 2), note)
    return number(metric.improved(baseline, 2 * minimum), "Today's value plus twice the smallest useful gain.")


def _judged(
    target: float, metric: Metric, baseline: float | None, minimum: float | None
) -> tuple[str | None, str | None]:
    if baseline is None or minimum is None:
        return None, None
    gain = metric.gain(baseline, target)
    if gain <= 0:
        note = (
            f"The baseline of {said(baseline)} already meets the target of {said(target)} ({metric.better} is better)."
        )
        return note, "Choose a target_value that is better than today, or build nothing."
    if gain <= minimum:
        note = f"The target gains {said(gain)}, which is not more than the smallest useful gain of {said(minimum)}."
        return note, f"Raise the ambition in target_value, or make the gain cheaper. {money.CHEAPER}"
    return None, None


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].rstrip(".") + "."
