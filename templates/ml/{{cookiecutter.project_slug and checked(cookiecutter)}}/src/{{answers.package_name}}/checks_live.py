"""Gates of operation (G5) and of retrained candidates (G6), and `triage`, which says where to look when one is shut.

Silence is a failure, not a quiet pass. Triage looks at labels, inputs and data first, at code last: in a model the
fault is mostly in the data, and a debugger sees none of it.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from . import accept, registry, train
from .drift import Verdict
from .files import Blocked, Outcome, canonical, read_yaml
from .gates import OPEN, Result, blocked, failed, gate, passed, rows_missing, state_of, warned
from .monitor import BAD, MONITORS, View, fallback, inputs, latency, look, quality, settings, skew, volume
from .predictions import expected_share, many, nothing_due, odd_labels
from .promote import AUDITED, not_due
from .registry import champion_entry
from .repo import Repo

MONITOR, RETRAIN, TRIAGE = "make monitor", "make retrain", "make triage"
LIMIT_Z = 3.0  # a difference that chance alone makes in about one of 700 looks


# ------------------------------------------------------------------------------------------------ operation
@gate("G5.1", "Every signal reports")
def reported(repo: Repo) -> Result:
    champion_entry(repo)
    signals, found = settings(repo), repo.evidence("monitor")
    every = str(read_yaml(repo.root / MONITORS).get("every_hours"))
    if not re.fullmatch(r"[1-9]\d{0,4}", every):
        return failed(f'{MONITORS}: every_hours is "{every}", no number of hours.', f"git checkout {MONITORS}")
    if found is None:
        return failed("The monitor has never reported; no data is a failure.", MONITOR)
    hours = (datetime.now(UTC) - datetime.fromisoformat(found["at"])) / timedelta(hours=1)
    if hours > 1.5 * float(every):
        return failed(f"The monitor is silent for {hours:.0f} hours; it must report every {every}.", MONITOR)
    seen = found["signals"]
    if missing := [signal["name"] for signal in signals if signal["name"] not in seen]:
        return failed(f"{', '.join(missing)} did not report.", MONITOR)
    bad, soft = (
        [f"{name}: {signal['reason']}" for name, signal in seen.items() if signal["state"] in states]
        for states in (BAD, ("warn",))
    )
    if bad:
        return failed(f"{'; '.join(bad)}.", TRIAGE)
    said = f"All {len(seen)} signals reported on {found['at'][:16]}."
    return warned(f"{said} {'; '.join(soft)}.", TRIAGE) if soft else passed(said)


@gate("G5.2", "Age of the champion")
def age(repo: Repo) -> Result:
    entry, cap = champion_entry(repo), repo.entry("retrain.cap_days")
    since = registry.promoted_at(registry.read(repo.root), entry["version"])
    days = (datetime.now(UTC).replace(tzinfo=None) - since).days
    said = f"{entry['version']} is {days} days old"
    if cap["value"] is None:
        return warned(f"{said}; the plan sets no limit. {cap.get('note') or ''}".strip())
    return failed(f"{said}; the limit is {cap['value']:.0f}.", RETRAIN) if days > cap["value"] else passed(f"{said}.")


@gate("G5.3", "Quality floor")
def floor(repo: Repo) -> Result:
    found = live_quality(repo)
    verdicts = [Verdict(**row) for row in found["verdicts"]]
    if decayed := [f"{verdict.test}: {verdict.reason}" for verdict in verdicts if verdict.state == "decayed"]:
        return failed(f"{found['metric']} is below what was accepted. {'; '.join(decayed)}.", TRIAGE)
    if any(verdict.state == "healthy" and verdict.counts for verdict in verdicts):
        return passed(f"{found['reason']}.")
    odd = f"; {found['odd']}" if found["odd"] else ""
    missing = next((verdict.missing for verdict in verdicts if verdict.missing), found["needed"])
    step = f"Put about {missing:,} more {found['unit']} (id, label) into labels/" if missing else "make baseline"
    step = rows_missing(missing, step) if missing else step
    return blocked(f"Not known: {found['reason']}{odd}.", step)


@gate("G5.4", "Feedback")
def feedback(repo: Repo) -> Result:
    found = live_quality(repo)
    said = f"{found['received']:,} of {found['due']:,} due labels came back"
    if not found["due"]:
        return blocked(f"Not known: {nothing_due(repo)}.", f"Let answers grow older, then: {MONITOR}")
    if found["received"] < expected_share(repo) * found["due"]:
        return blocked(f"{said}: quality is unknown.", "Put labels (id, label) into labels/")
    return passed(f"{said}.")


def live_quality(repo: Repo) -> dict[str, Any]:
    """What `monitor` last found in the late labels of the version that answers. Raises `Blocked` before it looked."""
    entry, found = champion_entry(repo), repo.evidence("live_quality")
    if found is None or found["version"] != entry["version"]:
        raise Blocked(f"Nobody has looked at late labels for {entry['version']}.", MONITOR)
    return found


# ------------------------------------------------------------------------------------------------ candidates
def unneeded(repo: Repo) -> str:
    """Why no candidate is to be judged; "" where one is: it waits, was refused, became the champion, or is due."""
    entry, found, book = champion_entry(repo), repo.evidence(accept.CANDIDATE), registry.read(repo.root)
    version, trained = entry["version"], entry["files"].get("model", {}).get("sha256")
    if registry.version_of(book, "challenger") or entry["hashes"]["acceptance"] == canonical({"retrained": trained}):
        return ""
    if found is None:
        calm = repo.number("retrain.every_days") is None and state_of(repo, "G5.3").state != "fail"
        early = not_due(repo, version) or (
            calm and f"The plan sets no interval after which {version} is trained again."
        )
        return f"No candidate waits. {early}" if early else ""
    same = found["version"] == found["champion"] == version and repo.fresh(accept.CANDIDATE, RETRAIN)
    return f"Retrained, the data gives {version} again: there was nothing new to learn." if same else ""


def candidate(repo: Repo) -> dict[str, Any]:
    """Evidence about the challenger, or about the champion it became. Raises `Blocked` without any."""
    found, book = repo.fresh(accept.CANDIDATE, RETRAIN), registry.read(repo.root)
    challenger, champion = (registry.version_of(book, alias) for alias in ("challenger", "champion"))
    if found["version"] != (challenger or champion) and (challenger or found["verdict"] != "fail"):
        raise Blocked(f"evidence/candidate.json is about {found['version']}, not about {challenger}.", RETRAIN)
    if found["version"] == found["champion"]:
        raise Blocked("The candidate was compared with itself.", RETRAIN)
    return found


@gate("G6.1", "New data audited")
def new_data(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    candidate(repo)
    shut = [row for row in (state_of(repo, id) for id in AUDITED) if row.state not in OPEN]
    if not shut:
        return passed(f"{', '.join(AUDITED)} are open on the new data.")
    verdict = failed if any(row.state == "fail" for row in shut) else blocked
    return verdict(f"{', '.join(row.id for row in shut)}: {shut[0].reason}", shut[0].next_step)


@gate("G6.2", "Not worse than the champion")
def not_worse(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    found = candidate(repo)
    again = accept.judged(repo, found)
    if typed := [key for key in ("verdict", "vs_champion", "result") if again[key] != found[key]]:
        return failed(f"{', '.join(typed)} in evidence/candidate.json do not follow from the predictions.", RETRAIN)
    said = f"{found['version']} against {found['champion']}: {again['sentence']}"
    if again["verdict"] == "inconclusive":
        return blocked(said, "Add labelled rows, then: make retrain")
    return failed(said, f"Keep {found['champion']}") if again["verdict"] == "fail" else passed(said)


@gate("G6.6", "Version numbers")
def versions(repo: Repo) -> Result:
    champion_entry(repo)
    if problems := registry.version_problems(registry.read(repo.root)):
        return failed(f"{'; '.join(problems)}.", "make retrain registers the version that fits")
    return passed("Each version's number says what changed.")


# ------------------------------------------------------------------------------------------------ triage
def triage(repo: Repo, at: str = "") -> Outcome:
    """Walk the order and stop at the first finding; exit 1 with one, or when the metric fell all the same."""
    view = look(repo, at)
    lines, walked = [], []
    for number, (question, ask, remedy) in enumerate(STEPS, start=1):
        found = ask(view)
        walked.append({"step": number, "question": question, "found": found})
        lines.append(f"{number} {question} {'FOUND: ' + found if found else 'clear'}")
        if found:
            lines.append(f"  next: {remedy}")
            break
    fell = quality(view, 0.0, None).state == "alarm"
    if fell and not found:
        lines.append("All clear, and the metric fell: the same inputs mean something else now. Next: make retrain")
    repo.write_evidence("triage", {"version": view.champion.version, "steps": walked})
    return Outcome("\n".join(lines), 1 if found or fell else 0)


def labels_wrong(view: View) -> str:
    """Two labels for one id, labels of no known class, or fewer labels than are due."""
    if twice := len(view.ask("select id from labels group by id having count(distinct label) > 1")):
        return f"{many(twice, 'id')} with two different labels in labels/"
    if odd := odd_labels(view.con):
        return odd
    due, back = view.quality["due"], view.quality["received"]
    return f"only {back:,} of {due:,} due labels came back" if back < expected_share(view.repo) * due else ""


def inputs_broken(view: View) -> str:
    """Nothing logged, values missing or never seen, or rows the rule had to answer."""
    for watch, limit in ((volume, 1.0), (inputs, float(view.repo.answers["drift_floor"])), (fallback, 0.01)):
        if (signal := watch(view, _days(view), limit)).state in BAD:
            return signal.reason
    return ""


def inputs_moved(view: View) -> str:
    """Columns that moved, and the segments among them."""
    far = [shift for shift in view.shifts(view.rows(_days(view)), "profile", "inputs.") if shift.moved]
    segments = [shift.column for shift in far if shift.column in view.repo.names("segments")]
    where = f"; the segments of {', '.join(segments)} moved with them" if segments else ""
    return f"{', '.join(f'{shift.column} (PSI {shift.psi:.3f})' for shift in far[:5])}{where}"


def balance_moved(view: View) -> str:
    """The share of each class among late labels, against training."""
    counts = dict(view.ask("select label, count(distinct id) from labels group by 1"))
    rows = sum(counts.values())
    for name, share in view.champion.card["balance"].items() if rows else ():
        error, seen = math.sqrt(share * (1 - share) / rows), counts.get(name, 0) / rows
        if error and abs(seen - share) > LIMIT_Z * error:
            return f"{seen:.1%} of {rows:,} labels are {name}; in training it was {share:.1%}"
    return ""


def code_differs(view: View) -> str:
    """Training and service disagree on the same rows."""
    signal, parity = skew(view, _days(view), 0.0), state_of(view.repo, "G4.2")
    return signal.reason if signal.state == "alarm" else parity.reason if parity.state == "fail" else ""


def terms_changed(view: View) -> str:
    """Costs or threshold differ from those the version was accepted with."""
    agreed, now = view.champion.card["terms"], view.repo.answers
    return "; ".join(f"{k} was {value}, is {now.get(k)}" for k, value in agreed.items() if now.get(k) != value)


def code_changed(view: View) -> str:
    """Only now: code, environment and service."""
    if view.entry["kind"] == "model":
        now = {"code": view.repo.digest("src/"), "environment": train.environment()}
        if moved := [name for name, digest in now.items() if view.entry["hashes"].get(name) != digest]:
            return f"{' and '.join(moved)} differ from what {view.champion.version} was released with"
    limit = view.repo.answers.get("latency_ms")  # a batch has none
    signal = latency(view, _days(view), float(limit)) if limit else None
    return signal.reason if signal and signal.state == "alarm" else ""


def _days(view: View) -> float:
    return max(1.0, view.repo.needed("monitor.window_days"))


STEPS: tuple[tuple[str, Callable[[View], str], str], ...] = (
    ("Are the labels wrong?", labels_wrong, "Have 50 recent errors read; mend labels/, then make monitor"),
    ("Are inputs missing, late or changed?", inputs_broken, "Mend at the source; make rollback if the rule is better"),
    ("Did inputs drift, in which segment?", inputs_moved, "Ask the column's owner; make retrain if quality fell there"),
    ("Did the balance of outcomes move?", balance_moved, "make retrain, and look at the threshold again"),
    ("Do training and service differ?", code_differs, "Mend the features until make promote shows parity (G4.2)"),
    ("Did threshold or costs change?", terms_changed, "Renegotiate acceptance: mlscaffold replan, then make accept"),
    ("Did code or infrastructure change?", code_changed, "Compare with the released commit; make rollback meanwhile"),
)
