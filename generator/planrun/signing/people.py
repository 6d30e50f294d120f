"""Who is at work, and who stands in for a role that nobody holds."""

import getpass
from collections.abc import Sequence

from planrun import git
from planrun.authors import in_the_team
from planrun.catalogue import STAND_INS
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.steps import Step, asked_of
from planrun.trouble import Trouble


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


def of_the_team(repo: Repo, words: str) -> None:
    """A name that counts is one of the team's. Raises `Trouble` where all roles have names and this is none of them."""
    if in_the_team(repo, person(repo)):
        return
    told = f"{person(repo)} (git config user.name) is not of the team: {whose(repo, list(repo.team))}."
    raise Trouble(told, hands_over(repo, list(repo.team), words))


def hands_over(repo: Repo, roles: Sequence[str], words: str) -> str:
    """The step to a command that only these roles may type: who of them types it; who may name them where none is."""
    names = list(dict.fromkeys(name for role in roles for name in repo.team.get(role, ())))
    if not names:
        return "mlscaffold replan --set team=…"
    return f"{' or '.join(names)} types: {COMMAND} {words}"


def person(repo: Repo) -> str:
    """Git's user; whoever is logged in where git has none."""
    try:
        return git.user(repo.root) or getpass.getuser()
    except (OSError, KeyError):  # a container without a user database
        return "unnamed"


def stand_in(repo: Repo, role: str) -> str | None:
    """The first role of the team that may act for one that nobody holds; None where there is none."""
    return next((other for other in STAND_INS.get(role, ()) if other in repo.team), None)
