"""Money, baseline, target and row counts of a plan: worked figures, directions, honesty about what is unknown."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold import questions, wording
from mlscaffold.planning.acceptance import criteria
from mlscaffold.planning.acceptance.comparison import Comparison
from mlscaffold.planning.acceptance.metrics import METRICS
from mlscaffold.planning.formulas import payback, samples
from mlscaffold.planning.plan import compute

few = settings(max_examples=40, deadline=None)
DECISION = {"decision": "Somebody decides something else than today.", "start_date": "2026-03-02"}


def planned(**texts: str) -> dict[str, Any]:
    """The plan of these answers."""
    return compute(answers_module.complete(DECISION | texts))


def found(plan: dict[str, Any]) -> dict[str, str]:
    """The findings of a plan by key."""
    return {finding["key"]: finding["sentence"] for finding in plan["findings"]}


@pytest.mark.parametrize(
    ("key", "text", "number"),
    [
        ("min_gain", "0.04", "acceptance.min_gain"), ("build_cost", "50000", "acceptance.build_cost"),
        ("current_value", "0.55", "acceptance.baseline"), ("audit_margin", "0.07", "feedback.audit_margin"),
    ],
)  # fmt: skip
def test_a_number_that_somebody_gave_is_told_as_given(key: str, text: str, number: str) -> None:
    """No formula made it, and it is answered, or measured where `measured` names its origin."""
    group, name = number.split(".")
    given, measured = (planned(**{key: text}, **more)[group][name] for more in ({}, {"measured": f"{key}=a trial"}))

    assert (float(text), "", "answered") == (given["value"], given["formula"], given["provenance"])
    assert (float(text), "", "measured") == (measured["value"], measured["formula"], measured["provenance"])


# ------------------------------------------------------------------------------------------------ the metric table


def test_every_metric_of_the_questions_is_known_and_points_the_right_way() -> None:
    """No metric can be chosen that the plan does not know; losses are better when lower, all else when higher."""
    assert set(questions.load()["metric"].choices) == set(METRICS)
    lower = {key for key, metric in METRICS.items() if metric.better == "lower"}
    assert lower == {"log_loss", "brier", "mae", "rmse"}


def test_a_mae_of_9_beats_10_and_a_recall_of_9_tenths_beats_8() -> None:
    """A gain is what is better, in either direction."""
    assert METRICS["mae"].gain(10, 9) == 1
    assert METRICS["recall"].gain(0.8, 0.9) == pytest.approx(0.1)
    assert METRICS["mae"].improved(10, 2) == 8


@pytest.mark.parametrize(
    ("metric", "formula", "unit"),
    [
        ("recall", "F05", "positives"),
        ("precision", "F05", "flagged rows"),
        ("accuracy", "F05", "rows"),
        ("roc_auc", "F07", "positives"),
        ("f1", "F08", "positives"),
        ("log_loss", "F08", "rows"),
    ],
)
def test_each_metric_is_planned_by_its_formula_on_its_rows(metric: str, formula: str, unit: str) -> None:
    """The formula and the unit that the rows are counted in follow from the metric."""
    better = {"log_loss": "0.4"}.get(metric, "0.8")
    plan = planned(metric=metric, current_value="0.6", target_value=better, min_gain="0.05", positive_share="0.2")

    assert (plan["test"]["units"]["formula"], plan["test"]["units"]["unit"]) == (formula, unit)
    share = {"positives": 0.2, "flagged rows": 0.2, "rows": 1.0}[unit]
    assert plan["test"]["rows"]["value"] == pytest.approx(plan["test"]["units"]["value"] / share, abs=1)


def test_a_ranking_counts_queries_and_a_query_has_rows() -> None:
    """NDCG is a mean over queries; ten rows a query make ten times as many rows."""
    texts = {"task": "ranking", "current_value": "0.45", "target_value": "0.55", "min_gain": "0.02"}
    plan = planned(**texts, group_size="10", icc="0.5")

    assert plan["test"]["units"]["unit"] == "queries"
    assert plan["test"]["rows"]["value"] == 10 * plan["test"]["units"]["value"]
    assert plan["test"]["design_effect"]["value"] == 1


def test_a_mae_from_10_to_9_takes_the_printed_322_rows() -> None:
    """F08 in the plan: one look, no minimum, correlation .5; with correlation .8, 131."""
    texts = {"task": "regression", "current_value": "10", "target_value": "9", "min_gain": "0", "test_looks": "1"}

    assert planned(**texts)["test"]["rows"]["value"] == 322
    assert planned(**texts, error_correlation="0.8")["test"]["rows"]["value"] == 131


def test_an_auc_from_75_to_80_takes_the_printed_155_positives() -> None:
    """F07 in the plan: 10 % positives, one look, no minimum."""
    texts = {"metric": "roc_auc", "current_value": "0.75", "target_value": "0.8", "positive_share": "0.1"}
    plan = planned(**texts, min_gain="0", test_looks="1")

    assert plan["test"]["positives"]["value"] == 155
    assert plan["test"]["rows"]["value"] == 1550


def test_an_rmse_is_planned_on_squared_errors_and_holds_its_power() -> None:
    """Simulated: normal errors of 10 and 9, as many rows as the plan says, power about .8."""
    comparison = Comparison(METRICS["rmse"], 10.0, None, 0.0, None, 1.0)
    rows = comparison.units(1.0, 0.0, 0.05, 0.8)
    rng = np.random.default_rng(31)
    losses = rng.normal(0, 10, (4000, rows)) ** 2 - rng.normal(0, 9, (4000, rows)) ** 2
    t = losses.mean(axis=1) / (losses.std(axis=1, ddof=1) / rows**0.5)

    assert float(np.mean(t > 1.6449)) == pytest.approx(0.8, abs=0.03)


@few
@given(
    key=st.sampled_from(sorted(METRICS)),
    level=st.floats(0.1, 0.9),
    gain=st.floats(0.05, 0.95),
    part=st.floats(0, 0.9),
    alpha=st.floats(0.001, 0.1),
)
def test_rows_grow_with_what_makes_it_harder(key: str, level: float, gain: float, part: float, alpha: float) -> None:
    """For every metric: a higher minimum, a smaller alpha, more power never need fewer rows; counts are whole."""
    metric = METRICS[key]
    gain *= metric.gain(level, metric.best) if metric.best != float("inf") else level
    comparison = Comparison(metric, level, 0.9, 0.5, None, 4.0)
    rows = comparison.units(gain, part * gain, alpha, 0.8)

    assert isinstance(rows, int)
    assert rows >= 2
    assert rows >= comparison.units(gain, part * gain / 2, alpha, 0.8)
    assert rows <= comparison.units(gain, part * gain, alpha / 2, 0.8)
    assert rows <= comparison.units(gain, part * gain, alpha, 0.9)


@few
@given(key=st.sampled_from(sorted(METRICS)), level=st.floats(0.1, 0.9), units=st.integers(20, 200_000))
def test_a_detectable_gain_can_be_shown_with_those_rows(key: str, level: float, units: int) -> None:
    """For every metric F09 turns the row count round."""
    metric = METRICS[key]
    comparison = Comparison(metric, level, 0.9, 0.5, None, 4.0)
    smallest = comparison.detectable(units, 0.05, 0.8)
    if smallest is None:
        return

    assert 0 < smallest <= metric.gain(level, metric.best) + 1e-9
    if metric.method != "share":  # shares use Connor's formula, a little larger than the margin formula at zero
        assert comparison.units(smallest * 1.001, 0, 0.05, 0.8) <= units + 1


@pytest.mark.parametrize(
    ("metric", "value", "error"),
    [
        ("accuracy", 0.8, 0.04),  # the binomial's: √(.8 .2 / 100)
        ("rmse", 9.0, 9 / 200**0.5),  # of normal errors: the value by √(2 n)
        ("rmse", 0.0, 0.0),
        ("roc_auc", 0.8, samples.auc_variance(0.8, 100, 400) ** 0.5),
        ("roc_auc", 1.0, samples.auc_variance(0.9999, 100, 400) ** 0.5),
    ],
)
def test_a_value_has_the_standard_error_of_its_metric(metric: str, value: float, error: float) -> None:
    """Measured on a hundred units, of which a positive has four negatives."""
    comparison = Comparison(METRICS[metric], 0.5, None, 0.5, None, 4.0)

    assert comparison.error(100, value) == pytest.approx(error, rel=1e-9)


# ------------------------------------------------------------------------------------------------ money


def test_the_threshold_is_the_cheapest_of_those_tried() -> None:
    """F12: on calibrated scores no other threshold is cheaper than 5 / 105 by more than the noise."""
    rng = np.random.default_rng(32)
    scores = rng.beta(0.5, 9, 400_000)
    truth = rng.random(scores.size) < scores
    tried = np.linspace(0.005, 0.3, 60)
    costs = [np.sum((scores >= t) & ~truth) * 5 + np.sum((scores < t) & truth) * 100 for t in tried]
    best = payback.threshold(5, 100)

    assert f"{best:.4f}" == "0.0476"
    ours = np.sum((scores >= best) & ~truth) * 5 + np.sum((scores < best) & truth) * 100
    assert ours <= min(costs) * 1.005


@few
@given(alarm=st.floats(0.01, 1e6), miss=st.floats(0.01, 1e6))
def test_the_threshold_mirrors_its_costs(alarm: float, miss: float) -> None:
    """Swapping the two costs mirrors the threshold."""
    assert payback.threshold(alarm, miss) == pytest.approx(1 - payback.threshold(miss, alarm))


@pytest.mark.parametrize(
    "call",
    [
        lambda: payback.threshold(0, 1),
        lambda: payback.threshold(1, 0),
        lambda: payback.break_even_gain(1, 0, 1, 1, 1),
        lambda: payback.break_even_gain(1, 1, 1, 0, 1),
    ],
)
def test_money_that_makes_no_sense_is_refused(call: Any) -> None:
    """Errors cost something, and somebody decides something."""
    with pytest.raises(ValueError, match=r"must"):
        call()


def test_payback_counts_running_cost() -> None:
    """72,000 built, 37,425 a month, 4,000 to run: 2.2 months; below the running cost it never pays."""
    assert f"{payback.payback_months(72_000, 37_425, 4_000):.1f}" == "2.2"
    assert payback.payback_months(72_000, 3_999, 4_000) is None


@few
@given(share=st.floats(0.01, 0.5), recall=st.floats(0.1, 0.8), gain=st.floats(0.01, 0.15))
def test_a_gain_is_worth_what_the_costs_say(share: float, recall: float, gain: float) -> None:
    """With false alarms unchanged, costs before and after differ by gain times the worth of a unit."""
    texts = {"positive_share": f"{share:.6f}", "current_value": f"{recall:.6f}", "miss_cost": "80"}
    plan = planned(**texts, target_value=f"{recall + gain:.6f}", daily_volume="100")["acceptance"]

    expected = plan["gain"]["value"] * plan["unit_worth"]["value"] * 100 * payback.MONTH
    assert plan["value_month"]["value"] == pytest.approx(expected, rel=1e-6)


# ------------------------------------------------------------------------------------------------ honesty


def test_the_target_that_stands_in_is_a_tenth_of_todays_error_beyond_what_pays() -> None:
    """No target given: .55, the gain that pays build and upkeep back, and a tenth of the .45 that is wrong today."""
    texts = {"current_value": "0.55", "positive_share": "0.04", "miss_cost": "100", "false_alarm_cost": "5"}
    plan = planned(**texts, daily_volume="2000", build_cost="72000", monthly_run_budget="4000")["acceptance"]

    even, upkeep = plan["break_even_gain"]["value"], plan["break_even_gain"]["inputs"]["upkeep_year"]
    assert even == pytest.approx((72_000 / 18 + upkeep / 12) / 60_000 / 4)
    assert plan["target"]["value"] == pytest.approx(0.55 + even + 0.045)
    assert plan["target"]["provenance"] == "default"


def test_an_unmeasured_baseline_is_assumed_aloud() -> None:
    """Nobody knows today's value: the plan says which stand-in it uses, and asks to measure."""
    plan = planned(current_value="")

    assert plan["acceptance"]["baseline"]["provenance"] == "default"
    assert "assumes 0.5" in plan["acceptance"]["baseline"]["note"]
    assert "acceptance.baseline" in found(plan)
    assert "acceptance.baseline" not in found(planned(current_value="0.4"))


def test_an_amount_without_a_scale_has_no_middle() -> None:
    """A metric of errors that has no closed form of its own is not said to be a half today."""
    amount = replace(METRICS["mae"], key="median_absolute_error")
    given = answers_module.complete(DECISION | {"kind": "ml", "task": "regression", "metric": "mae"})

    assert criteria.assumed_baseline(given, amount) is None
    assert criteria.assumed_baseline(given, replace(amount, key="kappa", high=1.0)) == 0.5


def test_without_any_scale_no_rows_are_invented() -> None:
    """A regression without baseline and without spread: rows, target and value stay unknown, and say why."""
    plan = planned(task="regression", current_value="")
    remedies = {finding["key"]: finding["remedy"] for finding in plan["findings"]}

    assert "replan with current_value" in remedies["acceptance.baseline"]
    for entry in (plan["test"]["rows"], plan["acceptance"]["target"], plan["acceptance"]["value_month"]):
        assert entry["value"] is None
        assert entry["note"]
    assert planned(task="regression", error_spread="3")["test"]["rows"]["value"] > 0


@pytest.mark.parametrize(
    ("texts", "key", "words"),
    [
        ({"current_value": "0.8", "target_value": "0.7"}, "acceptance.target", "already meets"),
        ({"current_value": "0.7", "target_value": "0.72"}, "acceptance.target", "smallest useful gain"),
        (
            {"current_value": "0.7", "miss_cost": "2", "daily_volume": "1"},
            "acceptance.break_even_gain",
            "perfect model",
        ),
        ({"current_value": "0.7", "daily_volume": "1"}, "acceptance.break_even_cost", "Nobody has said what an error"),
        ({"current_value": "0.7", "min_gain": "0.4"}, "acceptance.min_gain", "perfect model"),
        (
            {"current_value": "0.7", "target_value": "0.7000001", "min_gain": "0", "positive_share": "0.001"},
            "test.units",
            "too small for any sample",
        ),
        (
            {"current_value": "0.5", "target_value": "0.9", "discordance": "0.1", "min_gain": "0.1"},
            "test.discordance",
            "cannot be",
        ),
        (
            {"current_value": "0.1", "target_value": "0.9", "review_rate": "0.1", "min_gain": "0.1"},
            "acceptance.cost_per_decision.target",
            "People can look at",
        ),
        (
            {"current_value": "0.5", "target_value": "0.9", "monthly_run_budget": "24200", "min_gain": "0.1"}
            | {"miss_cost": "4"},
            "acceptance.payback_months",
            "never pays back",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence_and_a_remedy(texts: dict[str, str], key: str, words: str) -> None:
    """Absurd answers become findings that name the trouble, never an endless number; sound ones do not."""
    plan = planned(**texts)
    sound = planned(current_value="0.5", target_value="0.9", min_gain="0.1", daily_volume="100000")

    assert words in found(plan)[key]
    assert key not in found(sound)
    assert next(finding["remedy"] for finding in plan["findings"] if finding["key"] == key)


def test_a_discordance_that_cannot_be_is_replaced_by_the_nearest_that_can() -> None:
    """From .5 to .9 at least .4 of the rows must differ."""
    plan = planned(current_value="0.5", target_value="0.9", discordance="0.1", min_gain="0.1")

    assert plan["test"]["discordance"]["value"] == pytest.approx(0.4)


def test_answers_and_plan_agree_on_the_range_of_every_metric() -> None:
    """What `answers.complete` refuses is what the formulas could not use."""
    for key in ("current_value", "target_value"):
        question = questions.load()[key]
        assert set(METRICS) == set(questions.load()["metric"].choices)
        for metric in METRICS.values():
            most = question.most["values"].get(metric.key)
            assert metric.high == (math.inf if most is None else float(most))


# ------------------------------------------------------------------------------------------------ segments, promotion


def test_segments_take_the_whole_alpha_and_none_means_none() -> None:
    """All three have to pass, so each is planned at the alpha of a look; without any, a note says so."""
    texts = {"current_value": "0.55", "target_value": "0.7", "min_gain": "0.05", "positive_share": "0.04"}
    three = planned(**texts, segments="a; b; c", test_looks="1")["slices"]
    none = planned(**texts)["slices"]

    assert three["units_each"]["value"] == 74
    assert three["rows_each"]["value"] == 1850
    assert (none["rows_each"]["value"], none["rows_each"]["note"]) == (None, "No segments are named.")


def test_promotion_needs_717_positives_of_which_72_decide() -> None:
    """Margin .03 and models that differ on a tenth: 717, and labels only where they differ."""
    texts = {"current_value": "0.55", "target_value": "0.7", "min_gain": "0.05", "positive_share": "0.04"}
    plan = planned(**texts)["promotion"]

    assert (plan["rows"]["value"], plan["labels"]["value"]) == (717, 72)
    assert (plan["stream_rows"]["value"], plan["stream_labels"]["value"]) == (17_925, 1_793)
    assert planned(**texts, promotion_discordance="0.2")["promotion"]["rows"]["value"] > 717


@pytest.mark.parametrize("consequence", ["cosmetic", "money", "rights", "intolerable"])
def test_a_graver_consequence_needs_more_rows(consequence: str) -> None:
    """alpha .10, .05, .025, .01 with power .8, .8, .9, .9: the rows grow in that order."""
    order = ["cosmetic", "money", "rights", "intolerable"]
    texts = {"current_value": "0.55", "target_value": "0.7", "min_gain": "0.05"}
    rows = planned(**texts, consequence=consequence)["test"]["rows"]["value"]
    graver = order[min(order.index(consequence) + 1, 3)]

    assert rows <= planned(**texts, consequence=graver)["test"]["rows"]["value"]


def test_a_margin_on_an_error_without_limit_is_a_share_of_today() -> None:
    """Five hundredths of a MAE of 60 are 3, not .05; without a baseline the margin is unknown."""
    plan = planned(task="regression", current_value="60", target_value="48", segments="ward", min_gain="2")
    unknown = planned(task="regression", current_value="", segments="ward")

    assert plan["slices"]["margin"]["value"] == pytest.approx(3)
    assert plan["promotion"]["margin"]["value"] == pytest.approx(1.8)
    assert plan["promotion"]["rows"]["value"] < 10_000
    assert unknown["slices"]["margin"]["value"] is None


# ------------------------------------------------------------------------------------------------ a gain with units


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_an_error_in_unknown_units_is_to_fall_by_a_share_of_itself(metric: str) -> None:
    """While nobody has said what a unit of error costs, euros and millimetres ask for the same share, not one sum."""
    texts = {"task": "regression", "metric": metric}
    large, small = (planned(**texts, current_value=value)["acceptance"] for value in ("40000", "0.02"))

    assert large["min_gain"]["value"] == pytest.approx(4000)
    assert small["min_gain"]["value"] == pytest.approx(0.002)
    assert large["target"]["value"] == pytest.approx(32000)
    assert "unit_error_cost is assumed" in large["min_gain"]["note"]
    assert large["build_cost"]["value"] == small["build_cost"]["value"]
    assert small["break_even_gain"]["value"] is None  # a gain of euros, where a whole error is .02


def test_a_share_of_an_unmeasured_error_is_said_in_words() -> None:
    """Without a baseline there is no number yet, and the documents say which rule will give it."""
    entry = planned(task="regression", min_gain_share="0.2")["acceptance"]["min_gain"]

    assert entry["value"] is None
    assert entry["words"] == "20 % of the baseline's error"
    assert entry["inputs"] == {"min_gain_share": 0.2, "baseline": None}
    assert wording.number(entry) == "20 % of the baseline's error"


@pytest.mark.parametrize(
    "texts",
    [
        {"task": "regression", "unit_error_cost": "2"},
        {"task": "regression", "confirmed": "unit_error_cost"},
        {"task": "ranking", "unit_error_cost": "20", "daily_volume": "100000"},
        {"task": "binary", "miss_cost": "100"},
    ],
)
def test_money_decides_where_a_unit_has_a_price(texts: dict[str, str]) -> None:
    """A cost that a person vouches for, or a metric without units, gives the break-even gain as before."""
    found = planned(**texts, current_value="0.5")["acceptance"]

    assert found["min_gain"]["value"] == found["break_even_gain"]["value"]
    assert "words" not in found["min_gain"]
