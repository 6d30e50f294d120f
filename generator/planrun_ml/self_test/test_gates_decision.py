"""Gates of decisions and of people are seen red: each test takes away what one rests on, and reads the reason."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from planrun.repository import Repo

from planrun_ml.data.lock import GUIDE
from planrun_ml.gates import g3_acceptance, g6_retraining
from planrun_ml.gates.g0_decision import CHARTER, DECISION, HEADINGS
from planrun_ml.release import registry
from planrun_ml.self_test.conftest import ask, edit, forge, gate, waive


def decide(root: Path, **facts: str) -> None:
    """Write the decision's head: sound as it stands, but for these facts."""
    sound = {"choice": "ml", "advisor": "ml", "override_reason": "", "baseline": "a rule", "status": "accepted"}
    head = "".join(f"{key}: {value}\n" for key, value in (sound | facts).items())
    (root / DECISION).write_text(f"---\n{head}---\n# ML or not\n", "utf-8")


def answer(root: Path, key: str, value: str) -> None:
    """Another answer, and the plan planned from it."""
    path = root / "plan" / "project.yaml"
    path.write_text(re.sub(rf"(?m)^{key}:.*$", f'{key}: "{value}"', path.read_text("utf-8")), "utf-8")
    edit(root / "plan" / "plan.json", lambda plan: plan.update(answers_sha256=Repo(root).answers_sha256))


def test_a_charter_with_a_gap(newborn: Path) -> None:
    """A section that is gone, and a question that nobody answered."""
    page = newborn / CHARTER
    whole = "".join(f"## {number} {heading}\nSaid.\n" for number, heading in enumerate(HEADINGS, 1))
    page.write_text(whole, "utf-8")
    assert gate(newborn, "G0.1").state == "pass"

    page.write_text(whole.replace("People", "Persons"), "utf-8")
    assert gate(newborn, "G0.1").state == "blocked"
    assert 'no section "People"' in gate(newborn, "G0.1").reason

    page.write_text(f"{whole}[NEEDS ANSWER who decides]\n", "utf-8")
    assert gate(newborn, "G0.1").state == "blocked"
    assert "1 questions are open" in gate(newborn, "G0.1").reason


@pytest.mark.parametrize(
    ("facts", "state", "reason"),
    [
        ({"advisor": "rules"}, "fail", "without a reason"),
        ({"advisor": "rules", "override_reason": "chosen on the command line"}, "blocked", "Nobody has said why"),
        ({"baseline": ""}, "blocked", "names no baseline"),
        ({"status": "proposed"}, "blocked", "proposed"),
    ],
)
def test_a_decision_that_is_none(newborn: Path, facts: dict[str, str], state: str, reason: str) -> None:
    """Against the advice without a reason, without anything to beat, or not taken."""
    decide(newborn)
    assert gate(newborn, "G0.2").state == "pass"

    decide(newborn, **facts)

    assert gate(newborn, "G0.2").state == state
    assert reason in gate(newborn, "G0.2").reason


def test_a_baseline_that_nobody_will_measure(newborn: Path) -> None:
    """Today's value is a guess, and no task before the data's lock measures it."""
    plan = newborn / "plan" / "plan.json"
    edit(plan, lambda plan: plan["acceptance"]["baseline"].update(value=0.3, provenance="answered"))
    assert gate(newborn, "G0.3").state == "pass"

    edit(plan, lambda plan: plan["acceptance"]["baseline"].update(value=0.3, provenance="assumed"))
    edit(plan, lambda plan: plan["schedule"].update(tasks=[]))

    assert gate(newborn, "G0.3").state == "blocked"
    assert "no dated task" in gate(newborn, "G0.3").reason


@pytest.mark.parametrize(
    ("team", "reason"),
    [("ds=Ana:1", "no po"), ("po=?:1; ds=Ana:1", "named as po"), ("po=Ana:1; ds=?:1", "named as ds")],
)
def test_roles_without_people(newborn: Path, team: str, reason: str) -> None:
    """Somebody is accountable, and every role has a name."""
    answer(newborn, "team", "po=Ana:1; ds=Ana:1")
    assert gate(newborn, "G0.4").state == "pass"

    answer(newborn, "team", team)

    assert gate(newborn, "G0.4").state == "blocked"
    assert reason in gate(newborn, "G0.4").reason


def test_a_deliverable_that_nobody_answers_for(newborn: Path) -> None:
    """What planning found is said by the gate."""
    answer(newborn, "team", "po=Ana:1; ds=Ana:1")
    edit(newborn / "plan" / "plan.json", lambda plan: plan["people"].update(problems=["Nobody answers for the audit."]))

    assert gate(newborn, "G0.4").state == "fail"
    assert "Nobody answers for the audit" in gate(newborn, "G0.4").reason


def test_costs_that_nobody_has_said(newborn: Path) -> None:
    """An assumed cost of errors is not a person's word until a person confirms it."""
    row = {"key": "miss_cost", "value": "1", "confirmed_by": "", "confirmed_on": ""}
    edit(newborn / "plan" / "assumptions.yaml", lambda rows: rows.__setitem__(slice(None), [row]))
    assert gate(newborn, "G0.5").state == "blocked"
    assert "miss_cost" in gate(newborn, "G0.5").reason

    ask(newborn, "confirm", "--all")

    assert gate(newborn, "G0.5").state == "pass"


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ("stop, the labels are wrong", "fail", "says stop"),
        ("", "blocked", "does not say go"),
        ("go\n[NEEDS ANSWER who reads this]", "blocked", "1 questions open"),
    ],
)
def test_an_audit_that_does_not_say_go(newborn: Path, said: str, state: str, reason: str) -> None:
    """Only a go without an open question is one."""
    page = newborn / "docs" / "01-data-audit.md"
    page.write_text("# Audit\n\nRecommendation: go, every rule holds\n", "utf-8")
    assert gate(newborn, "G1.1").state == "pass"

    page.write_text(f"# Audit\n\nRecommendation: {said}\n", "utf-8")

    assert gate(newborn, "G1.1").state == state
    assert reason in gate(newborn, "G1.1").reason


@pytest.mark.parametrize(
    ("facts", "state", "reason"),
    [
        ({}, "pass", "rows"),
        ({"access": "refused"}, "fail", "was refused"),
        ({"access": "asked for"}, "blocked", "is asked for"),
        ({"owner": ""}, "blocked", "the owner of rows"),
    ],
)
def test_data_that_nobody_gave(newborn: Path, facts: dict[str, str], state: str, reason: str) -> None:
    """Each source has an owner, and access to it is granted."""
    edit(newborn / "data" / "source.yaml", lambda source: source["sources"][0].update(facts))
    ask(newborn, "audit")

    assert gate(newborn, "G1.2").state == state
    assert reason in gate(newborn, "G1.2").reason


def test_labels_from_people_who_disagree(worked: Path) -> None:
    """Without a guide, with people further apart than the plan allows, and with a ceiling below the target."""
    plan, guide = worked / "plan" / "plan.json", worked / GUIDE
    edit(plan, lambda plan: plan["labels"]["min_agreement"].update(value=0.9))
    edit(plan, lambda plan: plan["labels"]["ceiling"].update(value=None))
    edit(plan, lambda plan: plan["acceptance"]["target"].update(value=0.8))
    answer(worked, "label_source", "people")
    guide.unlink(missing_ok=True)
    assert gate(worked, "G1.5").state == "blocked"
    assert "no labelling guide" in gate(worked, "G1.5").reason
    assert gate(worked, "G1.6").state == "blocked"
    assert "has not been measured" in gate(worked, "G1.6").reason
    unmeasured = gate(worked, "G1.6").next_step
    assert not re.search(r"label_agreement=[\d.]", unmeasured), "a number that nobody measured"
    assert "label_agreement=…" in unmeasured
    assert "waive G1.6" in unmeasured
    Repo(worked).write_evidence("labelling", {"disputes": 0, "agreement": {"rows": 32, "share": 0.8125}}, ())
    assert gate(worked, "G1.6").next_step.startswith("mlscaffold replan --set label_agreement=0.8125 ")

    guide.parent.mkdir(parents=True, exist_ok=True)
    guide.write_text("# Guide\n", "utf-8")
    assert gate(worked, "G1.5").state in ("pass", "warn")

    forge(worked, "labels", lambda found: found.update(agreement=0.8))
    assert gate(worked, "G1.5").state == "fail"
    assert "80.0%" in gate(worked, "G1.5").reason


def test_an_audit_that_nobody_signed(newborn: Path) -> None:
    """Audited is not agreed to."""
    ask(newborn, "audit")

    assert gate(newborn, "G1.13").state == "blocked"


def test_a_candidate_on_data_that_fails_its_audit(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New rows are held to the gates of the first ones."""
    monkeypatch.setattr(g6_retraining, "unneeded", lambda _: "")
    monkeypatch.setattr(g6_retraining, "candidate", lambda _: {})
    assert gate(released, "G6.1").state == "pass"

    forge(released, "quality", lambda found: found.update(breaches=[{"sentence": "age holds 300"}]))

    assert gate(released, "G6.1").state == "fail"
    assert "age holds 300" in gate(released, "G6.1").reason


def test_personal_data_without_a_word_on_rights(newborn: Path) -> None:
    """Where the data is about people, section 10 of the audit is answered first."""
    page = newborn / "docs" / "01-data-audit.md"
    answer(newborn, "personal_data", "personal")
    page.write_text("# Audit\n\n## 10 Privacy and rights\nConsent, two years, by request.\n\n## 11 Advice\n", "utf-8")
    assert gate(newborn, "G1.12").state == "pass"

    page.write_text("# Audit\n\n## 10 Privacy and rights\n[NEEDS ANSWER basis]\n\n## 11 Advice\n", "utf-8")
    assert gate(newborn, "G1.12").state == "blocked"
    assert "1 questions on privacy" in gate(newborn, "G1.12").reason

    page.write_text("# Audit\n\n## 11 Advice\n", "utf-8")
    assert gate(newborn, "G1.12").state == "blocked"


@pytest.mark.parametrize(("found", "state"), [("fail", "fail"), ("inconclusive", "blocked"), ("pass", "pass")])
def test_a_segment_that_is_worse(worked: Path, monkeypatch: pytest.MonkeyPatch, found: str, state: str) -> None:
    """One segment decides, whatever the others show."""
    judged: Mapping[str, Any] = {
        "region=north": {"state": "pass", "sentence": "as good"},
        "region=south": {"state": found, "sentence": "worse by .1"},
    }
    monkeypatch.setattr(g3_acceptance, "accepted", lambda _: {"segments": judged})

    assert gate(worked, "G3.4").state == state
    assert ("region=south: worse by .1" in gate(worked, "G3.4").reason) == (found != "pass")


def test_named_segments_without_rows(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that the data does not hold was not judged."""
    answer(worked, "segments", "region")
    monkeypatch.setattr(g3_acceptance, "accepted", lambda _: {"segments": {}})

    assert gate(worked, "G3.4").state == "blocked"
    assert "region" in gate(worked, "G3.4").reason


def test_an_acceptance_that_nobody_signed(worked: Path) -> None:
    """Measured is not accepted; a rejection is red, and a changed verdict takes its signature along."""
    waive(worked, "G0", "G1", "G2", *(f"G3.{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8)))
    assert gate(worked, "G3.9").state == "blocked"

    code, said = ask(worked, "sign", "G3b")
    assert code == 0, said
    assert gate(worked, "G3.9").state == "pass"

    edit(worked / "gates" / "signoff-G3b.yaml", lambda rows: rows[0].update(decision="reject"))
    assert gate(worked, "G3.9").state == "fail"


def test_a_champion_past_its_age(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older than the plan allows is red, whatever it still scores."""
    plan = released / "plan" / "plan.json"
    edit(plan, lambda plan: plan["retrain"]["cap_days"].update(value=90))
    assert gate(released, "G5.2").state == "pass"

    monkeypatch.setattr(registry, "promoted_at", lambda *_: datetime.now() - timedelta(days=91, hours=30))

    assert gate(released, "G5.2").state == "fail"
    assert "the limit is 90" in gate(released, "G5.2").reason
    edit(plan, lambda plan: plan["retrain"]["cap_days"].update(value=None))
    assert gate(released, "G5.2").state == "warn"
