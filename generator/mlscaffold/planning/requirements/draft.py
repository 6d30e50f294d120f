"""What drafted requirements share: one draft before it is numbered, and how limits and units are said."""

from dataclasses import dataclass

from mlscaffold.answers import Answers

EVERY = "every capability"
SYSTEMS = {
    "service": "the service",
    "web-app": "the web app",
    "cli": "the command",
    "library": "the library",
    "batch": "the job",
}
MISSING = "[NEEDS ANSWER fit]"


@dataclass(frozen=True)
class Draft:
    """One requirement before it has an id, an owner and names. `owner` is a role."""

    kind: str
    capability: str
    text: str
    fit: str
    given: str
    when: str
    then: str
    verification: str = "test"
    priority: str = "must"
    owner: str = "swe"
    about: str = ""


def limit(answers: Answers) -> str:
    """The response limit in the unit a person would say it in."""
    milliseconds = answers.p95_ms
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:g} s"
    return f"{milliseconds / 60_000:.4g} minutes"


def units(answers: Answers) -> str:
    """What is counted: requests, calls or runs."""
    return {"batch": "runs", "cli": "calls", "library": "calls"}.get(answers.deliverable, "requests")
