"""The risk register: every rule seen on and off, with the numbers in its sentences."""

from typing import Any

import pytest
from mlscaffold import answers as answers_module
from mlscaffold.planning.number import said
from mlscaffold.planning.plan import compute
from mlscaffold.planning.risk_rules import ML, SOFTWARE
from random_answers import random_answers

CALM = {
    "kind": "ml",
    "decision": "Clerks check the invoices that look wrong before they are paid.",
    "current_practice": "rules",
    "current_value": "0.55",
    "target_value": "0.7",
    "positive_share": "0.04",
    "false_alarm_cost": "5",
    "miss_cost": "100",
    "past_cases": "50000",
    "labelled_cases": "50000",
    "human_confirms": "yes",
    "daily_volume": "2000",
    "start_date": "2026-01-05",
    "team": "po=Ana:1; ds=Bo:1; mle=Cy:1; swe=Di:1; de=Ed:1; ops=Flo:1",
}
STEADY = {
    "kind": "software",
    "decision": "Shop assistants see the state of an order instead of asking the warehouse.",
    "current_value": "12",
    "start_date": "2026-01-05",
    "team": "po=Ana:1; swe=Di:1; swe=Ed:1; ops=Flo:1",
}
STIRRED = {
    "R1": {"labelled_cases": "1500"},
    "R2": {"label_source": "people", "label_agreement": "0.95"},
    "R3": {"label_delay_days": "15"},
    "R4": {"personal_data": "special"},
    "R5": {"change_rate": "adversarial"},
    "R6": {"current_value": ""},
    "R7": {"team": "po=Ana:1; ds=Bo:1; swe=Di:1"},
    "R10": {"miss_cost": "8"},
    "R11": {"appetite_weeks": "9"},
    "R12": {"human_confirms": "no"},
    "R13": {"label_delay_days": "13", "decay_per_month": "0.3"},
    "S1": {"dependencies": "inventory=99", "slo_percent": "99.9"},
    "S2": {"team": "po=Ana:1; swe=Di:1"},
    "S3": {"data_class": "regulated"},
    "S4": {"current_value": ""},
    "S5": {"peak_factor": "21"},
    "S6": {"appetite_weeks": "5"},
    "S7": {"dependencies": "inventory=100"},
    "S8": {"capabilities": "; ".join(f"Do thing {at}" for at in range(8))},
}


def register(base: dict[str, str], **texts: str) -> dict[str, dict[str, Any]]:
    """All risks of an answer set by id."""
    return {risk["id"]: risk for risk in compute(answers_module.complete(base | texts))["risks"]}


def base(rule: str) -> dict[str, str]:
    """The answers in which a rule does not fire."""
    return CALM if rule.startswith("R") else STEADY


@pytest.mark.parametrize("rule", sorted(STIRRED))
def test_each_rule_fires_on_its_answer_and_not_without(rule: str) -> None:
    """One answer turns the row on; the calm project does not have it."""
    assert not register(base(rule))[rule]["active"]
    assert register(base(rule), **STIRRED[rule])[rule]["active"]


def test_calm_projects_keep_few_risks() -> None:
    """A full team with enough labels is left with the upstream systems, and a service with nothing."""
    assert [risk["id"] for risk in register(CALM).values() if risk["active"]] == ["R8"]
    assert [risk["id"] for risk in register(STEADY).values() if risk["active"]] == []


def test_the_learning_curve_rule_waits_for_its_measurement() -> None:
    """R9 needs the curve of the data audit: off until it is measured, and the trigger says what is missing."""
    risk = register(CALM)["R9"]

    assert not risk["active"]
    assert "not known yet" in risk["trigger"]


def test_a_measured_curve_beyond_the_data_fires() -> None:
    """The same rule with 90,000 rows needed and 50,000 there."""
    from mlscaffold.planning.number import Number
    from mlscaffold.planning.risks import risks
    from mlscaffold.planning.schedule import dates

    answers = answers_module.complete(CALM)
    numbers = {"curve.rows_for_target": Number(90_000)}
    found = {risk["id"]: risk for risk in risks(answers, numbers, dates.build(answers, {}))}

    assert found["R9"]["active"]
    assert "90,000" in found["R9"]["trigger"]


def test_scores_are_the_proposed_ones() -> None:
    """Likelihood times impact of every rule."""
    scores = {rule.id: rule.score for rule in (*ML, *SOFTWARE)}

    assert scores == {
        "R1": (5, 4), "R2": (4, 4), "R3": (4, 3), "R4": (3, 5), "R5": (4, 4), "R6": (5, 5), "R7": (3, 3),
        "R8": (3, 4), "R9": (4, 4), "R10": (3, 4), "R11": (4, 3), "R12": (4, 4), "R13": (4, 4),
        "S1": (5, 4), "S2": (3, 3), "S3": (3, 5), "S4": (3, 3), "S5": (3, 4), "S6": (4, 3), "S7": (4, 4),
        "S8": (4, 3),
    }  # fmt: skip
    assert all(risk["score"] == risk["likelihood"] * risk["impact"] for risk in register(CALM).values())


def test_responses_hold_the_numbers_of_this_project() -> None:
    """The register says how many rows, which agreement, which dependency, how many weeks."""
    few = register(CALM, **STIRRED["R1"])["R1"]
    noisy = register(CALM, **STIRRED["R2"])["R2"]
    promised = register(STEADY, **STIRRED["S1"])["S1"]
    late = register(CALM, **STIRRED["R11"])["R11"]

    assert "1,500 labelled rows" in few["trigger"]
    assert "0.966" in noisy["response"]
    assert "inventory" in promised["response"]
    assert "weeks instead of 9" in late["response"]


def test_every_risk_has_an_owner_and_a_date() -> None:
    """Owner and due date come from team and schedule, whatever the answers; no sentence shows a raw None."""
    for seed in range(60):
        for risk in compute(random_answers(seed))["risks"]:
            assert risk["owner"]
            assert len(risk["due"]) == 10
            assert "None" not in risk["trigger"] + risk["response"], (seed, risk)
            assert "nan" not in (risk["trigger"] + risk["response"]).split(), (seed, risk)


def test_numbers_in_sentences_are_short() -> None:
    """Thousands get a comma, fractions three digits, and what is unknown says so."""
    assert [said(value) for value in (6225, 0.61274, 37425.4, None)] == ["6,225", "0.613", "37,425", "not known yet"]
