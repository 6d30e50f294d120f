"""Another engine measures: what was measured before goes on to count where it comes out equal, and only there."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from material import newborn
from mlscaffold import render, vcs
from rendered_repository import run, states

METRICS = "engine/planrun_ml/measuring/metrics.py"
COUNTED = ("G1.lock", "G2.1", "G2.5")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of today, whose phase has not ended, with two experiments on its locked sample."""
    folder = render.render(newborn("ml-default"), tmp_path_factory.mktemp("measured"))
    vcs.create(folder, "Start")
    for words in (["audit"], ["confirm", "--all"], ["baseline"], ["experiment"], ["experiment", "--model", "forest"]):
        done = run(folder, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert [states(folder)[id] for id in COUNTED] == ["pass"] * 3
    return folder


@pytest.fixture
def project(measured: Path, tmp_path: Path) -> Path:
    """A copy of it to work in."""
    return Path(shutil.copytree(measured, tmp_path / "my-project"))


def engine(folder: Path, old: str, new: str) -> None:
    """Other modules measure from now on."""
    path = folder / METRICS
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def records(folder: Path) -> dict[str, str]:
    """The records as they lie there."""
    return {path.parent.name: path.read_text("utf-8") for path in sorted(folder.glob("experiments/*/record.yaml"))}


@pytest.mark.slow
def test_records_that_come_out_equal_are_carried(project: Path) -> None:
    """A module that measures reads otherwise and says the same: baseline carries every record, and rewrites none."""
    before = records(project)
    first = json.loads((project / "gates/G1.lock").read_text("utf-8"))
    engine(project, '"""', '"""Newer. ')
    refused = run(project, "experiment", "--model", "boosting")
    done = run(project, "baseline")
    lock = json.loads((project / "gates/G1.lock").read_text("utf-8"))

    assert refused.returncode == 2
    assert "the engine measures with other modules" in refused.stdout + refused.stderr
    assert done.returncode == 0, done.stderr
    assert "2 of 2 records come out equal" in done.stdout
    assert {name for name in lock if lock[name] != first.get(name)} == {"harness", "carried"}
    assert set(lock["carried"]) == {"0001-linear", "0002-forest"}
    assert [states(project)[id] for id in COUNTED] == ["pass"] * 3
    assert {name: text for name, text in records(project).items() if name[:4] != "0000"} == {
        name: text for name, text in before.items() if name[:4] != "0000"
    }
    assert "not counted" not in (project / "evidence/experiments.md").read_text("utf-8")

    again = run(project, "baseline")
    assert json.loads((project / "gates/G1.lock").read_text("utf-8")) == lock
    assert "0 of" not in again.stdout
    engine(project, '"""Newer. ', '"""Newest. ')
    assert "2 of 2 records come out equal" in run(project, "baseline").stdout
    assert states(project)["G2.1"] == "pass"


def test_records_that_come_out_otherwise_are_named_and_not_counted(project: Path) -> None:
    """The metric changed its meaning: every record falls, with the figure that it recomputes to."""
    engine(
        project, "\ndef score(", "\ndef score(metric, case):\n    return 0.9 * _right(metric, case)\n\n\ndef _right("
    )
    done = run(project, "baseline")

    assert done.returncode == 0, done.stderr
    assert "0 of 2 records come out equal" in done.stdout
    assert "0001-linear: " in done.stdout
    assert "recomputes to" in done.stdout
    assert states(project)["G2.1"] == "blocked"
    assert "not counted" in (project / "evidence/experiments.md").read_text("utf-8")


def test_what_was_compared_with_a_record_that_falls_falls_with_it(project: Path) -> None:
    """A typed score is found, and whatever was measured against that record is not comparable any more."""
    path = project / "experiments/0001-linear/record.yaml"
    record = yaml.safe_load(path.read_text("utf-8"))
    record["metric"]["high"] += 0.01
    path.write_text(yaml.safe_dump(record, sort_keys=False), "utf-8")
    engine(project, '"""', '"""Newer. ')
    done = run(project, "baseline")

    assert "0 of 2 records come out equal" in done.stdout
    assert "0001-linear: its bounds recompute to" in done.stdout
    assert "0002-forest: it was compared with 0001-linear" in done.stdout


def test_other_data_carry_nothing(project: Path) -> None:
    """Where a rule of the data moved as well, results are of other data, whatever they come out to."""
    engine(project, '"""', '"""Newer. ')
    with (project / "data/schema.yaml").open("a", encoding="utf-8") as file:
        file.write("# tighter\n")
    run(project, "audit")
    done = run(project, "baseline")

    assert done.returncode == 0, done.stderr
    assert "come out equal" not in done.stdout
    assert "carried" not in json.loads((project / "gates/G1.lock").read_text("utf-8"))
    assert states(project)["G2.1"] == "blocked"
    assert subprocess.run(["git", "status", "--porcelain", "docs"], cwd=project, capture_output=True).stdout == b""
