"""The files of each capability: its rule, its router, its sample and its scenario, and what its noun lets one guess.

A template is one file a path, at both doors; so there are as many places for capabilities as `PLACES` says, written
into the template by generator/sync.py, and those that no answer calls for are rendered to no file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlscaffold import questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import called_for, is_served, lines, of_people
from mlscaffold.rendering.requirements import approving, changes, drafts, first_done, queries
from mlscaffold.wording import as_python

PLACES = questions.load()["capabilities"].max_items  # as many as may be answered have files
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A field of what a capability is about: its type, the default, and what a sample holds there, both as Python."""

    name: str
    type: str
    default: str
    sample: str


AMOUNT = (Field("amount", "Decimal | None", "None", '"12.50"'), Field("currency", "str", '""', '"EUR"'))
DAYS = (
    Field("first_day", "date | None", "None", '"2030-01-07"'),
    Field("last_day", "date | None", "None", '"2030-01-11"'),
)
DUE = Field("due_on", "date | None", "None", '"2030-01-31"')
WHEN = Field("made_on", "date | None", "None", '"2030-01-07"')
COUNT = Field("quantity", "int", "1", "2")
# What people mostly want to know of a thing, by the last word of its name. Wrong for some, and said to be a guess.
FIELDS = {
    **dict.fromkeys(("invoice", "bill", "claim", "expense"), (*AMOUNT, DUE)),
    **dict.fromkeys(("payment", "price", "quote", "offer", "refund", "fee"), AMOUNT),
    **dict.fromkeys(("order", "delivery", "parcel", "item", "product"), (COUNT, DUE)),
    **dict.fromkeys(("booking", "room", "reservation", "trip", "holiday", "absence", "seat", "car", "bed"), DAYS),
    **dict.fromkeys(("day", "month", "year", "appointment", "meeting", "visit", "shift"), DAYS[:1]),
    **dict.fromkeys(("photo", "picture", "report", "document", "file", "letter", "log", "form", "ticket"), (WHEN,)),
}
ASKED = "it only answers: asked with GET, and nothing is kept of it; a first guess, by its verb"
CHANGED = "a part of what is there becomes otherwise: asked with PATCH; a first guess, by its verb"
APPROVED = "the role of whoever may do it, but for what they submitted; a first guess, by its verb"
ANY = (Field("details", "str", '""', '"an example"'),)
ARTICLES = ("a", "an", "the")
ENDS = ("and", "as", "at", "by", "for", "from", "in", "into", "of", "on", "or", "that", "to", "which", "with")


def noun(capability: str) -> str:
    """What a capability is about: "Submit an invoice" gives invoice; empty where no English article leads to it."""
    words = re.sub(r"[^\w\s-]", "", capability.lower(), flags=re.ASCII).split()
    if not capability.isascii():
        return ""
    at = next((at for at, word in enumerate(words) if word in ARTICLES and at > 0), len(words))
    rest = words[at + 1 :]
    end = next((place for place, word in enumerate(rest) if word in ENDS), len(rest))
    return " ".join(rest[:end]) if all(re.fullmatch(r"[a-z][a-z-]*", word) for word in rest[:end]) else ""


def capability_files(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[Row]:
    """A row for each place: the names of its files, empty where no capability is, and what goes into them."""
    asking, first = queries(answers, plan), first_done(answers, plan)
    approve, changing = approving(answers, plan), changes(answers, plan)
    tests = {one["function"]: one for one in plan["requirements"] if one["kind"] == "capability"}
    rows = []
    for one in drafts(answers, plan)["offered"]:
        name = one["function"]
        about = noun(one["capability"]) if name == first else ""
        called = "".join(word.capitalize() for word in re.split(r"[\s-]", about))
        shown = (one["priority"], one["verification"]) == ("must", "test")
        row = {
            **tests[name],
            "carried_out": one["carried_out"],
            "module": f"{name}.py",
            "router": f"{name}.py" if is_served(answers) else "",
            "scenarios": f"{one['test']}.py" if shown else "",
            "query": is_served(answers) and name in asking,
            "change": is_served(answers) and name in changing,
            "approves": name in approve,
            "noun": about,
            "type": called,
            "takes": f"{called}Request",  # without a noun, the class that all share
            "gives": f"{called}Outcome",
            "form": "named" if about else "plain",
        }
        fields = FIELDS.get(about.split()[-1], ANY) if about else ()
        rows.append({**row, **_code(answers, row, fields)})
    nothing = {"module": "", "router": "", "scenarios": ""}
    return [*rows, *[nothing] * (PLACES - len(rows))]


def _code(answers: Answers, row: Row, fields: Sequence[Field]) -> dict[str, str]:
    """The parts of a capability's module and of its sample that differ by the answers, as they stand there."""
    judged, name = bool(answers.ml_component), row["function"]
    types = " ".join(part.type for part in fields)
    called = f"{row['gives']}.of({row['carried_out']})"
    parts = [*row["carried_out"].split(", "), *(f"{part.name}=request.{part.name}" for part in fields)]
    if fields:
        called = lines([f"{row['gives']}.of(", *(f"        {part}," for part in parts), "    )"])
    told = f'    """Meets {row["id"]}."""'
    if answers.deliverable == "library":
        example = [f'    >>> {name}({row["takes"]}("A-17")).subject', "    'A-17'"]
        told = lines([f'    """Meets {row["id"]}.', "", *example, '    """'])
    person = called_for((of_people(answers), '"person": f"Erika {number}"'))
    given = [
        '"subject": f"A-{number}"',
        '"note": "née 名前"',
        *person,
        *(f'"{part.name}": {part.sample}' for part in fields),
    ]
    long = lines(["    return {", *(f"        {part}," for part in given), "    }"])
    return {
        "imports": lines(
            called_for(
                (True, "from dataclasses import dataclass"),
                ("date" in types, "from datetime import date"),
                ("Decimal" in types, "from decimal import Decimal"),
            )
        ),
        "shared": ", ".join(
            called_for((True, "Outcome, Request"), (judged, "judged"), (bool(answers.dependencies), "without"))
        ),
        "constants": lines(
            called_for(
                (True, f"TITLE = {as_python(row['capability'])}  # in the team's words"),
                (True, f'MEETS = "{row["id"]}"'),
                (row["query"], f"QUERY = True  # {ASKED}"),
                (row["change"], f"CHANGE = True  # {CHANGED}"),
                (row["approves"], f'NEEDS = "approver"  # {APPROVED}'),
            )
        ),
        "declared": lines(f"    {part.name}: {part.type} = {part.default}" for part in fields),
        "body": lines(
            [
                told,
                *called_for(
                    (not judged, f"    return {called}"),
                    (judged and bool(fields), f"    outcome = {called}\n    return judged(outcome, request.facts)"),
                    (judged and not fields, f"    return judged({called}, request.facts)"),
                ),
            ]
        ),
        "router_imports": _router_imports(row),
        "sample": long if fields else f"    return {{{', '.join(given)}}}",
    }


def _router_imports(row: Row) -> str:
    """What a capability's router takes from its rule and from what all requests share."""
    own = called_for((row["approves"], "NEEDS"), (True, "TITLE"), (bool(row["noun"]), row["takes"]))
    return lines(
        called_for(
            (row["approves"], "from ..access import requires"),
            (True, f"from ..capabilities.{row['function']} import {', '.join(own)}"),
            (not row["noun"], "from ..contract import Request"),
        )
    )


def first_request(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """The class of what the first capability takes."""
    first = first_done(answers, plan)
    return str(next(row["takes"] for row in capability_files(answers, plan) if row["module"] == f"{first}.py"))
