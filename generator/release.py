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
    problem = whole() if given.check else release(given.version, given.on)
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
    """Make it; why not, with the remedy, where something is in the way: then nothing was changed."""
    if problem := in_the_way(wanted, on):
        return problem
    day = on or datetime.datetime.now(datetime.UTC).date().isoformat()
    heading = f"## [Unreleased]\n\n## [{wanted}] - {day}"
    written = CHANGELOG.read_text("utf-8").replace("## [Unreleased]", heading, 1)
    CHANGELOG.write_text(written, "utf-8", newline="\n")
    VERSION.write_text(PLACE.sub(f'__version__ = "{wanted}"', VERSION.read_text("utf-8")), "utf-8", newline="\n")
    subprocess.run([sys.executable, str(ROOT / "generator/sync.py")], check=True, stdout=subprocess.DEVNULL)
    git("add", "--all")
    git("commit", "--quiet", "--message", f"Release {wanted}")
    git("tag", "--annotate", f"v{wanted}", "--message", f"mlscaffold {wanted}")
    return whole()


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


def git(*words: str) -> str:
    """git's output in the checkout; its own words and exit where it refuses."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
