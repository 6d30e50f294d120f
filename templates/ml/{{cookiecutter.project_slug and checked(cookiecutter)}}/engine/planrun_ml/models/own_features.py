"""The steps that a team brings in features.py: taken from the kept copy, fitted, and held to giving a row for a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from planrun.rooms import Rooms
from planrun.trouble import Trouble

ROOM = "features"
ALONE = 50  # rows that are asked one by one, which takes longer than together
SAME = 1e-9  # how far two values of one feature may lie apart, relative to 1 or the value, whichever is larger


@dataclass(frozen=True)
class Difference:
    """A value that depends on how a row is asked: its column, the row's key, and what it was both times."""

    column: str
    key: str
    one: Any
    other: Any


def room(rooms: Rooms | None, digest: str) -> Any:
    """The module of a kept features.py. Raises `Trouble` where it is not there, or says something else by now."""
    if rooms is None:
        raise Trouble("The configuration has features of the team's, and no repository is at hand.", "Name its folder.")
    return rooms.kept(ROOM, digest)


def steps(rooms: Rooms | None, digest: str, task: str, columns: Mapping[str, str]) -> list[Any]:
    """The transformers of a kept features.py for these inputs (column → number, date, category or text), not fitted.

    Raises `Trouble` where it has no `steps(task, columns)`, or gives what is no list of transformers.
    """
    if not digest:
        return []
    module, where = room(rooms, digest), f"src/{rooms.package if rooms else ''}/{ROOM}.py"
    if not callable(getattr(module, "steps", None)):
        raise Trouble(f"{where} has no function steps(task, columns).", f"Write it in {where}.")
    try:
        found = module.steps(task, dict(columns))
    except Exception as error:  # whatever the team's own code raises
        raise told(error, rooms, digest, "steps(task, columns)") from error
    if not isinstance(found, (list, tuple)):
        raise Trouble(
            f"{where}: steps(task, columns) gives a {type(found).__name__}.", "Return a list of transformers."
        )
    for step in found:
        if not callable(getattr(step, "fit", None)) or not callable(getattr(step, "transform", None)):
            said = f"{where}: steps(task, columns) gives a {type(step).__name__}, which has no fit and transform."
            raise Trouble(said, "Return transformers as scikit-learn has them.")
    return list(found)


def fitted(
    own: Sequence[Any], x: pd.DataFrame, y: np.ndarray, rooms: Rooms | None, digest: str
) -> tuple[list[Any], pd.DataFrame]:
    """The steps fitted one after another, and what the last one makes of the rows they were fitted on.

    Raises `Trouble` with file and line where a step fails, or gives other rows, two equal names or an infinite value.
    """
    done = []
    for step in own:
        name = type(step).__name__
        try:
            if hasattr(step, "set_output"):
                step.set_output(transform="pandas")
            both = hasattr(step, "fit_transform")  # it may code the rows it learns from otherwise than later ones
            x = held(step.fit_transform(x, y) if both else step.fit(x, y).transform(x), name, len(x))
        except Exception as error:  # whatever the team's own code raises
            raise told(error, rooms, digest, name) from error
        done.append(step)
    return done, x


def transformed(own: Sequence[Any], x: pd.DataFrame) -> pd.DataFrame:
    """What fitted steps make of rows, in the order of the rows. Raises whatever a step raises, `ValueError` of ours."""
    for step in own:
        x = held(step.transform(x), type(step).__name__, len(x))
    return x


def held(found: Any, name: str, rows: int) -> pd.DataFrame:
    """A step's result with its numbers as doubles, if it holds a row for each row given and nothing infinite.

    Raises `ValueError` otherwise.
    """
    if not isinstance(found, pd.DataFrame):
        raise ValueError(f"{name} gives a {type(found).__name__}, and a DataFrame is needed")
    if len(found) != rows:
        raise ValueError(f"{name} gives {len(found)} rows for {rows}")
    if not found.columns.is_unique:
        twice = found.columns[found.columns.duplicated()][0]
        raise ValueError(f"{name} gives two columns of the name {twice}")
    numbers = [column for column, kind in found.dtypes.items() if pd.api.types.is_numeric_dtype(kind)]
    values = found[numbers].to_numpy(dtype=float, na_value=np.nan)
    endless = np.isinf(values)
    if endless.any():
        column = numbers[int(endless.any(axis=0).argmax())]
        count = int(endless[:, numbers.index(column)].sum())
        raise ValueError(f"{name} gives {column} no end in {count} of {rows} rows; NaN says that there is no value")
    other = {name: values[:, place] for place, name in enumerate(numbers) if found[name].dtype != np.float64}
    return found.assign(**other) if other else found


def told(error: Exception, rooms: Rooms | None, digest: str, name: str) -> Trouble:
    """One sentence for what went wrong in a step: with the line where it was the team's, else with the step's name."""
    if isinstance(error, Trouble):
        return error
    found = rooms.told(error, ROOM, digest) if rooms else None
    if found:
        return Trouble(f"{found.sentence.rstrip('.')} ({type(error).__name__} in {name}).", found.remedy)
    file = f"src/{rooms.package}/{ROOM}.py" if rooms else f"{ROOM}.py"
    text = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return Trouble(f"{file}: {name} failed: {text}.", f"Correct {file}.")


def difference(together: pd.DataFrame, single: Sequence[pd.DataFrame | None], keys: Sequence[Any]) -> Difference | None:
    """The first value of a table that the same row has not when it is made alone; None where there is none.

    `single` holds a frame of one row for each row of `together`, in its order, None for one that cannot be asked;
    `keys` names the rows. Missing on both sides is the same.
    """
    for place, frame in enumerate(single):
        if frame is None:
            continue
        row, alone = together.iloc[place], frame.iloc[0]
        for column in dict.fromkeys([*together.columns, *frame.columns]):
            one, other = (held[column] if column in held.index else "no column" for held in (row, alone))
            if not _same(one, other):
                return Difference(str(column), str(keys[place]), one, other)
    return None


def _same(one: Any, other: Any) -> bool:
    if pd.isna(one) or pd.isna(other):
        return bool(pd.isna(one) and pd.isna(other))
    if isinstance(one, Real) and isinstance(other, Real):
        return abs(float(one) - float(other)) <= SAME * max(1.0, abs(float(one)))
    return bool(one == other)


def single_rows(own: Sequence[Any], rows: Sequence[pd.DataFrame]) -> list[pd.DataFrame | None]:
    """What fitted steps make of frames of one row each; None for one on which a step fails, which the rule answers."""
    found: list[pd.DataFrame | None] = []
    for row in rows:
        try:
            found.append(transformed(own, row))
        except Exception:  # whatever the team's own code raises: who asks about all rows is told
            found.append(None)
    return found


def refuse_company(own: Sequence[Any], x: pd.DataFrame, keys: Sequence[Any], rooms: Rooms) -> None:
    """Raise `Trouble` where a feature of a row depends on the rows beside it: a service asks about one alone.

    `x` are rows as `selected` gives them, of which the first `ALONE` are asked one by one; `keys` are their names.
    """
    if not own:
        return
    some = x.head(ALONE)
    try:
        together = transformed(own, some)
    except Exception:  # whatever the team's own code raises; that row is told where the model is read back
        return
    found = difference(together, single_rows(own, [some.iloc[[place]] for place in range(len(some))]), keys)
    if found:
        told = (
            f"src/{rooms.package}/{ROOM}.py: {found.column} of row {found.key} is {shown(found.one)} among other rows "
            f"and {shown(found.other)} where it is asked alone, as a service asks."
        )
        raise Trouble(
            told, "Let fit keep what a row needs of the others, such as their mean; transform reads it there."
        )


def shown(value: Any) -> str:
    """A value as a sentence has it: six digits of a number, a text in quotes."""
    if pd.isna(value):
        return "missing"
    return f"{float(value):.6g}" if isinstance(value, Real) else f'"{value}"'
