"""What a person puts a name to: confirming assumptions, signing exact hashes, waiving gates. Each commits its file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from planrun import gates, git
from planrun.answers import Applies, always
from planrun.authors import by_hand, holds, unvouched
from planrun.command import COMMAND
from planrun.files import canonical, now, rows_of
from planrun.gates import blocked, failed, passed
from planrun.repository import Repo
from planrun.rigor import STAGES
from planrun.signing.people import hands_over, person, stand_in, whose
from planrun.steps import Step, asked_of
from planrun.trouble import Blocked, Outcome, Trouble
from planrun.yaml_rows import write_rows


@dataclass(frozen=True)
class Signable:
    """What `sign NAME` accepts: the paths whose hash is signed, by which roles, and when it is this one's turn.

    `record` writes down what the last signature agreed to, and names the file. `held_to` is the hash of the part that
    may not change any more once results are known. `note` is told to who signs.
    """

    name: str
    paths: tuple[str, ...]
    roles: tuple[str, ...]
    ready: Callable[[Repo], None]
    record: Callable[[Repo], str] | None = None
    applies: Applies = always
    held_to: Callable[[Repo], str] | None = None
    note: Callable[[Repo], str] | None = None

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
    applies: Applies = always,
    held_to: Callable[[Repo], str] | None = None,
    note: Callable[[Repo], str] | None = None,
) -> None:
    """Register what `sign` can sign; `ready` raises `Blocked` while it is too early."""
    SIGNABLES[name] = Signable(name, tuple(paths), tuple(roles), ready, record, applies, held_to, note)


def signables(repo: Repo) -> dict[str, Signable]:
    """What can be signed in this repository, by name."""
    stages = STAGES[repo.answers["kind"]]
    return {name: one for name, one in SIGNABLES.items() if name[:2] in stages and one.applies(repo.answers)}


def sign(repo: Repo, name: str) -> Outcome:
    """Accept the exact hash of what this gate is about, for every role that git's user holds in the team.

    Raises `Blocked` while it is too early, `Trouble` where who types holds no role that signs.
    """
    gates.load(repo)
    target = _choose(repo, name)
    target.ready(repo)
    needed, who = required_roles(repo, target), person(repo)
    roles = [role for role in needed if holds(repo, role, who)]
    if not roles:
        told = f"{who} (git config user.name) holds none of the roles that sign {target.typed}: {whose(repo, needed)}."
        raise Trouble(told, hands_over(repo, needed, f"sign {target.typed}"))
    path = f"gates/signoff-{target.name}.yaml"
    row = {"name": who, "at": now(), "decision": "accept", "sha256": document_hash(repo, target)}
    row |= {"held_to": target.held_to(repo)} if target.held_to else {}
    fresh = [role for role in roles if not _signed_so(repo, target, role, row)]
    open_roles = [role for role in needed if role not in roles and not _stands(repo, target, role)]
    rest = f"\nStill to sign: {whose(repo, open_roles)}." if open_roles else ""
    if not fresh and (open_roles or not target.record):
        return Outcome(f"{who} signed {' + '.join(target.paths)} as {', '.join(roles)} already.{rest}")
    kept = [old for old in _signatures(repo, target.name) if old.get("role") not in fresh]
    write_rows(repo, path, kept + [{"role": role, **row} for role in fresh])
    written = [path, target.record(repo)] if target.record and not open_roles else [path]
    note = git.commit(repo.root, written, f"Sign {target.name} as {', '.join(roles)}")
    said = target.note(repo) if target.note else ""
    told = f"{who} signs {' + '.join(target.paths)} ({row['sha256'][:12]}) as {', '.join(roles)}."
    return Outcome(f"{told}\n{note}{rest}" + (f"\n{said}" if said else ""))


def signed(repo: Repo, name: str) -> gates.Result:
    """Whether every required role accepted what the files say now."""
    target = SIGNABLES[name]
    rows, path = _signatures(repo, name), f"gates/signoff-{name}.yaml"
    try:
        document_hash(repo, target)
    except Blocked:  # what it would cover is not there: whoever makes it says how
        target.ready(repo)
        raise
    missing = [role for role in required_roles(repo, target) if not _valid(repo, target, role)]
    if any(row.get("decision") == "reject" for row in rows):
        return failed(f"{name} was rejected.", _signing(repo, target, missing, "Settle it, then sign again"))
    if missing and any(row.get("sha256") != document_hash(repo, target) for row in rows):
        told = f"{' + '.join(target.paths)} changed after {name} was signed."
        return blocked(told, _signing(repo, target, missing))
    if missing:
        return blocked(f"{name} is not signed by {', '.join(missing)}.", _signing(repo, target, missing))
    if not git.is_repository(repo.root):
        return blocked("A signature is a commit, and this folder has no history.", "git init")
    if git.hidden(repo.root, [path]):
        told = f"{path} is not committed: git was told not to look at it."
        return blocked(told, f"git update-index --no-assume-unchanged --no-skip-worktree {path}")
    if git.changed(repo.root, [path]):
        return blocked(f"{path} is not committed.", f'git add {path} && git commit -m "Sign {name}" {path}')
    for row in rows:
        if row.get("role") in required_roles(repo, target) and (why := _forged(repo, target, row)):
            told = f"The signature of {row['role']} {row.get('name')} does not count: {why}."
            return blocked(told, _signing(repo, target, [row["role"]]))
    names = [f"{row['role']} {row['name']}{by_hand(repo, path, row)}" for row in rows]
    return passed(f"Signed by {', '.join(names)}.")


def _forged(repo: Repo, target: Signable, row: Mapping[str, str]) -> str:
    """Why a signature is not its person's; "" when it is."""
    return unvouched(repo, f"gates/signoff-{target.name}.yaml", row, row.get("name", ""))


def _signing(repo: Repo, target: Signable, missing: Sequence[str], first: str = "") -> str:
    """The step to a signature: what has to come before it, the command, or whose command it is."""
    try:
        target.ready(repo)
    except Blocked as reason:
        return reason.remedy
    line = f"{COMMAND} sign {target.typed}"
    opening = f"{first}: " if first else ""
    if not missing or any(holds(repo, role, person(repo)) for role in missing):
        return Step(opening + line, "command", command=line) if first else line
    holders = list(dict.fromkeys(name for role in missing for name in repo.team.get(role, ())))
    return asked_of(holders, f"{opening}{whose(repo, missing)} type{'s' if len(holders) == 1 else ''}: {line}", line)


def required_roles(repo: Repo, target: Signable) -> list[str]:
    """Roles that have to sign, stand-ins counted once."""
    roles = [role if role in repo.team else stand_in(repo, role) for role in target.roles]
    return list(dict.fromkeys(role for role in roles if role)) or list(target.roles[:1])


def document_hash(repo: Repo, target: Signable) -> str:
    """One hash for everything a signature covers."""
    return canonical({path: repo.digest(path) for path in target.paths})


def _choose(repo: Repo, name: str) -> Signable:
    known = signables(repo)
    fitting = [target for key, target in known.items() if key == name or key[:-1] == name]
    if not fitting:
        raise Trouble(f'There is nothing to sign called "{name}".', f"One of: {', '.join(sorted(known))}.")
    return next((target for target in fitting if not _is_signed(repo, target)), fitting[0])


def _is_signed(repo: Repo, target: Signable) -> bool:
    """Whether this signature stands; what it would cover may not have been written yet."""
    try:
        return signed(repo, target.name).state in gates.OPEN
    except Blocked:
        return False


def _signatures(repo: Repo, name: str) -> list[dict[str, str]]:
    return rows_of(repo.root, f"gates/signoff-{name}.yaml")


def _stands(repo: Repo, target: Signable, role: str) -> bool:
    """Whether the person who holds the role accepted today's text, in a commit of their own."""
    rows = _accepting(repo, target, role)
    return bool(rows) and (not git.is_repository(repo.root) or not any(_forged(repo, target, row) for row in rows))


def _signed_so(repo: Repo, target: Signable, role: str, row: Mapping[str, str]) -> bool:
    """Whether this signature stands already, alone for its role and word for word but for its date."""
    there = [{**old, "at": row["at"]} for old in _signatures(repo, target.name) if old.get("role") == role]
    return there == [{"role": role, **row}] and _stands(repo, target, role)


def _valid(repo: Repo, target: Signable, role: str) -> bool:
    """Whether the file says that the person who holds the role accepted today's text."""
    return bool(_accepting(repo, target, role))


def _accepting(repo: Repo, target: Signable, role: str) -> list[dict[str, str]]:
    digest = document_hash(repo, target)
    return [
        row
        for row in _signatures(repo, target.name)
        if (
            row.get("role") == role
            and row.get("decision") == "accept"
            and row.get("sha256") == digest
            and holds(repo, role, row.get("name", ""))
        )
    ]
