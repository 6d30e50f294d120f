"""The schedule: worked example, passes, simulation, levelling, calendar, sessions and reviews."""

import datetime
import hashlib
import itertools
import json
import random
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold.answers import Answers
from mlscaffold.planning.formulas import network
from mlscaffold.planning.formulas.network import Activity
from mlscaffold.planning.number import Number
from mlscaffold.planning.schedule import dated_lists, dates
from mlscaffold.planning.schedule.tasks import Known, is_early, tasks
from random_answers import random_answers

DECISION = "Clerks check the invoices that look wrong before they are paid."
MONDAY = datetime.date(2026, 1, 5)


def answers(kind: str = "ml", **texts: str) -> Answers:
    """Default answers of a kind, starting on a fixed Monday, with others on top."""
    given = {"kind": kind, "decision": DECISION, "start_date": MONDAY.isoformat()}
    return answers_module.complete(given | texts)


def full_time() -> list[Activity]:
    """A worked example: fourteen tasks with a full-time person of its own for each."""
    return [
        Activity("p0a", (), None, 2, 4, 8),
        Activity("p0b", ("p0a",), None, 3, 5, 10),
        Activity("p1a", ("p0a",), None, 3, 8, 20),
        Activity("p1b", ("p1a",), None, 4, 7, 15),
        Activity("p1c", ("p1a",), None, 5, 8, 15),
        Activity("p1d", ("p1c",), None, 6, 10, 18),
        Activity("p1e", ("p1a",), None, 8, 12, 20),
        Activity("p1f", ("p1e",), None, 4, 6, 12),
        Activity("g1", ("p0b", "p1b", "p1d", "p1f"), None, 1, 1, 3),
        Activity("p2", ("g1",), None, 20, 30, 40),
        Activity("p3", ("p2",), None, 3, 5, 8),
        Activity("p4", ("g1",), None, 10, 15, 25),
        Activity("p5", ("p3", "p4"), None, 10, 12, 20),
        Activity("g5", ("p5",), None, 1, 1, 2),
    ]


def built(kind: str = "ml", **texts: str) -> dict[str, Any]:
    """The schedule of default answers as plan.json would hold it, values only."""
    given = answers(kind, **texts)
    plan = dates.build(given, {})
    numbers = {key: number.value for key, number in (dates.schedule(given, plan) | dates.effort(given)).items()}
    return numbers | dated_lists.lists(given, plan, {})


# ---------------------------------------------------------------------------------------------------- the arithmetic


def test_the_worked_example() -> None:
    """18 days at the least to G1, 34.2 on the mean path, 35.6 at even odds (merge bias)."""
    forecast = network.simulate(full_time(), "g1")
    windows = network.passes(full_time())

    assert network.shortest(full_time(), "g1") == 18
    assert windows["g1"].end == pytest.approx(34.2, abs=0.05)
    assert forecast.milestone(0.5) == pytest.approx(35.6, abs=0.1)
    assert [round(forecast.quantile(share)) for share in (0.5, 0.8, 0.95)] == [85, 90, 95]
    assert forecast.milestone(0.5) > windows["g1"].end


def test_the_simulation_agrees_with_numpy() -> None:
    """A hundred thousand beta draws of the same network by numpy give the same quantiles."""
    generator = np.random.default_rng(30)
    draws = {
        task.id: task.low
        + (task.high - task.low)
        * generator.beta(
            1 + 4 * (task.likely - task.low) / (task.high - task.low),
            1 + 4 * (task.high - task.likely) / (task.high - task.low),
            100_000,
        )
        for task in full_time()
    }
    ends: dict[str, Any] = {}
    for task in full_time():
        ends[task.id] = draws[task.id] + np.max([ends[name] for name in task.after] or [np.zeros(100_000)], axis=0)

    forecast = network.simulate(full_time(), "g1")

    for share in (0.5, 0.8, 0.95):
        assert forecast.quantile(share) == pytest.approx(np.quantile(ends["g5"], share), abs=0.5)
        assert forecast.milestone(share) == pytest.approx(np.quantile(ends["g1"], share), abs=0.4)


def test_the_tabulated_beta_agrees_with_scipy() -> None:
    """The quantile table of each shape lies within a thousandth of the range."""
    from scipy.stats import beta

    for mode in (0.0, 0.1, 0.5, 0.8, 1.0):
        table = network._beta_quantiles(mode)
        exact = beta.ppf(np.linspace(0, 1, network.GRID + 1), 1 + 4 * mode, 1 + 4 * (1 - mode))

        assert np.max(np.abs(np.array(table) - exact)) < 1e-3


def test_the_pert_mean_is_the_samples_mean() -> None:
    """(low + 4 likely + high) / 6, to the accuracy of stratified sampling."""
    forecast = network.simulate([Activity("only", (), None, 2, 4, 12)], "only")

    assert sum(forecast.ends) / len(forecast.ends) == pytest.approx(5, abs=0.01)
    assert (min(forecast.ends), max(forecast.ends)) >= (2, 2)
    assert max(forecast.ends) <= 12


def test_the_simulation_is_the_same_everywhere() -> None:
    """A recorded fingerprint of the draws, rounded as the plan rounds them."""
    forecast = network.simulate(full_time(), "g1")
    text = json.dumps([[round(days, 6) for days in forecast.ends], dict(forecast.criticality)])

    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "d436b620afa603ce"


def test_a_task_without_a_rank_goes_before_those_that_have_one() -> None:
    """Where one person has two tasks to begin with."""
    ranked, plain = Activity("ranked", (), "Ana", 1, 1, 1, rank=1), Activity("plain", (), "Ana", 1, 1, 1)

    assert [task.id for task in network.level([ranked, plain])] == ["plain", "ranked"]


def test_another_seed_moves_the_forecast_little() -> None:
    """Stratified draws: P80 within half a day over seeds."""
    ends = [network.simulate(full_time(), "g1", seed=seed).quantile(0.8) for seed in range(6)]

    assert max(ends) - min(ends) < 1


def test_tasks_that_wait_for_each_other_are_refused() -> None:
    """A circle is a mistake in the table, not an endless loop."""
    with pytest.raises(ValueError, match="wait for each other"):
        network.level([Activity("a", ("b",), None, 1, 1, 1), Activity("b", ("a",), None, 1, 1, 1)])


@st.composite
def networks(draw: st.DrawFn) -> list[Activity]:
    """Random networks of up to ten tasks and three people."""
    count = draw(st.integers(1, 10))
    found = []
    for at in range(count):
        before = draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set()
        after = tuple(f"t{number}" for number in sorted(before))
        low = draw(st.floats(0, 20))
        likely = low + draw(st.floats(0, 20))
        high = likely + draw(st.floats(0, 20))
        found.append(Activity(f"t{at}", after, draw(st.sampled_from([None, "ds", "swe", "po"])), low, likely, high))
    return found


@given(networks())
@settings(max_examples=80, deadline=None)
def test_no_role_does_two_things_at_once(activities: list[Activity]) -> None:
    """After levelling, tasks of one role do not overlap, and every task follows what it must."""
    levelled = network.level(activities)
    windows = network.passes(levelled)

    assert {activity.id for activity in levelled} == {activity.id for activity in activities}
    for role in ("ds", "swe", "po"):
        spans = sorted((windows[a.id].start, windows[a.id].end) for a in levelled if a.resource == role)
        assert all(first[1] <= second[0] + 1e-9 for first, second in itertools.pairwise(spans))
    for activity in activities:
        assert all(windows[name].end <= windows[activity.id].start + 1e-9 for name in activity.after)
        assert windows[activity.id].slack >= -1e-9
    assert any(window.slack < 1e-9 for window in windows.values())


@given(networks())
@settings(max_examples=40, deadline=None)
def test_forecasts_stay_between_best_and_worst(activities: list[Activity]) -> None:
    """Every draw lies between all-optimistic and all-pessimistic; quantiles are in order; shares are shares."""
    levelled = network.level(activities)
    last = levelled[-1].id
    forecast = network.simulate(levelled, last, draws=200)
    best = max(network.shortest(levelled, activity.id) for activity in levelled)
    worst = network.passes([Activity(a.id, a.after, a.resource, a.high, a.high, a.high) for a in levelled])

    assert best - 1e-6 <= forecast.ends[0] <= forecast.ends[-1] <= max(w.end for w in worst.values()) + 1e-6
    assert forecast.quantile(0.5) <= forecast.quantile(0.8) <= forecast.quantile(0.95)
    assert all(0 <= share <= 1 for share in forecast.criticality.values())


# ------------------------------------------------------------------------------------------------------ the calendar


@given(st.dates(datetime.date(2000, 1, 1), datetime.date(2099, 12, 31)), st.integers(0, 3000))
@settings(max_examples=100, deadline=None)
def test_working_days_agree_with_numpy(start: datetime.date, days: int) -> None:
    """numpy's business days count the same."""
    end = dates.workday(start, days)

    assert end == np.busday_offset(start, days, roll="forward").astype(datetime.date)
    assert dates.working_days(start, end) == int(np.busday_count(start, end)) + 1


def test_a_plan_without_end_stops_at_the_last_day() -> None:
    """A share of almost nothing gives a date, and a finding, and no error."""
    given = answers(team="po=Ana:0.1; ds=Bo:0.00001; swe=Cy:0.00001")
    plan = dates.build(given, {})
    numbers = dates.schedule(given, plan)

    assert numbers["schedule.p80"].value == dates.LAST_DAY.isoformat()
    assert numbers["schedule.fits"].value is False
    assert "appetite_weeks" in str(numbers["schedule.fits"].remedy)


# ------------------------------------------------------------------------------------------------- what the plan says


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_default_answers_end_within_their_appetite(kind: str) -> None:
    """P80 of the default answers is within the deadline, and not by months."""
    plan = built(kind)
    spare = datetime.date.fromisoformat(plan["schedule.deadline"]) - datetime.date.fromisoformat(plan["schedule.p80"])

    assert plan["schedule.fits"] is True
    assert 0 <= spare.days <= 35


def test_too_short_an_appetite_does_not_fit_and_the_remedy_does() -> None:
    """The weeks in the remedy are enough, and one week less is not."""
    given = answers(appetite_weeks="10")
    number = dates.schedule(given, dates.build(given, {}))["schedule.fits"]
    weeks = int(str(number.remedy).rstrip(".").rsplit(" ", 1)[1])

    assert number.value is False
    assert built(appetite_weeks=str(weeks))["schedule.fits"] is True
    assert built(appetite_weeks=str(weeks - 1))["schedule.fits"] is False


def test_effort_is_the_sum_of_the_work() -> None:
    """Every task at its mean, waiting and signatures left out; what lies before the gate is its share of it."""
    for kind in ("ml", "software"):
        plan = built(kind)
        work = {task["id"]: task for task in plan["tasks"] if not task["waiting"]}
        means = {id: (task["effort"][0] + 4 * task["effort"][1] + task["effort"][2]) / 6 for id, task in work.items()}
        early = sum(days for id, days in means.items() if work[id]["phase"] in ("p0", "p1"))

        assert plan["schedule.effort_days"] == pytest.approx(sum(means.values()), abs=0.3)
        assert plan["schedule.early_share"] == pytest.approx(early / sum(means.values()), abs=0.01)
        assert not {"g1", "g5", "canary", "gradual"} & work.keys()
    assert built()["schedule.iteration_days"] == 30


def test_more_people_never_end_later_and_half_a_person_does() -> None:
    """A full team ends before the default one; half a data scientist after."""
    default = built()["schedule.days.p80"]

    assert built(team="po=A:1; ds=B:1; mle=C:1; swe=D:1; de=E:1; ops=F:1")["schedule.days.p80"] < default
    assert built(team="po=A:1; ds=B:0.5; swe=C:0.5")["schedule.days.p80"] > default
    assert built(focus_factor="0.6")["schedule.days.p80"] > default


def test_labelling_enters_the_schedule() -> None:
    """Four hundred person-days of two people push the gate out by two hundred days; where logs tell, nobody labels."""
    given = answers(label_source="people", annotators="2")
    short, long = (dates.build(given, {"schedule.labelling_days": Number(days)}) for days in (10, 400))

    assert long.windows["labelling"].end - long.windows["labelling"].start == pytest.approx(200)
    assert long.ends("g1") > short.ends("g1")
    assert not {"labelling", "label_guide"} & {task.id for task in tasks(answers())}


def test_the_baseline_comes_after_the_data() -> None:
    """Nobody measures before the data can be reached."""
    plan = built()
    start = {task["id"]: task["start"] for task in plan["tasks"]}

    assert start["charter"] <= start["access"] <= start["audit"] <= start["baseline"] <= start["experiments"]


@pytest.mark.parametrize("kind", ["ml", "software"])
@pytest.mark.parametrize("start", ["2026-01-05", "2026-01-10", "2026-12-31"])
def test_three_sessions_come_before_the_first_look(kind: str, start: str) -> None:
    """Three dated meetings, in order, on working days, each before acceptance starts."""
    plan = built(kind, start_date=start)
    look = next(task["start"] for task in plan["tasks"] if task["id"] == "acceptance")
    dates = [meeting["date"] for meeting in plan["sessions"]]

    assert len(dates) == 3
    assert dates == sorted(dates)
    assert all(date < look for date in dates)
    assert all(datetime.date.fromisoformat(date).weekday() < 5 for date in dates)


def test_reviews_follow_release() -> None:
    """Reviews, the repeated drill and the first retraining have dates after the tasks they follow."""
    given = answers()
    plan = dates.build(given, {})
    found = dated_lists.reviews(given, plan, {"retrain.every_days": Number(23)})

    assert [row["date"] for row in found] == sorted(row["date"] for row in found)
    assert sum("retraining" in row["about"] for row in found) == 1
    assert all(row["date"] > plan.ends("operation").isoformat() for row in found)


def test_tasks_read_like_a_plan() -> None:
    """Dates in order, slack where a task may wait, gates as milestones, one person a task."""
    for kind in ("ml", "software"):
        plan = built(kind)
        ends = {task["id"]: task["end"] for task in plan["tasks"]}
        for task in plan["tasks"]:
            assert task["start"] <= task["end"]
            assert all(ends[name] <= task["end"] for name in task["after"])
            assert task["critical"] == (task["slack_days"] == 0)
            assert task["milestone"] == bool(task["gate"])
            assert task["person"]
        assert [task["id"] for task in plan["tasks"] if task["critical"]] == plan["critical"]


def test_every_capability_is_a_task_of_its_own() -> None:
    """Twelve capabilities, twelve tasks after the gate, and acceptance after all of them."""
    names = [f"Do thing {at}" for at in range(12)]
    plan = built("software", capabilities="; ".join(names))
    tasks_by_id = {task["id"]: task for task in plan["tasks"]}

    built_tasks = [task for task in plan["tasks"] if task["id"].startswith("slice_")]
    assert [task["title"] for task in built_tasks] == names
    assert {task["id"] for task in built_tasks} <= set(tasks_by_id["acceptance"]["after"])
    assert all(task["after"] == ["g1"] for task in built_tasks)


@pytest.mark.parametrize("seed", range(20))
def test_the_tasks_hold_together(seed: int) -> None:
    """Every predecessor exists and comes first, days are in order, what opens the project precedes the rest."""
    given, seen = random_answers(seed), set[str]()
    found = tasks(given, Known(labelling=30, wait=20.0, shadow=1.0, canary=9.0))
    for task in found:
        assert seen.issuperset(task.after), task.id
        assert 0 <= task.effort[0] <= task.effort[1] <= task.effort[2]
        assert task.effort[2] > 0
        assert task.elapsed or task.role or task.hands
        seen.add(task.id)
    early = [is_early(task) for task in found]
    assert early == sorted(early, reverse=True)


def test_software_iterations_cover_the_building() -> None:
    """Their number times their length holds the capabilities' working days; capacity knows the focus."""
    given = answers("software", capabilities="Do this; Do that; Do more")
    plan = dates.build(given, {})
    numbers = dates.iterations(given, plan)

    built_days = plan.windows["data"].end, *(plan.windows[f"slice_{number}"].end for number in (1, 2, 3))
    days = max(built_days) - min(plan.windows[name].start for name in ("data", "slice_1", "slice_2", "slice_3"))
    count = numbers["iterations.count"].value
    assert 10 * (count - 1) < days <= 10 * count
    assert numbers["iterations.capacity"].value == 8
    assert str(numbers["iterations.start"].value) > plan.ends("requirements").isoformat()


def test_a_schedule_costs_little_time() -> None:
    """A quarter of a second of CPU with twelve capabilities, simulation included; the best of three, as a busy machine
    is no fault."""
    given, taken = answers("software", capabilities="; ".join(f"Do thing {at}" for at in range(12))), []
    for _ in range(3):
        begun = time.process_time()
        plan = dates.build(given, {})
        dated_lists.lists(given, plan, {})
        dates.schedule(given, plan)
        taken.append(time.process_time() - begun)

    assert min(taken) < 0.25


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_any_team_gets_a_schedule(seed: int) -> None:
    """Random roles, names and shares: dates, an end after the start, and no error."""
    generator = random.Random(seed)
    kind = generator.choice(["ml", "software"])
    roles = generator.sample(["po", "ds", "mle", "swe", "de", "ops", "expert"], generator.randint(1, 7))
    team = "; ".join(f"{role}={generator.choice('?AB')}:{generator.choice([0.1, 0.5, 1])}" for role in roles)
    plan = built(kind, team=team)

    assert plan["schedule.start"] < plan["schedule.p50"] <= plan["schedule.p80"] <= plan["schedule.p95"]
    assert plan["schedule.floor_days"] <= plan["schedule.phase1.p50_days"]
