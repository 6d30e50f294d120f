"""`triage`: something is off; labels and data are looked at first, code last."""

import math
from collections.abc import Callable, Sequence

from planrun.command import COMMAND
from planrun.gates import state_of
from planrun.repository import Repo
from planrun.signing.people import person
from planrun.trouble import Outcome, Trouble

from planrun_ml.models import model_files
from planrun_ml.release import registry
from planrun_ml.release.prediction_log import expected_share, many, odd_labels
from planrun_ml.watching.monitor import BAD
from planrun_ml.watching.watches import View, fallback, inputs, latency, look, quality, skew, volume

TRIAGE = "make triage"
LIMIT_Z = 3.0  # a difference that chance alone makes in about one of 700 looks


# ------------------------------------------------------------------------------------------------ triage
def triage(repo: Repo, at: str = "", explained: Sequence[str] = ()) -> Outcome:
    """Walk the order and stop at the first finding that nobody has explained; exit 1 with one, or when the metric got
    worse all the same. `explained` are texts like "3=the new branch opened"; they are kept with who says so.
    Raises `Trouble` for a text that explains no finding.
    """
    reasons = _reasons(explained)
    view = look(repo, at)
    lines, walked = [], []
    for number, (question, ask, remedy) in enumerate(STEPS, start=1):
        found = ask(view)
        walked.append({"step": number, "question": question, "found": found})
        lines.append(f"{number} {question} {'FOUND: ' + found if found else 'clear'}")
        if found and number in reasons:
            walked[-1] |= {"explained": reasons[number], "by": person(repo)}
            lines.append(f"  explained by {walked[-1]['by']}: {reasons[number]}")
            found = ""
        if found:
            lines.append(f"  next: {remedy}")
            lines.append(f"  where it is explained, go on: make triage ARGS='--explained \"{number}=…\"'")
            break
    fell = quality(view, 0.0, None).state == "alarm"
    if fell and not found:
        lines.append("All clear, and the metric got worse: the same inputs mean something else now. Next: make retrain")
    repo.write_evidence("triage", {"version": view.champion.version, "steps": walked})
    return Outcome("\n".join(lines), 1 if found or fell else 0)


def _reasons(explained: Sequence[str]) -> dict[int, str]:
    """Step → why what it finds is no trouble. Raises `Trouble` for a step that there is not, and for no reason."""
    found = {}
    for text in explained:
        step, _, reason = text.partition("=")
        if not step.strip().isdigit() or not 1 <= int(step) <= len(STEPS) or not reason.strip():
            told = f'"{text}" does not say which step is explained, from 1 to {len(STEPS)}, and why.'
            raise Trouble(told, 'Write --explained "3=the new branch opened"')
        found[int(step)] = reason.strip()
    return found


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
    far = [shift for shift in view.shifts(_days(view), "profile") if shift.moved]
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
        if wrong := registry.file_problems(view.repo.root, view.entry):
            return "; ".join(wrong)
        if view.entry["engine"] != view.repo.digest("engine/"):
            return f"the engine differs from what {view.champion.version} was released with"
        now = model_files.environment(view.entry["config"], view.repo.rooms)
        if view.entry["hashes"].get("environment") != now:
            return f"the environment differs from what {view.champion.version} was released with"
    limit = view.repo.answers.get("latency_ms")  # a batch has none
    signal = latency(view, _days(view), float(limit)) if limit else None
    return signal.reason if signal and signal.state == "alarm" else ""


def _days(view: View) -> float:
    return max(1.0, view.repo.needed("monitor.window_days"))


STEPS: tuple[tuple[str, Callable[[View], str], str], ...] = (
    (
        "Are the labels wrong?",
        labels_wrong,
        f"Have 50 recent errors read; mend labels/, or settle what differs ({COMMAND} label settle ID LABEL), "
        "then make monitor",
    ),
    ("Are inputs missing, late or changed?", inputs_broken, "Mend at the source; make rollback if the rule is better"),
    ("Did inputs drift, in which segment?", inputs_moved, "Ask the column's owner; make retrain if quality fell there"),
    ("Did the balance of outcomes move?", balance_moved, "make retrain, and look at the threshold again"),
    ("Do training and service differ?", code_differs, "Mend the features until make promote shows parity (G4.2)"),
    ("Did threshold or costs change?", terms_changed, "Renegotiate acceptance: mlscaffold replan, then make accept"),
    ("Did code or infrastructure change?", code_changed, "Compare with the released commit; make rollback meanwhile"),
)
