"""From columns to inputs and target: one query for training, batch and online, so that the three cannot differ.

And the screen for columns that know the answer: each alone, scored out of fold, and those that make up the target.
"""

from typing import Any

import pandas as pd
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data.source import REMEDY, SOURCE, Source
from planrun_ml.measuring.deciding import deciding
from planrun_ml.tables.query import Engine, over_frames
from planrun_ml.tables.sql import ROW, listed, literal, quoted

NUMBERS = ("INT", "INTEGER", "DOUBLE", "FLOAT", "DECIMAL", "REAL", "BOOLEAN")
LARGEST = 1e100  # what lies beyond, infinity too, is taken as missing; the schema says so
LEVELS = 50  # a text with more different values than this is free text, and no input
MANY = 500_000  # rows from which on what shows in a part of them is not counted in all


def inputs(table: Engine, source: Source, types: dict[str, str] | None = None) -> dict[str, str]:
    """Column → "number", "date", "category" or "text", for every column that may be used.

    Free text is left out, but for columns that data/source.yaml names under `text`. Raises `Trouble` where no column is
    left.
    """
    found: dict[str, str] = {}
    for column, kind in (types or table.columns("source")).items():
        if column == ROW or column in source.special:
            continue
        found[column] = "text" if column in source.text else kind_of(kind)
    texts = [column for column, kind in found.items() if kind == "category"]
    for count, most in (
        ("approx_count_distinct({})", 2 * LEVELS),
        ("count(distinct {})", LEVELS),
    ):  # exact where the estimate leaves it open
        counts = ", ".join(count.format(quoted(column)) for column in texts) or "0"
        values = dict(zip(texts, table.rows(f"select {counts} from source")[0], strict=False))
        found = {column: kind for column, kind in found.items() if values.get(column, 0) <= most}
        texts = [column for column in texts if column in found]
    if not found:
        raise Trouble("No column is left to predict from.", "Check leave_out and known_after in data/source.yaml.")
    return found


def kind_of(type_name: str) -> str:
    """What an engine's type is to a model."""
    name = type_name.upper().partition("(")[0]
    if name.endswith(NUMBERS):  # TINYINT, UBIGINT …; a list is INTEGER[], a struct starts with STRUCT
        return "number"
    return "date" if name.startswith(("DATE", "TIMESTAMP")) else "category"


def select(columns: dict[str, str]) -> str:
    """The SELECT list that makes inputs of columns: numbers as doubles, dates as days, categories as text."""
    return ", ".join(f"{_expression(column, kind)} as {quoted(column)}" for column, kind in columns.items())


def of_rows(rows: list[dict[str, Any]] | pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The inputs of rows that came from elsewhere than the source: a request, a batch file.

    Raises `Trouble` where a column is missing.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    missing = [column for column in columns if column not in frame]
    if missing:
        raise Trouble(f"The rows have no {missing[0]}.", f"Needed: {', '.join(columns)}.")
    table = over_frames()
    table.register("given", frame[list(columns)].reset_index(drop=True))
    return table.frame(f"select {select(columns)} from given")


def _expression(column: str, kind: str) -> str:
    if kind == "number":
        number = f"try_cast({quoted(column)} as double)"
        return f"case when abs({number}) <= {LARGEST} then {number} end"
    if kind == "date":
        return f"epoch({moment_sql(column)}) / 86400.0"
    return f"cast({quoted(column)} as varchar)"


# ---------------------------------------------------------------------------------------------------- target
def key_sql(source: Source) -> str:
    """What identifies a row: the id column, or its position in the file."""
    return f"cast({quoted(source.id or ROW)} as varchar)"


def target_sql(repo: Repo, source: Source, table: Engine) -> str:
    """The target as the task needs it: 0 and 1, a class's name, or a number."""
    column = quoted(source.target)
    if repo.answers["task"] == "multiclass":
        return f"cast({column} as varchar)"
    if repo.answers["task"] == "binary":
        positive = literal(positive_value(source, table))
        return f"case when {column} is null then null when cast({column} as varchar) = {positive} then 1 else 0 end"
    return f"try_cast({column} as double)"


def positive_value(source: Source, table: Engine) -> str:
    """The value of the target that counts as positive.

    Raises `Trouble` where the target does not hold it, or nobody can tell which it is.
    """
    column = quoted(source.target)
    text = f"cast({column} as varchar)"
    rows = table.rows(f"select distinct {text} from source where {column} is not null order by 1 limit 20")
    values = [row[0] for row in rows]
    if not values:
        raise Trouble(f"{source.target} is empty in every row.", f"Name the column with the right answers in {SOURCE}.")
    shown = ", ".join(f'"{value}"' for value in values[:6])
    if source.positive:
        if source.positive not in values:
            raise Trouble(f'No row\'s {source.target} is "{source.positive}"; it holds {shown}.', REMEDY)
        return source.positive
    fitting = [value for value in values if value.lower() in ("1", "1.0", "true", "yes")]
    if len(fitting) != 1:
        raise Trouble(f"{SOURCE}: positive is empty, and {source.target} holds {shown}.", "Say which one is positive.")
    return str(fitting[0])


def time_sql(source: Source) -> str:
    """The moment of prediction of a row, as `moment_sql` has it of the column that data/source.yaml names."""
    return moment_sql(source.time)


def moment_sql(column: str) -> str:
    """A column's moment in UTC, also where a text names another zone; null where it is no date."""
    return f"cast(try_cast({quoted(column)} as timestamptz) as timestamp)"


def span(table: Engine, source: Source) -> list[str]:
    """The first and the last moment; empty without a time column."""
    if not source.time:
        return []
    moment = time_sql(source)
    return [str(value) for value in table.rows(f"select min({moment}), max({moment}) from source")[0]]


def answered(key: str, target: str, task: str) -> str:
    """A row's key and right answer as one text, the same from the data and from a predictions file."""
    value = target if task == "multiclass" else f"cast({target} as double)"
    return f"{key} || '=' || cast({value} as varchar)"


def units_sql(repo: Repo, source: Source, target: str) -> str:
    """How many units of the metric labelled rows are: positives, queries, or rows."""
    if repo.answers["task"] == "binary" and deciding(repo).counted_on == "positives":
        return f"sum({target})"
    return f"count(distinct {quoted(source.group)})" if repo.answers["task"] == "ranking" else "count(*)"


def cluster_of(source: Source, task: str) -> tuple[str, str]:
    """What rows share that vary together: its name, and its SQL. Two empty texts where nothing is named.

    The group, or the day; a forecast's stores share a day; the units of a ranking are its queries, each by itself.
    """
    day = ("day", f"cast(cast({time_sql(source)} as date) as varchar)") if source.time else ("", "")
    group = (source.group, f"cast({quoted(source.group)} as varchar)") if source.group else ("", "")
    if task == "ranking":
        return "", ""
    first, second = (day, group) if task == "forecast" else (group, day)
    return first if first[0] else second


# ---------------------------------------------------------------------------------------------------- copies
def content_sql(inputs: list[str]) -> str:
    """One text for all inputs of a row, the same in every version of every engine."""
    parts = ", ".join(f"coalesce(cast({quoted(column)} as varchar), '∅')" for column in inputs)
    return f"md5(concat_ws('|', {parts}))"


def copy_sql(tell: dict[str, float] | None, content: str, lone: str) -> str:
    """What all copies of a row share; a row whose known inputs do not tell it from others is `lone`."""
    if tell is None:  # a rule recorded before rows with missing inputs were told apart
        return content
    known = " + ".join(f"if({quoted(name)} is null, 0, {digits})" for name, digits in tell.items() if name)
    return f"if({known} >= {tell['']}, {content}, {lone})"


def twins_sql(tell: dict[str, float] | None, inputs: list[str]) -> str:
    """The same as a number, for use within one run."""
    return copy_sql(tell, f"cast(hash({listed(inputs)}) as hugeint)", f"-{ROW}")
