"""The evaluator against references, intervals against simulation, and one change an experiment."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ask, record_of
from my_project import evaluate, experiment, intervals
from my_project.evaluate import Case, score
from my_project.repo import Repo
from sklearn import metrics as reference


def binary(count: int = 300, seed: int = 0, strength: float = 1.0) -> Case:
    rng = np.random.default_rng(seed)
    y = (rng.random(count) < 0.3).astype(float)
    return Case(y, 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(0, 1, count)))))


def test_metrics_equal_the_reference() -> None:
    """Ours, because they must be resampled quickly; the same numbers as scikit-learn's."""
    case = binary()
    said = case.scores >= 0.5
    expected = {
        "recall": reference.recall_score(case.y, said),
        "precision": reference.precision_score(case.y, said),
        "accuracy": reference.accuracy_score(case.y, said),
        "f1": reference.f1_score(case.y, said),
        "roc_auc": reference.roc_auc_score(case.y, case.scores),
        "average_precision": reference.average_precision_score(case.y, case.scores),
        "log_loss": reference.log_loss(case.y, case.scores),
        "brier": reference.brier_score_loss(case.y, case.scores),
        "mae": reference.mean_absolute_error(case.y, case.scores),
        "rmse": reference.root_mean_squared_error(case.y, case.scores),
    }

    assert expected == pytest.approx({name: score(name, case) for name in expected}, abs=1e-9)


def test_metrics_of_classes_equal_the_reference() -> None:
    """Macro F1, and log loss over classes."""
    rng = np.random.default_rng(1)
    names = np.array(["a", "b", "c"])
    y = names[rng.integers(0, 3, 200)]
    said = rng.dirichlet([1, 1, 1], 200) + 0.5 * (y[:, None] == names)
    said /= said.sum(axis=1, keepdims=True)
    case = Case(y, said, classes=tuple(names))
    assert score("macro_f1", case) == pytest.approx(reference.f1_score(y, names[said.argmax(axis=1)], average="macro"))
    assert score("log_loss", case) == pytest.approx(reference.log_loss(y, said))


def test_a_metric_that_is_not_defined_is_no_number() -> None:
    """No positive row: recall is not zero and not one."""
    assert math.isnan(score("recall", Case(np.zeros(5), np.ones(5))))
    assert math.isnan(score("roc_auc", Case(np.zeros(5), np.arange(5.0))))


@pytest.mark.parametrize("metric", ["accuracy", "recall", "roc_auc", "brier", "f1"])
def test_bounds_miss_as_rarely_as_promised(metric: str) -> None:
    """Of 200 samples about 5 % lie beyond each one-sided bound, and never four times as many."""
    truth = score(metric, binary(60_000, seed=99))
    found = [intervals.interval(metric, binary(150, seed), 0.05) for seed in range(200)]

    assert sum(entry.low > truth for entry in found) < 30
    assert sum(entry.high < truth for entry in found) < 30


@pytest.mark.parametrize("metric", ["accuracy", "recall", "roc_auc", "log_loss", "f1"])
def test_a_gain_of_nothing_is_rarely_shown(metric: str) -> None:
    """Two equally good models: the lower bound of the gain is above zero in about 5 % of samples."""
    shown = 0
    for seed in range(120):
        first, second = binary(150, seed), binary(150, seed + 1000)
        rng = np.random.default_rng(seed)
        scores = 1 / (1 + np.exp(-((2 * first.y - 1) + rng.normal(0, 1, 150))))
        found = intervals.gain(metric, first, replace(second, y=first.y, scores=scores), 0.05)
        shown += found.low > 0

    assert shown <= 18


def test_clusters_widen_the_interval() -> None:
    """Ten copies of each row are no ten rows."""
    case = binary(60)
    copied = Case(np.repeat(case.y, 10), np.repeat(case.scores, 10))
    grouped = replace(copied, clusters=np.repeat(np.arange(60), 10).astype(object))

    found = [intervals.interval("accuracy", entry, 0.05) for entry in (copied, grouped)]
    width = [entry.high - entry.low for entry in found]

    assert width[1] > 2 * width[0]


def test_the_mid_p_test_equals_its_definition() -> None:
    """Half of the observed table's probability counts."""
    assert intervals.mid_p(8, 2) == pytest.approx(sum(math.comb(10, k) for k in range(2)) / 1024 + 45 / 2048)
    assert intervals.mid_p(0, 0) == 1.0


def test_verdicts_have_three_values() -> None:
    """Shown, shown not to be there, and neither, with the rows to go."""
    found = intervals.Interval(0.10, 0.02, 0.18, 100, "t", 0.05)

    assert intervals.verdict(found, 0.01).state == "pass"
    assert intervals.verdict(found, 0.20).state == "fail"
    undecided = intervals.verdict(found, 0.05)
    assert (undecided.state, undecided.more) == ("inconclusive", 156)
    assert intervals.verdict(replace(found, value=math.nan, low=math.nan, high=math.nan), 0.0).state == "fail"


def test_higher_is_better_is_known_for_every_metric() -> None:
    """An error that falls is a gain."""
    assert evaluate.higher_is_better("recall")
    assert not evaluate.higher_is_better("mae")
    better, worse = Case(np.ones(20), np.linspace(0.9, 1.1, 20)), Case(np.ones(20), np.linspace(0.5, 1.5, 20))
    assert intervals.gain("mae", better, worse, 0.05).value > 0


def test_an_experiment_changes_one_thing_and_is_not_run_twice(worked: Path) -> None:
    """The same configuration again is refused; the next family is tried without being asked."""
    first = experiment.all_records(Repo(worked))[0]
    code, said = ask(worked, "experiment", "--model", first["config"]["model"])
    assert code == 1
    assert first["id"] in said

    assert ask(worked, "experiment")[0] == 0
    assert record_of(worked).parent.name == "0002-forest"
    assert ask(worked, "experiment", "--model", "magic")[0] == 1
    assert ask(worked, "experiment", "--drop", "no such column")[0] == 1
    assert ask(worked, "experiment", "--set", "nonsense=1")[0] == 1
