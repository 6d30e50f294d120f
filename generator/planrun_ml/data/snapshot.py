"""The rows of today as one hashed file: fetched, or where they lie."""

import os
import re
import shutil
import sqlite3
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd
from planrun.files import canonical, write_text
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data.sample import sample
from planrun_ml.data.source import REMEDY, SOURCE, Source, near, segments, source_of
from planrun_ml.tables.parquet import write_chunks
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW

RAW = "data/raw"


# ---------------------------------------------------------------------------------------------------- one file
def snapshot(repo: Repo, source: Source) -> Path:
    """The file to read: the sample written out, a download, a database read into Parquet, or the team's own file."""
    where = source.source
    if source.is_sample:
        path = repo.root / RAW / f"sample-{repo.answers['task']}.csv"
        if not path.is_file():
            write_text(path, sample(repo.answers["task"]).to_csv(index=False, lineterminator="\n"))
        return path
    if "://" in where:
        return _fetched(repo, source)
    path = repo.root / where
    if not path.is_file():
        what = f"{where} is a folder" if path.is_dir() else f"there is no file {where}"
        raise Trouble(f"{SOURCE}: {what}.", "Give the path of a file, from the folder of this repository.")
    return path


def _fetched(repo: Repo, source: Source) -> Path:
    """One read of an address, a database or a cluster, kept under its own name; delete the file to read again."""
    url = os.path.expandvars(source.source)
    if unset := re.search(r"\$\{?(\w+)", url):
        raise Trouble(f"{SOURCE}: source names ${unset[1]}, which is not set.", f"export {unset[1]}=…")
    web = url.startswith(("http://", "https://"))
    if not web and not source.query:
        raise Trouble(f"{SOURCE}: a database needs a query.", "Write query: SELECT … FROM …")
    file = url.rpartition("/")[2].partition("?")[0] or "download.csv" if web else "snapshot.parquet"
    path = repo.root / RAW / f"{canonical(source.source if web else [source.source, source.query])[:8]}-{file}"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        try:
            _fetch(repo.root, url, source.query, part := Path(folder, "part"))
        except (Trouble, ModuleNotFoundError):
            raise
        except Exception as error:  # each driver has its own family of errors
            what = f"{source.source} cannot be downloaded" if web else f"{SOURCE}: the query fails"
            raise Trouble(f"{what}: {str(error).splitlines()[0]}.", REMEDY) from error
        os.replace(part, path)
    return path


def _fetch(root: Path, url: str, query: str, part: Path) -> None:
    if url.startswith(("http://", "https://")):
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
    elif url.startswith("sc://"):
        try:
            from planrun_ml.tables import spark
        except ImportError:
            raise Trouble("Reading from Spark was not asked for.", "mlscaffold replan --set engine=spark") from None
        spark.copy(url, query, part)
    else:
        chunks = pd.read_sql_query(query, _connected(root, url), chunksize=100_000)
        if not write_chunks(chunks, part):
            raise Trouble(f"{SOURCE}: the query returns no rows.", REMEDY)


def _connected(root: Path, url: str) -> Any:
    if url.startswith("sqlite:///"):  # a relative path starts at this repository, wherever one stands
        return sqlite3.connect(f"{(root / url.removeprefix('sqlite:///')).as_uri()}?mode=ro", uri=True)
    try:
        from sqlalchemy import create_engine
    except ImportError:
        raise Trouble("Reading a database needs sqlalchemy and its driver.", "Add both to pyproject.toml.") from None
    return create_engine(url).connect().execution_options(stream_results=True)


# ---------------------------------------------------------------------------------------------------- one table
def open_table(repo: Repo) -> tuple[Engine, Source]:
    """The data as the table `source`, every column that data/source.yaml names being there."""
    source, table = source_of(repo), Engine()
    table.open(path := snapshot(repo, source))
    if source.time_format and source.time in table.columns("source"):
        table.open(path, {source.time: source.time_format})
    columns = [column for column in table.columns("source") if column != ROW]
    named = [(f"segment {name}", name) for name in segments(repo, source)]
    for role in ("target", "time", "group", "id", "split", "leave_out", "known_after", "explained"):
        value = getattr(source, role)
        named += [(role, name) for name in ([value] if isinstance(value, str) else value) if name]
    shown = ", ".join(columns if len(columns) <= 12 else [*columns[:8], "…", *columns[-3:]])
    for role, column in named:
        if column not in columns:
            meant = near(column, columns, f"The first line of the file names: {shown}.")
            raise Trouble(f'The data has no column "{column}" ({role}). {meant}', REMEDY)
    if not table.rows("select 1 from source limit 1"):
        raise Trouble(f"{path.name} holds no rows.", f"Add some, or correct `source` in {SOURCE}.")
    return table, source
