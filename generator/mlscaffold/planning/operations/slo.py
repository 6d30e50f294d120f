"""What a service promises, what may fail, and how it is shown: slo.* of software (F28, F33, F34)"""

import math
from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.formulas import reliability
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.number import Number, Numbers

# Google's Site Reliability Workbook, chapter 5: budget share, long window (hours), short window (minutes).
BURN = (("page", 0.02, 1, 5), ("page", 0.05, 6, 30), ("ticket", 0.10, 72, 360))


def objectives(answers: Answers) -> Numbers:
    """The numbers of slo.* (software): what is promised, what may fail, what dependencies allow, how it is shown."""
    promised = answers.is_asked("slo_percent")
    objective = round(answers.slo_percent / 100, 12) if promised else None
    chain = {name: percent / 100 for name, percent in answers.dependencies.items()}
    what = {"cli": "command-line program"}.get(answers.deliverable, answers.deliverable)
    none = None if promised else f"A {what} runs where it is called, so it promises no availability."
    days = answers.slo_window_days
    given = {"slo_percent": answers.slo_percent, "slo_window_days": days} if promised else {}
    volume = {"daily_volume": answers.daily_volume} if promised else {}
    numbers = _ceiling(answers, chain, objective)
    shown: Numbers = {
        "slo.objective": Number(objective, inputs=given, provenance=answers.provenance("slo_percent"), note=none),
        "slo.budget_minutes": Number(
            None if objective is None else reliability.error_budget(objective, days * 1440), inputs=given, note=none
        ),
        "slo.budget_requests": Number(
            None if objective is None else reliability.error_budget(objective, days * answers.daily_volume),
            inputs=given | volume,
            note=none,
        ),
        "slo.demo_requests": Number(
            None if objective is None else reliability.no_failures(1 - objective),
            inputs=given | {"confidence": 0.95},
            note=none,
        ),
        "slo.demo_samples": Number(reliability.no_failures(0.01), inputs={"quantile": 0.99, "confidence": 0.95}),
        "slo.demo_samples_p95": Number(reliability.no_failures(0.05), inputs={"quantile": 0.95, "confidence": 0.95}),
    }
    return numbers | shown


def _ceiling(answers: Answers, chain: Mapping[str, float], objective: float | None) -> Numbers:
    ceiling = reliability.in_series(chain.values())
    soft = reliability.softened(chain, objective) if objective is not None else []
    left = reliability.in_series(share for name, share in chain.items() if name not in soft)
    given: dict[str, Any] = {"dependencies": answers.text("dependencies")}
    alone = None if chain else "No dependency is named, so nothing but the service itself limits it."
    names = ", ".join(soft)
    note = remedy = None
    if soft:
        note = (
            f"An objective of {answers.slo_percent:g} % is above the {100 * ceiling:.5g} % that its dependencies allow."
        )
        remedy = f"Let {names} fail without failing a request, or lower slo_percent to {_below(ceiling)}."
    return {
        "slo.ceiling": Number(ceiling, inputs=given, note=note or alone, remedy=remedy),
        "slo.soft": Number(
            names or None, inputs=given | {"slo_percent": answers.slo_percent}, note=None if soft else "None."
        ),
        "slo.ceiling_soft": Number(left, inputs=given | ({"soft": names} if names else {})),
    }


def _below(ceiling: float) -> str:
    """The largest percentage with two decimals (more where needed) that lies below the ceiling."""
    for digits in range(2, 7):
        percent = math.floor(ceiling * 100 * 10**digits + 1e-9) / 10**digits
        if percent > 0:
            return f"{percent:.{digits}f}".rstrip("0").rstrip(".")
    return "what you have measured"


def burn_alerts(answers: Answers) -> list[dict[str, Any]]:
    """slo.burn: alerts on how fast the error budget goes; each needs its long and its short window to burn too fast.

    Left out where the window is not longer than the alert's, or where even total failure burns too slowly. Below
    `guard` results in the long window a single failure would alarm, so the alert waits for more; it is left out as well
    where the busiest such window holds fewer, because then it could never fire.
    """
    if not answers.is_asked("slo_percent"):
        return []
    allowed = 1 - answers.slo_percent / 100
    found = []
    for severity, share, hours, minutes in BURN:
        multiplier = round(reliability.burn_multiplier(share, answers.slo_window_days, hours), 6)
        if multiplier * allowed >= 1 or hours >= answers.slo_window_days * 24:
            continue
        guard = whole(1 / (multiplier * allowed))
        if guard > _busiest(answers, hours):
            continue
        found.append(
            {
                "severity": severity,
                "share": share,
                "window_hours": hours,
                "short_minutes": minutes,
                "multiplier": multiplier,
                "error_rate": round(multiplier * allowed, 12),
                "guard": guard,
                "formula": "F33",
            }
        )
    return found


def _busiest(answers: Answers, hours: float) -> float:
    """Results in the busiest window of so many hours: at the peak, but no more than its days hold.

    A job's runs come by its schedule and know no busiest hour.
    """
    days = hours / 24
    peak = answers.peak_factor if answers.is_asked("peak_factor") else 1.0
    return float(answers.daily_volume * min(days * peak, max(1.0, days)))
