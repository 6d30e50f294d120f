"""The people as pages name them: who does what, whose review a change needs, which roles are vacant."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import lines
from mlscaffold.wording import cell, number, percent

Row = Mapping[str, Any]

BRINGS = {
    "PO": "the subject, priorities, saying no",
    "DS": "mathematics, statistics, algorithms and their libraries",
    "MLE": "deployment and tuning, data processing, engineering more than modelling",
    "SWE": "languages, problem analysis, system design, debugging, testing",
    "DE": "data organisation, SQL, streaming",
    "OPS": "incidents, capacity, security",
    "EXPERT": "the subject, and time to read cases",
}


def responsibilities(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """The rows of who does what: a letter for each role."""
    return lines(
        f"| {cell(row['deliverable'])} | {' | '.join(row['cells'].values())} |" for row in plan["people"]["raci"]
    )


def vacant(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[Row]:
    """The roles that have no person of their own, who covers each, and what somebody hired for it should bring."""
    named = [person.role.upper() for person in answers.team if person.name != "?"]
    return [
        {"role": role, "covered_by": plan["people"]["roles"][role], "brings": BRINGS[role]}
        for role in plan["people"]["columns"]
        if role not in named
    ]


def team(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[Row]:
    """The people, their roles and their share of a week: 2.5 days a week are 50 %."""
    return [
        {
            "name": person.name,
            "known": "nobody yet" if person.name == "?" else person.name,
            "roles": person.role.upper(),
            "days": number(5 * person.share),
            "share": percent(person.share),
        }
        for person in answers.team
    ]


def reviews(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[tuple[str, list[str], str]]:
    """Whose review a change needs: a path, the roles, and the handles of those who are named for them."""
    named = answers.code_owners
    mle = named.get("mle", named.get("ds", ""))
    handles = {
        "po": named.get("po", ""),
        "ds": named.get("ds", named.get("mle", "")),
        "mle": mle,
        "swe": named.get("swe", named.get("mle", "")),
        "de": named.get("de", named.get("mle", named.get("ds", ""))),
        "ops": named.get("ops", named.get("swe", named.get("mle", ""))),
    }
    ml = answers.kind == "ml"
    maker = "ds" if ml else "swe"
    reviewed = [
        ("*", ["mle" if ml else "swe"]),
        ("/docs/00-charter.md", ["po", maker]),
        ("/docs/03-acceptance.md", ["po", maker, "ops"]),
        ("/docs/04-operations.md", ["ops"]),
        ("/docs/decisions/", ["po", maker]),
        ("/plan/", ["po", maker]),
        ("/gates/", ["po", maker]),
        ("/ops/", ["ops"]),
    ]
    if ml:
        reviewed += [
            ("/docs/01-data-audit.md", ["po", "de"]),
            ("/docs/06-interface.md", ["swe", "mle"]),
            ("/data/", ["de"]),
            ("/experiments/", ["ds", "mle"]),
        ]
    else:
        reviewed += [
            ("/docs/01-requirements.md", ["po", "swe"]),
            ("/docs/06-architecture.md", ["swe", "ops"]),
            ("/tests/acceptance/", ["po", "swe"]),
        ]
    return [(path, roles, _each_once(handles, roles)) for path, roles in reviewed]


def _each_once(handles: Mapping[str, str], roles: list[str]) -> str:
    return " ".join(dict.fromkeys(handle for role, handle in handles.items() if role in roles and handle))
