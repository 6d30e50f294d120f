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
