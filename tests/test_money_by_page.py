"""The money of a plan once more, by the four lines of F12 on the page of formulas and not by the code.

What a line needs is taken from the answers, or from the plan where another formula made it: days of work, days between
retrainings, hours of audits, labels of a comparison.
"""

from typing import Any

import pytest
from material import ROOT
from mlscaffold import answers as answers_module
from mlscaffold.planning.number import entries
from mlscaffold.planning.plan import compute

LINES = (
    "p* = C_FP / (C_FP + C_FN)",
    "break-even gain = (build / months + upkeep a month) / decisions a month / worth of a unit",
    "payback = build / (value a month − upkeep a month)",
    "upkeep = running + retraining + checking + labelling",
)
GIVEN = {"kind": "ml", "decision": "Somebody decides something else than today.", "start_date": "2026-03-02"}
PROJECTS = {
    "recall, found in logs": {
        "task": "binary", "metric": "recall", "positive_share": "0.04", "miss_cost": "140", "false_alarm_cost": "6",
        "daily_volume": "4000", "current_value": "0.4", "target_value": "0.7", "label_source": "logs",
        "labelled_cases": "90000", "past_cases": "90000", "monthly_run_budget": "1500", "day_rate": "720",
    },
    "recall, people label": {
        "task": "binary", "metric": "recall", "positive_share": "0.1", "miss_cost": "90", "false_alarm_cost": "4",
        "daily_volume": "3000", "current_value": "0.5", "target_value": "0.72", "label_source": "people",
        "label_minutes": "2", "labelled_cases": "5000", "past_cases": "200000", "retrain_cost": "900",
    },
    "an error in euros": {
        "task": "regression", "metric": "mae", "unit_error_cost": "0.6", "daily_volume": "900", "current_value": "14",
        "target_value": "11", "label_source": "logs", "labelled_cases": "60000", "past_cases": "60000",
        "payback_limit_months": "24", "build_cost": "64000",
    },
    "classes": {
        "task": "multiclass", "metric": "accuracy", "miss_cost": "2.5", "daily_volume": "2500", "current_value": "0.71",
        "target_value": "0.82", "label_source": "both", "label_minutes": "1", "labelled_cases": "40000",
        "past_cases": "40000",
    },
    "a gain in money": {
        "task": "binary", "metric": "own:profit", "metric_unit": "EUR a decision", "metric_spread": "20",
        "positive_share": "0.1", "daily_volume": "900", "current_value": "1.2", "target_value": "2.4",
        "label_source": "logs", "labelled_cases": "60000", "past_cases": "60000", "monthly_run_budget": "800",
    },
    "an error that is worth less than it costs to keep": {
        "task": "regression", "metric": "mae", "unit_error_cost": "0.6", "daily_volume": "20", "current_value": "14",
        "target_value": "11", "label_source": "logs", "labelled_cases": "60000", "past_cases": "60000",
        "build_cost": "64000", "monthly_run_budget": "1500", "payback_limit_months": "24",
    },
}  # fmt: skip


def worth_of_a_unit(given: Any) -> float:
    """By the answers' own words: what one miss costs where a positive is found, what one wrong class or unit costs.

    A metric that is counted in money is worth what it says.
    """
    if given.metric_unit.startswith(given.currency):
        return 1.0
    if given.task == "binary":
        return float(given.positive_share * given.miss_cost)
    return float(given.miss_cost if given.task == "multiclass" else given.unit_error_cost)


def by_the_page(given: Any, plan: dict[str, Any]) -> dict[str, float | None]:
    """Every amount, from the answers and from what other formulas gave."""
    hour, month = given.day_rate / 8, 30 * given.daily_volume
    every = plan["retrain.every_days"]
    retrainings = 365 / every if every else 0
    labels_by_hand = given.label_source in ("people", "both")
    found: dict[str, float] = {
        "acceptance.build_cost": given.build_cost or plan["schedule.effort_days"] * given.day_rate,
        "acceptance.run_cost_year": 12 * given.monthly_run_budget,
        "upkeep.retraining": retrainings * (given.retrain_cost or 2 * given.day_rate),
        "upkeep.checking": 52 * plan["feedback.audit_hours_week"] * hour,
        "upkeep.labelling": retrainings * plan["promotion.stream_labels"] * given.label_minutes / 60 * hour
        if labels_by_hand
        else 0.0,
    }
    upkeep = sum(found[key] for key in found if key != "acceptance.build_cost")
    build, worth = found["acceptance.build_cost"], worth_of_a_unit(given)
    gain = abs(given.target_value - given.current_value)
    value = gain * worth * month
    return found | {
        "upkeep.total": upkeep,
        "acceptance.break_even_gain": (build / given.payback_limit_months + upkeep / 12) / month / worth,
        "acceptance.value_month": value,
        "acceptance.payback_months": build / (value - upkeep / 12) if value > upkeep / 12 else None,
    }


@pytest.mark.parametrize("name", PROJECTS)
def test_every_amount_is_that_of_the_page(name: str) -> None:
    """To a ten thousandth: build, each part of a year and its total, the payback, the threshold.

    The gain that pays is never too small, and at most a thousandth too large: it moves the retrainings and labels that
    a year's total is made of, and where two totals in whole days and rows take turns it is counted with the larger.
    """
    given = answers_module.complete(GIVEN | PROJECTS[name])
    plan = {key: entry["value"] for key, entry in entries(compute(given))}
    expected = by_the_page(given, plan)
    if given.task == "binary":
        expected["acceptance.threshold"] = given.false_alarm_cost / (given.false_alarm_cost + given.miss_cost)

    even = expected.pop("acceptance.break_even_gain")

    assert even is not None
    assert even * (1 - 1e-9) <= plan["acceptance.break_even_gain"] <= 1.001 * even
    never = {key for key, amount in expected.items() if amount is None}
    assert never == {key for key in expected if plan[key] is None}
    assert [plan[key] for key in expected if key not in never] == pytest.approx(
        [amount for amount in expected.values() if amount is not None], rel=1e-4
    )


def test_the_page_has_the_lines_that_this_follows() -> None:
    """Whoever changes a line of F12 changes the arithmetic here."""
    page = (ROOT / "docs/formulas.md").read_text("utf-8")

    assert all(line in page for line in LINES)
