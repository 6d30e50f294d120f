"""Gates and signatures beyond those whose planted failures the repository itself ships."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import ROWS, ask, gate


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


def test_a_torn_line_in_the_log_of_looks(worked: Path) -> None:
    """Half a line is no look, and no traceback: the gates that rest on the log say that it was rewritten."""
    log = worked / "evidence" / "test_access.log"
    log.write_text(log.read_text("utf-8")[:-20], "utf-8")

    assert gate(worked, "G2.4").state == "fail"
    assert "was rewritten" in gate(worked, "G3.1").reason


@pytest.mark.parametrize("name", ["model-card", "datasheet"])
def test_a_stale_page(worked: Path, name: str) -> None:
    """A model card or a datasheet that tells of other evidence fails."""
    page = worked / "evidence" / f"{name}.md"
    page.write_text(page.read_text("utf-8") + "It is wonderful.\n", "utf-8")

    assert gate(worked, "G3.10").state == "fail"
    assert name in gate(worked, "G3.10").reason
