"""From a requirement to the test that shows it: which tests are marked, which could fail, and which of them ran."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from planrun.trouble import Blocked, Trouble

from planrun_software.tests.toy import LOCAL, SAMPLE, SCENARIOS, Desk
from planrun_software.traceability import marked_tests, muted, offered, requirements, runs, table

# ---------------------------------------------------------------------------------------------------- marked tests
START = 'import pytest\n\n\n@pytest.mark.req("R-01")\ndef test_it(desk):\n'


def empty(desk: Desk, *lines: str) -> bool:
    """Whether a test of these lines is one that could not fail."""
    desk.write(SCENARIOS, START + "".join(f"    {line}\n" for line in lines))
    [found] = marked_tests.marked_tests(desk.root)
    return found.empty


@pytest.mark.parametrize(
    "lines",
    [
        ["assert desk.opens('A')"],
        ["found = desk.opens('A')", "assert found"],
        ["found = 1", "found += desk.count", "assert found == 1"],
        ["for found in desk.files:", "    assert found"],
        ["with pytest.raises(ValueError):", "    desk.opens('')"],
        ["desk.assert_called_with('A')"],
        ["self.assertEqual(desk.count, 1)"],
        ["assert True and desk.count"],
        ["def check():", "    assert desk.count", "check()"],
        ["a, b = desk.files", "assert a"],
    ],
)
def test_a_test_that_looks_at_something_could_fail(lines: list[str], desk: Desk) -> None:
    assert not empty(desk, *lines)


@pytest.mark.parametrize(
    "lines",
    [
        ["pass"],
        ["desk.opens('A')"],
        ["assert True"],
        ["assert 1 == 1"],
        ["found = 'A'", "assert found == 'A'"],
        ["found = 1", "more = found + 1", "assert more == 2"],
        ["assert desk.opens('A') or True"],
        ["assert (desk.opens('A'), 'it opens')"],
        ["assert [desk.opens('A')]"],
        ["def check():", "    assert desk.count"],
        ["lambda: desk.assertEqual(1, 2)"],
        ["class Check:", "    def test(self):", "        assert desk.count"],
    ],
)
def test_a_test_that_looks_at_nothing_cannot_fail(lines: list[str], desk: Desk) -> None:
    """Whatever it calls: what it claims is settled, or never claimed."""
    assert empty(desk, *lines)


def test_marks_are_found_wherever_they_stand(desk: Desk) -> None:
    """On a function, a class or both, several in one, in a folder below; helpers and other marks are none."""
    desk.write(
        SCENARIOS,
        "from pytest import mark\n\n"
        '@mark.req("R-01", "R-02")\ndef test_two(desk): assert desk\n\n'
        '@mark.req("R-03")\nclass TestDesk:\n'
        '    @mark.req("R-04")\n    def test_both(self, desk): assert desk\n'
        "    async def test_one(self, desk): assert desk\n"
        "    def helper(self): assert self\n\n"
        '@mark.slow("R-09")\ndef test_other(desk): assert desk\n'
        "def test_bare(desk): assert desk\n",
    )
    desk.write("tests/unit/test_a.py", '@mark.req("R-05")\ndef test_a(desk): assert desk\n')
    desk.write("tests/unit/helpers.py", '@mark.req("R-06")\ndef test_b(desk): assert desk\n')

    assert {test.key: test.ids for test in marked_tests.marked_tests(desk.root)} == {
        f"{SCENARIOS}::test_two": ("R-01", "R-02"),
        f"{SCENARIOS}::TestDesk::test_both": ("R-03", "R-04"),
        f"{SCENARIOS}::TestDesk::test_one": ("R-03",),
        "tests/unit/test_a.py::test_a": ("R-05",),
    }


def test_a_test_that_is_no_python_is_said(desk: Desk) -> None:
    desk.write(SCENARIOS, "def test_it(:\n")

    with pytest.raises(Trouble, match=rf"{SCENARIOS} is not Python: .* in line 1\."):
        marked_tests.marked_tests(desk.root)


# ---------------------------------------------------------------------------------------------------- muted
PRODUCT = '''"""A desk."""

class Outcome(dict):
    @classmethod
    def of(cls, name, request): return cls(name=name, asked=request)

def open_file(request, note=""):
    """It opens one."""
    return Outcome(Outcome.of("open_file", request), pages=3)

def reopen_file(request): return open_file(request)["pages"]
'''


def imported(folder: Path) -> dict[str, Any]:
    """What the product's module holds now."""
    held: dict[str, Any] = {}
    exec(folder.joinpath("product.py").read_text("utf-8"), held)  # noqa: S102  (this test wrote it)
    return held


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with the product's one module."""
    folder = tmp_path / "src"
    folder.mkdir()
    folder.joinpath("product.py").write_text(PRODUCT, "utf-8")
    return folder


def test_a_muted_function_answers_nothing_and_no_other_is_touched(source: Path) -> None:
    source.joinpath("other.py").write_text("# as it is\ndef close_file(): return  1\n", "utf-8")
    there = muted.mute(source, "open_file"), muted.mute(source, "close"), muted.mute(source, "file")
    held = imported(source)

    assert there == (True, False, False)
    assert held["open_file"]("A") is None
    assert held["Outcome"].of("x", "A") == {"name": "x", "asked": "A"}
    assert source.joinpath("other.py").read_text("utf-8") == "# as it is\ndef close_file(): return  1\n"


def test_every_function_of_the_name_is_muted(source: Path) -> None:
    """Below the folder, in classes and asynchronous ones as well."""
    inner = source / "inner"
    inner.mkdir()
    inner.joinpath("more.py").write_text("class Desk:\n    async def open_file(self): return 1\n", "utf-8")
    muted.mute(source, "open_file")

    assert "return 1" not in inner.joinpath("more.py").read_text("utf-8")
    assert imported(source)["open_file"]("A") is None


def test_an_echo_gives_the_request_back(source: Path) -> None:
    """As the outcome that says nothing else, where there are outcomes."""
    assert muted.echo(source, "open_file")
    assert imported(source)["open_file"]("A") == {"name": "open_file", "asked": "A"}


@pytest.mark.parametrize(
    ("code", "could", "says"),
    [
        ("def show(request): return 7", True, "A"),
        ("def show(*, request=None): return 7", True, None),
        ("def show(): return 7", False, 7),
    ],
)
def test_an_echo_without_outcomes(code: str, could: bool, says: object, source: Path) -> None:
    """The request itself; a function that is handed nothing has nothing to give back."""
    source.joinpath("product.py").write_text(f"{code}\n", "utf-8")
    there = muted.echo(source, "show")
    show = imported(source)["show"]

    assert there == could
    assert (show("A") if "(request)" in code else show()) == says


def test_a_product_that_is_no_python_is_said(source: Path) -> None:
    source.joinpath("broken.py").write_text("def open_file(:\n", "utf-8")

    with pytest.raises(Trouble, match=r"broken\.py is not Python"):
        muted.mute(source, "open_file")


HOLLOW = "test_a_form_opens_a_file passes on a version in which open_file answers nothing"
PASSED = {f"{SCENARIOS}::test_a_form_opens_a_file": "passed", f"{SCENARIOS}::test_a_file_is_shown": "passed"}


def unseen(desk: Desk, monkeypatch: pytest.MonkeyPatch, ends: dict[str, str], **results: str) -> dict[str, Any]:
    """What is found where tests end so on every other version of the product; `desk` holds the one at hand."""
    desk.write("src/small_desk/capabilities/open_file.py", "def open_file(request): return 7\n")
    desk.requirement("R-02", kind="fault")  # only a capability's own function is muted
    monkeypatch.setattr(runs, "ends_on", lambda repo, source, tests: ends)
    return muted.unseen(desk.repo, PASSED | results)


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        ({f"{SCENARIOS}::x": "failed"}, ""),
        ({}, ""),  # it could not even be imported
        (
            {f"{SCENARIOS}::x": "passed"},
            "test_a_form_opens_a_file passes on a version in which open_file answers nothing",
        ),
        (
            {f"{SCENARIOS}::x": "skipped"},
            "test_a_form_opens_a_file passes on a version in which open_file answers nothing",
        ),
    ],
)
def test_a_test_that_notices_nothing_is_named(
    ends: dict[str, str], found: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = unseen(desk, monkeypatch, ends)

    assert told == {"hollow": {"R-01": found} if found else {}, "echoes": {}}


def test_a_test_that_sees_it_gone_may_still_only_see_what_it_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails where nothing is answered, and passes where the request comes back."""

    def ends(repo: object, source: Path, tests: object) -> dict[str, str]:
        is_echo = "return request" in source.joinpath("small_desk/capabilities/open_file.py").read_text("utf-8")
        return {"x": "passed" if is_echo else "failed"}

    desk.write("src/small_desk/capabilities/open_file.py", "def open_file(request): return 7\n")
    desk.requirement("R-02", kind="fault")
    monkeypatch.setattr(runs, "ends_on", ends)

    why = "test_a_form_opens_a_file passes on a version in which open_file only gives its request back"
    assert muted.unseen(desk.repo, PASSED) == {"hollow": {}, "echoes": {"R-01": why}}
    assert desk.root.joinpath("src/small_desk/capabilities/open_file.py").read_text("utf-8").endswith("return 7\n")


def test_only_what_passed_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed or was skipped says so itself."""
    key = next(iter(PASSED))

    assert unseen(desk, monkeypatch, {"x": "passed"}, **{key: "failed"}) == {"hollow": {}, "echoes": {}}


def test_a_function_that_is_not_there_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.requirement("R-01", function="unfold_file")

    told = unseen(desk, monkeypatch, {"x": "failed"})["hollow"]
    assert told == {"R-01": "src/ holds no function unfold_file, which its requirement names"}


# ---------------------------------------------------------------------------------------------------- requirements
def test_a_must_is_lowered_by_no_slip(desk: Desk) -> None:
    """Only should and could lower one; what a test has to show is a part of the musts."""
    for id, priority in (("R-01", "should"), ("R-02", "Should"), ("R-05", "could"), ("R-06", "")):
        desk.requirement(id, priority=priority)

    assert [row["id"] for row in requirements.musts(desk.repo)] == ["R-02", "R-03", "R-04", "R-06"]
    assert [row["id"] for row in requirements.by_test(desk.repo)] == ["R-02", "R-06"]


@pytest.mark.parametrize("text", ["[]", "[{id: R-01}, {text: without}]", "[{id: ''}]"])
def test_requirements_without_an_id_are_none(text: str, desk: Desk) -> None:
    desk.write(requirements.REQUIREMENTS, text)

    with pytest.raises(Trouble, match="no list of requirements with an id each"):
        requirements.requirements(desk.repo)


# ---------------------------------------------------------------------------------------------------- offered
def test_what_is_offered_is_read_from_requirements_and_source(desk: Desk) -> None:
    """Each once: those that a requirement names, then those that none names."""
    desk.requirement("R-02", function="")
    desk.requirement("R-05", function="close_file", kind="fault")
    desk.offers("open_file", "show_file", "fly")

    assert sorted(offered.offered(desk.repo)) == ["fly", "open_file", "show_file"]
    assert offered.offered(desk.repo)[0] == "open_file"


def test_what_stands_for_a_capability_is_read_from_the_samples(desk: Desk) -> None:
    desk.stands_for("fly", "open_file")
    assert offered.sampled(desk.repo) == ["fly", "open_file"]

    desk.write(SAMPLE, "def open_file(:\n")
    with pytest.raises(Trouble, match=r"is not Python: .* in line 1\."):
        offered.sampled(desk.repo)
    desk.stands_for()
    with pytest.raises(Blocked, match=f"There is no {offered.SAMPLES}"):
        offered.sampled(desk.repo)


# ---------------------------------------------------------------------------------------------------- runs
REPORT = """<testsuites><testsuite>
<testcase file="tests/test_a.py" classname="tests.test_a" name="test_x[1]"/>
<testcase file="tests/test_a.py" classname="tests.test_a" name="test_x[2]"><failure/></testcase>
<testcase file="tests/test_a.py" classname="tests.test_a" name="test_x[3]"><skipped/></testcase>
<testcase file="tests/test_a.py" classname="tests.test_a" name="test_y[a::b]"><skipped/></testcase>
<testcase file="tests/test_a.py" classname="tests.test_a" name="test_y[c]"/>
<testcase file="tests/in/test_b.py" classname="tests.in.test_b.TestIt.TestInner" name="test_z"/>
<testcase file="tests\\test_c.py" classname="tests.test_c" name="test_e"><error/></testcase>
<testcase file="tests/test_d.py" classname="" name="tests.test_d"><error message="collection failure"/></testcase>
</testsuite></testsuites>"""
ENDS = {
    "tests/test_a.py::test_x": "failed",
    "tests/test_a.py::test_y": "skipped",
    "tests/in/test_b.py::TestIt::TestInner::test_z": "passed",
    "tests/test_c.py::test_e": "failed",
    "tests/test_d.py": "failed",
}


ENDED = "test function"


class Pytest:
    """Stands for the process that runs the tests: it writes a report, where there is one, and ends with a code."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, report: str, code: int = 0) -> None:
        self.report, self.code, self.words = report, code, list[str]()
        monkeypatch.setattr(subprocess, "run", self)

    def __call__(self, words: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        self.words = words
        [place] = [word.partition("=")[2] for word in words if word.startswith("--junitxml=")]
        if self.report:
            Path(place).write_text(self.report, "utf-8")
        return subprocess.CompletedProcess(words, self.code)


def test_how_tests_ended_is_kept_with_what_they_ran_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function once, with the worst end of its parameters; an edit of the product or a requirement is stale."""
    Pytest(monkeypatch, REPORT, 1)
    found = runs.run_tests(desk.repo, ["tests"], "tests", lambda repo, results: {"seen": len(results)})

    assert found["results"] == ENDS
    assert (found["exit_code"], found["seen"]) == (1, 5)
    assert desk.repo.fresh("tests", "make test") == found
    desk.requirement("R-01", fit="Every form has 2 files.")
    with pytest.raises(Blocked, match=r"stale: plan/requirements\.yaml"):
        desk.repo.fresh("tests", "make test")


@pytest.mark.parametrize(
    ("report", "code", "told"),
    [
        (
            REPORT,
            0,
            f"1 {ENDED} passed, 1 {ENDED} skipped, 2 {ENDED}s failed, tests/test_d.py could not be read, where",
        ),
        ("", 4, "No test ran, where"),
    ],
)
def test_a_run_is_as_good_as_its_exit_code(
    report: str, code: int, told: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pytest(monkeypatch, report, code)
    outcome = runs.test(desk.repo)

    assert outcome.code == int(code != 0)
    assert outcome.text.startswith(told)


def test_another_source_leaves_no_evidence(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its tests run on that source, quoted as pytest reads it."""
    before = desk.root.joinpath("evidence/tests.json").read_bytes()
    started = Pytest(monkeypatch, REPORT, 1)
    ends = runs.ends_on(desk.repo, tmp_path / "with a space", ["tests/test_a.py"])

    assert ends == ENDS
    assert f"pythonpath='{(tmp_path / 'with a space').as_posix()}' engine" in started.words
    assert desk.root.joinpath("evidence/tests.json").read_bytes() == before
    started.report = ""
    assert runs.ends_on(desk.repo, tmp_path, ["tests"]) == {}


# ---------------------------------------------------------------------------------------------------- table
def rows_of(desk: Desk) -> dict[str, table.Row]:
    """The table of requirements and what shows them, by the requirement's id."""
    evidence = json.loads(desk.root.joinpath("evidence/acceptance.json").read_text("utf-8"))
    return {row.requirement: row for row in table.table(desk.repo, evidence)}


def test_a_requirement_leads_to_a_test_and_to_its_commit(desk: Desk) -> None:
    """By a test, or by evidence that its gate judges, or by a page; with the scenario in its three steps."""
    rows = rows_of(desk)
    commit = desk.git("log", "-1", "--format=%h", "--", SCENARIOS).strip()

    assert rows["R-01"] == table.Row(
        "R-01",
        "must",
        "a desk / somebody hands in a form / a file is open",
        (f"{SCENARIOS}::test_a_form_opens_a_file",),
        commit,
    )
    assert [row.shown_by for row in rows.values()][2:] == [("evidence/load.json",), ("docs/inspections/local.md",)]
    assert {(row.gap, row.waits) for row in rows.values()} == {("", "")}


@pytest.mark.parametrize(
    ("changes", "gap", "waits"),
    [
        ({"scenario": {"given": "a desk", "when": "asked"}}, "it has no complete scenario", ""),
        ({"scenario": "a desk"}, "it has no complete scenario", ""),
        ({"evidence": ""}, "", "its inspection names no evidence in plan/requirements.yaml"),
        ({"evidence": "docs/nowhere.md"}, "", "docs/nowhere.md does not exist"),
        ({"evidence": "docs/00-charter.md"}, "docs/00-charter.md does not say by: who looked", ""),
        ({"evidence": "evidence/other.json"}, "", "evidence/other.json does not exist"),
        ({"evidence": "evidence/tests.json"}, "evidence/tests.json does not say that its verdict is pass", ""),
        ({"evidence": "evidence/load.json"}, "", ""),
        ({"priority": "could", "evidence": ""}, None, None),
    ],
)
def test_evidence_that_is_named_has_to_be_there_and_pass(
    changes: dict[str, Any], gap: str | None, waits: str | None, desk: Desk
) -> None:
    desk.requirement("R-04", **changes)
    row = rows_of(desk).get("R-04")

    assert (row.gap, row.waits) == (gap, waits) if row else gap is None


@pytest.mark.parametrize(
    ("old", "new", "gap"),
    [
        ("by: Ana", "by:", "by: who looked"),
        ("on: 20", "on: spring 20", "on: the day"),
        ("result: pass", "result: passable", "result: pass"),
        ("result: pass", "result: fail", "result: pass"),
        ("R-04: ", "R-40: ", "R-04"),
    ],
)
def test_a_page_says_who_looked_when_and_what_came_of_it(old: str, new: str, gap: str, desk: Desk) -> None:
    page = LOCAL["evidence"]
    desk.edit(page, old, new)
    desk.commit()

    assert rows_of(desk)["R-04"].gap == f"{page} does not say {gap}"


def test_a_page_waits_for_its_commit(desk: Desk) -> None:
    desk.append(LOCAL["evidence"], "And nothing else.\n")

    assert (rows_of(desk)["R-04"].gap, rows_of(desk)["R-04"].waits) == ("", f"{LOCAL['evidence']} is not committed")


@pytest.mark.parametrize(
    ("changes", "gap", "waits"),
    [
        ({"p95_ms": 301}, "T3.3 is fail: It misses the plan", ""),
        ({"verdict": "inconclusive"}, "", "T3.3 is blocked: Not yet shown"),
    ],
)
def test_what_a_gate_judges_is_judged_by_it(changes: dict[str, Any], gap: str, waits: str, desk: Desk) -> None:
    """What fails is a gap; what is yet to come is waited for."""
    desk.shown("load", **changes)
    row = rows_of(desk)["R-03"]

    assert row.gap.startswith(gap)
    assert row.waits.startswith(waits)
    assert bool(row.gap) + bool(row.waits) == 1


@pytest.mark.parametrize(
    ("ends", "gap"),
    [
        ({"test_a_form_opens_a_file": "failed"}, "test_a_form_opens_a_file was failed"),
        ({"test_a_form_opens_a_file": "skipped"}, "test_a_form_opens_a_file was skipped"),
        ({}, "test_a_form_opens_a_file was not run"),
    ],
)
def test_a_test_that_did_not_pass_is_a_gap(ends: dict[str, str], gap: str, desk: Desk) -> None:
    evidence = {"results": {f"{SCENARIOS}::{name}": end for name, end in ends.items()}}

    assert table.table(desk.repo, evidence)[0].gap == gap


def test_what_its_run_found_is_told_where_nothing_else_is(desk: Desk) -> None:
    """A hollow test is a gap, an echo waits; a gap that was there before is not hidden by it."""
    desk.requirement("R-05")
    desk.ran("acceptance", hollow={"R-01": "it is hollow", "R-05": "hidden"}, echoes={"R-02": "it echoes"})
    rows = rows_of(desk)

    assert (rows["R-01"].gap, rows["R-02"].waits) == ("it is hollow", "it echoes")
    assert rows["R-05"].gap == "no test carries its id"


@pytest.mark.parametrize(
    ("plant", "code", "told"),
    [
        ({}, 0, "4 of 4 must requirements traced"),
        ({"evidence": "docs/nowhere.md"}, 0, "3 of 4 must requirements traced"),
        ({"evidence": "docs/00-charter.md"}, 1, "3 of 4 must requirements traced"),
    ],
)
def test_accept_runs_every_marked_test_and_traces_it(
    plant: dict[str, str], code: int, told: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stands; a gap is red, what waits for somebody is not."""
    desk.requirement("R-04", **plant)
    desk.write("tests/unit/test_a.py", '@mark.req("R-01")\ndef test_a(desk): assert desk\n')
    desk.commit()
    asked = []

    def run(repo: Any, tests: list[str], name: str, look: object) -> dict[str, Any]:
        asked.append((tests, name))
        desk.ran("acceptance")
        return dict(repo.evidence("acceptance"))

    monkeypatch.setattr(table, "run_tests", run)
    outcome = table.accept(desk.repo)

    assert asked == [(["tests/acceptance", "tests/unit/test_a.py::test_a"], "acceptance")]
    assert outcome.code == code, outcome.text
    assert outcome.text.splitlines()[-1].startswith(told)
    assert desk.repo.fresh("traceability", "")["gaps"] == code


def test_a_run_that_fails_is_not_accepted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where every requirement is traced: a test without a mark may have failed, or a file could not be read."""
    evidence = dict(desk.repo.evidence("acceptance") or {}) | {"exit_code": 2}
    monkeypatch.setattr(table, "run_tests", lambda *words: evidence)

    assert table.accept(desk.repo).code == 1


def test_ids_that_no_requirement_has_are_named_once(desk: Desk) -> None:
    desk.write("tests/unit/test_a.py", '@mark.req("R-99", "R-01", "R-98")\ndef test_a(desk): assert desk\n')
    desk.write("tests/unit/test_b.py", '@mark.req("R-99")\ndef test_b(desk): assert desk\n')

    assert table.unknown_ids(desk.repo) == ["R-98", "R-99"]
