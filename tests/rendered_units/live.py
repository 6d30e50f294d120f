"""Watching and triage beyond what the repository itself ships."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conftest import ask, edit, forge, gate
from my_project import predictions
from my_project.repo import Repo
from test_live import answer_rows, soon


def test_a_signal_that_did_not_report(released: Path) -> None:
    """One watch missing from the report."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    forge(released, "monitor", lambda found: found["signals"].pop("quality"))

    assert "quality did not report" in gate(released, "G5.1").reason


def test_labels_that_stay_away(released: Path) -> None:
    """Predictions whose label is overdue: quality is unknown, and that is no pass."""
    answer_rows(released, label=False)
    later = timedelta(days=float(Repo(released).answers["label_delay_days"]) + 1.1)
    code, said = ask(released, "monitor", "--at", (datetime.now(UTC) + later).isoformat())

    assert code == 1
    assert next(line for line in said.splitlines() if " labels " in line).startswith("alarm")
    assert gate(released, "G5.3").state == "blocked"
    assert gate(released, "G5.4").state == "blocked"


def test_scores_that_cannot_be_computed_again(released: Path) -> None:
    """A log whose scores are not those of the model that is named in it."""
    answer_rows(released)
    file = next((released / predictions.PREDICTIONS).glob("*.jsonl"))
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    file.write_text("".join(json.dumps(line | {"score": line["score"] * 0.5 + 0.1}) + "\n" for line in lines), "utf-8")
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 1
    assert next(line for line in said.splitlines() if " skew " in line).startswith("alarm")


def test_a_signal_nobody_watches(released: Path) -> None:
    """A name typed wrongly is named, with those that exist."""
    edit(released / "ops/monitors.yaml", lambda found: found["signals"][0].update(name="volum"))
    code, said = ask(released, "monitor")

    assert code == 1
    assert '"volum"' in said
    assert "volume" in said


def test_an_alarm_reaches_a_command(released: Path, tmp_path: Path) -> None:
    """The text goes to the command of ops/oncall.yaml; a command that fails is shouted about."""
    target = tmp_path / "told.txt"
    edit(released / "ops/oncall.yaml", lambda found: found.update(notify=["tee", str(target)]))
    ask(released, "monitor")

    assert "silent" in target.read_text("utf-8")

    edit(released / "ops/oncall.yaml", lambda found: found.update(notify=["false"]))

    assert "NOBODY WAS TOLD" in ask(released, "monitor")[1]


def test_triage_comes_to_code_last(released: Path) -> None:
    """Everything about the data is clear, and the code differs from what was released."""
    answer_rows(released)
    source = next((released / "src").glob("*/features.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1, said
    assert "7 Did code or infrastructure change? FOUND: code" in said
