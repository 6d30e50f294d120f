"""How many rows each segment needs to show that it does not get worse: slices.*"""

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance.comparison import compared, count_of, effect, unit_share, unknown
from mlscaffold.planning.acceptance.margin import allowed_loss
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.number import Number, Numbers

WIDER_SLICE = "Allow a larger slice_margin."


def slices(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `slices.`: rows each segment needs to show that it does not get worse by the margin.

    All segments have to pass, so each is tested at the whole alpha of a look (an intersection-union test).
    """
    comparison, _ = compared(answers, metric, numbers)
    count, allowed = len(answers.segments), allowed_loss(answers, metric, numbers, "slice_margin")
    margin = allowed.value
    alpha = numbers["test.alpha_per_look"].value if count else None
    gain, power = numbers["acceptance.gain"].value, numbers["acceptance.power"].value
    inputs = {"gain": gain, "slice_margin": margin, "alpha": alpha, "power": power}
    inputs["discordance"] = numbers["test.discordance"].value
    none = "No segments are named." if not count else None
    units: float | None = None
    if comparison and alpha and gain is not None and margin is not None and gain > -margin:
        units = comparison.units(gain, -margin, alpha, power)
    elif not none:
        none = unknown(metric, numbers)
    rows = None if units is None else units / unit_share(answers, metric) * effect(answers, metric)
    return {
        "slices.count": Number(count, inputs={"segments": list(answers.segments)}),
        "slices.margin": allowed,
        "slices.alpha": Number(
            alpha,
            inputs={"alpha_per_look": numbers["test.alpha_per_look"].value},
            note=none if not count else None,
        ),
        "slices.units_each": count_of(
            units, metric.counted_on, formula=metric.formula, inputs=inputs, note=none, remedy=WIDER_SLICE
        ),
        "slices.rows_each": count_of(rows, "rows", inputs=inputs, note=none, remedy=WIDER_SLICE),
    }
