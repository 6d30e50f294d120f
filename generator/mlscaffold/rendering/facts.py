"""Facts that follow from the answers and the plan, each by the name that templates of a kind call it.

A fact is here once where more than one template asks for it; what one page alone needs, that page works out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mlscaffold import catalogue
from mlscaffold.answers import Answers
from mlscaffold.planning.number import entries

Plan = Mapping[str, Any]
Fact = Callable[[Answers, Plan], Any]

PRODUCTS = {
    "service": "service",
    "web-app": "web application",
    "cli": "command",
    "library": "library",
    "batch": "batch job",
}
BRINGS = {
    "PO": "the subject, priorities, saying no",
    "DS": "mathematics, statistics, algorithms and their libraries",
    "MLE": "deployment and tuning, data processing, engineering more than modelling",
    "SWE": "languages, problem analysis, system design, debugging, testing",
    "DE": "data organisation, SQL, streaming",
    "OPS": "incidents, capacity, security",
    "EXPERT": "the subject, and time to read cases",
}
OPENINGS = {"p0a": "Before the gate", "p2": "Experiments", "p2a": "Iterations", "p3": "Release"}


def _is_served(answers: Answers, plan: Plan) -> bool:
    """Whether it runs for others and is asked over HTTP."""
    return answers.deliverable in ("service", "web-app")


def _stores(answers: Answers, plan: Plan) -> bool:
    """Whether it keeps data that a backup has to bring back."""
    return answers.deliverable in ("service", "web-app", "batch") and answers.data_class != "none"


def _must_tests(answers: Answers, plan: Plan) -> list[Mapping[str, Any]]:
    """The must requirements that a test shows, in the plan's order."""
    return [one for one in plan["requirements"] if (one["priority"], one["verification"]) == ("must", "test")]


def _scenarios(answers: Answers, plan: Plan) -> dict[str, list[Mapping[str, Any]]]:
    """The same by what their scenario shows: a kind of requirement, or what it is about."""
    shown = _must_tests(answers, plan)
    faults = [one for one in shown if one["kind"] == "fault"]
    others = len(list(answers.dependencies))
    found = {
        "capability": [one for one in shown if one["kind"] == "capability"],
        "input": [one for one in shown if one["kind"] == "input"],
        "others": faults[:others],  # one for each system that it asks, in that order
        "model": faults[others:],
    }
    about = {"person": "a person decides", "security": "security", "reading": "reading", "deletion": "deletion"}
    return found | {name: [one for one in shown if one["about"] == text] for name, text in about.items()}


def _reviews(answers: Answers, plan: Plan) -> list[tuple[str, list[str], str]]:
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


def _given_by(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """The key and the meaning of each of the plan's numbers, by the id of its formula."""
    found: dict[str, list[tuple[str, str]]] = {}
    for key, entry in entries(plan):
        found.setdefault(entry["formula"], []).append((key, entry["meaning"].rstrip(".")))
    return found


BOTH: dict[str, Fact] = {
    "ml": lambda answers, plan: answers.kind == "ml",
    "maker": lambda answers, plan: "ds" if answers.kind == "ml" else "swe",
    "strict": lambda answers, plan: answers.rigor == "strict",
    "audited": lambda answers, plan: answers.rigor != "light",
    "run": lambda answers, plan: ".venv/bin/planrun",
    "package": lambda answers, plan: answers.package_name,
    "occasion": lambda answers, plan: "$OCCASION" if answers.folder else "$CI_PIPELINE_SOURCE",
    "brings": lambda answers, plan: BRINGS,
    "openings": lambda answers, plan: OPENINGS,
    "reviews": _reviews,
    "formulas": lambda answers, plan: catalogue.cited(plan),
    "given_by": lambda answers, plan: _given_by(plan),
}
FACTS: dict[str, dict[str, Fact]] = {
    "ml": BOTH
    | {
        "metric": lambda answers, plan: plan["metric"]["title"],
        "predicted": lambda answers, plan: catalogue.tasks()[answers.task],
        "classes": lambda answers, plan: answers.task in catalogue.tasks_of("class"),
        "sample": lambda answers, plan: answers.data_source == "sample",
    },
    "software": BOTH
    | {
        "product": lambda answers, plan: PRODUCTS[answers.deliverable],
        "served": _is_served,
        "stores": _stores,
        "alone": lambda answers, plan: answers.deliverable in ("cli", "library"),
        "promised": lambda answers, plan: answers.is_asked("slo_percent"),
        "guarded": lambda answers, plan: answers.data_class in ("personal", "regulated"),
        "results": lambda answers, plan: "runs" if answers.deliverable == "batch" else "requests",
        "scenarios": _scenarios,
    },
}
