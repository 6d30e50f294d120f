"""The evaluator: what each metric is, which way is better, and its value on a set of predictions.

Every metric but two is a function of sums over units (rows, or queries), which is what makes resampling fast.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

VERSION = "1"  # part of the lock: raise it when a metric changes its meaning
HIGHER = {
    "recall": True,
    "precision": True,
    "accuracy": True,
    "f1": True,
    "macro_f1": True,
    "roc_auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "mae": False,
    "rmse": False,
    "ndcg_at_10": True,
    "mrr": True,
}
NATURAL = {
    "binary": "roc_auc",
    "multiclass": "accuracy",
    "regression": "mae",
    "ranking": "ndcg_at_10",
    "forecast": "mae",
}
TINY = 1e-15
Combine = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Case:
    """Predictions beside the right answers. `scores` is P(positive), a value, or one column a class."""

    y: np.ndarray
    scores: np.ndarray
    threshold: float = 0.5
    classes: tuple[str, ...] = ()
    clusters: np.ndarray | None = None  # rows that are not independent share one; None: every row is
    queries: np.ndarray | None = None  # ranking: which query a row belongs to

    def only(self, mask: np.ndarray) -> "Case":
        """The rows of a segment."""
        pick = {key: value[mask] for key in ("clusters", "queries") if (value := getattr(self, key)) is not None}
        return replace(self, y=self.y[mask], scores=self.scores[mask], **pick)


def higher_is_better(metric: str) -> bool:
    return HIGHER[metric]


def score(metric: str, case: Case) -> float:
    """The metric on these predictions; NaN where it is not defined (no positive row, say)."""
    if metric == "roc_auc":
        return auc(case.y, case.scores)
    if metric == "average_precision":
        return average_precision(case.y, case.scores)
    parts, _, combine = components(metric, case)
    return float(combine(parts.sum(axis=0)[None, :])[0])


def components(metric: str, case: Case) -> tuple[np.ndarray, np.ndarray | None, Combine]:
    """Units × sums, the cluster of each unit, and how sums become the metric."""
    if metric in ("ndcg_at_10", "mrr"):
        return _per_query(metric, case)
    return _per_row(metric, case), case.clusters, _COMBINE.get(metric, _ratio)


def losses(metric: str, case: Case) -> np.ndarray | None:
    """One number a unit whose mean is the metric; None where it is no mean."""
    if metric in ("accuracy", "log_loss", "brier", "mae", "ndcg_at_10", "mrr"):
        return components(metric, case)[0][:, 0]
    return None


def decide(case: Case) -> np.ndarray:
    """The decision each score leads to: 0 or 1 at the threshold, the likeliest class, or the value itself."""
    if case.classes:
        return np.asarray(case.classes, dtype=object)[case.scores.argmax(axis=1)]
    return (case.scores >= case.threshold).astype(float)


def cost(case: Case, false_alarm: float, miss: float) -> float:
    """Expected cost of one decision."""
    decided = decide(case)
    if case.classes:
        return float(miss * np.mean(decided != case.y))
    return float(np.mean(false_alarm * ((decided == 1) & (case.y == 0)) + miss * ((decided == 0) & (case.y == 1))))


# ---------------------------------------------------------------------------------------------------- sums
def _per_row(metric: str, case: Case) -> np.ndarray:
    y, scores = case.y, case.scores
    one = np.ones(len(y))
    if metric == "mae":
        return np.column_stack([np.abs(y - scores), one])
    if metric == "rmse":
        return np.column_stack([(y - scores) ** 2, one])
    if metric == "brier":
        return np.column_stack([(scores - y) ** 2, one])
    if metric == "log_loss":
        return np.column_stack([-np.log(np.clip(_given(case), TINY, 1)), one])
    decided = decide(case)
    if metric == "accuracy":
        return np.column_stack([decided == case.y, one]).astype(float)
    if metric == "macro_f1":
        return np.column_stack([part for name in case.classes for part in _counts(case.y == name, decided == name)])
    return np.column_stack(_counts(y == 1, decided == 1))


def _counts(truth: np.ndarray, said: np.ndarray) -> list[np.ndarray]:
    """Right alarms, false alarms and misses, row by row."""
    return [(truth & said).astype(float), (~truth & said).astype(float), (truth & ~said).astype(float)]


def _given(case: Case) -> np.ndarray:
    """The probability given to what came true."""
    if not case.classes:
        return np.where(case.y == 1, case.scores, 1 - case.scores)
    place = {name: number for number, name in enumerate(case.classes)}
    column = np.array([place.get(name, -1) for name in case.y])
    found = case.scores[np.arange(len(column)), np.clip(column, 0, None)]
    return np.where(column >= 0, found, 0.0)


def _ratio(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def _root(sums: np.ndarray) -> np.ndarray:
    return np.sqrt(sums[:, 0] / sums[:, 1])


def _recall(sums: np.ndarray) -> np.ndarray:
    return _divide(sums[:, 0], sums[:, 0] + sums[:, 2])


def _precision(sums: np.ndarray) -> np.ndarray:
    return _divide(sums[:, 0], sums[:, 0] + sums[:, 1])


def _f1(sums: np.ndarray) -> np.ndarray:
    return _divide(2 * sums[:, 0], 2 * sums[:, 0] + sums[:, 1] + sums[:, 2])


def _macro(sums: np.ndarray) -> np.ndarray:
    each = [_f1(sums[:, place : place + 3]) for place in range(0, sums.shape[1], 3)]
    return np.nan_to_num(np.array(each)).mean(axis=0)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


_COMBINE: dict[str, Combine] = {
    "rmse": _root,
    "recall": _recall,
    "precision": _precision,
    "f1": _f1,
    "macro_f1": _macro,
}


# ---------------------------------------------------------------------------------------------------- order
def _per_query(metric: str, case: Case) -> tuple[np.ndarray, np.ndarray | None, Combine]:
    """One unit a query; ties keep the order of a fixed shuffle, so that a constant score earns what chance earns."""
    frame = pd.DataFrame({"query": case.queries, "y": case.y.astype(float), "score": case.scores})
    frame["tie"] = np.random.default_rng(0).random(len(frame))
    frame["cluster"] = case.queries if case.clusters is None else case.clusters
    frame = frame.sort_values(["query", "score", "tie"], ascending=[True, False, True], kind="stable")
    rank = frame.groupby("query").cumcount().to_numpy()
    if metric == "mrr":
        frame["part"] = np.where(frame.y > 0, 1 / (rank + 1), 0.0)
        per_query = frame.groupby("query").part.max()
    else:
        frame["part"] = np.where(rank < 10, (2**frame.y - 1) / np.log2(rank + 2), 0.0)
        best = frame.sort_values(["query", "y"], ascending=[True, False], kind="stable")
        best_rank = best.groupby("query").cumcount().to_numpy()
        best["ideal"] = np.where(best_rank < 10, (2**best.y - 1) / np.log2(best_rank + 2), 0.0)
        ideal = best.groupby("query").ideal.sum()
        per_query = (frame.groupby("query").part.sum() / ideal).where(ideal > 0, 0.0)
    clusters = None if case.clusters is None else frame.groupby("query").cluster.first().to_numpy()
    return np.column_stack([per_query.to_numpy(), np.ones(len(per_query))]), clusters, _ratio


def auc(y: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a positive row outranks a negative one; ties count half."""
    positive = y == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return float("nan")
    return float((midranks(scores)[positive].sum() - m * (m + 1) / 2) / (m * n))


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing the middle of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[place]


def average_precision(y: np.ndarray, scores: np.ndarray) -> float:
    """Precision averaged over the recall steps, ties taken together."""
    if not (y == 1).any():
        return float("nan")
    values, place = np.unique(-scores, return_inverse=True)
    hits = np.bincount(place, weights=(y == 1).astype(float), minlength=len(values))
    seen = np.bincount(place, minlength=len(values))
    return float((hits * hits.cumsum() / seen.cumsum()).sum() / hits.sum())
