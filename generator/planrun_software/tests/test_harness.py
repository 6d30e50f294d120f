"""The product as its callers meet it: carried out, refused with a reason, or neither, however it is delivered."""

import os
import re
from pathlib import Path

import pytest
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_software import harness
from planrun_software.harness import deliverable
from planrun_software.tests.conftest import Make
from planrun_software.tests.products import FILES
from planrun_software.tests.toy import PACKAGE, SAMPLE, Desk, samples
from planrun_software.traceability.offered import SAMPLES

DRIVEN = ("library", "cli", "batch")  # the service is driven over HTTP: test_http.py


def older(desk: Desk, folder: Path) -> Path:
    """The source of another release: it opens each file with one page more."""
    for path, text in FILES[desk.repo.answers["deliverable"]].items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("pages=request.page_count", "pages='one more'"), "utf-8")
    return folder / "src"


# ---------------------------------------------------------------------------------------------------- every product
@pytest.mark.parametrize("delivered", DRIVEN)
@pytest.mark.parametrize("release", ["this", "another"])
def test_a_request_is_carried_out_refused_or_neither(delivered: str, release: str, make: Make, tmp_path: Path) -> None:
    """With the release's own code, every field of the request, and what it says."""
    desk = make(delivered)
    drive = harness.of(desk.repo)
    source = older(desk, tmp_path / "older") if release == "another" else None
    (tmp_path / "data").mkdir()
    with drive.product(tmp_path / "data", source=source) as product:
        done = product.perform("open_file", {"subject": "A-7", "page_count": "12"})
        refused = product.perform("show_file", {"subject": " ", "page_count": "1"})

    assert (done.ok, done.refused) == (True, False)
    assert (done.body["subject"], done.body["pages"]) == ("A-7", "one more" if source else "12")
    assert done.seconds > 0
    assert (refused.ok, refused.refused) == (False, True)
    assert "The subject is empty." in refused.body["detail"]


@pytest.mark.parametrize(("delivered", "release"), [("cli", "this"), ("cli", "another"), ("library", "another")])
def test_a_release_that_breaks_has_refused_nothing(delivered: str, release: str, make: Make, tmp_path: Path) -> None:
    """A traceback ends with the same exit code as a refusal, and is none."""
    desk = make(delivered)
    drive = harness.of(desk.repo)
    source = older(desk, tmp_path / "older") if release == "another" else None
    with drive.product(tmp_path, source=source) as product:
        broken = product.perform("open_file", {"subject": "break"})

    assert (broken.ok, broken.refused) == (False, False)
    assert "KeyError" in str(broken.body)


BROKEN = {
    "import desk_calendar\n": ("ModuleNotFoundError", "Add desk_calendar to pyproject.toml, then: make setup"),
    f"from {PACKAGE} import further\n": ("cannot import name 'further'", "Correct src/{}/capabilities/__init__.py."),
    "def (:\n": ("SyntaxError", "Correct src/{}/capabilities/__init__.py."),
    "raise ValueError('from 1..3')\n": ("ValueError: from 1..3.", "Correct src/{}/capabilities/__init__.py."),
    "HOURS = 1 / 0\n": ("ZeroDivisionError", "Correct src/{}/capabilities/__init__.py."),
    f"import {PACKAGE}.further\n": (f"src/{PACKAGE}/further.py is missing", "Write it, or take its import out."),
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_product_that_cannot_be_imported_is_a_sentence(text: str, make: Make) -> None:
    """Whatever its own code raises: which file, why, and who mends it by what."""
    desk = make("library")
    module = desk.root / f"src/{PACKAGE}/capabilities/__init__.py"
    module.write_text(text, "utf-8")
    why, way = BROKEN[text]
    with pytest.raises(Trouble) as told:
        _ = harness.of(desk.repo).capabilities

    assert why in told.value.sentence
    assert told.value.remedy == way.format(PACKAGE)


def test_a_folder_of_capabilities_without_its_list_is_a_sentence(make: Make) -> None:
    """Python imports a folder whose __init__.py is gone, and finds nothing in it."""
    desk = make("library")
    path = f"src/{PACKAGE}/capabilities/__init__.py"
    desk.root.joinpath(path).unlink()
    with pytest.raises(Trouble) as told:
        _ = harness.of(desk.repo).first

    assert (told.value.sentence, told.value.remedy) == (f"{path} declares no CAPABILITIES.", f"Correct {path}.")


@pytest.mark.parametrize("delivered", DRIVEN)
def test_a_subject_that_looks_like_an_option_is_a_subject(delivered: str, make: Make, tmp_path: Path) -> None:
    drive = harness.of(make(delivered).repo)
    with drive.product(tmp_path) as product:
        assert product.perform("open_file", {"subject": "--page-count=é"}).body["subject"] == "--page-count=é"


@pytest.mark.parametrize("delivered", ["library", "cli"])
def test_what_is_set_is_set_for_as_long_as_the_copy_runs(
    delivered: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Systems that are not there stand in, unless a test says otherwise."""
    monkeypatch.setenv("DEPENDENCIES", "real")
    drive = harness.of(make(delivered).repo)
    with drive.product(tmp_path) as product:
        assert product.perform("open_file", {"subject": "A"}).body["others"] == "stand-in"
    with drive.product(tmp_path, DEPENDENCIES="silent") as product:
        assert product.perform("open_file", {"subject": "A"}).body["others"] == "silent"

    assert os.environ["DEPENDENCIES"] == "real"


def test_what_was_not_set_is_gone_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPENDENCIES", raising=False)
    monkeypatch.setenv("DESK_SHELF", "top")
    surroundings = deliverable.Surroundings(DESK_SHELF="low", DESK_LAMP="on")
    surroundings.enter()
    inside = [os.environ.get(name) for name in ("DEPENDENCIES", "DESK_SHELF", "DESK_LAMP")]
    surroundings.leave()

    assert inside == ["stand-in", "low", "on"]
    assert [os.environ.get(name) for name in ("DEPENDENCIES", "DESK_SHELF", "DESK_LAMP")] == [None, "top", None]


@pytest.mark.parametrize("delivered", ["library", "cli"])
def test_a_product_that_keeps_nothing_says_so(delivered: str, make: Make, tmp_path: Path) -> None:
    """Nothing to back up, nothing that comes back, no table."""
    drive = harness.of(make(delivered).repo)
    with drive.product(tmp_path) as product:
        product.perform("open_file", {"subject": "A"})
        assert product.kept() == []

    assert drive.backup(tmp_path, tmp_path / "backup") == 0
    assert drive.restore(tmp_path / "backup", tmp_path) == 0
    assert drive.content(tmp_path) == {}


# ---------------------------------------------------------------------------------------------------- a job
def test_a_job_remembers_and_its_ledger_can_be_brought_back(make: Make, tmp_path: Path) -> None:
    """Row for row, by content: one changed value is another table."""
    drive = harness.of(make("batch").repo)
    kept, again = tmp_path / "kept", tmp_path / "again"
    kept.mkdir()
    again.mkdir()
    with drive.product(kept) as product:
        for subject in ("A-1", "A-2", " A-3 "):
            assert product.perform("open_file", {"subject": subject.strip()}).ok
        assert [row["subject"] for row in product.kept()] == ["A-3", "A-2", "A-1"]
    counts = drive.backup(kept, tmp_path / "backup"), drive.restore(tmp_path / "backup", again)

    assert counts == (3, 3)
    assert drive.content(kept) == drive.content(again)
    assert drive.content(again)["files"].rows == 3
    with drive.product(again) as product:
        product.perform("open_file", {"subject": "A-1", "page_count": "9"})
    assert drive.content(again)["files"].rows == 3
    assert drive.content(kept) != drive.content(again)


def test_an_outcome_of_another_request_is_none_of_this_one(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that forgets what it was given has not carried it out, whatever else its results hold."""
    desk = make("batch")
    drive = harness.of(desk.repo)
    with drive.product(tmp_path) as product:
        assert product.perform("open_file", {"subject": "A-1"}).ok
        assert not product.perform("show_file", {"subject": " "}).ok
        request = drive.module("capabilities").Request("A-1")
        monkeypatch.setattr(drive.module("run"), "Request", lambda **row: request)
        assert not product.perform("open_file", {"subject": "A-2"}).ok


@pytest.mark.parametrize(
    ("code", "told"),
    [("import sys; sys.exit(3)", "ended with 3"), ("raise KeyError('pages')", "KeyError")],
    ids=["another exit code", "a traceback"],
)
def test_a_job_that_breaks_has_refused_nothing(code: str, told: str, make: Make, tmp_path: Path) -> None:
    """Neither carried out nor refused, and what a run before it left in the folder is not taken for its own."""
    desk = make("batch")
    drive = harness.of(desk.repo)
    source = older(desk, tmp_path / "older")
    with drive.product(tmp_path) as product:
        assert product.perform("open_file", {"subject": "A-1"}).ok
        assert product.perform("open_file", {"subject": " "}).refused
    (source / PACKAGE / "__main__.py").write_text(code, "utf-8")
    with drive.product(tmp_path, source=source) as product:
        broken = product.perform("open_file", {"subject": "A-1"})

    assert (broken.ok, broken.refused) == (False, False)
    assert told in str(broken.body)


# ---------------------------------------------------------------------------------------------------- what is offered
def test_the_harness_is_that_of_what_is_delivered(make: Make) -> None:
    """A start of a process a request is asked less often; only what is served has many callers at once."""
    desk = make("library")
    names, parallel = {}, {}
    for delivered in ("service", "web-app", "cli", "library", "batch"):
        desk.answer(deliverable=delivered)
        drive = harness.of(desk.repo)
        names[delivered], parallel[delivered] = type(drive).__module__.rpartition(".")[2], drive.PARALLEL > 1
        assert ("slo.demo_samples_p95" if delivered == "cli" else "slo.demo_samples") == drive.SAMPLES

    assert names == {"service": "http", "web-app": "http", "cli": "command", "library": "library", "batch": "job"}
    assert parallel == {"service": True, "web-app": True, "cli": False, "library": False, "batch": False}


def test_the_harness_is_found_from_a_test_of_the_repository(make: Make) -> None:
    """And drives the package that was imported, wherever that lies."""
    desk = make("library")
    desk.write("tests/acceptance/test_files.py", "")
    file = str(desk.root / "tests/acceptance/test_files.py")
    drive = harness.here(file)

    assert (drive.repo.root, drive.package, drive.source) == (desk.root, PACKAGE, desk.root / "src")
    assert type(drive).here(file).repo.root == desk.root


def test_a_package_that_is_not_installed_is_driven_from_here(desk: Desk) -> None:
    desk.answer(deliverable="library", project_slug="not-installed-anywhere")

    assert harness.of(desk.repo).source == desk.root / "src"


def test_drills_ask_for_the_first_that_does_something(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query keeps nothing, so nothing could come back from it; where all are queries there is nothing to ask for."""
    desk = make("service")
    capabilities = harness.of(desk.repo).module("capabilities")
    monkeypatch.setattr(capabilities, "QUERIES", ("open_file",))
    assert harness.of(desk.repo).first == "show_file"
    monkeypatch.setattr(capabilities, "QUERIES", ("open_file", "show_file"))

    with pytest.raises(Blocked, match="offers nothing to do"):
        harness.of(desk.repo).first  # noqa: B018  (it raises)


# ---------------------------------------------------------------------------------------------------- samples
def test_a_sample_is_a_request_of_its_number(make: Make) -> None:
    """Other fields where a test names them; the next one is as it was."""
    drive = harness.of(make("library").repo)

    assert drive.sample("open_file", 7, page_count="2") == {"subject": "A-7", "page_count": "2"}
    assert drive.sample("open_file") == {"subject": "A-0"}
    with pytest.raises(Blocked, match="close_file has no sample"):
        drive.sample("close_file")


def test_another_subject_has_a_number_of_its_own(make: Make) -> None:
    """So what else may be there once differs too; the sample's own subject is that sample, however it is spaced."""
    desk = make("library")
    numbered = 'def open_file(number):\n    return {"subject": f"A-{number}", "shelf": number}\n'
    desk.write("tests/samples/open_file.py", numbered)
    drive = harness.of(desk.repo)
    shelves = {text: drive.sample("open_file", subject=text)["shelf"] for text in ("B-7", "Erika", "é", "\ud800")}

    assert drive.sample("open_file", subject="A-7") == drive.sample("open_file", 7)
    assert drive.sample("open_file", subject=" A-7 ") == {"subject": " A-7 ", "shelf": 7}
    assert drive.sample("open_file", 3, subject="B-7")["shelf"] == 3
    assert len({*shelves.values()}) == len(shelves)
    assert all(1_000_000 <= shelf < 2_000_000 for shelf in shelves.values())


AFTER_OPEN = 'AFTER = "open_file"\n\n\ndef show_file(number):\n    return {"subject": f"A-{number}"}\n'


def test_what_has_to_be_there_is_asked_first(make: Make, tmp_path: Path) -> None:
    """On the same subject, by its own sample; drills ask for what needs nothing."""
    desk = make("service")
    desk.write("tests/samples/show_file.py", AFTER_OPEN)
    drive = harness.of(desk.repo)
    with drive.product(tmp_path) as product:
        drive.asked(product, "show_file", subject="née")
        drive.asked(product, "show_file", 4)
        drive.asked(product, "open_file", 5)
        kept = product.kept()

    assert [one["subject"] for one in kept] == ["A-5", "A-4", "née"]
    assert (drive.before("show_file"), drive.before("open_file")) == (("open_file",), ())


def test_drills_ask_for_what_needs_nothing_to_be_there(make: Make) -> None:
    """Whatever comes first in the plan."""
    desk = make("library")
    desk.write("tests/samples/open_file.py", 'AFTER = "show_file"\n\n\ndef open_file(number):\n    return {}\n')

    assert harness.of(desk.repo).first == "show_file"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ('"fly"', "AFTER names 'fly', which has no sample"),
        ('"show_file"', "AFTER names show_file, which comes before itself"),
        ("3", "AFTER is 3, and names no capability"),
        ("()", "names no capability"),
        ('("open_file", 3)', "names no capability"),
    ],
)
def test_an_order_that_cannot_be_kept_is_a_sentence(make: Make, after: str, told: str) -> None:
    """Which file, and what to write."""
    desk = make("library")
    desk.write("tests/samples/show_file.py", AFTER_OPEN.replace('"open_file"', after, 1))

    with pytest.raises(Trouble, match=re.escape(told)) as trouble:
        harness.of(desk.repo).before("show_file")
    assert "tests/samples/show_file.py" in f"{trouble.value} {trouble.value.remedy}"


def test_what_is_refused_before_is_told(make: Make, tmp_path: Path) -> None:
    """Whose sample it was, and why."""
    desk = make("library")
    desk.write("tests/samples/show_file.py", AFTER_OPEN)
    desk.write("tests/samples/open_file.py", 'def open_file(number):\n    return {"subject": "", "page_count": "1"}\n')
    drive = harness.of(desk.repo)

    with drive.product(tmp_path) as product, pytest.raises(Blocked, match="sample of open_file was not carried out"):
        drive.asked(product, "show_file", subject=" ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def form(number:\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError"),
        ("forms = {}\n", "AttributeError"),
    ],
)
def test_samples_that_cannot_be_read_are_said(text: str, told: str, make: Make) -> None:
    """By their file, with what is wrong."""
    desk = make("library")
    desk.write(SAMPLE, text)

    with pytest.raises(Blocked, match=f"{SAMPLE} cannot be used: {told}"):
        harness.of(desk.repo).sample("open_file")


def test_samples_that_are_not_there_are_said(make: Make) -> None:
    desk = make("library")
    desk.stands_for()

    with pytest.raises(Blocked, match=f"There is no {SAMPLES}"):
        harness.of(desk.repo).sample("open_file")


def test_samples_are_those_of_the_place_that_is_named(tmp_path: Path) -> None:
    """An older release is asked as its own samples ask, also in one process with this one's."""
    found = []
    for name in ("new", "old"):
        for path, text in samples("open_file", subject=f"{name} ").items():
            Desk(tmp_path / name).write(path, text)
        found.append(deliverable.samples_in(tmp_path / name / SAMPLES))

    assert [deliverable.sample_of(one, "open_file", 3)["subject"] for one in found] == ["new 3", "old 3"]


def test_the_package_is_named_by_the_answers(desk: Desk) -> None:
    assert deliverable.package_of(Repo(desk.root)) == PACKAGE
