"""The pages that add one thing are followed on a copy of the tree, and a forgotten step is named."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import copied_tree
import pytest
from copied_tree import ran
from material import ROOT

pytestmark = pytest.mark.slow

ADDED = re.compile(r'^(```+)\w+ add-to="([^"]+)" (after|at)="(.*?)"\n(.*?)^\1$', re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """Lines that a page adds to a file, or makes it of: at its end, or after the line that begins with `mark`."""

    file: str
    mark: str
    lines: str

    def take(self, tree: Path) -> None:
        """Add them to the copy."""
        path = tree / self.file
        text = path.read_text("utf-8") if path.is_file() else ""
        if not self.mark:
            path.write_text(text + self.lines, "utf-8")
            return
        line = next(line for line in text.splitlines(keepends=True) if line.startswith(self.mark))
        path.write_text(text.replace(line, line + self.lines, 1), "utf-8")


def steps(page: str) -> list[Step]:
    """The steps of a page in docs/, in order."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return [Step(file, mark if how == "after" else "", lines) for _, file, how, mark, lines in ADDED.findall(text)]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of this tree, to be added to."""
    return copied_tree.copy_to(tmp_path / "copy")


def failing(tree: Path, *files: str) -> list[str]:
    """The tests of the copy that fail."""
    return copied_tree.failing(copied_tree.tested(tree, *files))


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


def typed(folder: Path, *words: str) -> str:
    """What `planrun …` says in a repository that the copy made."""
    done = subprocess.run(
        [sys.executable, "-m", "planrun", *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": "src:engine"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_task_form_is_added_by_its_page(copied: Path) -> None:
    """Row, metric, model, sample, sync: the tests pass, types hold, and a repository goes from audit to acceptance."""
    for step in steps("add-a-task-form.md"):
        step.take(copied)
    assert ran(copied, "generator/sync.py").returncode == 0
    folder = renders(copied, "ml", "--set", "task=count")

    assert failing(copied, "tests/test_catalogue.py", "tests/test_layers.py", "tests/test_questions.py") == []
    assert ran(copied, "-m", "mypy").returncode == 0
    assert "with default answers expect FAIL." in (folder / "README.md").read_text("utf-8")
    assert "For one case the model gives the number that is expected." in folder.joinpath(
        "docs/03-acceptance.md"
    ).read_text("utf-8")
    assert "Recommendation: go." in typed(folder, "audit")
    for words in (("confirm", "--all"), ("baseline",), ("experiment",), ("sign", "G3")):
        typed(folder, *words)
    said = typed(folder, "accept")
    assert said.startswith("FAIL [synthetic sample data]: 0001-linear, poisson_deviance, look 1 of 3."), said
    own = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=folder, env=os.environ | {"PYTHONPATH": "src:engine"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert own.returncode == 0, own.stdout


def test_a_deliverable_is_added_by_its_page(copied: Path) -> None:
    """Choice, words, program, harness, sync: types hold, and a repository's tests, load and scenarios pass."""
    for step in steps("add-a-deliverable.md"):
        step.take(copied)
    assert ran(copied, "generator/sync.py").returncode == 0
    folder = renders(copied, "software", "--set", "deliverable=worker")

    assert failing(copied, "tests/test_deliverables.py", "tests/test_layers.py", "tests/test_questions.py") == []
    assert ran(copied, "-m", "mypy").returncode == 0
    assert "mkdir -p inbox" in (folder / "README.md").read_text("utf-8")
    typed(folder, "confirm", "--all")
    assert re.search(r"^8 passed", typed(folder, "test"), re.MULTILINE)
    assert "verdict: pass" in typed(folder, "load")
    accepted = typed(folder, "accept")
    assert "2 of 4 must requirements traced" in accepted  # one is looked at by a person, and one waits for its rule
    assert "only gives its request back" in accepted


def synced(tree: Path) -> None:
    assert ran(tree, "generator/sync.py").returncode == 0


# The page, which of its steps are taken (all, the first, all others, or those that fit), what follows, who notices.
Forgotten = tuple[str, int | Callable[[Step], bool], Callable[[Path], None], Callable[[Path], bool]]
SHOWN = "tests/test_catalogue.py::test_what_the_page_of_examples_names_is_in_the_sample"
FITS = "tests/test_catalogue.py::test_every_task_has_a_metric_that_fits_it_and_a_sample_with_its_target"
WHOLE = "tests/test_deliverables.py::test_every_choice_has"
FIRST_RUN = "tests/test_deliverables.py::test_a_repository_has_the_program_its_tests_and_a_first_run"
USED = "tests/test_questions.py::test_every_question_is_used"
FORGOTTEN: dict[str, Forgotten] = {
    "a question that nothing uses": (
        "add-a-question.md", 1, synced,
        lambda tree: failing(tree, "tests/test_questions.py") == [f"{USED}[ml]", f"{USED}[software]"],
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
    "a gate that nothing turns red": (
        "add-a-gate.md", lambda step: "self_test" not in step.file, synced,
        lambda tree: failing(tree, "tests/test_catalogue.py")
        == ["tests/test_catalogue.py::test_every_gate_is_seen_red"],
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
    "a task form without its metric": (
        "add-a-task-form.md", lambda step: "metric" not in step.file, lambda tree: None,
        lambda tree: "'poisson_deviance'" in ran(tree, "-m", "pytest", "-q", "tests/test_catalogue.py").stdout,
    ),
    "a task form without its sample": (
        "add-a-task-form.md", lambda step: not step.file.endswith("synthetic.py"), synced,
        lambda tree: failing(tree, "tests/test_catalogue.py") == [f"{FITS}[count]", f"{SHOWN}[count]"],
    ),
    "a task form without other arithmetic": (
        "add-a-task-form.md", lambda step: not step.file.endswith("harness.py"), synced,
        lambda tree: failing(tree, "tests/test_catalogue.py") == [f"{FITS}[count]"],
    ),
    "a metric of a task without a row": (
        "add-a-task-form.md", lambda step: not step.file.endswith("tasks.yaml"), synced,
        lambda tree: "tests/test_catalogue.py::test_every_task_that_a_metric_fits_has_a_row"
        in failing(tree, "tests/test_catalogue.py"),
    ),
    "a deliverable without a word": (
        "add-a-deliverable.md", lambda step: not step.file.endswith("functional.py"), synced,
        lambda tree: f"{WHOLE}[a caller in requirements]" in failing(tree, "tests/test_deliverables.py"),
    ),
    "a deliverable without a harness": (
        "add-a-deliverable.md", lambda step: "/harness/" not in step.file, synced,
        lambda tree: f"{WHOLE}[a harness]" in failing(tree, "tests/test_deliverables.py"),
    ),
    "a deliverable without its program": (
        "add-a-deliverable.md", lambda step: not step.file.endswith("run.py{% endif %}"), synced,
        lambda tree: failing(tree, "tests/test_deliverables.py") == [f"{FIRST_RUN}[worker]"],
    ),
    "a deliverable without a first run": (
        "add-a-deliverable.md", lambda step: not step.file.endswith("try-worker.md"), synced,
        lambda tree: failing(tree, "tests/test_deliverables.py") == [f"{FIRST_RUN}[worker]"],
    ),
    "a gate without its row": (
        "add-a-gate.md", 0, lambda tree: None,
        lambda tree: 'No overload variant of "gate"' in ran(tree, "-m", "mypy").stdout,
    ),
}  # fmt: skip


def chosen(listed: list[Step], only: int | Callable[[Step], bool]) -> list[Step]:
    """All steps, the first, all but the first, or those that fit."""
    if not isinstance(only, int):
        return [step for step in listed if only(step)]
    return listed if only < 0 else listed[:1] if only == 1 else listed[1:]


@pytest.mark.parametrize("case", FORGOTTEN.values(), ids=FORGOTTEN)
def test_a_forgotten_step_is_named(case: Forgotten, copied: Path) -> None:
    """One step is left out, or all are taken without `sync.py`."""
    page, only, then, noticed = case
    for step in chosen(steps(page), only):
        step.take(copied)
    then(copied)

    assert noticed(copied)
