"""Whatever lies in a repository, a replan loses no byte of it, mixes nothing, and leaves nothing behind."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from material import mostly_slow
from mlscaffold import cli, render, update, vcs
from mlscaffold.answers import Answers
from mlscaffold.errors import (
    Busy,
    ChangedMeanwhile,
    DamagedRecord,
    InTheWay,
    MlscaffoldError,
    NewerRecord,
    NoFolder,
    NoRecord,
    NotCommitted,
    Unresolved,
)
from mlscaffold.repository import journal, lineends, lock
from standing import FACTS, born, commit, contents, edit, facts_of, git, remembered

Generate = Callable[[Answers, Path], Path]
PAGE = "docs/03-acceptance.md"
PEOPLE = {"label_source": "people"}  # calls for a page that the default repository does not have
GUIDE = "docs/labelling-guide.md"


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One committed repository, to be copied."""
    return born(tmp_path_factory.mktemp("stock"))


@pytest.fixture
def project(stock: Path, tmp_path: Path) -> Path:
    """A committed repository of the test's own."""
    return Path(shutil.copytree(stock, tmp_path / "project", symlinks=True))


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where renders are remembered."""
    return tmp_path_factory.mktemp("renders")


@pytest.fixture(scope="module")
def generate(renders: Path) -> Generate:
    """A `render.generate` that renders the same answers once."""
    return remembered(renders)


@pytest.fixture(autouse=True)
def _remembered(generate: Generate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "generate", generate)


def conflicting(folder: Path) -> None:
    """Edit a line that a replan with `FACTS` changes, and commit it."""
    line = next(row for row in folder.joinpath(PAGE).read_text("utf-8").splitlines() if "Test rows needed" in row)
    edit(folder, PAGE, line, "| **Test rows needed** | **as many as we have** |")


# ------------------------------------------------------------------------------------------- what git does not show


def test_a_file_that_git_ignores_is_not_overwritten(project: Path) -> None:
    """Its text stands in the conflict's marks, and git shows the conflict, so that `git add` settles it."""
    with project.joinpath(".gitignore").open("a") as file:
        file.write(f"{GUIDE}\n")
    project.joinpath(GUIDE).write_text("# Ours\nnowhere else\n")
    commit(project)
    done = update.replan(project, PEOPLE)

    assert done.conflicts == (GUIDE,)
    assert "nowhere else" in project.joinpath(GUIDE).read_text("utf-8")
    assert vcs.unmerged(project) == [GUIDE]
    git(project, "add", "--", GUIDE)
    assert vcs.unmerged(project) == []


def test_somebodys_ignore_file_hides_no_page(project: Path, home: Path) -> None:
    """A page that a global ignore covers is merged like the others, not taken for deleted."""
    home.joinpath("ignored").write_text("docs/\n*.json\n")
    with home.joinpath(".gitconfig").open("a") as file:
        file.write(f"[core]\n\texcludesFile = {home / 'ignored'}\n")
    edit(project, PAGE, "# ", "# Our ")
    commit(project)
    done = update.replan(project, FACTS)

    assert (done.conflicts, done.deleted) == ((), ())
    assert PAGE in done.changed
    assert project.joinpath(PAGE).read_text("utf-8").startswith("# Our ")


def test_nobodys_settings_decide_a_merge(project: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters, attributes, merge drivers, hooks, monitors and git's variables: none runs, none shows in the result."""
    expected = Path(shutil.copytree(project, project.parent / "undisturbed", symlinks=True))
    update.replan(expected, FACTS)
    ran = home / "ran"
    home.joinpath("attributes").write_text("*.md filter=evil merge=evil diff=evil text eol=crlf\n")
    script = home / "evil"
    script.write_text(f"#!/bin/sh\necho x >> {ran}\nexit 1\n")
    script.chmod(0o755)
    home.joinpath("hooks").mkdir()
    for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
        shutil.copy(script, home / "hooks" / hook)
    with home.joinpath(".gitconfig").open("a") as file:
        file.write(
            f"[core]\n\tattributesFile = {home / 'attributes'}\n\tfsmonitor = {script}\n"
            f"\thooksPath = {home / 'hooks'}\n"
            f'[merge "evil"]\n\tdriver = {script} %A\n[filter "evil"]\n\tclean = cat\n\tsmudge = {script}\n'
            "[merge]\n\trenames = false\n\tconflictStyle = diff3\n[diff]\n\trenames = false\n\texternal = false\n"
            "[init]\n\ttemplateDir = /nonexistent\n[status]\n\tshowUntrackedFiles = no\n"
        )
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(home / "elsewhere"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    monkeypatch.setenv("LC_ALL", "C")
    done = update.replan(project, FACTS)

    assert done.conflicts == ()
    assert contents(project) == contents(expected)
    assert not ran.exists()


def test_what_git_is_told_to_overlook_is_merged_all_the_same(project: Path) -> None:
    """An edit behind `--assume-unchanged` is on the disk, so the merge sees it."""
    git(project, "update-index", "--assume-unchanged", PAGE)
    edit(project, PAGE, "# ", "# Our ")
    update.replan(project, FACTS)

    assert project.joinpath(PAGE).read_text("utf-8").startswith("# Our ")


def test_an_untracked_file_in_the_place_of_a_new_one_keeps_its_text(project: Path) -> None:
    """It is the team's, committed or not."""
    project.joinpath(GUIDE).write_text("# Ours\nnowhere else\n")

    assert update.replan(project, PEOPLE).conflicts == (GUIDE,)
    assert "nowhere else" in project.joinpath(GUIDE).read_text("utf-8")


# ------------------------------------------------------------------------------------------------- links and folders


def test_a_linked_folder_is_not_written_through(project: Path, tmp_path: Path) -> None:
    """Pages behind a link are the team's affair: not a byte outside changes, and they are named."""
    outside = tmp_path / "shared"
    project.joinpath("docs").rename(outside)
    project.joinpath("docs").symlink_to(outside)
    commit(project)
    before = contents(outside)
    done = update.replan(project, FACTS)

    assert contents(outside) == before
    assert PAGE in done.deleted
    assert done.conflicts == ()
    assert project.joinpath("docs").is_symlink()


def test_a_new_page_behind_a_link_is_refused_before_anything_is_written(project: Path, tmp_path: Path) -> None:
    """With what stands in the way, and what to do."""
    outside = tmp_path / "shared"
    project.joinpath("docs").rename(outside)
    project.joinpath("docs").symlink_to(outside)
    commit(project)
    before = contents(project), contents(outside)

    with pytest.raises(InTheWay, match=f"has a file {GUIDE}, and in .* docs is a link. Nothing was changed"):
        update.replan(project, PEOPLE)
    assert (contents(project), contents(outside)) == before


def test_a_page_behind_a_link_inside_the_repository_is_followed(project: Path) -> None:
    """`docs` leads to `pages`: that is a rename with a signpost."""
    project.joinpath("docs").rename(project / "pages")
    project.joinpath("docs").symlink_to("pages")
    commit(project)
    done = update.replan(project, FACTS)

    assert "pages/03-acceptance.md" in done.changed
    assert done.deleted == ()


def test_a_file_that_became_a_link_stays_one(project: Path, tmp_path: Path) -> None:
    """Neither the link nor what it leads to is touched."""
    outside = tmp_path / "acceptance.md"
    outside.write_text("ours\n")
    project.joinpath(PAGE).unlink()
    project.joinpath(PAGE).symlink_to(outside)
    commit(project)
    done = update.replan(project, FACTS)

    assert outside.read_text() == "ours\n"
    assert project.joinpath(PAGE).is_symlink()
    assert done.deleted == (PAGE,)


@pytest.mark.parametrize("name", ["plan", ".mlscaffold", "plan/plan.json"])
def test_a_linked_plan_or_record_is_refused(project: Path, tmp_path: Path, name: str) -> None:
    """What the program itself must write has to be in the repository."""
    project.joinpath(name).rename(tmp_path / "elsewhere")
    project.joinpath(name).symlink_to(tmp_path / "elsewhere")
    commit(project)
    before = contents(project)

    with pytest.raises(MlscaffoldError, match="is a link"):
        update.replan(project, FACTS)
    assert contents(project) == before


def test_an_empty_folder_makes_way(project: Path) -> None:
    """It holds nothing that could be lost."""
    project.joinpath(GUIDE).mkdir()
    done = update.replan(project, PEOPLE)

    assert GUIDE in done.changed
    assert project.joinpath(GUIDE).is_file()


def test_a_folder_with_things_in_it_does_not(project: Path) -> None:
    """It is named, and nothing changes."""
    project.joinpath(GUIDE).mkdir()
    project.joinpath(GUIDE, "ours.txt").write_text("ours")
    commit(project)
    before = contents(project)

    with pytest.raises(InTheWay, match=f"{GUIDE} is a folder"):
        update.replan(project, PEOPLE)
    assert contents(project) == before


def test_a_page_that_became_a_folder_is_left_alone_and_said(project: Path) -> None:
    """The team has split it: the plan's new version is named, not written."""
    project.joinpath(PAGE).unlink()
    project.joinpath(PAGE).mkdir()
    project.joinpath(PAGE, "ours.md").write_text("ours")
    commit(project)
    done = update.replan(project, FACTS)

    assert done.deleted == (PAGE,)
    assert project.joinpath(PAGE, "ours.md").read_text() == "ours"


def test_a_folder_that_became_a_file_is_left_alone_and_said(project: Path) -> None:
    """Pages below it have no place any more."""
    shutil.rmtree(project / "docs")
    project.joinpath("docs").write_text("on the wiki\n")
    commit(project)
    done = update.replan(project, FACTS)

    assert PAGE in done.deleted
    assert project.joinpath("docs").read_text() == "on the wiki\n"


# --------------------------------------------------------------------------------------------------- shapes of files


def test_whether_a_file_may_be_executed_stays_as_the_team_set_it(project: Path) -> None:
    """Also where its text changes."""
    project.joinpath(PAGE).chmod(0o755)
    commit(project)
    done = update.replan(project, FACTS)

    assert PAGE in done.changed
    assert project.joinpath(PAGE).stat().st_mode & 0o111


def test_a_page_that_is_no_text_any_more_is_kept_and_the_plans_put_beside_it(project: Path) -> None:
    """Two versions of it cannot be marked; git shows the conflict, and exit is 1."""
    project.joinpath(PAGE).write_bytes(b"\0\1\2 ours")
    commit(project)
    done = update.replan(project, FACTS)

    assert project.joinpath(PAGE).read_bytes() == b"\0\1\2 ours"
    assert done.conflicts == (PAGE,)
    assert done.beside == (f"{PAGE}.new-plan",)
    assert "# Acceptance" in project.joinpath(f"{PAGE}.new-plan").read_text("utf-8")


def test_names_of_all_scripts_and_awkward_letters_are_merged(project: Path) -> None:
    """A page under a new name with spaces, quotes, a tab and é is followed."""
    name = 'docs/Annähme "für"\t日本.md'
    git(project, "mv", PAGE, name)
    commit(project)
    done = update.replan(project, FACTS)

    assert name in done.changed
    assert git(project, "diff", "--name-only", "-z").split("\0").count(name) == 1


def test_a_page_the_plan_no_longer_has_is_kept_where_the_team_wrote_in_it(project: Path) -> None:
    """And taken away where it did not; said either way."""
    update.replan(project, PEOPLE)
    commit(project)
    edit(project, GUIDE, "# ", "# Our ")
    commit(project)
    done = update.replan(project, {"label_source": "logs"})

    assert (done.kept, done.conflicts) == ((GUIDE,), ())
    assert project.joinpath(GUIDE).is_file()


# ---------------------------------------------------------------------------------------------------------- line ends


@pytest.mark.parametrize("attributes", ["", "* text=auto\n"])
def test_a_checkout_with_windows_line_ends_changes_only_what_the_facts_change(
    project: Path, tmp_path: Path, attributes: str
) -> None:
    """The same files as with line feeds, in the checkout's own line ends, and no conflict."""
    edit(project, PAGE, "# ", "# Our ")
    project.joinpath(".gitattributes").write_text(attributes)
    commit(project)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--config", "core.autocrlf=true", str(project), str(clone))
    assert b"\r\n" in clone.joinpath(PAGE).read_bytes(), "the checkout is meant to have Windows line ends"
    expected = update.replan(project, FACTS | PEOPLE)
    done = update.replan(clone, FACTS | PEOPLE)

    assert (done.changed, done.conflicts) == (expected.changed, ())
    texts = {path: clone.joinpath(path).read_bytes() for path in done.changed}
    assert all(text.count(b"\n") == text.count(b"\r\n") for text in texts.values())
    assert {path: text.replace(b"\r\n", b"\n") for path, text in texts.items()} == {
        path: project.joinpath(path).read_bytes() for path in expected.changed
    }
    commit(clone)
    again = update.replan(clone, {})
    assert (again.changed, again.removed, again.conflicts) == ((), (), ())


def test_mixed_line_ends_stay_line_by_line() -> None:
    """A line that was there keeps its end; a new one takes the end of most."""
    own = b"a\r\nb\nc\r\n"

    assert lineends.restored(b"a\nb\nnew\nc\n", own, crlf=False) == b"a\r\nb\nnew\r\nc\r\n"
    assert lineends.restored(b"a\nb", b"a\r\nb\r\n", crlf=False) == b"a\r\nb"
    assert lineends.restored(b"new\n", None, crlf=True) == b"new\r\n"
    assert lineends.restored(b"new\0\n", b"old\r\n", crlf=True) == b"new\0\n"


# ------------------------------------------------------------------------------------------ where the repository lies


def test_a_monorepos_conflict_is_resolved_and_committed(stock: Path, tmp_path: Path) -> None:
    """git's index names files that are there; the printed commands finish the merge."""
    host = tmp_path / "host"
    shutil.copytree(stock, host / "services/ml ops", ignore=shutil.ignore_patterns(".git"))
    git(tmp_path, "init", "--quiet", "host")
    inner = host / "services/ml ops"
    conflicting(inner)
    commit(host)
    done = update.replan(inner, FACTS)
    assert done.conflicts == (PAGE,)
    assert vcs.unmerged(inner) == [PAGE]
    assert git(host, "diff", "--name-only", "--diff-filter=U").split("\n")[0] == f"services/ml ops/{PAGE}"

    with pytest.raises(Unresolved) as refused:
        update.replan(inner, {})
    text = inner.joinpath(PAGE).read_text("utf-8")
    inner.joinpath(PAGE).write_text("".join(row for row in text.splitlines(True) if row[:7] not in MARKS))
    for line in refused.value.hint.splitlines()[1:]:
        subprocess.run(line, shell=True, check=True, cwd=tmp_path, capture_output=True)  # noqa: S602  (as it is typed)
    assert git(host, "status", "--porcelain") == ""
    assert update.replan(inner, {}).changed == ()


MARKS = ("<<<<<<<", "=======", ">>>>>>>")


def test_marks_that_are_left_in_refuse_the_next_replan(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where somebody has added and committed them; the page is named, with what to type."""
    conflicting(project)
    commit(project)
    assert cli.run(["replan", str(project), "--set", "positive_share=0.2"]) == 1
    first = capsys.readouterr().err
    commit(project)
    assert cli.run(["replan", str(project)]) == 1

    assert f"add -- {PAGE}\n" in first
    assert f"conflicts that are not resolved, in {PAGE}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "form", mostly_slow([".", "./", "docs", "../project", "plan/..", "docs/decisions"], "docs", "../project")
)
def test_a_relative_folder_of_any_form_is_found(
    project: Path, monkeypatch: pytest.MonkeyPatch, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The repository itself, a folder in it, from beside it."""
    monkeypatch.chdir(project)

    assert cli.run(["replan", form, "--set", "positive_share=0.2"]) == 0
    assert "Changed:\n" in capsys.readouterr().out
    assert facts_of(project)["positive_share"] == "0.2"


def test_replan_and_export_find_the_repository_from_a_folder_in_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As git does; with no folder named, where the person stands."""
    monkeypatch.chdir(project / "docs/decisions")

    assert cli.run(["export", "--to", "csv"]) == 0
    assert capsys.readouterr().out.startswith("id,title")
    assert cli.run(["replan", "--dry-run"]) == 0


def test_a_folder_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not “it has no record”."""
    monkeypatch.chdir(tmp_path)

    for command in (["replan", "nowhere"], ["export", "nowhere", "--to", "csv"]):
        assert cli.run(command) == 1
        assert "There is no folder nowhere." in capsys.readouterr().err
    with pytest.raises(NoFolder):
        update.replan(Path("nowhere"), {})
    with pytest.raises(NoRecord):
        update.replan(tmp_path, {})


@pytest.mark.slow
def test_worktrees_and_shallow_clones_are_repositories_like_others(project: Path, tmp_path: Path) -> None:
    """A `.git` that is a file, and a history of one commit."""
    conflicting(project)
    commit(project)
    git(project, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", "shallow")
    for folder in (tmp_path / "tree", tmp_path / "shallow"):
        assert update.replan(folder, FACTS).conflicts == (PAGE,)
        assert vcs.unmerged(folder) == [PAGE]


def test_a_folder_without_history_inside_somebodys_repository_is_left_out_of_it(stock: Path, tmp_path: Path) -> None:
    """Its host ignores it: no conflict is written into the host's index."""
    git(tmp_path, "init", "--quiet")
    folder = Path(shutil.copytree(stock, tmp_path / "inner", ignore=shutil.ignore_patterns(".git")))
    tmp_path.joinpath(".gitignore").write_text("*\n")
    conflicting(folder)
    done = update.replan(folder, FACTS)

    assert done.conflicts == (PAGE,)
    assert git(tmp_path, "ls-files", "-s") == ""


# ------------------------------------------------------------------------------------------------ what is not committed


def test_what_was_made_beside_the_plan_does_not_refuse_a_replan(project: Path) -> None:
    """A lock file, evidence and reports are no pages of the plan's: made again or edited, they mix with nothing."""
    project.joinpath("evidence").mkdir(exist_ok=True)
    project.joinpath("evidence/mine.json").write_text("{}")
    commit(project)
    project.joinpath("evidence/mine.json").write_text('{"again": 1}')
    project.joinpath("requirements.lock").write_text("numpy==2\n")

    assert PAGE in update.replan(project, FACTS).changed
    assert project.joinpath("requirements.lock").read_text() == "numpy==2\n"


def test_the_hint_for_what_is_not_committed_can_be_taken(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command it prints, typed where the person stands, lets the replan through."""
    edit(project, PAGE, "# ", "# Our ")
    monkeypatch.chdir(project.parent)
    assert cli.run(["replan", "project", "--set", "positive_share=0.2"]) == 1
    told = capsys.readouterr().err
    assert PAGE in told
    line = told.split("Commit them (")[1].split(")")[0]
    subprocess.run(line.replace("…", "mine"), shell=True, check=True, capture_output=True)  # noqa: S602

    assert cli.run(["replan", "project", "--set", "positive_share=0.2"]) == 0


def test_before_the_first_commit_nothing_can_be_put_aside(stock: Path, tmp_path: Path) -> None:
    """Staged only, for want of an identity: the hint names the commit, not `stash`, which needs one."""
    folder = Path(shutil.copytree(stock, tmp_path / "staged", ignore=shutil.ignore_patterns(".git")))
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")

    with pytest.raises(NotCommitted) as refused:
        update.replan(folder, FACTS)
    assert "stash" not in refused.value.hint


# ------------------------------------------------------------------------------------------------------- the record


def packed(files: dict[str, bytes], **facts: object) -> bytes:
    """A tar.gz with these files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            for fact, value in facts.items():
                setattr(entry, fact, value)
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


BASES = {
    "cut short": lambda old: old[: len(old) // 2],
    "empty": lambda old: b"",
    "one byte": lambda old: old[:-900] + bytes([old[-900] ^ 1]) + old[-899:],
    "no archive": lambda old: b"PK\3\4",
    "leads out": lambda old: packed({"../../outside": b"x"}),
    "absolute": lambda old: packed({"/tmp/outside": b"x"}),  # noqa: S108  (refused)
    "into git": lambda old: packed({".git/hooks/pre-commit": b"x"}),
    "a link": lambda old: packed({"docs": b""}, type=tarfile.SYMTYPE, linkname="/"),
    "another's": lambda old: packed({"README.md": b"x"}),
}


@pytest.mark.parametrize("how", mostly_slow(BASES, *list(BASES)[:3]))
def test_a_damaged_base_is_one_sentence(project: Path, how: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Never “Interrupted”, never a traceback; the file is named, and the printed way out works."""
    path = project / ".mlscaffold/base.tar.gz"
    path.write_bytes(BASES[how](path.read_bytes()))
    before = contents(project)
    code = cli.run(["replan", str(project), "--set", "positive_share=0.2"])
    sentence, hint = capsys.readouterr().err.split("\n", 1)

    assert code == 1
    assert sentence.startswith(f"{path} cannot be used: it")
    assert sentence.endswith("Nothing was changed.")
    assert contents(project) == before
    line = hint.split("Bring the record back: ")[1].split(" (")[0]
    subprocess.run(line, shell=True, check=True, cwd=project, capture_output=True)  # noqa: S602
    assert cli.run(["replan", str(project), "--set", "positive_share=0.2"]) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON"),
        ('{"files": {}', "it is not JSON"),
        ("[]", "it lists no files"),
        ('{"files": {}, "template": "cobol", "version": "0.1.0"}', 'its template is "cobol"'),
        ('{"files": {}, "template": "ml", "version": "latest"}', 'its version is "latest"'),
        ('{"files": {}, "template": "ml"}', "its version is null"),
        ('{"files": {}, "template": "ml", "version": "0.1.0"}', "are not those that state.json lists"),
    ],
)
def test_a_damaged_state_is_one_sentence(project: Path, text: str, why: str) -> None:
    """What is wrong with it is said."""
    project.joinpath(".mlscaffold/state.json").write_text(text)

    with pytest.raises(DamagedRecord, match=why):
        update.replan(project, {})


def test_a_newer_mlscaffolds_repository_is_not_rewritten(project: Path) -> None:
    """Both versions are named."""
    path = project / ".mlscaffold/state.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"version": "99.1.0"}))

    with pytest.raises(NewerRecord, match=r"written by mlscaffold 99\.1\.0"):
        update.replan(project, {})


@pytest.mark.parametrize("name", ["base.tar.gz", "state.json"])
def test_a_missing_part_of_the_record_is_named(project: Path, name: str) -> None:
    """Which one it is."""
    project.joinpath(".mlscaffold", name).unlink()

    with pytest.raises(NoRecord, match=rf"has no \.mlscaffold/{name}"):
        update.replan(project, {})


def test_facts_of_others_in_the_record_stay(project: Path) -> None:
    """A replan renews what it knows."""
    path = project / ".mlscaffold/state.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"noted": ["a", "b"]}))
    commit(project)
    update.replan(project, FACTS)

    assert json.loads(path.read_text("utf-8"))["noted"] == ["a", "b"]


# ------------------------------------------------------------------------------------------------ one writer at a time


def test_a_second_writer_waits_and_then_says_who_is_at_work(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is named; nothing changes. When the holder has ended, however it ended, nobody is kept out."""
    monkeypatch.setattr(lock, "PATIENCE", 0.2)
    code = (
        "import sys, time; from pathlib import Path; from mlscaffold.repository import lock\n"
        "root = Path(sys.argv[1])\n"
        "with lock.alone(root):\n    lock.workshop(root); print('held', flush=True); time.sleep(60)\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code, str(project)], stdout=subprocess.PIPE, env=env) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        before = contents(project)
        with pytest.raises(Busy, match=rf"process {holder.pid} on .*since") as refused:
            update.replan(project, FACTS)
        assert "Nothing was changed" in str(refused.value)
        assert contents(project) == before
        holder.kill()
    said: list[str] = []
    update.replan(project, FACTS, say=said.append)

    assert said == ["A run that was interrupted had changed nothing; what it had prepared was removed."]
    assert not project.joinpath(".mlscaffold/work").exists()


@pytest.mark.slow
def test_two_replans_at_once_do_not_mix(stock: Path, tmp_path: Path) -> None:
    """With history the second is told that the first's changes are not committed; without, it plans on top of it."""
    for history in (True, False):
        folder = tmp_path / f"history-{history}"
        shutil.copytree(stock, folder, ignore=None if history else shutil.ignore_patterns(".git"))
        command = [sys.executable, "-m", "mlscaffold", "replan", str(folder), "--set"]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        runs = [
            subprocess.Popen([*command, fact], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for fact in ("positive_share=0.2", "miss_cost=20")
        ]
        errors = [run.communicate()[1] for run in runs]
        facts = facts_of(folder)
        taken = [facts["positive_share"] == "0.2", facts["miss_cost"] == "20"]

        assert [run.returncode == 0 for run in runs] == taken, errors
        assert taken.count(True) == (1 if history else 2)
        assert folder.joinpath("plan/plan.json").read_bytes() == _fresh_plan(facts, tmp_path / f"fresh-{history}")


def _fresh_plan(facts: dict[str, str], target: Path) -> bytes:
    from mlscaffold import answers

    return render.generate(answers.complete(facts), target).joinpath("plan/plan.json").read_bytes()


# ------------------------------------------------------------------------------------------------- wholly or not at all


def test_a_file_that_is_saved_while_the_plan_is_computed_is_not_lost(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an editor writes into it or puts a new file in its place; the whole tree is as it was but for that."""
    before = contents(project)
    real = journal._keep
    for how in ("write", "replace", "append"):

        def saves(path: Path, content: bytes, how: str = how) -> None:
            real(path, content)
            if path.name != journal.JOURNAL:
                return
            page = project / PAGE
            if how == "replace":
                page.with_name("x").write_text("saved")
                page.with_name("x").replace(page)
            elif how == "write":
                page.write_text("saved")
            else:
                with page.open("a") as file:
                    file.write("saved")

        monkeypatch.setattr(journal, "_keep", saves)
        with pytest.raises(ChangedMeanwhile, match=PAGE):
            update.replan(project, FACTS)
        after = contents(project)
        assert b"saved" in after[PAGE]
        assert after | {PAGE: b""} == before | {PAGE: b""}
        git(project, "checkout", "--quiet", PAGE)


def test_an_interrupt_in_the_middle_leaves_the_old_tree(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two renames: what was renamed is put back."""
    real = journal._take
    taken: list[str] = []

    def interrupted(folder: Path, work: Path, step: journal.Step) -> None:
        real(folder, work, step)
        taken.append(step.path)
        if len(taken) == 4:
            raise KeyboardInterrupt

    before = contents(project)
    monkeypatch.setattr(journal, "_take", interrupted)
    assert cli.run(["replan", str(project), "--set", "label_source=people"]) == 130
    assert contents(project) == before
    assert git(project, "status", "--porcelain", "--ignored") == ""


def test_leftovers_are_nothing_to_git_and_the_next_run_sweeps_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed run prepared makes no tree dirty, and export sweeps it as well as replan does."""
    work = lock.workshop(project)
    work.joinpath("new").mkdir()
    work.joinpath("new/0").write_text("half")
    assert git(project, "status", "--porcelain") == ""

    assert cli.run(["export", str(project), "--to", "csv"]) == 0
    assert not work.exists()


def test_the_lock_costs_nobody_time(project: Path) -> None:
    """Taking and giving it back is a matter of milliseconds."""
    start = time.monotonic()
    for _ in range(20):
        with lock.alone(project):
            pass

    assert time.monotonic() - start < 2


# ------------------------------------------------------------------------- files that were somebody's, or lie elsewhere


def test_a_file_that_was_somebodys_before_stays_theirs(tmp_path: Path) -> None:
    """Declined when the plan was added to a folder: the plan's proposal moves on, the file does not."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.joinpath("README.md").write_text("# Ours, for years\n")
    assert cli.run(["new", "--into", str(folder), "--kind", "ml", "--defaults", "--no-git"]) == 0
    proposal = folder / ".mlscaffold/proposals/README.md"
    before = proposal.read_bytes()
    done = update.replan(folder, FACTS | {"project_name": "Another name"})

    assert folder.joinpath("README.md").read_text() == "# Ours, for years\n"
    assert proposal.read_bytes() != before
    assert done.conflicts == ()
    assert json.loads(folder.joinpath(".mlscaffold/state.json").read_text("utf-8"))["declined"] == ["README.md"]
    assert update.replan(folder, {}).changed == ()


@pytest.mark.slow
def test_files_at_the_top_of_a_host_are_merged_where_they_lie(tmp_path: Path) -> None:
    """Their conflicts too are marked under the names that git knows them by."""
    host = tmp_path / "host"
    host.mkdir()
    git(host, "init", "--quiet")
    assert (
        cli.run(["new", "In here", "--kind", "ml", "--defaults", "--output", str(host / "apps"), "--host-files"]) == 0
    )
    folder = host / "apps/in-here"
    hosted = json.loads(folder.joinpath(".mlscaffold/state.json").read_text("utf-8"))["hosted"]
    place = hosted[".github/CODEOWNERS"]
    commit(host)
    host.joinpath(place).write_text("* @us\n")
    commit(host)
    done = update.replan(folder, {"code_owners": "po=@org/product"})

    assert done.conflicts == (f"../../{place}",)
    assert vcs.unmerged(host) == [place]
    assert "* @us" in host.joinpath(place).read_text("utf-8")
    assert not folder.joinpath(".github/CODEOWNERS").exists()


def test_two_branches_with_a_record_each_are_told_what_to_type(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both were planned again, with different facts: the printed lines lead to one plan with both of them."""
    other = Path(shutil.copytree(project, tmp_path / "other", symlinks=True))
    for folder, facts in ((project, {"miss_cost": "20"}), (other, {"email": "team@example.org"})):
        update.replan(folder, facts)
        commit(folder)
    git(project, "pull", "--quiet", "--no-rebase", str(other), "HEAD", check=False)
    before = contents(project)
    assert cli.run(["replan", str(project)]) == 1
    told = capsys.readouterr().err
    lines = re.findall(r"^  (git .*)$", told, re.MULTILINE)

    assert "both branches have a record of their own" in told
    assert contents(project) == before
    git(project, *shlex.split(lines[0])[1:])
    assert set(git(project, "ls-files", "--unmerged").split()) & {".mlscaffold/state.json"} == set()
    for name, text in contents(project).items():
        if re.search(rb"^<{7} ", text, re.MULTILINE):
            project.joinpath(name).write_bytes(re.sub(rb"^(?:<{7}|={7}|>{7}).*\n", b"", text, flags=re.MULTILINE))
    git(project, "add", "--all")
    git(project, *shlex.split(lines[1])[1:])
    assert cli.run(["replan", str(project)]) == 0
    facts = facts_of(project)
    assert (facts["miss_cost"], facts["email"]) == ("20", "team@example.org")
