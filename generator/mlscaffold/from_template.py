"""`new --template`: an organisation's own cookiecutter template through the same door, step by step."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from mlscaffold import answers, invocation, placing, report, vcs, wizard
from mlscaffold.errors import BadPlace, CodeInTemplate, CommitRefused, UsageError
from mlscaffold.foreign import source, variables, writing
from mlscaffold.foreign.variables import Form

CHOSEN = "template"  # the key that names one of several templates


@dataclass(frozen=True)
class Wish:
    """What the command line says. `silent` where nobody is asked."""

    source: str
    checkout: str | None
    name: str | None
    file: Path | None
    assignments: Sequence[str]
    output: Path
    silent: bool
    accepts_code: bool
    dry_run: bool
    no_git: bool

    def texts(self) -> dict[str, str]:
        """The answers given, by the template's own names; an object in a file is a text of JSON."""
        read = answers.mapping(self.file) if self.file else {}
        told = {str(key): text if isinstance(text, str) else json.dumps(text) for key, text in read.items()}
        named = {"project_name": self.name} if self.name is not None else {}
        return told | named | answers.assigned(self.assignments)

    def again(self, kept: Path) -> str:
        """The command that goes on with the answers kept in a file."""
        where = [] if self.output == Path() else ["--output", str(self.output.absolute())]
        where += [] if self.checkout is None else ["--checkout", self.checkout]
        where += [flag for flag, wanted in (("--accept-hooks", self.accepts_code), ("--no-git", self.no_git)) if wanted]
        return invocation.quoted(["new", "--template", self.source, "--answers", str(kept), *where])


def start(wish: Wish, say: Callable[[str], None]) -> str:
    """Fetch, ask, render and commit; the text that ends the command. `say` tells what comes before it.

    Raises `wizard.Interrupted` with the answers so far, `CommitRefused` once everything is written, and the trouble
    of each step, before which nothing is written.
    Of those are `UsageError` for a name that is none, `CodeInTemplate` where nobody allowed its code, `BadPlace` for a
    folder that is there, and `Declined`.
    """
    output = wish.output if wish.dry_run else placing.parent(wish.output)
    with source.fetched(wish.source, wish.checkout) as folder:
        texts = wish.texts()
        form = _chosen(variables.read(folder), texts, wish.silent)
        code = writing.code_of(form)
        if not wish.accepts_code and code:
            _ask_for_consent(code, wish)
        with writing.importing(form.folder):
            form = writing.prompted(form) if code.hooks and not wish.dry_run else form
            env = writing.environment(form)
            given = _typed(form, env, texts)
            if not wish.silent and not wish.dry_run:
                given = variables.typed(form, env, _asked(form, env, texts))
            values = variables.filled(form, env, given)
            name = writing.name_of(form, env, values)
            if wish.dry_run:
                files = writing.preview(form, env, values)
                return report.tree(name, files) + ("\n\nThe template's hooks were not run." if code.hooks else "")
            return _written(wish, form, env, values, output / name, bool(code.hooks), say)


def _chosen(form: Form, texts: dict[str, str], silent: bool) -> Form:
    """The template itself, where the address holds several; the choice is taken out of `texts`."""
    while nested := form.nested:
        key = texts.pop(CHOSEN, None)
        if key is None and silent:
            raise UsageError(
                f"The address holds several templates: {', '.join(nested)}.",
                f"Name one: --set {CHOSEN}={next(iter(nested))}.",
            )
        key = key if key is not None else wizard.pick_template(nested)
        if key not in nested:
            raise UsageError(f"There is no template {key} there.", f"Choose from {', '.join(nested)}.")
        form = variables.read(source.inside(form.folder, nested[key][1]))
    return form


def _ask_for_consent(code: writing.Code, wish: Wish) -> None:
    """One yes for all code that the template brings. Raises `CodeInTemplate` where nobody can be asked."""
    if wish.silent or wish.dry_run:
        if code.extensions or not wish.dry_run:
            raise CodeInTemplate(code.listed())
        return
    told = "The template brings code that would run on this machine:\n" + "\n".join(
        f"  {line}" for line in code.listed()
    )
    if not wizard.agree(told, "Yes, it may run", "No; write nothing"):
        raise wizard.Declined({})


def _typed(form: Form, env: Environment, texts: Mapping[str, str]) -> dict[str, Any]:
    if "project_name" in texts and "project_name" not in form.raw:
        raise UsageError(
            "The template has no project_name, which a name on the command line would answer.",
            f"Answer its own variables: --set {next(iter(form.raw), 'NAME')}=….",
        )
    return variables.typed(form, env, texts)


def _asked(form: Form, env: Environment, texts: Mapping[str, str]) -> dict[str, str]:
    def preview(values: Mapping[str, Any]) -> tuple[str, list[tuple[str, int]]]:
        return writing.name_of(form, env, values), writing.preview(form, env, values)

    return wizard.ask_template(form, env, texts, preview)


def _written(
    wish: Wish,
    form: Form,
    env: Environment,
    values: Mapping[str, Any],
    target: Path,
    hooks: bool,
    say: Callable[[str], None],
) -> str:
    place = placing.find(target, into=False, git=not wish.no_git)
    if target.exists():
        raise BadPlace(str(target), "it is there already, and a template's tree is made anew")
    if place.host is not None:
        say(f"{place.host} is a git repository: the files are written into it, and the commit is yours.")
    writing.write(form, env, values, target, hooks=hooks)
    history = ""
    if (target / ".git").exists():
        history = "A hook of the template made a git repository; the commits are as it left them."
    elif place.commits and not wish.no_git:
        history = _commit(target, f"Start {target.name} from {wish.source}")
    files = [(path, size) for path, size in writing.file_sizes(target) if not path.startswith(".git/")]
    return report.made_from(target, files, history)


def _commit(folder: Path, message: str) -> str:
    try:
        committed = vcs.create(folder, message)
    except CommitRefused as error:
        raise CommitRefused(error.why, vcs.by_hand(folder, message)) from error
    return report.committed(vcs.branch(folder)) if committed else report.UNNAMED
