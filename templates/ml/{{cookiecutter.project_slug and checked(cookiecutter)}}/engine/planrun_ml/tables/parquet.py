"""Parquet, written and read in chunks."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from planrun_ml.tables.query import _shared
from planrun_ml.tables.sql import literal, quoted


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """A frame as a Parquet file, without pyarrow."""
    with _shared().cursor() as connection:
        connection.register("frame", frame)
        connection.execute(f"copy frame to {literal(str(path))} (format parquet)")


def write_chunks(chunks: Iterable[pd.DataFrame], path: Path) -> int:
    """Frames as one Parquet file, of so many rows; a column that is empty in one takes its type from the others."""
    count, names = 0, []
    with _shared().cursor() as connection:
        for number, chunk in enumerate(chunks):
            if len(chunk):
                count, names = count + len(chunk), list(chunk)
                connection.register("chunk", chunk.dropna(axis="columns", how="all"))
                connection.execute(f"copy chunk to {literal(f'{path}-{number:06}')} (format parquet)")
        if count:
            parts = sorted(str(part) for part in path.parent.glob(f"{path.name}-*"))
            held = connection.from_parquet(parts, union_by_name=True)
            chosen = (quoted(name) if name in held.columns else f"null as {quoted(name)}" for name in names)
            held.project(", ".join(chosen)).write_parquet(str(path))
    return count


def read_parquet(path: Path) -> pd.DataFrame:
    """All rows of a Parquet file, in its order. Raises `duckdb.Error` where it cannot be read."""
    with _shared().cursor() as connection:
        return connection.execute(f"select * from read_parquet({literal(str(path))})").df()
