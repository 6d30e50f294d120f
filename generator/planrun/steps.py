"""Next steps as programs can follow them: a command, an edit, a person, a date to wait for, rows that are missing."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

# What can be typed as it stands: nothing in it waits for a word of somebody's own.
TYPED = re.compile(
    r"""make [\w-]+(?: ARGS=(?:"[^"…]*"|'[^'…]*'|[^\s…]+))?|git [^…;,]+|mlscaffold replan(?: --set \w+=[^\s…]+)*"""
    r"""|\S*(?:planrun|python(?:\.exe)? -m) [^…;,]+"""
)
TEAM = "the team"  # whom a sentence waits for that names neither a command nor a file nor anybody
HANDED_OVER = re.compile(rf"(?P<who>[^:]+?) types?: (?P<command>{TYPED.pattern})")  # somebody named types a command
NAMED = re.compile(r"\b(?:docs|plan|data|ops|src|tests|gates|evidence)/[\w./-]*\w")


class Step(str):
    """What to do next, as a person reads it. A program reads `facts`, which begin with its kind:

    `command` (type it), `edit` (a file), `person` (who), `wait` (until which day), `rows` (how many more).
    `first` among them says that no other step leads anywhere before this one.
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
    if turn := HANDED_OVER.fullmatch(text):
        who = re.split(r", | or ", turn["who"])
        return {"kind": "person", "text": text, "who": who, "command": turn["command"]}
    if text.startswith("mlscaffold replan"):
        return {"kind": "person", "text": text, "who": ["whoever knows the answer"], "then": text}
    if files := list(dict.fromkeys(NAMED.findall(text))):
        return {"kind": "edit", "text": text, "files": files}
    return {"kind": "person", "text": text, "who": [TEAM]}


def rows_missing(count: float, text: str) -> Step:
    """What more rows would open."""
    return Step(text, "rows", rows=round(count))


def until(day: date, text: str) -> Step:
    """What only time opens."""
    return Step(text, "wait", until=day.isoformat())


def asked_of(who: Sequence[str], text: str, command: str = "") -> Step:
    """What only somebody can decide or put a name to, by a command where there is one."""
    return Step(text, "person", who=list(who), **({"command": command} if command else {}))
