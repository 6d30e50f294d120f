"""Release: promotion, parity, fallback and rollback; each gate of G4 is seen red once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ask, edit, forge, gate

from {{ answers.package_name }} import champion, promote, registry
from {{ answers.package_name }}.repo import Repo
from {{ answers.package_name }}.schema import row_problems


# ---------------------------------------------------------------------------------------------------- promotion
def test_promote_before_acceptance_is_blocked(worked: Path) -> None:
    """The gates that are shut are named, nothing is written, and the exit code says blocked."""
    code, said = ask(worked, "promote")

    assert code == 2
    assert "G3." in said
    assert not (worked / registry.PATH).exists()


def test_a_released_version_opens_its_gates(released: Path) -> None:
    """Parity, rollback, fallback and hashes are shown on the version that answers."""
    states = {id: gate(released, id).state for id in ("G4.1", "G4.2", "G4.4", "G4.5", "G4.6", "G6.6")}

    assert states.pop("G4.2") in ("pass", "warn")
    assert set(states.values()) == {"pass"}


def test_promoting_again_changes_nothing(released: Path) -> None:
    """The second promotion is the first one's."""
    before = registry.read(released)["aliases"]
    code, said = ask(released, "promote")

    assert code == 0, said
    assert registry.read(released)["aliases"] == before


def test_service_that_differs_from_training(released: Path) -> None:
    """One score of three hundred moved, the seal with it."""
    forge(released, "parity", lambda found: found["serving"].__setitem__(0, found["serving"][0] + 0.01))

    assert gate(released, "G4.2").state == "fail"


def test_a_score_that_is_no_number_is_no_parity(released: Path) -> None:
    """NaN compares with nothing."""
    forge(released, "parity", lambda found: found["serving"].__setitem__(0, float("nan")))

    assert gate(released, "G4.2").state == "fail"


def test_code_that_changed_after_parity(released: Path) -> None:
    """Parity of other code says nothing about this code."""
    source = next((released / "src").glob("*/features.py"))
    source.write_text(source.read_text() + "\n# changed\n")

    assert gate(released, "G4.2").state == "blocked"
    assert gate(released, "G4.5").state == "blocked"


def test_skewed_service_is_not_promoted(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promotion measures parity itself and refuses."""
    right = promote.both_ways

    def skewed(repo: Repo, candidate: champion.Champion) -> tuple:
        inputs, rows = right(repo, candidate)
        number = next(name for name, kind in candidate.columns.items() if kind == "number")
        return inputs.assign(**{number: inputs[number].sample(frac=1, random_state=1).to_numpy()}), rows

    monkeypatch.setattr(promote, "both_ways", skewed)
    code, said = ask(released, "promote")

    assert code == 1
    assert "score differently" in said


def test_model_file_with_other_bytes(released: Path) -> None:
    """The registry's hash does not fit: the gate is red, and the rule answers."""
    held = registry.entry_of(registry.read(released), "champion")["files"]["model"]["path"]
    (released / held).write_bytes(b"other bytes")
    answer = champion.load(released).fall_back([{}], "")[0]

    assert gate(released, "G4.6").state == "fail"
    assert champion.load(released).model is None
    assert answer.source == "rule"


def test_missing_hash(released: Path) -> None:
    """A version of which nobody knows the data."""
    edit(released / registry.PATH, lambda found: found["models"]["1.0.0"]["hashes"].update(data=""))

    assert gate(released, "G4.6").state == "blocked"


def test_the_door_of_the_service_keeps_the_schema(released: Path) -> None:
    """What data/schema.yaml forbids is answered by the rule, by the same rules as in the audit."""
    found = champion.load(released)
    _, rows = promote.both_ways(Repo(released), found)
    name = next(name for name, kind in found.columns.items() if kind == "number")
    odd = [rows[0] | {name: value} for value in (1e30, "twelve", None)] + [rows[0]]
    answers = found.answers(odd)
    said = [row_problems({"columns": found.card["rules"]}, row) for row in odd]

    assert [answer.source for answer in answers][:2] == ["rule", "rule"]
    assert answers[-1].source == "model"
    assert all(name in answer.reason for answer in answers[:2])
    assert [bool(problems) for problems in said] == [answer.source == "rule" for answer in answers]


# ---------------------------------------------------------------------------------------------------- rollback
def test_a_rollback_needs_a_reason_and_restores(released: Path) -> None:
    """Without a reason nothing moves; with one the last known good version answers."""
    assert ask(released, "rollback")[0] == 1
    code, said = ask(released, "rollback", "--reason", "it was wrong")

    assert code == 0, said
    assert champion.load(released).version == registry.BASELINE
    assert "withdrawn" in registry.read(released)["models"]["1.0.0"]


def test_a_drill_changes_no_alias(released: Path) -> None:
    """Rehearsed, timed, and back where it was."""
    before = registry.read(released)["aliases"]
    code, said = ask(released, "rollback", "--drill")

    assert code == 0, said
    assert registry.read(released)["aliases"] == before


@pytest.mark.parametrize(("change", "state"), [({"seconds": 1e6}, "fail"), ({"answered": False}, "fail")])
def test_a_drill_that_went_wrong(released: Path, change: dict, state: str) -> None:
    """Too slow, or nobody answered afterwards."""
    forge(released, "rollback_drill", lambda found: found.update(change))

    assert gate(released, "G4.4").state == state


def test_an_old_drill_no_longer_counts(released: Path) -> None:
    """A rehearsal of last year."""
    past = (datetime.now(UTC) - timedelta(days=365)).isoformat()
    forge(released, "rollback_drill", lambda found: found.update(at=past))

    assert gate(released, "G4.4").state == "blocked"


@pytest.mark.parametrize("case", ["absent", "failing", "invalid"])
def test_a_model_that_nobody_stands_in_for(released: Path, case: str) -> None:
    """The model's own answer where the rule should have spoken."""
    forge(released, "fallback", lambda found: found["cases"][case].update(source="model"))

    assert gate(released, "G4.5").state == "fail"


# ---------------------------------------------------------------------------------------------------- operations
def test_an_edited_limit(released: Path) -> None:
    """A drift limit typed by hand fails; a decision record that names the signal explains it."""
    edit(released / "ops/monitors.yaml", lambda found: _signal(found, "drift").update(limit=0.5))

    assert gate(released, "G4.7").state == "fail"

    (released / "docs/decisions/0099-limits.md").write_text("# The limit of drift is 0.5\n")

    assert gate(released, "G4.7").state == "blocked"  # the test alert is still missing


def test_a_runbook_that_does_not_exist(released: Path) -> None:
    """An alarm that points nowhere."""
    nowhere = "docs/04-operations.md#nowhere"
    edit(released / "ops/monitors.yaml", lambda found: _signal(found, "volume").update(runbook=nowhere))

    assert "does not exist" in gate(released, "G4.7").reason


def test_the_test_alert_has_to_be_acknowledged(released: Path) -> None:
    """Sent is not received: the code in the message comes back from the person it reached."""
    _, said = ask(released, "monitor", "--test-alert")
    code = said.split("--acknowledge ")[1].split("'")[0]

    assert gate(released, "G4.7").state == "blocked"
    assert ask(released, "monitor", "--acknowledge", "guessed")[0] == 1

    ask(released, "monitor", "--acknowledge", code)

    assert gate(released, "G4.7").state == "pass"


def test_an_unfinished_rollout(released: Path) -> None:
    """A canary without a share."""
    edit(released / "ops/rollout.yaml", lambda found: found["canary"].update(share=None))

    assert gate(released, "G4.9").state == "blocked"


def _signal(found: dict, name: str) -> dict:
    return next(signal for signal in found["signals"] if signal["name"] == name)


def test_cards_are_small_and_whole(released: Path) -> None:
    """All that watching needs, in a few kilobytes of text in git."""
    path = released / "registry/1.0.0.json"
    card = json.loads(path.read_text("utf-8"))

    assert path.stat().st_size < 40_000
    assert {"columns", "rules", "rule", "threshold", "healthy", "profile", "scores"} <= set(card)
