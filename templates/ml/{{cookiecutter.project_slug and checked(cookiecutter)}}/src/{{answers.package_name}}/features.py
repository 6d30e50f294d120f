"""From columns to inputs and target: one query for training, batch and online, so that the three cannot differ.

And the screen for columns that know the answer: each alone, scored out of fold, and those that make up the target.
"""

from typing import Any

import numpy as np
import pandas as pd

from .data import REMEDY, SOURCE, Source
from .engine import ROW, Engine, listed, literal, over_frames, quoted
from .evaluate import auc
from .files import Trouble
from .repo import Repo

CLASSES = ("binary", "multiclass")  # tasks whose answers are classes
NUMBERS = ("INT", "INTEGER", "DOUBLE", "FLOAT", "DECIMAL", "REAL", "BOOLEAN")
LARGEST = 1e100  # what lies beyond, infinity too, is taken as missing; the schema says so
LEVELS = 50  # a text with more different values than this is free text, and no input
# Above these a single column predicts better than single columns do; a person has to say why.
BOUNDS = {"binary": 0.995, "multiclass": 0.995, "regression": 0.98, "ranking": 0.98, "forecast": 0.98}
MANY = 500_000  # rows from which on what shows in a part of them is not counted in all
EXACT = 1 - 1e-9
BINS, FOLDS, ROWS = 20, 5, 50_000


def inputs(table: Engine, source: Source, types: dict[str, str] | None = None) -> dict[str, str]:
    """Column → "number", "date" or "category", for every column that may be used. Free text is left out."""
    found: dict[str, str] = {}
    for column, kind in (types or table.columns("source")).items():
        if column == ROW or column in source.special:
            continue
        found[column] = kind_of(kind)
    texts = [column for column, kind in found.items() if kind == "category"]
    for count, most in (
        ("approx_count_distinct({})", 2 * LEVELS),
        ("count(distinct {})", LEVELS),
    ):  # exact where the estimate leaves it open
        counts = ", ".join(count.format(quoted(column)) for column in texts) or "0"
        values = dict(zip(texts, table.rows(f"select {counts} from source")[0], strict=False))
        found = {column: kind for column, kind in found.items() if values.get(column, 0) <= most}
        texts = [column for column in texts if column in found]
    if not found:
        raise Trouble("No column is left to predict from.", "Check leave_out and known_after in data/source.yaml.")
    return found


def kind_of(type_name: str) -> str:
    """What an engine's type is to a model."""
    name = type_name.upper().partition("(")[0]
    if name.endswith(NUMBERS):  # TINYINT, UBIGINT …; a list is INTEGER[], a struct starts with STRUCT
        return "number"
    return "date" if name.startswith(("DATE", "TIMESTAMP")) else "category"


def select(columns: dict[str, str]) -> str:
    """The SELECT list that makes inputs of columns: numbers as doubles, dates as days, categories as text."""
    return ", ".join(f"{_expression(column, kind)} as {quoted(column)}" for column, kind in columns.items())


def of_rows(rows: list[dict[str, Any]] | pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The inputs of rows that came from elsewhere than the source: a request, a batch file."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    missing = [column for column in columns if column not in frame]
    if missing:
        raise Trouble(f"The rows have no {missing[0]}.", f"Needed: {', '.join(columns)}.")
    table = over_frames()
    table.register("given", frame[list(columns)].reset_index(drop=True))
    return table.frame(f"select {select(columns)} from given")


def _expression(column: str, kind: str) -> str:
    if kind == "number":
        number = f"try_cast({quoted(column)} as double)"
        return f"case when abs({number}) <= {LARGEST} then {number} end"
    if kind == "date":
        return f"epoch({moment_sql(column)}) / 86400.0"
    return f"cast({quoted(column)} as varchar)"


# ---------------------------------------------------------------------------------------------------- target
def key_sql(source: Source) -> str:
    """What identifies a row: the id column, or its position in the file."""
    return f"cast({quoted(source.id or ROW)} as varchar)"


def target_sql(repo: Repo, source: Source, table: Engine) -> str:
    """The target as the task needs it: 0 and 1, a class's name, or a number."""
    column = quoted(source.target)
    if repo.answers["task"] == "multiclass":
        return f"cast({column} as varchar)"
    if repo.answers["task"] == "binary":
        positive = literal(positive_value(source, table))
        return f"case when {column} is null then null when cast({column} as varchar) = {positive} then 1 else 0 end"
    return f"try_cast({column} as double)"


def positive_value(source: Source, table: Engine) -> str:
    """The value of the target that counts as positive."""
    column = quoted(source.target)
    text = f"cast({column} as varchar)"
    rows = table.rows(f"select distinct {text} from source where {column} is not null order by 1 limit 20")
    values = [row[0] for row in rows]
    if not values:
        raise Trouble(f"{source.target} is empty in every row.", f"Name the column with the right answers in {SOURCE}.")
    shown = ", ".join(f'"{value}"' for value in values[:6])
    if source.positive:
        if source.positive not in values:
            raise Trouble(f'No row\'s {source.target} is "{source.positive}"; it holds {shown}.', REMEDY)
        return source.positive
    fitting = [value for value in values if value.lower() in ("1", "1.0", "true", "yes")]
    if len(fitting) != 1:
        raise Trouble(f"{SOURCE}: positive is empty, and {source.target} holds {shown}.", "Say which one is positive.")
    return fitting[0]


def time_sql(source: Source) -> str:
    return moment_sql(source.time)


def moment_sql(column: str) -> str:
    """A column's moment in UTC, also where a text names another zone; null where it is no date."""
    return f"cast(try_cast({quoted(column)} as timestamptz) as timestamp)"


def span(table: Engine, source: Source) -> list[str]:
    """The first and the last moment; empty without a time column."""
    if not source.time:
        return []
    moment = time_sql(source)
    return [str(value) for value in table.rows(f"select min({moment}), max({moment}) from source")[0]]


def answered(key: str, target: str, task: str) -> str:
    """A row's key and right answer as one text, the same from the data and from a predictions file."""
    value = target if task == "multiclass" else f"cast({target} as double)"
    return f"{key} || '=' || cast({value} as varchar)"


def units_sql(repo: Repo, source: Source, target: str) -> str:
    """How many units of the metric labelled rows are: positives, queries, or rows."""
    if repo.answers["task"] == "binary" and repo.answers["metric"] in ("recall", "f1", "average_precision"):
        return f"sum({target})"
    return f"count(distinct {quoted(source.group)})" if repo.answers["task"] == "ranking" else "count(*)"


# ---------------------------------------------------------------------------------------------------- copies
def content_sql(inputs: list[str]) -> str:
    """One text for all inputs of a row, the same in every version of every engine."""
    parts = ", ".join(f"coalesce(cast({quoted(column)} as varchar), '∅')" for column in inputs)
    return f"md5(concat_ws('|', {parts}))"


def copy_sql(tell: dict[str, float] | None, content: str, lone: str) -> str:
    """What all copies of a row share; a row whose known inputs do not tell it from others is `lone`."""
    if tell is None:  # a rule recorded before rows with missing inputs were told apart
        return content
    known = " + ".join(f"if({quoted(name)} is null, 0, {digits})" for name, digits in tell.items() if name)
    return f"if({known} >= {tell['']}, {content}, {lone})"


def twins_sql(tell: dict[str, float] | None, inputs: list[str]) -> str:
    """The same as a number, for use within one run."""
    return copy_sql(tell, f"cast(hash({listed(inputs)}) as hugeint)", f"-{ROW}")


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
        return place.fillna(0).to_numpy().astype(int)
    return pd.factorize(column)[0] + 1


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
