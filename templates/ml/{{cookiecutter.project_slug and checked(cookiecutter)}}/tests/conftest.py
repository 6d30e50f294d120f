"""What these tests share: the rows of this repository, and the model that answers, or the simplest one before that."""

from pathlib import Path

import pytest

from planrun.repository import Repo
from planrun_ml import testing
from planrun_ml.release.champion_model import Champion

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """This repository on its audited rows; a sample that was not audited yet is audited in a scratch copy."""
    try:
        return testing.at_hand(ROOT, tmp_path_factory.mktemp("audited"))
    except testing.NotHere as reason:
        pytest.skip(f"{reason.sentence} Next: {reason.remedy}")


@pytest.fixture(scope="session")
def model(repo: Repo) -> Champion:
    """The promoted model; until there is one, the simplest, trained on the training rows."""
    return testing.candidate(repo)
