"""The only runner of git: a new repository with one first commit, and three-way merges beside it."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlscaffold.errors import GitFailed, GitMissing
from mlscaffold.invocation import quoted

# Set by git for its hooks; they would point our commands at somebody else's repository.
_REDIRECTS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


def require_git() -> None:
    """Raise `GitMissing` where there is no git."""
    if shutil.which("git") is None:
        raise GitMissing()


def is_installed() -> bool:
    """Whether there is a git to ask."""
    return shutil.which("git") is not None


def is_inside_repository(folder: Path) -> bool:
    """Whether the folder, or the nearest existing folder above it, belongs to a git work tree."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return _run(existing, "rev-parse", "--is-inside-work-tree").stdout.strip() == "true"


def has_identity(folder: Path) -> bool:
    """Whether git knows whose name to write on a commit."""
    return all(_run(folder, "config", key).stdout.strip() for key in ("user.name", "user.email")) or bool(
        os.environ.get("GIT_AUTHOR_NAME") and os.environ.get("GIT_AUTHOR_EMAIL")
    )


@dataclass(frozen=True)
class Surroundings:
    """What git says of a folder: `top` of the work tree it lies in, if any, and whether it is git's own storage."""

    top: Path | None
    internal: bool


def surroundings(folder: Path) -> Surroundings:
    """The repository that a folder, or the nearest existing folder above it, lies in; nothing where git is missing.

    Raises `GitFailed` where there is a repository that git refuses to read.
    """
    if shutil.which("git") is None:
        return Surroundings(None, internal=False)
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    done = _run(existing, "rev-parse", "--is-inside-git-dir")
    if done.returncode:
        if "dubious ownership" in done.stderr:
            trust = f"git config --global --add safe.directory {quoted([str(existing.resolve())])}"
            raise GitFailed("git rev-parse", "the repository belongs to somebody else", f"If it is yours: {trust}")
        return Surroundings(None, internal=False)
    if done.stdout.strip() == "true":
        return Surroundings(None, internal=True)
    top = _run(existing, "rev-parse", "--show-toplevel").stdout.removesuffix("\n")
    return Surroundings(Path(top) if top else None, internal=not top)


def is_newborn(folder: Path) -> bool:
    """Whether the folder's repository has no commit yet."""
    return _run(folder, "rev-parse", "--quiet", "--verify", "HEAD").returncode != 0


def branch(folder: Path) -> str:
    """The branch that is checked out, born or not; "" where none is."""
    return _run(folder, "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()


def ignores(folder: Path, paths: Iterable[str]) -> list[str]:
    """Those of the paths below a folder that its repository ignores."""
    fed = "\0".join(paths)
    done = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"],
        cwd=folder,
        env=_surroundings(),
        input=fed.encode("utf-8"),
        capture_output=True,
        check=False,
    )  # returns 1 where none is, and 128 where it cannot tell
    if done.returncode > 1:
        raise GitFailed("git check-ignore", _first_line(done.stderr.decode("utf-8", "replace"), done.returncode))
    return [path for path in done.stdout.decode("utf-8").split("\0") if path]


def create(folder: Path, message: str) -> bool:
    """Commit everything in the folder, a repository already or made one; False when only staged, for want of a name.

    A repository that is there keeps its branch, its remotes and its configuration.
    """
    if not os.path.lexists(folder / ".git"):
        _must(folder, "init", "--quiet", "--initial-branch=main")
    _must(folder, "add", "--all")
    if not has_identity(folder):
        return False
    _must(folder, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", message)
    return True


def commit_as(folder: Path, message: str, surroundings: dict[str, str]) -> None:
    """Commit everything in the folder, a new repository where it is none, under the identity in `surroundings`."""
    if not folder.joinpath(".git").is_dir():
        _must(folder, "init", "--quiet", "--initial-branch=main", env=surroundings)
    _must(folder, "add", "--all", env=surroundings)
    commit = ("commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "--message", message)
    _must(folder, *commit, env=surroundings)


def _must(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
    done = _run(folder, *arguments, env=env)
    if done.returncode:
        raise GitFailed(f"git {arguments[0]}", _first_line(done.stderr, done.returncode))


def _run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=env or _surroundings(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def _bytes(folder: Path, *arguments: str, fed: bytes = b"", env: dict[str, str] | None = None) -> bytes:
    """git's output untouched, for contents that need not be text."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, env=env or _surroundings(), input=fed, capture_output=True, check=False)
    if done.returncode:
        raise GitFailed(f"git {arguments[0]}", _first_line(done.stderr.decode("utf-8", "replace"), done.returncode))
    return done.stdout


# ------------------------------------------------------------------------------------------------- three-way merging


@dataclass(frozen=True)
class Merge:
    """A merged tree: `changed` and `removed` paths against ours, `conflicts` with their index entries."""

    changed: dict[str, bytes]
    removed: tuple[str, ...]
    conflicts: tuple[str, ...]
    entries: tuple[str, ...]  # "mode object stage\tpath", as `git update-index --index-info` reads them


NOTHING_MERGED = "Nothing was changed. Merging needs git 2.38 or newer; `git --version` says which one this is."


class Store:
    """A throw-away object store in which folders become trees and are merged; the team's repository is not touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git("init", "--quiet", "--bare", str(folder), work_tree=None)

    def tree(self, work_tree: Path, *, everything: bool = False) -> str:
        """The tree of a folder's files: all of them, or those that its own .gitignore files do not exclude."""
        self.folder.joinpath("index").unlink(missing_ok=True)
        self._git("add", "--all", *(["--force"] if everything else []), work_tree=work_tree)
        return self._git("write-tree", work_tree=work_tree).strip()

    def with_files(self, tree: str, source: str, paths: Iterable[str]) -> str:
        """`tree` with some paths as they are in the tree `source` (absent where they are absent there)."""
        self.folder.joinpath("index").unlink(missing_ok=True)
        nowhere = self.folder  # git wants a work tree to change an index; no file of it is read
        self._git("read-tree", tree)
        for path in paths:
            found = self._git("ls-tree", source, "--", path).split()
            if found:
                self._git("update-index", "--add", "--cacheinfo", f"{found[0]},{found[2]},{path}", work_tree=nowhere)
            else:
                self._git("update-index", "--force-remove", "--", path, work_tree=nowhere)
        return self._git("write-tree").strip()

    def merge(self, base: str, ours: str, theirs: str) -> Merge:
        """Merge two trees that both grew out of `base`. Renames are followed; two edits of one place conflict."""
        first = self._commit(base)
        sides = [self._commit(tree, "-p", first) for tree in (ours, theirs)]
        done = self._run("merge-tree", "--write-tree", "-z", "--no-messages", *sides)
        if done.returncode > 1:  # 1 says that there are conflicts
            raise GitFailed("git merge-tree", _first_line(done.stderr, done.returncode), NOTHING_MERGED)
        merged, *entries = done.stdout.split("\0")
        entries = [entry for entry in entries if entry]
        status = self._git("diff-tree", "-r", "-z", "--name-status", "--no-renames", ours, merged).split("\0")
        pairs = list(zip(status[0::2], status[1::2], strict=False))
        return Merge(
            changed={path: self.content(f"{merged}:{path}") for state, path in pairs if state != "D"},
            removed=tuple(path for state, path in pairs if state == "D"),
            conflicts=tuple(sorted({entry.partition("\t")[2] for entry in entries})),
            entries=tuple(entries),
        )

    def content(self, name: str) -> bytes:
        """A blob's bytes, by object id or tree:path."""
        return _bytes(self.folder, "cat-file", "blob", name, env=self._env(None))

    def _commit(self, tree: str, *parents: str) -> str:
        return self._git("commit-tree", tree, *parents, "-m", "side").strip()

    def _git(self, *arguments: str, work_tree: Path | None = None) -> str:
        done = self._run(*arguments, work_tree=work_tree)
        if done.returncode:
            raise GitFailed(f"git {arguments[0]}", _first_line(done.stderr, done.returncode), NOTHING_MERGED)
        return done.stdout

    def _run(self, *arguments: str, work_tree: Path | None = None) -> subprocess.CompletedProcess[str]:
        return _run(work_tree or self.folder.parent, *arguments, env=self._env(work_tree))

    def _env(self, work_tree: Path | None) -> dict[str, str]:
        named = {f"GIT_{who}_{what}": "mlscaffold" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        places = {"GIT_DIR": str(self.folder)} | ({"GIT_WORK_TREE": str(work_tree)} if work_tree else {})
        return _surroundings() | named | places


def is_dirty(folder: Path) -> bool:
    """Whether a work tree has changes that are not committed (files git ignores do not count)."""
    return bool(_run(folder, "status", "--porcelain", "--", ".").stdout.strip())


def mark_conflicts(folder: Path, store: Store, merge: Merge) -> None:
    """Tell the folder's repository which files hold a conflict, so that `git status` and merge tools show them."""
    lines = [f"0 {'0' * 40}\t{path}\n" for path in merge.conflicts]
    for entry in merge.entries:
        facts, _, path = entry.partition("\t")
        mode, blob, stage = facts.split()
        here = _bytes(folder, "hash-object", "-w", "--stdin", fed=store.content(blob)).decode().strip()
        lines.append(f"{mode} {here} {stage}\t{path}\n")
    _bytes(folder, "update-index", "--index-info", fed="".join(lines).encode())


def _first_line(complaint: str, code: int) -> str:
    lines = complaint.strip().splitlines() or [f"exit code {code}"]
    return lines[0].rstrip(".")


def _surroundings() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in _REDIRECTS}
