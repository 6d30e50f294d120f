"""What labels cost and how far they can be trusted: flip rate, ceiling, agreement, weeks, rows to label twice."""

from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import FormulaId
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.formulas.labelling import HOURS_A_WEEK, ceiling, flip_rate, kappa_rows, labelling_weeks
from mlscaffold.planning.number import Number, Numbers, said

AGREEMENT_HALF_WIDTH = 0.1  # kappa is wanted to ± this, with 95 % confidence
PEOPLE = ("people", "both")
AT_RANDOM = (
    "If labels are wrong at random, as often one way as the other; answer missed_labels and false_labels where they "
    "are not."
)
_LOGS = "Right answers come from logs, so nobody labels and nobody can disagree."


def least_agreement(metric: Metric, share: float, target: float) -> float | None:
    """The agreement at which the ceiling just reaches the target; None where no closed form is known."""
    if ceiling(metric.known, share, 0.0) is None:
        return None
    low, high = 0.5, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = ceiling(metric.known, share, flip_rate(middle))
        good = reached is not None and metric.gain(target, reached) >= 0
        low, high = (low, middle) if good else (middle, high)
    return high


# ------------------------------------------------------------------------------------------------ the plan's numbers


def labels(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `labels.`"""
    flip = _flip(answers, metric)
    return {
        "labels.flip": flip,
        "labels.ceiling": _ceiling(answers, metric, numbers, flip),
        "labels.min_agreement": _least(answers, metric, numbers),
        "labels.weeks": _weeks(answers, numbers),
        "labels.double_rows": _double(answers, metric, numbers),
    }


def _flip(answers: Answers, metric: Metric) -> Number:
    inputs: dict[str, Any] = {"label_source": answers.label_source, "label_agreement": answers.label_agreement}
    if kinds := _both_kinds(answers):
        missed, false = kinds
        inputs = {"missed_labels": missed, "false_labels": false, "positive_share": _share(answers)}
        return Number(_share(answers) * missed + (1 - _share(answers)) * false, formula="", inputs=inputs)
    note, agreement = _unmeasured(answers, metric), answers.label_agreement
    return Number(None if note or agreement is None else flip_rate(agreement), inputs=inputs, note=note)


def _both_kinds(answers: Answers) -> tuple[float, float] | None:
    """Which share of positives is labelled negative, and of negatives positive; None unless both are known."""
    if answers.task != "binary" or answers.label_source not in PEOPLE:
        return None
    missed, false = answers.missed_labels, answers.false_labels
    return None if missed is None or false is None else (missed, false)


def _unmeasured(answers: Answers, metric: Metric) -> str | None:
    if answers.label_source not in PEOPLE:
        return "Nobody knows yet where right answers come from." if answers.label_source == "none" else _LOGS
    if answers.task not in ("binary", "multiclass"):
        return f"The {metric.title} has no right and wrong labels; how far two people differ is an error of its own."
    return "Not measured yet: label some cases twice." if answers.label_agreement is None else None


def _ceiling(answers: Answers, metric: Metric, numbers: Numbers, flip: Number) -> Number:
    target = numbers["acceptance.target"].value
    share = _share(answers)
    kinds = _both_kinds(answers)
    inputs = {"flip": flip.value, "positive_share": share}
    if kinds:
        inputs = {"missed_labels": kinds[0], "false_labels": kinds[1], "positive_share": share}
    found = None if flip.value is None else ceiling(metric.known, share, *(kinds or (flip.value,)))
    note, remedy = flip.note, None
    if flip.value is not None and found is None:
        note = f"No closed form is known for {metric.title}; the error analysis begins with wrong labels instead."
    elif found is not None and target is not None and metric.gain(target, found) < 0:
        note = (
            f"With these labels even a perfect model would measure {said(found)}, so the target of {said(target)} "
            "cannot be shown."
        )
        remedy = "Make labels agree more (guide, adjudication, several people a case), or change target_value."
    elif found is not None:
        note = (
            None if kinds else "If labels are wrong at random, as often one way as the other; answer missed_labels and "
        )
        note = note and f"{note}false_labels where they are not."
    formula: FormulaId = "F13b" if kinds or metric.is_any("recall", "f1", "roc_auc") else "F13"
    return Number(found, formula=formula, inputs=inputs, note=note, remedy=remedy)


def _least(answers: Answers, metric: Metric, numbers: Numbers) -> Number:
    target = numbers["acceptance.target"].value
    inputs = {"target": target, "positive_share": _share(answers)}
    note = None
    if answers.label_source not in PEOPLE or answers.task not in ("binary", "multiclass"):
        note = _unmeasured(answers, metric)
    elif target is None:
        note = numbers["acceptance.target"].note or "The target is not known."
    found = None if note else least_agreement(metric, _share(answers), target)
    if found is None and not note:
        note = f"No closed form is known for {metric.title}."
    return Number(found, inputs=inputs, note=note)


def rows_to_label(answers: Answers, numbers: Numbers) -> int | None:
    """The rows of the test set that people label anew; None where its size is not known.

    None are where enough labels are held and two people have agreed on them: those are labels of a guide. A test set
    of old and of new ones would be neither.
    """
    held = answers.label_agreement is not None and numbers["test.shortfall"].value == 0
    return 0 if held else numbers["test.rows"].value


def _weeks(answers: Answers, numbers: Numbers) -> Number:
    rows = rows_to_label(answers, numbers)
    if answers.label_source == "none":
        note = "There is no source of right answers, so no test set can be labelled."
        source = {"label_source": answers.label_source}
        return Number(None, inputs=source, note=note, remedy="Find one: label_source=people or logs.")
    if answers.label_source == "logs":
        return Number(0.0, inputs={"label_source": answers.label_source}, note=_LOGS)
    inputs = {
        "rows": rows,
        "double_label_share": answers.double_label_share,
        "label_minutes": answers.label_minutes,
        "annotators": answers.annotators,
        "hours_a_week": HOURS_A_WEEK,
    }
    if rows is None:
        return Number(None, inputs=inputs, note=numbers["test.rows"].note)
    weeks = labelling_weeks(rows, answers.double_label_share, answers.label_minutes, answers.annotators)
    if weeks > 520:
        note = f"Labelling {rows:,} rows would take {weeks:,.0f} weeks, which is more than ten years."
        remedy = "More annotators, fewer label_minutes, or a larger gain in target_value make it possible."
        return Number(None, inputs=inputs, note=note, remedy=remedy)
    note = "The whole test set is labelled anew, under the written guide."
    if rows == 0:
        note = "The labels that are held suffice, and how far people agree on them is measured: none is made anew."
    return Number(weeks, inputs=inputs, note=note)


def _double(answers: Answers, metric: Metric, numbers: Numbers) -> Number:
    if answers.label_source not in PEOPLE or answers.task not in ("binary", "multiclass"):
        return Number(None, note=_unmeasured(answers, metric))
    share = _share(answers)
    by_chance = share**2 + (1 - share) ** 2
    least, agreement, note = _least(answers, metric, numbers).value, answers.label_agreement, None
    if agreement is None:
        agreement = 0.95 if least is None else least
        note = f"Agreement is not measured yet; planned at {said(agreement)}, the least that the target allows."
        note = note if least is not None else f"Agreement is not measured yet; planned at {said(agreement)}."
    inputs = {"agreement": agreement, "by_chance": by_chance, "half_width": AGREEMENT_HALF_WIDTH}
    rows = kappa_rows(agreement, by_chance, AGREEMENT_HALF_WIDTH)
    return Number(rows, inputs=inputs, note=note)


def _share(answers: Answers) -> float:
    return float(answers.positive_share) if answers.task == "binary" else 0.5
