"""The card of a version: all that answering, watching and comparing need to know about it, in one file in git.

It is written once, when the version is registered, and its hash stands in the registry.
"""

import json
import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from . import dataset, drift, features, schema
from .decay import expected_accuracy
from .engine import ROW, Engine, listed, quoted
from .evaluate import Case, higher_is_better
from .files import write_text
from .intervals import Interval, interval
from .repo import Repo

REFERENCE_ROWS = 200_000
TERMS = ("false_alarm_cost", "miss_cost", "unit_error_cost", "review_rate")


def path_of(version: str) -> str:
    return f"registry/{version}.json"


def write(repo: Repo, version: str, card: Mapping[str, Any]) -> dict[str, str]:
    """Write a card; where it is and its hash, as the registry keeps them."""
    path = path_of(version)
    write_text(repo.root / path, json.dumps(card, ensure_ascii=False, separators=(",", ":")) + "\n")
    return {"path": path, "sha256": repo.sha256(path)}


def build(
    repo: Repo,
    version: str,
    kind: str,
    rule: Mapping[str, Any],
    scores: np.ndarray,
    accepted: Case,
    baseline: float | None,
) -> dict[str, Any]:
    """Everything about a version that its files do not say: `scores` are its own on the validation rows, `accepted`
    is what it was accepted on, `baseline` the value it had to beat."""
    table, source, columns = dataset.open_split(repo)
    task, metric = repo.answers["task"], repo.answers["metric"]
    named = task in ("binary", "multiclass")
    target = f"cast({quoted(source.target)} as varchar)"
    counts = dict(table.rows(f"select {target}, count(*) from split_rows where _split = 'train' group by 1 order by 1"))
    total = sum(count for name, count in counts.items() if name is not None)
    card = {"version": version, "kind": kind, "task": task, "metric": metric, "columns": columns}
    card |= {"rules": {name: rule for name, rule in schema.read(repo)["columns"].items() if name in columns}}
    card |= {"rule": dict(rule), "threshold": accepted.threshold, "classes": list(accepted.classes)}
    card |= {"target": source.target, "id": source.id, "group": source.group}
    card |= {"positive": features.positive_value(source, table) if task == "binary" else ""}
    card |= {"labels": [name for name in counts if name is not None] if named else []}
    card |= {"balance": {n: c / total for n, c in counts.items() if n is not None} if named else {}}
    good = healthy(interval(metric, accepted, repo.needed("acceptance.alpha")))
    card |= {"healthy": good, "floor": floor_of(repo, baseline, good["value"])}
    card |= {"terms": {key: repo.answers[key] for key in TERMS if key in repo.answers}}
    return card | profiles(repo, table, columns, scores, task)


def profiles(repo: Repo, table: Engine, columns: Mapping[str, str], scores: np.ndarray, task: str) -> dict[str, Any]:
    """What the training inputs and the version's own scores look like: about 10 kB, and all that drift needs."""
    bins = int(repo.answers["drift_bins"])
    chosen = f"select {listed(columns)} from split_rows where _split = 'train' order by md5(cast({ROW} as varchar))"
    inputs, best = table.frame(f"{chosen} limit {REFERENCE_ROWS}"), best_chance(scores, task)
    held = {"score": scores if scores.ndim == 1 else scores.max(axis=1)}
    with duckdb.connect() as connection:
        connection.register("inputs", inputs)
        connection.register("said", pd.DataFrame(held))

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        return {
            "profile": drift.profile(ask, "select * from inputs", columns, bins),
            "scores": drift.profile(ask, "select * from said", {"score": "number"}, bins),
            "promised": None if best is None else expected_accuracy(best)[0],
        }


def best_chance(scores: np.ndarray, task: str) -> np.ndarray | None:
    """The chance a version gives to what it decides for; None where it gives no chances."""
    if task == "binary":
        return np.maximum(scores, 1 - scores)
    return scores.max(axis=1) if task == "multiclass" else None


def floor_of(repo: Repo, baseline: float | None, healthy: float | None) -> float | None:
    """The value below which a version no longer pays: the plan's, or the measured baseline plus the minimum gain."""
    planned = repo.number("monitor.floor")
    if planned is not None or baseline is None or healthy is None:
        return planned
    gain = min(repo.number("acceptance.min_gain") or 0.0, abs(healthy - baseline) / 2)
    return baseline + gain if higher_is_better(repo.answers["metric"]) else baseline - gain


def healthy(found: Interval) -> dict[str, Any]:
    """An accepted value, and how much one unit of it varies."""
    z = NormalDist().inv_cdf(1 - found.alpha)
    half = (found.high - found.low) / 2
    spread = half / z * math.sqrt(found.n) if math.isfinite(half) and z > 0 else 0.0
    return {"value": found.value, "low": found.low, "high": found.high, "rows": found.n, "spread": spread}
