"""Drift limits of every input column: the plan numbers monitor.* that F17 to F19 give."""

import math

from mlscaffold.answers import Answers
from mlscaffold.planning import signals, value
from mlscaffold.planning.number import Number, Numbers, whole


def drift(answers: Answers, power: float) -> Numbers:
    """Windows, significance level and limits; each check looks at a day, or at five rows a bin where days are small."""
    bins, columns, volume = answers.drift_bins, answers.input_columns, answers.daily_volume
    days = max(1, math.ceil(5 * bins / volume))
    rows, checks = volume * days, value.MONTH / days
    reference = answers.past_cases or volume * value.MONTH
    alpha = signals.budget_alpha(answers.false_alerts_per_month, columns, checks)
    seen = {"drift_bins": bins, "rows": rows, "reference_rows": reference, "alpha": alpha}
    psi = signals.psi_threshold(bins, rows, reference, alpha)
    window = signals.psi_window(answers.drift_floor, bins, reference, alpha, power)
    ks_floor = signals.ks_of_psi(answers.drift_floor)
    ks_window = signals.ks_window(ks_floor, reference, alpha) if ks_floor > 0 else math.inf
    assumed = None if answers.past_cases else "No past cases yet: the first month after release becomes the reference."
    short = f"The reference of {reference:,} rows is too short to tell a shift of this size from noise."
    if answers.drift_floor == 0:
        short = "drift_floor is 0: no number of rows shows every shift, however small."
    return {
        "monitor.window_days": Number(
            days,
            "days",
            "F17",
            {"drift_bins": bins, "daily_volume": volume},
            "Days that one drift check looks at",
            note="Each bin needs five rows before its share means anything." if days > 1 else None,
        ),
        "monitor.window_rows": Number(
            rows, "rows", "F17", {"daily_volume": volume, "days": days}, "Rows in one drift check"
        ),
        "monitor.reference_rows": Number(
            reference,
            "rows",
            "",
            {"past_cases": answers.past_cases},
            "Rows of training data that a check compares with",
            answers.provenance("past_cases") if answers.past_cases else "computed",
            note=assumed,
        ),
        "monitor.alpha": Number(
            alpha,
            "",
            "F19",
            {"false_alerts_per_month": answers.false_alerts_per_month, "input_columns": columns, "checks": checks},
            "Significance level of each drift check, so that noise stays within the budget of false alerts",
        ),
        "monitor.alerts_at_05": Number(
            0.05 * columns * checks,
            "alerts a month",
            "F19",
            {"input_columns": columns, "checks": checks},
            "False alerts a month if every check were run at the usual 0.05",
        ),
        "monitor.psi_threshold": Number(psi, "PSI", "F17", seen, "PSI that noise alone stays below"),
        "monitor.psi_limit": Number(
            max(psi, answers.drift_floor),
            "PSI",
            "F17",
            {"psi_threshold": psi, "drift_floor": answers.drift_floor},
            "PSI at which a column raises an alert: real, and large enough to matter",
        ),
        "monitor.psi_rule_misfires": Number(
            signals.psi_false_alarms(0.1, bins, rows, reference),
            "",
            "F17",
            {"drift_bins": bins, "rows": rows, "reference_rows": reference},
            "Share of checks in which the well-known limit of 0.1 would fire on noise alone",
        ),
        "monitor.ks_threshold": Number(
            signals.ks_threshold(rows, reference, alpha),
            "KS distance",
            "F18",
            {name: seen[name] for name in ("rows", "reference_rows", "alpha")},
            "Kolmogorov-Smirnov distance that noise alone stays below",
        ),
        "monitor.drift_window": Number(
            _rows(window),
            "rows",
            "F17",
            seen | {"power": power, "drift_floor": answers.drift_floor},
            "Rows that show a shift of the size that matters",
            note=None if math.isfinite(window) else short,
        ),
        "monitor.drift_window_days": Number(
            whole(window / volume) if math.isfinite(window) else None,
            "days",
            "F17",
            {"daily_volume": volume},
            "Days until a shift of the size that matters is seen",
            note=None if math.isfinite(window) else short,
        ),
        "monitor.ks_window": Number(
            _rows(ks_window),
            "rows",
            "F18",
            {"reference_rows": reference, "alpha": alpha, "distance": ks_floor},
            "Rows at which the KS limit has come down to a shift of the size that matters",
            note=None if math.isfinite(ks_window) else short,
        ),
    }


def _rows(count: float) -> int | None:
    return whole(count) if math.isfinite(count) else None
