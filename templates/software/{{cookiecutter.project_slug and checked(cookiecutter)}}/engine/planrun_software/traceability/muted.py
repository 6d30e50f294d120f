"""Whether a requirement's test would notice that its capability is gone: it is run on a version that answers nothing.

Reading a test shows that something in it could fail, not that it looks at the product: an assertion about a constant
that was computed, an outcome that a hook sets, code after a `return`. On such a version all of these still pass.
"""

import ast
import shutil
import tempfile
from pathlib import Path

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_software.traceability import runs
from planrun_software.traceability.marked_tests import Marked, marked_tests
from planrun_software.traceability.requirements import by_test


def hollow(repo: Repo, results: dict[str, str]) -> dict[str, str]:
    """Capabilities whose tests passed and would not notice: the requirement's id, and why in a sentence."""
    found: dict[str, str] = {}
    tests = marked_tests(repo.root)
    for requirement in by_test(repo):
        function = str(requirement.get("function", ""))
        own = [test for test in tests if requirement["id"] in test.ids]
        if requirement.get("kind") != "capability" or not own or any(results.get(test.key) != "passed" for test in own):
            continue
        problem = _problem(repo, function, own)
        if problem:
            found[requirement["id"]] = problem
    return found


def _problem(repo: Repo, function: str, tests: list[Marked]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(shutil.copytree(repo.root / "src", Path(scratch, "src")))
        if not mute(source, function):
            return f"src/ holds no function {function}, which its requirement names"
        ends = runs.ends_on(repo, source, [test.key for test in tests])
    noticed = not ends or "failed" in ends.values()  # none at all: it could not even be imported
    return "" if noticed else f"{tests[0].name} passes on a version in which {function} answers nothing"


def mute(source: Path, function: str) -> bool:
    """Let every function of this name below a folder return nothing; whether there was one."""
    muted = False
    for file in sorted(source.rglob("*.py")):
        text = file.read_text("utf-8")
        if f"def {function}(" not in text:
            continue
        try:
            module = ast.parse(text, file.name)
        except SyntaxError as error:
            told = f"{file.name} is not Python: {error.msg} in line {error.lineno}."
            raise Trouble(told, f"Correct {file.name}.") from error
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
                node.body, muted = [ast.Return(ast.Constant(None))], True
        file.write_text(ast.unparse(ast.fix_missing_locations(module)) + "\n", "utf-8")
    return muted
