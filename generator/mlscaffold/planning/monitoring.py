"""The plan's numbers for the time after release: monitor.*, feedback.*, retrain.* and rollout.* of an ML repository."""

from mlscaffold.answers import Answers
from mlscaffold.planning import drift, quality, upkeep
from mlscaffold.planning.number import Numbers, value_of


def monitoring(answers: Answers, earlier: Numbers) -> Numbers:
    """All numbers of docs/04; `earlier` holds acceptance.{baseline, target, min_gain, alpha, power}."""
    state = quality.quality_of(answers, earlier)
    alpha, power = float(value_of(earlier, "acceptance.alpha")), float(value_of(earlier, "acceptance.power"))
    numbers = drift.drift(answers, power) | quality.decay(answers, state, alpha, power)
    numbers |= upkeep.feedback(answers, state)
    numbers |= upkeep.retraining(answers, state, value_of(numbers, "monitor.delay_days"))
    return numbers | upkeep.rollout(answers, state, alpha, power)
