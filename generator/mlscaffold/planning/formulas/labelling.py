"""Labels that err: what they let a perfect model show (F13), weeks of labelling (F15), rows to label twice (F16)."""

import math
from collections.abc import Mapping

from mlscaffold.catalogue.keys import MetricKey
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.formulas.stats import z

HOURS_A_WEEK = 25  # of labelling, from one full-time person; attention does not last longer


def flip_rate(agreement: float) -> float:
    """F13. The share of labels that are wrong, from the share of cases on which two people agree.

    (1 - √(2a - 1)) / 2: two classes, both people flip independently and equally often. More than two classes: close.
    Raises `ValueError` for an agreement below chance (0.5) or above 1.
    """
    if not 0.5 <= agreement <= 1:
        raise ValueError(f"agreement must lie between 0.5 (chance) and 1, not {agreement:g}")
    return (1 - math.sqrt(2 * agreement - 1)) / 2


def measured_accuracy(true: float, flip: float) -> float:
    """F13. The accuracy that labels with this flip rate show for a model of true accuracy `true`."""
    return true * (1 - flip) + (1 - true) * flip


def measured_recall(recall: float, false_positive_rate: float, share: float, flip: float) -> float:
    """F13b. The recall that flipped labels show: false "positives" among the labels pull it down where few are real.

    Flips are taken to be symmetric and independent of the model; asymmetric labelling moves the ceiling.
    """
    real, false = share * (1 - flip), (1 - share) * flip
    return (real * recall + false * false_positive_rate) / (real + false)


def ceiling(metric: MetricKey | None, share: float, missed: float, false: float | None = None) -> float | None:
    """F13, F13b. What a perfect model would be measured to have; None where no closed form is known.

    `missed` is the share of real positives that are labelled negative, `false` of real negatives that are labelled
    positive; without `false` labels flip as often one way as the other. The model is right in every case, and its
    probabilities are those of the label.
    """
    false = missed if false is None else false
    real, wrong = share * (1 - missed), (1 - share) * false  # labelled positive: rightly, and not
    hidden = share * missed
    labelled = real + wrong
    recall = real / labelled if labelled > 0 else 1.0
    unseen = hidden / (1 - labelled) if labelled < 1 else 0.0
    found: Mapping[MetricKey | None, float] = {
        "accuracy": 1 - hidden - wrong,
        "precision": 1 - missed,
        "recall": recall,
        "f1": 2 * real / (share + labelled),
        "roc_auc": (1 + recall - unseen) / 2,
        "brier": hidden * (1 - missed) + wrong * (1 - false),
        "log_loss": share * _entropy(missed) + (1 - share) * _entropy(false),
    }
    return found.get(metric)


def _entropy(chance: float) -> float:
    return -math.fsum(p * math.log(p) for p in (chance, 1 - chance) if p > 0)


def labelling_weeks(rows: int, twice: float, minutes: float, people: int) -> float:
    """F15. Weeks until `rows` are labelled, a share of them twice, by people who label 25 hours a week.

    Raises `ValueError` for negative rows or minutes, a share outside 0 to 1, or nobody who labels.
    """
    if rows < 0 or not 0 <= twice <= 1 or minutes < 0 or people < 1:
        raise ValueError("labelling needs rows, a share labelled twice, minutes a label and at least one person")
    return rows * (1 + twice) * minutes / 60 / (people * HOURS_A_WEEK)


def kappa_rows(agreement: float, by_chance: float, half_width: float, confidence: float = 0.95) -> int:
    """F16. Rows to label twice so that Cohen's kappa is known to ± half_width: z² po (1-po) / ((1-pe)² w²).

    Raises `ValueError` for an agreement outside 0 to 1, a chance agreement of 1, or a half-width of 0.
    """
    if not 0 <= by_chance < 1 or not 0 <= agreement <= 1 or half_width <= 0:
        raise ValueError("kappa needs an agreement, a chance agreement below 1 and a half-width above 0")
    score = z((1 + confidence) / 2)
    return whole(score**2 * agreement * (1 - agreement) / ((1 - by_chance) ** 2 * half_width**2))
