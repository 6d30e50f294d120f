"""A version's card: what it needs to answer, and what it promised."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from planrun.catalogue import AnswerKey
from planrun.files import write_text
from planrun.repository import Repo

from planrun_ml.data import columns as columns_module
from planrun_ml.data import frames, schema
from planrun_ml.data.reference import LONGEST, REFERENCE_ROWS, profile
from planrun_ml.data.source import Source
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.measuring.deciding import deciding
from planrun_ml.release import registry
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW, quoted

TERMS: tuple[AnswerKey, ...] = ("false_alarm_cost", "miss_cost", "unit_error_cost", "review_rate")


# ------------------------------------------------------------------------------------------------ a version's card
def write_card(
    repo: Repo, version: str, kind: str, rule: dict[str, Any], scores: np.ndarray, accepted: Case, **held: Any
) -> dict[str, str]:
    """Write everything about a version that its files do not say; where it is and its hash, as the registry keeps them.

    `scores` are its own on the validation rows, `accepted` is what it was accepted on, `held` what it is held to.
    """
    (table, source, columns), path = frames.open_split(repo), registry.card_path(version)
    task, target = repo.answers["task"], f"cast({quoted(source.target)} as varchar)"
    counted = f"select {target}, count(*) from split_rows where _split = 'train' and {target} is not null group by 1"
    counts = dict(table.rows(f"{counted} order by 1")) if task in CLASSES else {}
    metric = deciding(repo)
    own = {"metric_code": metric.code} if metric.own else {}
    card = {
        "version": version, "kind": kind, "task": task, "metric": metric.name, **own, "columns": columns,
        "rules": {name: one for name, one in schema.read(repo)["columns"].items() if name in columns},
        "dates": {name: table.written[name].forms[0] for name in columns if name in table.written},
        "calendar": sorted((repo.evidence("quality") or {}).get("calendar", {})),
        "rule": rule, "threshold": accepted.threshold, "classes": list(accepted.classes),
        "target": source.target, "id": source.id, "group": source.group,
        "positive": columns_module.positive_value(source, table) if task == "binary" else "",
        "labels": list(counts), "balance": {name: count / sum(counts.values()) for name, count in counts.items()},
        "terms": {key: repo.answers[key] for key in TERMS if key in repo.answers}, **held,
        **profiles(repo, table, source, columns, scores),
    }  # fmt: skip
    write_text(repo.root / path, json.dumps(card, ensure_ascii=False, separators=(",", ":")) + "\n")
    return {"path": path, "sha256": repo.sha256(path)}


def profiles(
    repo: Repo, table: Engine, source: Source, columns: Mapping[str, str], scores: np.ndarray
) -> dict[str, Any]:
    """What the training inputs and the version's own scores look like: about 10 kB, and all that drift needs."""
    bins, task = int(repo.answers["drift_bins"]), repo.answers["task"]
    chosen = f"where _split = 'train' order by md5(cast({ROW} as varchar)) limit {REFERENCE_ROWS}"
    names, each = ", ".join(quoted(name) for name in columns), round(repo.needed("monitor.window_days"))
    day, dated = (f"cast({columns_module.time_sql(source)} as date)", "_day") if source.time else ("null", "")
    table.run(f"create temp table inputs as select {names}, {day} as _day from split_rows {chosen}")
    target = columns_module.target_sql(repo, source, table)
    validated = f"from split_rows where _split = 'validation' and {target} is not null order by _row"
    said = table.frame(f"select {day} as _day {validated}")
    said["score"] = scores if scores.ndim == 1 else scores.max(axis=1)
    table.register("said", said)
    best = np.maximum(scores, 1 - scores) if task == "binary" else scores.max(axis=-1)  # the chance of what it decides
    return {
        "profile": profile(table.rows, "select * from inputs", columns, bins, dated, each),
        "scores": profile(table.rows, "select * from said", {"score": "number"}, bins, dated, each),
        "promised": float(best.mean()) if task in CLASSES else None,
        "promised_days": promised_days(said["_day"], best, each) if dated and task in CLASSES else None,
    }


def promised_days(days: pd.Series, best: np.ndarray, each: int) -> dict[str, Any] | None:
    """One minus the accuracy that the scores promise, by periods of days; those that were cut short are left out."""
    frame = pd.DataFrame({"day": pd.to_datetime(days), "left": 1 - best}).dropna()
    newest = frame["day"].max()
    periods = frame.groupby((newest - frame["day"]).dt.days // each)["left"].agg(["mean", "size"])[::-1]
    periods = periods[(2 * periods["size"] >= periods["size"].median()) & (periods.index * each < LONGEST)]
    if periods.empty:
        return None
    weekdays = [int(newest.weekday() - back * each) % 7 for back in periods.index]
    left = [round(value, 6) for value in periods["mean"].tolist()]
    return {"each": each, "rows": periods["size"].tolist(), "weekdays": weekdays, "left": left}
