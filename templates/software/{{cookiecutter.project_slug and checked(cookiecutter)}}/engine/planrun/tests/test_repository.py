"""Answers, plan, evidence and hashes: what was changed by hand, or has moved since, is seen."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from planrun.repository import Repo, seal
from planrun.tests.toy import ASSUMED, OPEN, Toy
from planrun.trouble import Blocked, Trouble


def test_a_repository_is_found_from_below(toy: Toy, tmp_path: Path) -> None:
    below = toy.root / "docs" / "deep"
    below.mkdir()

    assert Repo.here(below).root == toy.root.resolve()
    with pytest.raises(Trouble, match="is not inside a planned repository"):
        Repo.here(tmp_path)


def test_an_answer_is_a_text_and_a_missing_one_is_named(toy: Toy) -> None:
    assert toy.repo.answers["rigor"] == "standard"
    with pytest.raises(Trouble, match=r"has no answer serving\.$") as missing:
        toy.repo.answers["serving"]
    assert missing.value.remedy == "mlscaffold replan --set serving=…"
    toy.write("plan/project.yaml", "kind: toy\nteam: [po, ds]\n")
    with pytest.raises(Trouble, match="team must be one text"):
        _ = toy.repo.answers


def test_the_team_is_whom_the_answers_name(toy: Toy) -> None:
    """Two may share a role, and a role may wait for somebody."""
    toy.answer(team="po=Ana:0.2; ds=Bo:1; ds=Cy Day:0.5; swe=?:1")

    assert toy.repo.team == {"po": ("Ana",), "ds": ("Bo", "Cy Day"), "swe": ()}


def test_a_plan_that_is_behind_its_answers_is_shut(toy: Toy) -> None:
    text = toy.root.joinpath("plan/project.yaml").read_text().replace("square", "round")
    toy.write("plan/project.yaml", text)
    with pytest.raises(Blocked, match=r"changed after plan/plan\.json was computed") as behind:
        _ = toy.repo.plan

    assert behind.value.remedy == "mlscaffold replan"


def test_a_plan_that_was_edited_is_shut(toy: Toy) -> None:
    """Its seal shows it, and the last sound commit is the way back, not a later one that holds the edit."""
    text = toy.root.joinpath("plan/plan.json").read_text()
    toy.write("plan/plan.json", text.replace("3.5", "2.5"))
    with pytest.raises(Blocked, match="edited by hand or torn") as edited:
        _ = toy.repo.plan
    assert edited.value.remedy == "git checkout plan/plan.json"
    sound = toy.git("rev-parse", "--short", "HEAD").strip()
    toy.commit()
    with pytest.raises(Blocked) as committed:
        _ = toy.repo.plan

    assert committed.value.remedy == f"git checkout {sound} -- plan/plan.json"


def test_a_number_is_there_or_the_plan_says_why_not(toy: Toy) -> None:
    repo = toy.repo
    assert repo.number("test.rows") == repo.needed("test.rows") == 3.5
    assert repo.number("acceptance.target") is None
    with pytest.raises(Blocked, match=r"no value for acceptance\.target\. Nobody has measured it\.") as empty:
        repo.needed("acceptance.target")
    assert empty.value.remedy == "mlscaffold replan --set current_value=…"  # its input is called baseline in the plan
    with pytest.raises(Blocked, match=r"has no number acceptance\.threshold"):
        repo.number("acceptance.threshold")


def test_what_is_assumed_is_open_again_when_its_value_moves(toy: Toy) -> None:
    """A confirmation holds for the value that was confirmed, and for a row that is there."""
    confirmed = ASSUMED | {"confirmed_by": "Ana", "confirmed_on": "2026-01-01"}
    toy.write("plan/assumptions.yaml", json.dumps([confirmed]))
    assert [row["confirmed_by"] for row in toy.repo.assumptions()] == ["Ana"]
    toy.write("plan/assumptions.yaml", json.dumps([confirmed | {"value": "round"}]))
    assert [(row["value"], row["confirmed_by"]) for row in toy.repo.assumptions()] == [("square", "")]
    toy.write("plan/assumptions.yaml", "[]")

    assert [row["confirmed_by"] for row in toy.repo.assumptions()] == [""]


def test_evidence_holds_while_what_it_measured_stands(toy: Toy) -> None:
    """A page, a part of the plan, a folder: each is hashed, and what moved is named."""
    measured = ("docs/page.md", "plan/plan.json#test", "src/")
    toy.write("src/our_toy/__init__.py", "")
    toy.repo.write_evidence("count", {"rows": 7}, measured)
    assert toy.repo.fresh("count", "make count")["rows"] == 7
    toy.write("src/our_toy/__pycache__/a.pyc", "left by a program")
    toy.plan(acceptance={"target": OPEN | {"note": "Later."}})
    assert toy.repo.fresh("count", "make count")["rows"] == 7, "neither is what it measured"
    for path, text in (("docs/page.md", "# Another\n"), ("src/our_toy/more.py", "")):
        toy.write(path, text)
        with pytest.raises(Blocked, match=r"count\.json is stale: .* changed after it was measured") as stale:
            toy.repo.fresh("count", "make count")
        assert stale.value.remedy == "make count"
        toy.repo.write_evidence("count", {"rows": 7}, measured)


def test_evidence_that_was_typed_is_none(toy: Toy) -> None:
    assert toy.repo.evidence("count") is None
    with pytest.raises(Blocked, match=r"evidence/count\.json is missing"):
        toy.repo.fresh("count", "make count")
    content = toy.repo.write_evidence("count", {"rows": 7})
    toy.write("evidence/count.json", json.dumps(content | {"rows": 8}))
    with pytest.raises(Blocked, match="edited by hand or torn") as typed:
        toy.repo.evidence("count", "make count")

    assert typed.value.remedy == "make count"


def test_evidence_of_a_day_to_come_would_never_grow_old(toy: Toy) -> None:
    content = toy.repo.write_evidence("count", {})
    moment = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    later = {**content, "at": moment}
    toy.write("evidence/count.json", json.dumps({**later, "seal": seal(later)}))

    with pytest.raises(Blocked, match="which has not come yet"):
        toy.repo.evidence("count")


def test_a_room_is_hashed_by_what_it_says(toy: Toy) -> None:
    """A comment is no other metric; another number is."""
    toy.write("src/our_toy/metrics.py", "VALUE = 1\n")
    first = toy.repo.digest("rooms/metrics.py")
    toy.write("src/our_toy/metrics.py", "VALUE = 1  # why\n")
    assert toy.repo.digest("rooms/metrics.py") == first != ""
    toy.write("src/our_toy/metrics.py", "VALUE = 2\n")

    assert toy.repo.digest("rooms/metrics.py") != first
    assert toy.repo.digest("rooms/features.py") == ""


@pytest.mark.parametrize("mark", ["<<<<<<< yours", ">>>>>>> the-new-plan", ">>>>>>> version-0.3.0"])
def test_nobody_signs_two_versions_of_a_line(mark: str, toy: Toy) -> None:
    """The marks of a merge in what git keeps; a page that shows such marks indented is whole."""
    toy.write("docs/page.md", "    <<<<<<< yours\n")
    toy.repo.refuse_unresolved()
    toy.write("docs/page.md", f"a\n{mark}\nb\n")

    with pytest.raises(Blocked, match=r"^docs/page\.md: a merge is not finished") as open_merge:
        toy.repo.refuse_unresolved()
    assert "git add docs/page.md" in open_merge.value.remedy
