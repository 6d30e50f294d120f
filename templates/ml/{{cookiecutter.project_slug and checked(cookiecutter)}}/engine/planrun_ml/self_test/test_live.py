"""Release, monitoring and retraining: each defect that is planted turns its gate of G4, G5 or G6 red."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planrun.repository import Repo

from planrun_ml.data import snapshot
from planrun_ml.data import source as source_module
from planrun_ml.data.frames import Frame
from planrun_ml.models import training
from planrun_ml.release import champion_model, parity, prediction_log, registry
from planrun_ml.self_test.conftest import TASK, ask, edit, evidence, forge, gate


# ---------------------------------------------------------------------------------------------------- release
def test_promote_before_acceptance_is_blocked(worked: Path) -> None:
    """The gates that are shut are named, nothing is written, and the exit code says blocked."""
    code, said = ask(worked, "promote")

    assert code == 2
    assert "G3." in said
    assert not (worked / registry.PATH).exists()


def test_a_released_version_opens_its_gates(released: Path) -> None:
    """Parity, rollback, fallback and hashes are shown on the version that answers."""
    states = {id: gate(released, id).state for id in ("G4.2", "G4.4", "G4.5", "G4.6", "G6.6")}

    assert states.pop("G4.2") in ("pass", "warn")
    assert set(states.values()) == {"pass"}


def test_service_that_differs_from_training(released: Path) -> None:
    """One score of three hundred moved, the seal with it."""
    forge(released, "parity", lambda found: found["serving"].__setitem__(0, found["serving"][0] + 0.01))

    assert gate(released, "G4.2").state == "fail"


def test_model_file_with_other_bytes(released: Path) -> None:
    """The registry's hash does not fit: the gate is red, and the rule answers."""
    entry = registry.entry_of(registry.read(released), "champion")
    assert entry is not None
    held = entry["files"]["model"]["path"]
    (released / held).write_bytes(b"other bytes")
    answer = champion_model.load(released).fall_back([{}], "")[0]

    assert gate(released, "G4.6").state == "fail"
    assert champion_model.load(released).model is None
    assert answer.source == "rule"


def test_a_rollback_needs_a_reason_and_restores(released: Path) -> None:
    """Without a reason nothing moves; with one the last known good version answers."""
    assert ask(released, "rollback")[0] == 1
    code, said = ask(released, "rollback", "--reason", "it was wrong")

    assert code == 0, said
    assert champion_model.load(released).version == registry.BASELINE
    assert "withdrawn" in registry.read(released)["models"]["1.0.0"]


@pytest.mark.parametrize(("change", "state"), [({"seconds": 1e6}, "fail"), ({"answered": False}, "fail")])
def test_a_drill_that_went_wrong(released: Path, change: dict[str, Any], state: str) -> None:
    """Too slow, or nobody answered afterwards."""
    forge(released, "rollback_drill", lambda found: found.update(change))

    assert gate(released, "G4.4").state == state


@pytest.mark.parametrize("case", ["absent", "failing", "invalid"])
def test_a_model_that_nobody_stands_in_for(released: Path, case: str) -> None:
    """The model's own answer where the rule should have spoken."""
    forge(released, "fallback", lambda found: found["cases"][case].update(source="model"))

    assert gate(released, "G4.5").state == "fail"


def test_an_edited_limit(released: Path) -> None:
    """A drift limit typed by hand fails; a decision record that names the signal explains it."""
    edit(released / "ops/monitors.yaml", lambda found: signal_of(found, "drift").update(limit=0.5))

    assert gate(released, "G4.7").state == "fail"

    (released / "docs/decisions/0099-limits.md").write_text("# The limit of drift is 0.5\n")

    assert gate(released, "G4.7").state == "blocked"  # the test alert is still missing


def signal_of(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The signal of this name in what was measured; it has to be there."""
    return next(signal for signal in found["signals"] if signal["name"] == name)


# ---------------------------------------------------------------------------------------------------- watching
def answer_rows(root: Path, plant: dict[str, Any] | None = None, wrong: bool = False, label: bool = True) -> None:
    """Let the champion answer the rows of the sample, and let the labels come back; both may be planted."""
    repo, found = Repo(root), champion_model.load(root)
    table, source = snapshot.open_table(repo)
    together = f'"{source.group}"' if TASK == "ranking" else "_row"  # whole queries, or an order means nothing
    frame = table.frame(f"select * from source order by md5(cast({together} as varchar)), _row limit 400")
    given = frame[list(found.columns)].astype(object).assign(**(plant or {}))
    sent = json.loads(json.dumps(given.where(given.notna(), None).to_dict("records"), default=str))
    groups = frame[source.group].astype(str).tolist() if source.group else [""] * len(frame)
    answers = found.answers(sent, groups)
    log = prediction_log.Log(root / prediction_log.PREDICTIONS)
    keys = [f"T{number}" for number in range(len(frame))]
    given_back = zip(keys, sent, answers, groups, strict=True)
    log.append(prediction_log.record(key, row, answer.as_json(), 1.0, group) for key, row, answer, group in given_back)
    log.close()
    truth = frame[source.target].astype(str)
    if wrong:
        truth = truth.sample(frac=1, random_state=4).reset_index(drop=True)
    if label:
        (root / prediction_log.LABELS).mkdir(exist_ok=True)
        pd.DataFrame({"id": keys, "label": truth}).to_csv(root / prediction_log.LABELS / "late.csv", index=False)


def soon() -> str:
    """A moment of today at which everything logged so far lies in the window."""
    return (datetime.now(UTC) + timedelta(seconds=2)).isoformat()


def test_no_prediction_is_a_failure(released: Path) -> None:
    """A watch that sees nothing is not a watch."""
    row = gate(released, "G5.1")
    assert row.state == "fail"  # it never reported
    assert row.next_step == gate(released, "G4.8").next_step, "somebody has to be answered before there is a watch"

    code, said = ask(released, "monitor")

    assert code == 1
    assert "silent" in said
    row = gate(released, "G5.1")
    assert row.state == "fail"
    assert row.next_step == gate(released, "G4.8").next_step


def test_what_triage_found_is_what_comes_next(released: Path) -> None:
    """Not triage again: what it found, with the way to explain it; and once that is explained, what is left to do."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    forge(released, "monitor", lambda found: found["signals"]["volume"].update(state="alarm", reason="too few"))
    assert gate(released, "G5.1").next_step == "make triage"
    ask(released, "triage", "--at", soon())
    steps = [{"step": 1, "found": ""}, {"step": 2, "found": "0 predictions"}]
    forge(released, "triage", lambda found: found.update(steps=steps))
    assert '--explained "2=…"' in gate(released, "G5.1").next_step
    assert "Mend at the source" in gate(released, "G5.1").next_step

    forge(released, "triage", lambda found: found["steps"][1].update(explained="a holiday", by="Test Person"))
    assert "all that triage finds is explained" in gate(released, "G5.1").next_step


def test_a_healthy_champion_passes(released: Path) -> None:
    """Rows like those of the training, labels that fit: every signal is content and quality is known."""
    answer_rows(released)
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 0, said
    assert gate(released, "G5.1").state in ("pass", "warn")
    found = evidence(released, "live_quality")
    known = any(v["state"] == "healthy" for v in found["verdicts"])

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


def test_drift_with_no_missing_value(released: Path) -> None:
    """One input pinned to a value it often has: nothing is missing, nothing is out of range, and it is found."""
    found = champion_model.load(released)
    _, sent = parity.both_ways(Repo(released), found)
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


def test_triage_looks_at_labels_before_anything_else(released: Path) -> None:
    """Two labels for one id, and code changed as well: the labels are what it finds."""
    answer_rows(released)
    late = released / prediction_log.LABELS / "late.csv"
    late.write_text(late.read_text() + f"T0,{'malignant' if TASK == 'binary' else '12345'}\nT0,99999\n")
    source = next((released / "src").glob("*/__init__.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1
    assert said.startswith("1 Are the labels wrong? FOUND")
    assert "7 " not in said


# ---------------------------------------------------------------------------------------------------- retraining
def more_rows(root: Path, spoil: bool = False) -> None:
    """Twice the rows, newer where there is time; the new ones may have answers that follow nothing."""
    repo = Repo(root)
    source = source_module.source_of(repo)
    path = root / source.source
    old = pd.read_csv(path)
    new = old.copy()
    if source.id:
        new[source.id] = [f"N{number:05d}" for number in range(len(new))]
    if source.group and TASK == "ranking":
        new[source.group] = "N" + new[source.group].astype(str)
    if source.time:
        moment = pd.to_datetime(new[source.time])
        new[source.time] = (moment + (moment.max() - moment.min()) + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d")
    numbers = [name for name in new.select_dtypes("float") if name not in source.special]
    new[numbers] *= np.random.default_rng(5).uniform(0.98, 1.02, (len(new), len(numbers)))
    if spoil:
        new[source.target] = new[source.target].sample(frac=1, random_state=9).to_numpy()
    pd.concat([old, new]).to_csv(path, index=False)


def test_a_worse_candidate_is_refused(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained on answers that follow nothing, it loses to the champion and cannot be promoted."""
    fit = training.fit

    def spoiled(frame: Frame, task: str, settings: dict[str, Any], rooms: Any = None) -> Any:
        order = np.random.default_rng(3).permutation(len(frame.y))
        return fit(frame.__class__(**{**vars(frame), "y": frame.y[order]}), task, settings, rooms)

    more_rows(released)
    monkeypatch.setattr(training, "fit", spoiled)
    code, said = ask(released, "retrain")
    book = registry.read(released)

    assert code == 1, said
    assert "stays" in said
    assert registry.version_of(book, "champion") == "1.0.0"
    assert registry.version_of(book, "challenger") is None

    rejected = evidence(released, "candidate")["version"]
    registry.set_alias(released, "challenger", rejected, by="somebody")

    assert gate(released, "G6.2").state == "fail"
    assert ask(released, "promote")[0] == 2
    assert registry.version_of(registry.read(released), "champion") == "1.0.0"
