"""The evaluator: what each metric is, which way is better, and its value on a set of predictions.

Every metric but two is a function of sums over units (rows, or queries), which is what makes resampling fast; a test
holds them to scikit-learn's. Results are comparable while evaluator, data and splits are what gates/G1.lock says.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.stats import rankdata

from . import data
from .files import Blocked, canonical, read_json, write_text
from .gates import require
from .repo import Repo

VERSION = "1"  # part of the lock: raise it when a metric changes its meaning
LOWER = ("log_loss", "brier", "mae", "rmse", "cost")  # an error or a loss: less is better
ORDER = ("roc_auc", "average_precision")  # no function of sums
QUERIES = ("ndcg_at_10", "mrr")
NATURAL = {
    "binary": "roc_auc", "multiclass": "accuracy", "regression": "mae", "ranking": "ndcg_at_10", "forecast": "mae",
}  # fmt: skip
TINY = 1e-15
LOCK = "gates/G1.lock"
SPLITS = "evidence/splits.json#rule,sizes,keys,answers"
GUIDE = "docs/labelling-guide.md"
FOLDER = "experiments"
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
    prices: tuple[float, float] = (0.0, 0.0)  # of a false alarm and of a miss; with classes the second of any error

    def only(self, mask: np.ndarray) -> "Case":
        """The rows of a segment."""
        pick = {key: value[mask] for key in ("clusters", "queries") if (value := getattr(self, key)) is not None}
        return replace(self, y=self.y[mask], scores=self.scores[mask], **pick)


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
        from .ranking import per_query  # written where the task is ranking

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
        return np.asarray(case.classes, dtype=object)[case.scores.argmax(axis=1)]
    return (case.scores >= case.threshold).astype(float)


def costs(case: Case) -> np.ndarray:
    """What each decision costs."""
    decided, (false_alarm, miss) = decide(case), case.prices
    if case.classes:
        return miss * (decided != case.y)
    return false_alarm * ((decided == 1) & (case.y == 0)) + miss * ((decided == 0) & (case.y == 1))


def priced(repo: Repo, case: Case) -> Case:
    """With the prices that the team named."""
    return replace(case, prices=tuple(float(repo.answers.get(key) or 0) for key in ("false_alarm_cost", "miss_cost")))


def decision_threshold(repo: Repo) -> float:
    """The plan's decision threshold; one half where the task has none."""
    value = repo.number("acceptance.threshold")
    return 0.5 if value is None else float(value)


def minimum_gain(repo: Repo, baseline: float | None = None) -> float:
    """The gain to be shown: the plan's, or where no unit of error has a price, a share of the baseline's own error."""
    share = repo.entry("acceptance.min_gain")["inputs"].get("min_gain_share")
    if repo.number("acceptance.min_gain") is None and share is not None:
        measured = repo.fresh("baseline", "make baseline")["result"]["value"] if baseline is None else baseline
        return float(share * measured)
    return float(repo.needed("acceptance.min_gain"))


def reachable(repo: Repo) -> bool:
    """Whether the learning curve's band at all rows leaves the target within reach; unknown counts as yes."""
    fit, target = (repo.evidence("learning_curve") or {}).get("fit"), repo.number("acceptance.target")
    if not fit or target is None:
        return True
    allowed = 1 - target if higher_is_better(repo.answers["metric"]) else target
    return bool(fit["at_all_rows"] - fit["band"] <= allowed)


def expected_cost(repo: Repo, case: Case) -> float | None:
    """Cost of one decision in the plan's currency; None for tasks whose result is no decision."""
    if repo.answers["task"] not in ("binary", "multiclass"):
        return None
    return round(score("cost", priced(repo, case)), 6)


# ---------------------------------------------------------------------------------------------------- sums
def _given(case: Case) -> np.ndarray:
    """The probability given to what came true; none to a class the model has never seen."""
    if not case.classes:
        return np.where(case.y == 1, case.scores, 1 - case.scores)
    return ((case.y[:, None] == np.asarray(case.classes, dtype=object)) * case.scores).sum(axis=1)


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
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


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


# ---------------------------------------------------------------------------------------------------- the lock
def locked_parts(repo: Repo) -> dict[str, str]:
    """The hashes of today's files."""
    package = f"src/{repo.answers['project_slug'].replace('-', '_')}"
    measuring = (f"{package}/{name}.py" for name in ("evaluate", "intervals", "ranking"))
    return {
        "manifest": repo.sha256("data/manifest.json"),
        "schema": repo.sha256("data/schema.yaml"),
        "splits": repo.digest(SPLITS) if (repo.root / "evidence/splits.json").is_file() else "",
        "harness": canonical([VERSION, *(repo.sha256(path) for path in measuring)]),
        "labelling_guide": repo.sha256(GUIDE),
    }


def locked(repo: Repo) -> str:
    """Lock today's data once the blocking gates of G1 are open; the sentence to print."""
    try:
        require(repo, *(id for id in repo.blocking() if id.startswith("G1.") and id != "G1.lock"))
    except Blocked as reason:
        return f"Not locked. {reason.sentence}\nNext: {reason.remedy}"
    write_text(repo.root / LOCK, json.dumps(locked_parts(repo), indent=2) + "\n")
    return "Locked: gates/G1.lock. Experiments may start."


def lock_sha(repo: Repo) -> str:
    """The lock that experiments carry. Raises `Blocked` when there is none, or when something locked has moved."""
    data.manifest(repo)
    if not (repo.root / LOCK).is_file():
        raise Blocked("The data is not locked yet.", "make baseline")
    locked, today = read_json(repo.root / LOCK), locked_parts(repo)
    moved = [name for name, digest in today.items() if locked.get(name) != digest]
    if moved:
        raise Blocked(f"The lock no longer fits: {', '.join(moved)} changed after it was written.", "make baseline")
    return repo.sha256(LOCK)
