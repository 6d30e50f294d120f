"""What a retraining costs, what waiting for it costs, and how often it pays (F23): retrain.*"""

import math
from dataclasses import dataclass

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance.worth import unit_worth
from mlscaffold.planning.formulas import payback, signals
from mlscaffold.planning.number import Number, Numbers, said
from mlscaffold.planning.operations.model_quality import Quality, unknown

LONGEST = 3650  # days; nobody plans a retraining ten years ahead
SELDOM = "Waiting costs so little that no retraining pays within ten years."
STAYS = "Within ten years it does not fall to the floor, so no retraining is forced."
UNSEEN = "A fall to the floor is never seen, so it cannot be kept above it."
OUTRUN = "It cannot be kept above the floor: decay has used up the way down before the fall is seen."
DECAY_A_MONTH = {"stable": 0.001, "seasonal": 0.005, "fast": 0.02, "adversarial": 0.05}


@dataclass(frozen=True)
class Ageing:
    """What a retraining costs and what waiting for it costs; None where the target is not known."""

    cost: float  # of one retraining
    a_month: float  # share of the metric that is lost
    a_day: float | None  # of the metric, in its own unit
    worth: float  # of one unit of the metric, a prediction
    rate: float | None  # by how much each day of waiting costs more than the day before
    interval: float | None  # days between retrainings that cost least; inf where nothing is lost
    cap: float | None  # greatest age in days before the floor may be reached; inf likewise

    @property
    def limit(self) -> float | None:
        """The greatest age as a limit to hold; None where there is none, or less than a day of it."""
        days = _finite(self.cap)
        return days if days is not None and days >= 1 else None

    @property
    def soonest(self) -> float | None:
        """The smaller of interval and greatest age; None where both are unknown or without end."""
        known = (_finite(self.interval), self.limit)
        return min((days for days in known if days is not None), default=None)


def retraining(answers: Answers, quality: Quality, delay: float | None) -> Numbers:
    """Everything under `retrain.`; `delay` is how many days pass before a fall to the floor is seen."""
    ageing = _ageing(answers, quality, delay)
    return _losses(answers, quality, ageing) | _intervals(quality, ageing, delay)


def _ageing(answers: Answers, quality: Quality, delay: float | None) -> Ageing:
    cost = answers.retrain_cost if answers.retrain_cost is not None else 2 * answers.day_rate
    a_month = answers.decay_per_month if answers.decay_per_month is not None else DECAY_A_MONTH[answers.change_rate]
    worth = unit_worth(answers, quality.metric).amount
    if quality.target is None:
        return Ageing(cost, a_month, None, worth, None, None, None)
    a_day = a_month * abs(quality.target) / payback.MONTH
    rate = a_day * answers.daily_volume * worth
    cap = None
    if quality.drop > 0 and delay is not None:
        cap = signals.retrain_cap(quality.drop, a_day, delay)
    return Ageing(cost, a_month, a_day, worth, rate, signals.retrain_interval(cost, rate), cap)


def _losses(answers: Answers, quality: Quality, ageing: Ageing) -> Numbers:
    """What one retraining costs, and what is lost without it."""
    answered = answers.retrain_cost is not None
    why = unknown(quality) if ageing.a_day is None else None
    slope = "default" if answers.decay_per_month is None else "computed"
    return {
        "retrain.cost": Number(
            ageing.cost,
            inputs={"retrain_cost": answers.retrain_cost, "day_rate": answers.day_rate},
            provenance="answered" if answered else "computed",
            note=None if answered else "Taken as two person-days.",
        ),
        "retrain.decay_day": Number(
            ageing.a_day,
            inputs={"decay_per_month": ageing.a_month, "target": quality.target},
            provenance=slope,
            note=why
            if ageing.a_day is None
            else "A guess until the slope has been measured in operation; then replan.",
        ),
        "retrain.decay_month": Number(
            None if ageing.a_day is None else ageing.a_day * payback.MONTH,
            inputs={"decay_day": ageing.a_day},
            provenance=slope,
            note=why,
        ),
        "retrain.unit_value": Number(ageing.worth, inputs={"metric": quality.metric.key}),
        "retrain.cost_rate": Number(
            ageing.rate,
            inputs={"decay_day": ageing.a_day, "daily_volume": answers.daily_volume, "unit_value": ageing.worth},
            note=why,
        ),
    }


def _intervals(quality: Quality, ageing: Ageing, delay: float | None) -> Numbers:
    """How often to retrain: what costs least, what the floor allows, and the days between retrainings that follow."""
    interval, cap, why = ageing.interval, ageing.cap, unknown(quality)
    idle = _steady(interval) or (SELDOM if interval is not None and interval > LONGEST else None)
    outrun = OUTRUN if cap is not None and ageing.limit is None and math.isfinite(cap) else None
    return {
        "retrain.interval_days": Number(
            None if idle else _finite(interval),
            inputs={"retrain_cost": ageing.cost, "cost_rate": ageing.rate},
            note=why if interval is None else idle,
        ),
        "retrain.cap_days": Number(
            ageing.limit if ageing.limit is None or ageing.limit <= LONGEST else None,
            inputs={"headroom": quality.drop, "decay_day": ageing.a_day, "delay_days": delay},
            note=why or UNSEEN if cap in (None, -math.inf) else _steady(cap) or outrun or _stays(cap),
        ),
        "retrain.every_days": _every(ageing, delay, why),
        "retrain.new_rows_trigger": Number(None, note="Needs the measured learning curve of gate G1.10."),
    }


def _every(ageing: Ageing, delay: float | None, why: str | None) -> Number:
    """The sooner of interval and greatest age in whole days, but never before labels can say how the last one did."""
    soonest, verdict = ageing.soonest, _finite(delay)
    inputs = {"interval_days": _finite(ageing.interval), "cap_days": ageing.limit, "delay_days": verdict}
    if soonest is None:
        return Number(None, inputs=inputs, note=why or _steady(ageing.interval))
    pays = max(1, math.floor(soonest))
    if verdict is not None and pays < verdict <= LONGEST:
        note = (
            f"It would pay every {said(pays)} days, but labels need {said(math.ceil(verdict))} "
            "days to tell how good the last model is."
        )
        return Number(math.ceil(verdict), inputs=inputs, note=note)
    if soonest > LONGEST:
        return Number(None, inputs=inputs, note=SELDOM)
    return Number(pays, inputs=inputs)


def _finite(days: float | None) -> float | None:
    return days if days is not None and math.isfinite(days) else None


def _stays(cap: float | None) -> str | None:
    return STAYS if cap is not None and cap > LONGEST else None


def _steady(days: float | None) -> str | None:
    """Why there is no limit of days, where there is none."""
    return "Nothing is lost by waiting: decay_per_month or the cost of errors is 0." if days == math.inf else None
