"""What every capability is given and gives back, and how a request is refused: known to all, and knowing no capability."""

import hashlib
import json
{% if answers.ml_component %}
import math
{% endif %}
{% if answers.ml_component or approving %}
from collections.abc import {{ ['Collection' if approving, 'Mapping' if answers.ml_component] | select | join(', ') }}
{% endif %}
from dataclasses import MISSING, asdict, dataclass, {{ 'field, fields, replace' if answers.ml_component else 'fields' }}
from decimal import Decimal
from typing import Any, {{ 'ClassVar, Self' if served else 'Self' }}{{ ', TypeVar' if answers.ml_component }}

{% if answers.dependencies or answers.ml_component %}
from . import {{ ['dependencies' if answers.dependencies, 'model' if answers.ml_component] | select | join(', ') }}
{% endif %}
{% if answers.dependencies or answers.ml_component %}

{% endif %}
LONGEST = 200
SHARED = ("subject", "note", {{ '"person", ' if of_people else '' }}"facts")  # what every request may have; the rest is a capability's own


class Refused(ValueError):
    """The request cannot be carried out as asked; the message says what to change."""


{% if served or answers.deliverable == 'batch' %}
class Conflict(Refused):
    """The same was asked before with other content; the message says what stands. Nothing has been done."""


class Taken(Refused):
    """It would keep a second of what may be there only once. Nothing has been done."""


{% endif %}
{% if answers.dependencies %}
class Unavailable(Refused):
    """A system that is needed gives no answer; the message names it. Nothing has been done."""


{% endif %}
{% if with_roles %}
class Forbidden(Refused):
    """Whoever asks may not have this done; the message says who may. Nothing has been done."""


{% endif %}
@dataclass(frozen=True)
class Request:
    """What somebody asks for: a subject, such as the number of an order, and an optional note.

    A capability that takes more names a class of its own in its function, `@dataclass(frozen=True, kw_only=True)` and made
    of this one; its sample in tests/samples fills its fields.
    """

{% if served %}
    # A field that nobody knows is a typing error, and is named.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

{% endif %}
    subject: str
    note: str = ""
{% if of_people %}
    person: str = ""  # whom it is about, where the subject does not say: deletion looks for both
{% endif %}
{% if answers.ml_component %}
    facts: Mapping[str, float | str | None] = field(default_factory=dict)  # known about it, for the model
{% endif %}


@dataclass(frozen=True)
class Outcome:
    """What happened. Requests with the same key are the same request, so that asking twice does it once.

    What a rule finds out is a field, with a default, of a class of the capability's own, made of this one.
    """

    capability: str
    subject: str
    note: str
    key: str
    degraded: tuple[str, ...] = ()  # what it went without
{% if of_people %}
    person: str = ""
{% endif %}
{% if answers.ml_component %}
    judgement: Mapping[str, object] = field(default_factory=dict)  # should a person look closer, and who says so
{% endif %}

    @classmethod
    def of(cls, capability: str, request: Request, degraded: tuple[str, ...] = (), **found: Any) -> Self:
        """The outcome of a request that was checked and carried out, with what was found by field. Raises `Refused`."""
        subject = _checked("subject", request.subject)
        note = _checked("note", request.note) if request.note else ""
        needed = {part.name for part in fields(request) if part.default is part.default_factory is MISSING}
        for name in own_fields(type(request)):
            _refuse_unusable(name, getattr(request, name), name in needed)
{% if of_people %}
        found["person"] = _checked("person", request.person) if request.person else ""
{% endif %}
        return cls(capability, subject, note, key_of(capability, request), degraded, **found)

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain data, every field of it; days and exact numbers as texts."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain


{% if answers.ml_component %}
Judged = TypeVar("Judged", bound=Outcome)


{% endif %}
def own_fields(takes: type[Request]) -> list[str]:
    """What a capability takes beside {{ 'a subject, a note, a person and facts' if of_people else 'a subject, a note and facts' }}."""
    return [part.name for part in fields(takes) if part.name not in SHARED]


def key_of(capability: str, request: Request, own: str = "") -> str:
    """What makes two requests the same: a key that the caller gives, else capability{{ ', subject and facts' if answers.ml_component else ' and subject' }}."""
    said = ["own", own] if own else [request.subject.strip(){{ ', sorted(request.facts.items())' if answers.ml_component }}]
    return hashlib.sha256(json.dumps([capability, *said], default=str).encode()).hexdigest()[:32]


def digest_of(capability: str, request: Request) -> str:
    """A hash of all that is asked."""
    return hashlib.sha256(json.dumps([capability, asdict(request)], default=str, sort_keys=True).encode()).hexdigest()
{% if answers.dependencies %}


def without() -> tuple[str, ...]:
    """The systems to do without this time. Raises `Unavailable` where one is missing that cannot be done without."""
    missing = dependencies.missing()
    needed = [name for name in missing if name not in dependencies.SOFT]
    if needed:
        raise Unavailable(f"{needed[0]} does not answer, so nothing was done. Try again later.")
    return missing
{% endif %}
{% if answers.ml_component %}


def judged(outcome: Judged, facts: Mapping[str, float | str | None]) -> Judged:
    """The outcome with a judgement: the model's, or the rule's where the model gives none."""
    for name, fact in facts.items():
        if isinstance(fact, float) and not math.isfinite(fact):
            raise Refused(f"The fact {name!r} is no finite number. Leave it out, or send null where it is not known.")
        if any(0xD800 <= ord(letter) <= 0xDFFF for letter in f"{name}{fact}"):
            raise Refused(f"The fact {name!r} holds half a character. Send whole ones.")
        if isinstance(fact, str) and len(fact) > LONGEST:
            raise Refused(f"The fact {name!r} has {len(fact)} characters. Use at most {LONGEST}.")
    found = model.judge(outcome.capability, outcome.subject, facts)
    without = ("the model",) if found.decided_by == "rule" else ()
    return replace(outcome, judgement=asdict(found), degraded=outcome.degraded + without)
{% endif %}


{% if approving %}
def by_another(asker: str, submitters: Collection[str]) -> None:
    """Refuse what somebody would approve of their own. Raises `Forbidden`."""
    if asker in submitters:
        raise Forbidden(f"{asker} submitted this, and nobody approves their own. Ask another approver.")


{% endif %}
def _checked(name: str, text: str) -> str:
    """The text without space around it; refused when nothing is left or when it is too long."""
    text = text.strip()
    if not text:
        raise Refused(f"The {name} is empty. Say what it is.")
    if len(text) > LONGEST:
        raise Refused(f"The {name} has {len(text)} characters. Use at most {LONGEST}.")
    if not text.isprintable():
        raise Refused(f"The {name} holds characters that cannot be printed. Remove them.")
    return text


def _refuse_unusable(name: str, value: Any, is_needed: bool) -> None:
    """Refuse a field that is needed and empty, or that could be kept and never be read again: no print, no number."""
    if isinstance(value, str) and (value or is_needed):
        _checked(name, value)
    if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
        raise Refused(f"The {name} is no finite number. Give one, or leave it out.")
