"""What a metric is: the engine's own say what they always said, and a team's own is asked as one of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from material import ROOT
from planrun_ml.measuring import intervals
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import BUILT_IN, Metric, named, score
from planrun_ml.watching import quality

KNOWN = ROOT / "tests" / "evaluator.json"  # written before metrics were records; a change of meaning shows here
NAMES = {
    "binary": "recall precision accuracy roc_auc average_precision f1 log_loss brier cost",
    "multiclass": "accuracy macro_f1 log_loss cost",
    "regression": "mae rmse",
    "ranking": "ndcg_at_10 mrr",
}


def pairs() -> dict[str, list[Case]]:
    """Two models on the same 240 rows of each task, the first the better one."""
    rng = np.random.default_rng(3)
    y = (rng.random(240) < 0.3).astype(float)
    found = {"binary": []}
    for strength in (1.0, 0.7):
        said = 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(0, 1, 240))))
        found["binary"].append(Case(y, np.round(said, 3), 0.4, prices=(4.0, 150.0)))
    names = np.array(["a", "b", "c"])
    truth = names[rng.integers(0, 3, 240)]
    found["multiclass"] = []
    for strength in (0.6, 0.3):
        said = rng.dirichlet([1, 1, 1], 240) + strength * (truth[:, None] == names)
        said /= said.sum(1, keepdims=True)
        found["multiclass"].append(Case(truth, said, 0.5, tuple(names), prices=(0, 3.0)))
    amounts = rng.normal(10, 3, 240)
    found["regression"] = [Case(amounts, amounts + rng.normal(0, spread, 240)) for spread in (1.0, 1.5)]
    queries, grades = np.repeat(np.arange(40), 6).astype(object), rng.integers(0, 4, 240).astype(float)
    found["ranking"] = [Case(grades, grades + rng.normal(0, spread, 240), queries=queries) for spread in (1.0, 2.0)]
    return found


@pytest.mark.parametrize(("task", "name"), [(task, name) for task in NAMES for name in NAMES[task].split()])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_evaluator_says_what_it_said(task: str, name: str, grouped: bool) -> None:
    """Value, interval, gain and what late labels show, of each of the engine's metrics on rows alone and in groups."""
    groups = np.repeat(np.arange(20), 12) if task == "ranking" else np.repeat(np.arange(60), 4)
    one, other = (replace(case, clusters=groups.astype(object) if grouped else None) for case in pairs()[task])
    known = json.loads(KNOWN.read_text("utf-8"))[f"{task} {name}{' grouped' if grouped else ''}"]
    metric = named(name)
    found = intervals.interval(metric, one, 0.05)

    assert score(metric, one) == pytest.approx(known["score"])
    assert found.as_json() == pytest.approx(known["interval"], abs=2e-6)
    assert intervals.gain(metric, one, other, 0.05).as_json() == pytest.approx(known["gain"], abs=2e-6)
    if "watch" not in known:
        return
    spread = (found.high - found.low) / 2 / 1.645 * math.sqrt(found.n)
    held = {"value": found.value, "low": found.low, "high": found.high, "rows": found.n, "spread": spread}
    bounds = quality.bounds(metric, held, found.value * (0.8 if metric.sign > 0 else 1.3), 0.01, 0.8)
    seen = quality.verdicts(metric, other, np.arange(240) // 24, bounds, 0.01, 0.8, 4.07)

    assert [[one.test, one.state, one.reason, one.missing] for one in seen] == known["watch"]


def test_every_metric_of_the_engine_is_held() -> None:
    """None is without its figures above."""
    assert {name for names in NAMES.values() for name in names.split()} == set(BUILT_IN)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "one of each, sums and value"),
        ({"each": len, "value": len}, "one of each, sums and value"),
        ({"sums": len}, "how to combine"),
        ({"each": len, "share": True, "better": "lower"}, "so higher is better"),
        ({"each": len, "better": "more"}, 'better="more" is none of higher, lower'),
        ({"each": len, "counted_on": "cases"}, 'counted_on="cases" is none of rows, positives, alarms, queries'),
    ],
)
def test_a_metric_that_says_something_else_than_it_may(facts: dict, told: str) -> None:
    """It is refused where it is made, so that the line in the team's room is named."""
    with pytest.raises(ValueError, match=told):
        Metric(**facts)
