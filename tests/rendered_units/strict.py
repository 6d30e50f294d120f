"""What only rigor strict adds to acceptance, release, reviews and candidates; each gate is seen red once."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from planrun.repository import Repo
from planrun_ml.acceptance import verdicts
from planrun_ml.release import registry
from planrun_ml.self_test.conftest import ask, edit, forge, gate, waive
from planrun_ml.self_test.test_live import more_rows


def test_the_lock_is_reached_by_signing(newborn: Path) -> None:
    """The signature covers what the lock will hold, so neither waits for the other; a changed page is signed again."""
    for words in (["audit"], ["confirm", "--all"]):
        ask(newborn, *words)
    early, page = ask(newborn, "baseline")[1], newborn / "docs/01-data-audit.md"
    text = re.sub(r"\[NEEDS ANSWER[^\]]*\][^|\n]*", "as it is written elsewhere ", page.read_text("utf-8"))
    page.write_text(re.sub(r"(?m)^Recommendation:.*", "Recommendation: go, every rule holds", text), "utf-8")
    waive(newborn, "G1.10")  # the sample's target is for other rows, and was taken out
    unsigned = ask(newborn, "baseline")[1]
    signed = ask(newborn, "sign", "G1")
    said = ask(newborn, "baseline")[1]

    assert all(id in early for id in ("G1.1", "G1.13"))
    assert "Not locked. Not yet: 1 gate" in unsigned
    assert "G1.13" in unsigned
    assert ".venv/bin/planrun sign G1" in unsigned.partition("Next: ")[2]
    assert signed[0] == 0, signed[1]
    assert "Locked: gates/G1.lock" in said
    assert gate(newborn, "G1.13").state == gate(newborn, "G1.lock").state == "pass"
    assert "G1.13" not in (newborn / "gates/waivers.yaml").read_text("utf-8")

    page.write_text(page.read_text("utf-8") + "One more remark.\n", "utf-8")
    assert "changed after G1 was signed" in gate(newborn, "G1.13").reason


def test_a_missing_target_is_what_is_missing(newborn: Path) -> None:
    """More rows would not help: the plan has to say what is to be reached."""
    ask(newborn, "audit")

    row = gate(newborn, "G1.10")

    assert row.state == "blocked"
    assert row.reason.startswith("The plan has no target.")
    assert row.next_step == "mlscaffold replan --set target_value=…"


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
        monkeypatch.setattr(verdicts, "accepted", lambda _, costs=costs: {"cost": costs})

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
        card = {"path": "registry/0.9.0.json", "sha256": Repo(released).sha256("registry/0.9.0.json")}
        book["models"]["0.9.0"] = names | {"files": names["files"] | {"card": card}}
        book["aliases"]["previous"] = "0.9.0"

    edit(released / registry.PATH, older)
    assert gate(released, "G4.1").state == "pass"

    def stricter(card: dict) -> None:
        name = next(iter(card["columns"]))
        card["columns"][name] = "date"

    edit(released / "registry" / "0.9.0.json", stricter)
    edit(released / registry.PATH, older)
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


def test_a_review_that_is_overdue(released: Path) -> None:
    """Half a year after the promotion nobody has asked whether it is still worth it; a written review settles it."""
    assert gate(released, "G5.5").state == "pass"

    past = (datetime.now(UTC) - timedelta(days=180)).isoformat()
    edit(released / registry.PATH, lambda book: [event.update(at=past) for event in book["events"]])

    assert gate(released, "G5.5").state == "fail"

    (released / f"docs/decisions/{date.today()}-review.md").write_text("# Still worth it\n")

    assert gate(released, "G5.5").state == "pass"


def test_a_candidate_that_nobody_read_or_signed(released: Path) -> None:
    """Read and signed by the expert and the engineer; another comparison needs both again; segments, too."""
    assert {gate(released, id).state for id in ("G6.3", "G6.4", "G6.5")} == {"pass"}  # nothing was retrained
    assert "No candidate waits." in gate(released, "G6.5").reason

    more_rows(released)
    ask(released, "retrain")
    registry.set_alias(released, "challenger", Repo(released).evidence("candidate")["version"], by="a test")

    assert {gate(released, id).state for id in ("G6.4", "G6.5")} == {"blocked"}
    assert re.search("segment|Worse in|Too few rows", gate(released, "G6.3").reason)

    ask(released, "sign", "G6.4")
    ask(released, "sign", "G6.5")

    assert {gate(released, id).state for id in ("G6.4", "G6.5")} == {"pass"}

    forge(released, "candidate", lambda found: found["behaviour"].update(changed=0.0))

    assert {gate(released, id).state for id in ("G6.4", "G6.5")} == {"blocked"}
