"""What counts as success: tier, baseline, smallest useful gain, target, and what they are worth in money."""

import math
from collections.abc import Mapping

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import MetricKey
from mlscaffold.planning.acceptance import money
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.acceptance.worth import is_priced, price_keys, unit_worth
from mlscaffold.planning.formulas import payback
from mlscaffold.planning.formulas.counts import LIMIT
from mlscaffold.planning.number import Number, Numbers, said, tidy

# What makes the gain smaller that pays back.
CHEAPER = "A smaller build_cost or monthly_run_budget, more daily_volume or dearer errors lower the gain that pays."

# consequence: (alpha, power). Proposals, shown with every number that uses them.
TIERS: Mapping[str, tuple[float, float]] = {
    "cosmetic": (0.10, 0.8),
    "money": (0.05, 0.8),
    "rights": (0.025, 0.9),
    "intolerable": (0.01, 0.9),
}


def acceptance(answers: Answers, metric: Metric, effort_days: float, upkeep_year: float) -> Numbers:
    """What counts as success, and what a decision costs there; what it is worth a month follows in `money.returns`.

    `effort_days` is the schedule's effort, labelling by people included, `upkeep_year` what a year of running,
    retraining, checking and labelling takes (currency).
    """
    numbers = _tier(answers)
    numbers["acceptance.baseline"] = _baseline(answers, metric)
    numbers |= _break_even(answers, metric, numbers, effort_days, upkeep_year)
    numbers["acceptance.min_gain"] = _smallest(answers, metric, numbers)
    numbers |= _target(answers, metric, numbers)
    return numbers | money.costs(answers, metric, numbers)


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
    if metric.known not in constants and not math.isfinite(metric.high):
        return None  # an amount in a unit of its own has no middle
    return float(constants.get(metric.known, 0.5))


def _break_even(answers: Answers, metric: Metric, numbers: Numbers, effort_days: float, upkeep_year: float) -> Numbers:
    cost = _build_cost(answers, effort_days)
    run_year = 12 * answers.monthly_run_budget
    return {
        "acceptance.build_cost": cost,
        "acceptance.run_cost_year": Number(run_year, inputs={"monthly_run_budget": answers.monthly_run_budget}),
        "acceptance.unit_worth": _worth(answers, metric),
        "acceptance.break_even_gain": _even(answers, metric, numbers, cost.value, upkeep_year),
    }


def _worth(answers: Answers, metric: Metric) -> Number:
    worth = unit_worth(answers, metric)
    told = f"The {metric.title} itself is not money; this stands in for it: {worth.how}."
    note = told if worth.stand_in else worth.how
    return Number(worth.amount, inputs=money.cost_inputs(answers), note=_sentence(note))


def _even(answers: Answers, metric: Metric, numbers: Numbers, build: float, upkeep_year: float) -> Number:
    """The gain that pays back in time; None, with a note, where even a perfect model does not gain as much.

    None as well where what it has to pay back is more than any project costs: no page shows such an amount.
    """
    worth, month = _worth(answers, metric), answers.daily_volume * payback.MONTH
    limit, baseline = answers.payback_limit_months, numbers["acceptance.baseline"].value
    even = payback.break_even_gain(build, limit, upkeep_year / 12, month, worth.value)
    inputs = {
        "build_cost": build,
        "payback_limit_months": limit,
        "upkeep_year": upkeep_year,
        "decisions_a_month": month,
        "unit_worth": worth.value,
    }
    if max(build, upkeep_year) > LIMIT:
        return Number(None, inputs=inputs, note=money.FAR)
    room = metric.high if baseline is None else metric.gain(baseline, metric.best)
    if even <= room:
        return Number(even, inputs=inputs, note=worth.note)
    costs = "At these costs" if is_priced(answers, metric) else "At the costs assumed"
    most = f"from {said(baseline)} even a perfect model gains {said(room)}" if baseline is not None else "none gains it"
    note = f"{costs} only a gain of {said(even)} would pay back within {limit_of(answers)}, and {most}: it never pays."
    return Number(None, inputs=inputs, note=note)


def limit_of(answers: Answers) -> str:
    """The payback limit inside a sentence; one that nobody gave is called assumed."""
    assumed = " (payback_limit_months, assumed)" if answers.provenance("payback_limit_months") == "default" else ""
    return f"{answers.payback_limit_months:g} months{assumed}"


def _smallest(answers: Answers, metric: Metric, numbers: Numbers) -> Number:
    """What was answered; else the break-even gain; else, where that says nothing, a share of today's error.

    While nobody has said what an error costs, the break-even gain rests on a guess and may lie out of reach; an error
    in units of the data (euros, days, degrees) has no price of its own at all.
    """
    if answers.min_gain is not None:
        inputs: dict[str, float | None] = {"min_gain": answers.min_gain}
        return Number(answers.min_gain, formula="", inputs=inputs, provenance=answers.provenance("min_gain"))
    even, priced = numbers["acceptance.break_even_gain"], is_priced(answers, metric)
    if priced and even.value is not None:
        return even
    baseline, share = numbers["acceptance.baseline"].value, answers.min_gain_share
    amount = None if baseline is None else share * metric.error(baseline)
    part = f"{100 * share:g} % of the baseline's {'value' if metric.own and metric.method == 'mean' else 'error'}"
    key = "metric_worth" if metric.own and metric.method == "mean" else price_keys(answers, metric)[0]
    open_ = f"{key} is {'not answered' if key == 'metric_worth' else 'assumed'}"
    note = f"{open_}, so what a gain is worth is not known, and {part} stands in; or answer min_gain."
    if priced:
        note = f"{even.note} So that the rest can be planned, {part} stands in."
    inputs = {"min_gain_share": share, "baseline": baseline} | ({"break_even_gain": None} if priced else {})
    return Number(
        amount,
        inputs=inputs,
        provenance="default",
        note=note,
        words=part if amount is None else None,
    )


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
    unknown = (target.note or "Baseline or target is not known.") if gain is None else None
    if gain is not None and gain <= 0:
        gain, unknown = None, target.note
    return {
        "acceptance.target": target,
        "acceptance.gain": Number(gain, inputs=inputs, note=unknown),
    }


def _asked_target(answers: Answers, metric: Metric, baseline: float | None, minimum: float | None) -> Number:
    inputs = {"target_value": answers.target_value, "baseline": baseline, "min_gain": minimum}
    if answers.target_value is not None:
        note, remedy = _judged(answers.target_value, metric, baseline, minimum)
        provenance = answers.provenance("target_value")
        return Number(answers.target_value, formula="", inputs=inputs, provenance=provenance, note=note, remedy=remedy)
    inputs |= {"min_gain_share": answers.min_gain_share}

    def stand_in(target: float | None, note: str, remedy: str | None = None) -> Number:
        # What the page prints is what everything else is worked out from, to the last digit.
        return Number(tidy(target), inputs=inputs, provenance="default", note=note, remedy=remedy)

    if baseline is None or minimum is None:
        return stand_in(None, "Without a baseline there is nothing to add a gain to.")
    room, step = metric.gain(baseline, metric.best), answers.min_gain_share * metric.error(baseline)
    if minimum >= room:
        return stand_in(None, out_of_reach(minimum, baseline, room))
    if step <= 0:
        note = "Today's value is 0, so no share of it can stand in for a target."
        return stand_in(None, note, "Say which value is wanted with target_value.")
    if abs(baseline) + minimum + step > LIMIT:
        note = f"With a smallest useful gain of {said(minimum)} the target is a value which no project can use."
        return stand_in(None, note, "Answer a smaller min_gain, or say which value is wanted with target_value.")
    if minimum + step > (minimum + room) / 2:
        note = f"Nobody has named a target: half-way from the smallest useful gain to {metric.best:g} stands in."
        return stand_in(metric.improved(baseline, (minimum + room) / 2), note)
    part = f"{100 * answers.min_gain_share:g} % of today's {'value' if metric.best == math.inf else 'error'}"
    note = f"Nobody has named a target: today's value, the smallest useful gain and a further {part} stand in."
    return stand_in(metric.improved(baseline, minimum + step), note)


def out_of_reach(minimum: float, baseline: float, room: float) -> str:
    """That no model gains as much as the smallest useful gain."""
    return (
        f"The smallest useful gain is {said(minimum)}, but from {said(baseline)} even a perfect model gains no more "
        f"than {said(room)}."
    )


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
    room = metric.gain(baseline, metric.best)
    if minimum > room:
        return out_of_reach(minimum, baseline, room), None
    if gain <= minimum:
        note = f"The target gains {said(gain)}, which is not more than the smallest useful gain of {said(minimum)}."
        return note, f"Raise the ambition in target_value, or answer a smaller min_gain. {CHEAPER}"
    return None, None


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].rstrip(".") + "."
