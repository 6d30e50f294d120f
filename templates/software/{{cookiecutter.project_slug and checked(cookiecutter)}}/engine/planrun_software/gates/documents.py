"""Pages that people fill in: open questions and their first answers."""

import json
import re
from collections.abc import Iterable
from typing import Any

from planrun.gates import Result, blocked, passed
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble, counted

BACKLOG = "plan/backlog.json"


def backlog(repo: Repo) -> list[dict[str, Any]]:
    """The items of plan/backlog.json, each with what the gates read of it.

    Raises `Trouble` where it is no list of items, or an item is not as it should be.
    """
    try:
        items = [dict(item) for item in json.loads(repo.text(BACKLOG))]
    except (ValueError, TypeError) as error:
        raise Trouble(f"{BACKLOG} is no list of items: {error}.", f"git checkout {BACKLOG}") from error
    for at, item in enumerate(items, 1):
        for key, kind, empty in (("id", str, None), ("estimate_days", (int, float), 0), ("depends_on", list, [])):
            if not isinstance(item.get(key, empty), kind):
                told = f"{BACKLOG}: {key} of item {at} ({item.get('id', 'no id')}) cannot be {item.get(key)!r}."
                raise Trouble(told, f"Correct {BACKLOG}.")
    return items


RECORD = "docs/decisions/0001-approach.md"
OPEN_QUESTION = re.compile(r"\[NEEDS ANSWER owner: ([a-z]+)\] *([^|\n]*)")


def questions(repo: Repo, paths: Iterable[str]) -> list[tuple[str, str, str]]:
    """What documents still ask a person: (document, owner, question)."""
    return [(path, *found) for path in paths for found in OPEN_QUESTION.findall(repo.text(path))]


def first_answered(repo: Repo, page: str) -> None:
    """What `sign` asks of a page. Raises `Blocked` while the page has open questions."""
    result = answered(repo, page)
    if result.state != "pass":
        raise Blocked(f"{result.reason} An answer after signing would void the signature.", result.next_step)


def answered(repo: Repo, path: str) -> Result:
    """Whether a document waits for nobody."""
    waiting = questions(repo, [path])
    if waiting:
        told = f"{counted(len(waiting), 'open question')}, for {', '.join(sorted({owner for _, owner, _ in waiting}))}."
        return blocked(f"{path} has {told}", f"Answer in {path}: {waiting[0][2]}")
    return passed(f"{path} is complete.")
