"""What the accepted model, the baseline and the simplest model say about the test rows: for `accept`, and again."""

import time
from typing import Any

import numpy as np
from planrun.repository import Repo
from planrun.trouble import MEMORY_ENDS, Trouble

from planrun_ml.baseline import rule as rule_module
from planrun_ml.data import frames, prediction_files
from planrun_ml.data import source as source_module
from planrun_ml.data.frames import Frame
from planrun_ml.models import configuration, families, model_files, training

Said = dict[str, tuple[np.ndarray, tuple[str, ...]]]  # by whom: scores, and the classes of their columns


def predicted(repo: Repo, frame: Frame, champion: dict[str, Any]) -> tuple[Said, float]:
    """What model, baseline rule and, where the champion is not it, the simplest model say; and the model's seconds.

    Raises `Trouble` where the model cannot be loaded, or the team's own code fails on these rows.
    """
    task = repo.answers["task"]
    path, settings = prediction_files.store(repo) / f"{champion['model_file']}.skops", champion["config"]
    model = model_files.load(path, champion["model_file"], settings, repo.rooms)
    started = time.perf_counter()
    rule = repo.fresh("baseline", "make baseline")["rule"]
    try:
        said = rule_module.stood_in(rule, model, frame.x, task)
    except Exception as error:
        raise _of_the_team(repo, champion, error) from error
    seconds = time.perf_counter() - started
    found = {
        "model": (said, training.classes(model, task)),
        "baseline": (rule_module.scores(rule, frame.x), rule_module.classes(rule)),
    }
    if not families.is_simple(settings, repo.rooms):
        simple = training.fit(frames.load(repo, "train"), task, configuration.config(families.ORDER[0]))
        found["simpler"] = training.predict(simple, frame.x, task), training.classes(simple, task)
    return found, seconds


def rule_again(repo: Repo) -> dict[str, Any]:
    """The baseline as the training rows, or data/source.yaml, give it now."""
    task, source = repo.answers["task"], source_module.source_of(repo)
    if source.baseline != "auto":
        return rule_module.own(source, task)
    return rule_module.learn(frames.load(repo, "train"), task)


def _of_the_team(repo: Repo, champion: dict[str, Any], error: Exception) -> Exception:
    """One sentence for a fault in the team's own code; a fault of the engine's stays what it is."""
    of_theirs = any(champion["config"].get(room) for room in ("family", "features"))
    if isinstance(error, (Trouble, *MEMORY_ENDS)) or not of_theirs:
        return error
    text = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
    files = f"src/{repo.rooms.package}/models.py or features.py"
    return Trouble(f"{champion['id']} fails on the test rows: {text}.", f"Correct {files}, then: make experiment")
