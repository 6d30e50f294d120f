"""What columns look like by their values: an id, a group, a moment, a copy of the calendar. Nothing is assumed."""

import json
import re
from typing import Any

from planrun_ml.data import names
from planrun_ml.data.columns import LEVELS, kind_of, moment_sql
from planrun_ml.data.source import SOURCE, Source
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import quoted

FEW_ROWS = 50  # rows that a value of a group has at most, on average
LEAST = 1.5  # and at least
GROUPS = 20  # different values from which numbers can be a group
SAME = 0.995  # share of rows in which a column says what the calendar says
STEADY = 0.9999  # correlation with the moment from which a number is the moment, counted otherwise
PARTS = (
    "year", "quarter", "month", "week", "day", "dayofyear", "dow", "isodow", "hour", "minute",
)  # fmt: skip
WORDS = {
    "dow": "weekday", "isodow": "weekday", "day": "day of the month", "dayofyear": "day of the year",
    "dayname": "weekday", "monthname": "month",
}  # fmt: skip
NAMES = ("dayname", "monthname")
MOST = 400  # the largest whole number that a part of a moment is, but for a year


def proposed(table: Engine, source: Source, facts: dict[str, dict[str, Any]], rows: int) -> list[str]:
    """A sentence a column that looks like a part nobody has named, with the line of data/source.yaml that names it."""
    found = []
    if not source.id and (name := _id(table, source, facts, rows)):
        found.append(f"{name} looks like an id, every row having another value: {_line('id', name)}.")
    if not source.group:
        for name, each in _groups(table, source, facts, rows)[:2]:
            found.append(
                f"{name} looks like a group, {facts[name]['distinct']:,} different values with {each:.1f} rows each: "
                f"{_line('group', name)}, where rows of one {name} vary together."
            )
    if not source.time and (moments := _moments(table, source, facts)):
        others = f" ({', '.join(moments[1:4])} too)" if len(moments) > 1 else ""
        found.append(
            f"{moments[0]} looks like a moment{others}: {_line('time', moments[0])}, where it is the one at which the "
            "prediction is made; then the test rows are the newest."
        )
    return found


def calendar(table: Engine, source: Source, inputs: dict[str, str], facts: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Inputs that go with the calendar by themselves: column → what it is. They move on whatever happens.

    Dates, parts of the row's moment as numbers or words, and numbers that are the moment counted otherwise.
    """
    dates = {name: "a moment" for name, kind in inputs.items() if kind == "date"}
    if not source.time:
        return dates
    moment, asked = moment_sql(source.time), list[tuple[str, str, str]]()
    for name, kind in inputs.items():
        if kind not in ("number", "category") or facts[name]["distinct"] < 2:
            continue
        column, low, high = quoted(name), facts[name]["min"], facts[name]["max"]
        if kind == "category":
            said = f"lower(cast({column} as varchar))"
            asked += [
                (
                    name,
                    _word(part, source),
                    f"avg(if({said} in (lower({part}({moment})), lower({part}({moment})[:3])), 1, 0))",
                )
                for part in NAMES
            ]
            continue
        number = f"try_cast({column} as double)"
        asked.append(
            (name, f"{source.time}, counted otherwise", f"if(corr({number}, epoch({moment})) > {STEADY}, 1, 0)")
        )
        whole = low is not None and float(low) >= 0 and float(high) <= (2200 if float(low) > 1800 else MOST)
        asked += [
            (name, _word(part, source), f"avg(if({number} = date_part('{part}', {moment}), 1, 0))")
            for part in PARTS
            if whole and (part == "year") == (float(low) > 1800)
        ]
    if not asked:
        return dates
    shares = table.rows(f"select {', '.join(sql for *_, sql in asked)} from drawn where {moment} is not null")[0]
    for (name, what, _), share in zip(asked, shares, strict=True):
        if share is not None and share >= SAME:
            dates.setdefault(name, what)
    return dates


def _word(part: str, source: Source) -> str:
    return f"the {WORDS.get(part, part)} of {source.time}"


def _line(role: str, name: str) -> str:
    value = json.dumps(name, ensure_ascii=False) if re.search(r"\W", name) else name
    return f"in {SOURCE} `{role}: {value}`"


def _free(source: Source, facts: dict[str, dict[str, Any]]) -> list[str]:
    """Columns that no line of data/source.yaml names."""
    return [name for name in facts if name not in source.special and name not in source.text]


def _id(table: Engine, source: Source, facts: dict[str, dict[str, Any]], rows: int) -> str:
    """The first column with a value of its own in every row: a text, or whole numbers one after the other."""
    types = table.columns("source")
    for name in _free(source, facts):
        one = facts[name]
        if one["missing"] or one["distinct"] < 0.98 * rows or one["type"] == "date":  # of very many it is an estimate
            continue
        running = one["type"] == "number" and types[name].endswith("INT") and one["max"] - one["min"] < 1.02 * rows
        if one["type"] != "text" and not running:
            continue
        text = f"cast({quoted(name)} as varchar)"
        unique, words = table.rows(
            f"select count(*) = count(distinct {text}), avg(if(contains(trim({text}), ' '), 1, 0)) from source"
        )[0]
        if unique and words < 0.5:  # what holds blanks is a free text
            return name
    return ""


def _groups(table: Engine, source: Source, facts: dict[str, dict[str, Any]], rows: int) -> list[tuple[str, float]]:
    """Columns whose values have a few rows each: texts with many values, and whole numbers by a name that says so."""
    types, found = table.columns("source"), []
    for name in _free(source, facts):
        one = facts[name]
        each = rows * (1 - one["missing"]) / max(1, one["distinct"])
        if one["missing"] > 0.5 or not LEAST <= each <= FEW_ROWS:
            continue
        text = one["type"] == "text" and one["distinct"] > LEVELS
        number = types[name].endswith("INT") and one["distinct"] >= GROUPS and names.is_group(name)
        if text or number:
            found.append((name, each))
    return sorted(found, key=lambda pair: not names.is_group(pair[0]))


def _moments(table: Engine, source: Source, facts: dict[str, dict[str, Any]]) -> list[str]:
    """Columns of moments that vary."""
    types = table.columns("source")
    return [
        name for name in _free(source, facts) if kind_of(types[name]) == "date" and facts[name]["distinct"] >= GROUPS
    ]
