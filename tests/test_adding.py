"""The pages that add one thing are followed on a copy of the tree, and a forgotten step is named."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from material import ROOT

pytestmark = pytest.mark.slow

ADDED = re.compile(r'^```\w+ add-to="([^"]+)" (after|at)="(.*?)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """Lines that a page adds to a file: at its end, or after the line that begins with `mark`."""

    file: str
    mark: str
    lines: str

    def take(self, tree: Path) -> None:
        """Add them to the copy."""
        path = tree / self.file
        text = path.read_text("utf-8")
        if not self.mark:
            path.write_text(text + self.lines, "utf-8")
            return
        line = next(line for line in text.splitlines(keepends=True) if line.startswith(self.mark))
        path.write_text(text.replace(line, line + self.lines, 1), "utf-8")


def steps(page: str) -> list[Step]:
    """The steps of a page in docs/, in order."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return [Step(file, mark if how == "after" else "", lines) for file, how, mark, lines in ADDED.findall(text)]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """This tree as it lies on the disk, without what git does not know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "copy" / name)
    return tmp_path / "copy"


def ran(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """This project's interpreter in the copy."""
    return subprocess.run([sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False)


def failing(tree: Path, *files: str) -> list[str]:
    """The tests of the copy that fail."""
    done = ran(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *files)
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)


def renders(tree: Path, kind: str, *words: str) -> Path:
    """A repository that the copy makes."""
    program = "import sys; sys.path.insert(0, 'generator'); from mlscaffold.cli import main; main(sys.argv[1:])"
    out = tree.parent / f"out-{len(list(tree.parent.iterdir()))}"
    done = ran(tree, "-c", program, "new", "--kind", kind, "--defaults", "--output", str(out), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.iterdir())


def test_a_question_is_added_by_its_page(copied: Path) -> None:
    """Entry, use, sync: the tests pass, and the answer is on the page."""
    for step in steps("add-a-question.md"):
        step.take(copied)
    assert ran(copied, "generator/sync.py").returncode == 0
    folder = renders(copied, "software", "--set", "sponsor=The operations board")

    assert failing(copied, "tests/test_questions.py", "tests/test_answers.py") == []
    assert "Paid for by The operations board." in (folder / "docs/00-charter.md").read_text("utf-8")


def test_a_gate_is_added_by_its_page(copied: Path) -> None:
    """Row, check, sync: the tests pass, types hold, and a repository has it."""
    for step in steps("add-a-gate.md"):
        step.take(copied)
    assert ran(copied, "generator/sync.py").returncode == 0
    folder = renders(copied, "ml", "--set", "rigor=strict")

    assert failing(copied, "tests/test_catalogue.py", "tests/test_layers.py") == []
    assert ran(copied, "-m", "mypy").returncode == 0
    assert "- G2.9\n" in (folder / "plan/gates.yaml").read_text("utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "planrun", "status", "--all"],
        cwd=folder, env=os.environ | {"PYTHONPATH": "src:engine"}, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert re.search(r"G2\.9 +Every record says what was learned", said), said


def test_a_metric_is_added_by_its_page(copied: Path) -> None:
    """Row, line, sync: the tests pass, types hold, and a plan counts its rows."""
    for step in steps("add-a-metric.md"):
        step.take(copied)
    assert ran(copied, "generator/sync.py").returncode == 0
    chosen = ("task=regression", "metric=within_a_tenth", "current_value=0.5", "target_value=0.7", "min_gain=0.1")
    folder = renders(copied, "ml", *(word for text in chosen for word in ("--set", text)))

    assert failing(copied, "tests/test_catalogue.py", "tests/test_layers.py", "tests/test_questions.py") == []
    assert ran(copied, "-m", "mypy").returncode == 0
    assert "share within a tenth" in (folder / "docs/03-acceptance.md").read_text("utf-8")
    assert json.loads((folder / "plan/plan.json").read_text("utf-8"))["test"]["rows"]["value"] > 100


def synced(tree: Path) -> None:
    assert ran(tree, "generator/sync.py").returncode == 0


USED = "tests/test_questions.py::test_every_question_is_used"
FORGOTTEN: dict[str, tuple[str, int, Callable[[Path], None], Callable[[Path], bool]]] = {
    "a question that nothing uses": (
        "add-a-question.md", 1, synced,
        lambda tree: failing(tree, "tests/test_questions.py") == [USED],
    ),
    "a question without sync": (
        "add-a-question.md", -1, lambda tree: None,
        lambda tree: "cookiecutter.json" in ran(tree, "generator/sync.py", "--check").stdout,
    ),
    "a gate without its check": (
        "add-a-gate.md", 1, synced,
        lambda tree: "tests/test_catalogue.py::test_every_gate_has_a_row_and_every_row_a_check"
        in failing(tree, "tests/test_catalogue.py"),
    ),
    "a metric without its line": (
        "add-a-metric.md", 1, synced,
        lambda tree: "tests/test_catalogue.py::test_every_metric_of_the_catalogue_is_computed_and_planned"
        in failing(tree, "tests/test_catalogue.py"),
    ),
    "a metric without its row": (
        "add-a-metric.md", 0, lambda tree: None,
        lambda tree: 'incompatible type "Literal[\'within_a_tenth\']"' in ran(tree, "-m", "mypy").stdout,
    ),
    "a gate without its row": (
        "add-a-gate.md", 0, lambda tree: None,
        lambda tree: 'No overload variant of "gate"' in ran(tree, "-m", "mypy").stdout,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FORGOTTEN.values(), ids=FORGOTTEN)
def test_a_forgotten_step_is_named(
    case: tuple[str, int, Callable[[Path], None], Callable[[Path], bool]], copied: Path
) -> None:
    """Only the first step, only the second, or all of them without `sync.py`."""
    page, only, then, noticed = case
    listed = steps(page)
    for step in listed if only < 0 else listed[:1] if only == 1 else listed[1:]:
        step.take(copied)
    then(copied)

    assert noticed(copied)
