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
from planrun.repository import Repo
from planrun_software import harness
from planrun_software.gates.documents import questions as asked
from planrun_software.gates.t1_requirements import questions_answered
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
    """By settings.py, whatever a product needs of others; and .env.example names each with its default.

    The variables of OpenTelemetry's standard are read beside it where the SDK reads them itself, and no others there.
    """
    needs = {"dependencies": "mail=99", "ml_component": "http://127.0.0.1:8000", "data_class": "personal"}
    texts = {"kind": "software", "deliverable": form, "decision": "Staff ask for leave; today it is lost."} | needs
    folder = render.render(answers.complete(texts), tmp_path)
    readers = {
        path.name for path in folder.glob("src/**/*.py") if re.search(r"environ\.get|getenv", path.read_text("utf-8"))
    }
    listed = re.findall(r"^([A-Z_]+)=", folder.joinpath(".env.example").read_text("utf-8"), re.MULTILINE)

    assert readers <= {"telemetry.py"}
    for telemetry in folder.glob("src/*/telemetry.py"):
        assert set(re.findall(r'"([A-Z]+)_[A-Z_]*"', telemetry.read_text("utf-8"))) <= {"OTEL"}
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


def _threats(form: str, folder: Path, **more: str) -> tuple[Path, str]:
    """A product rendered for its page of threats: the folder, and the page."""
    texts = {"kind": "software", "deliverable": form, "decision": "Staff ask for leave; today it is lost."} | more
    product = render.render(answers.complete(texts), folder)
    return product, product.joinpath("docs/threats.md").read_text("utf-8")


@pytest.mark.parametrize("data", ["none", "internal", "personal"])
@pytest.mark.parametrize("form", CHOICES)
def test_threats_name_controls_that_are_there(form: str, data: str, tmp_path: Path) -> None:
    """Each file is in the repository and each gate among its own; every open row has an owner; one screen holds it."""
    needs = {"dependencies": "mail=99", "ml_component": "http://127.0.0.1:8000", "data_class": data}
    needs |= {"capabilities": "Request leave; Approve leave", "rigor": "strict"}
    product, page = _threats(form, tmp_path, **needs)
    rows = [line for line in page.partition("## 2")[2].splitlines() if line.startswith("| ")][1:]
    named = {path for row in rows for path in re.findall(r"`([\w/.]+)`", row)} - {"requirements.lock"}
    here = [path for path in product.rglob("*") if "engine" not in path.parts]
    applies = catalogue.gates()
    called = {gate for gate in re.findall(r"T\d\.\d", page) if not applies[gate].is_called_for(_complete(form, needs))}

    assert {path for path in named if not any(f"/{path.rstrip('/')}" in one.as_posix() for one in here)} == set()
    assert called == set()
    assert rows
    assert all(row.count(" | ") == 4 for row in rows)
    assert len(page.splitlines()) <= 60


def _complete(form: str, more: dict[str, str]) -> answers.Answers:
    return answers.complete({"kind": "software", "deliverable": form, "decision": "Staff ask for leave."} | more)


def test_threats_are_of_the_entries_that_there_are(tmp_path: Path) -> None:
    """A command has no requests, a job no sessions; a web application whose data are personal has all of its own."""
    pages = {form: _threats(form, tmp_path / form, data_class="personal")[1] for form in CHOICES}
    entries = {form: set(re.findall(r"^\| ([^|]+) \| [STRIDE] \|", page, re.MULTILINE)) for form, page in pages.items()}
    http, kept, built = {"requests over HTTP", "messages to others"}, {"data at rest"}, {"packages and pipeline"}

    assert entries["service"] == http | kept | built
    assert entries["web-app"] == http | kept | built | {"pages", "sessions"}
    assert entries["batch"] == {"the file of rows", "results"} | kept | built
    assert entries["cli"] == {"what is typed"} | built
    assert entries["library"] == {"what callers pass"} | built


def test_threats_ask_each_of_six_things_of_what_others_reach(tmp_path: Path) -> None:
    """STRIDE, on the entry that anybody can knock at, with roles where one approves what another submits."""
    plain, approved = (
        _threats("service", tmp_path / name, capabilities=text)[1]
        for name, text in {"plain": "Submit a claim", "approved": "Submit a claim; Approve a claim"}.items()
    )

    for page in (plain, approved):
        assert set("STRIDE") == set(re.findall(r"^\| requests over HTTP \| ([STRIDE]) \|", page, re.MULTILINE))
    assert "May everybody who is let in do everything?" in plain
    assert "four eyes" in approved


def test_what_a_threat_leaves_open_holds_the_requirements_until_it_is_answered(tmp_path: Path) -> None:
    """T1.3 names the page, who is asked and what, and no longer asks for what has been written in its place."""
    product, page = _threats("service", tmp_path, data_class="internal")
    waiting = asked(Repo(product), ["docs/threats.md"])
    before = questions_answered(Repo(product)).reason
    product.joinpath("docs/threats.md").write_text(
        re.sub(r"\[NEEDS ANSWER owner: \w+\] [^|]*", "By the platform team. ", page), "utf-8"
    )
    after = questions_answered(Repo(product)).reason

    assert ("docs/threats.md", "ops", "Are disk and backups encrypted, and who holds the key? ") in waiting
    assert "docs/threats.md: Are disk and backups encrypted" in before
    assert "docs/threats.md" not in after
