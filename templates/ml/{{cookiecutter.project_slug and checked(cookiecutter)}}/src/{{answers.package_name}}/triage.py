"""`triage`: something is off. Looks at labels, inputs and data first, at code last, and stops at the first finding.

In a model the fault is mostly in the data, and a debugger sees none of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from . import train
from .files import Outcome
from .gates import state_of
from .monitor import look, moment_of
from .repo import Repo
from .signals import View, fallback, inputs, latency, skew, volume

LIMIT_Z = 3.0  # a difference that chance alone makes in about one of 700 looks


@dataclass(frozen=True)
class Step:
    """One question of the order; `ask` answers with what it found, or "" when it is clear."""

    question: str
    ask: Callable[[View], str]
    remedy: str


def triage(repo: Repo, at: str = "") -> Outcome:
    """Walk the order; exit 1 with a finding, 0 when all seven are clear."""
    view = look(repo, moment_of(at))
    lines, walked = [], []
    for number, step in enumerate(STEPS, start=1):
        found = step.ask(view)
        walked.append({"step": number, "question": step.question, "found": found})
        lines.append(f"{number} {step.question} {'FOUND: ' + found if found else 'clear'}")
        if found:
            lines.append(f"  next: {step.remedy}")
            break
    repo.write_evidence("triage", {"version": view.champion.version, "steps": walked})
    return Outcome("\n".join(lines), 1 if walked[-1]["found"] else 0)


def labels_wrong(view: View) -> str:
    """Two labels for one id, labels of no known class, or fewer labels than are due."""
    twice = view.one("select count(*) from (select id from labels group by id having count(distinct label) > 1)")[0]
    if twice:
        return f"{twice:,} ids carry two different labels in labels/"
    classes = view.champion.card["labels"]
    if classes:
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in classes)
        odd = view.ask(f"select label, count(*) from labels where label not in ({listed}) group by 1")
        if odd:
            return f"{odd[0][1]:,} labels say {odd[0][0]!r}; the model knows {', '.join(classes)}"
    due, back = view.quality["due"], view.quality["received"]
    share = 0.8 * float(view.repo.answers["label_return_share"])
    return f"only {back:,} of {due:,} due labels came back" if due and back < share * due else ""


def inputs_broken(view: View) -> str:
    """Nothing logged, values missing or never seen, or rows the rule had to answer."""
    for watch, limit in ((volume, "1"), (inputs, view.repo.answers["drift_floor"]), (fallback, "0.01")):
        signal = watch(view, {"window_days": _days(view), "limit": limit})
        if signal.state in ("alarm", "silent"):
            return signal.reason
    return ""


def inputs_moved(view: View) -> str:
    """Columns that moved, and the segment that grew or shrank the most."""
    found = view.shifts(view.rows({"window_days": _days(view)}), "profile", "inputs.")
    far = [shift for shift in found if shift.moved]
    if not far:
        return ""
    segments = [shift.column for shift in far if shift.column in view.repo.names("segments")]
    where = f"; the segments of {', '.join(segments)} moved with them" if segments else ""
    return f"{', '.join(f'{shift.column} (PSI {shift.psi:.3f})' for shift in far[:5])}{where}"


def balance_moved(view: View) -> str:
    """The share of each class among late labels, against training."""
    before = view.champion.card["balance"]
    counts = dict(view.ask("select label, count(distinct id) from labels group by 1"))
    rows = sum(counts.values())
    for name, share in before.items():
        error = math.sqrt(share * (1 - share) / rows) if rows else 0.0
        seen = counts.get(name, 0) / rows if rows else share
        if error and abs(seen - share) > LIMIT_Z * error:
            return f"{seen:.1%} of {rows:,} labels are {name}; in training it was {share:.1%}"
    return ""


def code_differs(view: View) -> str:
    """Training and service disagree on the same rows."""
    signal = skew(view, {"window_days": _days(view), "limit": "0"})
    if signal.state == "alarm":
        return signal.reason
    row = state_of(view.repo, "G4.2")
    return row.reason if row.state == "fail" else ""


def terms_changed(view: View) -> str:
    """Costs or threshold differ from those the version was accepted with."""
    agreed = view.champion.card["terms"]
    changed = [f"{key} was {value}, is {view.repo.answers.get(key)}" for key, value in agreed.items()]
    moved = [
        text for text, (key, value) in zip(changed, agreed.items(), strict=True) if view.repo.answers.get(key) != value
    ]
    return "; ".join(moved)


def code_changed(view: View) -> str:
    """Only now: code, environment and service."""
    if view.entry["kind"] == "model":
        now = {"code": view.repo.digest("src/"), "environment": train.environment()}
        moved = [name for name, digest in now.items() if view.entry["hashes"].get(name) != digest]
        if moved:
            return f"{' and '.join(moved)} differ from what {view.champion.version} was released with"
    signal = latency(view, {"window_days": _days(view), "limit": view.repo.answers["latency_ms"]})
    return signal.reason if signal.state == "alarm" else ""


def _days(view: View) -> str:
    return str(max(1.0, view.repo.needed("monitor.window_days")))


STEPS = (
    Step(
        "Are the labels wrong?",
        labels_wrong,
        "Have 50 recent errors read, labels first; mend labels/, then make monitor",
    ),
    Step(
        "Are inputs missing, late or changed?", inputs_broken, "Mend at the source; make rollback if the rule is better"
    ),
    Step(
        "Did inputs drift, in which segment?",
        inputs_moved,
        "Ask the column's owner; make retrain if quality fell there",
    ),
    Step("Did the balance of outcomes move?", balance_moved, "make retrain, and look at the threshold again"),
    Step("Do training and service differ?", code_differs, "Mend the features until make promote shows parity (G4.2)"),
    Step(
        "Did threshold or costs change?", terms_changed, "Renegotiate acceptance: mlscaffold replan, then make accept"
    ),
    Step(
        "Did code or infrastructure change?", code_changed, "Compare with the released commit; make rollback meanwhile"
    ),
)
