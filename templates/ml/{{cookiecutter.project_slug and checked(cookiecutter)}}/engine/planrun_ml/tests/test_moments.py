"""Moments in files: the form is read from all values, an ambiguous one is asked for, a file to score is read alike."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pandas as pd
import pytest
from planrun.trouble import Trouble

from planrun_ml.data import snapshot
from planrun_ml.data.source import SHAPES, Source
from planrun_ml.release import champion_model
from planrun_ml.tables import moments
from planrun_ml.tables.query import Engine

YEAR = pd.date_range("2024-01-01 10:05:30", periods=366)


def opened(folder: Path, values: list[str], forms: dict[str, str] | None = None, name: str = "rows.csv") -> Engine:
    """A file with one column of texts, and a number beside it."""
    path = folder / name
    frame = pd.DataFrame({"n": range(len(values)), "due": values})
    if name.endswith("parquet"):
        duckdb.sql(f"copy frame to '{path}' (format parquet)")
        assert len(frame)
    else:
        frame.to_csv(path, index=False)
    table = Engine()
    table.open(path, forms)
    return table


def read(table: Engine) -> list[Any]:
    """The column's moments as the engine reads them, in the order of the rows."""
    return [row[0] for row in table.rows("select cast(due as timestamp) from source order by _row")]


FORMS = [
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %I:%M %p", "%m/%d/%y", "%d-%m-%Y",
    "%Y/%m/%d", "%Y.%m.%d %H:%M", "%d/%m/%YT%H:%M:%S",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_year_of_moments_tells_its_form(form: str, name: str, tmp_path: Path) -> None:
    """Some day is larger than twelve, so the order is known, in text files and in texts of Parquet."""
    table = opened(tmp_path, list(YEAR.strftime(form)), name=name)
    meant = pd.to_datetime(YEAR.strftime(form), format=form)

    assert table.written["due"].forms == (form,)
    assert table.columns("source")["due"] == "TIMESTAMP"
    assert read(table) == [moment.to_pydatetime() for moment in meant]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_months_are_moments(name: str, tmp_path: Path) -> None:
    """1949-01 is the first of its month."""
    table = opened(tmp_path, ["1949-01", "1949-02", "1950-12"], name=name)

    assert table.written["due"].forms == ("%Y-%m",)
    assert [str(moment) for moment in read(table)] == [
        "1949-01-01 00:00:00", "1949-02-01 00:00:00", "1950-12-01 00:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("mark", [".", "/", "-"])
def test_what_could_be_two_days_stays_text(mark: str, tmp_path: Path) -> None:
    """Nobody guesses: both forms are named, and no value is read."""
    table = opened(tmp_path, [f"0{day}{mark}02{mark}2024" for day in range(1, 8)])

    assert table.written["due"].forms == (f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y")
    assert table.columns("source")["due"] == "VARCHAR"


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01-31", "2024-02-01"],
        ["2024-01-31 10:00", "2024-02-01 11:00"],
        ["2024-01-31T10:00:00Z", "2024-02-01T10:00:00+02:00"],
    ],
)
def test_iso_is_left_to_the_engine(values: list[str], tmp_path: Path) -> None:
    """And is nothing to tell."""
    table = opened(tmp_path, values)

    assert table.written == {}
    assert table.columns("source")["due"].startswith(("DATE", "TIMESTAMP"))


@pytest.mark.parametrize(("form", "written"), [("%Y-%m-%d", False), ("%d.%m.%Y", True), ("%m/%d/%Y", True)])
def test_a_column_that_is_filled_late_is_read_all_the_same(form: str, written: bool, tmp_path: Path) -> None:
    """The first rows say nothing of how it is written."""
    table = opened(tmp_path, [""] * 300 + list(YEAR.strftime(form)))

    assert table.columns("source")["due"].startswith(("DATE", "TIMESTAMP"))
    assert ("due" in table.written) == written
    assert read(table)[300:] == [moment.to_pydatetime() for moment in YEAR.normalize()]


@pytest.mark.parametrize(
    "values",
    [["1.2.3", "4.5.6"], ["10.10.2024", "soon"], ["31/31/2024", "01/01/2024"], ["13.01.2024", "01/02/2024"],
     ["2024-13", "2024-01"]],
)  # fmt: skip
def test_what_is_no_moment_is_none(values: list[str], tmp_path: Path) -> None:
    """Version numbers, words among dates, days that are none, two forms in one column."""
    table = opened(tmp_path, values)

    assert table.columns("source")["due"] == "VARCHAR"
    assert table.written == {}


def test_a_form_that_a_person_named_is_held_to(tmp_path: Path) -> None:
    """It settles what is ambiguous; a value that it does not read is named."""
    week = [f"0{day}/03/2024" for day in range(1, 8)]
    table = opened(tmp_path, week, {"due": "%m/%d/%Y"})

    assert [moment.month for moment in read(table)] == list(range(1, 8))
    with pytest.raises(Trouble, match=r'due holds "soon", which is not written as %m/%d/%Y \(month/day/year\)'):
        opened(tmp_path, [*week, "soon"], {"due": "%m/%d/%Y"})


def plain(**roles: Any) -> Source:
    """A source with nothing named but these roles."""
    return Source(
        **{**{key: SHAPES[key][0]() if key in SHAPES else "" for key in Source.__dataclass_fields__}, **roles}
    )


def test_an_ambiguous_column_is_asked_for(tmp_path: Path) -> None:
    """One sentence with an example and the line for each of both; a column that nothing uses is not asked for."""
    table = opened(tmp_path, ["01/02/2024", "03/04/2024"])

    with pytest.raises(Trouble, match="due could be day/month/year or month/day/year, such as ") as refusal:
        snapshot._refuse_ambiguous(table, plain())
    assert refusal.value.remedy == (
        'Say which in data/source.yaml: `dates: {"due": "%d/%m/%Y"}` or `dates: {"due": "%m/%d/%Y"}`'
    )
    with pytest.raises(Trouble) as refusal:
        snapshot._refuse_ambiguous(table, plain(time="due"))
    assert '`time_format: "%d/%m/%Y"`' in refusal.value.remedy
    table.written["paid"] = table.written["due"]
    with pytest.raises(Trouble, match=r"and so could paid\.") as refusal:
        snapshot._refuse_ambiguous(table, plain(time="due"))
    assert '`time_format: "%m/%d/%Y"; dates: {"paid": "%m/%d/%Y"}`' in refusal.value.remedy
    del table.written["paid"]
    snapshot._refuse_ambiguous(table, plain(leave_out=["due"]))


def scored(folder: Path, values: list[str], dates: dict[str, str] | None) -> Engine:
    """A file to score by a version whose card holds the forms of training; None is a card of before there were any."""
    opened(folder, values)
    card = {"columns": {"due": "date", "n": "number"}} | ({} if dates is None else {"dates": dates})
    champion: Any = SimpleNamespace(card=card, columns=card["columns"])
    path, table = folder / "rows.csv", Engine()
    table.open(path, dates)
    champion_model._as_in_training(path, table, champion)
    return table


def test_a_week_to_score_is_read_as_the_year_of_training(tmp_path: Path) -> None:
    """The first week of March in American: seven days of one month, and not one day of seven months."""
    week = [f"03/0{day}/2024" for day in range(1, 8)]

    assert {moment.month for moment in read(scored(tmp_path, week, {"due": "%m/%d/%Y"}))} == {3}
    assert {moment.month for moment in read(scored(tmp_path, ["2024-03-01"], {"due": "%m/%d/%Y"}))} == {3}
    told_nothing: tuple[dict[str, str] | None, ...] = ({}, None)
    for dates in told_nothing:
        with pytest.raises(Trouble, match='writes due as "03/0'):
            scored(tmp_path, week, dates)
    with pytest.raises(Trouble, match=r'due holds "03\.01\.2024"'):
        scored(tmp_path, ["03.01.2024"], {"due": "%m/%d/%Y"})


def test_every_form_in_words() -> None:
    """As the audit says it."""
    assert moments.in_words("%d.%m.%Y %H:%M") == "day.month.year hour:minute"
    assert moments.in_words("%m/%d/%y %I:%M %p") == "month/day/year hour:minute am or pm"


def asking(frame: pd.DataFrame) -> moments.Rows:
    """What answers a question in SQL about this table, which it calls `frame`."""
    table = duckdb.connect()
    table.register("frame", frame)
    return lambda sql: table.execute(sql).fetchall()


def test_random_days_are_never_misread() -> None:
    """Over all pairs of two days in one order: what is read is what was meant, or nothing is."""
    days = pd.date_range("2023-12-25", "2024-02-10")
    for one, other in itertools.islice(itertools.combinations(days, 2), 0, None, 25):
        for form in ("%d/%m/%Y", "%m/%d/%Y"):
            texts = [one.strftime(form), other.strftime(form)]
            frame = pd.DataFrame({"due": texts})
            found = moments.read(asking(frame), "frame", "due")
            assert found is not None
            assert form in found.forms
