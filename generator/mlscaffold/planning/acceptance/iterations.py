"""The experiment phase: how many cycles, how far their best looks too good, what validation can see, learning curve."""

from mlscaffold.answers import Answers
from mlscaffold.planning.absence import UNCOUNTED
from mlscaffold.planning.acceptance.comparison import compared, count_of, effect, unit_share, unknown
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.formulas import samples
from mlscaffold.planning.formulas.selection import chance_of_success, optimism
from mlscaffold.planning.number import Number, Numbers

NO_LABELS = "No cases are labelled yet."
VALIDATION_SHARE = 0.2  # of the labelled rows; the audit's split does the same


# ------------------------------------------------------------------------------------------------ the plan's numbers


def curve() -> Numbers:
    """Everything under `curve.`: measured in the data audit, on at least four table sizes."""
    unmeasured = Number(None, note="Measured in the data audit, on at least four table sizes.")
    return {"curve.a": unmeasured, "curve.b": unmeasured, "curve.c": unmeasured, "curve.rows_for_target": unmeasured}


def iterations(answers: Answers, metric: Metric, numbers: Numbers, phase_days: float) -> Numbers:
    """Everything under `iterations.` of an ML plan; `phase_days` is the phase's mean effort in working days.

    F29 takes the smaller of calendar and compute; no answer limits compute, so the calendar decides alone.
    """
    count = max(1, int(phase_days / answers.cycle_days + 1e-9))
    inputs = {"phase_days": phase_days, "cycle_days": answers.cycle_days}
    planned: Numbers = {
        "iterations.phase_days": Number(phase_days),
        "iterations.max": Number(count, inputs=inputs),
        "iterations.p_success": Number(
            chance_of_success(answers.success_rate, count),
            inputs={"success_rate": answers.success_rate, "experiments": count},
        ),
    }
    return planned | _validation(answers, metric, numbers, count)


def _validation(answers: Answers, metric: Metric, numbers: Numbers, count: int) -> Numbers:
    counted = answers.provenance("labelled_cases") != "default"
    rows = int((answers.labelled_cases or 0) * VALIDATION_SHARE)
    units = int(rows * unit_share(answers, metric) / effect(answers, metric) + 1e-9)
    alpha, power = numbers["acceptance.alpha"].value, numbers["acceptance.power"].value
    comparison, _ = compared(answers, metric, numbers)
    target = numbers["acceptance.target"].value
    none = (unknown(metric, numbers) if units >= 2 else NO_LABELS) if counted else UNCOUNTED
    known = comparison is not None and units >= 2 and counted
    error = comparison.error(units, target) if comparison and known else None
    smallest = comparison.detectable(units, alpha, power) if comparison and known else None
    invisible = "With these few rows not even a perfect model could be told apart." if known else none
    return {
        "iterations.validation_rows": Number(
            rows if counted else None,
            inputs={"labelled_cases": answers.labelled_cases if counted else None, "share": VALIDATION_SHARE},
            note=None if counted else UNCOUNTED,
        ),
        "iterations.validation_units": Number(
            units if counted else None,
            inputs={"rows": rows if counted else None, "units_a_row": unit_share(answers, metric)},
            note=None if counted else UNCOUNTED,
        ),
        "iterations.optimism": Number(
            None if error is None else optimism(error, count),
            inputs={"standard_error": error, "experiments": count},
            note=none if error is None else "Worst case: the experiments' errors are independent.",
        ),
        "iterations.mde": Number(
            smallest,
            inputs={"units": units if counted else None, "alpha": alpha, "power": power},
            note=None if smallest is not None else invisible,
        ),
        "iterations.reuse_rows": _reuse(metric, numbers, count),
    }


def _reuse(metric: Metric, numbers: Numbers, count: int) -> Number:
    discordance, minimum = numbers["test.discordance"].value, numbers["acceptance.min_gain"].value
    alpha = numbers["acceptance.alpha"].value
    inputs = {"tolerance": minimum, "discordance": discordance, "alpha": alpha, "experiments": count}
    if metric.method != "share":
        return Number(None, inputs=inputs, note="Known for shares of right rows only.")
    if minimum == 0:
        note = "No smallest gain is asked for, so no number of rows shows that one more experiment is still told apart."
        return Number(None, inputs=inputs, note=note)
    if not discordance or not minimum:
        return Number(None, inputs=inputs, note=unknown(metric, numbers))
    rows = samples.reuse_rows(minimum, discordance, alpha, count, adaptive=True)
    return count_of(rows, metric.counted_on, inputs=inputs)
