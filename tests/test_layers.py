"""The program's modules keep to their places: imports go one way, and each kind of deed has its own module."""

import ast
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import imports
import mlscaffold
import pytest
from imports import imports_of
from material import ROOT

PACKAGE = Path(mlscaffold.__file__).parent
MODULES = imports.modules(PACKAGE)


def own_imports(tree: ast.Module) -> set[str]:
    """Names of this package's modules that a module imports, without the package's name in front."""
    inside = {name.removeprefix("mlscaffold.") for name in imports_of(tree) if name.startswith("mlscaffold.")}
    return {name for name in inside if name in MODULES or f"{name}.__init__" in MODULES}


# ------------------------------------------------------------------------------------------------- the layers, by name


def found_in(
    tree: imports.Tree, folder: Path, package: str | None = None
) -> tuple[imports.Graph, set[tuple[str, str]]]:
    """Circles among a package's modules, and what its parts import against the order of its layers."""
    between = imports.between_modules(package or folder.name, imports.modules(folder))
    return imports.circles(between), imports.against_the_order(tree, imports.between_parts(between))


@pytest.mark.parametrize("tree", imports.TREES, ids=lambda tree: str(tree.package))
def test_imports_of_our_packages_go_one_way(tree: imports.Tree) -> None:
    """questions → answers → plan → tree → commit, and data → models → release → watching: nothing looks back."""
    assert found_in(tree, tree.folder, tree.package) == ({}, set())


def test_every_layer_holds_what_is_there() -> None:
    """No part is named that the package has not."""
    for tree in imports.TREES:
        named = {part for layer in tree.layers for part in layer.parts}
        assert named == set(imports.parts_of(tree)), tree.package


def test_what_a_team_is_given_goes_one_way(sample: str, rendered: Callable[[str], Path]) -> None:
    """The team's modules of every sample; whatever its answers called for."""
    root = rendered(sample)
    tree = imports.ROOMS if root.joinpath("data/source.yaml").is_file() else imports.PRODUCT
    [folder] = [path.parent for path in root.glob("src/*/__init__.py")]

    assert found_in(tree, folder) == ({}, set())


@pytest.mark.parametrize(
    ("package", "others"),
    [("planrun", set()), ("planrun_ml", {"planrun"}), ("planrun_software", {"planrun"}), ("mlscaffold", set())],
)
def test_packages_know_only_those_below_them(package: str, others: set[str]) -> None:
    """The engine's core knows no kind, no kind knows the other, and the generator none of them."""
    ours = {tree.package for tree in imports.TREES}
    for name, tree in imports.modules(imports.GENERATOR / package).items():
        assert {other.partition(".")[0] for other in imports_of(tree)} & ours <= {package} | others, name


def test_a_product_knows_no_engine(sample: str, rendered: Callable[[str], Path]) -> None:
    """What is built and shipped runs without it."""
    root = rendered(sample)
    if root.joinpath("data/source.yaml").is_file():
        return  # no product: a team's rooms may use what the engine offers them
    for path in root.glob("src/**/*.py"):
        assert not any(name.startswith("planrun") for name in imports_of(ast.parse(path.read_text("utf-8")))), path


def test_an_import_against_the_order_is_seen(tmp_path: Path) -> None:
    """The guard itself: at the top of a module, hidden in a function, named for a command, and in a circle."""
    folder = tmp_path / "small"
    for name, text in {
        "low.py": "def f():\n    from small import high",
        "high.py": "RUN = 'small.top.one:run'",
        "top/__init__.py": "",
        "top/one.py": "from small.top import two",
        "top/two.py": "from small.top.one import f\nimport small.low",
    }.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_text(text)
    tree = imports.Tree("small", "", (imports.Layer("all", (("low",), ("high",), ("top",))),))
    circles, against = found_in(tree, folder)

    assert against == {("low", "high"), ("high", "top")}
    assert set(circles) == {"low", "high", "top.one", "top.two"}
    with pytest.raises(ValueError, match=r"top of small is in no layer"):
        imports.place(imports.Tree("small", "", ()), "top")


def test_an_import_for_types_only_is_none() -> None:
    """It is never made when the program runs."""
    assert imports_of(ast.parse("if TYPE_CHECKING:\n    from mlscaffold import render")) == set()


def test_a_line_is_left_out_where_a_longer_way_shows_it() -> None:
    """So that the picture stays calm, and loses no order."""
    graph = {"a": set[str](), "b": {"a"}, "c": {"a", "b"}, "d": {"a", "c"}}

    assert imports.direct(graph) == {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c"}}


@pytest.mark.parametrize("tree", imports.TREES, ids=lambda tree: tree.folder.name)
def test_names_fit_their_box_in_a_picture(tree: imports.Tree) -> None:
    """At 6.6 units a letter on average; a common sans-serif font of that size was measured to take 6.3."""
    drawn = ROOT.joinpath("docs", f"imports-{tree.folder.name}.svg").read_text("utf-8")
    named = re.findall(rf'<text x="{imports.BOX_LEFT + 16}" y="\d+" fill="#1f2933">([^<]*)<', drawn)
    longest = max(len(" ".join(words.split())) for words in named)

    assert 6.6 * longest <= imports.BOX_RIGHT - imports.BOX_LEFT - 16
    assert f">{imports.WAY}<" in drawn, "its lines have no arrowheads, so it says which way they lead"
    assert 24 + 9 * len(tree.title) <= imports.BOX_RIGHT - 6.6 * len(imports.WAY), "beside the title"


# ----------------------------------------------------------------------------------------- each kind of deed, one place


def test_planning_needs_the_standard_library_and_the_answers_only() -> None:
    """So that the plan is quick, and the same wherever it is computed."""
    allowed = {"answers", "catalogue", "catalogue.keys", "errors", "figures", "questions"}
    for name, tree in MODULES.items():
        if name.startswith("planning."):
            assert {other for other in own_imports(tree) if not other.startswith("planning")} <= allowed, name
            outside = {other.partition(".")[0] for other in imports_of(tree)} - {"mlscaffold"}
            assert outside <= STANDARD, name


def test_formulas_know_neither_answers_nor_the_plan() -> None:
    """Arithmetic that a reader can check alone; of the catalogue it has the names of metrics."""
    for name, tree in MODULES.items():
        if name.startswith("planning.formulas."):
            known = {other for other in own_imports(tree) if not other.startswith("planning.formulas")}
            assert known <= {"catalogue", "catalogue.keys"}, name


STANDARD = {
    "bisect", "collections", "csv", "dataclasses", "datetime", "functools", "hashlib", "itertools", "json", "keyword",
    "math", "operator", "random", "re", "statistics", "typing", "unicodedata",
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
    """Who starts another program: vcs git, the demo its own, starting `make`, the board a `planrun status`."""
    demo = ["demo.driver", "demo.environment", "demo.project"]
    assert importers("subprocess") == ["board.sources", *demo, "starting", "vcs"]
    assert [name for name in importers("subprocess") if "'git'" in ast.unparse(MODULES[name])] == ["vcs"]
    assert callers("os.system", "os.popen", "os.execv", "os.execvp") == []


def test_only_the_modules_meant_for_it_write_files() -> None:
    """Pages, render, placing and the journal write a repository; answers keeps a conversation, cli --output's file."""
    writing = (".write_text", ".write_bytes", ".rename", ".unlink", ".mkdir", ".rmdir", ".mkdtemp", "os.replace")
    repository = {"repository.journal", "repository.lock"}

    # The demo's modules write into its scratch folder, and environment into the cache folder that the screen names.
    demo = {"demo.environment", "demo.ml", "demo.parcels", "demo.project", "demo.software"}
    rendering = {"render", "pages", "placing", "foreign.writing"}
    assert set(callers(*writing)) <= {"cli", "vcs", "disk", "looking.bringing"} | rendering | repository | demo
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
