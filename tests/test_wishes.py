"""Twelve wishes side by side: what differs between their plans is what a lead would expect to differ."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from mlscaffold.planning.number import numbers_of
from wishes import PAGE, WISHES, page, planned


def tasks(name: str) -> dict[str, dict[str, Any]]:
    """The tasks of a wish by their ids."""
    return {task["id"]: task for task in planned(name)[1]["schedule"]["tasks"]}


def number(name: str, key: str) -> Any:
    """The value of a number of the plan."""
    return numbers_of(planned(name)[1])[key]["value"]  # type: ignore[index]


def calendar_days(task: dict[str, Any]) -> int:
    """From the first day of a task to its last."""
    return (date.fromisoformat(task["end"]) - date.fromisoformat(task["start"])).days


SMALLEST_FIRST = ("command-line tool", "library", "nightly batch", "invoice service", "public web app")
# What only these have among the twelve, and by which task it shows.
ONLY = {
    "labelling": {"ticket routing", "image triage"},
    "label_guide": {"ticket routing", "image triage"},
    "privacy": {"fraud", "churn", "image triage"},
    "privacy_answer": {"image triage"},
    "canary_labels": {"fraud", "churn"},
    "batch_run": {"demand forecast", "churn"},
    "service": {"fraud", "ticket routing", "spam with rules", "image triage"},
    "experiments": {"fraud", "demand forecast", "churn", "ticket routing", "spam with rules", "image triage"},
    "load": {"invoice service", "public web app", "service beside a model"},
    "deployment": {"nightly batch", "invoice service", "public web app", "service beside a model"},
    "data": {"nightly batch", "invoice service", "public web app", "service beside a model"},
    "deprecation": {"library"},
    "model_client": {"service beside a model"},
}


@pytest.mark.parametrize("key", ["schedule.effort_days", "schedule.p50", "schedule.p80"])
def test_software_grows_from_a_command_to_a_public_application(key: str) -> None:
    """Work and dates alike; and a command of two capabilities is five weeks at most."""
    sizes = [number(name, key) for name in SMALLEST_FIRST]

    assert all(one < next_ for one, next_ in pairwise(sizes))
    assert number("command-line tool", "schedule.days.p80") <= 25


@pytest.mark.parametrize("task", ONLY)
def test_work_is_there_only_where_an_answer_calls_for_it(task: str) -> None:
    """Nobody labels, load tests, migrates or keeps old names alive without a reason in the wish."""
    assert {name for name in WISHES if task in tasks(name)} == ONLY[task]


def test_only_fraud_waits_a_quarter_for_its_labels() -> None:
    """90 days before the first label returns, again in the canary; none of it is anybody's work."""
    waited = {name: calendar_days(found["label_wait"]) for name in WISHES if "label_wait" in (found := tasks(name))}

    assert waited["fraud"] >= 90
    assert calendar_days(tasks("fraud")["canary_labels"]) >= 89
    assert all(days < 60 for name, days in waited.items() if name not in ("fraud", "image triage"))
    assert number("fraud", "schedule.p50") > number("churn", "schedule.p50") > number("demand forecast", "schedule.p50")
    assert abs(number("fraud", "schedule.effort_days") - number("churn", "schedule.effort_days")) < 15


def test_a_forecast_has_seasons_to_try_and_periods_to_test() -> None:
    """The season is what its simplest idea rests on, and no other wish speaks of one."""
    spoken = {name for name in ONLY["experiments"] if "season" in str(planned(name)[1]["hypotheses"])}

    assert spoken == {"demand forecast"}
    assert planned("demand forecast")[1]["metric"]["title"] == "mean absolute error"


def test_people_who_label_cost_work_and_not_only_time() -> None:
    """Ticket routing labels what churn finds in its logs; image triage looks longer at fewer."""
    labelling = {name: tasks(name)["labelling"] for name in ONLY["labelling"]}

    assert all(not task["waiting"] and task["effort"][1] > 1 for task in labelling.values())
    assert number("ticket routing", "schedule.effort_days") > number("churn", "schedule.effort_days")


def test_rules_are_advised_where_they_can_be_written_and_a_model_says_that_it_goes_against() -> None:
    """Spam is planned as a model all the same: overruled with a reason, and the rules are the first thing tried."""
    plan = planned("spam with rules")[1]
    software = {name for name, texts in WISHES.items() if texts["kind"] == "software"}

    assert plan["advice"]["recommendation"] == "software"
    assert {name for name in WISHES if planned(name)[1]["advice"]["overruled"]} == {"spam with rules"}
    assert {planned(name)[1]["advice"]["rung"] for name in software} == {"rules"}
    assert plan["hypotheses"][0]["change"].startswith("The rules written down in full")


def test_a_nightly_run_is_one_a_night_and_a_service_answers_all_day() -> None:
    """Not one of thirty runs may fail at 99 %, and 300 of a service's 30,000 requests may."""
    assert number("nightly batch", "slo.budget_requests") == pytest.approx(0.3)
    assert number("invoice service", "slo.budget_requests") == pytest.approx(300)
    assert number("command-line tool", "slo.budget_requests") is None
    assert planned("nightly batch")[1]["slo"]["burn"] == []
    assert len(planned("invoice service")[1]["slo"]["burn"]) == 3


def test_what_people_have_at_stake_shows_in_the_requirements() -> None:
    """Personal data: access, deletion and a backup that is tried; a model beside it: a person decides."""
    about = {name: {row["about"] for row in planned(name)[1]["requirements"]} for name in SMALLEST_FIRST}
    beside = {row["about"] for row in planned("service beside a model")[1]["requirements"]}

    assert "deletion" in about["public web app"]
    assert all("deletion" not in found for name, found in about.items() if name != "public web app")
    assert "a person decides" in beside
    assert "availability" not in about["library"] | about["command-line tool"]


def test_every_wish_of_a_model_has_its_gain_and_payback_in_figures() -> None:
    """None of them is left without a number that somebody can decide by."""
    for name in ONLY["experiments"]:
        assert number(name, "test.rows") > 0
        assert number(name, "acceptance.min_gain") > 0
        assert number(name, "acceptance.payback_months") <= 18


def test_the_page_of_wishes_is_up_to_date() -> None:
    """`python tests/wishes.py` writes it."""
    assert PAGE.read_text("utf-8") == page()
