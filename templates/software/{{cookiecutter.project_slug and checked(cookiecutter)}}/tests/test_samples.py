"""The samples stand for the product: each capability has one, and carries it out."""

from pathlib import Path

from planrun_software import harness

drive = harness.here(__file__)


def test_every_capability_carries_out_its_sample(tmp_path: Path) -> None:
    """Load and drills ask nothing else, so a sample that is refused would make all of them mean nothing."""
    with drive.product(tmp_path) as product:
        replies = {name: drive.asked(product, name, 17) for name in drive.capabilities}

    assert {} == {name: reply.body for name, reply in replies.items() if not reply.ok}


def test_another_number_is_another_request() -> None:
    """A load that asked the same thing a thousand times would measure one answer{{ ", and its subject is what makes it the same" if stores }}."""
{% if stores %}
    assert all(drive.sample(name, 1)["subject"] != drive.sample(name, 2)["subject"] for name in drive.capabilities)
{% else %}
    assert all(drive.sample(name, 1) != drive.sample(name, 2) for name in drive.capabilities)
{% endif %}
