"""Coding agents: they may do the work, and they put nobody's name to it.

An agent says that it is one by the variable `PLANRUN_AGENT`, as AGENTS.md asks. That holds an agent which means well.
One that takes the variable out is held by what holds everybody: reviews by code owners, and protected branches.
"""

import os

from planrun.trouble import Blocked

VARIABLE = "PLANRUN_AGENT"


def refuse(what: str, line: str) -> None:
    """Raises `Blocked` where an agent is about to do what a person answers for; `line` is what that person types."""
    name = os.environ.get(VARIABLE, "").strip()
    if name:
        raise Blocked(
            f"{what}, and {VARIABLE}={name} says that an agent types here.",
            f"Say what you found, and ask a person to type, in a terminal of their own: {line}",
        )
