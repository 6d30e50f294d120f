"""Gates T2 and T3: every requirement is built, shown by a test that ran, and accepted by a person."""

import json
import subprocess
import sys
import tempfile
from datetime import date
from typing import Any

from . import audit, files, trace
from .checks_plan import first_answered
from .files import Outcome, Trouble, counted
from .gates import Result, blocked, failed, gate, passed
from .repo import Repo
from .signing import signable, signed

BACKLOG = "plan/backlog.json"
TOOLS = {
    "format": ("-m", "ruff", "format", "--check", "--quiet", "."),
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "types": ("-m", "mypy", "--no-error-summary"),
}

PAGE = "docs/03-acceptance.md"
SIGNED = [PAGE, trace.REQUIREMENTS, "evidence/acceptance.json#results,measured"]
signable("T3", SIGNED, ["po"], lambda repo: first_answered(repo, PAGE))


def check(repo: Repo) -> Outcome:
    """What has to be green before a merge: tools, lock file, tests and wheel."""
    ended = {name: _run(repo, *words) for name, words in TOOLS.items()}
    ended["lock"] = audit.loose(repo.root)
    ended["tests"] = "" if trace.run_tests(repo, ["tests"], "tests")["exit_code"] == 0 else "a test fails"
    with tempfile.TemporaryDirectory() as folder:
        ended["wheel"] = _run(repo, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    results = {name: "green" if not problem else "red" for name, problem in ended.items()}
    repo.write_evidence("build", {"results": results}, (*trace.MEASURED, audit.LOCK))
    lines = [f"{results[name]:<6} {name}{f': {problem}' if problem else ''}" for name, problem in ended.items()]
    return Outcome("\n".join(lines), int("red" in results.values()))


def backlog(repo: Repo) -> list[dict[str, Any]]:
    """The items of plan/backlog.json, each with what the gates read of it."""
    try:
        items = [dict(item) for item in json.loads(repo.text(BACKLOG))]
    except (ValueError, TypeError) as error:
        raise Trouble(f"{BACKLOG} is no list of items: {error}.", f"git checkout {BACKLOG}") from error
    for at, item in enumerate(items, 1):
        for key, kind, empty in (("id", str, None), ("estimate_days", (int, float), 0), ("depends_on", list, [])):
            if not isinstance(item.get(key, empty), kind):
                told = f"{BACKLOG}: {key} of item {at} ({item.get('id', 'no id')}) cannot be {item.get(key)!r}."
                raise Trouble(told, f"Correct {BACKLOG}.")
    return items


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
    return passed(f"{counted(len(started), 'started item')}, none too large, none waiting for another.")


@gate("T2.2", "A passing test for every requirement")
def tested(repo: Repo) -> Result:
    results = repo.fresh("tests", "make test")["results"]
    for requirement in trace.by_test(repo):
        tests = [test for test in audit.marked_tests(repo.root) if requirement["id"] in test.ids]
        if not tests:
            step = f'Mark one with @pytest.mark.req("{requirement["id"]}").'
            return blocked(f"No test shows {requirement['id']}.", step)
        for test in (test for test in tests if test.empty):
            return failed(f"{test.name} asserts nothing that could turn out false.", "Let it assert what is promised.")
        ends = {results.get(test.key, "not run") for test in tests}
        if "failed" in ends:
            return failed(f"A test of {requirement['id']} fails.", "make test")
        if ends != {"passed"}:
            return blocked(f"A test of {requirement['id']} was {' and '.join(sorted(ends))}.", "make test")
    for name in (name for name, end in results.items() if end == "failed"):
        return failed(f"{name} fails.", "make test")
    told = f"{counted(len(results), 'test function')} ran"
    return passed(f"{told}; each must requirement that a test shows has one that passes.")


@gate("T2.3", "Build")
def build(repo: Repo) -> Result:
    results = repo.fresh("build", "make check")["results"]
    red = [name for name, end in results.items() if end != "green"]
    if red:
        return failed(f"Red: {', '.join(red)}.", "make check")
    return passed(f"Green: {', '.join(results)}.")


@gate("T2.4", "Review")
def review(repo: Repo) -> Result:
    top = files.top(repo.root)
    places = (top / name / "CODEOWNERS" for name in (".github", ".gitlab", "docs", "."))
    rules = [line for path in places if path.is_file() for line in path.read_text("utf-8").splitlines()]
    folder = repo.answers.get("folder", "")
    if not any(line.strip() and not line.startswith("#") and _concerns(line, folder) for line in rules):
        return blocked("No code owner is named, so nothing asks for a review.", "mlscaffold replan --set code_owners=…")
    return passed("The code host asks the code owners; whether they looked, only it knows.")


def _concerns(rule: str, folder: str) -> bool:
    """Whether a line of CODEOWNERS speaks of this project's folder, of one in it, or of one above it."""
    pattern = rule.split()[0].strip("/")
    return not folder or pattern == "*" or f"{folder}/".startswith(f"{pattern}/") or pattern.startswith(f"{folder}/")


@gate("T2.5", "Circuit breaker")
def circuit_breaker(repo: Repo) -> Result:
    today = date.today().isoformat()
    late = [item for item in backlog(repo) if item.get("state") == "started" and str(item.get("due", "9")) < today]
    if late:
        told = f"{late[0]['id']} was due on {late[0]['due']} and is not done."
        return blocked(told, "Shape it anew; do not extend it.")
    return passed("No started item is past its date.")


@gate("T3.1", "Scenarios")
def scenarios(repo: Repo) -> Result:
    results = repo.fresh("acceptance", "make accept")["results"]
    must = [requirement["id"] for requirement in trace.by_test(repo)]
    tests = [test for test in audit.marked_tests(repo.root) if set(must).intersection(test.ids)]
    for test in (test for test in tests if results.get(test.key) == "failed"):
        return failed(f"{test.key} fails.", "make accept")
    idle = [test.key for test in tests if results.get(test.key) != "passed"]
    bare = [name for name in must if not any(name in test.ids for test in tests)]
    if idle or bare or not must:
        told = f"{idle[0]} was skipped or not run." if idle else f"No test shows {', '.join(bare) or 'anything'}."
        step = f'Mark one with @pytest.mark.req("{(bare or ["R-01"])[0]}"), then make accept.'
        return blocked(told, "make accept" if idle else step)
    told = f"{counted(len(tests), 'scenario')} passed"
    return passed(f"{told}; each of {counted(len(must), 'must requirement')} that a test shows has one.")


@gate("T3.2", "Traceability")
def traceability(repo: Repo) -> Result:
    results = repo.fresh("acceptance", "make accept")["results"]
    if not files.is_repository(repo.root):
        return blocked("There is no history, so no test can be traced to a commit.", "git init")
    strangers = trace.unknown_ids(repo)
    if strangers:
        return failed(f"Tests name {', '.join(strangers)}, which no requirement is called.", "Correct the mark.")
    rows = trace.table(repo, results)
    gaps, waiting = [row for row in rows if row.gap], [row for row in rows if row.waits]
    if gaps:
        told = f"{gaps[0].requirement}: {gaps[0].gap}. ({counted(len(gaps), 'gap')})"
        return failed(told, "Close the gap, then make accept.")
    if waiting:
        told = f"{waiting[0].requirement}: {waiting[0].waits.rstrip('.')}. ({len(waiting)} of {len(rows)} wait)"
        return blocked(told, f"{PAGE}, section 2, says what each kind of evidence has to say.")
    return passed("Every must requirement leads to a committed test that passed, or to evidence that passes.")


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
    return passed(f"{counted(len(items), 'open defect')} in {BACKLOG}, none of severity 1 or 2.")


@gate("T3.5", "Security")
def security(repo: Repo) -> Result:
    found = repo.fresh("audit", audit.step(repo))
    if found["secrets"]:
        return failed(f"{found['secrets'][0]} looks like a secret.", "Take it out and change it where it is used.")
    if found["advisories"]:
        return failed(f"{found['advisories'][0]} has a known weakness.", "make lock")
    if found["unknown"]:
        told = f"{counted(len(found['unknown']), 'package')} could not be looked up, first {found['unknown'][0]}."
        return blocked(told, audit.step(repo))
    told = f"No secret in {counted(found['files'], 'file')}"
    return passed(f"{told}; no known weakness in {counted(found['packages'], 'package')}.")


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
