"""Who wrote what stands under a person's name: rows of a file, held against the commits that brought them.

A name that was typed proves nothing. It counts where the newest commit that brought the row has that person as its
author, and where the person is one of the team's. Where `gates/allowed_signers` lists keys, that commit has to be
signed with the person's key; without it an author is what git was told.
"""

import base64
import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from planrun import git
from planrun.files import LOADER
from planrun.repository import Repo

CRUD = " .,:;<>\"\\'"  # what git strips from either end of a name before it writes it on a commit
SIGNERS = "gates/allowed_signers"
SHOWN = 9  # digits of a commit
Row = Mapping[str, str]


@dataclass(frozen=True)
class Commit:
    """A commit by its id, who wrote it, who made it, and its parents."""

    id: str
    author: str
    committer: str
    parents: tuple[str, ...]


# ------------------------------------------------------------------------------------------------------- the team
def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, whatever git took off them: it strips `CRUD` from a name's ends."""
    return _as_git_has_it(one) == _as_git_has_it(other)


def _as_git_has_it(name: str) -> list[str]:
    kept = name.translate({ord(sign): None for sign in "<>\n"}).strip(CRUD)
    return (kept or name).casefold().split()


def holds(repo: Repo, role: str, who: str) -> bool:
    """Whether a person may sign for a role: it is theirs, or nobody has been named for it."""
    names = repo.team.get(role, ())
    return not names or any(same_person(name, who) for name in names)


def in_the_team(repo: Repo, who: str) -> bool:
    """Whether a person holds a role, or may hold one: of a role that is there, nobody is named yet."""
    return not repo.team or any(holds(repo, role, who) for role in repo.team)


# ------------------------------------------------------------------------------------------------------- the author
def unvouched(repo: Repo, path: str, row: Row, name: str, keys: Iterable[str] = ()) -> str:
    """Why a row of a YAML file under somebody's name does not count; "" where a commit of that person brought it.

    `keys` are the fields that tell the row, where a command writes the others anew.
    """
    if not _standing(repo).history:
        return "this folder has no history that says who wrote it"
    brought = brought_by(repo, path, row, keys)
    if brought is None:
        return "it is in no commit"
    if _standing(repo).cut_off:
        return "the history here is cut off, so nothing says who wrote it (git fetch --unshallow)"
    if not same_person(brought.author, name):
        return f"{brought.author} committed it in {brought.id[:SHOWN]}, not {name}"
    return _unsigned(repo, brought, name)


@dataclass(frozen=True)
class _Standing:
    """Whether there is a history, whether it is cut off, and the list of keys that counts in it; "" without one."""

    history: bool
    cut_off: bool
    listed: str


@lru_cache(maxsize=8)
def _standing(repo: Repo) -> _Standing:
    return _Standing(git.is_repository(repo.root), git.is_shallow(repo.root), _listed(repo))


def has_history(repo: Repo) -> bool:
    """Whether this folder has a history that says who wrote what."""
    return _standing(repo).history


def brought_by(repo: Repo, path: str, row: Row, keys: Iterable[str] = ()) -> Commit | None:
    """The newest commit of this history that brought a row into a file; None where the last commit has no such row."""
    known = _history(repo, path)
    keys = tuple(keys)

    def has(commit: str) -> bool:
        return any(_same(row, other, keys) for other in known.rows.get(commit, ()))

    if not has("HEAD"):
        return None
    return next((one for one in known.commits if has(one.id) and not any(map(has, one.parents))), None)


def written(repo: Repo, path: str) -> list[tuple[Row, Commit]]:
    """Every row that a file of this history ever held, each with a commit that brought it."""
    known = _history(repo, path)
    return [
        (row, one)
        for one in known.commits
        for row in known.rows.get(one.id, ())
        if not any(row in known.rows.get(parent, ()) for parent in one.parents)
    ]


def by_hand(repo: Repo, path: str, row: Row, keys: Iterable[str] = ()) -> str:
    """A note where another person than its author made the commit that brought a row; "" else."""
    brought = brought_by(repo, path, row, keys)
    if brought is None or same_person(brought.author, brought.committer):
        return ""
    return f" (in a commit that {brought.committer} made)"


def _same(one: Row, other: Row, keys: tuple[str, ...]) -> bool:
    return all(one.get(key) == other.get(key) for key in keys) if keys else one == other


@dataclass(frozen=True)
class _History:
    """The commits that touched a file, the newest first, and the rows that it held in each and in their parents."""

    commits: tuple[Commit, ...]
    rows: Mapping[str, list[dict[str, str]]]


@lru_cache(maxsize=32)  # each gate that a waiver is for asks for the same file
def _history(repo: Repo, path: str) -> _History:
    form = "--format=%H%x00%an%x00%cn%x00%P"
    said = git.git(repo.root, "log", "--full-history", "--topo-order", form, "--", path) or ""
    lines = [line.split("\0") for line in said.splitlines()]
    commits = tuple(Commit(id, author, committer, tuple(parents.split())) for id, author, committer, parents in lines)
    asked = dict.fromkeys(["HEAD", *(id for one in commits for id in (one.id, *one.parents))])
    return _History(commits, {id: _rows(text) for id, text in git.contents(repo.root, path, asked).items()})


def _rows(text: str) -> list[dict[str, str]]:
    try:
        found = yaml.load(text, Loader=LOADER)  # noqa: S506  (texts and lists)
    except yaml.YAMLError:  # a version that cannot be read brought nothing
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


# ------------------------------------------------------------------------------------------------------- signed commits
def _unsigned(repo: Repo, commit: Commit, name: str) -> str:
    """Why a commit does not show that a person made it, where keys are listed; "" where it does, or none is."""
    listed = _standing(repo).listed
    if not listed:
        return ""
    key = _key_of(repo, commit.id, listed)
    if not key:
        return f"{commit.id[:SHOWN]} is not signed with a key that {SIGNERS} lists (docs/limits.md, section 1)"
    owner = _owners(listed).get(key, "")
    return "" if same_person(owner, name) else f"{commit.id[:SHOWN]} is signed with the key of {owner or 'nobody'}"


def _listed(repo: Repo) -> str:
    """The newest list of keys that counts: the first one, and each later one that somebody listed before has signed.

    So nobody lists their own key, and a list is taken back only by those whom it names.
    """
    order = ("log", "--full-history", "--topo-order", "--reverse", "--format=%H", "--", SIGNERS)
    commits = (git.git(repo.root, *order) or "").split()
    held = ""
    for commit, text in git.contents(repo.root, SIGNERS, commits).items():
        if not held or _key_of(repo, commit, held):
            held = text
    return held


def _key_of(repo: Repo, commit: str, listed: str) -> str:
    """The fingerprint of the listed key that a commit is signed with; "" where it is signed with none of them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "allowed_signers")
        file.write_text(listed, "utf-8")
        ask = ("-c", f"gpg.ssh.allowedSignersFile={file}", "log", "-1", "--format=%G?%x00%GF", commit)
        state, _, key = (git.git(repo.root, *ask) or "").partition("\0")
    return key if state == "G" else ""


def _owners(text: str) -> dict[str, str]:
    """Whose key is whose: the fingerprint of each listed key, and the name that ends its line."""
    found = {}
    for words in (line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")):
        place = next((n for n, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), len(words))
        if place + 1 < len(words):
            digest = hashlib.sha256(base64.b64decode(words[place + 1] + "==")).digest()
            found[f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"] = " ".join(words[place + 2 :])
    return found
