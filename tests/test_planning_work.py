"""The work that answers call for: which tasks, how many days, in which order, and what the dates make of them."""

import datetime
import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest
from mlscaffold import answers as answers_module
from mlscaffold import catalogue
from mlscaffold.errors import InvalidAnswer
from mlscaffold.planning import plan as plan_module
from mlscaffold.planning.plan import compute
from mlscaffold.planning.schedule import dates
from random_answers import random_answers

GIVEN = {"decision": "Clerks check the invoices that look wrong before they are paid.", "start_date": "2026-01-05"}
# A lead who knows the facts: data at hand, today's value counted, a target, costs.
KNOWN = {
    "data_source": "data/cases.csv",
    "past_cases": "48000",
    "labelled_cases": "48000",
    "current_practice": "rules",
    "current_value": "0.5",
    "target_value": "0.7",
    "positive_share": "0.04",
    "miss_cost": "100",
    "false_alarm_cost": "5",
}
SOFTWARE = {"kind": "software"}
ALWAYS_ML = ["charter", "pipeline", "audit", "test_set", "harness", "baseline", "g1", "experiments", "acceptance"]
ALWAYS_ML += ["operation", "shadow", "canary", "g5"]
ALWAYS_SOFTWARE = ["charter", "requirements", "quality", "architecture", "environment", "g1", "slice_1"]
ALWAYS_SOFTWARE += ["acceptance", "g5"]
# People label, and an error is dear enough for their labels to pay.
PEOPLE = KNOWN | {"label_source": "people", "labelled_cases": "0", "miss_cost": "1000"}


def plan(**texts: str) -> dict[str, Any]:
    """The plan of these answers."""
    return compute(answers_module.complete(GIVEN | texts))


def tasks_of(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tasks of a plan by id."""
    return {task["id"]: task for task in found["schedule"]["tasks"]}


def value(found: Mapping[str, Any], key: str) -> Any:
    """A number of the plan by its dotted key."""
    node: Any = found
    for part in key.split("."):
        node = node[part]
    return node["value"]


def mean(task: Mapping[str, Any]) -> float:
    """The PERT mean of a task's printed effort."""
    low, likely, high = task["effort"]
    return float(low + 4 * likely + high) / 6


# ------------------------------------------------------------------------------------------- what is there, how much

SETS: dict[str, tuple[dict[str, str], list[str], float]] = {
    "nothing is known": ({}, ["access", "batch_run", "label_wait"], 70.578),
    "all is known": (KNOWN, ["access", "batch_run"], 66.995),
    "twelve systems": (KNOWN | {"upstream_sources": "12"}, ["access", "batch_run"], 91.928),
    "special data": (
        KNOWN | {"personal_data": "special"},
        ["access", "batch_run", "privacy", "privacy_answer"],
        72.495,
    ),
    "personal data": (KNOWN | {"personal_data": "personal"}, ["access", "batch_run", "privacy"], 69.161),
    "a cluster": (KNOWN | {"compute": "spark"}, ["access", "batch_run"], 74.661),
    "nobody knows what is right": (KNOWN | {"label_source": "none"}, ["access", "batch_run", "labels_found"], 73.828),
    "people label": (
        PEOPLE,
        ["access", "batch_run", "label_guide", "labelling"],
        101.994,
    ),
    "an interface in 50 ms": (
        KNOWN | {"serving": "api", "latency_ms": "50", "peak_factor": "20"},
        ["access", "service", "load_test"],
        77.559,
    ),
    "the built-in sample": (KNOWN | {"data_source": "sample", "confirmed": "data_source"}, ["batch_run"], 64.745),
    "rigor light": (KNOWN | {"rigor": "light"}, ["access", "batch_run"], 63.745),
    "a service": (SOFTWARE, ["data", "deployment", "load", "drills", "gradual"], 27.693),
    "a command-line tool of two": (
        SOFTWARE | {"deliverable": "cli", "capabilities": "List files; Sort files"},
        ["slice_2", "release"],
        16.017,
    ),
    "a library": (
        SOFTWARE | {"deliverable": "library", "capabilities": "Parse a file"},
        ["release", "deprecation"],
        16.467,
    ),
    "a nightly batch": (
        SOFTWARE | {"deliverable": "batch", "capabilities": "Load the ledger"},
        ["data", "deployment", "drills", "gradual"],
        21.308,
    ),
    "a public web app with personal data": (
        SOFTWARE
        | {
            "deliverable": "web-app",
            "capabilities": "Submit a claim; Approve a claim; Report",
            "data_class": "personal",
            "dependencies": "payments=99.9; mail=99",
        },
        ["slice_2", "slice_3", "data", "fault_1", "fault_2", "deployment", "load", "drills", "gradual"],
        52.659,
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_work_follows_the_facts(name: str) -> None:
    """Exactly the tasks that the answers call for, and their person-days to the hundredth."""
    texts, more, days = SETS[name]
    found = plan(**texts)
    always = ALWAYS_ML if found["kind"] == "ml" else ALWAYS_SOFTWARE

    assert sorted(tasks_of(found)) == sorted([*always, *more])
    assert value(found, "schedule.effort_days") == pytest.approx(days, abs=0.01)


def test_a_small_tool_takes_weeks_and_a_service_more() -> None:
    """A command-line tool of two commands ends within six weeks, in less than the time of a service of two."""
    two = "List files; Sort files"
    tool = plan(**SOFTWARE, deliverable="cli", capabilities=two)
    service = plan(**SOFTWARE, deliverable="service", capabilities=two)

    assert value(tool, "schedule.days.p80") <= 30
    assert value(service, "schedule.days.p80") > 1.5 * value(tool, "schedule.days.p80")


def test_a_library_is_planned_as_what_other_code_depends_on() -> None:
    """Beside a command of two capabilities: a public surface, a limit for each call, packaging, deprecation."""
    two = "List files; Sort files"
    tool, library = (plan(**SOFTWARE, deliverable=form, capabilities=two) for form in ("cli", "library"))
    days = {name: {task["id"]: task["effort"][1] for task in found["schedule"]["tasks"]}
            for name, found in (("tool", tool), ("library", library))}  # fmt: skip
    dearer = [id for id in days["tool"] if days["library"][id] > days["tool"][id]]

    assert days["library"].keys() - days["tool"].keys() == {"deprecation"}
    assert sorted(dearer) == ["architecture", "quality", "release"]
    assert value(library, "schedule.days.p50") > value(tool, "schedule.days.p50")
    assert "Versions and deprecation" in [item["title"] for item in library["backlog"]]


def test_who_knows_less_waits_longer_for_the_gate() -> None:
    """With all defaults the gate comes later, and more person-days lie before it, than with the facts at hand."""
    nothing, facts = plan(), plan(**KNOWN)

    assert value(nothing, "schedule.phase1.p80_days") > value(facts, "schedule.phase1.p80_days") + 4
    assert value(nothing, "schedule.early_share") > value(facts, "schedule.early_share")


DRIVERS: list[tuple[dict[str, str], str, list[str]]] = [
    (KNOWN, "upstream_sources", ["1", "2", "12", "60"]),
    (KNOWN, "input_columns", ["1", "20", "200", "5000"]),
    (KNOWN, "compute", ["duckdb", "spark"]),
    (KNOWN, "personal_data", ["none", "personal", "special"]),
    (KNOWN, "segments", ["", "region", "region; channel", "region; channel; size"]),
    (KNOWN, "cycle_days", ["5", "10", "20"]),
    (KNOWN, "rigor", ["light", "standard", "strict"]),
    (KNOWN | {"label_delay_days": "30"}, "label_delay_days", ["0", "7", "90"]),
    (KNOWN | {"past_cases": "0", "labelled_cases": "0"}, "daily_volume", ["5000", "500", "50"]),
    (PEOPLE, "label_minutes", ["1", "2", "5"]),
    (PEOPLE, "annotators", ["8", "2", "1"]),
    (KNOWN | {"serving": "api"}, "latency_ms", ["2000", "300", "30"]),
    (KNOWN | {"serving": "api"}, "peak_factor", ["1", "10", "1000"]),
    (SOFTWARE, "capabilities", ["Report", "Report; Submit", "Report; Submit; Approve"]),
    (SOFTWARE, "dependencies", ["", "mail=99.9", "mail=99.9; ledger=99.9"]),
    (SOFTWARE, "data_class", ["none", "internal", "personal", "regulated"]),
    (SOFTWARE, "slo_percent", ["98", "99.5", "99.95"]),
    (SOFTWARE, "peak_factor", ["1", "10", "100"]),
    (SOFTWARE, "rigor", ["light", "standard", "strict"]),
    (SOFTWARE, "deliverable", ["library", "batch", "service", "web-app"]),
    (SOFTWARE, "ml_component", ["", "https://models.example.org"]),
]


@pytest.mark.parametrize(("base", "key", "rising"), DRIVERS, ids=[f"{row[1]} {len(row[0])}" for row in DRIVERS])
def test_more_of_a_driver_never_takes_less(base: dict[str, str], key: str, rising: list[str]) -> None:
    """Person-days and the mean end never fall along a driver, and one of them rises at each step."""
    plans = [plan(**(base | {key: text})) for text in rising]
    efforts = [value(found, "schedule.effort_days") for found in plans]
    ends = [max(task["end"] for task in found["schedule"]["tasks"]) for found in plans]
    later = [value(found, "schedule.days.p50") for found in plans]

    for before, after in itertools.pairwise(range(len(plans))):
        assert efforts[before] <= efforts[after] + 1e-9 or key == "annotators"
        assert ends[before] <= ends[after]
        assert efforts[before] < efforts[after] - 1e-9 or later[before] < later[after]


# ------------------------------------------------------------------------------------------------- waiting and labels


def test_waiting_is_time_and_no_work() -> None:
    """Ninety days of delay for cases that must still come in move the date, and add nothing to effort or cost."""
    few = KNOWN | {"past_cases": "1000", "labelled_cases": "1000"}
    soon, late = plan(**few), plan(**few, label_delay_days="90")
    wait = tasks_of(late)["label_wait"]

    assert value(late, "schedule.effort_days") == value(soon, "schedule.effort_days")
    assert value(late, "acceptance.build_cost") == value(soon, "acceptance.build_cost")
    assert wait["waiting"] is True
    assert wait["days"] == pytest.approx(value(late, "schedule.wait_days") * 5 / 7 * 31 / 30, abs=0.06)
    assert value(late, "schedule.days.p50") > value(soon, "schedule.days.p50") + 100


def test_the_wait_is_what_is_missing_over_what_comes_in() -> None:
    """Rows beyond the past cases, at the labels of a day, and then the delay of the last one."""
    few = KNOWN | {"past_cases": "500", "labelled_cases": "500", "daily_volume": "100", "min_gain": "0.02"}
    found = plan(**few, label_delay_days="14")
    needed = value(found, "test.shortfall")

    assert value(found, "schedule.wait_days") == pytest.approx(needed / 100 + 14)
    assert "label_wait" not in tasks_of(plan(**KNOWN, label_delay_days="14"))


def test_a_wait_of_ten_years_is_a_finding_and_no_date() -> None:
    """One case a day, of which one in a hundred comes back: said, and left out of the dates."""
    few = KNOWN | {"past_cases": "0", "labelled_cases": "0", "daily_volume": "1", "label_return_share": "0.01"}
    few["min_gain"] = "0.02"
    found = plan(**few)
    sentences = [row["sentence"] for row in found["findings"] if row["key"] == "schedule.wait_days"]

    assert value(found, "schedule.wait_days") is None
    assert len(sentences) == 1
    assert "longer than ten years" in sentences[0]
    assert "label_wait" not in tasks_of(found)


@pytest.mark.parametrize("delay", ["0", "14"])
def test_the_canary_of_the_schedule_is_that_of_the_rollout(delay: str) -> None:
    """Its calendar days as working days; and monitoring is live no sooner than release and label delay."""
    found = plan(**KNOWN, label_delay_days=delay)
    tasks = tasks_of(found)
    live, released = (datetime.date.fromisoformat(tasks[name]["end"]) for name in ("g5", "canary"))

    assert tasks["canary"]["days"] == pytest.approx(value(found, "rollout.canary_days") * 5 / 7, abs=0.06)
    assert tasks["shadow"]["days"] == pytest.approx(value(found, "rollout.shadow_days") * 5 / 7, abs=0.06)
    assert (live - released).days >= int(delay)
    assert ("canary_labels" in tasks) == (delay != "0")


def test_labels_are_paid_for_and_the_rows_follow_the_price() -> None:
    """Effort holds the labelling that the plan's own rows take, at a minute each and at three."""
    for minutes in ("1", "3"):
        found = plan(**PEOPLE, label_minutes=minutes)
        work = [mean(task) for task in found["schedule"]["tasks"] if not task["waiting"]]
        days = value(found, "schedule.labelling_days")

        assert value(found, "schedule.effort_days") == pytest.approx(sum(work), abs=0.2)
        assert value(found, "acceptance.build_cost") == pytest.approx(value(found, "schedule.effort_days") * 600)
        assert days == pytest.approx(2 * 5 * value(found, "labels.weeks"), abs=1)  # two people label


@pytest.mark.parametrize(("minutes", "cost"), [("1", "100"), ("6", "600"), ("10", "1000")])
def test_labels_that_cost_more_than_the_gain_stay_in_the_cost(minutes: str, cost: str) -> None:
    """They eat the gain: the plan says so, its cost still holds them, and no payback leaves them unpaid."""
    found = plan(**PEOPLE | {"label_minutes": minutes, "miss_cost": cost})
    entry = found["schedule"]["labelling_days"]

    assert entry["value"] > 100
    assert "no sample shows a gain that pays" in entry["note"]
    assert value(found, "schedule.effort_days") > entry["value"]
    assert value(found, "acceptance.build_cost") > 600 * entry["value"]
    assert value(found, "acceptance.payback_months") is None or value(found, "acceptance.payback_months") > 18


def test_labels_whose_agreement_is_measured_count() -> None:
    """48,000 labels under a guide leave nothing to label; until agreement is known, they do not count."""
    held, anew = (
        plan(**PEOPLE | {"labelled_cases": "48000", "label_agreement": agreement}) for agreement in ("0.97", "")
    )

    assert "labelling" not in tasks_of(held)
    assert value(anew, "schedule.labelling_days") > 0
    assert mean(tasks_of(held)["label_guide"]) < mean(tasks_of(anew)["label_guide"])


# ------------------------------------------------------------------------------------------------------------- order


@pytest.mark.parametrize("seed", range(25))
def test_data_before_baseline_before_experiments(seed: int) -> None:
    """Access ends before practice, audit and baseline; the baseline ends before the gate; experiments follow it."""
    found = compute(random_answers(seed))
    tasks = tasks_of(found)
    if found["kind"] == "software":
        assert all(task["start"] >= tasks["g1"]["start"] for task in tasks.values() if task["phase"] == "p2")
        return
    for first, then in itertools.product(("access", "privacy_answer"), ("practice", "audit", "pipeline", "baseline")):
        if first in tasks and then in tasks:
            assert tasks[first]["end"] <= tasks[then]["end"]
            assert tasks[first]["start"] <= tasks[then]["start"]
    assert tasks["baseline"]["end"] <= tasks["g1"]["end"] <= tasks["experiments"]["end"]
    assert tasks["baseline"]["end"] <= tasks["experiments"]["start"]


@pytest.mark.parametrize("seed", range(25))
def test_no_item_is_larger_than_half_an_iteration(seed: int) -> None:
    """Whatever the answers; and of a task in several items each follows the one before."""
    given = random_answers(seed)
    found = compute(given)
    limit = (given.cycle_days if given.kind == "ml" else given.iteration_days) / 2

    assert max(item["estimate_days"] for item in found["backlog"]) <= limit
    assert len(found["backlog"]) < 600


def test_the_items_of_a_task_hold_its_days() -> None:
    """Twelve systems: access comes in several items, one after another, that add up."""
    found = plan(**KNOWN, upstream_sources="12")
    parts = [item for item in found["backlog"] if item["title"].startswith("Data access and contracts (")]

    assert len(parts) == 4
    assert sum(item["estimate_days"] for item in parts) == pytest.approx(mean(tasks_of(found)["access"]), abs=0.3)
    for before, after in itertools.pairwise(parts):
        assert after["depends_on"] == [before["id"]]
        assert before["due"] <= after["due"]
    assert parts[-1]["due"] == tasks_of(found)["access"]["end"]


def test_somebody_of_the_team_sees_to_every_item() -> None:
    """Waiting and labelling by others too: an item without an owner is an item that nobody looks at."""
    texts = PEOPLE | {"personal_data": "special"}
    found = plan(**texts, label_delay_days="7", team="po=Ana:0.2; ds=Bo:1; swe=Cy:1")
    owners = {item["title"].partition(" (")[0]: item["owner"] for item in found["backlog"]}

    assert set(owners.values()) <= {"Ana", "Bo", "Cy", "Ana, Bo, Cy"}
    assert (owners["Waiting for the word on special data"], owners["Cases labelled"]) == ("Ana", "Bo")
    assert (owners["Shadow"], owners["Canary"], owners["Waiting for the canary's answers"]) == ("Cy", "Cy", "Cy")
    assert tasks_of(found)["labelling"]["person"] == "2 people who label"


# ----------------------------------------------------------------------------------------------------------- efforts


def test_efforts_replace_those_of_a_task() -> None:
    """What was answered stands in the task, and moves effort, cost and date; commas and spaces do not matter."""
    before = plan(**KNOWN)
    found = plan(**KNOWN, efforts="access = 20 / 30/40, charter=1/1/1")

    assert tasks_of(found)["access"]["effort"] == [20, 30, 40]
    moved = 30 + 1 - mean(tasks_of(before)["access"]) - mean(tasks_of(before)["charter"])
    assert value(found, "schedule.effort_days") - value(before, "schedule.effort_days") == pytest.approx(moved, abs=0.1)
    assert value(found, "schedule.days.p80") > value(before, "schedule.days.p80") + 20
    assert value(found, "acceptance.build_cost") > value(before, "acceptance.build_cost")


def test_one_slice_or_all_of_them() -> None:
    """`slice` is each of them, `slice_2` the second alone."""
    found = tasks_of(plan(**SOFTWARE, capabilities="Report; Submit", efforts="slice=1/2/3; slice_2=4/5/6"))

    assert (found["slice_1"]["effort"], found["slice_2"]["effort"]) == ([1, 2, 3], [4, 5, 6])


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_any_task_can_be_set(kind: str) -> None:
    """Each id of the catalogue is taken."""
    for id in catalogue.work()[kind]:
        answers_module.complete(GIVEN | {"kind": kind, "efforts": f"{id}=1/2/3"})


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("ml", "lableling=5/8/15", 'there is no task called "lableling"; did you mean `labelling`'),
        ("ml", "slice=1/2/3", "of kind ml there is no task called"),
        ("software", "labelling=1/2/3", "of kind software there is no task called"),
        ("ml", "labelling=8/5/15", "labelling=8/5/15 must rise, from the days at best"),
        ("ml", "labelling=5/15/8", "labelling=5/15/8 must rise"),
        ("ml", "access=0/0/0", "access=0/0/0 leaves no time at all"),
        ("ml", "access=1/2/3; access=2/3/4", "it names access twice"),
        ("ml", "access=1/2", "it must read like labelling=5/8/15"),
        ("ml", "access=a/b/c", "it must read like labelling=5/8/15"),
        ("ml", "access", "it must read like labelling=5/8/15"),
    ],
)
def test_efforts_that_cannot_be_are_refused(kind: str, text: str, said: str) -> None:
    """One sentence names the value and what is wrong with it."""
    with pytest.raises(InvalidAnswer, match=re.escape(said)):
        answers_module.complete(GIVEN | {"kind": kind, "efforts": text})


def test_an_effort_for_a_task_that_is_not_there_is_said() -> None:
    """It moves nothing, and a finding says so."""
    found = plan(**KNOWN, efforts="labelling=5/8/15")
    row = next(row for row in found["findings"] if row["key"] == "schedule.effort_days")

    assert "labelling" in row["sentence"]
    assert "efforts" in row["remedy"]
    assert value(found, "schedule.days.p80") == value(plan(**KNOWN), "schedule.days.p80")


# ------------------------------------------------------------------------------------------------- what moves the end


def test_three_tasks_move_the_end_most() -> None:
    """Each is counted by planning with it at its best and at its worst; no other task moves the end as far."""
    base = KNOWN | {"upstream_sources": "12", "past_cases": "1000", "labelled_cases": "1000", "min_gain": "0.02"}
    found = plan(**base)
    movers = found["schedule"]["movers"]
    width = {}
    for task in found["schedule"]["tasks"]:
        low, _, high = task["effort"]
        if not task["milestone"]:
            ends = [mean_end(**base, efforts=f"{task['id']}={days:g}/{days:g}/{days:g}") for days in (low, high)]
            width[task["id"]] = ends[1] - ends[0]

    assert [row["id"] for row in movers] == sorted(width, key=lambda id: -round(width[id], 1))[:3]
    for row in movers:
        assert row["earlier_days"] + row["later_days"] == pytest.approx(width[row["id"]], abs=0.3)
        assert row["answers"] or row["id"] in ("operation", "baseline")


def mean_end(**texts: str) -> float:
    """Working days to the end at the mean of every task."""
    given = answers_module.complete(GIVEN | texts)
    windows = dates.build(given, plan_module._ml(given)).windows
    return max(window.end for window in windows.values())
