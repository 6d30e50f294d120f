"""One hypothesis, one configuration, one estimator. Models are skops files named by their hash, never pickles."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from planrun.trouble import Trouble
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from planrun_ml.data.frames import Frame
from planrun_ml.measuring.case import Case
from planrun_ml.models.families import CLASSIFY, FAMILIES


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
        return np.asarray(model.predict_proba(x)[:, 1])
    return np.asarray(model.predict_proba(x) if task == "multiclass" else model.predict(x))


def case(model: Pipeline, frame: Frame, task: str, threshold: float) -> Case:
    """What the model says about a split's rows, beside their answers."""
    return frame.case(predict(model, frame.x, task), threshold, classes(model, task))


def classes(model: Pipeline, task: str) -> tuple[str, ...]:
    """The classes in the order of the scores' columns; none unless there are several."""
    return tuple(str(name) for name in model.classes_) if task == "multiclass" else ()


def part(frame: Frame, rows: np.ndarray) -> Frame:
    """Some rows of a frame, to learn from."""
    return replace(frame, keys=frame.keys[rows], x=frame.x.iloc[rows], y=frame.y[rows], clusters=None, queries=None)


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
