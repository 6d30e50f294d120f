"""How many rows show that a retrained model is not worse: promotion.*"""

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance.comparison import compare, count_of, unit_share
from mlscaffold.planning.acceptance.margin import allowed_loss
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.formulas import samples
from mlscaffold.planning.number import Numbers

WIDER = "Allow a larger promotion_margin."


def promotion(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `promotion.`: what it takes to show that a retrained model is not worse by the margin."""
    alpha, power = numbers["acceptance.alpha"].value, numbers["acceptance.power"].value
    target, baseline = numbers["acceptance.target"].value, numbers["acceptance.baseline"].value
    level = target if target is not None else baseline
    allowed, discordance = allowed_loss(answers, metric, numbers, "promotion_margin"), answers.promotion_discordance
    margin = allowed.value
    inputs = {"promotion_margin": margin, "alpha": alpha, "power": power}
    why, units = None, None
    if metric.method == "share":
        inputs["promotion_discordance"] = discordance
        units = samples.margin_rows(0, discordance, margin, alpha, power)
    elif metric.unplanned:
        why = metric.unplanned
    elif level is None or margin is None:
        why = "Neither the baseline nor the target is known, so nothing tells how much the losses spread."
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
