"""Every deliverable that can be chosen is whole: its words, its program, its tests and the harness that reaches it."""

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlscaffold import answers, catalogue, questions, render
from mlscaffold.planning.requirements.draft import SYSTEMS
from mlscaffold.planning.requirements.functional import CALLERS
from mlscaffold.rendering.architecture import ENTRIES
from mlscaffold.rendering.delivered import DELIVERED
from planrun_software import harness
from planrun_software.harness.deliverable import Harness

CHOICES = questions.load()["deliverable"].choices
WHOLE: dict[str, Callable[[], object]] = {
    "words on pages": lambda: set(DELIVERED),
    "a name in requirements": lambda: set(SYSTEMS),
    "a caller in requirements": lambda: set(CALLERS),
    "an entry on the page of its architecture": lambda: (set(ENTRIES) - {"served"}) | {"service", "web-app"},
    "days for a capability": lambda: set(catalogue.work()["software"]["slice"].parts) - {"dependency"},
    "a harness": lambda: set(harness.MODULES),
}


@pytest.mark.parametrize("part", WHOLE)
def test_every_choice_has(part: str) -> None:
    """And nothing is there for what cannot be chosen."""
    assert WHOLE[part]() == set(CHOICES)


@pytest.mark.parametrize("name", CHOICES)
def test_a_harness_can_start_keep_and_bring_back(name: str) -> None:
    module = f"planrun_software.harness.{harness.MODULES[name]}"

    assert find_spec(module)
    assert issubclass(importlib.import_module(module).Own, Harness)


@pytest.mark.parametrize("name", CHOICES)
def test_a_repository_has_the_program_its_tests_and_a_first_run(name: str, tmp_path: Path) -> None:
    """Of this deliverable, and of it alone."""
    given = {"kind": "software", "kind_reason": "a test", "project_name": "Plain", "deliverable": name}
    folder = render.render(answers.complete(given), tmp_path)
    readme = folder.joinpath("README.md").read_text("utf-8")
    typed = readme.partition("## The first ten minutes")[2].partition("\n## ")[0]

    assert folder.joinpath("src/plain/run.py").is_file()
    assert folder.joinpath(f"tests/test_{DELIVERED[name].tests}.py").is_file()
    assert f"This repository delivers {DELIVERED[name].what}" in readme
    assert ("input.csv" in typed) == (name == "batch")
