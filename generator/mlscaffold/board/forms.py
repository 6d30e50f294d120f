"""The form of what `planrun status --json` writes: checked where a board reads one, and published as JSON Schema.

`docs/status.schema.json` and `docs/facts.schema.json` are written from here by `generator/sync.py`. A field may be
added under the same `schema`; one that goes, or means something else, raises it.
"""

from collections.abc import Mapping
from typing import Any

from mlscaffold.board import scorecard
from mlscaffold.board.standing import SCHEMA

# A type; a tuple of forms, one of which fits; a list, of whose form every entry is; or a mapping of fields, where those
# that end in "?" may be absent and others than these may be there. None stands for null.
TEXT, NUMBER = str, (float, int, None)
INTERVAL = {"value?": NUMBER, "low?": NUMBER, "high?": NUMBER}
STEP = {
    "kind": str, "text": str, "command?": str, "files?": [str], "who?": [str], "then?": str, "until?": str,
    "rows?": int, "first?": bool, "owner?": str,
}  # fmt: skip
STATUS: dict[str, Any] = {
    "schema?": int,
    "at?": TEXT,
    "commit?": {"sha": TEXT, "at": TEXT, "branch": TEXT},
    "phases": [{"id": TEXT, "title": TEXT, "state": TEXT, "open?": int}],
    "present?": TEXT,
    "next?": (STEP, None),
    "gates": [
        {"id": TEXT, "title": TEXT, "state": TEXT, "reason": TEXT, "blocking": bool, "next?": (STEP, None)},
    ],
    "engine?": {"version": TEXT, "state": TEXT, "edited?": [TEXT], "sha256?": TEXT},
    "template?": {"version": TEXT, "commit": TEXT, "sha256?": TEXT},
    "project?": {"name?": TEXT, "slug?": TEXT, "kind?": TEXT, "rigor?": TEXT},
    "headline?": [{"key?": TEXT, "label": TEXT, "text": TEXT, "assumed?": bool}],
    "schedule?": {
        "start?": (TEXT, None), "deadline?": (TEXT, None), "p50?": (TEXT, None), "p80?": (TEXT, None),
        "tasks?": [{
            "id": TEXT, "title": TEXT, "start": TEXT, "end": TEXT, "person?": (TEXT, None), "critical?": bool,
            "milestone?": bool,
        }],
    },
    "owners?": {},
    "assumptions?": [{"key": TEXT, "question?": TEXT, "value?": TEXT, "gate?": TEXT}],
    "budgets?": [{"name": TEXT, "used": NUMBER, "limit": NUMBER, "unit": TEXT, "on?": TEXT}],
    "thresholds?": [
        {"name": TEXT, **INTERVAL, "needed?": NUMBER, "better": TEXT, "unit": TEXT, "at": TEXT, "verdict": TEXT}
    ],
    "monitors?": {
        "at?": TEXT, "version?": TEXT,
        "signals?": [{"name": TEXT, "state": TEXT, "reason": TEXT, "owner?": TEXT, "severity?": TEXT}],
    },
    "experiments?": [
        {"id": TEXT, "at?": TEXT, "change?": TEXT, "gain": INTERVAL, "decision": TEXT, "again?": TEXT}
    ],
    "champion?": {"version?": TEXT, "created?": TEXT},
    "events?": [{"on": TEXT, "what": TEXT}],
    "changed_numbers?": [{"label": TEXT, "before": TEXT, "now": TEXT}],
    "unreadable?": [TEXT],
}  # fmt: skip
# What `planrun status --facts` writes. Facts are flat and never renamed under the same schema.
CARD: dict[str, Any] = {
    "schema": int,
    "at": TEXT,
    "commit": TEXT,
    "entity": TEXT,
    "facts": {
        "kind": TEXT,
        "rigor": TEXT,
        "phase": (TEXT, None),
        "released": (bool, None),
        "gates_blocking": (int, None),
        "gates_open": (int, None),
        "gates_waived": (int, None),
        "gates_failed": (int, None),
        "release_p80": (TEXT, None),
        "release_late": (bool, None),
        "assumptions_open": int,
        "budgets_overspent": int,
        "monitors_calling": int,
        "thresholds_failed": int,
        "duties_current": (bool, None),
        "engine_as_released": (bool, None),
    },
    "gates": {},
}
# What `mlscaffold board --facts` writes.
CARDS: dict[str, Any] = {
    "schema": int,
    "at": TEXT,
    "repositories": [CARD | {"where": TEXT, "notes": [TEXT]}],
}
NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", None: "null"}
SCHEMAS = {str: "string", int: "integer", float: "number", bool: "boolean", None: "null"}


def misfit(value: Any, form: Any, path: str = "it") -> str:
    """Where a value has not this form, and what belongs there; "" where it has."""
    if isinstance(form, tuple):
        complaints = [misfit(value, one, path) for one in form]
        return "" if "" in complaints else complaints[0]
    if isinstance(form, list):
        if not isinstance(value, list):
            return f"{path} is no list"
        return next((told for n, one in enumerate(value) if (told := misfit(one, form[0], f"{path}[{n}]"))), "")
    if isinstance(form, Mapping):
        return _odd_field(value, form, path)
    fits = value is None if form is None else isinstance(value, form) and (form is bool or not isinstance(value, bool))
    return "" if fits else f"{path} is not {NAMES[form]}"


def _odd_field(value: Any, form: Mapping[str, Any], path: str) -> str:
    if not isinstance(value, dict):
        return f"{path} has no fields"
    for key, inner in form.items():
        name = key.removesuffix("?")
        if name in value and (told := misfit(value[name], inner, f"{path}.{name}".removeprefix("it."))):
            return told
        if name not in value and name == key:
            return f"{path} has no {name}"
    return ""


def json_schema() -> dict[str, Any]:
    """The form of a status as JSON Schema, draft 2020-12."""
    about = f"What `planrun status --json` writes, schema {SCHEMA}; docs/status.md says what each field means."
    return _published("Status of a repository", about) | _schema(STATUS)


def facts_schema() -> dict[str, Any]:
    """The forms of facts for scorecards as JSON Schema: of one repository, or of several in one file."""
    about = (
        f"What `planrun status --facts` and the board's `--facts` write, schema {scorecard.SCHEMA}; "
        "docs/backstage.md says what each fact means."
    )
    return _published("Facts of repositories", about) | {"anyOf": [_schema(CARD), _schema(CARDS)]}


def _published(title: str, about: str) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, "description": about}


def _schema(form: Any) -> dict[str, Any]:
    if isinstance(form, tuple):
        return {"anyOf": [_schema(one) for one in form]}
    if isinstance(form, list):
        return {"type": "array", "items": _schema(form[0])}
    if isinstance(form, Mapping):
        needed = [key for key in form if not key.endswith("?")]
        fields = {key.removesuffix("?"): _schema(inner) for key, inner in form.items()}
        return {"type": "object", **({"required": needed} if needed else {}), "properties": fields}
    return {"type": SCHEMAS[form]}
