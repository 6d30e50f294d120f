"""A version answers alike in batch and one by one, and its rule answers when it cannot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from planrun.repository import Repo
from planrun.rooms import KEPT
from planrun.trouble import Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data import frames
from planrun_ml.data.source import Source
from planrun_ml.models import own_features
from planrun_ml.models.model import selected
from planrun_ml.release import registry
from planrun_ml.release.champion_model import Champion
from planrun_ml.tables.sql import listed

PARITY_ROWS = 300
TOLERANCE = 1e-9


# ------------------------------------------------------------------------------------------------ parity, fallback
def measure(repo: Repo, candidate: Champion) -> None:
    """Evidence that a version serves what was trained, and that the rule stands in for it. Raises `Trouble` if not."""
    inputs, rows = both_ways(repo, candidate)
    # One by one, as callers ask: what a feature takes from the rows beside it would show here.
    served = [candidate.answers([row])[0] for row in rows]
    trained = candidate.scored(inputs)["score"].tolist()
    pairs = [(t, s.score) for t, s in zip(trained, served, strict=True) if s.source == candidate.card["kind"]]
    wrong = sum(1 for t, s in pairs if s is None or not abs(t - s) <= TOLERANCE)
    facts, measured = {"version": candidate.version}, answering(repo, candidate.version)
    scores = {"training": [t for t, _ in pairs], "serving": [s for _, s in pairs]}
    repo.write_evidence("parity", facts | {"rows": len(rows), "tolerance": TOLERANCE} | scores, measured)
    repo.write_evidence("fallback", facts | {"cases": stand_ins(candidate, rows[0])}, measured)
    if wrong or not pairs:
        said = f"{wrong} of {len(pairs)} rows score differently in service (gate G4.2)."
        said += f" {told}" if (told := difference(repo, candidate, inputs, rows)) else ""
        raise Trouble(f"{candidate.version} is not released: {said}", "make triage")


def answering(repo: Repo, version: str) -> tuple[str, ...]:
    """What a version answers with, as evidence about it is measured: its card, the rooms kept for it, the engine."""
    entry = registry.entry_of(registry.read(repo.root), version) or {"files": {}}
    rooms = [held["path"] for held in entry["files"].values() if held["path"].startswith(f"{KEPT}/")]
    return (registry.card_path(version), *rooms, "engine/")


def both_ways(repo: Repo, candidate: Champion) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The same rows as training reads them, and as a caller would send them (through JSON and back)."""
    table, source, columns = frames.open_split(repo)
    chosen = _chosen(source)
    inputs = table.frame(f"select {columns_module.select(candidate.columns)} {chosen}")
    raw = table.frame(f"select {listed(list(columns))} {chosen}").astype(object)
    sent = raw.where(raw.notna(), None).to_dict("records")
    return inputs, json.loads(json.dumps(sent, default=str))


def _chosen(source: Source) -> str:
    """The end of a query over the rows that are compared, in their order."""
    return f"from split_rows order by md5({columns_module.key_sql(source)}) limit {PARITY_ROWS}"


def difference(repo: Repo, candidate: Champion, inputs: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> str:
    """A sentence for the first input, feature or score of a row that service has otherwise than training; "" for none.

    `inputs` and `rows` are the two sides of `both_ways`; the first rows of them are asked one by one. A row that the
    contract of the service refuses is answered by the rule there, and is left out.
    """
    table, source, _ = frames.open_split(repo)
    keys = [key for (key,) in table.rows(f"select {columns_module.key_sql(source)} {_chosen(source)}")]
    some = inputs.head(own_features.ALONE)
    asked = [
        candidate.checked(pd.DataFrame.from_records([row], columns=list(candidate.columns)))
        for row in rows[: len(some)]
    ]
    single = [clean if problems[0] == "" else None for clean, problems in asked]
    if found := own_features.difference(some, single, keys):
        return _told(f"the input {found.column}", found)
    steps, columns = getattr(candidate.model, "steps", []), getattr(candidate.model, "columns", {})
    if steps:
        clean = [frame if frame is None else selected(frame, columns) for frame in single]
        made = [None if frame is None else own_features.single_rows(steps, [frame])[0] for frame in clean]
        if found := own_features.difference(own_features.transformed(steps, selected(some, columns)), made, keys):
            return _told(f"the feature {found.column}", found)
    answers = [candidate.answers([row])[0] for row in rows[: len(some)]]
    scores = pd.DataFrame({"score": candidate.scored(some)["score"]})
    served = [pd.DataFrame({"score": [one.score]}) if one.source == candidate.card["kind"] else None for one in answers]
    found = own_features.difference(scores, served, keys)
    return _told("the score", found) if found else ""


def _told(what: str, found: own_features.Difference) -> str:
    one, other = own_features.shown(found.one), own_features.shown(found.other)
    return f"Of row {found.key}, {what} is {one} as training reads it and {other} as a service does, asked alone."


def stand_ins(candidate: Champion, row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What answers when the model is absent, when it fails, and when the input breaks the contract."""
    number = next((name for name, kind in candidate.columns.items() if kind == "number"), None)
    broken = dict(row) | ({number: "not a number"} if number else dict.fromkeys(row))
    cases = {
        "absent": replace(candidate, model=None, reason="the model is absent").answers([row]),
        "failing": replace(candidate, model=Failing()).answers([row]),
        "invalid": candidate.answers([broken]),
    }
    return {name: answers[0].as_json() for name, answers in cases.items()}


class Failing:
    """A model that raises whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("a rehearsed failure")
