"""After release: drift limits, decay, feedback, retraining and canary, against references, figures and simulation."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance.metrics import METRICS
from mlscaffold.planning.formulas import signals
from mlscaffold.planning.number import Number, Numbers
from mlscaffold.planning.operations import feedback
from mlscaffold.planning.operations.model_quality import Quality
from mlscaffold.planning.operations.monitoring import kept, signals_and_release
from mlscaffold.planning.plan import compute
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

ALPHA = 11 / 12 / 42 / 30 / 4  # of one alert a month: 40 columns and two signals of the scores, daily; four tests each
INVOICES = {
    "decision": "Clerks check the invoices that look wrong before they are paid.",
    "current_practice": "rules",
    "current_value": "0.55",
    "past_cases": "50000",
    "labelled_cases": "1500",
    "target_value": "0.7",
    "positive_share": "0.04",
    "false_alarm_cost": "5",
    "miss_cost": "100",
    "daily_volume": "2000",
    "label_return_share": "0.6",
    "label_delay_days": "14",
    "input_columns": "40",
    "retrain_cost": "1250",
    "decay_per_month": "0.02449",
    "start_date": "2026-01-05",
}


def monitoring(answers: Answers, earlier: Numbers) -> Numbers:
    """Everything that is planned for the time after release."""
    return kept(answers, earlier) | signals_and_release(answers, earlier)


def known(**values: float | None) -> Numbers:
    """The acceptance numbers that monitoring starts from: those of the invoice example, changed."""
    facts = {"baseline": 0.55, "target": 0.7, "min_gain": 0.05, "alpha": 0.05, "power": 0.8} | values
    facts = {"gain": None, **facts}
    return {f"acceptance.{name}": Number(value) for name, value in facts.items()}


def invoices(**texts: str) -> Answers:
    """The invoice example with other answers on top."""
    return answers_module.complete(INVOICES | texts)


def test_the_invoice_example_gives_its_printed_numbers() -> None:
    """Forty columns, 2,000 invoices a day, recall .70 over a floor of .60, labels for 60 % after 14 days."""
    numbers = monitoring(invoices(), known())

    expected = {
        "monitor.alpha": (0.000728, 5e-7),
        "monitor.alerts_at_05": (63, 1e-9),
        "monitor.reference_rows": (30_000, 0),
        "monitor.psi_threshold": (0.0172, 5e-5),
        "monitor.ks_threshold": (0.0430, 5e-4),
        "monitor.floor": (0.6, 1e-9),
        "monitor.quality_rows": (136, 0),
        "monitor.fall_rows": (964, 0),
        "monitor.delay_days": (34.1, 0.05),
        "monitor.cusum_h": (5.9, 0.005),
        "monitor.sprt.rows_healthy": (62, 0.5),
        "monitor.sprt.rows_decayed": (84, 0.5),
        "feedback.audit_positives_week": (127, 0),
        "feedback.audit_rows_week": (3175, 0),
        "retrain.cost_rate": (4.57, 0.005),
        "retrain.interval_days": (23, 0.5),
        "retrain.every_days": (35, 0),
        "retrain.cap_days": (141, 0.5),
        "rollout.canary_days": (40, 0.5),
    }
    for key, (value, tolerance) in expected.items():
        assert numbers[key].value == pytest.approx(value, abs=tolerance), key


# ------------------------------------------------------------------------------------------------------------- drift


def test_the_psi_limit_knows_its_rows() -> None:
    """200 rows a day need a limit ten times that of 2,000; 594 rows see a true PSI of .05 at one in 1,200."""
    assert signals.psi_threshold(10, 2000, 50_000, 1 / 1200) == pytest.approx(0.0147, abs=5e-5)
    assert signals.psi_threshold(10, 200, 50_000, 1 / 1200) == pytest.approx(0.142, abs=5e-4)
    assert signals.psi_window(0.05, 10, 50_000, 1 / 1200, 0.8) == pytest.approx(594, abs=0.5)


@pytest.mark.parametrize(("floor", "limit"), [("0", "threshold"), ("0.014", "threshold"), ("0.05", 0.05)])
def test_a_column_raises_an_alert_where_its_shift_is_real_and_large_enough(floor: str, limit: float | str) -> None:
    """The larger of what noise alone reaches, 0.0172 here, and the floor that the team named; never more than that."""
    numbers = monitoring(invoices(drift_floor=floor), known())

    expected = numbers["monitor.psi_threshold"].value if limit == "threshold" else limit
    assert numbers["monitor.psi_limit"].value == expected


def test_the_psi_limit_agrees_with_scipy() -> None:
    """Chi-square for the limit, noncentral chi-square for the window."""
    noise = 1 / 40_000 + 1 / 3000

    limit = signals.psi_threshold(20, 3000, 40_000, 0.001)
    window = signals.psi_window(0.03, 20, 40_000, 0.001, 0.9)

    assert limit == pytest.approx(scipy_stats.chi2.ppf(0.999, 19) * noise, rel=1e-9)
    power = scipy_stats.ncx2.sf(scipy_stats.chi2.ppf(0.999, 19), 19, 0.03 / (1 / 40_000 + 1 / window))
    assert power == pytest.approx(0.9, abs=1e-8)


def test_the_rule_of_a_tenth_fires_on_noise() -> None:
    """30 bins and 200 rows: 90 % of days; 30 bins, 500 against 500: 68 %, simulated within 5 points."""
    predicted = signals.psi_false_alarms(0.1, 30, 500, 500)
    simulated = np.mean([_noise_psi(seed, 30, 500, 500) > 0.1 for seed in range(2000)])

    assert signals.psi_false_alarms(0.1, 30, 200, 50_000) == pytest.approx(0.90, abs=0.005)
    assert predicted == pytest.approx(0.68, abs=0.005)
    assert simulated == pytest.approx(predicted, abs=0.05)


def test_the_rule_of_a_tenth_misses_real_shifts() -> None:
    """10 bins and 2,000 rows: it never fires on noise, and overlooks shifts six times the noise limit."""
    assert signals.psi_false_alarms(0.1, 10, 2000, 50_000) < 1e-12
    assert 0.1 / signals.psi_threshold(10, 2000, 50_000, ALPHA) == pytest.approx(6, abs=0.5)


def test_noise_stays_within_the_alert_budget() -> None:
    """Simulated drift checks on unchanged data exceed the limit as often as alpha says."""
    limit = signals.psi_threshold(10, 2000, 50_000, 0.05)
    fired = np.mean([_noise_psi(seed, 10, 2000, 50_000) > limit for seed in range(2000)])

    assert fired == pytest.approx(0.05, abs=0.015)


def test_a_shift_of_the_floor_is_seen_with_the_promised_power() -> None:
    """A normal value moved by √PSI standard deviations exceeds the limit in four of five windows."""
    rows = round(signals.psi_window(0.05, 10, 50_000, 0.01, 0.8))
    limit = signals.psi_threshold(10, rows, 50_000, 0.01)
    seen = np.mean([_noise_psi(seed, 10, rows, 50_000, shift=math.sqrt(0.05)) > limit for seed in range(600)])

    assert seen == pytest.approx(0.8, abs=0.06)


def _noise_psi(seed: int, bins: int, rows: int, reference: int, shift: float = 0.0) -> float:
    """PSI of a normal sample against its reference, in bins of equal probability fixed beforehand."""
    generator = np.random.default_rng(seed)
    edges = scipy_stats.norm.ppf(np.arange(1, bins) / bins)
    shifted = np.diff(scipy_stats.norm.cdf(edges - shift), prepend=0, append=1)
    expected = np.maximum(generator.multinomial(reference, np.full(bins, 1 / bins)), 0.5) / reference
    actual = np.maximum(generator.multinomial(rows, shifted), 0.5) / rows
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def test_the_limit_of_the_middle_agrees_with_the_exact_test() -> None:
    """As many rows above the median as the limit allows have the p-value alpha by the exact test of two shares."""
    distance = signals.middle_threshold(2000, 50_000, 0.001)
    seen = round(2000 * (0.5 + distance))

    exact = 2 * scipy_stats.hypergeom.sf(seen - 1, 52_000, 25_000 + seen, 2000)
    assert exact == pytest.approx(0.001, rel=0.12)


def test_a_middle_that_moved_is_seen_with_the_promised_power() -> None:
    """The share of rows above the reference's median, where a normal value moved by √.05 sd, simulated."""
    distance = signals.middle_of_psi(0.05)
    rows = round(signals.middle_window(distance, 50_000, 0.01, 0.8))
    limit = signals.middle_threshold(rows, 50_000, 0.01)
    draws = np.random.default_rng(8).binomial(rows, 0.5 + distance, 4000) / rows

    assert np.mean(np.abs(draws - 0.5) > limit) == pytest.approx(0.8, abs=0.04)


def test_a_reference_too_short_gives_no_window() -> None:
    """A shift that the reference itself cannot tell from noise is a sentence, not a number."""
    numbers = monitoring(invoices(past_cases="400", labelled_cases="400"), known())

    assert numbers["monitor.drift_window"].value is None
    assert "too short" in str(numbers["monitor.drift_window"].note)
    assert math.isinf(signals.psi_window(0.02, 10, 400, ALPHA, 0.8))
    assert math.isinf(signals.middle_window(0.02, 400, ALPHA, 0.8))


def test_few_rows_a_day_make_a_longer_check() -> None:
    """Ten bins need fifty rows: at twenty a day a check looks at three days."""
    numbers = monitoring(invoices(daily_volume="20"), known())

    assert numbers["monitor.window_days"].value == 3
    assert numbers["monitor.window_rows"].value == 60


def test_multiple_testing_agrees_with_statsmodels() -> None:
    """Holm and Benjamini-Hochberg decide as statsmodels does."""
    generator = random.Random(19)
    for _ in range(40):
        p_values = [generator.random() ** 3 for _ in range(generator.randint(1, 12))]

        assert signals.holm(p_values, 0.05) == list(multipletests(p_values, 0.05, "holm")[0])
        assert signals.benjamini_hochberg(p_values, 0.1) == list(multipletests(p_values, 0.1, "fdr_bh")[0])


@given(st.integers(2, 60), st.integers(50, 10**6), st.integers(50, 10**6), st.floats(1e-6, 0.4))
@settings(max_examples=80, deadline=None)
def test_drift_limits_fall_with_rows_and_with_alpha(bins: int, rows: int, reference: int, alpha: float) -> None:
    """More rows, a longer reference or a larger alpha never raise a limit; limits are symmetric in both samples."""
    psi, middle = signals.psi_threshold(bins, rows, reference, alpha), signals.middle_threshold(rows, reference, alpha)

    assert 0 < signals.psi_threshold(bins, rows + 50, reference, alpha) <= psi
    assert 0 < signals.psi_threshold(bins, rows, reference, alpha * 1.5) <= psi
    assert signals.middle_threshold(rows + 50, reference, alpha) <= middle
    assert signals.psi_threshold(bins, reference, rows, alpha) == pytest.approx(psi)
    assert signals.psi_false_alarms(psi, bins, rows, reference) == pytest.approx(alpha, rel=1e-6)


def test_drift_refuses_an_empty_sample() -> None:
    """No rows, no limit."""
    with pytest.raises(ValueError, match="rows on both sides"):
        signals.middle_threshold(0, 100, 0.05)


# ------------------------------------------------------------------------------------------------- decay of quality


def test_the_evidence_of_a_row_is_that_of_the_definition() -> None:
    """Relative entropy of two rates, from scipy; of a loss, half the squared mean over the mean square."""
    share, height = scipy_stats.entropy([0.4, 0.6], [0.35, 0.65]), math.log(365 / 0.75)

    assert signals.growth_of_share(0.3, 0.4) == pytest.approx(share)
    assert signals.growth_of_loss(9, 11, 0.0) == pytest.approx(0.5)
    assert signals.growth_of_loss(9, 11, 10.0) == pytest.approx(0.01 / (1 + 0.01) / 2)
    assert signals.rows_to_alarm(share, math.log(365)) == math.ceil((height + math.exp(-height) - 1) / share)
    with pytest.raises(ValueError, match="has to grow"):
        signals.growth_of_loss(9, 8, 1.0)


def test_the_sprt_keeps_its_errors_and_its_rows() -> None:
    """.30 against .40: 62 rows if healthy, 84 if decayed, about 7 % more with overshoot; a fixed test 136."""
    test = signals.sprt(0.3, 0.4, 0.05, 0.8)
    healthy, decayed = _sequences(test, 0.3), _sequences(test, 0.4)

    assert (round(test.rows_healthy), round(test.rows_decayed)) == (62, 84)
    assert np.mean([rows for rows, _ in healthy]) == pytest.approx(test.rows_healthy * 1.07, rel=0.08)
    assert np.mean([rows for rows, _ in decayed]) == pytest.approx(test.rows_decayed * 1.07, rel=0.08)
    assert np.mean([alarm for _, alarm in healthy]) <= 0.055
    assert np.mean([alarm for _, alarm in decayed]) >= 0.78


def _sequences(test: signals.Sprt, error: float) -> list[tuple[int, bool]]:
    generator = random.Random(22)
    found = []
    for _ in range(3000):
        total, rows = 0.0, 0
        while test.lower < total < test.upper:
            total += test.error_step if generator.random() < error else test.success_step
            rows += 1
        found.append((rows, total >= test.upper))
    return found


def test_the_sprt_refuses_a_bad_rate_below_the_good_one() -> None:
    """Decay that improves is a mistake."""
    with pytest.raises(ValueError, match="must exceed"):
        signals.sprt(0.4, 0.3, 0.05, 0.8)


def test_calibrated_scores_promise_their_accuracy() -> None:
    """CBPE: the mean of max(p, 1 - p) is the accuracy, within its standard error (.8023 against .8021)."""
    generator = random.Random(25)
    scores = [generator.betavariate(0.6, 1.4) for _ in range(20_000)]
    right = [(score >= 0.5) == (generator.random() < score) for score in scores]

    promised, error = signals.expected_accuracy(scores)

    assert promised == pytest.approx(sum(right) / len(right), abs=4 * error)
    with pytest.raises(ValueError, match="at least one score"):
        signals.expected_accuracy([])


def test_early_warning_is_never_a_number_of_the_plan() -> None:
    """It can only be measured on served scores."""
    assert monitoring(invoices(), known())["monitor.early_warning"].value is None


@pytest.mark.parametrize("metric", ["mae", "rmse", "log_loss", "brier", "f1", "ndcg_at_10"])
def test_the_spread_of_a_row_follows_its_metric(metric: str) -> None:
    """Losses and scores that are means of rows have a spread; a measured one wins."""
    assert METRICS[metric].row_spread(0.4, None) > 0
    assert METRICS[metric].row_spread(0.4, 0.9) == 0.9


def test_a_lower_error_is_watched_from_above() -> None:
    """The floor of an MAE lies above its target."""
    answers = invoices(task="regression", metric="mae", target_value="9", current_value="10", unit_error_cost="2")
    numbers = monitoring(answers, known(baseline=10, target=9, min_gain=0.25))

    assert numbers["monitor.floor"].value == pytest.approx(9.75)
    assert numbers["monitor.quality_rows"].value == math.ceil(((1.6449 + 0.8416) * 0.75551 * 9 / 0.75) ** 2)
    assert numbers["monitor.sprt.upper"].value is None
    assert "running test" in str(numbers["monitor.sprt.upper"].note)


def test_without_a_baseline_nothing_is_invented() -> None:
    """Every number that needs the floor is empty, and says which answer is missing."""
    numbers = monitoring(invoices(current_value=""), known(baseline=None, min_gain=None))

    for key in (
        "monitor.floor",
        "monitor.quality_rows",
        "monitor.delay_days",
        "retrain.cap_days",
        "rollout.canary_days",
    ):
        assert numbers[key].value is None, key
        assert "current_value" in str(numbers[key].note), key
    assert numbers["retrain.interval_days"].value is not None


def test_no_labels_back_is_a_finding() -> None:
    """A share of 0 makes decay invisible; the plan says so and names the answer."""
    number = monitoring(invoices(label_return_share="0"), known())["monitor.delay_days"]

    assert number.value == math.inf
    assert "label_return_share" in str(number.remedy)


# ------------------------------------------------------------------------------------ feedback, retraining, rollout


def test_the_retraining_interval_costs_least() -> None:
    """No other interval is cheaper a day: retraining cost spread over T, plus the mean loss k T / 2."""
    best = signals.retrain_interval(1250, 4.57)

    def a_day(interval: float) -> float:
        return 1250 / interval + 4.57 * interval / 2

    assert best == pytest.approx(23.4, abs=0.05)
    assert all(a_day(best) <= a_day(best * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2))
    assert math.isinf(signals.retrain_interval(1250, 0))
    assert math.isinf(signals.retrain_cap(0.1, 0, 10))


def test_decay_that_outruns_its_detection_is_a_finding() -> None:
    """With labels after 400 days the floor is reached unseen: no age is a limit, and a finding says what to do."""
    number = monitoring(invoices(label_delay_days="400"), known())["retrain.cap_days"]
    found = {row["name"]: row for row in compute(invoices(label_delay_days="400", min_gain="0.05"))["findings"]}

    assert number.value is None
    assert "cannot be kept above the floor" in str(number.note)
    assert "label_delay_days" in found["decay-outruns-labels"]["remedy"]


def test_a_stable_world_is_not_retrained_on_a_date() -> None:
    """No decay: no interval, and the note says why."""
    numbers = monitoring(invoices(decay_per_month="0"), known())

    assert numbers["retrain.every_days"].value is None
    assert "decay_per_month" in str(numbers["retrain.every_days"].note)


def test_the_audit_asks_for_no_more_than_there_is() -> None:
    """100 predictions a day cannot give 3,175 a week: all 700 are looked at and exempt, and the note says so."""
    numbers = monitoring(invoices(daily_volume="100"), known())

    assert numbers["feedback.audit_rows_week"].value == 700
    assert "700" in str(numbers["feedback.audit_rows_week"].note)
    assert numbers["feedback.exempt_share"].value == 1.0


def test_an_audit_of_an_error_is_relative_to_it() -> None:
    """± .08 of an MAE of 9, whatever its unit."""
    answers = invoices(task="regression", metric="mae", target_value="9", current_value="10", unit_error_cost="2")
    first = monitoring(answers, known(baseline=10, target=9, min_gain=0.25))["feedback.audit_rows_week"].value
    second = feedback.audit_rows(_quality(90.0), 0.08)

    assert first == second == math.ceil((1.959964 * 0.755511 / 0.08) ** 2)


def test_an_error_of_nothing_takes_one_row() -> None:
    """A target of 0 has no share of itself to be known by."""
    assert feedback.audit_rows(_quality(0.0), 0.08) == 1


def _quality(target: float) -> Quality:
    metric = METRICS["mae"]
    return Quality(metric, target, None, 1.0, 100.0, 0.0, metric.row_spread(target, None))


def test_canary_rows_at_equal_shares_are_the_two_sample_formula() -> None:
    """.80 against .85: 906 an arm, statsmodels' arcsine 903; a tenth of the traffic needs fewer rows."""
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    equal = signals.canary_rows(0.8, 0.85, 0.05, 0.8, 0.5)
    arcsine = NormalIndPower().solve_power(proportion_effectsize(0.85, 0.8), alpha=0.05, power=0.8)

    assert math.ceil(equal) == 906
    assert equal == pytest.approx(arcsine, rel=0.005)
    assert signals.canary_rows(0.8, 0.85, 0.05, 0.8, 0.1) < equal


def test_the_canary_keeps_its_power() -> None:
    """Simulated canaries at a tenth of the traffic tell .60 from .70 as often as promised."""
    rows = math.ceil(signals.canary_rows(0.6, 0.7, 0.05, 0.8, 0.1))
    generator = np.random.default_rng(3)
    canary, rest = generator.binomial(rows, 0.6, 20_000) / rows, generator.binomial(9 * rows, 0.7, 20_000) / (9 * rows)
    pooled = (canary + 9 * rest) / 10
    scores = (rest - canary) / np.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / (9 * rows)))

    assert np.mean(np.abs(scores) > 1.96) == pytest.approx(0.8, abs=0.02)


def test_new_rows_turn_the_learning_curve_round() -> None:
    """The rows found lower the curve by exactly the gain; a gain below the curve's reach never comes."""
    rows = signals.new_rows_for_gain(3.515, 0.42, 32_000, 0.0105)

    fallen = 3.515 * 32_000**-0.42 - 3.515 * (32_000 + rows) ** -0.42
    assert fallen == pytest.approx(0.0105)
    assert math.isinf(signals.new_rows_for_gain(3.515, 0.42, 32_000, 0.5))


@given(
    st.sampled_from(["binary", "multiclass", "regression", "ranking", "forecast"]),
    st.floats(0.05, 0.9),
    st.floats(0.01, 0.09),
    st.integers(1, 10**6),
    st.floats(0.0001, 0.5),
)
@settings(max_examples=80, deadline=None)
def test_no_number_is_nan(task: str, baseline: float, gain: float, volume: int, share: float) -> None:
    """Whatever the answers, a value is a number, or empty with a reason."""
    answers = invoices(task=task, metric="", daily_volume=str(volume), positive_share=f"{share:.6f}")
    target = max(baseline - gain, baseline / 2) if METRICS[answers.metric].better == "lower" else baseline + gain
    numbers = monitoring(answers, known(baseline=baseline, target=target, min_gain=gain / 3))

    for key, number in numbers.items():
        assert not (isinstance(number.value, float) and math.isnan(number.value)), key
        assert number.value is not None or number.note, key


def test_todays_value_is_not_asked_for_where_it_was_given() -> None:
    """No target follows from it, because no model gains as much as is asked; what waits for a target says so."""
    texts = {"kind": "ml", "project_name": "Dear labels", "current_value": "0.814", "min_gain": "0.36"}
    numbers = compute(answers_module.complete(texts))

    assert numbers["acceptance"]["target"]["value"] is None
    for note in (numbers["monitor"]["floor"]["note"], numbers["rollout"]["canary_rows"]["note"]):
        assert note.startswith("Needs a target to fall from. The smallest useful gain is 0.36")
        assert "current_value" not in note
