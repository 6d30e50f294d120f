"""The baseline: a rule a person could have written, in SQL; and the harness: is the measuring instrument sound?

A rule is a dict of output → SQL over one column, learned from the training rows or given by the team, so the same text
runs in the audit, in acceptance and behind a service. A constant must score what arithmetic says, noise must score
chance, and the same seed must give the same model twice: a harness that fails here would flatter every experiment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from . import cards, data, dataset, train
from .data import Source
from .dataset import Frame
from .engine import Engine, literal, over_frames, quoted
from .evaluate import (
    NATURAL,
    SPLITS,
    Case,
    decide,
    decision_threshold,
    expected_cost,
    higher_is_better,
    locked,
    score,
)
from .files import Outcome, Trouble
from .intervals import interval, of_mean
from .repo import Repo

NAME = "0000-baseline"
SHOWN = 6  # significant digits in the SQL
CANDIDATES = 40
MOST = 50_000  # rows that choose the column; the rule itself is fitted on all
SHUFFLES = 10


def run(repo: Repo) -> Outcome:
    """Learn or read the rule, measure it on validation, and lock the data if nothing else is missing."""
    task, metric, source = repo.answers["task"], repo.answers["metric"], data.source_of(repo)
    rows, validation = dataset.load(repo, "train"), dataset.load(repo, "validation")
    rule = learn(rows, task) if source.baseline == "auto" else own(source, task)
    said = case(rule, validation, decision_threshold(repo))
    found = interval(metric, said, repo.needed("acceptance.alpha"))
    facts: dict[str, Any] = {
        "rule": rule,
        "metric": metric,
        "threshold": said.threshold,
        "result": found.as_json(),
        "constant": score(metric, case(constant(rows, task), validation, said.threshold)),
        "cost_per_decision": expected_cost(repo, said),
        "predictions": dataset.keep_predictions(repo, validation, said.scores, said.classes),
    }
    repo.write_evidence("baseline", facts, ("data/manifest.json", SPLITS))
    shown = {key: facts["result"][key] for key in ("value", "low", "high")}
    content = {"id": NAME, "goal": "the baseline", "rule": rule, "metric": {"name": metric, **shown}, "n": found.n}
    cards.write_record(repo, NAME, content | {"split": "validation", "predictions_file": facts["predictions"]})
    sql = rule["sql"].get("score") or "; ".join(f"{name}: {text}" for name, text in rule["sql"].items())
    bounds = f"bounds {found.low:.4g} to {found.high:.4g}, {len(said.y)} rows{data.label(repo, source)}."
    lines = [f"Baseline {metric} {found.value:.4g}, {bounds}", f"Rule: {sql}"]
    return Outcome("\n".join([*lines, f"A constant scores {facts['constant']:.4g}.", locked(Repo(repo.root))]))


# ---------------------------------------------------------------------------------------------------- the rule
def constant(frame: Frame, task: str) -> dict[str, Any]:
    """The best answer that looks at nothing."""
    rule = {name: f"{value:.{SHOWN}g}" for name, value in _level(frame.y, task, _classes(frame, task)).items()}
    return {"kind": "constant", "column": "", "sql": rule}


def learn(frame: Frame, task: str) -> dict[str, Any]:
    """The one-column rule that does best on folds of the training rows that it has not seen."""
    best, best_score, some = constant(frame, task), -np.inf, frame
    if frame.queries is None and len(frame.y) > MOST:
        some = train.part(frame, np.sort(np.random.default_rng(13).permutation(len(frame.y))[:MOST]))
    for column in list(frame.x)[:CANDIDATES]:
        for shape in _shapes(frame.x[column], task):
            found = _out_of_fold(some, task, column, shape)
            if found > best_score:
                best_score = found
                best = {"kind": shape, "column": column, "sql": ""}
    if best["column"]:
        best["sql"] = _fitted(frame, task, best["column"], best["kind"])
    return best


def own(source: Source, task: str) -> dict[str, Any]:
    """The rule that data/source.yaml gives as SQL."""
    if task == "multiclass":
        raise Trouble("A rule of your own is one number, and this task has classes.", "Keep baseline: auto.")
    return {"kind": "own", "column": "", "sql": {"score": source.baseline}}


def classes(rule: dict[str, Any]) -> tuple[str, ...]:
    """The classes a rule tells apart; none when it gives one number."""
    return () if list(rule["sql"]) == ["score"] else tuple(rule["sql"])


def case(rule: dict[str, Any], frame: Frame, threshold: float) -> Case:
    """What the rule says about a split's rows, beside their answers."""
    return frame.case(scores(rule, frame.x), threshold, classes(rule))


def scores(rule: dict[str, Any], x: pd.DataFrame, table: Engine | None = None) -> np.ndarray:
    """What the rule says about rows of inputs: one number each, or one column a class."""
    table = table or over_frames()
    table.register("given", x.reset_index(drop=True).assign(_n=np.arange(len(x))))
    outputs = ", ".join(f"cast({sql} as double) as {quoted(name)}" for name, sql in rule["sql"].items())
    try:
        found = table.frame(f"select {outputs} from given order by _n").to_numpy(dtype=float)
    except Exception as error:
        text = str(error).splitlines()[0]
        raise Trouble(f"The baseline in data/source.yaml is no SQL over the inputs: {text}", "Correct it.") from error
    if np.isnan(found).any():
        raise Trouble("The baseline gives no number for some rows.", "Cover missing values: coalesce(…, 0).")
    return found if classes(rule) else found[:, 0]


def _classes(frame: Frame, task: str) -> tuple[str, ...]:
    return tuple(sorted(set(frame.y.astype(str)))) if task == "multiclass" else ()


def _level(y: np.ndarray, task: str, names: tuple[str, ...]) -> dict[str, float]:
    """What to answer for rows that look alike."""
    if names:
        return {name: float((y.astype(str) == name).mean()) if len(y) else 1 / len(names) for name in names}
    return {"score": float(np.median(y) if task in ("regression", "forecast") else np.mean(y))}


def _shapes(column: pd.Series, task: str) -> tuple[str, ...]:
    if not pd.api.types.is_numeric_dtype(column):
        return ("levels",)
    return {"forecast": ("as it is", "steps"), "ranking": ("as it is", "turned round")}.get(task, ("steps",))


def _out_of_fold(frame: Frame, task: str, column: str, shape: str) -> float:
    """Mean score over three folds, more being better; whole queries stay together."""
    unit = frame.queries if frame.queries is not None else np.arange(len(frame.y))
    fold = np.unique(unit.astype(str), return_inverse=True)[1] % 3
    names, metric, found = _classes(frame, task), "log_loss" if task == "binary" else NATURAL[task], []
    for held in (fold == number for number in range(3)):
        rule = {"sql": _fitted(train.part(frame, ~held), task, column, shape, names)}
        try:
            said = scores(rule, frame.x[[column]][held])
        except Trouble:
            return -np.inf
        said = np.clip(said, 0.001, 0.999) if task == "binary" else said
        queries = None if frame.queries is None else frame.queries[held]
        found.append(score(metric, Case(frame.y[held], said, 0.5, names, None, queries)))
    mean = float(np.mean(found)) * (1 if higher_is_better(metric) else -1)
    return mean if np.isfinite(mean) else -np.inf


def _fitted(frame: Frame, task: str, column: str, shape: str, names: tuple[str, ...] = ()) -> dict[str, str]:
    values, names = frame.x[column], names or _classes(frame, task)
    rest = _level(frame.y, task, names)
    if shape in ("as it is", "turned round"):
        fallback = f"{float(values.median()):.{SHOWN}g}"
        return {"score": f"{'-' if shape == 'turned round' else ''}coalesce({quoted(column)}, {fallback})"}
    parts = (
        _step_parts(values, frame, column, task)
        if shape == "steps"
        else [
            (f"{quoted(column)} = {literal(str(level))}", (values == level).to_numpy())
            for level in sorted(values.dropna().unique())
        ]
    )
    cases: dict[str, list[str]] = {name: [] for name in rest}
    for condition, mask in parts:
        for name, value in (_level(frame.y[mask], task, names) if mask.any() else rest).items():
            cases[name].append(f"when {condition} then {value:.{SHOWN}g}")
    if not parts:
        return {name: f"{value:.{SHOWN}g}" for name, value in rest.items()}
    return {name: f"case {' '.join(lines)} else {rest[name]:.{SHOWN}g} end" for name, lines in cases.items()}


def _step_parts(values: pd.Series, frame: Frame, column: str, task: str) -> list[tuple[str, np.ndarray]]:
    """At most four steps, cut by a small tree."""
    known = values.notna().to_numpy()
    kind = DecisionTreeClassifier if task in ("binary", "multiclass") else DecisionTreeRegressor
    labels = frame.y[known].astype(str if task == "multiclass" else float)
    if known.sum() < 20:
        return []
    tree = kind(max_depth=2, min_samples_leaf=max(5, len(labels) // 50), random_state=7)
    fitted = tree.fit(values[known].to_numpy().reshape(-1, 1), labels).tree_
    cuts = sorted(float(f"{cut:.{SHOWN}g}") for cut in fitted.threshold[fitted.feature >= 0])
    number, low, parts = values.to_numpy(dtype=float), -np.inf, []
    for high in [*cuts, np.inf]:
        condition = f"{quoted(column)} <= {high:.{SHOWN}g}" if np.isfinite(high) else f"{quoted(column)} is not null"
        parts.append((condition, known & (number > low) & (number <= high)))
        low = high
    return parts


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
    settings, flat = train.config("linear"), case(constant(train_rows, task), validation, threshold)
    return {
        "constant": scored(flat, dict.fromkeys((metric, NATURAL[task]))),
        "shuffled": shuffled(train_rows, validation, task, settings, flat),
        "double_run": train.double_run(train_rows, validation, task, settings),
    }


def scored(flat: Case, names: Iterable[str]) -> dict[str, Any]:
    """The constant predictor, by the evaluator and by somebody else's arithmetic."""
    found = {}
    for name in names:
        measured, slack = score(name, flat), 1e-6
        if name == "ndcg_at_10":  # one random order is no mean over all: as far as its 99 % interval reaches
            from .ranking import by_chance

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
        said = train.case(train.fit(noise, task, settings), validation, task, flat.threshold)
        gains.append((score(metric, said) - score(metric, flat)) * (1 if higher_is_better(metric) else -1))
    found = of_mean(np.array(gains), 0.005)
    return {"metric": metric, "gain_over_constant": found.as_json(), "ok": bool(found.low <= 0)}
