"""Gates T4 and T5: what is rehearsed before users depend on it, and what is watched afterwards."""

import re
from datetime import date
from typing import Any

from planrun.command import COMMAND
from planrun.files import rows_of
from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.people import decides, waiving
from planrun.steps import Step, asked_of
from planrun.trouble import counted

from planrun_software.drills.alert import ALERTS
from planrun_software.gates.documents import answered
from planrun_software.gates.ways import past_a_weakness, past_the_unknown
from planrun_software.inspection import secrets_and_packages

NOBODY = ("", "?", "nobody")
FIELDS = {
    "burn_rate": "multiplier",
    "long_window_hours": "window_hours",
    "short_window_minutes": "short_minutes",
    "min_requests": "guard",
}


def made(repo: Repo, target: str, words: str = "") -> str:
    """A command as it is typed here: a target of make, or the engine's own where the Makefile has none for it.

    A gate that does not block a repository is shown all the same, and its step has to be one that can be taken.
    """
    makefile = repo.root / "Makefile"
    if makefile.is_file() and re.search(rf"^{target}:", makefile.read_text("utf-8"), re.MULTILINE):
        return f"make {target} ARGS='{words}'" if words else f"make {target}"
    return f"{COMMAND} {target} {words}".rstrip()


def to_count(repo: Repo) -> Step:
    """What ops does for the error budget."""
    counts = made(repo, "budget", "--total N --failed M")
    return asked_of(["ops"], f"Once it is live, count: {counts}, requests or runs, and failed ones")


def recent(repo: Repo, name: str, remedy: str) -> dict[str, Any] | Result:
    """Evidence of a drill, unless it is missing, of other code, or too old to count."""
    if repo.evidence(name, remedy) is None:
        return blocked("It has not been rehearsed.", remedy)
    found, limit = repo.fresh(name, remedy), int(repo.answers.get("drill_age_days", "90"))
    if not found["measured"]:
        return blocked(f"evidence/{name}.json does not say of which code it is.", remedy)
    age = (date.today() - date.fromisoformat(found["on"])).days
    told = f"The last rehearsal is {counted(age, 'day')} old, and {limit} count."
    return blocked(told, remedy) if age > limit else found


def unnamed(name: object) -> bool:
    """Whether this stands for nobody yet."""
    return str(name or "").strip() in NOBODY or "not named yet" in str(name)


@gate("T4.1")
def rollback(repo: Repo) -> Result:
    found = recent(repo, "rollback_drill", "make rollback-drill")
    if isinstance(found, Result):
        return found
    limit = float(repo.answers.get("rollback_minutes", "15"))
    if not (found["worked_before"] and found["worked_after"]):
        when = "after going back" if found["worked_before"] else "before going back"
        why = "".join(f" ({told})" for told in found.get("faults", [])[:1])
        return failed(
            f"The product did not work {when}{why}.", decides(repo, "ops", "repair it, then: make rollback-drill")
        )
    if found["seconds"] > limit * 60:
        return failed(
            f"It took {found['seconds']:g} s, and {limit:g} minutes are allowed.",
            decides(repo, "ops", f"make going back faster, then: make rollback-drill; or {waiving('T4.1')}"),
        )
    same = ", with the same code in both" if found["same_code"] else ""
    if crossed := len(found.get("migrations", [])):
        same = f", across {counted(crossed, 'migration')}"
    return passed(f"Back on {found['to'][:10]} in {found['seconds']:g} s on {found['on']} (limit {limit:g} min){same}.")


@gate("T4.2")
def alerts(repo: Repo) -> Result:
    rows = rows_of(repo.root, ALERTS, "alerts")
    planned = repo.plan["slo"]["burn"]
    differing = [
        f"{key} of alert {number}"
        for number, (row, plan) in enumerate(zip(rows, planned, strict=False), 1)
        for key, name in FIELDS.items()
        if not _same(row.get(key), plan[name])
    ]
    if len(rows) != len(planned) or differing:
        told = differing[0] if differing else f"{counted(len(rows), 'alert')} instead of {len(planned)}"
        return blocked(
            f"{ALERTS} is not what the plan computed: {told}.",
            f"Take the plan's figure in {ALERTS}, or: mlscaffold replan",
        )
    lost = [row["runbook"] for row in rows if not _anchored(repo, str(row.get("runbook", "")))]
    if lost:
        return blocked(f"{lost[0]} is no heading of a page.", f"Correct runbook in {ALERTS}.")
    if any(unnamed(row.get("owner")) for row in rows):
        return blocked("An alert has no owner.", f"Name a person under owner in {ALERTS}.")
    test = made(repo, "alert-test")
    sent = repo.fresh("alert_test", test)
    if not 200 <= sent["status"] < 300:
        return failed(
            f"The test alert was refused with status {sent['status']}.",
            decides(repo, "ops", f"correct where alerts are sent, then: {test}"),
        )
    return passed(f"{counted(len(rows), 'alert')} as planned; a test alert was delivered on {sent['on']}.")


def _same(text: object, value: float) -> bool:
    try:
        return abs(float(str(text)) - value) <= 1e-6 * max(1.0, abs(value))
    except ValueError:
        return False


def _anchored(repo: Repo, link: str) -> bool:
    """Whether a page has the heading that a link names."""
    path, _, anchor = link.partition("#")
    if not (repo.root / path).is_file():
        return False
    headings = (line.lstrip("#") for line in repo.text(path).splitlines() if line.startswith("#"))
    kept = ("".join(c for c in heading.strip().lower() if c.isalnum() or c in " -_") for heading in headings)
    return anchor in {heading.replace(" ", "-") for heading in kept}


@gate("T4.3")
def restored(repo: Repo) -> Result:
    drill = made(repo, "restore-drill")
    found = recent(repo, "restore", drill)
    if isinstance(found, Result):
        return found
    if not found["equal"] or not found["works"] or found["restored"] == 0:
        told = f"{found['restored']} of {counted(found['records'], 'record')} came back"
        told += f", and {found['differing'][0]} differs" if found.get("differing") else ""
        return failed(
            f"The backup did not bring everything back: {told}.",
            decides(repo, "ops", f"repair it, then: {drill}"),
        )
    return passed(f"{counted(found['restored'], 'record')} came back equal in {found['seconds']:g} s on {found['on']}.")


@gate("T4.4")
def load(repo: Repo) -> Result:
    found = repo.fresh("load", "make load")
    if found["per_second"] is not None:  # what is not served is asked one after the other
        asked = repo.needed("capacity.load_per_second")
        if found["per_second"] < asked * 0.999:
            return blocked(f"{found['per_second']:g} a second were tried, and the plan wants {asked:g}.", "make load")
    if found["p95_ms"] > found["limit_p95_ms"] or found["error_rate"] > 0.001:
        told = f"p95 {found['p95_ms']:g} ms, errors {found['error_rate']:.3%}"
        return failed(
            f"Under load it misses its limits: {told}.",
            decides(repo, "swe", f"make it faster, or give it more workers, then: make load; or {waiving('T4.4')}"),
        )
    told = f"p95 {found['p95_ms']:g} ms and errors {found['error_rate']:.3%}"
    return passed(f"{told} with {counted(found['workers'], 'worker')}.")


@gate("T4.5")
def oncall(repo: Repo) -> Result:
    for row in rows_of(repo.root, "ops/oncall.yaml", "severities") or [{}]:
        for key in ("first", "then", "channel"):
            if unnamed(row.get(key)):
                return blocked(f"Severity {row.get('level', '?')} has nobody under {key}.", "Fill in ops/oncall.yaml.")
    return answered(repo, "docs/04-operations.md")


@gate("T4.6")
def dependencies(repo: Repo) -> Result:
    found = repo.fresh("audit", secrets_and_packages.step(repo))
    if found["advisories"]:
        return failed(f"{found['advisories'][0]} has a known weakness.", past_a_weakness(repo, "T4.6"))
    if found["unknown"]:
        told = f"{counted(len(found['unknown']), 'package')} could not be looked up."
        return blocked(told, past_the_unknown(repo, "T4.6", found["unknown"][0]))
    return passed(f"{counted(found['packages'], 'package')} pinned, none with a known weakness on {found['on']}.")
