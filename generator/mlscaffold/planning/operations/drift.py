"""Drift limits of every input column: the plan numbers monitor.* that F17 to F19 give.

The engine runs these very tests: `planrun_ml.data.shift`, with as many rows as there really are.
"""

import math
from dataclasses import dataclass
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.formulas import payback, signals
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.number import Number, Numbers

QUALITY_PART = 12  # of the budget of false alerts, one part is the quality test's: one a year of one a month
PARTS = 4  # tests of one column share its level: its middle, its shape, what is missing, what was never seen
TRAINED = 0.6  # of the past cases, those that a model is trained on and later rows are compared with
REFERENCE_ROWS = 200_000  # of them, as many as a profile is taken of


@dataclass(frozen=True)
class Check:
    """One drift check: which rows it compares with which, and at what level."""

    bins: int
    columns: int
    signals: int  # that may cry wolf: the columns, the scores, and what the scores promise
    days: int  # that it looks at
    rows: int  # in these days
    reference: int  # rows that it compares them with
    a_month: float  # looks at one column in a month
    alpha: float  # of one signal

    @property
    def each(self) -> float:
        """The level of one test of a column."""
        return self.alpha / PARTS

    @property
    def inputs(self) -> dict[str, Any]:
        """What its limits rest on."""
        return {"drift_bins": self.bins, "rows": self.rows, "reference_rows": self.reference, "alpha": self.each}


def drift(answers: Answers, power: float) -> Numbers:
    """Windows, significance level and limits of the drift checks."""
    check = _check(answers)
    return _level(answers, check) | _limits(answers, check) | _windows(answers, check, power)


def _check(answers: Answers) -> Check:
    """A check looks at a day, or at as many days as it takes to expect five rows in each bin; it is made every day."""
    bins, columns, volume = answers.drift_bins, answers.input_columns, answers.daily_volume
    days = max(1, math.ceil(5 * bins / volume))
    noisy = columns + (2 if answers.task in ("binary", "multiclass") else 1)
    budget = answers.false_alerts_per_month * (1 - 1 / QUALITY_PART)
    alpha = signals.budget_alpha(budget, noisy, payback.MONTH)
    past = answers.past_cases or volume * payback.MONTH
    reference = max(1, min(REFERENCE_ROWS, round(TRAINED * past)))
    return Check(bins, columns, noisy, days, volume * days, reference, payback.MONTH, alpha)


def _level(answers: Answers, check: Check) -> Numbers:
    """What a check looks at, and the significance level that the budget of false alerts leaves it."""
    few = "Each bin needs five rows before its share means anything."
    none = "No past cases yet: the first month after release becomes the reference."
    checks = {"input_columns": check.columns, "signals": check.signals, "checks": check.a_month}
    return {
        "monitor.window_days": Number(
            check.days,
            inputs={"drift_bins": check.bins, "daily_volume": answers.daily_volume},
            note=few if check.days > 1 else None,
        ),
        "monitor.window_rows": Number(check.rows, inputs={"daily_volume": answers.daily_volume, "days": check.days}),
        "monitor.reference_rows": Number(
            check.reference,
            inputs={"past_cases": answers.past_cases, "trained_share": TRAINED, "most": REFERENCE_ROWS},
            note=None if answers.past_cases else none,
        ),
        "monitor.alpha": Number(
            check.alpha, inputs={"false_alerts_per_month": answers.false_alerts_per_month} | checks
        ),
        "monitor.alerts_at_05": Number(0.05 * check.signals * check.a_month, inputs=checks),
    }


def _limits(answers: Answers, check: Check) -> Numbers:
    """PSI, and share above the middle, that noise alone stays below; and the PSI that is large enough to matter too."""
    sizes = {"rows": check.rows, "reference_rows": check.reference}
    psi = signals.psi_threshold(check.bins, check.rows, check.reference, check.each)
    return {
        "monitor.psi_threshold": Number(psi, inputs=check.inputs),
        "monitor.psi_limit": Number(
            max(psi, answers.drift_floor), inputs={"psi_threshold": psi, "drift_floor": answers.drift_floor}
        ),
        "monitor.psi_rule_misfires": Number(
            signals.psi_false_alarms(0.1, check.bins, check.rows, check.reference),
            inputs={"drift_bins": check.bins} | sizes,
        ),
        "monitor.ks_threshold": Number(
            signals.middle_threshold(check.rows, check.reference, check.each), inputs=sizes | {"alpha": check.each}
        ),
    }


def _windows(answers: Answers, check: Check, power: float) -> Numbers:
    """Rows, and days, that show a shift as large as `drift_floor`."""
    floor = answers.drift_floor
    distance = signals.middle_of_psi(floor)
    psi_rows = signals.psi_window(floor, check.bins, check.reference, check.each, power)
    middle_rows = signals.middle_window(distance, check.reference, check.each, power) if distance > 0 else math.inf
    short = f"The reference of {check.reference:,} rows is too short to tell a shift of this size from noise."
    if floor == 0:
        short = "drift_floor is 0: no number of rows shows every shift, however small."
    return {
        "monitor.drift_window": Number(
            _rows(psi_rows),
            inputs=check.inputs | {"power": power, "drift_floor": floor},
            note=None if math.isfinite(psi_rows) else short,
        ),
        "monitor.drift_window_days": Number(
            _rows(psi_rows / answers.daily_volume),
            inputs={"daily_volume": answers.daily_volume},
            note=None if math.isfinite(psi_rows) else short,
        ),
        "monitor.ks_window": Number(
            _rows(middle_rows),
            inputs={"reference_rows": check.reference, "alpha": check.each, "power": power, "distance": distance},
            note=None if math.isfinite(middle_rows) else short,
        ),
    }


def _rows(count: float) -> int | None:
    return whole(count) if math.isfinite(count) else None
