"""While a merge waits to be finished, a rendered repository signs, measures and trains nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from material import mostly_slow
from mlscaffold import update
from standing import born, commit, edit

# Command → what it takes; `status` and what serves or rolls back in an emergency are not among them.
WORDS = {
    "ml": {
        "audit": [], "confirm": ["--all"], "baseline": [], "experiment": [], "accept": [], "promote": [],
        "label": ["draw"], "retrain": [], "self-test": [], "sign": ["G1"],
        "waive": ["G1.5", "--reason", "none", "--until", "5"],
    },
    "software": {
        "audit": [], "confirm": ["--all"], "accept": [], "load": [], "rollback-drill": [], "restore-drill": [],
        "budget": [], "self-test": [], "sign": ["T1"], "waive": ["T1.2", "--reason", "none", "--until", "5"],
    },
}  # fmt: skip
FACTS = {"ml": {"positive_share": "0.2"}, "software": {"slo_percent": "99.0"}}
PAGE = "docs/03-acceptance.md"
ALL_IN_ONE = """
import contextlib, io, json, sys
from planrun.cli import main
from planrun.commands import commands
from planrun.repository import Repo
told = {}
for name, words in json.loads(sys.argv[1]).items():
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            code = main([name, *words])
        except SystemExit as left:
            code = left.code
    told[name] = [code, errors.getvalue()]
settled = sorted(name for name, one in commands(Repo.here().answers).items() if one.settled)
print(json.dumps([settled, told]))
"""


@pytest.mark.parametrize("kind", mostly_slow(WORDS, "software"))
def test_nothing_is_signed_measured_or_trained_while_a_merge_is_open(kind: str, tmp_path: Path) -> None:
    """Every such command, with and without history, marks added to git or not: exit 2, the page, and what to do."""
    whole = born(tmp_path / "with", {"ml": "ml-default", "software": "sw-default"}[kind])
    bare = Path(shutil.copytree(whole, tmp_path / "without", ignore=shutil.ignore_patterns(".git")))
    for folder in (whole, bare):
        before = folder.joinpath(PAGE).read_text("utf-8")
        after = _replanned_page(folder, kind, tmp_path)
        line = next(old for old, new in zip(before.splitlines(), after.splitlines(), strict=False) if old != new)
        edit(folder, PAGE, line, "Ours, and nobody else's.")
        if folder is whole:
            commit(folder)
        assert update.replan(folder, FACTS[kind]).conflicts == (PAGE,)
    for folder, added in ((whole, False), (whole, True), (bare, False)):
        if added:
            commit(folder)
        known, told = _all(folder, WORDS[kind])
        assert known == sorted(WORDS[kind])
        for name, (code, errors) in told.items():
            assert code == 2, (name, errors)
            assert f"{PAGE}: a merge is not finished" in errors, name
            assert f"git add {PAGE}" in errors, name
    assert _run(whole, "-m", "planrun", "status").returncode == 0
    page = whole.joinpath(PAGE).read_text("utf-8")
    whole.joinpath(PAGE).write_text(page.partition("<<<<<<< yours")[0] + page.partition("the-new-plan\n")[2])
    commit(whole)
    assert _run(whole, "-m", "planrun", "confirm", "--all").returncode == 0


def _replanned_page(folder: Path, kind: str, scratch: Path) -> str:
    copy = Path(shutil.copytree(folder, scratch / f"copy-{folder.parent.name}-{folder.name}", symlinks=True))
    update.replan(copy, FACTS[kind])
    return copy.joinpath(PAGE).read_text("utf-8")


def _all(folder: Path, words: dict[str, list[str]]) -> tuple[list[str], dict[str, tuple[int, str]]]:
    known, told = json.loads(_run(folder, "-c", ALL_IN_ONE, json.dumps(words)).stdout)
    return known, told


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )
