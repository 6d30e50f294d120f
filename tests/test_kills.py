"""SIGKILL at any moment of `new` and of `replan`: all of it or nothing, and the next run leaves nothing of it."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from histories import killed
from material import mostly_slow
from mlscaffold import cli, render, update
from mlscaffold.answers import Answers
from standing import FACTS, born, contents, facts_of, git, remembered

QUICK, ALL = 6, 100
MOMENTS = mostly_slow(range(ALL), *range(QUICK))
NEW = ["new", "Orders", "--kind", "software", "--defaults", "--set", "start_date=2026-03-02"]
# Conflicts in one page, a page more, and changed numbers: every kind of step.
CHANGES = FACTS | {"label_source": "people"}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed repository in which a page waits for a conflict."""
    folder = born(tmp_path_factory.mktemp("stock"))
    page = folder / "docs/03-acceptance.md"
    lines = page.read_text("utf-8").splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if "Test rows needed" in line)
    page.write_text("".join([*lines[:number], "| **Test rows needed** | ours |\n", *lines[number + 1 :]]), "utf-8")
    git(folder, "commit", "--quiet", "--all", "--message", "ours")
    return folder


@pytest.fixture(scope="module")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Answers, Path], Path]:
    """A `render.generate` that renders the same answers once."""
    return remembered(tmp_path_factory.mktemp("renders"))


@pytest.fixture(scope="module")
def outcomes(
    stock: Path, generate: Callable[[Answers, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, bytes]]:
    """The tree before, and the tree after a replan that nobody ends."""
    folder = Path(shutil.copytree(stock, tmp_path_factory.mktemp("whole") / "project", symlinks=True))
    before = contents(folder)
    update.replan(folder, CHANGES)
    return [before, contents(folder)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_replan_is_wholly_there_or_not_at_all(
    moment: int,
    stock: Path,
    outcomes: list[dict[str, bytes]],
    generate: Callable[[Answers, Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At each step of its writing, and at moments by the clock; git never sees what was prepared, index included."""
    monkeypatch.setattr(render, "generate", generate)
    folder = Path(shutil.copytree(stock, tmp_path / "project", symlinks=True))
    if moment % 4:
        killed(lambda: update.replan(folder, CHANGES), at=1 + moment * 2)
    else:
        ended_by_the_clock(lambda: update.replan(folder, CHANGES), random.Random(moment).uniform(0, 0.6))
    assert ".mlscaffold/work" not in git(folder, "status", "--porcelain", "--untracked-files=all")
    # The next run of a command on it, whichever that is.
    assert cli.run(["export", str(folder), "--to", "csv"]) == 0
    now = contents(folder)

    assert now in outcomes, sorted(name for name in now if now[name] not in (side.get(name) for side in outcomes))
    facts_of(folder)
    unmerged = git(folder, "ls-files", "--unmerged")
    assert bool(unmerged) == (now == outcomes[1])


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_new_is_wholly_there_or_not_at_all(
    moment: int,
    generate: Callable[[Answers, Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A repository with its first commit, or nothing; and the next `new` in that folder sweeps what was prepared."""
    monkeypatch.setattr(render, "generate", generate)
    command = [*NEW, "--output", str(tmp_path)]
    if moment % 4:
        killed(lambda: cli.run(command), at=1 + moment)
    else:
        ended_by_the_clock(lambda: cli.run(command), random.Random(moment).uniform(0, 0.8))
    there = tmp_path.joinpath("orders").exists()
    if there:
        assert git(tmp_path / "orders", "status", "--porcelain") == ""
        assert git(tmp_path / "orders", "log", "--format=%s").splitlines() == ["Start Orders from a computed plan"]
    code = cli.run([*NEW, "--output", str(tmp_path), *(["--set", "project_name=Another"] if there else [])])

    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == (["another", "orders"] if there else ["orders"])


def ended_by_the_clock(deed: Callable[[], object], seconds: float) -> None:
    """Do something in a process of its own that is killed after a while, wherever it is then."""
    child = os.fork()
    if child == 0:
        os.setsid()  # so that a git it started ends with it
        try:
            deed()
        except BaseException:
            os._exit(1)
        os._exit(0)
    time.sleep(seconds)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # not that far yet, or gone
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_real_process_that_is_killed_is_finished_by_the_next(stock: Path, tmp_path: Path) -> None:
    """The command itself, from outside; and the next run says what it did."""
    folder = Path(shutil.copytree(stock, tmp_path / "project", symlinks=True))
    code = (
        "import os, signal, sys\nfrom mlscaffold import cli\nfrom mlscaffold.repository import journal\n"
        "real, count = journal._take, []\n"
        "def take(*words):\n"
        "    count.append(1)\n"
        "    os.kill(os.getpid(), signal.SIGKILL) if len(count) == 4 else real(*words)\n"
        "journal._take = take\ncli.main(sys.argv[1:])\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    facts = [word for key, value in CHANGES.items() for word in ("--set", f"{key}={value}")]
    done = subprocess.run([sys.executable, "-c", code, "replan", str(folder), *facts], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert folder.joinpath(".mlscaffold/work/journal.json").is_file()

    assert update.settle(folder).startswith("The replan that was interrupted has been finished")
    assert facts_of(folder)["label_source"] == "people"
    assert not folder.joinpath(".mlscaffold/work").exists()
