"""What the audit proposes by a column's values, and what it knows to move with the calendar."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planrun_ml.audit import proposals
from planrun_ml.data import columns as columns_module
from planrun_ml.data import profile, shift
from planrun_ml.data.reference import profile as profile_of
from planrun_ml.data.source import SHAPES, Source
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW

ROWS = 600


def table() -> pd.DataFrame:
    """Nothing in it but measured numbers, a category, and the answer."""
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"amount": draw.gamma(2, 100, ROWS).round(2), "days": draw.integers(0, 60, ROWS)})
    return frame.assign(kind=draw.choice(["new", "old", "vip"], ROWS), y=draw.integers(0, 2, ROWS))


def looked_at(frame: pd.DataFrame, folder: Path, **roles: Any) -> tuple[list[str], dict[str, str]]:
    """What is proposed of a table, and what goes with the calendar."""
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    engine = Engine()
    engine.open(path)
    plain = {key: SHAPES[key][0]() if key in SHAPES else "" for key in Source.__dataclass_fields__}
    source = Source(**{**plain, "target": "y", **roles})
    types = {name: kind for name, kind in engine.columns("source").items() if name != ROW}
    facts = profile.profile(engine, types, len(frame))
    inputs = columns_module.inputs(engine, source)
    found = proposals.proposed(engine, source, facts, len(frame))
    return found, proposals.calendar(engine, source, inputs, facts)


def test_measured_columns_are_nothing_else(tmp_path: Path) -> None:
    """A number with as many values as rows, a count with few rows each: no id, no group, no moment."""
    found, calendar = looked_at(table().assign(weight=np.random.default_rng(2).normal(0, 1, ROWS)), tmp_path)

    assert found == []
    assert calendar == {}


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("ref", [f"K{n:04d}" for n in range(ROWS)], "ref looks like an id, every row having another value"),
        ("row_number", list(range(1, ROWS + 1)), "row_number looks like an id"),
        (
            "patient",
            [f"P{n // 4}" for n in range(ROWS)],
            "patient looks like a group, 150 different values with 4.0 rows",
        ),
        ("customer_id", [1000 + 7 * (n // 3) for n in range(ROWS)], "customer_id looks like a group, 200 different"),
        ("taken", list(pd.date_range("2024-01-01", periods=ROWS, freq="h").astype(str)), "taken looks like a moment"),
    ],
)
def test_a_part_that_nobody_named_is_proposed(name: str, values: list[Any], says: str, tmp_path: Path) -> None:
    """With the line that names it; once it is named, nothing is said."""
    role = says.split(" looks like a")[1].lstrip("n").split(",")[0].split(":")[0].split(" (")[0].strip()
    key = {"id": "id", "group": "group", "moment": "time"}[role]
    found, _ = looked_at(table().assign(**{name: values}), tmp_path)

    assert [sentence for sentence in found if sentence.startswith(says)], found
    assert any(f"in data/source.yaml `{key}: {name}`" in sentence for sentence in found)
    assert looked_at(table().assign(**{name: values}), tmp_path, **{key: name})[0] == []


def test_free_text_is_no_id(tmp_path: Path) -> None:
    """Every comment is another one, and names no row."""
    frame = table().assign(comment=[f"please call back about number {n}" for n in range(ROWS)])

    assert looked_at(frame, tmp_path)[0] == []


def test_copies_of_the_calendar_are_known(tmp_path: Path) -> None:
    """Parts of the moment as numbers and words, the moment counted otherwise, other moments; not what only looks so."""
    moments = pd.Series(pd.date_range("2023-03-01 06:00", periods=ROWS, freq="19h"))
    frame = table().assign(
        at=moments.astype(str), year=moments.dt.year, month=moments.dt.month, weekday=moments.dt.day_name(),
        since=(moments - moments[0]).dt.total_seconds() / 3600, due=(moments + pd.Timedelta("9D")).astype(str),
        shuffled=moments.dt.month.sample(frac=1, random_state=1).to_numpy(),
    )  # fmt: skip
    _, found = looked_at(frame, tmp_path, time="at")

    assert found == {
        "year": "the year of at", "month": "the month of at", "weekday": "the weekday of at",
        "since": "at, counted otherwise", "due": "a moment",
    }  # fmt: skip


def test_what_moves_with_the_calendar_is_asked_only_whether_it_is_filled() -> None:
    """A year later the month of training is over: no alarm. A column that comes empty is one all the same."""
    engine = Engine()
    before = pd.DataFrame({"month": [1, 2, 3] * 400, "kind": ["a", "b", "c"] * 400})
    later = pd.DataFrame({"month": [4, 5, 6] * 200, "kind": ["a", "b", "c"] * 200})
    empty = later.assign(month=np.where(np.arange(600) < 300, np.nan, 4))
    for name, frame in (("before", before), ("later", later), ("empty", empty)):
        engine.register(name, frame)
    held = profile_of(engine.rows, "select * from before", {"month": "number", "kind": "category"}, 10)

    def moved(rows: str, **calendar: Any) -> list[str]:
        found = shift.compare(engine.rows, held, f"select * from {rows}", alpha=0.001, floor=0.02, **calendar)  # noqa: S608
        return [one.column for one in found if one.moved]

    assert moved("later") == ["month"]
    assert moved("later", calendar=["month"]) == []
    assert moved("empty", calendar=["month"]) == ["month"]
