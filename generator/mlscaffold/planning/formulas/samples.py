"""How many rows a comparison needs: F01 to F10, and the reuse of a sample (F11).

All functions return whole rows (or queries, positives, flagged rows: whatever the metric is counted on), rounded up.
`alpha` is the risk of a false pass, one-sided unless `sides` says 2; `power` the chance to show a difference that is
really there. Each raises ValueError outside its domain, and never returns an infinite count.
"""

import functools
import math
from collections.abc import Callable

from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.formulas.stats import increasing_root, phi, student, z

POINTS = 200  # steps of the integral behind F07; its error at 200 is below 1e-9
SD_PER_MAE = math.sqrt(math.pi / 2 - 1)  # .7555: SD of |e| over its mean when errors are normal


def proportion_rows(share: float, half_width: float, confidence: float = 0.95) -> int:
    """F01. Rows that estimate a proportion to ± `half_width`: z² p (1 - p) / w², the normal approximation.

    Raises ValueError for a share, a rate or a gain that cannot be.
    """
    _between(share=share, half_width=half_width, confidence=confidence)
    return whole(z((1 + confidence) / 2) ** 2 * share * (1 - share) / half_width**2)


def fixed_rows(fixed: float, expected: float, alpha: float, power: float) -> int:
    """F02. Rows to tell a proportion from a number that has no error of its own, such as a contract's.

    ((z_a √(p0 q0) + z_b √(p1 q1)) / (p1 - p0))². It ignores the error of a measured baseline: use F04 for that.
    Raises ValueError for a share, a rate or a gain that cannot be.
    """
    _between(fixed=fixed, expected=expected)
    scores = _z(alpha) * math.sqrt(fixed * (1 - fixed)) + _z(1 - power) * math.sqrt(expected * (1 - expected))
    return whole((scores / _nonzero(expected - fixed)) ** 2)


def two_sample_rows(first: float, second: float, alpha: float, power: float, sides: int = 2) -> int:
    """F03. Rows in each of two separate samples (an A/B test, a canary) to tell two proportions apart.

    The pooled normal approximation; it assumes independent rows and equal arms.
    Raises ValueError for a share, a rate or a gain that cannot be.
    """
    _between(first=first, second=second)
    mean = (first + second) / 2
    spread = first * (1 - first) + second * (1 - second)
    scores = _z(alpha / sides) * math.sqrt(2 * mean * (1 - mean)) + _z(1 - power) * math.sqrt(spread)
    return whole((scores / _nonzero(second - first)) ** 2)


def paired_rows(gain: float, discordance: float, alpha: float, power: float, sides: int = 1) -> int:
    """F04. Rows on which both systems answer, to show that one is right more often: Connor (1987), Biometrics 43.

    `discordance` is the share of rows on which exactly one of them is right; it cannot be smaller than |gain|.
    Assumes independent rows. The exact McNemar test needs a little more; F05's test holds this power at a margin of 0.
    Raises ValueError for a share, a rate or a gain that cannot be.
    """
    _discordant(gain, discordance)
    scores = _z(alpha / sides) * math.sqrt(discordance) + _z(1 - power) * math.sqrt(discordance - gain**2)
    return whole((scores / _nonzero(gain)) ** 2)


def margin_rows(gain: float, discordance: float, margin: float, alpha: float, power: float) -> int:
    """F05. Paired rows on which Tango's score test shows a difference above -margin when it really is `gain`.

    margin > 0: not worse by more than it (non-inferiority). margin < 0: better by at least -margin (superiority by a
    minimum useful gain). ((z_a √(ψ₀ - m²) + z_b √(ψ - d²)) / (d + m))², with ψ₀ the discordance that the test takes to
    be the likeliest where the margin holds exactly. At m = 0 it is F04. Source: Tango (1998), section 4; with the exact
    p-value that decides, the power is at least the one asked for to within half a point, and above it where few rows
    differ. Raises `ValueError` where the gain cannot exceed the margin.
    """
    _discordant(gain, discordance)
    room = gain + margin
    if room <= 0:
        raise ValueError(f"a gain of {gain:g} can never be shown to exceed {-margin:g}")
    if margin >= 1:
        return 2  # no difference of two shares is as low as that
    most = restricted_discordance(gain, discordance, -margin)
    scores = _z(alpha) * math.sqrt(max(0.0, most - margin**2)) + _z(1 - power) * math.sqrt(discordance - gain**2)
    return max(2, whole((max(0.0, scores) / room) ** 2))


def restricted_discordance(gain: float, discordance: float, limit: float) -> float:
    """F05. The likeliest discordance if the difference were `limit`, where so many rows differ and one gains `gain`.

    2 q + limit, with q the larger root of 2 q² + (limit (2 - gain) - ψ) q - (ψ - gain)/2 · limit (1 - limit): the
    estimate of the test, `planrun_ml.measuring.pairs.restricted`, on shares in place of counts. Raises `ValueError` for
    a limit that does not lie between -1 and 1.
    """
    if not -1 < limit < 1:
        raise ValueError(f"a margin lies between -1 and 1, not {limit:g}")
    linear = limit * (2 - gain) - discordance
    fixed = (discordance - gain) / 2 * limit * (1 - limit)
    root = math.sqrt(max(0.0, linear**2 + 8 * fixed))
    q = min(max((root - linear) / 4, 0.0, -limit), (1 - limit) / 2)
    return 2 * q + limit


def independent_discordance(first: float, second: float) -> float:
    """F04. The share of rows on which exactly one of two systems is right when they err independently.

    p0 (1 - p1) + p1 (1 - p0). Systems that see the same inputs usually differ less: this plans for too many rows.
    """
    return first * (1 - second) + second * (1 - first)


def rows_for(units: int, share: float) -> int:
    """F06. Random rows that hold `units` rows of a class (or flagged rows) that make up `share` of all.

    Raises `ValueError` for a share of 0 or above 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share must be above 0 and at most 1, not {share:g}")
    return whole(units / share)


def auc_variance(auc: float, positives: float, negatives: float) -> float:
    """F07. Variance of an estimated ROC AUC, for scores that are normal with equal variance in both classes.

    [A(1-A) + (n1-1)(Q-A²) + (n0-1)(Q-A²)] / (n1 n0) with Q the chance that two of one class both rank on the right side
    of one of the other. Hanley and McNeil's exponential shortcut for Q is far off when classes are unequal. Raises
    `ValueError` where a class has no row.
    """
    _between(auc=auc)
    if positives < 1 or negatives < 1:
        raise ValueError("both classes need at least one row")
    excess = _both_ranked(auc) - auc * auc
    return (auc * (1 - auc) + (positives + negatives - 2) * excess) / (positives * negatives)


@functools.lru_cache(maxsize=256)
def _both_ranked(auc: float) -> float:
    shift = math.sqrt(2) * z(auc)
    step = 16 / POINTS
    weights = ((4 if i % 2 else 2) * step / 3 for i in range(1, POINTS))
    points = (-8 + step * i for i in range(1, POINTS))
    return math.fsum(w * phi(shift + x) ** 2 * _density(x) for w, x in zip(weights, points, strict=True))


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def auc_positives(
    first: float,
    second: float,
    minimum: float,
    negatives_each: float,
    correlation: float,
    alpha: float,
    power: float,
) -> int:
    """F07. Positives (each with `negatives_each` negatives) to show that an AUC rose by more than `minimum`.

    Paired: both models score the same rows, and their AUC estimates correlate by `correlation`. Raises `ValueError`
    where the second AUC does not exceed the first by the minimum.
    """
    room = second - first - minimum
    if room <= 0:
        raise ValueError(f"an AUC of {second:g} can never be shown to exceed {first:g} by {minimum:g}")

    def surplus(positives: float) -> float:
        null, other = (auc_variance(a, positives, max(1.0, positives * negatives_each)) for a in (first, second))
        sd_null = math.sqrt(2 * null * (1 - correlation))
        sd_other = math.sqrt(max(0.0, null + other - 2 * correlation * math.sqrt(null * other)))
        return room - _z(alpha) * sd_null - _z(1 - power) * sd_other

    return max(2, whole(increasing_root(surplus, 1.0, 1024.0)))


def mean_rows(gain: float, spread: float, alpha: float, power: float) -> int:
    """F08. Rows (queries, blocks) to show that a mean loss fell, when it really falls by `gain`.

    ((z_a + z_b) σ_d / δ)² with `spread` σ_d the standard deviation of the paired per-row differences. For small counts
    the t test needs two or three rows more. Raises `ValueError` for a gain of 0 or less, or a negative spread.
    """
    if spread < 0 or gain <= 0:
        raise ValueError(f"a mean difference needs a gain above 0 and a spread of at least 0, not {gain:g}, {spread:g}")
    return max(2, whole(((_z(alpha) + _z(1 - power)) * spread / gain) ** 2))


def precision_rows(
    gain: float, spread: float, alpha: float, power: float, few: Callable[[float], tuple[float, float]]
) -> int:
    """F08, F38. Positives to show that an average precision rose by more than it must, when it does by `gain` more.

    Few positives lose some of it, and their jackknife has few degrees of freedom: `few` gives of so many positives
    the gain that is lost, and the degrees. With k = (t_a + z_b) σ_d and L what a single positive would lose, the rows
    are those at which √n (δ - L/n) is k.
    """
    found = float(mean_rows(gain, spread, alpha, power))
    for _ in range(3):  # both change so slowly with n that the third step moves nothing
        lost, freedom = few(found)
        most = max(0.0, lost) * found
        k = (student(1 - alpha, freedom) + _z(1 - power)) * spread
        found = ((k + math.sqrt(k * k + 4 * gain * most)) / (2 * gain)) ** 2
    return max(2, whole(found))


def difference_spread(first: float, second: float, correlation: float) -> float:
    """F08. Standard deviation of a paired difference from the two standard deviations and their correlation.

    Raises `ValueError` for a correlation outside -1 to 1.
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"a correlation lies between -1 and 1, not {correlation:g}")
    return math.sqrt(max(0.0, first**2 + second**2 - 2 * correlation * first * second))


def detectable_gain(rows: int, discordance: float, alpha: float, power: float) -> float:
    """F09. The smallest gain that `rows` paired rows can show: F04 turned round.

    Never above `discordance`; ValueError where even that could not be shown.
    """
    a, b = _z(alpha), _z(1 - power)

    def surplus(gain: float) -> float:
        return gain * math.sqrt(rows) - a * math.sqrt(discordance) - b * math.sqrt(max(0.0, discordance - gain**2))

    _discordant(0, discordance)
    if surplus(min(discordance, 1.0)) < 0:
        raise ValueError(f"{rows} rows cannot show any gain at a discordance of {discordance:g}")
    return increasing_root(surplus, 0.0, discordance)


def design_effect(group_size: float, icc: float) -> float:
    """F10. By how much rows that come in groups are worth less: 1 + (m - 1) ICC. Effective rows are n over this.

    Raises `ValueError` for a group of less than one row, or an ICC outside 0 to 1.
    """
    if group_size < 1 or not 0 <= icc <= 1:
        raise ValueError(f"groups need a size of at least 1 and an ICC from 0 to 1, not {group_size:g} and {icc:g}")
    return 1 + (group_size - 1) * icc


def reuse_rows(tolerance: float, variance: float, alpha: float, looks: int, adaptive: bool) -> int:
    """F11. Labelled rows on which `looks` models can be judged to ± `tolerance`, all of them right at once.

    Bennett's inequality on the rows where old and new model differ (at most `variance` of all), as in ease.ml/ci
    (Renggli et al. 2019): each look shares alpha, an adaptive run of looks shares it among 2^looks histories. Raises
    `ValueError` for no look, a variance outside (0, 1], or a tolerance of 0 or too small to count with.
    """
    _between(alpha=alpha)
    if tolerance <= 0 or not 0 < variance <= 1 or looks < 1:
        raise ValueError("reuse needs a tolerance above 0, a variance in (0, 1] and at least one look")
    u = tolerance / variance
    exponent = (1 + u) * math.log1p(u) - u if u > 1e-4 else u * u / 2 - u**3 / 6  # the difference loses digits
    rate = variance * exponent
    if rate <= 0:
        raise ValueError(f"a tolerance of {tolerance:g} is too small to count with")
    shared = looks * math.log(2) if adaptive else math.log(looks)
    return whole((math.log(4 / alpha) + shared) / rate)


def _z(tail: float) -> float:
    return -z(tail)


def _between(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 < share < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, not {share:g}")


def _discordant(gain: float, discordance: float) -> None:
    if not 0 < discordance <= 1 or abs(gain) > discordance:
        raise ValueError(f"a discordance of {discordance:g} must lie in (0, 1] and reach the gain of {gain:g}")


def _nonzero(difference: float) -> float:
    if difference == 0:
        raise ValueError("two equal values cannot be told apart by any number of rows")
    return difference
