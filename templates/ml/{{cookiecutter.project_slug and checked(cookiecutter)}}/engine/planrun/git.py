"""What the engine asks of git: history, changes, the person at work, and commits of single files."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from planrun.trouble import Trouble

# What would show another history here than everybody else has: objects put in the place of others, and grafts.
AS_IT_IS = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": f"{os.devnull}/none"}
IDENTITY = 'git config user.name "Your Name"\ngit config user.email you@example.org'


def run_git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A git command with all that it says. Raises `OSError` when git is missing."""
    return subprocess.run(
        ["git", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ | AS_IT_IS,
    )


def git(root: Path, *arguments: str) -> str | None:
    """Output of a git command, without the last newline; None when git is missing or says no."""
    try:
        run = run_git(root, *arguments)
    except OSError:
        return None
    return run.stdout.rstrip("\n") if run.returncode == 0 else None


def is_repository(root: Path) -> bool:
    """Whether a folder lies in a working copy; False where git is missing."""
    return git(root, "rev-parse", "--is-inside-work-tree") == "true"


def head(root: Path) -> str:
    """The commit that is checked out; "" where there is none."""
    return git(root, "rev-parse", "--verify", "HEAD") or ""


def exists(root: Path, commit: str) -> bool:
    """Whether this copy has a commit; False for ""."""
    return bool(commit) and git(root, "cat-file", "-e", commit + "^{commit}") is not None


def is_shallow(root: Path) -> bool:
    """Whether the history here is cut off: what came before is in another copy."""
    return git(root, "rev-parse", "--is-shallow-repository") == "true"


def contents(root: Path, path: str, commits: Iterable[str]) -> dict[str, str]:
    """The text of a file in each of these commits; "" where one does not hold it."""
    commits = list(commits)
    inside = git(root, "rev-parse", "--show-prefix")
    if inside is None:
        return dict.fromkeys(commits, "")
    asked = "".join(f"{commit}:{inside}{path}\n" for commit in commits)
    found = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=root, input=asked.encode(), capture_output=True, env=os.environ | AS_IT_IS
    ).stdout
    texts, place = {}, 0
    for commit in commits:
        end = found.index(b"\n", place)
        head, place = found[place:end].split(), end + 1
        texts[commit] = ""
        if len(head) == 3 and head[1] == b"blob":
            size = int(head[2])
            texts[commit] = found[place : place + size].decode("utf-8", "replace")
            place += size + 1
    return texts


def changed(root: Path, paths: Iterable[str]) -> list[str]:
    """Files under these paths that differ from the last commit, new files included, by what git would keep of them.

    `git status` would call every file changed that an editor has given other line ends, and none that somebody has
    told git to assume unchanged; those are asked for by what they hold.
    """
    paths = list(paths)
    under = ("-z", "--", *paths)
    differing = git(root, "diff", "--name-only", "--no-renames", "--relative", "HEAD", *under)
    if differing is None:  # nothing has been committed yet
        differing = git(root, "ls-files", *under)
    added = git(root, "ls-files", "--others", "--exclude-standard", *under)
    found = [path for path in f"{differing or ''}\0{added or ''}".split("\0") if path]
    return found + [path for path in hidden(root, paths) if path not in found]


def hidden(root: Path, paths: Iterable[str]) -> list[str]:
    """Files under these paths that git was told not to look at, and that differ from the last commit all the same."""
    listed = (git(root, "ls-files", "-v", "-z", "--", *paths) or "").split("\0")
    flagged = [line[2:] for line in listed if line[:1].islower() or line[:1] == "S"]
    there = [path for path in flagged if (root / path).is_file()]  # the rest a sparse checkout leaves out
    return [path for path in there if git(root, "hash-object", "--", path) != git(root, "rev-parse", f"HEAD:./{path}")]


def way_back(root: Path, path: str, sound: Callable[[str], bool] = bool) -> str:
    """The command that brings a file back as it was last committed and sound; "" where no commit holds it so.

    `git checkout PATH` alone takes what is staged, knows no file that was deleted and committed, and brings back
    a damage that was committed.
    """
    for commit in (git(root, "log", "-20", "--format=%h", "--", path) or "").split():
        if sound(git(root, "show", f"{commit}:./{path}") or ""):
            whole = git(root, "diff", "--quiet", commit, "HEAD", "--", path) is not None
            staged = git(root, "diff", "--quiet", "--cached", "HEAD", "--", path) is None
            here = "HEAD" if whole else commit
            name = shlex.quote(path)
            return f"git checkout {name}" if whole and not staged else f"git checkout {here} -- {name}"
    return ""


def top(root: Path) -> Path:
    """The folder that the code host sees as the repository: this one, or one above it; this one without git."""
    return Path(git(root, "rev-parse", "--show-toplevel") or root)


def identity(root: Path, whose: str) -> str:
    """The name that git writes on a commit for AUTHOR or COMMITTER; "" where it would have to guess, or refuses.

    It comes from the environment, the repository or the person's settings; git knows in which order.
    """
    told = git(root, "-c", "user.useConfigOnly=true", "var", f"GIT_{whose}_IDENT") or ""
    return told.rpartition(" <")[0]


def user(root: Path) -> str:
    """The name git would commit under; "" without one."""
    return identity(root, "AUTHOR") or git(root, "config", "user.name") or ""


def has_identity(root: Path) -> bool:
    """Whether git knows author and committer, so that it can make a commit."""
    return bool(identity(root, "AUTHOR") and identity(root, "COMMITTER"))


def commit(root: Path, paths: Iterable[str], message: str) -> str:
    """Commit these paths and nothing else; the sentence to print about it.

    Raises `Trouble` where git refuses (a hook, a signing key): what was written is staged by then, and not lost.
    """
    paths = list(paths)
    if not is_repository(root):
        return "Written, not committed: this folder has no git history. Start one with: git init"
    git(root, "add", "--", *paths)
    if not has_identity(root):
        return f"Staged, not committed: git does not know who you are. Tell it, then commit:\n{IDENTITY}"
    run = run_git(root, "commit", "--quiet", "-m", message, "--", *paths)
    if run.returncode == 0:
        return f"Committed: {message}"
    if not changed(root, paths):
        return "Nothing to commit: it was already written so."
    why = next((line.strip() for line in run.stderr.splitlines() if line.strip()), "it, or a hook, gives no reason")
    raise Trouble(
        f"{', '.join(paths)} is written and staged, but git refused to commit it: {why}",
        f"Settle that, then: {shlex.join(['git', 'commit', '-m', message, '--', *paths])}",
    )
