"""Errors on growing shares of the training rows."""

from typing import Any

import numpy as np

from planrun_ml.data.frames import Frame
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.measuring.metrics import Metric, score
from planrun_ml.measuring.power_law import power_law
from planrun_ml.models.configuration import config
from planrun_ml.models.training import case, fit, part

SHARES = (0.15, 0.3, 0.5, 0.75, 1.0)
CURVE = 20_000  # training rows: the shape of the curve shows below this, and the audit stays quick


# ---------------------------------------------------------------------------------------------------- more rows?
def curve(rows: Frame, validation: Frame, task: str, metric: Metric, threshold: float) -> dict[str, Any]:
    """Would more rows help? Errors of a simple model at growing sizes, and a + b·size^-c through them."""
    order, sizes, values = _order(rows), [], []
    for share in SHARES:
        some = part(rows, order[: max(20, int(share * min(len(order), CURVE)))])
        if task in CLASSES and len(set(some.y.astype(str))) < 2:
            continue
        values.append(score(metric, case(fit(some, task, config("linear")), validation, task, threshold)))
        sizes.append(len(some.y))
    errors = [error for value in values if (error := metric.error(value)) is not None]
    found = {"metric": metric.name, "sizes": sizes, "errors": errors, "rows": len(order)}
    # a metric without a best value leaves no error: its values are told, and nothing is forecast from them
    return found | (power_law(sizes, errors) if errors else {"values": values, "fit": None})


def _order(rows: Frame) -> np.ndarray:
    """A shuffle that keeps a cluster's rows side by side."""
    unit = rows.queries if rows.queries is not None else rows.clusters
    place = np.arange(len(rows.y)) if unit is None else np.unique(unit.astype(str), return_inverse=True)[1]
    shuffled = np.random.default_rng(17).permutation(int(place.max()) + 1)
    return np.argsort(shuffled[place], kind="stable")
