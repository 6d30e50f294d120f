"""Functional requirements: what each capability owes, what is refused, and what a fault of another service may do."""

from collections.abc import Sequence

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, value_of
from mlscaffold.planning.requirements.draft import EVERY, SYSTEMS, Draft, limit
from mlscaffold.planning.requirements.free_text import spoken

CALLERS = {
    "service": "a client asks the service to",
    "web-app": "a user asks the web app to",
    "cli": "a person runs the command to",
    "library": "a program calls the library to",
    "batch": "a run is told to",
}


def capability(answers: Answers, text: str, number: int) -> Draft:
    """What a capability owes: its result, in time."""
    system, caller = SYSTEMS[answers.deliverable], CALLERS[answers.deliverable]
    asked = f"{caller} {spoken(text, f'do capability {number}')}"
    within = limit(answers)
    return Draft(
        "capability",
        text,
        f"When {asked}, {system} shall return the result within {within}.",
        f"Yes or no: a complete request gets its result; 95 % of the results come within {within}.",
        "a request that is complete and allowed",
        asked,
        f"{system} returns the result within {within}, and asking again gives the same result",
    )


def refusal(answers: Answers) -> Draft:
    """The requirement that a request which cannot be used is refused by name, and changes nothing."""
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "input",
        EVERY,
        f"If a request lacks a part or holds one that cannot be used, then {system} shall refuse it with a sentence "
        "that names the part, and change nothing.",
        "Yes or no: an empty, an overlong and an unprintable part are each refused by name, and nothing has changed.",
        "a request with an empty part",
        f"{system} receives it",
        "it is refused with a sentence that names the part, and nothing has changed",
        about="bad input",
    )


def faults(answers: Answers, numbers: Numbers) -> list[Draft]:
    """One requirement for the failure of each dependency, and one for a model service where there is one."""
    soft = set(str(value_of(numbers, "slo.soft") or "").split(", "))
    names: Sequence[str] = tuple(answers.dependencies)
    found = [_fault(answers, name, number, name in soft) for number, name in enumerate(names, 1)]
    return found + ([_model_fault(answers)] if answers.ml_component else [])


def _patience(answers: Answers) -> str:
    """How long a dependency may take: half of the limit, so that an answer in time is still possible."""
    return f"{max(1, round(answers.p95_ms / 2)):,} ms"


def _fault(answers: Answers, name: str, number: int, soft: bool) -> Draft:
    system, within = SYSTEMS[answers.deliverable], limit(answers)
    said = spoken(name, f"dependency {number}") if " " in name else name
    silent = f"{said} gives no usable answer within {_patience(answers)}"
    reaction = (
        f"return what it can without {said} and mark the result as degraded"
        if soft
        else f"refuse the request with a sentence that names {said}, and keep nothing half done"
    )
    outcome = "is marked as degraded" if soft else f"is refused with a sentence that names {said}"
    return Draft(
        "fault",
        EVERY,
        f"If {silent}, then {system} shall {reaction}.",
        f"Yes or no: with {said} switched off, each {'result' if soft else 'request'} {outcome} within {within}.",
        f"{said} is switched off",
        f"{system} receives a complete request that needs {said}",
        f"the {'result' if soft else 'request'} {outcome} within {within}",
        about=name,
    )


def _model_fault(answers: Answers) -> Draft:
    system, within = SYSTEMS[answers.deliverable], limit(answers)
    return Draft(
        "fault",
        EVERY,
        f"If the model service gives no usable answer within {_patience(answers)}, then {system} shall decide by the "
        "fallback rule and log that it did.",
        f"Yes or no: with the model service switched off, the rule decides within {within}, and the log says so.",
        "the model service is switched off",
        f"{system} receives a complete request that needs a prediction",
        f"the fallback rule decides within {within}, and the log says so",
        about="the model service",
    )
