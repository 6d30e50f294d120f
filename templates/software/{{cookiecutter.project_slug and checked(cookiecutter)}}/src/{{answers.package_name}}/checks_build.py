"""Gates T2 and T3: every requirement is built, shown by a test that ran, and accepted by a person."""

import json
import subprocess
import sys
import tempfile
from datetime import date
from importlib.util import find_spec
from typing import Any

from . import files, trace
from .files import Outcome, Trouble
from .gates import Result, blocked, failed, gate, passed
from .repo import Repo
from .signing import signable, signed

BACKLOG = "plan/backlog.json"
LOCK = "requirements.lock"
# Not rendered at rigor light.
AUDIT = "make audit" if find_spec(f"{__package__}.audit") else "mlscaffold replan --set rigor=standard"
TOOLS = {
    "format": ("-m", "ruff", "format", "--check", "--quiet", "."),
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "types": ("-m", "mypy", "--no-error-summary"),
}

signable("T3", ["docs/03-acceptance.md", trace.REQUIREMENTS, "evidence/acceptance.json#results,measured"], ["po"])


def check(repo: Repo) -> Outcome:
    """What has to be green before a merge: tools, lock file, tests and wheel."""
    ended = {name: _run(repo, *words) for name, words in TOOLS.items()}
    ended["lock"] = "" if (repo.root / LOCK).is_file() else f"{LOCK} is missing. Run: make setup"
    ended["tests"] = "" if trace.run_tests(repo, "tests", "tests")["exit_code"] == 0 else "a test fails"
    with tempfile.TemporaryDirectory() as folder:
        ended["wheel"] = _run(repo, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    results = {name: "green" if not problem else "red" for name, problem in ended.items()}
    repo.write_evidence("build", {"results": results}, (*trace.MEASURED, LOCK))
    lines = [f"{results[name]:<6} {name}{f': {problem}' if problem else ''}" for name, problem in ended.items()]
    return Outcome("\n".join(lines), int("red" in results.values()))


def backlog(repo: Repo) -> list[dict[str, Any]]:
    """The items of plan/backlog.json."""
    try:
        return [dict(item) for item in json.loads(repo.text(BACKLOG))]
    except (ValueError, TypeError) as error:
        raise Trouble(f"{BACKLOG} is no list of items: {error}.", f"git checkout {BACKLOG}") from error


@gate("T2.1", "Ready items")
def ready(repo: Repo) -> Result:
    limit, items = int(repo.answers["iteration_days"]) / 2, backlog(repo)
    done = {item["id"] for item in items if item.get("state") == "done"}
    started = [item for item in items if item.get("state") == "started"]
    for item in started:
        waits = [name for name in item.get("depends_on", []) if name not in done]
        if waits:
            return blocked(f"{item['id']} was started before {', '.join(waits)} was done.", f"Finish {waits[0]} first.")
        if item.get("estimate_days", 0) > limit:
            return blocked(f"{item['id']} is larger than half an iteration ({limit:g} days).", "Slice it.")
    return passed(f"{len(started)} started item(s), each small enough and free to start.")


@gate("T2.2", "A passing test for every requirement")
def tested(repo: Repo) -> Result:
    results = repo.fresh("tests", "make test")["results"]
    for requirement in trace.by_test(trace.requirements(repo)):
        tests = [test for test in trace.marked_tests(repo.root) if requirement["id"] in test.ids]
        if not tests:
            return blocked(
                f"No test shows {requirement['id']}.", f'Mark one with @pytest.mark.req("{requirement["id"]}").'
            )
        empty = [test.name for test in tests if test.empty]
        if empty:
            return failed(
                f"{empty[0]} asserts nothing, so it shows nothing.", "Let it assert what the scenario promises."
            )
        ends = {results.get(test.key, "not run") for test in tests}
        if "failed" in ends:
            return failed(f"A test of {requirement['id']} fails.", "make test")
        if ends != {"passed"}:
            return blocked(f"A test of {requirement['id']} was {' and '.join(sorted(ends))}.", "make test")
    failing = [name for name, end in results.items() if end == "failed"]
    if failing:
        return failed(f"{failing[0]} fails.", "make test")
    return passed(f"{len(results)} tests ran; every must requirement has one that passes.")


@gate("T2.3", "Build")
def build(repo: Repo) -> Result:
    results = repo.fresh("build", "make check")["results"]
    red = [name for name, end in results.items() if end != "green"]
    if red:
        return failed(f"Red: {', '.join(red)}.", "make check")
    return passed(f"Green: {', '.join(results)}.")


@gate("T2.4", "Review")
def review(repo: Repo) -> Result:
    places = (repo.root / ".github/CODEOWNERS", repo.root / "docs/CODEOWNERS", repo.root / "CODEOWNERS")
    rules = [line for path in places if path.is_file() for line in path.read_text("utf-8").splitlines()]
    if not any(line.strip() and not line.startswith("#") for line in rules):
        return blocked("No code owner is named, so nothing asks for a review.", "mlscaffold replan --set code_owners=…")
    return passed("The code host asks the code owners; whether they looked, only it knows.")


@gate("T2.5", "Circuit breaker")
def circuit_breaker(repo: Repo) -> Result:
    today = date.today().isoformat()
    late = [item for item in backlog(repo) if item.get("state") == "started" and str(item.get("due", "9")) < today]
    if late:
        return blocked(
            f"{late[0]['id']} was due on {late[0]['due']} and is not done.", "Shape it anew; do not extend it."
        )
    return passed("No started item is past its date.")


@gate("T3.1", "Scenarios")
def scenarios(repo: Repo) -> Result:
    results = repo.fresh("acceptance", "make accept")["results"]
    must = {requirement["id"] for requirement in trace.by_test(trace.requirements(repo))}
    keys = [test.key for test in trace.marked_tests(repo.root) if must.intersection(test.ids)]
    bad = [key for key in keys if results.get(key) == "failed"]
    if bad:
        return failed(f"{bad[0]} fails.", "make accept")
    idle = [key for key in keys if results.get(key) != "passed" and key.startswith("tests/acceptance/")]
    shown = [key for key in keys if results.get(key) == "passed"]
    if idle or not shown:
        return blocked(f"{idle[0] if idle else 'Every scenario'} was skipped or not run.", "make accept")
    return passed(f"{len(shown)} scenario(s) pass for {len(must)} must requirement(s).")


@gate("T3.2", "Traceability")
def traceability(repo: Repo) -> Result:
    results = repo.fresh("acceptance", "make accept")["results"]
    if not files.is_repository(repo.root):
        return blocked("There is no history, so no test can be traced to a commit.", "git init")
    strangers = trace.unknown_ids(repo)
    if strangers:
        return failed(f"Tests name {', '.join(strangers)}, which no requirement is called.", "Correct the mark.")
    gaps = [row for row in trace.table(repo, results) if row.gap]
    if gaps:
        return failed(f"{gaps[0].requirement}: {gaps[0].gap}. ({len(gaps)} gap(s))", "Close the gap, then make accept.")
    return passed("Every must requirement leads to a scenario, a test that passed, and a commit.")


@gate("T3.3", "Speed and reliability demonstrated")
def demonstrated(repo: Repo) -> Result:
    shown = repo.fresh("load", "make load")
    told = f"p95 {shown['p95_ms']:g} of {shown['limit_p95_ms']:g} ms, {shown['failures']} of {shown['requests']} failed"
    if shown["p95_ms"] > shown["limit_p95_ms"] or shown["verdict"] == "fail":
        return failed(f"It misses the plan: {told}.", "Make it faster or safer, then make load.")
    if shown["requests"] < shown["needed"] or shown["verdict"] != "pass":
        return blocked(f"Not yet shown: {told}; {shown['needed']} are needed.", "make load")
    return passed(f"Shown: {told}.")


@gate("T3.4", "Defects")
def defects(repo: Repo) -> Result:
    items = [item for item in backlog(repo) if item.get("kind") == "defect" and item.get("state") != "done"]
    severe = [item["id"] for item in items if str(item.get("severity")) in ("1", "2")]
    if severe:
        return failed(f"Open with severity 1 or 2: {', '.join(severe)}.", "Repair them.")
    return passed(f"{len(items)} open defect(s) in {BACKLOG}, none of severity 1 or 2.")


@gate("T3.5", "Security")
def security(repo: Repo) -> Result:
    audit = repo.fresh("audit", AUDIT)
    if audit["secrets"]:
        return failed(f"{audit['secrets'][0]} looks like a secret.", "Take it out and change it where it is used.")
    if audit["advisories"]:
        return failed(f"{audit['advisories'][0]} has a known weakness.", "make lock, or waive T3.5 with a reason.")
    if audit["unknown"]:
        return blocked(f"{len(audit['unknown'])} packages could not be looked up, first {audit['unknown'][0]}.", AUDIT)
    return passed(f"No secret in {audit['files']} files; no known weakness in {audit['packages']} packages.")


@gate("T3.6", "Acceptance signed")
def accepted(repo: Repo) -> Result:
    repo.fresh("acceptance", "make accept")
    return signed(repo, "T3")


def _run(repo: Repo, *words: str) -> str:
    """What a tool complains about; empty when it is content."""
    done = subprocess.run(
        [sys.executable, *words], cwd=repo.root, capture_output=True, text=True, check=False, env=trace.ENVIRONMENT
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"exit code {done.returncode}"
