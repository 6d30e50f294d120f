"""Gates and signatures beyond those whose planted failures the repository itself ships."""

from pathlib import Path

import pandas as pd
from conftest import ROWS, ask, edit, forge, gate


def test_the_same_commands_again_change_nothing(worked: Path) -> None:
    """An audit of the same data gives the same manifest, splits and lock."""
    kept = {name: (worked / name).read_bytes() for name in ("data/manifest.json", "gates/G1.lock")}

    ask(worked, "audit")
    ask(worked, "baseline")

    assert kept == {name: (worked / name).read_bytes() for name in kept}


def test_explained_suspect_passes(newborn: Path) -> None:
    """A person may say why a column may know the answer; the reason stays in data/source.yaml."""
    rows = pd.read_csv(newborn / ROWS)
    rows.insert(1, "remark", rows[rows.columns[-1]])
    rows.to_csv(newborn / ROWS, index=False)
    with (newborn / "data" / "source.yaml").open("a") as file:
        file.write("explained:\n  remark: known before the prediction, by contract\n")

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "pass"


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


def test_acceptance_is_not_signed_before_its_gates(worked: Path) -> None:
    """G0 and the documents come before the acceptance signature."""
    code, said = ask(worked, "sign", "G3b")

    assert code == 2
    assert "G0." in said


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
