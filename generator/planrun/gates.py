"""The gate engine: gates are registered by `checks_*.py`, evaluated here, and never trusted to have run.

A gate that blocks at this rigor but has no check, no evidence or a stale plan is blocked. Not run is never pass.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from planrun.files import rows_of
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble, counted

OPEN = ("pass", "warn", "waived")  # states that let the work go on
LONGEST = timedelta(days=90)  # a waiver; what is walked past for longer is a change of the plan


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
