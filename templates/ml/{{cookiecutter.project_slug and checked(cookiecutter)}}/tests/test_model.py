"""What must not change an answer. Write down here what your team would be ashamed of, and keep it small."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from planrun.repository import Repo
from planrun_ml import testing
from planrun_ml.data import frames
from planrun_ml.release.champion_model import Champion

# A sentence, and the change of the inputs after which every score is what it was. One of your own, for a column that
# must not decide: ("the street does not decide", lambda rows: rows.assign(street="Elm Street")).
INVARIANCES: list[tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = [
    ("the order of rows does not decide", lambda rows: rows.iloc[::-1]),
    ("the company of other rows does not decide", lambda rows: rows.head(1)),
]


@pytest.mark.parametrize(("sentence", "change"), INVARIANCES, ids=[sentence for sentence, _ in INVARIANCES])
def test_what_must_not_decide(
    repo: Repo, model: Champion, sentence: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """Validation rows, before and after the change."""
    rows = frames.load(repo, "validation").x

    before, after = testing.scores(model, rows), testing.scores(model, change(rows))

    np.testing.assert_allclose(after, before.loc[after.index], rtol=0, atol=1e-9, err_msg=sentence)
