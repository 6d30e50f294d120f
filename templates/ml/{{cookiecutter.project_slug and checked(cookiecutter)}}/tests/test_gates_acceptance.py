"""Gates G3, signatures and waivers are seen red: each test plants one defect and watches its gate."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import yaml
from conftest import ask, edit, forge, gate, git, record_of

from {{ answers.package_name }} import dataset
from {{ answers.package_name }}.repo import Repo


# ---------------------------------------------------------------------------------------------------- acceptance
def test_threshold_edited_after_the_look(worked: Path) -> None:
    """A lower bar, signed again, comes too late."""
    assert gate(worked, "G3.1").state == "pass"
    edit(worked / "plan" / "plan.json", lambda plan: plan["acceptance"]["min_gain"].update(value=-1.0))
    assert gate(worked, "G3.1").state == "blocked"
    assert gate(worked, "G3.3").state == "blocked"

    git(worked, "commit", "--quiet", "-am", "lower bar", "--date", "2040-01-01T00:00:00")
    ask(worked, "sign", "G3a")

    looked = json.loads((worked / dataset.TEST_LOG).read_text().splitlines()[0])["at"]
    signed = yaml.safe_load((worked / "gates" / "signoff-G3a.yaml").read_text())[0]["at"]
    assert signed > looked
    assert gate(worked, "G3.1").state == "fail"


def test_accept_without_signed_thresholds(worked: Path) -> None:
    """No signature, no look."""
    (worked / "gates" / "signoff-G3a.yaml").unlink()
    before = (worked / dataset.TEST_LOG).read_text()

    code, said = ask(worked, "accept")

    assert code == 2
    assert "G3.1" in said
    assert before == (worked / dataset.TEST_LOG).read_text()


def test_spent_looks(worked: Path) -> None:
    """More models than looks: the test set is used up."""
    test_set = Repo(worked).evidence("splits")["keys"]["test"]
    for number in range(9):
        dataset.log_look(Repo(worked), {"command": "accept", "model": f"m{number}"})

    assert dataset.looks_used(Repo(worked), test_set) > 3
    assert gate(worked, "G3.2").state == "fail"


def test_typed_verdict(worked: Path) -> None:
    """The verdict comes from the predictions, whatever the evidence says."""
    found = Repo(worked).evidence("acceptance")
    forge(worked, "acceptance", lambda facts: facts["verdict"].update(state="pass"))
    assert gate(worked, "G3.3").state == {"pass": "pass", "fail": "fail"}.get(found["verdict"]["state"], "blocked")

    forge(worked, "acceptance", lambda facts: facts["gain"].update(value=9.9))
    assert gate(worked, "G3.3").state == "fail"


def test_acceptance_of_the_baseline_itself(worked: Path) -> None:
    """The rule's predictions under the model's name gain nothing over the rule."""

    def swap(facts: dict) -> None:
        facts["predictions"]["model"] = facts["predictions"]["baseline"]

    forge(worked, "acceptance", swap)

    assert gate(worked, "G3.3").state == "fail"
    assert "itself" in gate(worked, "G3.3").reason


def test_acceptance_is_not_signed_before_its_gates(worked: Path) -> None:
    """G0 and the documents come before the acceptance signature."""
    code, said = ask(worked, "sign", "G3b")

    assert code == 2
    assert "G0." in said


def test_changed_behaviour_is_read_by_the_expert(worked: Path) -> None:
    """Unsigned is blocked, rejected is red, and what was signed is what the predictions say."""
    assert gate(worked, "G3.7").state == "blocked"
    assert ask(worked, "sign", "G3.7")[0] == 0
    assert gate(worked, "G3.7").state == "pass"

    edit(worked / "gates" / "signoff-G3.7.yaml", lambda rows: rows[0].update(decision="reject"))
    assert gate(worked, "G3.7").state == "fail"


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


def test_acceptance_cannot_be_signed_before_it_exists(worked: Path) -> None:
    """The thresholds are signed; what is missing is the acceptance, and the way there is said."""
    (worked / "evidence" / "acceptance.json").unlink()

    code, said = ask(worked, "sign", "G3")

    assert code == 2
    assert "Next: make accept" in said


def test_stale_model_card(worked: Path) -> None:
    """A card that tells of other evidence fails."""
    card = worked / "evidence" / "model-card.md"
    card.write_text(card.read_text("utf-8") + "It is wonderful.\n", "utf-8")

    assert gate(worked, "G3.10").state == "fail"


# ---------------------------------------------------------------------------------------------------- waivers
def test_a_waiver_names_who_why_and_until_when(worked: Path) -> None:
    """It opens a gate until its day, and never without a name, a reason and a date."""
    record_of(worked).unlink()
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    assert gate(worked, "G2.5").state == "blocked"
    assert ask(worked, "waive", "G2.5", "--reason", "first trial", "--until", "2020-01-01")[0] == 1
    assert ask(worked, "waive", "G2.5", "--reason", " ", "--until", tomorrow)[0] == 1

    assert ask(worked, "waive", "G2.5", "--reason", "first trial", "--until", tomorrow)[0] == 0

    row = gate(worked, "G2.5")
    assert row.state == "waived"
    assert "Test Person" in row.reason
    waivers = worked / "gates" / "waivers.yaml"
    waivers.write_text(re.sub(r'until: ".*"', 'until: "2020-01-01"', waivers.read_text()))
    assert gate(worked, "G2.5").state == "blocked"


def test_signature_of_an_older_text(worked: Path) -> None:
    """A signature holds for the text that was signed."""
    with (worked / "docs" / "03-acceptance.md").open("a") as file:
        file.write("\nOne more promise.\n")

    assert gate(worked, "G3.1").state == "blocked"
    assert "changed after" in gate(worked, "G3.1").reason
