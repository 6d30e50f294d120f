"""Release: parity, the service's door, drills and operations beyond what the repository itself ships."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from planrun.repository import Repo
from planrun_ml.data import profile, schema
from planrun_ml.release import champion_model, parity, registry
from planrun_ml.self_test.conftest import ask, edit, forge, gate
from planrun_ml.self_test.test_live import signal_of
from planrun_ml.tables.query import Engine


def test_promoting_again_changes_nothing(released: Path) -> None:
    """The second promotion is the first one's."""
    before = registry.read(released)["aliases"]
    code, said = ask(released, "promote")

    assert code == 0, said
    assert registry.read(released)["aliases"] == before


def test_a_score_that_is_no_number_is_no_parity(released: Path) -> None:
    """NaN compares with nothing."""
    forge(released, "parity", lambda found: found["serving"].__setitem__(0, float("nan")))

    assert gate(released, "G4.2").state == "fail"


def test_what_a_version_answers_with_changed_after_parity(released: Path) -> None:
    """Parity of another card says nothing about this one; code that the version does not answer with may change."""
    before = {id: gate(released, id).state for id in ("G4.2", "G4.5")}
    source = next((released / "src").glob("*/__init__.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    assert {id: gate(released, id).state for id in ("G4.2", "G4.5")} == before
    assert "blocked" not in before.values()
    card = released / registry.card_path("1.0.0")
    card.write_text(card.read_text() + "\n")

    assert gate(released, "G4.2").state == "blocked"
    assert gate(released, "G4.5").state == "blocked"


def test_skewed_service_is_not_promoted(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promotion measures parity itself and refuses."""
    right = parity.both_ways

    def skewed(repo: Repo, candidate: champion_model.Champion) -> tuple:
        inputs, rows = right(repo, candidate)
        number = next(name for name, kind in candidate.columns.items() if kind == "number")
        return inputs.assign(**{number: inputs[number].sample(frac=1, random_state=1).to_numpy()}), rows

    monkeypatch.setattr(parity, "both_ways", skewed)
    code, said = ask(released, "promote")

    assert code == 1
    assert "score differently" in said


def test_missing_hash(released: Path) -> None:
    """A version of which nobody knows the data."""
    edit(released / registry.PATH, lambda found: found["models"]["1.0.0"]["hashes"].update(data=""))

    assert gate(released, "G4.6").state == "blocked"


def audited(columns: dict, row: dict) -> list:
    """What the audit says of a table of this one row."""
    table = Engine()
    table.register("source", pd.DataFrame([row]).assign(_row=1))
    rules = {"rows_at_least": "1", "repeated_rows_at_most": "0", "columns": columns}
    return schema.breaches(table, rules, profile.profile(table, table.columns("source"), 1), 1, 0)


def test_the_door_of_the_service_keeps_the_schema(released: Path) -> None:
    """What data/schema.yaml forbids is answered by the rule, by the same rules as in the audit."""
    found = champion_model.load(released)
    _, rows = parity.both_ways(Repo(released), found)
    name = next(name for name, kind in found.columns.items() if kind == "number")
    odd = [rows[0] | {name: value} for value in (1e30, "twelve", None)] + [rows[0]]
    answers = found.answers(odd)
    said = [audited(found.card["rules"], row) for row in odd]

    assert [answer.source for answer in answers][:2] == ["rule", "rule"]
    assert answers[-1].source == "model"
    assert all(name in answer.reason for answer in answers[:2])
    assert [bool(problems) for problems in said] == [answer.source == "rule" for answer in answers]


def test_a_drill_changes_no_alias(released: Path) -> None:
    """Rehearsed, timed, and back where it was."""
    before = registry.read(released)["aliases"]
    code, said = ask(released, "rollback", "--drill")

    repo, book = Repo(released), registry.read(released)
    found = repo.evidence("rollback_drill")

    assert code == 0, said
    assert book["aliases"] == before
    assert "withdrawn" not in book["models"]["1.0.0"]
    assert (found["from"], found["to"], found["answered"]) == ("1.0.0", registry.BASELINE, True)
    assert 0 < found["seconds"] < 60 * float(repo.answers["rollback_minutes"])


def test_an_old_drill_no_longer_counts(released: Path) -> None:
    """A rehearsal of last year."""
    past = (datetime.now(UTC) - timedelta(days=365)).isoformat()
    forge(released, "rollback_drill", lambda found: found.update(at=past))

    assert gate(released, "G4.4").state == "blocked"


def test_a_runbook_that_does_not_exist(released: Path) -> None:
    """An alarm that points nowhere."""
    nowhere = "docs/04-operations.md#nowhere"
    edit(released / "ops/monitors.yaml", lambda found: signal_of(found, "volume").update(runbook=nowhere))

    assert "does not exist" in gate(released, "G4.7").reason


def test_the_test_alert_has_to_be_acknowledged(released: Path) -> None:
    """Sent is not received: the code in the message comes back from the person it reached."""
    _, said = ask(released, "monitor", "--test-alert")
    code = said.split("--acknowledge ")[1].split("'")[0]

    assert gate(released, "G4.7").state == "blocked"
    assert ask(released, "monitor", "--acknowledge", "guessed")[0] == 1

    ask(released, "monitor", "--acknowledge", code)

    assert gate(released, "G4.7").state == "pass"


def test_cards_are_small_and_whole(released: Path) -> None:
    """All that watching needs, in a few kilobytes of text in git."""
    path = released / "registry/1.0.0.json"
    card = json.loads(path.read_text("utf-8"))

    assert path.stat().st_size < 40_000
    assert {"columns", "rules", "rule", "threshold", "healthy", "profile", "scores"} <= set(card)


@pytest.mark.parametrize(
    ("name", "change", "state", "said"),
    [
        ("inputs", {"limit": 0.99}, "fail", "limit of inputs is 0.99, the plan says 0.02"),
        ("fallback", {"limit": 0.99}, "fail", "limit of fallback is 0.99, the plan says 0.01"),
        ("quality", {"window_days": 1}, "fail", "window_days of quality is 1, the plan says 365"),
        ("volume", {"limit": None}, "fail", "limit of volume is null, the plan says 1"),
        ("volume", {"from": None}, "blocked", "No test alert"),
        ("quality", None, "blocked", "quality is missing"),
        ("skew", {"owner": None}, "blocked", "skew has no owner"),
    ],
)
def test_a_watch_that_is_not_the_plans(released: Path, name: str, change: dict | None, state: str, said: str) -> None:
    """Removed, loosened, or no longer naming where its limit comes from: what the plan gives is what counts."""

    def plant(found: dict) -> None:
        one = next(signal for signal in found["signals"] if signal["name"] == name)
        if change is None:
            found["signals"].remove(one)
        for key, value in (change or {}).items():
            one.pop(key, None)
            one.update({key: value} if value is not None else {})

    edit(released / "ops/monitors.yaml", plant)

    assert gate(released, "G4.7").state == state, gate(released, "G4.7").reason
    assert said in gate(released, "G4.7").reason
