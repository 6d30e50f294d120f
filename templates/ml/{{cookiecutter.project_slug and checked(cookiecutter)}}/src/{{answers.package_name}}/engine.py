"""The one place that runs SQL. The text is plain; the few words on which engines differ are in DIALECTS."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from . import reading
from .files import Trouble

DIALECTS = {
    "duckdb": {"hash": "hash", "distinct": "approx_count_distinct"},
}
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
TYPES = ["NULL", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR"]
SMALL = 100_000_000  # bytes
ROW = "_row"  # the position of a row in its file, from 1


class Engine:
    """DuckDB in this process. Another engine offers the same four methods and an entry in DIALECTS."""

    name = "duckdb"

    def __init__(self) -> None:
        self.words = DIALECTS[self.name]
        self._connection = duckdb.connect()
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute("set preserve_insertion_order = true")

    def open(self, path: Path) -> None:
        """Make the file's rows the table `source`, numbered in `_row`. Raises `Trouble` for what is no table."""
        if not path.is_file():
            raise Trouble(f"There is no file {path.name}.", reading.CORRECT)
        form, text = reading.form_of(path), literal(str(path))
        # A small text file is parsed once; everything else is streamed from where it lies.
        small = bool(form.separator) and path.stat().st_size < SMALL
        read = f"read_csv({text}, {_options(form, small)})" if form.separator else f"read_parquet({text})"
        kind = "table" if small else "view"
        try:
            self.run(f"create or replace {kind} source as select row_number() over () as {ROW}, * from {read}")
            names = list(self.columns("source"))
        except duckdb.Error as error:
            why = reading.problem(path, form.separator) if form.separator else ""
            raise Trouble(f"{path.name} is no table: {why or first(error)}.", reading.CORRECT) from error
        reading.check_names(path.name, names[1:])

    def run(self, sql: str) -> None:
        self._connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._guarded(sql).fetchall()

    def frame(self, sql: str) -> pd.DataFrame:
        """The rows of a query as a frame."""
        return self._guarded(sql).df()

    def stream(self, sql: str, vectors: int) -> Iterator[pd.DataFrame]:
        """The rows of a query in frames of `vectors` x 2,048 rows; the engine does nothing else meanwhile."""
        result = self._guarded(sql)
        while len(chunk := result.fetch_df_chunk(vectors)):
            yield chunk

    def columns(self, table: str) -> dict[str, str]:
        """Column → type, in order."""
        return {row[0]: row[1] for row in self._guarded(f"describe {table}").fetchall()}

    def register(self, name: str, frame: pd.DataFrame) -> None:
        """Let a frame be queried as a table."""
        self._connection.register(name, frame)

    def _guarded(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(sql)
        except duckdb.ConversionException as error:
            raise Trouble(f"A value does not fit its column: {first(error)}.", "Correct it in the file.") from error
        except duckdb.InvalidInputException as error:
            raise Trouble(f"The file cannot be read: {first(error)}", "Correct it in the file.") from error


def engine(name: str = "duckdb") -> Engine:
    """The engine that `engine` in plan/project.yaml names."""
    if name not in DIALECTS:
        raise Trouble(
            f'engine is "{name}" in plan/project.yaml, and only duckdb is written here.',
            "mlscaffold replan --set engine=duckdb; export rows that live elsewhere to Parquet first",
        )
    return Engine()


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """A frame as a Parquet file, without pyarrow."""
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(f"copy frame to {literal(str(path))} (format parquet)")


def read_parquet(path: Path) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute(f"select * from read_parquet({literal(str(path))})").df()


def quoted(column: str) -> str:
    """A column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _options(form: reading.Form, small: bool) -> str:
    """How to read delimited text. Nothing becomes true or false of itself: "yes" stays the word that was written."""
    nulls = ", ".join(literal(word) for word in MISSING)
    types = ", ".join(literal(name) for name in TYPES)
    return (
        f"header = true, delim = {literal(form.separator)}, quote = '\"', escape = '\"', skip = 0, comment = '', "
        f"decimal_separator = {literal(form.decimal)}, nullstr = [{nulls}], "
        f"sample_size = {-1 if small else 200000}, "
        f"auto_type_candidates = [{types}]"
    )


def listed(columns: Sequence[str]) -> str:
    return ", ".join(quoted(column) for column in columns)


def first(error: Exception) -> str:
    """The first line of an engine's message, without its label; the column and the value where it names them."""
    text = str(error)
    odd = re.search(
        r"Line: (\d+)\n.*converting column \"(.+?)\"\. Could not convert string \"(.*?)\" to '(\w+)", text, re.DOTALL
    )
    if odd:
        kind = {"BIGINT": "whole number", "DOUBLE": "number"}.get(odd[4], "date")
        return f'line {odd[1]}, {odd[2]}: "{odd[3]}" is no {kind}, as the values before it are'
    line = text.splitlines()[0]
    return line.partition("Error: ")[2] or line
