"""The only runner of git: a new repository with one first commit."""

import os
import shutil
import subprocess
from pathlib import Path

from mlscaffold.errors import GitFailed, GitMissing

# Set by git for its hooks; they would point our commands at somebody else's repository.
_REDIRECTS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


def require_git() -> None:
    """Raise `GitMissing` where there is no git."""
    if shutil.which("git") is None:
        raise GitMissing()


def is_inside_repository(folder: Path) -> bool:
    """Whether the folder, or the nearest existing folder above it, belongs to a git work tree."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return _run(existing, "rev-parse", "--is-inside-work-tree").stdout.strip() == "true"


def has_identity(folder: Path) -> bool:
    """Whether git knows whose name to write on a commit."""
    return all(_run(folder, "config", key).stdout.strip() for key in ("user.name", "user.email")) or bool(
        os.environ.get("GIT_AUTHOR_NAME") and os.environ.get("GIT_AUTHOR_EMAIL")
    )


def create(folder: Path, message: str) -> bool:
    """Make the folder a repository and commit everything; False when only staged, for want of an identity."""
    _must(folder, "init", "--quiet", "--initial-branch=main")
    _must(folder, "add", "--all")
    if not has_identity(folder):
        return False
    _must(folder, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", message)
    return True


def _must(folder: Path, *arguments: str) -> None:
    done = _run(folder, *arguments)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise GitFailed(f"git {arguments[0]}", lines[0].rstrip("."))


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    surroundings = {key: value for key, value in os.environ.items() if key not in _REDIRECTS}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=surroundings, capture_output=True, text=True, encoding="utf-8", check=False
    )
