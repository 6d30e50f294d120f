"""Gates T2 and T3: every requirement is built, shown by a test that ran, and accepted by a person."""

from datetime import date

from planrun import git
from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.people import decides
from planrun.trouble import counted

from planrun_software.gates.documents import BACKLOG, backlog
from planrun_software.traceability import marked_tests, offered, requirements, runs


@gate("T2.1")
def ready(repo: Repo) -> Result:
    limit, items = int(repo.answers["iteration_days"]) / 2, backlog(repo)
    done = {item["id"] for item in items if item.get("state") == "done"}
    started = [item for item in items if item.get("state") == "started"]
    for item in started:
        waits = [name for name in item.get("depends_on", []) if name not in done]
        if waits:
            return blocked(
                f"{item['id']} was started before {', '.join(waits)} was done.",
                f"Finish {waits[0]} first, or say in {BACKLOG} how it is.",
            )
        if item.get("estimate_days", 0) > limit:
            return blocked(
                f"{item['id']} is larger than half an iteration ({limit:g} days).", f"Slice it in {BACKLOG}."
            )
    return passed(f"{counted(len(started), 'started item')}, none too large, none waiting for another.")


@gate("T2.2")
def tested(repo: Repo) -> Result:
    results = repo.fresh("tests", "make test")["results"]
    for file in runs.unread(results):
        return failed(f"{file} could not be read, so that no test ran.", f"Mend src/ or {file}, then: make test")
    for requirement in requirements.by_test(repo):
        tests = [test for test in marked_tests.marked_tests(repo.root) if requirement["id"] in test.ids]
        if not tests:
            step = f'Mark one in tests/ with @pytest.mark.req("{requirement["id"]}").'
            return blocked(f"No test shows {requirement['id']}.", step)
        for test in (test for test in tests if test.empty):
            return failed(
                f"{test.name} asserts nothing that could turn out false.",
                f"Let it assert what is promised: {test.key.partition('::')[0]}.",
            )
        ends = {results.get(test.key, "not run"): test.key for test in tests}
        if "failed" in ends:
            file = ends["failed"].partition("::")[0]
            return failed(f"A test of {requirement['id']} fails.", f"Mend src/ or {file}, then: make test")
        if ends.keys() != {"passed"}:
            told, end = f"A test of {requirement['id']} was", min(ends.keys() - {"passed"})
            return blocked(f"{told} {' and '.join(sorted(ends))}.", runs.way_on(ends[end], end, "make test"))
    for name in (name for name, end in results.items() if end == "failed"):
        return failed(f"{name} fails.", f"Mend src/ or {name.partition('::')[0]}, then: make test")
    told = f"{counted(len(results), 'test function')} ran"
    return passed(f"{told}; each must requirement that a test shows has one that passes.")


@gate("T2.3")
def build(repo: Repo) -> Result:
    results = repo.fresh("build", "make check")["results"]
    red = [name for name, end in results.items() if end != "green"]
    if red:
        return failed(
            f"Red: {', '.join(red)}.", decides(repo, "swe", "what make check prints is mended, then: make check")
        )
    return passed(f"Green: {', '.join(results)}.")


@gate("T2.4")
def review(repo: Repo) -> Result:
    top = git.top(repo.root)
    places = (top / name / "CODEOWNERS" for name in (".github", ".gitlab", "docs", "."))
    rules = [line for path in places if path.is_file() for line in path.read_text("utf-8").splitlines()]
    folder = repo.answers.get("folder", "")
    if not any(line.strip() and not line.startswith("#") and _concerns(line, folder) for line in rules):
        asks = {"github", "gitlab"}  # the hosts that read such a file by themselves
        step = (
            "mlscaffold replan --set code_owners=…"
            if repo.answers.get("ci", "github") in asks
            else decides(repo, "swe", "names in docs/CODEOWNERS whose review the code host is set to ask for")
        )
        return blocked("No code owner is named, so nothing asks for a review.", step)
    return passed("The code host asks the code owners; whether they looked, only it knows.")


def _concerns(rule: str, folder: str) -> bool:
    """Whether a line of CODEOWNERS speaks of this project's folder, of one in it, or of one above it."""
    pattern = rule.split()[0].strip("/")
    return not folder or pattern == "*" or f"{folder}/".startswith(f"{pattern}/") or pattern.startswith(f"{folder}/")


@gate("T2.5")
def circuit_breaker(repo: Repo) -> Result:
    today = date.today().isoformat()
    late = [item for item in backlog(repo) if item.get("state") == "started" and str(item.get("due", "9")) < today]
    if late:
        told = f"{late[0]['id']} was due on {late[0]['due']} and is not done."
        return blocked(told, decides(repo, "po", f"shape it anew in {BACKLOG}; do not extend it"))
    return passed("No started item is past its date.")


@gate("T2.6")
def sampled(repo: Repo) -> Result:
    if old := offered.unread(repo):
        told = f"{old[0]} is read by nothing: each capability has a file of its own."
        return failed(told, f"Move what you wrote there into the capability's file in {old[0].removesuffix('.py')}/.")
    names, there = offered.offered(repo), offered.sampled(repo)
    bare = [name for name in names if name not in there]
    if bare:
        rest = f" ({len(bare)} of {len(names)} capabilities have no sample)" if len(bare) > 1 else ""
        return failed(
            f"Nothing stands for {bare[0]}.{rest}", f"Add {offered.SAMPLES}/{bare[0]}.py with a request for it."
        )
    if not names:
        return failed("The product offers no capability.", f"Name one in {requirements.REQUIREMENTS}.")
    return passed(f"{counted(len(names), 'sample')}, one for each capability.")
