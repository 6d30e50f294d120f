"""How a version comes into use: shadow, canary, and the bounds that may end it sooner (F03, F22, F28): rollout.*"""

import math
from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.formulas import reliability, samples, signals
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.number import Number, Numbers, said
from mlscaffold.planning.operations.model_quality import Quality, inside, unknown

LONGEST_CANARY = 180  # days; beyond, it has no verdict that anybody waits for
AT_THIS_VOLUME = "cannot be shown at this volume"
MOST_SAID = 36500  # days; a longer time is told as endless
MOST_CANARY_DAYS = 20  # a canary that takes longer has a remark


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
    given = {**inputs, "rows_a_day": a_day}
    if days is not None and days > LONGEST_CANARY:
        why, days = _not_shown(days, answers, quality), None
    slow = "Long for a canary: raise canary_share, or stop by the sequential bounds."
    note = why or (slow if days and days > MOST_CANARY_DAYS else None)
    return {
        "rollout.canary_share": Number(
            share, inputs={"canary_share": share}, provenance=answers.provenance("canary_share")
        ),
        "rollout.canary_rows": Number(rows, inputs=inputs, note=why),
        "rollout.canary_days": Number(days, inputs=given, note=note),
        "rollout.verdict_days": Number(
            None if days is None else days + quality.delay,
            inputs={"canary_days": days, "label_delay_days": quality.delay},
            note=note,
        ),
    }


def _not_shown(days: float, answers: Answers, quality: Quality) -> str:
    """Why the canary gives no verdict, and what tells more."""
    if not quality.rows_a_day:
        return f"No label comes back, so no canary can tell a good version from a bad one: that {AT_THIS_VOLUME}."
    took = "without end" if days > MOST_SAID else f"{said(math.ceil(days))} days"
    return (
        f"A canary on {said(answers.canary_share)} of the traffic takes {took} to tell target from floor: that "
        f"{AT_THIS_VOLUME}. The shadow run, the fallback and the rollback drill guard the release instead."
    )


def canary_rows(quality: Quality, alpha: float, power: float, share: float) -> int:
    """F03. Labelled rows of a canary with `share` of the traffic that tell target from floor; F08 for mean losses."""
    target, floor = float(quality.target or 0.0), float(quality.floor or 0.0)
    if quality.is_rate:
        return whole(signals.canary_rows(inside(floor), inside(target), alpha, power, share))
    one_mean = samples.mean_rows(quality.loss_drop, float(quality.spread or 0.0), alpha / 2, power)
    return whole(one_mean / (1 - share))
