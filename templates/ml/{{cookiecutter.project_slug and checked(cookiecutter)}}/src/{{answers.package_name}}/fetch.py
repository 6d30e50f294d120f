"""Data that is not a file of the team's own: one read of an address or of a database, kept as a file in data/raw/."""

import os
import shutil
import sqlite3
import tempfile
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from .engine import literal
from .files import Trouble, canonical
from .repo import Repo

SOURCE = "data/source.yaml"
RAW = "data/raw"
REMEDY = f"Correct it in {SOURCE}."


def download(repo: Repo, url: str) -> Path:
    """One read of an address, kept under its own name; delete the file to read again."""
    path = repo.root / RAW / f"{canonical(url)[:8]}-{url.rpartition('/')[2].partition('?')[0] or 'download.csv'}"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
        os.replace(part, path)
    except (OSError, ValueError, HTTPException) as error:
        part.unlink(missing_ok=True)
        raise Trouble(f"{url} cannot be downloaded: {error}.", REMEDY) from error
    return path


def database(repo: Repo, url: str, query: str) -> Path:
    """One read of a database into Parquet; delete the file to read again."""
    if not query:
        raise Trouble(f"{SOURCE}: a database needs a query.", "Write query: SELECT … FROM …")
    path = repo.root / RAW / f"{canonical([url, query])[:8]}-snapshot.parquet"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, duckdb.connect() as connection:
        part = Path(folder, "part.parquet")
        try:
            for number, chunk in enumerate(_chunks(url, query)):
                connection.register("chunk", chunk)
                verb = "insert into rows by name" if number else "create table rows as"
                connection.execute(f"{verb} select * from chunk")
            connection.execute(f"copy rows to {literal(str(part))} (format parquet)")
        except Exception as error:  # each driver has its own family of errors
            raise Trouble(f"{SOURCE}: the query fails: {str(error).splitlines()[0]}.", REMEDY) from error
        os.replace(part, path)
    return path


def _chunks(url: str, query: str, size: int = 100_000) -> Any:
    import pandas as pd

    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)
    else:
        try:
            from sqlalchemy import create_engine
        except ImportError:
            raise Trouble(
                "Reading a database needs sqlalchemy and its driver.", "Add both to pyproject.toml."
            ) from None
        connection = create_engine(url).connect()
    return pd.read_sql_query(query, connection, chunksize=size)


SYNTHETIC = ("ranking", "forecast")
SEED = 20260101


def table(task: str) -> pd.DataFrame:
    """The sample of a task."""
    return {"binary": _cancer, "multiclass": _wine, "regression": _diabetes, "ranking": _queries, "forecast": _sales}[
        task
    ]()


def describe(task: str) -> str:
    """What to call the sample, so that nobody mistakes it for the team's data."""
    return "synthetic sample" if task in SYNTHETIC else "sample"


def is_origin(name: str) -> bool:
    """Whether this is where a sample comes from, as data/source.yaml first says."""
    return name.endswith(("bundled with scikit-learn", "made by fetch.py from a seed"))


def _bundled(name: str, target: str, labels: dict[int, str] | None) -> pd.DataFrame:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.data.round(6)
    frame.insert(0, "case_id", [f"C{number:04d}" for number in range(len(frame))])
    frame[target] = bunch.target.map(labels) if labels else bunch.target
    return frame


def _cancer() -> pd.DataFrame:
    return _bundled("breast_cancer", "diagnosis", {0: "malignant", 1: "benign"})


def _wine() -> pd.DataFrame:
    return _bundled("wine", "cultivar", {0: "one", 1: "two", 2: "three"})


def _diabetes() -> pd.DataFrame:
    return _bundled("diabetes", "progression", None)


def _queries(queries: int = 200, items: int = 10) -> pd.DataFrame:
    """Synthetic: 200 queries of ten items, graded 0 to 3; text match, freshness and price tell, popularity misleads."""
    rng = np.random.default_rng(SEED)
    count = queries * items
    frame = pd.DataFrame(
        {
            "row_id": [f"R{number:05d}" for number in range(count)],
            "query": np.repeat([f"Q{number:03d}" for number in range(queries)], items),
            "text_match": rng.beta(2, 3, count),
            "freshness_days": rng.gamma(2, 20, count),
            "price": rng.lognormal(3, 0.6, count),
            "popularity": rng.beta(1, 4, count),
            "seller": rng.choice(["alpha", "beta", "gamma"], count),
        }
    )
    worth = 2 * frame.text_match - frame.freshness_days / 35 - frame.price / 25 + 0.6 * (frame.seller == "alpha")
    graded = worth + rng.normal(0, 0.4, count)
    frame["relevance"] = np.digitize(graded, np.quantile(graded, [0.5, 0.75, 0.9]))
    return frame.round(6)


def _sales(stores: int = 4, days: int = 420) -> pd.DataFrame:
    """Synthetic: daily sales of four stores with trend, week, promotions and noise; inputs are known a week ahead."""
    rng = np.random.default_rng(SEED)
    day = np.arange(days + 28)
    frames = []
    for number in range(stores):
        promotion = rng.random(len(day)) < 0.15
        level = 80 + 25 * number + 0.03 * day + 8 * np.sin(2 * np.pi * day / 365)
        sales = level * (1 + 0.2 * np.isin(day % 7, (4, 5))) + 18 * promotion + rng.normal(0, 6, len(day))
        frames.append(
            pd.DataFrame(
                {
                    "row_id": [f"S{number}-{value:03d}" for value in day],
                    "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
                    "store": f"store-{number}",
                    "weekday": day % 7,
                    "promotion": promotion.astype(int),
                    "sales_7_days_ago": pd.Series(sales).shift(7),
                    "sales_28_days_ago": pd.Series(sales).shift(28),
                    "sales": sales,
                }
            ).iloc[28:]
        )
    frame = pd.concat(frames).sort_values(["day", "store"], ignore_index=True)
    frame["day"] = frame["day"].dt.strftime("%Y-%m-%d")
    return frame.round(4)
