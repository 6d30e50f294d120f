"""A disk that is really full, at every stage of `replan` and of `new`: the old tree or the new one, and a way on.

A small file system is mounted and filled up to so many free bytes, which only root may do on Linux; elsewhere these
tests are skipped, and tests/test_placing.py and others play a full disk by an error of the system.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from material import mostly_slow
from mlscaffold import cli, update
from standing import FACTS, born, contents, facts_of, git

SIZE = 48  # MiB of the file system
# Free KiB, from nothing to what suffices: each stage of writing meets the end somewhere.
KIB = (0, 4, 8, 16, 32, 64, 128, 192, 224, 256, 288, 320, 352, 384, 416, 448, 480, 512, 768, 1024, 2048, 4096)
FREE = mostly_slow(KIB, 8, 320)
CHANGES = FACTS | {"label_source": "people"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """The folder of a small file system of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(folder)]
    may = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount")
    if not may or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed repository of a minute's age."""
    return born(tmp_path_factory.mktemp("stock"))


def fill(folder: Path, free: int) -> Path:
    """Leave so many KiB free in the file system of a folder."""
    file = folder / "filler"
    with file.open("wb", buffering=0) as sink:  # what is left in a buffer would not fit when the file is closed
        try:
            while True:
                sink.write(b"\0" * (1 << 16))
        except OSError:  # it is full now
            pass
    taken = file.stat().st_size
    os.truncate(file, max(0, taken - (free << 10)))
    return file


@pytest.mark.parametrize("free", FREE)
def test_a_replan_on_a_full_disk_is_the_old_tree_or_the_new(
    free: int, small: Path, stock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says that the disk is full; with room again the same command ends where it always ends."""
    folder = Path(shutil.copytree(stock, small / "project", symlinks=True))
    before = contents(folder)
    filler = fill(small, free)
    words = ["replan", str(folder), *(f"--set={key}={value}" for key, value in CHANGES.items())]
    code = cli.run(words)
    told = capsys.readouterr().err
    filler.unlink()
    update.settle(folder)
    now = contents(folder)

    if free <= 8 or free >= 2048:
        assert bool(code) == (free <= 8), "the disk was full where it was meant to be"
    assert (now == before) == (facts_of(folder) == facts_of(stock)), "record and tree change together"
    assert code == 0 or "No space left on device" in told, told
    assert "Traceback" not in told
    if code:
        assert now == before, sorted(name for name in now | before if now.get(name) != before.get(name))
        assert git(folder, "status", "--porcelain", "--ignored") == ""
        assert cli.run(words) == 0
    assert facts_of(folder)["label_source"] == "people"
    assert not folder.joinpath(".mlscaffold/work").exists()


@pytest.mark.parametrize("free", FREE)
def test_a_new_repository_on_a_full_disk_is_there_or_not(
    free: int, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whole or not at all, and the next run succeeds; only a first commit that git could not write may be missing."""
    filler = fill(small, free)
    words = ["new", "Orders", "--kind", "software", "--defaults", "--output", str(small)]
    code = cli.run(words)
    told = capsys.readouterr().err
    filler.unlink()
    left = sorted(path.name for path in small.iterdir())

    if free <= 8 or free >= 4096:
        assert bool(code) == (free <= 8), "the disk was full where it was meant to be"
    assert left in ([], ["orders"]), left
    assert "Traceback" not in told
    if code:
        assert "No space left on device" in told or "git" in told, told
    if not left:
        assert cli.run(words) == 0
    else:
        assert small.joinpath("orders/plan/project.yaml").is_file()
        assert not code or git(small / "orders", "status", "--porcelain").startswith("A "), "staged, to be committed"
