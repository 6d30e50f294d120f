"""Every command that a repository names can be typed there: its Makefile has the target, its program the command."""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from material import ROOT, SAMPLES, mostly_slow, newborn, sample_answers
from mlscaffold import answers as answers_module
from mlscaffold import render, vcs
from mlscaffold.answers import Answers
from planrun import gates
from planrun.cli import _parser
from planrun.commands import commands
from planrun.repository import Repo

Rendered = Callable[[str], Path]
MAKE = re.compile(r"(?:^|[\s`(\"'/|;])make ([a-z]+(?:-[a-z]+)*)\b")
PLANRUN = re.compile(r"(?:\.venv/bin/|(?<![\w/.])|\.venv\\Scripts\\)planrun ((?:\"[^\"]*\"|[^`|\n;&)#\"]|\$ARGS)+)")
FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
SHELLS = ("sh", "bat", "text", "console", "")
# A word in capitals or angle brackets, or dots, stands for what a person fills in.
OPEN = re.compile(r"…|\.\.\.|<[^>]+>|\b(?!GATE|KEY)[A-Z]{2,}\b")
OTHERS = ("serve", "monitor")  # of the model's repository, named in the software that asks it
TEXTS = (".md", ".yaml", ".yml", ".toml", ".json")
DELIVERABLES = ("service", "web-app", "cli", "library", "batch")
SHAPES = {
    f"{deliverable} {rigor}": {"kind": "software", "deliverable": deliverable, "rigor": rigor}
    for deliverable in DELIVERABLES
    for rigor in ("light", "strict")
} | {
    f"{serving} {rigor}": {"kind": "ml", "serving": serving, "rigor": rigor}
    for serving in ("batch", "api", "alert")
    for rigor in ("light", "strict")
}


def targets(folder: Path) -> set[str]:
    """What make can be asked for there."""
    rules = re.findall(r"^([a-z][a-z -]*?)\s*:(?!=)", (folder / "Makefile").read_text("utf-8"), re.MULTILINE)
    return {name for rule in rules for name in rule.split()}


def told(folder: Path) -> Iterator[tuple[str, str]]:
    """Each piece of code in the pages of a repository, and the lines of its settings; not the engine's own."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if not path.is_file() or path.suffix not in TEXTS or {"engine", ".venv", ".mlscaffold", ".git"} & set(inside):
            continue
        text = path.read_text("utf-8")
        pieces = _code(text) if path.suffix == ".md" else [_uncommented(line) for line in text.splitlines()]
        yield from ((path.relative_to(folder).as_posix(), piece) for piece in pieces)


def _code(page: str) -> list[str]:
    """What a page has in shell fences, and between backticks."""
    fenced = [text for language, text in FENCE.findall(page) if language in SHELLS]
    return [*fenced, *SPAN.findall(FENCE.sub("", page))]


def _uncommented(line: str) -> str:
    """A line of settings; of a comment what stands between backticks."""
    return "; ".join(SPAN.findall(line)) if line.lstrip().startswith("#") else line


def missing(folder: Path, given: Answers) -> list[str]:
    """The make targets that a repository names and has not, and the planrun lines that its program does not read."""
    there, kind, found = targets(folder), str(given.kind), []
    known = commands(Repo(folder).answers)
    allowed = there | (set(OTHERS) if kind == "software" and given.get("ml_component") else set())
    for name, piece in told(folder):
        code = name.endswith(".md") or re.search(r"run: |script|`", piece)
        found += [f"{name}: make {one}" for one in MAKE.findall(piece) if code and one not in allowed and one != "test"]
        for line in PLANRUN.findall(piece) if code else ():
            word = line.split()[0].strip("'\"`,.:") if line.split() else ""
            if re.fullmatch(r"[a-z]+(-[a-z]+)*", word) and word not in known:
                found.append(f"{name}: planrun {line.strip()}")
            elif word in known and not OPEN.search(line) and (said := _unread(line, known)):
                found.append(f"{name}: planrun {line.strip()}: {said}")
    return found


def _unread(line: str, known: dict[str, object]) -> str:
    """Why the program would refuse a line as it is written; "" where it reads it."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return ""  # a piece of a longer sentence
    if len(words) == 1:
        return ""  # the command's name alone, as a page speaks of it
    try:
        _parser(known).parse_args(words)  # type: ignore[arg-type]
    except SystemExit:
        return "its words are not read"
    return ""


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "ml-default", "sw-default"))
def test_a_sample_names_only_commands_that_it_has(name: str, rendered: Rendered) -> None:
    """README, pages, agents' rules, issue forms and pipelines."""
    assert missing(rendered(name), sample_answers(name)) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_every_deliverable_names_only_commands_that_it_has(shape: str, tmp_path: Path) -> None:
    """Each form of delivery at the lowest and at the highest rigor."""
    given = answers_module.complete({"kind_reason": "a test", "project_name": "Plain"} | SHAPES[shape])

    assert missing(render.render(given, tmp_path), given) == []


def test_a_command_that_is_not_there_would_be_seen(rendered: Rendered, tmp_path: Path) -> None:
    """Planted in a page: a target, a command, and a command without what it needs."""
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("Run `make experiment` or `planrun experiment`, then `.venv/bin/planrun waive T3.1 --reason x`.\n")
    for name in ("Makefile", "plan"):
        (tmp_path / name).symlink_to(rendered("sw-default") / name)

    assert [
        line.partition(": ")[2] for line in missing(tmp_path, sample_answers("sw-default")) if "page.md" in line
    ] == [
        "make experiment",
        "planrun experiment",
        "planrun waive T3.1 --reason x: its words are not read",
    ]


# --------------------------------------------------------------------------------------- what gates and commands say


def _said(package: str) -> Iterator[tuple[str, str]]:
    """The texts of an engine that people may read."""
    for path in sorted((ROOT / "generator" / package).rglob("*.py")):
        if not {"tests", "self_test", "demo"} & set(path.parts):
            tree = ast.parse(path.read_text("utf-8"))
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                    yield f"{path.name}:{node.lineno}", node.value


STEP = re.compile(r"(?:^|: |, |or |\(|then |`)make ([a-z]+(?:-[a-z]+)*)(?=$|[\s`;,.)])(?! (?:that|it|the|a|an|sure)\b)")


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_the_engine_names_targets_of_its_own_kind(kind: str, tmp_path: Path) -> None:
    """Those of any form of delivery: which of them a repository has, its gates know by its answers."""
    there: set[str] = set()
    for at, shape in enumerate(one for one in SHAPES.values() if one["kind"] == kind):
        given = answers_module.complete({"kind_reason": "a test", "project_name": "Plain"} | shape)
        there |= targets(render.render(given, tmp_path / str(at)))
    verbs = {"going", "it"}
    wrong = [
        f"{where}: make {name}"
        for package in ("planrun", f"planrun_{kind}")
        for where, text in _said(package)
        for name in STEP.findall(text)
        if name not in there | verbs
    ]

    assert wrong == []


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "ml-default", "sw-default"))
def test_on_the_first_day_no_gate_names_a_step_that_waits_for_another(name: str, tmp_path: Path) -> None:
    """Its make target is there, and neither training nor release is named before there are locked data."""
    folder = render.render(newborn(name), tmp_path)
    vcs.create(folder, "Start")
    steps = {row.id: str(row.next_step) for row in gates.evaluate(Repo(folder)) if row.state not in gates.OPEN}
    named = {id: target for id, step in steps.items() for target in STEP.findall(step)}

    assert {id: target for id, target in named.items() if target not in targets(folder)} == {}
    assert {id: target for id, target in named.items() if target in ("experiment", "accept", "promote")} == (
        {} if sample_answers(name).kind == "ml" else {id: "accept" for id, one in named.items() if one == "accept"}
    )
