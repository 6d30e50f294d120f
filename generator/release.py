"""Make a release: the version in its one place, what follows from it, the changelog's heading, a commit and a tag.

    python generator/release.py 0.2.0 [--on 2026-12-01]
    python generator/release.py --check          whether the newest release is whole; exit code 1 where it is not

Nothing is pushed. For development; it is not part of the installed package. docs/releasing.md has the whole way.
"""

import argparse
import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "generator"))

from mlscaffold import changes  # noqa: E402

VERSION = ROOT / "generator/mlscaffold/__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"
PLACE = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


def main() -> int:
    """0 when done; 1 with a sentence and its remedy."""
    parser = argparse.ArgumentParser(description="Make a release, or check the newest one.")
    parser.add_argument("version", nargs="?", help="such as 0.2.0")
    parser.add_argument("--on", default="", metavar="DAY", help="its day, today when left out")
    parser.add_argument("--check", action="store_true", help="whether the newest release is whole")
    given = parser.parse_args()
    if bool(given.version) == given.check:
        parser.error("give a version, or --check")
    try:
        problem = whole() if given.check else release(given.version, given.on)
    except Refused as refused:
        problem = str(refused)
    print(
        problem or (f"{version()} is whole." if given.check else f"{given.version} is made. Push it: git push --tags")
    )
    return 1 if problem else 0


def version() -> str:
    """The version in its one place."""
    found = PLACE.search(VERSION.read_text("utf-8"))
    assert found, f"{VERSION} names no version"
    return found[1]


def release(wanted: str, on: str) -> str:
    """Make it; why not, with the remedy, where something is in the way: then nothing was changed.

    The release is made in a work tree of its own; what comes into the checkout is a finished commit, in one step.
    """
    if problem := in_the_way(wanted, on):
        return problem
    day = on or datetime.datetime.now(datetime.UTC).date().isoformat()
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "release")
        try:
            git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
            made = committed(tree, wanted, day)
            git("tag", "--annotate", f"v{wanted}", "--message", f"mlscaffold {wanted}", made)
            try:
                git("merge", "--quiet", "--ff-only", made)
            except Refused:
                git("tag", "--delete", f"v{wanted}")
                raise
        except Refused as refused:
            return f"Nothing was changed. {refused} Mend that, then release again."
        finally:
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, capture_output=True, check=False
            )
    return whole()


def committed(tree: Path, wanted: str, day: str) -> str:
    """The commit of a release, made in the work tree `tree`. Raises `Refused`."""
    changelog, place = (tree / path.relative_to(ROOT) for path in (CHANGELOG, VERSION))
    heading = f"## [Unreleased]\n\n## [{wanted}] - {day}"
    written = changelog.read_text("utf-8").replace("## [Unreleased]", heading, 1)
    changelog.write_text(written, "utf-8", newline="\n")
    place.write_text(PLACE.sub(f'__version__ = "{wanted}"', place.read_text("utf-8")), "utf-8", newline="\n")
    told(tree, "generator/sync.py", sys.executable, str(tree / "generator/sync.py"))
    git("add", "--all", tree=tree)
    git("commit", "--quiet", "--message", f"Release {wanted}", tree=tree)
    return git("rev-parse", "HEAD", tree=tree)


def in_the_way(wanted: str, on: str) -> str:
    """Why this version cannot be released now; "" when it can."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
        return f"{wanted} is no version. Write three numbers, such as 0.2.0."
    if on and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", on):
        return f"{on} is no day. Write it as 2026-12-01."
    if changes.numbers(wanted) <= changes.numbers(version()):
        return f"{wanted} is not newer than {version()}. Choose a higher number."
    if git("status", "--porcelain"):
        return "Some files are not committed. Commit them, or put them aside with git stash."
    if git("tag", "--list", f"v{wanted}"):
        return f"The tag v{wanted} is there already. Choose a higher number."
    if not changes.between(CHANGELOG.read_text("utf-8"), version(), wanted):
        return "CHANGELOG.md has nothing under Unreleased. Write there what changes for users, and what they must do."
    return ""


def whole() -> str:
    """What the newest release lacks; "" when version, changelog, tag and generated files agree."""
    now = version()
    if f"\n## [{now}] - " not in CHANGELOG.read_text("utf-8"):
        return f"CHANGELOG.md has no heading for {now}. Release it with python generator/release.py."
    if PLACE.findall(git("show", f"v{now}:generator/mlscaffold/__init__.py")) != [now]:
        return f"The tag v{now} holds another version. Move it to the commit that releases {now}."
    checked = subprocess.run([sys.executable, str(ROOT / "generator/sync.py"), "--check"], check=False)
    return "What is generated is not up to date. Run python generator/sync.py." if checked.returncode else ""


class Refused(Exception):
    """What a program that we start does not do, in its own last words."""


def git(*words: str, tree: Path = ROOT) -> str:
    """git's output in a checkout. Raises `Refused`."""
    return told(tree, f"git {words[0]}", "git", *words)


def told(tree: Path, name: str, *words: str) -> str:
    """What a program prints that is started in `tree`. Raises `Refused` where it fails."""
    done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()] or [str(done.returncode)]
        raise Refused(f"{name}: {last[-1].strip().rstrip('.')}.")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
