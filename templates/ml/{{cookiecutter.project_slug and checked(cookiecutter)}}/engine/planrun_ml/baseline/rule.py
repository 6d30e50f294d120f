"""The baseline: a rule a person could have written, in SQL; and the harness: is the measuring instrument sound?

A rule is a dict of output → SQL over one column, learned from the training rows or given by the team, so the same text
runs in the audit, in acceptance and behind a service. A constant must score what arithmetic says, noise must score
chance, and the same seed must give the same model twice: a harness that fails here would flatter every experiment.
"""

from typing import Any

import numpy as np
import pandas as pd
from planrun.trouble import MEMORY_ENDS, Trouble
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from planrun_ml.data import leakage
from planrun_ml.data.frames import Frame
from planrun_ml.data.source import Source
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.measuring.metrics import NATURAL, named, score
from planrun_ml.models import training
from planrun_ml.models.model import Model
from planrun_ml.tables.query import Engine, over_frames
from planrun_ml.tables.sql import literal, quoted

SHOWN = 6  # significant digits in the SQL
CANDIDATES = 40  # columns that are tried as a rule; of more, those that tell most alone
LOOKED_AT = 20_000  # rows that tell which these are
MOST = 50_000  # rows that choose the column; the rule itself is fitted on all


# ---------------------------------------------------------------------------------------------------- the rule
def constant(frame: Frame, task: str) -> dict[str, Any]:
    """The best answer that looks at nothing."""
    rule = {name: f"{value:.{SHOWN}g}" for name, value in _level(frame.y, task, _classes(frame, task)).items()}
    return {"kind": "constant", "column": "", "sql": rule}


def learn(frame: Frame, task: str) -> dict[str, Any]:
    """The one-column rule that does best on folds of the training rows that it has not seen."""
    best, best_score, some = constant(frame, task), -np.inf, frame
    if frame.queries is None and len(frame.y) > MOST:
        some = training.part(frame, np.sort(np.random.default_rng(13).permutation(len(frame.y))[:MOST]))
    readable = [column for column in frame.x if frame.kinds.get(column) != "text"]
    for column in _likeliest(some, readable, task):
        for shape in _shapes(frame.x[column], task):
            found = _out_of_fold(some, task, column, shape)
            if found > best_score:
                best_score = found
                best = {"kind": shape, "column": column, "sql": ""}
    if best["column"]:
        best["sql"] = _fitted(frame, task, best["column"], best["kind"])
    return best


def _likeliest(frame: Frame, columns: list[str], task: str) -> list[str]:
    """All columns; of very many those that tell most, each alone and out of fold, in the order they stand in.

    In a ranking columns and answers are compared within their query, as an order is.
    """
    if len(columns) <= CANDIDATES:
        return columns
    pick = np.sort(np.random.default_rng(29).permutation(len(frame.y))[:LOOKED_AT])
    x, y = frame.x.iloc[pick].reset_index(drop=True), frame.y[pick]
    query = None if frame.queries is None else frame.queries[pick].astype(str)
    if query is not None:
        y = y - pd.Series(y).groupby(query).transform("mean").to_numpy()
    told = {}
    for name in columns:
        values = x[name]
        if query is not None and pd.api.types.is_numeric_dtype(values):
            values = values - values.groupby(query).transform("mean")
        told[name] = leakage.single(values, y, task)
    best = set(sorted(columns, key=lambda name: -told[name])[:CANDIDATES])
    return [name for name in columns if name in best]


def own(source: Source, task: str) -> dict[str, Any]:
    """The rule that data/source.yaml gives as SQL. Raises `Trouble` for a task whose answer is no number."""
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
    """What the rule says about rows of inputs: one number each, or one column a class.

    Raises `Trouble` where the rule is no SQL over the inputs, or gives no number for some rows.
    """
    table = table or over_frames()
    table.register("given", x.reset_index(drop=True).assign(_n=np.arange(len(x))))
    outputs = ", ".join(f"cast({sql} as double) as {quoted(name)}" for name, sql in rule["sql"].items())
    try:
        found: np.ndarray = table.frame(f"select {outputs} from given order by _n").to_numpy(dtype=float)
    except tuple(MEMORY_ENDS):
        raise
    except Exception as error:
        text = str(error).splitlines()[0]
        raise Trouble(f"The baseline in data/source.yaml is no SQL over the inputs: {text}", "Correct it.") from error
    if np.isnan(found).any():
        raise Trouble("The baseline gives no number for some rows.", "Cover missing values: coalesce(…, 0).")
    return found if classes(rule) else found[:, 0]


def stood_in(rule: dict[str, Any], model: Model, x: pd.DataFrame, task: str) -> np.ndarray:
    """What is answered to rows in service: the model's scores, and the rule's where the model fails on a row."""
    raw, failures = training.predicted(model, x, task)
    places = list(failures)
    if raw is not None and not places:
        return raw
    said = scores(rule, x if raw is None else x.iloc[places])
    if task == "multiclass":  # the model knows the classes of its training rows, the rule those of its own
        known = pd.DataFrame(said, columns=list(classes(rule)))
        said = known.reindex(columns=list(model.names), fill_value=0.0).to_numpy()
    if raw is None:
        return said
    raw[places] = said
    return raw


def _classes(frame: Frame, task: str) -> tuple[str, ...]:
    return tuple(sorted(set(frame.y.astype(str)))) if task == "multiclass" else ()


def _level(y: np.ndarray, task: str, names: tuple[str, ...]) -> dict[str, float]:
    """What to answer for rows that look alike."""
    if names:
        return {name: float((y.astype(str) == name).mean()) if len(y) else 1 / len(names) for name in names}
    return {"score": float(np.median(y) if NATURAL[task] == "mae" else np.mean(y))}


def _shapes(column: pd.Series, task: str) -> tuple[str, ...]:
    if not pd.api.types.is_numeric_dtype(column):
        return ("levels",)
    return {"forecast": ("as it is", "steps"), "ranking": ("as it is", "turned round")}.get(task, ("steps",))


def _out_of_fold(frame: Frame, task: str, column: str, shape: str) -> float:
    """Mean score over three folds, more being better; whole queries stay together."""
    unit = frame.queries if frame.queries is not None else np.arange(len(frame.y))
    fold = np.unique(unit.astype(str), return_inverse=True)[1] % 3
    names, metric, found = _classes(frame, task), named("log_loss" if task == "binary" else NATURAL[task]), []
    for held in (fold == number for number in range(3)):
        rule = {"sql": _fitted(training.part(frame, ~held), task, column, shape, names)}
        try:
            said = scores(rule, frame.x[[column]][held])
        except Trouble:
            return -np.inf
        said = np.clip(said, 0.001, 0.999) if task == "binary" else said
        queries = None if frame.queries is None else frame.queries[held]
        found.append(score(metric, Case(frame.y[held], said, 0.5, names, None, queries)))
    mean = float(np.mean(found)) * metric.sign
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
    kind = DecisionTreeClassifier if task in CLASSES else DecisionTreeRegressor
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
