"""Formulas of what is watched after release: drift, decay, sequential tests, retraining (F03, F17 to F25).

They raise ValueError outside their domain. "Rows" are always the rows behind the metric: positives for recall,
flagged rows for precision, every row for accuracy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlscaffold.planning.formulas import stats


def psi_threshold(bins: int, rows: float, reference_rows: float, alpha: float) -> float:
    """F17. The PSI that pure noise exceeds with probability alpha.

    Both samples come from one distribution, bins are fixed beforehand, and each expects five rows or more; PSI is then
    chi-square with bins - 1 degrees of freedom times (1/reference + 1/rows). Source: Yurdakul (2018).
    Error: 30 bins, 500 against 500 rows, limit 0.1: predicted 68 % false alarms, simulated 70 %.
    Raises ValueError without rows on both sides.
    """
    return stats.chi_square_quantile(1 - alpha, bins - 1) * _noise(rows, reference_rows)


def psi_false_alarms(limit: float, bins: int, rows: float, reference_rows: float) -> float:
    """F17. The probability that pure noise exceeds a PSI limit (0.1, say); assumptions as in `psi_threshold`.

    Raises ValueError without rows on both sides.
    """
    return 1 - stats.chi_square_cdf(limit / _noise(rows, reference_rows), bins - 1)


def psi_window(psi: float, bins: int, reference_rows: float, alpha: float, power: float) -> float:
    """F17. Rows after which a true PSI is seen with probability `power` at level alpha.

    The statistic is noncentral chi-square with noncentrality PSI / (1/reference + 1/rows); inf where the reference
    is too short. Source: as `psi_threshold`.
    """
    if psi <= 0:
        return math.inf
    limit = stats.chi_square_quantile(1 - alpha, bins - 1)
    shift = stats.increasing_root(
        lambda size: 1 - stats.noncentral_chi_square_cdf(limit, bins - 1, size) - power, 0.0, 4 * limit
    )
    left = psi / shift - 1 / reference_rows
    return 1 / left if left > 0 else math.inf


def middle_threshold(rows: float, reference_rows: float, alpha: float) -> float:
    """F18. How far the share above the reference's median lies from one half by chance (two-sided).

    Normal form of the exact test that the engine makes (Fisher's, of two shares).
    Raises ValueError without rows on both sides.
    """
    return stats.z(1 - alpha / 2) * math.sqrt(_noise(rows, reference_rows) / 4)


def middle_window(distance: float, reference_rows: float, alpha: float, power: float) -> float:
    """F18. Rows after which a share that lies `distance` from one half is seen so often; inf: too short a reference."""
    left = (2 * distance / (stats.z(1 - alpha / 2) + stats.z(power))) ** 2 - 1 / reference_rows
    return 1 / left if left > 0 else math.inf


def middle_of_psi(psi: float) -> float:
    """How far the share above the median moves where a normal value's mean moves by √psi sd, so that its PSI is psi."""
    return stats.phi(math.sqrt(psi)) - 0.5


def _noise(rows: float, reference_rows: float) -> float:
    if rows <= 0 or reference_rows <= 0:
        raise ValueError(f"drift needs rows on both sides, not {rows} and {reference_rows}")
    return 1 / reference_rows + 1 / rows


def budget_alpha(alerts_per_month: float, columns: int, checks_per_month: float) -> float:
    """F19. Significance level of each check so that noise alone raises `alerts_per_month` alerts; at most one half."""
    return min(0.5, alerts_per_month / (columns * checks_per_month))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """F19. Which of a set of checks stand when all false ones together may fire with probability alpha (Holm, 1979)."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    stands = [False] * len(p_values)
    for rank, at in enumerate(order):
        if p_values[at] > alpha / (len(p_values) - rank):
            break
        stands[at] = True
    return stands


def benjamini_hochberg(p_values: Sequence[float], share: float) -> list[bool]:
    """F19. Which checks stand when at most `share` of those that stand may be false (Benjamini and Hochberg, 1995)."""
    ranked = sorted(p_values)
    count = len(ranked)
    limits = [p for rank, p in enumerate(ranked, 1) if p <= share * rank / count]
    return [bool(limits) and p <= limits[-1] for p in p_values]


def canary_rows(first: float, second: float, alpha: float, power: float, share: float) -> float:
    """F03. Rows of a canary that gets `share` of the traffic, to tell its rate from the rest's, two-sided.

    Pooled normal approximation for unequal samples (Fleiss); at share one half it is the equal-arms formula.
    Raises ValueError unless the rates differ and lie between 0 and 1.
    """
    _two_rates(first, second)
    ratio = (1 - share) / share
    pooled = (first + ratio * second) / (1 + ratio)
    null = stats.z(1 - alpha / 2) * math.sqrt(pooled * (1 - pooled) * (1 + 1 / ratio))
    shifted = stats.z(power) * math.sqrt(first * (1 - first) + second * (1 - second) / ratio)
    return ((null + shifted) / (first - second)) ** 2


def _two_rates(first: float, second: float) -> None:
    if not (0 <= first <= 1 and 0 <= second <= 1 and first != second):
        raise ValueError(f"two different rates between 0 and 1 are needed, not {first} and {second}")


def detection_days(rows: float, rows_a_day: float, label_delay_days: float) -> float:
    """F20. Days from a drop to its detection: the window fills at `rows_a_day`, then the last labels are waited for."""
    return rows / rows_a_day + label_delay_days if rows_a_day > 0 else math.inf


BET_WEIGHT = 0.75  # of what is bet, the part on a fall to the floor; the rest is on a much larger one


def growth_of_share(good: float, bad: float) -> float:
    """F21. Log evidence that one row adds where errors came from `good` to `bad`, bet against half that way.

    The relative entropy of the two rates (Kullback and Leibler, 1951).
    Raises ValueError unless the bad rate exceeds the good one.
    """
    _two_rates(good, bad)
    half = (good + bad) / 2
    rest = (1 - bad) * math.log((1 - bad) / (1 - half)) if bad < 1 else 0.0
    return bad * math.log(bad / half) + rest


def growth_of_loss(good: float, bad: float, spread: float) -> float:
    """F21. Log evidence that one row adds where a mean loss came from `good` to `bad`, with that spread there.

    Second order of the best bet's growth (Kelly, 1956): half the squared mean over the mean square. Raises `ValueError`
    where the loss does not grow from above 0.
    """
    if not 0 < good < bad:
        raise ValueError(f"the mean loss has to grow from above 0, not from {good} to {bad}")
    half = (good + bad) / 2
    more = bad / half - 1
    return more**2 / ((spread / half) ** 2 + more**2) / 2


def rows_to_alarm(growth: float, limit: float) -> int:
    """F21. Rows until the evidence h reaches its limit, on average: (h + e^-h - 1) / growth.

    The mean of a Brownian motion that never falls below 0, whose variance is twice its drift (Siegmund, 1985).
    """
    height = limit - math.log(BET_WEIGHT)
    return math.ceil((height + math.exp(-height) - 1) / growth)


@dataclass(frozen=True)
class Sprt:
    """A sequential test: add `error_step` for a wrong row, `success_step` for a right one, stop at a bound."""

    upper: float
    lower: float
    error_step: float
    success_step: float
    rows_healthy: float
    rows_decayed: float


def sprt(good_error: float, bad_error: float, alpha: float, power: float) -> Sprt:
    """F22. Wald's test of an error rate: at `upper` it has decayed, at `lower` it is healthy; mean rows to either.

    Independent rows. Mean rows ignore the overshoot of the last step: about 7 % low in simulation. Source: Wald (1945).
    Raises `ValueError` where the bad error rate does not exceed the good one, or the power not alpha.
    """
    if not 0 < good_error < bad_error < 1 or not alpha < power < 1:
        raise ValueError(f"the bad error rate must exceed the good one, not {good_error} and {bad_error}")
    upper, lower = math.log(power / alpha), math.log((1 - power) / (1 - alpha))
    error, success = math.log(bad_error / good_error), math.log((1 - bad_error) / (1 - good_error))
    healthy = ((1 - alpha) * lower + alpha * upper) / (good_error * error + (1 - good_error) * success)
    decayed = (power * upper + (1 - power) * lower) / (bad_error * error + (1 - bad_error) * success)
    return Sprt(upper, lower, error, success, healthy, decayed)


def retrain_interval(retrain_cost: float, cost_rate: float) -> float:
    """F23. Days between retrainings that cost least: √(2C/k), where each day without one costs k more than the last.

    Assumes linear decay from a full recovery; inf where nothing decays. Source: the economic order quantity.
    """
    return math.sqrt(2 * retrain_cost / cost_rate) if cost_rate > 0 else math.inf


def retrain_cap(headroom: float, decay_per_day: float, lead_days: float) -> float:
    """F23. Days after which decay has used up the way down to the floor, less the days it takes to see it."""
    return headroom / decay_per_day - lead_days if decay_per_day > 0 else math.inf


def expected_accuracy(scores: Sequence[float]) -> tuple[float, float]:
    """F25. Accuracy that calibrated scores promise before labels return (CBPE), and its standard error.

    Mean of max(p, 1 - p). Holds only while the scores are calibrated: blind to a change of what a score means. Raises
    `ValueError` without a score.
    """
    if not scores:
        raise ValueError("expected accuracy needs at least one score")
    sure = [max(p, 1 - p) for p in scores]
    return sum(sure) / len(sure), math.sqrt(sum(p * (1 - p) for p in sure)) / len(sure)


def new_rows_for_gain(b: float, c: float, rows: float, gain: float) -> float:
    """F14. Rows to add until the learning curve a + b·n^-c has fallen by `gain`; inf where it never does."""
    left = b * rows**-c - gain
    return (left / b) ** (-1 / c) - rows if left > 0 else math.inf
