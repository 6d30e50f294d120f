"""The distributions written on the standard library give what scipy and statsmodels give."""

import math

import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold.planning.formulas import stats
from statsmodels.stats.proportion import proportion_confint

few = settings(max_examples=80, deadline=None)
positive = st.floats(0.05, 5000, allow_nan=False)


@pytest.mark.parametrize("freedom", [15, 21, 75, 120, 1_000])
@pytest.mark.parametrize("probability", [0.8, 0.95, 0.99, 0.995])
def test_a_quantile_of_student_is_scipys(probability: float, freedom: float) -> None:
    """By the expansion, to .002 from 15 degrees of freedom on."""
    assert stats.student(probability, freedom) == pytest.approx(scipy.stats.t.ppf(probability, freedom), abs=2e-3)


@few
@given(a=positive, ratio=st.floats(0.0, 5))
def test_incomplete_gamma_is_scipys(a: float, ratio: float) -> None:
    """P(a, x) agrees with scipy to 1e-10, on both sides of the switch between series and fraction."""
    assert stats.gamma_p(a, a * ratio) == pytest.approx(scipy.special.gammainc(a, a * ratio), abs=1e-10)


@few
@given(probability=st.floats(1e-6, 1 - 1e-6), df=st.integers(1, 100))
def test_chi_square_quantile_is_scipys(probability: float, df: int) -> None:
    """The quantile agrees with scipy to 1e-8 relative, and the distribution function undoes it."""
    found = stats.chi_square_quantile(probability, df)

    assert found == pytest.approx(scipy.stats.chi2.ppf(probability, df), rel=1e-8)
    assert stats.chi_square_cdf(found, df) == pytest.approx(probability, abs=1e-9)


@few
@given(df=st.integers(1, 60), shift=st.floats(0, 200), ratio=st.floats(0, 3))
def test_noncentral_chi_square_is_scipys(df: int, shift: float, ratio: float) -> None:
    """The Poisson mixture agrees with scipy to 1e-9."""
    x = ratio * (df + shift)

    assert stats.noncentral_chi_square_cdf(x, df, shift) == pytest.approx(
        scipy.stats.ncx2.cdf(x, df, shift) if shift else scipy.stats.chi2.cdf(x, df), abs=1e-9
    )


def test_wilson_gives_the_worked_interval() -> None:
    """330 of 400 is .785 to .859."""
    low, high = stats.wilson(330, 400)

    assert (f"{low:.3f}", f"{high:.3f}") == ("0.785", "0.859")


@few
@given(n=st.integers(1, 10_000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_is_statsmodels_and_mirrors(n: int, share: float, confidence: float) -> None:
    """Wilson's interval agrees with statsmodels, lies within [0, 1], and failures mirror successes."""
    k = round(n * share)
    low, high = stats.wilson(k, n, confidence)

    expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-9)
    assert 0 <= low <= k / n + 1e-12
    assert stats.wilson(n - k, n, confidence) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("a", [1e3, 1e6])
def test_the_incomplete_gamma_function_holds_for_large_counts(a: float) -> None:
    """Close to the middle, where the fraction needs most steps, it agrees with scipy to 1e-9."""
    for x in (a - a**0.5, a, a + 1, a + a**0.5):
        assert stats.gamma_p(a, x) == pytest.approx(scipy.special.gammainc(a, x), abs=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.z(0),
        lambda: stats.z(1),
        lambda: stats.gamma_p(0, 1),
        lambda: stats.gamma_p(1, -1),
        lambda: stats.gamma_p(1, math.inf),
        lambda: stats.chi_square_quantile(1, 3),
        lambda: stats.noncentral_chi_square_cdf(1, 1, -1),
        lambda: stats.wilson(5, 4),
        lambda: stats.wilson(0, 0),
        lambda: stats.increasing_root(lambda x: -1.0, 0, 1),
    ],
)
def test_outside_its_domain_a_function_refuses(call: object) -> None:
    """No function answers a question that has no answer."""
    with pytest.raises(ValueError, match=r"\w"):
        call()  # type: ignore[operator]
