"""The runner of gates: what is not there, does not run or breaks is no pass, and hides nothing beside it."""

import pytest

from planrun import gates
from planrun.repository import Repo
from planrun.tests.toy import PACKAGE, Toy
from planrun.trouble import Blocked, Trouble


def test_a_gate_without_a_check_is_shut(toy: Toy) -> None:
    """It is listed and blocks, so it is shown, and nobody wrote what it asks."""
    row = toy.row("G1.2")

    assert (row.title, row.state, row.blocking) == ("G1.2", "blocked", True)
    assert row.reason == "No check is written for this gate yet. (plan/gates.yaml does not list it; it blocks.)"


def test_a_check_that_breaks_is_red_and_hides_no_other(toy: Toy) -> None:
    """Expected trouble is told as it is; whatever else is raised is named with its kind."""
    toy.all_pass()

    def told(error: Exception) -> gates.Row:
        def check(repo: Repo) -> gates.Result:
            raise error

        toy.says("G1.2", check)
        rows = {row.id: row for row in gates.evaluate(toy.repo)}
        assert rows["G0.1"].state == "pass"
        return rows["G1.2"]

    assert told(Trouble("It is torn.", "mend it")).state == "fail"
    assert told(Blocked("It is not there.", "make it")).state == "blocked"
    assert told(Blocked("It is not there.", "make it")).next_step == "make it"
    broken = told(KeyError("rows"))
    assert broken.state == "fail"
    assert broken.reason.startswith("The check of G1.2 broke: KeyError: 'rows'.")


def test_a_gate_that_others_wait_for_is_asked_once_in_one_question(toy: Toy) -> None:
    """And anew in the next: what a command writes between two questions counts."""
    toy.all_pass()
    asked: list[str] = []

    def first(repo: Repo) -> gates.Result:
        asked.append("G0.1")
        return gates.passed("") if len(asked) > 1 else gates.blocked("Not yet.", "make it")

    def after(repo: Repo) -> gates.Result:
        return gates.Result(gates.state_of(repo, "G0.1").state, "as the first")

    toy.says("G0.1", first)
    for id in ("G1.2", "G1.11"):
        toy.says(id, after)

    for state in ("blocked", "pass"):
        rows = {row.id: row.state for row in gates.evaluate(toy.repo)}
        assert [rows[id] for id in ("G0.1", "G1.2", "G1.11")] == [state] * 3
    assert asked == ["G0.1", "G0.1"]


def test_gates_come_in_the_order_of_their_numbers(toy: Toy) -> None:
    """The second before the eleventh, the lock at the end of its stage."""
    toy.all_pass()

    assert [row.id for row in gates.evaluate(toy.repo)] == ["G0.1", "G1.2", "G1.11", "G1.lock", "G2.1"]


@pytest.mark.parametrize(
    ("rigor", "shut"),
    [
        ("light", {"G0.1", "G1.2", "G1.lock"}),
        ("standard", {"G0.1", "G1.2", "G1.11", "G1.lock"}),
        ("strict", {"G0.1", "G1.2", "G1.11", "G1.lock", "G2.1"}),
        ("lihgt", {"G0.1", "G1.2", "G1.11", "G1.lock", "G2.1"}),  # a word that is none asks for all
    ],
)
def test_what_blocks_follows_from_the_rigor(rigor: str, shut: set[str], toy: Toy) -> None:
    """Also where plan/gates.yaml lists nothing: what was taken out of it blocks, and says so."""
    toy.answer(rigor=rigor)
    toy.all_pass()
    rows = gates.evaluate(toy.repo)

    assert {row.id for row in rows if row.blocking} == shut
    assert all(row.reason == "Well. (plan/gates.yaml does not list it; it blocks.)" for row in rows if row.blocking)


def test_plan_gates_may_add_one(toy: Toy) -> None:
    toy.all_pass()
    toy.write("plan/gates.yaml", "blocking: [G2.1]\ntitles: {G2.1: Tried out}\n")
    row = toy.row("G2.1")

    assert (row.blocking, row.title, row.reason) == (True, "Tried out", "Well.")


def test_a_gate_of_other_answers_is_not_there(toy: Toy) -> None:
    """Neither listed nor blocking; named in plan/gates.yaml all the same, it says that nothing calls for it."""
    toy.all_pass()
    assert "G2.2" not in gates.load(toy.repo)
    toy.write("plan/gates.yaml", "blocking: [G2.2]\ntitles: {}\n")
    assert toy.row("G2.2").reason == "The answers do not call for this gate."
    toy.answer(compute="round")

    assert toy.row("G2.2").state == "pass"


def test_a_command_waits_for_the_gates_that_it_needs(toy: Toy) -> None:
    """Each shut one is named with its reason, and the first one's step is the next; a warning holds nothing up."""
    toy.all_pass()
    toy.says("G1.2", lambda repo: gates.warned("Few."))
    gates.require(toy.repo, "G0.1", "G1.2")
    toy.says("G1.11", lambda repo: gates.blocked("Nobody did.", "ask"))
    toy.says("G1.lock", lambda repo: gates.failed("It moved.", "lock it"))
    with pytest.raises(Blocked, match="Not yet: 2 gates first") as shut:
        gates.require(toy.repo, "G1.2", "G1.11", "G1.lock")

    assert "  G1.11 Assumed: blocked. Nobody did." in shut.value.sentence
    assert "  G1.lock Locked: fail. It moved." in shut.value.sentence
    assert shut.value.remedy == "ask"


def test_a_gate_that_does_not_block_holds_nothing_up(toy: Toy) -> None:
    toy.all_pass()
    toy.says("G2.1", lambda repo: gates.failed("Not tried.", "try"))
    gates.require(toy.repo, "G2.1")
    toy.answer(rigor="strict")

    with pytest.raises(Blocked, match="Not tried"):
        gates.require(toy.repo, "G2.1")


def test_two_checks_for_one_gate_are_a_fault_of_the_engine(toy: Toy) -> None:
    """Which of them counted would depend on the order of imports."""

    def one(repo: Repo) -> gates.Result:
        return gates.passed("")

    def other(repo: Repo) -> gates.Result:
        return gates.passed("")

    one.__module__ = other.__module__ = f"{PACKAGE}.gates"
    register = gates.gate("G1.2")  # an id of the catalogue, whose title stands there
    assert register(one) is one
    with pytest.raises(ValueError, match=r"two checks are registered for gate G1\.2"):
        register(other)


# ---------------------------------------------------------------------------------------------------- a team's gates
OWN = """
from planrun.gates import failed, gate, passed


@gate("X.1", "Ours", blocks=True)
def ours(repo):
    return failed("Not ours yet.", "make it ours")


@gate("X.2", "Advice", applies=lambda answers: answers["compute"] == "round")
def advice(repo):
    return passed("")
"""


def test_a_teams_gate_is_one_of_its_repository(toy: Toy) -> None:
    """Listed with its title, it blocks at every rigor where it says so; it is in no other repository."""
    toy.write("src/our_toy/checks.py", OWN)
    toy.answer(rigor="light")
    row = toy.row("X.1")

    assert (row.title, row.state, row.blocking, row.next_step) == ("Ours", "fail", True, "make it ours")
    assert "X.2" not in gates.load(toy.repo)
    assert gates.GATES == {}
    with pytest.raises(Blocked, match="Not ours yet"):
        gates.require(toy.repo, "X.1")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def broken(:\n", "src/our_toy/checks.py, line 1: "),
        (OWN.replace('"X.1"', '"G1.2"'), "registers G1.2, and a team's gates are X.1, X.2 and so on"),
        ("from our_toy.other import x\n", "it imports our_toy by its full name"),
    ],
)
def test_a_room_of_gates_that_cannot_be_read_is_a_red_row(code: str, told: str, toy: Toy) -> None:
    """The others are evaluated, and nobody walks past it."""
    toy.all_pass()
    toy.write("src/our_toy/checks.py", code)
    rows = {row.id: row for row in gates.evaluate(toy.repo)}

    assert told in rows[gates.BROKEN].reason
    assert rows[gates.BROKEN].blocking
    assert rows["G1.2"].state == "pass"
    assert gates.waiver_problem(toy.repo, {}, gates.BROKEN) == "X.checks cannot be waived"


# ------------------------------------------------------------------------------------------------- an organisation's
PAGE = {
    "id": "H.1", "title": "House rules", "file": "docs/page.md", "holds": "^Read by .+", "lacks": "TBD",
    "by": "our house", "next": "Fill in docs/page.md", "blocks": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "state", "told"),
    [
        (None, "blocked", "docs/page.md is missing, which our house asks for."),
        ("# A page\n", "blocked", "docs/page.md does not hold what our house asks for (^Read by .+)."),
        ("# A page\nRead by Ana\nTBD\n", "blocked", "docs/page.md still holds “TBD”."),
        ("# A page\nRead by Ana\n", "pass", "docs/page.md holds what our house asks for."),
    ],
)
def test_a_page_that_the_house_asks_for(text: str | None, state: str, told: str, toy: Toy) -> None:
    """It is there, holds one pattern and lacks another."""
    toy.plan(house={"gates": [PAGE]})
    toy.root.joinpath("docs/page.md").unlink()
    if text is not None:
        toy.write("docs/page.md", text)
    row = toy.row("H.1")

    assert (row.state, row.reason, row.blocking) == (state, told, True)


def test_a_page_cannot_be_asked_otherwise_by_editing_the_plan(toy: Toy) -> None:
    """The row is part of the sealed plan."""
    toy.plan(house={"gates": [PAGE | {"holds": ""}]})
    text = toy.root.joinpath("plan/plan.json").read_text()
    toy.write("plan/plan.json", text.replace('"lacks": "TBD"', '"lacks": ""'))

    assert "edited by hand" in toy.row("H.1").reason
