"""The engine is one: the same bytes in every repository of a kind, imports one way, and its release is known."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rendered_repository
from material import ROOT, SAMPLES
from mlscaffold import update, vcs
from planrun.command import COMMAND
from planrun.steps import told
from rendered_repository import run

GENERATOR = ROOT / "generator"
# Each engine's parts, the lowest first: a part imports from earlier lines only, never from its own.
LAYERS = {
    "planrun": (
        {"catalogue", "command", "steps", "trouble"},
        {"rigor"},
        {"commands", "files", "git"},
        {"example", "identity", "rooms"},
        {"repository"},
        {"cli", "gates", "self_test", "yaml_rows"},
        {"signing", "status", "__main__"},
    ),
    "planrun_ml": (
        {"commands", "measuring", "tables"},
        {"data"},
        {"models", "pages"},
        {"experiments"},
        {"baseline"},
        {"audit", "release"},
        {"acceptance", "serving", "watching"},
        {"retraining", "testing"},
        {"gates"},
        {"self_test"},
    ),
    "planrun_software": (
        {"commands", "harness", "inspection", "traceability"},
        {"build", "drills", "measuring"},
        {"gates"},
        {"self_test"},
    ),
}
MAY_IMPORT = {"planrun": {"planrun"}, "planrun_ml": {"planrun", "planrun_ml"}} | {
    "planrun_software": {"planrun", "planrun_software"}
}


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path, caches left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_two_repositories_hold_the_same_engine(kind: str, rendered: Callable[[str], Path]) -> None:
    """Whatever the project is called and whatever was answered."""
    prefix = {"ml": ("ml-", "awkward-ml"), "software": ("sw-", "awkward-software")}[kind]
    engines = [files(rendered(name) / "engine") for name in SAMPLES if name.startswith(prefix)]

    assert len(engines) > 5
    assert all(one == engines[0] for one in engines)
    assert {path.partition("/")[0] for path in engines[0]} == {
        "README.md", "pyproject.toml", "planrun", "planrun_ml" if kind == "ml" else "planrun_software",
    }  # fmt: skip


def test_the_shared_package_is_the_same_in_both_kinds(rendered: Callable[[str], Path]) -> None:
    """One package of gates, signatures and status."""
    ml, software = (files(rendered(name) / "engine" / "planrun") for name in ("ml-default", "sw-default"))

    assert ml == software


def imports(package: str) -> Iterator[tuple[str, str, str]]:
    """(module, part, imported module) of every import inside the engines; a part is a module or folder at the top."""
    for path in sorted((GENERATOR / package).rglob("*.py")):
        inside = path.relative_to(GENERATOR / package).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = []
            if isinstance(node, ast.ImportFrom):
                named = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            for name in named:
                if name.partition(".")[0] in LAYERS:
                    yield "/".join(inside), inside[0], name


@pytest.mark.parametrize("package", LAYERS)
def test_imports_go_one_way(package: str) -> None:
    """No part imports one that stands beside or above it, and no engine the other kind's."""
    place = {part: at for at, parts in enumerate(LAYERS[package]) for part in parts}
    against = []
    for module, part, name in imports(package):
        owner, _, rest = name.partition(".")
        assert owner in MAY_IMPORT[package], (module, name)
        other = rest.partition(".")[0]
        if owner == package and other in place and other != part and place[other] >= place[part]:
            against.append((module, name))

    assert against == []
    assert {path.stem for path in (GENERATOR / package).iterdir() if path.suffix in ("", ".py")} - {
        "__init__", "__pycache__",
    } == set(place)  # fmt: skip


def test_no_two_modules_import_each_other() -> None:
    """Inside a part, too, nothing goes in a circle."""
    edges: dict[str, set[str]] = {}
    known = {
        ".".join(path.relative_to(GENERATOR).with_suffix("").parts)
        for package in LAYERS
        for path in (GENERATOR / package).rglob("*.py")
    }
    for package in LAYERS:
        for module, _, name in imports(package):
            target = name if name in known else name.rpartition(".")[0]
            edges.setdefault(f"{package}.{module.replace('/', '.')}", set()).add(target)
    waiting = {module: targets & known for module, targets in edges.items()}
    while ready := [module for module, targets in waiting.items() if not targets & waiting.keys()]:
        for module in ready:
            del waiting[module]

    assert waiting == {}


def test_the_copies_are_those_of_the_source(tmp_path: Path) -> None:
    """`sync.py --check` names a copy that was edited, one that is missing, and one that has no source."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "generator", copy / "generator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates", copy / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "README.md", copy)

    def check() -> tuple[int, str]:
        words = [sys.executable, "generator/sync.py", "--check"]
        done = subprocess.run(words, cwd=copy, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    engine = next((copy / "templates" / "ml").glob("{{*/engine"))
    assert check() == (0, "")
    (engine / "planrun" / "gates.py").write_text("# edited\n")
    (engine / "planrun" / "git.py").unlink()
    (engine / "planrun_ml" / "more.py").write_text("")
    code, said = check()

    assert code == 1
    assert "engine/planrun/gates.py is not up to date" in said
    assert "engine/planrun/git.py is not up to date" in said
    assert "engine/planrun_ml/more.py has no source any more" in said


@pytest.mark.parametrize("repository", ["ml-default", "sw-default"], indirect=True)
def test_the_engine_says_which_one_it_is(repository: Path) -> None:
    """Its version and whether it is as it was released: an edit and a new file are named; line ends do not count."""
    assert run(repository, "--version").stdout == "planrun 0.1.0, as it was released\n"
    gates = repository / "engine" / "planrun" / "gates.py"
    gates.write_bytes(gates.read_bytes().replace(b"\n", b"\r\n"))
    assert run(repository, "--version").stdout == "planrun 0.1.0, as it was released\n"
    gates.write_text(gates.read_text("utf-8") + "# ours\n", "utf-8")
    (repository / "engine" / "planrun" / "more.py").write_text("")

    assert run(repository, "--version").stdout == "planrun 0.1.0, edited here: planrun/gates.py, planrun/more.py\n"


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_status_says_which_engine_tells_all_this(repository: Path) -> None:
    """In its last line and as data; an edited file is named there, what an editor leaves beside it is not."""
    gates = repository / "engine" / "planrun" / "gates.py"
    gates.with_name(".gates.py.swp").write_text("")
    for words in (("status",), ("status", "--all")):
        assert run(repository, *words).stdout.splitlines()[-1] == "Engine: planrun 0.1.0, as it was released."
    engine = rendered_repository.told(repository)["engine"]
    assert (engine["version"], engine["state"], engine["edited"]) == ("0.1.0", "released", [])

    gates.write_text(gates.read_text("utf-8") + "# ours\n", "utf-8")
    now = rendered_repository.told(repository)["engine"]

    assert run(repository, "status").stdout.splitlines()[-1] == "Engine: planrun 0.1.0, edited here: planrun/gates.py."
    assert (now["state"], now["edited"]) == ("edited", ["planrun/gates.py"])
    assert now["sha256"] != engine["sha256"]


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_manifest_that_lists_nothing_is_an_edit(repository: Path) -> None:
    """Without it nothing can be held against the files: it is named, and there is no traceback."""
    manifest = repository / "engine" / "planrun" / "manifest.json"
    for text in ("", "[]", '{"version": "0.1.0"}', '{"files": 3}'):
        manifest.write_text(text)
        assert run(repository, "--version").stdout == "planrun 0.1.0, edited here: planrun/manifest.json\n", text


@pytest.mark.parametrize("repository", ["ml-default", "sw-default"], indirect=True)
def test_an_unknown_command_is_refused_and_the_known_ones_are_listed(repository: Path) -> None:
    """Exit 2, as argparse has it; commands of another serving form are none."""
    done = run(repository, "serve" if (repository / "data").is_dir() else "score")

    assert done.returncode == 2
    assert "status" in done.stderr


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_replan_never_touches_the_engine(repository: Path) -> None:
    """It is in neither the record nor the merge: a team's edit of it stays, and new facts change no byte of it."""
    gates = repository / "engine" / "planrun" / "gates.py"
    gates.write_text(gates.read_text("utf-8") + "# ours\n", "utf-8")
    vcs.create(repository, "Edited")
    before = files(repository / "engine")
    done = update.replan(repository, {"daily_volume": "2000"})

    assert done.changed
    assert not [path for path in done.changed if path.startswith("engine/")]
    assert files(repository / "engine") == before


def test_outside_a_repository_a_command_says_where_it_works(tmp_path: Path) -> None:
    """One sentence and a remedy, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "planrun", "status"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "is not inside a planned repository" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "typed", [f"{COMMAND} sign G3", f"{COMMAND} waive G3.3", "make audit", "python -m desk backup"]
)
def test_what_the_engine_says_to_type_is_a_command_to_programs(typed: str) -> None:
    """A step that names the engine's command can be typed; with a word left open, or in prose, it cannot."""
    assert told(typed) == {"kind": "command", "text": typed, "command": typed}
    assert told(f"{typed} …")["kind"] == "edit"
    assert told(f"Read the page, then: {typed}")["kind"] == "edit"
