"""Predictions kept by their hash, and read back as cases to measure."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from planrun.files import put_in_place
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data import source, splits
from planrun_ml.data.frames import Frame
from planrun_ml.measuring.case import Case
from planrun_ml.tables.parquet import read_parquet, write_parquet
from planrun_ml.tables.query import over_frames


# ---------------------------------------------------------------------------------------------------- predictions
def store(repo: Repo) -> Path:
    """The folder for files that are found by their hash."""
    named = Path(source.source_of(repo).store)
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
        put_in_place(part, folder / f"{digest}.parquet")
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


def problems(repo: Repo, found: pd.DataFrame, part: str) -> str:
    """Why these predictions are not about exactly today's rows of a split, with today's answers; "" when they are."""
    table, task = over_frames(), repo.answers["task"]
    table.register("said", found)
    measured = splits.digest(table, "said", columns_module.answered("_key", "_y", task))
    expected = repo.fresh("splits", "make audit")["answers"]
    if measured == expected[part]:
        return ""
    other = [name for name, digest in expected.items() if digest == measured]
    if other:
        return f"they are about the {other[0]} rows, not the {part} rows"
    return f"their rows or right answers are not those of the {part} split"
