"""docs/schedule.md against the plan: a simulation written from the page gives the same days."""

import pytest
import schedule_by_page
from mlscaffold import answers as answers_module
from mlscaffold.planning.plan import compute
from test_planning_work import GIVEN, KNOWN, SETS, value

TEAMS = {
    "one of all": "po=Ana:0.2; ds=Bo:1",
    "halves": "po=Ana:0.2; ds=Bo:0.5; swe=Cy:0.5; ops=Di:0.25",
    "many": "po=Ana:0.2; ds=Bo:1; mle=Cy:1; de=Di:1; swe=Ed:1; ops=Fa:1",
}


@pytest.mark.parametrize("name", SETS)
def test_the_page_gives_the_same_days(name: str) -> None:
    """Person-days to the hundredth; the gate, even odds and four in five to a hundredth of the whole, or half a day."""
    _agrees(SETS[name][0])


@pytest.mark.parametrize("team", TEAMS.values(), ids=TEAMS)
@pytest.mark.parametrize("texts", [KNOWN | {"serving": "api"}, SETS["a public web app with personal data"][0]])
def test_the_page_gives_the_same_days_to_any_team(texts: dict[str, str], team: str) -> None:
    """One person who does everything, halves of people, and somebody for each role."""
    _agrees(texts | {"team": team})


def _agrees(texts: dict[str, str]) -> None:
    given = answers_module.complete(GIVEN | texts)
    plan = compute(given)
    numbers = {"labelling": None, "wait": None, "shadow": None, "canary": None}
    if given.kind == "ml":
        numbers = {
            "labelling": value(plan, "schedule.labelling_days"),
            "wait": value(plan, "schedule.wait_days"),
            "shadow": value(plan, "rollout.shadow_days"),
            "canary": value(plan, "rollout.canary_days"),
        }
    found = schedule_by_page.forecast(given, numbers)
    near = max(0.5, 0.01 * found["p80"])

    assert value(plan, "schedule.effort_days") == pytest.approx(found["effort"], abs=0.01)
    assert value(plan, "schedule.phase1.p50_days") == pytest.approx(found["gate"], abs=near)
    assert value(plan, "schedule.days.p50") == pytest.approx(found["p50"], abs=near)
    assert value(plan, "schedule.days.p80") == pytest.approx(found["p80"], abs=near)


def test_the_share_before_the_first_experiment_is_what_the_page_says() -> None:
    """Between a third and a half with data of its own."""
    for name in ("nothing is known", "all is known", "special data", "a cluster"):
        plan = compute(answers_module.complete(GIVEN | SETS[name][0]))

        assert 1 / 3 < value(plan, "schedule.early_share") < 1 / 2
