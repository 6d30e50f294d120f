"""What a page of duties says beside the evidence there is: docs/governance.md, where the answers call for it.

The page is the list. Each row of its tables names what is asked, what answers it (gates, pages, or a person's words),
and an owner; the last column is written here from today's gates and files. A team adds rows in the same form.
No row says that a rule is kept: evidence is there or it is not, and what it amounts to people judge.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planrun import git
from planrun.answers import Given
from planrun.command import COMMAND
from planrun.files import read_json, write_text
from planrun.gates import Row, evaluate
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble, counted

PAGE = "docs/governance.md"
HEADING = ("Asked", "Answered by", "Owner", "Stands")
WAITS = "[NEEDS ANSWER"
UNSEEN = "open: not looked at yet"  # how each row of a new page stands
GATE = re.compile(r"\b(?:[GT]\d\.(?:\d+|lock)|X\.\w+)\b")
FILE = re.compile(r"`([\w./-]+/[\w.-]+)`")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Duty:
    """One row: its line on the page, its cells, and what it would say today."""

    line: int
    cells: tuple[str, ...]
    stands: str

    @property
    def open(self) -> bool:
        """Whether something is missing today."""
        return not self.stands.startswith("there")

    @property
    def current(self) -> bool:
        """Whether the page already says what it would say today."""
        return self.cells[3] == self.stands


def called(answers: Given) -> bool:
    """Whether the answers call for the page: rights or worse at stake, people in the data, or rules that are named."""
    return (
        answers.get("consequence") in ("rights", "intolerable")
        or answers.get("personal_data") in ("personal", "special")
        or answers.get("data_class") in ("personal", "regulated")
        or answers.get("regime", "none") not in ("", "none")
    )


def govern(repo: Repo) -> Outcome:
    """Write the last column of docs/governance.md from today's gates and files, and commit the page.

    Raises `Trouble` where the page is missing or none of its tables has the form.
    """
    text, duties = _text(repo), look(repo, evaluate(repo))
    lines = text.splitlines()
    for duty in duties:
        lines[duty.line] = f"| {' | '.join((*duty.cells[:3], duty.stands))} |"
    waiting = [duty for duty in duties if duty.open]
    told = f"{PAGE}: evidence is there for {len(duties) - len(waiting)} of {counted(len(duties), 'row')}."
    rows = [f"  {duty.cells[0]} ({duty.stands})" for duty in waiting]
    if all(duty.current for duty in duties):
        return Outcome("\n".join([told, *rows, "It says what it said before."]))
    write_text(repo.root / PAGE, "\n".join(lines) + "\n")
    note = git.commit(repo.root, [PAGE], "Say in the governance page which evidence is there")
    return Outcome("\n".join([told, *rows, note]))


def standing(repo: Repo, rows: Sequence[Row]) -> dict[str, Any] | None:
    """How the page stands beside these gates, as `status` tells it; None where the answers do not call for it.

    `state` is current, stale or missing; `rows`, `open` and `stale` count rows, `sentence` says it in words.
    """
    if not called(repo.answers):
        return None
    try:
        duties = look(repo, rows)
    except Trouble as trouble:
        told = {"state": "missing", "rows": 0, "open": 0, "stale": 0}
        return {"page": PAGE, **told, "sentence": f"{trouble.sentence} {trouble.remedy}"}
    stale, waiting = sum(not duty.current for duty in duties), sum(duty.open for duty in duties)
    sentence = f"{PAGE} says what the evidence says; {waiting} of {counted(len(duties), 'row')} are open."
    if all(duty.cells[3] == UNSEEN for duty in duties):
        sentence = f"{PAGE} waits for its first look at the evidence: {COMMAND} govern writes how each row stands."
    elif stale:
        moved = f"{counted(stale, 'row')} would say something else today"
        sentence = f"{PAGE} is stale: {moved}; {COMMAND} govern writes it."
    state = "stale" if stale else "current"
    return {"page": PAGE, "state": state, "rows": len(duties), "open": waiting, "stale": stale, "sentence": sentence}


def look(repo: Repo, rows: Sequence[Row]) -> list[Duty]:
    """Each row of the page with what it would say beside these gates.

    Raises `Trouble` where the page has no such table, or a row not all its cells.
    """
    gates, people = {row.id: row for row in rows}, _people(repo)
    found, inside = [], False
    for number, line in enumerate(_text(repo).splitlines()):
        cells = tuple(cell.strip() for cell in CELL.split(line.strip())[1:-1])
        if cells == HEADING:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and len(cells) != len(HEADING):
            told = f"{PAGE}, line {number + 1} has {counted(len(cells), 'cell')} in a table of {len(HEADING)}."
            raise Trouble(told, "Give it a cell for what is asked, what answers it, the owner, and how it stands.")
        elif inside and set("".join(cells)) - set("-: "):
            owner = people.get(cells[2].upper(), cells[2])
            found.append(Duty(number, cells, _stands(repo, cells[1], gates, owner)))
    if not found:
        raise Trouble(f"{PAGE} has no table with the columns {', '.join(HEADING)}.", f"git checkout {PAGE}")
    return found


def _text(repo: Repo) -> str:
    path = repo.root / PAGE
    if not path.is_file():
        raise Trouble(f"{PAGE} is missing, and the answers call for it.", f"git checkout {PAGE}, or mlscaffold replan")
    return path.read_text("utf-8")


def _people(repo: Repo) -> dict[str, str]:
    """Who holds each role, by the plan; nobody while plan.json cannot be read, which every gate that uses it says."""
    try:
        people = read_json(repo.root / "plan" / "plan.json").get("people") or {}
    except Trouble:
        return {}
    return {role: name.replace("|", "/") for role, name in people.get("roles", {}).items()}


def _stands(repo: Repo, answered_by: str, gates: Mapping[str, Row], owner: str) -> str:
    """What is there, or what is open with whom: gates by their states, pages by what they still ask, words as words."""
    parts = [*_of_gates(GATE.findall(answered_by), gates), *_of_files(repo, FILE.findall(answered_by))]
    if WAITS in answered_by:
        parts.append(("an answer in this row", False))
    elif not parts:
        parts.append(("in words", bool(answered_by)))
    missing = [told for told, there in parts if not there]
    waits = f"open with {owner or 'nobody'}: {'; '.join(missing)}"
    return waits if missing else f"there: {'; '.join(told for told, _ in parts)}"


def _of_gates(ids: Iterable[str], gates: Mapping[str, Row]) -> list[tuple[str, bool]]:
    states = [(id, gates[id].state if id in gates else "not a gate of this repository") for id in dict.fromkeys(ids)]
    return [(f"{id} {state}", state == "pass") for id, state in states]


def _of_files(repo: Repo, paths: Iterable[str]) -> list[tuple[str, bool]]:
    found = []
    for path in dict.fromkeys(paths):
        file = repo.root / path
        if not file.is_file():
            found.append((f"{path} is not there", False))
            continue
        waiting = file.read_text("utf-8", "replace").count(WAITS)
        found.append((f"{path} waits for {counted(waiting, 'answer')}" if waiting else path, not waiting))
    return found
