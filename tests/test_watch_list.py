"""The watch list of the audit: planted leaks of many kinds are named, honest columns are not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlscaffold.looking import names as at_the_door
from planrun_ml.data import columns as columns_module
from planrun_ml.data import leakage, names, watch_list
from planrun_ml.data.sample import sample
from planrun_ml.data.source import SHAPES, Source
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.tables.query import Engine

ROWS = 2000


def screened(frame: pd.DataFrame, task: str, folder: Path, **roles: Any) -> dict[str, Any]:
    """What the audit's screen says of a table whose target is `y`."""
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    table = Engine()
    table.open(path)
    plain = {key: SHAPES[key][0]() if key in SHAPES else "" for key in Source.__dataclass_fields__}
    source = Source(**{**plain, "target": "y", **roles})
    inputs, target = columns_module.inputs(table, source), "y"
    rows = table.frame(f"select y, {columns_module.select(inputs)} from source where y is not null order by _row")  # noqa: S608
    x, y = rows[list(inputs)], rows["y"].to_numpy(dtype=object if task == "multiclass" else float)
    seen = watch_list.beside(table, source, target, "true", "source", task)
    found = leakage.screen(x, y, task, source.explained, seen.past)
    return found | watch_list.watch(x, y, task, inputs, found, source.explained, seen)


def listed(found: dict[str, Any]) -> dict[str, str]:
    """Column or columns → kind, of all that is on the list."""
    return {" ".join(entry["columns"]): entry["kind"] for entry in found["watch"]}


def honest(task: str, draw: np.random.Generator) -> pd.DataFrame:
    """Five columns that tell something each, and none of them much; one has holes, one is a category."""
    frame = pd.DataFrame(draw.normal(0, 1, (ROWS, 4)), columns=list("abcd"))
    frame["kind"] = draw.choice(["new", "old", "vip"], ROWS)
    score = frame.a + 0.8 * frame.b + 0.6 * frame.c + 0.5 * (frame.kind == "vip") + draw.normal(0, 1.5, ROWS)
    frame.loc[draw.random(ROWS) < 0.1, "d"] = np.nan
    frame["y"] = (score > 0.8).astype(int) if task == "binary" else 100 + 10 * score.round(3)
    return frame


def level_means(frame: pd.DataFrame, level: np.ndarray, pull: float = 0.0) -> np.ndarray:
    """The encoding that is taken from the very answers it is to predict."""
    grouped = frame.y.groupby(level)
    count, total = grouped.transform("count"), grouped.transform("sum")
    return ((total + pull * frame.y.mean()) / (count + pull)).to_numpy()


def less_own(frame: pd.DataFrame, level: np.ndarray) -> np.ndarray:
    """The encoding that leaves its own row out, and so tells its answer by what is missing."""
    grouped = frame.y.groupby(level)
    return ((grouped.transform("sum") - frame.y) / (grouped.transform("count") - 1)).to_numpy()


Plant = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
# What was planted, its column, and the kind that the list calls it; "suspect" where it is above the bound.
BINARY: dict[str, tuple[Plant, str, str]] = {
    "a copy with errors": (
        lambda f, d: f.assign(leak=np.where(d.random(ROWS) < 0.03, 1 - f.y, f.y)), "leak", "apart",
    ),
    "a noisy after-effect": (lambda f, d: f.assign(leak=f.y + d.normal(0, 0.35, ROWS)), "leak", "apart"),
    "filled where it happened": (
        lambda f, d: f.assign(leak=np.where(f.y == 1, d.normal(0, 1, ROWS), np.nan)), "leak", "suspect",
    ),
    "filled mostly where it happened": (
        lambda f, d: f.assign(leak=np.where(d.random(ROWS) < np.where(f.y == 1, 0.7, 0.2), 1.5, np.nan)),
        "leak", "filled",
    ),
    "a text that is filled afterwards": (
        lambda f, d: f.assign(leak=np.where(d.random(ROWS) < np.where(f.y == 1, 0.8, 0.1), "phone", None)),
        "leak", "filled",
    ),
    "a name of afterwards": (
        lambda f, d: f.assign(refund_total=f.y * d.exponential(1, ROWS) + d.exponential(1, ROWS)),
        "refund_total", "later",
    ),
    "two moments whose order is the answer": (
        lambda f, d: f.assign(due=(due := d.integers(0, 300, ROWS)), shown=due + np.where(f.y == 1, 1, -1) *
                              d.integers(1, 40, ROWS)),
        "due shown", "made",
    ),
    "two moments of which some are missing, beside a strong column": (
        lambda f, d: f.assign(
            a=f.y * 0.9 + d.normal(0, 1, ROWS),
            due=(due := d.integers(0, 300, ROWS)), shown=np.where(d.random(ROWS) < 0.1, np.nan, due + np.where(
                f.y == 1, 1, -1) * d.integers(1, 40, ROWS)),
        ),
        "due shown", "made",
    ),
    "a product that nearly is it": (
        lambda f, d: f.assign(one=(one := d.uniform(1, 9, ROWS)), two=(f.y + d.normal(0, 0.25, ROWS) + 3) / one),
        "one two", "made",
    ),
    "means of these answers": (
        lambda f, d: f.assign(leak=level_means(f, d.integers(0, 120, ROWS))), "leak", "encoded",
    ),
    "means of these answers, smoothed": (
        lambda f, d: f.assign(leak=level_means(f, d.integers(0, 120, ROWS), 20)), "leak", "encoded",
    ),
    "means less the own row": (lambda f, d: f.assign(leak=less_own(f, d.integers(0, 60, ROWS))), "leak", "values"),
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_a_planted_leak_is_named(name: str, tmp_path: Path) -> None:
    """Perfect or not, by whatever it gives itself away; and it alone, with the line that settles it."""
    plant, column, kind = BINARY[name]
    draw = np.random.default_rng(11)
    found = screened(plant(honest("binary", draw), draw), "binary", tmp_path)
    named = [{"kind": "suspect", "settle": watch_list.settling(one["columns"])} | one for one in found["suspects"]]
    (entry,) = [*named, *found["watch"]]

    assert (" ".join(entry["columns"]), entry["kind"]) == (column, kind)
    assert entry["columns"][0] in entry["why"]
    assert f"known_after: [{', '.join(entry['columns'])}]" in entry["settle"]
    assert "explained: {" in entry["settle"]


AMOUNT: dict[str, tuple[Plant, str, str]] = {
    "an after-effect": (lambda f, d: f.assign(leak=f.y + d.normal(0, 5, ROWS)), "leak", "apart"),
    "filled where it was large": (
        lambda f, d: f.assign(leak=np.where(f.y > f.y.median(), 1.0, np.nan)), "leak", "filled",
    ),
    "parts that are rounded": (
        lambda f, d: f.assign(one=(one := d.uniform(0, 50, ROWS)).round(), two=(f.y - one).round(),
                              ).drop(columns=list("abcd")),
        "one two", "made",
    ),
    "means of these answers": (
        lambda f, d: f.assign(leak=level_means(f, d.integers(0, 150, ROWS))), "leak", "encoded",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AMOUNT)
def test_a_planted_leak_of_an_amount_is_named(name: str, tmp_path: Path) -> None:
    """The same where the answer is a number."""
    plant, column, kind = AMOUNT[name]
    draw = np.random.default_rng(12)
    found = listed(screened(plant(honest("regression", draw), draw), "regression", tmp_path))

    assert found.get(column) == kind, found


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("seed", range(8))
def test_honest_columns_are_not_listed(task: str, seed: int, tmp_path: Path) -> None:
    """Columns that tell something, holes that come by chance, and an encoding that was learned on other rows."""
    draw = np.random.default_rng(seed)
    frame, level = honest(task, draw), draw.integers(0, 60, ROWS)
    other = honest(task, draw)
    frame["learned"] = other.y.groupby(draw.integers(0, 60, ROWS)).mean().reindex(level).to_numpy()
    found = screened(frame, task, tmp_path)

    assert found["suspects"] == []
    assert listed(found) == {}


def test_an_encoding_of_other_rows_that_tells_is_not_called_in_sample(tmp_path: Path) -> None:
    """Levels that matter, encoded by an earlier year: close to their means, but no closer than chance lets them be."""
    draw = np.random.default_rng(3)
    true, level = draw.uniform(0.1, 0.9, 80), draw.integers(0, 80, ROWS)
    before = np.array([draw.binomial(200, share) / 200 for share in true])
    frame = honest("binary", draw).assign(y=(draw.random(ROWS) < true[level]).astype(int), learned=before[level])

    assert "encoded" not in listed(screened(frame, "binary", tmp_path)).values()


def smooth(draw: np.random.Generator, count: int = 900) -> pd.DataFrame:
    """A series that moves slowly, with honest lags and rolling means of it, and the moment of each row."""
    y = 500 + np.cumsum(np.cumsum(draw.normal(0, 0.05, count)) + draw.normal(0, 1, count))
    frame = pd.DataFrame({"day": pd.date_range("2021-01-01", periods=count).astype(str), "y": y})
    for lag in (1, 2, 7, 14):
        frame[f"lag_{lag}"] = frame.y.shift(lag)
    frame["rolling"] = frame.y.shift(1).rolling(7).mean()
    frame["noise"] = draw.normal(0, 1, count)
    return frame


def test_honest_lags_of_a_smooth_series_are_no_leaks(tmp_path: Path) -> None:
    """They score above the bound, as the past itself does; without the moments nobody could tell."""
    frame = smooth(np.random.default_rng(4))
    found = screened(frame, "forecast", tmp_path, time="day")

    assert max(found["scores"].values()) >= found["bound"]
    assert found["suspects"] == []
    assert listed(found) == {}
    assert screened(frame.drop(columns="day"), "forecast", tmp_path)["suspects"]


@pytest.mark.parametrize(
    ("plant", "column"),
    [
        (lambda f, d: f.assign(leak=f.y + d.normal(0, 0.5, len(f))), "leak"),
        (lambda f, d: f.assign(leak=f.y.shift(-1)), "leak"),
        (lambda f, d: f.assign(leak=f.y.rolling(3, center=True).mean()), "leak"),
        (lambda f, d: f.assign(leak=f.y.rolling(3).mean()), "leak"),
    ],
    ids=["the answer with noise", "tomorrow's answer", "a mean around the day", "a mean that ends with the day"],
)
def test_among_honest_lags_a_leak_is_still_a_suspect(plant: Plant, column: str, tmp_path: Path) -> None:
    """It tells what the past leaves open."""
    draw = np.random.default_rng(5)
    found = screened(plant(smooth(draw), draw), "forecast", tmp_path, time="day")

    assert [entry["columns"] for entry in found["suspects"]] == [[column]]


def test_a_panel_is_told_by_the_past_of_each_group(tmp_path: Path) -> None:
    """Stores of different size: yesterday's sales of the same store are honest, today's till count is not."""
    draw, parts = np.random.default_rng(6), []
    for store in range(12):
        part = smooth(draw, 150)
        part["y"] += 400 * store
        part[["lag_1", "lag_2", "lag_7", "lag_14", "rolling"]] += 400 * store
        parts.append(part.assign(store=f"S{store}", till=part.y + draw.normal(0, 0.3, len(part))))
    found = screened(pd.concat(parts), "forecast", tmp_path, time="day", group="store")

    assert [entry["columns"] for entry in found["suspects"]] == [["till"]]


def test_a_moment_after_the_rows_own_is_named(tmp_path: Path) -> None:
    """A delivery after the order; a birthday before it is not."""
    draw = np.random.default_rng(7)
    frame = honest("binary", draw)
    ordered = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 300, ROWS), "D")
    frame = frame.assign(
        ordered=ordered.astype(str),
        brought=(ordered + pd.to_timedelta(draw.integers(1, 9, ROWS), "D")).astype(str),
        born=(ordered - pd.to_timedelta(draw.integers(7000, 20000, ROWS), "D")).astype(str),
    )
    found = screened(frame, "binary", tmp_path, time="ordered")

    assert listed(found) == {"brought": "later"}
    assert "in 100% of the rows it lies after the row's own moment" in found["watch"][0]["why"]


def test_a_class_of_many_is_told_by_a_pair_and_by_what_is_filled(tmp_path: Path) -> None:
    """Three classes: the same kinds of giving away."""
    draw = np.random.default_rng(8)
    frame = honest("binary", draw)
    frame["y"] = np.array(["calm", "wild", "odd"])[draw.integers(0, 3, ROWS)]
    frame["closed_by"] = np.where((frame.y == "odd") & (draw.random(ROWS) < 0.9), "Bo", None)
    found = listed(screened(frame, "multiclass", tmp_path))

    assert found == {"closed_by": "filled"}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "forecast", "ranking"])
def test_the_samples_list_nothing(task: str, tmp_path: Path) -> None:
    """Real and made rows whose columns are known to be honest."""
    frame = sample(task)
    roles = {"id": frame.columns[0]} if task in CLASSES or task == "regression" else {"id": "row_id"}
    roles |= {"time": "day", "group": "store"} if task == "forecast" else {}
    frame = frame.rename(columns={frame.columns[-1]: "y"})
    if task == "binary":
        frame["y"] = (frame.y == "malignant").astype(int)
    found = screened(frame, task, tmp_path, **roles)

    assert (found["suspects"], found["watch"]) == ([], [])


def test_what_is_explained_is_off_the_list(tmp_path: Path) -> None:
    """A person said why; nothing asks again."""
    draw = np.random.default_rng(9)
    frame = honest("binary", draw)
    frame["leak"] = frame.y + draw.normal(0, 0.35, ROWS)

    assert listed(screened(frame, "binary", tmp_path)) == {"leak": "apart"}
    assert listed(screened(frame, "binary", tmp_path, explained={"leak": "the scale is read at the door"})) == {}


def test_the_last_of_many_columns_is_looked_at_like_the_first(tmp_path: Path) -> None:
    """A pair among sixty columns, both at the end."""
    draw = np.random.default_rng(10)
    frame = pd.DataFrame(draw.uniform(1, 2, (ROWS, 60)), columns=[f"x{n}" for n in range(60)])
    frame["y"] = frame.x58 * frame.x59
    found = screened(frame, "regression", tmp_path)

    assert [entry["why"] for entry in found["suspects"]] == ["x58 × x59 is the target"]


def test_strongest_columns_are_told_with_the_gap() -> None:
    """One line, on the console as on the page."""
    screen = {"measure": "area", "strongest": [["a", 0.91], ["b", 0.7]]}

    assert watch_list.strongest(screen) == (
        "Strongest columns, each alone (area): a 0.910, b 0.700; from the first to the next 0.210."
    )
    assert watch_list.strongest({"measure": "area", "strongest": []}) == ""


def test_a_rule_rests_on_a_listed_column() -> None:
    """A learned rule by its column, a rule of the team's own by the names in its SQL."""
    screen = {"suspects": [], "watch": [{"columns": ["closed at"], "why": "w", "settle": "s"}]}

    assert watch_list.rests_on(screen, {"kind": "steps", "column": "closed at", "sql": {}})
    assert watch_list.rests_on(screen, {"kind": "own", "column": "", "sql": {"score": 'coalesce("closed at", 0)'}})
    assert watch_list.rests_on(screen, {"kind": "own", "column": "", "sql": {"score": '"closed at all"'}}) is None
    assert watch_list.rests_on(screen, {"kind": "steps", "column": "open", "sql": {}}) is None
    assert watch_list.rests_on(None, {"kind": "steps", "column": "open", "sql": {}}) is None


def test_the_words_are_those_of_the_look_at_the_door() -> None:
    """What `new --data` takes for known afterwards, and for a group, the audit does too."""
    assert names._LATER.pattern == at_the_door._LATER.pattern
    assert names._GROUP.pattern == at_the_door._GROUP.pattern
    assert names.plain("Closed At") == at_the_door.plain("Closed At") == "closed_at"
