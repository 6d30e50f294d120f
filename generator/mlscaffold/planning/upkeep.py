"""What keeps a released model good: feedback, retraining and rollout (F03, F22 to F24, F28)."""

import math

from mlscaffold.answers import Answers
from mlscaffold.planning import labels, samples, signals, stats, value
from mlscaffold.planning.number import Number, Numbers, whole
from mlscaffold.planning.quality import Quality, inside, unknown

DECAY_A_MONTH = {"stable": 0.001, "seasonal": 0.005, "fast": 0.02, "adversarial": 0.05}


def feedback(answers: Answers, quality: Quality) -> Numbers:
    """Everything under `feedback.`: right answers that come back, and the weekly audit that fills in for them."""
    returned = answers.daily_volume * answers.label_return_share
    width = answers.audit_margin
    behind = audit_rows(quality, width)
    audit = None if behind is None else whole(behind / quality.share)
    week = 7 * answers.daily_volume
    given = {"value": quality.target, "audit_margin": width, "share": quality.share}
    why = None if behind is not None else unknown(quality) or quality.metric.unplanned
    more = f"More than the {week:,} predictions of a week: label them all, or accept a wider interval."
    note = more if audit is not None and audit > week else why
    return {
        "feedback.labels_day": Number(
            returned,
            "labels a day",
            "F20",
            {"daily_volume": answers.daily_volume, "label_return_share": answers.label_return_share},
            "Right answers that should come back a day",
        ),
        "feedback.minimum_day": Number(
            0.8 * returned,
            "labels a day",
            "",
            {"labels_day": returned},
            "Labels a day below which quality counts as unknown (four fifths of the plan)",
        ),
        "feedback.audit_positives_week": Number(
            behind, "rows", "F01", given, "Rows behind the metric that a weekly audit needs", note=why
        ),
        "feedback.audit_rows_week": Number(
            audit,
            "rows",
            "F24",
            given,
            "Random predictions to label a week, to know the metric to the margin",
            note=note,
        ),
        "feedback.exempt_share": Number(
            None if audit is None else min(1.0, audit / week),
            "",
            "F24",
            {"audit_rows_week": audit, "week": week},
            "Share of predictions that must not act on their own outcome, so that the audit stays honest",
            note=why,
        ),
        "feedback.audit_hours_week": Number(
            None
            if audit is None
            else min(audit, week) * (answers.label_minutes if answers.label_source in labels.PEOPLE else 0.0) / 60,
            "hours",
            "F15",
            {"rows": audit, "label_minutes": answers.label_minutes},
            "Hours of labelling a week that the audit takes",
            note=why,
        ),
    }


def audit_rows(quality: Quality, margin: float) -> int | None:
    """F24. Rows behind the metric for an interval of ± margin (for a loss: ± margin times its value)."""
    if quality.target is None or quality.spread is None:
        return None
    if quality.metric.better == "higher" and quality.metric.high == 1:
        return samples.proportion_rows(inside(quality.target), margin)
    scale = quality.target**2 if quality.metric.key == "rmse" else abs(quality.target)
    return max(1, whole((stats.z(0.975) * quality.spread / (margin * scale)) ** 2)) if scale > 0 else 1


def retraining(answers: Answers, quality: Quality, delay: float | None) -> Numbers:
    """Everything under `retrain.`; `delay` is how many days pass before a fall to the floor is seen."""
    cost = answers.retrain_cost if answers.retrain_cost is not None else 2 * answers.day_rate
    monthly = answers.decay_per_month if answers.decay_per_month is not None else DECAY_A_MONTH[answers.change_rate]
    decay = None if quality.target is None else monthly * abs(quality.target) / value.MONTH
    unit = value.unit_worth(answers, quality.metric).amount
    rate = None if decay is None else decay * answers.daily_volume * unit
    interval = None if rate is None else signals.retrain_interval(cost, rate)
    cap = None
    if decay is not None and quality.drop > 0 and delay is not None:
        cap = max(0.0, signals.retrain_cap(quality.drop, decay, delay))  # a limit of fewer days than none is none
    soonest = min((days for days in (interval, cap) if days is not None and math.isfinite(days)), default=None)
    why = unknown(quality)
    steady = "Nothing is lost by waiting: decay_per_month or the cost of errors is 0."
    late = "The floor is reached before the fall is seen."
    return {
        "retrain.cost": Number(
            cost,
            answers.currency,
            "",
            {"retrain_cost": answers.retrain_cost, "day_rate": answers.day_rate},
            "Cost of one retraining",
            provenance="computed" if answers.retrain_cost is None else "answered",
            note="Taken as two person-days." if answers.retrain_cost is None else None,
        ),
        "retrain.decay_day": Number(
            decay,
            f"{quality.metric.title} a day",
            "F23",
            {"decay_per_month": monthly, "target": quality.target},
            "Loss of the metric a day without retraining",
            provenance="default" if answers.decay_per_month is None else "computed",
            note=why if decay is None else "A guess until the slope has been measured in operation; then replan.",
        ),
        "retrain.decay_month": Number(
            None if decay is None else decay * value.MONTH,
            quality.metric.title,
            "F23",
            {"decay_day": decay},
            "Loss of the metric a month without retraining",
            provenance="default" if answers.decay_per_month is None else "computed",
            note=why if decay is None else None,
        ),
        "retrain.unit_value": Number(
            unit,
            answers.currency,
            "F12",
            {"metric": quality.metric.key},
            "Money one unit of the metric is worth, a prediction",
        ),
        "retrain.cost_rate": Number(
            rate,
            f"{answers.currency} a day, each day",
            "F23",
            {"decay_day": decay, "daily_volume": answers.daily_volume, "unit_value": unit},
            "By how much each day of waiting costs more than the day before",
            note=why if rate is None else None,
        ),
        "retrain.interval_days": Number(
            _finite(interval),
            "days",
            "F23",
            {"retrain_cost": cost, "cost_rate": rate},
            "Days between retrainings that cost least",
            note=why if interval is None else _said(interval, steady),
        ),
        "retrain.cap_days": Number(
            _finite(cap),
            "days",
            "F23",
            {"headroom": quality.drop, "decay_day": decay, "delay_days": delay},
            "Greatest age of a model before it may have fallen to the floor",
            note=why if cap is None else _said(cap, steady) or (late if cap <= 0 else None),
            remedy="Shorten label_delay_days or return more labels: decay outruns its detection."
            if cap is not None and cap <= 0
            else None,
        ),
        "retrain.every_days": Number(
            None if soonest is None else max(1, math.floor(soonest)),
            "days",
            "F23",
            {"interval_days": _finite(interval), "cap_days": _finite(cap)},
            "Days between planned retrainings",
            note=why if soonest is None and why else _said(interval, steady),
        ),
        "retrain.new_rows_trigger": Number(
            None,
            "rows",
            "F14",
            {},
            "New rows that promise a gain worth a retraining",
            note="Needs the measured learning curve of gate G1.10.",
        ),
    }


def _finite(days: float | None) -> float | None:
    return days if days is not None and math.isfinite(days) else None


def _said(days: float | None, steady: str) -> str | None:
    return steady if days == math.inf else None


def rollout(answers: Answers, quality: Quality, alpha: float, power: float) -> Numbers:
    """Everything under `rollout.`: shadow, canary, and the sequential bounds that may end it sooner."""
    share = answers.canary_share
    a_day = quality.rows_a_day * share
    rows = days = None
    test = None
    if quality.target is not None and quality.floor is not None and quality.drop > 0 and share < 1:
        if not quality.metric.unplanned:
            rows = canary_rows(quality, alpha, power, share)
            days = signals.detection_days(rows, a_day, 0.0)
        if quality.is_rate:
            test = signals.sprt(1 - inside(quality.target), 1 - inside(quality.floor), alpha, power)
    shadow = whole(math.log(0.05) / math.log(0.99))
    why = unknown(quality) or ("canary_share 1 leaves nothing to compare with." if share >= 1 else None)
    slow = (
        "Too long for a canary: raise canary_share, or stop by the sequential bounds." if days and days > 20 else None
    )
    given = {"target": quality.target, "floor": quality.floor, "alpha": alpha, "power": power, "canary_share": share}
    early = {
        f"rollout.{name}_days": Number(
            signals.detection_days(getattr(test, f"rows_{name}"), a_day, quality.delay) if test else None,
            "days",
            "F22",
            given | {"rows_a_day": a_day, "label_delay_days": quality.delay},
            text,
            note=why or (None if test else "Needs a metric that counts right rows."),
        )
        for name, text in (
            ("healthy", "Days to a sequential verdict, label delay included, if the new model is as good as promised"),
            ("decayed", "Days to a sequential verdict, label delay included, if the new model is at the floor"),
        )
    }
    bounds = {
        f"rollout.{name}": Number(
            getattr(test, name) if test else None,
            "log odds",
            "F22",
            given,
            text,
            note=why or (None if test else "Needs a metric that counts right rows."),
        )
        for name, text in (
            ("upper", "Sum at which the canary is stopped: the new model is at the floor"),
            ("lower", "Sum at which the canary goes on: the new model is as good as promised"),
        )
    }
    return (
        early
        | bounds
        | {
            "rollout.shadow_rows": Number(
                shadow,
                "rows",
                "F28",
                {"bound": 0.01, "confidence": 0.95},
                "Rows through both code paths without one mismatch, to bound mismatches below 1 %",
            ),
            "rollout.shadow_days": Number(
                math.ceil(shadow / answers.daily_volume),
                "days",
                "F28",
                {"daily_volume": answers.daily_volume},
                "Days of shadow traffic that hold these rows",
            ),
            "rollout.canary_share": Number(
                share,
                "",
                "",
                {"canary_share": share},
                "Share of traffic the new model gets first",
                provenance=answers.provenance("canary_share"),
            ),
            "rollout.canary_rows": Number(
                rows, "labelled rows", "F03", given, "Labelled rows of the canary that tell target from floor", note=why
            ),
            "rollout.canary_days": Number(
                days,
                "days",
                "F03",
                given | {"rows_a_day": a_day},
                "Days of canary that hold these rows",
                note=why or slow,
            ),
            "rollout.verdict_days": Number(
                None if days is None else days + quality.delay,
                "days",
                "F20",
                {"label_delay_days": quality.delay},
                "Days until the canary's last labels are in",
                note=why or slow,
            ),
        }
    )


def canary_rows(quality: Quality, alpha: float, power: float, share: float) -> int:
    """F03. Labelled rows of a canary with `share` of the traffic that tell target from floor; F08 for mean losses."""
    target, floor = float(quality.target or 0.0), float(quality.floor or 0.0)
    if quality.is_rate:
        return whole(signals.canary_rows(inside(floor), inside(target), alpha, power, share))
    one_mean = samples.mean_rows(quality.loss_drop, float(quality.spread or 0.0), alpha / 2, power)
    return whole(one_mean / (1 - share))
