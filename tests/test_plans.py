"""What a plan says stays what a reviewer has read: every sample's, and those of corners that no sample reaches.

`python tests/plans.py` writes tests/plans anew; the diff shows which number moved, and why it did is for the message.
"""

import plans
import pytest


@pytest.mark.parametrize("name", sorted(plans.KEPT, key=lambda name: (name != "ml-invoices", name)))
def test_a_plan_says_what_was_read(name: str) -> None:
    """Line by line, so that a difference is seen where it is."""
    kept = plans.FOLDER.joinpath(f"{name}.txt").read_text("utf-8")

    assert plans.listing(name).splitlines() == kept.splitlines()


def test_no_plan_is_kept_of_answers_that_are_gone() -> None:
    """And each sample has one."""
    assert sorted(path.stem for path in plans.FOLDER.glob("*.txt")) == sorted(plans.KEPT)
