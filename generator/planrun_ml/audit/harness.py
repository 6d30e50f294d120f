"""Is the harness sound? A constant scores what it must, and shuffled answers score like chance."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics

from planrun_ml.baseline.rule import case, constant
from planrun_ml.data.frames import Frame
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.intervals import interval, of_mean
from planrun_ml.measuring.metrics import NATURAL, decide, higher_is_better, score
from planrun_ml.models import configuration, double_run, training

SHUFFLES = 10


# ---------------------------------------------------------------------------------------------------- the harness
# The constant's score by scikit-learn, which shares no code with the evaluator: of its scores, or of its decisions.
OF_SCORES = {
    "roc_auc": metrics.roc_auc_score, "average_precision": metrics.average_precision_score,
    "mae": metrics.mean_absolute_error, "rmse": metrics.root_mean_squared_error, "brier": metrics.brier_score_loss,
    "log_loss": partial(metrics.log_loss, labels=[0.0, 1.0]),
}  # fmt: skip
OF_DECISIONS = {"accuracy": metrics.accuracy_score, "recall": metrics.recall_score}


def check(train_rows: Frame, validation: Frame, task: str, metric: str, threshold: float) -> dict[str, Any]:
    """The three results, each with `ok`."""
    settings, flat = configuration.config("linear"), case(constant(train_rows, task), validation, threshold)
    return {
        "constant": scored(flat, dict.fromkeys((metric, NATURAL[task]))),
        "shuffled": shuffled(train_rows, validation, task, settings, flat),
        "double_run": double_run.double_run(train_rows, validation, task, settings),
    }


def scored(flat: Case, names: Iterable[str]) -> dict[str, Any]:
    """The constant predictor, by the evaluator and by somebody else's arithmetic."""
    found = {}
    for name in names:
        measured, slack = score(name, flat), 1e-6
        if (
            name == "ndcg_at_10" and flat.queries is not None
        ):  # one random order is no mean over all: as far as its 99 % interval reaches
            from planrun_ml.measuring.ranking import by_chance

            expected, slack = by_chance(flat.y, flat.queries), measured - interval(name, flat, 0.005).low
        elif name in OF_SCORES and not flat.classes:
            expected = float(OF_SCORES[name](flat.y, flat.scores))
        elif name in OF_DECISIONS:
            expected = float(OF_DECISIONS[name](flat.y, decide(flat)))
        else:
            continue
        found[name] = {"measured": measured, "expected": expected, "ok": bool(abs(measured - expected) <= slack)}
    return {"metrics": found, "ok": bool(found) and all(entry["ok"] for entry in found.values())}


def shuffled(rows: Frame, validation: Frame, task: str, settings: Mapping[str, Any], flat: Case) -> dict[str, Any]:
    """Models trained on shuffled answers must on average not beat the constant, with 99 % confidence."""
    metric, gains = NATURAL[task], []
    for number in range(SHUFFLES):
        noise = replace(rows, y=np.random.default_rng(number).permutation(rows.y))
        said = training.case(training.fit(noise, task, settings), validation, task, flat.threshold)
        gains.append((score(metric, said) - score(metric, flat)) * (1 if higher_is_better(metric) else -1))
    found = of_mean(np.array(gains), 0.005)
    return {"metric": metric, "gain_over_constant": found.as_json(), "ok": bool(found.low <= 0)}
