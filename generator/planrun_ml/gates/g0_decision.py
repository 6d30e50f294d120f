"""Gates G0 and G2: is it worth starting, with whom and by when; and do the experiments run on the locked data, say what
they changed, and give the same numbers when they are worked out again?
"""

from planrun.command import COMMAND
from planrun.files import restoring
from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.assumptions import unconfirmed
from planrun.steps import asked_of

from planrun_ml.gates.documents import OPEN, front_matter, open_questions

CHARTER = "docs/00-charter.md"
DECISION = "docs/decisions/0001-ml-or-not.md"
HEADINGS = (
    "Decision and users", "Today's practice", "Success at three levels", "Scope and appetite", "What you are buying",
    "People", "Milestones",
)  # fmt: skip
COSTS = ("false_alarm_cost", "miss_cost", "unit_error_cost")


@gate("G0.1")
def charter(repo: Repo) -> Result:
    text = repo.text(CHARTER)
    headings = [line.lstrip("# ").partition(" ")[2] for line in text.splitlines() if line.startswith("## ")]
    missing = [heading for heading in HEADINGS if not any(found.startswith(heading) for found in headings)]
    if missing:
        return blocked(
            f'{CHARTER} has no section "{missing[0]}".',
            restoring(repo.root / CHARTER, lambda text: missing[0] in text),
        )
    if open_questions(text):
        return blocked(f"{open_questions(text)} questions are open.", f"Answer each {OPEN} …] in {CHARTER}")
    return passed("Every section is there and answered.")


@gate("G0.2")
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


@gate("G0.3")
def baseline_known(repo: Repo) -> Result:
    entry, ends = repo.entry("acceptance.baseline"), {task["id"]: task["end"] for task in tasks(repo)}
    if entry["provenance"] in ("answered", "measured") and entry["value"] is not None:
        return passed(f"Today's practice reaches {entry['value']:.4g}.")
    if repo.evidence("baseline", "make baseline"):
        return passed("A rule has been measured (evidence/baseline.json).")
    measuring = next((task for task in ("practice", "baseline") if task in ends), "")
    if measuring and ends[measuring] <= ends.get("g1", ""):
        title = next(task["title"] for task in tasks(repo) if task["id"] == measuring)
        return passed(f'"{title}" measures it by {ends[measuring]}.')
    return blocked("Today's value is unknown, and no dated task measures it before G1.", "mlscaffold replan")


@gate("G0.4")
def roles(repo: Repo) -> Result:
    people = repo.plan.get("people", {})
    if people.get("problems"):
        return failed(f"{people['problems'][0]}", "mlscaffold replan --set team=…")
    nameless = [role for role, names in repo.team.items() if not names]
    if "po" not in repo.team:
        return blocked("Nobody is accountable: the team has no po.", "mlscaffold replan --set team=…")
    if nameless:
        return blocked(f"Nobody is named as {', '.join(nameless)}.", "mlscaffold replan --set team=…")
    return passed("Every deliverable has one accountable person.")


@gate("G0.5")
def costs(repo: Repo) -> Result:
    assumed = [row["key"] for row in unconfirmed(repo) if row["key"] in COSTS]
    if assumed:
        return blocked(f"{', '.join(assumed)} are assumed.", f"{COMMAND} confirm {' '.join(assumed)}")
    return passed("The costs of errors are a person's word.")


@gate("G0.6")
def schedule(repo: Repo) -> Result:
    deadline, likely = repo.number("schedule.deadline"), repo.number("schedule.p80")
    available, floor = repo.number("schedule.available_days"), repo.number("schedule.floor_total_days")
    if available is not None and floor is not None and available < floor:
        return failed(
            "Even the optimistic path is longer than the time given.", "mlscaffold replan --set appetite_weeks=…"
        )
    if not repo.number("schedule.fits"):
        return blocked(
            f"It ends by {likely} with 80 % probability, and the deadline is {deadline}.",
            asked_of(
                ["po"],
                "Choose: less scope, a later date (appetite_weeks), or more people (team); then mlscaffold replan",
            ),
        )
    return passed(f"It ends by {likely} with 80 % probability; the deadline is {deadline}.")


def tasks(repo: Repo) -> list[dict[str, str]]:
    """The tasks of the plan's schedule by their ids. Raises `Blocked` where the plan is behind its answers."""
    return list(repo.plan.get("schedule", {}).get("tasks", []))
