"""Where runs can be looked at, besides the records in git: nowhere more, or MLflow where the answers ask for it."""

import logging
import os
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data import prediction_files

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before its import: it starts to report there
try:
    import mlflow
except ImportError:
    raise Trouble("tracking is mlflow, and it is not installed.", "make setup") from None


def log(repo: Repo, record: dict[str, Any]) -> None:
    """Show a record in MLflow (`tracking: mlflow` in plan/project.yaml); the record itself stays the truth."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    store, name = prediction_files.store(repo), repo.answers["project_slug"]
    store.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{(store / 'mlflow.db').as_posix()}")
    if mlflow.get_experiment_by_name(name) is None:  # its files belong beside it, not into the folder of the moment
        mlflow.create_experiment(name, artifact_location=(store / "mlflow").as_uri())
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name=record["id"]):
        mlflow.log_params({"model": record["config"]["model"], **record["config"]["params"]})
        values = {
            record["metric"]["name"].replace(":", "/"): record["metric"]["value"],
            "gain": record["vs_baseline"]["value"],
        }
        mlflow.log_metrics({key: value for key, value in values.items() if value is not None})
        mlflow.set_tags({key: str(record[key]) for key in ("hypothesis", "decision", "git_sha", "lock_sha")})
        mlflow.log_dict(record, "record.yaml")
