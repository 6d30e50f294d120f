"""Gates G2 are seen red: each test plants one defect and watches its gate."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ask, commit, edit, gate, record_of

from {{ answers.package_name }} import dataset
from {{ answers.package_name }}.dataset import read_predictions
from {{ answers.package_name }}.engine import write_parquet
from {{ answers.package_name }}.files import Blocked
from {{ answers.package_name }}.repo import Repo


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
