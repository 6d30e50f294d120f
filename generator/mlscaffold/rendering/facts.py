"""Facts that follow from the answers and the plan, each by the name that templates of a kind call it.

A fact is here once. What only one page asks for stands in a module of that page, and its page reads as it will be read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mlscaffold import catalogue
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.number import entries
from mlscaffold.rendering import governance, hosted, operations, people, practice, reading, requirements
from mlscaffold.rendering.architecture import Architecture
from mlscaffold.rendering.capability_files import capability_files, first_request
from mlscaffold.rendering.catalog import Catalog
from mlscaffold.rendering.commands import commands
from mlscaffold.rendering.dashboard import dashboard
from mlscaffold.rendering.delivered import DELIVERED
from mlscaffold.rendering.forms import (
    called_for,
    is_guarded,
    is_served,
    lets_in,
    of_people,
    or_assumed,
    runs_as,
    stores,
    taken,
    with_roles,
)
from mlscaffold.rendering.ml_readme import SERVE, MlReadme
from mlscaffold.rendering.one_page import OnePage
from mlscaffold.rendering.packages import Packages
from mlscaffold.rendering.pipeline import Pipeline
from mlscaffold.rendering.scenarios import Scenarios
from mlscaffold.rendering.schedule import Risks, Schedule
from mlscaffold.rendering.settings import settings
from mlscaffold.rendering.signing import Signing
from mlscaffold.rendering.software_readme import SoftwareReadme
from mlscaffold.rendering.threats import Threats
from mlscaffold.rendering.told import Told
from mlscaffold.wording import percent

Row = Mapping[str, Any]
Plan = Mapping[PlanKey, Any]
Fact = Callable[[Answers, Plan], Any]

WORST = {
    "cosmetic": "an annoyance that leaves no harm",
    "money": "lost money",
    "rights": "the rights or chances of a person",
    "intolerable": "harm that nobody would accept",
}


def _assumed(answers: Answers, plan: Plan) -> list[Row]:
    """The answers that nobody gave, each with the command that takes it as true."""
    return [
        {**one, "value": taken(one), "command": f"`.venv/bin/planrun confirm {one['key']}`"}
        for one in plan["assumptions"]
    ]


def _measured(answers: Answers, plan: Plan) -> Row | None:
    """The task that measures today's practice: one of its own, or the baseline; nothing where nothing is to measure."""
    tasks = {task["id"]: task for task in plan["schedule"]["tasks"]}
    return tasks.get("practice") or tasks.get("baseline")


PRIVACY = {"ml": "G1.12", "software": "T1.9"}


def _private(answers: Answers, plan: Plan) -> bool:
    """Whether people or somebody's rights are touched, so that the gate on privacy waits for answers."""
    return catalogue.gates()[PRIVACY[answers.kind]].is_called_for(answers)


def _retention(answers: Answers, plan: Plan) -> str:
    """What becomes of its data, by which parts of pages are named."""
    if answers.data_class == "none":
        return "none"
    return "passing" if runs_as(answers) == "alone" else "kept"


def _ignored(answers: Answers, plan: Plan) -> list[str]:
    """What the product leaves in its folder that is data, not code."""
    return called_for(
        (is_served(answers), "/.env"),
        (stores(answers), "backups/"),
        (lets_in(answers), "access/"),
        (answers.deliverable == "batch", "# What a job is given and what it leaves: data, not code."),
        (answers.deliverable == "batch", "/*.csv"),
        (answers.deliverable == "batch", "/results/"),
        (bool(answers.ml_component), "predictions/"),
    )


def _objective(answers: Answers, plan: Plan) -> str:
    """The share that is promised; nothing where nothing is."""
    return percent(answers.slo_percent / 100) if answers.is_asked("slo_percent") else ""


def _build_cost(answers: Answers, plan: Plan) -> Row:
    """What building a software product costs: its effort at the day rate, as the six lines have it."""
    effort = plan["schedule"]["effort_days"]["value"]
    rests_on = next(line["rests_on"] for line in plan["headline"] if line["key"] == "cost")
    return {"value": effort * answers.day_rate, "provenance": "computed", "rests_on": rests_on}


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
    "governed": lambda answers, plan: governance.called(answers),
    "about_people": lambda answers, plan: governance.about_people(answers),
    "strict": lambda answers, plan: answers.rigor == "strict",
    "audited": lambda answers, plan: answers.rigor != "light",
    "run": lambda answers, plan: ".venv/bin/planrun",
    "package": lambda answers, plan: answers.package_name,
    "occasion": lambda answers, plan: "$OCCASION" if answers.folder else "$CI_PIPELINE_SOURCE",
    "reading_paths": reading.paths,
    "brings": lambda answers, plan: people.BRINGS,
    "schedule": Schedule,
    "risks": Risks,
    "one_page": OnePage,
    "reviews": people.reviews,
    "assumed": _assumed,
    "responsibilities": people.responsibilities,
    "team": people.team,
    "vacant": people.vacant,
    "staffed": lambda answers, plan: [person.role for person in answers.team if person.name != "?"],
    "private": _private,
    "worst": lambda answers, plan: WORST[answers.consequence],
    "signing": Signing,
    "tasks": lambda answers, plan: {task["id"]: task for task in plan["schedule"]["tasks"]},
    "measured": _measured,
    "host": lambda answers, plan: hosted.HOSTS.get(answers.ci, ""),
    "moves": hosted.moves,
    "remarked": hosted.Remarked,
    "catalog": Catalog,
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
        "product": lambda answers, plan: DELIVERED[answers.deliverable].product,
        "delivered": lambda answers, plan: DELIVERED[answers.deliverable].what,
        "runs": lambda answers, plan: runs_as(answers),
        "served": lambda answers, plan: is_served(answers),
        "stores": lambda answers, plan: stores(answers),
        "alone": lambda answers, plan: runs_as(answers) == "alone",
        "unasked": lambda answers, plan: not answers.dependencies and answers.provenance("dependencies") == "default",
        "build_cost": _build_cost,
        "promised": lambda answers, plan: answers.is_asked("slo_percent"),
        "threats": Threats,
        "guarded": lambda answers, plan: is_guarded(answers),
        "lets_in": lambda answers, plan: lets_in(answers),
        "of_people": lambda answers, plan: of_people(answers),
        "with_roles": lambda answers, plan: with_roles(answers),
        "approving": requirements.approving,
        "results": lambda answers, plan: operations.results(answers),
        "packages": Packages,
        "settings": settings,
        "commands": commands,
        "dashboard": dashboard,
        "addressed": lambda answers, plan: bool(
            answers.dependencies or answers.ml_component or is_served(answers) or answers.deliverable == "batch"
        ),
        "ignored": _ignored,
        "today": lambda answers, plan: or_assumed(
            answers, "current_practice", practice.TODAY[answers.current_practice]
        ),
        "approach": practice.Approach,
        "pipeline": Pipeline,
        "counted": lambda answers, plan: operations.is_counted(answers),
        "watched": operations.watched,
        "maintenance": operations.maintenance,
        "architecture": Architecture,
        "scenarios": Scenarios,
        "objective": _objective,
        "systems": requirements.systems,
        "retention": _retention,
        "wanted": requirements.wanted,
        "drafts": requirements.drafts,
        "capability_files": capability_files,
        "first_request": first_request,
        "changes": requirements.changes,
        "queries": requirements.queries,
        "first_done": requirements.first_done,
        "faults": requirements.fault_list,
        "readme": SoftwareReadme,
    },
}
