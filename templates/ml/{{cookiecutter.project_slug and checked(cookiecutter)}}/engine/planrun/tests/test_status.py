"""A phase waits for those before it, the command that opens most leads, and the exit code is the worst state."""

import json

import pytest

from planrun import gates, status
from planrun.gates import Row
from planrun.steps import asked_of
from planrun.tests.toy import Toy


def row(id: str, state: str = "blocked", step: str = "", blocking: bool = True) -> Row:
    """A gate's row in the state that a case needs."""
    return Row(id, id, state, f"{id} is {state}.", step, blocking)


def test_a_phase_waits_for_what_comes_before_it(toy: Toy) -> None:
    """The papers of G0 hold up no work; experiments wait for the data."""
    rows = [row("G0.1"), row("G1.2"), row("G2.1", blocking=False), row("G2.2")]

    assert status.phases(toy.repo, rows) == {"G0": "open", "G1": "open", "G2": "not yet"}
    rows[1] = row("G1.2", "waived")
    assert status.phases(toy.repo, rows) == {"G0": "open", "G1": "done", "G2": "open"}


def test_the_project_is_where_something_can_be_typed(toy: Toy) -> None:
    """Before what only somebody can decide, and before what has to be written."""
    written, decided = row("G0.1", step="Answer docs/00-charter.md"), row("G0.1", step=asked_of(["Ana"], "Ana decides"))

    assert status.present(toy.repo, [written, row("G1.2", step="make audit")]) == "G1"
    assert status.present(toy.repo, [written, row("G1.2", step=asked_of(["Ana"], "Ana decides"))]) == "G1"
    assert status.present(toy.repo, [decided, row("G1.2", step="Write plan/gates.yaml")]) == "G0"
    assert status.present(toy.repo, [row("G0.1", "pass"), row("G1.2", "warn")]) == ""


def test_the_command_that_opens_most_leads() -> None:
    """One that a red gate names goes before: what stands on a fault may fall with it."""
    rows = [row("G1.1", step="make audit"), row("G1.2", step="make baseline"), row("G1.3", step="make audit")]
    assert status.lead(rows, "G1") == ({"kind": "command", "text": "make audit", "command": "make audit"}, 2)
    rows[1] = row("G1.2", "fail", "make baseline")

    step, count = status.lead(rows, "G1")
    assert (step["command"], count) == ("make baseline", 1)


@pytest.mark.parametrize(("state", "code"), [("passed", 0), ("warned", 0), ("failed", 1), ("blocked", 2)])
def test_the_exit_code_is_the_worst_that_blocks(state: str, code: int, toy: Toy) -> None:
    """With --check alone; a gate that advises is not asked."""
    toy.all_pass()
    toy.says("G2.1", lambda repo: gates.failed("Not tried.", "try"))
    toy.says("G1.2", lambda repo: getattr(gates, state)("So it is.", *["do it"][state == "passed" :]))

    assert status.status(toy.repo, check=True).code == code
    assert status.status(toy.repo).code == 0


def test_it_is_told_to_a_person_and_to_a_program(toy: Toy) -> None:
    """The same states and the same next step; nothing is written."""
    toy.answer(rigor="strict")
    toy.all_pass()
    toy.says("G1.2", lambda repo: gates.failed("Nobody counted.", "make audit"))
    toy.says("G2.1", lambda repo: gates.blocked("Nothing was tried.", "make experiment"))
    before = sorted(path for path in toy.root.rglob("*") if ".git" not in path.parts)
    told = status.status(toy.repo).text
    facts = json.loads(status.status(toy.repo, as_json=True).text)
    table = status.status(toy.repo, all=True).text

    assert told.splitlines()[:3] == ["done     G0 Worth doing", "shut 1   G1 Data ready", "not yet  G2 Experiments"]
    assert "Next: make audit" in told
    assert facts["next"]["command"] == "make audit"
    assert [(one["id"], one["state"]) for one in facts["gates"] if one["state"] != "pass"] == [
        ("G1.2", "fail"),
        ("G2.1", "blocked"),
    ]
    assert facts["present"] == "G1"
    assert "3 of 5 blocking gates are open." in table
    assert "fail     G1.2    Counted: Nobody counted." in table
    assert sorted(path for path in toy.root.rglob("*") if ".git" not in path.parts) == before


def test_a_merge_that_is_not_finished_goes_before_every_step(toy: Toy) -> None:
    """Until then no command signs or measures: whoever follows the next step is told the files."""
    toy.all_pass()
    toy.says("G1.2", lambda repo: gates.failed("Nobody counted.", "make audit"))
    toy.write("Makefile", "<<<<<<< yours\na\n=======\nb\n>>>>>>> the-new-plan\n")
    toy.commit()
    told = json.loads(status.status(toy.repo, as_json=True).text)["next"]

    assert (told["kind"], told["files"]) == ("edit", ["Makefile"])
    assert "Next: Choose one (<<<<<<< … >>>>>>>), then: git add Makefile" in status.status(toy.repo).text
    toy.all_pass()
    assert "Next: Choose one" in status.status(toy.repo).text
    toy.write("Makefile", "a\n")
    assert "All 4 blocking gates are open." in status.status(toy.repo).text
