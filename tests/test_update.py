"""Replanning brings new numbers into the repository, and loses nothing that the team wrote."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from material import sample_answers
from mlscaffold import answers, cli, render, update, vcs
from mlscaffold.errors import CannotWrite, GitFailed, InvalidAnswer, NoRecord, NotCommitted, UnreadablePlan

FACTS = {"positive_share": "0.2", "miss_cost": "20"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The default ML repository with its first commit."""
    folder = render.render(sample_answers("ml-default"), tmp_path)
    vcs.create(folder, "Start")
    return folder


def edit(folder: Path, path: str, change: Callable[[str], str]) -> None:
    """Change a file and commit it."""
    file = folder / path
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    git(folder, "commit", "-qam", "edited")


def git(folder: Path, *arguments: str) -> str:
    """git's output."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def plan_of(folder: Path) -> dict[str, object]:
    """The repository's plan."""
    return json.loads(folder.joinpath("plan/plan.json").read_text("utf-8"))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("facts", "removed"), [(FACTS, ()), ({"ci": "none"}, (".github/workflows/ci.yml",))])
def test_a_replan_gives_what_a_new_render_would(
    facts: dict[str, str], removed: tuple[str, ...], project: Path, tmp_path: Path
) -> None:
    """Where the team has changed nothing, the repository is the new render: files that it no longer has are gone."""
    done = update.replan(project, facts)
    fresh = render.render(
        sample_answers("ml-default").__class__(sample_answers("ml-default").raw | facts), tmp_path / "fresh"
    )

    assert set(removed) <= set(done.removed)
    assert bool(removed) == bool(done.removed)
    assert done.conflicts == ()
    assert {p.relative_to(project): p.read_bytes() for p in render.files_of(project)} == {
        p.relative_to(fresh): p.read_bytes() for p in render.files_of(fresh)
    }


def test_the_same_answers_change_nothing(project: Path) -> None:
    """Neither a byte nor a number."""
    done = update.replan(project, {})

    assert (done.changed, done.removed, done.conflicts) == ((), (), ())
    assert git(project, "status", "--porcelain") == ""


def test_the_teams_words_stay_and_the_numbers_move(project: Path) -> None:
    """Both edits of one document are in it afterwards."""
    edit(project, "docs/00-charter.md", lambda text: text.replace("# Charter: My project", "# Charter: Ours"))
    before = plan_of(project)
    update.replan(project, FACTS)
    charter = project.joinpath("docs/00-charter.md").read_text("utf-8")

    assert charter.startswith("# Charter: Ours")
    assert plan_of(project)["test"] != before["test"]
    assert "0.2" in project.joinpath("plan/project.yaml").read_text("utf-8")


def test_a_renamed_page_is_followed(project: Path) -> None:
    """New numbers land in the page under its new name."""
    git(project, "mv", "docs/03-acceptance.md", "docs/03-thresholds.md")
    git(project, "commit", "-qm", "renamed")
    before = project.joinpath("docs/03-thresholds.md").read_text("utf-8")
    update.replan(project, FACTS)

    assert not project.joinpath("docs/03-acceptance.md").exists()
    assert project.joinpath("docs/03-thresholds.md").read_text("utf-8") != before


def test_a_page_the_team_deleted_stays_deleted_and_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Deleted by the team and changed by the plan: named, never a silent return, and nothing is left to resolve."""
    git(project, "rm", "-q", "docs/03-acceptance.md")
    git(project, "commit", "-qm", "deleted")
    code = cli.run(["replan", str(project), "--set", "positive_share=0.2"])
    out = capsys.readouterr().out

    assert code == 0
    assert "left as you left them: deleted or replaced:\n  docs/03-acceptance.md" in out
    assert not project.joinpath("docs/03-acceptance.md").exists()
    assert vcs.unmerged(project) == []


def test_two_edits_of_one_line_are_marked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Markers in the file, unmerged entries for git's tools, exit 1 with one sentence."""
    needle = next(
        line
        for line in project.joinpath("docs/03-acceptance.md").read_text("utf-8").splitlines()
        if "Test rows needed" in line
    )
    edit(
        project,
        "docs/03-acceptance.md",
        lambda text: text.replace(needle, "| **Test rows needed** | **as many as we have** |"),
    )
    code = cli.run(["replan", str(project), "--set", "positive_share=0.2"])
    text = project.joinpath("docs/03-acceptance.md").read_text("utf-8")

    assert code == 1
    assert "docs/03-acceptance.md" in capsys.readouterr().err
    assert "as many as we have" in text
    assert "<<<<<<<" in text
    assert git(project, "ls-files", "--unmerged", "--format=%(stage)", "docs/03-acceptance.md").split() == [
        "1",
        "2",
        "3",
    ]


def test_confirmed_assumptions_become_answers(project: Path) -> None:
    """What a person confirmed is carried into `confirmed`, and is no open assumption any more."""
    path = project / "plan/assumptions.yaml"
    rows = yaml.safe_load(path.read_text("utf-8"))
    rows[0] |= {"confirmed_by": "Ana", "confirmed_on": "2026-03-03"}
    path.write_text(yaml.safe_dump(rows, allow_unicode=True), "utf-8")
    git(project, "commit", "-qam", "confirmed")
    update.replan(project, {})
    left = [row["key"] for row in yaml.safe_load(path.read_text("utf-8"))]

    assert rows[0]["key"] not in left
    assert rows[0]["key"] in project.joinpath("plan/project.yaml").read_text("utf-8").split("confirmed: ")[1]


def test_an_answer_edited_by_hand_counts(project: Path) -> None:
    """project.yaml is the team's; a replan computes from it as it stands."""
    edit(project, "plan/project.yaml", lambda text: text.replace('miss_cost: "1"', 'miss_cost: "20"'))
    done = update.replan(project, {})

    assert ("acceptance.threshold", 0.5) in [(key, old["value"]) for key, old, _ in update.changed_numbers(done)]


def test_a_dry_run_shows_and_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The six lines before and after, every finding, files that would change, and a clean work tree."""
    code = cli.run(["replan", str(project), "--set", "test_looks=1", "--dry-run"])
    out = capsys.readouterr().out

    assert code == 0
    assert "was: 3,484 labelled test rows" in out
    assert "now: 2,440 labelled test rows" in out
    assert "In the way of this plan" in out
    assert "Would change:\n" in out
    assert re.search(r"\d+ numbers change; --numbers lists them\.", out)
    assert "→" not in out
    assert git(project, "status", "--porcelain") == ""


def test_the_other_numbers_are_listed_on_request(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With units before and after, and with what each means."""
    cli.run(["replan", str(project), "--set", "test_looks=1", "--dry-run", "--numbers"])
    out = capsys.readouterr().out

    assert "  test.rows: 3,484 rows → 2,440 rows\n    Labelled test rows that show the gain" in out


def test_a_changed_advice_is_told_with_its_reasons(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it was, what it is now; and nothing about it where it stays."""
    cli.run(["replan", str(project), "--set", "miss_cost=2", "--dry-run"])
    stays = capsys.readouterr().out
    cli.run(["replan", str(project), "--dry-run", "--set", "past_cases=90", "--set", "labelled_cases=90"])
    changes = capsys.readouterr().out

    assert "advice" not in stays.partition("Most in the way")[0]
    assert "The advice changes" not in stays
    assert "The advice changes: it was software (rules), and is now ml (SQL or statistics)." in changes


def test_an_update_renders_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine and the pages are of one render, which is most of the work."""
    renders = []
    real = render.generate
    monkeypatch.setattr(render, "generate", lambda *words: renders.append(1) or real(*words))
    update.update(project, dry_run=True)

    assert len(renders) == 1


def test_a_dry_run_tells_the_conflicts_ahead(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside everything else, with a next step that can be taken: nothing has been marked yet."""
    edit(project, "docs/03-acceptance.md", lambda text: re.sub(r"(?m)^- Labels still to get: .*$", "- Ours: 7", text))
    code = cli.run(["replan", str(project), "--set", "positive_share=0.2", "--dry-run"])
    printed = capsys.readouterr()

    assert code == 1
    assert "The plan in six lines" in printed.out
    assert "In the way of this plan" in printed.out
    assert "change the same lines of docs/03-acceptance.md" in printed.err
    assert "Nothing was written. Without --dry-run both versions are marked" in printed.err
    assert git(project, "status", "--porcelain") == ""


def test_it_works_without_git(tmp_path: Path) -> None:
    """A folder of files is merged as well; there is only no index to mark."""
    folder = render.render(sample_answers("sw-default"), tmp_path)
    charter = folder / "docs/00-charter.md"
    charter.write_text(charter.read_text("utf-8").replace("# Charter", "# Our charter", 1), "utf-8")
    done = update.replan(folder, {"slo_percent": "99.0"})

    assert done.conflicts == ()
    assert charter.read_text("utf-8").startswith("# Our charter")


def test_braces_in_an_answer_stay_literal(tmp_path: Path) -> None:
    """A merge is no second chance for an answer to be worked out."""
    folder = render.render(sample_answers("awkward-ml"), tmp_path)
    update.replan(folder, {"miss_cost": "9"})

    assert "{{ 7*7 }}" in folder.joinpath("README.md").read_text("utf-8")


def test_refusals_change_nothing(project: Path, tmp_path: Path) -> None:
    """Uncommitted work, a folder that is not ours, a bad answer."""
    with pytest.raises(NoRecord, match=r"base\.tar\.gz"):
        update.replan(tmp_path, FACTS)
    with pytest.raises(InvalidAnswer):
        update.replan(project, {"positive_share": "2"})
    project.joinpath("docs/glossary.md").write_text("half a thought")
    with pytest.raises(NotCommitted):
        update.replan(project, FACTS)
    assert git(project, "status", "--porcelain").split() == ["M", "docs/glossary.md"]


def test_a_merge_that_git_refuses_is_one_sentence(tmp_path: Path) -> None:
    """As an older git would: what failed, that nothing changed, and which version it takes."""
    store = vcs.Store(tmp_path / "store.git")
    shutil.rmtree(store.folder / "objects")

    with pytest.raises(GitFailed, match=r"`git fast-import` failed: fatal: ") as failed:
        store.merge({}, {"a": vcs.File(b"a")}, {})
    assert "Nothing was changed" in failed.value.hint


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("plan/plan.json", "{", "it is not JSON"),
        ("plan/plan.json", "[]", "it holds no plan"),
        ("plan/assumptions.yaml", "- key: [", "it is not a list of assumptions"),
        ("plan/assumptions.yaml", "- metric", "it is not a list of assumptions"),
        ("plan/assumptions.yaml", "- confirmed_by: Ana", "it is not a list of assumptions"),
    ],
)
def test_a_damaged_plan_is_one_sentence(project: Path, path: str, text: str, why: str) -> None:
    """The file is named, with what is wrong with it; nothing changes."""
    project.joinpath(path).write_text(text, "utf-8")

    with pytest.raises(UnreadablePlan, match=f"{path} cannot be used: {why}"):
        update.replan(project, {}, dry_run=True)
    assert git(project, "status", "--porcelain").split() == ["M", path]


def test_confirmed_keys_may_be_written_without_spaces(project: Path) -> None:
    """`a;b` names two keys, as everywhere."""
    edit(project, "plan/project.yaml", lambda text: text.replace('confirmed: ""', 'confirmed: "metric;task"'))

    assert update.recorded(project)["confirmed"] == "metric; task"


def test_a_full_disk_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte is staged before the first rename, and the staged files are taken away again."""
    real = os.fsync
    written: list[int] = []

    def fills_up(file: int) -> None:
        written.append(file)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", fills_up)
    with pytest.raises(CannotWrite, match="No space left"):
        update.replan(project, FACTS)
    assert len(written) == 5
    assert not project.joinpath(".mlscaffold/work").exists()
    assert git(project, "status", "--porcelain") == ""


def numbered(folder: Path) -> dict[str, str]:
    """What each requirement is about → its number."""
    rows = json.loads((folder / "plan/plan.json").read_text("utf-8"))["requirements"]
    return {row["about"] or row["capability"]: row["id"] for row in rows}


def test_a_requirement_keeps_its_number(tmp_path: Path) -> None:
    """A capability more gets a number that nobody has, the team's own ones included; a dropped one's is not reused."""
    given = {"kind": "software", "project_name": "Orders", "capabilities": "Submit an order; Cancel an order"}
    folder = render.render(answers.complete(given), tmp_path)
    vcs.create(folder, "Start")
    before = numbered(folder)
    highest = max(int(number[2:]) for number in before.values())
    edit(folder, "plan/requirements.yaml", lambda text: text + f"# R-{highest + 1:02} is ours\n")

    update.replan(folder, {"capabilities": "Submit an order; Cancel an order; Track an order"})
    added = numbered(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "more")
    update.replan(folder, {"capabilities": "Cancel an order; Track an order; Return an order"})
    changed = numbered(folder)

    assert {name: added[name] for name in before} == before
    assert added["Track an order"] == f"R-{highest + 2:02}"
    assert {name: changed[name] for name in added if name in changed} == {
        name: number for name, number in added.items() if name != "Submit an order"
    }
    assert changed["Return an order"] == f"R-{highest + 3:02}"
    assert f"R-{highest + 3:02}" in (folder / "plan/requirements.yaml").read_text("utf-8")
    assert before["Submit an order"] not in changed.values()


def test_a_plan_whose_numbers_stay_needs_no_list(tmp_path: Path) -> None:
    """Nothing shifts, so nothing is written down."""
    given = {"kind": "software", "project_name": "Orders", "capabilities": "Submit an order"}
    folder = render.render(answers.complete(given), tmp_path)
    vcs.create(folder, "Start")
    update.replan(folder, {"p95_ms": "700"})

    assert 'requirement_ids: ""' in (folder / "plan/project.yaml").read_text("utf-8")
