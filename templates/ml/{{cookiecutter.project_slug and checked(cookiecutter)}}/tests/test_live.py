"""Operation: what the monitor and triage say; each gate of G5 is seen red once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from conftest import TASK, ask, edit, forge, gate

from {{ answers.package_name }} import champion, data, predictions, promote
from {{ answers.package_name }}.repo import Repo


# ---------------------------------------------------------------------------------------------------- watching
def answer_rows(root: Path, plant: dict | None = None, wrong: bool = False, label: bool = True) -> None:
    """Let the champion answer the rows of the sample, and let the labels come back; both may be planted."""
    repo, found = Repo(root), champion.load(root)
    table, source = data.open_table(repo)
    together = f'"{source.group}"' if TASK == "ranking" else "_row"  # whole queries, or an order means nothing
    frame = table.frame(f"select * from source order by md5(cast({together} as varchar)), _row limit 400")
    given = frame[list(found.columns)].astype(object).assign(**(plant or {}))
    sent = json.loads(json.dumps(given.where(given.notna(), None).to_dict("records"), default=str))
    groups = frame[source.group].astype(str).tolist() if source.group else [""] * len(frame)
    answers = found.answers(sent, groups)
    log = predictions.Log(root / predictions.PREDICTIONS)
    keys = [f"T{number}" for number in range(len(frame))]
    given_back = zip(keys, sent, answers, groups, strict=True)
    log.append(predictions.record(key, row, answer.as_json(), 1.0, group) for key, row, answer, group in given_back)
    log.close()
    truth = frame[source.target].astype(str)
    if wrong:
        truth = truth.sample(frac=1, random_state=4).reset_index(drop=True)
    if label:
        (root / predictions.LABELS).mkdir(exist_ok=True)
        pd.DataFrame({"id": keys, "label": truth}).to_csv(root / predictions.LABELS / "late.csv", index=False)


def soon() -> str:
    """A moment of today at which everything logged so far lies in the window."""
    return (datetime.now(UTC) + timedelta(seconds=2)).isoformat()


def test_no_prediction_is_a_failure(released: Path) -> None:
    """A watch that sees nothing is not a watch."""
    assert gate(released, "G5.1").state == "fail"  # it never reported

    code, said = ask(released, "monitor")

    assert code == 1
    assert "silent" in said
    assert gate(released, "G5.1").state == "fail"


def test_a_healthy_champion_passes(released: Path) -> None:
    """Rows like those of the training, labels that fit: every signal is content and quality is known."""
    answer_rows(released)
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 0, said
    assert gate(released, "G5.1").state in ("pass", "warn")
    found = Repo(released).evidence("live_quality")
    known = any(v["state"] == "healthy" for v in found["verdicts"] if v["test"] != "CUSUM")

    assert gate(released, "G5.3").state == ("pass" if known else "blocked"), gate(released, "G5.3").reason
    assert known or found["needed"] > found["rows"]  # a small sample may leave it open, and that is said
    assert gate(released, "G4.8").state == "pass"


def test_a_monitor_that_fell_silent(released: Path) -> None:
    """Yesterday's good report does not speak for today."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    past = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    forge(released, "monitor", lambda found: found.update(at=past))

    assert gate(released, "G5.1").state == "fail"
    assert "silent" in gate(released, "G5.1").reason


def test_a_signal_that_did_not_report(released: Path) -> None:
    """One watch missing from the report."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    forge(released, "monitor", lambda found: found["signals"].pop("quality"))

    assert "quality did not report" in gate(released, "G5.1").reason


def test_drift_with_no_missing_value(released: Path) -> None:
    """One input pinned to a value it often has: nothing is missing, nothing is out of range, and it is found."""
    found = champion.load(released)
    _, sent = promote.both_ways(Repo(released), found)
    name = next(name for name, kind in found.columns.items() if kind == "number")
    value = float(np.median([row[name] for row in sent if row[name] is not None]))
    answer_rows(released, plant={name: value})
    _, said = ask(released, "monitor", "--at", soon())
    line = next(line for line in said.splitlines() if " drift " in line)

    assert line.startswith("warn")
    assert name in line


def test_decay_with_no_drift(released: Path) -> None:
    """The inputs are the same and the outcomes no longer follow them: only late labels can tell."""
    answer_rows(released, wrong=True)
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 1
    assert next(line for line in said.splitlines() if " quality " in line).startswith("alarm")
    assert gate(released, "G5.3").state == "fail"
    assert "docs/04-operations.md#5-performance-decay" in said


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


# ---------------------------------------------------------------------------------------------------- triage
def test_triage_looks_at_labels_before_anything_else(released: Path) -> None:
    """Two labels for one id, and code changed as well: the labels are what it finds."""
    answer_rows(released)
    late = released / predictions.LABELS / "late.csv"
    late.write_text(late.read_text() + f"T0,{'malignant' if TASK == 'binary' else '12345'}\nT0,99999\n")
    source = next((released / "src").glob("*/features.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1
    assert said.startswith("1 Are the labels wrong? FOUND")
    assert "7 " not in said


def test_triage_comes_to_code_last(released: Path) -> None:
    """Everything about the data is clear, and the code differs from what was released."""
    answer_rows(released)
    source = next((released / "src").glob("*/features.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1, said
    assert "7 Did code or infrastructure change? FOUND: code" in said
