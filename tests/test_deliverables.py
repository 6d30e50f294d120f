"""Every deliverable that can be chosen is whole: its words, its program, its tests and the harness that reaches it."""

import importlib
import re
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


@pytest.mark.parametrize("form", CHOICES)
def test_settings_are_read_in_one_place(form: str, tmp_path: Path) -> None:
    """By settings.py, whatever a product needs of others; and .env.example names each with its default."""
    needs = {"dependencies": "mail=99", "ml_component": "http://127.0.0.1:8000", "data_class": "personal"}
    texts = {"kind": "software", "deliverable": form, "decision": "Staff ask for leave; today it is lost."} | needs
    folder = render.render(answers.complete(texts), tmp_path)
    readers = {
        path.name for path in folder.glob("src/**/*.py") if re.search(r"environ\.get|getenv", path.read_text("utf-8"))
    }
    listed = re.findall(r"^([A-Z_]+)=", folder.joinpath(".env.example").read_text("utf-8"), re.MULTILINE)

    assert readers == set()
    assert {"MAIL_URL", "DEPENDENCIES", "MODEL_URL", "PREDICTION_LOG"} <= set(listed)
    assert ("BACKUPS" in listed) == (form in ("service", "web-app", "batch"))


@pytest.mark.parametrize("form", ["service", "web-app"])
def test_a_team_reads_how_its_table_refers_to_a_record(form: str, tmp_path: Path) -> None:
    """Where a capability that keeps more is described, by the name that the code has."""
    texts = {"kind": "software", "deliverable": form, "decision": "Staff ask for leave; today it is lost."}
    folder = render.render(answers.complete(texts), tmp_path)
    (tables,) = folder.glob("src/*/tables.py")

    assert "`record_of(session)`" in folder.joinpath("README.md").read_text("utf-8")
    assert "def record_of(session: Session)" in tables.read_text("utf-8")
