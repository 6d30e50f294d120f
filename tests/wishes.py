"""Twelve wishes side by side: what a lead would expect to differ between their plans, and `docs/wishes.md`.

`python tests/wishes.py` writes the page anew; `tests/test_wishes.py` compares it and holds what is expected.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from mlscaffold import answers, context, figures  # noqa: E402

PAGE = ROOT / "docs/wishes.md"
START = "2026-03-02"
ML = {"kind": "ml", "start_date": START}
SOFTWARE = {"kind": "software", "start_date": START, "rules_expressible": "full"}
TEAM = "po=?:0.2; ds=?:1; mle=?:0.5; swe=?:0.5"
WISHES: dict[str, dict[str, str]] = {
    "fraud": ML
    | {
        "positive_share": "0.02", "current_value": "0.3", "past_cases": "60000", "labelled_cases": "30000",
        "label_source": "logs", "label_delay_days": "90", "miss_cost": "150", "false_alarm_cost": "5",
        "daily_volume": "3000", "serving": "api", "personal_data": "personal", "team": TEAM,
    },
    "demand forecast": ML
    | {
        "task": "forecast", "current_practice": "people", "current_value": "14", "past_cases": "1500",
        "labelled_cases": "1500", "unit_error_cost": "2", "daily_volume": "400", "serving": "batch", "team": TEAM,
    },
    "churn": ML
    | {
        "positive_share": "0.08", "current_value": "0.35", "past_cases": "40000", "labelled_cases": "40000",
        "label_source": "logs", "label_delay_days": "30", "miss_cost": "60", "false_alarm_cost": "4",
        "daily_volume": "1200", "serving": "batch", "personal_data": "personal", "team": TEAM,
    },
    "ticket routing": ML
    | {
        "task": "multiclass", "class_count": "6", "rarest_share": "0.05", "current_value": "0.6",
        "current_practice": "people", "past_cases": "20000", "labelled_cases": "0", "label_source": "people",
        "label_minutes": "2", "annotators": "2", "miss_cost": "3", "daily_volume": "800", "serving": "api",
        "team": TEAM,
    },
    "spam with rules": ML
    | {
        "rules_expressible": "full", "kind_reason": "senders change faster than a list", "current_practice": "rules",
        "current_value": "0.8", "past_cases": "50000", "labelled_cases": "20000", "positive_share": "0.3",
        "miss_cost": "0.5", "false_alarm_cost": "5", "daily_volume": "5000", "serving": "api", "team": TEAM,
    },
    "image triage": ML
    | {
        "positive_share": "0.2", "current_value": "0.6", "target_value": "0.75", "current_practice": "people",
        "past_cases": "8000", "labelled_cases": "8000", "label_source": "both", "label_minutes": "3", "annotators": "2",
        "input_columns": "40",
        "miss_cost": "200", "false_alarm_cost": "10", "daily_volume": "300", "human_confirms": "yes",
        "personal_data": "special", "consequence": "rights", "serving": "alert", "team": TEAM,
    },
    "command-line tool": SOFTWARE
    | {"deliverable": "cli", "capabilities": "Trim a log; Count the lines", "data_class": "none"},
    "library": SOFTWARE
    | {"deliverable": "library", "capabilities": "Check a postal code; Format an address", "data_class": "none"},
    "nightly batch": SOFTWARE
    | {
        "deliverable": "batch", "capabilities": "Close the day; Report differences", "dependencies": "bank=99.5",
        "data_class": "internal", "slo_percent": "99", "rows_a_run": "20000",
    },
    "invoice service": SOFTWARE
    | {
        "deliverable": "service", "capabilities": "Take an invoice; Check it; Send it on",
        "dependencies": "ledger=99.9; mail=99.5", "data_class": "internal", "slo_percent": "99",
    },
    "public web app": SOFTWARE
    | {
        "deliverable": "web-app", "capabilities": "Register; Book a room; Cancel a booking; See a booking",
        "dependencies": "payment=99.9; mail=99.5", "data_class": "personal", "slo_percent": "99.5",
        "consequence": "rights", "daily_volume": "20000",
    },
    "service beside a model": SOFTWARE
    | {
        "deliverable": "service", "capabilities": "Take a photo; Show the judgement", "data_class": "internal",
        "dependencies": "archive=99.9", "ml_component": "triage", "slo_percent": "99",
    },
}  # fmt: skip

Plan = Mapping[str, Any]


@functools.cache
def planned(name: str) -> tuple[answers.Answers, Plan]:
    """Answers and plan of a wish."""
    given = answers.complete(WISHES[name])
    return given, context.plan_of(given)  # type: ignore[return-value]


def _line(plan: Plan, key: str) -> str:
    return next((str(line["text"]).replace("|", "/") for line in plan["headline"] if line["key"] == key), "no line")


def _days(given: answers.Answers, plan: Plan) -> str:
    return figures.number(plan["schedule"]["effort_days"]["value"], "person-days")


def _p50(given: answers.Answers, plan: Plan) -> str:
    return str(plan["schedule"]["p50"]["value"])


def _shown(given: answers.Answers, plan: Plan) -> str:
    return _line(plan, "rows" if given.kind == "ml" else "shown")


def _gain(given: answers.Answers, plan: Plan) -> str:
    return _line(plan, "gain") if given.kind == "ml" else "does not apply: no measured quality decides"


def _payback(given: answers.Answers, plan: Plan) -> str:
    return _line(plan, "payback") if given.kind == "ml" else "does not apply: no error of a model is priced"


def _advice(given: answers.Answers, plan: Plan) -> str:
    return f"{plan['advice']['recommendation']} ({plan['advice']['rung']})"


COLUMNS: dict[str, Callable[[answers.Answers, Plan], str]] = {
    "Advice": _advice,
    "Person-days": _days,
    "Even odds (P50)": _p50,
    "Rows, or what shows it": _shown,
    "Smallest useful gain": _gain,
    "Payback": _payback,
    "Most in the way": lambda given, plan: _line(plan, "obstacle"),
}


def page() -> str:
    """The page: the twelve beside each other in figures, then what a lead would ask of each in sentences."""
    short, long = (
        ("Advice", "Person-days", "Even odds (P50)"),
        ("Rows, or what shows it", "Smallest useful gain", "Payback", "Most in the way"),
    )
    lines = [
        "# Twelve wishes side by side",
        "",
        "What the plan says for twelve answers that a lead would tell apart, all started on the same day.",
        "Written by `python tests/wishes.py`; `tests/test_wishes.py` compares it and holds what must differ.",
        "",
        "| Wish | " + " | ".join(short) + " |",
        "|---" * (1 + len(short)) + "|",
    ]
    for name in WISHES:
        given, plan = planned(name)
        lines.append(f"| {name} | " + " | ".join(COLUMNS[column](given, plan) for column in short) + " |")
    for name in WISHES:
        given, plan = planned(name)
        lines += ["", f"## {name[0].upper()}{name[1:]}", ""]
        lines += [f"- {column}: {COLUMNS[column](given, plan)}" for column in long]
        moved = [f"{one['title']} ({', '.join(one['answers'])})" for one in plan["schedule"]["movers"]]
        lines.append(f"- What moves the end most: {'; '.join(moved)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
