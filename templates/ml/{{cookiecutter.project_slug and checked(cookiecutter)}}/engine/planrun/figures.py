"""With how many digits people are shown a figure: one rule for each kind of quantity, on every page and screen.

Days, weeks, months and hours are whole, rows are whole and rounded up, and an amount of money that was worked out has
three digits. What a person typed stays as it was typed. Gates and the files of `ops/` count with all the digits there
are: nothing here is read back.
"""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

WHOLE = ("working days", "person-days", "days", "weeks", "months", "minutes", "hours")  # nobody plans in parts of them
# So many are needed, and a part of one is one more; so many may fail, and a part of one is none.
COUNTED = ("rows", "labelled rows", "flagged rows", "queries", "positives")
ALLOWED = ("requests", "runs")
AN_AMOUNT = "EUR"  # of whichever currency
MONEY = re.compile(r"(?!PSI)[A-Z]{3}( a year| per decision| a day, each day)?$")  # units of the catalogue in a currency
GIVEN = ("answered", "measured")  # provenances of a figure that somebody gave
AMOUNT_DIGITS = 3
HALVES_BELOW = 10  # days from which a half is no more than the estimate is uncertain
# What inputs are counted in that bear no name of the catalogue: the formulas' own names (docs/formulas.md).
INPUT_UNITS = {
    **dict.fromkeys(("build_cost", "value_month", "retraining", "checking", "labelling", "cost"), AN_AMOUNT),
    **dict.fromkeys(("upkeep_year", "run_cost_year"), AN_AMOUNT),
    "effort_days": "person-days",
    **dict.fromkeys(("canary_days", "cap_days", "delay_days", "interval_days", "every_days"), "days"),
    **dict.fromkeys(("days", "working_days", "phase_days"), "working days"),
    "audit_hours_week": "hours",
    "weeks": "weeks",
}


def number(value: Any, unit: str = "", provenance: str = "computed") -> str:
    """A figure without its unit: 42347.1 EUR → 42,300; 70.6 person-days → 71; 263.4 rows → 264; 0.05667 → 0.0567.

    Three digits where no kind says otherwise, and more close to one or a hundred: 99.95, 0.9995. A list is its parts, a
    truth "yes" or "no", a text itself. `value` is not None.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(number(part) for part in value)
    if not isinstance(value, (int, float)):
        return str(value)
    if unit in WHOLE and isinstance(value, float):
        return _whole(value, unit)
    if unit in COUNTED and isinstance(value, float):
        return "less than 1" if 0 < value < 1 else f"{math.ceil(value - 1e-9):,}"
    if unit in ALLOWED and isinstance(value, float):
        return "less than 1" if 0 < value < 1 else f"{math.floor(value + 1e-9):,}"
    if MONEY.match(unit):
        return money(value, provenance)
    if isinstance(value, int) or abs(value) >= 1000 or value == int(value):
        return f"{round(value):,}"
    near_the_top = 0.99 < abs(value) < 1 or 99 < abs(value) < 100
    return significant(value, digits_near_the_top(value) if near_the_top else 3 if abs(value) < 100 else 4)


def _whole(value: float, unit: str) -> str:
    """Time that somebody plans; a month counts from its beginning."""
    whole = math.ceil(value - 1e-9) if unit == "months" else round(value)
    return "less than 1" if 0 < value < 1 else f"{whole:,}"


def given(name: str, value: Any, answers: Mapping[Any, Any]) -> str:
    """What went into a number, by the input's name: as its own page shows it, or as it was typed where it was."""
    unit = INPUT_UNITS.get(name, "")
    typed = name in answers and answers[name] not in (None, "")
    return number(value, "" if typed else unit, "answered" if typed else "computed")


def money(value: float, provenance: str = "computed") -> str:
    """An amount without its currency: 42347.1 → 42,300; 0.5 → 0.50; 0.1234 → 0.123; 1234.5, somebody's, → 1,234.50."""
    if provenance not in GIVEN:
        value = amount(value)
    if abs(value) < 1 and round(value, 2) != round(value, 12):
        return significant(value, 12)
    return f"{value:,.2f}".removesuffix(".00")


def amount(value: float) -> float:
    """An amount of money with the digits that an estimate supports: 42347.1 → 42300; 1166.7 → 1170; 0.256 → 0.256."""
    return float(f"{value:.{AMOUNT_DIGITS}g}")


def half_days(value: float) -> str:
    """Days of one task, in halves below ten and whole above: 4.3 → 4.5, 21.6 → 22; at least half a day."""
    halves = math.floor(value + 0.5) if value >= HALVES_BELOW else max(1, math.floor(2 * value + 0.5)) / 2
    return f"{halves:g}"


def significant(value: float, digits: int) -> str:
    """That many digits, never with an exponent, and none of them lost: 7.63e-11 → 0.0000000000763."""
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    plain = f"{Decimal(text):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def digits_near_the_top(value: float) -> int:
    """How many digits a value close to one or a hundred is written with: five, and more until it is not written as it.

    Ten are what a plan keeps of a number.
    """
    return next((digits for digits in range(5, 10) if float(f"{value:.{digits}g}") not in (1, -1, 100, -100)), 10)
