"""Surroundings that must not matter, all of them at once, and the part of `make test-all` that runs every test in them.

`python tests/hostile.py [pytest arguments]` copies this checkout into a path with a space and runs `make test`'s tests
there twice: as whoever runs it, and, where that is root, as somebody who is not.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ZONES = ("Pacific/Kiritimati", "America/St_Johns")  # tomorrow already; half hours, and yesterday still
NOBODY = 65534  # owns nothing, and is root nowhere
AS_NOBODY: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-checkout", "pre-merge-commit")
REFUSAL = "#!/bin/sh\necho 'the hook of somebody else says no' >&2\nexit 1\n"
SETTINGS = """\
[user]
	name = Somebody Else
	email = else@example.org
	signingKey = 0000000000000000
[commit]
	gpgSign = true
	template = {folder}/message
[tag]
	gpgSign = true
[gpg]
	program = {folder}/there-is-no-key
[core]
	hooksPath = {folder}/hooks
[init]
	templateDir = {folder}/template
	defaultBranch = somewhere
"""


def surroundings(folder: Path, zone: str) -> dict[str, str]:
    """The environment of a person whose git, language, clock and redirections are as unlike ours as they can be.

    What they name is written below `folder`: settings that sign without a key, hooks that refuse every commit, a
    template with the same hooks, and a repository of somebody else that nobody may touch.
    """
    home = folder / "home"
    for place in (folder / "hooks", folder / "template" / "hooks"):
        place.mkdir(parents=True)
        for name in HOOKS:
            place.joinpath(name).write_text(REFUSAL)
            place.joinpath(name).chmod(0o755)
    home.joinpath(".config", "git").mkdir(parents=True)
    folder.joinpath("message").write_text("a template of a message\n")
    settings = SETTINGS.format(folder=folder)
    for path in (home / ".gitconfig", home / ".config" / "git" / "config"):
        path.write_text(settings)
    theirs = folder / "theirs.git"
    clean = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "--quiet", "--bare", "--template=", str(theirs)], check=True, env=clean)
    named = {f"GIT_{who}_NAME": "Somebody Else" for who in ("AUTHOR", "COMMITTER")}
    named |= {f"GIT_{who}_EMAIL": "else@example.org" for who in ("AUTHOR", "COMMITTER")}
    named |= {f"GIT_{who}_DATE": "2001-01-01T00:00:00+0000" for who in ("AUTHOR", "COMMITTER")}
    redirected = {"GIT_DIR": theirs, "GIT_INDEX_FILE": theirs / "index", "GIT_TEMPLATE_DIR": folder / "template"}
    forced = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "commit.gpgSign", "GIT_CONFIG_VALUE_0": "true"}
    places = {"HOME": home, "XDG_CONFIG_HOME": home / ".config", "GIT_CONFIG_GLOBAL": home / ".gitconfig"}
    speech = {"LC_ALL": "C", "LANG": "C", "LANGUAGE": "C", "TZ": zone}
    typed = {"ARGS": "--of-somebody-else", "MAKEFLAGS": "s -- ARGS=--of-somebody-else"}  # as below another make
    typed["PLANRUN_AGENT"] = "of-somebody-else"  # a coding agent's shell
    return named | forced | speech | typed | {name: str(path) for name, path in (redirected | places).items()}


def touched(folder: Path) -> list[str]:
    """What somebody else's repository holds that it did not: branches, tags, an index."""
    theirs = folder / "theirs.git"
    written = [path for path in theirs.joinpath("refs").rglob("*") if path.is_file()]
    return sorted(path.relative_to(theirs).as_posix() for path in [*written, *theirs.glob("index*")])


def python_of_others(folder: Path) -> str:
    """An interpreter with this one's packages that another user may start; "" where there is none.

    Only root can become somebody else. Where this interpreter lies in a folder of root's own, another of the same
    version gets an environment in `folder` that borrows the packages.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return ""
    if _starts(sys.executable):
        return sys.executable
    other = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path=os.defpath)
    if other is None:
        return ""
    subprocess.run([other, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        packages.joinpath(path.name).symlink_to(path)
    for script in Path(sysconfig.get_path("scripts")).iterdir():
        _lend(script, folder / "bin")
    python = str(folder / "bin" / "python")
    return python if _starts(python) else ""


def _lend(script: Path, folder: Path) -> None:
    """The same program in another environment's folder, started by its interpreter where Python starts it."""
    lent = folder / script.name
    if lent.exists() or script.is_dir():
        return
    begins, _, rest = script.read_bytes().partition(b"\n")
    if begins.startswith(b"#!") and b"python" in begins:
        lent.write_bytes(b"#!" + bytes(folder / "python") + b"\n" + rest)
    else:
        shutil.copyfile(script, lent)
    lent.chmod(0o755)


def _starts(python: str) -> bool:
    try:
        words = [python, "-c", "import pytest"]
        return subprocess.run(words, cwd="/", capture_output=True, check=False, **AS_NOBODY).returncode == 0
    except PermissionError:
        return False


def give_away(folder: Path) -> None:
    """Make a folder and all that is in it somebody else's."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def main(arguments: Sequence[str]) -> int:
    """Run the tests in both surroundings; 0 when both passed and nothing of somebody else's was touched."""
    with tempfile.TemporaryDirectory(prefix="a path ") as name, tempfile.TemporaryDirectory() as lent:
        folder = Path(name).resolve()
        for path in (folder, Path(lent)):
            path.chmod(0o755)
        codes = [_run(folder / "first", ZONES[0], arguments, other="")]
        is_root = os.name == "posix" and os.geteuid() == 0
        other = python_of_others(Path(lent, "env"))
        if is_root and not other:
            print(
                f"{sys.executable} cannot be started by another user, so nothing was tried as not root. Make an "
                "environment that others may read: make test-all PART=hostile PYTHON=/usr/bin/python3 VENV=/opt/venv",
                file=sys.stderr,
            )
            return 1
        codes.append(_run(folder / "second", ZONES[1], arguments, other=other))
    return int(any(codes))


def _run(folder: Path, zone: str, arguments: Sequence[str], *, other: str) -> int:
    checkout, around = folder / "check out", folder / "around"
    _copy(checkout)
    hostile = surroundings(around, zone) | {"TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    folder.joinpath("tmp").mkdir()
    if other:
        give_away(folder)
        hostile["PATH"] = f"{Path(other).parent}{os.pathsep}{os.environ['PATH']}"
    who = AS_NOBODY if other else {}
    quick = ["-n", "2", "--dist", "worksteal", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    words = [other or sys.executable, "-m", "pytest", *quick, *arguments]
    print(f"-- in {checkout}, {zone}, as {'somebody who is not root' if other else 'whoever started this'}", flush=True)
    code = subprocess.run(words, cwd=checkout, env=os.environ | hostile, check=False, **who).returncode
    for path in touched(around):
        print(f"A test has written {path} into somebody else's repository.", file=sys.stderr)
        code = code or 1
    return code


def _copy(target: Path) -> None:
    """This checkout's files as they stand, under git, with one commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if ROOT.joinpath(name).is_file():
            target.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgSign=false")
    for words in (("init", "--quiet", "--template="), ("add", "--all"), (*identity, "commit", "--quiet", "-nm", "x")):
        subprocess.run(["git", *words], cwd=target, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
