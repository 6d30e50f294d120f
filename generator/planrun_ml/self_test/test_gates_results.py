"""Gates G2 and G3, signatures and waivers are seen red: each test plants one defect and watches its gate."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from planrun.repository import Repo
from planrun.trouble import Blocked

from planrun_ml.data import frames, looks, prediction_files
from planrun_ml.data.prediction_files import read_predictions
from planrun_ml.self_test.conftest import ask, commit, edit, evidence, forge, gate, git, record_of
from planrun_ml.tables.parquet import write_parquet


# ---------------------------------------------------------------------------------------------------- experiments
def test_evaluation_on_train(worked: Path) -> None:
    """Predictions about the training rows are recognised by their keys."""
    repo = Repo(worked)
    rows = frames.load(repo, "train")
    said = read_predictions(repo, yaml.safe_load(record_of(worked).read_text())["predictions_file"])
    classes = tuple(column[2:] for column in said if column.startswith("p:"))
    scores = pd.DataFrame({name: [0.5] * len(rows.y) for name in classes or ["score"]}).to_numpy(dtype=float)
    digest = prediction_files.keep_predictions(repo, rows, scores if classes else scores[:, 0], classes)
    edit(record_of(worked), lambda found: found.update(predictions_file=digest))

    assert gate(worked, "G2.5").state == "fail"
    assert "train rows" in gate(worked, "G2.5").reason


def test_candidate_compared_with_itself(worked: Path) -> None:
    """The baseline's own predictions under the model's name."""
    base = evidence(worked, "baseline")
    edit(record_of(worked), lambda found: found.update(predictions_file=base["predictions"], metric=base["result"]))

    assert gate(worked, "G2.5").state == "fail"
    assert "itself" in gate(worked, "G2.5").reason


def test_nan_metric(worked: Path) -> None:
    """A metric that is no number is no result."""
    repo = Repo(worked)
    said = read_predictions(repo, yaml.safe_load(record_of(worked).read_text())["predictions_file"])
    scores = [column for column in said if column == "score" or column.startswith("p:")]
    said[scores] = float("nan")
    part = prediction_files.store(repo) / "part.parquet"
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
    log = worked / looks.TEST_LOG
    lines = log.read_text().splitlines()
    log.write_text(lines[0].replace('"accept"', '"nobody"') + "\n")
    assert gate(worked, "G2.4").state == "fail"

    log.unlink()
    assert gate(worked, "G2.4").state == "fail"


def test_test_split_is_closed_to_everything_else(worked: Path) -> None:
    """Loading it without a purpose is refused, with one leaves a line."""
    with pytest.raises(Blocked):
        frames.load(Repo(worked), "test")
    frames.load(Repo(worked), "test", {"command": "curiosity", "model": "x"})

    assert gate(worked, "G2.4").state == "fail"
    assert "curiosity" in gate(worked, "G2.4").reason


def test_logic_in_a_notebook(worked: Path) -> None:
    """Functions belong into src/, outputs nowhere."""
    path = worked / "notebooks" / "look.ipynb"
    path.parent.mkdir(exist_ok=True)
    imported = {"cell_type": "code", "outputs": [], "source": ["from planrun_ml.data import frames\n"]}
    path.write_text(json.dumps({"cells": [imported, imported]}))
    assert gate(worked, "G2.8").state == "pass"
    edit(path, lambda book: book["cells"][1].update(source=["def clever():\n", "    return 1\n"]))

    assert gate(worked, "G2.8").state == "fail"


# ---------------------------------------------------------------------------------------------------- acceptance
def test_threshold_edited_after_the_look(worked: Path) -> None:
    """A lower bar, signed again, comes too late."""
    assert gate(worked, "G3.1").state == "pass"
    edit(worked / "plan" / "plan.json", lambda plan: plan["acceptance"]["min_gain"].update(value=-1.0))
    assert gate(worked, "G3.1").state == "blocked"
    assert gate(worked, "G3.3").state == "blocked"

    git(worked, "commit", "--quiet", "-am", "lower bar", "--date", "2040-01-01T00:00:00")
    ask(worked, "sign", "G3a")

    looked = json.loads((worked / looks.TEST_LOG).read_text().splitlines()[0])["at"]
    signed = yaml.safe_load((worked / "gates" / "signoff-G3a.yaml").read_text())[0]["at"]
    assert signed > looked
    assert gate(worked, "G3.1").state == "fail"


def test_accept_without_signed_thresholds(worked: Path) -> None:
    """No signature, no look."""
    (worked / "gates" / "signoff-G3a.yaml").unlink()
    before = (worked / looks.TEST_LOG).read_text()

    code, said = ask(worked, "accept")

    assert code == 2
    assert "G3.1" in said
    assert before == (worked / looks.TEST_LOG).read_text()


def test_spent_looks(worked: Path) -> None:
    """More models than looks: the test set is used up."""
    test_set = evidence(worked, "splits")["keys"]["test"]
    for number in range(9):
        looks.log_look(Repo(worked), {"command": "accept", "model": f"m{number}"})

    assert looks.looks_used(Repo(worked), test_set) > 3
    assert gate(worked, "G3.2").state == "fail"


def test_typed_verdict(worked: Path) -> None:
    """The verdict comes from the predictions, whatever the evidence says."""
    found = evidence(worked, "acceptance")
    forge(worked, "acceptance", lambda facts: facts["verdict"].update(state="pass"))
    assert gate(worked, "G3.3").state == {"pass": "pass", "fail": "fail"}.get(found["verdict"]["state"], "blocked")

    forge(worked, "acceptance", lambda facts: facts["gain"].update(value=9.9))
    assert gate(worked, "G3.3").state == "fail"


def test_acceptance_of_the_baseline_itself(worked: Path) -> None:
    """The rule's predictions under the model's name gain nothing over the rule."""

    def swap(facts: dict[str, Any]) -> None:
        facts["predictions"]["model"] = facts["predictions"]["baseline"]

    forge(worked, "acceptance", swap)

    assert gate(worked, "G3.3").state == "fail"
    assert "itself" in gate(worked, "G3.3").reason


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
