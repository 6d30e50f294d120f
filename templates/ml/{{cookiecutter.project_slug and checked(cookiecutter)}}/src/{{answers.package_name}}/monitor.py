"""`monitor`: one watch a signal of ops/monitors.yaml, over the prediction log and the late labels; the owners are told.

A signal without data is silent, and silent is a failure: a watch that sees nothing is not a watch.
"""

import secrets
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from . import data, drift, predictions, registry
from .champion import Champion, judge, load
from .files import Outcome, Trouble, canonical, now, read_yaml
from .repo import Repo
from .signing import person

MONITORS, ONCALL = "ops/monitors.yaml", "ops/oncall.yaml"
BAD = ("alarm", "silent")
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

    def rows(self, days: float, own: bool = False) -> str:
        """SQL for the answers of the last days; with `own` those of the model alone."""
        where = f"source = 'model' and model = '{self.champion.version}'" if own else "true"
        return f"select * from log where made_at > timestamp '{self.now - timedelta(days=days)}' and {where}"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def shifts(self, table: str, profile: str, prefix: str = "") -> list[drift.Shift]:
        """Every column against what the champion was trained on, at the plan's alpha and practical floor."""
        alpha, floor = self.repo.needed("monitor.alpha"), float(self.repo.answers["drift_floor"])
        return drift.compare(self.ask, self.champion.card[profile], table, alpha=alpha, floor=floor, prefix=prefix)


def look(repo: Repo, at: str = "") -> View:
    """The log since the champion was promoted, and its late labels, as they stood at a moment; "" is now."""
    champion, book = load(repo.root), registry.read(repo.root)
    since, moment = registry.promoted_at(book, champion.version), predictions.moment_of(at)
    con = predictions.open_log(repo.root, champion.card, champion.log_types, since, moment)
    judged = judge(repo, con, champion.card, moment)
    return View(repo, con, champion, registry.entry_of(book, "champion") or {}, since, moment, judged)


# ------------------------------------------------------------------------------------------------ the watches
def volume(view: View, days: float, limit: float | None) -> Signal:
    rows, last = view.ask(f"select count(*), max(made_at) from ({view.rows(days)})")[0]
    if rows < (limit or 1):
        return Signal("silent", f"{rows} predictions in {days:g} day(s), expected {limit or 1:g}", rows, limit or 1)
    return Signal("ok", f"{rows:,} predictions, the last at {last:%Y-%m-%d %H:%M}", rows, limit, rows)


def latency(view: View, days: float, limit: float | None) -> Signal:
    rows, p95 = view.ask(f"select count(*), quantile_cont(ms, 0.95) from ({view.rows(days)})")[0]
    if not rows:
        return Signal("silent", "no answer was timed")
    state = "ok" if p95 <= (limit or 0) else "alarm"
    return Signal(state, f"95 % within {p95:.1f} ms, limit {limit:g}", p95, limit, rows)


def fallback(view: View, days: float, limit: float | None) -> Signal:
    counted = f"select reason, count(*) from ({view.rows(days)}) where source = 'rule' group by 1 order by 2 desc"
    rows, ruled = view.ask(f"select count(*), count(*) filter (where source = 'rule') from ({view.rows(days)})")[0]
    if not rows:
        return Signal("silent", "nobody answered anything")
    if view.entry["kind"] == "rule":
        return Signal("ok", f"the rule is the champion and gave all {rows:,} answers", 1.0, limit, rows)
    why = "".join(f", mostly because {reason}" for reason, _ in view.ask(f"{counted} limit 1"))
    state = "ok" if ruled / rows <= (limit or 0) else "alarm"
    return Signal(state, f"the rule gave {ruled:,} of {rows:,} answers{why}", ruled / rows, limit, rows)


def inputs(view: View, days: float, limit: float | None) -> Signal:
    found = view.shifts(view.rows(days), "profile", "inputs.")
    if not found:
        return Signal("silent", "no inputs were logged")
    worst = max(found, key=lambda shift: max(shift.missing, shift.outside))
    share = max(worst.missing, worst.outside)
    what = "more missing" if worst.missing >= worst.outside else "never seen before"
    broken = share > (limit or 0) and worst.moved
    return Signal("alarm" if broken else "ok", f"{worst.column} has {share:.1%} {what}", share, limit)


def skew(view: View, days: float, limit: float | None) -> Signal:
    sample = view.ask(f"select inputs, score from ({view.rows(days, True)}) order by hash(id) limit {SKEW_ROWS}")
    if view.champion.model is None:
        return Signal("ok", "the rule answers: there is no model to score again")
    if not sample:
        return Signal("silent", "the model's own answers are missing from the log")
    again = view.champion.table(pd.DataFrame([row for row, _ in sample]))["score"]
    gaps = np.abs(again - np.array([score for _, score in sample], dtype=float))
    wrong = int((~(gaps <= TOLERANCE * np.maximum(1, np.abs(again)))).sum())
    reason = f"{wrong} of {len(sample)} logged scores differ when scored again"
    return Signal("alarm" if wrong else "ok", reason, wrong, 0.0, len(sample))


def moved(
    view: View, days: float, limit: float | None, own: bool = False, profile: str = "profile", prefix: str = "inputs."
) -> Signal:
    found = view.shifts(view.rows(days, own), profile, prefix)
    if not found:
        return Signal("silent", "no rows to compare")
    far = [shift for shift in found if shift.moved]
    names = [f"{shift.column} PSI {shift.psi:.3f} (noise {shift.psi_limit:.3f})" for shift in (far or found)[:5]]
    reason = f"{len(far)} of {len(found)} moved: {', '.join(names)}" if far else f"none moved; furthest {names[0]}"
    return Signal("warn" if far else "ok", reason, found[0].psi, limit, len(found))


def scores(view: View, days: float, limit: float | None) -> Signal:
    if view.champion.model is None:
        return Signal("ok", "the rule answers: its scores have no profile")
    return moved(view, days, limit, own=True, profile="scores", prefix="")


def early_warning(view: View, days: float, limit: float | None) -> Signal:
    found = view.con.execute(f"select score from ({view.rows(days, True)})").fetchnumpy()["score"]
    promised = view.champion.card.get("promised")
    if view.champion.model is None or promised is None:
        return Signal("ok", "the rule promises nothing")
    if not len(found):
        return Signal("silent", "no scores to expect anything from")
    # The score of a multiclass answer is the chance of its best class; of a binary one, the chance of the positive.
    best = np.maximum(found, 1 - found) if view.champion.card["task"] == "binary" else found
    value, error = predictions.expected_accuracy(best)
    least = promised - NormalDist().inv_cdf(1 - view.repo.needed("monitor.alpha")) * error
    reason = f"the scores promise an accuracy of {value:.3f}; at acceptance they promised {promised:.3f}"
    return Signal("warn" if value < least else "ok", reason, value, least, len(found))


def quality(view: View, days: float, limit: float | None) -> Signal:
    found = view.quality
    states = {verdict.state for row in found["verdicts"] if (verdict := drift.Verdict(**row)).counts}
    state = "alarm" if "decayed" in states else "ok" if "healthy" in states else "waiting"
    return Signal(state, found["reason"], found["value"], found["floor"], found["rows"])


def labels(view: View, days: float, limit: float | None) -> Signal:
    due, back, share = view.quality["due"], view.quality["received"], predictions.expected_share(view.repo)
    if odd := view.quality["odd"]:
        return Signal("warn", odd, back, share * due, due)
    if not due:
        return Signal("waiting", predictions.nothing_due(view.repo))
    said = f"{back:,} of {predictions.many(due, 'due label')} came back, expected {share:.0%}"
    return Signal("ok" if back >= share * due else "alarm", said, back, share * due, due)


def age(view: View, days: float, limit: float | None) -> Signal:
    old = (view.now - view.since) / timedelta(days=1)
    state = "alarm" if limit is not None and old > limit else "ok"
    return Signal(state, f"{view.champion.version} answers since {old:.0f} days", old, limit)


WATCHES: dict[str, Callable[[View, float, float | None], Signal]] = {"drift": moved} | {
    watch.__name__: watch
    for watch in (volume, latency, fallback, inputs, skew, scores, early_warning, quality, labels, age)
}


# ------------------------------------------------------------------------------------------------ the command
def run(repo: Repo, test_alert: bool = False, acknowledge: str = "", at: str = "") -> Outcome:
    """Every signal once; exit 1 when one is in alarm or silent. Or prove that an alarm reaches its owner."""
    if test_alert or acknowledge:
        return confirm_alert(repo, acknowledge) if acknowledge else send_test_alert(repo)
    settings = read_yaml(repo.root / MONITORS)["signals"]
    view = look(repo, at)
    seen = {setting["name"]: watched(view, setting) for setting in settings}
    repo.write_evidence("live_quality", {"version": view.champion.version, **view.quality})
    facts = {"version": view.champion.version, "moment": view.now.isoformat(timespec="seconds")}
    repo.write_evidence("monitor", facts | {"signals": {name: asdict(signal) for name, signal in seen.items()}})
    lines = [f"{view.champion.version} on {view.now:%Y-%m-%d %H:%M}{data.label(repo, data.source_of(repo))}"]
    for setting in settings:
        signal = seen[setting["name"]]
        lines.append(f"{signal.state:<8} {setting['name']:<14} {signal.reason}")
        if signal.state in (*BAD, "warn"):
            lines.append(f"{'':<23} severity {setting['severity']}, {setting['owner']}: {setting['runbook']}")
    bad = any(signal.state in BAD for signal in seen.values())
    return Outcome("\n".join([*lines, _notify(repo, "\n".join(lines))] if bad else lines), int(bad))


def watched(view: View, setting: Mapping[str, str]) -> Signal:
    """What the watch of one entry of ops/monitors.yaml sees; `null` is a limit that the plan could not compute."""
    name, days, limit = setting.get("name", ""), float(setting["window_days"]), setting.get("limit", "null")
    if name not in WATCHES:
        raise Trouble(f'{MONITORS} names a signal "{name}" that nothing watches.', f"Use one of: {', '.join(WATCHES)}.")
    return WATCHES[name](view, days, None if limit in ("", "null") else float(limit))


def _notify(repo: Repo, text: str) -> str:
    """Hand the text to the command in ops/oncall.yaml; without one, the failing run is the message."""
    command = read_yaml(repo.root / ONCALL).get("notify") or []
    if not command:
        return f"Nobody was told: {ONCALL} has no notify command, so this run's failure is the message."
    try:
        told = subprocess.run(command, input=text, text=True, capture_output=True, timeout=60, encoding="utf-8")
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"NOBODY WAS TOLD: {command[0]} failed: {error}"
    return f"NOBODY WAS TOLD: {command[0]} said {told.stderr.strip()}" if told.returncode else f"Told by {command[0]}."


def send_test_alert(repo: Repo) -> Outcome:
    """Send an alert that proves the way to a person; that person answers with the code in it."""
    code = secrets.token_hex(4)
    text = f"Test alert. If this reached you, run: make monitor ARGS='--acknowledge {code}'"
    told = _notify(repo, text)
    if told.startswith("NOBODY"):
        raise Trouble(told, f"Correct notify in {ONCALL}.")
    repo.write_evidence(
        "test_alert", {"code_sha256": canonical(code.strip()), "acknowledged_by": "", "acknowledged_at": ""}
    )
    return Outcome(f"{text}\n{told}")


def confirm_alert(repo: Repo, code: str) -> Outcome:
    """The person whom a test alert reached says so."""
    sent = repo.evidence("test_alert")
    if sent is None or sent["code_sha256"] != canonical(code.strip()):
        raise Trouble(f'No test alert carries the code "{code}".', "make monitor ARGS=--test-alert")
    facts = {"acknowledged_by": person(repo), "acknowledged_at": now()}
    repo.write_evidence("test_alert", {"code_sha256": sent["code_sha256"], **facts})
    return Outcome(f"{facts['acknowledged_by']} acknowledged the test alert.")
