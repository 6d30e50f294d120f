"""The whole plan: the worked invoice example, any valid answers, same bytes every time, and in no time."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from material import ROOT, SAMPLES, mostly_slow, sample_answers
from mlscaffold import answers as answers_module
from mlscaffold import context
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.formulas.counts import LIMIT, whole
from mlscaffold.planning.number import Number, bounded, entries, tidy
from mlscaffold.planning.plan import compute, fingerprint
from random_answers import random_answers

ENTRY = {"value", "unit", "formula", "inputs", "provenance", "meaning", "note"}
PROVENANCES = {"answered", "default", "computed", "measured"}


def invoices(**texts: str) -> dict[str, Any]:
    """The plan of the invoice sample with other answers on top."""
    given = answers_module.read(ROOT / "tests" / "samples" / "ml-invoices.yaml")
    return compute(answers_module.complete(given | texts))


def value(plan: dict[str, Any], key: str) -> Any:
    """The value under a dotted key."""
    node: Any = plan
    for name in key.split("."):
        node = node[name]
    return node["value"]


def test_the_parts_of_a_plan_are_those_that_the_types_name() -> None:
    """A part that no type names could not be read by a checked key; one that no plan has would be read in vain."""
    parts = {part for name in SAMPLES for part in context.plan_of(sample_answers(name))}

    assert parts | {"house"} == set(get_args(PlanKey))  # an organisation's presets bring `house`


# ------------------------------------------------------------------------------------------------ the worked example

PRINTED_AT_ONE_LOOK = {
    "acceptance.threshold": "0.0476",
    "acceptance.cost_per_decision.nothing": "4.00",
    "acceptance.cost_per_decision.baseline": "2.03",
    "acceptance.cost_per_decision.target": "1.41",
    "acceptance.value_month": "37425",
    "acceptance.payback_months": "3.2",
    "acceptance.value_month_pass": "12225",
    "acceptance.break_even_gain": "0.078",
    "upkeep.total": "176032",
    "test.discordance": "0.48",
    "test.positives": "289",
    "test.rows": "7225",
    "test.units_available": "12",
    "slices.units_each": "74",
    "labels.ceiling": "0.803",
    "labels.min_agreement": "0.966",
    "labels.weeks": "5.5",
    "iterations.max": "3",
    "iterations.p_success": "0.58",
    "promotion.rows": "717",
    "promotion.labels": "72",
}
PRINTED_AT_THREE_LOOKS = {
    "test.alpha_per_look": "0.0167",
    "test.positives": "413",
    "test.rows": "10325",
    "test.positives_one_look": "289",
    "test.rows_one_look": "7225",
}


def as_printed(number: float, printed: str) -> str:
    """The number with as many decimals as the printed one."""
    return f"{number:.{len(printed.partition('.')[2])}f}"


@pytest.mark.parametrize(("key", "printed"), PRINTED_AT_ONE_LOOK.items())
def test_the_invoice_example_at_one_look(key: str, printed: str) -> None:
    """Every figure of the worked example, to the last digit printed, when the test set is looked at once."""
    assert printed == as_printed(value(invoices(test_looks="1"), key), printed)


@pytest.mark.parametrize(("key", "printed"), PRINTED_AT_THREE_LOOKS.items())
def test_the_invoice_example_at_three_looks(key: str, printed: str) -> None:
    """The same at the default of three looks, with the figure for one look beside it."""
    assert printed == as_printed(value(invoices(), key), printed)


@pytest.mark.parametrize(
    ("texts", "key", "printed"),
    [
        ({"label_agreement": "0.95"}, "labels.ceiling", "0.613"),
        ({"label_agreement": "0.99"}, "labels.ceiling", "0.892"),
        ({"group_size": "3", "icc": "0.2"}, "test.rows", "10115"),
        ({"group_size": "3", "icc": "0.2"}, "test.effective", "7225"),
        ({"past_cases": "9000", "labelled_cases": "7075"}, "test.mde_available", "0.226"),
        ({"labelled_cases": "7500"}, "test.units_available", "60"),
        ({"labelled_cases": "7500"}, "test.mde_available", "0.219"),
    ],
)
def test_the_invoice_example_with_one_fact_changed(texts: dict[str, str], key: str, printed: str) -> None:
    """What the example says about other agreements, about groups, and about more labelled rows."""
    assert printed == as_printed(value(invoices(test_looks="1", **texts), key), printed)


def test_more_is_decided_by_measuring_the_discordance() -> None:
    """Replanning with a measured .30 instead of the assumed .48 needs fewer positives."""
    assert value(invoices(discordance="0.3"), "test.rows") < value(invoices(), "test.rows")


# ------------------------------------------------------------------------------------------------ any valid answers


def check_plan(seed: int) -> None:
    """One random plan: JSON without NaN, complete entries, no number beyond the limit, findings that help."""
    answers = random_answers(seed)
    plan = compute(answers)
    json.dumps(plan, allow_nan=False)
    for key, entry in entries(plan):
        assert entry.keys() - {"words", "absent"} == ENTRY, key
        assert ("absent" in entry) == (entry["value"] is None), key
        assert "words" not in entry or entry["value"] is None, key
        assert entry["provenance"] in PROVENANCES, key
        assert entry["meaning"], key
        if isinstance(entry["value"], float | int):
            assert abs(entry["value"]) <= LIMIT, key
        assert entry["value"] is not None or entry["note"], f"{key} is unknown and does not say why"
    for finding in plan["findings"]:
        assert finding["sentence"] not in ("", "None"), finding
        assert finding["remedy"], finding


@pytest.mark.parametrize("batch", mostly_slow(range(8), *range(3)))
def test_any_valid_answers_give_a_plan(batch: int) -> None:
    """200 random valid answer sets, 200 plans."""
    for seed in range(batch * 25, batch * 25 + 25):
        check_plan(seed)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(20))
def test_any_of_many_valid_answers_give_a_plan(batch: int) -> None:
    """2,000 random valid answer sets, 2,000 plans."""
    for seed in range(1000 + batch * 100, 1100 + batch * 100):
        check_plan(seed)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_named_sample_has_a_plan(name: str) -> None:
    """Every sample plans, with its kind and the fingerprint of its answers."""
    answers = sample_answers(name)
    plan = compute(answers)

    assert (plan["kind"], plan["answers_sha256"]) == (answers.kind, fingerprint(answers))


def test_no_key_of_the_plan_hides_behind_a_method_of_dict() -> None:
    """Templates write plan.test.rows, so no key may be called like a method (keys, values, items, get, pop, copy)."""

    def names(node: Any) -> Iterator[str]:
        for key, item in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            if isinstance(key, str):
                yield key
            if not (isinstance(node, dict) and key == "inputs"):
                yield from names(item)

    for name in ("ml-invoices", "sw-orders"):
        assert not set(names(compute(sample_answers(name)))) & set(dir(dict))


# ------------------------------------------------------------------------------------------------ same bytes


def test_the_same_answers_give_the_same_bytes_in_another_process() -> None:
    """Another process, another hash seed: the same JSON text, simulation included."""
    code = (
        "import json; from material import sample_answers; from mlscaffold.planning.plan import compute;"
        "print(json.dumps([compute(sample_answers(n)) for n in ('ml-invoices', 'sw-orders')]))"
    )
    path = os.pathsep.join([str(ROOT / "generator"), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONHASHSEED": "123", "PYTHONPATH": path}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert there.stdout.strip() == json.dumps([compute(sample_answers(n)) for n in ("ml-invoices", "sw-orders")])


def test_the_fingerprint_follows_the_answers_and_not_their_order() -> None:
    """Another value changes it, another order does not."""
    given = answers_module.read(ROOT / "tests" / "samples" / "ml-invoices.yaml")
    turned = dict(reversed(given.items()))
    prints = [fingerprint(answers_module.complete(texts)) for texts in (given, turned, given | {"miss_cost": "99"})]

    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("name", ["ml-invoices", "sw-orders", "ml-ranking"])
def test_a_plan_takes_less_than_half_a_second(name: str) -> None:
    """CPU time of one plan, simulation included, once imported (best of three, so that a busy machine is no fault)."""
    answers, taken = sample_answers(name), []
    for _ in range(3):
        before = time.process_time()
        compute(answers)
        taken.append(time.process_time() - before)

    assert min(taken) < 0.5


def test_planning_needs_the_standard_library_only() -> None:
    """No numpy, scipy, jinja2 or questionary is loaded by computing a plan."""
    code = (
        "import sys; from mlscaffold import answers; from mlscaffold.planning.plan import compute;"
        "compute(answers.complete({'decision': 'Somebody decides otherwise than today.'}));"
        "print(sorted({'numpy', 'scipy', 'jinja2', 'questionary', 'cookiecutter'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert there.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------------------ assumptions, numbers


def test_a_critical_default_is_an_assumption_until_somebody_confirms_it() -> None:
    """The day rate is assumed, drives the build cost, and is gone from the list once confirmed."""
    texts = {"decision": "Somebody decides something else than today.", "start_date": "2026-03-02"}
    rows = {row["key"]: row for row in compute(answers_module.complete(texts))["assumptions"]}
    confirmed = compute(answers_module.complete(texts | {"confirmed": "day_rate"}))["assumptions"]

    assert "acceptance.build_cost" in rows["day_rate"]["drives"]
    assert rows["day_rate"]["gate"] == "G1.11"
    assert "day_rate" not in {row["key"] for row in confirmed}


@pytest.mark.parametrize("absurd", [math.inf, -math.inf, math.nan, 2e9, -3e12])
def test_an_absurd_value_becomes_a_finding(absurd: float) -> None:
    """No endless number leaves the plan: it becomes None, a sentence and a remedy; a sound one passes unchanged."""
    shown = bounded("test.rows", Number(absurd, inputs={"gain": 0.1}), {"looks": "3"})

    assert shown.value is None
    assert shown.note
    assert "gain" in str(shown.remedy)
    assert "at each of 3 looks" in shown.note
    sound = Number(5)
    assert bounded("test.rows", sound, {"looks": "3"}) is sound


def test_numbers_are_written_alike_everywhere() -> None:
    """Ten significant digits; counts round up, but noise in the last digits adds no row."""
    assert tidy({"a": 0.1 + 0.2, "b": [math.inf, -0.0, 3]}) == {"a": 0.3, "b": [None, 0.0, 3]}
    assert str(tidy(-0.0)) == "0.0"
    assert (whole(283.0000000001), whole(283.01), whole(283)) == (283, 284, 283)
    with pytest.raises(ValueError, match="finite"):
        whole(math.inf)


def test_one_trouble_is_one_finding() -> None:
    """Rows, positives and the one-look figure of one impossible test are reported once; other troubles stay."""
    plan = invoices(target_value="0.5500001", min_gain="0", promotion_margin="0.0000001")
    keys = [finding["key"] for finding in plan["findings"]]

    assert [key for key in keys if key.startswith("test.")] == ["test.units"]
    assert [key for key in keys if key.startswith("promotion.")] == ["promotion.rows"]


# What documents, gates and people's own scripts read: a key may be added, none may go.
KEYS = {
    "ml": """
        acceptance: alpha power min_gain value_month payback_months threshold
        acceptance.cost_per_decision: nothing baseline target
        test: discordance rows positives rows_one_look mde_available shortfall effective looks alpha_per_look
        slices: rows_each alpha
        labels: flip ceiling min_agreement weeks double_rows
        curve: a b c rows_for_target
        iterations: max optimism mde
        monitor: alpha psi_threshold ks_threshold drift_window quality_rows delay_days cusum_h
        monitor.sprt: upper lower
        feedback: audit_rows_week
        retrain: interval_days cap_days cost_rate new_rows_trigger
        promotion: rows labels
        rollout: canary_days upper lower
        capacity: workers utilisation wait95
        schedule: p50 p80 p95 floor_days""",
    "software": """
        capacity: workers utilisation wait95
        schedule: p50 p80 p95 floor_days
        slo: ceiling budget_minutes budget_requests demo_requests demo_samples""",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_promised_key_is_there(name: str) -> None:
    """Whatever the answers, also where a number cannot be known yet."""
    found = dict(entries(compute(sample_answers(name))))
    groups = [line.strip().partition(": ") for line in KEYS[sample_answers(name).kind].strip().splitlines()]
    promised = {f"{group}.{key}" for group, _, keys in groups for key in keys.split()}

    assert promised - found.keys() == set()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ml-invoices", {"metric", "hypotheses", "curve", "monitor", "retrain", "promotion", "rollout", "feedback"}),
        ("sw-orders", {"slo", "requirements", "capacity", "iterations"}),
    ],
)
def test_a_plan_has_its_parts(name: str, parts: set[str]) -> None:
    """What both kinds share, and what only one of them has."""
    plan = compute(sample_answers(name))
    shared = {"kind", "answers_sha256", "schedule", "people", "risks", "backlog", "assumptions", "findings", "capacity"}

    assert shared | parts <= plan.keys()
    assert plan["schedule"]["tasks"][0]["id"] == "charter"
    assert ("requirements" in plan, "hypotheses" in plan) == (name == "sw-orders", name == "ml-invoices")
