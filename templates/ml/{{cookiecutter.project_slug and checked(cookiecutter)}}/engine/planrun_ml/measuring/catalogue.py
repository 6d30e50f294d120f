"""Every metric that may decide. Written by generator/sync.py from mlscaffold/catalogue: edit that."""
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
