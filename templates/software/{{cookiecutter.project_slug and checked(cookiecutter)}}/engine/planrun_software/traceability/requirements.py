"""plan/requirements.yaml."""

from typing import Any

from planrun.files import rows_of
from planrun.repository import Repo
from planrun.trouble import Trouble

REQUIREMENTS = "plan/requirements.yaml"


def requirements(repo: Repo) -> list[dict[str, Any]]:
    """The requirements as the team has them now. Raises `Trouble` where they are no list of rows with an id each."""
    found = rows_of(repo.root, REQUIREMENTS)
    if not found or not all(row.get("id") for row in found):
        raise Trouble(f"{REQUIREMENTS} is no list of requirements with an id each.", f"Correct {REQUIREMENTS}.")
    return found


def musts(repo: Repo) -> list[dict[str, Any]]:
    """The must requirements: a priority that is no other one lowers nothing."""
    return [row for row in requirements(repo) if row.get("priority") not in ("should", "could")]


def by_test(repo: Repo) -> list[dict[str, Any]]:
    """The must requirements that a test has to show."""
    return [row for row in musts(repo) if row.get("verification") == "test"]
