"""The gate engine: gates are registered by `checks_*.py`, evaluated here, and never trusted to have run.

A gate returns passed, warned, failed or blocked. Waivers are applied on top; a gate that blocks at this rigor but has
no check, no evidence or a stale plan is blocked. Not run is never pass.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from .files import Blocked, Trouble, read_yaml
from .repo import Repo

OPEN = ("pass", "warn", "waived")  # states that let the work go on


@dataclass(frozen=True)
class Result:
    state: str
    reason: str
    next_step: str = ""


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


@dataclass(frozen=True)
class Outcome:
    """What a command has to say, and its exit code."""

    text: str
    code: int = 0


@dataclass(frozen=True)
class Signable:
    """What `sign NAME` accepts: the paths whose hash is signed, by which roles, and when it is this one's turn."""

    name: str
    paths: tuple[str, ...]
    roles: tuple[str, ...]
    ready: Callable[[Repo], None]


GATES: dict[str, Gate] = {}
SIGNABLES: dict[str, Signable] = {}


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


def signable(
    name: str, paths: Iterable[str], roles: Iterable[str], ready: Callable[[Repo], None] = lambda repo: None
) -> None:
    """Register what `sign` can sign; `ready` raises `Blocked` while it is too early."""
    SIGNABLES[name] = Signable(name, tuple(paths), tuple(roles), ready)


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
    ids = sorted({*GATES, *blocking}, key=order)
    return [_row(repo, id, id in blocking) for id in ids]


def state_of(repo: Repo, id: str) -> Row:
    """One gate's state now."""
    load()
    return _row(repo, id, id in repo.blocking())


def require(repo: Repo, *ids: str) -> None:
    """Go on only when these gates are open. Raises `Blocked`, naming each that is not and what to do next.

    Gates that do not block at this rigor are not asked.
    """
    rows = [state_of(repo, id) for id in ids if id in repo.blocking()]
    closed = [row for row in rows if row.state not in OPEN]
    if closed:
        reasons = "\n".join(f"  {row.id} {row.title}: {row.state}. {row.reason}" for row in closed)
        raise Blocked(f"Not yet: {len(closed)} gate(s) come first.\n{reasons}", closed[0].next_step)


def _row(repo: Repo, id: str, blocking: bool) -> Row:
    known = GATES.get(id)
    title = repo.gate_list().get("titles", {}).get(id) or (known.title if known else id)
    result = _waived(repo, id, _checked(repo, known))
    return Row(id, title, result.state, result.reason, result.next_step, blocking)


def _checked(repo: Repo, known: Gate | None) -> Result:
    if known is None:
        return blocked("No check is written for this gate yet.", "Write the check, or waive it with a reason.")
    try:
        return known.check(repo)
    except Blocked as reason:
        return blocked(reason.sentence, reason.remedy)
    except Trouble as reason:
        return failed(reason.sentence, reason.remedy)


def _waived(repo: Repo, id: str, result: Result) -> Result:
    if result.state in OPEN:
        return result
    for waiver in waivers(repo):
        if waiver.get("gate") != id:
            continue
        problem = waiver_problem(waiver, id)
        if problem:
            return Result(result.state, f"{result.reason} (The waiver does not count: {problem}.)", result.next_step)
        note = f"Waived by {waiver['approver']} until {waiver['until']}: {waiver['reason']} (It was {result.state}: "
        return Result("waived", f"{note}{result.reason})", result.next_step)
    return result


def waivers(repo: Repo) -> list[dict[str, str]]:
    """gates/waivers.yaml, the newest first."""
    found = read_yaml(repo.root / "gates" / "waivers.yaml", [])
    return [dict(row) for row in reversed(found or [])]


def waiver_problem(waiver: dict[str, str], id: str) -> str:
    """Why a waiver does not count; "" when it does."""
    if id in GATES and not GATES[id].waivable:
        return f"{id} cannot be waived"
    missing = [key for key in ("approver", "reason", "until") if not waiver.get(key, "").strip()]
    if missing:
        return f"it names no {missing[0]}"
    try:
        until = date.fromisoformat(waiver["until"])
    except ValueError:
        return f'"{waiver["until"]}" is not a date'
    return f"it expired on {until}" if until < date.today() else ""
