"""A gate is walked past under a name, with a reason, for a while, and in a commit of that person's; else it is shut."""

from datetime import date, timedelta

import pytest

from planrun import gates
from planrun.signing.waivers import waive
from planrun.tests.toy import Toy
from planrun.trouble import Trouble

TODAY = date.today()


@pytest.fixture
def shut(toy: Toy) -> Toy:
    """One gate is red."""
    toy.all_pass()
    toy.says("G1.2", lambda repo: gates.failed("Nobody counted.", "count"))
    toy.commit()
    return toy


def waiver(**changed: str) -> dict[str, str]:
    """A waiver that counts, but for what is said."""
    until, on = str(TODAY + timedelta(30)), str(TODAY)
    return {"gate": "G1.2", "approver": "Ana", "reason": "It is urgent", "until": until, "on": on, **changed}


def test_a_waiver_opens_its_gate_and_says_what_it_was(shut: Toy) -> None:
    shut.waive(**waiver())
    row = shut.row("G1.2")

    assert row.state == "waived"
    told = f"Waived by Ana until {TODAY + timedelta(30)}: It is urgent (It was fail: Nobody counted.)"
    assert row.reason.startswith(told)
    gates.require(shut.repo, "G1.2")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"until": str(TODAY - timedelta(1))}, f"it expired on {TODAY - timedelta(1)}"),
        ({"until": str(TODAY + timedelta(91))}, f"it runs until {TODAY + timedelta(91)}, and 90 days are the most"),
        # a date of its own that lies ahead makes no longer waiver
        ({"until": str(TODAY + timedelta(120)), "on": str(TODAY + timedelta(60))}, "and 90 days are the most"),
        ({"until": "soon"}, 'until is "soon", which is no date'),
        ({"reason": "  "}, "it names no reason"),
        ({"approver": ""}, "it names no approver"),
        ({"approver": "Dee"}, "Dee holds no role"),
    ],
)
def test_a_waiver_that_does_not_count_says_why(changed: dict[str, str], why: str, shut: Toy) -> None:
    shut.answer(team="po=Ana:0.2; ds=Bo:1")  # every role has its name
    shut.waive(**waiver(**changed))
    row = shut.row("G1.2")

    assert row.state == "fail"
    assert "(The waiver does not count: " in row.reason
    assert why in row.reason


def test_a_name_that_somebody_else_typed_opens_nothing(shut: Toy) -> None:
    """It counts in a commit of its person's: not uncommitted, and not in another's commit."""
    shut.write(gates.WAIVERS, str([waiver()]))
    assert "it is in no commit" in shut.row("G1.2").reason
    shut.commit("Bo")
    row = shut.row("G1.2")

    assert row.state == "fail"
    assert "Bo committed it" in row.reason
    assert ", not Ana" in row.reason


def test_the_newest_waiver_that_counts_is_told(shut: Toy) -> None:
    """One that ended does not close what a later one opens."""
    ended, stands = waiver(until=str(TODAY - timedelta(9))), waiver(reason="Once more")
    shut.write(gates.WAIVERS, str([stands, ended]))
    shut.commit()

    row = shut.row("G1.2")
    assert row.state == "fail"
    assert "expired" in row.reason, "the newest decides"
    shut.write(gates.WAIVERS, str([ended, stands]))
    shut.commit()
    assert "Once more" in shut.row("G1.2").reason


def test_a_gate_that_passes_needs_none(shut: Toy) -> None:
    shut.waive(**waiver(gate="G0.1"))

    assert shut.row("G0.1").state == "pass"


def test_a_gate_that_cannot_be_waived_is_not(shut: Toy) -> None:
    shut.says("G1.2", lambda repo: gates.failed("Nobody counted.", "count"), waivable=False)
    shut.waive(**waiver())

    assert "G1.2 cannot be waived" in shut.row("G1.2").reason


def test_the_command_writes_and_commits_one_that_counts(shut: Toy) -> None:
    """Days are counted from today; the file opens with what it is for."""
    said = waive(shut.repo, "G1.2", "It is urgent", "60").text

    assert said.startswith(f"Ana waives G1.2 until {TODAY + timedelta(60)}: It is urgent\nCommitted: Waive G1.2")
    assert shut.row("G1.2").state == "waived"
    assert shut.root.joinpath(gates.WAIVERS).read_text().startswith("# Gates walked past on purpose.")


@pytest.mark.parametrize(
    ("id", "reason", "until", "told"),
    [
        ("X.9", "Why not", "5", 'There is no gate "X.9"'),
        ("G1.2", " ", "5", "would not count: it names no reason"),
        ("G1.2", "Why not", "91", "would not count: it runs until"),
        ("G1.2", "Why not", "tomorrow", 'would not count: until is "tomorrow", which is no date.'),
    ],
)
def test_one_that_would_not_count_is_refused(id: str, reason: str, until: str, told: str, shut: Toy) -> None:
    """Nothing is written, so nobody believes that it did."""
    with pytest.raises(Trouble, match=told):
        waive(shut.repo, id, reason, until)

    assert not shut.root.joinpath(gates.WAIVERS).exists()
