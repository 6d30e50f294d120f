"""`confirm`: a person takes assumptions of the plan as true."""

from collections.abc import Mapping, Sequence
from datetime import date

from planrun import git
from planrun.answers import is_answer
from planrun.authors import has_history, in_the_team, same_person, unvouched
from planrun.command import COMMAND
from planrun.files import now
from planrun.repository import Repo
from planrun.signing.people import of_the_team, person
from planrun.steps import Step
from planrun.trouble import Outcome, Trouble
from planrun.yaml_rows import write_rows

ASSUMPTIONS = "plan/assumptions.yaml"
MARKED = "Numbers that rest on it keep their mark (*) on the pages until: mlscaffold replan"
TOLD = ("key", "value", "confirmed_by", "confirmed_on")  # what a person vouches for; the rest of a row `replan` writes


def confirm(repo: Repo, keys: Sequence[str] = (), all: bool = False) -> Outcome:
    """A person takes assumptions as true: name and date go into plan/assumptions.yaml.

    Raises `Trouble` where none is named, or none is called so.
    """
    rows = repo.assumptions()
    known = [row["key"] for row in rows]
    wanted = known if all else list(keys)
    for key in wanted:
        if key not in known:
            raise _no_assumption(repo, key, known)
    if not wanted and rows:
        raise Trouble("No assumption was named.", f"Name some of: {', '.join(known)}; or use --all.")
    fresh = [row for row in rows if row["key"] in wanted and (not row.get("confirmed_by") or doubt(repo, row))]
    of_the_team(repo, "confirm --all" if all else f"confirm {' '.join(wanted)}")
    for row in fresh:
        again = same_person(row.get("confirmed_by", ""), person(repo))  # somebody else wrote it: this is another line
        row["confirmed_by"], row["confirmed_on"] = person(repo), now() if again else date.today().isoformat()
    if not fresh:
        return Outcome("Nothing to confirm: every assumption named has been confirmed.")
    write_rows(repo, ASSUMPTIONS, rows)
    taken = ", ".join(f"{row['key']} = {row['value'] or 'not known'}" for row in fresh)
    note = git.commit(repo.root, [ASSUMPTIONS], f"Confirm {', '.join(row['key'] for row in fresh)}")
    return Outcome(f"{person(repo)} takes as true: {taken}\n{note}\n{MARKED}")


def _no_assumption(repo: Repo, key: str, known: Sequence[str]) -> Trouble:
    """Why a key cannot be confirmed: nobody knows it, somebody has answered it, or it is none."""
    value = repo.answers.get(key) if is_answer(key) else None
    if value == "":
        told = f"Nobody knows {key} yet, so there is nothing to take as true."
        return Trouble(told, f"mlscaffold replan --set {key}=…")
    told = f'There is no assumption "{key}".' if value is None else f"{key} is no assumption: it was answered, {value}."
    return Trouble(told, f"Assumptions: {', '.join(known) or 'none'}.")


def unconfirmed(repo: Repo) -> list[dict[str, str]]:
    """The assumptions that nobody took as true, or that somebody did who does not count (see `doubt`)."""
    rows = repo.assumptions()
    return [row for row in rows if not (row.get("confirmed_by") and row.get("confirmed_on")) or doubt(repo, row)]


def doubt(repo: Repo, row: Mapping[str, str]) -> str:
    """Why a confirmed assumption does not count; "" when it does. Without a history, what is written counts."""
    who = row.get("confirmed_by", "")
    if not who or not has_history(repo):
        return ""
    if not in_the_team(repo, who):
        return f"{who} holds no role"
    return unvouched(repo, ASSUMPTIONS, row, who, TOLD)


def doubts(repo: Repo) -> str:
    """A sentence for the first confirmation that does not count; "" where each does."""
    found = ((row, doubt(repo, row)) for row in repo.assumptions())
    return next((f" {row['key']} under {row['confirmed_by']} does not count: {why}." for row, why in found if why), "")


def confirming() -> Step:
    """What opens a gate that waits for assumptions."""
    line = f"{COMMAND} confirm --all"
    return Step(f"Read plan/assumptions.yaml, then: {line}", "command", command=line)
