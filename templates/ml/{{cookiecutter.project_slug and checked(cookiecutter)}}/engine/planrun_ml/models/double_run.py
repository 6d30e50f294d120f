"""The same training twice gives the same predictions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from planrun_ml.data.frames import Frame
from planrun_ml.models.training import fit, predict

TOLERANCE = 1e-9  # between two trainings with one seed


def double_run(rows: Frame, validation: Frame, task: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Two trainings with one seed must give the same scores."""
    said = [predict(fit(rows, task, settings), validation.x, task) for _ in range(2)]
    difference = float(np.abs(said[0] - said[1]).max())
    return {"largest_difference": difference, "tolerance": TOLERANCE, "ok": difference <= TOLERANCE}
