"""What an organisation lays over the questions, answers and pages: the sum of its presets, in force for one run.

A record and the place where it is kept; `presets` reads it from files and git. Nothing here knows a question.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

EXCEPTIONS = "lock_exceptions"  # the answer that gives the reasons for breaking locked ones


@dataclass(frozen=True)
class Lock:
    """A value that an organisation wants, why, and which preset says so."""

    value: str
    reason: str
    by: str


@dataclass(frozen=True)
class Limit:
    """The choices that are left of a question, and why."""

    choices: tuple[str, ...]
    reason: str
    by: str


@dataclass(frozen=True)
class Document:
    """A page put into every repository, or in the place of one of ours (`replaces`); `text` is Jinja."""

    path: str
    text: str
    by: str
    kinds: tuple[str, ...]
    replaces: bool = False


@dataclass(frozen=True)
class House:
    """All presets together. `names` are theirs, in order; `questions` and `gates` are rows as the files have them."""

    names: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    locks: Mapping[str, Lock] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    questions: tuple[Mapping[str, Any], ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    gates: tuple[Mapping[str, Any], ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()  # where each is from and what it held, for the record

    @property
    def fingerprint(self) -> str:
        """One text for all that it says; "" where it says nothing."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest() if self.names else ""

    @property
    def given(self) -> dict[str, str]:
        """The answers that it gives, locked ones included."""
        return {**self.answers} | {key: lock.value for key, lock in self.locks.items()}


NONE = House()
_IN_FORCE: ContextVar[tuple[str, House]] = ContextVar("house", default=("", NONE))


def in_force() -> House:
    """The organisation's layer of this run; `NONE` where there is none."""
    return _IN_FORCE.get()[1]


def fingerprint() -> str:
    """The fingerprint of what is in force, worked out once."""
    return _IN_FORCE.get()[0]


@contextlib.contextmanager
def using(house: House) -> Iterator[House]:
    """Put a layer in force, and take it back."""
    before = _IN_FORCE.set((house.fingerprint, house))
    try:
        yield house
    finally:
        _IN_FORCE.reset(before)
