"""Gates G1 are seen red: each test plants one defect in data or evidence and watches the gate that is there for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from planrun import self_test
from planrun.repository import ENGINE, Repo

from planrun_ml.data import sample, splits
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.self_test.conftest import ROWS, TASK, ask, edit, evidence, forge, gate, own_split, thirds
from planrun_ml.tables.query import Engine


def test_the_worked_repository_is_open_up_to_acceptance(worked: Path) -> None:
    """What the tests below turn red is green first."""
    self_tested(worked)
    g1 = ("G1.3", "G1.4", "G1.7", "G1.8", "G1.9", "G1.11", "G1.lock")
    for id in (*g1, "G2.1", "G2.2", "G2.3", "G2.4", "G2.5", "G3.1"):
        row = gate(worked, id)
        # today's value is an answer about all rows, and these are few: that the rule does otherwise here is told
        other = id == "G1.9" and row.state == "warn" and "they are not the same practice" in row.reason
        assert row.state == "pass" or other, f"{id}: {row.reason}"


def test_nothing_that_was_not_run_passes(newborn: Path) -> None:
    """On the first day every gate that needs evidence is blocked."""
    for id in ("G1.3", "G1.4", "G1.8", "G1.9", "G1.11", "G1.lock", "G2.5", "G3.3"):
        assert gate(newborn, id).state == "blocked"
    assert ask(newborn, "status", "--check")[0] in (1, 2)


def test_experiment_before_the_audit_is_refused(newborn: Path) -> None:
    """Exit 2, and the reason."""
    code, said = ask(newborn, "experiment")

    assert code == 2
    assert "G1.3" in said
    assert not (newborn / "experiments").exists()


def test_test_rows_copied_into_train(newborn: Path) -> None:
    """test = train copy: the same rows under other names lie in both."""
    rows = sample.sample(TASK)
    copies = rows.copy()
    ids = next(name for name in ("row_id", "case_id") if name in rows)
    copies[ids] = "copy-" + copies[ids]
    both = pd.concat([rows, copies], ignore_index=True)
    parts = pd.concat([thirds(len(rows)).replace("test", "train"), pd.Series(["test"] * len(rows))], ignore_index=True)
    own_split(newborn, parts, both)

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert "more than one split" in gate(newborn, "G1.4").reason


def test_overlapping_split(newborn: Path) -> None:
    """One id in two splits."""
    rows = sample.sample(TASK)
    parts = thirds(len(rows))
    rows = pd.concat([rows, rows.iloc[:5]], ignore_index=True)
    own_split(newborn, pd.concat([parts, pd.Series(["test"] * 5)], ignore_index=True), rows)

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert gate(newborn, "G1.3").state == "fail"  # the id repeats


def test_shuffled_time(newborn: Path) -> None:
    """A random split of dated rows trains on the future."""
    rows = sample.sample(TASK)
    rows["seen_on"] = pd.date_range("2024-01-01", periods=len(rows), freq="h").astype(str)
    rows = rows[[*rows.columns[-1:], *rows.columns[:-1]]]
    own_split(newborn, thirds(len(rows)).sample(frac=1, random_state=1), rows, "seen_on")

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert evidence(newborn, "splits")["time_inverted"]


def test_leaked_column(newborn: Path) -> None:
    """A copy of the answer under another name."""
    rows = pd.read_csv(newborn / ROWS)
    rows.insert(1, "remark", rows[rows.columns[-1]])
    rows.to_csv(newborn / ROWS, index=False)

    code, said = ask(newborn, "audit")

    assert code == 1
    assert "remark" in said
    assert gate(newborn, "G1.4").state == "fail"


def test_target_as_the_sum_of_two_columns(newborn: Path) -> None:
    """Two harmless columns that add up to the answer; of classes, to the 0 and 1 of one of them."""
    rows = pd.read_csv(newborn / ROWS)
    target = rows[rows.columns[-1]]
    answer = target if TASK not in CLASSES else (target == target.iloc[0]) * 1.0
    rows.insert(1, "part_a", answer * 0.3 + pd.Series(range(len(rows))) % 17)
    rows.insert(2, "part_b", answer - rows["part_a"])
    rows.to_csv(newborn / ROWS, index=False)

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert "part_a" in gate(newborn, "G1.4").reason


def test_data_changed_without_code(worked: Path) -> None:
    """One changed value blocks everything that was measured on the old file."""
    rows = pd.read_csv(worked / ROWS)
    rows.iloc[0, 2] = rows.iloc[1, 2]
    rows.iloc[1:].to_csv(worked / ROWS, index=False)

    for id in ("G1.3", "G1.4", "G1.9", "G1.lock", "G2.1", "G3.3"):
        row = gate(worked, id)
        assert row.state == "blocked"
        assert "changed after the audit" in row.reason


def test_who_owns_a_source_moves_no_row(worked: Path) -> None:
    """What G1.2 asks about a source is answered while the work goes on; which column is what is asked before it."""
    path = worked / "data/source.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("owner: test", "owner: the archive"), "utf-8")
    assert gate(worked, "G1.3").state == "pass"

    path.write_text(text.replace('split: "', 'leave_out: []\nsplit: "'), "utf-8")
    assert "data/source.yaml changed after the audit" in gate(worked, "G1.3").reason


def test_a_breach_of_the_schema(worked: Path) -> None:
    """A rule that does not hold fails G1.3 and names the column."""
    rows = pd.read_csv(worked / ROWS)
    number = rows.select_dtypes("number").columns[0]
    rows[number] = rows[number].astype(float)
    rows.loc[0, number] = 1e9
    rows.to_csv(worked / ROWS, index=False)

    ask(worked, "audit")

    assert gate(worked, "G1.3").state == "fail"
    assert number in gate(worked, "G1.3").reason


def test_stale_evidence(worked: Path) -> None:
    """A rule edited after the audit: the old result no longer says anything."""
    with (worked / "data" / "schema.yaml").open("a") as file:
        file.write("# tighter now\n")

    assert gate(worked, "G1.3").state == "blocked"
    assert "stale" in gate(worked, "G1.3").reason
    assert gate(worked, "G1.lock").state == "blocked"


def test_edited_evidence(worked: Path) -> None:
    """A typed figure breaks the seal."""
    edit(worked / "evidence" / "harness.json", lambda found: found["constant"].update(ok=True, note="looked fine"))

    assert gate(worked, "G1.8").state == "blocked"
    assert "by hand" in gate(worked, "G1.8").reason


def test_a_second_run_that_differs(newborn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that loses a row when it reads the same file again: the audit stops, and the gate is red."""
    right, opened = Engine.open, []

    def forgetful(table: Engine, path: Path, moments: Mapping[str, str] | None = None) -> None:
        right(table, path, moments)
        opened.append(path)
        if len(opened) == 2:
            table.run("create or replace table source as select * from source where _row > 1")

    assert gate(newborn, "G1.7").state == "blocked"
    monkeypatch.setattr(Engine, "open", forgetful)
    code, said = ask(newborn, "audit")

    assert code == 1
    assert "Recommendation: stop. A second run from the raw file gave another manifest." in said
    assert gate(newborn, "G1.7").state == "fail"
    assert "manifest, splits" in gate(newborn, "G1.7").reason


def test_unseeded_split(newborn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are split by chance lie elsewhere in the second run, and no prediction fits them."""
    chance = "case when random() < 0.6 then 'train' when random() < 0.5 then 'validation' else 'test' end"
    monkeypatch.setattr(splits, "_split", lambda *given: f"select *, {chance} as _split from {given[-1]}")
    for words in (["audit"], ["confirm", "--all"], ["baseline"]):
        ask(newborn, *words)

    assert "splits" in gate(newborn, "G1.7").reason
    assert gate(newborn, "G1.7").state == gate(newborn, "G1.9").state == "fail"


def test_unsound_harness(worked: Path) -> None:
    """A harness that lets shuffled labels win is not one."""
    forge(worked, "harness", lambda found: found["shuffled"].update(ok=False))

    assert gate(worked, "G1.8").state == "fail"


def self_tested(root: Path, **ends: Any) -> None:
    """Evidence of a run of the engine's own tests."""
    facts = {"passed": 1, "failed": [], "skipped": [], "empty": []} | ends
    Repo(root).write_evidence(self_test.EVIDENCE, facts, (ENGINE,))


@pytest.mark.parametrize("end", ["failed", "skipped", "empty"])
def test_skipped_test_counted_as_pass(worked: Path, end: str) -> None:
    """Of the engine's own tests, one that was skipped, or that asserts nothing, is no pass; neither is none at all."""
    assert gate(worked, "G1.8").state == "warn"  # not run is no pass
    self_tested(worked)
    assert gate(worked, "G1.8").state == "pass"

    self_tested(worked, **{end: ["test_gates_data.py::test_put_off"]})

    assert gate(worked, "G1.8").state == "fail"
    assert f"test_put_off {end}" in gate(worked, "G1.8").reason
    self_tested(worked, passed=0)
    assert gate(worked, "G1.8").state == "fail"


def test_another_engine_than_the_one_that_was_tested(worked: Path) -> None:
    """What its tests showed says nothing of an engine that was edited since; the team's own tests are no part of it."""
    self_tested(worked)
    (worked / "tests").mkdir(exist_ok=True)
    (worked / "tests" / "test_ours.py").write_text("def test_ours(): assert False\n")
    assert gate(worked, "G1.8").state == "pass"

    forge(worked, self_test.EVIDENCE, lambda found: found["measured"].update({ENGINE: "0" * 64}))

    assert gate(worked, "G1.8").state == "warn"
    assert "self-test" in gate(worked, "G1.8").next_step


def test_typed_baseline(worked: Path) -> None:
    """A baseline made to look worse does not recompute."""
    forge(worked, "baseline", lambda found: found["result"].update(value=0.123))

    assert gate(worked, "G1.9").state == "fail"
    assert "recomputes" in gate(worked, "G1.9").reason


def test_open_assumption(worked: Path) -> None:
    """A confirmation taken back shuts the gate."""
    path = worked / "plan" / "assumptions.yaml"
    path.write_text('- {key: miss_cost, value: "1", confirmed_by: "", confirmed_on: ""}\n')

    assert gate(worked, "G1.11").state == "blocked"
    assert ask(worked, "confirm", "no_such_key")[0] == 1


def test_changed_answer_blocks_what_uses_the_plan(worked: Path) -> None:
    """The plan rests on the answers; a changed answer makes it stale."""
    path = worked / "plan" / "project.yaml"
    path.write_text(path.read_text("utf-8").replace("daily_volume:", 'daily_volume: "12345" # was'), "utf-8")

    row = gate(worked, "G3.3")
    assert row.state == "blocked"
    assert "replan" in row.next_step
