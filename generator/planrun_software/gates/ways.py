"""Next steps that several gates share, where the command that made the evidence would only make the same again."""

from typing import Any

from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.signing.people import decides, waiving

from planrun_software.inspection import secrets_and_packages


def more_load(shown: dict[str, Any]) -> str:
    """The load that says more than this one did: as many as the plan wants, or twice as many where that was too few."""
    enough = shown["requests"] >= shown["needed"]
    return f"{COMMAND} load --requests {2 * shown['requests']}" if enough else "make load"


def past_a_weakness(repo: Repo, id: str) -> str:
    """A version without the weakness, where there is one; where there is none, only a person walks past it."""
    again = secrets_and_packages.step(repo)
    return decides(repo, "swe", f"take a version without it (make lock, then: {again}); or {waiving(id)}")


def past_the_unknown(repo: Repo, id: str, package: str) -> str:
    """A package that no list of advisories knows (one of the house's own, say) stays so: somebody answers for it."""
    again = secrets_and_packages.step(repo)
    return decides(repo, "swe", f"look {package} up by hand, or with a network: {again}; or {waiving(id)}")
