"""What ranking adds to the evaluator: one unit a query, and what order without knowledge earns."""

import numpy as np
import pandas as pd

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.catalogue import MetricKey

PLACES = 10


def per_query(metric: MetricKey, case: Case) -> np.ndarray:
    """NDCG at ten (gain 2^grade - 1) or the reciprocal rank of each query, queries in ascending order.

    Ties keep the order of a fixed shuffle, so that a constant score earns what chance earns.
    """
    frame = pd.DataFrame({"query": case.queries, "y": case.y.astype(float), "score": case.scores})
    frame["tie"] = np.random.default_rng(0).random(len(frame))
    frame = frame.sort_values(["query", "score", "tie"], ascending=[True, False, True], kind="stable")
    rank = frame.groupby("query").cumcount().to_numpy()
    if metric == "mrr":
        frame["part"] = np.where(frame.y > 0, 1 / (rank + 1), 0.0)
        ranks: np.ndarray = frame.groupby("query").part.max().to_numpy()
        return ranks
    frame["part"] = _gain(frame.y, rank)
    best = frame.sort_values(["query", "y"], ascending=[True, False], kind="stable")
    best["ideal"] = _gain(best.y, best.groupby("query").cumcount().to_numpy())
    ideal = best.groupby("query").ideal.sum()
    gains: np.ndarray = (frame.groupby("query").part.sum() / ideal).where(ideal > 0, 0.0).to_numpy()
    return gains


def _gain(grades: pd.Series, rank: np.ndarray) -> np.ndarray:
    return np.where(rank < PLACES, (2**grades - 1) / np.log2(rank + 2), 0.0)


def by_chance(y: np.ndarray, queries: np.ndarray) -> float:
    """NDCG at ten of a random order, averaged over all orders, by arithmetic of its own: the harness compares."""
    total = []
    for query in dict.fromkeys(queries):
        gains = [2**grade - 1 for grade in y[queries == query]]
        discounts = [1 / np.log2(place + 2) for place in range(min(PLACES, len(gains)))]
        ideal = sum(g * d for g, d in zip(sorted(gains, reverse=True), discounts, strict=False))
        total.append(sum(gains) / len(gains) * sum(discounts) / ideal if ideal else 0.0)
    return float(np.mean(total))
