"""A render is complete or absent, literal, well-formed, and exactly the listed files."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from material import ROOT, mostly_slow, sample_answers
from mlscaffold import answers, render, templates, wording
from mlscaffold.errors import BrokenTemplate, CannotWrite, TargetExists
from trees import listing

TREES = ROOT / "tests" / "trees"
PAGES = ("page.html",)  # rendered again when it is served, and so with double braces of its own


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a tree by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in render.files_of(folder)}


# ---------------------------------------------------------------------------------------------------- what is written


def test_every_sample_has_exactly_its_listed_files(sample: str, rendered: Callable[[str], Path]) -> None:
    """Compare whole trees, so that a reviewer sees every file that came or went."""
    listed = (TREES / f"{sample}.txt").read_text("utf-8").splitlines()

    assert listing(list(contents(rendered(sample)))) == listed


def test_trees_stay_lean(sample: str, rendered: Callable[[str], Path]) -> None:
    """No empty folder."""
    folder = rendered(sample)

    assert not [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]


def test_no_brace_is_left_over(sample: str, rendered: Callable[[str], Path]) -> None:
    """Nothing of the template's language survives, in names or texts; workflows and awkward answers have their own."""
    awkward = sorted(
        forms([text for text in sample_answers(sample).raw.values() if "{" in text]), key=len, reverse=True
    )
    for path, content in contents(rendered(sample)).items():
        if path.startswith((".mlscaffold/", "engine/")) or path.endswith(PAGES):
            continue  # the engine is copied as it is, and has f-strings of its own
        text = re.sub(r"\$\{\{.*?\}\}", "", content.decode("utf-8"))
        for literal in awkward:
            text = text.replace(literal, "")
        assert not [mark for mark in ("{{", "{%", "{#", "cookiecutter.") if mark in path + text], path


def forms(texts: list[str]) -> set[str]:
    """How an awkward text may stand in a file: as it is, quoted, escaped for a table, item by item."""
    parts = {
        part
        for text in texts
        for part in (text, *text.replace(":1", "").replace(":0.2", "").replace(":0.5", "").split("; "))
    }
    parts |= {part.partition("=")[2] for part in parts if "=" in part} | {part.strip() for part in parts}
    quoted = {json.dumps(part, ensure_ascii=False)[1:-1] for part in parts}
    cells = {part.replace("\\", "\\\\").replace("|", "\\|") for part in parts}
    lowered = {part[:1].lower() + part[1:] for part in parts | quoted | cells if part}
    found = parts | quoted | cells | lowered
    return {part for part in found | {wording.as_text(part) for part in found} if part}


def test_every_file_parses(sample: str, rendered: Callable[[str], Path]) -> None:
    """TOML, YAML, JSON, notebooks and Python are what their endings say."""
    parsers: dict[str, Callable[[str], object]] = {
        ".py": ast.parse,
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".ipynb": json.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
    }
    for path, content in contents(rendered(sample)).items():
        parse = parsers.get(Path(path).suffix)
        if parse:
            parse(content.decode("utf-8"))


def test_the_plan_is_in_the_repository(sample: str, rendered: Callable[[str], Path]) -> None:
    """plan.json carries computed numbers, and project.yaml the answers they were computed from."""
    plan = json.loads(rendered(sample).joinpath("plan/plan.json").read_text("utf-8"))
    texts = answers.read(rendered(sample) / "plan/project.yaml")

    assert texts == sample_answers(sample).recorded
    assert answers.complete(texts).raw == sample_answers(sample).raw
    assert plan["schedule"]["p80"]["value"] > plan["schedule"]["p50"]["value"]
    assert plan["advice"]["reasons"]


@pytest.mark.parametrize("words", [("check",), ("format", "--check")], ids=["linter", "formatter"])
def test_its_own_linter_and_formatter_change_nothing(
    words: tuple[str, ...], sample: str, rendered: Callable[[str], Path]
) -> None:
    """A team's first commit passes the checks it was given."""
    command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
    done = subprocess.run(command, cwd=rendered(sample), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["awkward-ml", "awkward-software"])
def test_awkward_texts_survive_literally(name: str, rendered: Callable[[str], Path]) -> None:
    """Quotes, backslashes, braces and scripts arrive as they were typed, and nothing was worked out as a template."""
    texts = sample_answers(name).raw
    everything = {path: content.decode("utf-8", "ignore") for path, content in contents(rendered(name)).items()}
    readme = everything["README.md"]
    state = json.loads(everything[".mlscaffold/state.json"])

    assert wording.as_text(texts["project_name"]) in readme
    assert wording.as_text(texts["decision"]) in everything["docs/00-charter.md"]
    assert texts["author"] in everything["LICENSE"]
    assert texts["kind_reason"] in yaml.safe_load(front_matter(everything, name))["override_reason"]
    assert state["answers"]["project_name"] == texts["project_name"]
    assert tomllib.loads(everything["pyproject.toml"])["project"]["authors"][0]["name"] == texts["author"]
    assert not [path for path, text in everything.items() if "49" in text and "decision 49" in text.lower()]


def front_matter(everything: dict[str, str], name: str) -> str:
    """The YAML at the head of the decision record."""
    record = "docs/decisions/0001-ml-or-not.md" if "ml" in name else "docs/decisions/0001-approach.md"
    return everything[record].split("---")[1]


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    """Twice, in different folders: nothing of the surroundings gets in, the archive included."""
    first = render.render(sample_answers("ml-default"), tmp_path / "a")
    second = render.render(sample_answers("ml-default"), tmp_path / "b" / "c")

    assert contents(first) == contents(second)


def test_the_record_holds_the_pristine_render(tmp_path: Path) -> None:
    """The archive unpacks to the tree without the engine, and state.json has a hash of each file."""
    folder = render.render(sample_answers("sw-cli"), tmp_path)
    with tarfile.open(folder / ".mlscaffold/base.tar.gz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python has it from 3.11.4 on
        archive.extractall(tmp_path / "base")  # noqa: S202  (our own archive)
    apart = (".mlscaffold/", "engine/")
    written = {path: content for path, content in contents(folder).items() if not path.startswith(apart)}
    state = json.loads(folder.joinpath(".mlscaffold/state.json").read_text("utf-8"))

    assert contents(tmp_path / "base") == written
    assert set(state["files"]) == set(written)
    assert state["template"] == "software"


# ------------------------------------------------------------------------------------------------- when it goes wrong


def test_files_in_the_way_are_named(tmp_path: Path) -> None:
    """An existing folder with something in it is refused; an empty one is fine."""
    target = tmp_path / "my-project"
    target.mkdir()
    target.joinpath("thesis.txt").write_text("years of work")

    with pytest.raises(TargetExists, match=r"in the way: thesis\.txt"):
        render.render(sample_answers("ml-default"), tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["my-project", "thesis.txt"]

    target.joinpath("thesis.txt").unlink()
    assert render.render(sample_answers("ml-default"), tmp_path) == target


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_link_in_the_way_is_refused(tmp_path: Path, kind: str) -> None:
    """A link could lead the render out of the output folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = tmp_path / "my-project"
    target.write_text("x") if kind == "file" else target.symlink_to(elsewhere)

    with pytest.raises(TargetExists):
        render.render(sample_answers("ml-default"), tmp_path)
    assert not list(elsewhere.iterdir())


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny template in place of the real one, to be broken on purpose; its folder of files."""
    root = tmp_path / "templates"
    files = root / "ml" / "{{cookiecutter.project_slug and checked(cookiecutter)}}"
    files.mkdir(parents=True)
    for name in ("cookiecutter.json", "planning_ml.py"):
        root.joinpath("ml", name).write_text((ROOT / "templates/ml" / name).read_text("utf-8"))
    files.joinpath("good.txt").write_text("{{ answers.project_name }}\n")
    monkeypatch.setattr(templates, "CHECKOUT", tmp_path)
    return files


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bad.txt", "{% if %}", "Expected an expression"),
        ("bad.txt", "{{ answers.no_such_answer }}", "no_such_answer"),
        ("bad.txt", "{{ 1 / 0 }}", "division by zero"),
        ("bad.txt", "{{ 'x' | no_such_filter }}", "no_such_filter"),
        ("{{ '..' }}", "x", "leads outside"),
        ("{{ '..\\u002fx' }}", "x", "leads outside"),
    ],
)
def test_a_broken_template_leaves_nothing(template: Path, tmp_path: Path, name: str, text: str, told: str) -> None:
    """One sentence that says what is wrong, and no output folder where there was none."""
    template.joinpath(name).write_text(text)
    output = tmp_path / "output"

    with pytest.raises(BrokenTemplate, match=told) as error:
        render.render(sample_answers("ml-default"), output)
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["templates"]


def test_a_link_in_a_template_is_refused(template: Path, tmp_path: Path) -> None:
    """It would copy a stranger's file into the project."""
    secret = tmp_path / "secret"
    secret.write_text("key")
    template.joinpath("innocent.txt").symlink_to(secret)

    with pytest.raises(BrokenTemplate, match="symbolic link"):
        render.render(sample_answers("ml-default"), tmp_path / "output")


@pytest.fixture
def parts(template: Path) -> Path:
    """The folder of what the tiny template's pages include."""
    folder = template.parent / templates.PARTS
    folder.mkdir()
    return folder


def test_a_link_among_the_parts_of_pages_is_refused(template: Path, parts: Path, tmp_path: Path) -> None:
    """A page that includes it would show a stranger's file."""
    secret = tmp_path / "secret"
    secret.write_text("key")
    parts.joinpath("innocent.md").symlink_to(secret)
    template.joinpath("page.md").write_text("{% include 'innocent.md' %}\n")

    with pytest.raises(BrokenTemplate, match="symbolic link"):
        render.render(sample_answers("ml-default"), tmp_path / "output")


def test_a_part_of_a_page_marks_its_numbers_on_that_page(template: Path, parts: Path, tmp_path: Path) -> None:
    """Its marks are explained where the page ends, its links start from the page, its texts stay texts."""
    template.joinpath("docs").mkdir()
    template.joinpath("docs/page.md").write_text("{% include 'part.txt' %}\n{{ footnote() }}\n")
    parts.joinpath("part.txt").write_text(
        "{{ fact('miss_cost') | money }}, {{ '<b>' }}\n{{ fold(plan.acceptance.threshold) }}\n"
    )
    folder = render.render(sample_answers("ml-default"), tmp_path / "output")
    text = folder.joinpath("docs/page.md").read_text("utf-8")

    assert re.search(r"EUR\*, &lt;b>$", text, re.MULTILINE)
    assert "(formulas.md#f12)" in text
    assert "\\* rests on defaults that nobody has confirmed: `miss_cost`" in text


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system's own words, and no half-written folder."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(render, "write_record", full)

    with pytest.raises(CannotWrite, match="No space left on device"):
        render.render(sample_answers("ml-default"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Here: the parent is a file."""
    tmp_path.joinpath("parent").write_text("x")

    with pytest.raises(CannotWrite, match="parent"):
        render.render(sample_answers("ml-default"), tmp_path / "parent")


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of writing."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(render, "write_record", interrupt)

    with pytest.raises(KeyboardInterrupt):
        render.render(sample_answers("ml-default"), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("how", mostly_slow([signal.SIGINT, signal.SIGTERM, signal.SIGKILL], signal.SIGKILL))
def test_a_killed_run_leaves_no_half_written_project(tmp_path: Path, how: signal.Signals) -> None:
    """Ended while rendering: no target folder, and what a hard kill left over is swept up by the next run."""
    code = (
        "import signal, sys, time; from mlscaffold import cli, render\n"
        # whoever runs the tests in the background makes their children ignore Ctrl-C
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def slow(*_):\n    print('rendered', flush=True); time.sleep(30)\n"
        "render.write_record = slow\n"
        f"sys.exit(cli.run(['new', '--kind', 'ml', '--defaults', '--no-git', '--output', {str(tmp_path)!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"rendered\n"
    process.send_signal(how)
    started = time.monotonic()
    process.wait(20)

    assert process.returncode != 0
    assert time.monotonic() - started < 20
    assert not tmp_path.joinpath("my-project").exists()
    if how is not signal.SIGKILL:
        assert not list(tmp_path.iterdir())
    render.render(sample_answers("ml-default"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["my-project"]


def test_capabilities_are_called_as_the_team_called_them(rendered: Callable[[str], Path]) -> None:
    """Names in Python are plain; headings, summaries and help keep every letter."""
    folder = rendered("awkward-software")
    titles = dict(
        sorted(
            (constant(path, "MEETS"), constant(path, "TITLE")) for path in folder.glob("src/*/capabilities/[!_]*.py")
        )
    )

    assert list(titles.values()) == list(sample_answers("awkward-software").capabilities)


def constant(path: Path, name: str) -> str:
    """What a module says under a name, read from its source."""
    body = ast.parse(path.read_text("utf-8")).body
    return str(
        next(
            ast.literal_eval(node.value)
            for node in body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
        )
    )
