"""MLflow shows the same runs as the records in git, reports to nobody, and leaves nothing outside the store."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
from planrun.repository import Repo

from planrun_ml.data import prediction_files
from planrun_ml.experiments import records, tracking
from planrun_ml.self_test.conftest import ask, git, record_of

pytestmark = [
    pytest.mark.elsewhere,
    pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed here: make setup"),
]


def runs(root: Path) -> dict[str, Any]:
    """The runs of a repository's own store, by name."""
    import mlflow

    repo = Repo(root)
    client = mlflow.MlflowClient(f"sqlite:///{prediction_files.store(repo) / 'mlflow.db'}")
    found = client.get_experiment_by_name(repo.answers["project_slug"])
    return {run.info.run_name: run for run in client.search_runs([found.experiment_id])}


def test_every_record_is_a_run(worked: Path) -> None:
    """An experiment writes its record, and a run beside it: same name, same figures, and the record whole."""
    before = git(worked, "status", "--short")
    code, said = ask(worked, "experiment", "--model", "forest", "--hypothesis", "trees see steps")
    record, run = records.all_records(Repo(worked))[-1], runs(worked)[record_of(worked).parent.name]

    assert code == 0, said
    assert run.data.metrics[record["metric"]["name"]] == pytest.approx(record["metric"]["value"])
    assert run.data.metrics["gain"] == pytest.approx(record["vs_baseline"]["value"])
    assert run.data.tags["hypothesis"] == "trees see steps"
    assert run.data.tags["lock_sha"] == record["lock_sha"]
    assert list((prediction_files.store(Repo(worked)) / "mlflow").rglob("record.yaml"))
    added = set(git(worked, "status", "--short").splitlines()) - set(before.splitlines())
    assert added == {"?? experiments/0002-forest/"} | {line for line in added if "evidence/experiments.md" in line}


def test_a_metric_without_a_value_is_not_shown(worked: Path) -> None:
    """What was not measured has no number in MLflow either."""

    repo = Repo(worked)
    tracking.log(repo, records.all_records(repo)[-1] | {"id": "empty", "vs_baseline": {"value": None}})

    assert "gain" not in runs(worked)["empty"].data.metrics


def test_nothing_is_reported_to_anybody(worked: Path) -> None:
    """MLflow counts its users unless it is told not to, and it is told before it is imported."""

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    import mlflow

    assert mlflow.telemetry.get_telemetry_client() is None
