"""Pages are written as cookiecutter writes them, and what Jinja compiled is kept as Python keeps its own."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment
from material import newborn, sample_answers
from mlscaffold import context, pages, questions, render, templates, update, vcs
from mlscaffold.vcs import File


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own for what is compiled."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "kept"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Jinja compiles while the test runs."""
    seen: list[str] = []
    real = Environment.compile

    def counted(self: Environment, source: str, *rest: object, **more: object) -> object:
        seen.append(source)
        return real(self, source, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", counted)
    return seen


def place_of(kind: str) -> Path:
    """Where the compiled pages of a kind are kept."""
    place = pages.Compiled(kind).place
    assert place
    return place


def written(folder: Path) -> dict[str, bytes]:
    """A render of one sample into a new folder."""
    tree = render.generate(sample_answers("sw-cli"), folder)
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in render.files_of(tree)}


def runs(tmp_path: Path, count: int) -> list[dict[str, bytes]]:
    """Renders one after the other."""
    found = []
    for number in range(count):
        found.append(written(tmp_path / str(number)))  # a folder that is not there yet
    return found


def test_a_page_is_compiled_once(kept: Path, compiled: list[str], tmp_path: Path) -> None:
    """The second run compiles nothing, and writes the same bytes."""
    first = written(tmp_path)
    assert compiled
    compiled.clear()
    [second] = runs(tmp_path, 1)

    assert compiled == []
    assert second == first
    assert [path.name for path in kept.rglob("compiled/*")] == [place_of("software").name]


def test_what_other_code_compiled_is_not_used(
    kept: Path, compiled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling works out what is constant, by filters of ours: another state of our modules compiles anew."""
    written(tmp_path)
    compiled.clear()
    package = tmp_path / "package"
    package.mkdir()
    package.joinpath("wording.py").write_text("new = 1\n")
    monkeypatch.setattr(pages, "PACKAGE", package)
    runs(tmp_path, 1)
    assert compiled
    compiled.clear()
    package.joinpath("wording.py").write_text("newer = 1\n")
    tmp_path.joinpath("again").mkdir()
    written(tmp_path / "again")

    assert compiled


def test_another_text_of_a_page_is_compiled(kept: Path, tmp_path: Path) -> None:
    """By the hash of the text, not by the name of the file."""
    template = tmp_path / "small"
    page = template / "{{cookiecutter.project_slug}}" / "page.txt"
    page.parent.mkdir(parents=True)
    settings = json.loads(Path(templates.CHECKOUT, "templates/software/cookiecutter.json").read_text("utf-8"))
    texts = {"cookiecutter": context.to_cookiecutter(sample_answers("sw-cli"), settings)}
    found = []
    for number, text in enumerate(("one {{ 1 + 1 }}", "two {{ 1 + 2 }}")):
        page.write_text(text)
        tmp_path.joinpath(str(number)).mkdir()
        found.append(pages.write(template, texts, tmp_path / str(number)).joinpath("page.txt").read_text())

    assert found == ["one 2", "two 3"]


@pytest.mark.parametrize("content", [b"", b"no such thing", b"\0" * 4000])
def test_a_damaged_file_is_made_anew(kept: Path, content: bytes, tmp_path: Path) -> None:
    """Cut short, overwritten, of another program: it is no reason to fail."""
    first = written(tmp_path)
    [place] = kept.rglob(place_of("software").name)
    whole = place.read_bytes()
    place.write_bytes(content or whole[: len(whole) // 2])
    [second] = runs(tmp_path, 1)

    assert second == first
    assert len(place.read_bytes()) == len(whole)


def test_nothing_is_kept_where_python_keeps_nothing(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYTHONDONTWRITEBYTECODE counts here too."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    written(tmp_path)

    assert not kept.exists()


def test_a_place_that_cannot_be_written_to_is_left_alone(kept: Path, tmp_path: Path) -> None:
    """An installation of the system's, seen by somebody who may not write there."""
    kept.write_text("in the way")

    assert written(tmp_path)
    assert kept.read_text() == "in the way"


@pytest.mark.parametrize("kind", questions.KINDS)
def test_what_is_kept_is_the_compiled_file_of_a_module_that_is_installed(kind: str) -> None:
    """Installers remove with a module what Python compiled of it, and leave every other file where it lies."""
    source = Path(importlib.util.source_from_cache(str(place_of(kind))))

    assert source.is_file()
    assert source.is_relative_to(pages.PACKAGE)
    assert ".opt-" not in place_of(kind).name  # pip looks for none of these


def test_pages_of_a_template_that_no_module_stands_for_are_not_kept(kept: Path) -> None:
    """Nobody would remove them."""
    with pages.Compiled("small") as compiled:
        compiled.code(Environment(), "{{ 1 + 1 }}")  # noqa: S701

    assert not kept.exists()


# ------------------------------------------------------------------------------------------------- what an update costs


def test_a_look_at_an_update_packs_no_record_and_starts_git_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, since processes and packing are what costs: seconds would depend on the machine."""
    folder = render.render(newborn("sw-cli"), tmp_path)
    vcs.create(folder, "Start")
    started: list[str] = []
    real = subprocess.run

    def counted(command: list[str], *rest: object, **more: object) -> object:
        started.append(vcs._deed(command[1:]))
        return real(command, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", counted)
    monkeypatch.setattr(render, "_archive", lambda *_: pytest.fail("a record was packed"))
    update.update(folder, dry_run=True)

    assert started == ["ls-files", "ls-files", "fast-import", "merge-tree", "diff-tree", "cat-file", "diff"]


def test_names_of_every_kind_are_merged(tmp_path: Path) -> None:
    """Quotes, backslashes, spaces, line ends, letters of all scripts, and bytes that are no letters."""
    names = ['a "quoted" name', "back\\slash", "two\nlines", " spaces ", "приём/文.md", "tab\there", "../up.md"]
    names.append(b"no \xff letter".decode("utf-8", "surrogateescape"))
    base = {name: File(b"one\ntwo\nthree\n", executable=number % 2 == 1) for number, name in enumerate(names)}
    ours = {name: File(b"ONE\ntwo\nthree\n", file.executable) for name, file in base.items()}
    theirs = {name: File(b"one\ntwo\nTHREE\n", file.executable) for name, file in base.items()}
    merged = vcs.Store(tmp_path / "store").merge(base, ours, theirs)

    assert merged.conflicts == {}
    assert merged.changed == {name: File(b"ONE\ntwo\nTHREE\n", file.executable) for name, file in base.items()}


def test_a_side_without_files_is_merged(tmp_path: Path) -> None:
    """What both sides of a merge lack is no reason to fail."""
    merged = vcs.Store(tmp_path / "store").merge({}, {}, {"page.md": File(b"new\n")})

    assert merged.changed == {"page.md": File(b"new\n")}
