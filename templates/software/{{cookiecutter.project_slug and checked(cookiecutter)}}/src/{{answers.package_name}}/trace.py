"""Tests that are run, remembered and traced: requirement → scenario → test → commit."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import files, gates
from .audit import Marked, marked_tests
from .files import Outcome, Trouble, counted, rows_of
from .repo import Repo

REQUIREMENTS = "plan/requirements.yaml"
MEASURED = ("src/", "tests/", REQUIREMENTS, "pyproject.toml")  # what the outcome of a test run depends on
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
STEPS = ("given", "when", "then")
SCENARIOS = "tests/acceptance"
WORST_FIRST = ("failed", "skipped", "passed")
# Which gate says whether evidence of this repository is a pass.
JUDGES = {
    "audit": "T3.5",
    "alert_test": "T4.2",
    "build": "T2.3",
    "error_budget": "T5.1",
    "load": "T3.3",
    "restore": "T4.3",
    "rollback_drill": "T4.1",
}
# What a page has to say that records an inspection, an analysis or a demonstration by hand.
PAGE = {
    "by: who looked": r"^by: *\S",
    "on: the day": r"^on: *\d{4}-\d\d-\d\d",
    "result: pass": r"^result: *pass\b",
}


@dataclass(frozen=True)
class Row:
    """One line of the traceability table; whole when there is no `gap` to close and nothing that it `waits` for."""

    requirement: str
    priority: str
    scenario: str
    shown_by: tuple[str, ...]
    commit: str
    gap: str = ""
    waits: str = ""


def test(repo: Repo) -> Outcome:
    """All tests."""
    evidence = run_tests(repo, ["tests"], "tests")
    told = f"{_ends(evidence)}, where pytest counts each set of parameters. Remembered in evidence/tests.json."
    return Outcome(told, int(evidence["exit_code"] != 0))


def accept(repo: Repo) -> Outcome:
    """The scenarios and every other marked test, then requirement → scenario → test → commit for every must requirement.

    What waits for a drill, a measurement or a person is named; it holds gate T3.2, not this command.
    """
    elsewhere = [test.key for test in marked_tests(repo.root) if not test.file.startswith(f"{SCENARIOS}/")]
    folder = [SCENARIOS] if any((repo.root / SCENARIOS).glob("**/test_*.py")) else []
    evidence = run_tests(repo, [*folder, *elsewhere], "acceptance")
    rows = table(repo, evidence["results"])
    gaps, whole = sum(bool(row.gap) for row in rows), sum(not (row.gap or row.waits) for row in rows)
    repo.write_evidence("traceability", {"gaps": gaps, "rows": [asdict(row) for row in rows]}, MEASURED)
    told = f"{whole} of {counted(len(rows), 'must requirement')} traced to a test that passed, or evidence that passes."
    return Outcome("\n".join([*map(_line, rows), told]), int(evidence["exit_code"] != 0 or gaps > 0))


def _line(row: Row) -> str:
    waits = f"waits: {row.waits}" if row.waits else "traced"
    return f"{row.requirement:<6} {row.gap or waits}   {', '.join(row.shown_by)}"


def run_tests(repo: Repo, tests: Iterable[str], name: str) -> dict[str, Any]:
    """Run these tests and write down how each one ended, with the hashes of what they ran on."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        words = [sys.executable, "-m", "pytest", "-q", *tests, f"--junitxml={report}", "-o", "junit_family=xunit1"]
        code = subprocess.run(words, cwd=repo.root, check=False, env=ENVIRONMENT).returncode
        results = dict(sorted(_results(report).items())) if report.is_file() else {}
    return repo.write_evidence(name, {"exit_code": code, "results": results}, MEASURED)


def requirements(repo: Repo) -> list[dict[str, Any]]:
    """The requirements as the team has them now."""
    found = rows_of(repo.root, REQUIREMENTS)
    if not found or not all(row.get("id") for row in found):
        raise Trouble(f"{REQUIREMENTS} is no list of requirements with an id each.", f"Correct {REQUIREMENTS}.")
    return found


def musts(repo: Repo) -> list[dict[str, Any]]:
    """The must requirements: a priority that is no other one lowers nothing."""
    return [row for row in requirements(repo) if row.get("priority") not in ("should", "could")]


def by_test(repo: Repo) -> list[dict[str, Any]]:
    """The must requirements that a test has to show."""
    return [row for row in musts(repo) if row.get("verification") == "test"]


def table(repo: Repo, results: dict[str, str]) -> list[Row]:
    """One row for each must requirement, whichever way it is verified."""
    tests = marked_tests(repo.root)
    commits = {file: _commit_of(repo.root, file) for file in {test.file for test in tests}}
    return [
        _row(repo, requirement, [test for test in tests if requirement["id"] in test.ids], results, commits)
        for requirement in musts(repo)
    ]


def unknown_ids(repo: Repo) -> list[str]:
    """Ids that tests name and the requirements do not hold."""
    known = {requirement["id"] for requirement in requirements(repo)}
    return sorted({name for test in marked_tests(repo.root) for name in test.ids if name not in known})


def _row(
    repo: Repo, requirement: dict[str, Any], tests: list[Marked], results: dict[str, str], commits: dict[str, str]
) -> Row:
    scenario = requirement.get("scenario")
    steps = [str(scenario.get(step, "")).strip() for step in STEPS] if isinstance(scenario, dict) else [""]
    start = requirement["id"], str(requirement.get("priority", "")), " / ".join(steps)
    if requirement.get("verification") == "test":
        used = sorted({commits[test.file] for test in tests})
        gap = _gap(tests, [results.get(test.key, "not run") for test in tests], used)
        row = Row(*start, tuple(test.key for test in tests), ", ".join(used), gap)
    else:
        named = str(requirement.get("evidence", "")).strip()
        row = Row(*start, (named or f"by {requirement.get('verification')}",), "", *_evidence(repo, requirement, named))
    return replace(row, gap="it has no complete scenario") if "" in steps else row


def _evidence(repo: Repo, requirement: dict[str, Any], named: str) -> tuple[str, str]:
    """What is wrong with the evidence that a requirement names instead of a test, and what is missing yet."""
    if not named:
        return "", f"its {requirement.get('verification')} names no evidence in {REQUIREMENTS}"
    if Path(named).stem in JUDGES and named == f"evidence/{Path(named).stem}.json":
        gates.load()
        gate = JUDGES[Path(named).stem]
        judged = gates.checked(repo, gate)
        told = "" if judged.state == "pass" else f"{gate} is {judged.state}: {judged.reason}"
        return (told, "") if judged.state == "fail" else ("", told)
    if not (repo.root / named).is_file():
        return "", f"{named} does not exist"
    if named.startswith("evidence/"):
        passes = (repo.evidence(Path(named).stem) or {}).get("verdict") == "pass"
        return ("" if passes else f"{named} does not say that its verdict is pass"), ""
    page = repo.text(named)
    lacks = [name for name, form in PAGE.items() if not re.search(form, page, re.MULTILINE | re.IGNORECASE)]
    if requirement["id"] not in page or lacks:
        return f"{named} does not say {lacks[0] if lacks else requirement['id']}", ""
    return "", "" if _commit_of(repo.root, named) else f"{named} is not committed"


def _gap(tests: list[Marked], ends: list[str], commits: list[str]) -> str:
    if not tests:
        return "no test carries its id"
    for test, end in zip(tests, ends, strict=True):
        if test.empty:
            return f"{test.name} asserts nothing"
        if end != "passed":
            return f"{test.name} was {end}" if end != "not run" else f"{test.name} was not run"
    return "its test is not committed" if "" in commits else ""


def _commit_of(root: Path, file: str) -> str:
    """The last commit that touched a file; empty when its present text is in no commit."""
    return "" if files.changed(root, [file]) else files.git(root, "log", "-1", "--format=%h", "--", file) or ""


def _ends(evidence: dict[str, Any]) -> str:
    ends = list(evidence["results"].values())
    told = [f"{counted(ends.count(end), 'test function')} {end}" for end in reversed(WORST_FIRST) if end in ends]
    return ", ".join(told) or "No test ran"


def _results(report: Path) -> dict[str, str]:
    """How each test function ended; of several sets of parameters the worst counts."""
    ends: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        file, dotted = case.get("file", "").replace("\\", "/"), case.get("classname", "")
        inside = dotted.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".").replace(".", "::")
        name = "::".join(part for part in (file, inside, case.get("name", "").partition("[")[0]) if part)
        bad = case.find("failure") is not None or case.find("error") is not None
        end = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        ends[name] = min(end, ends.get(name, end), key=WORST_FIRST.index)
    return ends
