"""Row counts: the published figures, the worked examples, scipy and statsmodels, simulated power, and order."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mlscaffold.planning.formulas import samples
from scipy.stats import binom, norm, rankdata
from sklearn.metrics import roc_auc_score
from statsmodels.stats.power import NormalIndPower, TTestPower
from statsmodels.stats.proportion import proportion_effectsize

few = settings(max_examples=60, deadline=None)
shares = st.floats(0.02, 0.98)
alphas = st.floats(0.001, 0.2)
powers = st.floats(0.6, 0.99)
Count = Callable[[], float]


@pytest.mark.parametrize(
    ("what", "count", "printed"),
    [
        ("F01 .85 to ± .02", lambda: samples.proportion_rows(0.85, 0.02), 1225),
        ("F02 .80 to .85 against a fixed number", lambda: samples.fixed_rows(0.8, 0.85, 0.05, 0.8), 368),
        ("F03 .80 against .85, two-sided", lambda: samples.two_sample_rows(0.8, 0.85, 0.05, 0.8), 906),
        ("F03 the same, one-sided", lambda: samples.two_sample_rows(0.8, 0.85, 0.05, 0.8, sides=1), 714),
        ("F04 Connor: .05 and .45 discordant", lambda: samples.paired_rows(0.4, 0.5, 0.05, 0.8, sides=2), 23),
        ("F04 Connor: .05 and .15 discordant", lambda: samples.paired_rows(0.1, 0.2, 0.05, 0.8, sides=2), 155),
        ("F04 gain .05, discordance .15", lambda: samples.paired_rows(0.05, 0.15, 0.05, 0.8), 369),
        ("F04 the same, two-sided", lambda: samples.paired_rows(0.05, 0.15, 0.05, 0.8, sides=2), 469),
        ("F04 recall .55 to .70, independent", lambda: samples.paired_rows(0.15, 0.48, 0.05, 0.8), 130),
        ("F04 the same, discordance .30", lambda: samples.paired_rows(0.15, 0.3, 0.05, 0.8), 81),
        ("F04 the same, the least discordance", lambda: samples.paired_rows(0.15, 0.15, 0.05, 0.8), 40),
        ("F05 gain >= .05 when it is .15", lambda: samples.margin_rows(0.15, 0.48, -0.05, 0.05, 0.8), 289),
        ("F05 the same at one of three looks", lambda: samples.margin_rows(0.15, 0.48, -0.05, 0.05 / 3, 0.8), 413),
        ("F05 retrained, margin .03", lambda: samples.margin_rows(0, 0.1, 0.03, 0.05, 0.8), 717),
        ("F05 segment, margin .05, three of them", lambda: samples.margin_rows(0.15, 0.48, 0.05, 0.05 / 3, 0.8), 106),
        ("F06 283 positives at 4 %", lambda: samples.rows_for(283, 0.04), 7075),
        ("F07 .75 to .80, nine negatives each", lambda: samples.auc_positives(0.75, 0.8, 0, 9, 0.5, 0.05, 0.8), 155),
        ("F08 MAE 10 to 9, correlation .5", lambda: mae_rows(10, 9, 0.5), 322),
        ("F08 MAE 10 to 9, correlation .8", lambda: mae_rows(10, 9, 0.8), 131),
        ("F10 three invoices a supplier, ICC .2", lambda: round(7075 * samples.design_effect(3, 0.2)), 9905),
    ],
)
def test_the_worked_examples_come_out(what: str, count: Count, printed: int) -> None:
    """Every printed row count of the formula catalogue, exactly."""
    assert printed == count(), what


def mae_rows(first: float, second: float, correlation: float) -> int:
    """Rows for a fall of the mean absolute error, from the standard deviation that normal errors have."""
    spread = samples.difference_spread(samples.SD_PER_MAE * first, samples.SD_PER_MAE * second, correlation)
    return samples.mean_rows(first - second, spread, 0.05, 0.8)


def test_non_inferiority_takes_three_rows_more_than_the_published_25() -> None:
    """Chow, Shao and Wang: .85 against .65, margin .10, one-sided .05, power .8 takes 25 rows with the spread that the
    gain leaves; the score test goes by the spread that the margin leaves."""
    discordance = samples.independent_discordance(0.65, 0.85)

    assert samples.margin_rows(0.2, discordance, 0.1, 0.05, 0.8) == 28


@few
@given(gain=st.floats(0.01, 0.4), discordance=st.floats(0.4, 1), alpha=alphas, power=powers)
def test_margin_rows_without_a_margin_are_connors(gain: float, discordance: float, alpha: float, power: float) -> None:
    """F05 at a margin of 0 is F04."""
    planned = samples.margin_rows(gain, discordance, 0.0, alpha, power)

    assert planned == max(2, samples.paired_rows(gain, discordance, alpha, power))


def test_reuse_gives_the_published_29_and_67_thousand_labels() -> None:
    """ease.ml/ci: 32 looks to ± .01 at .9999 with a difference of at most .1: 29K fixed, 67K adaptive."""
    fixed, adaptive = (samples.reuse_rows(0.01, 0.1, 1e-4, 32, adaptive) for adaptive in (False, True))

    assert (fixed // 1000, adaptive // 1000) == (29, 67)


def test_detectable_gains_are_the_printed_ones() -> None:
    """F09: 60 positives see .219, 283 see .102."""
    found = [samples.detectable_gain(n, 0.48, 0.05, 0.8) for n in (60, 283)]

    assert [f"{gain:.3f}" for gain in found] == ["0.219", "0.102"]


# ------------------------------------------------------------------------------------------------ references


def test_two_samples_are_close_to_statsmodels() -> None:
    """F03's 906 beside statsmodels' arcsine 903."""
    effect = abs(proportion_effectsize(0.8, 0.85))

    assert math.ceil(NormalIndPower().solve_power(effect, alpha=0.05, power=0.8)) == 903


@few
@given(ratio=st.floats(0.02, 0.5), alpha=alphas, power=powers)
def test_mean_rows_are_statsmodels_t_test_less_a_few(ratio: float, alpha: float, power: float) -> None:
    """F08 is the normal form of the one-sided paired t test: two to five rows fewer."""
    rows = samples.mean_rows(ratio, 1.0, alpha, power)
    assume(rows >= 10)

    exact = TTestPower().solve_power(ratio, alpha=alpha, power=power, alternative="larger")
    assert -1 <= exact - rows <= 6


def test_fixed_rows_have_the_exact_binomial_power_printed() -> None:
    """F02's 368 rows have power .782 in the exact binomial test."""
    limit = binom.ppf(0.95, 368, 0.8) + 1

    assert f"{binom.sf(limit - 1, 368, 0.85):.3f}" == "0.782"


def test_auc_variance_matches_a_simulation_and_the_shortcut_does_not() -> None:
    """F07: with 100 positives and 900 negatives the SD is .0229, the exponential shortcut says .0272."""
    found = math.sqrt(samples.auc_variance(0.8, 100, 900))
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], [100, 900])
    shift = math.sqrt(2) * norm.ppf(0.8)
    scores = rng.normal(size=(1500, 1000)) + shift * labels
    aucs = (rankdata(scores, axis=1)[:, :100].sum(axis=1) - 100 * 101 / 2) / 90_000
    q1, q2 = 0.8 / 1.2, 2 * 0.64 / 1.8
    shortcut = math.sqrt((0.16 + 99 * (q1 - 0.64) + 899 * (q2 - 0.64)) / 90_000)

    assert aucs[0] == pytest.approx(roc_auc_score(labels, scores[0]))
    assert f"{found:.4f}" == "0.0229"
    assert float(np.std(aucs)) == pytest.approx(found, rel=0.06)
    assert f"{shortcut:.4f}" == "0.0272"


# ------------------------------------------------------------------------------------------------ simulated rates


def paired_draws(gain: float, discordance: float, rows: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Runs of a paired test: rows only the model gets right, and rows only the baseline gets right."""
    up, down = (discordance + gain) / 2, (discordance - gain) / 2
    cells = np.random.default_rng(7).multinomial(rows, [up, down, 1 - up - down], size=runs)
    return cells[:, 0], cells[:, 1]


def midp(up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """One-sided mid-p McNemar."""
    total = up + down
    return binom.sf(up - 1, total, 0.5) - binom.pmf(up, total, 0.5) / 2


def test_connors_rows_hold_their_power_with_mid_p_and_not_with_the_exact_test() -> None:
    """369 rows: mid-p McNemar has power .806 and type I .049, the exact test only .771."""
    up, down = paired_draws(0.05, 0.15, 369, 40_000)
    same_up, same_down = paired_draws(0.0, 0.15, 369, 40_000)

    assert np.mean(midp(up, down) <= 0.05) == pytest.approx(0.806, abs=0.008)
    assert np.mean(midp(same_up, same_down) <= 0.05) == pytest.approx(0.049, abs=0.004)
    assert np.mean(binom.sf(up - 1, up + down, 0.5) <= 0.05) == pytest.approx(0.771, abs=0.008)


def test_mean_rows_hold_their_power() -> None:
    """322 rows find a fall of the MAE from 10 to 9 with power .8."""
    rng = np.random.default_rng(3)
    spread = samples.difference_spread(samples.SD_PER_MAE * 10, samples.SD_PER_MAE * 9, 0.5)
    differences = rng.normal(1, spread, size=(8000, 322))
    t = differences.mean(axis=1) / (differences.std(axis=1, ddof=1) / math.sqrt(322))

    assert np.mean(t > norm.ppf(0.95)) == pytest.approx(0.807, abs=0.015)


def test_two_sample_rows_hold_their_power() -> None:
    """906 rows an arm: power .80."""
    rng = np.random.default_rng(4)
    first, second = rng.binomial(906, 0.8, 40_000) / 906, rng.binomial(906, 0.85, 40_000) / 906
    mean = (first + second) / 2
    score = (second - first) / np.sqrt(2 * mean * (1 - mean) / 906)

    assert np.mean(np.abs(score) > norm.ppf(0.975)) == pytest.approx(0.802, abs=0.01)


def test_the_design_effect_is_the_one_of_grouped_rows() -> None:
    """2,000 rows in groups of three with ICC .2 are worth 1,429: simulated, within 4 %."""
    rng = np.random.default_rng(5)
    groups = rng.normal(0, math.sqrt(0.2), size=(3000, 667, 1)) + rng.normal(0, math.sqrt(0.8), size=(3000, 667, 3))
    worth = 1 / np.var(groups.mean(axis=(1, 2)))

    assert worth == pytest.approx(2001 / samples.design_effect(3, 0.2), rel=0.06)


# ------------------------------------------------------------------------------------------------ order and symmetry


@few
@given(gain=st.floats(0.01, 0.4), discordance=st.floats(0.4, 1), alpha=alphas, power=powers)
def test_paired_rows_grow_with_what_makes_it_harder(
    gain: float, discordance: float, alpha: float, power: float
) -> None:
    """Smaller gain, more discordance, smaller alpha, more power: never fewer rows."""
    rows = samples.paired_rows(gain, discordance, alpha, power)

    assert rows <= samples.paired_rows(gain * 0.9, discordance, alpha, power)
    assert rows >= samples.paired_rows(gain, max(gain, discordance * 0.9), alpha, power)
    assert rows <= samples.paired_rows(gain, discordance, alpha / 2, power)
    assert rows <= samples.paired_rows(gain, discordance, alpha, (1 + power) / 2)
    assert rows == samples.paired_rows(-gain, discordance, alpha, power)


@few
@given(gain=st.floats(-0.1, 0.3), discordance=st.floats(0.3, 1), margin=st.floats(0.11, 0.5), alpha=alphas)
def test_margin_rows_grow_as_the_margin_shrinks(gain: float, discordance: float, margin: float, alpha: float) -> None:
    """A larger allowed margin never needs more rows, nor does a larger true gain."""
    rows = samples.margin_rows(gain, discordance, margin, alpha, 0.8)

    assert rows >= samples.margin_rows(gain, discordance, margin + 0.05, alpha, 0.8)
    assert rows >= samples.margin_rows(min(gain + 0.05, discordance), discordance, margin, alpha, 0.8)


@few
@given(first=shares, second=shares)
def test_two_proportions_are_symmetric(first: float, second: float) -> None:
    """Swapping the arms, or counting failures instead, changes no count."""
    assume(abs(first - second) > 1e-3)
    rows = samples.two_sample_rows(first, second, 0.05, 0.8)

    assert abs(rows - samples.two_sample_rows(second, first, 0.05, 0.8)) <= 1
    assert abs(rows - samples.two_sample_rows(1 - first, 1 - second, 0.05, 0.8)) <= 1
    discordance = samples.independent_discordance(first, second)
    assert discordance == pytest.approx(samples.independent_discordance(second, first))


@few
@given(rows=st.integers(20, 100_000), discordance=st.floats(0.1, 1), alpha=alphas, power=powers)
def test_the_detectable_gain_inverts_the_rows(rows: int, discordance: float, alpha: float, power: float) -> None:
    """F09 undoes F04 to within a row, and more rows see smaller gains."""
    try:
        gain = samples.detectable_gain(rows, discordance, alpha, power)
    except ValueError:
        return  # nothing can be shown with so few rows, which another test covers
    assert abs(samples.paired_rows(gain, discordance, alpha, power) - rows) <= 1
    assert samples.detectable_gain(2 * rows, discordance, alpha, power) < gain


@few
@given(first=st.floats(0.5, 0.9), gain=st.floats(0.01, 0.09), negatives=st.floats(0.05, 50), alpha=alphas)
def test_auc_positives_fall_with_gain_and_negatives(first: float, gain: float, negatives: float, alpha: float) -> None:
    """More negatives, a larger gain, or models that agree more: never more positives."""
    need = samples.auc_positives(first, first + gain, 0, negatives, 0.5, alpha, 0.8)

    assert need >= samples.auc_positives(first, first + gain, 0, negatives * 2, 0.5, alpha, 0.8)
    assert need >= samples.auc_positives(first, first + gain, 0, negatives, 0.7, alpha, 0.8)
    assert need <= samples.auc_positives(first, first + gain, gain / 2, negatives, 0.5, alpha, 0.8)


@few
@given(auc=st.floats(0.01, 0.99), positives=st.integers(1, 5000), negatives=st.integers(1, 5000))
def test_auc_variance_is_symmetric(auc: float, positives: int, negatives: int) -> None:
    """The two classes may be swapped, and an AUC of 1 - A varies as one of A."""
    found = samples.auc_variance(auc, positives, negatives)

    assert found > 0
    assert found == pytest.approx(samples.auc_variance(auc, negatives, positives), rel=1e-9)
    assert found == pytest.approx(samples.auc_variance(1 - auc, positives, negatives), rel=1e-6)


@few
@given(tolerance=st.floats(0.001, 0.2), variance=st.floats(0.05, 1), looks=st.integers(1, 100))
def test_reuse_costs_more_the_more_looks(tolerance: float, variance: float, looks: int) -> None:
    """More looks, adaptive looks and a finer tolerance never need fewer rows."""
    fixed = samples.reuse_rows(tolerance, variance, 0.05, looks, False)

    assert fixed <= samples.reuse_rows(tolerance, variance, 0.05, looks + 1, False)
    assert fixed <= samples.reuse_rows(tolerance, variance, 0.05, looks, True)
    assert fixed <= samples.reuse_rows(tolerance / 2, variance, 0.05, looks, False)


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "call",
    [
        lambda: samples.proportion_rows(0, 0.1),
        lambda: samples.proportion_rows(0.5, 0),
        lambda: samples.fixed_rows(0.5, 0.5, 0.05, 0.8),
        lambda: samples.two_sample_rows(0.4, 0.4, 0.05, 0.8),
        lambda: samples.paired_rows(0, 0.3, 0.05, 0.8),
        lambda: samples.paired_rows(0.3, 0.2, 0.05, 0.8),
        lambda: samples.paired_rows(0.1, 1.2, 0.05, 0.8),
        lambda: samples.paired_rows(0.1, 0.2, 0, 0.8),
        lambda: samples.margin_rows(0.05, 0.3, -0.05, 0.05, 0.8),
        lambda: samples.restricted_discordance(0.1, 0.2, 1.0),
        lambda: samples.rows_for(10, 0),
        lambda: samples.auc_variance(1, 10, 10),
        lambda: samples.auc_variance(0.7, 0, 10),
        lambda: samples.auc_positives(0.7, 0.75, 0.06, 1, 0.5, 0.05, 0.8),
        lambda: samples.mean_rows(0, 1, 0.05, 0.8),
        lambda: samples.mean_rows(1, -1, 0.05, 0.8),
        lambda: samples.difference_spread(1, 1, 1.5),
        lambda: samples.detectable_gain(2, 0.1, 0.05, 0.8),
        lambda: samples.design_effect(0.5, 0.1),
        lambda: samples.design_effect(2, 1.1),
        lambda: samples.reuse_rows(0, 0.1, 0.05, 3, True),
        lambda: samples.reuse_rows(0.1, 0.1, 0.05, 0, True),
    ],
)
def test_a_question_without_an_answer_is_refused(call: Count) -> None:
    """No endless or negative count: the function says what cannot be."""
    with pytest.raises(ValueError, match=r"\w"):
        call()


def test_reuse_at_a_tiny_tolerance_keeps_its_digits() -> None:
    """Bennett's exponent is a difference of nearly equal numbers there; the series gives what it tends to."""
    rows = samples.reuse_rows(1e-9, 0.5, 0.05, 1, False)

    assert rows == pytest.approx(math.log(80) * 2 * 0.5 / 1e-18, rel=1e-6)


@pytest.mark.parametrize("tolerance", ["0.00004", "0.00005", "0.00006", "0.001"])
def test_the_series_joins_bennetts_exponent_without_a_step(tolerance: str) -> None:
    """On both sides of the switch the rows are those of fifty decimal digits."""
    with localcontext(prec=50):
        u = Decimal(tolerance) / Decimal("0.5")
        exact = Decimal(80).ln() / (Decimal("0.5") * ((1 + u) * (1 + u).ln() - u))

    assert samples.reuse_rows(float(tolerance), 0.5, 0.05, 1, False) == pytest.approx(float(exact), rel=2e-8, abs=1)
