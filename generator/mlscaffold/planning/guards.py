"""How many rows show that nothing got worse: in a segment (slices.*), and after retraining (promotion.*)."""

from mlscaffold.answers import Answers
from mlscaffold.planning import samples
from mlscaffold.planning.metrics import Metric
from mlscaffold.planning.number import Number, Numbers, said
from mlscaffold.planning.sizes import compare, compared, count_of, effect, unit_share, unknown

WIDER_SLICE = "Allow a larger slice_margin."
WIDER = "Allow a larger promotion_margin."


def slices(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `slices.`: rows each segment needs to show that it does not get worse by the margin."""
    comparison, _ = compared(answers, metric, numbers)
    count, allowed = len(answers.segments), _margin(answers, metric, numbers, "slice_margin")
    margin = allowed.value
    alpha = numbers["test.alpha_per_look"].value / count if count else None
    gain, power = numbers["acceptance.gain"].value, numbers["acceptance.power"].value
    inputs = {"gain": gain, "slice_margin": margin, "alpha": alpha, "power": power}
    inputs["discordance"] = numbers["test.discordance"].value
    none = "No segments are named." if not count else None
    units: float | None = None
    if comparison and alpha and gain is not None and margin is not None and gain > -margin:
        units = comparison.units(gain, -margin, alpha, power)
    elif not none:
        none = metric.unplanned or numbers["acceptance.target"].note or unknown(metric)
    rows = None if units is None else units / unit_share(answers, metric) * effect(answers, metric)
    return {
        "slices.count": Number(count, inputs={"segments": list(answers.segments)}),
        "slices.margin": allowed,
        "slices.alpha": Number(
            alpha,
            inputs={"alpha_per_look": numbers["test.alpha_per_look"].value, "segments": count},
            note=none if not count else None,
        ),
        "slices.units_each": count_of(
            units, metric.counted_on, formula=metric.formula, inputs=inputs, note=none, remedy=WIDER_SLICE
        ),
        "slices.rows_each": count_of(rows, "rows", inputs=inputs, note=none, remedy=WIDER_SLICE),
    }


def promotion(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `promotion.`: what it takes to show that a retrained model is not worse by the margin."""
    alpha, power = numbers["acceptance.alpha"].value, numbers["acceptance.power"].value
    target, baseline = numbers["acceptance.target"].value, numbers["acceptance.baseline"].value
    level = target if target is not None else baseline
    allowed, discordance = _margin(answers, metric, numbers, "promotion_margin"), answers.promotion_discordance
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


def _margin(answers: Answers, metric: Metric, numbers: Numbers, key: str) -> Number:
    """The allowed loss in units of the metric; for errors without an upper limit, a share of today's value."""
    given, baseline = answers[key], numbers["acceptance.baseline"].value
    if metric.high == 1:
        return Number(given, inputs={key: given}, provenance=answers.origin_of(key))
    inputs = {key: given, "baseline": baseline}
    if metric.own and not baseline:  # nothing earned today: then the target is the scale
        baseline = numbers["acceptance.target"].value
        inputs["target"] = baseline
    if not baseline:
        return Number(None, inputs=inputs, note="It is a share of today's value, which is not known.")
    return Number(given * abs(baseline), inputs=inputs, note=f"{said(given)} of today's value.")
