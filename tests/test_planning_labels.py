"""Label noise, agreement and labelling effort: worked examples, scikit-learn's kappa, simulation, order."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold.planning.acceptance import labels
from mlscaffold.planning.acceptance.metrics import METRICS
from mlscaffold.planning.formulas import labelling
from mlscaffold.planning.plan import compute
from sklearn.metrics import cohen_kappa_score, roc_auc_score

few = settings(max_examples=80, deadline=None)
agreements = st.floats(0.5, 1)
shares = st.floats(0.01, 0.99)


def test_an_agreement_of_95_percent_caps_accuracy_at_974() -> None:
    """F13: agreement .95 means that .026 of the labels are wrong, and no model measures more than .974."""
    flip = labelling.flip_rate(0.95)

    assert (f"{flip:.3f}", f"{labelling.measured_accuracy(1, flip):.3f}") == ("0.026", "0.974")


@pytest.mark.parametrize(("agreement", "printed"), [(0.95, "0.613"), (0.98, "0.803"), (0.99, "0.892")])
def test_a_rare_class_is_capped_much_lower(agreement: float, printed: str) -> None:
    """F13b at 4 % positives: .95, .98 and .99 cap a perfect model's recall at .613, .803 and .892."""
    assert printed == f"{labelling.ceiling('recall', 0.04, labelling.flip_rate(agreement)):.3f}"


def test_a_recall_of_70_percent_needs_an_agreement_of_966() -> None:
    """At 4 % positives, .966 is the least agreement with which a recall of .70 can be measured at all."""
    assert f"{labels.least_agreement(METRICS['recall'], 0.04, 0.7):.3f}" == "0.966"


def test_labelling_and_double_labelling_take_what_is_printed() -> None:
    """F15: 7,075 rows, 2 minutes, 2 people, 15 % twice are 5.4 weeks. F16: po .98, pe .9, ± .10 is 753 rows."""
    weeks = labelling.labelling_weeks(7075, 0.15, 2, 2)

    assert f"{weeks:.1f}" == "5.4"
    assert labelling.kappa_rows(0.98, 0.9, 0.1) == 753


def test_the_ceilings_are_what_a_perfect_model_measures_on_flipped_labels() -> None:
    """Simulated: two million rows, a perfect model, labels flipped at random."""
    rng = np.random.default_rng(11)
    share, flip = 0.1, 0.03
    truth = rng.random(2_000_000) < share
    seen = truth ^ (rng.random(truth.size) < flip)
    measured = {
        "recall": np.mean(truth[seen]),
        "precision": np.mean(seen[truth]),
        "accuracy": np.mean(truth == seen),
        "f1": 2 * np.sum(truth & seen) / (np.sum(truth) + np.sum(seen)),
        "roc_auc": roc_auc_score(seen, truth),
        "brier": np.mean((np.where(truth, 1 - flip, flip) - seen) ** 2),
        "log_loss": -np.mean(np.log(np.where(truth == seen, 1 - flip, flip))),
    }

    for metric, found in measured.items():
        assert labelling.ceiling(metric, share, flip) == pytest.approx(found, abs=0.004), metric


def test_the_flip_rate_is_the_one_behind_the_agreement() -> None:
    """Simulated: two people who each flip 5 % of the labels agree on as many cases as the formula turns back."""
    rng = np.random.default_rng(12)
    first, second = (rng.random(1_000_000) < 0.05 for _ in range(2))

    assert labelling.flip_rate(float(np.mean(first == second))) == pytest.approx(0.05, abs=0.001)


def test_rows_labelled_twice_give_kappa_its_precision() -> None:
    """F16: with that many rows, scikit-learn's kappa varies by the half-width that was asked for."""
    rng = np.random.default_rng(13)
    share, flip, wanted = 0.3, 0.05, 0.1
    agreement, chance = (1 - flip) ** 2 + flip**2, 0.3**2 + 0.7**2
    rows = labelling.kappa_rows(agreement, chance, wanted)
    found = []
    for _ in range(400):
        truth = rng.random(rows) < share
        found.append(cohen_kappa_score(*(truth ^ (rng.random(rows) < flip) for _ in range(2))))

    assert 1.96 * np.std(found) == pytest.approx(wanted, rel=0.15)


@few
@given(share=shares, agreement=agreements, better=st.floats(0, 1))
def test_more_agreement_never_lowers_a_ceiling(share: float, agreement: float, better: float) -> None:
    """Every ceiling moves towards perfection as agreement does, and full agreement reaches it."""
    more = agreement + better * (1 - agreement)
    for key, metric in METRICS.items():
        low, high, best = (labelling.ceiling(key, share, labelling.flip_rate(a)) for a in (agreement, more, 1.0))
        if low is None or high is None or best is None:
            continue
        assert metric.gain(low, high) >= -1e-9, key
        assert best == pytest.approx(metric.best), key


@few
@given(share=shares, agreement=st.floats(0.6, 1), key=st.sampled_from(["accuracy", "recall", "precision", "f1"]))
def test_the_least_agreement_inverts_the_ceiling(share: float, agreement: float, key: str) -> None:
    """Aim at a ceiling, and the agreement that made it is the least that will do."""
    target = labelling.ceiling(key, share, labelling.flip_rate(agreement))
    assert target is not None

    assert labels.least_agreement(METRICS[key], share, target) == pytest.approx(agreement, abs=1e-6)


@few
@given(rows=st.integers(0, 10**6), twice=st.floats(0, 1), minutes=st.floats(0, 60), people=st.integers(1, 100))
def test_labelling_is_in_proportion(rows: int, twice: float, minutes: float, people: int) -> None:
    """Twice the people take half as long; more rows never take less."""
    weeks = labelling.labelling_weeks(rows, twice, minutes, people)

    assert labelling.labelling_weeks(rows, twice, minutes, 2 * people) == pytest.approx(weeks / 2)
    assert labelling.labelling_weeks(rows + 1, twice, minutes, people) >= weeks


@pytest.mark.parametrize(
    "call",
    [
        lambda: labelling.flip_rate(0.4),
        lambda: labelling.flip_rate(1.1),
        lambda: labelling.labelling_weeks(10, 1.5, 1, 1),
        lambda: labelling.labelling_weeks(10, 0, 1, 0),
        lambda: labelling.kappa_rows(0.9, 1, 0.1),
        lambda: labelling.kappa_rows(0.9, 0.5, 0),
    ],
)
def test_impossible_labels_are_refused(call: object) -> None:
    """Nobody agrees less than by chance, and nobody labels without people."""
    with pytest.raises(ValueError, match=r"\w"):
        call()  # type: ignore[operator]


# ------------------------------------------------------------------------------------------------ in the plan


def planned(**texts: str) -> dict[str, dict[str, object]]:
    """The labels of a plan."""
    base = {"current_value": "0.55", "target_value": "0.7", "positive_share": "0.04", "min_gain": "0.05"}
    found: dict[str, dict[str, object]] = compute(answers_module.complete(base | texts | DECISION))["labels"]
    return found


DECISION = {"decision": "Somebody decides something else than today.", "start_date": "2026-03-02"}


def test_logs_need_no_labelling_weeks_and_no_agreement() -> None:
    """Answers from logs: zero weeks, and a note instead of a ceiling."""
    found = planned(label_source="logs")

    assert found["weeks"]["value"] == 0
    assert found["ceiling"]["value"] is None
    assert "logs" in str(found["ceiling"]["note"])


def test_an_unmeasured_agreement_is_said_and_double_labels_are_still_planned() -> None:
    """People label, nobody has measured agreement: no ceiling, but rows to label twice at the least agreement."""
    found = planned(label_source="people")

    assert found["ceiling"]["value"] is None
    assert found["double_rows"]["inputs"]["agreement"] == pytest.approx(0.966, abs=0.001)  # type: ignore[index]


def test_a_ceiling_below_the_target_is_a_finding() -> None:
    """Agreement .95 caps recall at .613: the target of .70 is reported as impossible; .98 is not."""
    texts = {"current_value": "0.55", "target_value": "0.7", "positive_share": "0.04", "min_gain": "0.05"}
    texts |= DECISION | {"label_source": "people"}
    low, high = (
        compute(answers_module.complete(texts | {"label_agreement": agreement})) for agreement in ("0.95", "0.98")
    )

    assert "labels.ceiling" in {finding["key"] for finding in low["findings"]}
    assert "labels.ceiling" not in {finding["key"] for finding in high["findings"]}


def test_two_kinds_of_wrong_labels_make_one_flip_rate() -> None:
    """At 4 % positives, 10 % of them missed and 2 % of the others wrong: .0232 of all labels, and F13b for the ceiling.

    One kind alone says nothing of the other: nothing is worked out from it.
    """
    both = planned(label_source="people", missed_labels="0.1", false_labels="0.02")

    assert both["flip"]["value"] == pytest.approx(0.04 * 0.1 + 0.96 * 0.02)
    assert both["flip"]["inputs"] == {"missed_labels": 0.1, "false_labels": 0.02, "positive_share": 0.04}
    assert both["ceiling"]["formula"] == "F13b"
    assert both["ceiling"]["value"] == pytest.approx(0.04 * 0.9 / (0.04 * 0.9 + 0.96 * 0.02))
    for one in ({"missed_labels": "0.1"}, {"false_labels": "0.02"}):
        assert planned(label_source="people", **one)["flip"]["value"] is None


def test_no_source_of_labels_is_a_finding() -> None:
    """Without right answers no test set can be labelled, whatever the rest."""
    for task, source in itertools.product(("binary", "multiclass"), ("none",)):
        plan = compute(answers_module.complete(DECISION | {"task": task, "label_source": source}))
        assert "labels.weeks" in {finding["key"] for finding in plan["findings"]}
