"""Whether labelled rows are enough for the verdict that the plan wants (G1.5)."""

from pathlib import Path
from typing import Any

import pytest
from planrun.repository import Repo
from planrun_ml.gates import g1_data
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.metrics import named
from planrun_ml.self_test.conftest import edit, gate


def planned(root: Path, **values: float) -> None:
    """These numbers of the plan's test set, as a replan would have written them."""

    def write(plan: dict[str, Any]) -> None:
        for name, value in values.items():
            plan["test"][name]["value"] = value

    edit(root / "plan/plan.json", write)


def test_rows_of_one_group_count_for_less(worked: Path) -> None:
    """As many units as planned are enough where rows stand alone, and half of them where groups double the rows."""
    have = Repo(worked).evidence("labels")["test"]["units"]

    planned(worked, units=have, design_effect=1)
    assert gate(worked, "G1.5").state == "pass"
    planned(worked, units=have, design_effect=2)
    assert gate(worked, "G1.5").state == "warn"
    assert f"{have:,} of {2 * have:,} labelled test {deciding(Repo(worked)).counted_on}" in gate(worked, "G1.5").reason


def test_alarms_that_nobody_has_raised_yet_are_planned_in_rows(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Precision counts on flagged rows: without a model to flag, the plan's rows are what can be held against it."""
    monkeypatch.setattr(g1_data, "deciding", lambda repo: named("precision"))
    have = Repo(worked).evidence("labels")["test"]["rows"]

    planned(worked, units=have // 10, rows=have)
    assert gate(worked, "G1.5").state == "pass"
    planned(worked, units=have // 10, rows=have + 5)
    assert gate(worked, "G1.5").state == "warn"
    assert "5 more labelled test rows" in gate(worked, "G1.5").next_step
