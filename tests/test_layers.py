"""The program's modules keep to their places: imports go one way, and each kind of deed has its own module."""

import ast
import sys
from collections.abc import Mapping
from pathlib import Path

import mlscaffold
import pytest

PACKAGE = Path(mlscaffold.__file__).parent

# Facts become answers, answers a plan, the plan a context, the context a tree, the tree a commit. A module imports
# from earlier lines only; modules of one line may not import each other unless the line says in which order.
FLOW = (
    {"__init__"},
    {"invocation"},
    {"disk", "errors", "numerals", "templates", "yamltext"},
    {"patterns"},
    {"naming"},
    {"catalogue", "questions"},
    {"person"},
    {"fields"},
    {"schema", "answers", "completion"},
    {"planning"},
    {"looking"},
    {"hosting", "wording"},
    {"verdicts"},
    {"advisor"},
    {"interview", "report"},
    {"screen"},
    {"wizard"},
    {"context"},
    {"render", "vcs", "export"},
    {"placing", "repository", "starting"},
    {"update"},
    {"demo"},
    {"cli"},
    {"__main__"},
)


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


MODULES = modules()


def imports_of(tree: ast.Module) -> set[str]:
    """Dotted names of all that a module imports at run time, whether at its top or inside a function."""
    only_for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in only_for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_imports(tree: ast.Module) -> set[str]:
    """Names of this package's modules that a module imports, without the package's name in front."""
    inside = {name.removeprefix("mlscaffold.") for name in imports_of(tree) if name.startswith("mlscaffold.")}
    return {name for name in inside if name in MODULES or f"{name}.__init__" in MODULES}


def place(module: str) -> int:
    """Which line of the flow a module stands in."""
    return next(at for at, line in enumerate(FLOW) if module.partition(".")[0] in line)


def against_the_flow(name: str, tree: ast.Module) -> set[str]:
    """What a module imports from its own line of the flow, or from a later one."""
    first = name.partition(".")[0]
    others = {other for other in own_imports(tree) if other.partition(".")[0] != first}
    return {other for other in others if place(other) >= place(name)}


@pytest.mark.parametrize("name", MODULES)
def test_imports_follow_the_flow(name: str) -> None:
    """questions → answers → plan → context → tree → commit: nothing looks back."""
    assert against_the_flow(name, MODULES[name]) == set()


def test_an_import_against_the_flow_is_seen() -> None:
    """The guard itself, at the top of a module and hidden inside a function."""
    assert against_the_flow("answers", ast.parse("from mlscaffold.planning.plan import compute")) == {"planning.plan"}
    assert against_the_flow("questions", ast.parse("def f():\n    from mlscaffold import render")) == {"render"}
    assert against_the_flow("render", ast.parse("from mlscaffold import context")) == set()


@pytest.mark.parametrize("package", ["planning", "repository"])
def test_modules_of_a_package_do_not_import_each_other_in_circles(package: str) -> None:
    """Among themselves too, imports go one way."""
    waiting = {
        name: {other for other in own_imports(tree) if other.startswith(f"{package}.")}
        for name, tree in MODULES.items()
        if name.startswith(f"{package}.")
    }
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]

    assert waiting == {}


def test_planning_needs_the_standard_library_and_the_answers_only() -> None:
    """So that the plan is quick, and the same wherever it is computed."""
    allowed = {"answers", "catalogue", "errors", "questions"}
    for name, tree in MODULES.items():
        if name.startswith("planning."):
            assert {other for other in own_imports(tree) if not other.startswith("planning")} <= allowed, name
            outside = {other.partition(".")[0] for other in imports_of(tree)} - {"mlscaffold"}
            assert outside <= STANDARD, name


STANDARD = {
    "collections", "csv", "dataclasses", "datetime", "functools", "hashlib", "itertools", "json", "keyword", "math",
    "random", "re", "statistics", "typing", "unicodedata",
}  # fmt: skip


def test_looking_needs_the_standard_library_only() -> None:
    """But for DuckDB, in the one function that reads Parquet; and nothing of it is imported before there is a file."""
    for name, tree in MODULES.items():
        if name.startswith("looking."):
            outside = {other.partition(".")[0] for other in imports_of(tree)} - {"mlscaffold"}
            assert outside <= sys.stdlib_module_names | {"duckdb"}, name
    assert importers("duckdb") == ["looking.reading"]
    for name in ("cli", "report", "answers"):
        at_the_top = ast.Module([node for node in MODULES[name].body if not isinstance(node, ast.FunctionDef)], [])
        assert not any("looking" in other for other in own_imports(at_the_top)), name


def importers(library: str) -> list[str]:
    """Modules that import a library or a part of it."""
    return [
        name
        for name, tree in MODULES.items()
        if any(other == library or other.startswith(f"{library}.") for other in imports_of(tree))
    ]


def callers(*calls: str, among: Mapping[str, ast.Module] = MODULES) -> list[str]:
    """Modules with a call whose dotted name, or whose last part after a dot, is one of these."""
    found = []
    for name, tree in among.items():
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        parts = called | {"." + text.rpartition(".")[2] for text in called if "." in text}
        if parts & set(calls):
            found.append(name)
    return found


def test_a_deed_out_of_place_is_seen() -> None:
    """The guard itself: a bare call, a method, and the same word as a name only."""
    tree = ast.parse("print(1)\npath.write_text(text)\nopen_ = exit_code = 1")

    assert callers("print", among={"answers": tree}) == callers(".write_text", among={"answers": tree}) == ["answers"]
    assert callers("open", "sys.exit", among={"answers": tree}) == []


def test_only_the_wizard_prompts() -> None:
    """Everything else works, and starts, without a prompt library."""
    assert importers("questionary") == ["wizard.prompts"]


def test_only_vcs_runs_git() -> None:
    """Who starts another program: vcs git, the demo its example's own, starting a new repository's `make`."""
    assert [name for name in importers("subprocess") if not name.startswith("demo.")] == ["starting", "vcs"]
    assert importers("subprocess") == ["demo.driver", "demo.environment", "demo.project", "starting", "vcs"]
    assert [name for name in importers("subprocess") if "'git'" in ast.unparse(MODULES[name])] == ["vcs"]
    assert callers("os.system", "os.popen", "os.execv", "os.execvp") == []


def test_only_the_modules_meant_for_it_write_files() -> None:
    """Render, placing and the journal write a repository; answers keeps a conversation, cli writes --output's file."""
    writing = (".write_text", ".write_bytes", ".rename", ".unlink", ".mkdir", ".rmdir", ".mkdtemp", "os.replace")
    repository = {"repository.journal", "repository.lock"}

    # The demo's modules write into its scratch folder, and environment into the cache folder that the screen names.
    demo = {"demo.environment", "demo.ml", "demo.parcels", "demo.project", "demo.software"}
    assert set(callers(*writing)) <= {"render", "placing", "cli", "vcs", "disk", "looking.bringing"} | repository | demo
    # answers.save; placing copies where no link can be; render and record read archives, and the demo's driver the
    # null device; disk opens what it flushes
    demo |= {"disk", "demo.driver", "looking.reading", "looking.bringing"}
    assert set(callers("open", ".open")) <= {"answers", "render", "placing", "repository.record"} | repository | demo


def test_only_the_command_line_prints_and_exits() -> None:
    """Others return words or raise; the wizard shows its own conversation through screen."""
    assert callers("print") == []
    assert callers(".echo") == ["cli"]
    assert callers("print_formatted_text") == ["screen"]
    # The driver is a program of its own: its forks leave with the exit codes of the commands that they are.
    assert callers("sys.exit", "exit", "os._exit") == ["cli", "demo.driver"]
