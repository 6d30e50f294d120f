"""F14: the error of a model by its number of training rows, and the curve through measured ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlscaffold.planning.formulas.counts import LIMIT, whole


@dataclass(frozen=True)
class Curve:
    """F14. A learning curve: error(n) = a + b n^-c; `a` is the error that no amount of data removes."""

    a: float
    b: float
    c: float

    def error(self, rows: float) -> float:
        """The error predicted with this many training rows."""
        return self.a + self.b * math.exp(-self.c * math.log(rows))

    def rows_for(self, error: float) -> int | None:
        """The training rows at which the error comes down to `error`; None where it never does."""
        if error <= self.a or self.b <= 0:
            return 1 if self.b <= 0 and error >= self.a else None
        logarithm = -math.log((error - self.a) / self.b) / self.c
        return max(1, whole(math.exp(logarithm))) if logarithm <= math.log(LIMIT) else None


def fit(rows: Sequence[float], errors: Sequence[float]) -> Curve:
    """F14. The curve through measured (rows, error) pairs: a grid on c, and least squares weighted by rows for a, b.

    Larger samples measure their error better, so they weigh more. At least four sizes; a and b never negative. Raises
    `ValueError` for fewer than four different sizes above 0, or sizes and errors of unlike number.
    """
    if len(rows) != len(errors) or len(set(rows)) < 4 or min(rows) <= 0:
        raise ValueError("a learning curve needs at least four different sizes above 0, with an error each")
    curves = (_weighted(rows, errors, c / 200) for c in range(1, 401))
    best = min(curves, key=lambda curve: _misfit(curve, rows, errors))
    finer = (_weighted(rows, errors, best.c + step / 20000) for step in range(-100, 101) if best.c + step / 20000 > 0)
    return min(finer, key=lambda curve: _misfit(curve, rows, errors))


def _weighted(rows: Sequence[float], errors: Sequence[float], c: float) -> Curve:
    x = [n**-c for n in rows]
    total = math.fsum(rows)
    mean_x = math.fsum(w * v for w, v in zip(rows, x, strict=True)) / total
    mean_y = math.fsum(w * v for w, v in zip(rows, errors, strict=True)) / total
    top = math.fsum(w * (v - mean_x) * (e - mean_y) for w, v, e in zip(rows, x, errors, strict=True))
    bottom = math.fsum(w * (v - mean_x) ** 2 for w, v in zip(rows, x, strict=True))
    b = max(0.0, top / bottom)
    if mean_y - b * mean_x >= 0:
        return Curve(mean_y - b * mean_x, b, c)
    square = math.fsum(w * v * v for w, v in zip(rows, x, strict=True))
    return Curve(0.0, math.fsum(w * v * e for w, v, e in zip(rows, x, errors, strict=True)) / square, c)


def _misfit(curve: Curve, rows: Sequence[float], errors: Sequence[float]) -> float:
    return math.fsum(n * (curve.error(n) - error) ** 2 for n, error in zip(rows, errors, strict=True))
