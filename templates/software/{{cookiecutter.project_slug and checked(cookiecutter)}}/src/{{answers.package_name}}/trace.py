"""Tests that are run, remembered and traced: requirement → scenario → test → commit."""

import ast
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import files
from .files import Outcome, Trouble, read_yaml
from .repo import Repo

REQUIREMENTS = "plan/requirements.yaml"
MEASURED = ("src/", "tests/", REQUIREMENTS, "pyproject.toml")  # what the outcome of a test run depends on
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
STEPS = ("given", "when", "then")
SCENARIOS = "tests/acceptance"
WORST_FIRST = ("failed", "skipped", "passed")


@dataclass(frozen=True)
class Marked:
    """One test function that names the requirements it shows."""

    file: str
    name: str
    ids: tuple[str, ...]
    empty: bool

    @property
    def key(self) -> str:
        """How pytest and the evidence call it."""
        return f"{self.file}::{self.name}"


@dataclass(frozen=True)
class Row:
    """One line of the traceability table; `gap` is empty when the chain is whole."""

    requirement: str
    priority: str
    scenario: str
    shown_by: tuple[str, ...]
    commit: str
    gap: str


def test(repo: Repo) -> Outcome:
    """All tests."""
    evidence = run_tests(repo, "tests", "tests")
    return Outcome(f"{_counted(evidence)}. Remembered in evidence/tests.json.", int(evidence["exit_code"] != 0))


def accept(repo: Repo) -> Outcome:
    """The scenarios, then requirement → scenario → test → commit for every must requirement."""
    evidence = run_tests(repo, SCENARIOS, "acceptance")
    rows = table(repo, evidence["results"])
    gaps = sum(bool(row.gap) for row in rows)
    repo.write_evidence("traceability", {"gaps": gaps, "rows": [asdict(row) for row in rows]}, MEASURED)
    lines = [f"{row.requirement:<6} {row.gap or 'traced'}   {', '.join(row.shown_by)}" for row in rows]
    told = f"{len(rows) - gaps} of {len(rows)} must requirements lead to a test, a measurement or an inspection."
    return Outcome("\n".join([*lines, told]), int(evidence["exit_code"] != 0 or gaps > 0))


def run_tests(repo: Repo, folder: str, name: str) -> dict[str, Any]:
    """Run the tests below a folder and write down how each one ended, with the hashes of what they ran on."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        words = [sys.executable, "-m", "pytest", "-q", folder, f"--junitxml={report}"]
        code = subprocess.run(words, cwd=repo.root, check=False, env=ENVIRONMENT).returncode
        results = dict(sorted(_results(report).items())) if report.is_file() else {}
    return repo.write_evidence(name, {"exit_code": code, "results": results}, MEASURED)


def requirements(repo: Repo) -> list[dict[str, Any]]:
    """The requirements as the team has them now."""
    found = read_yaml(repo.root / REQUIREMENTS)
    if not isinstance(found, list) or not all(isinstance(row, dict) and row.get("id") for row in found):
        raise Trouble(f"{REQUIREMENTS} is no list of requirements with an id each.", f"Correct {REQUIREMENTS}.")
    return found


def by_test(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The must requirements that a test has to show."""
    return [row for row in rows if row.get("priority") == "must" and row.get("verification") == "test"]


def marked_tests(root: Path) -> list[Marked]:
    """Every test below tests/ that carries @pytest.mark.req(…), found in its source."""
    return [test for file in sorted(root.glob("tests/**/test_*.py")) for test in _marked(root, file)]


def table(repo: Repo, results: dict[str, str]) -> list[Row]:
    """One row for each must requirement, whichever way it is verified."""
    tests = marked_tests(repo.root)
    commits = {file: _commit_of(repo.root, file) for file in {test.file for test in tests}}
    return [
        _row(requirement, [test for test in tests if requirement["id"] in test.ids], results, commits)
        for requirement in requirements(repo)
        if requirement.get("priority") == "must"
    ]


def unknown_ids(repo: Repo) -> list[str]:
    """Ids that tests name and the requirements do not hold."""
    known = {requirement["id"] for requirement in requirements(repo)}
    return sorted({name for test in marked_tests(repo.root) for name in test.ids if name not in known})


def _row(requirement: dict[str, Any], tests: list[Marked], results: dict[str, str], commits: dict[str, str]) -> Row:
    scenario = requirement.get("scenario")
    steps = [str(scenario.get(step, "")).strip() for step in STEPS] if isinstance(scenario, dict) else [""]
    told, way = " / ".join(steps), str(requirement.get("verification", ""))
    if way == "test":
        ends = [results.get(test.key, "not run") for test in tests]
        used = sorted({commits[test.file] for test in tests})
        gap = _gap(tests, ends, used)
        shown, commit = tuple(test.key for test in tests), ", ".join(used)
    else:
        named = str(requirement.get("evidence", ""))
        shown, commit = (named or f"by {way}",), ""
        gap = "" if named or way in ("inspection", "analysis") else "it names neither test nor evidence"
    gap = "it has no complete scenario" if "" in steps else gap
    return Row(requirement["id"], requirement["priority"], told, shown, commit, gap)


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


def _marked(root: Path, file: Path) -> Iterator[Marked]:
    name = file.relative_to(root).as_posix()
    try:
        tree = ast.parse(file.read_text("utf-8"), name)
    except SyntaxError as error:
        raise Trouble(f"{name} is not Python: {error.msg} in line {error.lineno}.", f"Correct {name}.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            ids = tuple(text for mark in node.decorator_list for text in _ids(mark))
            if ids:
                yield Marked(name, node.name, ids, not any(_checks(part) for part in ast.walk(node)))


def _ids(mark: ast.expr) -> list[str]:
    if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "pytest.mark.req":
        return []
    return [str(part.value) for part in mark.args if isinstance(part, ast.Constant)]


def _checks(node: ast.AST) -> bool:
    """An assertion that something could make false, or an exception that must be raised."""
    if isinstance(node, ast.Assert):
        return any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node.test))
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises"


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
