"""Facts that follow from the answers and the plan, each by the name that templates of a kind call it.

A fact is here once. What only one page asks for stands in a module of that page, and its page reads as it will be read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mlscaffold import catalogue
from mlscaffold.answers import Answers
from mlscaffold.hosting import GITLAB_TOP, at_top
from mlscaffold.planning.number import entries
from mlscaffold.rendering import operations, practice
from mlscaffold.rendering.architecture import Architecture
from mlscaffold.rendering.forms import called_for, is_guarded, is_served, lines, runs_as, stores
from mlscaffold.rendering.ml_readme import SERVE, MlReadme
from mlscaffold.rendering.packages import Packages
from mlscaffold.rendering.pipeline import Pipeline
from mlscaffold.rendering.schedule import Risks, Schedule
from mlscaffold.rendering.signing import Signing
from mlscaffold.rendering.software_readme import SoftwareReadme
from mlscaffold.rendering.told import Told
from mlscaffold.wording import cell, number, percent

Row = Mapping[str, Any]
Plan = Row
Fact = Callable[[Answers, Plan], Any]

DELIVERS = {
    "service": "an HTTP service",
    "web-app": "a web application",
    "cli": "a command-line tool",
    "library": "a Python library",
    "batch": "a batch job",
}
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
EVIDENCE = {"test_rollback": "rollback_drill", "test_restore": "restore"}  # whatever is timed is in `load`
WITHOUT = {True: "goes on and marks the result as degraded", False: "refuses and says why"}
WORST = {
    "cosmetic": "an annoyance that leaves no harm",
    "money": "lost money",
    "rights": "the rights or chances of a person",
    "intolerable": "harm that nobody would accept",
}
HOSTS = {"github": "GitHub", "gitlab": "GitLab"}


def _must_tests(answers: Answers, plan: Plan) -> list[Row]:
    """The must requirements that a test shows, in the plan's order."""
    return [one for one in plan["requirements"] if (one["priority"], one["verification"]) == ("must", "test")]


def _scenarios(answers: Answers, plan: Plan) -> dict[str, list[Row]]:
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


def _faults(plan: Plan) -> list[Row]:
    return [one for one in plan["requirements"] if one["kind"] == "fault"]


def _systems(answers: Answers, plan: Plan) -> list[Row]:
    """The systems that it asks, each with its fault requirement: they come in that order."""
    return [
        {
            "name": name,
            "availability": percent(share / 100),
            "without": WITHOUT["degraded" in fault["text"]],
            "requirement": fault["id"],
        }
        for (name, share), fault in zip(answers.dependencies.items(), _faults(plan), strict=False)
    ]


def _wanted(answers: Answers, plan: Plan) -> list[Row]:
    """The capabilities as the team typed them."""
    wanted = enumerate(answers.capabilities, 1)
    return [{"id": f"C-{number:02}", "text": text, "priority": "must"} for number, text in wanted]


def _drafts(answers: Answers, plan: Plan) -> dict[str, list[Row]]:
    """The drafted requirements by the section that shows them."""
    shown = {"behaviour": ("capability", "input"), "quality": ("quality",)}
    found = {name: [one for one in plan["requirements"] if one["kind"] in kinds] for name, kinds in shown.items()}
    must = [one for one in plan["requirements"] if one["priority"] == "must"]
    found["tested"] = [one for one in must if one["verification"] == "test"]
    found["shown"] = [one for one in must if one["verification"] != "test"]
    carried_out = [{**one, "carried_out": _carried_out(answers, one["function"])} for one in plan["requirements"]]
    found["offered"] = [one for one in carried_out if one["kind"] == "capability"]
    return found | {"whole": [{**one, "to_fill": _to_fill(one)} for one in plan["requirements"]]}


def _carried_out(answers: Answers, function: str) -> str:
    """The expression that a capability's function returns."""
    without = ", _without()" if answers.dependencies else ""
    outcome = f'Outcome.of("{function}", request{without})'
    return f"_judged({outcome}, request.facts)" if answers.ml_component else outcome


def _to_fill(requirement: Row) -> list[str]:
    """The lines of a requirement that wait: the evidence it names, and who has agreed to a degraded result."""
    verified, evidence = requirement["verification"], EVIDENCE.get(requirement["test"], "load")
    inspected = verified not in ("test", "demonstration")
    degraded = requirement["kind"] == "fault" and "degraded" in requirement["text"]
    return called_for(
        (verified == "demonstration", f'evidence: "evidence/{evidence}.json"'),
        (inspected, f'evidence: "docs/inspections/{requirement["id"]}.md"'),
        (degraded, 'agreed: ""'),
    )


def _responsibilities(answers: Answers, plan: Plan) -> str:
    """The rows of who does what: a letter for each role."""
    return lines(
        f"| {cell(row['deliverable'])} | {' | '.join(row['cells'].values())} |" for row in plan["people"]["raci"]
    )


def _vacant(answers: Answers, plan: Plan) -> list[Row]:
    """The roles that have no person of their own, who covers each, and what somebody hired for it should bring."""
    named = [person.role.upper() for person in answers.team if person.name != "?"]
    return [
        {"role": role, "covered_by": plan["people"]["roles"][role], "brings": BRINGS[role]}
        for role in plan["people"]["columns"]
        if role not in named
    ]


def _team(answers: Answers, plan: Plan) -> list[Row]:
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


def _assumed(answers: Answers, plan: Plan) -> list[Row]:
    """The answers that nobody gave, each with the command that takes it as true."""
    return [{**one, "command": f"`.venv/bin/planrun confirm {one['key']}`"} for one in plan["assumptions"]]


def _retention(answers: Answers, plan: Plan) -> str:
    """What becomes of its data, by which parts of pages are named."""
    if answers.data_class == "none":
        return "none"
    return "passing" if runs_as(answers) == "alone" else "kept"


def _ignored(answers: Answers, plan: Plan) -> list[str]:
    """What the product leaves in its folder that is data, not code."""
    return called_for(
        (stores(answers), "backups/"),
        (is_served(answers) and is_guarded(answers), "access/"),
        (answers.deliverable == "batch", "# What a job is given and what it leaves: data, not code."),
        (answers.deliverable == "batch", "/*.csv"),
        (answers.deliverable == "batch", "/results/"),
        (bool(answers.ml_component), "predictions/"),
    )


def _objective(answers: Answers, plan: Plan) -> str:
    """The share that is promised; nothing where nothing is."""
    return percent(answers.slo_percent / 100) if answers.is_asked("slo_percent") else ""


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


def _moves(answers: Answers, plan: Plan) -> str:
    """The lines that move what the code host reads at the top only, from a project below the top of its repository."""
    up = "../" * len(answers.folder.split("/"))
    tops = ((path, up + str(at_top(path, answers.project_slug))) for path in _hosted(answers))
    return lines(f"mkdir -p {top.rpartition('/')[0]} && git mv {path} {top}" for path, top in tops)


def _hosted(answers: Answers) -> list[str]:
    if answers.ci == "gitlab":
        return [GITLAB_TOP, "docs/CODEOWNERS"]
    ml = answers.kind == "ml"
    forms = ["data", "experiment", "misbehaviour"] if ml else ["change"]
    forms += ["misbehaviour"] if not ml and answers.ml_component else []
    return [
        ".github/workflows/ci.yml",
        *([".github/workflows/operations.yml"] if ml else []),
        *(f".github/ISSUE_TEMPLATE/{form}.yml" for form in forms),
        ".github/PULL_REQUEST_TEMPLATE.md",
        ".github/CODEOWNERS",
        *([] if ml else [".github/dependabot.yml"]),
    ]


def _each_once(handles: Mapping[str, str], roles: list[str]) -> str:
    return " ".join(dict.fromkeys(handle for role, handle in handles.items() if role in roles and handle))


def _given_by(plan: Plan) -> dict[str, list[Row]]:
    """The key and the meaning of each of the plan's numbers, by the id of its formula."""
    found: dict[str, list[Row]] = {}
    for key, entry in entries(plan):
        row = {"key": f"`{key}`", "meaning": entry["meaning"].rstrip(".")}
        found.setdefault(entry["formula"], []).append(row)
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
    "schedule": Schedule,
    "risks": Risks,
    "reviews": _reviews,
    "assumed": _assumed,
    "responsibilities": _responsibilities,
    "team": _team,
    "vacant": _vacant,
    "staffed": lambda answers, plan: [person.role for person in answers.team if person.name != "?"],
    "worst": lambda answers, plan: WORST[answers.consequence],
    "signing": Signing,
    "tasks": lambda answers, plan: {task["id"]: task for task in plan["schedule"]["tasks"]},
    "host": lambda answers, plan: HOSTS.get(answers.ci, ""),
    "moves": _moves,
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
        "serve": lambda answers, plan: SERVE[answers.serving],
        "readme": MlReadme,
        "told": Told,
    },
    "software": BOTH
    | {
        "product": lambda answers, plan: PRODUCTS[answers.deliverable],
        "delivered": lambda answers, plan: DELIVERS[answers.deliverable],
        "runs": lambda answers, plan: runs_as(answers),
        "served": lambda answers, plan: is_served(answers),
        "stores": lambda answers, plan: stores(answers),
        "alone": lambda answers, plan: runs_as(answers) == "alone",
        "promised": lambda answers, plan: answers.is_asked("slo_percent"),
        "guarded": lambda answers, plan: is_guarded(answers),
        "results": lambda answers, plan: operations.results(answers),
        "packages": Packages,
        "ignored": _ignored,
        "today": lambda answers, plan: practice.TODAY[answers.current_practice],
        "approach": practice.Approach,
        "pipeline": Pipeline,
        "counted": lambda answers, plan: operations.is_counted(answers),
        "watched": operations.watched,
        "maintenance": operations.maintenance,
        "architecture": Architecture,
        "scenarios": _scenarios,
        "objective": _objective,
        "systems": _systems,
        "retention": _retention,
        "wanted": _wanted,
        "drafts": _drafts,
        "faults": lambda answers, plan: lines(f"- **{one['id']}** {one['text']}" for one in _faults(plan)),
        "readme": SoftwareReadme,
    },
}
