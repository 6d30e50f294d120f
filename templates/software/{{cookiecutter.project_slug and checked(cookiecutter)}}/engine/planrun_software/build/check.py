"""`check`: format, lint, types, locks, tests and wheel."""

import subprocess
import sys
import tempfile

from planrun.repository import Repo
from planrun.trouble import Outcome

from planrun_software.inspection import secrets_and_packages
from planrun_software.traceability import runs

TOOLS = {
    "format": ("-m", "ruff", "format", "--check", "--quiet", "."),
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "types": ("-m", "mypy", "--no-error-summary"),
}


def check(repo: Repo) -> Outcome:
    """What has to be green before a merge: tools, lock file, tests and wheel."""
    ended = {name: _run(repo, *words) for name, words in TOOLS.items()}
    ended["lock"] = secrets_and_packages.loose(repo.root)
    ended["tests"] = "" if runs.run_tests(repo, ["tests"], "tests")["exit_code"] == 0 else "a test fails"
    with tempfile.TemporaryDirectory() as folder:
        ended["wheel"] = _run(repo, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    results = {name: "green" if not problem else "red" for name, problem in ended.items()}
    repo.write_evidence("build", {"results": results}, (*runs.MEASURED, *secrets_and_packages.LOCKS))
    lines = [f"{results[name]:<6} {name}{f': {problem}' if problem else ''}" for name, problem in ended.items()]
    return Outcome("\n".join(lines), int("red" in results.values()))


def _run(repo: Repo, *words: str) -> str:
    """What a tool complains about; empty when it is content."""
    done = subprocess.run(
        [sys.executable, *words], cwd=repo.root, capture_output=True, text=True, check=False, env=runs.ENVIRONMENT
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"exit code {done.returncode}"
