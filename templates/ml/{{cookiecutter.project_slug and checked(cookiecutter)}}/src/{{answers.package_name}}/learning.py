"""Would more rows help? The error of a simple model at growing sizes, and the power law through them."""

from typing import Any

import numpy as np

from . import train
from .dataset import Frame
from .evaluate import higher_is_better, score

SHARES = (0.15, 0.3, 0.5, 0.75, 1.0)
MOST = 20_000  # rows: the shape shows below this, and the audit stays quick


def curve(rows: Frame, validation: Frame, task: str, metric: str, threshold: float) -> dict[str, Any]:
    """Sizes, errors on validation, and a + b·size^-c with the error it predicts for all rows."""
    order = _order(rows)
    sizes, errors = [], []
    for share in SHARES:
        part = order[: max(20, int(share * min(len(order), MOST)))]
        if task in train.CLASSIFY and len(set(rows.y[part].astype(str))) < 2:
            continue
        cut = Frame(rows.keys[part], rows.x.iloc[part], rows.y[part], None, None, rows.segments)
        model = train.fit(cut, task, train.config("linear"))
        case = validation.case(train.predict(model, validation.x, task), threshold, train.classes(model, task))
        value = score(metric, case)
        sizes.append(len(part))
        errors.append(1 - value if higher_is_better(metric) else value)
    return {"metric": metric, "sizes": sizes, "errors": errors, "rows": len(order)} | power_law(sizes, errors)


def power_law(sizes: list[int], errors: list[float]) -> dict[str, Any]:
    """a + b·n^-c by least squares over a grid of c, weighted by size; the band is two residual deviations wide."""
    n, e = np.array(sizes, dtype=float), np.array(errors, dtype=float)
    if len(set(sizes)) < 4 or not np.isfinite(e).all():
        return {"fit": None}
    best: tuple[float, float, float, float] | None = None
    for c in np.arange(0.05, 1.51, 0.05):
        design = np.column_stack([np.ones(len(n)), n**-c]) * np.sqrt(n)[:, None]
        (a, b), *_ = np.linalg.lstsq(design, e * np.sqrt(n), rcond=None)
        if a < 0 or b < 0:
            a, b = (max(0.0, float(np.average(e, weights=n))), 0.0) if b < 0 else (0.0, float((e * n**c).mean()))
        left = float((n * (a + b * n**-c - e) ** 2).sum())
        if best is None or left < best[0]:
            best = (left, float(a), float(b), float(c))
    left, a, b, c = best
    band = 2 * (left / n.sum()) ** 0.5
    return {"fit": {"a": a, "b": b, "c": c, "band": band, "at_all_rows": a + b * float(n[-1]) ** -c}}


def _order(rows: Frame) -> np.ndarray:
    """A shuffle that keeps a cluster's rows side by side."""
    unit = rows.queries if rows.queries is not None else rows.clusters
    place = np.arange(len(rows.y)) if unit is None else np.unique(unit.astype(str), return_inverse=True)[1]
    shuffled = np.random.default_rng(17).permutation(int(place.max()) + 1)
    return np.argsort(shuffled[place], kind="stable")
