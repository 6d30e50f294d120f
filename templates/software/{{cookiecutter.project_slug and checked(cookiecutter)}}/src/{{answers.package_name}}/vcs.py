"""The only runner of git: who is at the keyboard, what is committed, and committing what a command wrote."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

IDENTITY = 'git config user.name "Your Name"\ngit config user.email you@example.org'


def git(root: Path, *arguments: str) -> str | None:
    """Output of a git command, without the last newline; None when git is missing or says no."""
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return None
    return run.stdout.rstrip("\n") if run.returncode == 0 else None


def is_repository(root: Path) -> bool:
    return git(root, "rev-parse", "--is-inside-work-tree") == "true"


def head(root: Path) -> str:
    """The commit that is checked out; "" where there is none."""
    return git(root, "rev-parse", "--verify", "HEAD") or ""


def exists(root: Path, commit: str) -> bool:
    return bool(commit) and git(root, "cat-file", "-e", commit + "^{commit}") is not None


def changed(root: Path, paths: Iterable[str]) -> list[str]:
    """Files under these paths that differ from the last commit, new files included."""
    listed = git(root, "status", "--porcelain", "--untracked-files=all", "--", *paths) or ""
    return [line[3:].strip('"') for line in listed.splitlines()]


def committed_at(root: Path, path: str) -> int | None:
    """Seconds since 1970 of the last commit that touched a path; None when it was never committed."""
    stamp = git(root, "log", "-1", "--format=%ct", "--", path)
    return int(stamp) if stamp else None


def user(root: Path) -> str:
    """The name git would commit under; "" without one."""
    return os.environ.get("GIT_AUTHOR_NAME") or git(root, "config", "user.name") or ""


def has_identity(root: Path) -> bool:
    email = os.environ.get("GIT_AUTHOR_EMAIL") or git(root, "config", "user.email")
    return bool(user(root) and email)


def commit(root: Path, paths: Iterable[str], message: str) -> str:
    """Commit these paths and nothing else; the sentence to print about it."""
    paths = list(paths)
    if not is_repository(root):
        return "Written, not committed: this folder has no git history. Start one with: git init"
    git(root, "add", "--", *paths)
    if not has_identity(root):
        return f"Staged, not committed: git does not know who you are. Tell it, then commit:\n{IDENTITY}"
    if git(root, "commit", "--quiet", "-m", message, "--", *paths) is None:
        if not changed(root, paths):
            return "Nothing to commit: it was already written so."
        return f"Staged, not committed: git refused. Commit it by hand: git commit -m {message!r}"
    return f"Committed: {message}"
