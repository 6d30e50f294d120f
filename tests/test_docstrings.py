"""A reader learns from each public name what it is for, and never only what it is called."""

import ast
from collections.abc import Iterator
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
