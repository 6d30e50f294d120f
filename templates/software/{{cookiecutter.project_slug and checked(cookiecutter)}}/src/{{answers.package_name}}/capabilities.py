"""What it can do: one function a capability, called as the team called it; plan/requirements.yaml says what each owes.

Each function does its work in miniature: it checks the request and says what was done. The real rule goes into its body.
"""

import hashlib
{% if answers.ml_component %}
import math
{% endif %}
from collections.abc import Callable{{ ', Mapping' if answers.ml_component }}
from dataclasses import {{ 'asdict, dataclass, field, replace' if answers.ml_component else 'dataclass' }}

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


class Unavailable(Refused):
    """A system that is needed gives no answer; the message names it. Nothing has been done."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for: a subject, such as the number of an order, and an optional note."""

    subject: str
    note: str = ""
{% if answers.ml_component %}
    facts: Mapping[str, float | str | None] = field(default_factory=dict)  # known about it, for the model
{% endif %}


@dataclass(frozen=True)
class Outcome:
    """What happened. The same capability on the same subject has the same key, so that asking twice does it once."""

    capability: str
    subject: str
    note: str
    key: str
    degraded: tuple[str, ...] = ()  # what it went without
{% if answers.ml_component %}
    judgement: Mapping[str, object] = field(default_factory=dict)  # should a person look closer, and who says so
{% endif %}

    @classmethod
    def of(cls, capability: str, request: Request, degraded: tuple[str, ...] = ()) -> "Outcome":
        """The outcome of a request that was checked and carried out. Raises `Refused`."""
        subject = _checked("subject", request.subject)
        note = _checked("note", request.note) if request.note else ""
        key = hashlib.sha256(f"{capability}\n{subject}".encode()).hexdigest()[:16]
        return cls(capability, subject, note, key, degraded)

    def as_json(self) -> dict[str, {{ 'object' if answers.ml_component else 'str | list[str]' }}]:
        """The outcome as plain data."""
        return {
            "capability": self.capability,
            "subject": self.subject,
            "note": self.note,
            "key": self.key,
            "degraded": list(self.degraded),
{% if answers.ml_component %}
            "judgement": dict(self.judgement),
{% endif %}
        }


Capability = Callable[[Request], Outcome]
{% for requirement in drafts.offered %}


def {{ requirement.function }}(request: Request) -> Outcome:
    """Meets {{ requirement.id }}."""
    return {{ requirement.carried_out }}
{% endfor %}


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
