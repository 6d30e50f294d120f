"""The README says what the program does: its tables are compared with the program itself."""

import re
import socket
from pathlib import Path

import click
import pytest
import readme_run
from material import ROOT
from mlscaffold import cli, questions, report

README = ROOT.joinpath("README.md").read_text("utf-8")


def between(name: str) -> str:
    """What stands between a pair of markers."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert found, f"README.md has no <!-- {name} --> … <!-- /{name} -->"
    return found[1].strip()


def test_the_question_table_is_the_programs() -> None:
    """After a change `python generator/sync.py` writes the new table."""
    assert between("questions") == report.questions_markdown(questions.load().values())


def test_the_command_table_is_the_programs() -> None:
    """Every command with every option, and none that does not exist."""
    rows = re.findall(r"^\| `mlscaffold (\S+)([^`]*)`", between("commands"), re.MULTILINE)
    listed = {name: set(re.findall(r"--[a-z-]+", options)) for name, options in rows}
    actual = {
        name: {
            option for parameter in command.params if isinstance(parameter, click.Option) for option in parameter.opts
        }
        for name, command in cli.cli.commands.items()
    }

    assert listed == actual


@pytest.mark.parametrize("wrong", ["pip install mlscaffold", "pipx install mlscaffold"])
def test_nobody_is_told_to_install_a_strangers_package(wrong: str) -> None:
    """The plain name on the public index belongs to somebody else."""
    texts = [
        path for folder in ("templates", "generator") for path in ROOT.joinpath(folder).rglob("*") if path.is_file()
    ]
    found = [
        path
        for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *texts]
        if re.search(rf"{wrong}(?!-planner)\b", path.read_text("utf-8", "ignore"))
    ]

    assert found == []


def test_the_commands_of_the_first_screen_exist() -> None:
    """`make new`, `make test`, `make test-all` and `make bench` are targets."""
    makefile = ROOT.joinpath("Makefile").read_text("utf-8")

    for target in set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)) | {"test-all", "bench"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_a_server_that_never_answers_is_told(tmp_path: Path) -> None:
    """Whoever follows a README line by line is shown what the server said, not a page that cannot be reached."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]  # free once more, whatever this machine serves on the README's
    with (
        pytest.raises(pytest.fail.Exception, match=rf"serves nothing on port {port}(.|\n)*no such settings"),
        readme_run.served("echo no such settings; exit 3", tmp_path, port),
    ):
        pass


def test_cruft_is_offered_for_nothing() -> None:
    """It would lose answers without a word: no block says to type it, and the warning names the way that keeps them."""
    typed = re.findall(r"^```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (warning,) = (part for part in README.split("\n\n") if "cruft" in part)

    assert [block for block in typed if "cruft" in block] == []
    assert "do not update with cruft" in warning
    assert "`mlscaffold adopt`" in warning
    assert "`mlscaffold update`" in warning
