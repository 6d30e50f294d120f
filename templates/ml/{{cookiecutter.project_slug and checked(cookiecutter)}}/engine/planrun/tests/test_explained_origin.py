"""Where a number comes from, as `explain` says it before and after a person has confirmed what it rests on."""

import pytest

from planrun import explanation
from planrun.tests.toy import Toy

ENTRY = {"provenance": "default", "rests_on": ["slo_percent"]}


@pytest.mark.parametrize(
    ("waiting", "entry", "said"),
    [
        ({"slo_percent"}, ENTRY, "Nobody has given it, and a default stands for it"),
        (set(), ENTRY, "A default stands for it, which somebody has confirmed"),
        (set(), ENTRY | {"rests_on": []}, "Nobody has given it, and a default stands for it"),
        (set(), ENTRY | {"provenance": "computed"}, "It was computed"),
    ],
)
def test_a_confirmed_default_is_not_told_as_given_by_nobody(
    waiting: set[str], entry: explanation.Entry, said: str, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what rests on an assumption can be confirmed; what nobody has measured stays so."""
    monkeypatch.setattr(explanation, "unconfirmed", lambda repo: [{"key": key} for key in waiting])

    assert explanation.came(explanation.Told(toy.repo), entry) == said
