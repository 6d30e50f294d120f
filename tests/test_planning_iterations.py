"""Best-of-many optimism, chances, learning curves: worked examples, scipy, simulation, order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold.planning.formulas import learning_curve, selection
from scipy.optimize import curve_fit
from scipy.stats import norm

few = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(("count", "expected"), [(1, 0.0), (2, 0.5641896), (3, 0.8462844), (12, 1.6292276)])
def test_the_expected_best_is_the_tabled_one(count: int, expected: float) -> None:
    """Expected largest of 1, 2, 3 and 12 standard normal values, as tables of order statistics have it."""
    assert selection.expected_best(count) == pytest.approx(expected, abs=1e-6)


def test_the_best_of_twelve_looks_6_points_too_good() -> None:
    """150 validation positives, 12 equally good experiments: 6.3 points at a recall of .65 (worst case)."""
    error = (0.65 * 0.35 / 150) ** 0.5

    assert f"{100 * selection.optimism(error, 12):.1f}" == "6.3"


def test_optimism_is_what_a_simulation_finds() -> None:
    """The best of 12 models of the same true recall, on 300 rows each drawn anew."""
    rng = np.random.default_rng(21)
    best = rng.binomial(300, 0.65, size=(40_000, 12)).max(axis=1) / 300

    expected = selection.optimism((0.65 * 0.35 / 300) ** 0.5, 12)
    assert float(best.mean()) - 0.65 == pytest.approx(expected, rel=0.05)


def test_three_experiments_at_a_quarter_succeed_58_percent_of_the_time() -> None:
    """F29: 30 days in cycles of 10 are three tries; at rate .25 one succeeds with .58."""
    assert f"{selection.chance_of_success(0.25, 3):.2f}" == "0.58"


def test_the_printed_curve_predicts_the_printed_error() -> None:
    """F14 with a .261, b 3.515, c .42: error .306 at 32,000 rows, .30 at about 45,000.

    The catalogue prints .307 and 46,462 from the coefficients before they were rounded: with a .2615 they come out.
    """
    printed = learning_curve.Curve(0.261, 3.515, 0.42)
    unrounded = learning_curve.Curve(0.26147, 3.515, 0.42)

    assert f"{printed.error(32_000):.3f}" == "0.306"
    assert f"{unrounded.error(32_000):.3f}" == "0.307"
    assert unrounded.rows_for(0.3) == pytest.approx(46_462, rel=0.001)


@few
@given(a=st.floats(0, 0.5), b=st.floats(0.5, 5), c=st.floats(0.1, 1.5))
def test_the_fit_finds_the_curve_it_was_drawn_from(a: float, b: float, c: float) -> None:
    """Without noise the curve comes back to a thousandth, at the sizes it was measured on."""
    true = learning_curve.Curve(a, b, c)
    sizes = [500, 1000, 2000, 4000, 8000]
    found = learning_curve.fit(sizes, [true.error(n) for n in sizes])

    assert [found.error(n) for n in sizes] == pytest.approx([true.error(n) for n in sizes], abs=1e-3)


def test_the_fit_is_scipys_on_noisy_points() -> None:
    """Weighted least squares by scipy gives the same curve where it is used, to a thousandth."""
    sizes = np.array([500, 1000, 2000, 4000, 8000])
    errors = 0.26 + 3.5 * sizes**-0.42 + np.random.default_rng(22).normal(0, 0.002, 5)
    found = learning_curve.fit(list(sizes), list(errors))
    start, spread = (0.2, 3, 0.5), 1 / np.sqrt(sizes)
    (a, b, c), _ = curve_fit(lambda n, a, b, c: a + b * n**-c, sizes, errors, start, sigma=spread, maxfev=20_000)

    for n in (500, 2000, 8000, 16_000, 32_000):
        assert found.error(n) == pytest.approx(a + b * n**-c, abs=1e-3)


@few
@given(c=st.floats(0.05, 1.5), steeper=st.floats(0.1, 1))
def test_a_curve_that_would_end_below_zero_ends_at_zero(c: float, steeper: float) -> None:
    """Errors that fall faster than the exponent: a is 0, and b is numpy's weighted least squares through the origin."""
    sizes = np.array([500.0, 1000, 2000, 4000, 8000])
    errors = 9 * sizes ** -(c + steeper)
    found = learning_curve._weighted(list(sizes), list(errors), c)
    weights = np.sqrt(sizes)
    (b,), *_ = np.linalg.lstsq((weights * sizes**-c)[:, None], weights * errors)

    assert found.a == 0
    assert found.b == pytest.approx(float(b), rel=1e-9)


def test_a_curve_that_levels_off_too_high_never_reaches_the_error() -> None:
    """Below the asymptote there is no number of rows, only a None."""
    assert learning_curve.Curve(0.26, 3.5, 0.42).rows_for(0.26) is None
    assert learning_curve.Curve(0.0, 3.5, 0.001).rows_for(0.01) is None


@few
@given(rate=st.floats(0, 1), tries=st.integers(0, 200))
def test_more_tries_never_lower_the_chance(rate: float, tries: int) -> None:
    """The chance lies in [0, 1] and grows with tries and rate."""
    chance = selection.chance_of_success(rate, tries)

    assert 0 <= chance <= 1
    assert chance <= selection.chance_of_success(rate, tries + 1) + 1e-15
    assert chance <= selection.chance_of_success((1 + rate) / 2, tries) + 1e-15


@few
@given(count=st.integers(2, 400))
def test_the_expected_best_grows_slowly(count: int) -> None:
    """More tries look better, but never beyond √(2 ln k), and at least the (k/(k+1)) quantile less a little."""
    best = selection.expected_best(count)

    assert selection.expected_best(count - 1) < best < (2 * np.log(count)) ** 0.5
    assert best > norm.ppf(count / (count + 1)) - 0.15


@pytest.mark.parametrize(
    "call",
    [
        lambda: selection.expected_best(0),
        lambda: selection.optimism(-1, 3),
        lambda: selection.chance_of_success(1.5, 2),
        lambda: selection.chance_of_success(0.5, -1),
        lambda: learning_curve.fit([100, 200, 400], [0.5, 0.4, 0.3]),
        lambda: learning_curve.fit([100, 100, 100, 100], [0.5, 0.4, 0.3, 0.2]),
        lambda: learning_curve.fit([0, 100, 200, 400], [0.5, 0.4, 0.3, 0.2]),
    ],
)
def test_impossible_questions_are_refused(call: object) -> None:
    """No best of none, and no curve through three points."""
    with pytest.raises(ValueError, match=r"\w"):
        call()  # type: ignore[operator]
