"""What a model takes a year once it is in use, in one account: running, retraining, checking, labelling: upkeep.*"""

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance import labels
from mlscaffold.planning.number import Number, Numbers

HOURS_A_DAY = 8  # of a person-day
WEEKS_A_YEAR = 52
DAYS_A_YEAR = 365


def yearly_cost(answers: Answers, numbers: Numbers) -> Numbers:
    """Everything under `upkeep.`, in the currency of the answers; `numbers` holds retrain.*, feedback.*, promotion.*.

    The running budget is taken as spent; the people who retrain, check and label come on top of it.
    """
    run = numbers["acceptance.run_cost_year"].value
    hour = answers.day_rate / HOURS_A_DAY
    parts: Numbers = {
        "upkeep.retraining": _retraining(numbers),
        "upkeep.checking": _checking(numbers, hour, answers.day_rate),
        "upkeep.labelling": _labelling(answers, numbers, hour),
    }
    inputs = {"run_cost_year": run} | {key.partition(".")[2]: part.value for key, part in parts.items()}
    return parts | {"upkeep.total": Number(sum(inputs.values()), inputs=inputs)}


def _retrainings(numbers: Numbers) -> float:
    """Planned retrainings a year; none where no interval is planned."""
    every = numbers["retrain.every_days"].value
    return DAYS_A_YEAR / every if every else 0.0


def _retraining(numbers: Numbers) -> Number:
    cost, a_year = numbers["retrain.cost"].value, _retrainings(numbers)
    inputs = {"cost": cost, "every_days": numbers["retrain.every_days"].value}
    return Number(cost * a_year, inputs=inputs, note=None if a_year else "No interval is planned, so none is counted.")


def _checking(numbers: Numbers, hour: float, day_rate: float) -> Number:
    hours = numbers["feedback.audit_hours_week"].value
    inputs = {"audit_hours_week": hours, "day_rate": day_rate}
    none = "No weekly audit by people is planned, so none is counted." if not hours else None
    return Number((hours or 0.0) * WEEKS_A_YEAR * hour, inputs=inputs, note=none)


def _labelling(answers: Answers, numbers: Numbers, hour: float) -> Number:
    """The labels that each retraining buys, to show that it is not worse than the champion."""
    rows, a_year = numbers["promotion.stream_labels"].value, _retrainings(numbers)
    inputs = {"stream_labels": rows, "every_days": numbers["retrain.every_days"].value}
    if answers.label_source not in labels.PEOPLE:
        return Number(0.0, inputs=inputs | {"label_source": answers.label_source}, note="Nobody labels by hand.")
    inputs |= {"label_minutes": answers.label_minutes, "day_rate": answers.day_rate}
    amount = (rows or 0) * a_year * answers.label_minutes / 60 * hour
    return Number(amount, inputs=inputs, note=None if amount else "No retraining buys labels, so none are counted.")
