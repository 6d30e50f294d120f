"""What keeps a released model good: feedback, retraining and rollout (F03, F22 to F24, F28)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning import labels, reliability, samples, signals, stats, value
from mlscaffold.planning.number import Number, Numbers, whole
from mlscaffold.planning.quality import Quality, inside, unknown

MOST_CANARY_DAYS = 20  # a canary that takes longer has a remark
DECAY_A_MONTH = {"stable": 0.001, "seasonal": 0.005, "fast": 0.02, "adversarial": 0.05}


def feedback(answers: Answers, quality: Quality) -> Numbers:
    """Everything under `feedback.`: right answers that come back, and the weekly audit that fills in for them."""
    returned = answers.daily_volume * answers.label_return_share
    numbers: Numbers = {
        "feedback.labels_day": Number(
            returned, inputs={"daily_volume": answers.daily_volume, "label_return_share": answers.label_return_share}
        ),
        "feedback.minimum_day": Number(0.8 * returned, inputs={"labels_day": returned}),
    }
    return numbers | _audit(answers, quality)


def _audit(answers: Answers, quality: Quality) -> Numbers:
    """The weekly audit: rows behind the metric, predictions that hold them, and the hours it takes to label them."""
    week = 7 * answers.daily_volume
    behind = audit_rows(quality, answers.audit_margin)
    audit = None if behind is None else whole(behind / quality.share)
    minutes = answers.label_minutes if answers.label_source in labels.PEOPLE else 0.0
    inputs = {"value": quality.target, "audit_margin": answers.audit_margin, "share": quality.share}
    why = None if behind is not None else unknown(quality) or quality.metric.unplanned
    more = f"More than the {week:,} predictions of a week: label them all, or accept a wider interval."
    return {
        "feedback.audit_positives_week": Number(behind, inputs=inputs, note=why),
        "feedback.audit_rows_week": Number(
            audit, inputs=inputs, note=more if audit is not None and audit > week else why
        ),
        "feedback.exempt_share": Number(
            None if audit is None else min(1.0, audit / week), inputs={"audit_rows_week": audit, "week": week}, note=why
        ),
        "feedback.audit_hours_week": Number(
            None if audit is None else min(audit, week) * minutes / 60,
            inputs={"rows": audit, "label_minutes": answers.label_minutes},
            note=why,
        ),
    }


def audit_rows(quality: Quality, margin: float) -> int | None:
    """F24. Rows behind the metric for an interval of ± margin (for a loss: ± margin times its value)."""
    if quality.target is None or quality.spread is None:
        return None
    if quality.metric.better == "higher" and quality.metric.high == 1:
        return samples.proportion_rows(inside(quality.target), margin)
    scale = quality.target**2 if quality.metric.known == "rmse" else abs(quality.target)
    return max(1, whole((stats.z(0.975) * quality.spread / (margin * scale)) ** 2)) if scale > 0 else 1


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
    def soonest(self) -> float | None:
        """The smaller of interval and greatest age; None where both are unknown or without end."""
        known = (_finite(self.interval), _finite(self.cap))
        return min((days for days in known if days is not None), default=None)


def retraining(answers: Answers, quality: Quality, delay: float | None) -> Numbers:
    """Everything under `retrain.`; `delay` is how many days pass before a fall to the floor is seen."""
    ageing = _ageing(answers, quality, delay)
    return _losses(answers, quality, ageing) | _intervals(quality, ageing, delay)


def _ageing(answers: Answers, quality: Quality, delay: float | None) -> Ageing:
    cost = answers.retrain_cost if answers.retrain_cost is not None else 2 * answers.day_rate
    a_month = answers.decay_per_month if answers.decay_per_month is not None else DECAY_A_MONTH[answers.change_rate]
    worth = value.unit_worth(answers, quality.metric).amount
    if quality.target is None:
        return Ageing(cost, a_month, None, worth, None, None, None)
    a_day = a_month * abs(quality.target) / value.MONTH
    rate = a_day * answers.daily_volume * worth
    cap = None
    if quality.drop > 0 and delay is not None:
        cap = max(0.0, signals.retrain_cap(quality.drop, a_day, delay))  # a limit of fewer days than none is none
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
            None if ageing.a_day is None else ageing.a_day * value.MONTH,
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
    """How often to retrain: what costs least, what the floor allows, and the sooner of the two in whole days."""
    interval, cap, soonest = ageing.interval, ageing.cap, ageing.soonest
    why = unknown(quality)
    outrun = cap is not None and cap <= 0
    late = "The floor is reached before the fall is seen." if outrun else None
    mend = "Shorten label_delay_days or return more labels: decay outruns its detection." if outrun else None
    return {
        "retrain.interval_days": Number(
            _finite(interval),
            inputs={"retrain_cost": ageing.cost, "cost_rate": ageing.rate},
            note=why if interval is None else _steady(interval),
        ),
        "retrain.cap_days": Number(
            _finite(cap),
            inputs={"headroom": quality.drop, "decay_day": ageing.a_day, "delay_days": delay},
            note=why if cap is None else _steady(cap) or late,
            remedy=mend,
        ),
        "retrain.every_days": Number(
            None if soonest is None else max(1, math.floor(soonest)),
            inputs={"interval_days": _finite(interval), "cap_days": _finite(cap)},
            note=why if soonest is None and why else _steady(interval),
        ),
        "retrain.new_rows_trigger": Number(None, note="Needs the measured learning curve of gate G1.10."),
    }


def _finite(days: float | None) -> float | None:
    return days if days is not None and math.isfinite(days) else None


def _steady(days: float | None) -> str | None:
    """Why there is no limit of days, where there is none."""
    return "Nothing is lost by waiting: decay_per_month or the cost of errors is 0." if days == math.inf else None


def rollout(answers: Answers, quality: Quality, alpha: float, power: float) -> Numbers:
    """Everything under `rollout.`: shadow, canary, and the sequential bounds that may end it sooner."""
    share = answers.canary_share
    why = unknown(quality) or ("canary_share 1 leaves nothing to compare with." if share >= 1 else None)
    inputs = {"target": quality.target, "floor": quality.floor, "alpha": alpha, "power": power, "canary_share": share}
    rows, test = None, None
    if quality.target is not None and quality.floor is not None and quality.drop > 0 and share < 1:
        if not quality.metric.unplanned:
            rows = canary_rows(quality, alpha, power, share)
        if quality.is_rate:
            test = signals.sprt(1 - inside(quality.target), 1 - inside(quality.floor), alpha, power)
    sooner = _sequential(quality, test, inputs, why)
    return sooner | _shadow(answers) | _canary(answers, quality, rows, inputs, why)


def _sequential(quality: Quality, test: signals.Sprt | None, inputs: Mapping[str, Any], why: str | None) -> Numbers:
    """Days to a sequential verdict on the canary, and the sums that end it."""
    a_day = quality.rows_a_day * inputs["canary_share"]
    timed = {**inputs, "rows_a_day": a_day, "label_delay_days": quality.delay}
    none = why or (None if test else "Needs a metric that counts right rows.")

    def days(rows: float) -> float:
        return signals.detection_days(rows, a_day, quality.delay)

    return {
        "rollout.healthy_days": Number(days(test.rows_healthy) if test else None, inputs=timed, note=none),
        "rollout.decayed_days": Number(days(test.rows_decayed) if test else None, inputs=timed, note=none),
        "rollout.upper": Number(test.upper if test else None, inputs=inputs, note=none),
        "rollout.lower": Number(test.lower if test else None, inputs=inputs, note=none),
    }


def _shadow(answers: Answers) -> Numbers:
    """F28. Rows through both code paths without one mismatch, and the days that hold them."""
    bound, confidence = 0.01, 0.95
    rows = reliability.no_failures(bound, confidence)
    return {
        "rollout.shadow_rows": Number(rows, inputs={"bound": bound, "confidence": confidence}),
        "rollout.shadow_days": Number(
            math.ceil(rows / answers.daily_volume), inputs={"daily_volume": answers.daily_volume}
        ),
    }


def _canary(
    answers: Answers, quality: Quality, rows: int | None, inputs: Mapping[str, Any], why: str | None
) -> Numbers:
    """How long the canary takes to hold its labelled rows, and to have their labels."""
    share = answers.canary_share
    a_day = quality.rows_a_day * share
    days = None if rows is None else signals.detection_days(rows, a_day, 0.0)
    too_long = "Too long for a canary: raise canary_share, or stop by the sequential bounds."
    slow = too_long if days and days > MOST_CANARY_DAYS else None
    return {
        "rollout.canary_share": Number(
            share, inputs={"canary_share": share}, provenance=answers.provenance("canary_share")
        ),
        "rollout.canary_rows": Number(rows, inputs=inputs, note=why),
        "rollout.canary_days": Number(days, inputs={**inputs, "rows_a_day": a_day}, note=why or slow),
        "rollout.verdict_days": Number(
            None if days is None else days + quality.delay,
            inputs={"label_delay_days": quality.delay},
            note=why or slow,
        ),
    }


def canary_rows(quality: Quality, alpha: float, power: float, share: float) -> int:
    """F03. Labelled rows of a canary with `share` of the traffic that tell target from floor; F08 for mean losses."""
    target, floor = float(quality.target or 0.0), float(quality.floor or 0.0)
    if quality.is_rate:
        return whole(signals.canary_rows(inside(floor), inside(target), alpha, power, share))
    one_mean = samples.mean_rows(quality.loss_drop, float(quality.spread or 0.0), alpha / 2, power)
    return whole(one_mean / (1 - share))
