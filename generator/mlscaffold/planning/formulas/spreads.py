"""How much one row's loss varies where nobody has measured it: calibrated scores (F35), the macro F1 (F36)."""

import functools
import math

from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.formulas.stats import increasing_root

STEPS = 160  # of the integral behind F35; its error at 160 is below 1e-6
REACH = 8.0  # standard deviations to each side that it runs over
LEAST_SEEN = 30  # cases of the rarest class, below which its F1 says nothing


@functools.lru_cache(maxsize=256)
def calibrated_spread(loss: str, value: float, share: float) -> float | None:
    """F35. Standard deviation of a row's log loss or Brier score ("log_loss", "brier") whose mean is `value`.

    Scores are normal with equal variance in both classes (the binormal model of F07) and calibrated: the probability
    is the class posterior, so the mean fixes how far the classes lie apart. `share` is that of the positives. None
    where no calibrated score is as bad as `value`: the constant share of positives is the worst of them.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share must lie strictly between 0 and 1, not {share:g}")
    if loss not in ("log_loss", "brier"):
        raise ValueError(f"a calibrated spread is known for log_loss and brier, not for {loss}")
    if value <= 0:
        return 0.0
    if value >= _moments(loss, 0.0, share)[0]:
        return None
    apart = increasing_root(lambda distance: value - _moments(loss, distance, share)[0], 0.0, 2.0)
    mean, square = _moments(loss, apart, share)
    return math.sqrt(max(0.0, square - mean**2))


def _moments(loss: str, distance: float, share: float) -> tuple[float, float]:
    """Mean and mean square of a row's loss where the classes' scores lie `distance` standard deviations apart."""
    prior, step = math.log(share / (1 - share)), 2 * REACH / STEPS
    mean = square = 0.0
    for i in range(STEPS + 1):
        z = -REACH + i * step
        simpson = step / 3 * (1 if i in (0, STEPS) else 4 if i % 2 else 2)
        weight = simpson * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        # Log odds of a positive, seen from a row of each class.
        of_positive = prior + distance * (z + distance / 2)
        of_negative = prior + distance * (z - distance / 2)
        for part, wrong in ((share, -of_positive), (1 - share, of_negative)):
            one = _loss(loss, wrong)
            mean += part * weight * one
            square += part * weight * one * one
    return mean, square


def _loss(loss: str, wrong: float) -> float:
    """A row's loss from the log odds of its wrong class."""
    if loss == "log_loss":
        return max(wrong, 0.0) + math.log1p(math.exp(-abs(wrong)))
    chance = 1 / (1 + math.exp(-wrong)) if wrong > -700 else 0.0
    return chance * chance


def macro_f1_spread(value: float, classes: int, rarest: float) -> float:
    """F36. Standard deviation of a row's part in a macro F1 of `value`, by the delta method.

    The rarest class makes up `rarest` of the rows, the other `classes` - 1 the rest in equal parts. Each class has
    precision and recall `value`, and as many of its rows are taken for another class as of that one's for it. A row's
    influence is the sum over the classes of (hit - F/2 (predicted + true)) / share, divided by their number.
    """
    if classes < 2 or not 0 < rarest <= 1 / classes + 1e-9:
        raise ValueError(f"{classes} classes need a rarest share above 0 and at most one in {classes}, not {rarest:g}")
    wrong, partners = 1 - value, classes - 1
    other = (1 - rarest) / partners
    from_rarest = rarest * wrong / partners  # rows of the rarest class taken for one of the others, and as many back
    between = (other * wrong - from_rarest) / (partners - 1) if partners > 1 else 0.0
    hits = value * wrong**2 * (1 / rarest + partners / other)
    missed = 2 * partners * from_rarest * (1 / rarest + 1 / other) ** 2
    missed += partners * (partners - 1) * between * (2 / other) ** 2
    return math.sqrt(hits + value**2 / 4 * missed) / classes


def rows_for_rarest(rarest: float) -> int:
    """F36. Rows that hold as many cases of the rarest class as its F1 takes to mean anything."""
    if not 0 < rarest <= 1:
        raise ValueError(f"a share must be above 0 and at most 1, not {rarest:g}")
    return whole(LEAST_SEEN / rarest)
