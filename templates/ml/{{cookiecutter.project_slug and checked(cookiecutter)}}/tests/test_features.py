"""A row is the same row in training and in service. Test the arithmetic of a feature of your own here, too."""

from planrun.repository import Repo
from planrun_ml import testing
from planrun_ml.release.champion_model import Champion


def test_training_and_service_agree_on_every_row(repo: Repo, model: Champion) -> None:
    """Read as training reads them, and asked one by one through JSON: a feature that differs is named with its row."""
    _, served = testing.both_ways(repo, model)
    told = testing.difference(repo, model)

    assert len(served) > 0
    assert not told, told
