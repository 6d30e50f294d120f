"""Releases of this repository: which one was before, and its source."""

import io
import subprocess
import tarfile
from pathlib import Path

from planrun import git
from planrun.command import COMMAND
from planrun.trouble import Blocked

from planrun_software.traceability.offered import SAMPLES


def release_before(root: Path, to: str = "", slug: str = "") -> str:
    """The commit to go back to: the one named, else the newest tag before HEAD, else the commit before it.

    In a repository that holds other projects too, only tags that begin with `slug`, and commits of this one, count.
    Raises `Blocked` where there is none, or no such commit.
    """
    if not git.exists(root, "HEAD~1"):
        raise Blocked("There is no release to go back to: the history holds one commit or none.", "git commit")
    others = root.resolve() != git.top(root).resolve()
    named = ["--match", f"{slug}-v*"] if others else []
    last = git.git(root, "rev-list", "-1", "--skip=1", "HEAD", "--", ".") if others else "HEAD~1"
    wanted = to or git.git(root, "describe", "--tags", "--abbrev=0", *named, "HEAD~1") or last or "HEAD~1"
    if not git.exists(root, wanted):
        raise Blocked(f"{wanted} is no commit of this repository.", f"{COMMAND} rollback-drill --to TAG")
    return str(git.git(root, "rev-parse", wanted + "^{commit}"))


def unpacked(root: Path, commit: str, folder: Path) -> Path:
    """The source of one commit, as it was; beside it the samples of that release, where it had any.

    Raises `Blocked` where the commit holds no source.
    """
    held = git.git(root, "ls-tree", "--name-only", commit, SAMPLES)
    words = ["git", "archive", commit, "src", *filter(None, [held])]
    done = subprocess.run(words, cwd=root, check=False, capture_output=True)
    if done.returncode:
        remedy = f"Name one that has: {COMMAND} rollback-drill --to TAG, or commit once more and drill again."
        raise Blocked(f"{commit[:10]} holds no src/, so there is no release in it to go back to.", remedy)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python has it from 3.11.4 on
        archive.extractall(folder)  # noqa: S202  (this repository's own history)
    return folder / "src"
