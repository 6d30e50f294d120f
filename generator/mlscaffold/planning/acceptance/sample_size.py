"""How many rows the acceptance test needs: test.*"""

import math
from typing import Any, NamedTuple

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import NumberKey
from mlscaffold.planning.absence import UNCOUNTED
from mlscaffold.planning.acceptance.comparison import Comparison, compared, count_of, effect, unit_share, unknown
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.number import Number, Numbers

TEST_SHARE = 0.2  # of the labelled rows; the audit's split does the same


class CountKeys(NamedTuple):
    """Under which keys the plan has the counts of one number of looks."""

    units: NumberKey
    rows: NumberKey
    positives: NumberKey


EACH_LOOK = CountKeys("test.units", "test.rows", "test.positives")
ONE_LOOK = CountKeys("test.units_one_look", "test.rows_one_look", "test.positives_one_look")


def test_set(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """Everything under `test.`: rows at the alpha of one of several looks, and at a single look beside it."""
    comparison, discordance = compared(answers, metric, numbers)
    looks, alpha = answers.test_looks, numbers["acceptance.alpha"].value
    shared: Numbers = {
        "test.looks": Number(looks, inputs={"test_looks": looks}, provenance=answers.provenance("test_looks")),
        "test.alpha_per_look": Number(alpha / looks, inputs={"alpha": alpha, "looks": looks}),
        "test.discordance": discordance,
        "test.spread": _spread(answers, metric, numbers | {"test.discordance": discordance}, comparison),
    }
    found = numbers | shared
    several = _rows(answers, metric, found, comparison, alpha / looks, EACH_LOOK)
    single = _rows(answers, metric, found, comparison, alpha, ONE_LOOK)
    return (
        shared
        | several
        | single
        | _worth_of_groups(answers, metric, several)
        | _available(answers, metric, found | several, comparison)
    )


def _spread(answers: Answers, metric: Metric, numbers: Numbers, comparison: Comparison | None) -> Number:
    if metric.method == "auc":
        return Number(None, note="Only metrics that are a mean of rows have it.")
    if metric.method == "share":
        return _spread_of_rights(numbers)
    if comparison is None:
        return Number(None, inputs=_spread_of(metric), note=unknown(metric, numbers))
    baseline, target = comparison.baseline, numbers["acceptance.target"].value
    inputs = {"baseline": baseline, "target": target, "error_correlation": comparison.correlation}
    inputs |= _spread_of(metric) | _shape_of(metric)
    if comparison.spread is None and answers.is_asked("error_spread"):
        inputs |= {"error_spread": None}
    known = comparison.spread is not None or metric.spread is not None
    return Number(
        comparison.paired_spread(target),
        formula=metric.spread_formula,
        inputs=inputs,
        provenance="computed" if known else "default",
        note=None if known else ASSUMED_SPREAD.get(metric.key, "Assumed from the metric's value; a pilot measures it."),
    )


TAILS = "Assumed: errors are normal. With heavy tails it takes many times as many rows; measure it as error_spread."
PLACES = "Assumed: one right item a query, each place likelier than the next; make baseline measures error_spread."
ASSUMED_SPREAD = {
    "mae": TAILS,
    "rmse": TAILS,
    "log_loss": "Assumed: scores are calibrated and normal in both classes; a pilot measures it.",
    "brier": "Assumed: scores are calibrated and normal in both classes; a pilot measures it.",
    "macro_f1": "Assumed: each class is found equally well, all but the rarest are as frequent; a pilot measures it.",
    "f1": "Assumed: precision and recall are equal; a pilot measures it.",
    "average_precision": "Assumed: scores are normal in both classes; a pilot measures it.",
    "mrr": PLACES,
    "ndcg_at_10": PLACES,
}


def _shape_of(metric: Metric) -> dict[str, float]:
    """What the spread follows from beside the value."""
    if metric.known == "macro_f1":
        return {"class_count": metric.classes, "rarest_share": metric.rarest}
    if metric.is_any("mrr", "ndcg_at_10"):
        return {"group_size": metric.items} if metric.items else {}
    return {"positive_share": metric.share} if metric.is_any("log_loss", "brier", "average_precision") else {}


def _spread_of_rights(numbers: Numbers) -> Number:
    """Of right and wrong rows: √(ψ - d²) of F05, from the share ψ on which exactly one is right and the gain d."""
    discordance, gain = numbers["test.discordance"].value, numbers["acceptance.gain"].value
    inputs = {"discordance": discordance, "gain": gain}
    if discordance is None or gain is None:
        return Number(None, formula="F05", inputs=inputs, note=numbers["acceptance.gain"].note)
    return Number(math.sqrt(max(0.0, discordance - gain**2)), formula="F05", inputs=inputs)


def _spread_of(metric: Metric) -> dict[str, float | None]:
    return {"metric_spread": metric.spread} if metric.own and metric.method == "mean" else {}


def _rows(
    answers: Answers, metric: Metric, numbers: Numbers, comparison: Comparison | None, alpha: float, keys: CountKeys
) -> Numbers:
    gain, minimum = numbers["acceptance.gain"].value, numbers["acceptance.min_gain"].value
    power = numbers["acceptance.power"].value
    inputs = {"gain": gain, "min_gain": minimum, "alpha": alpha, "power": power}
    inputs |= {"discordance": numbers["test.discordance"].value} if metric.method == "share" else {}
    inputs |= {"error_correlation": answers.error_correlation} if metric.method != "share" else {}
    inputs |= {"spread": numbers["test.spread"].value} if metric.method == "mean" else {}
    possible = comparison is not None and gain is not None and minimum is not None and gain > minimum
    inputs |= _spread_of(metric)
    why = None if possible else unknown(metric, numbers)
    units = comparison.units(gain, minimum, alpha, power) if comparison and possible else None
    each, design = unit_share(answers, metric), effect(answers, metric)
    rows = None if units is None else units * design / each
    row_inputs = inputs | {"units": units, "units_a_row": each, "design_effect": design}
    positives, none = _positives(answers, metric, units, rows)
    return {
        keys.units: count_of(units, metric.counted_on, formula=metric.formula, inputs=inputs, note=why),
        keys.rows: count_of(rows, "rows", inputs=row_inputs, note=why),
        keys.positives: count_of(positives, "positives", inputs=row_inputs, note=why or none),
    }


def _positives(
    answers: Answers, metric: Metric, units: int | None, rows: float | None
) -> tuple[float | None, str | None]:
    if answers.task != "binary":
        return None, "Only a yes-or-no task has positives."
    if rows is None or units is None:
        return None, None
    if metric.counted_on == "positives":
        return units * effect(answers, metric), None
    return rows * answers.positive_share, None


def _worth_of_groups(answers: Answers, metric: Metric, several: Numbers) -> Numbers:
    design, rows = effect(answers, metric), several["test.rows"].value
    inputs = {"group_size": answers.group_size, "icc": answers.icc}
    return {
        "test.design_effect": Number(design, inputs=inputs),
        "test.effective": Number(
            None if rows is None else whole(rows / design),
            inputs=inputs | {"rows": rows},
            note=several["test.rows"].note,
        ),
    }


def _available(answers: Answers, metric: Metric, numbers: Numbers, comparison: Comparison | None) -> Numbers:
    alpha, power = numbers["test.alpha_per_look"].value, numbers["acceptance.power"].value
    single = numbers["acceptance.alpha"].value
    rows = numbers["test.rows"].value
    held = test_rows_held(answers)
    counted = int(held * unit_share(answers, metric) / effect(answers, metric) + 1e-9)
    units = counted if is_held_known(answers) else None
    short = None if rows is None else max(0, rows - held)
    if not is_held_known(answers):
        missing = f"The gain takes {rows or 0:,} labelled test rows to show, and nobody has said how many are held."
        remedy = "Count them (labelled_cases), label more, or aim for a larger gain with target_value."
    else:
        missing = (
            f"{short or 0:,} more labelled rows are needed in the test split to show the gain: "
            f"{_lie_in_it(answers, held)}."
        )
        remedy = (
            "Label them (labelled_cases), aim for a larger gain with target_value, or expect an inconclusive verdict."
        )
    return {
        "test.units_available": Number(
            units,
            inputs=_held_by(answers) | {"units_a_row": unit_share(answers, metric)},
            note=None if units is not None else UNCOUNTED,
        ),
        "test.mde_available": _detectable(metric, numbers, comparison, units, alpha, power),
        "test.mde_available_one_look": _detectable(metric, numbers, comparison, units, single, power),
        "test.shortfall": Number(
            short,
            inputs={"rows": rows} | _held_by(answers),
            note=missing if short else numbers["test.rows"].note,
            remedy=remedy if short else None,
        ),
    }


def test_rows_held(answers: Answers) -> int:
    """Labelled rows in the test split: those counted in a split of the team's own, else the audit's share of all."""
    if answers.test_cases is not None:
        return answers.test_cases
    return int((answers.labelled_cases or 0) * TEST_SHARE + 1e-9)


def is_held_known(answers: Answers) -> bool:
    """Whether somebody has said how many labelled rows there are, or how many of them are test rows."""
    return answers.test_cases is not None or answers.provenance("labelled_cases") != "default"


def _held_by(answers: Answers) -> dict[str, Any]:
    """What says how many test rows are held."""
    if answers.test_cases is not None:
        return {"test_cases": answers.test_cases}
    return {"labelled_cases": answers.labelled_cases or 0, "test_share": TEST_SHARE}


def _lie_in_it(answers: Answers, held: int) -> str:
    labelled = f"{answers.labelled_cases or 0:,} labelled"
    return (
        f"of the {labelled} {held:,} lie in it"
        if answers.test_cases
        else f"a fifth of the {labelled} lie in it, {held:,}"
    )


def _detectable(
    metric: Metric, numbers: Numbers, comparison: Comparison | None, units: int | None, alpha: float, power: float
) -> Number:
    inputs = {"units": units, "alpha": alpha, "power": power}
    if comparison is None:
        return Number(None, inputs=inputs, note=unknown(metric, numbers))
    if units is None:
        return Number(None, inputs=inputs, note=UNCOUNTED)
    found = comparison.detectable(units, alpha, power) if units >= 2 else None
    note = None if found is not None else "With these few labelled cases not even a perfect model could be told apart."
    return Number(found, inputs=inputs, note=note)
