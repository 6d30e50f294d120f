"""Gates of a software repository, each shut by what a team really does: a slip, a shortcut, an empty promise."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from planrun import environment
from planrun.command import COMMAND
from planrun.gates import evaluate
from planrun.repository import Repo
from planrun.signing import signatures
from planrun.trouble import Blocked
from planrun_software.build import check
from planrun_software.drills import rollback
from planrun_software.inspection import secrets_and_packages
from planrun_software.measuring.load import MEASURED
from planrun_software.self_test.conftest import ALERT, BUDGET, DRILL, LOAD, RECORD, RUNBOOK, SCENARIOS, TODAY, Box
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


# ---------------------------------------------------------------------------------------------------- what a gate says
OPEN = {
    "T0.1": "docs/00-charter.md is complete.",
    "T0.2": "The advisor said software (rules); the record is accepted.",
    "T0.3": "Every deliverable has one who answers for it and one who does it.",
    "T1.1": "3 requirements; no capability is without one, none names another.",
    "T1.2": "3 requirements: one shall, a fit criterion, a verification and an owner each.",
    "T1.3": "Every assumption is confirmed and every question answered.",
    "T1.4": "99.0000% is within the 99.9000% that the dependencies allow.",
    "T1.5": "2 of 8 workers can carry the load test's rate.",
    "T1.6": f"{RECORD} is complete.",
    "T1.7": "0 risks of 12 or more, each with an owner, a response and a date.",
    "T1.8": "Signed by po Ana, swe Ana.",
    "T2.1": "1 started item, none too large, none waiting for another.",
    "T2.2": "1 test function ran; each must requirement that a test shows has one that passes.",
    "T2.3": "Green: lint.",
    "T2.4": "The code host asks the code owners; whether they looked, only it knows.",
    "T2.5": "No started item is past its date.",
    "T2.6": "1 sample, one for each capability.",
    "T3.1": "1 scenario passed; each of 1 must requirement that a test shows has one.",
    "T3.2": "Every must requirement leads to a committed test that passed, or to evidence that passes.",
    "T3.3": "Shown: p95 5 of 300 ms, 0 of 900 failed.",
    "T3.4": "0 open defects in plan/backlog.json, none of severity 1 or 2.",
    "T3.5": "No secret in 50 files; no known weakness in 20 packages.",
    "T3.6": "Signed by po Ana.",
    "T4.1": f"Back on a in 2 s on {TODAY} (limit 15 min).",
    "T4.2": f"1 alert as planned; a test alert was delivered on {TODAY}.",
    "T4.3": f"9 records came back equal in 1 s on {TODAY}.",
    "T4.4": "p95 5 ms and errors 0.000% with 1 worker.",
    "T4.5": "docs/04-operations.md is complete.",
    "T4.6": f"20 packages pinned, none with a known weakness on {TODAY}.",
    "T5.1": f"80% of the error budget is left on {TODAY}.",
    "T5.2": "0 postmortems, each with owned actions.",
    "T5.3": f"The next quarterly review is due by {date.fromisoformat(TODAY) + timedelta(91)}.",
}


def test_an_open_gate_says_why_it_is_open(box: Box) -> None:
    """What was counted, by whom it was signed, and on which day it was shown."""
    rows = {row.id: row for row in evaluate(Repo(box.root))}

    assert {id: rows[id].reason for id in OPEN} == OPEN
    assert {row.id: row.next_step for row in rows.values()} == dict.fromkeys(rows, "")


def unanswered(box: Box, key: str) -> None:
    """An answer that is not there, as in a repository that was made before it was asked for."""
    box.edit("plan/project.yaml", f"^{key}:.*\n", "")
    box.plan()


def ago(days: int) -> str:
    return (date.fromisoformat(TODAY) - timedelta(days)).isoformat()


@pytest.mark.parametrize(("days", "state"), [(90, "pass"), (91, "blocked")])
def test_a_rehearsal_counts_for_ninety_days_unless_another_age_is_said(box: Box, days: int, state: str) -> None:
    """An answer that lacks is the one that would have been proposed."""
    unanswered(box, "drill_age_days")
    box.evidence("rollback_drill", DRILL | {"on": ago(days)}, *rollback.MEASURED)
    unsaid = box.state("T4.1")
    box.answer("drill_age_days", str(days - 1))

    assert unsaid.state == state
    assert state == "pass" or unsaid.reason == "The last rehearsal is 91 days old, and 90 count."
    assert box.state("T4.1").reason == f"The last rehearsal is {days} days old, and {days - 1} count."


@pytest.mark.parametrize(("seconds", "state"), [(900, "pass"), (901, "fail")])
def test_going_back_may_take_a_quarter_of_an_hour_unless_more_is_said(box: Box, seconds: int, state: str) -> None:
    """To the second; a longer time that is allowed opens it."""
    unanswered(box, "rollback_minutes")
    box.evidence("rollback_drill", DRILL | {"seconds": seconds}, *rollback.MEASURED)
    unsaid = box.state("T4.1")
    box.answer("rollback_minutes", "16")

    assert unsaid.state == state
    assert state == "pass" or unsaid.reason == "It took 901 s, and 15 minutes are allowed."
    assert box.state("T4.1").state == "pass"


@pytest.mark.parametrize(
    ("limit", "state", "reason"),
    [
        (None, "blocked", "Nobody has said how many workers the hosting gives."),
        ("2", "pass", "2 of 2 workers can carry the load test's rate."),
        ("1", "fail", "2 are needed, and the limit is 1."),
    ],
)
def test_workers_are_held_against_what_the_hosting_gives(box: Box, limit: str | None, state: str, reason: str) -> None:
    """All of them may be needed; that nobody said how many there are is no limit."""
    if limit is None:
        unanswered(box, "worker_limit")
    else:
        box.answer("worker_limit", limit)

    assert (box.state("T1.5").state, box.state("T1.5").reason) == (state, reason)


def test_capabilities_that_nobody_confirmed(box: Box) -> None:
    """A list that was proposed is not what somebody wants until a person says so."""
    rows = [{"key": "capabilities", "value": "Report status", "confirmed_by": "", "confirmed_on": ""}]
    box.write("plan/assumptions.yaml", json.dumps(rows))
    row = box.state("T1.1")
    box.write("plan/assumptions.yaml", json.dumps([rows[0] | {"key": "metric"}]))

    assert (row.state, row.reason) == ("blocked", "The capabilities are a default that nobody has confirmed.")
    assert row.next_step == f"Read plan/assumptions.yaml, then: {COMMAND} confirm --all"
    assert box.state("T1.1").state == "pass"


def test_what_is_owed_before_building_is_listed(box: Box) -> None:
    """Assumptions first, then each question with who answers it, by role, and where it stands."""
    rows = [{"key": key, "value": "1", "confirmed_by": "", "confirmed_on": ""} for key in ("rigor", "ci")]
    box.write("plan/assumptions.yaml", json.dumps(rows))
    box.append("docs/02-iterations.md", "\n[NEEDS ANSWER owner: swe] How long?\n")
    box.append("docs/04-operations.md", "\n[NEEDS ANSWER owner: ops] Who is called?\n")
    row = box.state("T1.3")
    box.write("plan/assumptions.yaml", "[]")

    assert row.reason.splitlines() == [
        "2 assumptions unconfirmed: rigor, ci. 2 open questions in docs/:",
        "                 ops  docs/04-operations.md: Who is called?",
        "                 swe  docs/02-iterations.md: How long?",
    ]
    assert row.next_step == f"Read plan/assumptions.yaml, then: {COMMAND} confirm --all"
    assert box.state("T1.3").next_step == "Answer, as swe, in docs/02-iterations.md: How long?"


def test_what_is_wrong_with_requirements_is_counted(box: Box) -> None:
    """The first is told, and how many there are."""
    box.requirement("R-01", owner="", fit="fast enough")
    box.requirement("R-03", verification="hope")

    assert box.state("T1.2").reason == "R-01 has no owner. (3 in all)"


# ---------------------------------------------------------------------------------------------------- reviews
@pytest.mark.parametrize(
    ("rule", "folder", "state"),
    [
        ("* @ana", "", "pass"),
        ("src @ana", "", "pass"),
        ("# * @ana", "", "blocked"),
        ("* @ana", "apps/one", "pass"),
        ("/apps/ @ana", "apps/one", "pass"),
        ("/apps/one @ana", "apps/one", "pass"),
        ("/apps/one/src/ @ana", "apps/one", "pass"),
        ("/apps/two/ @ana", "apps/one", "blocked"),
        ("/apps/on @ana", "apps/one", "blocked"),
        ("/apps/ones @ana", "apps/one", "blocked"),
    ],
)
def test_code_owners_are_those_of_the_projects_folder(box: Box, rule: str, folder: str, state: str) -> None:
    """In a repository of several projects a neighbour's owners review nothing here."""
    box.answer("folder", folder)
    box.write(".github/CODEOWNERS", f"{rule}\n")

    assert box.state("T2.4").state == state


@pytest.mark.parametrize("ci", ["github", "gitlab", "azure", "none", None])
def test_code_owners_are_named_where_the_host_reads_them(box: Box, ci: str | None) -> None:
    """By the answer that writes the file, on a host that reads it; elsewhere whoever sets the host decides."""
    box.write(".github/CODEOWNERS", "")
    if ci is None:
        unanswered(box, "ci")
    else:
        box.answer("ci", ci)

    step = box.state("T2.4").next_step
    if ci in ("azure", "none"):
        assert step == "swe Ana decides: names in docs/CODEOWNERS whose review the code host is set to ask for"
    else:
        assert step == "mlscaffold replan --set code_owners=…"


# ---------------------------------------------------------------------------------------------------- alerts
PLANNED = ALERT | {"runbook": RUNBOOK}
UNLIKE = "ops/alerts.yaml is not what the plan computed: "


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([PLANNED | {"burn_rate": 14.5}], f"{UNLIKE}burn_rate of alert 1."),
        ([PLANNED | {"burn_rate": "fast"}], f"{UNLIKE}burn_rate of alert 1."),
        ([PLANNED | {"min_requests": 15, "long_window_hours": 2}], f"{UNLIKE}long_window_hours of alert 1."),
        ([PLANNED | {"short_window_minutes": 6}], f"{UNLIKE}short_window_minutes of alert 1."),
        ([PLANNED, PLANNED], f"{UNLIKE}2 alerts instead of 1."),
        ([PLANNED | {"burn_rate": 9}, PLANNED], f"{UNLIKE}burn_rate of alert 1."),
        ([], f"{UNLIKE}0 alerts instead of 1."),
        ([PLANNED | {"owner": " nobody "}], "An alert has no owner."),
        ([PLANNED | {"owner": "operator (not named yet)"}], "An alert has no owner."),
        ([PLANNED | {"runbook": "docs/05-none.md#7-troubleshooting"}], "docs/05-none.md#7-troubleshooting is no"),
    ],
)
def test_alerts_are_the_plans(box: Box, rows: list[dict[str, Any]], reason: str) -> None:
    """The first figure that differs is named, or else how many alerts there are; each wakes somebody, by a page."""
    box.write("ops/alerts.yaml", json.dumps({"alerts": rows}))

    row = box.state("T4.2")

    assert row.state == "blocked"
    assert row.reason.startswith(reason)
    assert "ops/alerts.yaml" in row.next_step


@pytest.mark.parametrize(("status", "state"), [(199, "fail"), (200, "pass"), (299, "pass"), (300, "fail")])
def test_a_test_alert_is_delivered_by_any_success(box: Box, status: int, state: str) -> None:
    """2xx, whichever; a redirection reached nobody."""
    box.evidence("alert_test", {"status": status, "on": TODAY}, "ops/alerts.yaml")

    assert box.state("T4.2").state == state
    assert state == "pass" or box.state("T4.2").reason == f"The test alert was refused with status {status}."


# ---------------------------------------------------------------------------------------------------- error budget
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"left": 0.004}, ""),
        ({"left": 0, "failed": 10}, "10 of 1000 failed: the budget is spent."),
        ({"on": ago(1)}, ""),
        ({"on": ago(2)}, "No data for 2 days, which counts as a spent budget."),
    ],
)
def test_an_error_budget_is_spent_at_nothing_left_and_after_a_day_unseen(
    box: Box, facts: dict[str, Any], reason: str
) -> None:
    """Who counts is told how, and the po what is left to decide."""
    box.evidence("error_budget", BUDGET | facts)

    row = box.state("T5.1")

    assert row.state == ("fail" if reason else "pass")
    assert reason in row.reason
    if "left" in facts and reason:
        assert row.next_step.startswith("po Ana decides: merge repairs only, until: ")
        assert row.next_step.endswith(f"; or {COMMAND} waive T5.1 --reason … --until …")
    if reason:
        assert f"{COMMAND} budget --total N --failed M" in row.next_step
