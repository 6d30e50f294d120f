"""The advisor: eleven situations and their nearest neighbours, the order of the rules, and sentences with numbers."""

import dataclasses
import json
import random
import re

import pytest
from mlscaffold import answers
from mlscaffold.advice_rules import DECISIVE, NOTHING, RULES, RUNGS
from mlscaffold.advisor import Advice, advise, unsaid
from mlscaffold.planning.plan import compute

HELD = {"past_cases": "5000", "labelled_cases": "1500"}
INVOICES = HELD | {
    "current_practice": "rules",
    "current_value": "0.55",
    "target_value": "0.7",
    "positive_share": "0.04",
}
SPAM = HELD | {"current_practice": "people", "current_value": "0.6", "target_value": "0.9"}


def advice_for(given: dict[str, str], plan: dict | None = None) -> Advice:
    return advise(answers.complete({"kind": "ml"} | given), plan)


def planned(**numbers: float | None) -> dict:
    """A plan that holds just these numbers, written as group__name."""
    plan: dict = {}
    for key, value in numbers.items():
        group, name = key.split("__")
        plan.setdefault(group, {})[name] = {"value": value}
    return plan


SITUATIONS = {
    "a spam warning that a person confirms, written as rules": (
        SPAM | {"rules_expressible": "full", "human_confirms": "yes"},
        None,
        (1, "software", "rules"),
    ),
    "spam blocked without asking, learned from data": (
        SPAM | {"rules_expressible": "no", "human_confirms": "no"},
        None,
        (7, "ml", "ML automated"),
    ),
    "today's recall already reaches the target": (
        HELD | {"current_value": "0.8", "target_value": "0.7"},
        None,
        (2, NOTHING, "do nothing yet"),
    ),
    "today's MAE of 9 beats a target of 10": (
        HELD | {"task": "regression", "metric": "mae", "current_value": "9", "target_value": "10"},
        None,
        (2, NOTHING, "do nothing yet"),
    ),
    "nothing has ever been recorded": ({}, None, (3, "software", "rules")),
    "one error is intolerable and nobody looks": (
        INVOICES | {"consequence": "intolerable"},
        None,
        (4, "software", "rules"),
    ),
    "one error is intolerable and a person looks": (
        INVOICES | {"consequence": "intolerable", "human_confirms": "yes"},
        None,
        (7, "ml", "ML with human decision"),
    ),
    "nobody has measured today's practice": (HELD, None, (5, "ml", "SQL or statistics")),
    "it pays back too late": (INVOICES, planned(acceptance__payback_months=18.1), (6, "software", "rules")),
    "it never pays back": (
        INVOICES,
        planned(acceptance__payback_months=None, acceptance__value_month=250.0),
        (6, "software", "rules"),
    ),
    "it pays back in time": (INVOICES, planned(acceptance__payback_months=2.2), (7, "ml", "ML automated")),
    "rights are at stake": (INVOICES | {"consequence": "rights"}, None, (7, "ml", "ML with human decision")),
    "a person confirms each result": (INVOICES | {"human_confirms": "yes"}, None, (7, "ml", "ML with human decision")),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_situation_gets_its_rung(name: str) -> None:
    """Rule, recommendation and rung are those of the ladder."""
    given, plan, expected = SITUATIONS[name]

    advice = advice_for(given, plan)

    assert expected == (advice.rule, advice.recommendation, advice.rung)


NEIGHBOURS = {
    # situation: the one answer (or number) that changes, and the rule that decides then
    "a spam warning that a person confirms, written as rules": ({"rules_expressible": "partial"}, None, 7),
    "spam blocked without asking, learned from data": ({"rules_expressible": "full"}, None, 1),
    "today's recall already reaches the target": ({"target_value": "0.81"}, None, 7),
    "today's MAE of 9 beats a target of 10": ({"target_value": "8.9"}, None, 7),
    "nothing has ever been recorded": ({"past_cases": "1"}, None, 5),
    "one error is intolerable and nobody looks": ({"human_confirms": "yes"}, None, 7),
    "one error is intolerable and a person looks": ({"human_confirms": "no"}, None, 4),
    "nobody has measured today's practice": ({"current_value": "0"}, None, 7),
    "it pays back too late": ({"payback_limit_months": "18.2"}, planned(acceptance__payback_months=18.1), 7),
    "it never pays back": ({}, planned(acceptance__payback_months=17, acceptance__value_month=2500.0), 7),
    "it pays back in time": ({"payback_limit_months": "2"}, planned(acceptance__payback_months=2.2), 6),
    "rights are at stake": ({"consequence": "money"}, None, 7),
    "a person confirms each result": ({"human_confirms": "no"}, None, 7),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_one_answer_beside_it_the_advice_is_another(name: str) -> None:
    """Each situation sits at an edge: its neighbour gets another rule, or another rung of the same rule."""
    given, plan, _ = SITUATIONS[name]
    change, numbers, rule = NEIGHBOURS[name]
    here = advice_for(given, plan)

    there = advice_for(given | change, numbers)

    assert rule == there.rule
    assert (here.rule, here.rung) != (there.rule, there.rung)


def test_at_the_limit_itself_it_still_pays() -> None:
    """Eighteen months within a limit of eighteen is in time; a target that is met exactly is met."""
    assert advice_for(INVOICES, planned(acceptance__payback_months=18)).rule == 7
    assert advice_for(HELD | {"current_value": "0.7", "target_value": "0.7"}).rule == 2


@pytest.mark.parametrize(
    ("metric", "task", "better", "worse"),
    [
        ("log_loss", "binary", "0.2", "0.4"),
        ("brier", "binary", "0.1", "0.2"),
        ("rmse", "forecast", "3", "4"),
        ("roc_auc", "binary", "0.9", "0.8"),
        ("ndcg_at_10", "ranking", "0.6", "0.5"),
    ],
)
def test_better_is_read_in_the_direction_of_the_metric(metric: str, task: str, better: str, worse: str) -> None:
    """A loss should be low, a score high."""
    given = HELD | {"task": task, "metric": metric}

    assert advice_for(given | {"current_value": better, "target_value": worse}).rule == 2
    assert advice_for(given | {"current_value": worse, "target_value": better}).rule == 7


ALL_RULES_HOLD = {
    "rules_expressible": "full",
    "current_value": "0.8",
    "target_value": "0.7",
    "past_cases": "0",
    "labelled_cases": "0",
    "consequence": "intolerable",
}
TAKEN_AWAY = [
    {"rules_expressible": "partial"},
    {"target_value": "0.9"},
    {"past_cases": "10"},
    {"human_confirms": "yes"},
]


def test_the_first_rule_that_holds_decides() -> None:
    """With every condition true the first rule speaks; taking them away one by one lets the next one speak."""
    plan = planned(acceptance__payback_months=99)
    given = dict(ALL_RULES_HOLD)
    spoke = [advice_for(given, plan).rule]
    for change in TAKEN_AWAY:
        given |= change
        spoke.append(advice_for(given, plan).rule)

    assert spoke == [1, 2, 3, 4, 6]
    assert advice_for(given | {"current_value": ""}, plan).rule == 5
    assert advice_for(given, planned(acceptance__payback_months=9)).rule == 7


@pytest.mark.parametrize("name", SITUATIONS)
def test_reasons_are_sentences_and_something_would_change_each(name: str) -> None:
    """Every reason names its line of difference and ends like a sentence; no advice is without a way out of it."""
    given, plan, _ = SITUATIONS[name]

    advice = advice_for(given, plan)

    for reason in advice.reasons:
        assert re.fullmatch(r"(Uncertainty|Data dependence|Evaluation|Ownership): [a-z0-9].*\.", reason)
    assert len(advice.reasons) >= 2
    assert len(advice.flips) >= 2
    assert all(line.endswith(".") for line in advice.flips + advice.blockers)
    assert advice.rung in RUNGS
    assert "None" not in " ".join(advice.reasons + advice.flips + advice.blockers)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("today's MAE of 9 beats a target of 10", ["mae", "9", "10", "lower is better"]),
        ("nothing has ever been recorded", ["nobody has named past cases or known right answers"]),
        ("it pays back too late", ["19 months", "18 months (payback_limit_months, assumed)"]),
        ("it never pays back", ["never paid back", "worth 250 EUR", "costs 1,000 (monthly_run_budget, assumed) EUR"]),
        ("it pays back in time", ["5,000 past cases", "1,500", "0.55", "0.7", "3 months"]),
        ("nobody has measured today's practice", ["5,000 past cases"]),
    ],
)
def test_the_reasons_hold_the_answers_numbers(name: str, numbers: list[str]) -> None:
    """A reader finds their own numbers in the reasons."""
    given, plan, _ = SITUATIONS[name]

    reasons = " ".join(advice_for(given, plan).reasons)

    assert [part for part in numbers if part not in reasons] == []


def test_no_scores_anywhere() -> None:
    """The advice holds words and its rule's place, nothing weighted."""
    facts = advice_for(INVOICES).as_json()

    assert {"recommendation", "rung", "rule", "reasons", "flips", "blockers", "overruled", "override_reason"} == set(
        facts
    )
    assert [facts["rule"]] == [value for value in facts.values() if isinstance(value, int) and value is not False]


def test_blockers_keep_ml_but_say_what_is_missing() -> None:
    """Too few rows and labels that disagree block phase 1; they do not change the kind."""
    plan = planned(test__rows=7075, test__shortfall=5575, labels__ceiling=0.613)

    advice = advice_for(INVOICES, plan)

    assert advice.recommendation == "ml"
    assert len(advice.blockers) == 2
    assert "7,075" in advice.blockers[0]
    assert "5,575" in advice.blockers[0]
    assert "0.613" in advice.blockers[1]
    assert "0.7" in advice.blockers[1]


def test_enough_rows_and_good_labels_block_nothing() -> None:
    """The neighbour of the blocked plan is clear."""
    plan = planned(test__rows=1000, test__shortfall=0, labels__ceiling=0.803)

    assert advice_for(INVOICES, plan).blockers == ()


def test_cases_without_a_right_answer_block() -> None:
    """Past cases alone are not labels, and labels must come from somewhere."""
    unlabelled = advice_for(INVOICES | {"labelled_cases": "0", "confirmed": "labelled_cases"})
    uncounted = advice_for(INVOICES | {"labelled_cases": "0"})
    sourceless = advice_for(INVOICES | {"label_source": "none"})

    assert "None of the 5,000 past cases" in unlabelled.blockers[0]
    assert "nobody has said how many past cases have a known right answer" in uncounted.blockers[0]
    assert "label_source = none" in sourceless.blockers[0]


def test_a_loss_has_no_ceiling_below_its_target() -> None:
    """A ceiling caps scores; a loss is compared the other way round and not blocked by it."""
    given = HELD | {"task": "regression", "metric": "mae", "current_value": "10", "target_value": "9"}

    assert advice_for(given, planned(labels__ceiling=0.9)).blockers == ()


@pytest.mark.parametrize(
    "plan",
    [
        None,
        {},
        {"acceptance": None, "test": {}, "labels": {"ceiling": None}},
        planned(acceptance__payback_months=None, test__shortfall=None, test__rows=None, labels__ceiling=None),
    ],
)
def test_a_plan_without_numbers_does_not_change_the_advice(plan: dict | None) -> None:
    """What is not yet measured is no reason for anything."""
    assert advice_for(INVOICES, plan) == advice_for(INVOICES)


def test_overruled_means_another_kind_than_recommended() -> None:
    """The kind that was chosen is compared with the recommendation, and the written reason is carried along."""
    followed = advise(answers.complete({"kind": "software"}), None)
    overruled = advise(answers.complete({"kind": "ml", "kind_reason": "A pilot for learning."}), None)

    assert not followed.overruled
    assert overruled.overruled
    assert overruled.override_reason == "A pilot for learning."


def test_software_answers_get_advice_too() -> None:
    """A software repository has no metric and no costs, and its advice still holds no hole."""
    held = advise(answers.complete({"kind": "software", "current_value": "0.5"} | HELD), None)

    assert held.recommendation == "ml"
    assert "None" not in json.dumps(held.as_json())
    assert "the measured value is 0.5" in " ".join(held.reasons)


def test_advice_is_frozen_and_json_ready() -> None:
    """The record cannot change after the fact, and survives JSON unchanged."""
    advice = advice_for(INVOICES)

    with pytest.raises(dataclasses.FrozenInstanceError):
        advice.rule = 1  # type: ignore[misc]
    assert advice.as_json() == json.loads(json.dumps(advice.as_json()))


def test_the_last_rule_always_speaks() -> None:
    """However little is known, there is an advice."""
    assert RULES[-1]({}, {}) is not None
    assert advise({}, None).recommendation == "software"


def test_a_payback_on_assumed_money_says_so() -> None:
    """Nobody drops a model for a cost that nobody has given: the assumed keys are named, the given ones are not."""
    plan = planned(acceptance__payback_months=99)
    guessed = advice_for(INVOICES | {"miss_cost": "100"}, plan)
    known = {"miss_cost": "1", "false_alarm_cost": "1", "daily_volume": "1000", "day_rate": "600"}
    told = known | {"payback_limit_months": "18"}
    vouched = advice_for(INVOICES | told | {"monthly_run_budget": "900", "confirmed": "; ".join(told)}, plan)

    assert "assumed answers (false_alarm_cost, daily_volume, day_rate, monthly_run_budget)" in guessed.reasons[-1]
    assert "assumed" not in " ".join(vouched.reasons)


@pytest.mark.parametrize(
    ("change", "rule", "blockers"),
    [
        ({}, 7, 1),
        ({"past_cases": "90000", "labelled_cases": "90000"}, 7, 0),
        ({"miss_cost": "2"}, 6, 0),
        ({"daily_volume": "100"}, 6, 0),
        ({"current_value": ""}, 5, 1),
        ({"label_source": "people", "label_agreement": "0.95", "audit_margin": "0.2", "miss_cost": "200"}, 7, 2),
        ({"label_source": "people", "label_agreement": "0.95"}, 6, 0),  # people who check every week cost the gain
    ],
)
def test_the_real_plan_is_read_where_it_keeps_its_numbers(change: dict[str, str], rule: int, blockers: int) -> None:
    """Payback, shortfall and ceiling of the invoice example, as the planning engine computes them."""
    given = INVOICES | {"positive_share": "0.04", "false_alarm_cost": "5", "miss_cost": "100"} | change
    complete = answers.complete({"kind": "ml"} | given)

    advice = advise(complete, compute(complete))

    assert (advice.rule, len(advice.blockers)) == (rule, blockers)


# ------------------------------------------------------------------------------------------------ what nobody said

GIVEN = {
    "rules_expressible": ["full", "no"],
    "current_practice": ["people", "rules", "model"],
    "current_value": ["0.637", "0.791"],
    "past_cases": ["7341"],
    "labelled_cases": ["2317"],
    "metric": ["precision", "accuracy"],
    "target_value": ["0.713", "0.877"],
    "miss_cost": ["73", "0.07"],
    "consequence": ["rights", "intolerable", "cosmetic"],
    "human_confirms": ["yes"],
    "daily_volume": ["4177", "3"],
    "monthly_run_budget": ["6173"],
    "payback_limit_months": ["27"],
    "label_source": ["people", "none"],
}
ONLY_WHEN_SAID = {
    "rules_expressible": r"(?<!as far as has been said, )only in part|cannot be written",
    "current_practice": r"(nothing does|people do|rules do|a model does) it",
    "past_cases": r"\b0 past|None of the 0|\b0 known",
    "labelled_cases": r"\b0 of them|\b0 known|None of the",
    "metric": r"recall(?! is assumed)",
    "human_confirms": r"nobody confirms|human_confirms = no|(?<!as far as has been said, )results take effect without",
    "consequence": r"(?<!as far as has been said, )results take effect without",
    "daily_volume": r"1,000 results|1,000(?! \((daily_volume|monthly_run_budget), assumed)",
    "monthly_run_budget": r"costs 1,000(?! \(monthly_run_budget, assumed)",
    "payback_limit_months": r"\b18(?! months \(payback_limit_months, assumed)\b",
}


def partly_answered(seed: int) -> dict[str, str]:
    """Some of the answers, each different from its default; labelled cases only beside past ones."""
    rng = random.Random(seed)
    given = {key: rng.choice(values) for key, values in GIVEN.items() if rng.random() < 0.5}
    if "past_cases" not in given:
        given.pop("labelled_cases", None)
    return given


@pytest.mark.parametrize("with_plan", [False, True])
def test_no_advice_tells_an_unknown_as_a_fact(with_plan: bool) -> None:
    """Whatever half of the answers is given, no reason, flip or blocker says for certain what nobody has said."""
    ruled = set()
    for seed in range(40 if with_plan else 400):
        given = partly_answered(seed)
        complete = answers.complete({"kind": "ml"} | given)
        advice = advise(complete, compute(complete) if with_plan else None)
        ruled.add(advice.rule)
        for line in advice.reasons + advice.flips + advice.blockers:
            told = [key for key, fact in ONLY_WHEN_SAID.items() if key not in given and re.search(fact, line)]
            assert told == [], (given, line)
    assert ruled >= ({1, 3, 5, 6, 7} if with_plan else {1, 2, 3, 4, 5, 7})


def test_what_is_confirmed_is_a_fact_again() -> None:
    """Whoever vouches for a default is quoted with it."""
    vouched = advice_for({"confirmed": "past_cases; labelled_cases; daily_volume"})

    assert "there are 0 past cases and 0 known right answers" in vouched.reasons[0]
    assert "1,000 results a day" in vouched.reasons[2]


def test_an_advice_names_what_it_was_not_told() -> None:
    """All that the rules look at while nothing is answered; nothing once everything is."""
    nothing = answers.complete({"kind": "ml"})
    everything = answers.complete({"kind": "ml", "confirmed": "; ".join(DECISIVE)} | INVOICES)

    assert unsaid(nothing) == list(DECISIVE)
    assert unsaid(everything) == []
