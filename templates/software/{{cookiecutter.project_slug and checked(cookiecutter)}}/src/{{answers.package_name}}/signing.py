"""What a person puts a name to: confirming assumptions, signing exact hashes, waiving gates. Each commits its file."""

import getpass
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from . import files, gates
from .files import Blocked, Outcome, Trouble, canonical, now, rows_of, write_text
from .gates import Step, asked_of, blocked, failed, passed
from .repo import Repo

# As it is typed in the repository's folder, where nothing has been activated.
COMMAND = f"{Path('.venv', 'Scripts' if os.name == 'nt' else 'bin', 'python')} -m {__package__}"
# Who stands in for a role that the team does not have, nearest first: as the plan has it.
STAND_INS = {
    "ds": ("mle",),
    "mle": ("ds",),
    "de": ("mle", "ds"),
    "swe": ("mle", "ds"),
    "ops": ("swe", "mle", "ds"),
    "expert": ("po",),
}
WAIVERS = "gates/waivers.yaml"
OPENING = """# Gates walked past on purpose. Each entry names an approver, a reason and the day it ends; after that day
# the gate is shut again. Write one with `waive GATE --reason "…" --until YYYY-MM-DD`, or a number of days."""


@dataclass(frozen=True)
class Signable:
    """What `sign NAME` accepts: the paths whose hash is signed, by which roles, and when it is this one's turn.

    `record` writes down what the last signature agreed to, and names the file.
    """

    name: str
    paths: tuple[str, ...]
    roles: tuple[str, ...]
    ready: Callable[[Repo], None]
    record: Callable[[Repo], str] | None = None

    @property
    def typed(self) -> str:
        """What to type after `sign`: G3 for G3a and, when its turn comes, for G3b."""
        return self.name.rstrip("ab")


SIGNABLES: dict[str, Signable] = {}


def signable(
    name: str,
    paths: Iterable[str],
    roles: Iterable[str],
    ready: Callable[[Repo], None] = lambda repo: None,
    record: Callable[[Repo], str] | None = None,
) -> None:
    """Register what `sign` can sign; `ready` raises `Blocked` while it is too early."""
    SIGNABLES[name] = Signable(name, tuple(paths), tuple(roles), ready, record)


def confirm(repo: Repo, keys: Sequence[str] = (), all: bool = False) -> Outcome:
    """A person takes assumptions as true: name and date go into plan/assumptions.yaml."""
    rows = repo.assumptions()
    known = [row["key"] for row in rows]
    wanted = known if all else list(keys)
    for key in set(wanted) - set(known):
        raise Trouble(f'There is no assumption "{key}".', f"Assumptions: {', '.join(known) or 'none'}.")
    if not wanted and rows:
        raise Trouble("No assumption was named.", f"Name some of: {', '.join(known)}; or use --all.")
    fresh = [row for row in rows if row["key"] in wanted and not row.get("confirmed_by")]
    _of_the_team(repo, "confirm --all" if all else f"confirm {' '.join(wanted)}")
    for row in fresh:
        row["confirmed_by"], row["confirmed_on"] = person(repo), date.today().isoformat()
    if not fresh:
        return Outcome("Nothing to confirm: every assumption named has been confirmed.")
    _write_rows(repo, "plan/assumptions.yaml", rows)
    taken = ", ".join(f"{row['key']} = {row['value']}" for row in fresh)
    note = files.commit(repo.root, ["plan/assumptions.yaml"], f"Confirm {', '.join(row['key'] for row in fresh)}")
    return Outcome(f"{person(repo)} takes as true: {taken}\n{note}")


def unconfirmed(repo: Repo) -> list[dict[str, str]]:
    return [row for row in repo.assumptions() if not (row.get("confirmed_by") and row.get("confirmed_on"))]


def confirming() -> Step:
    """What opens a gate that waits for assumptions."""
    line = f"{COMMAND} confirm --all"
    return Step(f"Read plan/assumptions.yaml, then: {line}", "command", command=line)


def sign(repo: Repo, name: str) -> Outcome:
    """Accept the exact hash of what this gate is about, for every role that git's user holds in the team."""
    gates.load()
    target = _choose(repo, name)
    target.ready(repo)
    needed, who = required_roles(repo, target), person(repo)
    roles = [role for role in needed if _holds(repo, role, who)]
    if not roles:
        told = f"{who} (git config user.name) holds none of the roles that sign {target.typed}: {_whose(repo, needed)}."
        raise Trouble(told, f"One of them types: {COMMAND} sign {target.typed}")
    path = f"gates/signoff-{target.name}.yaml"
    kept = [row for row in _signatures(repo, target.name) if row.get("role") not in roles]
    digest = document_hash(repo, target)
    added = [{"role": role, "name": who, "at": now(), "decision": "accept", "sha256": digest} for role in roles]
    _write_rows(repo, path, kept + added)
    open_roles = [role for role in needed if role not in roles and not _valid(repo, target, role)]
    written = [path, target.record(repo)] if target.record and not open_roles else [path]
    note = files.commit(repo.root, written, f"Sign {target.name} as {', '.join(roles)}")
    rest = f"\nStill to sign: {_whose(repo, open_roles)}." if open_roles else ""
    return Outcome(f"{who} signs {' + '.join(target.paths)} ({digest[:12]}) as {', '.join(roles)}.\n{note}{rest}")


def signed(repo: Repo, name: str) -> gates.Result:
    """Whether every required role accepted what the files say now."""
    target = SIGNABLES[name]
    rows, path = _signatures(repo, name), f"gates/signoff-{name}.yaml"
    missing = [role for role in required_roles(repo, target) if not _valid(repo, target, role)]
    if any(row.get("decision") == "reject" for row in rows):
        return failed(f"{name} was rejected.", _signing(repo, target, missing, "Settle it, then sign again"))
    if missing and any(row.get("sha256") != document_hash(repo, target) for row in rows):
        told = f"{' + '.join(target.paths)} changed after {name} was signed."
        return blocked(told, _signing(repo, target, missing))
    if missing:
        return blocked(f"{name} is not signed by {', '.join(missing)}.", _signing(repo, target, missing))
    if not files.is_repository(repo.root):
        return blocked("A signature is a commit, and this folder has no history.", "git init")
    if files.changed(repo.root, [path]):
        return blocked(f"{path} is not committed.", f'git add {path} && git commit -m "Sign {name}" {path}')
    return passed(f"Signed by {', '.join(row['role'] + ' ' + row['name'] for row in rows)}.")


def _signing(repo: Repo, target: Signable, missing: Sequence[str], first: str = "") -> str:
    """The step to a signature: what has to come before it, the command, or whose command it is."""
    try:
        target.ready(repo)
    except Blocked as reason:
        return reason.remedy
    line = f"{COMMAND} sign {target.typed}"
    opening = f"{first}: " if first else ""
    if not missing or any(_holds(repo, role, person(repo)) for role in missing):
        return Step(opening + line, "command", command=line) if first else line
    holders = list(dict.fromkeys(name for role in missing for name in repo.team.get(role, ())))
    return asked_of(holders, f"{opening}{_whose(repo, missing)} type{'s' if len(holders) == 1 else ''}: {line}", line)


def _whose(repo: Repo, roles: Sequence[str]) -> str:
    """po Ana, ds Bo or Cy."""
    return ", ".join(f"{role} {' or '.join(repo.team.get(role, ())) or '(nobody is named)'}" for role in roles)


def _holds(repo: Repo, role: str, who: str) -> bool:
    """Whether a person may sign for a role: it is theirs, or nobody has been named for it."""
    names = repo.team.get(role, ())
    return not names or any(_same(name, who) for name in names)


def _of_the_team(repo: Repo, words: str) -> None:
    """A name that counts is one of the team's. Raises `Trouble` where all roles have names and this is none of them."""
    named = [name for names in repo.team.values() for name in names]
    if not named or not all(repo.team.values()) or any(_same(name, person(repo)) for name in named):
        return
    told = f"{person(repo)} (git config user.name) is not of the team: {_whose(repo, list(repo.team))}."
    raise Trouble(told, f"One of them types: {COMMAND} {words}")


def required_roles(repo: Repo, target: Signable) -> list[str]:
    """Roles that have to sign, stand-ins counted once."""
    roles = [role if role in repo.team else _stand_in(repo, role) for role in target.roles]
    return list(dict.fromkeys(role for role in roles if role)) or list(target.roles[:1])


def document_hash(repo: Repo, target: Signable) -> str:
    """One hash for everything a signature covers."""
    return canonical({path: repo.digest(path) for path in target.paths})


def waive(repo: Repo, id: str, reason: str, until: str) -> Outcome:
    """Walk past a gate until a day, or for some days: approver, reason and date go into gates/waivers.yaml."""
    if id not in gates.load() and id not in repo.blocking():
        raise Trouble(f'There is no gate "{id}".', "See the ids with: status --all")
    _of_the_team(repo, f"waive {id} --reason … --until …")
    today = date.today()
    until = (today + timedelta(int(until))).isoformat() if re.fullmatch(r"\d{1,4}", until, re.ASCII) else until
    waiver = {"gate": id, "reason": reason.strip(), "approver": person(repo), "until": until, "on": today.isoformat()}
    if problem := gates.waiver_problem(waiver, id):
        remedy = f"Give --reason in words, --until as 2027-01-31 or as a number of days up to {gates.LONGEST.days}."
        raise Trouble(f"This waiver would not count: {problem}.", remedy)
    _write_rows(repo, WAIVERS, [*rows_of(repo.root, WAIVERS), waiver], OPENING)
    note = files.commit(repo.root, [WAIVERS], f"Waive {id} until {until}")
    return Outcome(f"{waiver['approver']} waives {id} until {until}: {reason}\n{note}")


def person(repo: Repo) -> str:
    """Git's user; whoever is logged in where git has none."""
    try:
        return files.user(repo.root) or getpass.getuser()
    except (OSError, KeyError):  # a container without a user database
        return "unnamed"


def _choose(repo: Repo, name: str) -> Signable:
    fitting = [target for key, target in SIGNABLES.items() if key == name or key[:-1] == name]
    if not fitting:
        raise Trouble(f'There is nothing to sign called "{name}".', f"One of: {', '.join(sorted(SIGNABLES))}.")
    return next((target for target in fitting if not _is_signed(repo, target)), fitting[0])


def _is_signed(repo: Repo, target: Signable) -> bool:
    """Whether this signature stands; what it would cover may not have been written yet."""
    try:
        return signed(repo, target.name).state in gates.OPEN
    except Blocked:
        return False


def _stand_in(repo: Repo, role: str) -> str | None:
    return next((other for other in STAND_INS.get(role, ()) if other in repo.team), None)


def _signatures(repo: Repo, name: str) -> list[dict[str, str]]:
    return rows_of(repo.root, f"gates/signoff-{name}.yaml")


def _valid(repo: Repo, target: Signable, role: str) -> bool:
    """Whether the person who holds the role accepted today's text."""
    digest = document_hash(repo, target)
    return any(
        row.get("role") == role
        and row.get("decision") == "accept"
        and row.get("sha256") == digest
        and _holds(repo, role, row.get("name", ""))
        for row in _signatures(repo, target.name)
    )


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


def _write_rows(repo: Repo, path: str, rows: Sequence[dict[str, Any]], opening: str = "") -> None:
    """Rows as YAML, every value a quoted string, under the comment lines the file opened with, or is to open with."""
    full = repo.root / path
    text = full.read_text("utf-8") if full.is_file() else opening
    head = [line for line in text.splitlines() if line.startswith("#")]
    body = [
        f"{'  ' if number else '- '}{key}: {json.dumps(value, ensure_ascii=False)}"
        for row in rows
        for number, (key, value) in enumerate(row.items())
    ]
    write_text(full, "\n".join([*head, *body] if rows else [*head, "[]"]) + "\n")
