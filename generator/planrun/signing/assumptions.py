"""`confirm`: a person takes assumptions of the plan as true."""

from collections.abc import Sequence
from datetime import date

from planrun import git
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.signing.people import of_the_team, person
from planrun.steps import Step
from planrun.trouble import Outcome, Trouble
from planrun.yaml_rows import write_rows


def confirm(repo: Repo, keys: Sequence[str] = (), all: bool = False) -> Outcome:
    """A person takes assumptions as true: name and date go into plan/assumptions.yaml."""
    rows = repo.assumptions()
    known = [row["key"] for row in rows]
    wanted = known if all else list(keys)
    for key in set(wanted) - set(known):
        raise Trouble(f'There is no assumption "{key}".', f"Assumptions: {', '.join(known) or 'none'}.")
    if not wanted and rows:
        raise Trouble("No assumption was named.", f"Name some of: {', '.join(known)}; or use --all.")
    fresh = [row for row in rows if row["key"] in wanted and not row.get("confirmed_by")]
    of_the_team(repo, "confirm --all" if all else f"confirm {' '.join(wanted)}")
    for row in fresh:
        row["confirmed_by"], row["confirmed_on"] = person(repo), date.today().isoformat()
    if not fresh:
        return Outcome("Nothing to confirm: every assumption named has been confirmed.")
    write_rows(repo, "plan/assumptions.yaml", rows)
    taken = ", ".join(f"{row['key']} = {row['value'] or 'not known'}" for row in fresh)
    note = git.commit(repo.root, ["plan/assumptions.yaml"], f"Confirm {', '.join(row['key'] for row in fresh)}")
    return Outcome(f"{person(repo)} takes as true: {taken}\n{note}")


def unconfirmed(repo: Repo) -> list[dict[str, str]]:
    return [row for row in repo.assumptions() if not (row.get("confirmed_by") and row.get("confirmed_on"))]


def confirming() -> Step:
    """What opens a gate that waits for assumptions."""
    line = f"{COMMAND} confirm --all"
    return Step(f"Read plan/assumptions.yaml, then: {line}", "command", command=line)
