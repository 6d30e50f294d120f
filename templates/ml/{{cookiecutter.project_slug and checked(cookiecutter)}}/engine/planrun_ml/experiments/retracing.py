"""A model held against its own record: what its file says now, and what training by the record gives again.

A hash shows that a file is the one that was named, not that it came from where the record says. So the stored model
predicts the validation rows again, and a second one is trained by the record's settings on today's training rows:
both have to say what the record's predictions say. What that gave is remembered (see `planrun.remembered`) by the
bytes of the model, the data, the split, the settings, the engine and the packages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from planrun.command import COMMAND
from planrun.remembered import recall, remember
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.data import frames, prediction_files
from planrun_ml.data.manifest import MANIFEST
from planrun_ml.data.source import SOURCE
from planrun_ml.data.splits import SPLITS
from planrun_ml.models import model_files, training
from planrun_ml.models.model import Model
from planrun_ml.models.model_files import TOLERANCE

LONG = 60.0  # seconds of a training that no look at the state repeats: a command does
SAME, OTHER, LOOSE = "same", "other", "loose"


@dataclass(frozen=True)
class Traced:
    """`state` is `same`, `other` (it is not its record's) or `loose` (two trainings differ, so nobody can tell).

    `packages` are those that it was made with and that are other ones here.
    """

    state: str
    why: str = ""
    packages: str = ""


def world(repo: Repo) -> list[str]:
    """All that a training depends on beside its settings: data, split, answers and engine."""
    named = (repo.sha256(MANIFEST), repo.sha256(SOURCE), repo.digest(SPLITS), repo.answers_sha256)
    return [*named, repo.digest("engine/")]


def traced(repo: Repo, settings: Mapping[str, Any], model: str, predictions: str = "", seconds: float = 0.0) -> Traced:
    """Whether a model file is what its settings give on today's training rows.

    `model` is the file's hash, `predictions` that of what a record says it said about the validation rows; `seconds`
    is how long its training took: where that is more than a minute, and nothing is remembered, raises `Blocked`.
    Raises `Trouble` where the file is missing or has other bytes.
    """
    path = prediction_files.store(repo) / f"{model}.skops"
    stored = model_files.load(path, model, settings, repo.rooms)
    about = ("traced", model, dict(settings), predictions, world(repo), _packages(repo, settings))
    known = recall(repo.root, *about)
    if known is None and seconds > LONG:
        told = f"It was not trained again in this copy of the repository; that takes about {seconds / 60:.0f} minutes."
        raise Blocked(told, "make accept")
    if known is None:
        known = vars(_compared(repo, settings, stored, predictions))
        remember(repo.root, known, *about)
    return Traced(**known)


def of_record(repo: Repo, record: Mapping[str, Any], patient: bool = False) -> Traced:
    """The same for a record's model; `patient` waits for a long training too.

    Raises `Trouble` where it cannot be trained again.
    """
    seconds = 0.0 if patient else 3600.0 * float((record.get("cost") or {}).get("hours") or 0.0)
    try:
        found = traced(repo, record["config"], record["model_file"], record["predictions_file"], seconds)
    except Blocked:
        raise
    except Trouble as trouble:  # its file is lost, or another one in its place: the record gives it again
        raise Trouble(trouble.sentence, again(record)) from trouble
    return Traced(OTHER, found.why, _other_packages(repo, record)) if found.state == OTHER else found


def again(record: Mapping[str, Any]) -> str:
    """What measures a record anew."""
    return f"{COMMAND} experiment --again {record['id']}"


def differing(found: np.ndarray, held: np.ndarray) -> int:
    """How many rows two models say something else of, beyond what formats of text round."""
    if found.shape != held.shape:
        return max(len(found), len(held))
    gap = np.abs(found - held) / np.maximum(1.0, np.abs(held))
    rows = ~(gap <= TOLERANCE) & ~(np.isnan(found) & np.isnan(held))
    return int((rows if rows.ndim == 1 else rows.any(axis=1)).sum())


def kept_scores(repo: Repo, digest: str, frame: frames.Frame, classes: tuple[str, ...]) -> np.ndarray:
    """The scores of a prediction file in the order of a frame's rows; no rows where it is about others.

    Raises `Blocked` where the file is not there.
    """
    said = prediction_files.read_predictions(repo, digest)
    columns = [f"p:{name}" for name in classes] or ["score"]
    if not said["_key"].is_unique or set(said["_key"]) != set(frame.keys) or not set(columns) <= set(said):
        return np.empty((0, len(columns)))
    found: np.ndarray = said.set_index("_key").loc[frame.keys, columns].to_numpy(dtype=float)
    return found if classes else found[:, 0]


def _says(model: Model, x: pd.DataFrame, task: str) -> np.ndarray:
    """Its scores, not a number where it fails."""
    said, _ = training.predicted(model, x, task)
    return np.full(len(x), np.nan) if said is None else said


def _compared(repo: Repo, settings: Mapping[str, Any], stored: Model, predictions: str) -> Traced:
    """Predict with the stored model, and train twice at most."""
    task, validation = repo.answers["task"], frames.load(repo, "validation")
    says = _says(stored, validation.x, task)
    if predictions:
        held = kept_scores(repo, predictions, validation, training.classes(stored, task))
        if off := differing(says, held):
            return Traced(OTHER, f"its file says something else of {off} of {len(says)} validation rows")
    rows = frames.load(repo, "train")

    def trained() -> np.ndarray:
        return _says(training.fit(rows, task, settings, repo.rooms), validation.x, task)

    try:
        first = trained()
        off = differing(first, says)
        if not off:
            return Traced(SAME)
        if differing(trained(), first):
            return Traced(LOOSE, "two trainings with one seed give two models")
    except Trouble as trouble:
        return Traced(OTHER, f"it cannot be trained again: {trouble.sentence.rstrip('.')}")
    return Traced(OTHER, f"trained again, it says something else of {off} of {len(says)} validation rows")


def _packages(repo: Repo, settings: Mapping[str, Any]) -> str:
    return model_files.environment(settings, repo.rooms)


def _other_packages(repo: Repo, record: Mapping[str, Any]) -> str:
    """Which packages are other ones than those that a record's model was made with."""
    here, then = model_files.packages(record["config"], repo.rooms), record.get("packages") or {}
    moved = [f"{name} {then[name]}, here {held}" for name, held in here.items() if then.get(name, held) != held]
    return "; ".join(moved)
