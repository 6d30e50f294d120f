"""The engine is one: the same bytes in every repository of a kind, imports one way, and its release is known."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rendered_repository
from material import ROOT, SAMPLES
from mlscaffold import update, vcs
from planrun import commands as general
from planrun.command import COMMAND
from planrun.steps import told
from planrun_ml import commands as ml
from planrun_software import commands as software
from rendered_repository import run

GENERATOR = ROOT / "generator"


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


def test_the_copies_are_those_of_the_source(tmp_path: Path) -> None:
    """`sync.py --check` names a copy that was edited, one that is missing, and one that has no source."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "generator", copy / "generator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates", copy / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs", copy / "docs")
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
    place = next((copy / "templates" / "software").glob("{{*/tests/samples")) / "{{ capability_files[12].sample }}"
    place.write_text("")  # one more than may be asked for, which nothing could fill
    code, said = check()
    assert code == 1
    assert "capability_files[12].sample }} has no source any more" in said


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


COMMANDS = "|".join(
    {name for known in (ml.COMMANDS, software.COMMANDS, general.COMMANDS) for name in (one.name for one in known)}
)
TYPED = re.compile(rf"(?<![\w/.-])(?:{COMMANDS}) (?:--[a-z]|[GT]\d)")
# Commands of a story that a demo tells, and words that are put behind the command elsewhere.
PARTS = ("/demo/", "signing/assumptions.py")


def texts(path: Path) -> list[str]:
    """Every text of a module as it reads, its values left as names."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (
                part.value if isinstance(part, ast.Constant) else ast.unparse(getattr(part, "value", part))
                for part in node.values
            )
            found.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            found.append(node.value)
    return found


def test_every_command_that_the_engine_prints_can_be_typed_as_it_stands() -> None:
    """Nobody's shell knows `audit --resplit`: a message says `make audit ARGS=--resplit`, or the command in .venv."""
    bare: list[str] = []
    for path in sorted(GENERATOR.glob("planrun*/**/*.py")):
        if {"self_test", "tests"} & set(path.parts) or any(part in path.as_posix() for part in PARTS):
            continue
        for text in texts(path):
            for found in TYPED.finditer(text):
                before = text[: found.start()]
                if not before.endswith(("COMMAND ", "bin/planrun ", "make ")):
                    bare.append(f"{path.name}: {text[max(0, found.start() - 40) : found.end() + 20]}")

    assert bare == []


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
    assert told(f"{typed} …")["kind"] == "person"
    assert told(f"Read the page, then: {typed}")["kind"] == "person"
