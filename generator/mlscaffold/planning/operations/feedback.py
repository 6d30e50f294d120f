"""Right answers that come back after release, and the weekly audit that fills in for them (F24): feedback.*"""

import math

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance import labels
from mlscaffold.planning.formulas import payback, samples, stats
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.number import Number, Numbers, said
from mlscaffold.planning.operations.model_quality import Quality, inside, unknown


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
    """The weekly audit: rows behind the metric, predictions that hold them, and the hours it takes to label them.

    A week holds no more rows than its predictions; where they do not suffice, all of them are looked at.
    """
    week, margin = 7 * answers.daily_volume, _margin(answers, quality)
    asked = audit_rows(quality, margin.value)
    enough = asked is None or whole(asked / quality.share) <= week
    audit = None if asked is None else min(whole(asked / quality.share), week)
    behind = asked if enough else max(1, math.floor(week * quality.share))
    minutes = answers.label_minutes if answers.label_source in labels.PEOPLE else 0.0
    inputs = {"value": quality.target, "audit_margin": margin.value, "share": quality.share}
    why = None if asked is not None else unknown(quality) or quality.metric.unplanned
    more = (
        None
        if enough
        else f"All {week:,} predictions of a week: ± {said(margin.value)} would take more than there are."
    )
    return {
        "feedback.audit_margin": margin,
        "feedback.audit_positives_week": Number(behind, inputs=inputs, note=why or more),
        "feedback.audit_rows_week": Number(audit, inputs=inputs | {"week": week}, note=why or more),
        "feedback.exempt_share": Number(
            None if audit is None else audit / week, inputs={"audit_rows_week": audit, "week": week}, note=why
        ),
        "feedback.audit_hours_week": Number(
            None if audit is None else audit * minutes / 60,
            inputs={"audit_rows_week": audit, "label_minutes": answers.label_minutes},
            note=why,
        ),
    }


def told_apart(quality: Quality) -> float:
    """The way from target to floor as an audit's margin counts it: in points of a score, or as a share of a loss."""
    is_score = quality.metric.better == "higher" and quality.metric.high == 1
    return quality.drop if is_score or not quality.target else quality.drop / abs(quality.target)


def coarsest(quality: Quality) -> float:
    """The widest margin of a weekly audit at which those of a month, taken together, tell the target from the floor."""
    return told_apart(quality) * math.sqrt(payback.MONTH / 7)


def _margin(answers: Answers, quality: Quality) -> Number:
    """The answer; while it is a default, fine enough for the audits of a month to tell the target from the floor."""
    given, way = answers.audit_margin, coarsest(quality)
    if answers.provenance("audit_margin") == "default" and 0 < way < given:
        note = "As fine as it takes for the audits of a month to tell the target from the floor."
        return Number(way, inputs={"audit_margin": given, "target": quality.target, "floor": quality.floor}, note=note)
    return Number(given, formula="", inputs={"audit_margin": given}, provenance=answers.provenance("audit_margin"))


def audit_rows(quality: Quality, margin: float) -> int | None:
    """F24. Rows behind the metric for an interval of ± margin (for a loss: ± margin times its value)."""
    if quality.target is None or quality.spread is None:
        return None
    if quality.metric.better == "higher" and quality.metric.high == 1:
        return samples.proportion_rows(inside(quality.target), margin)
    scale = quality.target**2 if quality.metric.known == "rmse" else abs(quality.target)
    return max(1, whole((stats.z(0.975) * quality.spread / (margin * scale)) ** 2)) if scale > 0 else 1
