"""The long walks of software repositories: see tests/test_walks.py, which has those of machine learning."""

from pathlib import Path

import pytest
import walk_states
from test_walks import stock
from walks import ENDS, MOST_STEPS, walk

__all__ = ["stock"]
ALL = 60


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ALL))
def test_a_walk_ends_well(seed: int, stock: walk_states.Stock, tmp_path: Path) -> None:
    """All is green, or a person, a page, a day or rows are waited for, by name."""
    ended, _ = walk("software", seed, stock, tmp_path, MOST_STEPS)

    assert ended in ENDS
