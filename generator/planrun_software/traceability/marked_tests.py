"""Tests marked with a requirement, and whether each could fail at all."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planrun.trouble import Trouble


# ---------------------------------------------------------------------------------------------------- tests
@dataclass(frozen=True)
class Marked:
    """One test that names the requirements it shows; `empty` where nothing in it could fail."""

    file: str
    name: str
    ids: tuple[str, ...]
    empty: bool

    @property
    def key(self) -> str:
        """How pytest and the evidence call it."""
        return f"{self.file}::{self.name}"


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def marked_tests(root: Path) -> list[Marked]:
    """Every test below tests/ that carries @pytest.mark.req(…), itself or by its class, found in its source.

    Raises `Trouble` for a file that is not Python.
    """
    return [test for file in sorted(root.glob("tests/**/test_*.py")) for test in _marked(root, file)]


def _marked(root: Path, file: Path) -> Iterator[Marked]:
    name = file.relative_to(root).as_posix()
    try:
        yield from _below(ast.parse(file.read_text("utf-8"), name), name, "", ())
    except SyntaxError as error:
        raise Trouble(f"{name} is not Python: {error.msg} in line {error.lineno}.", f"Correct {name}.") from error


def _below(node: ast.Module | ast.ClassDef, file: str, prefix: str, ids: tuple[str, ...]) -> Iterator[Marked]:
    for part in node.body:
        if isinstance(part, FUNCTIONS | ast.ClassDef):
            own = (*ids, *(text for mark in part.decorator_list for text in _ids(mark)))
            if isinstance(part, ast.ClassDef):
                yield from _below(part, file, f"{prefix}{part.name}::", own)
            elif own and part.name.startswith("test"):
                yield Marked(file, prefix + part.name, own, not any(_could_fail(part)))


def _ids(mark: ast.expr) -> list[str]:
    """The ids of @pytest.mark.req(…), however pytest was imported."""
    if not (isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "req"):
        return []
    return [str(part.value) for part in mark.args if isinstance(part, ast.Constant)]


def _could_fail(test: FUNCTIONS) -> Iterator[bool]:
    """For each assertion of a test, whether it could fail; those of a function inside count where it is named again."""
    own = list(_own(test))
    called = {node.id for node in own if isinstance(node, ast.Name)}
    own += [deep for node in own if isinstance(node, FUNCTIONS) and node.name in called for deep in ast.walk(node)]
    fixed = _fixed(own)
    for node in own:
        if isinstance(node, ast.Assert):
            yield _open(node.test, fixed)
        elif isinstance(node, ast.Call):  # pytest.raises, mock.assert_called_with, self.assertEqual
            yield re.search(r"(^|\.)(raises|warns|assert\w+)$", ast.unparse(node.func)) is not None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a function runs: not the inside of the functions it only defines."""
    for part in ast.iter_child_nodes(node):
        yield part
        if not isinstance(part, FUNCTIONS | ast.ClassDef | ast.Lambda):
            yield from _own(part)


def _fixed(nodes: list[ast.AST]) -> set[str]:
    """Names that a test sets to constants, and to nothing else."""
    given = [(target, node.value) for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    plain = [(target, value) for target, value in given if isinstance(target, ast.Name)]
    set_otherwise = {node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    fixed = {target.id for target, _ in plain} - {node.id for node in set_otherwise - {target for target, _ in plain}}
    while moved := {target.id for target, value in plain if target.id in fixed and _rests(value, fixed)}:
        fixed -= moved
    return fixed


def _rests(value: ast.AST, fixed: set[str]) -> bool:
    """Whether an expression rests on anything that ran or was handed in."""
    return any(
        isinstance(node, ast.Call | ast.Await) or (isinstance(node, ast.Name) and node.id not in fixed)
        for node in ast.walk(value)
    )


def _open(claim: ast.expr, fixed: set[str]) -> bool:
    """Whether a claim could turn out false: `… or True` cannot, nor can a tuple."""
    if isinstance(claim, ast.BoolOp):
        parts = [_open(value, fixed) for value in claim.values]
        return all(parts) if isinstance(claim.op, ast.Or) else any(parts)
    return not isinstance(claim, ast.Tuple | ast.List | ast.Dict) and _rests(claim, fixed)
