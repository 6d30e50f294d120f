"""The baseline rule looks at every column."""

import numpy as np
import pandas as pd
import pytest

from planrun_ml.baseline import rule
from planrun_ml.data.frames import Frame

ROWS = 600


def frame(task: str, place: int) -> Frame:
    """Twelve columns of noise, and one that tells, at the place given."""
    draw = np.random.default_rng(1)
    x = pd.DataFrame(draw.normal(0, 1, (ROWS, 12)), columns=[f"x{n}" for n in range(12)])
    queries = np.repeat([f"q{n}" for n in range(ROWS // 10)], 10).astype(object) if task == "ranking" else None
    score = draw.normal(0, 1, ROWS)
    y = (score > 0).astype(float) if task == "binary" else np.clip(np.round(score + 1), 0, 3)
    level = 0 if queries is None else draw.normal(0, 50, ROWS // 10).repeat(10)  # only the order within a query tells
    x.insert(place, "telling", score + draw.normal(0, 0.3, ROWS) + level)
    return Frame(np.arange(ROWS), x, y, None, queries, pd.DataFrame(), dict.fromkeys(x, "number"))


@pytest.mark.parametrize("task", ["binary", "regression", "ranking"])
def test_the_rule_is_the_same_wherever_the_telling_column_stands(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """First or last, though only a few are tried: every gain is measured against the best rule there is."""
    monkeypatch.setattr(rule, "CANDIDATES", 3)
    first, last = (rule.learn(frame(task, place), task) for place in (0, 12))

    assert first["column"] == "telling"
    assert first == last
