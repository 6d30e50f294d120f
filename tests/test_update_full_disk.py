"""A disk that is really full, at every stage of `update`: the old tree or the new one, and a way on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_releases import MadeUp, number_of
from material import mostly_slow
from mlscaffold import cli
from mlscaffold.answers import Answers
from mlscaffold.repository import record
from standing import born, contents, git, remembered
from test_full_disk import fill, small

__all__ = ["small"]  # a fixture

# Free KiB, from nothing to what suffices: an engine that is replaced needs more than a replan does.
KIB = (0, 4, 8, 16, 64, 128, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1152, 1280, 1536, 2048, 4096, 8192)
FREE = mostly_slow(KIB, 0, 8)


@pytest.fixture(scope="module")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Answers, Path], Path]:
    """A `render.generate` that renders the same answers once."""
    return remembered(tmp_path_factory.mktemp("renders"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed repository of a minute's age, with an edit of the engine, which becomes a patch."""
    folder = born(tmp_path_factory.mktemp("stock"))
    with folder.joinpath("engine/planrun/gates.py").open("a") as engine:
        engine.write("# ours\n")
    git(folder, "commit", "--quiet", "--all", "--message", "ours")
    return folder


@pytest.mark.parametrize("free", FREE)
def test_an_update_on_a_full_disk_is_the_old_tree_or_the_new(
    free: int,
    small: Path,
    stock: Path,
    generate: Callable[[Answers, Path], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence says that the disk is full; with room again the same command ends where it always ends."""
    MadeUp(generate, monkeypatch).install(1)
    folder = Path(shutil.copytree(stock, small / "project", symlinks=True))
    before = contents(folder)
    filler = fill(small, free)
    code = cli.run(["update", str(folder)])
    told = capsys.readouterr().err
    filler.unlink()

    if free <= 8 or free >= 4096:
        assert bool(code) == (free <= 8), "the disk was full where it was meant to be"
    assert code == 0 or "No space left on device" in told, told
    assert "Traceback" not in told
    if code:
        now = contents(folder)
        assert now == before, sorted(name for name in now | before if now.get(name) != before.get(name))
        assert git(folder, "status", "--porcelain", "--ignored") == ""
        assert cli.run(["update", str(folder)]) == 0
    assert f'"{number_of(1)}"' in folder.joinpath(record.STATE).read_text("utf-8")
    assert folder.joinpath("engine/planrun/added_1.py").is_file()
    assert len(list(folder.glob(".mlscaffold/*.patch"))) == 1
    assert not folder.joinpath(".mlscaffold/work").exists()
