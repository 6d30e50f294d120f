"""The gate engine, signatures and waivers of a software repository, beyond what the repository itself ships."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from planrun import command, gates
from planrun.gates import GATES, Gate
from planrun.repository import Repo
from planrun.signing import waivers
from planrun.trouble import Trouble
from planrun_software.self_test.conftest import Box

TODAY = date.today()


@pytest.mark.parametrize("number", ["objective", "demo_requests"])
def test_a_plan_edited_by_hand_shuts_the_gates_that_use_it(box: Box, number: str) -> None:
    """Somebody writes an easier number into plan.json; no gate computes with it."""
    plan = json.loads((box.root / "plan/plan.json").read_text("utf-8"))
    plan["slo"].setdefault(number, {})["value"] = 0.5
    box.write("plan/plan.json", json.dumps(plan))

    row = box.state("T1.4")

    assert row.state == "blocked"
    assert "plan/plan.json is not what mlscaffold computed" in row.reason


def test_a_check_that_breaks_is_a_row_of_its_own(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """One check raises what nobody expected: its row says so, and every other gate is still shown."""
    gates.load(Repo(box.root))
    monkeypatch.setitem(GATES, "T1.5", Gate("T1.5", "Capacity", lambda repo: 1 / 0))  # type: ignore[arg-type, return-value]

    rows = {row.id: row for row in gates.evaluate(Repo(box.root))}

    assert rows["T1.5"].state == "fail"
    assert "The check of T1.5 broke: ZeroDivisionError" in rows["T1.5"].reason
    assert {rows[id].state for id in ("T1.4", "T1.6", "T3.1")} == {"pass"}


@pytest.mark.parametrize(("until", "counts"), [("90", True), ("91", False), ("2999-01-01", False), ("soon", False)])
def test_a_waiver_ends(box: Box, until: str, counts: bool) -> None:
    """By a day or by a number of days, ninety at most."""
    box.answer("worker_limit", "")
    if counts:
        waivers.waive(Repo(box.root), "T1.5", "we measure it next month", until)
        assert box.state("T1.5").state == "waived"
    else:
        with pytest.raises(Trouble, match="would not count"):
            waivers.waive(Repo(box.root), "T1.5", "we measure it next month", until)
        assert box.state("T1.5").state == "blocked"


def test_a_waiver_written_by_hand_ends_as_well(box: Box) -> None:
    """Nobody gains years by leaving out the day on which it was written, or by writing a later one."""
    box.answer("worker_limit", "")
    row = {"gate": "T1.5", "approver": "Ana", "reason": "later", "until": "2999-01-01"}
    for on in ({}, {"on": "2998-12-31"}):
        box.write("gates/waivers.yaml", json.dumps([row | on]))

        assert box.state("T1.5").state == "blocked"
        assert "90 days are the most" in box.state("T1.5").reason

    box.write("gates/waivers.yaml", json.dumps([row | {"until": str(TODAY + timedelta(days=30))}]))
    assert "it is in no commit" in box.state("T1.5").reason
    box.git("add", "gates/waivers.yaml")
    box.git("-c", "user.name=Mallory", "commit", "-q", "-m", "walked past")
    assert "Mallory committed it" in box.state("T1.5").reason
    box.write("gates/waivers.yaml", json.dumps([row | {"until": str(TODAY + timedelta(days=31))}]))
    box.git("commit", "-q", "-am", "walked past")
    assert box.state("T1.5").state == "waived"


@pytest.mark.parametrize("text", ["waived", "- T1.5", "{gate: T1.5}"])
def test_waivers_that_are_none(box: Box, text: str) -> None:
    """One sentence that names the file and what it holds."""
    box.answer("worker_limit", "")
    box.write("gates/waivers.yaml", text)

    assert box.state("T1.5").state == "fail"
    assert "gates/waivers.yaml holds" in box.state("T1.5").reason


def test_what_is_to_be_typed_next_can_be_typed() -> None:
    """Nothing has been activated, so the interpreter of .venv is named."""
    assert Path(command.COMMAND.split()[0]).parts[0] == ".venv"


@pytest.mark.parametrize(
    "text", ["", "[]", '[{key: rigor, value: strict, confirmed_by: Bo, confirmed_on: "2026-01-05"}]']
)
def test_an_assumption_of_the_plan_stays_open(box: Box, text: str) -> None:
    """A row that was deleted, or that a person confirmed with another value, is open again."""
    row = {"key": "rigor", "question": "How strict?", "value": "standard", "why": "It blocks.", "gate": "T1.3"}
    box.plan(assumptions=[row])
    box.write("plan/assumptions.yaml", text)

    assert box.state("T1.3").state == "blocked"
    assert "1 assumption unconfirmed: rigor" in box.state("T1.3").reason


def test_gates_block_that_were_taken_off_the_list(box: Box) -> None:
    """The rigor asks for them; the row says that the list does not."""
    before = Repo(box.root).blocking()
    box.edit("plan/gates.yaml", "(?s)^blocking:.*?^titles:", "blocking: []\ntitles:")
    rows = [row for row in gates.evaluate(Repo(box.root)) if row.blocking]

    assert sorted(row.id for row in rows) == sorted(before)
    assert all(row.reason.endswith("(plan/gates.yaml does not list it; it blocks.)") for row in rows)
