"""The plan's numbers for the time after release: monitor.*, feedback.*, retrain.* and rollout.* of an ML repository."""

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, value_of
from mlscaffold.planning.operations import drift, feedback, model_quality, retraining, rollout


def monitoring(answers: Answers, earlier: Numbers) -> Numbers:
    """All numbers of docs/04; `earlier` holds acceptance.{baseline, target, min_gain, alpha, power}."""
    state = model_quality.quality_of(answers, earlier)
    alpha, power = float(value_of(earlier, "acceptance.alpha")), float(value_of(earlier, "acceptance.power"))
    numbers = drift.drift(answers, power) | model_quality.decay(answers, state, alpha, power)
    numbers |= feedback.feedback(answers, state)
    numbers |= retraining.retraining(answers, state, value_of(numbers, "monitor.delay_days"))
    return numbers | rollout.rollout(answers, state, alpha, power)
