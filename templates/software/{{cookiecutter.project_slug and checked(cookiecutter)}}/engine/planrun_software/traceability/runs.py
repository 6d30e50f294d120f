"""`test` and its results, kept with the hash of what was tested."""

import os
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Outcome, counted

from planrun_software.traceability.requirements import REQUIREMENTS

MEASURED = ("src/", "tests/", "engine/", REQUIREMENTS, "pyproject.toml")  # what the outcome of a test run depends on
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
WORST_FIRST = ("failed", "skipped", "passed")
UNREAD = "collection failure"  # what pytest says of a file that it cannot import; no test in it is named then


def test(repo: Repo) -> Outcome:
    """All tests."""
    evidence = run_tests(repo, ["tests"], "tests")
    told = f"{_ends(evidence)}, where pytest counts each set of parameters. Remembered in evidence/tests.json."
    return Outcome(told, int(evidence["exit_code"] != 0))


def run_tests(
    repo: Repo, tests: Iterable[str], name: str, look: Callable[[Repo, dict[str, str]], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Run these tests and write down how each one ended, with the hashes of what they ran on, and what `look` finds."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        words = [sys.executable, "-m", "pytest", "-q", *tests, f"--junitxml={report}", "-o", "junit_family=xunit1"]
        code = subprocess.run(words, cwd=repo.root, check=False, env=ENVIRONMENT).returncode
        results = dict(sorted(_results(report).items())) if report.is_file() else {}
    found = {} if look is None else look(repo, results)
    return repo.write_evidence(name, {"exit_code": code, "results": results, **found}, MEASURED)


def ends_on(repo: Repo, source: Path, tests: Iterable[str]) -> dict[str, str]:
    """How tests end on another source of the product; nothing is written down, and the first failure is enough."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            *tests,
            f"--junitxml={report}",
            "-o",
            "junit_family=xunit1",
        ]
        # pytest splits this setting as a shell does, and a folder for temporary files may have a space in its name
        words += ["-p", "no:cacheprovider", "-o", f"pythonpath={shlex.quote(source.as_posix())} engine"]
        subprocess.run(words, cwd=repo.root, check=False, env=ENVIRONMENT, capture_output=True)
        return _results(report) if report.is_file() else {}


def unread(results: dict[str, str]) -> list[str]:
    """Files that stand for their tests, because pytest could not read them. One keeps all other tests from running."""
    return [name for name in results if "::" not in name]


def way_on(key: str, end: str, command: str) -> str:
    """What to do about a test that a complete run left out: only to run again would leave it out again."""
    file = key.partition("::")[0]
    if end == "skipped":
        return f"Let {file} run here what it skips, then: {command}"
    return f"Mend what keeps {file} from running, which {command} prints, then: {command}"


def _ends(evidence: dict[str, Any]) -> str:
    files = unread(evidence["results"])
    ends = [end for name, end in evidence["results"].items() if name not in files]
    told = [f"{counted(ends.count(end), 'test function')} {end}" for end in reversed(WORST_FIRST) if end in ends]
    told += [f"{name} could not be read" for name in files]
    return ", ".join(told) or "No test ran"


def _results(report: Path) -> dict[str, str]:
    """How each test function ended; of several sets of parameters the worst counts. An unread file stands alone."""
    ends: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        error = case.find("error")
        file, dotted = case.get("file", "").replace("\\", "/"), case.get("classname", "")
        inside = dotted.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".").replace(".", "::")
        function = "" if error is not None and error.get("message") == UNREAD else case.get("name", "")
        name = "::".join(part for part in (file, inside, function.partition("[")[0]) if part)
        bad = case.find("failure") is not None or error is not None
        end = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        ends[name] = min(end, ends.get(name, end), key=WORST_FIRST.index)
    return ends
