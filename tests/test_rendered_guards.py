"""Promises about guarded data and about the model, each seen red: one line is spoiled, and a test fails."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlscaffold import answers, render
from rendered_repository import run

pytestmark = pytest.mark.slow

GIVEN = {
    "kind": "software",
    "project_name": "Case desk",
    "capabilities": "Open a case",
    "data_class": "regulated",
    "ml_component": "http://127.0.0.1:9",
    "start_date": "",
}
SCENARIOS = "tests/acceptance/test_scenarios.py"


@dataclass(frozen=True)
class Spoiled:
    """One line of one module, what it becomes, and the test that has to notice."""

    deliverable: str
    module: str
    line: str
    becomes: str
    test: str


CASES = {
    "a caller nobody knows is let in": Spoiled(
        "service", "access.py", "if request.state.caller else _refused(request, pages)", "if True else None",
        f"{SCENARIOS}::test_security",
    ),
    "who saw which record is not noted": Spoiled(
        "service", "api.py", 'request.state.shown = [record["key"] for record in found]', "pass",
        f"{SCENARIOS}::test_reading",
    ),
    "a backup keeps what was deleted": Spoiled(
        "service", "backups.py", "if not any(gone.values()):", "if True:",
        f"{SCENARIOS}::test_deletion",
    ),
    "a deleted record is still in the file": Spoiled(
        "service", "deletion.py", 'connection.exec_driver_sql("pragma wal_checkpoint(truncate)")', "pass",
        f"{SCENARIOS}::test_deletion",
    ),
    "a job's backup keeps what was deleted": Spoiled(
        "batch", "deletion.py", "for table, whose in owned(ledger)",
        'for table, whose in owned(ledger) if "-" not in file.name',
        f"{SCENARIOS}::test_deletion",
    ),
    "a message repeats what was typed": Spoiled(
        "library", "contract.py", "The {name} holds characters", "The {name} {text} holds characters",
        f"{SCENARIOS}::test_security",
    ),
    "a decision is not kept": Spoiled(
        "service", "review.py", 'remember("decisions", line)', "pass", f"{SCENARIOS}::test_a_person_decides"
    ),
    "an answer to another question is believed": Spoiled(
        "library", "model.py", 'if answer.get("id") != id:', "if False:",
        "tests/test_model.py::test_a_wrong_part_falls_back_to_the_rule",
    ),
    "a dripping model is waited for": Spoiled(
        "library", "resilience.py", "    late.start()", "    pass",
        "tests/test_model.py::test_a_slow_model_is_not_waited_for",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A newly rendered repository of a deliverable."""

    def rendered(deliverable: str) -> Path:
        return render.render(answers.complete(GIVEN | {"deliverable": deliverable}), tmp_path_factory.mktemp("guard"))

    return rendered


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_broken_promise_turns_its_test_red(fresh: Callable[[str], Path], case: Spoiled) -> None:
    """Green as rendered, red with the line spoiled."""
    folder = fresh(case.deliverable)
    file = folder / "src" / "case_desk" / case.module
    text = file.read_text("utf-8")
    words = ("-q", "-p", "no:cacheprovider", case.test)
    before = run(folder, *words, module="pytest")
    assert text.count(case.line) == 1
    file.write_text(text.replace(case.line, case.becomes), "utf-8")
    after = run(folder, *words, module="pytest")

    assert before.returncode == 0, before.stdout
    assert after.returncode == 1, after.stdout
    assert "AssertionError" in after.stdout or "assert" in after.stdout
