"""What watching computes: the log, drift against a profile, and decay; each on data where the truth is known."""

import json
import math
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from planrun_ml.data import reference
from planrun_ml.data import shift as shift_module
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.intervals import interval
from planrun_ml.measuring.metrics import named
from planrun_ml.release import prediction_log
from planrun_ml.watching import quality

KINDS = {"x": "number", 'é "q"': "category"}


def con_and_ask() -> tuple[duckdb.DuckDBPyConnection, shift_module.Ask]:
    con = duckdb.connect()
    return con, lambda sql: con.execute(sql).fetchall()


def rows(count: int, shift: float = 0.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(shift, 1, count), 'é "q"': rng.choice(list("abc"), count)})


def test_a_torn_line_is_skipped_and_the_next_one_kept(tmp_path: Path) -> None:
    """A process that died in the middle of a line costs that line alone."""
    log = prediction_log.Log(tmp_path)
    answer = {"model": "1.0.0", "source": "model", "score": 0.5, "decision": "yes"}
    log.append([prediction_log.record("a", {"x": 1.5}, answer, 1.0)])
    file = next(tmp_path.glob("*.jsonl"))
    with file.open("ab") as torn:
        torn.write(b'{"id": "torn", "made_')
    log.close()
    log = prediction_log.Log(tmp_path)
    log.append([prediction_log.record("b é", {"x": None}, answer, 1.0)])
    log.close()
    with file.open("ab") as torn:
        torn.write(b'{"id": "torn ag')
    _, sql = con_and_ask()
    found = sql(f"select id from ({prediction_log.log_sql(tmp_path, {'x': 'DOUBLE'})}) order by id")  # noqa: S608  (nobody types it)

    assert found == [("a",), ("b é",)]
    assert [row["id"] for row in prediction_log.last_rows(tmp_path)] == ["a", "b é"]


def test_a_batch_run_counts_when_it_is_whole(tmp_path: Path) -> None:
    """Parts without run.json are those of a run that was killed."""
    run = tmp_path / "1.0.0-abc"
    run.mkdir()
    with duckdb.connect() as con:
        con.execute(f"copy (select 'a' as id) to '{run}/part-00000.parquet' (format parquet)")

    assert "read_parquet" not in prediction_log.log_sql(tmp_path, {"x": "DOUBLE"})

    (run / "run.json").write_text("{}")

    assert "read_parquet" in prediction_log.log_sql(tmp_path, {"x": "DOUBLE"})


def test_drift_limits_know_their_sample() -> None:
    """Noise stays below the limit as often as alpha says; a shift of 0.3 standard deviations does not."""
    con, sql = con_and_ask()
    con.register("reference", rows(20_000))
    held = reference.profile(sql, "select * from reference", KINDS, 10)
    alarms = 0
    for seed in range(60):
        con.register("now", rows(1_000, seed=seed + 1))
        alarms += sum(
            shift.moved for shift in shift_module.compare(sql, held, "select * from now", alpha=0.01, floor=0)
        )
    con.register("now", rows(2_000, shift=0.3, seed=99))
    moved = shift_module.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)

    assert alarms <= 12  # 120 looks, two checks each, at one in a hundred
    assert [shift.column for shift in moved if shift.moved] == ["x"]
    assert len(json.dumps(held)) < 2_000


@pytest.mark.parametrize("planted", [{"x": 0.0}, {"x": None}, {'é "q"': "new"}])
def test_planted_drift_is_found(planted: dict) -> None:
    """A column that turned constant, empty, or into a level nobody has seen, without a missing value elsewhere."""
    con, sql = con_and_ask()
    con.register("reference", rows(5_000))
    held = reference.profile(sql, "select * from reference", KINDS, 10)
    con.register("now", rows(500, seed=5).assign(**planted))
    found = shift_module.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)

    assert [shift.column for shift in found if shift.moved] == list(planted)


def test_a_constant_column_that_moves_is_drift() -> None:
    """The lower edge lies below the smallest value, so a constant can be left on either side."""
    con, sql = con_and_ask()
    con.register("reference", pd.DataFrame({"x": np.ones(1_000)}))
    held = reference.profile(sql, "select * from reference", {"x": "number"}, 10)
    for value in (0.5, 1.5):
        con.register("now", pd.DataFrame({"x": np.full(500, value)}))

        assert shift_module.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)[0].moved
    con.register("now", pd.DataFrame({"x": np.ones(500)}))

    assert not shift_module.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)[0].moved


LIMIT, ALPHA, POWER = math.log(365), 1 / 365, 0.8  # one false alarm a year, however often somebody looks


def accepted(metric: str, units: int, truth: float, floor: float, rng: np.random.Generator) -> quality.Bounds:
    """The bounds of a version whose metric is `truth`, as acceptance measured it on so many units."""
    if metric == "recall":
        case = Case(np.ones(units), (rng.random(units) < truth).astype(float), 0.5)
    else:
        case = Case(np.zeros(units), errors(units, truth, rng), 0.5)
    found = interval(named(metric), case, 0.05)
    held = {"value": found.value, "low": found.low, "high": found.high, "rows": units, "spread": found.spread}
    return quality.bounds(named(metric), held, floor, LIMIT, ALPHA, POWER)


def errors(units: int, mean: float, rng: np.random.Generator) -> np.ndarray:
    return np.abs(rng.normal(0, mean * math.sqrt(math.pi / 2), units))


def look(metric: str, held: quality.Bounds, units: int, truth: float, rng: np.random.Generator) -> str:
    """What is said of ten days' labels of a model whose metric is `truth`."""
    said = (rng.random(units) < truth).astype(float) if metric == "recall" else errors(units, truth, rng)
    case = Case(np.full(units, float(metric == "recall")), said, 0.5)
    return quality.verdict(named(metric), case, np.arange(units) * 10 // units, held).verdict.state


@pytest.mark.parametrize(("metric", "truth", "floor"), [("recall", 0.88, 0.715), ("mae", 40.0, 52.0)])
@pytest.mark.parametrize("units", [45, 150, 600])
def test_a_healthy_model_seldom_raises_an_alarm(metric: str, truth: float, floor: float, units: int) -> None:
    """However few rows acceptance had: in one look of a hundred at most, which is less than one a month."""
    rng, alarms, looks = np.random.default_rng(7), [], 600
    for _ in range(looks):
        held = accepted(metric, units, truth, floor, rng)
        known = held.bad > held.good  # acceptance by luck at the floor itself is another fault
        alarms += [known and look(metric, held, held.needed, truth, rng) == "decayed"]

    assert np.mean(alarms) <= 0.01 + 2 * math.sqrt(0.01 / looks)


@pytest.mark.parametrize(("metric", "truth", "floor"), [("recall", 0.88, 0.715), ("mae", 40.0, 52.0)])
def test_a_fall_to_the_floor_is_found(metric: str, truth: float, floor: float) -> None:
    """In twice the labels that it takes on average four of five falls are seen; few labels decide nothing."""
    rng = np.random.default_rng(8)
    held = [accepted(metric, 600, truth, floor, rng) for _ in range(300)]
    found = [look(metric, one, 2 * one.falls, floor, rng) == "decayed" for one in held]

    assert np.mean(found) >= POWER
    assert min(one.falls for one in held) >= quality.FEWEST
    assert look(metric, held[0], 5, truth, rng) == "open"


def test_early_warning_follows_calibrated_scores() -> None:
    """The accuracy that honest chances promise is the accuracy that comes true (F25)."""
    rng = np.random.default_rng(2)
    chance = rng.beta(2, 2, 20_000)
    right = (chance >= 0.5) == (rng.random(20_000) < chance)
    promised, error = prediction_log.expected_accuracy(np.maximum(chance, 1 - chance))

    assert abs(promised - right.mean()) < 4 * error
