"""The data keep the rules of data/schema.yaml. A rule of your own that it cannot say is a test here."""

from planrun.repository import Repo
from planrun_ml import testing


def test_every_row_keeps_the_schema(repo: Repo) -> None:
    """Read afresh, not as the last audit found them: each breach is a sentence with the column and an example."""
    assert testing.breaches(repo) == []
