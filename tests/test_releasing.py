"""docs/releasing.md, walked twice on a copy of the tree."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from copied_tree import copy_to
from material import ROOT
from standing import git

PAGE = ROOT.joinpath("docs/releasing.md").read_text("utf-8")


def script(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The release script of the copy, with the copy's own package."""
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "generator/release.py", *words]
    return subprocess.run(command, cwd=tree, env=surroundings, capture_output=True, text=True, check=False)


def edit(tree: Path, old: str, new: str) -> None:
    """Change the copy's changelog and commit it."""
    path = tree / "CHANGELOG.md"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    git(tree, "commit", "--quiet", "--all", "--message", "Say what changes")


@pytest.mark.slow
def test_two_releases(tmp_path: Path) -> None:
    """0.2.0 and 0.3.0: version, engine, changelog and tag agree; what is in the way is said, and nothing is written."""
    tree = copy_to(tmp_path)
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "Start"]):
        git(tree, *words)

    first = script(tree, "0.2.0", "--on", "2026-12-01")
    empty = script(tree, "0.3.0")
    edit(tree, "## [Unreleased]\n", "## [Unreleased]\n\n### To do\n\n- `make lock`, once.\n")
    refused = [script(tree, wrong).stdout for wrong in ("0.2.0", "two", "0.1.9")]
    tree.joinpath("README.md").write_text("unfinished")
    refused.append(script(tree, "0.3.0").stdout)
    git(tree, "checkout", "--quiet", "README.md")
    second = script(tree, "0.3.0", "--on", "2027-01-04")
    checked = script(tree, "--check")

    assert (first.returncode, empty.returncode, second.returncode, checked.returncode) == (0, 1, 0, 0), (first, second)
    assert "nothing under Unreleased" in empty.stdout
    assert [re.search(r"not newer|no version|not committed", said)[0] for said in refused] == [  # type: ignore[index]
        "not newer", "no version", "not newer", "not committed",
    ]  # fmt: skip
    assert git(tree, "tag", "--list").split() == ["v0.2.0", "v0.3.0"]
    assert git(tree, "status", "--porcelain") == ""
    assert git(tree, "log", "-1", "--format=%s").strip() == "Release 0.3.0"
    headings = re.findall(r"^## (.+)$", tree.joinpath("CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:3] == ["[Unreleased]", "[0.3.0] - 2027-01-04", "[0.2.0] - 2026-12-01"]
    for kind in ("ml", "software"):
        (manifest,) = tree.glob(f"templates/{kind}/*/engine/planrun/manifest.json")
        assert '"version": "0.3.0"' in manifest.read_text("utf-8")
    edit(tree, "## [0.3.0] - 2027-01-04", "## [0.3.1] - 2027-01-04")
    assert script(tree, "--check").returncode == 1


def refuse_at_sync(tree: Path) -> None:
    """What is generated cannot be written: the program that does it breaks."""
    path = tree / "generator/sync.py"
    path.write_text(path.read_text("utf-8").replace("def main() -> int:", "def main() -> int:\n    1 / 0", 1), "utf-8")
    git(tree, "commit", "--quiet", "--all", "--message", "Break it")


def refuse_at_commit(tree: Path) -> None:
    """A hook of the checkout's refuses the commit."""
    hook = tree / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)


@pytest.mark.parametrize(
    ("refuse", "told"), [(refuse_at_sync, "division by zero"), (refuse_at_commit, "not today")],
    ids=["generating", "committing"],
)  # fmt: skip
def test_a_release_that_fails_on_its_way_leaves_nothing(
    refuse: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    """It is made beside the checkout first: one sentence, and neither a file nor a tag nor a branch is another one."""
    tree = copy_to(tmp_path)
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "Start"]):
        git(tree, *words)
    refuse(tree)
    before = git(tree, "rev-parse", "HEAD")
    done = script(tree, "0.2.0", "--on", "2026-12-01")

    assert done.returncode == 1
    assert (told in done.stdout, "Nothing was changed." in done.stdout, done.stderr) == (True, True, "")
    assert len(done.stdout.splitlines()) == 1
    assert (git(tree, "rev-parse", "HEAD"), git(tree, "status", "--porcelain"), git(tree, "tag")) == (before, "", "")
    assert len(git(tree, "worktree", "list").splitlines()) == 1


def test_the_page_types_what_the_script_takes() -> None:
    """Each command of the page is one of the script's, or git's."""
    typed = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]

    assert typed == [
        "python generator/release.py 0.2.0",
        "python generator/release.py --check",
        "git push --follow-tags",
    ]
