"""The table of commands: each leads to a function that takes what its arguments say."""

import importlib
import inspect
import shlex

import pytest
from planrun import cli
from planrun.command import Command
from planrun.commands import commands

from planrun_software.commands import COMMANDS
from planrun_software.tests.toy import Desk


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_a_command_leads_to_a_function_that_takes_its_arguments(command: Command) -> None:
    """And has an answer ready for each that is not typed."""
    module, _, name = command.function.partition(":")
    _, *taken = inspect.signature(getattr(importlib.import_module(module), name)).parameters.values()
    named = {names[0].removeprefix("--").replace("-", "_"): settings for names, settings in command.arguments}

    assert {one.name for one in taken} == set(named)
    assert {one.name: one.default for one in taken} == {key: one.get("default") for key, one in named.items()}
    assert command.help


def test_each_command_is_offered_once(desk: Desk) -> None:
    """Beside those of every repository, none of which it hides."""
    offered = commands(desk.repo.answers)
    own = [command.name for command in COMMANDS]

    assert len(own) == len(set(own))
    assert [offered[name].function for name in own] == [command.function for command in COMMANDS]
    assert {"status", "sign", "waive"} <= set(offered) - set(own)


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ("budget --total 1000 --failed 1", 0, "1 of 1000 failed, and 10 may: 90% of the error budget is left."),
        ("budget --total 1000 --failed 11", 1, "the error budget is spent"),
        ("budget", 1, "Both counts are needed"),
        ("load --requests 0", 1, "0 requests show nothing"),
        ("rollback-drill --to v9", 2, "no release to go back to"),
        ("alert-test", 2, "DESK_ALERTS holds no address"),
    ],
)
def test_a_command_is_typed(
    typed: str, code: int, told: str, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it says, or what is in the way, and the exit code that programs read."""
    desk.commit()
    desk.git("update-ref", "HEAD", desk.git("commit-tree", "HEAD^{tree}", "-m", "the only one").strip())
    monkeypatch.delenv("DESK_ALERTS", raising=False)
    monkeypatch.chdir(desk.root)

    assert cli.main(shlex.split(typed)) == code
    printed = capsys.readouterr()
    assert told in printed.out + printed.err


@pytest.mark.parametrize("typed", ["load", "accept", "audit", "restore-drill", "rollback-drill", "budget"])
def test_what_measures_waits_until_a_merge_is_finished(
    typed: str, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two versions of one line are in a file: nothing is measured on both."""
    desk.write("docs/03-acceptance.md", "<<<<<<< yours\n1\n=======\n2\n>>>>>>> the-new-plan\n")
    desk.git("add", "docs")
    monkeypatch.chdir(desk.root)

    assert cli.main([typed]) == 2
    assert "a merge is not finished" in capsys.readouterr().err
