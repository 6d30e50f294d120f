"""The version that answers now: checks the rows, scores them, decides, and lets the rule answer where it cannot.

Batch runs, the service and alerts all answer through this one class, so they cannot disagree. What it needs to know of
a version is the version's card: one file in git, written once, whose hash stands in the registry.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from planrun.files import read_json
from planrun.repository import Repo
from planrun.rooms import Rooms
from planrun.trouble import Trouble

from planrun_ml.baseline import rule
from planrun_ml.data import columns, frames, snapshot
from planrun_ml.data import source as source_module
from planrun_ml.models import model_files, training
from planrun_ml.release import registry
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW, literal

# Types that the SQL leaves as they are.
READY = {"number": ("float64", "int64"), "category": ("str",), "text": ("str",)}
Columns = dict[str, np.ndarray]  # score, decision, detail, source and reason, one value a row


@dataclass(frozen=True)
class Answer:
    """What leaves: a score, the decision it leads to, and who gave it."""

    score: float | None
    decision: str
    source: str
    model: str
    reason: str = ""
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields that a caller gets; those that are empty are left out."""
        return {key: value for key, value in vars(self).items() if value != ""}


@dataclass(frozen=True)
class Champion:
    """A registered version and what it needs to answer; `model` is None where only the rule can."""

    version: str
    card: Mapping[str, Any]
    model: Any = None
    reason: str = ""
    engine: Engine = field(default_factory=Engine)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def columns(self) -> dict[str, str]:
        """Input → number, date or category."""
        return dict(self.card["columns"])

    @property
    def log_types(self) -> dict[str, str]:
        """Input → its SQL type in the prediction log: dates stay the text that came in."""
        return {name: "DOUBLE" if kind == "number" else "VARCHAR" for name, kind in self.columns.items()}

    def answers(self, rows: Sequence[Mapping[str, Any]], groups: Sequence[object] | None = None) -> list[Answer]:
        """One answer a row, in order; whatever happens, every row gets one."""
        return self._listed(self.table(pd.DataFrame.from_records(list(rows), columns=list(self.columns)), groups))

    def fall_back(self, rows: Sequence[Mapping[str, Any]], reason: str) -> list[Answer]:
        """The rule's answers, for rows the model cannot or may not answer."""
        frame = pd.DataFrame.from_records(list(rows), columns=list(self.columns))
        return self._listed(self._rule(self.checked(frame)[0], reason))

    def _listed(self, found: Columns) -> list[Answer]:
        rows = zip(*(values.tolist() for values in found.values()), strict=True)
        return [Answer(model=self.version, **dict(zip(found, row, strict=True))) for row in rows]

    def table(self, frame: pd.DataFrame, groups: Sequence[object] | None = None) -> Columns:
        """score, decision, detail, source and reason for every row of a frame of inputs."""
        found = self.scored(*self.checked(frame))
        if self.card["task"] == "ranking":
            within = np.zeros(len(frame)) if groups is None else np.asarray(groups, dtype=object)
            places = pd.Series(found["score"]).groupby(within).rank(ascending=False, method="first")
            found["decision"] = places.astype(int).astype(str).to_numpy(dtype=object)
        return found

    def scored(self, clean: pd.DataFrame, problems: np.ndarray | None = None) -> Columns:
        """The answers to clean inputs; rows with a problem get the rule's."""
        if self.model is None:
            return self._rule(clean, self.reason)
        problems = np.full(len(clean), "", dtype=object) if problems is None else problems
        raw, failures = training.predicted(self.model, clean, self.card["task"])
        if raw is None:
            return self._rule(clean, f"the model failed: {next(iter(failures.values()))}")
        found = decided(self.card, raw, "model")
        for place, failure in failures.items():
            problems[place] = f"the model failed: {failure}"
        problems[~np.isfinite(found["score"]) & (problems == "")] = "the model's score is not a number"
        bad = problems != ""
        if bad.any():
            for name, values in self._rule(clean[bad], "").items():
                found[name][bad] = values
            found["reason"][bad] = problems[bad]
        return found

    def _rule(self, clean: pd.DataFrame, reason: str) -> Columns:
        with self.lock:
            raw = rule.scores(self.card["rule"], clean, self.engine)
        return decided(self.card, raw, "rule", reason)

    def checked(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """The inputs as training saw them, and a sentence for each row that breaks the contract."""
        given, problems = frame[list(self.columns)].reset_index(drop=True), np.full(len(frame), "", dtype=object)
        clean = self._clean(given)
        empty, lost = given.isna().to_numpy(), clean.isna().to_numpy()
        for place, (name, kind) in enumerate(self.columns.items()):
            rules = self.card["rules"].get(name, {})
            for broken, sentence in _breaches(name, kind, rules, clean[name], empty[:, place], lost[:, place]):
                if broken.any():
                    problems[broken & (problems == "")] = sentence
        return clean, problems

    def _clean(self, given: pd.DataFrame) -> pd.DataFrame:
        """By the SQL of training, but for values it would leave as they are: for one row it outweighs the model."""
        typed = zip(self.columns.items(), given.dtypes, strict=True)
        ready = [name for (name, kind), dtype in typed if dtype in READY.get(kind, ())]
        rest = {name: kind for name, kind in self.columns.items() if name not in ready}
        numbers = [name for name in ready if self.columns[name] == "number"]
        values = given[numbers].to_numpy(dtype=float)
        clean = pd.DataFrame(np.where(np.abs(values) <= float(columns.LARGEST), values, np.nan), columns=numbers)
        if len(numbers) == len(self.columns):
            return clean
        parts = [clean, given[[name for name in ready if name not in numbers]]]
        if rest:
            with self.lock:
                self.engine.register("given", given[list(rest)])
                parts.append(self.engine.frame(f"select {columns.select(rest)} from given"))
        return pd.concat(parts, axis=1)[list(self.columns)]


def _breaches(
    name: str, kind: str, rules: Mapping[str, Any], clean: pd.Series, empty: np.ndarray, lost: np.ndarray
) -> Iterator[tuple[np.ndarray, str]]:
    """The rules of data/schema.yaml that one row can break, over many rows at once."""
    yield lost & ~empty, f"{name} is no {kind}"
    if rules.get("missing_at_most") in ("0", "0.0"):
        yield empty, f"{name} is missing"
    if kind == "number":
        value = clean.to_numpy(dtype=float)
        if rules.get("min"):
            yield value < float(rules["min"]), f"{name} is below {rules['min']}"
        if rules.get("max"):
            yield value > float(rules["max"]), f"{name} is above {rules['max']}"
    if rules.get("values"):
        yield ~empty & ~clean.isin(rules["values"]).to_numpy(), f"{name} is none of the allowed values"


def decided(card: Mapping[str, Any], raw: np.ndarray, source: str, reason: str = "") -> Columns:
    """Scores and decisions from what model or rule returns, by the task and the accepted threshold."""
    raw = np.asarray(raw, dtype=float)
    scores, detail = raw, np.full(len(raw), "", dtype=object)
    if card["task"] == "binary":
        decisions = np.where(raw >= card["threshold"], "yes", "no")
    elif card["task"] == "multiclass":
        names = card["classes"] if source == "model" else rule.classes(card["rule"])
        scores, decisions = raw.max(axis=1), np.asarray(names, dtype=object)[raw.argmax(axis=1)]
        detail[:] = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in raw.tolist()]
    else:
        decisions = np.array([f"{value:.6g}" for value in raw.tolist()], dtype=object)
    texts = {"source": np.full(len(raw), source, dtype=object), "reason": np.full(len(raw), reason, dtype=object)}
    return {"score": scores, "decision": decisions.astype(object), "detail": detail, **texts}


def load(root: Path, name: str = "champion") -> Champion:
    """The version behind an alias, ready to answer; with the rule alone where its model cannot be loaded.

    Raises `Trouble` where the alias points at nothing.
    """
    entry = registry.entry_of(registry.read(root), name)
    if entry is None:
        raise Trouble(f"The registry has no {name}.", "make promote")
    known = Champion(entry["version"], read_json(root / entry["files"]["card"]["path"]))
    held = entry["files"].get("model")
    if held is None:
        return replace(known, reason="the rule is the champion")
    try:
        model = model_files.load(root / held["path"], held["sha256"], entry["config"], Rooms(root, ""))
        return replace(known, model=model)
    except Exception as error:
        return replace(known, reason=f"the model cannot be loaded: {_short(error)}")


def open_rows(repo: Repo, champion: Champion, rows: str | None) -> tuple[Path, Engine, source_module.Source]:
    """The table of rows to answer; with the sample and no file named, validation rows stand in for new ones.

    Raises `Trouble` where a file has to be named, or lacks a column.
    """
    source, table = source_module.source_of(repo), Engine()
    path = Path(rows) if rows else repo.root / snapshot.RAW / "new-rows.parquet"
    if not rows and not source.is_sample:
        raise Trouble("Name the file that holds the new rows.", "Give its path, such as ARGS=new_rows.parquet")
    if not rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen = f"select * exclude ({ROW}, _split) from split_rows where _split = 'validation' order by {ROW}"
        frames.open_split(repo)[0].run(f"copy ({chosen}) to {literal(str(path))} (format parquet)")
    table.open(path, {name: form for name, form in champion.card.get("dates", {}).items() if name in champion.columns})
    missing = [name for name in champion.columns if name not in table.columns("source")]
    if missing:
        raise Trouble(f"{path.name} has no column {', '.join(missing)}.", f"Needed: {', '.join(champion.columns)}.")
    _as_in_training(path, table, champion)
    return path, table, source


def _as_in_training(path: Path, table: Engine, champion: Champion) -> None:
    """Raises `Trouble` where a moment is written otherwise than in training: a week of it could be read as months."""
    for name, kind in champion.columns.items():
        written, trained = table.written.get(name), champion.card.get("dates", {})
        if (
            kind != "date"
            or written is None
            or name in trained
            or not (written.is_ambiguous or "dates" in champion.card)
        ):
            continue
        told = (
            f'{path.name} writes {name} as "{written.example}", and the version was trained on moments like 2026-03-31.'
        )
        raise Trouble(told, f"Write {name} as 2026-03-31, or 2026-03-31 10:15.")


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
