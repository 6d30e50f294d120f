"""A row is the same row in training and in service. Test the arithmetic of a feature of your own here, too."""

import numpy as np

from planrun.repository import Repo
from planrun_ml import testing
from planrun_ml.release.champion_model import Champion


def test_training_and_service_agree_on_every_row(repo: Repo, model: Champion) -> None:
    """Read as training reads them, and asked one by one through JSON: a feature that differs moves a score."""
    trained, served = testing.both_ways(repo, model)

    assert len(served) > 0
    np.testing.assert_allclose(served, trained, rtol=0, atol=1e-9)
