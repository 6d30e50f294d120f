"""The tree that a template and its answers lead to, and the code that the template would run on the way."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cookiecutter.exceptions import CookiecutterException
from cookiecutter.find import find_template
from cookiecutter.generate import generate_files
from cookiecutter.hooks import find_hook, run_pre_prompt_hook
from cookiecutter.utils import create_env_with_context, rmtree, work_in
from jinja2 import Environment

from mlscaffold.errors import BadPlace, HookFailed, OutsideTarget, UnreadableTemplate
from mlscaffold.foreign import variables
from mlscaffold.foreign.source import said
from mlscaffold.foreign.variables import FAULTS, Form

HOOKS = ("pre_prompt", "pre_gen_project", "post_gen_project")


@dataclass(frozen=True)
class Code:
    """What of a template is code that runs here: its hooks' files, and the modules that it loads."""

    hooks: tuple[str, ...]
    extensions: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.hooks or self.extensions)

    def listed(self) -> list[str]:
        """One line each, for whoever is to agree."""
        return [*self.hooks, *(f"module {name}" for name in self.extensions)]


def code_of(form: Form) -> Code:
    """The hooks and modules of a template, by the names that its folder has them under."""
    found = [path for name in HOOKS for path in _hooks(form.folder, name)]
    hooks = [f"{path.relative_to(form.folder).as_posix()} ({_lines(path)})" for path in found]
    names = [str(name) for name in form.raw.get("_extensions", [])]
    return Code(tuple(hooks), tuple(f"{name}{_beside(form.folder, name)}" for name in names))


def _hooks(folder: Path, name: str) -> list[Path]:
    with work_in(folder):
        return sorted(folder / path for path in find_hook(name) or ())


def _lines(path: Path) -> str:
    count = len(path.read_bytes().splitlines())
    return f"{count} line{'' if count == 1 else 's'}"


def _beside(folder: Path, name: str) -> str:
    top = name.partition(".")[0]
    places = (f"{top}.py", f"{top}/__init__.py")
    return next((f" ({place} of the template)" for place in places if folder.joinpath(place).is_file()), "")


@contextmanager
def importing(folder: Path) -> Iterator[None]:
    """Modules beside the template can be imported, and are forgotten afterwards: the next template has its own."""
    before, modules = list(sys.path), set(sys.modules)
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(str(folder)):
                del sys.modules[name]


def prompted(form: Form) -> Form:
    """The form after the template's own first hook, which may write it anew. Raises `HookFailed`."""
    try:
        folder = Path(str(run_pre_prompt_hook(form.folder)))
    except CookiecutterException as error:
        raise HookFailed(said(error)) from error
    return form if folder == form.folder else variables.read(folder)


def environment(form: Form) -> Environment:
    """What the template's texts are rendered with. Raises `UnreadableTemplate` for a module that cannot be loaded."""
    try:
        made: Environment = create_env_with_context({"cookiecutter": dict(form.raw)})
    except (CookiecutterException, ImportError) as error:
        raise UnreadableTemplate(f"The template cannot be set up: {said(error)}.") from error
    return made


def name_of(form: Form, env: Environment, values: Mapping[str, Any]) -> str:
    """The folder that the tree will have. Raises `OutsideTarget` for one that is no single name.

    Raises `UnreadableTemplate` where no folder is named by a variable, or its name cannot be rendered.
    """
    name = _rendered(env, _top(form, env).name, values)
    if name in ("", ".", "..") or set(name) & set('/\\:\0"<>|?*{}'):
        raise OutsideTarget(name)
    return name


def refuse_ways_out(form: Form, env: Environment, values: Mapping[str, Any]) -> None:
    """Raise `OutsideTarget` for a path that would be written, or a link that would be read, outside its folder.

    Raises `UnreadableTemplate` for a path that cannot be rendered.
    """
    top = _top(form, env)
    for path in sorted(top.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(form.folder.resolve()):
            raise OutsideTarget(path.relative_to(top).as_posix())
        parts = path.relative_to(top).parts
        made = PurePosixPath(*(_rendered(env, part, values).replace("\\", "/") or "." for part in parts))
        if made.is_absolute() or ".." in made.parts:
            raise OutsideTarget(str(made))


def preview(form: Form, env: Environment, values: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The files that answers lead to, with their sizes, as they are before any hook.

    Raises `UnreadableTemplate` where it cannot be set up or rendered, `HookFailed` where its first hook fails.
    """
    refuse_ways_out(form, env, values)
    with tempfile.TemporaryDirectory(prefix="mlscaffold-preview-") as scratch:
        return file_sizes(_generated(form, values, Path(scratch), hooks=False))


def file_sizes(tree: Path) -> list[tuple[str, int]]:
    """Every file of a tree as (path, bytes)."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    return [(path.relative_to(tree).as_posix(), path.stat().st_size) for path in files]


def write(form: Form, env: Environment, values: Mapping[str, Any], target: Path, *, hooks: bool) -> None:
    """Render the tree to `target`, whole or not at all.

    It is made elsewhere and moved there. Hooks may write down where they run, so with them it is made in place, and
    taken away where anything fails. Raises `BadPlace`, `HookFailed`, `OutsideTarget` or `UnreadableTemplate`.
    """
    refuse_ways_out(form, env, values)
    target.parent.mkdir(parents=True, exist_ok=True)
    if hooks:
        if "{" in str(target.parent):
            raise BadPlace(str(target.parent), "it holds a brace, and cookiecutter would run what stands in it")
        try:
            _generated(form, values, target.parent, hooks=True)
        except BaseException:
            rmtree(target) if target.is_dir() else None
            raise
        return
    with (
        tempfile.TemporaryDirectory(prefix="mlscaffold-tree-") as scratch,  # never a place whose name is a template
        tempfile.TemporaryDirectory(prefix=".mlscaffold-", dir=target.parent) as beside,
    ):
        made = _generated(form, values, Path(scratch), hooks=False)
        Path(shutil.copytree(made, Path(beside, target.name), symlinks=True)).rename(target)


def _generated(form: Form, values: Mapping[str, Any], output: Path, *, hooks: bool) -> Path:
    told = {"_template": str(form.folder), "_output_dir": str(output), "_repo_dir": str(form.folder), "_checkout": None}
    asked = {name: raw for name, raw in form.raw.items() if not name.startswith("_")}
    context = {"cookiecutter": {**values, **told}, "_cookiecutter": asked}
    try:
        return Path(
            generate_files(str(form.folder), context, str(output), accept_hooks=hooks, overwrite_if_exists=True)
        )
    except FAULTS as error:
        if "hook" in type(error).__name__.lower():
            raise HookFailed(said(error)) from error
        raise UnreadableTemplate(f"The template cannot be rendered: {said(error)}.") from error


def _top(form: Form, env: Environment) -> Path:
    try:
        return Path(find_template(str(form.folder), env))
    except CookiecutterException as error:
        raise UnreadableTemplate("The template has no folder named by a variable.") from error


def _rendered(env: Environment, text: str, values: Mapping[str, Any]) -> str:
    try:
        return env.from_string(text).render(cookiecutter=dict(values))
    except FAULTS as error:
        raise UnreadableTemplate(f"The template's path {text} cannot be rendered: {error}.") from error
