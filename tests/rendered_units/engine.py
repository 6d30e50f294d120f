"""The gate engine of a machine-learning repository, where people and editors make slips."""

import json
from pathlib import Path

import pytest
from planrun import gates
from planrun.gates import GATES, Gate
from planrun.repository import Repo
from planrun.signing import waivers
from planrun.trouble import Trouble
from planrun_ml.self_test.conftest import gate


def test_a_plan_edited_by_hand_shuts_the_gates_that_use_it(newborn: Path) -> None:
    """A later end is written into plan.json: the schedule's gate does not compute with it."""
    plan = json.loads((newborn / "plan/plan.json").read_text("utf-8"))
    plan["schedule"]["p80"]["value"] = "2020-01-01"
    (newborn / "plan/plan.json").write_text(json.dumps(plan), "utf-8")

    assert gate(newborn, "G0.6").state == "blocked"
    assert "plan/plan.json is not what mlscaffold computed" in gate(newborn, "G0.6").reason


def test_a_check_that_breaks_is_a_row_of_its_own(newborn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` shows every other gate all the same."""
    sound = {row.id for row in gates.evaluate(Repo(newborn))}
    monkeypatch.setitem(GATES, "G0.6", Gate("G0.6", "Schedule", lambda repo: {}["moon"]))
    rows = {row.id: row for row in gates.evaluate(Repo(newborn))}

    assert rows["G0.6"].state == "fail"
    assert "The check of G0.6 broke: KeyError: 'moon'" in rows["G0.6"].reason
    assert set(rows) == sound >= {"G0.6", *Repo(newborn).blocking()}


def test_a_waiver_lasts_ninety_days_at_most(newborn: Path) -> None:
    """By a number of days, or by a day."""
    with pytest.raises(Trouble, match="90 days are the most"):
        waivers.waive(Repo(newborn), "G0.1", "the sample", "2999-01-01")
    waivers.waive(Repo(newborn), "G0.1", "the sample", "90")

    assert gate(newborn, "G0.1").state == "waived"
