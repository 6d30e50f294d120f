"""Gates G0: is it worth starting, with whom, and does the plan fit the calendar?"""

import yaml

from .gates import Repo, Result, blocked, failed, gate, passed
from .signing import COMMAND, unconfirmed

CHARTER = "docs/00-charter.md"
DECISION = "docs/decisions/0001-ml-or-not.md"
OPEN = "[NEEDS ANSWER"
HEADINGS = (
    "Decision and users",
    "Today's practice",
    "Success at three levels",
    "Scope and appetite",
    "What you are buying",
    "People",
    "Milestones",
)
COSTS = ("false_alarm_cost", "miss_cost", "unit_error_cost")


def open_questions(text: str) -> int:
    """How many answers a document still waits for."""
    return text.count(OPEN)


@gate("G0.1", "Charter")
def charter(repo: Repo) -> Result:
    text = repo.text(CHARTER)
    headings = [line.lstrip("# ").partition(" ")[2] for line in text.splitlines() if line.startswith("## ")]
    missing = [heading for heading in HEADINGS if not any(found.startswith(heading) for found in headings)]
    if missing:
        return blocked(f'{CHARTER} has no section "{missing[0]}".', f"Restore it: git checkout {CHARTER}")
    if open_questions(text):
        return blocked(f"{open_questions(text)} questions are open.", f"Answer each {OPEN} …] in {CHARTER}")
    return passed("Every section is there and answered.")


@gate("G0.2", "ML or not")
def ml_or_not(repo: Repo) -> Result:
    facts = front_matter(repo.text(DECISION))
    if facts.get("choice") != facts.get("advisor"):
        reason = facts.get("override_reason", "").strip()
        if reason == "chosen on the command line":
            return blocked("Nobody has said why the advice is overruled.", f"Write override_reason in {DECISION}")
        if not reason:
            return failed(
                f'The advice was "{facts.get("advisor")}", the choice is "{facts.get("choice")}", without a reason.',
                f"Write override_reason in {DECISION}",
            )
    if not facts.get("baseline", "").strip():
        return blocked("The record names no baseline.", f"Write baseline in {DECISION}")
    if facts.get("status") != "accepted":
        return blocked(f"The decision is {facts.get('status') or 'not taken'}.", f"Set status: accepted in {DECISION}")
    return passed(f"Decided: {facts['choice']}.")


def front_matter(text: str) -> dict[str, str]:
    """The lines between the two rules that open a decision record."""
    parts = text.split("---\n", 2)
    if len(parts) < 3:
        return {}
    try:
        found = yaml.load(parts[1], Loader=yaml.BaseLoader)  # noqa: S506  (builds texts and lists only)
    except yaml.YAMLError:
        return {}
    return {key: value for key, value in (found or {}).items() if isinstance(value, str)}


@gate("G0.3", "Baseline known or dated")
def baseline_known(repo: Repo) -> Result:
    entry = repo.entry("acceptance.baseline")
    if entry["provenance"] == "answered" and entry["value"] is not None:
        return passed(f"Today's practice reaches {entry['value']:.4g}.")
    if repo.evidence("baseline"):
        return passed("A rule has been measured (evidence/baseline.json).")
    gate_day = _ends(repo, "g1")
    dated = [task for task in tasks(repo) if task["id"] == "p0b"]
    if dated and gate_day and dated[0]["end"] <= gate_day:
        return passed(f'"{dated[0]["title"]}" measures it by {dated[0]["end"]}.')
    return blocked("Today's value is unknown, and no dated task measures it before G1.", "mlscaffold replan")


@gate("G0.4", "Roles")
def roles(repo: Repo) -> Result:
    people = repo.plan.get("people", {})
    if people.get("problems"):
        return failed(f"{people['problems'][0]}", "mlscaffold replan --set team=…")
    nameless = [role for role, name in repo.team.items() if name in ("", "?")]
    if "po" not in repo.team:
        return blocked("Nobody is accountable: the team has no po.", "mlscaffold replan --set team=…")
    if nameless:
        return blocked(f"Nobody is named as {', '.join(nameless)}.", "mlscaffold replan --set team=…")
    return passed("Every deliverable has one accountable person.")


@gate("G0.5", "Costs of errors")
def costs(repo: Repo) -> Result:
    assumed = [row["key"] for row in unconfirmed(repo) if row["key"] in COSTS]
    if assumed:
        return blocked(f"{', '.join(assumed)} are assumed.", f"{COMMAND} confirm {' '.join(assumed)}")
    return passed("The costs of errors are a person's word.")


@gate("G0.6", "Schedule")
def schedule(repo: Repo) -> Result:
    deadline, likely = repo.number("schedule.deadline"), repo.number("schedule.p80")
    if too_short(repo):
        return failed(
            "The time given is shorter than even the optimistic path.", "mlscaffold replan --set appetite_weeks=…"
        )
    if not repo.number("schedule.fits"):
        return blocked(
            f"It ends by {likely} with 80 % probability, and the deadline is {deadline}.",
            "Choose: less scope, a later date (appetite_weeks), or more people (team); then mlscaffold replan",
        )
    return passed(f"It ends by {likely} with 80 % probability; the deadline is {deadline}.")


def too_short(repo: Repo) -> bool:
    """Whether no luck could make it: the floor of the schedule is beyond the days there are."""
    available, floor = repo.number("schedule.available_days"), repo.number("schedule.floor_total_days")
    return available is not None and floor is not None and available < floor


def tasks(repo: Repo) -> list[dict[str, str]]:
    return list(repo.plan.get("schedule", {}).get("tasks", []))


def _ends(repo: Repo, id: str) -> str:
    return next((task["end"] for task in tasks(repo) if task["id"] == id), "")
