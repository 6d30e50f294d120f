"""Columns that know the answer: how well each input alone predicts it, out of fold."""

from typing import Any

import numpy as np
import pandas as pd

from planrun_ml.measuring.catalogue import CLASSES, TASKS
from planrun_ml.measuring.metrics import auc

# Above these a single column predicts better than single columns do; a person has to say why.
BOUNDS = {task: row.leakage for task, row in TASKS.items()}
EXACT = 1 - 1e-9
BINS = 20
FOLDS = 5
ROWS = 50_000


# ---------------------------------------------------------------------------------------------------- leakage
def screen(x: pd.DataFrame, y: np.ndarray, task: str, explained: dict[str, str]) -> dict[str, Any]:
    """Score of every column, and the suspects: columns above the bound, and sets that reproduce the target."""
    pick = np.random.default_rng(5).permutation(len(y))[:ROWS]
    x, y = x.iloc[pick], y[pick]
    scores = {column: round(single(x[column], y, task), 4) for column in x}
    suspects = [
        {"columns": [column], "score": value, "why": f"{column} alone scores {value:.3f}"}
        for column, value in scores.items()
        if value >= BOUNDS[task] and column not in explained
    ]
    # a class is reproduced where its 0 and 1 are
    targets = [y.astype(str) == name for name in np.unique(y.astype(str))] if task == "multiclass" else [y]
    made = [found for target in targets for found in reproduce(x, target.astype(float))][:1]
    suspects += [found for found in made if not set(found["columns"]) & set(explained)]
    measure = "area under the ROC curve" if task in CLASSES else "share of variance explained"
    return {"measure": f"{measure}, out of fold", "bound": BOUNDS[task], "scores": scores, "suspects": suspects}


def single(column: pd.Series, y: np.ndarray, task: str) -> float:
    """How well one column predicts rows it was not fitted on. In-sample means would make noise look good."""
    codes = _codes(column)
    fold = np.random.default_rng(3).integers(0, FOLDS, len(y))
    if task == "multiclass":
        names = [name for name in np.unique(y.astype(str)) if 0 < (y.astype(str) == name).sum() < len(y)]
        each = [auc(y.astype(str) == name, _means(codes, (y.astype(str) == name) * 1.0, fold)) for name in names]
        return float(np.mean(each)) if each else 0.5
    said = _means(codes, y.astype(float), fold)
    if task == "binary":
        return auc(y, said)
    spread = float(((y - y.mean()) ** 2).sum())
    return max(0.0, 1 - float(((y - said) ** 2).sum()) / spread) if spread else 0.0


def reproduce(x: pd.DataFrame, y: np.ndarray) -> list[dict[str, Any]]:
    """Columns whose weighted sum is the target, and single products or quotients that are."""
    numbers = x[[column for column in x if pd.api.types.is_numeric_dtype(x[column])]].astype(float)
    numbers = numbers.loc[:, numbers.notna().all() & (numbers.std() > 0)]
    if len(y) < 3 * (numbers.shape[1] + 2) or numbers.empty or y.std() == 0:
        return []
    design = np.column_stack([(numbers - numbers.mean()) / numbers.std(), np.ones(len(y))])
    weights, *_ = np.linalg.lstsq(design, y, rcond=None)
    if 1 - ((y - design @ weights) ** 2).sum() / ((y - y.mean()) ** 2).sum() > EXACT:
        used = [name for name, weight in zip(numbers, weights, strict=False) if abs(weight) > 1e-6 * y.std()]
        return [{"columns": used, "score": 1.0, "why": f"{' and '.join(used)} add up to the target"}]
    return _products(numbers, y)


def _products(numbers: pd.DataFrame, y: np.ndarray) -> list[dict[str, Any]]:
    names = list(numbers)[:40]
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            a, b = numbers[one].to_numpy(), numbers[other].to_numpy()
            with np.errstate(all="ignore"):
                for sign, made in (("×", a * b), ("÷", a / b), ("÷", b / a)):
                    if np.isfinite(made).all() and made.std() > 0 and abs(np.corrcoef(made, y)[0, 1]) > EXACT:
                        pair = [one, other]
                        return [{"columns": pair, "score": 1.0, "why": f"{one} {sign} {other} is the target"}]
    return []


def _codes(column: pd.Series) -> np.ndarray:
    """Bins of numbers by rank, levels of texts; a missing value is a bin of its own."""
    if pd.api.types.is_numeric_dtype(column):
        place = np.ceil(column.rank(pct=True) * BINS)  # equal values share a bin, and so does what is missing
        return np.asarray(place.fillna(0).to_numpy().astype(int))
    return np.asarray(pd.factorize(column)[0] + 1)


def _means(codes: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """For each row the mean of y in its bin over the other folds, pulled towards the overall mean by one row."""
    said, size = np.empty(len(y)), codes.max() + 1
    for number in range(FOLDS):
        seen = fold != number
        total = np.bincount(codes[seen], weights=y[seen], minlength=size)
        count = np.bincount(codes[seen], minlength=size)
        mean = (total + y[seen].mean()) / (count + 1)
        said[~seen] = mean[codes[~seen]]
    return said
