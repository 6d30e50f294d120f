"""The gate engine: gates are registered by `checks_*.py`, evaluated here, and never trusted to have run.

A gate that blocks at this rigor but has no check, no evidence or a stale plan is blocked. Not run is never pass.
"""

import importlib
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from .files import Blocked, Outcome, Trouble, counted, rows_of
from .repo import STAGES, Repo

OPEN = ("pass", "warn", "waived")  # states that let the work go on
LONGEST = timedelta(days=90)  # a waiver; what is walked past for longer is a change of the plan
# The phases by their letter and number, and those that come before each. The papers of G0, T0 and T1 hold up
# a signature and a release, not the work.
PHASES = {
    "G0": "Worth doing", "G1": "Data ready", "G2": "Experiments", "G3": "Accepted", "G4": "Released",
    "G5": "In operation", "G6": "Retrained", "T0": "Worth doing", "T1": "Requirements signed", "T2": "Iterations",
    "T3": "Accepted", "T4": "Released", "T5": "In operation",
}  # fmt: skip
AFTER = {"G2": ("G1",), "G3": ("G2",), "G4": ("G0", "G3"), "G5": ("G0", "G3"), "G6": ("G0", "G3"), "T5": ("T4",)}
# What can be typed as it stands: nothing in it waits for a word of somebody's own.
TYPED = re.compile(
    r"""make [\w-]+(?: ARGS=(?:"[^"…]*"|'[^'…]*'|[^\s…]+))?|git [^…;,]+|mlscaffold replan(?: --set \w+=[^\s…]+)*"""
    r"""|\S*python(?:\.exe)? -m [^…;,]+"""
)
NAMED = re.compile(r"\b(?:docs|plan|data|ops|src|tests|gates|evidence)/[\w./-]*\w")


class Step(str):
    """What to do next, as a person reads it. A program reads `facts`, which begin with its kind:

    `command` (type it), `edit` (a file), `person` (who), `wait` (until which day), `rows` (how many more).
    """

    facts: dict[str, Any]

    def __new__(cls, text: str, kind: str = "", **facts: Any) -> "Step":
        made = super().__new__(cls, text)
        made.facts = {"kind": kind, "text": str(text)} | facts if kind else told(text)
        return made


def told(text: str) -> dict[str, Any]:
    """A step that was written as a sentence: a command, somebody's answer to give, or a file to edit."""
    if isinstance(text, Step):
        return text.facts
    if TYPED.fullmatch(text):
        return {"kind": "command", "text": text, "command": text}
    if text.startswith("mlscaffold replan"):
        return {"kind": "person", "text": text, "who": ["whoever knows the answer"], "then": text}
    return {"kind": "edit", "text": text, "files": list(dict.fromkeys(NAMED.findall(text)))}


def rows_missing(count: float, text: str) -> Step:
    """What more rows would open."""
    return Step(text, "rows", rows=round(count))


def until(day: date, text: str) -> Step:
    """What only time opens."""
    return Step(text, "wait", until=day.isoformat())


def asked_of(who: Sequence[str], text: str, command: str = "") -> Step:
    """What only somebody can decide or put a name to, by a command where there is one."""
    return Step(text, "person", who=list(who), **({"command": command} if command else {}))


@dataclass(frozen=True)
class Result:
    state: str
    reason: str
    next_step: str = ""  # a sentence, or a `Step`


@dataclass(frozen=True)
class Gate:
    id: str
    title: str
    check: Callable[[Repo], Result]
    waivable: bool = True


@dataclass(frozen=True)
class Row:
    """One line of `status`."""

    id: str
    title: str
    state: str
    reason: str
    next_step: str
    blocking: bool


GATES: dict[str, Gate] = {}


def passed(reason: str) -> Result:
    return Result("pass", reason)


def warned(reason: str, next_step: str = "") -> Result:
    return Result("warn", reason, next_step)


def failed(reason: str, next_step: str) -> Result:
    return Result("fail", reason, next_step)


def blocked(reason: str, next_step: str) -> Result:
    return Result("blocked", reason, next_step)


Check = Callable[[Repo], Result]


def gate(id: str, title: str, *, waivable: bool = True) -> Callable[[Check], Check]:
    """Register a check under a gate's id."""

    def register(check: Check) -> Check:
        if id in GATES and GATES[id].check.__qualname__ != check.__qualname__:
            raise ValueError(f"two checks are registered for gate {id}")
        GATES[id] = Gate(id, title, check, waivable)
        return check

    return register


def load() -> dict[str, Gate]:
    """Every gate of this package: imports its checks_*.py modules."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("checks_"):
            importlib.import_module(f".{module.name}", __package__)
    return GATES


def order(id: str) -> tuple[str, int, str]:
    """G1.2 before G1.11, G1.lock last."""
    stage, _, rest = id.partition(".")
    digits = re.match(r"\d+", rest)
    return stage, int(digits.group()) if digits else 999, rest


def evaluate(repo: Repo) -> list[Row]:
    """Every gate's state now, waivers applied, in order."""
    load()
    blocking = repo.blocking()
    return [_row(repo, id, id in blocking) for id in sorted({*GATES, *blocking}, key=order)]


def state_of(repo: Repo, id: str) -> Row:
    """One gate's state now."""
    load()
    return _row(repo, id, id in repo.blocking())


def require(repo: Repo, *ids: str) -> None:
    """Go on only when these gates are open. Raises `Blocked`, naming each that is not and what to do next.

    Gates that do not block at this rigor are not asked.
    """
    closed = [row for row in (state_of(repo, id) for id in ids if id in repo.blocking()) if row.state not in OPEN]
    if closed:
        reasons = "\n".join(f"  {row.id} {row.title}: {row.state}. {row.reason}" for row in closed)
        raise Blocked(f"Not yet: {counted(len(closed), 'gate')} first.\n{reasons}", closed[0].next_step)


def _row(repo: Repo, id: str, blocking: bool) -> Row:
    title = repo.gate_list["titles"].get(id) or (GATES[id].title if id in GATES else id)
    result = _guarded(id, lambda: _waived(repo, id, checked(repo, id)))
    unlisted = blocking and id not in repo.gate_list["blocking"]
    note = " (plan/gates.yaml does not list it; it blocks.)" if unlisted else ""
    return Row(id, title, result.state, result.reason + note, result.next_step, blocking)


def checked(repo: Repo, id: str) -> Result:
    """What a gate's check says now, whatever was waived."""
    if id not in GATES:
        return blocked("No check is written for this gate yet.", "Write the check, or waive it with a reason.")
    return _guarded(id, lambda: GATES[id].check(repo))


def _guarded(id: str, judge: Callable[[], Result]) -> Result:
    try:
        return judge()
    except Trouble as reason:
        return Result("blocked" if isinstance(reason, Blocked) else "fail", reason.sentence, reason.remedy)
    except Exception as error:  # a check that breaks must not hide what the others found
        return failed(f"The check of {id} broke: {type(error).__name__}: {error}.", "Correct what it reads.")


def _waived(repo: Repo, id: str, result: Result) -> Result:
    if result.state in OPEN:
        return result
    newest_first = reversed(rows_of(repo.root, "gates/waivers.yaml"))
    for waiver in (row for row in newest_first if row.get("gate") == id):
        problem = waiver_problem(waiver, id)
        if problem:
            return Result(result.state, f"{result.reason} (The waiver does not count: {problem}.)", result.next_step)
        note = f"Waived by {waiver['approver']} until {waiver['until']}: {waiver['reason']} (It was {result.state}: "
        return Result("waived", f"{note}{result.reason})", result.next_step)
    return result


def waiver_problem(waiver: dict[str, str], id: str) -> str:
    """Why a waiver does not count; "" when it does."""
    if id in GATES and not GATES[id].waivable:
        return f"{id} cannot be waived"
    missing = [key for key in ("approver", "reason", "until") if not str(waiver.get(key, "")).strip()]
    if missing:
        return f"it names no {missing[0]}"
    today = date.today()
    try:
        until, on = date.fromisoformat(waiver["until"]), date.fromisoformat(waiver.get("on") or today.isoformat())
    except ValueError as error:
        return f"one of its dates is none ({error})"
    if until > min(on, today) + LONGEST:
        return f"it runs until {until}, and {LONGEST.days} days are the most"
    return f"it expired on {until}" if until < today else ""


def status(repo: Repo, check: bool = False, all: bool = False, as_json: bool = False) -> Outcome:
    """One line a phase, then what is shut in the phase the project is in, led by the command that opens most.

    `all` shows one row a gate, `as_json` the same as data; with `check` the exit code is the worst blocking state.
    Nothing is written.
    """
    rows = evaluate(repo)
    states = {row.state for row in rows if row.blocking}
    code = 1 if "fail" in states else 2 if "blocked" in states else 0
    text = _as_json(repo, rows) if as_json else _table(rows) if all else _by_phase(repo, rows)
    return Outcome(text, code if check else 0)


def shut(rows: Sequence[Row], phase: str = "") -> list[Row]:
    """The blocking gates that are not open, of a phase or of all."""
    return [row for row in rows if row.blocking and row.state not in OPEN and row.id.startswith(phase)]


def phases(repo: Repo, rows: Sequence[Row]) -> dict[str, str]:
    """Each phase with its state: done, open, or not yet, while one that comes before it is not done."""
    found: dict[str, str] = {}
    for phase in STAGES[repo.answers["kind"]]:
        waits = any(found[before] != "done" for before in AFTER.get(phase, ()))
        found[phase] = "done" if not shut(rows, phase) else "not yet" if waits else "open"
    return found


def present(repo: Repo, rows: Sequence[Row]) -> str:
    """The phase the project is in: the first open one with something to type; else to wait for; else to write."""
    opened = [phase for phase, state in phases(repo, rows).items() if state == "open"]
    for wanted in (("command",), ("who", "rows", "until"), ("text",)):
        for phase in opened:
            if any(set(wanted) & told(row.next_step).keys() for row in shut(rows, phase)):
                return phase
    return ""


def lead(rows: Sequence[Row], phase: str) -> tuple[dict[str, Any], int]:
    """The next step of a phase, and how many of its gates wait for it: the command that opens most, else the first."""
    waiting = shut(rows, phase)
    commands = Counter(found["command"] for row in waiting if (found := told(row.next_step)).get("command"))
    if commands:
        command, count = commands.most_common(1)[0]
        return next(found for row in waiting if (found := told(row.next_step)).get("command") == command), count
    return told(next((row.next_step for row in waiting if row.next_step), "")), 1


def _by_phase(repo: Repo, rows: Sequence[Row]) -> str:
    """What a person reads first: at most a line a phase, the next step, and what is shut where the project is."""
    lines = []
    for phase, state in phases(repo, rows).items():
        many = f" {len(shut(rows, phase))}" if state == "open" else ""
        lines.append(f"{state}{many}".ljust(9) + f"{phase} {PHASES[phase]}")
    here = present(repo, rows)
    if not here:
        return "\n".join([*lines, "", f"All {sum(row.blocking for row in rows)} blocking gates are open."])
    step, count = lead(rows, here)
    waiting = shut(rows, here)
    opens = f"   ({count} of the {len(waiting)} shut gates of {here} wait for it)" if len(waiting) > 1 else ""
    lines += ["", f"Next: {step['text']}{opens}", ""]
    for row in waiting:
        lines.append(f"{row.state:<8} {row.id:<7} {row.title}: {row.reason}")
        if row.next_step != step["text"]:
            lines.append(f"{'':<16} next: {row.next_step}")
    return "\n".join([*lines, "", "Every gate, with those that advise: status --all"])


def _table(rows: Sequence[Row]) -> str:
    """One row a gate, with the next step where it is shut."""
    lines = []
    for row in rows:
        advises = "" if row.blocking else " (does not block)"
        lines.append(f"{row.state:<8} {row.id:<7} {row.title}{advises}: {row.reason}")
        if row.state not in OPEN and row.next_step:
            lines.append(f"{'':<16} next: {row.next_step}")
    blocking = [row for row in rows if row.blocking]
    lines += ["", f"{len(blocking) - len(shut(rows))} of {counted(len(blocking), 'blocking gate')} are open."]
    return "\n".join(lines)


def _as_json(repo: Repo, rows: Sequence[Row]) -> str:
    """The same for a program: phases, the one next step, and every gate with its own."""
    here = present(repo, rows)
    content = {
        "phases": [
            {"id": phase, "title": PHASES[phase], "state": state, "open": len(shut(rows, phase))}
            for phase, state in phases(repo, rows).items()
        ],
        "present": here,
        "next": lead(rows, here)[0] if here else None,
        "gates": [
            {
                "id": row.id,
                "title": row.title,
                "state": row.state,
                "reason": row.reason,
                "blocking": row.blocking,
                "next": told(row.next_step) if row.next_step else None,
            }
            for row in rows
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)
