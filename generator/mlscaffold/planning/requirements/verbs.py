"""What the verb of a capability lets one guess of it; a guess is said to be one wherever it is written."""

from mlscaffold.answers import Answers

# Verbs that ask and change nothing; "report" is none of them, because one reports an incident too.
ASKING = ("browse", "count", "display", "fetch", "find", "get", "list", "look", "read", "search", "see", "show", "view")
# Verbs that change a part of what is there already.
CHANGING = ("adjust", "amend", "change", "correct", "edit", "modify", "rename", "reschedule", "revise", "update")
# Verbs by which one person lets hold what another one has submitted.
APPROVING = ("approve", "authorise", "authorize", "pay", "release", "review")


def verb(capability: str) -> str:
    """Its first word; empty where it has none."""
    return next(iter(capability.lower().split()), "")


def approvals(answers: Answers) -> list[str]:
    """The capabilities that approve what another one submits; none where no caller is known or nothing is kept.

    A command, a library and a job know no callers, and what is not kept was submitted by nobody.
    """
    if answers.deliverable not in ("service", "web-app") or answers.data_class == "none":
        return []
    verbs = {text: verb(text) for text in answers.capabilities}
    submits = any(first not in (*ASKING, *APPROVING) for first in verbs.values())
    return [text for text, first in verbs.items() if first in APPROVING and submits]
