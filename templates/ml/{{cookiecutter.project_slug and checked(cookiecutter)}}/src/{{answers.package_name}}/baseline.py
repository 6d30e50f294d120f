"""The baseline: a rule a person could have written, in SQL, measured by the same evaluator on the same rows.

A rule is a dict of output → SQL over one column, learned from the training rows or given by the team, so the same text
runs in the audit, in acceptance and behind a service.
"""

from typing import Any

import numpy as np
import pandas as pd

from . import data, dataset, records
from .data import Source
from .dataset import Frame
from .engine import Engine, literal, quoted
from .evaluate import NATURAL, Case, cost, score
from .files import Blocked, Outcome, Trouble
from .intervals import interval
from .repo import Repo

SHOWN = 6  # significant digits in the SQL
CANDIDATES = 40
MOST = 50_000  # rows that choose the column; the rule itself is fitted on all
MEASURED = ("data/manifest.json", records.SPLITS)
FOLDER = "0000-baseline"


def run(repo: Repo) -> Outcome:
    """Learn or read the rule, measure it on validation, and lock the data if nothing else is missing."""
    task, metric = repo.answers["task"], repo.answers["metric"]
    source = data.source_of(repo)
    rows, validation = dataset.load(repo, "train"), dataset.load(repo, "validation")
    rule = learn(rows, task) if source.baseline == "auto" else own(source, task)
    threshold, alpha = decision_threshold(repo), repo.needed("acceptance.alpha")
    case = validation.case(scores(rule, validation.x), threshold, classes(rule))
    found = interval(metric, case, alpha)
    flat_rule = constant(rows, task)
    flat = score(metric, validation.case(scores(flat_rule, validation.x), threshold, classes(flat_rule)))
    digest = dataset.keep_predictions(repo, validation, case.scores, case.classes)
    facts: dict[str, Any] = {
        "rule": rule,
        "metric": metric,
        "threshold": threshold,
        "result": found.as_json(),
        "constant": flat,
        "cost_per_decision": expected_cost(repo, case),
        "predictions": digest,
    }
    repo.write_evidence("baseline", facts, MEASURED)
    records.write_record(repo, FOLDER, record(repo, facts))
    mark, unit = data.label(repo, source), len(case.y)
    said = rule["sql"].get("score") or "; ".join(f"{name}: {sql}" for name, sql in rule["sql"].items())
    lines = [
        f"Baseline {metric} {found.value:.4g}, bounds {found.low:.4g} to {found.high:.4g}, {unit} rows{mark}.",
        f"Rule: {said}",
        f"A constant scores {flat:.4g}.",
        locked(Repo(repo.root)),
    ]
    return Outcome("\n".join(lines))


def locked(repo: Repo) -> str:
    """Lock the data where the gates allow it; the sentence to print."""
    try:
        records.write_lock(repo)
    except Blocked as reason:
        return f"Not locked. {reason.sentence}\nNext: {reason.remedy}"
    return "Locked: gates/G1.lock. Experiments may start."


def decision_threshold(repo: Repo) -> float:
    """The plan's decision threshold; one half where the task has none."""
    value = repo.number("acceptance.threshold")
    return 0.5 if value is None else float(value)


def expected_cost(repo: Repo, case: Any) -> float | None:
    """Cost of one decision in the plan's currency; None for tasks whose result is no decision."""
    if repo.answers["task"] not in ("binary", "multiclass"):
        return None
    false_alarm = float(repo.answers.get("false_alarm_cost") or 0)
    return round(cost(case, false_alarm, float(repo.answers.get("miss_cost") or 0)), 6)


def record(repo: Repo, facts: dict[str, Any]) -> dict[str, Any]:
    """The first line of the log: what everything is compared with."""
    return {
        "id": FOLDER,
        "goal": "the baseline",
        "rule": facts["rule"],
        "metric": {"name": facts["metric"], **{key: facts["result"][key] for key in ("value", "low", "high")}},
        "n": facts["result"]["n"],
        "split": "validation",
        "predictions_file": facts["predictions"],
    }


# ---------------------------------------------------------------------------------------------------- rules
def constant(frame: Frame, task: str) -> dict[str, Any]:
    """The best answer that looks at nothing."""
    rule = {name: f"{value:.{SHOWN}g}" for name, value in _level(frame.y, task, _classes(frame, task)).items()}
    return {"kind": "constant", "column": "", "sql": rule}


def learn(frame: Frame, task: str) -> dict[str, Any]:
    """The one-column rule that does best on folds of the training rows that it has not seen."""
    best, best_score, some = constant(frame, task), -np.inf, _some(frame)
    for column in list(frame.x)[:CANDIDATES]:
        for shape in _shapes(frame.x[column], task):
            found = _out_of_fold(some, task, column, shape)
            if found > best_score:
                best_score = found
                best = {"kind": shape, "column": column, "sql": ""}
    if best["column"]:
        best["sql"] = _fitted(frame, task, best["column"], best["kind"])
    return best


def _some(frame: Frame) -> Frame:
    """At most `MOST` rows: enough to choose a column by. Queries stay whole."""
    if frame.queries is not None or len(frame.y) <= MOST:
        return frame
    pick = np.sort(np.random.default_rng(13).permutation(len(frame.y))[:MOST])
    return Frame(frame.keys[pick], frame.x.iloc[pick], frame.y[pick], None, None, frame.segments)


def own(source: Source, task: str) -> dict[str, Any]:
    """The rule that data/source.yaml gives as SQL."""
    if task == "multiclass":
        raise Trouble("A rule of your own is one number, and this task has classes.", "Keep baseline: auto.")
    return {"kind": "own", "column": "", "sql": {"score": source.baseline}}


def classes(rule: dict[str, Any]) -> tuple[str, ...]:
    """The classes a rule tells apart; none when it gives one number."""
    return () if list(rule["sql"]) == ["score"] else tuple(rule["sql"])


def scores(rule: dict[str, Any], x: pd.DataFrame, table: Engine | None = None) -> np.ndarray:
    """What the rule says about rows of inputs: one number each, or one column a class."""
    table = table or Engine()
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
    """Mean score over three folds; whole queries stay together."""
    unit = frame.queries if frame.queries is not None else np.arange(len(frame.y))
    fold = np.unique(unit.astype(str), return_inverse=True)[1] % 3
    found = [_on_fold(frame, task, column, shape, fold == number) for number in range(3)]
    return float(np.mean(found)) if np.isfinite(found).all() else -np.inf


def _on_fold(frame: Frame, task: str, column: str, shape: str, held: np.ndarray) -> float:
    names = _classes(frame, task)
    seen = Frame(frame.keys[~held], frame.x[[column]][~held], frame.y[~held], None, None, frame.segments)
    rule = {"sql": _fitted(seen, task, column, shape, names)}
    try:
        said = scores(rule, frame.x[[column]][held])
    except Trouble:
        return -np.inf
    queries = None if frame.queries is None else frame.queries[held]
    metric = "log_loss" if task == "binary" else NATURAL[task]
    said = np.clip(said, 0.001, 0.999) if task == "binary" else said
    found = score(metric, Case(frame.y[held], said, 0.5, names, None, queries))
    return found if metric in ("accuracy", "ndcg_at_10") else -found


def _fitted(frame: Frame, task: str, column: str, shape: str, names: tuple[str, ...] = ()) -> dict[str, str]:
    values, names = frame.x[column], names or _classes(frame, task)
    rest = _level(frame.y, task, names)
    if shape in ("as it is", "turned round"):
        fallback = f"{float(values.median()):.{SHOWN}g}"
        return {"score": f"{'-' if shape == 'turned round' else ''}coalesce({quoted(column)}, {fallback})"}
    parts = _level_parts(values, column) if shape == "levels" else _step_parts(values, frame, column, task)
    cases: dict[str, list[str]] = {name: [] for name in rest}
    for condition, mask in parts:
        for name, value in (_level(frame.y[mask], task, names) if mask.any() else rest).items():
            cases[name].append(f"when {condition} then {value:.{SHOWN}g}")
    if not parts:
        return {name: f"{value:.{SHOWN}g}" for name, value in rest.items()}
    return {name: f"case {' '.join(lines)} else {rest[name]:.{SHOWN}g} end" for name, lines in cases.items()}


def _level_parts(values: pd.Series, column: str) -> list[tuple[str, np.ndarray]]:
    levels = sorted(values.dropna().unique())
    return [(f"{quoted(column)} = {literal(str(level))}", (values == level).to_numpy()) for level in levels]


def _step_parts(values: pd.Series, frame: Frame, column: str, task: str) -> list[tuple[str, np.ndarray]]:
    """At most four steps, cut by a small tree."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

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
