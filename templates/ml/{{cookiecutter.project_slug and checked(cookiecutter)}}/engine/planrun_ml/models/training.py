"""One hypothesis, one configuration, one model. Models are files named by their hash, never pickles."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from planrun.rooms import Rooms
from planrun.trouble import MEMORY_ENDS, Trouble
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from planrun_ml.data.frames import Frame
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.models import own_features
from planrun_ml.models.families import ROOM, family_of
from planrun_ml.models.model import Model, selected

CALLS = 256  # of a model that fails on a batch, until what is left of the batch is given up


def fit(frame: Frame, task: str, settings: Mapping[str, Any], rooms: Rooms | None = None) -> Model:
    """Train what the configuration says, with the team's features and family where it names kept ones of `rooms`.

    Raises `Trouble` when a parameter or a dropped column does not exist, or the team's own code fails.
    """
    return learned(prepared(frame, task, settings, rooms), frame.y, task, settings, rooms)


@dataclass(frozen=True)
class Prepared:
    """Training rows as a family learns from them: the inputs with their kinds, the steps that were fitted, the matrix.

    Without steps of the team's own, whose labels they may have read, it is the same whatever the answers are.
    """

    columns: Mapping[str, str]
    steps: list[Any]
    prepare: ColumnTransformer
    matrix: Any


def prepared(frame: Frame, task: str, settings: Mapping[str, Any], rooms: Rooms | None = None) -> Prepared:
    """Fit what stands before the family. Raises `Trouble` as `fit` does."""
    unknown = [column for column in settings["drop"] if column not in frame.x]
    if unknown:
        raise Trouble(f'There is no input "{unknown[0]}" to drop.', f"Inputs: {', '.join(frame.x)}.")
    if task in CLASSES and len(np.unique(frame.y.astype(str))) < 2:
        raise Trouble("The training rows hold one class only.", "Add rows of the other class, or check `positive`.")
    labels, features = _labels(task, frame.y)[0], settings.get("features", "")
    # A free text says nothing to a model until steps of the team's have read it.
    columns = {name: kind for name, kind in kinds(frame).items() if name not in settings["drop"]}
    columns = {name: kind for name, kind in columns.items() if features or kind != "text"}
    own = own_features.steps(rooms, features, task, columns)
    done, made = own_features.fitted(own, selected(frame.x, columns), labels, rooms, features)
    prepare = _preparation(made, settings["model"], columns)
    try:
        matrix = prepare.fit_transform(made)  # it never sees an answer
    except (TypeError, ValueError) as error:
        text = str(error).splitlines()[0].rstrip(".")
        raise Trouble(f"The configuration cannot be trained: {text}.", "Check --set and --drop.") from error
    return Prepared(columns, done, prepare, matrix)


def learned(
    ready: Prepared, y: np.ndarray, task: str, settings: Mapping[str, Any], rooms: Rooms | None = None
) -> Model:
    """Train the family on prepared rows and their answers, of shape (rows,). Raises `Trouble` as `fit` does."""
    family, (labels, names) = family_of(settings, rooms), _labels(task, y)
    try:
        core = family.make(task, settings["seed"], **settings["params"])
        back = core.fit(ready.matrix, labels)
        core = core if back is None else back
    except tuple(MEMORY_ENDS):
        raise
    except Exception as error:
        raise _told(error, settings, rooms) from error
    best = getattr(core, "best_estimator_", core)
    return Model(ready.columns, ready.steps, ready.prepare, best, names, _trials(core))


def predict(model: Model, x: pd.DataFrame, task: str) -> np.ndarray:
    """Scores of rows: P(positive), one column a class, or a value."""
    return model.scores(x, task)


def predicted(model: Model, x: pd.DataFrame, task: str) -> tuple[np.ndarray | None, dict[int, str]]:
    """What the model says, and why it fails on the rows that it fails on, by their place; None where on all of them.

    A call that fails is asked again in halves, so that a row degrades itself and not its neighbours. Where too much
    fails, such as all of a batch, the rest of it is given up in whole pieces.
    """
    raw: np.ndarray | None = None
    failures: dict[int, str] = {}
    left, waiting = max(CALLS, len(x) // 20), [np.arange(len(x))]
    while waiting:
        rows = waiting.pop()
        left -= 1
        try:
            said = predict(model, x.iloc[rows], task)
        except Exception as error:  # whatever a model or the team's features raise
            if len(rows) > 1 and left > 0:
                waiting += np.array_split(rows, 2)
            else:
                text = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                failures |= dict.fromkeys(rows.tolist(), text)
            continue
        if raw is None:
            raw = np.full((len(x), *said.shape[1:]), np.nan)
        raw[rows] = said
    return raw, failures


def case(model: Model, frame: Frame, task: str, threshold: float) -> Case:
    """What the model says about a split's rows, beside their answers."""
    return frame.case(predict(model, frame.x, task), threshold, classes(model, task))


def classes(model: Model, task: str) -> tuple[str, ...]:
    """The classes in the order of the scores' columns; none unless there are several."""
    return model.names if task == "multiclass" else ()


def part(frame: Frame, rows: np.ndarray) -> Frame:
    """Some rows of a frame, to learn from."""
    return replace(frame, keys=frame.keys[rows], x=frame.x.iloc[rows], y=frame.y[rows], clusters=None, queries=None)


def kinds(frame: Frame) -> dict[str, str]:
    """Each input's kind, by its type where the frame does not say."""
    found = {
        name: "number" if pd.api.types.is_numeric_dtype(kind) else "category" for name, kind in frame.x.dtypes.items()
    }
    return {str(name): frame.kinds.get(str(name), kind) for name, kind in found.items()}


def _labels(task: str, y: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """What is learned: 0 and 1, the place of each class among all of them, or numbers; and the classes' names."""
    if task == "binary":
        return y.astype(int), ()
    if task == "multiclass":
        names, places = np.unique(y.astype(str), return_inverse=True)
        return places, tuple(str(name) for name in names)
    return y, ()


def _trials(core: Any) -> int:
    """How many settings a search has tried: as it says itself, or as many as its results hold; 1 where it is none."""
    if isinstance(count := getattr(core, "n_trials_", None), int):
        return count
    results = getattr(core, "cv_results_", None)
    tried = results.get("params") if isinstance(results, dict) else getattr(core, "trials_", None)
    return len(tried) if tried is not None else 1


def _told(error: Exception, settings: Mapping[str, Any], rooms: Rooms | None) -> Trouble:
    """One sentence for a family that cannot be trained. A fault of the engine's own is no expected trouble."""
    text = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    digest = settings.get("family", "")
    if rooms and digest:
        if found := rooms.told(error, ROOM, digest):
            return found
        file = f"src/{rooms.package}/{ROOM}.py"
        return Trouble(f"{file}: {settings['model']} cannot be trained: {text}.", f"Check --set, or correct {file}.")
    if isinstance(error, (TypeError, ValueError)):
        return Trouble(f"The configuration cannot be trained: {text}.", "Check --set and --drop.")
    raise error


def _preparation(x: pd.DataFrame, family: str, columns: Mapping[str, str]) -> ColumnTransformer:
    """Numbers: median for what is missing, and a flag that it was. Categories: one column a level. No free text."""
    numbers = [column for column in x if pd.api.types.is_numeric_dtype(x[column])]
    texts = [column for column in x if column not in numbers and columns.get(column) != "text"]
    fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    steps: list[tuple[str, Any, list[str]]] = []
    if numbers:
        steps.append(("numbers", make_pipeline(fill, StandardScaler()) if family == "linear" else fill, numbers))
    if texts:
        levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False)
        steps.append(("texts", levels, texts))
    if not steps:
        raise Trouble("No column is left to learn from.", "Check --drop, and what features.py returns.")
    return ColumnTransformer(steps)
