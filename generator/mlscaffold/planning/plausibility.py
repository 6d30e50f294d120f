"""Whether a plan can be true: its numbers held against time, volume, labels and money, before a page shows them.

`settled` leaves no number on a page that is negative, longer than ten years or larger than the rows there are.
`findings` names each way in which the numbers contradict one another or the world, with the answers that mend it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mlscaffold import catalogue, figures, questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey, NumberKey
from mlscaffold.planning import absence
from mlscaffold.planning.acceptance import metrics
from mlscaffold.planning.acceptance.criteria import CHEAPER, limit_of, out_of_reach
from mlscaffold.planning.acceptance.money import FAR, break_even_key
from mlscaffold.planning.acceptance.worth import is_priced, price_keys
from mlscaffold.planning.formulas.counts import LIMIT
from mlscaffold.planning.number import Number, Numbers, begun, bounded, findings_of, said, value_of
from mlscaffold.planning.operations import feedback, model_quality, rollout, slo

LONGEST = {"days": 3650, "weeks": 520}  # ten years, in the units that a number of days or weeks has
ROW_UNITS = ("rows", "labelled rows", "positives", "flagged rows", "queries")
COLLECTED = ("test.", "slices.", "promotion.", "monitor.quality_rows", "monitor.drift_window", "rollout.canary_rows")
# What may be below zero: sums of log odds, and the metric's own level where it counts gains.
SIGNED = ("monitor.sprt.", "rollout.upper", "rollout.lower")
UNPRICED = "price-of-an-error"  # the name of the finding that a payback rests on a guess
NO_SAMPLE = ": no sample shows it."  # ends the note of a count beyond all rows
WINDOW_DAYS = 365  # that the quality signal looks back


# ------------------------------------------------------------------------------------------------ one number


def settled(answers: Answers, key: NumberKey, number: Number, words: Mapping[str, str]) -> Number:
    """The number as a page may show it; without its value, and with a note, where no project could act on it."""
    value = number.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return number
    unit = catalogue.numbers()[key].unit.format_map(words)
    if unit in LONGEST and value > LONGEST[unit]:
        amount = f"{value:,.0f} {unit}" if value < LIMIT else f"{unit} without end"
        note = f"It would take {amount}, more than ten years: it cannot be shown at this volume."
        return replace(number, value=None, note=note)
    if unit in ROW_UNITS and key.startswith(COLLECTED) and value > _rows_there_are(answers):
        amount = f"{value:,.0f} {unit}" if value < LIMIT else f"{unit} without end"
        note = f"It would take {amount}, and with ten years to come there are {_rows_there_are(answers):,}{NO_SAMPLE}"
        return replace(number, value=None, note=note)
    if value < 0 and not key.startswith(SIGNED) and not _is_level(key, answers):
        note = f"These answers give {said(value)} {unit}, less than nothing: something there is far from real."
        return replace(number, value=None, note=note, remedy=number.remedy or _far_from_real(answers, number))
    found = bounded(key, number, words)
    return found if found is number else replace(found, remedy=number.remedy or _far_from_real(answers, number))


def _far_from_real(answers: Answers, number: Number) -> str:
    """Which answers to look at where a number is beyond anything: those it names, or those that amounts follow from."""
    keys = [key for key in number.inputs if key in answers.raw]
    if not keys:
        money = [] if answers.kind == "software" else ["day_rate", *price_keys(answers, metrics.of(answers))]
        keys = ["daily_volume", *money]
    return f"Look at {', '.join(keys)}: something there is far from real."


def _rows_there_are(answers: Answers, volume: int | None = None) -> int:
    a_day = answers.daily_volume if volume is None else volume
    return int(max(answers.past_cases or 0, answers.labelled_cases or 0) + LONGEST["days"] * a_day)


def is_a_matter_of_volume(answers: Answers, value: float | None, note: str) -> bool:
    """Whether so many rows, or that no sample has them, is told because of what comes in a day.

    At one case a day there are as many as there can be without any traffic to speak of.
    """
    if value is None:
        return note.endswith(NO_SAMPLE)
    return value > _rows_there_are(answers, volume=1)


def _is_level(key: NumberKey, answers: Answers) -> bool:
    """Whether a number is a level of a metric that may lie below zero, as a gain in money may."""
    return key in LEVELS and metrics.of(answers).low < 0


LEVELS = ("acceptance.baseline", "acceptance.target", "monitor.floor", "acceptance.cost_per_decision.baseline",
          "acceptance.cost_per_decision.target")  # fmt: skip


# ------------------------------------------------------------------------------------------------ all of them


@dataclass(frozen=True)
class Said:
    """What is wrong, and which answers to change."""

    sentence: str
    remedy: str


@dataclass(frozen=True)
class Invariant:
    """What holds in a plan that can be true: its name, the number it is about, and what is said where it does not."""

    name: str
    key: NumberKey
    broken: Callable[[Answers, Numbers], Said | None]
    changes_advice: bool = False


def findings(answers: Answers, numbers: Numbers) -> list[dict[str, object]]:
    """Every finding of a plan: of single numbers, by their key, and of broken invariants, by their name."""
    rows = [
        {"name": row["key"], **row, "changes_advice": False, "sources": (row["key"],)} for row in findings_of(numbers)
    ]
    for rule in ML if answers.kind == "ml" else SOFTWARE:
        read = _Read(numbers)
        if found := rule.broken(answers, read):
            rows.append(
                {"name": rule.name, "key": rule.key, "sentence": found.sentence, "remedy": found.remedy,
                 "changes_advice": rule.changes_advice, "sources": (rule.key, *sorted(read.keys_read - {rule.key}))}
            )  # fmt: skip
    return [row | {"answers": _named(answers, str(row["remedy"]))} for row in rows]


class _Read(dict[NumberKey, Number]):
    """The numbers of a plan, and which of them a rule has looked at: what it says rests on all of those."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__(numbers)
        self.keys_read: set[NumberKey] = set()

    def __getitem__(self, key: NumberKey) -> Number:
        self.keys_read.add(key)
        return super().__getitem__(key)


def _named(answers: Answers, remedy: str) -> list[str]:
    """The answers that a remedy names, so that a program can offer them."""
    words = {word.strip(".,;:()=").partition("=")[0] for word in remedy.split()}
    return [key for key in questions.of_kind(answers.kind) if key in words - WORDS]


WORDS = {"measured", "metric", "task", "kind", "decision", "confirmed"}  # keys that a sentence uses as words


# ------------------------------------------------------------------------------------------------ money


def _unpriced(answers: Answers, numbers: Numbers) -> Said | None:
    """While nobody has said what an error costs, a payback is a guess; what it would have to cost is not."""
    if is_priced(answers, metrics.of(answers)) or not _too_late(answers, numbers):
        return None
    key = break_even_key(answers, metrics.of(answers))
    months, cost = value_of(numbers, "acceptance.payback_months"), value_of(numbers, "acceptance.break_even_cost")
    pays = f"pays back after {begun(months)} only" if months is not None else "never pays back"
    even = numbers["acceptance.break_even_gain"]
    impossible = f" {even.note}" if even.value is None and even.note else ""
    limit = f"within {limit_of(answers)}"
    enough = (
        f"from {figures.money(cost)} {answers.currency} on the same target pays back {limit}"
        if cost
        else "no cost is known from which on it would"
    )
    price = f"{figures.money(_price(answers, numbers, key), 'answered')} {answers.currency}"
    return Said(
        f"Nobody has said what an error costs, and at the {price} assumed the target {pays}.{impossible}",
        f"Answer {key}: {enough}.",
    )


def _price(answers: Answers, numbers: Numbers, key: AnswerKey) -> float:
    """What stands in for the answer; a metric of the team's own has a stand-in of another name."""
    return float(answers[key] if answers[key] is not None else value_of(numbers, "acceptance.unit_worth"))


def _too_late(answers: Answers, numbers: Numbers) -> bool:
    """Whether the plan knows that the target pays back too late, or never."""
    number = numbers["acceptance.payback_months"]
    if number.value is not None:
        return bool(number.value > answers.payback_limit_months)
    return absence.kind(number.note) == absence.NEVER


def _no_model_pays(answers: Answers, numbers: Numbers) -> Said | None:
    even = numbers["acceptance.break_even_gain"]
    if even.value is not None or even.note in (None, FAR) or not is_priced(answers, metrics.of(answers)):
        return None
    return Said(str(even.note), CHEAPER)


def _never_pays(answers: Answers, numbers: Numbers) -> Said | None:
    number = numbers["acceptance.payback_months"]
    if not is_priced(answers, metrics.of(answers)) or numbers["acceptance.break_even_gain"].value is None:
        return None
    if number.value is not None or not _too_late(answers, numbers):
        return None
    return Said(str(number.note), f"Aim higher with target_value, or build something simpler. {CHEAPER}")


def _pays_late(answers: Answers, numbers: Numbers) -> Said | None:
    months = value_of(numbers, "acceptance.payback_months")
    if not is_priced(answers, metrics.of(answers)) or months is None or months <= answers.payback_limit_months:
        return None
    return Said(
        f"At the target it is paid back after {begun(months)}; the limit is {limit_of(answers)}.",
        f"Aim higher with target_value, accept a later payback_limit_months, or build something simpler. {CHEAPER}",
    )


def _passing_does_not_pay(answers: Answers, numbers: Numbers) -> Said | None:
    """What an answered min_gain is worth, held against building within the limit and upkeep."""
    at_pass, build = value_of(numbers, "acceptance.value_month_pass"), value_of(numbers, "acceptance.build_cost")
    upkeep, even = value_of(numbers, "upkeep.total"), value_of(numbers, "acceptance.break_even_gain")
    if answers.min_gain is None or not is_priced(answers, metrics.of(answers)) or None in (at_pass, build, upkeep):
        return None
    asked = build / answers.payback_limit_months + upkeep / 12
    if even is None or at_pass >= asked * (1 - 1e-9):
        return None
    return Said(
        f"A model that passes with a gain of {said(answers.min_gain)} is worth {figures.money(at_pass)} "
        f"{answers.currency} a month, and {figures.money(asked)} would pay it back within {limit_of(answers)}.",
        f"Answer a min_gain of {said(even)} or more, or accept that only more than what passes pays.",
    )


def _upkeep_beyond_budget(answers: Answers, numbers: Numbers) -> Said | None:
    keys: tuple[NumberKey, ...] = ("upkeep.retraining", "upkeep.checking", "upkeep.labelling")
    parts = [value_of(numbers, key) or 0.0 for key in keys]
    budget = 12 * answers.monthly_run_budget
    if sum(parts) <= budget:
        return None
    spent = {name: part for name, part in zip(("retraining", "checking", "labelling"), parts, strict=True) if part}
    assumed = " (monthly_run_budget, assumed)" if answers.provenance("monthly_run_budget") == "default" else ""
    less = ("a smaller retrain_cost or a measured decay_per_month", "a wider audit_margin", "a wider promotion_margin")
    asked = [what for what, part in zip(less, parts, strict=True) if part]
    if parts[1] or parts[2]:
        asked.append("fewer label_minutes")
    return Said(
        f"{_spent(spent)} {figures.money(sum(parts))} {answers.currency} a year, "
        f"more than the {figures.money(budget, 'answered')} that running it may cost{assumed}.",
        f"Raise monthly_run_budget, or ask for less: {', '.join(asked)}.",
    )


def _spent(parts: dict[str, float]) -> str:
    """The subject of what a year takes, "Checking (300) and labelling (20) take": what costs nothing is not named."""
    *before, last = (f"{name} ({figures.money(part)})" for name, part in parts.items())
    told = f"{', '.join(before)} and {last} take" if before else f"{next(iter(parts))} takes"
    return told[:1].upper() + told[1:]


# ------------------------------------------------------------------------------------------------ what is possible


def _beyond_all_rows(answers: Answers, numbers: Numbers) -> Said | None:
    number = numbers["test.rows"]
    if number.value is not None or not (number.note or "").endswith(NO_SAMPLE):
        return None
    return Said(str(number.note), "Aim for a larger gain with target_value, or for a smaller min_gain.")


def _above_the_ceiling(answers: Answers, numbers: Numbers) -> Said | None:
    ceiling, baseline = value_of(numbers, "labels.ceiling"), value_of(numbers, "acceptance.baseline")
    if ceiling is None or answers.current_value is None or metrics.of(answers).gain(baseline, ceiling) >= 0:
        return None
    return Said(
        f"Today's value is given as {said(baseline)}, and with these labels even a perfect model would measure "
        f"{said(ceiling)}.",
        "Measure current_value on the labels that decide, or correct label_agreement.",
    )


def _segments_uncovered(answers: Answers, numbers: Numbers) -> Said | None:
    rows, each = value_of(numbers, "test.rows"), value_of(numbers, "slices.rows_each")
    if rows is None or each is None or 2 * each <= rows:
        return None
    return Said(
        f"Each group of a segment needs {each:,} test rows, so {rows:,} test rows cannot judge even two of them.",
        f"Plan {2 * each:,} test rows or more (labelled_cases), allow a larger slice_margin, or name fewer segments.",
    )


def _unreachable_gain(answers: Answers, numbers: Numbers) -> Said | None:
    gain, baseline = value_of(numbers, "acceptance.min_gain"), value_of(numbers, "acceptance.baseline")
    if gain is None or baseline is None:
        return None
    metric = metrics.of(answers)
    room = metric.gain(baseline, metric.best)
    if gain < room or (gain == room and answers.target_value is not None):
        return None
    return Said(out_of_reach(gain, baseline, room), "Answer a smaller min_gain, or build nothing.")


def _yes_to_all(answers: Answers, numbers: Numbers) -> Said | None:
    """Whether acting on every case is what these costs ask for: then it finds every positive one, and no model more."""
    threshold = value_of(numbers, "acceptance.threshold")
    share = answers.positive_share
    if threshold is None or metrics.of(answers).known != "recall" or threshold >= share:
        return None
    return Said(
        f"At these costs it pays to act above a probability of {said(threshold)}, and {said(share)} of all cases are "
        "positive: acting on every case reaches a recall of 1, so no model can gain any.",
        "Decide by a metric that counts false alarms too (metric=average_precision, or f1), or correct miss_cost and "
        "false_alarm_cost.",
    )


def _margin_beyond_gain(answers: Answers, numbers: Numbers) -> Said | None:
    margin = numbers["promotion.margin"]
    if "promotion_margin" not in (margin.note or "") or answers.provenance("promotion_margin") == "default":
        return None
    return Said(
        f"A promotion_margin of {said(answers.promotion_margin)} would let one retrained model lose more than the gain "
        f"asked for; the plan allows {said(margin.value)}.",
        "Answer a smaller promotion_margin, or a larger min_gain.",
    )


# ------------------------------------------------------------------------------------------------ after release


def _outrun(answers: Answers, numbers: Numbers) -> Said | None:
    """Whether decay reaches the floor before labels have shown it, or before the next retraining may come."""
    inputs, every = numbers["retrain.cap_days"].inputs, value_of(numbers, "retrain.every_days")
    headroom, decay, delay = (inputs.get(name) for name in ("headroom", "decay_day", "delay_days"))
    if not headroom or not decay or delay is None or not math.isfinite(delay):
        return None
    limit = headroom / decay - delay
    if limit >= 1 and (every is None or every <= limit):
        return None
    return Said(
        f"Decay takes {said(math.floor(headroom / decay))} days from the target to the floor, and labels need "
        f"{said(math.ceil(delay))} to show it: the model cannot be kept above its floor.",
        "Shorten label_delay_days (have a random part labelled at once), raise label_return_share or daily_volume, or "
        "measure decay_per_month.",
    )


def _quality_unseen(answers: Answers, numbers: Numbers) -> Said | None:
    rows, a_day = value_of(numbers, "monitor.quality_rows"), value_of(numbers, "monitor.labels_day")
    unshown = rows is None and (numbers["monitor.quality_rows"].note or "").endswith(NO_SAMPLE)
    if not unshown and (rows is None or not a_day or rows <= WINDOW_DAYS * a_day):
        return None
    need = f"{rows:,} labelled rows" if rows is not None else "more labelled rows than there are"
    return Said(
        f"A fall from the target to the floor takes {need} to see, and {said(a_day)} a day come back: within the "
        f"{WINDOW_DAYS} days that the quality alert looks at, it can never fire.",
        "Raise label_return_share or daily_volume, or widen the way down with target_value.",
    )


def _canary_unshown(answers: Answers, numbers: Numbers) -> Said | None:
    number = numbers["rollout.canary_days"]
    if number.value is not None or rollout.AT_THIS_VOLUME not in (number.note or ""):
        return None
    return Said(str(number.note), "Raise canary_share or label_return_share, or leave the verdict to live quality.")


def _audit_beyond_week(answers: Answers, numbers: Numbers) -> Said | None:
    number = numbers["feedback.audit_rows_week"]
    if number.value is None or not (number.note or "").startswith("All "):
        return None
    return Said(
        f"To know the metric to ± {said(value_of(numbers, 'feedback.audit_margin'))}, a week's {number.value:,} "
        "predictions are too few even if all of them are looked at.",
        "Accept a wider audit_margin, or judge by the month.",
    )


def _audit_too_coarse(answers: Answers, numbers: Numbers) -> Said | None:
    way = feedback.coarsest(model_quality.quality_of(answers, numbers))
    if way <= 0 or answers.provenance("audit_margin") == "default" or answers.audit_margin <= way * (1 + 1e-9):
        return None
    return Said(
        f"The weekly audit is to know the metric to ± {said(answers.audit_margin)}; above {said(way)} not even the "
        "audits of a month tell the target from the floor.",
        f"Answer an audit_margin of {said(way)} or less.",
    )


def _drift_cannot_fire(answers: Answers, numbers: Numbers) -> Said | None:
    """A PSI limit above what it comes to when every row of a window falls into one bin, or a share that cannot be."""
    limit, distance = value_of(numbers, "monitor.psi_limit"), value_of(numbers, "monitor.ks_threshold")
    rows = value_of(numbers, "monitor.window_rows")
    if limit is None or distance is None or not rows:
        return None
    if limit <= largest_psi(answers.drift_bins, rows) and distance <= 0.5:
        return None
    return Said(
        f"A drift alert needs a PSI of {said(limit)} or a share above the middle that is {said(distance)} off, "
        f"which {rows:,} rows in {answers.drift_bins} bins cannot reach: it can never fire.",
        "Answer a smaller drift_floor, fewer drift_bins, or more false_alerts_per_month.",
    )


def largest_psi(bins: int, rows: int) -> float:
    """PSI of a window whose rows all fall into one of equal bins; an empty bin counts as half a row (F17)."""
    share, empty = 1 / bins, 0.5 / rows
    return (1 - share) * math.log(1 / share) + (bins - 1) * (share - empty) * math.log(share / empty)


# ------------------------------------------------------------------------------------------------ software


def _no_burn_alert(answers: Answers, numbers: Numbers) -> Said | None:
    if not answers.is_asked("slo_percent") or slo.burn_alerts(answers):
        return None
    budget = value_of(numbers, "slo.budget_requests")
    if answers.is_asked("rows_a_run") and budget is not None and budget < 1:
        return None  # not one run of the schedule may fail, so each failure is told, and no rate has to be watched
    return Said(
        f"At {answers.daily_volume:,} results a day no alert on the error budget can tell bad luck from a fault: none "
        "could ever fire.",
        "Answer a lower slo_percent or a larger daily_volume, or watch each failed result by hand.",
    )


ML = (
    Invariant(UNPRICED, "acceptance.break_even_cost", _unpriced),
    Invariant("no-model-can-pay", "acceptance.break_even_gain", _no_model_pays, changes_advice=True),
    Invariant("never-pays-back", "acceptance.payback_months", _never_pays, changes_advice=True),
    Invariant("pays-back-late", "acceptance.payback_months", _pays_late, changes_advice=True),
    Invariant("passing-does-not-pay", "acceptance.value_month_pass", _passing_does_not_pay),
    Invariant("upkeep-beyond-budget", "upkeep.total", _upkeep_beyond_budget),
    Invariant("gain-beyond-reach", "acceptance.min_gain", _unreachable_gain, changes_advice=True),
    Invariant("yes-to-all-finds-all", "acceptance.threshold", _yes_to_all),
    Invariant("more-rows-than-there-are", "test.rows", _beyond_all_rows, changes_advice=True),
    Invariant("today-above-the-ceiling", "labels.ceiling", _above_the_ceiling),
    Invariant("segments-not-covered", "slices.rows_each", _segments_uncovered),
    Invariant("margin-beyond-gain", "promotion.margin", _margin_beyond_gain),
    Invariant("decay-outruns-labels", "retrain.cap_days", _outrun, changes_advice=True),
    Invariant("quality-alert-cannot-fire", "monitor.quality_rows", _quality_unseen, changes_advice=True),
    Invariant("canary-not-shown", "rollout.canary_days", _canary_unshown),
    Invariant("audit-beyond-a-week", "feedback.audit_rows_week", _audit_beyond_week),
    Invariant("audit-too-coarse", "feedback.audit_margin", _audit_too_coarse),
    Invariant("drift-alert-cannot-fire", "monitor.psi_limit", _drift_cannot_fire),
)
SOFTWARE = (Invariant("no-burn-alert-can-fire", "slo.budget_requests", _no_burn_alert),)
