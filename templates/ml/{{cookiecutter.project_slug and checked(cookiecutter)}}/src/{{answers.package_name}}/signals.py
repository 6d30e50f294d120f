"""The watches: one function a signal of ops/monitors.yaml, each over the prediction log and the late labels.

A signal without data is silent, and silent is a failure: a watch that sees nothing is not a watch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from . import decay, drift
from .champion import Champion
from .repo import Repo

SKEW_ROWS, TOLERANCE = 300, 1e-6


@dataclass(frozen=True)
class Signal:
    """What one watch saw: ok, waiting, warn, alarm or silent, and why."""

    state: str
    reason: str
    value: float | None = None
    limit: float | None = None
    rows: int = 0


@dataclass(frozen=True)
class View:
    """What every watch looks at: the log, the version that answers, and the moment of looking."""

    repo: Repo
    con: duckdb.DuckDBPyConnection
    champion: Champion
    entry: Mapping[str, Any]
    since: datetime
    now: datetime
    quality: Mapping[str, Any]

    def rows(self, setting: Mapping[str, str], where: str = "true") -> str:
        """SQL for the answers logged in a signal's window."""
        since = self.now - timedelta(days=float(setting["window_days"]))
        return f"select * from log where made_at > timestamp '{since}' and {where}"

    def one(self, sql: str) -> tuple[Any, ...]:
        return self.ask(sql)[0]

    def shifts(self, table: str, profile: str, prefix: str = "") -> list[drift.Shift]:
        """Every column against what the champion was trained on, at the plan's alpha and practical floor."""
        alpha, floor = self.repo.needed("monitor.alpha"), float(self.repo.answers["drift_floor"])
        return drift.compare(self.ask, self.champion.card[profile], table, alpha=alpha, floor=floor, prefix=prefix)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()


def limit_of(setting: Mapping[str, str]) -> float | None:
    """A signal's limit; None where the plan could not compute one."""
    text = setting.get("limit", "")
    return None if text in ("", "null") else float(text)


def volume(view: View, setting: Mapping[str, str]) -> Signal:
    rows, last = view.one(f"select count(*), max(made_at) from ({view.rows(setting)})")
    limit = limit_of(setting) or 1
    if rows < limit:
        return Signal(
            "silent", f"{rows} predictions in {setting['window_days']} day(s), expected {limit:g}", rows, limit
        )
    return Signal("ok", f"{rows:,} predictions, the last at {last:%Y-%m-%d %H:%M}", rows, limit, rows)


def latency(view: View, setting: Mapping[str, str]) -> Signal:
    rows, p95 = view.one(f"select count(*), quantile_cont(ms, 0.95) from ({view.rows(setting)})")
    if not rows:
        return Signal("silent", "no answer was timed")
    limit = limit_of(setting) or 0.0
    return Signal("ok" if p95 <= limit else "alarm", f"95 % within {p95:.1f} ms, limit {limit:g}", p95, limit, rows)


def fallback(view: View, setting: Mapping[str, str]) -> Signal:
    table, limit = view.rows(setting), limit_of(setting) or 0.0
    rows, ruled = view.one(f"select count(*), count(*) filter (where source = 'rule') from ({table})")
    if not rows:
        return Signal("silent", "nobody answered anything")
    if view.entry["kind"] == "rule":
        return Signal("ok", f"the rule is the champion and gave all {rows:,} answers", 1.0, limit, rows)
    counted = f"select reason, count(*) from ({table}) where source = 'rule' group by 1 order by 2 desc limit 1"
    why = "".join(f", mostly because {reason}" for reason, _ in view.ask(counted))
    state = "ok" if ruled / rows <= limit else "alarm"
    return Signal(state, f"the rule gave {ruled:,} of {rows:,} answers{why}", ruled / rows, limit, rows)


def inputs(view: View, setting: Mapping[str, str]) -> Signal:
    found, limit = view.shifts(view.rows(setting), "profile", "inputs."), limit_of(setting) or 0.0
    if not found:
        return Signal("silent", "no inputs were logged")
    worst = max(found, key=lambda shift: max(shift.nulls_now - shift.nulls_before, shift.outside))
    rise, outside = worst.nulls_now - worst.nulls_before, worst.outside
    what = f"{rise:.1%} more missing" if rise >= outside else f"{outside:.1%} never seen before"
    broken = max(rise, outside) > limit and worst.moved
    return Signal("alarm" if broken else "ok", f"{worst.column} has {what}", max(rise, outside), limit)


def skew(view: View, setting: Mapping[str, str]) -> Signal:
    where = f"model = '{view.champion.version}' and source = 'model'"
    sample = view.ask(f"select inputs, score from ({view.rows(setting, where)}) order by hash(id) limit {SKEW_ROWS}")
    if view.champion.model is None:
        return Signal("ok", "the rule answers: there is no model to score again")
    if not sample:
        return Signal("silent", "the model's own answers are missing from the log")
    again = view.champion.table(pd.DataFrame([row for row, _ in sample]))["score"].to_numpy(dtype=float)
    gaps = np.abs(again - np.array([score for _, score in sample], dtype=float))
    wrong = int((~(gaps <= TOLERANCE * np.maximum(1, np.abs(again)))).sum())
    reason = f"{wrong} of {len(sample)} logged scores differ when scored again"
    return Signal("alarm" if wrong else "ok", reason, wrong, 0.0, len(sample))


def moved(view: View, setting: Mapping[str, str], found: list[drift.Shift]) -> Signal:
    if not found:
        return Signal("silent", "no rows to compare")
    far = [shift for shift in found if shift.moved]
    names = ", ".join(f"{s.column} PSI {s.psi:.3f} (noise {s.psi_limit:.3f})" for s in (far or found)[:5])
    reason = f"{len(far)} of {len(found)} moved: {names}" if far else f"none moved; furthest {names.split(', ')[0]}"
    return Signal("warn" if far else "ok", reason, found[0].psi, limit_of(setting), len(found))


def inputs_drift(view: View, setting: Mapping[str, str]) -> Signal:
    return moved(view, setting, view.shifts(view.rows(setting), "profile", "inputs."))


def scores(view: View, setting: Mapping[str, str]) -> Signal:
    if view.champion.model is None:
        return Signal("ok", "the rule answers: its scores have no profile")
    where = f"model = '{view.champion.version}' and source = 'model'"
    return moved(view, setting, view.shifts(view.rows(setting, where), "scores"))


def early_warning(view: View, setting: Mapping[str, str]) -> Signal:
    where = f"model = '{view.champion.version}' and source = 'model'"
    found = view.con.execute(f"select score from ({view.rows(setting, where)})").fetchnumpy()["score"]
    promised = view.champion.card.get("promised")
    if view.champion.model is None or promised is None:
        return Signal("ok", "the rule promises nothing")
    if not len(found):
        return Signal("silent", "no scores to expect anything from")
    # The score of a multiclass answer is the chance of its best class; of a binary one, the chance of the positive.
    best = np.maximum(found, 1 - found) if view.champion.card["task"] == "binary" else found
    value, error = decay.expected_accuracy(best)
    limit = promised - NormalDist().inv_cdf(1 - view.repo.needed("monitor.alpha")) * error
    reason = f"the scores promise an accuracy of {value:.3f}; at acceptance they promised {promised:.3f}"
    return Signal("warn" if value < limit else "ok", reason, value, limit, len(found))


def quality(view: View, setting: Mapping[str, str]) -> Signal:
    found = view.quality
    states = {verdict["state"] for verdict in found["verdicts"] if decay.counts(verdict["test"], verdict["state"])}
    state = "alarm" if "decayed" in states else "ok" if "healthy" in states else "waiting"
    return Signal(state, found["reason"], found["value"], found["floor"], found["rows"])


def labels(view: View, setting: Mapping[str, str]) -> Signal:
    due, back = view.quality["due"], view.quality["received"]
    if not due:
        return Signal("waiting", f"no label is due before {view.repo.answers['label_delay_days']} days have passed")
    share = 0.8 * float(view.repo.answers["label_return_share"])
    state = "ok" if back >= share * due else "alarm"
    return Signal(state, f"{back:,} of {due:,} due labels came back, expected {share:.0%}", back, share * due, due)


def age(view: View, setting: Mapping[str, str]) -> Signal:
    days = (view.now - view.since) / timedelta(days=1)
    limit = limit_of(setting)
    old = limit is not None and days > limit
    return Signal("alarm" if old else "ok", f"{view.champion.version} answers since {days:.0f} days", days, limit)


WATCHES: dict[str, Callable[[View, Mapping[str, str]], Signal]] = {
    "volume": volume,
    "latency": latency,
    "fallback": fallback,
    "inputs": inputs,
    "skew": skew,
    "drift": inputs_drift,
    "scores": scores,
    "early_warning": early_warning,
    "quality": quality,
    "labels": labels,
    "age": age,
}
