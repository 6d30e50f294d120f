"""Columns that know the answer: how well each input alone predicts it, out of fold, and what makes up the target."""

from collections.abc import Callable
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
PRODUCTS, LEAST = 4_000_000, 500  # values that pairs are looked for in, and rows of very many columns
NEWS = 0.3  # of what the past leaves open: a column that explains less of it knows no more than the past does

Past = Callable[[], np.ndarray | None]


# ---------------------------------------------------------------------------------------------------- leakage
def screen(
    x: pd.DataFrame, y: np.ndarray, task: str, explained: dict[str, str], past: Past = lambda: None
) -> dict[str, Any]:
    """Score of every column, and the suspects: columns above the bound, and sets that reproduce the target.

    `past` gives the answers before each row's own (rows × lags, NaN where there are none), or None where no moment is
    known; it is asked only where a column scores above the bound. A smooth series is told by its own past, so an honest
    lag of it scores as high as a leak does: such a column is a suspect only where it tells what the past leaves open.
    """
    pick = np.random.default_rng(5).permutation(len(y))[:ROWS]
    before, (x, y) = _picked(past, pick), (x.iloc[pick], y[pick])
    scores = {column: round(single(x[column], y, task), 4) for column in x}
    suspects = [
        {"columns": [column], "score": value, "why": f"{column} alone scores {value:.3f}"}
        for column, value in scores.items()
        if value >= BOUNDS[task] and column not in explained and tells_news(x[column], y, task, before) >= NEWS
    ]
    # a class is reproduced where its 0 and 1 are
    targets = [y.astype(str) == name for name in np.unique(y.astype(str))] if task == "multiclass" else [y]
    made = [found for target in targets for found in reproduce(x, target.astype(float))][:1]
    suspects += [found for found in made if not set(found["columns"]) & set(explained)]
    measure = "area under the ROC curve" if task in CLASSES else "share of variance explained"
    return {"measure": f"{measure}, out of fold", "bound": BOUNDS[task], "scores": scores, "suspects": suspects}


def _picked(past: Past, pick: np.ndarray) -> Past:
    def picked() -> np.ndarray | None:
        found = past()
        return None if found is None else found[pick]

    return picked


def single(column: pd.Series, y: np.ndarray, task: str) -> float:
    """How well one column predicts rows it was not fitted on. In-sample means would make noise look good."""
    return by_codes(_codes(column), y, task)


def by_codes(codes: np.ndarray, y: np.ndarray, task: str) -> float:
    """How well the mean answer of rows with the same code predicts rows it was not taken from.

    An area under the ROC curve for classes (averaged over them), a share of variance explained otherwise.
    """
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


def power(score: float, task: str) -> float:
    """A score on a scale from 0 (chance) to 1 (the answer itself)."""
    return max(0.0, 2 * score - 1) if task in CLASSES else max(0.0, score)


def tells_news(column: pd.Series, y: np.ndarray, task: str, past: Past) -> float:
    """Of what the answers before a row leave open about its own, the share that the column explains; 1 without a past.

    Both are freed of the past by least squares (Frisch and Waugh 1933), so that only what is new is compared.
    """
    known = None if task in CLASSES or not pd.api.types.is_numeric_dtype(column) else past()
    if known is None:
        return 1.0
    whole = np.isfinite(known).all(axis=1) & column.notna().to_numpy()
    if whole.sum() < 10 * (known.shape[1] + 2):
        return 1.0
    new_y = _freed(y[whole].astype(float), known[whole])
    values = column.to_numpy(dtype=float)[whole]
    new_x = _freed(values, known[whole])
    if new_x.std() <= 1e-6 * values.std() or new_y.std() <= 1e-9 * y[whole].std():
        return 0.0
    return single(pd.Series(new_x), new_y, "regression")


def _freed(values: np.ndarray, past: np.ndarray) -> np.ndarray:
    """What is left of values once a weighted sum of the past is taken off."""
    design = np.column_stack([past, np.ones(len(past))])
    left: np.ndarray = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return left


# ---------------------------------------------------------------------------------------------------- made of others
def reproduce(x: pd.DataFrame, y: np.ndarray) -> list[dict[str, Any]]:
    """Columns whose weighted sum is the target, and single products or quotients that are."""
    numbers = whole_numbers(x)
    if len(y) < 3 * (numbers.shape[1] + 2) or numbers.empty or y.std() == 0:
        return []
    design = np.column_stack([(numbers - numbers.mean()) / numbers.std(), np.ones(len(y))])
    weights, *_ = np.linalg.lstsq(design, y, rcond=None)
    if 1 - ((y - design @ weights) ** 2).sum() / ((y - y.mean()) ** 2).sum() > EXACT:
        used = [name for name, weight in zip(numbers, weights, strict=False) if abs(weight) > 1e-6 * y.std()]
        return [{"columns": used, "score": 1.0, "why": f"{' and '.join(used)} add up to the target"}]
    for one, other, sign, made in likeliest_pairs(numbers, y):
        if sign in "×÷" and abs(np.corrcoef(made, y)[0, 1]) > EXACT:
            return [{"columns": [one, other], "score": 1.0, "why": f"{one} {sign} {other} is the target"}]
    return []


def whole_numbers(x: pd.DataFrame) -> pd.DataFrame:
    """The number columns without holes that vary."""
    numbers = x[[column for column in x if pd.api.types.is_numeric_dtype(x[column])]].astype(float)
    return numbers.loc[:, numbers.notna().all() & (numbers.std() > 0)]


def likeliest_pairs(
    numbers: pd.DataFrame, y: np.ndarray, most: int = 3, beyond: bool = False
) -> list[tuple[str, str, str, np.ndarray]]:
    """Of all products, quotients and differences of two columns the few that go with y most: names, sign and values.

    With `beyond` those that go with it most beyond the better of the two, so that a strong column hides no pair.

    All correlations at once, from matrix products: cov(ab, y) = E[aby] - E[ab]E[y].
    """
    names = list(numbers)
    if len(names) < 2:
        return []
    some = slice(0, max(LEAST, PRODUCTS // len(names)))  # rows come in no order, so the first ones are as good as any
    values, answer = numbers.to_numpy()[some] / numbers.std().to_numpy(), y[some]
    if answer.std() == 0:
        return []
    answer = (answer - answer.mean()) / answer.std()
    with np.errstate(all="ignore"):
        turned = np.where((values != 0).all(axis=0), 1 / values, np.nan)
        found = {
            "×": _correlations(values, values, answer),
            "÷": _correlations(values, turned, answer),
            "-": _differences(numbers.to_numpy()[some], answer),
        }
    alone = np.abs((values - values.mean(axis=0)).T @ answer / len(answer) / np.maximum(values.std(axis=0), 1e-12))
    pairs: list[tuple[str, str, str, np.ndarray]] = []
    for sign, table in found.items():
        table = np.abs(np.nan_to_num(table, posinf=0, neginf=0))
        if beyond:
            table = np.maximum(table - np.maximum(alone[:, None], alone[None, :]), 0)
        np.fill_diagonal(table, 0)
        if sign != "÷":
            table = np.triu(table)
        for place in np.argsort(-table, axis=None)[:most]:
            one, other = divmod(int(place), len(names))
            if table[one, other] > 0:
                a, b = numbers[names[one]].to_numpy(), numbers[names[other]].to_numpy()
                made = a * b if sign == "×" else a / b if sign == "÷" else a - b
                pairs.append((names[one], names[other], sign, made))
    return pairs


def _correlations(one: np.ndarray, other: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Correlation of each product of a column of `one` with one of `other` with the standardised answer."""
    count = len(answer)
    mean, square = one.T @ other / count, (one**2).T @ other**2 / count
    found: np.ndarray = (one * answer[:, None]).T @ other / count / np.sqrt(np.maximum(square - mean**2, 1e-300))
    return found


def _differences(numbers: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The same of each difference, in the columns' own units, as a person would subtract them."""
    values = numbers - numbers.mean(axis=0)
    plain, both = values.T @ answer / len(answer), values.T @ values / len(answer)
    spread = np.diag(both)[:, None] + np.diag(both)[None, :] - 2 * both
    least = 1e-12 * np.maximum(np.diag(both)[:, None], np.diag(both)[None, :]) + 1e-300
    shown = (plain[:, None] - plain[None, :]) / np.sqrt(np.maximum(spread, least))
    found: np.ndarray = np.where(spread > least, shown, 0.0)
    return found


# ---------------------------------------------------------------------------------------------------- bins
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
