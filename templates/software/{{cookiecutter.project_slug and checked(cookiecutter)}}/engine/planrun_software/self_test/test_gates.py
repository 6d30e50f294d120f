"""Every gate is open in a repository where all is well, and shuts when one thing is wrong."""

import json
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from planrun.repository import Repo
from planrun.trouble import Blocked

from planrun_software.drills import releases, restore, rollback
from planrun_software.harness.deliverable import Reply
from planrun_software.measuring import load
from planrun_software.measuring.bounds import upper_bound
from planrun_software.measuring.error_budget import budget
from planrun_software.measuring.load import Target, judged
from planrun_software.self_test.conftest import (
    AUDIT,
    BUDGET,
    DRILL,
    LOAD,
    RECORD,
    REPORT,
    RESTORE,
    SCENARIOS,
    TODAY,
    Box,
)
from planrun_software.traceability import marked_tests, muted, runs
from planrun_software.traceability.offered import SAMPLES

LONG_AGO = (date.today() - timedelta(days=400)).isoformat()
MORE = "tests/acceptance/test_more.py"


def _test(body: str) -> Callable[[Box], None]:
    """One more marked test, uncommitted, after a run in which it passed."""
    text = f'import pytest\n\n\n@pytest.mark.req("R-01")\ndef test_more():\n    {body}\n'
    return _then_run(lambda box: box.write(MORE, text))


def _then_run(plant: Callable[[Box], None]) -> Callable[[Box], None]:
    """An edit, after which the tests passed again."""

    def edit_and_run(box: Box) -> None:
        plant(box)
        box.ended("tests")
        box.ended("acceptance")

    return edit_and_run


def _do(method: str, *words: Any, **more: Any) -> Callable[[Box], None]:
    """One thing done to the box."""
    return lambda box: getattr(box, method)(*words, **more)


def _item(**item: Any) -> Callable[[Box], None]:
    return _do("write", "plan/backlog.json", json.dumps([{"id": "B-1", "state": "started"} | item]))


def _drill(name: str, facts: dict[str, Any], **changes: Any) -> Callable[[Box], None]:
    measured = {"load": load.MEASURED, "restore": restore.MEASURED, "rollback_drill": rollback.MEASURED}
    return _do("evidence", name, facts | changes, *measured.get(name, ()))


def _unseen(found: str, does: str) -> Callable[[Box], None]:
    """A run in which the test of a capability passed, and passed as well where the capability does something less."""

    def plant(box: Box) -> None:
        results = {test.key: "passed" for test in marked_tests.marked_tests(box.root)}
        told = {"R-01": f"test_status passes on a version in which report_status {does}"}
        box.evidence("acceptance", {"exit_code": 0, "results": results, found: told}, *runs.MEASURED)

    return plant


def _field(row: str = "R-01", /, **changes: Any) -> Callable[[Box], None]:
    return _do("requirement", row, **changes)


COUNTERS = 'requests_total{path="/a",status="201"} 99999\nrequests_total{path="/a",status="503"} 1'
RISK = {"id": "R9", "active": True, "score": 15, "owner": "", "response": "x", "due": TODAY}
QUESTION = "\n[NEEDS ANSWER owner: po] Who?\n"
CASES: list[tuple[str, str, str, Callable[[Box], None]]] = [
    ("T0.1", "blocked", "open question", _do("append", "docs/00-charter.md", QUESTION)),
    ("T0.2", "blocked", "proposed", _do("edit", RECORD, "^status: .*", "status: proposed")),
    ("T0.3", "blocked", "Nobody is named", _do("answer", "team", "po=?:1; swe=Ana:1")),
    ("T0.3", "fail", "Nobody answers", _do("plan", people__problems=["Nobody answers for it."])),
    ("T0.4", "blocked", "does not fit", _do("plan", schedule__fits=False)),
    ("T0.4", "fail", "at best", _do("plan", schedule__floor_days=9999)),
    ("T1.1", "fail", "R-02 names no capability", _field("R-02", capability="Fly")),
    ("T1.1", "fail", "No requirement names", _do("answer", "capabilities", "Fly")),
    ("T1.2", "fail", "shall exactly once", _field(text="When asked, it shall shall answer.")),
    ("T1.2", "fail", "does not open with", _field(text="Somehow it shall answer.")),
    ("T1.2", "fail", "fit criterion", _field(fit="fast enough")),
    ("T1.2", "fail", 'verification "hope"', _field(verification="hope")),
    ("T1.2", "fail", "has no owner", _field(owner="")),
    ("T1.2", "fail", "used twice", _field("R-02", id="R-01")),
    ("T1.3", "blocked", "unconfirmed", _do("write", "plan/assumptions.yaml", "[{key: rigor, confirmed_by: ''}]")),
    ("T1.3", "blocked", "open question", _do("append", "docs/02-iterations.md", QUESTION)),
    ("T1.4", "fail", "does not fit", _do("plan", slo__ceiling=0.9, slo__ceiling_soft=0.9)),
    ("T1.4", "fail", "does not fit", _do("plan", slo__ceiling=0.9, slo__soft="moon")),
    ("T1.5", "blocked", "Nobody has said", _do("answer", "worker_limit", "")),
    ("T1.5", "fail", "are needed", _do("answer", "worker_limit", "1")),
    ("T1.6", "blocked", "open question", _do("append", RECORD, QUESTION)),
    ("T1.7", "blocked", "R9", _do("plan", risks=[RISK])),
    (
        "T1.9",
        "blocked",
        "1 question on privacy",
        _do("edit", "docs/01-requirements.md", "Consent", f"Consent {QUESTION}"),
    ),
    ("T1.9", "blocked", "says nothing on privacy", _do("edit", "docs/01-requirements.md", "### Privacy.*\n\n.*", "")),
    ("T1.8", "blocked", "changed after T1", _field(fit="within 9 days")),
    ("T2.1", "blocked", "before", _item(depends_on=["B-0"])),
    ("T2.1", "blocked", "half an iteration", _item(estimate_days=99)),
    ("T2.2", "blocked", "No test shows", _then_run(_do("edit", SCENARIOS, "R-01", "R-99"))),
    ("T2.2", "fail", "asserts nothing", _test("pass")),
    ("T2.2", "fail", "fails", _do("ended", "tests", "failed")),
    ("T2.2", "blocked", "skipped", _do("ended", "tests", "skipped")),
    ("T2.2", "blocked", "stale", _do("write", "src/more.py", "")),
    ("T2.3", "fail", "types", _do("evidence", "build", {"results": {"types": "red"}}, *runs.MEASURED)),
    ("T2.4", "blocked", "No code owner", _do("write", ".github/CODEOWNERS", "# none yet\n")),
    ("T2.5", "blocked", "was due", _item(due=LONG_AGO)),
    ("T2.6", "fail", "stands for report_status", _do("edit", REPORT, "report_status", "report")),
    ("T2.6", "fail", "stands for fly", _do("write", "src/product/capabilities/fly.py", "def fly(request): ...\n")),
    ("T2.6", "fail", "tests/samples.py is read by nothing", _do("write", f"{SAMPLES}.py", "SAMPLES = {}\n")),
    ("T2.6", "fail", "capabilities.py is read by nothing", _do("write", "src/product/capabilities.py", "A = 1\n")),
    ("T2.6", "blocked", "There is no tests/samples,", _do("remove", SAMPLES)),
    ("T3.1", "fail", "fails", _do("ended", "acceptance", "failed")),
    ("T3.1", "blocked", "skipped", _do("ended", "acceptance", "skipped")),
    ("T3.1", "fail", "answers nothing", _unseen("hollow", "answers nothing")),
    ("T3.2", "fail", "answers nothing", _unseen("hollow", "answers nothing")),
    ("T3.1", "blocked", "gives its request back", _unseen("echoes", "only gives its request back")),
    ("T3.2", "blocked", "gives its request back", _unseen("echoes", "only gives its request back")),
    ("T3.2", "fail", "no test carries its id", _then_run(_do("edit", SCENARIOS, "R-01", "R-02"))),
    ("T3.2", "fail", "R-99", _then_run(_do("edit", SCENARIOS, "R-01", "R-99"))),
    ("T3.2", "fail", "asserts nothing", _test("assert True")),
    ("T3.2", "fail", "not committed", _test("assert list()")),
    ("T3.2", "fail", "no complete scenario", _then_run(_field(scenario={"given": "a product"}))),
    ("T3.3", "fail", "misses the plan", _drill("load", LOAD, p95_ms=301)),
    ("T3.3", "blocked", "Not yet shown", _drill("load", LOAD, requests=9, verdict="inconclusive")),
    ("T3.4", "fail", "B-1", _item(kind="defect", severity="1")),
    ("T3.5", "fail", "secret", _drill("audit", AUDIT, secrets=["src/x.py:1"])),
    ("T3.5", "fail", "weakness", _drill("audit", AUDIT, advisories=["x 1.0"])),
    ("T3.6", "blocked", "changed after T3", _do("ended", "acceptance", "skipped")),
    ("T4.1", "fail", "are allowed", _drill("rollback_drill", DRILL, seconds=99999)),
    ("T4.1", "fail", "did not work", _drill("rollback_drill", DRILL, worked_after=False)),
    ("T4.1", "blocked", "days old", _drill("rollback_drill", DRILL, on=LONG_AGO)),
    ("T4.1", "blocked", "stale: src/ changed", _do("write", "src/more.py", "")),
    ("T4.1", "blocked", "stale: tests/samples/", _do("append", REPORT, "# more\n")),
    ("T4.2", "blocked", "not what the plan", _do("edit", "ops/alerts.yaml", "14.4", "99")),
    ("T4.2", "blocked", "no owner", _do("edit", "ops/alerts.yaml", "Ana", "?")),
    ("T4.2", "blocked", "no heading", _do("edit", "ops/alerts.yaml", "#7-troubleshooting", "#nowhere")),
    ("T4.2", "blocked", "stale", _do("append", "ops/alerts.yaml", "\n# edited\n")),
    ("T4.3", "fail", "did not bring everything back", _drill("restore", RESTORE, equal=False)),
    ("T4.1", "blocked", "does not say of which code", _do("evidence", "rollback_drill", DRILL)),
    ("T4.3", "blocked", "stale: src/ changed", _do("write", "src/more.py", "")),
    ("T4.4", "fail", "misses its limits", _drill("load", LOAD, error_rate=0.5)),
    ("T4.4", "blocked", "were tried", _drill("load", LOAD, per_second=0.1)),
    ("T4.5", "blocked", "nobody under channel", _do("edit", "ops/oncall.yaml", "phone", "''")),
    ("T4.6", "fail", "weakness", _drill("audit", AUDIT, advisories=["x 1.0"])),
    ("T4.6", "blocked", "looked up", _drill("audit", AUDIT, unknown=["x"])),
    ("T5.1", "fail", "is spent", _drill("error_budget", BUDGET, left=-0.1)),
    ("T5.1", "fail", "No data", _drill("error_budget", BUDGET, on=LONG_AGO)),
    ("T5.2", "blocked", "no action", _do("write", "ops/postmortems/2026-01-02.md", "It broke.\n")),
    ("T5.3", "fail", "was due", _do("answer", "start_date", LONG_AGO)),
]


@pytest.mark.parametrize(("gate", "state", "words", "plant"), CASES)
def test_a_gate_shuts_when_one_thing_is_wrong(
    box: Box, gate: str, state: str, words: str, plant: Callable[[Box], None]
) -> None:
    """Open before, shut after, and the reason names the thing."""
    before = box.state(gate)

    plant(box)

    after = box.state(gate)
    assert (before.state, after.state) == ("pass", state), f"{before.reason} / {after.reason}"
    assert words in after.reason


@pytest.mark.parametrize(
    ("count", "failures", "seconds", "verdict"),
    [(299, 0, 0.01, "pass"), (299, 0, 0.2, "fail"), (299, 9, 0.01, "fail"), (50, 0, 0.01, "inconclusive")],
    ids=["shown", "slow", "failing", "too few"],
)
def test_a_measurement_is_judged_by_the_plan(count: int, failures: int, seconds: float, verdict: str) -> None:
    """99 % within 100 ms: shown, missed, or not yet shown."""
    target = Target(requests=299, per_second=None, workers=1, p95_ms=100, objective=0.99)
    replies = [Reply(number >= failures, False, {}, seconds) for number in range(count)]

    assert verdict == judged(replies, target)["verdict"]


@pytest.mark.parametrize(("page", "code"), [(COUNTERS, 0), (COUNTERS + "99", 1)], ids=["left", "spent"])
def test_the_budget_is_counted_from_the_metrics(
    box: Box, page: str, code: int, serve_text: Callable[[str], str]
) -> None:
    """Every request counts, a 5xx as a failure; a page without counters is no data, and that is not a pass."""
    box.answer("slo_percent", "99.9")

    assert budget(Repo(box.root), metrics=serve_text(page)).code == code
    with pytest.raises(Blocked, match="holds no requests_total"):
        budget(Repo(box.root), metrics=serve_text("# nothing counted yet\n"))


def test_no_failure_in_299_bounds_the_rate_below_one_percent() -> None:
    """The figure behind the demonstration's size: ln(0.05) / ln(0.99)."""
    assert upper_bound(0, 299) == pytest.approx(0.00997, abs=1e-5)
    assert upper_bound(1, 299) > 0.015


@pytest.mark.parametrize("folder", ["plain", "with a space, and somebody's"])
def test_a_test_that_does_not_look_at_the_product_is_hollow(
    box: Box, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its assertion could fail by its looks, and passes on a version that answers nothing; one that looks does not.

    Wherever files that are gone at once lie.
    """
    tmp_path.joinpath(folder).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / folder))
    box.write("src/product.py", 'def report_status():\n    """How it is."""\n    return \'well\'\n')
    box.write("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["src"]\nmarkers = ["req(id): which"]\n')
    start = 'import pytest\nfrom product import report_status\n\n\n@pytest.mark.req("R-01")\ndef test_status():\n'
    found = []
    for body in (
        "assert len(str(report_status)) > 0",
        "report_status()\n    assert list('well')",
        "assert report_status() == 'well'",
    ):
        box.write(SCENARIOS, f"{start}    {body}\n")
        found.append(muted.unseen(Repo(box.root), {f"{SCENARIOS}::test_status": "passed"})["hollow"])

    told = "test_status passes on a version in which report_status answers nothing"
    assert found == [{"R-01": told}, {"R-01": told}, {}]
    box.write("src/product.py", "")
    assert (
        "holds no function report_status"
        in muted.unseen(Repo(box.root), {f"{SCENARIOS}::test_status": "passed"})["hollow"]["R-01"]
    )


OUTCOMES = """class Outcome(dict):
    @classmethod
    def of(cls, name, request):
        return cls(name=name, asked=request)


def report_status(request):
    return Outcome(Outcome.of("report_status", request), state="well")
"""
BARE = "def report_status(request):\n    return {'asked': request, 'state': 'well'}\n"
ASKED = "report_status('A-17')"


@pytest.mark.parametrize(
    ("product", "looks_at", "told"),
    [
        (OUTCOMES, f"{ASKED}['asked'] == 'A-17'", True),
        (OUTCOMES, f"{ASKED}['state'] == 'well'", False),
        (BARE, f"'A-17' in str({ASKED})", True),
        (BARE, f"{ASKED}['state'] == 'well'", False),
        ("def report_status():\n    return 'well'\n", "report_status() == 'well'", False),
    ],
    ids=["what was asked", "what was found", "no outcomes", "no outcomes, found", "nothing was asked"],
)
def test_a_test_of_what_was_asked_says_nothing_of_the_capability(
    box: Box, product: str, looks_at: str, told: bool
) -> None:
    """It passes where the capability gives its request back and does nothing else; one of what was found does not."""
    box.write("src/product.py", product)
    box.write("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["src"]\nmarkers = ["req(id): which"]\n')
    start = 'import pytest\nfrom product import report_status\n\n\n@pytest.mark.req("R-01")\ndef test_status():\n'
    box.write(SCENARIOS, f"{start}    assert {looks_at}\n")

    found = muted.unseen(Repo(box.root), {f"{SCENARIOS}::test_status": "passed"})

    why = "test_status passes on a version in which report_status only gives its request back"
    assert found == {"hollow": {}, "echoes": {"R-01": why} if told else {}}


def test_a_drill_without_history_says_so(tmp_path: Path) -> None:
    """There is nothing to go back to."""
    with pytest.raises(Blocked, match="no release to go back to"):
        releases.release_before(tmp_path)
