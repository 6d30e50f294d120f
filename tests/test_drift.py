"""Drift: noise of rows and of days raises no more alerts than the budget holds, and what is planted is seen."""

import itertools
from typing import Any

import drifting
import duckdb
import numpy as np
import pandas as pd
import pytest
from material import mostly_slow
from planrun_ml.data import reference, shift
from scipy import stats


# ------------------------------------------------------------------------------------------------ exact tails
@pytest.mark.parametrize("seed", range(40))
def test_the_tail_is_the_hypergeometric_one(seed: int) -> None:
    """Against scipy, from small tables to a million rows."""
    draws = np.random.default_rng(seed)
    total = int(10 ** draws.uniform(0.5, 6))
    good, drawn = (int(draws.integers(1, total)) for _ in range(2))
    law = stats.hypergeom(total, good, drawn)
    seen = int(law.ppf(draws.uniform(0.001, 0.999)))

    assert shift.tail(total, good, drawn, seen, True) == pytest.approx(law.sf(seen - 1), rel=1e-6)
    assert shift.tail(total, good, drawn, seen, False) == pytest.approx(law.cdf(seen), rel=1e-6)


def test_the_chance_is_that_of_all_tables() -> None:
    """Three cells, every table of the same margins: at most alpha of them, weighed, has a p-value up to alpha."""
    before, now = [9, 4, 2], [3, 5, 4]
    margins = np.add(before, now)
    tables = [(a, b, sum(now) - a - b) for a in range(13) for b in range(13)]
    law = stats.multivariate_hypergeom(margins, sum(now))
    weighed = [
        (shift.chance((margins - table).tolist(), list(table)), float(law.pmf(table)))
        for table in tables
        if table[2] >= 0 and (margins - table >= 0).all()
    ]
    assert sum(weight for _, weight in weighed) == pytest.approx(1)
    for alpha in (0.3, 0.1, 0.05, 0.01, 0.001):
        assert sum(weight for p, weight in weighed if p <= alpha) <= alpha


# ------------------------------------------------------------------------------------------------ false alerts
SIZES = [(50, 200), (50, 5_000), (1_000, 200), (1_000, 5_000)]


@pytest.mark.parametrize(
    "case",
    mostly_slow(
        [(kind, *size) for kind in drifting.KINDS for size in SIZES],
        ("numeric", 50, 200),
        ("six levels", 1_000, 200),
        ("rare levels", 1_000, 200),
        ("constant", 50, 200),
    ),
)
def test_rows_alone_stay_within_the_budget(case: tuple[str, int, int]) -> None:
    """Whatever a column holds: its alerts, of a shift or of values that are new, are at most 1.3 times the budget."""
    kind, rows, held = case
    runs, alpha = 200, 0.05

    assert drifting.independent(kind, rows, held, alpha, runs) <= 1.3 * alpha + 3 * (alpha / runs) ** 0.5


@pytest.mark.parametrize(
    "case",
    mostly_slow(
        itertools.product((0.05, 0.2), (0.0, 0.5), (28, 90), ("numeric", "six levels")), (0.2, 0.5, 28, "numeric")
    ),
)
def test_days_that_differ_stay_within_the_budget(case: tuple[float, float, int, str]) -> None:
    """Independent effects of days up to .2 sd and a weekly pattern, from 28 reference days on: at most 1.5 times."""
    sd, week, days, kind = case
    alpha, years, follow = 0.02, 12, 30
    rate = drifting.daily(drifting.World(kind, days, 300, sd, week), alpha, years, follow)

    assert rate <= 1.5 * alpha + 3 * (alpha / (years * follow)) ** 0.5


def test_days_cry_wolf_where_rows_are_all_that_is_known() -> None:
    """The same days without a date for each reference row: an effect of .2 sd alone alerts nearly every day."""
    world = drifting.World("numeric", 28, 2_000, 0.2, 0.0)

    assert drifting.daily(world, 0.001, 3, 20, dated=False) > 0.5
    assert drifting.daily(world, 0.001, 3, 20) <= 0.02


# ------------------------------------------------------------------------------------------------ what is seen
def test_a_shift_of_the_middle_is_seen_on_its_first_day() -> None:
    """Half as much again as the smallest shift that is printed: among days that differ by .1 sd, four times in five."""
    world = drifting.World("numeric", 60, 1_000, 0.1, 0.0)
    least = drifting.least(world, 0.001)

    assert 0.2 < least < 0.6
    assert drifting.seen(world, 0.001, moved=1.5 * least, runs=15) >= 0.8
    assert drifting.seen(world, 0.001, moved=0.5 * least, runs=15) <= 0.3


def test_a_change_of_shape_is_seen_after_the_printed_windows() -> None:
    """Twice as spread and its middle unmoved: not on the first day, and on the day that is printed."""
    world, alpha = drifting.World("numeric", 28, 1_000, 0.1, 0.0), 0.001
    windows = shift.windows_for(28, alpha / shift.PARTS)

    assert windows == 3
    assert [drifting.wider(world, alpha, after) for after in range(1, windows + 1)] == [False, False, True]


def test_a_profile_of_dated_rows_knows_its_days() -> None:
    """In DuckDB, as a release does it: rows a period, weekdays, four figures a column; a day cut short is left out."""
    draws = np.random.default_rng(2)
    day = np.repeat(pd.date_range("2026-01-05", periods=30), 100)
    frame = pd.DataFrame({"x": draws.normal(size=3000), "c": draws.choice(["a", "b"], 3000), "day": day})
    con = duckdb.connect()
    con.register("drawn", pd.concat([frame, frame.tail(10).assign(day=pd.Timestamp("2026-02-04"))]))

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return con.execute(sql).fetchall()

    kinds = {"x": "number", "c": "category"}
    held = reference.profile(ask, "select * from drawn", kinds, 10, "day", 1)
    weeks = reference.profile(ask, "select * from drawn where day < '2026-02-02'", kinds, 10, "day", 7)

    assert held["days"]["rows"] == [100] * 30
    assert held["days"]["weekdays"][:8] == [0, 1, 2, 3, 4, 5, 6, 0]
    expected = (frame[day == day[0]].x > np.median(frame.x)).mean()
    assert held["columns"]["x"]["days"]["above"][0] == pytest.approx(expected, abs=0.02)
    assert weeks["days"]["rows"] == [700] * 4
    assert "days" not in reference.profile(ask, "select * from drawn", kinds, 10)
    (same, _other) = shift.compare(ask, held, "select * from drawn where day = '2026-01-20'", alpha=0.01, floor=0.0)
    assert not same.moved
    assert same.least is not None or _other.least is not None


@pytest.mark.parametrize("change", drifting.CHANGES)
def test_a_change_in_a_replayed_year_is_found(change: str) -> None:
    """In days that differ as weekly changes of CO2 do: no alert before it, one within a month after it."""
    values = drifting.series()["CO2, weekly change"]
    found = drifting.replay(values, change, 0.0007)

    assert found.false == 0
    assert 0 < found.after <= 30


@pytest.mark.parametrize(
    ("rows", "periods", "is_known"), [(10, 28, True), (9, 28, False), (10, 27, False), (4, 252, False)]
)
def test_days_without_a_shape_say_nothing_of_how_days_differ(rows: int, periods: int, is_known: bool) -> None:
    """A period needs rows for two cells: with fewer, a column that is stuck could never be told from such days."""
    held = shift.Days(1, np.full(periods, rows), np.arange(periods) % 7)

    assert held.enough == is_known
