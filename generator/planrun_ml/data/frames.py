"""The rows of one split, and what models said about them. Reading the test split leaves a line in its log.

Predictions are kept in the store under the hash of their bytes. Every figure in a record or in acceptance is worked
out again from these files; none is taken from what was typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from planrun import agents
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data import manifest, snapshot, splits
from planrun_ml.data import source as source_module
from planrun_ml.data.looks import log_look
from planrun_ml.measuring.case import Case
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import quoted


@dataclass(frozen=True)
class Frame:
    """Rows of a split: keys, inputs, right answers, and what they share with each other.

    `kinds` says of each input whether it is a number, a date, a category or a text.
    """

    keys: np.ndarray
    x: pd.DataFrame
    y: np.ndarray
    clusters: np.ndarray | None
    queries: np.ndarray | None
    segments: pd.DataFrame
    kinds: Mapping[str, str] = field(default_factory=dict)

    def case(self, scores: np.ndarray, threshold: float, classes: tuple[str, ...]) -> Case:
        """The rows with a model's `scores` beside the right answers, as metrics take them.

        `scores` has the shape (n,), or (n, k) with a column for each of `classes`; a binary case is a yes from
        `threshold` on.
        """
        return Case(self.y, scores, threshold, classes, self.clusters, self.queries)


def rule_of(repo: Repo) -> dict[str, Any]:
    """The split rule of the audit that describes today's data. Raises `Blocked` without one."""
    manifest.manifest(repo)
    return dict(repo.fresh("splits", "make audit")["rule"])


def open_split(repo: Repo) -> tuple[Engine, source_module.Source, dict[str, str]]:
    """The table with its view `split_rows`, and the input columns with their kinds."""
    rule = rule_of(repo)
    table, source = snapshot.open_table(repo)
    columns = columns_module.inputs(table, source)
    splits.create_view(table, source, rule, list(columns))
    return table, source, columns


def load(repo: Repo, part: str, purpose: dict[str, str] | None = None) -> Frame:
    """The labelled rows of `part`; for the test split, `purpose` says what is being looked at, and is logged.

    Raises `Blocked` for the test split without a purpose.
    """
    if part == "test":
        if purpose is None:
            raise Blocked("The test split is read by `accept` alone.", "Work on train and validation.")
        log_look(repo, purpose)
    return _of(repo, part)


def held_back(repo: Repo) -> Frame:
    """The labelled test rows before a look is logged: for `accept`, which compares nothing before it has logged one."""
    agents.refuse("The test rows are read by accept alone", f"{COMMAND} accept")
    return _of(repo, "test")


def _of(repo: Repo, part: str) -> Frame:
    table, source, columns = open_split(repo)
    found = rows(repo, table, source, columns, f"_split = '{part}'", part)
    if part != "train":
        refuse_repeated(found, part)
    return found


def refuse_repeated(frame: Frame, part: str) -> None:
    """Raises `Trouble` where two rows of a split have one key: predictions are found again by it."""
    keys, counts = np.unique(frame.keys.astype(str), return_counts=True)
    if (repeated := keys[counts > 1]).size:
        many = f"{repeated.size} keys repeat" if repeated.size > 1 else "1 key repeats"
        told = f'{many} among the {part} rows, such as "{repeated[0]}": no row could be told apart.'
        raise Trouble(told, "Name a column without repeats under id in data/source.yaml, then: make audit")


def rows(
    repo: Repo,
    table: Engine,
    source: source_module.Source,
    columns: dict[str, str],
    where: str,
    part: str,
    view: str = "split_rows",
) -> Frame:
    """The labelled rows of a view that a condition picks, in the order of the file.

    Raises `Trouble` where none is left.
    """
    target = columns_module.target_sql(repo, source, table)
    segments = source_module.segments(repo, source)
    extra = "".join(f", cast({quoted(name)} as varchar) as _segment_{n}" for n, name in enumerate(segments))
    extra += f", cast({quoted(source.group)} as varchar) as _group" if source.group else ""
    extra += f", cast(cast({columns_module.time_sql(source)} as date) as varchar) as _day" if source.time else ""
    found = table.frame(
        f"select {columns_module.key_sql(source)} as _key, {target} as _target{extra}, "
        f"{columns_module.select(columns)} from {view} where {where} and {target} is not null order by _row"
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
        kinds=columns,
    )


def _clusters(repo: Repo, found: pd.DataFrame) -> np.ndarray | None:
    """Rows that vary together: the group, or the day. A forecast's stores share a day; ranking counts whole queries."""
    if repo.answers["task"] == "ranking":
        return None
    columns = ["_day", "_group"] if repo.answers["task"] == "forecast" else ["_group", "_day"]
    name = next((column for column in columns if column in found), None)
    if name is None or found[name].is_unique:  # one row each: rows are independent
        return None
    return np.asarray(found[name].fillna("").to_numpy(dtype=object))


def segments(found: pd.DataFrame) -> dict[str, np.ndarray]:
    """ "column = value" → the rows of that segment."""
    masks = {}
    for column in (name for name in found if name.startswith("segment:")):
        for value in sorted(found[column].dropna().unique()):
            masks[f"{column[8:]} = {value}"] = (found[column] == value).to_numpy()
    return masks
