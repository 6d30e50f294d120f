"""Watching and triage beyond what the repository itself ships."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from planrun.repository import Repo
from planrun_ml.release import prediction_log
from planrun_ml.self_test.conftest import ask, edit, forge, gate
from planrun_ml.self_test.test_live import answer_rows, soon
from planrun_ml.tables.parquet import read_parquet
from planrun_ml.watching import monitor


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
    file = next((released / prediction_log.PREDICTIONS).glob("*.jsonl"))
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
    """Everything about the data is clear, and what the version answers with differs from what was released."""
    answer_rows(released)
    source = next((released / "src").glob("*/__init__.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    clear, _ = ask(released, "triage", "--at", soon())
    assert clear == 0, "code that the version does not answer with may change"
    card = released / "registry" / "1.0.0.json"
    card.write_text(card.read_text() + "\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1, said
    assert "7 Did code or infrastructure change? FOUND: card file registry/1.0.0.json has another hash" in said


def late(root: Path) -> Path:
    return root / prediction_log.LABELS / "late.csv"


def said_of(said: str, signal: str) -> str:
    return next(line for line in said.splitlines() if line.split()[1:2] == [signal])


def test_labels_that_say_nothing(released: Path) -> None:
    """No number where numbers come back, no known class where classes do: no verdict, and the first one is named."""
    answer_rows(released)
    labels = pd.read_csv(late(released)).assign(label="93,5 €")
    labels.to_csv(late(released), index=False)
    _, said = ask(released, "monitor", "--at", soon())
    code, walked = ask(released, "triage", "--at", soon())
    unknown = gate(released, "G5.3")

    assert f"{len(labels)} labels cannot be used; the first is '93,5 €' for T" in said_of(said, "labels"), said
    assert "in labels/late.csv" in said_of(said, "labels")
    assert unknown.state == "blocked"
    assert re.search(r"Put about [1-9]\d+ more labels", unknown.next_step), unknown.next_step
    assert code == 1
    assert walked.startswith(f"1 Are the labels wrong? FOUND: {len(labels)} labels cannot be used"), walked


def test_one_label_that_says_nothing(released: Path) -> None:
    """It is named, and the others are counted as if it were not there."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    before = Repo(released).evidence("live_quality")
    late(released).write_text(late(released).read_text() + "T0,unknown\n")
    code, said = ask(released, "monitor", "--at", soon())
    found = Repo(released).evidence("live_quality")

    assert code == 0, said
    assert said_of(said, "labels").startswith("warn")
    assert "1 label cannot be used; the first is 'unknown' for T0 in labels/late.csv" in said_of(said, "labels")
    assert (found["value"], found["rows"]) == (before["value"], before["rows"])


def test_one_label_decides_nothing(released: Path) -> None:
    """A single answer with its label, wherever it lies, is not enough."""
    answer_rows(released)
    late(released).write_text("".join(late(released).read_text().splitlines(keepends=True)[:2]))
    ask(released, "monitor", "--at", soon())
    unknown = gate(released, "G5.3")

    assert unknown.state == "blocked", unknown.reason
    assert re.search(r"Put about (29|[3-9]\d|\d{3,}|\d,\d{3}) more ", unknown.next_step), unknown.next_step


def test_a_file_of_labels_with_other_columns(released: Path) -> None:
    """The file is named, not the library that read it."""
    answer_rows(released)
    (released / prediction_log.LABELS / "second.csv").write_text("key,label\nT1,1\n")
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 1
    assert "labels/second.csv has no column id" in said, said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("limit: 1\n", "limit: ten\n", 'ops/monitors.yaml: limit of volume is "ten", no number.'),
        ("limit: 1\n", "limit: -1\n", 'ops/monitors.yaml: limit of volume is "-1", no number.'),
        ("window_days: 1\n", "window_days: x\n", 'ops/monitors.yaml: window_days of volume is "x", no number.'),
        ("    window_days: 1\n", "", 'ops/monitors.yaml: window_days of volume is "null", no number.'),
        ("signals:\n", "", "ops/monitors.yaml"),
    ],
)
def test_a_number_that_is_none(released: Path, before: str, after: str, said: str) -> None:
    """One sentence with the file, the signal and the value, from the watch and from both gates that read it."""
    path = released / "ops/monitors.yaml"
    path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")

    assert said in ask(released, "monitor")[1]
    assert gate(released, "G5.1").state == gate(released, "G4.7").state == "fail"
    assert said.rstrip(".") in gate(released, "G4.7").reason


def test_a_profit_may_lie_below_zero(released: Path) -> None:
    """The floor of a metric such as a team's own profit is a number like another."""
    path = released / "ops/monitors.yaml"
    path.write_text(
        re.sub(r"limit: .*\n(?=    from: monitor.floor)", "limit: -10.34\n", path.read_text("utf-8")), "utf-8"
    )

    found = {one["name"]: one["limit"] for one in monitor.settings(Repo(released))}
    assert found["quality"] == -10.34


def test_an_empty_list_of_signals(released: Path) -> None:
    """Nothing would be watched, and that is said; so is an interval that is no number of hours."""
    path = released / "ops/monitors.yaml"
    text = path.read_text("utf-8")
    path.write_text("")

    assert "ops/monitors.yaml names no signal." in ask(released, "monitor")[1]
    assert gate(released, "G5.1").state == "fail"

    path.write_text(text.replace("every_hours: 24", "every_hours: daily"))

    assert 'every_hours is "daily"' in gate(released, "G5.1").reason


def test_the_log_is_one_table_for_whoever_analyses_it(released: Path, tmp_path: Path) -> None:
    """A row an answer, with the label that came back, none where two differ; inputs only where they are asked for."""
    code, said = ask(released, "predictions", str(tmp_path / "early.csv"))
    assert (code, "Nothing has been answered yet." in said) == (2, True), said
    answer_rows(released)
    labels = pd.read_csv(late(released), dtype=str)
    twice, other = labels["id"][0], next(one for one in labels["label"] if one != labels["label"][0])
    (late(released).parent / "again.csv").write_text(f"id,label\n{twice},{other}\n", "utf-8")
    code, said = ask(released, "predictions", str(tmp_path / "log.csv"), "--at", soon())
    assert code == 0, said
    table = pd.read_csv(tmp_path / "log.csv", dtype={"id": str})
    whole = ask(released, "predictions", str(tmp_path / "log.parquet"), "--inputs", "--at", soon())
    inputs = [name for name in read_parquet(tmp_path / "log.parquet").columns if name.startswith("given_")]
    lines = [line for file in (released / "predictions").glob("*.jsonl") for line in file.read_text().splitlines()]

    assert sorted(table["id"]) == sorted(str(json.loads(line)["id"]) for line in lines)
    assert table["outcome"].notna().sum() == len(labels) - 1
    assert table.loc[table["id"] == twice, "outcome"].isna().all()
    assert [name for name in table.columns if name.startswith("input")] == ["input_hash"]
    assert whole[0] == 0, whole[1]
    assert sorted(inputs) == sorted(f"given_{name}" for name in json.loads(lines[0])["inputs"])
    assert sorted(path.name for path in tmp_path.glob("log*")) == ["log.csv", "log.parquet"]


@pytest.mark.parametrize(
    ("file", "told"), [("log.xlsx", "neither in .csv nor in .parquet"), ("no/log.csv", "no folder")]
)
def test_a_table_that_cannot_be_written_is_told(released: Path, tmp_path: Path, file: str, told: str) -> None:
    """The ending, or the folder, with what to do."""
    code, said = ask(released, "predictions", str(tmp_path / file))

    assert (code, told in said) == (1, True), said
