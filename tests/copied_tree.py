"""A copy of this tree that a test changes: what is run in it, and which of its tests fail."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from material import ROOT


def copy_to(folder: Path) -> Path:
    """This tree as it lies on the disk, without what git does not know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def ran(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """This project's interpreter in the copy."""
    return subprocess.run([sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False)


def tested(tree: Path, *files: str) -> str:
    """What the tests of the copy say."""
    return ran(tree, "-m", "pytest", "-q", "-vv", "-p", "no:cacheprovider", "-m", "not slow", *files).stdout


def failing(said: str) -> list[str]:
    """The tests that fail, of what they said."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+?(?:\[[^\]]*\])?)(?: - .*)?$", said, re.MULTILINE)
