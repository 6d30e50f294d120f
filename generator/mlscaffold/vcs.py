"""The only runner of git: a new repository with one first commit, and three-way merges beside it."""

import io
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlscaffold.errors import CommitRefused, GitFailed, GitMissing, SparseCheckout
from mlscaffold.invocation import quoted

# Set by git for its hooks; they would point our commands at somebody else's repository.
_REDIRECTS = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_ATTR_SOURCE", "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_TRACE", "GIT_EXTERNAL_DIFF",
)  # fmt: skip


def require_git(*, to_merge: bool = False) -> None:
    """Raise `GitMissing` where there is no git; `to_merge` says that pages are to be merged."""
    if shutil.which("git") is None:
        raise GitMissing(to_merge=to_merge)


def is_installed() -> bool:
    """Whether there is a git to ask."""
    return shutil.which("git") is not None


def is_inside_repository(folder: Path) -> bool:
    """Whether the folder, or the nearest existing folder above it, belongs to a git work tree."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return _run(existing, "rev-parse", "--is-inside-work-tree").stdout.strip() == "true"


def has_identity(folder: Path) -> bool:
    """Whether git knows whose names to write on a commit, from wherever it takes them, without guessing."""
    told = [_run(folder, "-c", "user.useConfigOnly=true", "var", f"GIT_{who}_IDENT") for who in ("AUTHOR", "COMMITTER")]
    return all(done.returncode == 0 for done in told)


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
    """Those of the paths below a folder that its repository ignores. Raises `GitFailed` where git cannot tell."""
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

    Raises `CommitRefused` when only staged because git says no (a hook does), and `GitFailed` before that.
    A repository that is there keeps its branch, its remotes and its configuration.
    """
    if not os.path.lexists(folder / ".git"):
        _must(folder, "init", "--quiet", "--initial-branch=main")
    _must(folder, "add", "--all")
    if not has_identity(folder):
        return False
    done = _run(folder, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", message)
    if done.returncode:
        raise CommitRefused(_first_line(done.stderr, done.returncode), by_hand(folder, message))
    return True


def by_hand(folder: Path, message: str) -> str:
    """The command that makes the first commit once what was in its way is settled."""
    return shlex.join(("git", "-C", str(folder), "commit", "--message", message))


def commit_as(folder: Path, message: str, surroundings: dict[str, str]) -> None:
    """Commit everything in the folder, a new repository where it is none, under the identity in `surroundings`.

    Raises `GitFailed` with the first line that git says.
    """
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


def _bytes(folder: Path, *arguments: str, fed: bytes = b"", env: dict[str, str] | None = None, hint: str = "") -> bytes:
    """git's output untouched, for contents that need not be text."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, env=env or _surroundings(), input=fed, capture_output=True, check=False)
    if done.returncode:
        named = _deed(arguments)
        told = _first_line(done.stderr.decode("utf-8", "replace"), done.returncode)
        raise GitFailed(f"git {named}", told, *([hint] if hint else []))
    return done.stdout


def _deed(arguments: Sequence[str]) -> str:
    """Which of git's commands these words are: the first behind its settings."""
    words = list(arguments)
    while words[0] == "-c":
        del words[:2]
    return words[0]


# ------------------------------------------------------------------------------------------------- three-way merging


class File(NamedTuple):
    """What a merge knows of a file: its bytes, and whether it may be executed."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Merge:
    """A merged tree: `changed` and `removed` paths against ours, and the sides of each conflict.

    `conflicts` maps a path to {stage: side}: 1 is the base, 2 ours, 3 theirs, absent where that side has no file.
    """

    changed: dict[str, File]
    removed: tuple[str, ...]
    conflicts: dict[str, dict[int, File]]


# What the sides of a conflict are called beside their marks; another version's pages by its number.
OURS, THEIRS = "yours", "the-new-plan"
_OF_VERSION = "version-"


def name_of(version: str) -> str:
    """What another version's side is called: a name that git takes for a branch's."""
    return f"{_OF_VERSION}{re.sub(r'[^0-9A-Za-z.]+', '-', version).strip('.-')}"


# A line that opens or closes a conflict of ours; git adds the path where a page has two names.
MARKED = re.compile(
    rb"^(?:<{7} %s|>{7} (?:%s|%s[0-9A-Za-z.-]+))(?::|\r?$)" % tuple(map(str.encode, (OURS, THEIRS, _OF_VERSION))),
    re.MULTILINE,
)
NOTHING_MERGED = "Nothing was changed. Merging needs git 2.38 or newer; `git --version` says which one this is."
_PLAIN, _EXECUTABLE = "100644", "100755"


class Store:
    """A throw-away object store in which three sets of files are merged; no repository of the team is touched.

    No configuration, attribute, filter, merge driver, hook or variable of anybody reaches the git that works here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for needed in ("objects", "refs"):  # these and a HEAD are a repository: git has to be started once less
            folder.joinpath(needed).mkdir(parents=True)
        folder.joinpath("HEAD").write_text("ref: refs/heads/main\n", "utf-8")

    def merge(
        self, base: Mapping[str, File], ours: Mapping[str, File], theirs: Mapping[str, File], called: str = THEIRS
    ) -> Merge:
        """Merge two sets of files that both grew out of `base`. Renames are followed; two edits of one place conflict.

        `called` is what stands beside the marks of `theirs`.

        A path may lead up and out, as in ../../CODEOWNERS: git, which knows no such paths, gets another name for it.
        Raises `GitFailed` where git refuses, as versions before 2.38 do.
        """
        self._import({_BASE: base, OURS: ours, called: theirs})
        # A folder that the team has moved takes the plan's new pages along.
        done = self._run("-c", "merge.directoryRenames=true", "merge-tree", *_MERGE_TREE, OURS, called)
        if done.returncode > 1:  # 1 says that there are conflicts
            raise GitFailed("git merge-tree", _first_line(done.stderr.decode("utf-8", "replace"), 2), NOTHING_MERGED)
        merged, *entries = done.stdout.decode("utf-8", "surrogateescape").split("\0")
        moved = self._git("diff-tree", "-r", "-z", "--no-renames", OURS, merged).split("\0")
        states = [(state.split(), _outside(path)) for state, path in zip(moved[0::2], moved[1::2], strict=False)]
        parts = [entry.partition("\t") for entry in entries if entry]
        sides = [(facts.split(), _outside(path)) for facts, _, path in parts]
        contents = self._contents({facts[3] for facts, _ in states} | {facts[1] for facts, _ in sides})
        conflicts: dict[str, dict[int, File]] = {}
        for (mode, blob, stage), path in sides:
            conflicts.setdefault(path, {})[int(stage)] = File(contents[blob], mode == _EXECUTABLE)
        return Merge(
            changed={
                path: File(contents[facts[3]], facts[1] == _EXECUTABLE) for facts, path in states if facts[4] != "D"
            },
            removed=tuple(path for facts, path in states if facts[4] == "D"),
            conflicts=conflicts,
        )

    def _import(self, sides: Mapping[str, Mapping[str, File]]) -> None:
        """Write each side as a branch of one commit, in one run of git; all but the first grew out of the first."""
        contents = list({file.content for side in sides.values() for file in side.values()})
        marks = {content: b":%d" % number for number, content in enumerate(contents, start=1)}
        parts = [b"blob\nmark %s\n%s" % (marks[content], _data(content)) for content in contents]
        first = b""
        for number, (name, files) in enumerate(sides.items(), start=len(contents) + 1):
            head = f"commit refs/heads/{name}\nmark :{number}\ncommitter mlscaffold <mlscaffold> 0 +0000\n"
            parts += [head.encode(), _data(b"side"), first, b"deleteall\n"]
            parts += [_entry(path, file, marks[file.content]) for path, file in files.items()]
            first = first or b"from :%d\n" % number
        plain = ("-c", "fastimport.unpackLimit=0", "-c", "pack.compression=0")
        _bytes(
            self.folder, *plain, "fast-import", "--quiet", "--depth=0", "--date-format=raw",
            fed=b"".join(parts), env=self._apart(), hint=NOTHING_MERGED,
        )  # fmt: skip

    def _contents(self, blobs: set[str]) -> dict[str, bytes]:
        wanted = sorted(blob for blob in blobs if set(blob) != {"0"})
        fed = "".join(f"{blob}\n" for blob in wanted).encode()
        packed = io.BytesIO(_bytes(self.folder, "cat-file", "--batch", fed=fed, env=self._apart(), hint=NOTHING_MERGED))
        found = {}
        for blob in wanted:
            size = int(packed.readline().split()[2])
            found[blob] = packed.read(size)
            packed.read(1)
        return found

    def _git(self, *arguments: str, fed: bytes = b"") -> str:
        done = _bytes(self.folder, *arguments, fed=fed, env=self._apart(), hint=NOTHING_MERGED)
        return done.decode("utf-8", "surrogateescape")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self._apart(), capture_output=True, check=False)

    def _apart(self) -> dict[str, str]:
        """An environment in which git finds this store and nothing else: no home, no configuration, no attributes."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key == "GIT_EXEC_PATH"}
        homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "USERPROFILE", "GIT_DIR"), str(self.folder))
        named = {f"GIT_{who}_{what}": "mlscaffold" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        off = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1", "LC_ALL": "C"}
        return kept | homes | named | nothing | off


_BASE = "base"


def _data(content: bytes) -> bytes:
    """Bytes as `git fast-import` reads them."""
    return b"data %d\n%s\n" % (len(content), content)


def _entry(path: str, file: File, mark: bytes) -> bytes:
    """One file of a commit, its path quoted."""
    name = _inside(path).encode("utf-8", "surrogateescape")
    for letter, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        name = name.replace(letter, escaped)
    mode = _EXECUTABLE if file.executable else _PLAIN
    return b'M %s %s "%s"\n' % (mode.encode(), mark, name)


_UP = "\x01up"  # no file is called that


def _inside(path: str) -> str:
    return path.replace("../", f"{_UP}/") if path.startswith("../") else path


def _outside(path: str) -> str:
    return path.replace(f"{_UP}/", "../")


_MERGE_TREE = ("--write-tree", "-z", "--no-messages")


# ---------------------------------------------------------------------------------------------- the team's repository


# The team's own settings decide what counts as changed (line ends, filters); nothing of theirs is run or hidden by.
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", f"core.hooksPath={os.devnull}")


def tracked(folder: Path) -> set[str]:
    """The files below a folder that its repository keeps, by their path from the folder; empty without a repository.

    Raises `SparseCheckout` where some of them are kept out of the work tree.
    """
    listed = _listed(folder, "ls-files", "-t", "-z", "--", ".")
    absent = [entry[2:] for entry in listed if entry[:1] == "S" and not os.path.lexists(folder / entry[2:])]
    if absent:
        raise SparseCheckout(folder, absent)
    return {entry[2:] for entry in listed}


def unmerged(folder: Path, also: Iterable[str] = ()) -> list[str]:
    """The files below a folder, and `also` these, whose conflicts are not resolved, by their path from the folder."""
    listed = _listed(folder, "ls-files", "-u", "-z", "--", ".", *also)
    return sorted({entry.partition("\t")[2] for entry in listed})


OUR_SIDE, THEIR_SIDE = 2, 3  # git's numbers of the two sides of a conflict


def staged(folder: Path, path: str, side: int) -> bytes:
    """What one side of a conflict holds at `path`; nothing where it has no such file."""
    done = subprocess.run(
        ["git", "cat-file", "blob", f":{side}:./{path}"],
        cwd=folder, env=_surroundings(), capture_output=True, check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else b""


def other_side(folder: Path) -> str:
    """The name of the commit that is being merged into the one checked out; HEAD where nothing is."""
    heads = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD")
    return next((head for head in heads if _run(folder, "rev-parse", "--quiet", "--verify", head).stdout), "HEAD")


def uncommitted(folder: Path, also: Iterable[str] = ()) -> set[str]:
    """The tracked files below a folder, and `also` these, that differ from the last commit, as seen from there.

    What differs in its line ends alone, which a commit would convert back, does not count: git's status names it, and
    then finds nothing to commit.
    """
    arguments = ("status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames")
    named = {entry[3:] for entry in _listed(folder, *arguments, "--", ".", *also)}
    if named and has_commits(folder):
        looked = ("diff", "HEAD", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
        named &= {entry.split("\t", 2)[2] for entry in _listed(folder, *looked, "--", ".", *also)}
    above = prefix(folder) or "."
    return {posixpath.relpath(path, above) for path in named}


def has_commits(folder: Path) -> bool:
    """Whether the folder's repository has a first commit."""
    return _run(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0


def commits_of(folder: Path, path: str) -> list[str]:
    """The commits that changed something below `path`, the newest first; empty without a history."""
    done = _run(folder, "log", "--format=%H", "--", path)
    return done.stdout.split() if done.returncode == 0 else []


def files_at(folder: Path, commit: str, path: str) -> dict[str, bytes]:
    """The files below `path` as a commit holds them, byte for byte, by their path from `folder`. Raises `GitFailed`."""
    listed = _bytes(folder, "ls-tree", "-r", "-z", commit, "--", path).decode("utf-8", "surrogateescape")
    entries = [entry.partition("\t") for entry in listed.split("\0") if entry]
    return {name: _bytes(folder, "cat-file", "blob", facts.split()[2]) for facts, _, name in entries}


def patch(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bytes:
    """A patch that `git apply` takes, from one set of files to another. Raises `GitFailed`."""
    with tempfile.TemporaryDirectory() as scratch:
        for side, files in (("a", before), ("b", after)):
            for path, content in files.items():
                place = Path(scratch, side, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            Path(scratch, side).mkdir(exist_ok=True)
        words = ("diff", "--no-index", "--no-prefix", "--no-color", "--no-ext-diff", "--no-renames", "--full-index")
        command = ["git", "-c", "core.autocrlf=false", *words, "--binary", "a", "b"]
        done = subprocess.run(command, cwd=scratch, env=_surroundings(), capture_output=True, check=False)
        if done.returncode not in (0, 1):  # 1: they differ
            raise GitFailed("git diff", _first_line(done.stderr.decode("utf-8", "replace"), done.returncode))
        return done.stdout


def prefix(folder: Path) -> str:
    """The folder's path from the top of its repository, with a slash at its end; empty at the top."""
    return _run(folder, "rev-parse", "--show-prefix").stdout.rstrip("\n")


def unmerged_entries(folder: Path, conflicts: Mapping[str, Mapping[int, File]]) -> str:
    """The lines that tell the folder's repository of conflicts; their contents are written into it, and nothing else.

    Paths are named from the top of the repository, as `git update-index --index-info` wants them.
    Raises `GitFailed` with the first line that git says.
    """
    above = prefix(folder)
    lines = []
    for path, sides in conflicts.items():
        entries, place = [], posixpath.normpath(f"{above}{path}")
        for stage, file in sorted(sides.items()):
            blob = _bytes(folder, "hash-object", "-w", "--stdin", fed=file.content).decode().strip()
            mode = _EXECUTABLE if file.executable else _PLAIN
            entries.append(f"{mode} {blob} {stage}\t{place}\0")
        none = "0" * len(entries[0].split()[1])
        lines += [f"0 {none}\t{place}\0", *entries]
    return "".join(lines)


def mark_unmerged(folder: Path, entries: str) -> None:
    """Tell the folder's repository which files hold a conflict, so that `git status` and merge tools show them.

    Raises `GitFailed` with the first line that git says.
    """
    fed = entries.encode("utf-8", "surrogateescape")
    _bytes(folder, *_QUIET, "update-index", "-z", "--index-info", fed=fed, hint=INDEX_BUSY)


INDEX_BUSY = "Nothing was changed. Where another git is at work here, wait for it; then run the command again."


def _listed(folder: Path, *arguments: str) -> list[str]:
    """The zero-separated lines of a look into the team's repository, which changes nothing there; [] without one.

    Raises `GitFailed` where git cannot look.
    """
    env = _surroundings() | {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        hint = "Nothing was changed. Mend the repository, then repeat."
        found = _bytes(folder, *_QUIET, *arguments, env=env, hint=hint)
    except GitFailed:
        if not is_inside_repository(folder):
            return []
        raise
    return [line for line in found.decode("utf-8", "surrogateescape").split("\0") if line]


def _first_line(complaint: str, code: int) -> str:
    lines = complaint.strip().splitlines() or [f"exit code {code}"]
    return lines[0].rstrip(".")


def _surroundings() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in _REDIRECTS}


# ----------------------------------------------------------------------------- reading what somebody else has committed


class Commit(NamedTuple):
    """A commit, its moment in ISO form, and the branch it was found on; "" for none."""

    sha: str
    at: str
    branch: str


def commit_of(repository: Path, ref: str = "HEAD") -> Commit | None:
    """The commit that `ref` names in a work tree or a bare repository; None where there is none.

    Plumbing alone, so that nothing that a repository's own settings name is run.
    """
    done = _run(repository, "rev-list", "-1", "--no-commit-header", "--format=%H %cI", "--end-of-options", ref, "--")
    sha, _, at = done.stdout.strip().partition(" ")
    branch = _run(repository, "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip() if ref == "HEAD" else ref
    return Commit(sha, at, branch) if done.returncode == 0 and sha else None


def commit_unchanged(top: Path, paths: Iterable[str]) -> str:
    """The commit that is checked out at the top of a work tree, where these paths are as it has them; "" elsewhere."""
    if not is_installed():
        return ""
    found = _run(top, "rev-parse", "--show-toplevel", "HEAD")
    place, _, sha = found.stdout.strip().rpartition("\n")
    if found.returncode or not Path(place).is_dir() or not Path(place).samefile(top):
        return ""
    changed = _run(top, *_QUIET, "--no-optional-locks", "status", "--porcelain", "--", *paths)
    return "" if changed.returncode or changed.stdout else sha


def commit_before(repository: Path, ref: str, moment: str) -> str:
    """The newest commit at or before a moment (ISO, UTC) that leads to `ref`; "" where history holds none."""
    return _run(repository, "rev-list", "-1", f"--before={moment}", "--end-of-options", ref, "--").stdout.strip()


def committed_paths(repository: Path, commit: str) -> list[str]:
    """Every file of a commit, from the top of its repository."""
    listed = _run(repository, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).stdout
    return [path for path in listed.split("\0") if path and "\n" not in path]


def contents(repository: Path, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """What these files hold in a commit; those that it has not are left out. "./plan.json" is seen from the folder.

    Raises `GitFailed` with the first line that git says.
    """
    wanted = list(paths)
    fed = "".join(f"{commit}:{path}\n" for path in wanted).encode()
    told = io.BytesIO(_bytes(repository, "cat-file", "--batch", fed=fed)) if wanted else io.BytesIO()
    found = {}
    for path in wanted:
        head = told.readline().split()
        if len(head) == 3 and head[2].isdigit():  # id, kind, size; otherwise "… missing"
            content = told.read(int(head[2]) + 1)[:-1]
            if head[1] == b"blob":
                found[path] = content
    return found


def fetch(address: str, ref: str, into: Path) -> None:
    """The newest commit of a branch or tag ("" for the default) of a repository elsewhere, bare, into a new folder.

    Raises `GitFailed` with what git says; nobody is asked for a password.
    """
    named = ["--branch", ref] if ref else []
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")}
    words = ("clone", "--quiet", "--bare", "--depth", "1", *named, "--", address, str(into))
    done = _run(into.parent, *words, env=_surroundings() | quiet)
    if done.returncode:
        told = _first_line(done.stderr, done.returncode)
        raise GitFailed(
            "git clone", told, "Name an address that `git ls-remote` reaches without asking for a password."
        )
