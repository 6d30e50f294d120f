"""T0: charter, approach, roles, schedule."""

import re

from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.people import decides
from planrun.steps import asked_of

from planrun_software.gates.documents import RECORD, answered


@gate("T0.1")
def charter(repo: Repo) -> Result:
    return answered(repo, "docs/00-charter.md")


@gate("T0.2")
def approach(repo: Repo) -> Result:
    text = repo.text(RECORD)
    head = dict(re.findall(r"^(\w+): *\"?(.*?)\"?$", text.partition("\n---\n")[0], re.MULTILINE))
    if not head.get("advisor") or not head.get("rung"):
        return blocked(f"{RECORD} does not say what the advisor recommended.", f"Fill in advisor and rung in {RECORD}.")
    if head.get("status") != "accepted":
        step = decides(repo, "po", f"set status: accepted in {RECORD} once its reasons hold")
        return blocked(f"{RECORD} is {head.get('status') or 'undecided'}.", step)
    _, heading, section = text.partition("When would ML be reconsidered?\n")
    if not heading or not re.search(r"^- \S", section.partition("\n## ")[0], re.MULTILINE):
        return blocked(f"{RECORD} does not say when ML would be reconsidered.", f"Fill in section 5 of {RECORD}.")
    return passed(f"The advisor said {head['advisor']} ({head['rung']}); the record is accepted.")


@gate("T0.3")
def roles(repo: Repo) -> Result:
    problems = repo.plan["people"]["problems"]
    if problems:
        return failed(problems[0], "mlscaffold replan --set team=…")
    unnamed = [role for role, names in repo.team.items() if not names]
    if unnamed:
        return blocked(f"Nobody is named for {', '.join(unnamed)}.", "mlscaffold replan --set team=…")
    return passed("Every deliverable has one who answers for it and one who does it.")


@gate("T0.4")
def schedule(repo: Repo) -> Result:
    late, floor = repo.entry("schedule.fits"), repo.needed("schedule.floor_days")
    if not late["value"]:
        step = asked_of(["po"], "Choose: more time (mlscaffold replan --set appetite_weeks=…), or fewer capabilities")
        return blocked(str(late["note"]), step)
    given = repo.needed("schedule.phase1.p80_days")
    if given < floor:
        return failed(f"{given:g} days to T1 are less than the {floor:g} it takes at best.", "mlscaffold replan")
    return passed(f"With 80 % probability it ends by {repo.number('schedule.p80')}, within the appetite.")
