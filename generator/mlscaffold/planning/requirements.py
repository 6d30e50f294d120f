"""Drafted requirements of a software repository: EARS sentences with fit criterion, scenario and names for the tests.

EARS (Mavin et al., 2009) knows five patterns: always, When, While, Where, and If … then; each says "shall" once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.drafts import EVERY, SYSTEMS, Draft, limit
from mlscaffold.planning.names import identifiers, spoken
from mlscaffold.planning.number import Numbers, value_of
from mlscaffold.planning.people import staff
from mlscaffold.planning.qualities import qualities

CALLERS = {
    "service": "a client asks the service to",
    "web-app": "a user asks the web app to",
    "cli": "a person runs the command to",
    "library": "a program calls the library to",
    "batch": "a run is told to",
}


@dataclass(frozen=True)
class Requirement:
    """One requirement as plan.json and plan/requirements.yaml hold it."""

    id: str
    kind: str
    capability: str
    text: str
    fit: str
    verification: str
    priority: str
    owner: str
    scenario: Mapping[str, str]
    function: str
    test: str
    about: str
    state: str = "draft"
    source: str = field(default="answers")


def requirements(answers: Answers, numbers: Numbers) -> list[dict[str, Any]]:
    """Every requirement the answers call for, capabilities first: R-01, R-02 …, or the numbers that replan keeps."""
    drafts = [_capability(answers, text, number) for number, text in enumerate(answers.capabilities, 1)]
    drafts += [_refusal(answers), *_faults(answers, numbers), *qualities(answers, numbers)]
    names = _functions(drafts)
    tests = identifiers([f"test {draft.about or name}" for draft, name in zip(drafts, names, strict=True)], "test")
    kept, labels = answers.requirement_ids, labelled([(draft.about, draft.capability) for draft in drafts])
    unused = count(max(kept.values(), default=0) + 1)
    numbered = [kept[label] if label in kept else next(unused) for label in labels]
    found = [
        _numbered(answers, number, draft, name, test)
        for number, draft, name, test in zip(numbered, drafts, names, tests, strict=True)
    ]
    return [asdict(requirement) for requirement in found]


def labelled(requirements: Iterable[tuple[str, str]]) -> list[str]:
    """A label for each (about, capability), all different: what `requirement_ids` calls a requirement."""
    return identifiers([about or capability for about, capability in requirements], "requirement")


def _functions(drafts: Sequence[Draft]) -> list[str]:
    """The function that carries each requirement: its own for a capability or a fault, else the first capability's."""
    own = [draft.capability if draft.kind == "capability" else f"without {draft.about}" for draft in drafts]
    carried = [at for at, draft in enumerate(drafts) if draft.kind in ("capability", "fault")]
    found = dict(zip(carried, identifiers([own[at] for at in carried], "capability"), strict=True))
    return [found.get(at, found[0]) for at in range(len(drafts))]


def _numbered(answers: Answers, number: int, draft: Draft, function: str, test: str) -> Requirement:
    return Requirement(
        id=f"R-{number:02}",
        kind=draft.kind,
        capability=draft.capability,
        text=draft.text,
        fit=draft.fit,
        verification=draft.verification,
        priority=draft.priority,
        owner=staff(answers, draft.owner).person,
        scenario={"given": draft.given, "when": draft.when, "then": draft.then},
        function=function,
        test=test,
        about=draft.about,
    )


def _capability(answers: Answers, text: str, number: int) -> Draft:
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


def _refusal(answers: Answers) -> Draft:
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


# ------------------------------------------------------------------------------------------------------------ faults


def _faults(answers: Answers, numbers: Numbers) -> list[Draft]:
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
        f"Yes or no: with {said} switched off, each request {outcome} within {within}.",
        f"{said} is switched off",
        f"{system} receives a complete request that needs {said}",
        f"the request {outcome} within {within}",
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
