"""Who is at work, and who stands in for a role that nobody holds."""

import getpass
from collections.abc import Sequence

from planrun import git
from planrun.catalogue import STAND_INS
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.steps import Step, asked_of
from planrun.trouble import Trouble

CRUD = " .,:;<>\"\\'"  # what git strips from either end of a name before it writes it on a commit


def whose(repo: Repo, roles: Sequence[str]) -> str:
    """po Ana, ds Bo or Cy."""
    return ", ".join(f"{role} {' or '.join(repo.team.get(role, ())) or '(nobody is named)'}" for role in roles)


def decides(repo: Repo, role: str, choices: str, command: str = "") -> Step:
    """A step that only whoever holds a role can take: po Ana decides: …"""
    there = role if role in repo.team else stand_in(repo, role) or role
    who = [f"{there} {name}" for name in repo.team.get(there, ())] or [there]
    return asked_of(who, f"{' or '.join(who)} decides: {choices}", command)


def waiving(id: str) -> str:
    """How a gate is walked past, where nothing but a decision opens it."""
    return f"{COMMAND} waive {id} --reason … --until …"


def holds(repo: Repo, role: str, who: str) -> bool:
    """Whether a person may sign for a role: it is theirs, or nobody has been named for it."""
    names = repo.team.get(role, ())
    return not names or any(same_person(name, who) for name in names)


def of_the_team(repo: Repo, words: str) -> None:
    """A name that counts is one of the team's. Raises `Trouble` where all roles have names and this is none of them."""
    named = [name for names in repo.team.values() for name in names]
    if not named or not all(repo.team.values()) or any(same_person(name, person(repo)) for name in named):
        return
    told = f"{person(repo)} (git config user.name) is not of the team: {whose(repo, list(repo.team))}."
    raise Trouble(told, f"One of them types: {COMMAND} {words}")


def person(repo: Repo) -> str:
    """Git's user; whoever is logged in where git has none."""
    try:
        return git.user(repo.root) or getpass.getuser()
    except (OSError, KeyError):  # a container without a user database
        return "unnamed"


def stand_in(repo: Repo, role: str) -> str | None:
    return next((other for other in STAND_INS.get(role, ()) if other in repo.team), None)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, whatever git took off them: it strips `CRUD` from a name's ends."""
    return _as_git_has_it(one) == _as_git_has_it(other)


def _as_git_has_it(name: str) -> list[str]:
    kept = name.translate({ord(sign): None for sign in "<>\n"}).strip(CRUD)
    return (kept or name).casefold().split()
