"""Small files and the errors people see: reading, hashing, and writing so that a crash leaves nothing torn."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

# Builds texts and lists only; libyaml's is ten times as quick, where it is there.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class Outcome:
    """What a command has to say, and its exit code."""

    text: str
    code: int = 0


class Trouble(Exception):
    """Expected trouble: one sentence that names what is wrong, and the remedy. The command exits with `code`."""

    code = 1

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.remedy = sentence, remedy


class Blocked(Trouble):
    """Something that has to come first is missing, stale, unsigned or assumed."""

    code = 2


def counted(number: int, what: str) -> str:
    """1 worker, 2 workers."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def canonical(content: Any) -> str:
    """Hash of plain data, whatever the order or layout it was written in."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256(path: Path) -> str:
    """Hash of a file; of a text, told from other files as git does, it is the same whatever its line ends are."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        block = file.read(1 << 20)
        is_text = b"\0" not in block[:8000]
        while block:
            while is_text and block.endswith(b"\r") and (more := file.read(1)):
                block += more  # a line end stays in one piece
            found.update(block.replace(b"\r\n", b"\n") if is_text else block)
            block = file.read(1 << 20)
    return found.hexdigest()


def left_over(path: Path) -> bool:
    """Whether programs have left this file beside what people write: interpreters, editors, file managers."""
    hidden = any(part.startswith((".", "__pycache__")) or part.endswith(".egg-info") for part in path.parts)
    return hidden or path.suffix in (".pyc", ".swp", ".orig", ".rej", ".bak") or path.name.endswith("~")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def named(path: Path) -> str:
    """A file's path as it is typed in the repository's folder."""
    root = next((folder for folder in path.parents if (folder / "plan" / "project.yaml").is_file()), path.parent)
    return path.relative_to(root).as_posix()


def read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise Blocked(f"{named(path)} is missing.", f"git checkout {named(path)}") from None
    except (ValueError, TypeError) as error:
        raise Trouble(f"{named(path)} is not JSON: {error}.", f"git checkout {named(path)}") from None


def read_yaml(path: Path, default: Any = None) -> Any:
    """A YAML file with every scalar as the text that was typed."""
    if not path.is_file() and default is not None:
        return default
    try:
        found = yaml.load(path.read_text("utf-8"), Loader=LOADER)  # noqa: S506  (see LOADER)
        return found or ({} if default is None else default)
    except FileNotFoundError:
        raise Blocked(f"{named(path)} is missing.", f"git checkout {named(path)}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        what = f"line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else str(error).splitlines()[0]
        raise Trouble(f"{named(path)} is not YAML: {what}.", f"Correct it, or: git checkout {named(path)}") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML file of `key: value` lines."""
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise Trouble(f"{named(path)} is no list of `key: value` lines.", f"git checkout {named(path)}")
    return found


def rows_of(root: Path, path: str, key: str = "") -> list[dict[str, Any]]:
    """The rows of a YAML file, each with named fields; with `key`, those below that key. [] where there is none."""
    found = read_yaml(root / path, [])
    if key and found:
        found = found.get(key) or [] if isinstance(found, dict) else [found]
    odd = [row for row in found if not isinstance(row, dict)] if isinstance(found, list) else [found]
    if odd:
        told = f"{path} holds {str(odd[0])[:60]!r} where a row of named fields belongs."
        raise Trouble(told, f"Write `- name: value`{f' below {key}:' if key else ''}, or: git checkout {path}")
    return list(found)


def write_text(path: Path, text: str) -> None:
    """Write beside the target and rename over it: a reader, or a crash, sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def as_text(page: str, own: str = "") -> str:
    """A Markdown page in which what data and people say stays a text: no HTML and no image, but for the line `own`."""
    parts = page.split(own) if own else [page]
    return own.join(re.sub(r"<(?=[A-Za-z/!?])", "&lt;", part).replace("![", "!\\[") for part in parts)


IDENTITY = 'git config user.name "Your Name"\ngit config user.email you@example.org'


def run_git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A git command with all that it says. Raises `OSError` when git is missing."""
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, encoding="utf-8", errors="replace"
    )


def git(root: Path, *arguments: str) -> str | None:
    """Output of a git command, without the last newline; None when git is missing or says no."""
    try:
        run = run_git(root, *arguments)
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
    """Files under these paths that differ from the last commit, new files included, by what git would keep of them.

    `git status` would call every file changed that an editor has given other line ends.
    """
    under = ("-z", "--", *paths)
    differing = git(root, "diff", "--name-only", "--no-renames", "--relative", "HEAD", *under)
    if differing is None:  # nothing has been committed yet
        differing = git(root, "ls-files", *under)
    added = git(root, "ls-files", "--others", "--exclude-standard", *under)
    return [path for path in f"{differing or ''}\0{added or ''}".split("\0") if path]


def top(root: Path) -> Path:
    """The folder that the code host sees as the repository: this one, or one above it; this one without git."""
    return Path(git(root, "rev-parse", "--show-toplevel") or root)


def committed_at(root: Path, path: str) -> int | None:
    """Seconds since 1970 of the last commit that touched a path; None when it was never committed."""
    stamp = git(root, "log", "-1", "--format=%ct", "--", path)
    return int(stamp) if stamp else None


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
