"""What planning promises and what the engine measures by stand twice: each such formula gives the same figure."""

import math

import numpy as np
import pytest
from mlscaffold.planning.formulas import reliability, samples, signals, stats
from planrun_ml.data import shift
from planrun_ml.measuring import intervals, power_law
from planrun_ml.release import prediction_log
from planrun_ml.watching import quality
from planrun_software.measuring import bounds

SIZES = [(2, 50, 400, 0.05), (10, 500, 500, 0.01), (21, 4_000, 40_000, 0.001), (50, 100, 1_000_000, 0.3)]
RATES = [(0.02, 0.05, 0.01, 0.8), (0.1, 0.2, 0.05, 0.9), (0.35, 0.4, 0.1, 0.6)]


@pytest.mark.parametrize(("bins", "rows", "reference", "alpha"), SIZES)
def test_the_noise_of_psi_is_one_figure(bins: int, rows: int, reference: int, alpha: float) -> None:
    """F17: the limit in the plan is the limit that a column is held against."""
    planned = signals.psi_threshold(bins, rows, reference, alpha)

    assert shift.psi_limit(bins, reference, rows, alpha) == pytest.approx(planned, rel=1e-6)
    assert signals.psi_false_alarms(planned, bins, rows, reference) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize(("_bins", "rows", "reference", "alpha"), SIZES)
@pytest.mark.parametrize("floor", [0.0, 0.02, 0.1])
def test_the_noise_of_ks_is_one_figure(_bins: int, rows: int, reference: int, alpha: float, floor: float) -> None:
    """F18: noise, or the shift whose PSI is the floor, whichever is larger."""
    planned = max(signals.ks_threshold(rows, reference, alpha), signals.ks_of_psi(floor))

    assert shift.ks_limit(reference, rows, alpha, floor) == pytest.approx(planned, rel=1e-9)


@pytest.mark.parametrize(("good", "bad", "alpha", "power"), RATES)
def test_the_sequential_test_stops_where_the_plan_says(good: float, bad: float, alpha: float, power: float) -> None:
    """F22: the run of wrong answers, and of right ones, that decides is as long as the planned steps make it."""
    planned = signals.sprt(good, bad, alpha, power)
    wrong = math.ceil(planned.upper / planned.error_step)
    right = math.ceil(planned.lower / planned.success_step)

    def decided(*values: int) -> str:
        return quality.sprt(np.array(values, dtype=float), 1 - good, 1 - bad, 1.0, alpha, power).state

    # One answer of the other kind tells the engine that these are hits and misses; after a decision it begins anew.
    assert decided(*[0] * (wrong - 1)) == "open"
    assert decided(*[0] * wrong) == "decayed"
    assert decided(*[1] * (right - 1)) == "open"
    assert decided(*[1] * right) == "healthy"


@pytest.mark.parametrize(("days", "drop"), [(40, 0.0), (90, 0.0), (90, 1.0)])
def test_the_cumulative_sum_alarms_as_often_as_the_plan_says(days: int, drop: float) -> None:
    """F21: mean days to an alarm, simulated with the engine's own sum, within four standard errors and 3 %."""
    limit = signals.cusum_limit(days)
    planned = signals.cusum_run_length(limit, drop)
    draws = np.random.default_rng(7)
    runs = [_first_alarm(limit, draws.normal(-drop, 1, 12 * days)) for _ in range(600)]
    error = float(np.std(runs)) / math.sqrt(len(runs))

    assert planned == pytest.approx(days, rel=1e-6) or drop
    assert abs(float(np.mean(runs)) - planned) < 4 * error + 0.03 * planned


def _first_alarm(limit: float, scores: np.ndarray) -> int:
    """The period in which the engine's sum first passes the limit, found by halving what it is given."""
    total = 0.0
    for period, z in enumerate(scores, start=1):
        total = max(0.0, total - z - 0.5)
        if total > limit:
            said = quality.cusum(scores[:period].tolist(), limit)
            assert said.state == "decayed", said
            assert quality.cusum(scores[: period - 1].tolist(), limit).state != "decayed"
            return period
    return len(scores)


@pytest.mark.parametrize("scores", [[0.5, 0.9, 0.2], [0.01] * 7, [0.3, 0.31, 0.99, 1.0]])
def test_what_scores_promise_is_one_figure(scores: list[float]) -> None:
    """F25: accuracy that calibrated chances promise, and its standard error."""
    best = np.maximum(scores, np.subtract(1, scores))

    assert prediction_log.expected_accuracy(best) == pytest.approx(signals.expected_accuracy(scores), rel=1e-12)


@pytest.mark.parametrize(("hits", "rows"), [(0, 20), (7, 20), (199, 200), (500, 1_000)])
def test_the_interval_of_a_rate_is_one(hits: int, rows: int) -> None:
    """F01: Wilson's interval, one-sided at alpha here and two-sided there."""
    assert intervals._wilson(hits, rows, 0.025) == pytest.approx(stats.wilson(hits, rows, 0.95), abs=1e-9)


@pytest.mark.parametrize("bound", [0.001, 0.01, 0.2])
def test_requests_without_a_failure_show_the_bound_they_were_planned_for(bound: float) -> None:
    """So many requests without a failure show a rate below the bound, and one fewer does not."""
    needed = reliability.no_failures(bound, bounds.CONFIDENCE)

    assert bounds.upper_bound(0, needed) <= bound < bounds.upper_bound(0, needed - 1)


def test_a_learning_curve_is_read_as_it_was_fitted() -> None:
    """F14: the rows the plan would add bring the fitted curve down by exactly the gain."""
    sizes = [200, 400, 800, 1_600, 3_200]
    fit = power_law.power_law(sizes, [0.08 + 1.5 * n**-0.45 for n in sizes])["fit"]
    more = signals.new_rows_for_gain(fit["b"], fit["c"], sizes[-1], 0.01)
    after = fit["a"] + fit["b"] * (sizes[-1] + more) ** -fit["c"]

    assert fit["at_all_rows"] - after == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize(("spread", "drop", "alpha", "power"), [(0.4, 0.05, 0.01, 0.8), (12.0, 1.5, 0.05, 0.9)])
def test_labels_that_show_a_drop_are_one_count(spread: float, drop: float, alpha: float, power: float) -> None:
    """F02, F20: the engine's window is the planned one where the spread stays what it was."""
    planned = samples.mean_rows(drop, spread, alpha, power)

    assert quality.labels_needed(spread, spread, drop, stats.z(1 - alpha), power) == pytest.approx(planned, abs=1)
