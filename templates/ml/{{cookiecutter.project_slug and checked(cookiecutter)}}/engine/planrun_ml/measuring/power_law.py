"""The learning curve a + b·n^-c through measured errors (F14)."""

from operator import itemgetter
from typing import Any

import numpy as np
from scipy.optimize import nnls


def power_law(sizes: list[int], errors: list[float]) -> dict[str, Any]:
    """a + b·n^-c, a and b not negative, by least squares over a grid of c, weighted by size; the band is two residual
    deviations wide."""
    n, e = np.array(sizes, dtype=float), np.array(errors, dtype=float)
    if len(set(sizes)) < 4 or not np.isfinite(e).all():
        return {"fit": None}
    tried = []
    for c in np.arange(0.05, 1.51, 0.05):
        (a, b), left = nnls(np.column_stack([np.ones(len(n)), n**-c]) * np.sqrt(n)[:, None], e * np.sqrt(n))
        tried.append((float(left), float(a), float(b), float(c)))
    left, a, b, c = min(tried, key=itemgetter(0))
    band = 2 * left / float(n.sum()) ** 0.5
    return {"fit": {"a": a, "b": b, "c": c, "band": band, "at_all_rows": a + b * float(n[-1]) ** -c}}
