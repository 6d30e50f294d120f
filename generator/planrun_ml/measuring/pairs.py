"""Two models' right and wrong answers on the same rows: is the one better by more than a margin, or worse by less?

Tango's score statistic (Statistics in Medicine 17, 1998) with its p-value enumerated at the restricted estimate: all
tables of n pairs whose statistic is at least the observed one, each with the chance it has where the difference is the
margin and the discordance is the likeliest. The statistic's normal form alone passes up to three times too often.
"""

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, norm

STEP = 5e-7  # of a bound; evidence holds six digits
EDGE = 1e-9  # two statistics closer than this are one
FAR, SOME = 9, 10  # standard deviations, and rows beside them, outside which no discordant count weighs anything


@lru_cache(maxsize=4096)
def bounds(n: int, up: int, down: int, alpha: float) -> tuple[float, float]:
    """One-sided bounds, each missed with probability alpha, of the difference of two shares of n pairs.

    `up` pairs only the first got right, `down` only the second. The lower bound is the margin at which `p_value` is
    alpha, so it is above a minimum exactly where the test says so; the upper one is that of the pairs turned round.
    """
    return _lower(n, up, down, alpha), -_lower(n, down, up, alpha)


def p_value(n: int, up: int, down: int, margin: float) -> float:
    """The chance of a statistic at least as large where the first is better by no more than `margin`.

    `margin` lies between -1 and 1; a negative one asks whether the first is not worse by so much.
    """
    q = float(restricted(n, np.array(float(up)), np.array(float(down)), margin))
    seen = float(_statistic(n, np.array(float(up)), np.array(float(down)), margin))
    discordance = min(1.0, 2 * q + margin)
    if discordance <= 0:
        return 1.0 if seen <= EDGE else 0.0
    half = FAR * math.sqrt(n * discordance * (1 - discordance)) + SOME
    counts = np.arange(max(0, math.floor(n * discordance - half)), min(n, math.ceil(n * discordance + half)) + 1)
    least = _least(n, counts, seen, margin)
    share = min(1.0, max(0.0, (q + margin) / discordance))
    return float((binom.pmf(counts, n, discordance) * binom.sf(least - 1, counts, share)).sum())


def restricted(n: float, up: np.ndarray, down: np.ndarray, margin: float) -> np.ndarray:
    """F05. The likeliest share of pairs only the second gets right, where the first is better by exactly `margin`."""
    linear = margin * (2 * n - up + down) - up - down
    root = np.sqrt(np.maximum(linear**2 + 8 * n * down * margin * (1 - margin), 0.0))
    # of the two ways to write the root of a quadratic, the one that subtracts nothing of its own size
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(linear + root > 0, 2 * down * margin * (1 - margin) / (linear + root), 0.0)
    found: np.ndarray = np.clip(
        np.where(linear <= 0, (root - linear) / (4 * n), other), max(0.0, -margin), (1 - margin) / 2
    )
    return found


def _statistic(n: int, up: np.ndarray, down: np.ndarray, margin: float) -> np.ndarray:
    """Tango's score: the difference beyond the margin in its standard deviations, at the restricted estimate."""
    beyond = up - down - n * margin
    variance = n * (2 * restricted(n, up, down, margin) + margin * (1 - margin))
    certain = np.where(np.abs(beyond) < EDGE, 0.0, np.copysign(np.inf, beyond))
    with np.errstate(divide="ignore", invalid="ignore"):
        score: np.ndarray = np.where(variance > EDGE, beyond / np.sqrt(variance), certain)
    return score


def _least(n: int, counts: np.ndarray, seen: float, margin: float) -> np.ndarray:
    """Of each number of discordant pairs, the fewest for the first whose statistic is no smaller; one more if none."""
    low, high = np.full(len(counts), -1), counts + 1
    for _ in range(int(counts[-1] + 2).bit_length() + 1):
        open_ = high - low > 1
        middle = np.where(open_, (low + high) // 2, np.minimum(high, counts))
        reaches = _statistic(n, middle.astype(float), (counts - middle).astype(float), margin) >= seen - EDGE
        high, low = np.where(open_ & reaches, middle, high), np.where(open_ & ~reaches, middle, low)
    return high


def _lower(n: int, up: int, down: int, alpha: float) -> float:
    """The largest margin that is rejected at alpha: the root of the p-value, from the side that is rejected."""
    if down == n:
        return -1.0
    limit = norm.isf(alpha)

    def surplus(margin: float) -> float:
        """The p-value in normal deviates, which is nearly straight, less those of alpha."""
        return float(np.clip(norm.isf(p_value(n, up, down, margin)), -40, 40) - limit)

    found = (up - down) / n
    reach = 2 * limit * math.sqrt((up + down + 1) / n**2) + 2 / n
    while (low := max(-1.0, found - reach)) > -1 and surplus(low) <= 0:
        reach *= 2
    root = float(brentq(surplus, low, found, xtol=STEP))
    while surplus(root) < 0:  # between two tables the p-value jumps
        root -= STEP
    return max(-1.0, root)
