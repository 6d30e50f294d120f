"""Where a repository may be written, what is said about it, and that whatever is printed can be typed."""

import ast
import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlscaffold
import pytest
from cookiecutter.main import cookiecutter
from material import ROOT, sample_answers
from mlscaffold import cli, invocation, placing, render
from test_doors import same, through_the_door
from test_render import contents

DEFAULTS = ["new", "demo", "--kind", "ml", "--defaults"]
EXECUTABLE = Path(sys.executable).with_name("mlscaffold")


def everything_in(folder: Path) -> list[str]:
    """All names below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# ------------------------------------------------------------------------------------------------- mlscaffold's own


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of this repository as somebody would have it: the files that git knows, without history."""
    folder = tmp_path / "a clone"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if name and ROOT.joinpath(name).is_file() and not name.startswith("tests/"):
            folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize("below", [".", "docs", "made/for/it"])
def test_nothing_is_written_into_a_checkout_of_mlscaffold(
    checkout: Path, below: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its root, below it, through a link, and before a question is asked; the remedy is a folder beside it."""
    before = everything_in(checkout)
    for output in (checkout / below, checkout.parent / "link" / below):
        with_link = checkout.parent / "link"
        if not with_link.is_symlink():
            with_link.symlink_to(checkout)
        code = cli.run([*DEFAULTS, "--output", str(output)])
        sentence, hint = capsys.readouterr().err.strip().splitlines()

        assert code == 1
        assert "checkout of mlscaffold itself" in sentence
        assert f"--output {shlex.quote(str(checkout.parent))}" in hint
        assert everything_in(checkout) == before
    monkeypatch.chdir(checkout)
    assert cli.run(["new", "--kind", "ml"]) == 1  # without a terminal: the place is refused first
    assert "checkout of mlscaffold itself" in capsys.readouterr().err


def make_new(checkout: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`make new …` in a clone whose environment is already there: this one."""
    scripts = checkout / ".venv" / "bin"
    scripts.mkdir(parents=True, exist_ok=True)
    if not (scripts / "mlscaffold").exists():
        scripts.joinpath("mlscaffold").symlink_to(EXECUTABLE)
    for stamp in ("python-found", "installed"):
        scripts.parent.joinpath(stamp).touch()
    return subprocess.run(
        ["make", "-C", str(checkout), "new", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_make_new_writes_beside_the_clone(checkout: Path, tmp_path: Path) -> None:
    """The clone stays as it was, and the printed lines lead to the project wherever the person stands."""
    stood = tmp_path / "stood"
    stood.mkdir()
    done = make_new(checkout, "ARGS=demo --kind ml --defaults", cwd=stood)
    cd = next(line.strip() for line in done.stdout.splitlines() if line.strip().startswith("cd "))
    went = subprocess.run(["sh", "-c", f"{cd} && pwd"], cwd=stood, capture_output=True, text=True, check=True)

    assert done.returncode == 0, done.stderr
    assert tmp_path.joinpath("demo/.git").is_dir()
    assert Path(went.stdout.strip()).samefile(tmp_path / "demo")
    assert not [path for path in checkout.iterdir() if path.name == "demo"]


def test_make_new_writes_where_output_says(checkout: Path, tmp_path: Path) -> None:
    """Quotes, spaces and dollars are the folder's own, ~ is the home, and --output in ARGS holds."""
    for words, folder in (
        ([f"OUTPUT={tmp_path}/it's $HOME"], tmp_path / "it's $HOME"),
        (["OUTPUT=~/projects"], Path(os.environ["HOME"], "projects")),
        ([], tmp_path / "said"),
    ):
        args = (
            f"ARGS=demo --kind ml --defaults --no-git{'' if words else f' --output {shlex.quote(str(tmp_path))}/said'}"
        )
        done = make_new(checkout, *words, args, cwd=tmp_path)

        assert done.returncode == 0, done.stderr
        assert folder.joinpath("demo/README.md").is_file()


# ------------------------------------------------------------------------------------------ nothing in a path is run

PAYLOAD = "a{{ cycler.__init__.__globals__.os.system('touch pwned') }}b"
AWKWARD = [PAYLOAD, "it's \\ é😀 a{{ 7*7 }}b {% if x %}{# x #} }} {{ '\"' }} {{"]


def seen_from(*folders: Path) -> list[Path]:
    """Files that a payload would have made, wherever it ran."""
    return [path for folder in folders for path in folder.rglob("pwned")]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_folder_with_braces_is_only_a_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: Callable[[str], Path]
) -> None:
    """As the output, as the current folder and as the folder for temporary files: the same tree, and nothing beside."""
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    render.preview(sample_answers("ml-default"))
    ours = render.render(sample_answers("ml-default"), Path())
    plain = cookiecutter(
        str(ROOT / "templates" / "ml"),
        no_input=True,
        extra_context=through_the_door("ml-default"),
        output_dir="plain",
    )

    assert contents(ours) == contents(rendered("ml-default"))
    same(Path(plain), ours)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    assert sorted(path.name for path in folder.iterdir()) == ["my-project", "plain"]
    assert seen_from(tmp_path, ROOT / "templates") == []


# ----------------------------------------------------------------------------------------------- what can be typed

HOSTILE = [
    ("a\nb", "line break"),
    ("a\x1b[31m", "cannot be typed"),
    ("a:b", 'it holds a ":"'),
    ("~nobody-of-that-name", "no such person's home"),
]


@pytest.mark.parametrize(("name", "told"), HOSTILE)
def test_a_place_of_no_use_is_refused(
    name: str, told: str, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one sentence, before anything is written."""
    assert cli.run([*DEFAULTS, "--output", name]) == 1
    lines = capsys.readouterr().err.strip().splitlines()

    assert told in lines[0]
    assert len(lines) == 2
    assert everything_in(in_folder) == []


@pytest.mark.parametrize("name", ["it's a place", 'a "b" $HOME `ls`', "é 😀", "-dash", "C:x"[2:] + "NUL.x"])
def test_what_is_printed_leads_there(name: str, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pasted into the shell that the command was typed in."""
    assert cli.run([*DEFAULTS, f"--output={name}"]) == 0
    cd = next(line.strip() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("cd "))
    went = subprocess.run(["sh", "-c", f"{cd} && pwd"], cwd=in_folder, capture_output=True, text=True, check=True)

    assert Path(went.stdout.strip()).samefile(in_folder / name / "demo")


def test_a_home_that_no_shell_wrote_out_is_the_home(in_folder: Path) -> None:
    """`--output=~/projects` reaches the program as it was typed."""
    assert cli.run([*DEFAULTS, "--no-git", "--output=~/projects"]) == 0
    assert Path(os.environ["HOME"], "projects/demo/README.md").is_file()
    assert everything_in(in_folder) == []


def test_a_link_where_the_project_would_be_is_named(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written through it; a link further up is a folder like another."""
    in_folder.joinpath("elsewhere").mkdir()
    in_folder.joinpath("demo").symlink_to("elsewhere")
    in_folder.joinpath("up").symlink_to("elsewhere")

    assert cli.run([*DEFAULTS, "--no-git"]) == 1
    assert "is a link" in capsys.readouterr().err
    assert everything_in(in_folder / "elsewhere") == []
    assert cli.run([*DEFAULTS, "--no-git", "--output", "up"]) == 0
    assert in_folder.joinpath("elsewhere/demo/README.md").is_file()


def test_parents_made_for_nothing_are_taken_back(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk leaves no empty folders behind either."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(render, "write_record", full)
    assert cli.run([*DEFAULTS, "--no-git", "--output", "deep/er"]) == 1
    assert "nothing was left behind" in capsys.readouterr().err
    assert everything_in(in_folder) == []


# ------------------------------------------------------------------------------------------ how the program is called


def test_hints_name_the_command_that_works_in_this_shell(tmp_path: Path) -> None:
    """On the path by its name; off the path by its whole path, quoted; as a module by its Python."""
    scripts = tmp_path / "my scripts"
    scripts.mkdir()
    scripts.joinpath("mlscaffold").symlink_to(EXECUTABLE)
    bare = {key: value for key, value in os.environ.items() if key != "UV_RUN_RECURSION_DEPTH"}
    system = os.pathsep.join(["/usr/bin", "/bin"])
    for words, path in (
        ([str(scripts / "mlscaffold")], system),
        ([str(scripts / "mlscaffold")], f"{scripts}{os.pathsep}{system}"),
        ([sys.executable, "-m", "mlscaffold"], system),
    ):
        here = bare | {"PATH": path}
        refused = subprocess.run([*words, "build"], env=here, capture_output=True, text=True, check=False, cwd=tmp_path)
        typed = refused.stderr.split("`")[-2]  # what was typed is quoted before it
        helped = subprocess.run(["sh", "-c", typed], env=here, capture_output=True, text=True, check=False, cwd="/")

        assert refused.returncode == 2
        assert helped.returncode == 0, (typed, helped.stderr)
        assert helped.stdout.startswith("Usage: ")
        assert (
            typed
            == {
                system: f"{shlex.join(words)} --help",
                f"{scripts}{os.pathsep}{system}": "mlscaffold --help",
            }[path]
        )


@pytest.mark.parametrize(
    ("prefix", "marker", "expected"),
    [
        ("cache/uv/archive-v0/Xy", "", "uvx --from '/a clone' mlscaffold"),
        ("cache/pipx/0f3", "pipx_metadata.json", "pipx run --spec '/a clone' mlscaffold"),
        ("pipx/venvs/mlscaffold-planner", "pipx_metadata.json", None),
    ],
)
def test_a_runners_cache_is_on_nobodys_path(
    prefix: str, marker: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvx and pipx run are named with what they were given; an installed program is called by its own path."""
    program = tmp_path / prefix / "bin" / "mlscaffold"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    runner = tmp_path / "runners" / "uvx"
    runner.parent.mkdir()
    runner.write_text("#!/bin/sh\n")
    runner.chmod(0o755)
    if marker:
        tmp_path.joinpath(prefix, marker).write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / prefix))
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", f"{program.parent if 'uv' in prefix else '/usr/bin'}{os.pathsep}{runner.parent}")
    monkeypatch.setattr(invocation, "_source", lambda: "/a clone")

    assert invocation.command() == (expected or shlex.quote(str(program)))


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ('{"url": "file:///a%20clone", "dir_info": {}}', "/a clone"),
        ('{"url": "https://example.org/t.git", "vcs_info": {"vcs": "git", "requested_revision": "v1"}}',
         "git+https://example.org/t.git@v1"),
        ("", "mlscaffold-planner"),
    ],
)  # fmt: skip
def test_where_it_came_from_can_be_given_to_an_installer_again(
    origin: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder as a path, a repository with its revision, else the distribution's name."""

    class Found:
        def read_text(self, _: str) -> str:
            return origin

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Found())

    assert invocation._source() == expected


def test_after_an_interrupt_what_is_printed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right program, the whole path of the answers and of the place, quoted: pasted from anywhere, it writes."""
    place = tmp_path / "it's the place"
    place.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(EXECUTABLE)])
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(placing, "checkout_above", lambda _: tmp_path)  # as `make new` runs
    told = cli._Resume(cli._Spot(None, Path("it's the place"), no_git=True), full=False, host_files=None).keep(
        {"project_name": "Desk", "kind": "ml"}
    )
    typed = told.splitlines()[-1].strip()
    done = subprocess.run(["sh", "-c", f"{typed} < /dev/null"], cwd="/", capture_output=True, text=True, check=False)

    assert done.returncode == 0, (typed, done.stderr)
    assert sorted(path.name for path in place.iterdir()) == ["desk", "mlscaffold-answers.yaml"]
    assert not place.joinpath("desk/.git").exists()


def test_no_text_of_the_program_takes_the_path_for_granted() -> None:
    """Every `mlscaffold COMMAND` that is printed comes from `invocation.command`; docstrings speak of the program."""
    names = "|".join(cli.cli.commands)
    told = []
    for path in sorted(Path(mlscaffold.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        told += [
            f"{path.name}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
            for name in names.split("|")
            if f"mlscaffold {name}" in node.value
            if "replan --set KEY=VALUE`" not in node.value  # pages know no machine: their README says how to type it
        ]

    assert told == []
