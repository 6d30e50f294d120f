"""Triage walks its order; what somebody has explained is kept with the name, and the walk goes on."""

from types import SimpleNamespace
from typing import Any

import pytest
from planrun.trouble import Trouble

from planrun_ml.watching import triage
from planrun_ml.watching.watches import Signal

STEPS = (
    ("Labels?", lambda view: "", "mend"),
    ("Inputs?", lambda view: "region moved", "ask"),
    ("Code?", lambda view: "another commit", "compare"),
)


@pytest.fixture
def repo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two findings, one behind the other, and evidence that is kept in memory."""
    kept: dict[str, Any] = {}
    monkeypatch.setattr(triage, "look", lambda repo, at: SimpleNamespace(champion=SimpleNamespace(version="1.0.0")))
    monkeypatch.setattr(triage, "quality", lambda view, days, limit: Signal("ok", ""))
    monkeypatch.setattr(triage, "person", lambda repo: "Ana")
    monkeypatch.setattr(triage, "STEPS", STEPS)
    return SimpleNamespace(kept=kept, write_evidence=lambda name, facts: kept.update(facts))


def test_the_walk_stops_at_the_first_finding_that_nobody_explained(repo: Any) -> None:
    """And says how to go on where it is explained."""
    done = triage.triage(repo)

    assert done.code == 1
    assert "another commit" not in done.text
    assert '--explained "2=…"' in done.text


def test_an_explained_finding_is_passed_and_the_next_one_found(repo: Any) -> None:
    """The reason and who gave it are kept."""
    done = triage.triage(repo, explained=["2=a branch opened"])

    assert done.code == 1
    assert "explained by Ana: a branch opened" in done.text
    assert "another commit" in done.text
    assert repo.kept["steps"][1] == {
        "step": 2, "question": "Inputs?", "found": "region moved", "explained": "a branch opened", "by": "Ana",
    }  # fmt: skip
    assert triage.triage(repo, explained=["2=a branch opened", "3=planned"]).code == 0


@pytest.mark.parametrize("text", ["2", "2=", "9=why", "labels=why"])
def test_a_reason_belongs_to_a_step(repo: Any, text: str) -> None:
    """One sentence for what is none."""
    with pytest.raises(Trouble, match="does not say which step is explained, from 1 to 3, and why"):
        triage.triage(repo, explained=[text])
