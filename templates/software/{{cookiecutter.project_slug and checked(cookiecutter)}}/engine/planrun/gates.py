"""Gates: registered by the modules of a kind's `gates` package, evaluated here, and never trusted to have run.

A gate that blocks at this rigor but has no check, no evidence or a stale plan is blocked. Not run is never pass.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import overload

from planrun import catalogue
from planrun.answers import Applies, Given, always
from planrun.authors import by_hand, in_the_team, unvouched
from planrun.catalogue import GateId
from planrun.files import rows_of
from planrun.repository import Repo
from planrun.rigor import ENGINES, STAGES, called_for
from planrun.trouble import Blocked, Trouble, counted

OPEN = ("pass", "warn", "waived")  # states that let the work go on
WAIVERS = "gates/waivers.yaml"
LONGEST = timedelta(days=90)  # a waiver; what is walked past for longer is a change of the plan


@dataclass(frozen=True)
class Result:
    """What a check says: a state, why, and what to do next.

    `state` is pass, warn, fail or blocked; `waived` comes from a waiver and never from a check.
    """

    state: str
    reason: str
    next_step: str = ""  # a sentence, or a `Step`


@dataclass(frozen=True)
class Gate:
    """A check under its id, with its title, and the answers to which it applies.

    `waivable` says whether a waiver can open it.
    """

    id: str
    title: str
    check: Callable[[Repo], Result]
    waivable: bool = True
    applies: Applies = always
    blocks: bool = False  # of a team's gate: at every rigor


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
TITLES = {id: row.title for rows in catalogue.GATES.values() for id, row in rows.items()}
BROKEN = "X.checks"  # the row that stands for a room whose gates cannot be read


def passed(reason: str) -> Result:
    """What the gate asks for is there."""
    return Result("pass", reason)


def warned(reason: str, next_step: str = "") -> Result:
    """It holds nothing up, and somebody should know the reason."""
    return Result("warn", reason, next_step)


def failed(reason: str, next_step: str) -> Result:
    """What was looked at is wrong; `next_step` is what mends it."""
    return Result("fail", reason, next_step)


def blocked(reason: str, next_step: str) -> Result:
    """Something that has to come first is missing, stale, unsigned or assumed; `next_step` makes it."""
    return Result("blocked", reason, next_step)


Check = Callable[[Repo], Result]


@overload
def gate(id: GateId, *, waivable: bool = True, applies: Applies = always) -> Callable[[Check], Check]: ...
@overload
def gate(id: str, title: str, *, applies: Applies = always, blocks: bool = False) -> Callable[[Check], Check]: ...
def gate(
    id: str,
    title: str = "",
    *,
    waivable: bool = True,
    applies: Applies = always,
    blocks: bool = False,
) -> Callable[[Check], Check]:
    """Register a check under a gate's id; a repository to whose answers it does not apply has no such gate.

    The engine's gates have their titles in the catalogue. A team's stand in `src/<package>/checks.py`; their ids begin
    with X, each brings its title, and `blocks` says whether it blocks.
    """

    def register(check: Check) -> Check:
        made = Gate(id, title or TITLES[id], check, waivable, applies, blocks)
        if check.__module__.partition(".")[0] not in ENGINES.values():
            check.gate = made  # type: ignore[attr-defined]  # it belongs to its repository, not to this process
            return check
        if id in GATES and GATES[id].check.__qualname__ != check.__qualname__:
            raise ValueError(f"two checks are registered for gate {id}")
        GATES[id] = made
        return check

    return register


def load(repo: Repo) -> dict[str, Gate]:
    """The gates that this repository has, by id: those of its kind that apply to its answers, and the team's."""
    kind = repo.answers["kind"]
    _registered(f"{ENGINES[kind]}.gates")
    own = {id: one for id, one in GATES.items() if id.partition(".")[0] in STAGES[kind]}
    rows = catalogue.GATES[kind]
    here = {id: one for id, one in own.items() if called_for(rows[id], repo.answers) and one.applies(repo.answers)}
    return here | _of_house(repo) | _of_team(repo)


@cache
def _registered(package: str) -> None:
    """Import a package's modules, each of which registers its gates; once, as every gate asks which there are."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)


def _of_house(repo: Repo) -> dict[str, Gate]:
    """The gates that an organisation's presets have put into the sealed plan: a page, and what it holds or lacks.

    None while plan.json cannot be read: then every gate that uses the plan is shut, and says why.
    """
    try:
        plan = repo.plan_as_written
    except Trouble:
        return {}
    rows = (plan.get("house") or {}).get("gates", [])
    return {row["id"]: Gate(row["id"], row["title"], _page_check(row), blocks=row["blocks"]) for row in rows}


def _page_check(row: Mapping[str, str]) -> Callable[[Repo], Result]:
    """The check of one row: the page is there, holds one pattern and lacks another, line by line."""

    def check(repo: Repo) -> Result:
        repo.plan  # noqa: B018  (raises `Blocked` where the plan, and so this row, is not what was computed)
        path = repo.root / row["file"]
        if not path.is_file():
            return blocked(f"{row['file']} is missing, which {row['by']} asks for.", row["next"])
        text = path.read_text("utf-8", "replace")
        if row.get("lacks") and (left := re.search(row["lacks"], text, re.MULTILINE)):
            return blocked(f"{row['file']} still holds “{left[0]}”.", row["next"])
        if row.get("holds") and not re.search(row["holds"], text, re.MULTILINE):
            return blocked(f"{row['file']} does not hold what {row['by']} asks for ({row['holds']}).", row["next"])
        return passed(f"{row['file']} holds what {row['by']} asks for.")

    return check


def _of_team(repo: Repo) -> dict[str, Gate]:
    """The gates of the room `checks`; one gate that fails, where it cannot be imported or misuses an id."""
    try:
        room = repo.rooms.room("checks")
    except Trouble as trouble:
        return {BROKEN: _broken(trouble)}
    made = [one.gate for one in vars(room).values() if isinstance(getattr(one, "gate", None), Gate)] if room else []
    for one in made:
        if not re.fullmatch(r"X\.\w+", one.id):
            sentence = (
                f"src/{repo.rooms.package}/checks.py registers {one.id}, and a team's gates are X.1, X.2 and so on."
            )
            return {BROKEN: _broken(Trouble(sentence, "Give it an id that begins with X."))}
    return {one.id: one for one in made if one.applies(repo.answers)}


def _broken(trouble: Trouble) -> Gate:
    def check(repo: Repo) -> Result:
        raise trouble

    return Gate(BROKEN, "The team's own gates", check, waivable=False, blocks=True)


def blocking(repo: Repo) -> list[str]:
    """The gates that block at this rigor, and the team's that block at every one."""
    return [*repo.blocking(), *(id for id, one in load(repo).items() if one.blocks)]


def at_strict(answers: Given) -> bool:
    """For a gate that only rigor strict has."""
    return answers.get("rigor") == "strict"


def order(id: str) -> tuple[str, int, str]:
    """G1.2 before G1.11, G1.lock last."""
    stage, _, rest = id.partition(".")
    digits = re.match(r"\d+", rest)
    return stage, int(digits.group()) if digits else 999, rest


_said: ContextVar[dict[tuple[Repo, str], Result]] = ContextVar("_said")


@contextmanager
def _asked_once() -> Iterator[None]:
    """Until the outermost question is answered a gate is asked once, however many others wait for it.

    Checks only read, so that what one said holds until then; the next question asks anew.
    """
    if _said.get(None) is not None:
        yield
        return
    token = _said.set({})
    try:
        yield
    finally:
        _said.reset(token)


def evaluate(repo: Repo) -> list[Row]:
    """Every gate's state now, waivers applied, in order."""
    shut = blocking(repo)
    with _asked_once():
        return [_row(repo, id, id in shut) for id in sorted({*load(repo), *shut}, key=order)]


def state_of(repo: Repo, id: str) -> Row:
    """One gate's state now."""
    with _asked_once():
        return _row(repo, id, id in blocking(repo))


def require(repo: Repo, *ids: str) -> None:
    """Go on only when these gates are open. Raises `Blocked`, naming each that is not and what to do next.

    Gates that do not block at this rigor are not asked.
    """
    asked = [id for id in ids if id in blocking(repo)]
    with _asked_once():
        closed = [row for row in (state_of(repo, id) for id in asked) if row.state not in OPEN]
    if closed:
        reasons = "\n".join(f"  {row.id} {row.title}: {row.state}. {row.reason}" for row in closed)
        raise Blocked(f"Not yet: {counted(len(closed), 'gate')} first.\n{reasons}", closed[0].next_step)


def _row(repo: Repo, id: str, shuts: bool) -> Row:
    known = load(repo).get(id)
    title = repo.gate_list["titles"].get(id) or (known.title if known else id)
    said, key = _said.get({}), (repo, id)
    if key not in said:
        said[key] = _guarded(id, lambda: _waived(repo, id, checked(repo, id)))
    result = said[key]
    unlisted = shuts and id not in repo.gate_list["blocking"] and not (known and known.blocks)
    note = " (plan/gates.yaml does not list it; it blocks.)" if unlisted else ""
    return Row(id, title, result.state, result.reason + note, result.next_step, shuts)


def checked(repo: Repo, id: str) -> Result:
    """What a gate's check says now, whatever was waived."""
    known = load(repo).get(id)
    if known is None and id in GATES:
        return blocked("The answers do not call for this gate.", f"Take {id} out of plan/gates.yaml")
    if known is None:
        return blocked("No check is written for this gate yet.", "Write the check, or waive it with a reason.")
    return _guarded(id, lambda: known.check(repo))


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
    newest_first = reversed(rows_of(repo.root, WAIVERS))
    for waiver in (row for row in newest_first if row.get("gate") == id):
        problem = waiver_problem(repo, waiver, id) or _unauthorised(repo, waiver)
        if problem:
            return Result(result.state, f"{result.reason} (The waiver does not count: {problem}.)", result.next_step)
        hand = by_hand(repo, WAIVERS, waiver)
        note = (
            f"Waived by {waiver['approver']}{hand} until {waiver['until']}: {waiver['reason']} (It was {result.state}: "
        )
        return Result("waived", f"{note}{result.reason})", result.next_step)
    return result


def _unauthorised(repo: Repo, waiver: dict[str, str]) -> str:
    """Why a waiver is not that of somebody who may; "" when it is."""
    who = waiver["approver"]
    return unvouched(repo, WAIVERS, waiver, who) if in_the_team(repo, who) else f"{who} holds no role"


def _day(text: str) -> date | None:
    """A day as people write it into a file; None where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def waiver_problem(repo: Repo, waiver: dict[str, str], id: str) -> str:
    """Why a waiver does not count; "" when it does."""
    known = load(repo).get(id)
    if known and not known.waivable:
        return f"{id} cannot be waived"
    missing = [key for key in ("approver", "reason", "until") if not str(waiver.get(key, "")).strip()]
    if missing:
        return f"it names no {missing[0]}"
    today = date.today()
    until, on = (_day(waiver.get(key) or today.isoformat()) for key in ("until", "on"))
    if not until or not on:
        key = "on" if until else "until"
        return f'{key} is "{waiver[key]}", which is no date'
    if until > min(on, today) + LONGEST:
        return f"it runs until {until}, and {LONGEST.days} days are the most"
    return f"it expired on {until}" if until < today else ""
