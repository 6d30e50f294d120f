"""Is the model still as good as when it was accepted? Late labels, joined to the log by id, and three tests on them.

In the tests all values are "higher is better": a hit (1 or 0) for rates, minus the loss for errors. Healthy is the
accepted value, floor the one below which the model must not stay in use.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import NormalDist, fmean, stdev
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from .evaluate import Case, decide, higher_is_better, losses, score
from .files import Trouble
from .predictions import LABELS, PREDICTIONS, labels_sql, log_sql
from .repo import Repo

NO_LABELS = "select ''::varchar as id, ''::varchar as label, ''::varchar as origin where false"
GRACE = timedelta(days=1)  # a label is missed a day after it was due
FEWEST = 30  # labels below which a mean is not near enough to normal for the fixed window
BLOCK = 100  # labelled rows in one CUSUM period of a metric that is no mean over rows


@dataclass(frozen=True)
class Verdict:
    """state: healthy, decayed, or open (more labels are needed, about `missing` of them)."""

    test: str
    state: str
    reason: str
    missing: int = 0


def spread(values: Sequence[float], healthy: float) -> float:
    """Standard deviation of one value: from the healthy rate for hits, measured for losses; 0 when unknown."""
    if set(values) <= {0.0, 1.0} and 0 < healthy < 1:
        return math.sqrt(healthy * (1 - healthy))
    return stdev(values) if len(values) > 1 else 0.0


def labels_needed(scale: float, drop: float, alpha: float, power: float) -> int:
    """Values that tell a drop of the mean from chance, one-sided (F20)."""
    z = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)
    return max(1, math.ceil((z * scale / drop) ** 2))


def fixed_window(value: float, n: int, healthy: float, scale: float, alpha: float, needed: int) -> Verdict:
    """One test at the planned number of labels: is the metric lower than chance makes it for a healthy model?"""
    if n < needed or not math.isfinite(value):
        return Verdict("fixed window", "open", f"{n:,} of the {needed:,} labels it needs", max(needed - n, 1))
    limit = healthy - NormalDist().inv_cdf(1 - alpha) * scale / math.sqrt(needed)
    state = "decayed" if value < limit else "healthy"
    return Verdict("fixed window", state, f"{value:.4g} over the last {n:,} labels, limit {limit:.4g}")


def sprt(values: Sequence[float], healthy: float, floor: float, alpha: float, power: float) -> Verdict:
    """Wald's sequential test: decides as early as the labels allow; the first bound that is crossed counts."""
    decayed, fine = math.log(power / alpha), math.log((1 - power) / (1 - alpha))
    total = 0.0
    for used, step in enumerate(_steps(values, healthy, floor), start=1):
        total += step
        if total >= decayed:
            return Verdict("SPRT", "decayed", f"decided after {used:,} labels")
        if total <= fine:
            return Verdict("SPRT", "healthy", f"decided after {used:,} labels")
    drift = abs(fmean(_steps([healthy], healthy, floor))) if values else 0.0
    missing = math.ceil((total - fine) / drift) if drift else 0
    return Verdict("SPRT", "open", f"{len(values):,} labels do not decide yet", missing)


def _steps(values: Sequence[float], healthy: float, floor: float) -> list[float]:
    """Log likelihood ratio of floor against healthy, one a value: Bernoulli for hits, normal for losses."""
    if set(values) <= {0.0, 1.0, healthy} and 0 < floor < healthy < 1:
        hit, miss = math.log(floor / healthy), math.log((1 - floor) / (1 - healthy))
        return [value * hit + (1 - value) * miss for value in values]
    scale = spread(values, healthy) or 1.0
    return [(floor - healthy) / scale**2 * (value - (floor + healthy) / 2) for value in values]


def counts(test: str, state: str) -> bool:
    """A CUSUM can raise an alarm; that it has not risen yet shows nothing."""
    return test != "CUSUM" or state == "decayed"


def cusum(scores: Sequence[float], limit: float, allowance: float = 0.5) -> Verdict:
    """Adds up how far each period's z score lies below healthy; finds a slow slide that no single window shows."""
    total = 0.0
    for period, z in enumerate(scores, start=1):
        total = max(0.0, total - z - allowance)
        if total > limit:
            return Verdict("CUSUM", "decayed", f"{total:.2f} passed {limit:.2f} in period {period} of {len(scores)}")
    if not scores:
        return Verdict("CUSUM", "open", "no period has labels yet", 1)
    return Verdict("CUSUM", "healthy", f"{total:.2f} of {limit:.2f} after {len(scores)} periods")


def expected_accuracy(best: np.ndarray) -> tuple[float, float]:
    """CBPE: the accuracy that the chances of the chosen classes promise, and its standard error (F25).

    An early warning, never a pass: it believes the model, so it is blind when the meaning of the inputs changes.
    """
    return float(best.mean()), float(math.sqrt((best * (1 - best)).sum()) / len(best))


def open_log(root: Path, types: Mapping[str, str], since: datetime, until: datetime) -> duckdb.DuckDBPyConnection:
    """A connection whose tables `log` and `labels` hold what was answered and what came back."""
    con = duckdb.connect(config={"memory_limit": "1GB"})
    con.execute("set timezone = 'UTC'")
    window = f"made_at > timestamp '{since}' and made_at <= timestamp '{until}'"
    con.execute(f"create table log as select * from ({log_sql(root / PREDICTIONS, types)}) where {window}")
    try:
        con.execute(f"create table labels as {labels_sql(root / LABELS) or NO_LABELS}")
    except duckdb.Error as error:
        said = f"{LABELS}/ cannot be read: {str(error).splitlines()[0]}"
        raise Trouble(said, "Every file there needs the columns id and label.") from None
    return con


def labelled(con: duckdb.DuckDBPyConnection, card: Mapping[str, Any]) -> pd.DataFrame:
    """The version's own answers whose label came back, oldest first; ids with two different labels stay out."""
    found = con.execute(
        "with truth as (select id, any_value(label) as label from labels group by id "
        "having count(distinct label) = 1), "
        f"said as (select * from log where model = '{card['version']}' and source = '{card['kind']}' "
        "qualify row_number() over (partition by id order by made_at desc) = 1) "
        "select said.* exclude (inputs), truth.label from said join truth using (id) order by made_at, id"
    ).df()
    names = said_yes_or_no(card) | {plain(name): name for name in card["labels"]}
    found["label"] = [names.get(plain(text), text) for text in found["label"]]
    return found


def said_yes_or_no(card: Mapping[str, Any]) -> dict[str, str]:
    """The words of a binary answer as labels: a caller need not know what the data calls them."""
    if card["task"] != "binary" or len(card["labels"]) != 2:
        return {}
    return {"yes": card["positive"], "no": next(name for name in card["labels"] if name != card["positive"])}


def plain(text: object) -> str:
    """One spelling for 1, 1.0 and " 1 "."""
    stripped = str(text).strip()
    try:
        return f"{float(stripped):g}"
    except ValueError:
        return stripped


def case_of(card: Mapping[str, Any], rows: pd.DataFrame) -> Case:
    """Labelled answers as the evaluator takes them."""
    if card["task"] == "multiclass":
        said = [json.loads(text) for text in rows["detail"]]
        table = np.array([[row[name] for name in card["classes"]] for row in said], dtype=float)
        return Case(rows["label"].to_numpy(dtype=object), table, classes=tuple(card["classes"]))
    scores = rows["score"].to_numpy(dtype=float)
    if card["task"] == "binary":
        return Case((rows["label"] == card["positive"]).to_numpy(dtype=float), scores, card["threshold"])
    queries = rows["group_key"].to_numpy(dtype=object) if card["task"] == "ranking" else None
    return Case(pd.to_numeric(rows["label"], errors="coerce").to_numpy(dtype=float), scores, queries=queries)


def judge(repo: Repo, con: duckdb.DuckDBPyConnection, card: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """What late labels say about the version that answers: value, rows, and the verdict of each test."""
    due = moment - timedelta(days=float(repo.answers["label_delay_days"])) - GRACE
    asked = f"select count(distinct id) from log where model = '{card['version']}' and made_at <= timestamp '{due}'"
    expected = con.execute(asked).fetchall()[0][0]
    received = con.execute(f"{asked} and id in (select id from labels)").fetchall()[0][0]
    metric, healthy, floor = card["metric"], card["healthy"]["value"], repo.number("monitor.floor")
    floor = card["floor"] if floor is None else floor
    facts = {"metric": metric, "due": expected, "received": received, "healthy": healthy, "floor": floor}
    rows = labelled(con, card)
    facts |= {"rows": len(rows), "value": None, "needed": 0, "verdicts": []}
    if not len(rows):
        return facts | {"reason": "no label has come back for an answer of this version"}
    case = case_of(card, rows)
    value = score(metric, case)
    facts["value"] = value if math.isfinite(value) else None
    if floor is None:
        return facts | {
            "reason": f"{metric} has no floor, so nothing can be below it: measure the baseline, then replan"
        }
    verdicts, needed = verdicts_of(repo, card, case, rows, healthy, floor)
    return facts | {"needed": needed, "verdicts": [asdict(v) for v in verdicts], "reason": _said(facts, verdicts)}


def _said(facts: Mapping[str, Any], verdicts: list[Verdict]) -> str:
    order = {"decayed": 0, "healthy": 1, "open": 2}
    first = min((v for v in verdicts if counts(v.test, v.state)), key=lambda verdict: order[verdict.state])
    value = "" if facts["value"] is None else f"{facts['metric']} {facts['value']:.4g}, floor {facts['floor']:.4g}; "
    return f"{value}{first.test}: {first.reason}"


def verdicts_of(
    repo: Repo, card: Mapping[str, Any], case: Case, rows: pd.DataFrame, healthy: float, floor: float
) -> tuple[list[Verdict], int]:
    """Fixed window, sequential test and CUSUM; metrics that are no mean over rows go without the sequential one."""
    metric = card["metric"]
    alpha, power, limit = (repo.needed(key) for key in ("acceptance.alpha", "acceptance.power", "monitor.cusum_h"))
    good, bad = turned(metric, healthy), turned(metric, floor)
    if bad >= good:
        return [
            Verdict("fixed window", "decayed", f"accepted at {healthy:.4g}, already below the floor {floor:.4g}")
        ], 0
    found, days = values_of(metric, case, rows)
    if found is None:
        return _by_blocks(card, case, good, bad, alpha, power, limit)
    scale = spread(found.tolist(), good) or float(card["healthy"]["spread"])
    needed = max(FEWEST, labels_needed(scale, good - bad, alpha, power))
    last = found[-needed:]
    window = fixed_window(float(last.mean()) if len(last) else math.nan, len(last), good, scale, alpha, needed)
    daily = [(found[days == day].mean() - good) * math.sqrt((days == day).sum()) / scale for day in np.unique(days)]
    return [window, sprt(found.tolist(), good, bad, alpha, power), cusum(daily, limit)], needed


def _by_blocks(
    card: Mapping[str, Any], case: Case, good: float, bad: float, alpha: float, power: float, limit: float
) -> tuple[list[Verdict], int]:
    """The same for F1, AUC and the like: the accepted interval tells how much a value of so many rows varies."""
    scale, metric, rows = float(card["healthy"]["spread"]), card["metric"], len(case.y)
    needed, place = labels_needed(scale, good - bad, alpha, power), np.arange(rows)
    window = fixed_window(
        score(metric, case.only(place >= rows - needed)), min(rows, needed), good, scale, alpha, needed
    )
    blocks = [score(metric, case.only(place // BLOCK == number)) for number in range(rows // BLOCK)]
    steps = [(value - good) * math.sqrt(BLOCK) / scale for value in blocks if math.isfinite(value)]
    return [window, cusum(steps, limit)], needed


def values_of(metric: str, case: Case, rows: pd.DataFrame) -> tuple[np.ndarray | None, np.ndarray]:
    """One number a unit, higher is better, whose mean is the metric (rmse: its square), and each unit's day."""
    days = rows["made_at"].dt.strftime("%Y-%m-%d").to_numpy()
    if metric in ("recall", "precision"):
        said, true = decide(case) == 1, case.y == 1
        kept = true if metric == "recall" else said
        return (said & true)[kept].astype(float), days[kept]
    if metric == "rmse":
        return -((case.y - case.scores) ** 2), days
    found = losses(metric, case)
    if found is None:
        return None, days
    if case.queries is not None:
        days = pd.Series(days).groupby(case.queries).min().to_numpy()
    order = np.argsort(days, kind="stable")
    return (found if higher_is_better(metric) else -found)[order], days[order]


def turned(metric: str, value: float) -> float:
    """A value of the metric on the scale of `values_of`."""
    return value if higher_is_better(metric) else -(value**2) if metric == "rmse" else -value
