"""Distributions the plan needs, on `math` and `statistics` alone: normal, chi-square, and the interval of a share.

Every function raises ValueError outside its domain; accuracy is stated per function and tested against scipy.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

_NORMAL = NormalDist()
_TINY = 1e-300


def z(probability: float) -> float:
    """Standard normal quantile; `probability` strictly between 0 and 1. Raises `ValueError` otherwise."""
    if not 0 < probability < 1:
        raise ValueError(f"a probability must lie strictly between 0 and 1, not {probability}")
    return _NORMAL.inv_cdf(probability)


def student(probability: float, freedom: float) -> float:
    """Quantile of Student's t by its expansion about the normal one (Abramowitz and Stegun 1964, 26.7.5).

    From 15 degrees of freedom on within .002 of the quantile for probabilities up to .995. Raises `ValueError` for
    degrees of freedom of 0 or less.
    """
    if freedom <= 0:
        raise ValueError(f"degrees of freedom must be above 0, not {freedom:g}")
    q = z(probability)
    first, second = (q**3 + q) / 4, (5 * q**5 + 16 * q**3 + 3 * q) / 96
    third = (3 * q**7 + 19 * q**5 + 17 * q**3 - 15 * q) / 384
    return q + first / freedom + second / freedom**2 + third / freedom**3


def phi(x: float) -> float:
    """Standard normal distribution function."""
    return _NORMAL.cdf(x)


def gamma_p(a: float, x: float) -> float:
    """Regularised lower incomplete gamma function P(a, x), a > 0, x >= 0, to about 1e-12.

    Series below a + 1, Lentz's continued fraction above (the classic split; any numerical analysis text). Raises
    `ValueError` for any other a or x.
    """
    if a <= 0 or x < 0 or not math.isfinite(a + x):
        raise ValueError(f"P(a, x) needs a > 0 and x >= 0, not a = {a}, x = {x}")
    if x == 0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return _gamma_series(a, x) * front if x < a + 1 else 1 - _gamma_fraction(a, x) * front


def _gamma_series(a: float, x: float) -> float:
    term = total = 1 / a
    k = a
    while abs(term) > abs(total) * 1e-16:
        k += 1
        term *= x / k
        total += term
    return total


def _gamma_fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    h, i = d, 0
    while True:
        i += 1
        step = -i * (i - a)
        b += 2
        d = 1 / _away(step * d + b)
        c = _away(b + step / c)
        h *= d * c
        if abs(d * c - 1) < 1e-15 or i > 100_000:
            return h


def _away(x: float) -> float:
    return x if abs(x) > _TINY else _TINY


def chi_square_cdf(x: float, df: float) -> float:
    """P(X <= x) for a chi-square variable with `df` degrees of freedom."""
    return gamma_p(df / 2, max(x, 0.0) / 2)


def chi_square_quantile(probability: float, df: float) -> float:
    """The x with P(X <= x) = probability, to about 1e-10 relative.

    Raises `ValueError` for a probability that does not lie between 0 and 1.
    """
    if not 0 < probability < 1:
        raise ValueError(f"a probability must lie strictly between 0 and 1, not {probability}")
    return increasing_root(lambda x: chi_square_cdf(x, df) - probability, 0.0, df + 10 * math.sqrt(2 * df) + 10)


def noncentral_chi_square_cdf(x: float, df: float, noncentrality: float) -> float:
    """P(X <= x) for a noncentral chi-square variable, to about 1e-10.

    A Poisson mixture of central ones, summed outwards from the most likely term. Raises `ValueError` for a negative
    noncentrality.
    """
    if noncentrality < 0:
        raise ValueError(f"the noncentrality must be at least 0, not {noncentrality}")
    mean, half = noncentrality / 2, x / 2  # halves of the smallest numbers are zero
    if mean == 0 or half <= 0:
        return chi_square_cdf(x, df)
    middle, spread = int(mean), int(9 * math.sqrt(mean) + 20)
    shape = df / 2 + middle + spread + 1
    central, terms = gamma_p(shape, half), []
    for k in range(middle + spread, max(0, middle - spread) - 1, -1):
        shape -= 1  # P(a, x) is P(a + 1, x) and one more positive term, so the sum loses no digits
        central += math.exp(shape * math.log(half) - half - math.lgamma(shape + 1))
        terms.append(_poisson(k, mean) * central)
    return min(1.0, math.fsum(terms))


def _poisson(k: int, mean: float) -> float:
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """F01. Wilson's interval for a proportion: `successes` of `n` independent rows, both limits within [0, 1].

    Source: Wilson (1927). Agrees with statsmodels `proportion_confint(method="wilson")`. Raises `ValueError` for no
    rows, or successes outside 0 to n.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"a proportion needs n > 0 and 0 <= successes <= n, not {successes} of {n}")
    score = z((1 + confidence) / 2)
    share, extra = successes / n, score * score / n
    centre = (share + extra / 2) / (1 + extra)
    half = score * math.sqrt(share * (1 - share) / n + extra / (4 * n)) / (1 + extra)
    return max(0.0, centre - half), min(1.0, centre + half)


def increasing_root(f: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function crosses 0: bisection, after doubling `high` until the crossing is inside.

    Raises ValueError when it never crosses.
    """
    for _ in range(200):
        if f(high) >= 0:
            break
        high = 2 * high if high > 0 else high / 2 + 1
    else:
        raise ValueError("the function never reaches zero")
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if f(middle) >= 0 else (middle, high)
    return (low + high) / 2
