"""The backlog: ids, gates, dependencies, and the hypotheses in their order."""

import re
from typing import Any

import pytest
from mlscaffold import answers as answers_module
from mlscaffold.planning.plan import compute
from random_answers import random_answers

DECISION = "Clerks check the invoices that look wrong before they are paid."
FIELDS = {"id", "title", "body", "kind", "gate", "owner", "due", "depends_on", "estimate_days", "requirement"}


def plan(kind: str = "ml", **texts: str) -> dict[str, Any]:
    """The plan of default answers with others on top."""
    return compute(answers_module.complete({"kind": kind, "decision": DECISION, "start_date": "2026-01-05"} | texts))


@pytest.mark.parametrize("seed", range(40))
def test_any_backlog_holds_together(seed: int) -> None:
    """Ids named after gates and unique, dependencies that exist and form no circle, dates, owners, done criteria."""
    items = compute(random_answers(seed))["backlog"]
    by_id = {item["id"]: item for item in items}

    assert len(by_id) == len(items)
    for item in items:
        assert set(item) == FIELDS
        assert re.fullmatch(r"[GT][0-5]-\d\d", item["id"])
        assert item["id"].startswith(item["gate"])
        assert set(item["depends_on"]) <= by_id.keys() - {item["id"]}
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", item["due"])
        assert item["owner"]
        assert item["estimate_days"] > 0
    _no_circle(by_id)


def _no_circle(by_id: dict[str, dict[str, Any]]) -> None:
    left = {name: set(item["depends_on"]) for name, item in by_id.items()}
    while left:
        free = [name for name, waits in left.items() if not waits & left.keys()]
        assert free, f"these items wait for each other: {sorted(left)}"
        for name in free:
            del left[name]


def test_gates_are_in_order_and_closed_by_what_comes_before() -> None:
    """G0 to G5; experiments wait for the gate, acceptance for experiments."""
    items = plan()["backlog"]
    by_title = {item["title"]: item for item in items}

    assert [item["gate"] for item in items] == sorted(item["gate"] for item in items)
    assert by_title["Gate G1 signed"]["kind"] == "gate"
    assert by_title["Experiments"]["depends_on"] == [by_title["Gate G1 signed"]["id"]]
    halves = [item for item in items if item["kind"] == "experiment"]
    for first, second in zip(halves[::2], halves[1::2], strict=True):
        assert first["depends_on"] == [by_title["Gate G1 signed"]["id"]]
        assert second["depends_on"] == [first["id"]]
        assert "Blocked by G1" in first["body"]
        assert first["estimate_days"] == second["estimate_days"] == 5


def test_hypotheses_come_in_the_order_of_value() -> None:
    """Rule, readable model, data, features, family, tuning, new source; a gain is predicted later, not invented now."""
    found = plan()["hypotheses"]
    order = ["rule", "readable model", "labels and inputs", "Features", "family", "Tuning", "new source"]

    assert [row["id"] for row in found] == [f"H{number}" for number in range(1, 8)]
    for row, word in zip(found, order, strict=True):
        assert word in row["change"]
    assert all(row["expected_gain"] is None and row["cost_days"] == 10 for row in found)


def test_every_requirement_is_an_item() -> None:
    """Tests wait at T2, demonstrations at T3; a capability's item is the task that builds it."""
    found = plan("software", capabilities="Submit an order; Cancel an order", dependencies="payments=99.9")
    items = {item["requirement"]: item for item in found["backlog"] if item["requirement"]}

    assert list(items) == [
        row["id"] for row in sorted(found["requirements"], key=lambda row: row["verification"] != "test")
    ]
    assert items["R-01"]["title"] == "R-01 Submit an order"
    assert items["R-01"]["estimate_days"] == pytest.approx(4.9)
    for row in found["requirements"]:
        assert items[row["id"]]["gate"] == ("T2" if row["verification"] == "test" else "T3")
        assert row["text"] in items[row["id"]]["body"]


def test_the_row_count_stands_in_the_item() -> None:
    """The item for the test set says how many rows the plan asks for."""
    invoices = {"current_value": "0.55", "target_value": "0.7", "positive_share": "0.04", "miss_cost": "100"}
    found = plan(**invoices)
    rows = f"{found['test']['rows']['value']:,}"

    assert any(f"The test set holds {rows} rows" in item["body"] for item in found["backlog"])


def test_sessions_are_items_with_their_dates() -> None:
    """Three negotiation sessions, due on the dates of the schedule."""
    found = plan()
    sessions = [item["due"] for item in found["backlog"] if item["kind"] == "session"]

    assert sessions == [meeting["date"] for meeting in found["schedule"]["sessions"]]


def test_the_same_answers_give_the_same_ids() -> None:
    """Ids do not depend on anything but the answers."""
    assert [item["id"] for item in plan()["backlog"]] == [item["id"] for item in plan()["backlog"]]
