"""The rows that a plan asks for see the gain as often as it says: the engine's own verdict on data of that shape."""

import math

import numpy as np
import planned_shapes
import pytest
from mlscaffold import answers as answers_module
from mlscaffold.planning.acceptance import metrics
from mlscaffold.planning.acceptance.metrics import METRICS
from mlscaffold.planning.formulas import spreads
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.influence import BLOCKS, influence
from planrun_ml.measuring.metrics import named, per_unit, score
from scipy.stats import norm

RUNS = {
    "average_precision": 800,
    "ndcg_at_10": 800,
    "mrr": 800,
    "own:top": 1_000,
}  # a jackknife or a ranking a run; others are quick
MOST = 2_000


@pytest.mark.slow
@pytest.mark.parametrize("name", [*planned_shapes.SHAPES, *planned_shapes.OWN, *planned_shapes.MEASURED])
def test_the_planned_rows_have_the_planned_power(name: str) -> None:
    """Within three points of .80, each metric at the rows of its plan, judged by the gate's own test.

    The simulation's own error, at most 1.5 points, comes on top.
    """
    runs = RUNS.get(name, MOST)
    _, _, promised = planned_shapes.plan_of(name)
    found = planned_shapes.power(name, runs)

    assert promised == 0.8
    assert abs(found - promised) <= 0.03 + 1.5 * math.sqrt(0.8 * 0.2 / runs)


@pytest.mark.parametrize(
    ("texts", "today", "value", "spread"),
    [
        ({"metric_direction": "lower", "metric_spread": "3"}, 2.0, 1.0, 1.5),
        ({"metric_direction": "higher", "metric_spread": "3"}, 1.0, 4.0, 6.0),
        ({"metric_direction": "higher", "metric_spread": "3"}, -1.0, 4.0, 3.0),
    ],
)
def test_a_measured_spread_goes_to_the_target_with_the_value(
    texts: dict[str, str], today: float, value: float, spread: float
) -> None:
    """F08: of a team's own loss with its mean, of a gain as a variance; where today earns nothing, it stays."""
    given = {"metric": "own:refunds", "metric_form": "mean"} | texts
    metric = metrics.of(answers_module.complete(planned_shapes.DECISION | given))

    assert metric.spread_at(value, today, None) == pytest.approx(spread)
    assert metric.spread_at(today, today, None) == pytest.approx(3)


@pytest.mark.parametrize(("name", "power"), [("mae", 1), ("rmse", 2)])
def test_a_measured_spread_of_a_loss_shrinks_as_the_loss_does(name: str, power: int) -> None:
    """What `baseline` measured at 10 is less at 8: by the loss's own shape, whatever was measured."""
    metric = METRICS[name]

    assert metric.spread_at(8.0, 10.0, 50.0) == pytest.approx(50 * 0.8**power)
    assert metric.spread_at(8.0, 10.0, None) == metric.row_spread(8.0, None)


@pytest.mark.parametrize("name", ["f1", "log_loss", "rmse"])
def test_a_shape_has_the_values_that_it_says(name: str) -> None:
    """Today's and the target's, on a large sample: what the power is measured at is what is planned."""
    shape = planned_shapes.SHAPES[name]
    cases = shape.draw(np.random.default_rng(5), 100_000)
    said = [float(shape.texts[key]) for key in ("target_value", "current_value")]

    assert [float(score(shape.measured, case)) for case in cases] == pytest.approx(said, rel=0.02)


# ------------------------------------------------------------------------------------------------ each spread


def test_the_spread_of_an_f1_is_that_of_its_samples() -> None:
    """F37: equal precision and recall; √(F (1 - F)) of a share would ask for a third more rows here."""
    share, value, rows = 0.2, 0.5, 2_000
    apart = planned_shapes.apart_for("f1", share, value)
    cut = planned_shapes.flagged_as_often(share, apart)
    rng, found = np.random.default_rng(8), []
    for _ in range(600):
        y = (rng.random(rows) < share).astype(float)
        found.append(score(named("f1"), Case(y, rng.normal(size=rows) + apart * y, cut)))

    assert spreads.f1_spread(value) == pytest.approx(float(np.std(found)) * math.sqrt(rows * share), rel=0.08)
    assert spreads.f1_spread(value) < 0.9 * math.sqrt(value * (1 - value))


@pytest.mark.parametrize(("share", "apart"), [(0.2, 1.2), (0.02, 1.0), (0.5, 1.0)])
def test_the_spread_of_an_average_precision_is_that_of_its_samples(share: float, apart: float) -> None:
    """F38: mean and spread, frequent and rare positives; within a tenth of 400 samples' own."""
    rows = int(200 / min(share, 0.1))
    rng, found = np.random.default_rng(9), []
    for _ in range(400):
        y = (rng.random(rows) < share).astype(float)
        found.append(score(named("average_precision"), Case(y, rng.normal(size=rows) + apart * y)))
    value = float(np.mean(found))
    planned = spreads.average_precision_spread(value, share)

    assert planned == pytest.approx(float(np.std(found)) * math.sqrt(rows * share), rel=0.1)


@pytest.mark.parametrize(("share", "apart"), [(0.2, 1.0), (0.5, 1.0), (0.05, 1.4)])
def test_few_positives_show_a_higher_average_precision(share: float, apart: float) -> None:
    """F38: by as much as 3,000 samples of 60 positives show, within a quarter and their error."""
    rng, positives, runs = np.random.default_rng(12), 60, 3_000
    rows, found = int(positives / share), []
    for _ in range(runs):
        y = (rng.random(rows) < share).astype(float)
        order = np.argsort(-(rng.normal(size=rows) + apart * y))
        found.append(float((y[order] * y[order].cumsum() / np.arange(1, rows + 1)).sum() / y.sum()))
    at = np.linspace(-8, 8 + apart, 4_001)
    flagged = share * norm.sf(at - apart) + (1 - share) * norm.sf(at)
    value = float(np.trapezoid(norm.pdf(at - apart) * share * norm.sf(at - apart) / flagged, at))
    more = float(np.mean(found)) - value

    planned = spreads.average_precision_surplus(value, share, positives)
    assert planned == pytest.approx(more, rel=0.25, abs=3 * float(np.std(found)) / math.sqrt(runs))


@pytest.mark.parametrize(("share", "positives"), [(0.2, 130), (0.02, 400), (0.5, 60)])
def test_a_jackknife_of_chance_has_the_planned_degrees_of_freedom(share: float, positives: int) -> None:
    """F38: those that the engine finds on rows of this shape, within a tenth."""
    rng, metric, found = np.random.default_rng(13), named("average_precision"), []
    for _ in range(8):
        y = (rng.random(int(positives / share)) < share).astype(float)
        found.append(influence(metric, [Case(y, rng.normal(size=len(y)) + 1.2 * y)]).freedom())

    assert spreads.BLOCKS == BLOCKS
    assert spreads.precision_freedom(share, positives) == pytest.approx(float(np.mean(found)), rel=0.1)


@pytest.mark.parametrize(("metric", "value"), [("mrr", 0.4), ("mrr", 0.8), ("ndcg_at_10", 0.6), ("ndcg_at_10", 0.9)])
def test_the_spread_of_a_place_is_that_of_its_samples(metric: str, value: float) -> None:
    """F39: 2,000 queries of ten items, one of them right."""
    case = planned_shapes.of_places(metric, (value, value))(np.random.default_rng(10), 10 * 2_000)[0]
    found = per_unit(named(metric), case)[0]  # type: ignore[arg-type]

    assert np.mean(found) == pytest.approx(value, abs=0.02)
    assert spreads.places_spread(metric, value, 10) == pytest.approx(float(np.std(found)), rel=0.05)


def test_a_value_that_no_such_scores_or_lists_have_keeps_the_bound() -> None:
    """Below what chance gives there is no shape, and √(v (1 - v)) stands in; a perfect value does not vary."""
    assert spreads.average_precision_spread(0.1, 0.2) is None
    assert spreads.places_spread("mrr", 0.1, 10) is None
    assert spreads.average_precision_spread(1.0, 0.2) == 0.0
    assert spreads.places_spread("ndcg_at_10", 1.0, 10) == 0.0
    assert (spreads.f1_spread(0.0), spreads.f1_spread(1.0)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: spreads.f1_spread(1.2), r"between 0 and 1, not at 1\.2"),
        (lambda: spreads.average_precision_spread(0.5, 0.0), "strictly between 0 and 1, not 0"),
        (lambda: spreads.average_precision_surplus(0.5, 0.2, 0), "needs positives, not 0"),
        (lambda: spreads.places_spread("mae", 0.5, 10), "not for mae"),
        (lambda: spreads.places_spread("mrr", 0.5, 1), "two items to have an order, not 1"),
    ],
)
def test_what_has_no_spread_is_refused_by_its_value(call: object, told: str) -> None:
    """One sentence that names it."""
    with pytest.raises(ValueError, match=told):
        call()  # type: ignore[operator]
