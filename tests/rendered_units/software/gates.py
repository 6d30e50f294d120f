"""Gates of a software repository, each shut by what a team really does: a slip, a shortcut, an empty promise."""

import json
from pathlib import Path

import pytest
from planrun import environment
from planrun.repository import Repo
from planrun.signing import signatures
from planrun.trouble import Blocked
from planrun_software.build import check
from planrun_software.inspection import secrets_and_packages
from planrun_software.measuring.load import MEASURED
from planrun_software.self_test.conftest import LOAD, SCENARIOS, TODAY, Box
from planrun_software.traceability import marked_tests, requirements, runs, table

OUTSIDE = "docs/inspections/reach.md"


# ---------------------------------------------------------------------------------------------------- requirements
@pytest.mark.parametrize("priority", ["Must", "MUST", "high", "wont"])
def test_a_priority_is_must_should_or_could(box: Box, priority: str) -> None:
    """Any other word is named, and what it stands on stays a must: nothing is lowered by a slip."""
    box.requirement("R-01", priority=priority)

    row = box.state("T1.2")

    assert (row.state, f'R-01 has the priority "{priority}"' in row.reason) == ("fail", True)
    assert [found["id"] for found in requirements.by_test(Repo(box.root))] == ["R-01"]


def test_a_softened_objective_waits_for_somebody_who_agrees(box: Box) -> None:
    """99.9 % on systems that allow less: a draft alone does not make their failure acceptable."""
    soft = {"kind": "fault", "text": "If payments is silent, then it shall return a result marked as degraded."}
    box.requirement("R-02", **soft)
    box.plan(slo__objective=0.999, slo__ceiling=0.98, slo__ceiling_soft=0.999, slo__soft="payments")
    waits = box.state("T1.4")
    box.requirement("R-02", **soft, agreed="Ana, with the shop floor, 2026-05-04")
    agreed = box.state("T1.4")

    assert waits.state == "blocked"
    assert "nobody has agreed" in waits.reason
    assert "R-02" in waits.next_step
    assert agreed.state == "pass"


@pytest.mark.parametrize(("gate", "page"), [("T1", "docs/01-requirements.md"), ("T3", "docs/03-acceptance.md")])
def test_a_page_that_still_asks_is_not_signed(box: Box, gate: str, page: str) -> None:
    """Its answer would void the signature."""
    box.append(page, "\n[NEEDS ANSWER owner: po] How many?\n")

    with pytest.raises(Blocked, match="would void the signature"):
        signatures.sign(Repo(box.root), gate)


# ---------------------------------------------------------------------------------------------------- slips
SLIPS = [
    ("T5.3", "ops/reviews/template.md", "# Review\n", "ops/reviews/template.md is not named by the day"),
    ("T2.1", "plan/backlog.json", '[{"id": "B-7", "state": "started", "estimate_days": "two"}]', "'two'"),
    ("T2.1", "plan/backlog.json", '[{"id": "B-7", "state": "started", "depends_on": "B-1"}]', "'B-1'"),
    ("T3.4", "plan/backlog.json", '[{"kind": "defect", "severity": "1"}]', "id of item 1"),
    ("T4.2", "ops/alerts.yaml", "- {burn_rate: 14.4}\n", "ops/alerts.yaml holds"),
    ("T4.2", "ops/alerts.yaml", "alerts: [fast burn]\n", "'fast burn'"),
    ("T4.5", "ops/oncall.yaml", "severities: [Ana, Bo]\n", "'Ana'"),
    ("T4.5", "ops/oncall.yaml", "Ana\n", "ops/oncall.yaml holds"),
    ("T1.2", "plan/requirements.yaml", "R-01: it shall work\n", "plan/requirements.yaml holds"),
]


@pytest.mark.parametrize(("gate", "path", "text", "words"), SLIPS)
def test_a_slip_is_told_in_a_sentence(box: Box, gate: str, path: str, text: str, words: str) -> None:
    """It names the file and the value; no gate breaks on it."""
    box.write(path, text)

    row = box.state(gate)

    assert row.state == "fail"
    assert words in row.reason
    assert "broke" not in row.reason


def test_a_review_of_the_future_does_not_count(box: Box) -> None:
    """The quarter's review is overdue; a page for 2099 does not hold it."""
    box.answer("start_date", "2020-01-01")
    box.write("ops/reviews/2099-01-01.md", "It will have been fine.\n")

    assert box.state("T5.3").state == "fail"
    assert "2099-01-01 is still to come" in box.state("T5.3").reason

    box.write(f"ops/reviews/{TODAY}.md", "It was fine.\n")
    assert box.state("T5.3").state == "pass"


# ---------------------------------------------------------------------------------------------------- lock file
def locked(box: Box, product: str, tools: str) -> None:
    """Both locks as if compiled from the project as it stands, with these lines."""
    for name, asked in environment.asked(box.root).items():
        head = "".join(f"{environment.SOURCE}{one}\n" for one in asked.requirements)
        box.write(name, head + {environment.LOCK: product, environment.DEVELOPMENT: tools}[name])


def test_the_locks_pin_every_direct_dependency(box: Box) -> None:
    """An empty one pins none; names are compared as every index spells them, and each lock holds its own."""
    groups = 'dev = ["qux; os_name == \'nt\'", "tool"]'
    box.write("pyproject.toml", f'[project]\ndependencies = ["Foo_Bar>=1", "baz"]\n[dependency-groups]\n{groups}\n')
    found = []
    for lock in ("", "foo-bar==1.0\n", "foo-bar==1.0\nbaz @ https://example.org/baz.whl\n", "foo-bar\nbaz>=1\n"):
        locked(box, lock, "tool==2\nfoo-bar==1.0\nbaz==1\n")
        found.append(secrets_and_packages.unpinned(box.root))
    locked(box, "foo-bar==1.0\nbaz==1\n", "foo-bar==1.0\nbaz==1\n")

    assert found == [["foo-bar", "baz"], ["baz"], [], ["foo-bar", "baz"]]
    assert secrets_and_packages.loose(box.root).startswith("The locks do not pin tool, which pyproject.toml asks for")


def test_a_lock_is_behind_when_the_project_asks_for_something_else(box: Box) -> None:
    """A bound that moved is named, in whichever lock; a setting of a tool is none of it."""
    box.write("pyproject.toml", '[project]\ndependencies = ["baz"]\n')
    locked(box, "baz==1\n", "baz==1\n")
    in_step = secrets_and_packages.loose(box.root)
    box.write("pyproject.toml", '[project]\ndependencies = ["baz"]\n[tool.ruff]\nline-length = 99\n')
    tool = secrets_and_packages.loose(box.root)
    box.write("pyproject.toml", '[project]\ndependencies = ["baz>=2"]\n')

    assert (in_step, tool) == ("", "")
    assert secrets_and_packages.loose(box.root).startswith("requirements.lock is behind pyproject.toml: baz, baz>=2;")
    box.root.joinpath("requirements-dev.lock").unlink()
    assert secrets_and_packages.loose(box.root) == "requirements-dev.lock is missing. Run: make setup"


def test_an_empty_lock_file_is_red(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """`: > requirements.lock` satisfied the check once; the other parts of it are played green."""
    monkeypatch.setattr(check, "_run", lambda *words: "")
    monkeypatch.setattr(runs, "run_tests", lambda *words: {"exit_code": 0})
    box.write("pyproject.toml", '[project]\ndependencies = ["pyyaml>=6"]\n')
    ends = {}
    for lock in ("", "pyyaml==6.0\n"):
        locked(box, lock, lock)
        if not lock:
            box.write(environment.LOCK, "")
        ends[lock] = check.check(Repo(box.root)).code, box.state("T2.3").state

    assert ends == {"": (1, "fail"), "pyyaml==6.0\n": (0, "pass")}


# ---------------------------------------------------------------------------------------------------- tests
VACUOUS = [
    "done = True\n    assert done",
    "done = 'yes'\n    also = done\n    assert also == 'yes'",
    "def later():\n        assert list()\n    list()",
    "assert list('a') == 2 or True",
    "assert (list(), 'told')",
    "assert not False",
    "assert True or list()",
]
SOUND = [
    "done = list('a')\n    assert done",
    "def later():\n        assert list('a')\n    later()",
    "assert list('a') == ['a'] or list('b')",
    "assert tmp_path.name",
    "done = False\n    done = bool('a')\n    assert done",
    "for found in 'ab':\n        assert found",
    "with pytest.raises(ValueError):\n        int('a')",
]


@pytest.mark.parametrize(("body", "empty"), [(one, True) for one in VACUOUS] + [(one, False) for one in SOUND])
def test_what_could_never_fail_shows_nothing(tmp_path: Path, body: str, empty: bool) -> None:
    """An assertion counts where something that ran, or was handed in, could make it false."""
    text = f'import pytest\n\n\n@pytest.mark.req("R-01")\ndef test_more(tmp_path):\n    {body}\n'
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_more.py").write_text(text, "utf-8")

    assert [test.empty for test in marked_tests.marked_tests(tmp_path)] == [empty]


WAYS = """from product import report_status
from pytest import mark


class TestStatus:
    @mark.req("R-01")
    @mark.parametrize("name", ["a", "b::c"])
    def test_it(self, name):
        assert report_status() and name


@mark.req("R-01")
class TestMore:
    class TestInside:
        def test_it(self):
            assert report_status()
"""


@pytest.mark.parametrize("path", ["tests/acceptance/test_more.py", "tests/test_service.py"])
def test_marked_tests_count_wherever_they_are(box: Box, path: str) -> None:
    """In a class, under another import, outside the folder of scenarios: they are run, found and traced."""
    box.write("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["src"]\nmarkers = ["req(id): shown"]\n')
    box.write("src/product.py", "def report_status():\n    return 'well'\n")
    box.evidence("load", LOAD, *MEASURED)  # of this code
    box.write(SCENARIOS, "")
    box.write(path, WAYS)
    box.git("add", "-A")
    box.git("commit", "-q", "-m", "More")
    done = table.accept(Repo(box.root))
    results = json.loads((box.root / "evidence/acceptance.json").read_text("utf-8"))["results"]
    keys = {f"{path}::TestStatus::test_it", f"{path}::TestMore::TestInside::test_it"}

    assert results == dict.fromkeys(keys, "passed")
    assert "R-01   traced" in done.text
    assert [box.state(gate).state for gate in ("T3.1", "T3.2")] == ["pass", "pass"]


# ---------------------------------------------------------------------------------------------------- evidence
def test_the_moon_is_no_evidence(box: Box) -> None:
    """What a requirement names has to be there."""
    box.requirement("R-02", evidence="the moon")
    box.ended("acceptance")

    assert box.state("T3.2").state == "blocked"
    assert "R-02: the moon does not exist" in box.state("T3.2").reason


def test_evidence_that_is_not_there_yet_is_waited_for(box: Box) -> None:
    """Nobody has measured the load; then somebody has, and it missed the plan."""
    (box.root / "evidence/load.json").unlink()
    waits = box.state("T3.2")
    box.evidence("load", LOAD | {"verdict": "fail"}, *MEASURED)
    missed = box.state("T3.2")

    assert (waits.state, missed.state) == ("blocked", "fail")
    assert "R-02: T3.3 is blocked: evidence/load.json is missing" in waits.reason
    assert "R-02: T3.3 is fail: It misses the plan" in missed.reason


def test_a_json_of_another_name_says_that_it_passes(box: Box) -> None:
    """Sealed, and with a verdict."""
    box.requirement("R-02", evidence="evidence/weight.json")
    box.ended("acceptance")
    states = []
    for facts in ({"kilograms": 3}, {"verdict": "fail"}, {"verdict": "pass"}):
        box.evidence("weight", facts)
        states.append(box.state("T3.2").state)
    box.edit("evidence/weight.json", '"pass"', '"pass "')

    assert states == ["fail", "fail", "pass"]
    assert "edited by hand" in box.state("T3.2").reason


@pytest.mark.parametrize(
    ("pattern", "new", "words"),
    [
        ("^result: pass", "result: fail", "does not say result: pass"),
        ("^by: .*", "by:", "does not say by: who looked"),
        ("^on: .*", "on: one day", "does not say on: the day"),
        ("R-03", "R-04", "does not say R-03"),
        ("^R-03", "R-03, again", "is not committed"),
    ],
)
def test_an_inspection_is_a_page_that_says_who_when_and_what_came_of_it(
    box: Box, pattern: str, new: str, words: str
) -> None:
    """A page that lacks one of them shows nothing."""
    assert box.state("T3.2").state == "pass"

    box.edit(OUTSIDE, pattern, new)

    assert box.state("T3.2").state in ("fail", "blocked")
    assert words in box.state("T3.2").reason


def test_an_inspection_that_names_no_page_is_waited_for(box: Box) -> None:
    """It was called traced once, by nothing but the word inspection."""
    box.requirement("R-03", evidence="")
    box.ended("acceptance")

    assert box.state("T3.2").state == "blocked"
    assert "R-03: its inspection names no evidence" in box.state("T3.2").reason


def test_a_must_without_a_scenario_shuts_t31(box: Box) -> None:
    """Two scenarios for three requirements are not enough."""
    box.requirement("R-03", verification="test")
    box.ended("acceptance")

    assert box.state("T3.1").state == "blocked"
    assert "No test shows R-03" in box.state("T3.1").reason
    assert '@pytest.mark.req("R-03")' in box.state("T3.1").next_step
