"""A template of Backstage's scaffolder, its form worked out from the questions as presets leave them.

The form asks what the wizard asks, and dispatches a workflow that calls `mlscaffold new`; `docs/backstage.md` says why.
A field that is left open stays an open assumption, so none but the project's name has to be filled in.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from mlscaffold import house, patterns, questions
from mlscaffold.questions import Question

WORKFLOW = "new-repository.yml"
TITLES = {"ml": "Machine learning repository", "software": "Software repository"}
ABOUT = {
    "ml": "A plan in numbers and gates from the data audit to retraining, worked out from your answers.",
    "software": "A plan in numbers and gates from requirements to operation, worked out from your answers.",
}
PAGES = {"first": "What decides most", "assumed": "What is assumed otherwise"}
# Worked out by the program or by the workflow, or asked on the form's last page.
NOT_ASKED = ("project_slug", "kind", "repository_url", "catalog_owner")
# Types of which a form can check the whole text; what others may hold is said by their example.
SHAPED = ("slug", "email", "currency", "folder", "address", "entity", "date")

Schema = dict[str, Any]


def template(kind: str, platform: str) -> str:
    """`template.yaml` for one kind of repository.

    `platform` is the repository with the workflow, as OWNER/NAME on GitHub.
    """
    owner, _, name = platform.partition("/")
    repository = (
        "${{ (parameters.repoUrl | parseRepoUrl)['owner'] }}/${{ (parameters.repoUrl | parseRepoUrl)['repo'] }}"
    )
    found = {
        "apiVersion": "scaffolder.backstage.io/v1beta3",
        "kind": "Template",
        "metadata": {
            "name": f"mlscaffold-{kind}",
            "title": TITLES[kind],
            "description": ABOUT[kind],
            "tags": ["recommended", "machine-learning" if kind == "ml" else "software"],
        },
        "spec": {
            "owner": owner,
            "type": "service",
            "parameters": [*pages(kind), _where()],
            "steps": [
                {
                    "id": "repository",
                    "name": "Make an empty repository",
                    "action": "github:repo:create",
                    "input": {"repoUrl": "${{ parameters.repoUrl }}"},
                },
                {
                    "id": "plan",
                    "name": "Have it planned and written",
                    "action": "github:actions:dispatch",
                    "input": {
                        "repoUrl": f"github.com?owner={owner}&repo={name}",
                        "workflowId": WORKFLOW,
                        "branchOrTagName": "main",
                        "workflowInputs": {
                            "repository": repository,
                            "kind": kind,
                            "answers": "${{ parameters | dump }}",
                        },
                    },
                },
                {
                    "id": "register",
                    "name": "Enter it into the catalogue",
                    "action": "catalog:register",
                    "input": {
                        "catalogInfoUrl": f"https://github.com/{repository}/blob/main/catalog-info.yaml",
                        "optional": True,  # the workflow is still writing
                    },
                },
            ],
            "output": {
                "links": [
                    {"title": "The repository", "url": f"https://github.com/{repository}"},
                    {"title": "The run that writes it", "url": f"https://github.com/{platform}/actions/workflows/{WORKFLOW}"},
                ]
            },
        },
    }  # fmt: skip
    return HEAD + yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120)


HEAD = """# A template of Backstage's scaffolder, written from mlscaffold's questions for a platform.
# Change the questions, or a preset, and write it anew.
"""


def pages(kind: str) -> list[Schema]:
    """The pages of the form, each a JSON Schema of draft 7.

    A question that waits for another answer stands on the page of that answer, since conditions hold within a page.
    """
    asked = {question.key: question for question in _asked(kind)}
    first = {key for key, question in asked.items() if question.stage == "first"}
    first |= {key for key, question in asked.items() if first & set(question.when)}
    return [
        _page(kind, title, [question for key, question in asked.items() if (key in first) == (stage == "first")])
        for stage, title in PAGES.items()
    ]


def _asked(kind: str) -> Iterable[Question]:
    """The questions of the form: those of the wizard's two rounds, but what is locked and a metric of one's own."""
    for question in questions.of_kind(kind).values():
        known = question.key not in NOT_ASKED and question.key not in house.in_force().locks
        own = any(questions.OWN_NAME in wanted for wanted in question.when.values())
        if known and not own and question.stage in PAGES:
            yield question


def _page(kind: str, title: str, asked: Iterable[Question]) -> Schema:
    always: Schema = {}
    sometimes: list[Schema] = []
    for question in asked:
        for when, left in _cases(question):
            waits = _waits(when, kind)
            if waits == {}:
                always[question.key] = _field(question, kind, left, when)
            elif waits is not None:
                shown = {question.key: _field(question, kind, left, when)}
                sometimes.append({"if": waits, "then": {"properties": shown}})
    needed = ["project_name"] if "project_name" in always else []
    told = _house() if needed else ""
    return {
        "title": title,
        **({"description": told} if told else {}),
        **({"required": needed} if needed else {}),
        "properties": always,
        **({"allOf": sometimes} if sometimes else {}),
    }


def _cases(question: Question) -> Iterable[tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]]:
    """The answers under which a question is asked, each time with the choices that are left there."""
    if not question.allowed:
        return [(question.when, question.choices)]
    return [({question.allowed["by"]: (value,)}, tuple(left)) for value, left in question.allowed["values"].items()]


def _waits(when: Mapping[str, tuple[str, ...]], kind: str) -> Schema | None:
    """What the form must hold for these answers, as a schema: {} where they hold anyway, None where they never do.

    An answer that is left open counts as its default, and a locked one as what the organisation says.
    """
    locks = house.in_force().locks
    if any(locks[key].value not in wanted for key, wanted in when.items() if key in locks):
        return None
    waits = {key: wanted for key, wanted in when.items() if key not in locks}
    if not waits:
        return {}
    needed = [key for key, wanted in waits.items() if _default(questions.load()[key], kind, {}) not in wanted]
    shown = {key: {"enum": list(wanted)} for key, wanted in waits.items()}
    return {"properties": shown, **({"required": needed} if needed else {})}


def _house() -> str:
    """What an organisation has settled, so that nobody looks for it in the form."""
    locks = house.in_force().locks
    return "; ".join(f"{key} is {lock.value}: {lock.reason} ({lock.by})" for key, lock in locks.items())


def _default(question: Question, kind: str, when: Mapping[str, tuple[str, ...]]) -> str:
    """What a field that is left open counts as, where it is asked under these answers."""
    known = {"kind": kind} | {key: wanted[0] for key, wanted in when.items()}
    return house.in_force().given.get(question.key, questions.default(question, known))


def _field(question: Question, kind: str, left: Iterable[str], when: Mapping[str, tuple[str, ...]]) -> Schema:
    """One question as a field: its text, why it is asked and what it counts as when it is left open."""
    default = _default(question, kind, when)
    told = [question.why]
    told += [f"For example: {question.example.rstrip('.')}."] if question.example else []
    told += [f"Left open, it counts as {default}."] if default and question.key != "project_name" else []
    field: Schema = {"title": question.text, "type": "string", "description": " ".join(told)}
    if question.type in ("integer", "number"):
        low, high = ("exclusiveMinimum", "exclusiveMaximum") if question.exclusive else ("minimum", "maximum")
        field["type"] = question.type
        field |= {low: _number(question.min)} if question.min is not None else {}
        field |= {high: _number(question.max)} if question.max is not None else {}
    elif question.type == "choice":
        field["oneOf"] = [{"const": choice, "title": _meant(question, choice)} for choice in left]
    elif question.type in SHAPED:
        pattern = patterns.SLUG if question.type == "slug" else questions.PATTERNS[question.type][0]
        field["pattern"] = patterns.whole(pattern)
    else:
        field |= {"minLength": question.min_length} if question.min_length else {}
        field["maxLength"] = question.max_length
    return field


def _meant(question: Question, choice: str) -> str:
    meaning = question.meanings.get(choice)
    return f"{choice}: {meaning}" if meaning else choice


def _number(limit: float) -> float:
    return int(limit) if limit == int(limit) else limit


def _where() -> Schema:
    return {
        "title": "Where it will be",
        "required": ["repoUrl", "catalog_owner"],
        "properties": {
            "repoUrl": {
                "title": "The repository",
                "type": "string",
                "ui:field": "RepoUrlPicker",
                "ui:options": {"allowedHosts": ["github.com"]},
            },
            "catalog_owner": {
                "title": questions.named("catalog_owner").text,
                "type": "string",
                "description": questions.named("catalog_owner").why,
                "ui:field": "OwnerPicker",
                "ui:options": {"catalogFilter": {"kind": ["Group", "User"]}},
            },
        },
    }
