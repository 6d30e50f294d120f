"""`test`, `check` and `accept`: run the tools, and write down what they ran on and how each one ended."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from . import trace
from .gates import Outcome
from .repo import Repo

LOCK = "requirements.lock"
SCENARIOS = "tests/acceptance"
WORST_FIRST = ("failed", "skipped", "passed")
TOOLS = {
    "format": ("-m", "ruff", "format", "--check", "--quiet", "."),
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "types": ("-m", "mypy", "--no-error-summary"),
}


def test(repo: Repo) -> Outcome:
    """All tests."""
    evidence = run_tests(repo, "tests", "tests")
    return Outcome(f"{_counted(evidence)}. Remembered in evidence/tests.json.", int(evidence["exit_code"] != 0))


def accept(repo: Repo) -> Outcome:
    """The scenarios, then requirement → scenario → test → commit for every must requirement."""
    evidence = run_tests(repo, SCENARIOS, "acceptance")
    rows = trace.table(repo, evidence["results"])
    trace.write_table(repo, rows)
    lines = [f"{row.requirement:<6} {row.gap or 'traced'}   {', '.join(row.shown_by)}" for row in rows]
    gaps = sum(bool(row.gap) for row in rows)
    told = f"{len(rows) - gaps} of {len(rows)} must requirements lead to a test, a measurement or an inspection."
    return Outcome("\n".join([*lines, told]), int(evidence["exit_code"] != 0 or gaps > 0))


def check(repo: Repo) -> Outcome:
    """What has to be green before a merge: tools, lock file, tests and wheel."""
    ended = {name: _run(repo, *words) for name, words in TOOLS.items()}
    ended["lock"] = "" if (repo.root / LOCK).is_file() else f"{LOCK} is missing. Run: make setup"
    ended["tests"] = "" if run_tests(repo, "tests", "tests")["exit_code"] == 0 else "a test fails"
    with tempfile.TemporaryDirectory() as folder:
        ended["wheel"] = _run(repo, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    results = {name: "green" if not problem else "red" for name, problem in ended.items()}
    repo.write_evidence("build", {"results": results}, (*trace.MEASURED, LOCK))
    lines = [f"{results[name]:<6} {name}{f': {problem}' if problem else ''}" for name, problem in ended.items()]
    return Outcome("\n".join(lines), int("red" in results.values()))


def run_tests(repo: Repo, folder: str, name: str) -> dict[str, Any]:
    """Run the tests below a folder and write down how each one ended, with the hashes of what they ran on."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        words = [sys.executable, "-m", "pytest", folder, f"--junitxml={report}"]
        code = subprocess.run(words, cwd=repo.root, check=False, env=_environment()).returncode
        results = dict(sorted(_results(report).items())) if report.is_file() else {}
    return repo.write_evidence(name, {"exit_code": code, "results": results}, trace.MEASURED)


def _run(repo: Repo, *words: str) -> str:
    """What a tool complains about; empty when it is content."""
    done = subprocess.run(
        [sys.executable, *words], cwd=repo.root, capture_output=True, text=True, check=False, env=_environment()
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"exit code {done.returncode}"


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def _counted(evidence: dict[str, Any]) -> str:
    ends = list(evidence["results"].values())
    return ", ".join(f"{ends.count(end)} {end}" for end in reversed(WORST_FIRST) if end in ends) or "No test ran"


def _results(report: Path) -> dict[str, str]:
    """How each test function ended; of several sets of parameters the worst counts."""
    ends: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        bad = case.find("failure") is not None or case.find("error") is not None
        end = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        ends[name] = min(end, ends.get(name, end), key=WORST_FIRST.index)
    return ends
