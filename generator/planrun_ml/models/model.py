"""A trained model: which inputs it takes, what it makes of them, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.models import own_features


@dataclass(frozen=True)
class Model:
    """One object for training, batch and service.

    `columns` are the inputs it selects, each with its kind; `steps` the team's own, fitted; `prepare` the engine's,
    which makes numbers of what they leave; `core` predicts; `names` are the classes in the order of its columns;
    `trials` says how many settings a search has tried inside this one training.
    """

    columns: Mapping[str, str]
    steps: list[Any]
    prepare: ColumnTransformer
    core: Any
    names: tuple[str, ...] = ()
    trials: int = 1

    def scores(self, x: pd.DataFrame, task: str) -> np.ndarray:
        """What it says of rows of inputs: P(positive) of shape (rows,), one column a class, or a value.

        Raises `ValueError` where it does not say one thing of each row.
        """
        return self.said(self.matrix(x), task)

    def matrix(self, x: pd.DataFrame) -> Any:
        """The numbers that it predicts from, one row each."""
        return self.prepare.transform(own_features.transformed(self.steps, selected(x, self.columns)))

    def said(self, matrix: Any, task: str) -> np.ndarray:
        """What it says of rows of numbers, in the shape of `scores`. Raises `ValueError` as that does."""
        said = np.asarray(raw(self.core, matrix, task), dtype=float)
        rows = int(matrix.shape[0])
        wanted = (rows, len(self.names)) if task == "multiclass" else (rows,)
        if said.shape != wanted:
            raise ValueError(f"the model gives numbers of shape {said.shape}, and {wanted} are needed")
        return said


def raw(core: Any, matrix: Any, task: str) -> Any:
    """Chances of classes where the task has some, from `predict_proba` or, where there is none, from `predict`."""
    if task not in CLASSES or not hasattr(core, "predict_proba"):
        return core.predict(matrix)
    chances = core.predict_proba(matrix)
    return chances[:, 1] if task == "binary" else chances


def selected(x: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """These inputs alone, in this order; a missing category is a level of its own, a missing text is empty."""
    x = x[list(columns)]
    texts = [column for column, kind in x.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    empty = {column: "" if columns[column] == "text" else "∅" for column in texts}
    return x.assign(**{name: x[name].astype(object).where(x[name].notna(), empty[name]) for name in texts})
