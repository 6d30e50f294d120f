"""A reader learns from each public name what it is for, and never only what it is called."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from material import ROOT

GENERATOR = ROOT / "generator"
PACKAGES = ("mlscaffold", "planrun", "planrun_ml", "planrun_software")
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules(package: str) -> Iterator[Path]:
    """The modules of a package, and what its tests are helped by; "" for the programs beside the packages."""
    return iter(sorted((GENERATOR / package).rglob("*.py") if package else GENERATOR.glob("*.py")))


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Named]]:
    """Public functions and classes, methods among them, by their dotted names.

    A check that is registered under a gate's id is told by its row in the catalogue, an overload by what it is of, and
    a test by its name, which is a sentence.
    """
    for node in body:
        if isinstance(node, Named) and not node.name.startswith(("_", "test_")):
            marks = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
            if not marks & {"gate", "overload"}:
                yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def untold(text: str) -> list[str]:
    """The public names of a module that say nothing of themselves, or no more than their name does."""
    found = []
    for name, node in public(ast.parse(text).body):
        told = (ast.get_docstring(node) or "").rstrip(".")
        said = set(told.casefold().split()) - {"the", "a", "an"}
        if not said - set(node.name.casefold().split("_")):
            found.append(name)
    return found


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_every_public_name_says_what_it_is_for(package: str) -> None:
    missing = [
        f"{path.relative_to(GENERATOR)}: {name}"
        for path in modules(package)
        for name in untold(path.read_text("utf-8"))
    ]

    assert missing == []


def test_a_name_that_says_nothing_is_seen() -> None:
    """The guard itself: nothing said, the name once more, a method; not what is private, a gate's check or a test."""
    text = """
def nothing(): pass
def row_count(): "The row count."
def told(): "How many rows there are."
def _private(): pass
def test_that_is_a_sentence(): pass
@gate("G1.2")
def counted(repo): pass
class Kept:
    "What is kept."
    def close(self): pass
"""

    assert untold(text) == ["nothing", "row_count", "Kept.close"]


# ------------------------------------------------------------------------------------------------------------ errors
Function = ast.FunctionDef | ast.AsyncFunctionDef


def private(tree: ast.Module) -> dict[str, Function]:
    """The private functions and methods of a module: what they raise, their callers raise."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, Function) and node.name.startswith("_")}


def raised(node: Function, helpers: Mapping[str, Function], asked: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names of the errors that leave a function's own body, and what of the module's private ones it calls.

    Not those of functions inside it, or caught around it. `asked` are the helpers on the way: one may call itself.
    """

    def leaving(found: ast.AST, caught: frozenset[str]) -> Iterator[str]:
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            return
        if isinstance(found, ast.Raise) and found.exc is not None:
            either = [found.exc.body, found.exc.orelse] if isinstance(found.exc, ast.IfExp) else [found.exc]
            names = [ast.unparse(one.func if isinstance(one, ast.Call) else one).rpartition(".")[2] for one in either]
            # In small letters it is an error that was caught, or a function's; an assertion says what cannot be.
            yield from (name for name in names if name[0].isupper() and name not in {*caught, "AssertionError"})
        if isinstance(found, ast.Call):
            helper = ast.unparse(found.func).removeprefix("self.").removeprefix("cls.")
            if helper in helpers and helper not in asked:
                yield from (e for e in raised(helpers[helper], helpers, asked | {helper}) if e not in caught)
        inside = found.body if isinstance(found, ast.Try) else []
        known = {ast.unparse(part) for one in getattr(found, "handlers", ()) if one.type for part in ast.walk(one.type)}
        for child in ast.iter_child_nodes(found):
            yield from leaving(child, caught | known if child in inside else caught)

    for statement in node.body:
        yield from leaving(statement, frozenset())


def unsaid_errors(text: str) -> list[str]:
    """Public functions of a module that raise an error which their docstring does not name.

    The docstring of a command is its `--help`: who reads that is told of an error by the error.
    """
    found, tree = [], ast.parse(text)
    helpers = private(tree)
    for name, node in public(tree.body):
        if isinstance(node, ast.ClassDef) or any(".command" in ast.unparse(mark) for mark in node.decorator_list):
            continue
        said = ast.get_docstring(node) or ""
        found += [f"{name}: {error}" for error in dict.fromkeys(raised(node, helpers)) if error not in said]
    return found


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_every_public_function_says_which_errors_it_raises(package: str) -> None:
    missing = [
        f"{path.relative_to(GENERATOR)}: {one}"
        for path in modules(package)
        for one in unsaid_errors(path.read_text("utf-8"))
    ]

    assert missing == []


def test_an_error_that_is_not_said_is_seen() -> None:
    """The guard itself: raised plainly, with a module's name, in a handler; not what is caught, passed on or inside."""
    text = """
def plain(): raise ValueError
def handled():
    "Something. Raises `Trouble`."
    try: pass
    except OSError as error: raise trouble.Blocked("no") from error
def said():
    "Something. Raises `Trouble`."
    raise Trouble("no")
def caught():
    try:
        if x: raise KeyError
    except (KeyError, OSError): return 1
def again():
    try: pass
    except OSError as error: raise error
    def inner(): raise TypeError
def through():
    try: _first(1)
    except TypeError: return 1
def _first(n):
    if n: raise Trouble("no") if n > 1 else Blocked("no")
    _first(n - 1)
    raise TypeError
@cli.command()
def typed(): raise UsageError
"""

    assert unsaid_errors(text) == ["plain: ValueError", "handled: Blocked", "through: Trouble", "through: Blocked"]
