"""What only rigor strict adds to acceptance and release; each gate is seen red once."""

from pathlib import Path

import pytest
from conftest import ask, edit, forge, gate
from my_project import accept, registry


def test_limits_and_costs(worked: Path) -> None:
    """A model slower than the plan allows; a model whose decisions cost more than the baseline's."""
    assert gate(worked, "G3.5").state == "pass"
    assert gate(worked, "G3.6").state == "pass"

    forge(worked, "acceptance", lambda facts: facts["limits"].update(seconds_per_1000=1e6))
    assert gate(worked, "G3.5").state == "fail"

    forge(worked, "acceptance", lambda facts: facts["limits"].update(cost_best_of_20=1.0, cost_at_threshold=2.0))
    assert "at a better threshold" in gate(worked, "G3.5").reason


def test_a_dearer_model(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that costs more with the model than with the rule, or than doing nothing, is not shipped."""
    for dearer in ("baseline", "nothing"):
        costs = {"model": 2.0, "baseline": 3.0, "nothing": 4.0} | {dearer: 1.0}
        monkeypatch.setattr(accept, "accepted", lambda _, costs=costs: {"cost": costs})

        assert gate(worked, "G3.6").state == "fail"
        assert dearer in gate(worked, "G3.6").reason


def test_hidden_change_of_behaviour(worked: Path) -> None:
    """An example taken out does not follow from the predictions; without the evidence nothing was read."""
    ask(worked, "sign", "G3.7")
    forge(worked, "behaviour", lambda facts: facts.update(changed=2.0, worse=[]))
    assert gate(worked, "G3.7").state == "fail"
    assert "do not follow" in gate(worked, "G3.7").reason

    (worked / "evidence" / "behaviour.json").unlink()
    assert gate(worked, "G3.7").state == "blocked"


def test_behaviour_of_another_model(worked: Path) -> None:
    """A new acceptance makes what was read stale."""
    ask(worked, "sign", "G3.7")
    forge(worked, "acceptance", lambda facts: facts["predictions"].update(simpler=facts["predictions"]["baseline"]))

    assert gate(worked, "G3.7").state == "blocked"
    assert "stale" in gate(worked, "G3.7").reason


def test_changed_behaviour_is_read_by_the_expert(worked: Path) -> None:
    """Unsigned is blocked, rejected is red, and what was signed is what the predictions say."""
    assert gate(worked, "G3.7").state == "blocked"
    assert ask(worked, "sign", "G3.7")[0] == 0
    assert gate(worked, "G3.7").state == "pass"

    edit(worked / "gates" / "signoff-G3.7.yaml", lambda rows: rows[0].update(decision="reject"))
    assert gate(worked, "G3.7").state == "fail"


def test_a_request_of_yesterday_that_is_refused(released: Path) -> None:
    """An input that changed its kind, and one that may no longer be missing."""
    assert gate(released, "G4.1").state == "pass"
    card = next(iter((released / "registry").glob("1.0.0.json")))
    names = registry.read(released)["models"]["1.0.0"]
    (released / "registry" / "0.9.0.json").write_text(card.read_text("utf-8"), "utf-8")

    def older(book: dict) -> None:
        book["models"]["0.9.0"] = names | {"files": names["files"] | {"card": {"path": "registry/0.9.0.json"}}}
        book["aliases"]["previous"] = "0.9.0"

    edit(released / registry.PATH, older)
    assert gate(released, "G4.1").state == "pass"

    def stricter(card: dict) -> None:
        name = next(iter(card["columns"]))
        card["columns"][name] = "date"

    edit(released / "registry" / "0.9.0.json", stricter)
    assert gate(released, "G4.1").state == "fail"
    assert "was a date" in gate(released, "G4.1").reason


def test_readiness_is_the_weakest_section(released: Path) -> None:
    """Nothing is watched yet: the section on monitoring decides."""
    assert gate(released, "G4.10").state == "fail"
    assert "the weakest must reach" in gate(released, "G4.10").reason


def test_an_unfinished_rollout(released: Path) -> None:
    """A canary without a share."""
    edit(released / "ops/rollout.yaml", lambda found: found["canary"].update(share=None))

    assert gate(released, "G4.9").state == "blocked"
