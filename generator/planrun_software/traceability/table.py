"""Tests that are run, remembered and traced: requirement → scenario → test → commit."""

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from planrun import gates, git
from planrun.repository import Repo
from planrun.trouble import Outcome, counted

from planrun_software.traceability.marked_tests import Marked, marked_tests
from planrun_software.traceability.muted import unseen
from planrun_software.traceability.requirements import REQUIREMENTS, musts, requirements
from planrun_software.traceability.runs import MEASURED, run_tests

STEPS = ("given", "when", "then")
SCENARIOS = "tests/acceptance"
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


def accept(repo: Repo) -> Outcome:
    """The scenarios and every other marked test, then requirement → scenario → test → commit for every must one.

    What waits for a rule, a drill, a measurement or a person is named; it holds gates T3.1 and T3.2, not this command.
    """
    elsewhere = [test.key for test in marked_tests(repo.root) if not test.file.startswith(f"{SCENARIOS}/")]
    folder = [SCENARIOS] if any((repo.root / SCENARIOS).glob("**/test_*.py")) else []
    evidence = run_tests(repo, [*folder, *elsewhere], "acceptance", unseen)
    rows = table(repo, evidence)
    gaps, whole = sum(bool(row.gap) for row in rows), sum(not (row.gap or row.waits) for row in rows)
    repo.write_evidence("traceability", {"gaps": gaps, "rows": [asdict(row) for row in rows]}, MEASURED)
    told = f"{whole} of {counted(len(rows), 'must requirement')} traced to a test that passed, or evidence that passes."
    return Outcome("\n".join([*map(_line, rows), told]), int(evidence["exit_code"] != 0 or gaps > 0))


def _line(row: Row) -> str:
    waits = f"waits: {row.waits}" if row.waits else "traced"
    return f"{row.requirement:<6} {row.gap or waits}   {', '.join(row.shown_by)}"


def table(repo: Repo, evidence: dict[str, Any]) -> list[Row]:
    """One row for each must requirement, whichever way it is verified; by the evidence of a run of their tests."""
    results: dict[str, str] = evidence["results"]
    empty: dict[str, str] = evidence.get("hollow", {})
    echoes: dict[str, str] = evidence.get("echoes", {})
    tests = marked_tests(repo.root)
    commits = {file: _commit_of(repo.root, file) for file in {test.file for test in tests}}
    rows = [
        _row(repo, requirement, [test for test in tests if requirement["id"] in test.ids], results, commits)
        for requirement in musts(repo)
    ]
    return [
        replace(row, gap=row.gap or empty.get(row.requirement, ""), waits=row.waits or echoes.get(row.requirement, ""))
        for row in rows
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
    gate = JUDGES.get(Path(named).stem, "")
    if named == f"evidence/{Path(named).stem}.json" and gate in gates.load(repo):
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
    return "" if git.changed(root, [file]) else git.git(root, "log", "-1", "--format=%h", "--", file) or ""
