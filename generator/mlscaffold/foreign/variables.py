"""What a template asks: its variables in order, what each offers, and what is made of a text that answers it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cookiecutter.config import get_user_config
from cookiecutter.exceptions import CookiecutterException
from cookiecutter.generate import apply_overwrites_to_context
from cookiecutter.prompt import YesNoPrompt, render_variable
from jinja2 import Environment, TemplateError

from mlscaffold import questions
from mlscaffold.errors import UnknownVariable, UnreadableTemplate, UnusableVariable, UsageError
from mlscaffold.foreign.source import FORM

CHOICE, BOOLEAN, DICTIONARY, TEXT = "choice", "boolean", "dictionary", "text"
YES, NO = "yes", "no"
# The latter come from expressions inside a template.
FAULTS = (CookiecutterException, TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
NESTED = ("templates", "template")  # the present key, and the one before it


@dataclass(frozen=True)
class Variable:
    """One question of a template: `raw` is what cookiecutter.json holds, `titles` the words for each choice."""

    name: str
    raw: Any
    prompt: str
    titles: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Which of the four kinds of cookiecutter it is, as its default shows."""
        kinds = {list: CHOICE, bool: BOOLEAN, dict: DICTIONARY}
        return next((kind for type, kind in kinds.items() if isinstance(self.raw, type)), TEXT)


@dataclass(frozen=True)
class Form:
    """A template's cookiecutter.json: all of it, and what of it is asked, dictionaries last as cookiecutter does."""

    folder: Path
    raw: Mapping[str, Any]
    variables: tuple[Variable, ...]

    @property
    def nested(self) -> dict[str, tuple[str, str]]:
        """Templates inside this one: by key a title and a path; empty where this is the template itself."""
        rows = self.raw.get(NESTED[0])
        if isinstance(rows, dict):
            return {key: (_title(key, row), str(row.get("path", key))) for key, row in rows.items()}
        texts = self.raw.get(NESTED[1])
        if not isinstance(texts, list):
            return {}
        pairs = (str(text).rpartition("(") for text in texts)
        return {path.rstrip(") "): (title.strip() or path, path.rstrip(") ")) for title, _, path in pairs}


def _title(key: str, row: Mapping[str, Any]) -> str:
    said = [str(row[part]) for part in ("title", "description") if row.get(part)]
    return ": ".join(dict.fromkeys(said)) or key


def read(folder: Path) -> Form:
    """The form of the template in a folder. Raises `UnreadableTemplate` where it is no JSON object.

    Raises `UsageError` where the person's own defaults for cookiecutter do not fit it.
    """
    try:
        raw = json.loads(folder.joinpath(FORM).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableTemplate(f"{FORM} of the template cannot be read: {error}.") from error
    if not isinstance(raw, dict):
        raise UnreadableTemplate(f"{FORM} of the template holds no object.")
    _lay_under(raw)
    prompts = raw.pop("__prompts__", {})
    asked = [_variable(name, value, prompts.get(name)) for name, value in raw.items() if not name.startswith("_")]
    asked.sort(key=lambda variable: variable.kind == DICTIONARY)
    return Form(folder, raw, tuple(asked))


def _lay_under(raw: dict[str, Any]) -> None:
    """Put a person's own defaults for cookiecutter (`default_context` of ~/.cookiecutterrc) into a form."""
    try:
        apply_overwrites_to_context(raw, dict(get_user_config()["default_context"]))
    except (ValueError, CookiecutterException) as error:
        raise UsageError(
            f"Your defaults for cookiecutter do not fit: {error}.", "Correct its default_context."
        ) from error


def _variable(name: str, raw: Any, prompt: Any) -> Variable:
    titles = {str(key): str(text) for key, text in prompt.items()} if isinstance(prompt, dict) else {}
    said = titles.pop("__prompt__", "") if titles else prompt
    return Variable(name, raw, str(said or name), titles)


def filled(form: Form, env: Environment, given: Mapping[str, Any]) -> dict[str, Any]:
    """All variables, the given ones as they are and the others by default, in the order of the form.

    Defaults are rendered with what stands before them; what a person has answered is not. Raises
    `UnreadableTemplate` for a default that cannot be rendered.
    """
    values: dict[str, Any] = {}
    late = [name for name, raw in form.raw.items() if isinstance(raw, dict) and not _is_literal(name)]
    for name in [*(name for name in form.raw if name not in late), *late]:
        raw = form.raw[name]
        if name in given:
            values[name] = given[name]
        elif _is_literal(name):
            values[name] = raw
        else:
            values[name] = _rendered(name, env, raw[:1] if name_is_choice(form, name) else raw, values)
            if name_is_choice(form, name):
                values[name] = next(iter(values[name]), "")
    return {name: values[name] for name in form.raw}


def name_is_choice(form: Form, name: str) -> bool:
    """Whether a variable is a list to choose from; a private list is a list."""
    return isinstance(form.raw[name], list) and not name.startswith("_")


def choices(variable: Variable, env: Environment, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a choice offers: each value, and its words.

    Raises `UnreadableTemplate` where a default cannot be rendered.
    """
    rendered = [str(text) for text in _rendered(variable.name, env, variable.raw, values)]
    return [(text, variable.titles.get(text, text)) for text in rendered]


def understood(variable: Variable, text: str, env: Environment, values: Mapping[str, Any]) -> Any:
    """The value that a text stands for. Raises `UnusableVariable` where it is none."""
    if variable.kind == CHOICE:
        offered = [value for value, _ in choices(variable, env, values)]
        if text not in offered:
            raise UnusableVariable(variable.name, text, questions.one_of(text, offered))
        return text
    if variable.kind == BOOLEAN:
        word = text.strip().lower()
        if word not in YesNoPrompt.yes_choices + YesNoPrompt.no_choices:
            raise UnusableVariable(variable.name, text, "it is yes or no")
        return word in YesNoPrompt.yes_choices
    if variable.kind == DICTIONARY:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UnusableVariable(variable.name, text, 'it is an object of JSON, such as {"key": "value"}')
        return found
    return text


def as_text(value: Any) -> str:
    """A value as it is typed and shown: the other way round from `understood`."""
    if isinstance(value, bool):
        return YES if value else NO
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def typed(form: Form, env: Environment, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of texts from the command line or a file.

    Raises `UnknownVariable` for a name that the template does not have, `UnusableVariable` for a text that is no value.
    """
    by_name = {variable.name: variable for variable in form.variables}
    for name in texts:
        if name not in form.raw or name in NESTED:
            raise UnknownVariable(name, questions.alike(name, form.raw))
    values: dict[str, Any] = {}
    for name in (name for name in form.raw if name in texts):
        here = filled(form, env, values)
        values[name] = understood(by_name[name], texts[name], env, here) if name in by_name else texts[name]
    return values


def _is_literal(name: str) -> bool:
    """A name with one underscore is neither asked nor rendered, one with two is rendered."""
    return name.startswith("_") and not name.startswith("__")


def _rendered(name: str, env: Environment, raw: Any, values: Mapping[str, Any]) -> Any:
    try:
        return render_variable(env, raw, dict(values))
    except FAULTS as error:
        raise UnreadableTemplate(f"The template's default of {name} cannot be rendered: {error}.") from error
