"""What the labels mean for the schedule: how many person-days people label, and how long cases are waited for."""

import math

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import NumberKey
from mlscaffold.planning.acceptance.labels import rows_to_label
from mlscaffold.planning.formulas.labelling import HOURS_A_WEEK, labelling_weeks
from mlscaffold.planning.number import Number, Numbers, value_of
from mlscaffold.planning.schedule.tasks import LOGS, MOST_DAYS, PEOPLE, WORKING_WEEK


def labelling(answers: Answers, numbers: Numbers) -> int | None:
    """Person-days that people need for the labels of F15, in whole days; None while the rows are not known."""
    if answers.label_source not in PEOPLE:
        return 0
    rows = rows_to_label(answers, numbers)
    if rows is None:
        return None
    # From the rows and not from labels.weeks, which no page shows beyond ten years: they have to be paid all the same.
    weeks = labelling_weeks(rows, answers.double_label_share, answers.label_minutes, answers.annotators)
    return math.ceil(WORKING_WEEK * weeks * answers.annotators - 1e-9)


def labelling_days(answers: Answers, numbers: Numbers, days: int | None) -> Numbers:
    """`schedule.labelling_days`: what the build cost counts for labels; `numbers` holds labels.weeks."""
    inputs = {"weeks": value_of(numbers, "labels.weeks"), "annotators": answers.annotators}
    note = f"A person-day of labelling is {HOURS_A_WEEK / WORKING_WEEK:g} hours, and costs day_rate."
    if days is None:
        note = f"{_why(numbers, 'labels.weeks')} The schedule plans a stand-in for it."
    elif days != labelling(answers, numbers):
        note = "So many the labels would take; once they are paid for, no sample shows a gain that pays."
    return {"schedule.labelling_days": Number(days, formula="F15", inputs=inputs, note=note)}


def wait(answers: Answers, numbers: Numbers) -> Numbers:
    """`schedule.wait_days`: calendar days until the cases that are missing have come in, and their answers are known.

    Missing are the rows that the plan asks for beyond the past cases; an older case has its answer already.
    """
    if answers.label_source not in LOGS:
        return {"schedule.wait_days": Number(0.0, note="No answers come from logs, so none are waited for.")}
    short, labelled, held = value_of(numbers, "test.shortfall"), answers.labelled_cases or 0, answers.past_cases or 0
    a_day = answers.daily_volume * answers.label_return_share
    inputs = {
        "shortfall": short,
        "labelled_cases": labelled,
        "past_cases": held,
        "labels_day": a_day,
        "label_delay_days": answers.label_delay_days,
    }
    if short is None:
        return {"schedule.wait_days": Number(None, inputs=inputs, note=_why(numbers, "test.shortfall"))}
    missing = max(0, short - max(0, held - labelled))
    if not missing:
        return {"schedule.wait_days": Number(0.0, inputs=inputs, note="The cases are held, and their answers known.")}
    days = missing / a_day + answers.label_delay_days if a_day else math.inf
    if days <= MOST_DAYS:
        return {"schedule.wait_days": Number(days, inputs=inputs)}
    note = f"The {missing:,} cases that are missing would be waited for longer than ten years; the dates leave it out."
    remedy = "A larger gain in target_value takes fewer; else label past cases by people (label_source=both)."
    return {"schedule.wait_days": Number(None, inputs=inputs, note=note, remedy=remedy)}


def _why(numbers: Numbers, key: NumberKey) -> str:
    """Why a number is not there, in its own words: what waits for it is not there for the same reason."""
    return numbers[key].note or "How many rows are needed is not known."
