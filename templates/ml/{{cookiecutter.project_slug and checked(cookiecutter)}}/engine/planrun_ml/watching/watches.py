"""One watch a signal of ops/monitors.yaml, over the prediction log and the late labels."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from planrun.repository import Repo

from planrun_ml.data import shift as shift_module
from planrun_ml.release import prediction_log, registry
from planrun_ml.release.champion_model import Champion, load
from planrun_ml.watching.late_labels import carried, judge

SKEW_ROWS = 300
TOLERANCE = 1e-6


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

    def rows(self, days: float, own: bool = False, back: int = 0) -> str:
        """SQL for the answers of the last days, or of so many windows before; with `own` those of the model alone."""
        where = f"source = 'model' and model = '{self.champion.version}'" if own else "true"
        first, last = (self.now - timedelta(days=days * number) for number in (back + 1, back))
        within = f"made_at > timestamp '{first}' and made_at <= timestamp '{last}'"
        return f"select * from log where {within} and {where}"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query over the log."""
        return self.con.execute(sql).fetchall()

    def shifts(self, days: float, profile: str, limit: float | None = None) -> list[shift_module.Shift]:
        """Every column of a profile against the last days, at the limit of its p-value and the practical floor."""
        card, own = self.champion.card, profile == "scores"
        return shift_module.compare(
            self.ask,
            self.reference(profile, days),
            self.rows(days, own),
            alpha=self.alpha(limit),
            floor=float(self.repo.answers["drift_floor"]),
            prefix="" if own else "inputs.",
            calendar=card.get("calendar", ()),
            weekday=self.weekday(days),
            earlier=(self.rows(days, own, back) for back in range(1, int((self.now - self.since).days / days) + 1)),
        )

    def reference(self, profile: str, days: float) -> Mapping[str, Any]:
        """A profile of the card, without its periods where they are of another length than the window."""
        held: Mapping[str, Any] = self.champion.card[profile]
        if held.get("days", {}).get("each", days) == days:
            return held
        return {name: value for name, value in held.items() if name != "days"}

    def weekday(self, days: float) -> int:
        """That of the middle of the window."""
        return (self.now - timedelta(days=days / 2)).weekday()

    def alpha(self, limit: float | None = None) -> float:
        """The limit of one signal's p-value; where more columns are watched than were planned, they share it."""
        planned, watched = int(self.repo.answers["input_columns"]), len(self.champion.card["profile"]["columns"])
        each = self.repo.needed("monitor.alpha") if limit is None else limit
        return each * min(1.0, (planned + 1) / (watched + 1))


def look(repo: Repo, at: str = "") -> View:
    """The log since the champion was promoted, and its late labels, as they stood at a moment; "" is now."""
    champion, book = load(repo.root), registry.read(repo.root)
    since, moment = registry.promoted_at(book, champion.version), prediction_log.moment_of(at)
    con = prediction_log.open_log(repo.root, champion.card, champion.log_types, since, moment)
    before = carried(repo, champion.card, champion.log_types, since)
    judged = judge(repo, con, champion.card, moment, before)
    return View(repo, con, champion, registry.entry_of(book, "champion") or {}, since, moment, judged)


# ------------------------------------------------------------------------------------------------ the watches
def volume(view: View, days: float, limit: float | None) -> Signal:
    """How many predictions there were; silent below `limit` (one, where there is none). No data is a failure."""
    rows, last = view.ask(f"select count(*), max(made_at) from ({view.rows(days)})")[0]
    if rows < (limit or 1):
        return Signal("silent", f"{rows} predictions in {days:g} day(s), expected {limit or 1:g}", rows, limit or 1)
    return Signal(
        "ok", f"{prediction_log.many(rows, 'prediction')}, the last at {last:%Y-%m-%d %H:%M}", rows, limit, rows
    )


def latency(view: View, days: float, limit: float | None) -> Signal:
    """The 95th percentile of the milliseconds that an answer took, against `limit` in milliseconds."""
    rows, p95 = view.ask(f"select count(*), quantile_cont(ms, 0.95) from ({view.rows(days)})")[0]
    if not rows:
        return Signal("silent", "no answer was timed")
    said = f"95 % within {p95:.1f} ms, limit {limit or 0:g}"
    return Signal("ok" if p95 <= (limit or 0) else "alarm", said, p95, limit, rows)


def fallback(view: View, days: float, limit: float | None) -> Signal:
    """The share of answers that the rule gave, against `limit`, with the commonest reason.

    A champion that is the rule gives all of them and is well.
    """
    counted = "count(*), count(*) filter (where source = 'rule'), mode(reason) filter (where source = 'rule')"
    rows, ruled, why = view.ask(f"select {counted} from ({view.rows(days)})")[0]
    if not rows:
        return Signal("silent", "nobody answered anything")
    if view.entry["kind"] == "rule":
        return Signal("ok", f"the rule is the champion and gave all {rows:,} answers", 1.0, limit, rows)
    said = f"the rule gave {ruled:,} of {rows:,} answers" + (f", mostly because {why}" if why else "")
    return Signal("ok" if ruled / rows <= (limit or 0) else "alarm", said, ruled / rows, limit, rows)


def inputs(view: View, days: float, limit: float | None) -> Signal:
    """The column with the largest share of values that are missing, or new, beyond what training had.

    It calls where that share is above `limit` and more than chance (`Shift.moved`).
    """
    found = view.shifts(days, "profile")
    if not found:
        return Signal("silent", "no inputs were logged")
    ordered = sorted(found, key=lambda shift: (-shift.gap, -max(shift.missing, shift.outside)))
    alarming = [shift for shift in ordered if shift.gap > (limit or 0)]
    said = "; ".join(_unfilled(shift) for shift in alarming or ordered[:1])
    worst = (alarming or ordered)[0]
    return Signal("alarm" if alarming else "ok", said, max(worst.missing, worst.outside), limit)


def _unfilled(shift: shift_module.Shift) -> str:
    """What is missing from a column, or new in it."""
    what = "more missing" if shift.missing >= shift.outside else "never seen before"
    return f"{shift.column} has {max(shift.missing, shift.outside):.1%} {what}"


def skew(view: View, days: float, limit: float | None) -> Signal:
    """How many of the model's logged scores come out otherwise when the champion scores the logged inputs again.

    At most `SKEW_ROWS` answers, drawn by the hash of their ids; two scores differ by more than `TOLERANCE`, relative
    to 1 or the score, whichever is larger. None may.
    """
    sample = view.ask(f"select inputs, score from ({view.rows(days, True)}) order by hash(id) limit {SKEW_ROWS}")
    if view.champion.model is None:
        return Signal("ok", "the rule answers: there is no model to score again")
    if not sample:
        return Signal("silent", "the model's own answers are missing from the log")
    again = view.champion.table(pd.DataFrame([row for row, _ in sample]))["score"]
    gaps = np.abs(again - np.array([score for _, score in sample], dtype=float))
    wrong = int((~(gaps <= TOLERANCE * np.maximum(1, np.abs(again)))).sum())
    state, said = "alarm" if wrong else "ok", f"{wrong} of {len(sample)} logged scores differ when scored again"
    return Signal(state, said, wrong, 0.0, len(sample))


def moved(view: View, days: float, limit: float | None, own: str = "") -> Signal:
    """How many columns drifted from those of training, by their population stability index beyond its noise.

    `own` names another profile of the card, such as the scores', and looks at the model's answers alone.
    """
    found = view.shifts(days, own or "profile", limit)
    if not found:
        return Signal("silent", "no rows to compare")
    far = [shift for shift in found if shift.moved]
    names = [f"{shift.column} PSI {shift.psi:.3f} (noise {shift.psi_limit:.3f})" for shift in (far or found)[:5]]
    reason = f"{len(far)} of {len(found)} moved: {', '.join(names)}" if far else f"none moved; furthest {names[0]}"
    alpha = view.alpha(limit)
    said = _days_known(view.reference(own or "profile", days), found[0], alpha)
    return Signal("warn" if far else "ok", f"{reason}; {said}", found[0].p, alpha, len(found))


def _days_known(reference: Mapping[str, Any], furthest: shift_module.Shift, alpha: float) -> str:
    """What the reference knows of how days differ, and what that leaves to be seen."""
    days = shift_module.days_of(reference)
    if days is None:
        return "its rows have no day, so how days differ is not known"
    held = len(days.rows) * days.each
    if not days.enough:
        told = f"how days differ is not known from {held} with {float(np.median(days.rows)):g} rows each"
        return f"{told}: it takes {shift_module.ENOUGH} days, and {2 * shift_module.FEWEST} rows in each"
    windows = shift_module.windows_for(len(days.rows), alpha / shift_module.PARTS)
    least = "" if furthest.least is None else f" a shift of the middle from {furthest.least:.2g} sd on,"
    return f"against {held} days it sees{least} a change of shape in {prediction_log.many(windows, 'window')}"


def scores(view: View, days: float, limit: float | None) -> Signal:
    """The same for the model's scores."""
    if view.champion.model is None:
        return Signal("ok", "the rule answers: its scores have no profile")
    return moved(view, days, limit, own="scores")


def early_warning(view: View, days: float, limit: float | None) -> Signal:
    """The accuracy that the scores promise, against what they promised at acceptance; no label is needed.

    A warning below that value less the plan's quantile (`monitor.alpha`) times the standard error.
    """
    found = view.con.execute(f"select score from ({view.rows(days, True)})").fetchnumpy()["score"]
    promised = view.champion.card.get("promised")
    if view.champion.model is None or promised is None:
        return Signal("ok", "the rule promises nothing")
    if not len(found):
        return Signal("silent", "no scores to expect anything from")
    card, alpha = view.champion.card, view.alpha(limit)
    best = np.maximum(found, 1 - found) if card["task"] == "binary" else found  # else the best class's
    value, error = prediction_log.expected_accuracy(best)
    error *= math.sqrt(1 + len(best) / card["scores"]["rows"])  # what was promised is a sample's figure, too
    p = NormalDist().cdf((value - promised) / error) if error > 0 else float(value >= promised)
    held = card.get("promised_days")
    days_held = shift_module.days_of({"days": held})
    if held and days_held and days_held.enough and days_held.each == days:  # a fall is a rise of what is left to one
        p = max(p, days_held.outlying(held["left"], 1 - value, len(best), view.weekday(days), 1))
    reason = f"the scores promise an accuracy of {value:.3f}; at acceptance they promised {promised:.3f}"
    return Signal("warn" if p <= alpha else "ok", reason, p, alpha, len(found))


def quality(view: View, days: float, limit: float | None) -> Signal:
    """The metric on the labels that came back, against the floor of the plan, as `quality.judge` found it."""
    found = view.quality
    states = {verdict["state"] for verdict in found["verdicts"]}
    state = "alarm" if "decayed" in states else "ok" if "healthy" in states else "waiting"
    return Signal(state, found["reason"], found["value"], found["floor"], found["rows"])


def labels(view: View, days: float, limit: float | None) -> Signal:
    """How many labels that are due came back, against the share that the plan counts with."""
    due, back, odd = (view.quality[key] for key in ("due", "received", "odd"))
    if not due:
        return Signal("warn" if odd else "waiting", odd or prediction_log.nothing_due(view.repo))
    share, state = prediction_log.expected_share(view.repo), "warn" if odd else "ok"
    said = f"{odd and odd + '; '}{back:,} of {prediction_log.many(due, 'due label')} came back, expected {share:.0%}"
    return Signal(state if back >= share * due else "alarm", said, back, share * due, due)


def age(view: View, days: float, limit: float | None) -> Signal:
    """Days since the champion began to answer, against `limit` days."""
    old = (view.now - view.since) / timedelta(days=1)
    said = f"{view.champion.version} has answered for {prediction_log.many(round(old), 'day')}"
    return Signal("alarm" if limit is not None and old > limit else "ok", said, old, limit)


WATCHES: dict[str, Callable[[View, float, float | None], Signal]] = {"drift": moved} | {
    watch.__name__: watch
    for watch in (volume, latency, fallback, inputs, skew, scores, early_warning, quality, labels, age)
}
