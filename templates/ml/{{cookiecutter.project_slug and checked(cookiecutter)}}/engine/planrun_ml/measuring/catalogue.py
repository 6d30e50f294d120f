"""Every metric and task. Written by generator/sync.py from mlscaffold/catalogue: edit that."""
# fmt: off

from typing import Literal, NamedTuple


class Listed(NamedTuple):
    """Which way is better, the largest value, what labelled rows are planned in, how two are compared."""

    better: str
    high: float | None
    counted_on: str
    method: str


MetricKey = Literal[
    "recall",
    "precision",
    "accuracy",
    "roc_auc",
    "average_precision",
    "f1",
    "macro_f1",
    "log_loss",
    "brier",
    "mae",
    "rmse",
    "ndcg_at_10",
    "mrr",
]
METRICS: dict[MetricKey, Listed] = {
    "recall": Listed("higher", 1, "positives", "share"),
    "precision": Listed("higher", 1, "alarms", "share"),
    "accuracy": Listed("higher", 1, "rows", "share"),
    "roc_auc": Listed("higher", 1, "positives", "auc"),
    "average_precision": Listed("higher", 1, "positives", "mean"),
    "f1": Listed("higher", 1, "positives", "mean"),
    "macro_f1": Listed("higher", 1, "rows", "mean"),
    "log_loss": Listed("lower", None, "rows", "mean"),
    "brier": Listed("lower", 1, "rows", "mean"),
    "mae": Listed("lower", None, "rows", "mean"),
    "rmse": Listed("lower", None, "rows", "mean"),
    "ndcg_at_10": Listed("higher", 1, "queries", "mean"),
    "mrr": Listed("higher", 1, "queries", "mean"),
}


class Task(NamedTuple):
    """What an answer is (class, amount, order), a measure of its own, and when one column is suspect."""

    form: str
    natural: MetricKey
    leakage: float


TASKS = {
    "binary": Task("class", "roc_auc", 0.995),
    "multiclass": Task("class", "accuracy", 0.995),
    "regression": Task("amount", "mae", 0.98),
    "ranking": Task("order", "ndcg_at_10", 0.98),
    "forecast": Task("amount", "mae", 0.98),
}
CLASSES = tuple(task for task, row in TASKS.items() if row.form == "class")
