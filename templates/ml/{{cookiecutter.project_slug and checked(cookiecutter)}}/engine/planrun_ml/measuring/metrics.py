"""The evaluator: what each metric is, which way is better, and its value on a set of predictions.

Every metric but two is a function of sums over units (rows, or queries), which is what makes resampling fast; a test
holds them to scikit-learn's. Results are comparable while evaluator, data and splits are what gates/G1.lock says.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from planrun.repository import Repo
from scipy.stats import rankdata

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.catalogue import METRICS, TASKS, MetricKey
from planrun_ml.measuring.ranking import per_query

BETTER = ("higher", "lower")
COUNTED_ON = ("rows", "positives", "alarms", "queries")
MORE = {"rows": "rows", "positives": "positive rows", "alarms": "alarms", "queries": "queries"}
LABELS = {"rows": "labels", "positives": "labels of positives", "alarms": "labels of alarms", "queries": "queries"}
NATURAL: dict[str, MetricKey] = {task: row.natural for task, row in TASKS.items()}
TINY = 1e-15
OF_THE_TARGET = "units of the target"  # which no answer names
Combine = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: how it is computed, and what follows from that for intervals, sample sizes and watching.

    It is one of three:
    `each(case)`, one number a row (or a query) whose mean over the units it is `counted_on` is the metric;
    `sums(case)`, rows × sums, with `combine(sets × sums)`, one value a set, for what is a function of sums and no mean;
    `value(case)`, one number for all rows, where a row does not stand alone (an order, the top of a list). It is
    computed again without each part of the rows in turn.

    Raises `ValueError` where it is none of these, or says something else than it may.
    """

    each: Callable[[Case], np.ndarray] | None = None
    sums: Callable[[Case], np.ndarray] | None = None
    combine: Combine | None = None
    value: Callable[[Case], float] | None = None
    better: str = "higher"  # or "lower": then it is a loss, never below 0
    share: bool = False  # a share of right ones, between 0 and 1; otherwise an amount
    counted_on: str = "rows"  # or positives, alarms, queries: a mean goes over them, rows are planned in them
    unit: str = ""  # what a value is counted in, as the plan says it
    name: str = ""  # as the answers name it
    code: str = ""  # of a team's own: what its room says, in twelve digits
    best: float | None = None  # a perfect model's value; None: 0 of a loss, 1 of a share, and of others none
    root: bool = False  # the root of its mean loss, which is watched squared
    delong: bool = False  # its interval has DeLong's formula

    def __post_init__(self) -> None:
        if sum(way is not None for way in (self.each, self.sums, self.value)) != 1:
            raise ValueError("a Metric has one of each, sums and value")
        if (self.sums is None) != (self.combine is None) and not self.root:
            raise ValueError("a Metric with sums says how to combine them")
        if self.share and self.better != BETTER[0]:
            raise ValueError("a share counts right ones, so higher is better")
        for key, said, known in (("better", self.better, BETTER), ("counted_on", self.counted_on, COUNTED_ON)):
            if said not in known:
                raise ValueError(f'{key}="{said}" is none of {", ".join(known)}')

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1

    @property
    def own(self) -> bool:
        """Whether a team brought it."""
        return self.name.startswith(OWN)

    @property
    def units(self) -> str:
        """What it is measured on: n counts them, and "n more" asks for them."""
        return self.counted_on if self.each else "rows"

    @property
    def more(self) -> str:
        """How one asks for more units."""
        return MORE[self.units]

    @property
    def labels(self) -> str:
        """How one asks for more labels."""
        return LABELS[self.units]

    @property
    def limit(self) -> float | None:
        """The value of a perfect model; None where there is none."""
        if self.best is not None:
            return self.best
        return 0.0 if self.better == "lower" else 1.0 if self.share else None

    def error(self, value: float) -> float | None:
        """How far a value is from a perfect model's; None where there is none."""
        return None if self.limit is None else abs(self.limit - value)


OWN = "own:"


def score(metric: Metric, case: Case) -> float:
    """The metric on these predictions; NaN where it is not defined (no positive row, say)."""
    if metric.value:
        return float(metric.value(case))
    parts, _, combine = components(metric, case)
    return float(combine(parts.sum(axis=0)[None, :])[0])


def components(metric: Metric, case: Case) -> tuple[np.ndarray, np.ndarray | None, Combine]:
    """Units × sums, the cluster of each unit, and how sums become the metric. Not for one that is a `value`."""
    if metric.sums and metric.combine:
        return metric.sums(case), case.clusters, metric.combine
    values, counted = per_unit(metric, case)
    parts = np.column_stack([np.where(counted, values, 0.0), counted.astype(float)])
    clusters = case.clusters
    if metric.counted_on == "queries" and clusters is not None and case.queries is not None:
        clusters = clusters[np.unique(case.queries, return_index=True)[1]]
    return parts, clusters, metric.combine or _mean


def per_unit(metric: Metric, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """One number a row (or a query), and whether the metric is counted on it. Only for one that is a mean."""
    assert metric.each is not None, "others have no number a unit"
    values = metric.each(case).astype(float)
    return values, counted(metric, case) if metric.counted_on != "queries" else np.ones(len(values), dtype=bool)


def counted(metric: Metric, case: Case) -> np.ndarray:
    """The rows that a mean goes over: positives for recall, alarms for precision, others all."""
    if metric.counted_on == "positives":
        return np.asarray(case.y == 1)
    return np.asarray(decide(case) == 1) if metric.counted_on == "alarms" else np.ones(len(case.y), dtype=bool)


def losses(metric: Metric, case: Case) -> np.ndarray | None:
    """One number a unit whose mean is the metric; None where it is no mean, as RMSE or an order."""
    if metric.each is None or metric.root:
        return None
    values, mask = per_unit(metric, case)
    found: np.ndarray = values[mask]
    return found


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


def _counts(truth: np.ndarray, said: np.ndarray) -> list[np.ndarray]:
    """Right alarms, false alarms and misses, row by row."""
    return [(truth & said).astype(float), (~truth & said).astype(float), (truth & ~said).astype(float)]


def _of_alarms(case: Case) -> np.ndarray:
    return np.column_stack(_counts(case.y == 1, decide(case) == 1))


def _of_classes(case: Case) -> np.ndarray:
    said = decide(case)
    return np.column_stack([part for name in case.classes for part in _counts(case.y == name, said == name)])


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    return shares


def _mean(sums: np.ndarray) -> np.ndarray:
    return _divide(sums[:, 0], sums[:, 1])


def _f1(sums: np.ndarray) -> np.ndarray:
    return _divide(2 * sums[:, 0], 2 * sums[:, 0] + sums[:, 1] + sums[:, 2])


def _mean_f1(sums: np.ndarray) -> np.ndarray:
    """F1 of each class, three sums a class, averaged."""
    each = [np.nan_to_num(_f1(sums[:, place : place + 3])) for place in range(0, sums.shape[1], 3)]
    found: np.ndarray = np.mean(each, axis=0)
    return found


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


# ---------------------------------------------------------------------------------------------------- the metrics
def _listed(
    name: MetricKey,
    *,
    each: Callable[[Case], np.ndarray] | None = None,
    sums: Callable[[Case], np.ndarray] | None = None,
    combine: Combine | None = None,
    value: Callable[[Case], float] | None = None,
    root: bool = False,
    unit: str = "",
) -> Metric:
    """A metric of the catalogue, and how it is computed."""
    row = METRICS[name]
    return Metric(
        each=each, sums=sums, combine=combine, value=value, root=root, unit=unit,
        name=name, better=row.better, counted_on=row.counted_on, share=row.method == "share",
        delong=row.method == "auc", best=None if row.high is None or row.better != BETTER[0] else float(row.high),
    )  # fmt: skip


BUILT_IN: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _listed("recall", each=lambda case: decide(case) == 1),
        _listed("precision", each=lambda case: case.y == 1),
        _listed("accuracy", each=lambda case: decide(case) == case.y),
        _listed("roc_auc", value=lambda case: auc(case.y, case.scores)),
        _listed("average_precision", value=lambda case: average_precision(case.y, case.scores)),
        _listed("f1", sums=_of_alarms, combine=_f1),
        _listed("macro_f1", sums=_of_classes, combine=_mean_f1),
        _listed("log_loss", each=lambda case: -np.log(np.clip(_given(case), TINY, 1))),
        _listed("brier", each=lambda case: (case.scores - case.y) ** 2),
        _listed("mae", each=lambda case: np.abs(case.y - case.scores), unit=OF_THE_TARGET),
        _listed(
            "rmse",
            each=lambda case: (case.y - case.scores) ** 2,
            combine=lambda sums: np.sqrt(_mean(sums)),
            root=True,
            unit=OF_THE_TARGET,
        ),
        _listed("ndcg_at_10", each=lambda case: per_query("ndcg_at_10", case)),
        _listed("mrr", each=lambda case: per_query("mrr", case)),
        Metric(each=costs, better="lower", name="cost"),  # what decisions cost; it judges beside the one that decides
    )
}


def named(name: MetricKey | Literal["cost"]) -> Metric:
    """A metric that the engine brings; `deciding` finds the one that answers name."""
    return BUILT_IN[name]
