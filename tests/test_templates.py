"""A tree depends on the answers alone: not on what lies beside a template, on modes, or on line ends."""

import compileall
import os
import re
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from material import ROOT, mostly_slow, sample_answers
from mlscaffold import context, render, templates
from test_doors import command, through_the_door

KINDS = {"ml": "ml-default", "software": "sw-default"}


@pytest.mark.parametrize(
    "path",
    [
        "src/__pycache__/{% if answers.engine == 'spark' %}spark.py{% endif %}.cpython-311.pyc",
        "src/model.pyc",
        ".DS_Store",
        "docs/._README.md",
        "docs/Thumbs.db",
        "README.md~",
        "docs/.#README.md",
        "#README.md#",
        "docs/.README.md.swp",
        "Makefile.orig",
        "Makefile.rej",
        ".git",
        ".git/config",
        "a/.git/hooks/pre-commit",
        "notebooks/.ipynb_checkpoints/explore.ipynb",
        ".ruff_cache/0.11/x",
        "src/x.egg-info/PKG-INFO",
        "__MACOSX/docs/README.md",
    ],
)
def test_what_programs_leave_belongs_to_no_template(path: str) -> None:
    """Interpreters, editors, file managers, merges and version control, whatever the letters' case."""
    assert not templates.belongs(path)


def test_every_file_of_the_templates_belongs() -> None:
    """What git tracks here is what a template holds; the definition leaves none of it out."""
    if not ROOT.joinpath(".git").exists():
        pytest.skip("only git knows which files are meant")
    listed = subprocess.run(["git", "ls-files", "-z", "templates"], cwd=ROOT, capture_output=True, check=True).stdout
    tracked = [name.removeprefix("templates/") for name in listed.decode().split("\0") if name]

    assert len(tracked) > 150
    assert [name for name in tracked if not templates.belongs(name)] == []


RAW = re.compile(r"\{% raw %\}.*?\{% endraw %\}", re.DOTALL)  # what a product fills in when it runs, not a template
INCLUDED = re.compile(r"\{% include (.*?) %\}")
NAMED = re.compile(r"'([^']*\.\w+)'|'([^']*/[^']*)'")  # a part by its whole name, or by how its name begins
MOST, SHORT = 0.20, 20  # the share of statements in a page; in fewer lines than this, a loop alone is a fifth


def pages(kind: str) -> dict[str, str]:
    """The text of every template of a kind and of every part that its pages include, by name."""
    folder = ROOT / "templates" / kind
    files = [path for path in templates.files_of(folder) if "engine" not in path.parts and path.parent != folder]
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}


def statements(text: str) -> float:
    """The share of a template's lines that hold a statement of Jinja: what its reader has to work out."""
    lines = RAW.sub("", text).splitlines() or [""]
    return sum("{%" in line for line in lines) / len(lines)


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_reads_as_its_document(kind: str) -> None:
    """Values are prepared and variants are files, so a reader sees the page and not its conditions."""
    read = {name: text for name, text in pages(kind).items() if len(text.splitlines()) >= SHORT}

    assert len(read) > 25
    assert {name: round(statements(text), 2) for name, text in read.items() if statements(text) > MOST} == {}


def test_a_template_of_conditions_is_seen() -> None:
    """The guard itself: every second line a statement, and the same lines as a product's own."""
    text = "{% if a %}\nA\n{% endif %}\nB\n"

    assert statements(text) == 0.5
    assert statements(f"{{% raw %}}\n{text}{{% endraw %}}\n") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_belongs_to_a_page(kind: str) -> None:
    """A part is included by its name, or by how its name begins; none is left over from a page that changed."""
    found = pages(kind)
    asked = [NAMED.findall(expression) for text in found.values() for expression in INCLUDED.findall(text)]
    wholes = {whole for names in asked for whole, _ in names}
    begins = tuple(begin for names in asked for _, begin in names if begin)
    parts = [name.removeprefix(f"{templates.PARTS}/") for name in found if name.startswith(f"{templates.PARTS}/")]

    assert len(parts) > 5
    assert [part for part in parts if part not in wholes and not part.startswith(begins)] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a checkout needs at both doors, to be littered."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("generator", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "cookiecutter.json", folder)
    return folder


def files_by_hand(folder: Path) -> dict[str, bytes]:
    """Every file there is, whether it belongs or not, but for our own command's record."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in named.items() if not name.startswith(".mlscaffold/")}


def both_doors(checkout: Path, kind: str, output: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """What `mlscaffold new` and plain cookiecutter write from a checkout."""
    monkeypatch.setattr(templates, "CHECKOUT", checkout)
    ours = render.render(sample_answers(KINDS[kind]), output / "ours")
    pairs = [f"{key}={value}" for key, value in through_the_door(KINDS[kind]).items()]
    chosen = ["--directory", f"templates/{kind}", "--no-input", "--output-dir", str(output / "plain")]
    done = command("-m", "cookiecutter", str(checkout), *chosen, *pairs, cwd=checkout)
    assert done.returncode == 0, done.stderr + done.stdout
    return ours, output / "plain" / ours.name


@pytest.mark.parametrize("kind", mostly_slow(KINDS, "ml"))
def test_what_programs_left_in_the_templates_reaches_no_tree(
    checkout: Path, kind: str, rendered: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled by hand, opened in editors, kept in git: both doors give the tree of a clean checkout."""
    clean = rendered(KINDS[kind])
    (files,) = checkout.joinpath("templates", kind).glob("{{*")
    compileall.compile_dir(files, quiet=2)
    assert list(files.rglob("*.pyc"))
    for name in (".DS_Store", "docs/README.md~", "docs/._x", "src/{{answers.package_name}}/.x.py.swp", ".git/config"):
        files.joinpath(name).parent.mkdir(exist_ok=True)
        files.joinpath(name).write_text("{% if broken %}")
    files.joinpath("docs/.#README.md").symlink_to("somebody@somewhere.1234")

    ours, plain = both_doors(checkout, kind, tmp_path, monkeypatch)

    expected = files_by_hand(clean)
    assert files_by_hand(ours) == expected
    assert files_by_hand(plain) == expected
    record = ".mlscaffold/base.tar.gz"
    assert ours.joinpath(record).read_bytes() == clean.joinpath(record).read_bytes()


def test_an_answer_that_is_called_like_a_left_over_is_an_answer(checkout: Path, in_folder: Path) -> None:
    """Only names of files that lie in the template are left out, never a text that somebody typed."""
    in_folder.joinpath("draft~").write_text("x")
    pairs = ["project_name=draft~", "_author=notes.orig", "_start_date=2026-03-02"]
    done = command(
        "-m", "cookiecutter", str(checkout), "--directory", "templates/ml", "--no-input", *pairs, cwd=in_folder
    )

    assert done.returncode == 0, done.stderr + done.stdout
    assert in_folder.joinpath("draft/README.md").read_text("utf-8").startswith("# draft~")


def test_modes_of_the_templates_do_not_matter(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-only, as a system's packages are, or executable, as on a FAT disk: the team can edit every file."""
    (files,) = checkout.joinpath("templates/ml").glob("{{*")
    for number, path in enumerate(sorted(path for path in files.rglob("*") if path.is_file())):
        path.chmod(0o444 if number % 2 else 0o777)
    monkeypatch.setattr(templates, "CHECKOUT", checkout)

    before = os.umask(0o022)
    try:
        folder = render.render(sample_answers("ml-default"), tmp_path / "output")
    finally:
        os.umask(before)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in render.files_of(folder)}
    assert modes == {0o644}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_checkout_that_git_converted_gives_the_same_bytes(
    checkout: Path, kind: str, rendered: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line ends of two characters in the templates, as git for Windows writes them: at both doors, LF is rendered.

    Plain cookiecutter copies the engine as it lies there, which `.gitattributes` keeps git from converting.
    """
    expected = files_by_hand(rendered(KINDS[kind]))
    for path in templates.files_of(checkout / "templates"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    ours, plain = both_doors(checkout, kind, tmp_path, monkeypatch)
    copied = {
        name: content.replace(b"\r\n", b"\n") if name.startswith("engine/") else content
        for name, content in files_by_hand(plain).items()
    }

    assert files_by_hand(ours) == expected
    assert copied == expected


def test_the_archive_is_the_same_bytes_for_the_same_templates(checkout: Path, tmp_path: Path) -> None:
    """Whenever, wherever and by whomever it is packed; and nothing in it that programs left."""
    compileall.compile_dir(checkout / "templates", quiet=2)
    for name, root in (("a.zip", ROOT), ("b.zip", checkout)):
        templates.pack(root, tmp_path / name)

    assert tmp_path.joinpath("a.zip").read_bytes() == tmp_path.joinpath("b.zip").read_bytes()
    names = zipfile.ZipFile(tmp_path / "b.zip").namelist()
    assert [name for name in names if not name.endswith("/") and not templates.belongs(name)] == []


def test_the_wheel_holds_no_template_that_could_be_compiled(wheel_root: Path) -> None:
    """Every Python file in it is the program's own."""
    package = wheel_root / "mlscaffold"
    assert package.joinpath(templates.ARCHIVE).is_file()
    assert [path for path in wheel_root.rglob("*.py") if "{" in str(path)] == []
    assert not package.joinpath("templates").exists()


def test_every_setting_reaches_both_doors() -> None:
    """Settings that are no answers go to cookiecutter as they stand in cookiecutter.json."""
    answered = context.to_cookiecutter(sample_answers("ml-default"), {"_new_lines": "\n", "_rigor": "x", "task": "y"})

    assert answered["_new_lines"] == "\n"
    assert answered["_rigor"] == "standard"
