"""How many rows show that a retrained model is not worse: promotion.*"""

from dataclasses import replace

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance.comparison import compare, count_of, unit_share
from mlscaffold.planning.acceptance.margin import allowed_loss
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.formulas import samples
from mlscaffold.planning.number import Number, Numbers, said

MOST = 0.05  # nobody looks again before a retrained model answers, so a cosmetic error is no reason for a larger risk
WIDER = "Allow a larger promotion_margin."


def promotion(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `promotion.`: what it takes to show that a retrained model is not worse by the margin."""
    risk, power = numbers["acceptance.alpha"].value, numbers["acceptance.power"].value
    alpha = min(risk, MOST)
    target, baseline = numbers["acceptance.target"].value, numbers["acceptance.baseline"].value
    level = target if target is not None else baseline
    allowed, discordance = _within_the_gain(answers, metric, numbers), answers.promotion_discordance
    margin = allowed.value
    inputs = {"promotion_margin": margin, "alpha": alpha, "power": power}
    why, units = None, None
    if metric.method == "share":
        inputs["promotion_discordance"] = discordance
        units = samples.margin_rows(0, discordance, margin, alpha, power)
    elif metric.unplanned:
        why = metric.unplanned
    elif level is None or margin is None:
        unknown = "Neither the baseline nor the target is known, so nothing tells how much the losses spread."
        why = allowed.note if margin is None and level is not None else unknown
    else:
        units = compare(answers, metric, level, None).units(0, -margin, alpha, power)
    stream = None if units is None else units / unit_share(answers, metric)
    share = discordance if metric.method == "share" else 1.0
    every = None if metric.method == "share" else "Every row counts in a mean, so every row needs its label."
    mixed = None
    if metric.counted_on in ("positives", "flagged rows") and metric.method == "share":
        mixed = f"On all rows, if the models differ as often there; the {metric.counted_on} among them decide."
    return {
        "promotion.margin": allowed,
        "promotion.alpha": Number(alpha, formula="tier", inputs={"alpha": risk, "most": MOST}),
        "promotion.rows": count_of(
            units, metric.counted_on, formula=metric.formula, inputs=inputs, note=why, remedy=WIDER
        ),
        "promotion.labels": count_of(
            None if units is None else units * share,
            metric.counted_on,
            formula=metric.formula,
            inputs=inputs,
            note=why or every,
            remedy=WIDER,
        ),
        "promotion.stream_rows": count_of(stream, "rows", inputs=inputs, note=why, remedy=WIDER),
        "promotion.stream_labels": count_of(
            None if stream is None else stream * share, "rows", inputs=inputs, note=why or mixed, remedy=WIDER
        ),
    }


def _within_the_gain(answers: Answers, metric: Metric, numbers: Numbers) -> Number:
    """The loss a promotion may cost: as answered, and never more than the gain that acceptance asks for."""
    allowed, minimum = allowed_loss(answers, metric, numbers, "promotion_margin"), numbers["acceptance.min_gain"].value
    if allowed.value is None or not minimum or allowed.value <= minimum:
        return allowed
    note = f"Not the {said(allowed.value)} of promotion_margin: one promotion could lose more than the gain asked for."
    return replace(
        allowed, value=minimum, provenance="computed", note=note, inputs={**allowed.inputs, "min_gain": minimum}
    )
