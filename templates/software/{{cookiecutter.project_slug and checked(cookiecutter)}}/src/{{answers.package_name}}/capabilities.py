"""What it can do: one function a capability, called as the team called it; plan/requirements.yaml says what each owes.

Each function checks the request and gives it back: what it is for is still to be written, into its body. Until then gate
T3.1 waits, as no scenario can tell what is offered from what was asked.
"""

import hashlib
import json
{% if answers.ml_component %}
import math
{% endif %}
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, {{ 'field, fields, replace' if answers.ml_component else 'fields' }}
from inspect import signature
from typing import Any, get_args, get_type_hints

{% if answers.dependencies %}
from . import dependencies as _dependencies
{% endif %}
{% if answers.ml_component %}
from . import model as _model
{% endif %}
{% if answers.dependencies or answers.ml_component %}

{% endif %}
{% if answers.deliverable == 'library' %}
__all__ = [
    "CAPABILITIES",
    "Conflict",
    "Outcome",
    "Refused",
    "Request",
    "Unavailable",
{% for name in drafts.offered | map(attribute='function') | sort %}
    "{{ name }}",
{% endfor %}
]

{% endif %}
LONGEST = 200


class Refused(ValueError):
    """The request cannot be carried out as asked; the message says what to change."""


class Conflict(Refused):
    """The same was asked before with other content; the message says what stands. Nothing has been done."""


class Unavailable(Refused):
    """A system that is needed gives no answer; the message names it. Nothing has been done."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for: a subject, such as the number of an order, and an optional note.

    A capability that takes more names a class of its own in its function, `@dataclass(frozen=True, kw_only=True)` and made
    of this one; tests/samples.py fills its fields.
    """

    subject: str
    note: str = ""
{% if answers.ml_component %}
    facts: Mapping[str, float | str | None] = field(default_factory=dict)  # known about it, for the model
{% endif %}


@dataclass(frozen=True)
class Outcome:
    """What happened. Requests with the same key are the same request, so that asking twice does it once.

    What a rule finds out is a field of its own here, with a default.
    """

    capability: str
    subject: str
    note: str
    key: str
    degraded: tuple[str, ...] = ()  # what it went without
{% if answers.ml_component %}
    judgement: Mapping[str, object] = field(default_factory=dict)  # should a person look closer, and who says so
{% endif %}

    @classmethod
    def of(cls, capability: str, request: Request, degraded: tuple[str, ...] = (), **found: Any) -> "Outcome":
        """The outcome of a request that was checked and carried out, with what was found by field. Raises `Refused`."""
        subject = _checked("subject", request.subject)
        note = _checked("note", request.note) if request.note else ""
        return cls(capability, subject, note, key_of(capability, request), degraded, **found)

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain data, every field of it."""
        return {**asdict(self), "degraded": list(self.degraded)}


Capability = Callable[..., Outcome]


def key_of(capability: str, request: Request, own: str = "") -> str:
    """What makes two requests the same: a key that the caller gives, else capability{{ ', subject and facts' if answers.ml_component else ' and subject' }}."""
    said = ["own", own] if own else [request.subject.strip(){{ ', sorted(request.facts.items())' if answers.ml_component }}]
    return hashlib.sha256(json.dumps([capability, *said], default=str).encode()).hexdigest()[:32]


def digest_of(capability: str, request: Request) -> str:
    """A hash of all that is asked."""
    return hashlib.sha256(json.dumps([capability, asdict(request)], default=str, sort_keys=True).encode()).hexdigest()


def carried_out(name: str, request: Request, *session: Any) -> Outcome:
    """Do a capability's work. One that takes a second argument is handed the session in which its outcome is kept.

    What it adds there is kept with the outcome, or not at all. Raises `Refused`.
    """
    capability = CAPABILITIES[name]
    return capability(request, *session[: len(signature(capability).parameters) - 1])
{% for requirement in drafts.offered %}


def {{ requirement.function }}(request: Request) -> Outcome:
    """Meets {{ requirement.id }}."""
    return {{ requirement.carried_out }}
{% endfor %}


{% if served %}
# What only answers: asked with GET, and nothing is kept of it. A first guess by the verb that a name begins with.
QUERIES: frozenset[str] = frozenset({{ '{' ~ queries | map('jsonify') | join(', ') ~ '}' if queries }})
{% endif %}
CAPABILITIES: dict[str, Capability] = {
{% for requirement in drafts.offered %}
    "{{ requirement.function }}": {{ requirement.function }},
{% endfor %}
}
TITLES = {  # in the team's words
{% for requirement in drafts.offered %}
    "{{ requirement.function }}": {{ requirement.capability | python }},
{% endfor %}
}


def title(name: str) -> str:
    """What people call a capability."""
    return TITLES.get(name, name.replace("_", " ").capitalize())


def taken_by(name: str) -> type[Request]:
    """What a capability takes: the class that its function names for its first argument."""
    hints = get_type_hints(CAPABILITIES[name])
    takes: type[Request] = next((kind for part, kind in hints.items() if part != "return"), Request)
    return takes


def further_fields(name: str) -> list[str]:
    """What a capability takes beside a subject, a note and facts."""
    return [part.name for part in fields(taken_by(name)) if part.name not in ("subject", "note", "facts")]


def request_of(name: str, texts: Mapping[str, str], **more: Any) -> Request:
    """A capability's request from texts, as a command line, a form or a table has them. Raises `Refused`."""
    takes = taken_by(name)
    kinds, given = get_type_hints(takes), dict[str, Any](more)
    for part in fields(takes):
        text = texts.get(part.name, "")
        if part.name in given or (not text and part.name != "subject" and not _is_needed(part)):
            continue
        if not text.strip() and part.name != "subject":
            raise Refused(f"The {part.name} is missing. Say what it is.")
        given[part.name] = _read(part.name, kinds[part.name], text)
    return takes(**given)


def _is_needed(part: Any) -> bool:
    return part.default is MISSING and part.default_factory is MISSING


def _read(name: str, kind: Any, text: str) -> Any:
    """A text as a field's type. Raises `Refused`, which names the field and what it has to be."""
    if type(None) in get_args(kind):  # `X | None`
        kind = next(one for one in get_args(kind) if one is not type(None))
    try:
        if kind is bool:
            return {"true": True, "yes": True, "false": False, "no": False}[text.strip().lower()]
        return kind.fromisoformat(text.strip()) if hasattr(kind, "fromisoformat") else kind(text)
    except (ValueError, ArithmeticError, KeyError) as error:
        wanted = {int: "a whole number", float: "a number", bool: "yes or no"}.get(kind, f"a {kind.__name__}")
        raise Refused(f"The {name} is not {wanted}.") from error
{% if answers.dependencies %}


def _without() -> tuple[str, ...]:
    """The systems to do without this time. Raises `Unavailable` where one is missing that cannot be done without."""
    missing = _dependencies.missing()
    needed = [name for name in missing if name not in _dependencies.SOFT]
    if needed:
        raise Unavailable(f"{needed[0]} does not answer, so nothing was done. Try again later.")
    return missing
{% endif %}
{% if answers.ml_component %}


def _judged(outcome: Outcome, facts: Mapping[str, float | str | None]) -> Outcome:
    """The outcome with a judgement: the model's, or the rule's where the model gives none."""
    for name, fact in facts.items():
        if isinstance(fact, float) and not math.isfinite(fact):
            raise Refused(f"The fact {name!r} is no finite number. Leave it out, or send null where it is not known.")
        if any(0xD800 <= ord(letter) <= 0xDFFF for letter in f"{name}{fact}"):
            raise Refused(f"The fact {name!r} holds half a character. Send whole ones.")
        if isinstance(fact, str) and len(fact) > LONGEST:
            raise Refused(f"The fact {name!r} has {len(fact)} characters. Use at most {LONGEST}.")
    found = _model.judge(outcome.capability, outcome.subject, facts)
    without = ("the model",) if found.decided_by == "rule" else ()
    return replace(outcome, judgement=asdict(found), degraded=outcome.degraded + without)
{% endif %}


def _checked(name: str, text: str) -> str:
    """The text without space around it; refused when nothing is left or when it is too long."""
    text = text.strip()
    if not text:
        raise Refused(f"The {name} is empty. Say what the request is about.")
    if len(text) > LONGEST:
        raise Refused(f"The {name} has {len(text)} characters. Use at most {LONGEST}.")
    if not text.isprintable():
        raise Refused(f"The {name} holds characters that cannot be printed. Remove them.")
    return text
