"""The evaluator: what each metric is, which way is better, and its value on a set of predictions.

Every metric but two is a function of sums over units (rows, or queries), which is what makes resampling fast; a test
holds them to scikit-learn's. Results are comparable while evaluator, data and splits are what gates/G1.lock says.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from planrun.repository import Repo
from scipy.stats import rankdata

from planrun_ml.measuring.case import Case

LOWER = ("log_loss", "brier", "mae", "rmse", "cost")  # an error or a loss: less is better
ORDER = ("roc_auc", "average_precision")  # no function of sums
QUERIES = ("ndcg_at_10", "mrr")
NATURAL = {
    "binary": "roc_auc", "multiclass": "accuracy", "regression": "mae", "ranking": "ndcg_at_10", "forecast": "mae",
}  # fmt: skip
TINY = 1e-15
Combine = Callable[[np.ndarray], np.ndarray]


def higher_is_better(metric: str) -> bool:
    return metric not in LOWER


def score(metric: str, case: Case) -> float:
    """The metric on these predictions; NaN where it is not defined (no positive row, say)."""
    if metric in ORDER:
        return (auc if metric == "roc_auc" else average_precision)(case.y, case.scores)
    parts, _, combine = components(metric, case)
    return float(combine(parts.sum(axis=0)[None, :])[0])


def components(metric: str, case: Case) -> tuple[np.ndarray, np.ndarray | None, Combine]:
    """Units × sums, the cluster of each unit, and how sums become the metric."""
    if metric in QUERIES:
        from planrun_ml.measuring.ranking import per_query  # written where the task is ranking

        values, clusters = per_query(metric, case)
        return np.column_stack([values, np.ones(len(values))]), clusters, _COMBINE["mean"]
    if metric in _LOSS:
        values = _LOSS[metric](case).astype(float)
        return np.column_stack([values, np.ones(len(values))]), case.clusters, _COMBINE.get(metric, _COMBINE["mean"])
    said, names = decide(case), case.classes if metric == "macro_f1" else (1,)
    sums = [part for name in names for part in _counts(case.y == name, said == name)]
    return np.column_stack(sums), case.clusters, _COMBINE[metric]


def losses(metric: str, case: Case) -> np.ndarray | None:
    """One number a unit whose mean is the metric; None where it is no mean."""
    return components(metric, case)[0][:, 0] if metric in (*QUERIES, *_LOSS) and metric != "rmse" else None


def decide(case: Case) -> np.ndarray:
    """The decision each score leads to: 0 or 1 at the threshold, the likeliest class, or the value itself."""
    if case.classes:
        likeliest: np.ndarray = np.asarray(case.classes, dtype=object)[case.scores.argmax(axis=1)]
        return likeliest
    acted: np.ndarray = (case.scores >= case.threshold).astype(float)
    return acted


def costs(case: Case) -> np.ndarray:
    """What each decision costs."""
    decided, (false_alarm, miss) = decide(case), case.prices
    found: np.ndarray
    if case.classes:
        found = miss * (decided != case.y)
    else:
        found = false_alarm * ((decided == 1) & (case.y == 0)) + miss * ((decided == 0) & (case.y == 1))
    return found


def priced(repo: Repo, case: Case) -> Case:
    """With the prices that the team named."""
    false_alarm, miss = (float(repo.answers.get(key) or 0) for key in ("false_alarm_cost", "miss_cost"))
    return replace(case, prices=(false_alarm, miss))


# ---------------------------------------------------------------------------------------------------- sums
def _given(case: Case) -> np.ndarray:
    """The probability given to what came true; none to a class the model has never seen."""
    if not case.classes:
        return np.where(case.y == 1, case.scores, 1 - case.scores)
    of_truth: np.ndarray = ((case.y[:, None] == np.asarray(case.classes, dtype=object)) * case.scores).sum(axis=1)
    return of_truth


_LOSS: dict[str, Callable[[Case], np.ndarray]] = {
    "mae": lambda case: np.abs(case.y - case.scores),
    "rmse": lambda case: (case.y - case.scores) ** 2,
    "brier": lambda case: (case.scores - case.y) ** 2,
    "log_loss": lambda case: -np.log(np.clip(_given(case), TINY, 1)),
    "accuracy": lambda case: decide(case) == case.y,
    "cost": costs,
}


def _counts(truth: np.ndarray, said: np.ndarray) -> list[np.ndarray]:
    """Right alarms, false alarms and misses, row by row."""
    return [(truth & said).astype(float), (~truth & said).astype(float), (truth & ~said).astype(float)]


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    return shares


def _f1(sums: np.ndarray) -> np.ndarray:
    return _divide(2 * sums[:, 0], 2 * sums[:, 0] + sums[:, 1] + sums[:, 2])


_COMBINE: dict[str, Combine] = {
    "mean": lambda sums: sums[:, 0] / sums[:, 1],
    "rmse": lambda sums: np.sqrt(sums[:, 0] / sums[:, 1]),
    "recall": lambda sums: _divide(sums[:, 0], sums[:, 0] + sums[:, 2]),
    "precision": lambda sums: _divide(sums[:, 0], sums[:, 0] + sums[:, 1]),
    "f1": _f1,
    "macro_f1": lambda sums: np.mean(
        [np.nan_to_num(_f1(sums[:, place : place + 3])) for place in range(0, sums.shape[1], 3)], axis=0
    ),
}


# ---------------------------------------------------------------------------------------------------- order
def auc(y: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a positive row outranks a negative one; ties count half (Mann-Whitney)."""
    positive = y == 1
    m, n = int(positive.sum()), int((~positive).sum())
    return float((rankdata(scores)[positive].sum() - m * (m + 1) / 2) / (m * n)) if m and n else float("nan")


def average_precision(y: np.ndarray, scores: np.ndarray) -> float:
    """Precision averaged over the recall steps, ties taken together."""
    if not (y == 1).any():
        return float("nan")
    values, place = np.unique(-scores, return_inverse=True)
    hits = np.bincount(place, weights=(y == 1).astype(float), minlength=len(values))
    seen = np.bincount(place, minlength=len(values))
    return float((hits * hits.cumsum() / seen.cumsum()).sum() / hits.sum())
