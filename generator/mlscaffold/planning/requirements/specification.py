"""Drafted requirements of a software repository: EARS sentences with fit criterion, scenario and names for the tests.

EARS (Mavin et al., 2009) knows five patterns: always, When, While, Where, and If … then; each says "shall" once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers
from mlscaffold.planning.requirements.draft import Draft
from mlscaffold.planning.requirements.free_text import identifiers
from mlscaffold.planning.requirements.functional import capability, faults, refusal
from mlscaffold.planning.requirements.quality_attributes import quality_requirements
from mlscaffold.planning.schedule.people import staff


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
    drafts = [capability(answers, text, number) for number, text in enumerate(answers.capabilities, 1)]
    drafts += [refusal(answers), *faults(answers, numbers), *quality_requirements(answers, numbers)]
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
