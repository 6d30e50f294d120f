"""Planned rows hold their power: sizes are simulated by the test that decides, on data as the plan takes it to be."""

import math

import numpy as np
import pytest
from mlscaffold import answers as answers_module
from mlscaffold.errors import Contradiction
from mlscaffold.planning.acceptance.comparison import Comparison
from mlscaffold.planning.acceptance.metrics import METRICS, Metric, of
from mlscaffold.planning.formulas import labelling, spreads, stats
from mlscaffold.planning.plan import compute
from planrun_ml.data import splits
from sklearn.metrics import f1_score

DECISION = {"decision": "Somebody decides something else than today.", "start_date": "2026-03-02"}
ALPHA, POWER = 0.05, 0.8


def metric_of(**texts: str) -> Metric:
    """The metric of these answers, with what they say of its classes."""
    return of(answers_module.complete(DECISION | texts))


def planned(**texts: str) -> dict[str, dict[str, dict[str, object]]]:
    """The plan of these answers."""
    found: dict[str, dict[str, dict[str, object]]] = compute(answers_module.complete(DECISION | texts))
    return found


# ------------------------------------------------------------------------------------------------ calibrated scores


def losses(loss: str, apart: float, share: float, noise: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Each row's loss by the class posterior of scores that lie `apart` in the two classes."""
    log_odds = math.log(share / (1 - share)) + apart * (noise + apart * truth) - apart**2 / 2
    chance = 1 / (1 + np.exp(-log_odds))
    if loss == "brier":
        return np.asarray((chance - truth) ** 2)
    return np.asarray(-np.log(np.where(truth == 1, chance, 1 - chance)))


def apart_for(loss: str, value: float, share: float) -> float:
    """How far the classes lie apart where the loss comes to this value, found by simulation."""
    rng = np.random.default_rng(2)
    truth = (rng.random(400_000) < share).astype(float)
    noise = rng.normal(size=truth.size)
    low, high = 0.0, 12.0
    for _ in range(30):
        middle = (low + high) / 2
        worse = float(losses(loss, middle, share, noise, truth).mean()) > value
        low, high = (middle, high) if worse else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize(
    ("loss", "value", "share"),
    [("log_loss", 0.1, 0.04), ("log_loss", 0.5, 0.5), ("brier", 0.03, 0.04), ("brier", 0.2, 0.4), ("brier", 0.01, 0.5)],
)
def test_the_spread_of_a_calibrated_loss_is_the_simulated_one(loss: str, value: float, share: float) -> None:
    """F35 against 400,000 rows, within 2 %; the mean, or the bound of Bhatia and Davis, is up to many times off."""
    rng = np.random.default_rng(3)
    truth = (rng.random(400_000) < share).astype(float)
    rows = losses(loss, apart_for(loss, value, share), share, rng.normal(size=truth.size), truth)

    assert spreads.calibrated_spread(loss, value, share) == pytest.approx(float(rows.std()), rel=0.02)


@pytest.mark.parametrize(
    ("loss", "share", "today", "target", "minimum"),
    [("log_loss", 0.1, 0.28, 0.24, 0.01), ("brier", 0.04, 0.034, 0.031, 0.001)],
)
def test_a_calibrated_loss_holds_its_power(
    loss: str, share: float, today: float, target: float, minimum: float
) -> None:
    """Two calibrated models on the same rows, judged by the paired mean difference: power .80 within 3 points."""
    rng = np.random.default_rng(5)
    aparts = [apart_for(loss, value, share) for value in (today, target)]

    def pair(size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        truth = (rng.random(size) < share).astype(float)
        first = rng.normal(size=size)
        second = 0.8 * first + 0.6 * rng.normal(size=size)
        return losses(loss, aparts[0], share, first, truth), losses(loss, aparts[1], share, second, truth)

    alike = float(np.corrcoef(*pair((400_000,)))[0, 1])
    metric = metric_of(task="binary", metric=loss, positive_share=str(share))
    rows = Comparison(metric, today, None, alike, None, 1.0).units(today - target, minimum, ALPHA, POWER)
    before, after = pair((2_000, rows))
    gains = before - after
    bound = gains.mean(axis=1) - stats.z(1 - ALPHA) * gains.std(axis=1, ddof=1) / math.sqrt(rows)

    assert float(np.mean(bound > minimum)) == pytest.approx(POWER, abs=0.03)


def test_a_loss_that_no_calibrated_score_has_keeps_its_bound() -> None:
    """Worse than the constant share of positives: no binormal score is as bad, and the wider assumption stands in."""
    constant = -0.1 * math.log(0.1) - 0.9 * math.log(0.9)

    assert spreads.calibrated_spread("log_loss", constant + 0.01, 0.1) is None
    assert metric_of(metric="log_loss", positive_share="0.1").row_spread(0.5, None) == 0.5
    assert metric_of(metric="brier", positive_share="0.1").row_spread(0.2, None) == pytest.approx(0.4)
    assert spreads.calibrated_spread("brier", 0.0, 0.1) == 0.0


# ------------------------------------------------------------------------------------------------ macro F1


def drawn(shares: list[float], value: float, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and a system's, which finds each class with precision and recall `value`."""
    rarest, partners = shares[0], len(shares) - 1
    wrong = np.zeros((len(shares), len(shares)))
    wrong[0, 1:] = wrong[1:, 0] = rarest * (1 - value) / partners
    between = (shares[1] * (1 - value) - wrong[0, 1]) / (partners - 1)
    wrong[1:, 1:] = between
    np.fill_diagonal(wrong, [share * value for share in shares])
    cells = rng.choice(wrong.size, size=rows, p=(wrong / wrong.sum()).ravel())
    return cells // len(shares), cells % len(shares)


def macro_f1(truth: np.ndarray, said: np.ndarray, classes: int) -> float:
    """The mean of the classes' F1, from their counts alone: scikit-learn's, and quick."""
    hits = np.bincount(truth[truth == said], minlength=classes)
    return float(np.mean(2 * hits / (np.bincount(truth, minlength=classes) + np.bincount(said, minlength=classes))))


@pytest.mark.parametrize(("classes", "rarest", "value"), [(4, 0.05, 0.7), (10, 0.02, 0.6), (3, 1 / 3, 0.9)])
def test_the_spread_of_a_macro_f1_is_the_simulated_one(classes: int, rarest: float, value: float) -> None:
    """F36: the standard error of the macro F1 over 400 samples of 4,000 rows, within 10 %."""
    rng = np.random.default_rng(7)
    shares = [rarest, *[(1 - rarest) / (classes - 1)] * (classes - 1)]
    samples = [drawn(shares, value, rng, 4_000) for _ in range(400)]
    found = [macro_f1(*sample, classes) for sample in samples]

    assert found[0] == pytest.approx(f1_score(*samples[0], average="macro"))
    assert np.mean(found) == pytest.approx(value, abs=0.01)
    planned_error = spreads.macro_f1_spread(value, classes, rarest) / math.sqrt(4_000)
    assert planned_error == pytest.approx(float(np.std(found)), rel=0.1)


def test_a_rare_class_asks_for_rows_whatever_the_gain() -> None:
    """30 cases of the rarest class at least; more classes, and rarer ones, need more rows; the bound knew neither."""
    texts = {"task": "multiclass", "metric": "macro_f1", "current_value": "0.6", "target_value": "0.95"}
    few = planned(**texts, min_gain="0.05", class_count="4", rarest_share="0.25")["test"]
    rare = planned(**texts, min_gain="0.05", class_count="4", rarest_share="0.004")["test"]

    assert few["rows"]["value"] < rare["rows"]["value"]  # type: ignore[operator]
    assert rare["rows"]["value"] >= 7_500  # type: ignore[operator]
    assert rare["spread"]["formula"] == "F36"


def test_a_rarest_class_is_no_larger_than_an_equal_share() -> None:
    """Four classes, the rarest of them two fifths of all cases: one sentence, and what to change."""
    texts = DECISION | {"task": "multiclass", "metric": "macro_f1", "class_count": "4"}
    with pytest.raises(Contradiction, match=r"rarest_share is 0\.4, and the rarest of 4 classes"):
        answers_module.complete(texts | {"rarest_share": "0.4"})
    assert answers_module.complete(texts | {"rarest_share": "0.25"}).rarest_share == 0.25


# ------------------------------------------------------------------------------------------------ spread, split, labels


def test_an_assumed_spread_is_marked_and_a_measured_one_is_not() -> None:
    """MAE and RMSE say that heavy tails need more, and the line of rows carries the mark; an answer takes it away."""
    texts = {"task": "regression", "current_value": "10", "target_value": "8", "min_gain": "1"}
    assumed, measured = planned(**texts)["test"]["spread"], planned(**texts, error_spread="20")["test"]["spread"]

    assert assumed["provenance"] == "default"
    assert "heavy tails" in str(assumed["note"])
    assert (measured["provenance"], measured["note"]) == ("computed", None)
    assert measured["value"] > assumed["value"]  # type: ignore[operator]


def test_what_is_missing_is_counted_in_rows_of_the_test_split() -> None:
    """A fifth of what is labelled is the test's, in the plan as in the audit."""
    texts = {"current_value": "0.5", "target_value": "0.6", "min_gain": "0.03", "past_cases": "5000"}
    plan = planned(**texts, labelled_cases="5000", task="multiclass")["test"]

    assert splits.SHARES[1] == pytest.approx(0.8)
    assert plan["shortfall"]["value"] == max(0, plan["rows"]["value"] - 1_000)  # type: ignore[operator]
    assert plan["units_available"]["value"] == 1_000


def test_a_split_of_the_teams_own_is_counted_as_it_is() -> None:
    """All new labels went to the test: the plan, its six lines and its words count them, and no fifth of all."""
    texts = {"current_value": "0.5", "target_value": "0.6", "past_cases": "5000", "labelled_cases": "5000"}
    fifth, own = planned(**texts), planned(**texts, test_cases="4000")

    assert fifth["test"]["shortfall"]["value"] == fifth["test"]["rows"]["value"] - 1_000 > 0  # type: ignore[operator]
    assert own["test"]["shortfall"]["value"] == max(0, own["test"]["rows"]["value"] - 4_000)  # type: ignore[operator]
    assert own["test"]["shortfall"]["inputs"].get("test_cases") == 4_000  # type: ignore[union-attr]


@pytest.mark.parametrize(("missed", "false"), [(0.199, 0.0), (0.0, 0.01), (0.05, 0.02)])
def test_a_ceiling_tells_missed_from_false_labels(missed: float, false: float) -> None:
    """Simulated: a model that is always right, and labels that miss and invent positives at rates of their own."""
    rng = np.random.default_rng(11)
    share = 0.04
    truth = rng.random(2_000_000) < share
    seen = np.where(truth, rng.random(truth.size) >= missed, rng.random(truth.size) < false)
    measured = {
        "recall": np.mean(truth[seen]),
        "precision": np.mean(seen[truth]),
        "accuracy": np.mean(truth == seen),
        "f1": 2 * np.sum(truth & seen) / (np.sum(truth) + np.sum(seen)),
        "brier": np.mean((np.where(truth, 1 - missed, false) - seen) ** 2),
    }

    for metric, found in measured.items():
        assert labelling.ceiling(metric, share, missed, false) == pytest.approx(float(found), abs=0.004), metric


def test_missed_labels_cap_precision_as_they_really_do() -> None:
    """A fifth of the positives missed caps precision at .80; taken as flips of equal number, it seemed .99."""
    texts = {"metric": "precision", "positive_share": "0.04", "label_source": "people", "current_value": "0.5"}
    apart = planned(**texts, missed_labels="0.199", false_labels="0")["labels"]
    flips = planned(**texts, label_agreement="0.984")["labels"]

    assert apart["ceiling"]["value"] == pytest.approx(0.801)
    assert flips["ceiling"]["value"] == pytest.approx(0.992, abs=0.001)


@pytest.mark.parametrize("call", [lambda: spreads.calibrated_spread("mae", 1, 0.5), lambda: spreads.rows_for_rarest(0),
                                  lambda: spreads.macro_f1_spread(0.5, 4, 0.5),
                                  lambda: spreads.calibrated_spread("brier", 0.1, 1.0)])  # fmt: skip
def test_a_spread_of_what_cannot_be_is_refused(call: object) -> None:
    """Another loss, no share, and a rarest class that is not the rarest."""
    with pytest.raises(ValueError, match=r"\w"):
        call()  # type: ignore[operator]


def test_every_metric_has_a_spread_of_its_own_formula() -> None:
    """The formula beside the spread is the one that gave it."""
    assert {key for key, metric in METRICS.items() if metric.spread_formula == "F35"} == {"log_loss", "brier"}
