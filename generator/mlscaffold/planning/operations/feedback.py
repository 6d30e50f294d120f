"""Right answers that come back after release, and the weekly audit that fills in for them (F24): feedback.*"""

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance import labels
from mlscaffold.planning.formulas import samples, stats
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.number import Number, Numbers
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
