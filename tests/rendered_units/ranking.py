"""The metrics of rankings against references; written where the task is ranking."""

import numpy as np
import pytest
from my_project import ranking
from my_project.evaluate import Case, score
from sklearn import metrics as reference


def test_metrics_of_rankings_equal_the_reference() -> None:
    """NDCG at ten and the mean reciprocal rank; a random order earns what the average over all orders earns."""
    rng = np.random.default_rng(1)
    grades, scores = rng.integers(0, 4, (30, 12)).astype(float), rng.random((30, 12))
    case = Case(grades.ravel(), scores.ravel(), queries=np.repeat(np.arange(30), 12).astype(object))
    gains = np.mean([reference.ndcg_score([2**g - 1], [s], k=10) for g, s in zip(grades, scores, strict=True)])
    assert score("ndcg_at_10", case) == pytest.approx(gains)
    first = [1 + next(n for n, i in enumerate(np.argsort(-s)) if g[i] > 0) for g, s in zip(grades, scores, strict=True)]
    assert score("mrr", case) == pytest.approx(np.mean([1 / place for place in first]))
    flat = [reference.ndcg_score([2**g - 1], [np.zeros(12)], k=10) for g in grades]  # ties are averaged over
    assert ranking.by_chance(case.y, case.queries) == pytest.approx(np.mean(flat))
