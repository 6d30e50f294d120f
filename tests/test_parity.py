"""What planning promises and what the engine measures by stand twice: each such formula gives the same figure."""

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from material import ROOT
from mlscaffold import catalogue
from mlscaffold.answers import complete
from mlscaffold.planning.acceptance import metrics
from mlscaffold.planning.formulas import reliability, samples, selection, signals, stats
from mlscaffold.planning.operations import drift, model_quality
from mlscaffold.planning.operations.model_quality import Quality
from planrun_ml.data import shift
from planrun_ml.data.reference import REFERENCE_ROWS, profile
from planrun_ml.data.splits import SHARES
from planrun_ml.experiments import log
from planrun_ml.measuring import intervals, pairs, power_law
from planrun_ml.measuring.metrics import named
from planrun_ml.release import prediction_log
from planrun_ml.watching import quality
from planrun_software.measuring import bounds, error_budget
from scipy.stats import norm

SIZES = [(2, 50, 400, 0.05), (10, 500, 500, 0.01), (21, 4_000, 40_000, 0.001), (50, 100, 1_000_000, 0.3)]
RATES = [(0.02, 0.05, 0.01, 0.8), (0.1, 0.2, 0.05, 0.9), (0.35, 0.4, 0.1, 0.6)]


def test_every_formula_that_stands_twice_is_held_here() -> None:
    """By the rows of the catalogue, by what the engine's own docstrings say, and by what the tests below call."""
    twice = {formula.id: formula.engine for formula in catalogue.formulas().values() if formula.engine}
    engine = [path for top in ROOT.glob("generator/planrun*") for path in top.rglob("*.py")]
    here = ast.parse(Path(__file__).read_text("utf-8"))
    called = {ast.unparse(node) for node in ast.walk(here) if isinstance(node, ast.Attribute)}

    assert set(_docstrings(here)) == set(twice)
    assert {id for path in engine for id in _docstrings(ast.parse(path.read_text("utf-8")))} == set(twice)
    assert [name for names in twice.values() for name in names if ".".join(name.split(".")[-2:]) not in called] == []


def _docstrings(module: ast.Module) -> Iterator[str]:
    """The ids of formulas that a module and its functions say they are about."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield from catalogue.FORMULA.findall(ast.get_docstring(node) or "")


@pytest.mark.parametrize(("bins", "rows", "reference", "alpha"), SIZES)
def test_the_noise_of_psi_is_one_figure(bins: int, rows: int, reference: int, alpha: float) -> None:
    """F17: the limit in the plan is the limit that a column is held against."""
    planned = signals.psi_threshold(bins, rows, reference, alpha)

    assert shift.psi_limit(bins, reference, rows, alpha) == pytest.approx(planned, rel=1e-6)
    assert signals.psi_false_alarms(planned, bins, rows, reference) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize(("_bins", "rows", "reference", "alpha"), SIZES)
@pytest.mark.parametrize("floor", [0.0, 0.02, 0.1])
def test_the_noise_of_the_middle_is_one_figure(
    _bins: int, rows: int, reference: int, alpha: float, floor: float
) -> None:
    """F18: noise of the share above the middle, and the shift of it whose PSI is the floor."""
    assert shift.middle_limit(reference, rows, alpha) == pytest.approx(
        signals.middle_threshold(rows, reference, alpha), rel=1e-6
    )
    assert shift.middle_floor(floor) == pytest.approx(signals.middle_of_psi(floor), rel=1e-9)


def test_plan_and_engine_share_a_budget_alike() -> None:
    """As many tests a column, the same reference sample, the same share of the rows to train on, the same bins."""
    assert (shift.PARTS, REFERENCE_ROWS, SHARES[0]) == (drift.PARTS, drift.REFERENCE_ROWS, drift.TRAINED)
    rows = np.random.default_rng(4).normal(size=20_000)
    con = duckdb.connect()
    con.register("drawn", pd.DataFrame({"x": rows}))

    def ask(sql: str) -> list[tuple[object, ...]]:
        return con.execute(sql).fetchall()

    held = profile(ask, "select * from drawn limit 10000", {"x": "number"}, 10)
    (found,) = shift.compare(ask, held, "select * from drawn offset 10000 limit 2000", alpha=0.01, floor=0.0)

    planned = signals.psi_threshold(10, 2_000, 10_000, 0.01 / drift.PARTS)
    assert found.psi_limit == pytest.approx(planned, rel=0.02), "ten cells, and each test a quarter of the level"


@pytest.mark.parametrize(("good", "bad", "alpha", "power"), RATES)
def test_the_labels_to_an_alarm_are_one_figure(good: float, bad: float, alpha: float, power: float) -> None:
    """F21: a share that is lost, and a loss with its spread; the alpha of these rows stands for days."""
    limit = math.log(1 / alpha)
    share = signals.rows_to_alarm(signals.growth_of_share(good, bad), limit)
    loss = signals.rows_to_alarm(signals.growth_of_loss(good, bad, power), limit)

    assert quality.labels_to_alarm(good, bad, 1.0, limit, "share") == share
    assert quality.labels_to_alarm(good, bad, power, limit, "loss") == loss
    assert quality.WEIGHTS[0] == signals.BET_WEIGHT


@pytest.mark.parametrize(
    ("task", "metric", "value", "floor"),
    [("binary", "recall", 0.7, 0.6), ("regression", "mae", 9.0, 9.75), ("regression", "rmse", 9.0, 9.75)],
)
def test_plan_and_engine_expect_an_alarm_after_as_many_labels(
    task: str, metric: str, value: float, floor: float
) -> None:
    """Where the accepted value is the target, and its spread the planned one."""
    answers = complete({"kind": "ml", "task": task, "metric": metric, "current_value": "0.5", "unit_error_cost": "1"})
    spread = metrics.of(answers).row_spread(value, None)
    planned = Quality(metrics.of(answers), value, floor, 1.0, 100.0, 1.0, spread)
    measured = named(metric)  # type: ignore[arg-type]
    own = spread / (2 * value) if measured.root else spread  # an interval's spread is that of the root
    held = quality.bounds(measured, {"value": value, "spread": own}, floor, math.log(365), 0.05, 0.8)

    assert held.falls == pytest.approx(model_quality.fall_rows(planned, math.log(365)), abs=1)


@pytest.mark.parametrize("scores", [[0.5, 0.9, 0.2], [0.01] * 7, [0.3, 0.31, 0.99, 1.0]])
def test_what_scores_promise_is_one_figure(scores: list[float]) -> None:
    """F25: accuracy that calibrated chances promise, and its standard error."""
    best = np.maximum(scores, np.subtract(1, scores))

    assert prediction_log.expected_accuracy(best) == pytest.approx(signals.expected_accuracy(scores), rel=1e-12)


@pytest.mark.parametrize(("hits", "rows"), [(0, 20), (7, 20), (199, 200), (500, 1_000)])
def test_the_interval_of_a_rate_is_one(hits: int, rows: int) -> None:
    """F01: Wilson's interval, one-sided at alpha here and two-sided there."""
    assert intervals.wilson(hits, rows, 0.025) == pytest.approx(stats.wilson(hits, rows, 0.95), abs=1e-9)


@pytest.mark.parametrize("bound", [0.001, 0.01, 0.2])
def test_requests_without_a_failure_show_the_bound_they_were_planned_for(bound: float) -> None:
    """F28: so many requests without a failure show a rate below the bound, and one fewer does not."""
    needed = reliability.no_failures(bound, bounds.CONFIDENCE)

    assert bounds.upper_bound(0, needed) <= bound < bounds.upper_bound(0, needed - 1)


@pytest.mark.parametrize("bound", [0.001, 0.01, 0.2])
def test_rows_without_a_mismatch_show_the_bound_they_would_be_planned_for(bound: float) -> None:
    """F28: the same of rows that score alike in training and in service."""
    needed = reliability.no_failures(bound, 0.95)

    assert intervals.bound_without_a_miss(needed) <= bound < intervals.bound_without_a_miss(needed - 1)
    assert intervals.bound_without_a_miss(1) == pytest.approx(0.95)


@pytest.mark.parametrize("tried", [1, 2, 7, 40])
def test_the_best_of_several_looks_too_good_by_one_figure(tried: int) -> None:
    """F11: the standard error, from the lower bound of an interval here, times the largest of so many normal values."""
    error, alpha = 0.013, 0.05
    found = {"value": 0.4, "low": 0.4 - float(norm.isf(alpha)) * error, "alpha": alpha}

    assert intervals.optimism(found, tried) == pytest.approx(selection.optimism(error, tried), abs=1e-7)


@pytest.mark.parametrize(("rate", "tries"), [(0.0, 5), (0.2, 0), (0.2, 1), (0.35, 9)])
def test_the_chance_that_an_experiment_helps_is_one(rate: float, tries: int) -> None:
    """F29."""
    assert log.chance_of_success(rate, tries) == pytest.approx(selection.chance_of_success(rate, tries))


@pytest.mark.parametrize(("percent", "total"), [(99.9, 120_000), (99.0, 7), (95.5, 1_000)])
def test_what_may_fail_is_one_figure(percent: float, total: int) -> None:
    """F33."""
    assert error_budget.allowed(percent, total) == pytest.approx(reliability.error_budget(percent / 100, total))


@pytest.mark.parametrize(("gain", "differ", "margin"), [(0.05, 0.2, 0.0), (0.05, 0.2, -0.02), (0.0, 0.1, 0.03)])
def test_a_gain_on_the_same_rows_is_judged_as_it_was_planned(gain: float, differ: float, margin: float) -> None:
    """F05: the discordance where the margin holds, and rows on which the expected result lies on the line."""
    n = samples.margin_rows(gain, differ, margin, 0.05, 0.5)
    up, down = n * (differ + gain) / 2, n * (differ - gain) / 2
    share = float(pairs.restricted(n, np.array(up), np.array(down), -margin))

    assert 2 * share - margin == pytest.approx(samples.restricted_discordance(gain, differ, -margin), abs=1e-9)
    assert pairs.p_value(n, round(up), round(down), -margin) == pytest.approx(0.05, abs=0.01)
    assert pairs.bounds(n, round(up), round(down), 0.05)[0] == pytest.approx(-margin, abs=0.002)


def test_a_learning_curve_is_read_as_it_was_fitted() -> None:
    """F14: the rows the plan would add bring the fitted curve down by exactly the gain."""
    sizes = [200, 400, 800, 1_600, 3_200]
    fit = power_law.power_law(sizes, [0.08 + 1.5 * n**-0.45 for n in sizes])["fit"]
    more = signals.new_rows_for_gain(fit["b"], fit["c"], sizes[-1], 0.01)
    after = fit["a"] + fit["b"] * (sizes[-1] + more) ** -fit["c"]

    assert fit["at_all_rows"] - after == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize(("spread", "drop", "alpha", "power"), [(0.4, 0.05, 0.01, 0.8), (12.0, 1.5, 0.05, 0.9)])
def test_labels_that_show_a_drop_are_one_count(spread: float, drop: float, alpha: float, power: float) -> None:
    """F08: the engine's window is the planned one where the spread stays what it was."""
    planned = samples.mean_rows(drop, spread, alpha, power)

    assert quality.labels_needed(spread, spread, drop, stats.z(1 - alpha), power) == pytest.approx(planned, abs=1)


@pytest.mark.parametrize(("healthy", "floor", "alpha", "power"), [(0.9, 0.8, 0.05, 0.8), (0.5, 0.45, 0.01, 0.9)])
def test_labels_that_tell_a_share_from_a_fixed_one_are_one_count(
    healthy: float, floor: float, alpha: float, power: float
) -> None:
    """F02: each share with the spread that it has."""
    scale, worst = (math.sqrt(share * (1 - share)) for share in (healthy, floor))
    planned = samples.fixed_rows(healthy, floor, alpha, power)

    assert quality.labels_needed(scale, worst, healthy - floor, stats.z(1 - alpha), power) == planned


@pytest.mark.parametrize(("good", "bad"), [(0.1, 0.3), (0.2, 0.5), (0.05, 0.1)])
def test_what_a_label_adds_is_one_figure(good: float, bad: float) -> None:
    """F21: labels that fail as often as at the floor add to the first bet what was planned with, each."""
    failed, of = round(100 * bad), 100
    values, days = np.tile(np.repeat([1.0, 0.0], [failed, of - failed]), 2), np.repeat([0, 1], of)
    held = quality.Bounds(good, bad, 0.5, 1e6, 1, 1, share=True)

    assert quality.evidence(values, days, 1, held, "share")[0] == pytest.approx(
        2 * of * signals.growth_of_share(good, bad)
    )
