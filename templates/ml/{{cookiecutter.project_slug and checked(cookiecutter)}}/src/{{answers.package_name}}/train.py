"""One hypothesis, one configuration, one estimator. Models are skops files named by their hash, never pickles."""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .dataset import Frame
from .evaluate import Case, higher_is_better, power_law, score
from .files import Trouble

CLASSIFY = ("binary", "multiclass")
FAMILIES: dict[str, dict[bool, Any]] = {
    "linear": {True: LogisticRegression, False: Ridge},
    "forest": {True: RandomForestClassifier, False: RandomForestRegressor},
    "boosting": {True: HistGradientBoostingClassifier, False: HistGradientBoostingRegressor},
}
ORDER = ("linear", "forest", "boosting")  # the simplest first
FIRST = {  # why one would try it
    "linear": "The simplest readable model uses several columns, so it beats a rule that uses one.",
    "forest": "Columns act together or in steps, which a linear model cannot see.",
    "boosting": "Many small trees fit what a forest smooths over.",
}
DEFAULTS = {"linear": {}, "forest": {"n_estimators": 100, "min_samples_leaf": 2}, "boosting": {"max_iter": 100}}
TOLERANCE = 1e-9  # between two trainings with one seed
SHARES = (0.15, 0.3, 0.5, 0.75, 1.0)
CURVE = 20_000  # training rows: the shape of the curve shows below this, and the audit stays quick
# What a model file may hold. It stands here, in code, and is never read from the file.
TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",  # its indices are not checked when it predicts, hence the hash before it is loaded
]


def config(
    model: str, params: Mapping[str, Any] | None = None, drop: tuple[str, ...] = (), seed: int = 7
) -> dict[str, Any]:
    """A configuration as plain data. Raises `Trouble` for a family that does not exist."""
    if model not in FAMILIES:
        raise Trouble(f'There is no model family "{model}".', f"One of: {', '.join(FAMILIES)}.")
    return {"model": model, "params": DEFAULTS[model] | dict(params or {}), "drop": sorted(drop), "seed": seed}


def changed(before: dict[str, Any] | None, settings: dict[str, Any]) -> list[str]:
    """What differs from the champion, one entry a change; a family's own defaults belong to the family."""
    if before is None:
        return [f"model: the baseline rule → {settings['model']}"]
    were = before["params"] if before["model"] == settings["model"] else DEFAULTS[settings["model"]]
    pairs = [("model", before["model"], settings["model"])]
    pairs += [(name, were.get(name), settings["params"].get(name)) for name in sorted({*were, *settings["params"]})]
    pairs += [("without", ", ".join(before["drop"]), ", ".join(settings["drop"]))]
    pairs += [("seed", before["seed"], settings["seed"])]
    return [f"{name}: {old} → {new}" for name, old, new in pairs if old != new]


def asked(
    before: dict[str, Any] | None,
    known: list[dict[str, Any]],
    model: str,
    params: Sequence[str],
    drop: Sequence[str],
    seed: int | None,
) -> dict[str, Any]:
    """The configuration asked for: the champion's with the change, or the next family nobody has tried."""
    base = before["config"] if before else config(ORDER[0])
    if not (model or params or drop or seed is not None):
        tried = {record["config"]["model"] for record in known}
        model = next((family for family in ORDER if family not in tried), "")
        if not model:
            raise Trouble("Every model family has been tried as it is.", "Change one thing: --model, --set or --drop.")
    kept = base["params"] if model in ("", base["model"]) else {}
    params_asked = {**kept, **dict(_param(text) for text in params)}
    seed = base["seed"] if seed is None else seed
    return config(model or base["model"], params_asked, tuple({*base["drop"], *drop}), seed)


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Trouble(f"--set {text} has no equals sign.", "Write --set NAME=VALUE, such as --set C=0.1.")
    return name, yaml.safe_load(value)


def fit(frame: Frame, task: str, settings: Mapping[str, Any]) -> Pipeline:
    """Train what the configuration says. Raises `Trouble` when a parameter or a dropped column does not exist."""
    unknown = [column for column in settings["drop"] if column not in frame.x]
    if unknown:
        raise Trouble(f'There is no input "{unknown[0]}" to drop.', f"Inputs: {', '.join(frame.x)}.")
    if task in CLASSIFY and len(np.unique(frame.y.astype(str))) < 2:
        raise Trouble("The training rows hold one class only.", "Add rows of the other class, or check `positive`.")
    x = _filled(frame.x.drop(columns=list(settings["drop"])))
    try:
        estimator = _estimator(task, settings)
        model = make_pipeline(_preparation(x, settings["model"]), estimator)
        return model.fit(x, _labels(task, frame.y))
    except (TypeError, ValueError) as error:
        text = str(error).splitlines()[0].rstrip(".")
        raise Trouble(f"The configuration cannot be trained: {text}.", "Check --set and --drop.") from error


def predict(model: Pipeline, x: pd.DataFrame, task: str) -> np.ndarray:
    """Scores of rows: P(positive), one column a class, or a value."""
    x = _filled(x[list(model.feature_names_in_)])
    if task == "binary":
        return model.predict_proba(x)[:, 1]
    return model.predict_proba(x) if task == "multiclass" else model.predict(x)


def case(model: Pipeline, frame: Frame, task: str, threshold: float) -> Case:
    """What the model says about a split's rows, beside their answers."""
    return frame.case(predict(model, frame.x, task), threshold, classes(model, task))


def classes(model: Pipeline, task: str) -> tuple[str, ...]:
    """The classes in the order of the scores' columns; none unless there are several."""
    return tuple(str(name) for name in model.classes_) if task == "multiclass" else ()


def save(model: Pipeline, folder: Path) -> tuple[Path, str]:
    """Write the model under the hash of its bytes; the path and the hash."""
    import skops.io  # imported late: it is slow, and most commands neither save nor load

    content = skops.io.dumps(model)
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{digest}.skops"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            file.write(content)
        os.replace(file.name, path)
    return path, digest


def load(path: Path, digest: str) -> Pipeline:
    """The model of a file whose hash is known. Raises `Trouble` for other bytes or a type we do not trust."""
    if not path.is_file():
        raise Trouble(f"{path.name} is not in {path.parent.name}/.", "Fetch the store that data/source.yaml names.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise Trouble(f"{path.name} is not the file that was measured: its hash differs.", "Train it again.")
    import skops.io

    try:
        return skops.io.loads(content, trusted=TRUSTED)
    except (TypeError, skops.io.exceptions.UntrustedTypesFoundException) as error:
        raise Trouble(
            f"{path.name} is no model file we trust: {str(error).splitlines()[0]}", "Train it again."
        ) from error


def part(frame: Frame, rows: np.ndarray) -> Frame:
    """Some rows of a frame, to learn from."""
    return replace(frame, keys=frame.keys[rows], x=frame.x.iloc[rows], y=frame.y[rows], clusters=None, queries=None)


def environment() -> str:
    """A hash of the versions that decide a model's bytes."""
    import platform
    from importlib.metadata import version

    names = ("numpy", "pandas", "scikit-learn", "skops", "duckdb")
    versions = [platform.python_version(), *(version(name) for name in names)]
    return hashlib.sha256("|".join(versions).encode()).hexdigest()


def _labels(task: str, y: np.ndarray) -> np.ndarray:
    if task == "binary":
        return y.astype(int)
    return y.astype(str) if task == "multiclass" else y


def _estimator(task: str, settings: Mapping[str, Any]) -> Any:
    family, params = FAMILIES[settings["model"]][task in CLASSIFY], dict(settings["params"])
    if settings["model"] == "linear" and task in CLASSIFY:
        params = {"max_iter": 2000} | params
    return family(random_state=settings["seed"], **params)


def _filled(x: pd.DataFrame) -> pd.DataFrame:
    """Texts as plain objects, a missing one being a level of its own."""
    texts = [column for column, kind in x.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    return x.assign(**{column: x[column].astype(object).where(x[column].notna(), "∅") for column in texts})


def _preparation(x: pd.DataFrame, family: str) -> ColumnTransformer:
    """Numbers: median for what is missing, and a flag that it was. Categories: one column a level."""
    numbers = [column for column in x if pd.api.types.is_numeric_dtype(x[column])]
    texts = [column for column in x if column not in numbers]
    fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    steps: list[tuple[str, Any, list[str]]] = []
    if numbers:
        steps.append(("numbers", make_pipeline(fill, StandardScaler()) if family == "linear" else fill, numbers))
    if texts:
        levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False)
        steps.append(("texts", levels, texts))
    return ColumnTransformer(steps)


def double_run(rows: Frame, validation: Frame, task: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Two trainings with one seed must give the same scores."""
    said = [predict(fit(rows, task, settings), validation.x, task) for _ in range(2)]
    difference = float(np.abs(said[0] - said[1]).max())
    return {"largest_difference": difference, "tolerance": TOLERANCE, "ok": difference <= TOLERANCE}


# ---------------------------------------------------------------------------------------------------- more rows?
def curve(rows: Frame, validation: Frame, task: str, metric: str, threshold: float) -> dict[str, Any]:
    """Would more rows help? Errors of a simple model at growing sizes, and a + b·size^-c through them."""
    order, sizes, errors = _order(rows), [], []
    for share in SHARES:
        some = part(rows, order[: max(20, int(share * min(len(order), CURVE)))])
        if task in CLASSIFY and len(set(some.y.astype(str))) < 2:
            continue
        value = score(metric, case(fit(some, task, config("linear")), validation, task, threshold))
        sizes.append(len(some.y))
        errors.append(1 - value if higher_is_better(metric) else value)
    return {"metric": metric, "sizes": sizes, "errors": errors, "rows": len(order)} | power_law(sizes, errors)


def _order(rows: Frame) -> np.ndarray:
    """A shuffle that keeps a cluster's rows side by side."""
    unit = rows.queries if rows.queries is not None else rows.clusters
    place = np.arange(len(rows.y)) if unit is None else np.unique(unit.astype(str), return_inverse=True)[1]
    shuffled = np.random.default_rng(17).permutation(int(place.max()) + 1)
    return np.argsort(shuffled[place], kind="stable")
