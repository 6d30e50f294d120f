"""The rows of today as one hashed file: fetched, or where they lie."""

import json
import os
import re
import shutil
import sqlite3
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from planrun.files import canonical, put_in_place, write_text
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data import people_labels
from planrun_ml.data.sample import sample
from planrun_ml.data.source import REMEDY, SOURCE, Source, near, segments, source_of
from planrun_ml.tables.moments import Written, in_words
from planrun_ml.tables.parquet import write_chunks
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW

RAW = "data/raw"


# ---------------------------------------------------------------------------------------------------- one file
def snapshot(repo: Repo, source: Source) -> Path:
    """The file to read: the sample written out, a download, a database read into Parquet, or the team's own file.

    Raises `Trouble` where there is no such file.
    """
    where = source.source
    if source.is_sample:
        path = repo.root / RAW / f"sample-{repo.answers['task']}.csv"
        if not path.is_file():
            write_text(path, sample(repo.answers["task"]).to_csv(index=False, lineterminator="\n"))
        return path
    if source.is_python:
        return _from_room(repo)
    if "://" in where:
        return _fetched(repo, source)
    path = repo.root / where
    if not path.is_file():
        what = f"{where} is a folder" if path.is_dir() else f"there is no file {where}"
        raise Trouble(f"{SOURCE}: {what}.", "Give the path of a file, from the folder of this repository.")
    return path


def refresh(repo: Repo, source: Source) -> None:
    """Read an address, a database or the team's own source again: today's rows, not those of the first read.

    The file read before stands until the new one is whole. Raises `Trouble` where nothing can be read.
    """
    if source.is_python:
        _from_room(repo, again=True)
    elif "://" in source.source and not source.is_sample:
        _fetched(repo, source, again=True)


def _from_room(repo: Repo, again: bool = False) -> Path:
    """What `rows` of the room `source` gives: a table, kept as one Parquet file, or the path of a file."""
    room, where = repo.rooms.room("source"), f"src/{repo.rooms.package}/source.py"
    if not callable(getattr(room, "rows", None)):
        raise Trouble(f"{SOURCE} says source: python, and {where} has no function rows(root).", f"Write it in {where}.")
    path = repo.root / RAW / "rows.parquet"
    if path.is_file() and not again:
        return path
    try:
        found = room.rows(repo.root)  # type: ignore[union-attr]  # it is callable, or we would not be here
    except Exception as error:  # whatever the team's own code raises
        raise Trouble(f"{where}: rows(root) failed: {type(error).__name__}: {error}.", f"Correct {where}.") from error
    if isinstance(found, (str, Path)):
        file = repo.root / found
        if not file.is_file():
            raise Trouble(f"{where}: rows(root) names {found}, and there is no such file.", f"Correct {where}.")
        return file
    if not isinstance(found, pd.DataFrame) or found.empty:
        what = "an empty table" if isinstance(found, pd.DataFrame) else f"a {type(found).__name__}"
        raise Trouble(f"{where}: rows(root) gives {what}.", "Return a pandas DataFrame with rows, or a path.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write_chunks([found], part := Path(folder, "part"))
        put_in_place(part, path)
    return path


def _fetched(repo: Repo, source: Source, again: bool = False) -> Path:
    """One read of an address, a database or a cluster, kept under its own name until it is read `again`."""
    url = os.path.expandvars(source.source)
    if unset := re.search(r"\$\{?(\w+)", url):
        raise Trouble(f"{SOURCE}: source names ${unset[1]}, which is not set.", f"export {unset[1]}=…")
    web = url.startswith(("http://", "https://"))
    if not web and not source.query:
        raise Trouble(f"{SOURCE}: a database needs a query.", "Write query: SELECT … FROM …")
    file = url.rpartition("/")[2].partition("?")[0] or "download.csv" if web else "snapshot.parquet"
    path = repo.root / RAW / f"{canonical(source.source if web else [source.source, source.query])[:8]}-{file}"
    if path.is_file() and not again:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        try:
            _fetch(repo.root, url, source.query, part := Path(folder, "part"))
        except Trouble:
            raise
        except ModuleNotFoundError as missing:
            kind = url.partition("://")[0]
            told = f"{SOURCE}: reading {kind}:// needs {missing.name}, which is not installed."
            raise Trouble(told, f"Add what brings {missing.name} to pyproject.toml, then: make setup") from None
        except Exception as error:  # each driver has its own family of errors
            what = f"{source.source} cannot be downloaded" if web else f"{SOURCE}: the query fails"
            raise Trouble(f"{what}: {str(error).splitlines()[0]}.", REMEDY) from error
        put_in_place(part, path)
    return path


def _fetch(root: Path, url: str, query: str, part: Path) -> None:
    if url.startswith(("http://", "https://")):
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:
            shutil.copyfileobj(answer, file)
    elif url.startswith("sc://"):
        try:
            from planrun_ml.tables import spark
        except ImportError:
            raise Trouble("Reading from Spark was not asked for.", "mlscaffold replan --set compute=spark") from None
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


def _refuse_ambiguous(table: Engine, source: Source) -> None:
    """Raises `Trouble` for a column that is used and could be day first or month first: nobody guesses."""
    unused = set(source.special) - {source.time}
    open_ones = {name: it for name, it in table.written.items() if it.is_ambiguous and name not in unused}
    if not open_ones:
        return
    first, written = next(iter(open_ones.items()))
    told = f'{first} could be {" or ".join(map(in_words, written.forms))}, such as "{written.example}"'
    if more := list(open_ones)[1:]:
        told += f", and so could {', '.join(more)}"
    ways = " or ".join(f"`{_said_as(source, open_ones, place)}`" for place in (0, 1))
    raise Trouble(f"{told}.", f"Say which in {SOURCE}: {ways}")


def _said_as(source: Source, written: Mapping[str, Written], place: int) -> str:
    """The lines of data/source.yaml that say how columns write their moments, day first or month first by `place`."""
    lines = [f'time_format: "{it.forms[place]}"' for name, it in written.items() if name == source.time]
    others = {name: it.forms[place] for name, it in written.items() if name != source.time}
    return "; ".join([*lines, *([f"dates: {json.dumps(others, ensure_ascii=False)}"] if others else [])])


# ---------------------------------------------------------------------------------------------------- one table
def open_table(repo: Repo) -> tuple[Engine, Source]:
    """The data as the table `source`, every column that data/source.yaml names being there."""
    table, source = open_unchecked(repo)
    complete(repo, table, source)
    return table, source


def open_unchecked(repo: Repo) -> tuple[Engine, Source]:
    """The data as the table `source`, whatever data/source.yaml says of its columns. `complete` comes next."""
    source, table = source_of(repo), Engine()
    table.open(snapshot(repo, source), source.moments)
    return table, source


def complete(repo: Repo, table: Engine, source: Source) -> None:
    """Hold the columns to data/source.yaml, and fill in the labels that people gave.

    Raises `Trouble` for a column that is not there, a moment that could be two days, and a table without rows.
    """
    columns = [column for column in table.columns("source") if column != ROW]
    named = [(f"segment {name}", name) for name in segments(repo, source)]
    for role in ("target", "time", "group", "id", "split", "leave_out", "known_after", "explained", "text", "dates"):
        value = getattr(source, role)
        named += [(role, name) for name in ([value] if isinstance(value, str) else value) if name]
    shown = ", ".join(columns if len(columns) <= 12 else [*columns[:8], "…", *columns[-3:]])
    for role, column in named:
        if column not in columns:
            meant = near(column, columns, f"The first line of the file names: {shown}.")
            raise Trouble(f'The data has no column "{column}" ({role}). {meant}', REMEDY)
    _refuse_ambiguous(table, source)
    if not table.rows("select 1 from source limit 1"):
        told = f"{snapshot(repo, source).name} holds no rows."
        raise Trouble(told, f"Add some, or correct `source` in {SOURCE}.")
    people_labels.fill(repo, table, source)
