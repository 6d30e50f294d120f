"""A repository added to what is there: an empty clone, a folder that has things, somebody's larger repository."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from material import ROOT, sample_answers
from mlscaffold import answers, cli, hosting, placing, render
from mlscaffold.errors import BadPlace, ForeignPlan, OtherFolder
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from test_placing import everything_in
from test_render import contents

SOFTWARE = ["new", "desk", "--kind", "software", "--defaults"]
NEW_COMMIT = "Start desk from a computed plan"


def git(*words: str, cwd: Path) -> list[str]:
    """git's lines."""
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout.splitlines()


def typed(printed: str) -> list[str]:
    """The lines after "Next:", as a person would paste them, but for `make setup`."""
    lines = printed.partition("Next:\n")[2].splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("make setup")]


def paste(printed: str, cwd: Path) -> None:
    """Type what was printed, in one shell."""
    subprocess.run(["sh", "-e", "-c", "\n".join(typed(printed))], cwd=cwd, check=True, capture_output=True)


# ------------------------------------------------------------------------------------------------- an empty clone


@pytest.mark.parametrize("how", ["output", "into"])
def test_an_empty_clone_is_filled_and_committed(
    how: str, in_folder: Path, capsys: pytest.CaptureFixture[str], rendered: Callable[[str], Path]
) -> None:
    """On the branch that its remote calls its own; remote and configuration stay, and a push works."""
    git("init", "-q", "--bare", "--initial-branch=trunk", "up.git", cwd=in_folder)
    git("clone", "-q", "up.git", "desk", cwd=in_folder)
    git("symbolic-ref", "HEAD", "refs/heads/trunk", cwd=in_folder / "desk")
    git("config", "core.commentChar", ";", cwd=in_folder / "desk")
    code = cli.run([*SOFTWARE, *(["--into", "desk"] if how == "into" else [])])
    folder = in_folder / "desk"

    assert code == 0
    assert "One first commit was made on the branch trunk." in capsys.readouterr().out
    assert git("log", "--format=%s", "trunk", cwd=folder) == [NEW_COMMIT]
    assert git("status", "--porcelain", cwd=folder) == []
    assert git("config", "core.commentChar", cwd=folder) == [";"]
    git("push", "-q", "origin", "trunk", cwd=folder)
    assert git("log", "--format=%s", "trunk", cwd=in_folder / "up.git") == [NEW_COMMIT]
    assert [path.name for path in in_folder.iterdir() if path.name.startswith(".")] == []


def test_a_linked_work_tree_is_a_clone_too(in_folder: Path) -> None:
    """Its `.git` is a file, and so is a submodule's."""
    git("init", "-q", "main", cwd=in_folder)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=in_folder / "main")
    git("worktree", "add", "-q", "--detach", "../desk", cwd=in_folder / "main")
    git("checkout", "-q", "--orphan", "fresh", cwd=in_folder / "desk")

    assert in_folder.joinpath("desk/.git").is_file()
    assert cli.run(SOFTWARE) == 0
    assert git("log", "--format=%s", "fresh", cwd=in_folder / "desk") == [NEW_COMMIT]


def test_a_clone_whose_files_are_only_not_checked_out_is_no_empty_one(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A commit of ours would delete all of them."""
    git("init", "-q", "full", cwd=in_folder)
    in_folder.joinpath("full/thesis.txt").write_text("years")
    git("add", "--all", cwd=in_folder / "full")
    git("commit", "-q", "-m", "x", cwd=in_folder / "full")
    git("clone", "-q", "--no-checkout", "full", "desk", cwd=in_folder)

    assert cli.run(SOFTWARE) == 1
    assert "its repository has commits" in capsys.readouterr().err
    assert everything_in(in_folder / "desk") == [n for n in everything_in(in_folder / "desk") if n.startswith(".git")]


@pytest.mark.parametrize("kind", ["bare", "inside .git", "broken"])
def test_where_git_keeps_its_own_nothing_is_written(
    kind: str, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bare repository, the folder .git, and a .git that is none."""
    git("init", "-q", "--bare", "up.git", cwd=in_folder)
    git("init", "-q", "own", cwd=in_folder)
    in_folder.joinpath("desk/.git").mkdir(parents=True)
    where = {"bare": ["--output", "up.git"], "inside .git": ["--into", "own/.git/x"], "broken": []}[kind]
    before = everything_in(in_folder)

    assert cli.run([*SOFTWARE, *where]) == 1
    assert "cannot hold a repository" in capsys.readouterr().err
    assert everything_in(in_folder) == before


# ----------------------------------------------------------------------------------------- a folder that has things


@pytest.fixture
def have(in_folder: Path) -> Path:
    """Somebody's folder: files that the template has, too, links out of it, a file where a folder would be."""
    folder = in_folder / "have"
    folder.mkdir()
    git("init", "-q", cwd=folder)
    folder.joinpath("README.md").write_text("# Ours\n")
    folder.joinpath("Makefile").write_text("all:\n")
    folder.joinpath("main.go").write_text("package main\n")
    folder.joinpath("ops").write_text("a file\n")
    outside = in_folder / "outside"
    outside.mkdir()
    folder.joinpath("docs").symlink_to("../outside")
    folder.joinpath("pyproject.toml").symlink_to("nowhere")
    folder.joinpath(".gitignore").write_text("plan/\n*.lock\n")
    git("add", "--all", cwd=folder)
    git("commit", "-q", "-m", "Ours", cwd=folder)
    return folder


def test_into_writes_only_what_is_not_there(
    have: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is there stays, byte for byte; its versions are proposals; links lead nowhere; the printed lines commit."""
    before = contents(have)
    code = cli.run([*SOFTWARE, "--into", "have"])
    out = capsys.readouterr().out
    whole = contents(render.render(placing_answers(have), tmp_path_factory.mktemp("whole")))
    now = contents(have)
    state = json.loads(now[".mlscaffold/state.json"])
    proposals = {path: whole[path] for path in state["declined"]}

    assert code == 0
    assert {path: now[path] for path in before} == before
    assert everything_in(have.parent / "outside") == []
    assert set(proposals) == {
        path for path in whole if path in before or path.startswith(("docs/", "ops/")) or path == "pyproject.toml"
    }
    assert {p: now[f".mlscaffold/proposals/{p}"] for p in proposals} == proposals
    new = {path for path in now if path not in before and not path.startswith(".mlscaffold/")}
    assert new == set(whole) - set(proposals) - {".mlscaffold/base.tar.gz", ".mlscaffold/state.json"}
    assert all(now[path] == whole[path] for path in new)
    for path in proposals:
        assert f"\n  {path}\n" in out
    assert "git init" not in out
    paste(out, have.parent)
    assert git("log", "--format=%s", cwd=have) == [NEW_COMMIT, "Ours"]
    assert new <= set(git("ls-files", cwd=have)), "also what the folder's .gitignore would have kept out"


def placing_answers(folder: Path) -> answers.Answers:
    """The answers that a written repository records."""
    return answers.complete(json.loads((folder / ".mlscaffold/state.json").read_text("utf-8"))["answers"])


def test_what_was_there_uncommitted_is_not_committed(have: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed lines name what was written, and nothing of the person's own unfinished work."""
    have.joinpath("src").mkdir()
    have.joinpath("src/draft.go").write_text("unfinished\n")
    assert cli.run([*SOFTWARE, "--into", "have"]) == 0
    paste(capsys.readouterr().out, have.parent)

    assert git("status", "--porcelain", cwd=have) == ["?? src/draft.go"]


def test_a_folder_without_git_is_not_committed_behind_anybodys_back(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines to type make a repository of what was written; the rest is for its owner."""
    in_folder.joinpath("have").mkdir()
    in_folder.joinpath("have/secret.txt").write_text("key")
    assert cli.run([*SOFTWARE, "--into", "have"]) == 0
    assert not in_folder.joinpath("have/.git").exists()
    paste(capsys.readouterr().out, in_folder)

    assert git("status", "--porcelain", cwd=in_folder / "have") == ["?? secret.txt"]


def test_a_second_plan_is_refused(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hint is replan, with the folder; a plan that somebody else has made is not overwritten either."""
    assert cli.run([*SOFTWARE, "--no-git", "--into", "have"]) == 0
    before = contents(in_folder / "have")
    capsys.readouterr()

    assert cli.run([*SOFTWARE, "--no-git", "--into", "have"]) == 1
    assert "replan have" in capsys.readouterr().err
    assert contents(in_folder / "have") == before
    in_folder.joinpath("other/plan").mkdir(parents=True)
    in_folder.joinpath("other/plan/plan.json").write_text("{}")
    with pytest.raises(ForeignPlan, match=r"plan/plan\.json"):
        placing.find(in_folder / "other", into=True, git=False)


def test_what_is_in_the_way_decides_what_can_be_done(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replan where there is a record, adopt where ours has none, another place where the file is somebody else's."""
    assert cli.run([*SOFTWARE, "--no-git", "--into", "ours"]) == 0
    shutil.rmtree(in_folder / "ours/.mlscaffold")
    in_folder.joinpath("other/plan").mkdir(parents=True)
    in_folder.joinpath("other/plan/project.yaml").write_text("name: a plan of another kind\nkind: roadmap\n")
    before = contents(in_folder / "other")
    capsys.readouterr()

    assert cli.run([*SOFTWARE, "--no-git", "--into", "ours"]) == 1
    assert "adopt ours" in capsys.readouterr().err
    assert cli.run(["adopt", "ours"]) == 0
    capsys.readouterr()
    assert cli.run([*SOFTWARE, "--no-git", "--into", "ours"]) == 1
    assert "replan ours" in capsys.readouterr().err
    assert cli.run([*SOFTWARE, "--no-git", "--into", "other"]) == 1
    said = capsys.readouterr().err
    assert "plan/project.yaml, which mlscaffold did not write" in said
    assert "replan" not in said
    assert contents(in_folder / "other") == before


def test_into_and_output_together_are_wrong_usage(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One names the folder, the other its parent."""
    assert cli.run([*SOFTWARE, "--into", "a", "--output", "b"]) == 2
    assert everything_in(in_folder) == []


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_trouble_in_the_middle_leaves_the_folder_as_it_was(
    trouble: BaseException, have: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten files the disk is full, or the person has enough."""
    before, real, left = contents(have), placing._link, iter(range(10))

    def failing(source: Path, place: Path) -> None:
        if next(left, None) is None:
            raise trouble
        real(source, place)

    monkeypatch.setattr(placing, "_link", failing)
    assert cli.run([*SOFTWARE, "--into", "have"]) == (130 if isinstance(trouble, KeyboardInterrupt) else 1)
    assert contents(have) == before
    assert everything_in(have.parent / "outside") == []


def test_a_kill_in_the_middle_is_undone_by_the_next_run(have: Path) -> None:
    """What was half put in is taken back, but not what somebody has edited since; then the run is a whole one."""
    before = contents(have)
    code = (
        "import os, signal, sys; from mlscaffold import cli, placing\n"
        "real, left = placing._link, iter(range(10))\n"
        "def dying(source, place):\n"
        "    if next(left, None) is None: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(source, place)\n"
        "placing._link = dying\n"
        f"cli.run({[*SOFTWARE, '--into', str(have)]!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "generator")}, check=False
    )
    half = [path for path in contents(have) if path not in before and not path.startswith(render.STAGING)]
    have.joinpath(half[0]).write_text("edited since\n")

    assert done.returncode == -signal.SIGKILL
    assert len(half) == 10
    assert cli.run([*SOFTWARE, "--into", "have"]) == 0
    assert have.joinpath(half[0]).read_text() == "edited since\n"
    assert half[0] in json.loads((have / ".mlscaffold/state.json").read_text("utf-8"))["declined"]
    assert not list(have.glob(f"{render.STAGING}*"))
    assert {path: contents(have)[path] for path in before} == before


def test_a_file_that_comes_meanwhile_is_not_overwritten(have: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the writing somebody saves AGENTS.md: the run gives way, whole."""
    real = placing._add

    def late(tree: Path, moves: dict[str, Path], scratch: Path) -> None:
        real_link = placing._link

        def racing(source: Path, place: Path) -> None:
            if place.name == "AGENTS.md":
                place.write_text("meanwhile\n")
            real_link(source, place)

        monkeypatch.setattr(placing, "_link", racing)
        real(tree, moves, scratch)

    before = contents(have)
    monkeypatch.setattr(placing, "_add", late)
    assert cli.run([*SOFTWARE, "--into", "have"]) == 1
    assert contents(have) == before | {"AGENTS.md": b"meanwhile\n"}


# ----------------------------------------------------------------------------------------- inside somebody's repository


@pytest.fixture
def mono(in_folder: Path) -> Path:
    """Somebody's repository with services, an owner's list of its own and one commit."""
    folder = in_folder / "mono"
    folder.joinpath("services").mkdir(parents=True)
    folder.joinpath("CODEOWNERS").write_text("* @everybody\n")
    git("init", "-q", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "-q", "-m", "Theirs", cwd=folder)
    return folder


HOSTED = [
    ".github/ISSUE_TEMPLATE/desk-change.yml",
    ".github/PULL_REQUEST_TEMPLATE/desk.md",
    ".github/dependabot.yml",
    ".github/workflows/desk-ci.yml",
]


def test_host_files_go_to_the_top_under_the_projects_name(mono: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a flag; told before it is written; an owner's list that is there hides ours, so ours is left to move."""
    code = cli.run([*SOFTWARE, "--output", "mono/services", "--host-files"])
    printed = capsys.readouterr()
    paste(printed.out, mono.parent)

    assert code == 0
    assert f"inside the git repository {mono}, at services/desk" in " ".join(printed.err.split())
    assert sorted(path for path in contents(mono) if path.startswith(".github/")) == HOSTED
    assert ".github/CODEOWNERS → ../../.github/CODEOWNERS" in printed.out
    assert mono.joinpath("CODEOWNERS").read_text() == "* @everybody\n"
    assert git("log", "--format=%s", cwd=mono) == [NEW_COMMIT, "Theirs"]
    assert git("status", "--porcelain", cwd=mono) == []
    assert 'folder: "services/desk"' in mono.joinpath("services/desk/plan/project.yaml").read_text("utf-8")


def test_without_a_yes_nothing_is_written_outside_the_folder(mono: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same files lie in the project, and each line says where one belongs."""
    before = contents(mono)
    assert cli.run([*SOFTWARE, "--output", "mono/services"]) == 0
    out = capsys.readouterr().out

    assert {p: c for p, c in contents(mono).items() if not p.startswith("services/desk/")} == before
    for path, top in hosting.moves(contents(mono / "services/desk"), "desk"):
        assert f"{path} → ../../{top}" in out


def test_what_stands_at_the_top_is_never_overwritten(mono: Path) -> None:
    """Nor reached through a link."""
    mono.joinpath(".github/workflows").mkdir(parents=True)
    mono.joinpath(".github/workflows/desk-ci.yaml").write_text("theirs\n")
    mono.joinpath(".github/ISSUE_TEMPLATE").symlink_to("../services")
    before = contents(mono)
    assert cli.run([*SOFTWARE, "--output", "mono/services", "--host-files"]) == 0
    now = {path: content for path, content in contents(mono).items() if "services/desk/" not in path}

    assert {path: now[path] for path in before} == before
    assert set(now) - set(before) == {".github/PULL_REQUEST_TEMPLATE/desk.md", ".github/dependabot.yml"}


def test_a_folder_that_the_host_ignores_gets_a_repository_of_its_own(mono: Path) -> None:
    """Such as projects below a home that is under version control."""
    mono.joinpath(".gitignore").write_text("services/\n")
    assert cli.run([*SOFTWARE, "--output", "mono/services"]) == 0

    assert git("log", "--format=%s", cwd=mono / "services/desk") == [NEW_COMMIT]
    assert 'folder: ""' in mono.joinpath("services/desk/plan/project.yaml").read_text("utf-8")


def test_another_folder_than_the_real_one_is_refused(mono: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer follows from the place; who says otherwise is asked which is meant."""
    arguments = [*SOFTWARE, "--output", "mono/services", "--set", "folder=apps/desk"]
    assert cli.run(arguments) == 1
    assert 'folder is "apps/desk", but the repository would lie at "services/desk"' in capsys.readouterr().err
    assert not mono.joinpath("services/desk").exists()
    place = placing.Place(mono / "x", host=mono, at="x")
    with pytest.raises(OtherFolder):
        placing.located(answers.complete({"kind": "ml", "folder": "y"}), place)


def test_a_host_folder_that_no_pipeline_can_name_is_refused(mono: Path) -> None:
    """A space or a quote in a path would need another quoting in each of five languages."""
    with pytest.raises(BadPlace, match="it must be a path such as services/desk"):
        placing.find(mono / "my services" / "desk", into=False, git=True)


def test_plain_cookiecutter_renders_the_same_folder(mono: Path) -> None:
    """`_folder=services/desk`: the same bytes as ours, and a README that says what to move where."""
    from cookiecutter.main import cookiecutter
    from test_doors import as_typed, same

    assert cli.run([*SOFTWARE, "--output", "mono/services", "--set", "start_date=2026-03-02"]) == 0
    given = placing_answers(mono / "services/desk")
    plain = cookiecutter(
        str(ROOT / "templates/software"),
        no_input=True,
        extra_context=as_typed(given.raw),
        output_dir=str(mono.parent / "plain"),
    )
    readme = Path(plain, "README.md").read_text("utf-8")

    assert 'working-directory: "services/desk"' in Path(plain, ".github/workflows/ci.yml").read_text("utf-8")
    for path, top in hosting.moves(contents(Path(plain)), "desk"):
        assert f"git mv {path} ../../{top}" in readme
    same(Path(plain), mono / "services/desk")


@pytest.mark.parametrize(
    ("name", "host"),
    [("ml-default", "github"), ("sw-default", "github"), ("ml-default", "gitlab"), ("sw-web-app", "gitlab")],
)
def test_the_readmes_lines_move_every_file_of_the_host(name: str, host: str, mono: Path) -> None:
    """Typed in the project's folder as they stand, in a repository that has none of these files."""
    mono.joinpath("CODEOWNERS").unlink()
    given = answers.complete(sample_answers(name).raw | {"ci": host, "folder": "services/desk", "project_slug": "desk"})
    folder = render.render(given, mono / "services")
    git("add", "--all", cwd=mono)
    section = folder.joinpath("README.md").read_text("utf-8").partition("## In a larger repository")[2]
    wanted = sorted(top for _, top in hosting.moves(contents(folder), "desk"))
    subprocess.run(["sh", "-e", "-c", section.split("```")[1].removeprefix("sh\n")], cwd=folder, check=True)

    assert hosting.moves(contents(folder), "desk") == []
    assert [path for path in wanted if not mono.joinpath(path).is_file()] == []
    for path in (*mono.glob(".github/workflows/*.yml"), *mono.glob(".gitlab-ci.yml"), *mono.glob(".github/*.yml")):
        yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("keys", "agreed"), [("\r", True), ("\x1b[B\r", False), ("<", False), ("\x03", None), ("\x04", None)]
)
def test_one_yes_is_asked_for_the_hosts_files(
    keys: str, agreed: bool | None, mono: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Enter takes the first answer, the other and the way back are a no, and Ctrl-C or Ctrl-D end the run."""
    given = answers.complete({"kind": "software", "project_name": "desk", "folder": "services/desk"})
    with create_pipe_input() as pipe, create_app_session(input=pipe):
        pipe.send_text(keys)
        if agreed is None:
            with pytest.raises(KeyboardInterrupt):
                cli._agree_to_host_files(given)
        else:
            assert cli._agree_to_host_files(given) is agreed
    told = capsys.readouterr().err

    for top in [*HOSTED, ".github/CODEOWNERS"]:
        assert f"→ {top}" in told
