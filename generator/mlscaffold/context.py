"""Answers and plan as the templates see them, whichever door they came through.

Both doors hand cookiecutter's dictionary of texts to the same room: `PlanExtension` gives every template the bare
names `answers` and `plan`, and `checked()`, called in the folder's name, refuses bad answers before a file
is written.
"""

import functools
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, Template, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from jinja2.utils import missing

from mlscaffold import answers as answers_module
from mlscaffold import catalogue, hosting, house, questions, templates, wording
from mlscaffold.advisor import Advice, advise
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.errors import InvalidAnswer, MlscaffoldError, SecretGiven
from mlscaffold.planning.assumptions import behind, mark
from mlscaffold.planning.headline import ADVISED_BY, headline
from mlscaffold.planning.number import numbers_of
from mlscaffold.planning.plan import compute, sealed
from mlscaffold.rendering import gate_marks, reading
from mlscaffold.rendering.facts import FACTS
from mlscaffold.rendering.house_rules import rules

# The answers and numbers that the reasons of an advice tell.
REASONED_BY = (*ADVISED_BY, "acceptance.payback_months", "acceptance.value_month", "acceptance.target")


def plan_of(answers: Answers) -> dict[PlanKey, Any]:
    """The whole plan: every number, the advice that rests on the numbers, and the six lines that sum it up."""
    return _plan_of(json.dumps(answers.raw), house.fingerprint())


@functools.lru_cache(maxsize=8)
def _plan_of(texts: str, over: str) -> dict[PlanKey, Any]:
    answers = Answers(json.loads(texts))
    plan = compute(answers)
    plan |= rules(answers, house.in_force()) if over else {}
    advised = plan | {"advice": advise(answers, plan).as_json()}
    mark(answers, advised)
    numbers = numbers_of(advised)
    told = [key for key in REASONED_BY if key in numbers or key in answers.raw]
    advised["advice"]["rests_on"] = behind(answers, advised, numbers, told)
    return sealed(advised | {"headline": headline(answers, advised)})


def advice_before_plan(answers: Answers) -> Advice:
    """The advice while the kind is still open: by the answers alone, without money."""
    return advise(answers, None)


def to_cookiecutter(answers: Answers, template: Mapping[str, Any]) -> dict[str, Any]:
    """A template's cookiecutter.json with these answers in it: texts only, prompted keys bare, all others with `_`."""
    known = questions.load()
    settings = {key: value for key, value in template.items() if key.startswith("_") and key[1:] not in known}
    texts = {key if known[key].plain else f"_{key}": text for key, text in answers.raw.items()}
    return settings | texts


def from_cookiecutter(texts: Mapping[str, Any]) -> dict[str, str]:
    """The answers inside cookiecutter's dictionary."""
    found = {key: texts.get(key, texts.get(f"_{key}")) for key in questions.load()}
    return {key: str(text) for key, text in found.items() if text is not None}


def room(texts: Mapping[str, Any]) -> tuple[Answers, dict[PlanKey, Any]]:
    """Answers and plan for cookiecutter's dictionary, worked out once for all the files of a render."""
    over = house.fingerprint()
    for asked, under, found in _LAST:
        if asked == texts and under == over:  # every name in every page asks for it
            return found
    found = _room(json.dumps(from_cookiecutter(texts), sort_keys=True), over)
    _LAST[:] = [(dict(texts), over, found)]
    return found


# What was asked for last, under which presets, and what came of it.
_LAST: list[tuple[dict[str, Any], str, tuple[Answers, dict[PlanKey, Any]]]] = []


@functools.lru_cache(maxsize=8)
def _room(texts: str, over: str) -> tuple[Answers, dict[PlanKey, Any]]:
    del over  # what is in force is part of the question, and read where it is needed
    answers = answers_module.complete(json.loads(texts))
    return answers, plan_of(answers)


def checked(texts: Mapping[str, Any]) -> str:
    """The project's folder name, once every answer has been checked; cookiecutter's own one-line error otherwise.

    Raises `FailedHookException` where an answer is refused.
    An answer of the other kind is an `InvalidAnswer`, told the same way.
    """
    try:
        _refuse_other_kind(texts)
        answers, _ = room(texts)
    except MlscaffoldError as error:
        from cookiecutter.exceptions import FailedHookException  # late: our own door needs none of it

        raise FailedHookException(str(error)) from error  # the hint speaks of our own command's flags
    return str(answers.project_slug)


def no_secrets(texts: Mapping[str, Any]) -> str:
    """Nothing, unless an answer holds a secret: cookiecutter's own one-line error, before it keeps what was answered.

    cookiecutter writes every answer into a replay file in the person's home before it opens the first template. Raises
    `FailedHookException` where one does.
    """
    for key, text in from_cookiecutter(texts).items():
        if questions.holds_secret(text):
            from cookiecutter.exceptions import FailedHookException

            error = SecretGiven(key)
            raise FailedHookException(f"{error} {error.hint}")
    return ""


def _refuse_other_kind(texts: Mapping[str, Any]) -> None:
    """A template is for one kind; `_kind` on plain cookiecutter's command line cannot change that."""
    kind = from_cookiecutter(texts).get("kind", "")
    foreign = [question for question in questions.load().values() if question.plain and kind not in question.kinds]
    if any(question.key in texts for question in foreign):
        raise InvalidAnswer("kind", kind, "this template is for the other kind: choose the other template")


PREPARED = {"answers", "plan", "gates"}.union(*FACTS.values())


class PlanContext(Context):
    """A Jinja context in which answers, plan, gates and the kind's facts come from `cookiecutter` when first named."""

    def __init__(self, environment: Environment, parent: dict[str, Any], name: str | None, *rest: Any, **more: Any):
        super().__init__(environment, parent, name, *rest, **more)
        # What a page includes inherits its variables: a part of a page knows the page, whose marks and links it shares.
        self.parent.setdefault(wording.PAGE, name)

    def resolve_or_missing(self, key: str) -> Any:
        """What a template's name stands for; Jinja's `missing` where neither a variable nor a prepared fact has it.

        A variable of the template goes first. Raises what `room` raises where the answers are refused.
        """
        found = super().resolve_or_missing(key)
        if found is not missing or key not in PREPARED:
            return found
        texts = super().resolve_or_missing("cookiecutter")
        if texts is missing:
            return found
        answers, plan = room(texts)
        given = {"answers": answers, "plan": plan, "gates": catalogue.gates_of(answers.kind)}
        if key in given:
            return given[key]
        fact = FACTS[answers.kind].get(key)
        return found if fact is None else fact(answers, plan)


class PlanTemplate(Template):
    """A template whose finished page says of each gate whether it blocks, and of itself how long it takes to read."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        """The text of the file; a page of Markdown with its gates marked and its length."""
        page = super().render(*args, **kwargs)
        texts = dict(*args, **kwargs).get("cookiecutter")
        if texts is None or not re.search(r"\.md(?:$|\{)", self.name or ""):
            return page
        return reading.timed(gate_marks.marked(page, room(texts)[0]))


class PlanExtension(Extension):
    """What each template's `_extensions` names, through the module beside its cookiecutter.json."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.context_class = PlanContext
        environment.template_class = PlanTemplate
        environment.filters.update(wording.FILTERS)
        environment.finalize = wording.in_its_document  # one place for every text in every page
        environment.globals.update(
            wording.GLOBALS,
            for_whom=_for_whom,
            checked=checked,
            no_secrets=no_secrets,
            at_top=hosting.at_top,
            below=hosting.below,
        )

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """What Jinja reads instead of a path that cookiecutter renders; a template's own text is left alone.

        Paths reach Jinja as sources without a name. Those of files are relative and come when there is a loader and the
        template is the current folder; answers are rendered before that.
        """
        del filename
        if name is not None:
            return source
        if os.path.isabs(source):
            return _as_it_lies(source)
        is_file_name = self.environment.loader is not None and "\n" not in source
        # A file that programs have left there renders to no name, and cookiecutter skips it.
        left = is_file_name and not templates.belongs(source) and not templates.is_copied(source)
        return "" if left and os.path.lexists(source) else source


@pass_context
def _for_whom(context: Context) -> str:
    """Who reads the page that is written, and how long it takes them."""
    page = str(context.get(wording.PAGE)).rpartition("/")[2].removesuffix(".md")
    return reading.for_whom(page, context["answers"].kind)


def _as_it_lies(source: str) -> str:
    """A folder's path with the part that is there already as the text it is.

    cookiecutter renders the absolute path of each folder that it makes as Jinja: a folder called `{{ … }}` above the
    project would be run as code.
    """
    ends = [at for at, letter in enumerate(source) if letter in (os.sep, os.altsep)] + [len(source)]
    there = next((source[:end] for end in reversed(ends) if os.path.isdir(source[:end])), "")
    return _literal(there) + source[len(there) :]


def _literal(text: str) -> str:
    """Jinja that renders to exactly this text, whatever braces, quotes, line ends or scripts are in it."""
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"
