"""The experiment phase: how many cycles, how far their best looks too good, what validation can see, learning curve."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlscaffold.answers import Answers
from mlscaffold.planning import samples
from mlscaffold.planning.metrics import Metric
from mlscaffold.planning.number import LIMIT, Number, Numbers, whole
from mlscaffold.planning.sizes import compared, count_of, effect, unit_share, unknown
from mlscaffold.planning.stats import phi

VALIDATION_SHARE = 0.2  # of the labelled rows; the audit's split does the same


# ------------------------------------------------------------------------------------------------ formulas


@functools.lru_cache(maxsize=128)
def expected_best(count: int) -> float:
    """F11. The expected largest of `count` independent standard normal values (Simpson, error below 1e-7)."""
    if count < 1:
        raise ValueError(f"the best of {count} does not exist")
    steps, low, high = 400, -10.0, 10.0
    width = (high - low) / steps
    points = (low + width * i for i in range(steps + 1))
    weights = (1 if i in (0, steps) else 4 if i % 2 else 2 for i in range(steps + 1))
    normal = 1 / math.sqrt(2 * math.pi)
    return math.fsum(
        w * x * count * phi(x) ** (count - 1) * normal * math.exp(-x * x / 2)
        for w, x in zip(weights, points, strict=True)
    ) * (width / 3)


def optimism(standard_error: float, tried: int) -> float:
    """F11. By how much the best of `tried` equally good models looks better than it is on one validation set.

    Standard error times the expected maximum; the worst case, in which their errors are independent.
    """
    if standard_error < 0:
        raise ValueError("a standard error is not negative")
    return standard_error * expected_best(tried)


def chance_of_success(rate: float, tries: int) -> float:
    """F29. The chance of at least one improvement in `tries` experiments that each improve at this rate."""
    if not 0 <= rate <= 1 or tries < 0:
        raise ValueError("a chance needs a rate between 0 and 1 and no negative number of tries")
    return 1.0 - (1.0 - rate) ** tries


@dataclass(frozen=True)
class Curve:
    """F14. A learning curve: error(n) = a + b n^-c; `a` is the error that no amount of data removes."""

    a: float
    b: float
    c: float

    def error(self, rows: float) -> float:
        """The error predicted with this many training rows."""
        return self.a + self.b * math.exp(-self.c * math.log(rows))

    def rows_for(self, error: float) -> int | None:
        """The training rows at which the error comes down to `error`; None where it never does."""
        if error <= self.a or self.b <= 0:
            return 1 if self.b <= 0 and error >= self.a else None
        logarithm = -math.log((error - self.a) / self.b) / self.c
        return max(1, whole(math.exp(logarithm))) if logarithm <= math.log(LIMIT) else None


def fit(rows: Sequence[float], errors: Sequence[float]) -> Curve:
    """F14. The curve through measured (rows, error) pairs: a grid on c, and least squares weighted by rows for a, b.

    Larger samples measure their error better, so they weigh more. At least four sizes; a and b never negative.
    """
    if len(rows) != len(errors) or len(set(rows)) < 4 or min(rows) <= 0:
        raise ValueError("a learning curve needs at least four different sizes above 0, with an error each")
    curves = (_weighted(rows, errors, c / 200) for c in range(1, 401))
    best = min(curves, key=lambda curve: _misfit(curve, rows, errors))
    finer = (_weighted(rows, errors, best.c + step / 20000) for step in range(-100, 101) if best.c + step / 20000 > 0)
    return min(finer, key=lambda curve: _misfit(curve, rows, errors))


def _weighted(rows: Sequence[float], errors: Sequence[float], c: float) -> Curve:
    x = [n**-c for n in rows]
    total = math.fsum(rows)
    mean_x = math.fsum(w * v for w, v in zip(rows, x, strict=True)) / total
    mean_y = math.fsum(w * v for w, v in zip(rows, errors, strict=True)) / total
    top = math.fsum(w * (v - mean_x) * (e - mean_y) for w, v, e in zip(rows, x, errors, strict=True))
    bottom = math.fsum(w * (v - mean_x) ** 2 for w, v in zip(rows, x, strict=True))
    b = max(0.0, top / bottom)
    if mean_y - b * mean_x >= 0:
        return Curve(mean_y - b * mean_x, b, c)
    square = math.fsum(w * v * v for w, v in zip(rows, x, strict=True))
    return Curve(0.0, math.fsum(w * v * e for w, v, e in zip(rows, x, errors, strict=True)) / square, c)


def _misfit(curve: Curve, rows: Sequence[float], errors: Sequence[float]) -> float:
    return math.fsum(n * (curve.error(n) - error) ** 2 for n, error in zip(rows, errors, strict=True))


# ------------------------------------------------------------------------------------------------ the plan's numbers


def curve() -> Numbers:
    """Everything under `curve.`: measured in the data audit, on at least four table sizes."""
    unmeasured = Number(None, note="Measured in the data audit, on at least four table sizes.")
    return {"curve.a": unmeasured, "curve.b": unmeasured, "curve.c": unmeasured, "curve.rows_for_target": unmeasured}


def iterations(answers: Answers, metric: Metric, numbers: Numbers, phase_days: float) -> Numbers:
    """Everything under `iterations.` of an ML plan; `phase_days` is the phase's mean effort in working days.

    F29 takes the smaller of calendar and compute; no answer limits compute, so the calendar decides alone.
    """
    count = max(1, int(phase_days / answers.cycle_days + 1e-9))
    inputs = {"phase_days": phase_days, "cycle_days": answers.cycle_days}
    planned: Numbers = {
        "iterations.phase_days": Number(phase_days),
        "iterations.max": Number(count, inputs=inputs),
        "iterations.p_success": Number(
            chance_of_success(answers.success_rate, count),
            inputs={"success_rate": answers.success_rate, "experiments": count},
        ),
    }
    return planned | _validation(answers, metric, numbers, count)


def _validation(answers: Answers, metric: Metric, numbers: Numbers, count: int) -> Numbers:
    rows = int((answers.labelled_cases or 0) * VALIDATION_SHARE)
    units = int(rows * unit_share(answers, metric) / effect(answers, metric) + 1e-9)
    alpha, power = numbers["acceptance.alpha"].value, numbers["acceptance.power"].value
    comparison, _ = compared(answers, metric, numbers)
    target = numbers["acceptance.target"].value
    none = "No cases are labelled yet." if units < 2 else unknown(metric)
    known = comparison is not None and units >= 2
    error = comparison.error(units, target) if comparison and known else None
    smallest = comparison.detectable(units, alpha, power) if comparison and known else None
    invisible = "With these few rows not even a perfect model could be told apart." if known else none
    return {
        "iterations.validation_rows": Number(
            rows, inputs={"labelled_cases": answers.labelled_cases, "share": VALIDATION_SHARE}
        ),
        "iterations.validation_units": Number(units, inputs={"rows": rows, "units_a_row": unit_share(answers, metric)}),
        "iterations.optimism": Number(
            None if error is None else optimism(error, count),
            inputs={"standard_error": error, "experiments": count},
            note=none if error is None else "Worst case: the experiments' errors are independent.",
        ),
        "iterations.mde": Number(
            smallest,
            inputs={"units": units, "alpha": alpha, "power": power},
            note=None if smallest is not None else invisible,
        ),
        "iterations.reuse_rows": _reuse(metric, numbers, count),
    }


def _reuse(metric: Metric, numbers: Numbers, count: int) -> Number:
    discordance, minimum = numbers["test.discordance"].value, numbers["acceptance.min_gain"].value
    alpha = numbers["acceptance.alpha"].value
    inputs = {"tolerance": minimum, "discordance": discordance, "alpha": alpha, "experiments": count}
    if metric.method != "share":
        return Number(None, inputs=inputs, note="Known for shares of right rows only.")
    if not discordance or not minimum:
        return Number(None, inputs=inputs, note="Baseline, target or gain is not known.")
    rows = samples.reuse_rows(minimum, discordance, alpha, count, adaptive=True)
    return count_of(rows, metric.counted_on, inputs=inputs)
