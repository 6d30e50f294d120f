"""People: the RACI with its stand-ins, the rules it must keep, load and gaps."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from material import ROOT
from mlscaffold import answers as answers_module
from mlscaffold import catalogue
from mlscaffold.planning.schedule.people import ML_RACI, ML_ROLES, SIGNED, carried_by, people, problems, staff
from planrun.catalogue import STAND_INS

DECISION = "Clerks check the invoices that look wrong before they are paid."
FULL = "po=Ana:1; ds=Bo:1; mle=Cy:1; swe=Di:1; de=Ed:1; ops=Flo:1"


def team(text: str, kind: str = "ml", **texts: str) -> dict[str, Any]:
    """The plan's people for a team."""
    return people(answers_module.complete({"kind": kind, "decision": DECISION, "team": text} | texts))


def test_the_table_follows_the_work() -> None:
    """Nobody answers for labels where nobody labels, or for rights where no data are about people."""
    none = {row["deliverable"] for row in team(FULL)["raci"]}
    both = team(f"{FULL}; expert=Gus:0.2", label_source="people", personal_data="special")
    labels = next(row for row in both["raci"] if row["deliverable"] == "labelling guide and gold set")
    tool = {row["deliverable"] for row in team("po=Ana:0.2; swe=Di:1", "software", deliverable="cli")["raci"]}

    assert not {"labelling guide and gold set", "privacy and rights"} & none
    assert both["columns"][-1] == "EXPERT"
    assert labels["cells"]["EXPERT"] == "C"
    assert both["problems"] == []
    assert "EXPERT" not in team(FULL)["columns"]
    assert "monitoring and alerts" not in tool


def test_a_full_team_breaks_no_rule() -> None:
    """Six people, six roles: no problem, no gap, nobody with more than half of the letters."""
    found = team(FULL)

    assert found["problems"] == []
    assert found["gaps"] == []
    assert max(person["share"] for person in found["load"]) < 0.5


def test_three_people_carry_it_and_one_of_them_too_much() -> None:
    """Product owner, data scientist, engineer: no rule broken, but the data scientist holds 16 of 24 letters."""
    found = team("po=Ana:1; ds=Bo:1; swe=Di:1")

    assert found["problems"] == []
    assert found["load"][0]["person"] == "Bo"
    assert found["load"][0]["a_and_r"] == 16
    assert sum(person["a_and_r"] for person in found["load"]) == 24
    assert any("Bo holds 16" in gap for gap in found["gaps"])


def test_without_a_product_owner_several_rules_break() -> None:
    """Nobody stands in for the product owner."""
    found = team("ds=Bo:1; swe=Di:1")

    assert len(found["problems"]) >= 2
    assert any("po=…" in problem for problem in found["problems"])


def test_without_anybody_who_models_the_plan_says_so() -> None:
    """Two sentences that list the deliverables, not one a deliverable."""
    found = team("po=Ana:1; swe=Di:1")

    assert any("takes part in" in problem and "experiments" in problem for problem in found["problems"])
    assert len(found["problems"]) <= 4


def test_experiments_are_not_handed_over() -> None:
    """A table in which the modeller is only informed of the release is refused."""
    filled = {role: role for role in ML_ROLES}
    changed = [(name, letters.replace("C AR R", "I AR R") if name == "release and rollback" else letters)
               for name, letters in ML_RACI]  # fmt: skip
    carried = [carried_by(dict(zip(ML_ROLES, letters.split(), strict=True)), filled) for _, letters in changed]

    found = problems("ml", [name for name, _ in changed], carried)

    assert found == ["The data scientist runs experiments and hands release and rollback over completely."]


def test_stand_ins_are_the_nearest_role() -> None:
    """Data engineer to ML engineer to data scientist; operations to software; nobody for the product owner."""
    answers = answers_module.complete({"decision": DECISION, "team": "po=Ana:1; ds=Bo:0.5; swe=Di:0.5"})

    assert staff(answers, "de").person == "Bo"
    assert staff(answers, "mle").person == "Bo"
    assert staff(answers, "ops").person == "Di"
    assert staff(answers, "expert").person == "Ana"
    assert catalogue.roles()["po"].stand_ins == ()


def test_people_of_one_role_share_its_work() -> None:
    """Two engineers add up, and both are named."""
    answers = answers_module.complete({"decision": DECISION, "team": "po=Ana:1; ds=Bo:1; swe=Di:0.5; swe=Ed:1"})

    assert staff(answers, "swe").person == "Di and Ed"
    assert staff(answers, "swe").share == 1.5


def test_roles_without_a_name_are_gaps() -> None:
    """A question mark is somebody to find."""
    found = team("po=?:0.2; ds=?:1; swe=?:0.5")

    assert found["roles"]["PO"] == "product owner (not named yet)"
    assert sum("has no name yet" in gap for gap in found["gaps"]) == 3


def test_nobody_works_more_than_a_week() -> None:
    """Shares of one name in several roles add up."""
    assert any("150%" in gap for gap in team("po=Ana:0.5; ds=Ana:1; swe=Di:1")["gaps"])
    assert not any("of a week" in gap for gap in team("po=Ana:0.5; ds=Ana:0.5; swe=Di:1")["gaps"])


def test_a_software_team_has_its_own_table() -> None:
    """Product owner and engineer are enough; every row has one A and an R."""
    found = team("po=Ana:0.2; swe=Di:1", "software")

    assert found["problems"] == []
    assert found["columns"] == ["PO", "SWE", "OPS", "EXPERT"]
    for row in found["raci"]:
        letters = "".join(row["cells"].values())
        assert letters.count("A") == 1, row["deliverable"]
        assert "R" in letters, row["deliverable"]


def test_the_table_itself_keeps_the_rules() -> None:
    """Twelve deliverables where people label and are described, one A each."""
    found = team(FULL, label_source="people", personal_data="personal")

    assert len(found["raci"]) == 12
    for row in found["raci"]:
        assert "".join(row["cells"].values()).count("A") == 1, row["deliverable"]


@given(st.sets(st.sampled_from(["ds", "mle", "swe", "de", "ops", "expert"])))
@settings(max_examples=64, deadline=None)
def test_any_team_with_a_modeller_and_a_product_owner_keeps_the_rules(roles: set[str]) -> None:
    """Stand-ins fill every other role; shares of the load always add up to one."""
    found = team("; ".join(f"{role}={role.title()}:1" for role in ("po", *sorted(roles))))

    assert (found["problems"] == []) == bool(roles & {"ds", "mle"})
    assert abs(sum(person["share"] for person in found["load"]) - 1) < 1e-9


def test_who_signs_follows_the_team() -> None:
    """Each person once, with the roles they sign for; a stand-in is named as one, and of two people one is enough."""
    three = team("po=Ana:0.2; ds=Bo:1; swe=Cy:0.5")["signers"]
    nobody = team("po=?:0.2; ds=?:1; swe=?:0.5")["signers"]
    several = team("po=Ana:1; swe=Cy:0.5; swe=Di:1", "software")["signers"]

    assert three["G3"] == [
        {"name": "Ana", "roles": ["PO"], "for": []},
        {"name": "Bo", "roles": ["DS"], "for": []},
        {"name": "Cy", "roles": ["SWE"], "for": ["OPS"]},
    ]
    assert three["G1"] == [{"name": "Bo", "roles": ["DS"], "for": ["DE"]}, {"name": "Ana", "roles": ["PO"], "for": []}]
    assert [row["name"] for row in nobody["G3"]] == [""]
    assert [row["name"] for row in several["T1"]] == ["Ana", "Cy or Di"]


def test_the_repository_knows_the_same_stand_ins_and_signers() -> None:
    """What the plan says of people, the rendered code does: its table and its signatures are read from its source."""
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("generator/planrun_*/gates/*.py"))

    stand_ins = {role.key: role.stand_ins for role in catalogue.roles().values() if role.stand_ins}
    assert stand_ins == STAND_INS
    for roles in SIGNED["ml"].values():
        assert f"({', '.join(json.dumps(role) for role in roles)})" in code
    for roles in SIGNED["software"].values():
        assert f"[{', '.join(json.dumps(role) for role in roles)}]" in code
