"""Every gate is seen red: each test plants one defect and watches the gate that is there for it."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import TASK, ask, commit, gate, git, write_source

from {{ answers.package_name }} import dataset, records, samples
from {{ answers.package_name }}.dataset import read_predictions
from {{ answers.package_name }}.engine import write_parquet
from {{ answers.package_name }}.repo import Repo, seal

ROWS = "data/raw/rows.csv"
SEALED = "evidence/{}.json"


def edit(path: Path, change) -> None:
    """Change a JSON or YAML file as somebody with an editor would."""
    load = json.loads if path.suffix == ".json" else yaml.safe_load
    content = load(path.read_text("utf-8"))
    change(content)
    dump = json.dumps(content, indent=2) if path.suffix == ".json" else yaml.safe_dump(content, sort_keys=False)
    path.write_text(dump, "utf-8")


def forge(root: Path, name: str, change) -> None:
    """Change evidence and its seal with it, as somebody who knows how."""

    def all_of_it(content: dict) -> None:
        change(content)
        content["seal"] = seal(content)

    edit(root / SEALED.format(name), all_of_it)


def record_of(root: Path) -> Path:
    return root / "experiments" / records.all_records(Repo(root))[-1]["folder"] / "record.yaml"


def own_split(root: Path, parts: pd.Series, rows: pd.DataFrame | None = None, time: str = "") -> None:
    """Rows with a split of their own, and the column that says so."""
    rows = samples.table(TASK) if rows is None else rows
    rows.assign(part=parts.to_numpy()).to_csv(root / ROWS, index=False)
    ids = next(name for name in ("row_id", "case_id") if name in rows)
    group = "query" if TASK == "ranking" else ""
    write_source(root, samples.table(TASK).columns[-1], "malignant", time, group, ids, "part")


def thirds(count: int) -> pd.Series:
    return pd.Series(["train", "validation", "test"]).repeat(count // 3 + 1).iloc[:count].reset_index(drop=True)


# ---------------------------------------------------------------------------------------------------- the plain way
def test_the_worked_repository_is_open_up_to_acceptance(worked: Path) -> None:
    """What the tests below turn red is green first."""
    for id in ("G1.3", "G1.4", "G1.8", "G1.9", "G1.11", "G1.lock", "G2.1", "G2.2", "G2.3", "G2.4", "G2.5", "G3.1"):
        row = gate(worked, id)
        assert row.state == "pass", f"{id}: {row.reason}"


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


def test_the_same_commands_again_change_nothing(worked: Path) -> None:
    """An audit of the same data gives the same manifest, splits and lock."""
    kept = {name: (worked / name).read_bytes() for name in ("data/manifest.json", "gates/G1.lock")}

    ask(worked, "audit")
    ask(worked, "baseline")

    assert kept == {name: (worked / name).read_bytes() for name in kept}


# ---------------------------------------------------------------------------------------------------- G1
def test_test_rows_copied_into_train(newborn: Path) -> None:
    """test = train copy: the same rows under other names lie in both."""
    rows = samples.table(TASK)
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
    rows = samples.table(TASK)
    parts = thirds(len(rows))
    rows = pd.concat([rows, rows.iloc[:5]], ignore_index=True)
    own_split(newborn, pd.concat([parts, pd.Series(["test"] * 5)], ignore_index=True), rows)

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert gate(newborn, "G1.3").state == "fail"  # the id repeats


def test_shuffled_time(newborn: Path) -> None:
    """A random split of dated rows trains on the future."""
    rows = samples.table(TASK)
    rows["seen_on"] = pd.date_range("2024-01-01", periods=len(rows), freq="h").astype(str)
    own_split(newborn, thirds(len(rows)).sample(frac=1, random_state=1), rows[[*rows.columns[-1:], *rows.columns[:-1]]], "seen_on")

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert "newer" in gate(newborn, "G1.4").reason or "split" in gate(newborn, "G1.4").reason


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
    """Two harmless columns that add up to the answer."""
    if TASK in ("binary", "multiclass"):
        pytest.skip("a class is no sum")
    rows = pd.read_csv(newborn / ROWS)
    rows.insert(1, "part_a", rows[rows.columns[-1]] * 0.3 + pd.Series(range(len(rows))) % 17)
    rows.insert(2, "part_b", rows[rows.columns[-1]] - rows["part_a"])
    rows.to_csv(newborn / ROWS, index=False)

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "fail"
    assert "part_a" in gate(newborn, "G1.4").reason


def test_explained_suspect_passes(newborn: Path) -> None:
    """A person may say why a column may know the answer; the reason stays in data/source.yaml."""
    rows = pd.read_csv(newborn / ROWS)
    rows.insert(1, "remark", rows[rows.columns[-1]])
    rows.to_csv(newborn / ROWS, index=False)
    with (newborn / "data" / "source.yaml").open("a") as file:
        file.write("explained:\n  remark: known before the prediction, by contract\n")

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "pass"


def test_data_changed_without_code(worked: Path) -> None:
    """One changed value blocks everything that was measured on the old file."""
    rows = pd.read_csv(worked / ROWS)
    rows.iloc[0, 2] = rows.iloc[1, 2]
    rows.iloc[1:].to_csv(worked / ROWS, index=False)

    for id in ("G1.3", "G1.4", "G1.9", "G1.lock", "G2.1", "G3.3"):
        row = gate(worked, id)
        assert row.state == "blocked"
        assert "changed after the audit" in row.reason


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
    edit(worked / SEALED.format("harness"), lambda found: found["constant"].update(ok=True, note="looked fine"))

    assert gate(worked, "G1.8").state == "blocked"
    assert "by hand" in gate(worked, "G1.8").reason


def test_unsound_harness(worked: Path) -> None:
    """A harness that lets shuffled labels win is not one."""
    forge(worked, "harness", lambda found: found["shuffled"].update(ok=False))

    assert gate(worked, "G1.8").state == "fail"


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


# ---------------------------------------------------------------------------------------------------- G2
def test_evaluation_on_train(worked: Path) -> None:
    """Predictions about the training rows are recognised by their keys."""
    repo = Repo(worked)
    rows = dataset.load(repo, "train")
    said = read_predictions(repo, yaml.safe_load(record_of(worked).read_text())["predictions_file"])
    classes = tuple(column[2:] for column in said if column.startswith("p:"))
    scores = pd.DataFrame({name: [0.5] * len(rows.y) for name in classes or ["score"]}).to_numpy(dtype=float)
    digest = dataset.keep_predictions(repo, rows, scores if classes else scores[:, 0], classes)
    edit(record_of(worked), lambda found: found.update(predictions_file=digest))

    assert gate(worked, "G2.5").state == "fail"
    assert "train rows" in gate(worked, "G2.5").reason


def test_candidate_compared_with_itself(worked: Path) -> None:
    """The baseline's own predictions under the model's name."""
    base = Repo(worked).evidence("baseline")
    edit(record_of(worked), lambda found: found.update(predictions_file=base["predictions"], metric=base["result"]))

    assert gate(worked, "G2.5").state == "fail"
    assert "itself" in gate(worked, "G2.5").reason


def test_nan_metric(worked: Path) -> None:
    """A metric that is no number is no result."""
    repo = Repo(worked)
    said = read_predictions(repo, yaml.safe_load(record_of(worked).read_text())["predictions_file"])
    scores = [column for column in said if column == "score" or column.startswith("p:")]
    said[scores] = float("nan")
    part = dataset.store(repo) / "part.parquet"
    write_parquet(said, part)
    digest = repo.sha256(part)
    part.rename(part.with_name(f"{digest}.parquet"))
    edit(record_of(worked), lambda found: found.update(predictions_file=digest))

    assert gate(worked, "G2.5").state == "fail"


def test_typed_score(worked: Path) -> None:
    """A better figure in a record does not recompute."""
    edit(record_of(worked), lambda found: found["metric"].update(value=0.999))

    assert gate(worked, "G2.5").state == "fail"


def test_record_without_its_predictions(worked: Path) -> None:
    """What cannot be worked out again does not count."""
    digest = yaml.safe_load(record_of(worked).read_text())["predictions_file"]
    (worked / "store" / f"{digest}.parquet").unlink()

    assert gate(worked, "G2.5").state == "blocked"


def test_incomplete_record_and_two_changes(worked: Path) -> None:
    """A record has all its fields, and one change."""
    edit(record_of(worked), lambda found: found.update(change=["C: 1 → 2", "seed: 7 → 8"]))
    assert gate(worked, "G2.2").state == "fail"

    edit(record_of(worked), lambda found: found.update(change=["C: 1 → 2"], hypothesis=""))
    assert gate(worked, "G2.2").state == "blocked"


def test_experiment_from_a_dirty_tree(worked: Path) -> None:
    """A result of code nobody can get back."""
    with (worked / "pyproject.toml").open("a") as file:
        file.write("\n# edited\n")
    code, said = ask(worked, "experiment", "--model", "forest")

    assert code == 0, said
    assert gate(worked, "G2.3").state == "fail"


def test_experiment_on_other_data(worked: Path) -> None:
    """A record of another lock is kept and not counted."""
    edit(record_of(worked), lambda found: found.update(lock_sha="0" * 64))

    assert gate(worked, "G2.1").state == "blocked"
    assert "not counted" in gate(worked, "G2.1").reason


def test_rewritten_record(worked: Path) -> None:
    """Git remembers that a committed record was changed."""
    assert gate(worked, "G2.7").state == "pass"
    edit(record_of(worked), lambda found: found.update(learned="we always knew"))
    commit(worked)

    assert gate(worked, "G2.7").state == "fail"


def test_forgotten_look(worked: Path) -> None:
    """The log of looks can neither be cut nor rewritten."""
    log = worked / dataset.TEST_LOG
    lines = log.read_text().splitlines()
    log.write_text(lines[0].replace('"accept"', '"nobody"') + "\n")
    assert gate(worked, "G2.4").state == "fail"

    log.unlink()
    assert gate(worked, "G2.4").state == "fail"


def test_test_split_is_closed_to_everything_else(worked: Path) -> None:
    """Loading it without a purpose is refused, with one leaves a line."""
    from {{ answers.package_name }}.gates import Blocked

    with pytest.raises(Blocked):
        dataset.load(Repo(worked), "test")
    dataset.load(Repo(worked), "test", {"command": "curiosity", "model": "x"})

    assert gate(worked, "G2.4").state == "fail"
    assert "curiosity" in gate(worked, "G2.4").reason


def test_logic_in_a_notebook(worked: Path) -> None:
    """Functions belong into src/, outputs nowhere."""
    path = worked / "notebooks" / "explore.ipynb"
    assert gate(worked, "G2.8").state == "pass"
    edit(path, lambda book: book["cells"][1].update(source=["def clever():\n", "    return 1\n"]))

    assert gate(worked, "G2.8").state == "fail"


# ---------------------------------------------------------------------------------------------------- G3
def test_threshold_edited_after_the_look(worked: Path) -> None:
    """A lower bar, signed again, comes too late."""
    assert gate(worked, "G3.1").state == "pass"
    edit(worked / "plan" / "plan.json", lambda plan: plan["acceptance"]["min_gain"].update(value=-1.0))
    assert gate(worked, "G3.1").state == "blocked"
    assert gate(worked, "G3.3").state == "blocked"

    git(worked, "commit", "--quiet", "-am", "lower bar", "--date", "2040-01-01T00:00:00")
    ask(worked, "sign", "G3a")

    row = gate(worked, "G3.1")
    assert row.state in ("fail", "pass")
    looked = json.loads((worked / dataset.TEST_LOG).read_text().splitlines()[0])["at"]
    signed = yaml.safe_load((worked / "gates" / "signoff-G3a.yaml").read_text())[0]["at"]
    assert signed > looked
    assert row.state == "fail"


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
