"""Whether a requirement's test would notice that its capability is gone, or does nothing: it is run on such versions.

Reading a test shows that something in it could fail, not that it looks at the product: an assertion about a constant
that was computed, an outcome that a hook sets, code after a `return`. Where the capability answers nothing, all of
these still pass. Where it only gives its request back, so does a test of what was asked: nothing in it says what the
capability is for, whether its rule is written or still to come.
"""

import ast
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_software.traceability import runs
from planrun_software.traceability.marked_tests import FUNCTIONS, Marked, marked_tests
from planrun_software.traceability.requirements import by_test

OUTCOME = "Outcome"  # what a product's capabilities return; its `of` takes a capability's name and the request
Body = Callable[[FUNCTIONS, bool], ast.expr | None]  # what a function is to return; none where it stays as it is


def unseen(repo: Repo, results: dict[str, str]) -> dict[str, dict[str, str]]:
    """Capabilities whose tests passed and would not notice, by the requirement's id, each with why in a sentence.

    `hollow` holds those whose test passes where the capability answers nothing, `echoes` those whose test passes where
    it only gives its request back.
    """
    found: dict[str, dict[str, str]] = {"hollow": {}, "echoes": {}}
    tests = marked_tests(repo.root)
    for requirement in by_test(repo):
        function = str(requirement.get("function", ""))
        own = [test for test in tests if requirement["id"] in test.ids]
        if requirement.get("kind") != "capability" or not own or any(results.get(test.key) != "passed" for test in own):
            continue
        if problem := _hollow(repo, function, own):
            found["hollow"][requirement["id"]] = problem
        elif problem := _echo(repo, function, own):
            found["echoes"][requirement["id"]] = problem
    return found


def _hollow(repo: Repo, function: str, tests: list[Marked]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(shutil.copytree(repo.root / "src", Path(scratch, "src")))
        if not mute(source, function):
            return f"src/ holds no function {function}, which its requirement names"
        noticed = _noticed(repo, source, tests)
    return "" if noticed else f"{tests[0].name} passes on a version in which {function} answers nothing"


def _echo(repo: Repo, function: str, tests: list[Marked]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(shutil.copytree(repo.root / "src", Path(scratch, "src")))
        noticed = not echo(source, function) or _noticed(repo, source, tests)
    return "" if noticed else f"{tests[0].name} passes on a version in which {function} only gives its request back"


def _noticed(repo: Repo, source: Path, tests: list[Marked]) -> bool:
    ends = runs.ends_on(repo, source, [test.key for test in tests])
    return not ends or "failed" in ends.values()  # none at all: it could not even be imported


def mute(source: Path, function: str) -> bool:
    """Let every function of this name below a folder return nothing; whether there was one.

    Raises `Trouble` for a file that is not Python.
    """
    return _replaced(source, function, lambda node, holds: ast.Constant(None))


def echo(source: Path, function: str) -> bool:
    """Let every function of this name below a folder only give its request back; whether one could.

    That is the outcome of the request and nothing else where its module knows the product's outcomes, and the request
    itself elsewhere; a function that is handed nothing has nothing to give back.
    Raises `Trouble` for a file that is not Python.
    """
    return _replaced(source, function, _given_back)


def _given_back(node: FUNCTIONS, holds_outcome: bool) -> ast.expr | None:
    taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if not taken:
        return None
    request = ast.Name(taken[0].arg, ast.Load())
    if not holds_outcome:
        return request
    of = ast.Attribute(ast.Name(OUTCOME, ast.Load()), "of", ast.Load())
    return ast.Call(of, [ast.Constant(node.name), request], [])


def _replaced(source: Path, function: str, body: Body) -> bool:
    """Whether a function of this name was there and got another body, in which it returns what `body` says."""
    replaced = False
    for file in sorted(source.rglob("*.py")):
        text = file.read_text("utf-8")
        if f"def {function}(" not in text:
            continue
        try:
            module = ast.parse(text, file.name)
        except SyntaxError as error:
            told = f"{file.name} is not Python: {error.msg} in line {error.lineno}."
            raise Trouble(told, f"Correct {file.name}.") from error
        holds_outcome = OUTCOME in _names(module)
        for node in ast.walk(module):
            if isinstance(node, FUNCTIONS) and node.name == function:
                value = body(node, holds_outcome)
                if value is not None:
                    node.body, replaced = [ast.Return(value)], True
        file.write_text(ast.unparse(ast.fix_missing_locations(module)) + "\n", "utf-8")
    return replaced


def _names(module: ast.Module) -> set[str]:
    """What a module defines or imports at its top, by name."""
    imported = [alias for node in module.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    defined = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    return {*defined, *(alias.asname or alias.name for alias in imported)}
