"""The one place that runs SQL, and that knows in which form a file holds its rows."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from planrun.trouble import Trouble

from planrun_ml.tables.forms import (
    CORRECT,
    LOOK,
    SMALL,
    ZONED,
    Form,
    _options,
    check_names,
    first,
    first_of,
    form_of,
    problem,
)
from planrun_ml.tables.moments import Written, all_iso, in_words, iso_sql, looks_own, misfit, read
from planrun_ml.tables.moments import sql as moments_sql
from planrun_ml.tables.sql import ROW, literal, quoted

ONE_WAY = "Write all of them in one way; `time_format` and `dates` in data/source.yaml say which one training reads."


class Engine:
    """DuckDB in this process."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self.written: dict[str, Written] = {}  # columns of `source` that write their moments in a form of their own
        self.repeats: dict[tuple[str, ...], int] = {}  # what `schema.repeats` has counted in `source`
        self.drawn = 0.0  # the share of `source` that `schema.draw` has drawn
        self._connection = connection or duckdb.connect()
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute("set preserve_insertion_order = true")

    def open(self, path: Path, moments: Mapping[str, str] | None = None) -> None:
        """Make the file's rows the table `source`, numbered in `_row`. Raises `Trouble` for what is no table.

        `moments`: column → how texts write its moments, where a person said so or training did; raises `Trouble` for a
        value that is written otherwise. Other columns are read as all of their values tell; what could be day first
        or month first stays text. `written` holds what was found.
        """
        if not path.is_file():
            what = "a folder" if path.is_dir() else "not there"
            raise Trouble(f"{path.name} is {what}.", "Give the path of a CSV or Parquet file.")
        form, text = form_of(path), literal(str(path))
        # A small text file is parsed once; everything else is streamed from where it lies.
        small = bool(form.separator) and path.stat().st_size < SMALL
        rows = f"select row_number() over () as {ROW}, * from read_csv({text}, {_options(form, small)})"
        if not form.separator:  # its own row numbers can be read by several threads
            rows = f"select file_row_number + 1 as {ROW}, * exclude (file_row_number) from "
            rows += f"read_parquet({text}, file_row_number = true)"
        try:
            made = f"create or replace {'table' if small else 'view'} source as"
            self._connection.execute(f"{made} {rows}")
            types, (self.repeats, self.drawn, self.written) = self.columns("source"), ({}, 0.0, {})
            texts = self._own_moments(path, form, types, moments or {})
            if texts and form.separator:
                rows = f"select row_number() over () as {ROW}, * from "
                rows += f"read_csv({text}, {_options(form, small)}{_as_text(texts)})"
                self._connection.execute(f"{made} {rows}")
            if read := self._read_moments(path, texts, moments or {}):
                rows = f"select * replace ({', '.join(read)}) from ({rows})"
                self._connection.execute(f"{made} {rows}")
                types = self.columns("source")
            plain = [f"cast({quoted(name)} as timestamp) as {quoted(name)}" for name in types if types[name] == ZONED]
            if plain:  # moments are kept in UTC, without a zone, as those of other columns are
                self._connection.execute(f"{made} select * replace ({', '.join(plain)}) from ({rows})")
        except duckdb.OutOfMemoryException:  # the file may well be a table
            raise
        except duckdb.Error as error:
            why = problem(path, form.separator) if form.separator else ""
            raise Trouble(f"{path.name} is no table: {why or first(error)}.", CORRECT) from error
        check_names(path.name, list(types)[1:])

    def _own_moments(self, path: Path, form: Form, types: Mapping[str, str], moments: Mapping[str, str]) -> list[str]:
        """Columns that hold moments in a form of their own, by their first values, and those that a person named."""
        names = [name for name in types if name != ROW]
        if form.separator:
            first_values = first_of(path, form, len(names))
        else:
            asked = [name for name in names if types[name] == "VARCHAR"]
            held = self.rows(f"select {', '.join(map(quoted, asked))} from source limit {LOOK}") if asked else []
            known = dict(zip(asked, zip(*held, strict=True), strict=True)) if held else {}
            first_values = [[str(value) for value in known.get(name, ()) if value is not None] for name in names]
        return [
            name
            for name, values in zip(names, first_values, strict=True)
            if (name in moments and (form.separator or types[name] == "VARCHAR"))
            or looks_own(values)
            or (form.separator and not values and types[name].startswith(("DATE", "TIMESTAMP")))
        ]

    def _read_moments(self, path: Path, texts: Sequence[str], moments: Mapping[str, str]) -> list[str]:
        """SQL that reads each of these text columns as moments; none for what is ambiguous or no moments."""
        found = []
        for name in texts:
            written = read(self.rows, "source", name)
            form = moments.get(name) or (written.forms[0] if written and not written.is_ambiguous else "")
            if not form:
                if written:
                    self.written[name] = written
                elif all_iso(self.rows, "source", name):  # its first values were missing, so it was looked at
                    found.append(f"{iso_sql(name)} as {quoted(name)}")
                continue
            if name in moments and (odd := misfit(self.rows, "source", name, form)):
                told = f'{path.name}: {name} holds "{odd}", which is not written as {form} ({in_words(form)})'
                raise Trouble(f"{told}.", ONE_WAY)
            if written:
                self.written[name] = Written((form,), written.example)
            found.append(f"{moments_sql(name, form)} as {quoted(name)}")
        return found

    def run(self, sql: str) -> None:
        """A statement whose rows nobody needs. Raises `Trouble` where a value is none of its type."""
        self._guarded(sql)

    def replace_source(self, sql: str) -> None:
        """Let `source` be what a query makes of it; the query reads it under the name `source_before`.

        Raises `Trouble` for a file that is no table, and for a query that cannot be answered.
        """
        kind = "view" if self.rows("select 1 from duckdb_views() where view_name = 'source'") else "table"
        self._guarded(f"alter {kind} source rename to source_before")
        self._guarded(f"create view source as {sql}")
        self.repeats, self.drawn = {}, 0.0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises `Trouble` for a file that is no table, and for a query that cannot be answered.
        """
        return list(self._guarded(sql, duckdb.DuckDBPyConnection.fetchall))

    def frame(self, sql: str) -> pd.DataFrame:
        """The rows of a query as a frame.

        Raises `Trouble` for a file that is no table, and for a query that cannot be answered.
        """
        return self._guarded(sql, duckdb.DuckDBPyConnection.df)

    def stream(self, sql: str, vectors: int) -> Iterator[pd.DataFrame]:
        """The rows of a query in frames of `vectors` x 2,048 rows; the engine does nothing else meanwhile.

        Raises `Trouble` for a file that is no table, and for a query that cannot be answered.
        """
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


def _as_text(columns: Sequence[str]) -> str:
    """The part of the options that keeps columns from being taken for dates before their own format is used."""
    named = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    return ", types = {" + named + "}"
