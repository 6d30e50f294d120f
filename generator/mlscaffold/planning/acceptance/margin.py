"""The loss that is still allowed: in a segment, and of a retrained model."""

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.number import Number, Numbers, said


def allowed_loss(answers: Answers, metric: Metric, numbers: Numbers, key: AnswerKey) -> Number:
    """The allowed loss in units of the metric; for errors without an upper limit, a share of today's value."""
    given, baseline = answers[key], numbers["acceptance.baseline"].value
    if metric.high == 1:
        return Number(given, inputs={key: given}, provenance=answers.provenance(key))
    inputs = {key: given, "baseline": baseline}
    today = baseline
    if metric.own and not baseline:  # nothing earned today: then the target is the scale
        baseline = numbers["acceptance.target"].value
        inputs["target"] = baseline
    if baseline == 0 or (baseline is None and today == 0):
        return Number(
            None, inputs=inputs, note="Today's value is 0, and no share of it is a loss that could be allowed."
        )
    if not baseline:
        return Number(None, inputs=inputs, note="It is a share of today's value, which is not known.")
    return Number(given * abs(baseline), inputs=inputs, note=f"{said(given)} of today's value.")
