"""The plan's numbers for the time after release: monitor.*, feedback.*, retrain.* and rollout.* of an ML repository."""

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, value_of
from mlscaffold.planning.operations import drift, feedback, model_quality, retraining, rollout
from mlscaffold.planning.operations.model_quality import Quality


def kept(answers: Answers, earlier: Numbers) -> Numbers:
    """What keeps a model good, and what that takes: the quality floor, labels that come back, retraining."""
    state, alpha, power = _state(answers, earlier)
    numbers = model_quality.decay(answers, state, alpha, power) | feedback.feedback(answers, state)
    return numbers | retraining.retraining(answers, state, value_of(numbers, "monitor.delay_days"))


def signals_and_release(answers: Answers, earlier: Numbers) -> Numbers:
    """What is watched without labels, and how a version comes into use."""
    state, alpha, power = _state(answers, earlier)
    return drift.drift(answers, power) | rollout.rollout(answers, state, alpha, power)


def _state(answers: Answers, earlier: Numbers) -> tuple[Quality, float, float]:
    """The quality that `earlier` plans (acceptance.{baseline, target, min_gain}), with alpha and power."""
    quality = model_quality.quality_of(answers, earlier)
    return quality, float(value_of(earlier, "acceptance.alpha")), float(value_of(earlier, "acceptance.power"))
