"""SIGKILL at any moment of `update`: the old tree or the new one, and the next run says which and goes on."""

import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from histories import killed
from made_up_releases import MadeUp, number_of
from material import mostly_slow
from mlscaffold import cli, update
from mlscaffold.answers import Answers
from mlscaffold.repository import journal, record
from standing import born, commit, contents, git, remembered
from test_kills import ended_by_the_clock

QUICK, ALL = 3, 100
MOMENTS = mostly_slow(range(ALL), *range(QUICK))
GATES = "engine/planrun/gates.py"
Generate = Callable[[Answers, Path], Path]


@pytest.fixture(scope="module")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Generate:
    """A `render.generate` that renders the same answers once."""
    return remembered(tmp_path_factory.mktemp("renders"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed repository with an edit of the engine, and pages that wait for a conflict at each of their lines."""
    folder = born(tmp_path_factory.mktemp("stock"), "sw-default")
    folder.joinpath(GATES).write_bytes(folder.joinpath(GATES).read_bytes() + b"# ours\n")
    for page in folder.glob("docs/*.md"):
        page.write_bytes(b"".join(b"ours\n" + line for line in page.read_bytes().splitlines(keepends=True)))
    commit(folder)
    return folder


@pytest.fixture
def made_up(generate: Generate, monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    """The next version, installed."""
    found = MadeUp(generate, monkeypatch)
    found.install(1)
    return found


@pytest.fixture(scope="module")
def outcomes(
    stock: Path, generate: Generate, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The tree before, and the tree after an update that nobody ends."""
    folder = Path(shutil.copytree(stock, tmp_path_factory.mktemp("whole") / "project", symlinks=True))
    before = contents(folder)
    with pytest.MonkeyPatch.context() as patch:
        MadeUp(generate, patch).install(1)
        assert update.update(folder).merged.conflicts
    return before, contents(folder)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_update_is_wholly_there_or_not_at_all(
    moment: int,
    stock: Path,
    made_up: MadeUp,
    outcomes: tuple[dict[str, bytes], dict[str, bytes]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At each step of its writing, and at moments by the clock; then the same command, which is all that is typed."""
    folder = Path(shutil.copytree(stock, tmp_path / "project", symlinks=True))
    if moment % 4:
        killed(lambda: update.update(folder), at=1 + moment * 4)
    else:
        ended_by_the_clock(lambda: update.update(folder), random.Random(moment).uniform(0, 1.0))
    work = folder / ".mlscaffold/work"
    assert ".mlscaffold/work" not in git(folder, "status", "--porcelain", "--untracked-files=all")
    finishes = work.joinpath(journal.JOURNAL).is_file()
    swept = work.is_dir() and not finishes
    whole = not work.is_dir() and contents(folder) == outcomes[1]
    code = cli.run(["update", str(folder)])
    told = capsys.readouterr().err

    assert (f"The update to {number_of(1)} that was interrupted has been finished" in told) == finishes
    assert ("had changed nothing" in told) == swept
    assert code == int(not whole and not finishes) or "conflicts that are not resolved" in told or finishes or whole
    assert contents(folder) == outcomes[1]
    assert git(folder, "ls-files", "--unmerged")


@pytest.mark.parametrize("path", [record.BASE, record.STATE, "engine/planrun/added_1.py"])
@pytest.mark.parametrize("command", ["update", "replan"])
def test_the_next_run_finishes_what_was_killed_in_the_middle_of_the_record(
    command: str, path: str, stock: Path, made_up: MadeUp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record half of which is new is no damaged one, and an engine half of which is old is not up to date."""
    folder = Path(shutil.copytree(stock, tmp_path / "project", symlinks=True))
    child = os.fork()
    if child == 0:
        real = journal._take

        def take(root: Path, work: Path, step: journal.Step) -> None:
            real(root, work, step)
            if step.path == path:
                os.kill(os.getpid(), signal.SIGKILL)

        journal._take = take
        update.update(folder)
        os._exit(1)
    os.waitpid(child, 0)
    cli.run([command, str(folder)])
    told = capsys.readouterr()

    assert f"The update to {number_of(1)} that was interrupted has been finished" in told.err
    assert "Nothing is newer" in told.out or "conflicts that are not resolved" in told.err
    assert "cannot be used" not in told.err
    assert (folder / "engine/planrun/added_1.py").is_file()
    assert not (folder / ".mlscaffold/work").exists()
