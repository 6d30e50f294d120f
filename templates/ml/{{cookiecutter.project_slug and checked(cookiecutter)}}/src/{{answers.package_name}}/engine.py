"""The one place that runs SQL, and that knows in which form a file holds its rows."""

import csv
import functools
import gzip
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pandas as pd

from .files import Trouble

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
TYPES = ["NULL", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", ZONED := "TIMESTAMP WITH TIME ZONE", "VARCHAR"]
SMALL = 100_000_000  # bytes
ROW = "_row"  # the position of a row in its file, from 1


@dataclass(frozen=True)
class Form:
    """How to read a file; no separator: Parquet."""

    separator: str = ""
    decimal: str = "."


class Engine:
    """DuckDB in this process."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self.repeats: dict[tuple[str, ...], int] = {}  # what `schema.repeats` has counted in `source`
        self.drawn = 0.0  # the share of `source` that `schema.draw` has drawn
        self._connection = connection or duckdb.connect()
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute("set preserve_insertion_order = true")

    def open(self, path: Path, moments: Mapping[str, str] | None = None) -> None:
        """Make the file's rows the table `source`, numbered in `_row`. Raises `Trouble` for what is no table.

        `moments`: column → how a text file writes its moments, where nobody but a person can tell.
        """
        if not path.is_file():
            what = "a folder" if path.is_dir() else "not there"
            raise Trouble(f"{path.name} is {what}.", "Give the path of a CSV or Parquet file.")
        form, text = form_of(path), literal(str(path))
        # A small text file is parsed once; everything else is streamed from where it lies.
        small = bool(form.separator) and path.stat().st_size < SMALL
        rows = f"select row_number() over () as {ROW}, *{_parsed(moments)} from "
        rows += f"read_csv({text}, {_options(form, small)}{_as_text(moments)})"
        if not form.separator:  # its own row numbers can be read by several threads
            rows = f"select file_row_number + 1 as {ROW}, * exclude (file_row_number) from "
            rows += f"read_parquet({text}, file_row_number = true)"
        try:
            made = f"create or replace {'table' if small else 'view'} source as"
            self._connection.execute(f"{made} {rows}")
            types, (self.repeats, self.drawn) = self.columns("source"), ({}, 0.0)
            plain = [f"cast({quoted(name)} as timestamp) as {quoted(name)}" for name in types if types[name] == ZONED]
            if plain:  # moments are kept in UTC, without a zone, as those of other columns are
                self._connection.execute(f"{made} select * replace ({', '.join(plain)}) from ({rows})")
        except duckdb.Error as error:
            why = problem(path, form.separator) if form.separator else ""
            raise Trouble(f"{path.name} is no table: {why or first(error)}.", CORRECT) from error
        check_names(path.name, list(types)[1:])

    def run(self, sql: str) -> None:
        self._guarded(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return list(self._guarded(sql, duckdb.DuckDBPyConnection.fetchall))

    def frame(self, sql: str) -> pd.DataFrame:
        """The rows of a query as a frame."""
        return self._guarded(sql, duckdb.DuckDBPyConnection.df)

    def stream(self, sql: str, vectors: int) -> Iterator[pd.DataFrame]:
        """The rows of a query in frames of `vectors` x 2,048 rows; the engine does nothing else meanwhile."""
        result = self._guarded(sql)
        while len(chunk := result.fetch_df_chunk(vectors)):
            yield chunk

    def columns(self, table: str) -> dict[str, str]:
        """Column → type, in order."""
        return {row[0]: row[1] for row in self.rows(f"describe {table}")}

    def register(self, name: str, frame: pd.DataFrame) -> None:
        """Let a frame be queried as a table."""
        self._connection.register(name, frame)

    def _guarded(self, sql: str, fetch: Callable[[duckdb.DuckDBPyConnection], Any] = lambda result: result) -> Any:
        try:
            return fetch(self._connection.execute(sql))
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            what = "A value does not fit its column" if "Conversion" in type(error).__name__ else "It cannot be read"
            raise Trouble(f"{what}: {first(error)}.", "Correct it in the file.") from error


@functools.cache
def _shared() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def over_frames() -> Engine:
    """An engine that asks about frames and files and keeps no table; opening it is free, a database takes 20 ms."""
    return Engine(_shared().cursor())


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
    with _shared().cursor() as connection:
        return connection.execute(f"select * from read_parquet({literal(str(path))})").df()


def quoted(column: str) -> str:
    """A column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _options(form: Form, small: bool) -> str:
    """How to read delimited text. Nothing becomes true or false of itself: "yes" stays the word that was written."""
    nulls, types = (", ".join(literal(word) for word in words) for words in (MISSING, TYPES))
    return (
        f"header = true, delim = {literal(form.separator)}, quote = '\"', escape = '\"', skip = 0, comment = '', "
        f"decimal_separator = {literal(form.decimal)}, nullstr = [{nulls}], "
        f"sample_size = {-1 if small else 200000}, auto_type_candidates = [{types}]"
    )


def _as_text(moments: Mapping[str, str] | None) -> str:
    """The part of the options that keeps columns from being taken for dates before their own format is used."""
    named = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in moments or ())
    return ", types = {" + named + "}" if named else ""


def _parsed(moments: Mapping[str, str] | None) -> str:
    """The part of the selection that reads moments by their own format; one that does not fit is an error."""
    read = (f"strptime({quoted(name)}, {literal(form)}) as {quoted(name)}" for name, form in (moments or {}).items())
    return f" replace ({', '.join(read)})" if moments else ""


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


CORRECT = "Correct it in the file, or name another file."
SAVE = "Save it as UTF-8 CSV or Parquet."
# Names this repository's own queries use.
OWN = ("_row", "_split", "_key", "_target", "_group", "_day", "_cluster", "_query", "_y", "_n")
NUMBER = r"[+-]?\d+{}\d+"
LOOK = 200  # lines that show whether a comma separates decimals


def form_of(path: Path) -> Form:
    """How to read this file. Raises `Trouble` for an empty one, and for what is no table."""
    try:
        with path.open("rb") as file:
            head = file.read(65536)
    except OSError as error:
        raise Trouble(f"{path.name} cannot be read: {error.strerror}.", "Give yourself the right to read it.") from None
    if not head.strip():
        raise Trouble(f"{path.name} is empty.", CORRECT)
    if head[:4] == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        return Form()
    if not head.startswith(b"\x1f\x8b"):
        if b"\0" in head:
            raise Trouble(f"{path.name} is neither UTF-8 text nor Parquet.", SAVE)
        if re.match(rb'(\xef\xbb\xbf)?\s*(<[!a-zA-Z?]|[\[{]\s*[{"])', head):
            raise Trouble(f"{path.name} is HTML, XML or JSON, not a table.", SAVE)
    return _separated(path)


def _separated(path: Path) -> Form:
    """The separator of the first line, and of decimals where it is a semicolon."""
    with _text(path) as file:
        try:
            lines = [line for line, _ in zip(file, range(LOOK), strict=False)]
        except UnicodeDecodeError:
            raise Trouble(f"{path.name} is not UTF-8.", SAVE) from None
    bare = re.sub(r'"[^"]*"', "", lines[0])
    separator = max((",", ";", "\t", "|"), key=bare.count)
    fields = [field.strip() for line in lines[1:] for field in line.split(separator)]
    commas, points = (any(re.fullmatch(NUMBER.format(mark), field) for field in fields) for mark in (",", r"\."))
    check_names(path.name, next(csv.reader(lines, delimiter=separator), []))
    return Form(separator, "," if separator != "," and commas and not points else ".")


def check_names(file: str, names: Iterable[str]) -> None:
    """Raises `Trouble` for a name that occurs twice, and for one that this repository uses itself."""
    seen: dict[str, str] = {}
    for name in names:
        low = name.strip().lower()
        if low and low in seen:
            also = "" if name == seen[low] else f' (and "{seen[low]}": capitals do not tell columns apart)'
            raise Trouble(f'{file} has two columns called "{name}"{also}.', "Rename one of them.")
        if low in OWN or low.startswith("_segment_"):
            raise Trouble(f'{file} has a column called "{name}", which is used here.', "Rename that column.")
        seen[low] = name


def problem(path: Path, separator: str) -> str:
    """The first line that keeps a text file from being a table, in words; "" when every line fits the first."""
    with _text(path) as file:
        rows = csv.reader(file, delimiter=separator, strict=True)
        try:
            wide = len(next(rows, []))
            for row in rows:
                if row and len(row) != wide:
                    return f"line {rows.line_num} holds {len(row)} values for {wide} columns"
        except UnicodeDecodeError:
            return f"line {rows.line_num + 1} or one soon after it is not UTF-8"
        except csv.Error:
            return f"a quotation mark is never closed, or stands alone (before line {rows.line_num + 1})"
    return ""


def _text(path: Path) -> TextIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
