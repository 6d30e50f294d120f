"""The offer at the end of `new`: the new repository's own setup and tests, and an honest word where they fail."""

import os
import sys
from pathlib import Path

import pytest
from mlscaffold import starting
from terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent


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


def offered(folder: Path, *replies: str) -> tuple[list[str], int]:
    """What a terminal shows of the offer made in the folder around, and the exit code."""
    program = f"from pathlib import Path; from mlscaffold import cli; cli._offer_a_start(Path({folder.name!r}))"
    run = f"import click; click.command()(lambda: exec({program!r})).main(prog_name='new')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator"), "TERM": "xterm-256color", "NO_COLOR": "1"}
    terminal = Terminal([sys.executable, "-c", run], 80, folder.parent, environment)
    try:
        for reply in replies:
            terminal.type(reply)
        code = terminal.end()
    finally:
        terminal.close()
    return terminal.screen.lines_so_far(), code


@pytest.mark.parametrize(
    ("setup", "test", "code", "said"),
    [
        ("true", "true", 0, "Set up, and its tests pass. What comes next is said by:\n  cd desk && make status"),
        ("true", "exit 7", 1, "written; once that is mended, go on with:\n  cd desk && make setup test"),
    ],
)
def test_the_end_says_what_can_be_typed(tmp_path: Path, setup: str, test: str, code: int, said: str) -> None:
    """Whoever says yes stands beside the new folder and not in it, so the next line begins with the way there."""
    folder = tmp_path / "desk"
    folder.mkdir()

    lines, ended = offered(makefile(folder, setup, test), "\r")

    assert "\n".join(lines).endswith(said)
    assert ended == code


def test_ctrl_c_stops_what_was_started(tmp_path: Path) -> None:
    """The running command ends, nothing runs after it, and the way to go on is said."""
    folder = tmp_path / "desk"
    folder.mkdir()
    # The mark that a prompt begins is how the terminal knows that it may type on.
    makefile(folder, "printf '\\033[?2004h'; sleep 50; touch finished", "touch tested")

    lines, ended = offered(folder, "\r", "\x03")

    assert "\n".join(lines).endswith("Stopped; the repository is written. Go on with:\n  cd desk && make setup test")
    assert ended == 130
    assert not list(folder.glob("*ed"))


def test_nothing_is_offered_where_there_is_nothing_to_make(tmp_path: Path) -> None:
    """Without a Makefile there is no offer; with one there is."""
    assert not starting.is_possible(tmp_path)
    assert starting.is_possible(makefile(tmp_path, "true", "true"))
