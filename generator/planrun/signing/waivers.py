"""`waive`: walk past a gate until a day, under a name and with a reason."""

import re
from datetime import date, timedelta

from planrun import gates, git
from planrun.command import COMMAND
from planrun.files import rows_of
from planrun.gates import WAIVERS
from planrun.repository import Repo
from planrun.signing.people import of_the_team, person
from planrun.trouble import Outcome, Trouble
from planrun.yaml_rows import write_rows

OPENING = """# Gates walked past on purpose. Each entry names an approver, a reason and the day it ends; after that day
# the gate is shut again. Write one with `.venv/bin/planrun waive GATE --reason "…" --until YYYY-MM-DD`, or a number
# of days."""


def waive(repo: Repo, id: str, reason: str, until: str) -> Outcome:
    """Walk past a gate until a day, or for some days: approver, reason and date go into gates/waivers.yaml.

    Raises `Trouble` where there is no such gate, or the waiver would not count.
    """
    if id not in gates.load(repo) and id not in repo.blocking():
        raise Trouble(f'There is no gate "{id}".', f"See the ids with: {COMMAND} status --all")
    of_the_team(repo, f"waive {id} --reason … --until …")
    today = date.today()
    until = (today + timedelta(int(until))).isoformat() if re.fullmatch(r"\d{1,4}", until, re.ASCII) else until
    waiver = {"gate": id, "reason": reason.strip(), "approver": person(repo), "until": until, "on": today.isoformat()}
    if problem := gates.waiver_problem(repo, waiver, id):
        remedy = f"Give --reason in words, --until as 2027-01-31 or as a number of days up to {gates.LONGEST.days}."
        raise Trouble(f"This waiver would not count: {problem}.", remedy)
    write_rows(repo, WAIVERS, [*rows_of(repo.root, WAIVERS), waiver], OPENING)
    note = git.commit(repo.root, [WAIVERS], f"Waive {id} until {until}")
    return Outcome(f"{waiver['approver']} waives {id} until {until}: {reason}\n{note}")
