"""What only a ranking has: its metrics against references, and places that are given within a whole query."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planrun.repository import Repo
from planrun_ml.data import snapshot
from planrun_ml.measuring import ranking
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import named, score
from planrun_ml.self_test.conftest import ask
from planrun_ml.serving import score as score_module
from planrun_ml.tables.parquet import read_parquet, write_parquet
from sklearn import metrics as reference


def test_metrics_of_rankings_equal_the_reference() -> None:
    """NDCG at ten and the mean reciprocal rank; a random order earns what the average over all orders earns."""
    rng = np.random.default_rng(1)
    grades, scores = rng.integers(0, 4, (30, 12)).astype(float), rng.random((30, 12))
    case = Case(grades.ravel(), scores.ravel(), queries=np.repeat(np.arange(30), 12).astype(object))
    gains = np.mean([reference.ndcg_score([2**g - 1], [s], k=10) for g, s in zip(grades, scores, strict=True)])
    assert score(named("ndcg_at_10"), case) == pytest.approx(gains)
    first = [1 + next(n for n, i in enumerate(np.argsort(-s)) if g[i] > 0) for g, s in zip(grades, scores, strict=True)]
    assert score(named("mrr"), case) == pytest.approx(np.mean([1 / place for place in first]))
    flat = [reference.ndcg_score([2**g - 1], [np.zeros(12)], k=10) for g in grades]  # ties are averaged over
    assert ranking.by_chance(case.y, case.queries) == pytest.approx(np.mean(flat))


def test_a_query_is_ranked_whole_though_its_rows_lie_apart(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are given within a query; chunks of a batch are cut between queries, never inside one."""
    repo = Repo(released)
    table, source = snapshot.open_table(repo)
    rows = table.frame("select * exclude (_row) from source")
    copies = [rows.assign(**{name: f"{n}-" + rows[name] for name in (source.id, source.group)}) for n in range(4)]
    mixed = pd.concat(copies).sample(frac=1, random_state=2)
    write_parquet(mixed, released / "mixed.parquet")
    monkeypatch.setattr(score_module, "VECTORS", 1)
    code, said = ask(released, "score", "mixed.parquet")
    parts = sorted(released.glob("predictions/*/part-*.parquet"))
    log = pd.concat([read_parquet(part) for part in parts])
    places = log.groupby("group_key")["decision"].apply(lambda found: sorted(found.astype(int)))

    assert code == 0, said
    assert len(parts) > 1
    assert len(log) == log["id"].nunique() == len(mixed)
    assert all(found == list(range(1, len(found) + 1)) for found in places)
