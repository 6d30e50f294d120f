"""The watch list: columns that may know the answer although none is sure to. Each comes with the line that settles it.

It shuts no gate. A person says of each whether it is known when the prediction is made; until then no rule that rests
on it is praised.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, chi2_contingency

from planrun_ml.data import leakage, names
from planrun_ml.data.columns import MANY, moment_sql, time_sql
from planrun_ml.data.leakage import NEWS, Past, by_codes, power, single, tells_news
from planrun_ml.data.source import SOURCE, Source
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import quoted

APART = 0.6  # the power from which a column that stands apart is named: an area of 0.8, or 0.6 of the variance
HALF = 0.5  # it stands apart where it leaves at most half as much open as the next one
GROUP = 5  # as many columns may stand apart together
FILLED = {True: 0.65, False: 0.10}  # of classes: the area by being filled alone; of amounts: the share of variance
RARE = 1e-6  # how seldom chance alone may make what is named, a column
HINT = 0.05  # power below which a name that speaks of later is left alone
PAIR_ROWS = 300  # on fewer, the best of so many pairs looks good by chance
HOLES = 0.2  # share of rows that a column of a pair may lack
EACH = 10  # rows that a value has at least, on average, for it to be taken as a code
HIDDEN = 0.9  # power of a pair from which it is named, where neither of the two has as much alone
CODE = 0.8  # power of a number's exact values from which they are named
FEWEST, SHARE = 8, 1 / 3  # levels that an encoding has at least, and at most as a share of the rows
LATER = 0.05  # share of rows whose moment lies after the row's own
NEARLY = 0.98  # share of variance that a weighted sum tells where it is nearly the target
SOME_ROWS = 20_000  # rows that pairs and sums are looked for in
LAGS = (1, 2, 3, 7)
SHOWN = 5


@dataclass(frozen=True)
class Beside:
    """What the table holds beside the inputs of the screened rows, each asked for only where it is needed."""

    past: Past = lambda: None
    later: Callable[[list[str]], dict[str, float]] = lambda columns: {}
    levels: Callable[[str], pd.DataFrame | None] = lambda column: None


def beside(table: Engine, source: Source, target: str, where: str, view: str, task: str) -> Beside:
    """The same for the labelled rows that `where` picks from a view, in the order of the file."""
    rows = f"{view} where {where} and {target} is not null"

    @functools.cache
    def past() -> np.ndarray | None:
        if not source.time or task in CLASSES:
            return None
        group = f"cast({quoted(source.group)} as varchar)" if source.group else "''"
        lags = ", ".join(f"lag(answer, {lag}) over w as lag_{lag}" for lag in LAGS)
        shown = ", ".join(f"lag_{lag}" for lag in LAGS)
        found: np.ndarray = table.frame(
            f"with answers as (select {group} as unit, {time_sql(source)} as moment, avg({target}) as answer "
            f"from source where {target} is not null group by 1, 2), lags as (select unit, moment, {lags} from answers "
            f"window w as (partition by unit order by moment)), picked as (select _row, {group} as unit, "
            f"{time_sql(source)} as moment from {rows}) select {shown} from picked left join lags using (unit, moment) "
            "order by _row"
        ).to_numpy(dtype=float)
        return found

    def later(columns: list[str]) -> dict[str, float]:
        if not source.time or not columns:
            return {}
        shares = ", ".join(f"avg(if({moment_sql(name)} > {time_sql(source)}, 1, 0))" for name in columns)
        found = table.rows(f"select {shares} from {rows}")[0]
        return {name: float(share or 0) for name, share in zip(columns, found, strict=True)}

    def levels(column: str) -> pd.DataFrame | None:
        value = f"try_cast({quoted(column)} as double)"
        return table.frame(
            f"select {value} as z, count(*) as n, avg({target}) as mean, coalesce(var_pop({target}), 0) as spread "
            f"from source where {target} is not null and {value} is not null group by 1 order by 1 limit {MANY}"
        )

    return Beside(past, later, levels)


# ---------------------------------------------------------------------------------------------------- the list
def watch(
    x: pd.DataFrame,
    y: np.ndarray,
    task: str,
    kinds: Mapping[str, str],
    screen: dict[str, Any],
    explained: Mapping[str, str],
    seen: Beside,
) -> dict[str, Any]:
    """`strongest` (column, score), `watch` (columns, kind, score, why, settle), for rows that `leakage.screen` saw.

    A column that is explained, or a suspect already, is not on the list. The lines on one column are put together.
    """
    pick = np.random.default_rng(5).permutation(len(y))[: leakage.ROWS]
    x, y = x.iloc[pick], y[pick]
    beside = Beside(leakage._picked(seen.past, pick), seen.later, seen.levels)
    scores = screen["scores"]
    taken = {name for suspect in screen["suspects"] for name in suspect["columns"]} | set(explained)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind, columns, score, why in _all(x, y, task, kinds, scores, beside):
        if taken & set(columns):
            continue
        if known := found.get(columns):
            known["why"] += f"; {why}"
        else:
            found[columns] = {"columns": list(columns), "kind": kind, "score": round(score, 4), "why": why}
    for entry in found.values():
        entry["why"] = f"{' and '.join(_few(entry['columns']))}: {entry['why']}"
        entry["settle"] = settling(entry["columns"])
    strongest = sorted(scores.items(), key=lambda item: -item[1])[:SHOWN]
    return {"strongest": [list(pair) for pair in strongest], "watch": list(found.values())}


Found = tuple[str, tuple[str, ...], float, str]


def _all(
    x: pd.DataFrame, y: np.ndarray, task: str, kinds: Mapping[str, str], scores: Mapping[str, float], beside: Beside
) -> Iterator[Found]:
    yield from filled(x, y, task)
    yield from encoded(x, y, task, scores, beside)
    yield from by_value(x, y, task, scores)
    yield from later(x, task, kinds, scores, beside)
    yield from apart(x, y, task, scores, beside)
    yield from nearly_made(x, y, task, scores, beside)


def settling(columns: list[str]) -> str:
    """The line of data/source.yaml that settles an entry, one way or the other."""
    named = json.dumps(columns[0], ensure_ascii=False) if re.search(r"\W", columns[0]) else columns[0]
    all_of = ", ".join(json.dumps(name, ensure_ascii=False) if re.search(r"\W", name) else name for name in columns)
    return f"in {SOURCE} `known_after: [{all_of}]`, or `explained: {{{named}: why it is known before}}`"


def told(screen: Mapping[str, Any]) -> list[str]:
    """Suspects and watch list as lines for the console; none where there is nothing to settle."""
    lines = [f"It looks like the answer: {entry['why']}." for entry in screen["suspects"]]
    return lines + [f"Watch list: {entry['why']}. Settle it: {entry['settle']}." for entry in screen.get("watch", [])]


def strongest(screen: Mapping[str, Any]) -> str:
    """The strongest columns in a sentence, with the gap from the first to the next; "" where there is none."""
    pairs = screen.get("strongest") or []
    if not pairs:
        return ""
    named = ", ".join(f"{name} {score:.3f}" for name, score in pairs)
    gap = f"; from the first to the next {pairs[0][1] - pairs[1][1]:.3f}" if len(pairs) > 1 else ""
    return f"Strongest columns, each alone ({screen['measure']}): {named}{gap}."


def rests_on(screen: Mapping[str, Any] | None, rule: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first suspect or entry of the list that a baseline rule rests on; None where it rests on none."""
    screen = screen or {}
    read = (
        _columns_of(" ".join(rule["sql"].values())) if rule.get("kind") == "own" else {str(rule.get("column")).lower()}
    )
    for entry in [*screen.get("suspects", []), *screen.get("watch", [])]:
        if read & {name.lower() for name in entry["columns"]}:
            return {"settle": settling(entry["columns"]), **entry}
    return None


def _columns_of(sql: str) -> set[str]:
    """The names that an expression in SQL may read, in small letters: quoted ones, and bare words."""
    bare = re.sub(r"'(?:[^']|'')*'", " ", sql)
    named = {name.replace('""', '"') for name in re.findall(r'"((?:[^"]|"")*)"', bare)}
    return {name.lower() for name in named | set(re.findall(r"\w+", re.sub(r'"(?:[^"]|"")*"', " ", bare)))}


def _few(columns: list[str], most: int = 4) -> list[str]:
    return columns if len(columns) <= most else [*columns[:most], f"{len(columns) - most} more"]


# ---------------------------------------------------------------------------------------------------- kinds
def apart(x: pd.DataFrame, y: np.ndarray, task: str, scores: Mapping[str, float], beside: Beside) -> Iterator[Found]:
    """The few strongest columns that leave at most half as much open as the next one does.

    Of an amount that follows its own past, only those that tell more than that past.
    """
    order = sorted(scores, key=lambda name: -scores[name])
    powers = [power(scores[name], task) for name in order]
    at = next((n for n in range(1, GROUP + 1) if _stands(powers, n)), 0)
    close = sum(value >= power(leakage.BOUNDS[task], task) - 0.03 for value in powers)  # near the bound, apart or not
    for name, own in list(zip(order, powers, strict=True))[: max(at, min(close, GROUP))]:
        if tells_news(x[name], y, task, beside.past) < NEWS:
            continue
        after = f", and the next ({order[at]}) {scores[order[at]]:.3f}" if at < len(order) and at else ""
        near = f", close to the bound {leakage.BOUNDS[task]}" if own >= power(leakage.BOUNDS[task], task) - 0.03 else ""
        yield "apart", (name,), scores[name], f"alone it scores {scores[name]:.3f}{near}{after}"


def _stands(powers: list[float], n: int) -> bool:
    after = powers[n] if n < len(powers) else 0.0
    return n <= len(powers) and powers[n - 1] >= APART and 1 - powers[n - 1] <= HALF * (1 - after)


def filled(x: pd.DataFrame, y: np.ndarray, task: str) -> Iterator[Found]:
    """Columns whose being filled predicts the answer, whatever stands in them."""
    for name in x:
        empty = x[name].isna().to_numpy()
        if not 0.005 < empty.mean() < 0.995:
            continue
        score = by_codes(empty.astype(int), y, task)
        if score < FILLED[task in CLASSES] or _chance(empty, y, task) > RARE / x.shape[1]:
            continue
        if task == "binary":
            yes, no = (1 - empty[y == value].mean() for value in (1, 0))
            why = f"filled in {yes:.0%} of the positive rows and in {no:.0%} of the others"
        else:
            why = f"whether it is filled alone scores {score:.3f}"
        yield "filled", (str(name),), score, why


def _chance(mask: np.ndarray, y: np.ndarray, task: str) -> float:
    """How often chance makes two parts of the rows differ so much: Pearson's test of classes, else Welch's t."""
    if task in CLASSES:
        return float(chi2_contingency(pd.crosstab(mask, y.astype(str)).to_numpy()).pvalue)
    from scipy.stats import ttest_ind

    return float(ttest_ind(y[mask].astype(float), y[~mask].astype(float), equal_var=False).pvalue)


def later(
    x: pd.DataFrame, task: str, kinds: Mapping[str, str], scores: Mapping[str, float], beside: Beside
) -> Iterator[Found]:
    """Columns whose name speaks of what comes later, and moments that lie after the row's own."""
    for name in x:
        word = names.comes_later(str(name))
        if word and power(scores[name], task) >= HINT:
            yield "later", (str(name),), scores[name], f'its name speaks of what comes later ("{word}")'
    for name, share in beside.later([name for name in x if kinds.get(name) == "date"]).items():
        if share >= LATER:
            yield "later", (name,), scores[name], f"in {share:.0%} of the rows it lies after the row's own moment"


def by_value(x: pd.DataFrame, y: np.ndarray, task: str, scores: Mapping[str, float]) -> Iterator[Found]:
    """Numbers whose exact values tell the answer and whose size does not: codes, and encodings less the own row."""
    for name in x:
        if not pd.api.types.is_numeric_dtype(x[name]):
            continue
        codes, values = pd.factorize(x[name])
        if not leakage.BINS < len(values) <= len(y) / EACH:
            continue
        score = by_codes(codes + 1, y, task)
        if power(score, task) >= CODE and 1 - power(score, task) <= HALF * (1 - power(scores[name], task)):
            why = f"its exact values score {score:.3f}, its size {scores[name]:.3f}"
            yield "values", (str(name),), score, f"{why}: a code, or an encoding of the answers themselves"


def encoded(x: pd.DataFrame, y: np.ndarray, task: str, scores: Mapping[str, float], beside: Beside) -> Iterator[Found]:
    """Numbers that are means of these very answers over some level, pulled towards the overall mean or not.

    An encoding learned on other rows misses each level's mean by chance; one that was taken from these rows does not.
    """
    if task == "multiclass":
        return
    low, high, answers = float(y.min()), float(y.max()), y.astype(float)
    for name in x:
        column = x[name]
        if not pd.api.types.is_numeric_dtype(column) or column.notna().sum() < 50:
            continue
        if not low <= column.min() < column.max() <= high or power(scores[name], task) < HINT:
            continue
        if not FEWEST <= column.nunique() <= SHARE * len(column):
            continue
        grouped = pd.DataFrame({"z": column, "y": answers}).dropna().groupby("z").y
        rough = pd.DataFrame(
            {"n": grouped.count(), "mean": grouped.mean(), "spread": grouped.var(ddof=0)}
        ).reset_index()
        if not _misses(rough) < 1.5 * len(rough):
            continue
        whole = beside.levels(str(name))
        whole = rough if whole is None else whole
        if chi2.cdf(_misses(whole), len(whole) - 1) < RARE:
            why = f"a mean of these very answers over {len(whole)} levels, learned on the rows that it is tested on"
            yield "encoded", (str(name),), scores[name], why


def _misses(levels: pd.DataFrame) -> float:
    """How far the levels' means are from what the column says, in squared standard errors, summed over the levels.

    The column may be the mean pulled towards the overall one by k rows, (n·mean + k·overall) / (n + k); k is fitted.
    """
    n, z, mean = (levels[key].to_numpy(dtype=float) for key in ("n", "z", "mean"))
    overall, within = float((n * mean).sum() / n.sum()), float((n * levels["spread"]).sum() / n.sum())
    if within <= 0:
        return float("inf")
    off, pull = n * (z - mean), overall - z
    k = max(0.0, float((off * pull / n).sum() / max((pull**2 / n).sum(), 1e-300)))
    return float(((off - k * pull) ** 2 / (n * within)).sum())


def nearly_made(
    x: pd.DataFrame, y: np.ndarray, task: str, scores: Mapping[str, float], beside: Beside
) -> Iterator[Found]:
    """Two columns whose product, quotient or difference tells far more than either, and sums that are nearly it."""
    numbers, known = _mostly_filled(x.iloc[:SOME_ROWS])
    if numbers.shape[1] < 2 or len(numbers) < PAIR_ROWS:
        return
    answers = y[: len(numbers)]
    if task not in CLASSES:
        yield from _sums(numbers.loc[:, known.all()], answers.astype(float), task, scores, beside)
    targets = [(task, answers)]
    if task == "multiclass":
        counted = pd.Series(answers.astype(str)).value_counts()
        targets = [("binary", (answers.astype(str) == name).astype(float)) for name in counted.index[:SHOWN]]
    named: set[tuple[str, ...]] = set()
    for form, target in targets:
        if np.std(target.astype(float)) == 0:
            continue
        for one, other, sign, made in leakage.likeliest_pairs(numbers, target.astype(float), most=1, beyond=True):
            both = (known[one] & known[other]).to_numpy() & np.isfinite(made)
            if both.mean() < 1 - HOLES or (one, other) in named:
                continue
            own, *parts = (
                power(single(pd.Series(held[both]), target[both], form), form)
                for held in (made, numbers[one].to_numpy(), numbers[other].to_numpy())
            )
            best, values = max(parts), pd.Series(np.where(both, made, np.nan))
            if own < HIDDEN or best >= HIDDEN or 1 - own > HALF * (1 - best):
                continue
            if tells_news(_as_of(x, values), y, task, beside.past) < NEWS:
                continue
            named.add((one, other))
            scored, alone = (_score(value, form) for value in (own, best))
            why = f"{one} {sign} {other} scores {scored:.3f}, the better of the two alone {alone:.3f}"
            yield "made", (one, other), scored, why


def _mostly_filled(x: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The number columns that vary and have few holes, these filled with the mean; and where there was none."""
    numbers = x[[name for name in x if pd.api.types.is_numeric_dtype(x[name])]].astype(float)
    numbers = numbers.loc[:, (numbers.isna().mean() <= HOLES) & (numbers.std() > 0)]
    return numbers.fillna(numbers.mean()), numbers.notna()


def _as_of(x: pd.DataFrame, values: pd.Series) -> pd.Series:
    """A made column as long as the others; empty where it was not worked out."""
    found = np.full(len(x), np.nan)
    found[: len(values)] = values
    return pd.Series(found)


def _score(own: float, task: str) -> float:
    return (1 + own) / 2 if task in CLASSES else own


def _sums(
    numbers: pd.DataFrame, y: np.ndarray, task: str, scores: Mapping[str, float], beside: Beside
) -> Iterator[Found]:
    """A weighted sum that tells nearly all of the target on rows it was not fitted on."""
    if len(y) < 6 * (numbers.shape[1] + 2) or y.std() == 0 or max(scores.values()) >= NEARLY:
        return
    scaled = ((numbers - numbers.mean()) / numbers.std()).to_numpy()
    design = np.column_stack([scaled, np.ones(len(y))])
    half = np.arange(len(y)) % 2 == 0
    weights, *_ = np.linalg.lstsq(design[half], y[half], rcond=None)
    said = design @ weights
    rest = ~half
    told = 1 - float(((y[rest] - said[rest]) ** 2).sum() / ((y[rest] - y[half].mean()) ** 2).sum())
    if told < NEARLY or tells_news(_as_of(numbers, pd.Series(said)), y, task, _first(beside.past, len(y))) < NEWS:
        return
    parts = [name for name, weight in zip(numbers, weights, strict=False) if abs(weight) > 0.05 * y.std()]
    if len(parts) > 1:
        yield "made", tuple(parts), told, f"weighted and added they come to {told:.4f} of the target's variance"


def _first(past: Past, rows: int) -> Past:
    def first() -> np.ndarray | None:
        found = past()
        return None if found is None else found[:rows]

    return first
