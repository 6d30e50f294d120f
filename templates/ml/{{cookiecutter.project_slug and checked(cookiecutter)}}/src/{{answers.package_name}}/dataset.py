"""The rows of one split, ready to train or to measure on. Reading the test split leaves a line in its log."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import data, features, signing, splits
from .engine import Engine, quoted
from .evaluate import Case
from .files import Blocked, Trouble, canonical, now
from .repo import Repo

TEST_LOG = "evidence/test_access.log"


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
    return read(repo, table, source, columns, f"_split = '{part}'", part)


def read(
    repo: Repo,
    table: Engine,
    source: data.Source,
    columns: dict[str, str],
    where: str,
    part: str,
    view: str = "split_rows",
) -> Frame:
    """The labelled rows of a view that a condition picks, in the order of the file."""
    target = data.target_sql(repo, source, table)
    segments = repo.names("segments")
    extra = "".join(f", cast({quoted(name)} as varchar) as _segment_{n}" for n, name in enumerate(segments))
    extra += f", cast({quoted(source.group)} as varchar) as _group" if source.group else ""
    extra += f", cast(cast({splits.time_sql(source)} as date) as varchar) as _day" if source.time else ""
    found = table.frame(
        f"select {data.key_sql(source)} as _key, {target} as _target{extra}, {features.select(columns)} "
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
    return None if name is None else found[name].fillna("").to_numpy(dtype=object)


# ---------------------------------------------------------------------------------------------------- looks
def looks(repo: Repo) -> list[dict[str, str]]:
    """Every look at the test split, oldest first. Raises `Trouble` when a line was removed or rewritten."""
    path = repo.root / TEST_LOG
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    found, before = [], ""
    for line in lines:
        entry = json.loads(line)
        if entry.pop("chain", None) != canonical({"before": before, **entry}):
            raise Trouble(f"{TEST_LOG} was rewritten.", f"git log -p {TEST_LOG} shows what it was.")
        before = canonical({"before": before, **entry})
        found.append(entry)
    return found


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
