"""What git is asked: what differs from the last commit, however it was hidden, and the way back to what was sound."""

from pathlib import Path

import pytest

from planrun import git
from planrun.tests.toy import Toy
from planrun.trouble import Trouble


def test_what_differs_from_the_last_commit(toy: Toy) -> None:
    """Edited, new and removed files below the paths that are asked for; other line ends are no change."""
    toy.write("docs/page.md", "# Another\n")
    toy.write("docs/more.md", "")
    toy.root.joinpath("plan/gates.yaml").unlink()
    assert git.changed(toy.root, ["docs"]) == ["docs/page.md", "docs/more.md"]
    assert git.changed(toy.root, ["plan"]) == ["plan/gates.yaml"]
    toy.write(".gitattributes", "* text=auto\n")
    toy.commit()
    toy.root.joinpath("docs/page.md").write_bytes(b"# Another\r\n")

    assert git.changed(toy.root, ["docs"]) == []


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_change_that_git_was_told_to_overlook_is_one(flag: str, toy: Toy) -> None:
    toy.git("update-index", flag, "docs/page.md")
    assert git.hidden(toy.root, ["docs"]) == []
    toy.write("docs/page.md", "# Another\n")

    assert git.hidden(toy.root, ["docs"]) == git.changed(toy.root, ["docs"]) == ["docs/page.md"]


def test_a_history_that_was_put_in_the_place_of_another_is_not_read(toy: Toy) -> None:
    """`git replace` shows this copy another commit than everybody else has."""
    true = git.head(toy.root)
    toy.write("docs/page.md", "# Forged\n")
    toy.commit("Bo")
    toy.git("replace", true, "HEAD")

    assert toy.git("show", f"{true}:docs/page.md") == "# Forged\n"
    assert git.contents(toy.root, "docs/page.md", [true, "HEAD"]) == {true: "# A page\n", "HEAD": "# Forged\n"}


def test_contents_of_a_file_that_a_commit_has_not(toy: Toy, tmp_path: Path) -> None:
    assert git.contents(toy.root, "docs/none.md", ["HEAD"]) == {"HEAD": ""}
    assert git.contents(tmp_path, "docs/page.md", ["HEAD"]) == {"HEAD": ""}


def test_the_way_back_leads_to_the_last_sound_commit(toy: Toy) -> None:
    """Past a damage that was committed, and past a deletion that was."""
    sound = toy.git("rev-parse", "--short", "HEAD").strip()

    def is_page(text: str) -> bool:
        return text.startswith("# ")

    assert git.way_back(toy.root, "docs/page.md", is_page) == "git checkout docs/page.md"
    toy.write("docs/page.md", "torn")
    toy.git("add", "docs/page.md")
    assert git.way_back(toy.root, "docs/page.md", is_page) == "git checkout HEAD -- docs/page.md"
    toy.commit()
    assert git.way_back(toy.root, "docs/page.md", is_page) == f"git checkout {sound} -- docs/page.md"
    assert git.way_back(toy.root, "docs/never.md", is_page) == ""


def test_a_commit_takes_its_paths_and_nothing_else(toy: Toy) -> None:
    toy.write("docs/page.md", "# Another\n")
    toy.write("docs/more.md", "")
    toy.git("add", "docs/more.md")
    assert git.commit(toy.root, ["docs/page.md"], "One page") == "Committed: One page"
    assert toy.git("show", "--name-only", "--format=").split() == ["docs/page.md"]

    assert git.commit(toy.root, ["docs/page.md"], "Again") == "Nothing to commit: it was already written so."


def test_a_commit_that_is_refused_loses_nothing(toy: Toy) -> None:
    """A hook says no: its own words are told, and what to type once that is settled."""
    hook = toy.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no commits on Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    toy.write("docs/page.md", "# Another\n")
    with pytest.raises(Trouble, match=r"docs/page\.md is written and staged, but git refused .*: no commits on Friday"):
        git.commit(toy.root, ["docs/page.md"], "One page")

    assert toy.git("diff", "--cached", "--name-only").split() == ["docs/page.md"]


def test_without_a_history_or_a_name_nothing_is_committed(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are told with what to type; the file stays staged for whoever does."""
    assert git.commit(tmp_path, ["a"], "A").endswith("Start one with: git init")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    toy.write("docs/page.md", "# Another\n")

    assert not git.has_identity(toy.root)
    assert "git config user.name" in git.commit(toy.root, ["docs/page.md"], "One page")
    assert toy.git("diff", "--cached", "--name-only").split() == ["docs/page.md"]
