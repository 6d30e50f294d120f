"""The rows of one split, and what models said about them. Reading the test split leaves a line in its log.

Predictions are kept in the store under the hash of their bytes. Every figure in a record or in acceptance is worked
out again from these files; none is taken from what was typed.
"""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import data, features, files, signing, splits
from .engine import Engine, over_frames, quoted, read_parquet, write_parquet
from .evaluate import Case
from .files import Blocked, Trouble, canonical, now
from .repo import Repo

TEST_LOG, ACCEPTANCE = "evidence/test_access.log", "evidence/acceptance.json"


@dataclass(frozen=True)
class Frame:
    """Rows of a split: keys, inputs, right answers, and what they share with each other."""

    keys: np.ndarray
    x: pd.DataFrame
    y: np.ndarray
    clusters: np.ndarray | None
    queries: np.ndarray | None
    segments: pd.DataFrame

    def case(self, scores: np.ndarray, threshold: float, classes: tuple[str, ...]) -> Case:
        return Case(self.y, scores, threshold, classes, self.clusters, self.queries)


def rule_of(repo: Repo) -> dict[str, Any]:
    """The split rule of the audit that describes today's data. Raises `Blocked` without one."""
    data.manifest(repo)
    return dict(repo.fresh("splits", "make audit")["rule"])


def open_split(repo: Repo) -> tuple[Engine, data.Source, dict[str, str]]:
    """The table with its view `split_rows`, and the input columns with their kinds."""
    rule = rule_of(repo)
    table, source = data.open_table(repo)
    columns = features.inputs(table, source)
    splits.create_view(table, source, rule, list(columns))
    return table, source, columns


def load(repo: Repo, part: str, purpose: dict[str, str] | None = None) -> Frame:
    """The labelled rows of `part`; for the test split, `purpose` says what is being looked at, and is logged."""
    table, source, columns = open_split(repo)
    if part == "test":
        if purpose is None:
            raise Blocked("The test split is read by `accept` alone.", "Work on train and validation.")
        log_look(repo, purpose)
    return rows(repo, table, source, columns, f"_split = '{part}'", part)


def rows(
    repo: Repo,
    table: Engine,
    source: data.Source,
    columns: dict[str, str],
    where: str,
    part: str,
    view: str = "split_rows",
) -> Frame:
    """The labelled rows of a view that a condition picks, in the order of the file."""
    target = features.target_sql(repo, source, table)
    segments = data.segments(repo, source)
    extra = "".join(f", cast({quoted(name)} as varchar) as _segment_{n}" for n, name in enumerate(segments))
    extra += f", cast({quoted(source.group)} as varchar) as _group" if source.group else ""
    extra += f", cast(cast({features.time_sql(source)} as date) as varchar) as _day" if source.time else ""
    found = table.frame(
        f"select {features.key_sql(source)} as _key, {target} as _target{extra}, {features.select(columns)} "
        f"from {view} where {where} and {target} is not null order by _row"
    )
    if found.empty:
        raise Trouble(f"No labelled row is left in {part}.", "Add rows, or change `split`, `time` or `group`.")
    return Frame(
        keys=found["_key"].to_numpy(dtype=object),
        x=found[list(columns)],
        y=found["_target"].to_numpy(dtype=object if repo.answers["task"] == "multiclass" else float),
        clusters=_clusters(repo, found),
        queries=found["_group"].to_numpy(dtype=object) if repo.answers["task"] == "ranking" else None,
        segments=pd.DataFrame({name: found[f"_segment_{n}"] for n, name in enumerate(segments)}),
    )


def _clusters(repo: Repo, found: pd.DataFrame) -> np.ndarray | None:
    """Rows that vary together: the group, or the day. A forecast's stores share a day; ranking counts whole queries."""
    if repo.answers["task"] == "ranking":
        return None
    columns = ["_day", "_group"] if repo.answers["task"] == "forecast" else ["_group", "_day"]
    name = next((column for column in columns if column in found), None)
    if name is None or found[name].is_unique:  # one row each: rows are independent
        return None
    return found[name].fillna("").to_numpy(dtype=object)


# ---------------------------------------------------------------------------------------------------- looks
def looks(repo: Repo) -> list[dict[str, str]]:
    """Every look at the test split, oldest first. Raises `Trouble` when one was ever removed or rewritten."""
    path = repo.root / TEST_LOG
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    found, before = [], ""
    for line in lines:
        try:
            entry = dict(json.loads(line))
        except (TypeError, ValueError):
            entry = {}  # torn, or no line of ours
        if entry.pop("chain", None) != canonical({"before": before, **entry}):
            raise Trouble(f"{TEST_LOG} was rewritten.", f"git log -p {TEST_LOG} shows what it was.")
        before = canonical({"before": before, **entry})
        found.append(entry)
    _nothing_lost(repo, lines, {str(entry.get("model")) for entry in found})
    return found


def _nothing_lost(repo: Repo, lines: list[str], models: set[str]) -> None:
    """Raises `Trouble` when git's history holds a look, or an acceptance a model, that the log does not."""
    told = ("log", "-p", "-U0", "--format=", "--full-history", "--no-renames", "--no-color", "--no-ext-diff", "--")
    past, path = files.git(repo.root, *told, TEST_LOG, ACCEPTANCE) or "", repo.root / ACCEPTANCE
    now_there = path.read_text("utf-8") if path.is_file() else ""
    lost = sum(line[1:] not in lines for line in past.splitlines() if line.startswith('+{"'))
    accepted = re.findall(r'(?m)^\+?  "model": "(\w+)"', f"{past}\n{now_there}")
    if lost or not models.issuperset(accepted):
        what = f"{TEST_LOG} lost {lost} look(s)" if lost else f"{ACCEPTANCE} tells of a look that {TEST_LOG} lacks"
        raise Trouble(f"{what}.", f"Put every line back: git log -p {TEST_LOG} shows them; or take a new test set")


def log_look(repo: Repo, purpose: dict[str, str]) -> None:
    """Append one line before the test rows are read, so that a crash cannot hide a look."""
    entry = {"at": now(), "by": signing.person(repo), "test_set": repo.fresh("splits", "make audit")["keys"]["test"]}
    entry |= purpose
    before = ""
    for known in looks(repo):
        before = canonical({"before": before, **known})
    line = json.dumps(entry | {"chain": canonical({"before": before, **entry})}, ensure_ascii=False)
    (repo.root / TEST_LOG).parent.mkdir(exist_ok=True)
    with (repo.root / TEST_LOG).open("a", encoding="utf-8", newline="\n") as file:
        file.write(line + "\n")


def looks_used(repo: Repo, test_set: str) -> int:
    """Different models that were measured on this test set; the same model again is the same look."""
    return len({entry.get("model", entry["at"]) for entry in looks(repo) if entry["test_set"] == test_set})


# ---------------------------------------------------------------------------------------------------- predictions
def store(repo: Repo) -> Path:
    """The folder for files that are found by their hash."""
    named = Path(data.source_of(repo).store)
    return named if named.is_absolute() else repo.root / named


def keep_predictions(repo: Repo, frame: Frame, scores: np.ndarray, classes: tuple[str, ...]) -> str:
    """Keep predictions beside the right answers; the hash to find them by."""
    columns: dict[str, Any] = {"_key": frame.keys, "_y": frame.y}
    for name, values in (("_cluster", frame.clusters), ("_query", frame.queries)):
        if values is not None:
            columns[name] = values
    columns |= {f"segment:{name}": frame.segments[name].to_numpy() for name in frame.segments}
    columns |= {f"p:{name}": scores[:, n] for n, name in enumerate(classes)} if classes else {"score": scores}
    folder = store(repo)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        part = Path(scratch, "part.parquet")
        write_parquet(pd.DataFrame(columns), part)
        digest = repo.sha256(part)
        os.replace(part, folder / f"{digest}.parquet")
    return digest


def read_predictions(repo: Repo, digest: str) -> pd.DataFrame:
    """The predictions with this hash. Raises `Blocked` when they are not here, `Trouble` when their bytes differ."""
    path = store(repo) / f"{digest}.parquet"
    if not digest or not path.is_file():
        raise Blocked(
            f"The predictions {digest[:12] or '(no hash)'} are not in {path.parent.name}/.",
            "Fetch the store that data/source.yaml names, or run the experiment again.",
        )
    if repo.sha256(path) != digest:
        raise Trouble(f"{path.name} does not have the hash it is named by.", "Run the experiment again.")
    return read_parquet(path)


def case(found: pd.DataFrame, threshold: float) -> Case:
    """Predictions as the evaluator takes them."""
    names = tuple(column[2:] for column in found if column.startswith("p:"))
    scores = found[[f"p:{name}" for name in names]].to_numpy(dtype=float) if names else found["score"].to_numpy(float)
    clusters = found["_cluster"].to_numpy(dtype=object) if "_cluster" in found else None
    queries = found["_query"].to_numpy(dtype=object) if "_query" in found else None
    return Case(found["_y"].to_numpy(), scores, threshold, names, clusters, queries)


def pair(new: pd.DataFrame, old: pd.DataFrame, threshold: float) -> tuple[Case, Case]:
    """Two models on the same rows in the same order. Raises `Trouble` when they saw different rows."""
    if set(new["_key"]) != set(old["_key"]) or len(new) != len(old):
        raise Trouble("The two models were measured on different rows.", "Measure both again on today's data.")
    old = old.set_index("_key").loc[new["_key"]].reset_index()
    return case(new, threshold), case(old, threshold)


def segments(found: pd.DataFrame) -> dict[str, np.ndarray]:
    """ "column = value" → the rows of that segment."""
    masks = {}
    for column in (name for name in found if name.startswith("segment:")):
        for value in sorted(found[column].dropna().unique()):
            masks[f"{column[8:]} = {value}"] = (found[column] == value).to_numpy()
    return masks


def problems(repo: Repo, found: pd.DataFrame, part: str) -> str:
    """Why these predictions are not about exactly today's rows of a split, with today's answers; "" when they are."""
    table, task = over_frames(), repo.answers["task"]
    table.register("said", found)
    measured = splits.digest(table, "said", features.answered("_key", "_y", task))
    expected = repo.fresh("splits", "make audit")["answers"]
    if measured == expected[part]:
        return ""
    other = [name for name, digest in expected.items() if digest == measured]
    if other:
        return f"they are about the {other[0]} rows, not the {part} rows"
    return f"their rows or right answers are not those of the {part} split"
