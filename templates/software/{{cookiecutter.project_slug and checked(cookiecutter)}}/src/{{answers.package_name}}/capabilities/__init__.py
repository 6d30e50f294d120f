"""What it can do: each module of this folder is one capability, found by looking; plan/requirements.yaml says what it owes.

A module holds a function of its own name, which takes a `Request` or a class made of it and gives an `Outcome` or a class
made of that; `TITLE`, what people call it; and `MEETS`, the requirement that it meets. Nothing else lists them.
"""

{% if answers.deliverable == 'service' %}
from collections.abc import Callable
{% else %}
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
{% endif %}
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, {{ 'get_type_hints' if answers.deliverable == 'service' else 'get_args, get_type_hints' }}

{% if served or answers.deliverable == 'batch' %}
from ..contract import Conflict as Conflict
{% endif %}
{% if with_roles %}
from ..contract import Forbidden as Forbidden
{% endif %}
from ..contract import Outcome as Outcome
from ..contract import Refused as Refused
from ..contract import Request as Request
{% if served or answers.deliverable == 'batch' %}
from ..contract import Taken as Taken
{% endif %}
{% if served and answers.dependencies %}
from ..contract import Unavailable as Unavailable
{% endif %}
{% if approving %}
from ..contract import by_another as by_another
{% endif %}
from ..contract import digest_of as digest_of
from ..contract import key_of as key_of
from ..contract import own_fields

Capability = Callable[..., Outcome]


def _modules() -> dict[str, ModuleType]:
    """The capabilities by name, in the order of what they meet. Raises `ImportError` for a module without its function."""
    names = [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
    found = {name: import_module(f".{name}", __name__) for name in names}
    for name, module in found.items():
        if not callable(getattr(module, name, None)):
            raise ImportError(f"capabilities/{name}.py holds no function {name}. Name the file as its function.")
    return dict(sorted(found.items(), key=lambda one: _place(getattr(one[1], "MEETS", ""))))


def _place(meets: str) -> tuple[int, str]:
    """R-02 before R-10 before R-100; what meets nothing that is known comes last."""
    return (len(meets), meets) if meets else (99, "")


MODULES = _modules()
CAPABILITIES: dict[str, Capability] = {name: getattr(module, name) for name, module in MODULES.items()}
{% if served %}
# What only answers is asked with GET, and nothing is kept of it.
QUERIES: frozenset[str] = frozenset(name for name, module in MODULES.items() if getattr(module, "QUERY", False))
# What changes a part of what is there is asked with PATCH; all else with POST.
CHANGES: frozenset[str] = frozenset(name for name, module in MODULES.items() if getattr(module, "CHANGE", False))
{% endif %}
{% if approving %}

# The role that whoever asks for one of these has to hold.
NEEDS: dict[str, str] = {name: module.NEEDS for name, module in MODULES.items() if hasattr(module, "NEEDS")}
{% endif %}


def carried_out(name: str, request: Request, *session: Any) -> Outcome:
    """Do a capability's work. One that takes a second argument is handed the session in which its outcome is kept.

    What it adds there is kept with the outcome, or not at all. Raises `Refused`.
    """
    capability = CAPABILITIES[name]
    return capability(request, *session[: len(signature(capability).parameters) - 1])


{% if answers.deliverable in ['web-app', 'cli'] %}
def title(name: str) -> str:
    """What people call a capability."""
    return str(getattr(MODULES[name], "TITLE", "")) or name.replace("_", " ").capitalize()


{% endif %}
def taken_by(name: str) -> type[Request]:
    """What a capability takes: the class that its function names for its first argument."""
    hints = get_type_hints(CAPABILITIES[name])
    takes: type[Request] = next((kind for part, kind in hints.items() if part != "return"), Request)
    return takes


{% if served %}
def given_by(name: str) -> type[Outcome]:
    """What a capability gives back: the class that its function names for its result."""
    gives: type[Outcome] = get_type_hints(CAPABILITIES[name]).get("return", Outcome)
    return gives


{% endif %}
def further_fields(name: str) -> list[str]:
    """What a capability takes beside what every request may have."""
    return own_fields(taken_by(name))
{% if answers.deliverable != 'service' %}


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
{% endif %}
