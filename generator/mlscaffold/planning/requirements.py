"""Drafted requirements of a software repository: EARS sentences with fit criterion, scenario and names for the tests.

EARS (Mavin et al., 2009) knows five patterns: always, When, While, Where, and If … then; each says "shall" once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.names import identifiers, spoken
from mlscaffold.planning.number import Numbers, value_of
from mlscaffold.planning.people import staff
from mlscaffold.planning.risk_rules import said

EVERY = "every capability"
SYSTEMS = {
    "service": "the service",
    "web-app": "the web app",
    "cli": "the command",
    "library": "the library",
    "batch": "the job",
}
CALLERS = {
    "service": "a client asks the service to",
    "web-app": "a user asks the web app to",
    "cli": "a person runs the command to",
    "library": "a program calls the library to",
    "batch": "a run is told to",
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
    state: str = "draft"
    source: str = field(default="answers")


def requirements(answers: Answers, numbers: Numbers) -> list[dict[str, Any]]:
    """Every requirement the answers call for, numbered R-01, R-02 …; capabilities first."""
    drafts = [_capability(answers, text, number) for number, text in enumerate(answers.capabilities, 1)]
    drafts += [_refusal(answers), *_faults(answers, numbers), *_qualities(answers, numbers)]
    names = _functions(drafts)
    tests = identifiers([f"test {draft.about or name}" for draft, name in zip(drafts, names, strict=True)], "test")
    found = [
        _numbered(answers, number, draft, name, test)
        for number, (draft, name, test) in enumerate(zip(drafts, names, tests, strict=True), 1)
    ]
    return [asdict(requirement) for requirement in found]


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
    )


def _capability(answers: Answers, text: str, number: int) -> Draft:
    """What a capability owes: its result, in time."""
    system, caller = SYSTEMS[answers.deliverable], CALLERS[answers.deliverable]
    asked = f"{caller} {spoken(text, f'do capability {number}')}"
    limit = _limit(answers)
    return Draft(
        "capability",
        text,
        f"When {asked}, {system} shall return the result within {limit}.",
        f"Yes or no: a complete request gets its result; 95 % of the results come within {limit}.",
        "a request that is complete and allowed",
        asked,
        f"{system} returns the result within {limit}, and asking again gives the same result",
    )


def _limit(answers: Answers) -> str:
    milliseconds = answers.p95_ms
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:g} s"
    return f"{milliseconds / 60_000:.4g} minutes"


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
    system, limit = SYSTEMS[answers.deliverable], _limit(answers)
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
        f"Yes or no: with {said} switched off, each request {outcome} within {limit}.",
        f"{said} is switched off",
        f"{system} receives a complete request that needs {said}",
        f"the request {outcome} within {limit}",
        about=name,
    )


def _model_fault(answers: Answers) -> Draft:
    system, limit = SYSTEMS[answers.deliverable], _limit(answers)
    return Draft(
        "fault",
        EVERY,
        f"If the model service gives no usable answer within {_patience(answers)}, then {system} shall decide by the "
        "fallback rule and log that it did.",
        f"Yes or no: with the model service switched off, the rule decides within {limit}, and the log says so.",
        "the model service is switched off",
        f"{system} receives a complete request that needs a prediction",
        f"the fallback rule decides within {limit}, and the log says so",
        about="the model service",
    )


# --------------------------------------------------------------------------------------------------------- qualities


def _qualities(answers: Answers, numbers: Numbers) -> list[Draft]:
    """Speed, availability, security and recovery, as far as the deliverable and its data call for them."""
    found = [_speed(answers, numbers)]
    if answers.is_asked("slo_percent"):
        found.append(_availability(answers, numbers))
    if answers.data_class != "none":
        found.append(_security(answers))
    if answers.data_class in ("personal", "regulated"):
        found.append(_deletion(answers))
    if answers.deliverable in ("service", "web-app", "batch"):
        found.append(_rollback(answers))
    if answers.deliverable in ("service", "web-app") and answers.data_class != "none":
        found.append(_restore(answers))
    return found


def _speed(answers: Answers, numbers: Numbers) -> Draft:
    system, limit = SYSTEMS[answers.deliverable], _limit(answers)
    samples = value_of(numbers, "slo.demo_samples")
    online = answers.deliverable in ("service", "web-app")
    rate = float(value_of(numbers, "capacity.load_per_second") or 0.0)
    load = f"{said(rate)} requests a second arrive" if online else "a typical input is given"
    return Draft(
        "quality",
        EVERY,
        f"While {load}, {system} shall finish 95 % of the {_units(answers)} within {limit}.",
        f"95 % of at least {samples} timed {_units(answers)} take at most {limit}.",
        f"{load.replace(' arrive', ' are sent').replace(' is given', ' is ready')}",
        f"{samples} {_units(answers)} are timed",
        f"95 % of them take at most {limit}",
        verification="demonstration",
        owner="ops",
        about="speed",
    )


def _units(answers: Answers) -> str:
    return {"batch": "runs", "cli": "calls", "library": "calls"}.get(answers.deliverable, "requests")


def _availability(answers: Answers, numbers: Numbers) -> Draft:
    system, units, days = SYSTEMS[answers.deliverable], _units(answers), answers.slo_window_days
    budget = value_of(numbers, "slo.budget_requests")
    allowed = f"At most {said(budget)} failed {units} in {days} days; before" if budget is not None else "Before"
    shown = value_of(numbers, "slo.demo_requests")
    return Draft(
        "quality",
        EVERY,
        f"The {system.removeprefix('the ')} shall complete {answers.slo_percent:g} % of the {units} of any {days} days "
        "without an error of its own.",
        f"{allowed} release, {shown:,} {units} without one failure.",
        f"{shown:,} complete {units}",
        f"{system} handles them",
        "none fails",
        verification="demonstration",
        owner="ops",
        about="availability",
    )


def _security(answers: Answers) -> Draft:
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"If a request comes from nobody whom {system} knows, then {system} shall refuse it and record the attempt.",
        f"Yes or no: an unknown caller sees no {answers.data_class} data, and the attempt is in the log.",
        "a caller without valid credentials",
        f"the caller asks for {answers.data_class} data",
        "nothing is shown, and the attempt is in the log",
        verification="inspection",
        about="security",
    )


def _deletion(answers: Answers) -> Draft:
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"When a person asks for deletion, {system} shall delete that person's data, backups included, "
        f"within {MISSING} days.",
        f"Nothing about the person is found {MISSING} days after the request.",
        "a person whose data is stored",
        "that person asks for deletion",
        "a search for the person finds nothing, in the store and in restored backups",
        verification="inspection",
        owner="po",
        about="deletion",
    )


def _rollback(answers: Answers) -> Draft:
    system, minutes = SYSTEMS[answers.deliverable], f"{answers.rollback_minutes:g} minutes"
    return Draft(
        "quality",
        EVERY,
        f"If a release fails, then {system} shall run its previous version again within {minutes}.",
        f"At most {minutes}, timed in a drill that is at most {answers.drill_age_days} days old.",
        "a release that fails its checks",
        "somebody starts the rollback",
        f"the previous version answers within {minutes}",
        verification="demonstration",
        owner="ops",
        about="rollback",
    )


def _restore(answers: Answers) -> Draft:
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"If the store is lost, then {system} shall bring back every record of the last backup.",
        "Yes or no: after the drill the restored records equal the backed-up ones, in number and content.",
        "a backup and an empty store",
        "somebody runs the restore drill",
        "every record of the backup is there again, unchanged",
        verification="demonstration",
        owner="ops",
        about="restore",
    )
