"""Is the harness sound? A constant scores what it must, and shuffled answers score like chance."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from planrun.trouble import Trouble
from sklearn import metrics

from planrun_ml.baseline.rule import case, constant
from planrun_ml.data.frames import Frame
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.intervals import interval, of_mean
from planrun_ml.measuring.metrics import BETTER, NATURAL, Metric, decide, named, score
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


def check(train_rows: Frame, validation: Frame, task: str, metric: Metric, threshold: float) -> dict[str, Any]:
    """The three results, each with `ok`.

    Raises `Trouble` for a metric that runs the other way than it says.
    """
    settings, flat = configuration.config("linear"), case(constant(train_rows, task), validation, threshold)
    if metric.own:
        _right_way_round(metric, flat)
    return {
        "constant": scored(flat, {one.name: one for one in (metric, named(NATURAL[task]))}.values()),
        "shuffled": shuffled(train_rows, validation, task, settings, flat),
        "double_run": double_run.double_run(train_rows, validation, task, settings),
    }


def _right_way_round(metric: Metric, flat: Case) -> None:
    """Perfect answers are not worse than a constant. Raises `Trouble` where a team's own metric says they are."""
    right = (flat.y[:, None] == np.asarray(flat.classes, dtype=object)).astype(float) if flat.classes else flat.y
    best, least = score(metric, replace(flat, scores=right)), score(metric, flat)
    if metric.sign * (best - least) < 0:
        other = BETTER[metric.better == BETTER[0]]
        raise Trouble(
            f"{metric.name} gives {best:.4g} to perfect answers and {least:.4g} to a constant, and {metric.better} is "
            "to be better: it runs the other way.",
            f'If so, write better="{other}" in metrics.py, then: mlscaffold replan --set metric_direction={other}',
        )


def scored(flat: Case, asked: Iterable[Metric]) -> dict[str, Any]:
    """The constant predictor, by the evaluator and by somebody else's arithmetic."""
    found = {}
    for metric in asked:
        name, measured, slack = metric.name, score(metric, flat), 1e-6
        if (
            name == "ndcg_at_10" and flat.queries is not None
        ):  # one random order is no mean over all: as far as its 99 % interval reaches
            from planrun_ml.measuring.ranking import by_chance

            expected, slack = by_chance(flat.y, flat.queries), measured - interval(metric, flat, 0.005).low
        elif name in OF_SCORES and not flat.classes:
            expected = float(OF_SCORES[name](flat.y, flat.scores))
        elif name in OF_DECISIONS:
            expected = float(OF_DECISIONS[name](flat.y, decide(flat)))
        else:
            continue
        found[name] = {"measured": measured, "expected": expected, "ok": bool(abs(measured - expected) <= slack)}
    return {"metrics": found, "ok": bool(found) and all(entry["ok"] for entry in found.values())}


def shuffled(rows: Frame, validation: Frame, task: str, settings: Mapping[str, Any], flat: Case) -> dict[str, Any]:
    """Models trained on shuffled answers must on average not beat a guess of their own kind, with 99 % confidence."""
    metric, gains, matrix = named(NATURAL[task]), [], None
    ready = training.prepared(rows, task, settings)  # once: no step before the family reads an answer
    for number in range(SHUFFLES):
        noise = np.random.default_rng(number).permutation(rows.y)
        model = training.learned(ready, noise, task, settings)
        matrix = model.matrix(validation.x) if matrix is None else matrix
        said = validation.case(model.said(matrix, task), flat.threshold, training.classes(model, task))
        gains.append((score(metric, said) - guessed(metric, said, rows, task, number)) * metric.sign)
    found = of_mean(np.array(gains), 0.005)
    return {"metric": metric.name, "gain_over_constant": found.as_json(), "ok": bool(found.low <= 0)}


def guessed(metric: Metric, said: Case, rows: Frame, task: str, seed: int) -> float:
    """What a guess scores that knows as much as a model which was taught nothing, so that like is compared with like.

    Of an amount the training rows' mean: least squares on shuffled answers gives it on average, and no error that is
    convex can be smaller on average than at the average (Jensen). The median that a rule would answer is another
    constant, and on answers that are skewed and grow it is the worse one. Of classes the model's own decisions, dealt
    out anew. Of an order, any order. Of a chance between two, one half of the area.
    """
    if task == "multiclass":
        decided, truth = decide(said).astype(str), said.y.astype(str)
        return float(sum((decided == name).mean() * (truth == name).mean() for name in np.unique(truth)))
    if task == "binary":
        return 0.5
    if task == "ranking":
        return score(metric, replace(said, scores=np.random.default_rng([31, seed]).random(len(said.y))))
    return score(metric, replace(said, scores=np.full(len(said.y), float(rows.y.mean()))))
