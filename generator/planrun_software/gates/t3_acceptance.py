"""T3: scenarios, traceability, objectives shown, defects, security, signature."""

from planrun import git
from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.people import decides, waiving
from planrun.signing.signatures import signable, signed
from planrun.trouble import counted

from planrun_software.gates.documents import BACKLOG, backlog, first_answered
from planrun_software.gates.ways import more_load, past_a_weakness, past_the_unknown
from planrun_software.inspection import secrets_and_packages
from planrun_software.traceability import marked_tests, requirements, runs, table

PAGE = "docs/03-acceptance.md"
SIGNED = [PAGE, requirements.REQUIREMENTS, "evidence/acceptance.json#results,measured"]
signable("T3", SIGNED, ["po"], lambda repo: first_answered(repo, PAGE))


@gate("T3.1")
def scenarios(repo: Repo) -> Result:
    evidence = repo.fresh("acceptance", "make accept")
    results, empty = evidence["results"], evidence.get("hollow", {})
    for file in runs.unread(results):
        return failed(f"{file} could not be read, so that no test ran.", f"Mend src/ or {file}, then: make accept")
    must = [requirement["id"] for requirement in requirements.by_test(repo)]
    tests = [test for test in marked_tests.marked_tests(repo.root) if set(must).intersection(test.ids)]
    for test in (test for test in tests if results.get(test.key) == "failed"):
        return failed(f"{test.key} fails.", f"Mend src/ or {test.key.partition('::')[0]}, then: make accept")
    idle = [test.key for test in tests if results.get(test.key) != "passed"]
    bare = [name for name in must if not any(name in test.ids for test in tests)]
    for key in idle:
        end = results.get(key, "not run")
        return blocked(f"{key} was {end}.", runs.way_on(key, end, "make accept"))
    if bare or not must:
        step = f'Mark one in tests/acceptance with @pytest.mark.req("{(bare or ["R-01"])[0]}"), then make accept.'
        return blocked(f"No test shows {', '.join(bare) or 'anything'}.", step)
    for name, why in empty.items():
        lost, asks = f"Correct function in {requirements.REQUIREMENTS}", "Let it ask the product in tests/acceptance"
        return failed(f"{name}: {why}.", f"{lost if 'holds no function' in why else asks}, then: make accept")
    for name, why in evidence.get("echoes", {}).items():
        step = "Write its rule in src/, let tests/acceptance look at what it answers, then: make accept"
        return blocked(f"{name}: {why}.", step)
    told = f"{counted(len(tests), 'scenario')} passed"
    return passed(f"{told}; each of {counted(len(must), 'must requirement')} that a test shows has one.")


@gate("T3.2")
def traceability(repo: Repo) -> Result:
    evidence = repo.fresh("acceptance", "make accept")
    if not git.is_repository(repo.root):
        return blocked("There is no history, so no test can be traced to a commit.", "git init")
    strangers = table.unknown_ids(repo)
    if strangers:
        return failed(
            f"Tests name {', '.join(strangers)}, which no requirement is called.",
            "Correct the mark in tests/acceptance.",
        )
    rows = table.table(repo, evidence)
    gaps, waiting = [row for row in rows if row.gap], [row for row in rows if row.waits]
    if gaps:
        told = f"{gaps[0].requirement}: {gaps[0].gap}. ({counted(len(gaps), 'gap')})"
        return failed(told, f"Close the gap in tests/acceptance or {PAGE}, then: make accept")
    if waiting:
        told = f"{waiting[0].requirement}: {waiting[0].waits.rstrip('.')}. ({len(waiting)} of {len(rows)} wait)"
        return blocked(told, f"{PAGE}, section 2, says what each kind of evidence has to say.")
    return passed("Every must requirement leads to a committed test that passed, or to evidence that passes.")


@gate("T3.3")
def demonstrated(repo: Repo) -> Result:
    shown = repo.fresh("load", "make load")
    told = f"p95 {shown['p95_ms']:g} of {shown['limit_p95_ms']:g} ms, {shown['failures']} of {shown['requests']} failed"
    if shown["p95_ms"] > shown["limit_p95_ms"] or shown["verdict"] == "fail":
        return failed(
            f"It misses the plan: {told}.",
            decides(repo, "swe", f"make it faster or safer, then: make load; or {waiving('T3.3')}"),
        )
    if shown["requests"] < shown["needed"] or shown["verdict"] != "pass":
        return blocked(f"Not yet shown: {told}; {shown['needed']} are needed.", more_load(shown))
    return passed(f"Shown: {told}.")


@gate("T3.4")
def defects(repo: Repo) -> Result:
    items = [item for item in backlog(repo) if item.get("kind") == "defect" and item.get("state") != "done"]
    severe = [item["id"] for item in items if str(item.get("severity")) in ("1", "2")]
    if severe:
        return failed(f"Open with severity 1 or 2: {', '.join(severe)}.", f"Repair them, then say so in {BACKLOG}.")
    return passed(f"{counted(len(items), 'open defect')} in {BACKLOG}, none of severity 1 or 2.")


@gate("T3.5")
def security(repo: Repo) -> Result:
    found = repo.fresh("audit", secrets_and_packages.step(repo))
    if found["secrets"]:
        return failed(
            f"{found['secrets'][0]} looks like a secret.",
            decides(repo, "swe", "take it out, change it where it is used, then: make audit"),
        )
    if found["advisories"]:
        return failed(f"{found['advisories'][0]} has a known weakness.", past_a_weakness(repo, "T3.5"))
    if found["unknown"]:
        told = f"{counted(len(found['unknown']), 'package')} could not be looked up, first {found['unknown'][0]}."
        return blocked(told, past_the_unknown(repo, "T3.5", found["unknown"][0]))
    told = f"No secret in {counted(found['files'], 'file')}"
    return passed(f"{told}; no known weakness in {counted(found['packages'], 'package')}.")


@gate("T3.6")
def accepted(repo: Repo) -> Result:
    repo.fresh("acceptance", "make accept")
    return signed(repo, "T3")
