"""From columns to inputs: one query for training, batch and online, so that the three cannot differ."""

from typing import Any

import pandas as pd

from .data import Source
from .engine import ROW, Engine, quoted
from .files import Trouble

NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "REAL", "BOOL", "HUGEINT")
LEVELS = 50  # a text with more different values than this is free text, and no input


def inputs(table: Engine, source: Source, types: dict[str, str] | None = None) -> dict[str, str]:
    """Column → "number", "date" or "category", for every column that may be used. Free text is left out."""
    found: dict[str, str] = {}
    for column, kind in (types or table.columns("source")).items():
        if column == ROW or column in source.special:
            continue
        found[column] = kind_of(kind)
    texts = [column for column, kind in found.items() if kind == "category"]
    if texts:
        counts = ", ".join(f"{table.words['distinct']}({quoted(column)})" for column in texts)
        for column, count in zip(texts, table.rows(f"select {counts} from source")[0], strict=True):
            if count > LEVELS:
                del found[column]
    if not found:
        raise Trouble("No column is left to predict from.", "Check leave_out and known_after in data/source.yaml.")
    return found


def kind_of(type_name: str) -> str:
    """What an engine's type is to a model."""
    name = type_name.upper()
    if any(word in name for word in NUMBERS):
        return "number"
    return "date" if name.startswith(("DATE", "TIMESTAMP")) else "category"


def select(columns: dict[str, str]) -> str:
    """The SELECT list that makes inputs of columns: numbers as doubles, dates as days, categories as text."""
    return ", ".join(f"{_expression(column, kind)} as {quoted(column)}" for column, kind in columns.items())


def of_rows(rows: list[dict[str, Any]] | pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The inputs of rows that came from elsewhere than the source: a request, a batch file."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    missing = [column for column in columns if column not in frame]
    if missing:
        raise Trouble(f"The rows have no {missing[0]}.", f"Needed: {', '.join(columns)}.")
    table = Engine()
    table.register("given", frame[list(columns)].reset_index(drop=True))
    return table.frame(f"select {select(columns)} from given")


def _expression(column: str, kind: str) -> str:
    if kind == "number":
        return f"try_cast({quoted(column)} as double)"
    if kind == "date":
        return f"epoch(try_cast({quoted(column)} as timestamp)) / 86400.0"
    return f"cast({quoted(column)} as varchar)"
