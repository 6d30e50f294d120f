"""A signature is an exact hash in its person's commit, for the roles that are theirs; a confirmation is a value."""

import json
from pathlib import Path

import pytest

from planrun import gates
from planrun.repository import Repo
from planrun.signing import assumptions, people, signatures
from planrun.tests.toy import ASSUMED, Toy
from planrun.trouble import Blocked, Trouble

PAGE, FILE = "docs/page.md", "gates/signoff-G1.yaml"


def early(repo: Repo) -> None:
    """Too early while the page says so. Raises `Blocked` then."""
    if "draft" in repo.text(PAGE):
        raise Blocked("The page is a draft.", "finish docs/page.md")


@pytest.fixture
def page(toy: Toy) -> Toy:
    """A page that the product owner and the data scientist sign."""
    signatures.signable("G1", [PAGE, "plan/plan.json#test"], ["po", "ds"], ready=early)
    return toy


def at_work(toy: Toy, name: str) -> Toy:
    """Another person sits down at this copy."""
    toy.git("config", "user.name", name)
    return toy


def signed_by_both(toy: Toy) -> Toy:
    """The page with the signatures of Ana and Bo, both roles that it asks for."""
    for name in ("Ana", "Bo"):
        signatures.sign(at_work(toy, name).repo, "G1")
    return toy


def standing(toy: Toy) -> gates.Result:
    """What the page's signatures say now."""
    return signatures.signed(toy.repo, "G1")


def test_it_stands_once_every_role_has_signed(page: Toy) -> None:
    said = signatures.sign(page.repo, "G1").text
    assert said.endswith("\nStill to sign: ds Bo.")
    assert standing(page).reason == "G1 is not signed by ds."
    assert standing(page).next_step.startswith("ds Bo types: ")
    said = signatures.sign(at_work(page, "Bo").repo, "G1").text

    assert "Still to sign" not in said
    assert (standing(page).state, standing(page).reason) == ("pass", "Signed by po Ana, ds Bo.")


def test_signing_the_same_text_again_leaves_no_second_commit(page: Toy) -> None:
    """The line keeps its date, and what is still open is said again; a changed text is signed anew."""
    signatures.sign(page.repo, "G1")
    head, line = page.git("rev-parse", "HEAD"), page.repo.text(FILE)

    assert signatures.sign(page.repo, "G1").text == (
        "Ana signed docs/page.md + plan/plan.json#test as po already.\nStill to sign: ds Bo."
    )
    assert (page.git("rev-parse", "HEAD"), page.repo.text(FILE)) == (head, line)

    page.write(PAGE, "Another text.\n")
    assert "Committed: Sign G1 as po" in signatures.sign(page.repo, "G1").text


@pytest.mark.parametrize("path", [PAGE, "plan/plan.json"])
def test_what_changed_afterwards_was_not_signed(path: str, page: Toy) -> None:
    """The page, and the part of the plan; whatever else the plan says is no part of it."""
    signed_by_both(page).plan(assumptions=[])
    assert standing(page).state == "pass"
    page.write(PAGE, "# Another\n") if path == PAGE else page.plan(test={})

    assert standing(page).state == "blocked"
    assert standing(page).reason == f"{PAGE} + plan/plan.json#test changed after G1 was signed."


def test_nobody_signs_for_another_role(page: Toy) -> None:
    with pytest.raises(Trouble, match=r"^Dee .* holds none of the roles that sign G1: po Ana, ds Bo\.$"):
        signatures.sign(at_work(page, "Dee").repo, "G1")
    with pytest.raises(Trouble, match='nothing to sign called "G7"') as unknown:
        signatures.sign(page.repo, "G7")

    assert unknown.value.remedy == "One of: G1."
    assert not page.root.joinpath(FILE).exists()


def test_a_signature_before_its_turn_is_refused(page: Toy) -> None:
    page.write(PAGE, "# A draft, draft\n")
    with pytest.raises(Blocked, match="The page is a draft"):
        signatures.sign(page.repo, "G1")

    assert standing(page).next_step == "finish docs/page.md"


def test_a_line_that_somebody_else_committed_is_nobodys_signature(page: Toy) -> None:
    """Bo writes Ana's line too: it is told whose commit it is in."""
    signed_by_both(page)
    text = page.root.joinpath(FILE).read_text()
    page.git("rm", "--quiet", FILE)
    page.commit("Bo")
    page.write(FILE, text)
    assert standing(page).reason == f"{FILE} is not committed."
    page.commit("Bo")

    assert standing(page).state == "blocked"
    assert standing(page).reason.startswith("The signature of po Ana does not count: Bo committed it in ")


def test_a_signature_that_git_was_told_not_to_look_at_is_told(page: Toy) -> None:
    """A change that no diff shows: the way back is named."""
    signed_by_both(page)
    page.git("update-index", "--assume-unchanged", FILE)
    page.write(FILE, page.root.joinpath(FILE).read_text() + "# mine\n")

    assert "git was told not to look at it" in standing(page).reason
    assert standing(page).next_step.startswith("git update-index --no-assume-unchanged")


def test_a_rejection_is_red(page: Toy) -> None:
    signed_by_both(page)
    page.write(FILE, page.root.joinpath(FILE).read_text().replace('"accept"', '"reject"', 1))

    assert (standing(page).state, standing(page).reason) == ("fail", "G1 was rejected.")


def test_a_role_that_nobody_holds_has_a_stand_in(toy: Toy) -> None:
    """Counted once, where the stand-in signs anyway."""
    signatures.signable("G1", [PAGE], ["po", "mle"])
    toy.answer(team="po=Ana:1; ds=Bo:1")
    target = signatures.SIGNABLES["G1"]
    there = people.stand_in(toy.repo, "mle")

    assert there in ("ds", "po")
    assert signatures.required_roles(toy.repo, target) == list(dict.fromkeys(["po", there]))
    toy.answer(team="po=Ana:1")
    assert signatures.required_roles(toy.repo, target) == ["po"]


def test_without_a_history_nothing_was_signed(page: Toy) -> None:
    """What is written counts for nothing that a commit has to show."""
    signed_by_both(page)
    Path(page.root, ".git").rename(page.root.parent / "elsewhere")

    assert standing(page).reason == "A signature is a commit, and this folder has no history."


# ---------------------------------------------------------------------------------------------------- assumptions
def test_an_assumption_is_taken_as_true_under_a_name(toy: Toy) -> None:
    assert [row["key"] for row in assumptions.unconfirmed(toy.repo)] == ["compute"]
    said = assumptions.confirm(toy.repo, ["compute"]).text

    assert said.splitlines()[:2] == ["Ana takes as true: compute = square", "Committed: Confirm compute"]
    assert said.splitlines()[2] == assumptions.MARKED, "pages are rendered elsewhere, and would seem to contradict it"
    assert assumptions.unconfirmed(toy.repo) == []
    assert assumptions.confirm(toy.repo, all=True).text.startswith("Nothing to confirm")


def test_one_that_is_none_is_refused(toy: Toy) -> None:
    with pytest.raises(Trouble, match='There is no assumption "colour"'):
        assumptions.confirm(toy.repo, ["colour"])
    with pytest.raises(Trouble, match="No assumption was named"):
        assumptions.confirm(toy.repo)
    toy.answer(team="po=Bo:1")
    with pytest.raises(Trouble, match=r"Ana .* is not of the team: po Bo"):
        assumptions.confirm(toy.repo, all=True)


def test_a_name_that_somebody_else_wrote_there_confirms_nothing(toy: Toy) -> None:
    """Nor does one of somebody who holds no role."""
    row = ASSUMED | {"confirmed_by": "Ana", "confirmed_on": "2026-01-05"}
    toy.write(assumptions.ASSUMPTIONS, json.dumps([row]))
    toy.commit("Bo")
    assert "compute under Ana does not count: Bo committed it" in assumptions.doubts(toy.repo)
    assert assumptions.confirm(toy.repo, ["compute"]).text.startswith("Ana takes as true")
    assert assumptions.doubts(toy.repo) == ""
    toy.answer(team="po=Bo:1")

    assert "Ana holds no role" in assumptions.doubts(toy.repo)
