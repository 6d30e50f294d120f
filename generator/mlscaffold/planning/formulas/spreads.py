"""How much one row's loss varies where nobody has measured it.

Calibrated scores (F35), the macro F1 (F36), the F1 (F37), the average precision (F38), places in a list (F39).
"""

import bisect
import functools
import math
from collections.abc import Sequence

from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.formulas.stats import increasing_root, phi

STEPS = 160  # of the integral behind F35; its error at 160 is below 1e-6
REACH = 8.0  # standard deviations to each side that it runs over
LEAST_SEEN = 30  # cases of the rarest class, below which its F1 says nothing
FURTHEST, NODES = 7.0, 56  # standard deviations between two classes, and steps up to them, of the table behind F38
COARSE = 40  # steps of the integral of what few rows add to it; its error at 40 is below 1e-4 of the value
BLOCKS = 200  # groups that the engine leaves out one at a time: planrun_ml.measuring.influence.BLOCKS
TOP = 10  # places that an NDCG@10 looks at
LONGEST_LIST = 200  # places of a query that are counted with; an MRR of one further down is below .005
GENTLE = 0.002  # the smallest step of the table behind F39, in halvings of a place's chance


@functools.lru_cache(maxsize=256)
def calibrated_spread(loss: str, value: float, share: float) -> float | None:
    """F35. Standard deviation of a row's log loss or Brier score ("log_loss", "brier") whose mean is `value`.

    Scores are normal with equal variance in both classes (the binormal model of F07) and calibrated: the probability is
    the class posterior, so the mean fixes how far the classes lie apart. `share` is that of the positives. None where
    no calibrated score is as bad as `value`: the constant share of positives is the worst of them. Raises `ValueError`
    for another loss, or a share that does not lie between 0 and 1.
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
    influence is the sum over the classes of (hit - F/2 (predicted + true)) / share, divided by their number. Raises
    `ValueError` for fewer than two classes, or a rarest share that so many cannot have.
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
    """F36. Rows that hold as many cases of the rarest class as its F1 takes to mean anything.

    Raises `ValueError` for a share of 0 or above 1.
    """
    if not 0 < rarest <= 1:
        raise ValueError(f"a share must be above 0 and at most 1, not {rarest:g}")
    return whole(LEAST_SEEN / rarest)


def f1_spread(value: float) -> float:
    """F37. Standard deviation of a positive's part in an F1 of `value`, by the delta method.

    Precision and recall are both `value`. A row's influence is (hit - F/2 (alarms + positives)) / π; the rows' variance
    over the positives is F (1 - F) (1 - F/2), whatever their share π is. Raises `ValueError` for a value outside 0 to
    1.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"an F1 lies between 0 and 1, not at {value:g}")
    return math.sqrt(value * (1 - value) * (1 - value / 2))


def average_precision_spread(value: float, share: float) -> float | None:
    """F38. Standard deviation of a positive's part in an average precision of `value`, scores normal in both classes.

    `share` is that of the positives. The influence of a positive is the precision at its score and what it adds to the
    precision of those below it; that of a negative what it takes from them; that of the share, which chance moves,
    comes on top. None below `share`, which scores that say nothing reach. Raises `ValueError` for a share that does not
    lie between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share must lie strictly between 0 and 1, not {share:g}")
    return _between(*_precisions(share), value)


@functools.lru_cache(maxsize=256)
def average_precision_surplus(value: float, share: float, positives: float) -> float:
    """F38. By how much the average precision of so many positives lies above `value` on average; 0 below `share`.

    At a score that πS₁ + (1 - π)S₀ of n rows reach, the positive there is one of N + 1 - S₁ rows at hand, N being those
    expected: precision lies higher by (1 - p)(1 - S₁) / (N + 1 - S₁). The better the scores, the less: some of a gain
    is lost in few rows. Raises `ValueError` without positives.
    """
    if positives <= 0:
        raise ValueError(f"a precision needs positives, not {positives:g}")
    apart = _apart(value, share)
    if apart is None:
        return 0.0
    step, surplus = (2 * REACH + apart) / COARSE, 0.0
    for at in range(COARSE):
        s = (at + 0.5) * step - REACH
        hits, alarms = phi(apart - s), phi(-s)
        flagged = share * hits + (1 - share) * alarms
        seen = positives / share * flagged + 1 - hits
        surplus += _bell(s - apart) * step * (1 - share) * alarms / flagged * (1 - hits) / seen
    return surplus


def _apart(value: float, share: float) -> float | None:
    """How many standard deviations the classes lie apart at this average precision; None where none is as bad."""
    means, _ = _precisions(share)
    if value < means[0]:
        return None
    at = max(1, min(bisect.bisect_left(means, value), NODES))
    below, above = means[at - 1], means[at]
    part = min(1.0, (value - below) / (above - below)) if above > below else 1.0
    return FURTHEST / NODES * (at - 1 + part)


def precision_freedom(share: float, positives: float) -> float:
    """F38. Degrees of freedom of a jackknife that leaves out one of at most `BLOCKS` groups of rows drawn by chance.

    Groups count by the positives that they hold, whose number varies as chance has it: of as many groups as have the
    same mean square (Kish 1965) one is lost.
    """
    blocks = min(BLOCKS, positives / share)
    return max(1.0, blocks / (1 + (1 - share) * blocks / positives) - 1)


@functools.lru_cache(maxsize=16)
def _precisions(share: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Average precision, and the variance of a positive's part in it, for classes further and further apart."""
    found = [_precision_moments(FURTHEST * at / NODES, share) for at in range(NODES + 1)]
    return tuple(mean for mean, _ in found), tuple(square for _, square in found)


def _precision_moments(apart: float, share: float) -> tuple[float, float]:
    """F38 where the classes' scores lie `apart` standard deviations from each other."""
    low, step = -REACH, (2 * REACH + apart) / STEPS
    scores = [low + (at + 0.5) * step for at in range(STEPS)]
    of_positives, of_negatives = ([_bell(s - middle) * step for s in scores] for middle in (apart, 0.0))
    right, gained, lost, by_share = [], [], [], 0.0
    gains = losses = 0.0
    for s, dense in zip(scores, of_positives, strict=True):
        hits, alarms = phi(apart - s), phi(-s)
        flagged = share * hits + (1 - share) * alarms
        right.append(share * hits / flagged)
        gains += dense / 2 * share * (1 - share) * alarms / flagged**2
        losses += dense / 2 * share * (1 - share) * hits / flagged**2
        gained.append(gains)
        lost.append(losses)
        gains += dense / 2 * share * (1 - share) * alarms / flagged**2
        losses += dense / 2 * share * (1 - share) * hits / flagged**2
        by_share += dense * hits * alarms / flagged**2
    mean = math.fsum(weight * one for weight, one in zip(of_positives, right, strict=True))
    positive = _variance(of_positives, [one + more for one, more in zip(right, gained, strict=True)])
    negative = _variance(of_negatives, lost)
    return mean, positive + share / (1 - share) * negative + (by_share * share) ** 2 * (1 - share)


def _bell(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _variance(weights: list[float], values: list[float]) -> float:
    mean = math.fsum(weight * value for weight, value in zip(weights, values, strict=True))
    return math.fsum(weight * (value - mean) ** 2 for weight, value in zip(weights, values, strict=True))


def places_spread(metric: str, value: float, items: int) -> float | None:
    """F39. Standard deviation of a query's worth in an MRR ("mrr") or NDCG@10 ("ndcg_at_10") of `value`.

    A query has one right item among `items`, and each place is a fixed number of times as likely to hold it as the one
    after. None below the value of a list in no order, which says that queries are not of this shape. Raises
    `ValueError` for another metric, or fewer than two items.
    """
    if metric not in ("mrr", "ndcg_at_10"):
        raise ValueError(f"places are known for mrr and ndcg_at_10, not for {metric}")
    if items < 2:
        raise ValueError(f"a list needs two items to have an order, not {items}")
    return _between(*_places(metric, min(items, LONGEST_LIST)), value)


@functools.lru_cache(maxsize=16)
def _places(metric: str, count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and variance of a query's worth, from a list in no order to one with nearly always the right item first."""
    worths = [1 / at if metric == "mrr" else 1 / math.log2(1 + at) if at <= TOP else 0 for at in range(1, count + 1)]
    halvings = [GENTLE * (2 ** (step / 6) - 1) for step in range(73)]  # of a place's chance, to the next
    found = []
    for down in halvings:
        chances = [2.0 ** max(-900.0, -down * at) for at in range(count)]
        whole = math.fsum(chances)
        mean = math.fsum(chance * worth for chance, worth in zip(chances, worths, strict=True)) / whole
        spread = math.fsum(chance * (worth - mean) ** 2 for chance, worth in zip(chances, worths, strict=True)) / whole
        found.append((mean, spread))
    return tuple(mean for mean, _ in found), tuple(square for _, square in found)


def _between(means: Sequence[float], variances: Sequence[float], value: float) -> float | None:
    """The standard deviation at `value` from a table of rising means; None below it, and down to 0 at a value of 1."""
    if value < means[0]:
        return None
    at = bisect.bisect_left(means, value)
    if at == 0:
        return math.sqrt(variances[0])
    below, above = means[at - 1], means[at] if at < len(means) else 1.0
    variance = variances[at] if at < len(means) else 0.0
    part = (value - below) / (above - below) if above > below else 1.0
    return math.sqrt(max(0.0, variances[at - 1] + part * (variance - variances[at - 1])))
