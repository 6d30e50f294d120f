"""A repository meets a newer mlscaffold, and an older one: nothing of the team's is lost, the engine included.

The other version is a copy of this checkout with another number, another page and another engine.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from material import ROOT, sample_answers
from mlscaffold import cli, origin, render, update, vcs
from mlscaffold.board import forms
from mlscaffold.errors import NewerRecord
from planrun.repository import Repo
from planrun.status import status

NEWER = "0.7.0"
GATES = "engine/planrun/gates.py"
ADDED, GONE = "engine/planrun/added.py", "engine/planrun/yaml_rows.py"
OURS = "# ours: one line more\n"
CODE = "import sys; from mlscaffold.cli import main; main(sys.argv[1:])"


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the made-up version 0.7.0."""
    copy = tmp_path_factory.mktemp("newer") / "checkout"
    for name in ("docs", "generator", "templates"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "README.md", copy)
    generator = copy / "generator"
    for path in ("mlscaffold/__init__.py", "planrun/__init__.py"):
        edited(generator / path, '__version__ = "0.1.0"', f'__version__ = "{NEWER}"')
    edited(generator / "planrun/gates.py", '"""Gates: registered', '"""Gates, newer: registered')
    (generator / "planrun/added.py").write_text('"""A module that is new."""\n')
    edited(generator / "planrun/signing/signatures.py", "from planrun.yaml_rows import", "from planrun.rows import")
    (generator / "planrun/yaml_rows.py").rename(generator / "planrun/rows.py")
    for other in ("signing/assumptions.py", "signing/waivers.py"):
        path = generator / "planrun" / other
        path.write_text(path.read_text("utf-8").replace("planrun.yaml_rows", "planrun.rows"), "utf-8")
    edited(next((copy / "templates" / "ml").glob("{{*/docs/00-charter.md")), "# Charter: ", "# The charter of ")
    edited(generator / "imports.py", "authors yaml_rows", "authors added rows")
    subprocess.run([sys.executable, "generator/sync.py"], cwd=copy, check=True, capture_output=True)
    return copy


def edited(path: Path, old: str, new: str) -> None:
    """Something else in a file."""
    text = path.read_text("utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The default ML repository of this version, with its first commit."""
    folder = render.render(sample_answers("ml-default"), tmp_path)
    vcs.create(folder, "Start")
    return folder


@pytest.fixture
def run(newer: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The newer version's command."""

    def typed(*words: object) -> subprocess.CompletedProcess[str]:
        surroundings = os.environ | {"PYTHONPATH": str(newer / "generator"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", CODE, *map(str, words)]
        return subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)

    return typed


Run = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *words: str) -> str:
    """git's output."""
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a tree."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in render.files_of(folder)}


def commit(folder: Path) -> None:
    git(folder, "commit", "-qam", "edited")


def test_a_replan_refuses_a_repository_of_another_version(project: Path, run: Run) -> None:
    """Both versions and the command are named, and nothing is changed."""
    done = run("replan", project, "--set", "daily_volume=2000")

    assert done.returncode == 1
    assert "written by mlscaffold 0.1.0, and this is 0.7.0. Nothing was changed." in done.stderr
    assert f"update {shlex.quote(str(project))}" in done.stderr
    assert git(project, "status", "--porcelain") == ""


def test_an_update_is_what_the_newer_version_would_have_written(project: Path, run: Run, tmp_path: Path) -> None:
    """Where the team has changed nothing: engine, pages and record, byte for byte; afterwards nothing is due."""
    assert run("update", "--check", project).returncode == 1
    done = run("update", project)
    answers = tmp_path / "answers.yaml"
    answers.write_bytes((project / "plan/project.yaml").read_bytes())
    fresh = run("new", "--answers", answers, "--defaults", "--output", tmp_path / "fresh")
    again = run("update", "--check", project)

    assert (done.returncode, fresh.returncode) == (0, 0), done.stderr + fresh.stderr
    assert "Updated from mlscaffold 0.1.0 to 0.7.0." in done.stdout
    assert contents(project) == contents(tmp_path / "fresh" / "my-project")
    assert (project / ADDED).is_file()
    assert not (project / GONE).exists()
    assert (again.returncode, "Nothing is newer" in again.stdout) == (0, True)


@pytest.mark.slow
def test_a_dry_run_and_a_check_write_nothing(project: Path, run: Run) -> None:
    """What would change is shown."""
    done, check = run("update", "--dry-run", project), run("update", "--check", project)

    assert (done.returncode, check.returncode) == (0, 1)
    assert "The engine would be replaced." in done.stdout
    assert "docs/00-charter.md" in done.stdout
    assert "by mlscaffold 0.1.0, and this is 0.7.0" in check.stderr
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_dry_run_ends_with_a_diff_that_can_be_applied(project: Path, run: Run, tmp_path: Path) -> None:
    """Of the pages: what the newer version brings to the team's files as they are, and no more."""
    edited(project / "docs/00-charter.md", "## ", "## Ours: ")
    commit(project)
    done = run("update", "--dry-run", project)
    patch = tmp_path / "shown.patch"
    patch.write_text(done.stdout[done.stdout.index("diff --git") :], "utf-8")
    applied = project.parent / "applied"
    shutil.copytree(project, applied)
    git(applied, "apply", str(patch))
    run("update", project)

    assert "+# The charter of " in done.stdout
    pages = {path: text for path, text in contents(project).items() if path.startswith("docs/")}
    assert {path: text for path, text in contents(applied).items() if path.startswith("docs/")} == pages


def test_a_check_says_what_is_new(project: Path, run: Run) -> None:
    """Whatever the team has edited and not committed: a pipeline only wants to know."""
    edited(project / "docs/00-charter.md", "# Charter: ", "# Ours: ")
    project.joinpath("plan/plan.json").write_text(project.joinpath("plan/plan.json").read_text("utf-8") + "\n", "utf-8")
    check = run("update", "--check", project)

    assert check.returncode == 1
    assert "Changed:\n  docs/00-charter.md\n" in check.stdout
    assert re.search(r"The engine: \d+ files are different\.", check.stdout)
    assert "plan/plan.json" not in check.stdout


def test_the_teams_pages_are_merged_and_its_edits_of_the_engine_kept_as_a_patch(project: Path, run: Run) -> None:
    """The patch is named, holds the edit, a new file and a deleted one, and fits the new engine."""
    edited(project / "docs/00-charter.md", "## ", "## Ours: ")
    gates = project / GATES
    gates.write_text(gates.read_text("utf-8") + OURS, "utf-8")
    (project / "engine/planrun/more.py").write_text("# a module of ours\n")
    (project / "engine/planrun/steps.py").unlink()
    git(project, "add", "--all")
    commit(project)
    done = run("update", project)
    patch = ".mlscaffold/engine-edits-0.1.0.patch"

    assert done.returncode == 0, done.stderr
    for name in (patch, GATES, "engine/planrun/more.py", "engine/planrun/steps.py", "git apply --3way"):
        assert name in re.sub(r"\s+", " ", done.stdout)
    charter = (project / "docs/00-charter.md").read_text("utf-8")
    assert charter.startswith("# The charter of ")
    assert "## Ours: " in charter
    assert OURS not in gates.read_text("utf-8")
    assert "Gates, newer" in gates.read_text("utf-8")
    assert not (project / "engine/planrun/more.py").exists()
    assert (project / "engine/planrun/steps.py").is_file()
    git(project, "add", "--all")
    commit(project)
    git(project, "apply", "--3way", patch)
    assert OURS in gates.read_text("utf-8")
    assert "Gates, newer" in gates.read_text("utf-8")
    assert (project / "engine/planrun/more.py").read_text() == "# a module of ours\n"
    assert not (project / "engine/planrun/steps.py").exists()


@pytest.mark.slow
def test_without_a_history_the_patch_is_against_the_new_engine(tmp_path: Path, run: Run) -> None:
    """Nobody kept the engine as it was delivered: the edit is still kept, and that is said."""
    project = render.render(sample_answers("ml-default"), tmp_path)
    gates = project / GATES
    gates.write_text(gates.read_text("utf-8") + OURS, "utf-8")
    done = run("update", project)
    patch = (project / ".mlscaffold/engine-edits-0.1.0.patch").read_text("utf-8")

    assert done.returncode == 0, done.stderr
    assert "against the new one" in re.sub(r"\s+", " ", done.stdout)
    assert f"+{OURS}" in patch
    assert OURS not in gates.read_text("utf-8")


@pytest.mark.slow
def test_an_engine_that_is_installed_from_elsewhere_is_not_brought_back(project: Path, run: Run) -> None:
    """A team that publishes the engine itself has deleted the folder."""
    git(project, "rm", "-rq", "engine")
    commit(project)
    done = run("update", project)

    assert done.returncode == 0, done.stderr
    assert "There is no engine/ here" in done.stdout
    assert not (project / "engine").exists()


@pytest.mark.slow
def test_line_ends_of_windows_are_no_edit(project: Path, run: Run) -> None:
    """A checkout that ends its lines otherwise has the engine as it was released, and keeps its line ends."""
    (project / ".gitattributes").write_text("* -text\n")
    for path in (project / "engine").rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    git(project, "add", "--all")
    commit(project)
    done = run("update", project)

    assert done.returncode == 0, done.stderr
    assert "patch" not in done.stdout
    assert b"Gates, newer" in (project / GATES).read_bytes()
    assert b"\n" not in (project / GATES).read_bytes().replace(b"\r\n", b"")


def test_a_conflict_is_marked_and_the_engine_is_replaced_with_the_rest(project: Path, run: Run) -> None:
    """Both changed the same line of a page: exit 1, the page is named, and the record is the new one's."""
    edited(project / "docs/00-charter.md", "# Charter: My project", "# Charter: Ours")
    commit(project)
    done = run("update", project)
    state = json.loads((project / ".mlscaffold/state.json").read_text("utf-8"))

    assert done.returncode == 1
    assert "docs/00-charter.md" in done.stderr
    assert f"The team's text and version {NEWER} changed the same lines of docs/00-charter.md" in done.stderr
    page = (project / "docs/00-charter.md").read_text("utf-8")
    assert re.findall(r"^(?:<{7}|>{7}) .+$", page, re.MULTILINE) == ["<<<<<<< yours", f">>>>>>> version-{NEWER}"]
    again = run("update", project)
    assert (again.returncode, "conflicts that are not resolved" in again.stderr) == (1, True), "no word of being done"
    assert "Gates, newer" in (project / GATES).read_text("utf-8")
    assert state["version"] == NEWER


@pytest.mark.slow
def test_edits_that_are_not_committed_are_not_mixed_with_an_update(project: Path, run: Run) -> None:
    """An edit of the engine that only the disk has is refused, and stays."""
    gates = project / GATES
    gates.write_text(gates.read_text("utf-8") + OURS, "utf-8")
    done = run("update", project)

    assert done.returncode == 1
    assert GATES in done.stderr
    assert gates.read_text("utf-8").endswith(OURS)
    assert not list((project / ".mlscaffold").glob("*.patch"))


@pytest.mark.slow
def test_an_older_mlscaffold_rewrites_nothing_of_a_newer_ones(
    project: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither update nor replan: both versions are named."""
    assert run("update", project).returncode == 0
    git(project, "add", "--all")
    commit(project)
    for change in (lambda: update.update(project), lambda: update.replan(project, {"daily_volume": "2000"})):
        with pytest.raises(NewerRecord, match=r"written by mlscaffold 0\.7\.0, and this is 0\.1\.0"):
            change()
    for words in (["update", str(project)], ["update", "--check", str(project)]):
        assert cli.run(words) == 1
        assert "0.7.0" in capsys.readouterr().err

    assert git(project, "status", "--porcelain") == ""


def test_line_ends_alone_are_no_uncommitted_work(project: Path, run: Run) -> None:
    """An editor on Windows has saved every page anew: git has nothing to commit, and the update comes."""
    pages = list(project.glob("docs/*.md"))
    for path in pages:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "docs/05-risks.md" in git(project, "status", "--porcelain")
    assert vcs.uncommitted(project) == set()
    done = run("update", project)

    assert done.returncode == 0, done.stderr
    assert project.joinpath("docs/00-charter.md").read_bytes().startswith(b"# The charter of My project\r\n")
    assert [path.name for path in pages if b"\n" in path.read_bytes().replace(b"\r\n", b"")] == []


def test_work_of_every_kind_counts_as_uncommitted(project: Path) -> None:
    """An edit, a bit, a file that is gone, one that is staged; line ends beside them do not hide them."""
    for path in project.glob("docs/*.md"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with project.joinpath("docs/00-charter.md").open("ab") as page:
        page.write(b"ours\r\n")
    project.joinpath("Makefile").chmod(0o755)
    project.joinpath("README.md").unlink()
    project.joinpath("new.txt").write_text("new")
    git(project, "add", "new.txt")

    assert vcs.uncommitted(project) == {"docs/00-charter.md", "Makefile", "README.md", "new.txt"}
    assert vcs.uncommitted(project / "docs") == {"00-charter.md"}


def test_without_git_an_update_says_what_it_is_for(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Merging; a flag of another command is no remedy here."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    assert cli.run(["update", "--set", "daily_volume=2000", str(project)]) == 1
    told = capsys.readouterr().err
    assert ("pages are merged with it" in told, "--no-git" in told) == (True, False)


def test_a_commit_is_named_where_the_templates_are_as_it_has_them(tmp_path: Path) -> None:
    """A clean checkout has one; edited or added templates, a copy without git and one inside a repository have none."""
    known = {}
    top = tmp_path / "checkout"
    template = top / "templates/ml/page.md"
    template.parent.mkdir(parents=True)
    template.write_text("one\n")
    known["no repository"] = vcs.commit_unchanged(top, origin.OF_TEMPLATES)
    vcs.create(top, "Start")
    head = git(top, "rev-parse", "HEAD").strip()
    top.joinpath("elsewhere.txt").write_text("notes")
    known["clean"] = vcs.commit_unchanged(top, origin.OF_TEMPLATES)
    known["inside"] = vcs.commit_unchanged(top / "templates", origin.OF_TEMPLATES)
    template.with_name("new.md").write_text("new")
    known["added"] = vcs.commit_unchanged(top, origin.OF_TEMPLATES)
    template.with_name("new.md").unlink()
    template.write_text("two\n")
    known["edited"] = vcs.commit_unchanged(top, origin.OF_TEMPLATES)

    assert known == {"no repository": "", "clean": head, "inside": "", "added": "", "edited": ""}


def test_a_check_names_both_commits(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Known or not; and `status --json` has what the record has, for programs."""
    path = project / ".mlscaffold/state.json"
    state = json.loads(path.read_text("utf-8"))
    monkeypatch.setattr(origin, "commit", lambda: "f" * 40)
    path.write_text(json.dumps(state | {"template_commit": "0123456789" * 4}))
    assert cli.run(["update", "--check", str(project)]) == 0
    assert "templates of commit 0123456789." in capsys.readouterr().out
    path.write_text(json.dumps(state | {"template_commit": "", "template_sha256": "another"}))
    assert cli.run(["update", "--check", str(project)]) == 1
    assert "Templates: from a commit that is not known to commit ffffffffff." in capsys.readouterr().out
    told = json.loads(status(Repo(project), as_json=True).text)["template"]

    assert told == {"version": "0.1.0", "commit": "", "sha256": "another"}
    assert forms.misfit(told, forms.STATUS["template?"]) == ""


def test_the_record_says_from_what_it_was_made(project: Path) -> None:
    """Version, templates, their commit and engine; a replan, also from another commit, leaves them as they are."""
    path = project / ".mlscaffold/state.json"
    before = json.loads(path.read_text("utf-8")) | {"template_commit": "0123456789" * 4}
    path.write_text(json.dumps(before, indent=2, ensure_ascii=False) + "\n", "utf-8")
    commit(project)
    update.replan(project, {"daily_volume": "2000"})
    after = json.loads(path.read_text("utf-8"))

    assert before["version"] == "0.1.0"
    assert before["template_commit"] == after["template_commit"] == "0123456789" * 4
    for name in ("template_sha256", "engine_sha256"):
        assert re.fullmatch(r"[0-9a-f]{64}", before[name])
        assert after[name] == before[name]
