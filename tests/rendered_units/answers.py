"""Answers: what a request takes round the SQL comes out as the SQL would have made it."""

from pathlib import Path
from typing import Any

import pytest
from planrun.repository import Repo
from planrun_ml.data import columns
from planrun_ml.data import columns as columns_module
from planrun_ml.release import champion_model, parity
from planrun_ml.self_test.conftest import TASK

ODD = {
    "number": (None, 0, -3, 2**60, 0.1, 1e100, 1e101, -1e300, "4.5", " 7 ", "twelve", True),
    "category": (None, "", "∅", "it's", 3, True),
    "date": (None, "2024-02-30", "2024-02-03 04:05:06", "soon", ""),
}


@pytest.fixture
def rows(released: Path) -> list[dict[str, Any]]:
    """Rows as a caller sends them, and the same with one odd value each, in two columns of every kind."""
    found = champion_model.load(released)
    good = parity.both_ways(Repo(released), found)[1][:20]
    tried = [(name, kind) for kind in ODD for name in [name for name, its in found.columns.items() if its == kind][:2]]
    return good + [good[0] | {name: value} for name, kind in tried for value in ODD[kind]]


def test_the_way_round_gives_what_the_sql_gives(
    released: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row, so that types are each row's own, and all at once: the same answers with and without it."""
    found, groups = champion_model.load(released), list(range(len(rows)))
    quick = [found.answers([row])[0] for row in rows], found.answers(rows, groups)
    monkeypatch.setattr(champion_model, "READY", {})
    slow = [found.answers([row])[0] for row in rows], found.answers(rows, groups)

    assert quick == slow
    assert {"model", "rule"} == {answer.source for answer in quick[0]}


def test_only_dates_take_the_sql(released: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The SQL is left to what needs it; otherwise it would cost each batch more than the model does."""
    found, asked, right = champion_model.load(released), [], columns_module.select
    monkeypatch.setattr(columns, "select", lambda columns: (asked.extend(columns.values()), right(columns))[1])
    found.answers(rows[:20])

    assert set(asked) <= {"date"}
    assert TASK == "forecast" or not asked
