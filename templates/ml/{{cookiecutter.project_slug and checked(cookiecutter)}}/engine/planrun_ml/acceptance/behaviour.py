"""Where the candidate decides otherwise than the baseline: how often, and examples."""

from typing import Any

import numpy as np
import pandas as pd

from planrun_ml.experiments.records import _plain
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import decide

EXAMPLES = 20  # rows of each kind


# ------------------------------------------------------------------------------------------------ changed decisions
def behaviour(said: pd.DataFrame, one: Case, other: Case) -> dict[str, Any]:
    """Two models can score alike and answer different people differently: the share, and rows for a person to read."""
    after, before = (decide(one), decide(other)) if one.classes else (one.scores, other.scores)
    rows = pd.DataFrame({"id": said["_key"].astype(str), "right": one.y, "new": after, "old": before})
    changed, *moved = places(one, other)
    better, worse = (rows.iloc[chosen[:EXAMPLES]].map(_plain).to_dict("records") for chosen in moved)
    return {"changed": round(len(changed) / max(len(rows), 1), 6), "better": better, "worse": worse}


def places(new: Case, old: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows whose decision changes, those that turn right, and those that turn wrong; a value's largest shifts first."""
    if new.classes or set(np.unique(new.y)) <= {0.0, 1.0}:
        after, before = decide(new), decide(old)
        changed = np.flatnonzero(after != before)
        right = np.flatnonzero((after == new.y) & (before != new.y))
        return changed, right, np.flatnonzero((after != new.y) & (before == new.y))
    gap = np.abs(new.scores - new.y) - np.abs(old.scores - new.y)
    changed = np.flatnonzero(np.abs(new.scores - old.scores) > 0.1 * (np.std(old.scores) or 1.0))
    order = np.argsort(gap)
    return changed, order[gap[order] < 0], order[::-1][gap[order[::-1]] > 0]
