"""Random histories of repositories that newer versions come to: nothing of the team's is lost or mixed."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from histories import History, summary
from made_up_releases import MadeUp
from material import mostly_slow
from mlscaffold.answers import Answers
from standing import born, remembered
from update_histories import lives

QUICK, ALL = 2, 250
SEEDS = mostly_slow(range(ALL), *range(QUICK))


@pytest.fixture(scope="module")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Answers, Path], Path]:
    """A `render.generate` that renders the same answers once."""
    return remembered(tmp_path_factory.mktemp("renders"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A committed repository of each kind."""
    folder = tmp_path_factory.mktemp("stock")
    return {kind: born(folder / kind, name) for kind, name in (("ml", "ml-default"), ("software", "sw-default"))}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_with_releases_loses_nothing(
    seed: int,
    stock: dict[str, Path],
    generate: Callable[[Answers, Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every text of the team's is somewhere, the engine is the newest one, and a conflict is never told as done."""
    made_up = MadeUp(generate, monkeypatch)
    monkeypatch.setattr("mlscaffold.repository.lock.PATIENCE", 60.0)
    rng = random.Random(f"update {seed}")
    kind = rng.choice(["ml", "software"])
    kept = rng.random() < 0.75
    without = None if kept else shutil.ignore_patterns(".git")
    folder = Path(shutil.copytree(stock[kind], tmp_path / "project", symlinks=True, ignore=without))
    outside = tmp_path / "outside"
    outside.mkdir()
    history = History(folder, outside, kind, rng, kept)
    try:
        lives(history, made_up, turns=4)
    except AssertionError as error:
        error.add_note(f"seed {seed}, {kind}, {'with' if kept else 'without'} history\n{summary(history)}")
        raise
