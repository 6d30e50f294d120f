"""The offer at the end of `new`: the new repository's own setup and tests, and an honest word where they fail."""

from pathlib import Path

import pytest
from mlscaffold import starting


def makefile(folder: Path, setup: str, test: str) -> Path:
    """A repository whose two commands do that."""
    folder.joinpath("Makefile").write_text(f"setup:\n\t@{setup}\ntest:\n\t@{test}\n", "utf-8")
    return folder


def test_both_commands_run_in_the_new_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Their output is live, and both passing is code 0."""
    outcome = starting.run(makefile(tmp_path, "echo setting up > made", "cat made"))

    assert outcome == starting.Outcome("make test", 0)
    assert "setting up" in capfd.readouterr().out


def test_the_first_failure_ends_it_and_is_named(tmp_path: Path) -> None:
    """No tests are run in an environment that could not be set up."""
    outcome = starting.run(makefile(tmp_path, "exit 7", "touch tested"))

    assert (outcome.command, outcome.code != 0) == ("make setup", True)
    assert not tmp_path.joinpath("tested").exists()


def test_nothing_is_offered_where_there_is_nothing_to_make(tmp_path: Path) -> None:
    """Without a Makefile there is no offer; with one there is."""
    assert not starting.is_possible(tmp_path)
    assert starting.is_possible(makefile(tmp_path, "true", "true"))
