"""How one model decides otherwise than another: the share of changed decisions, and examples a person can read.

Two models can score alike and still answer different people differently; a metric does not show that.
"""

from typing import Any

import numpy as np

from . import dataset
from .evaluate import Case, decide
from .repo import Repo

EXAMPLES = 20
EVIDENCE = "behaviour"
READ = f"evidence/{EVIDENCE}.json#against,changed,better,worse"


def of_files(repo: Repo, new: str, old: str, threshold: float) -> dict[str, Any]:
    """Changed behaviour from two prediction files, found by their hash; the gate works it out again."""
    said = dataset.read_predictions(repo, new)
    one, other = dataset.pair(said, dataset.read_predictions(repo, old), threshold)
    keys = said["_key"].to_numpy(dtype=object)
    changed, better, worse = places(one, other)
    return {
        "changed": round(len(changed) / max(len(keys), 1), 6),
        "better": [_example(keys, one, other, place) for place in better[:EXAMPLES]],
        "worse": [_example(keys, one, other, place) for place in worse[:EXAMPLES]],
    }


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


def _example(keys: np.ndarray, new: Case, old: Case, place: int) -> dict[str, Any]:
    """One row: what was right, and what each model said."""
    said = {"new": new.scores[place], "old": old.scores[place]}
    if new.classes:
        said = {"new": decide(new)[place], "old": decide(old)[place]}
    shown = {"right": new.y[place]} | said
    return {"id": str(keys[place])} | {name: _plain(value) for name, value in shown.items()}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else float(f"{float(value):.6g}")
