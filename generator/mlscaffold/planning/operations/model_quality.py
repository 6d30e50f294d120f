"""The quality floor after release: where the metric must stay, and how soon a fall is seen (F20 to F22, F25)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import FormulaId, NumberKey
from mlscaffold.planning.acceptance import metrics
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.acceptance.worth import flag_rate
from mlscaffold.planning.formulas import samples, signals
from mlscaffold.planning.number import Number, Numbers, value_of

LEAST_LABELS = 30  # from which a mean is near normal
EDGE = 1e-6  # rates are tested within [EDGE, 1 - EDGE]


@dataclass(frozen=True)
class Quality:
    """The metric after release: where it should be, where it must not fall, and how fast labels tell."""

    metric: Metric
    target: float | None
    floor: float | None
    share: float  # of all predictions that the metric is counted on
    rows_a_day: float  # of those, with a label that comes back
    delay: float
    spread: float | None  # standard deviation of one row's contribution
    no_target: str = ""  # why none follows, although today's value is known

    @property
    def drop(self) -> float:
        """The way down from target to floor; 0 where either is unknown."""
        return abs(self.target - self.floor) if self.target is not None and self.floor is not None else 0.0

    @property
    def is_rate(self) -> bool:
        """Whether the metric is a share of right rows, so that exact tests on counts apply."""
        return self.metric.method == "share"

    @property
    def loss_drop(self) -> float:
        """The fall in units of the rows' mean loss; RMSE is monitored as the mean squared error."""
        if self.metric.known == "rmse" and self.target is not None and self.floor is not None:
            return abs(self.target**2 - self.floor**2)
        return self.drop


def quality_of(answers: Answers, earlier: Numbers) -> Quality:
    """The metric's target and floor. The floor is the least that still pays: the baseline plus the minimum gain.

    Where the minimum gain would lie above the middle between baseline and target, the middle is the floor.
    """
    metric = metrics.of(answers)
    target, floor = value_of(earlier, "acceptance.target"), None
    baseline, gain = value_of(earlier, "acceptance.baseline"), value_of(earlier, "acceptance.min_gain")
    least = 4 * EDGE if metric.method == "share" else 0.0  # below it, clipped rates could not be told apart
    if target is not None and baseline is not None and metric.gain(baseline, target) > least:
        floor = metric.improved(baseline, min(gain or 0.0, metric.gain(baseline, target) / 2))
    share = counted_share(answers, metric)
    rows_a_day = answers.daily_volume * share * answers.label_return_share
    unspread = target is None or metric.unplanned
    spread = None if unspread else metric.row_spread(target, answers.error_spread)
    why = earlier["acceptance.gain"].note if floor is None and baseline is not None else None
    return Quality(metric, target, floor, share, rows_a_day, answers.label_delay_days, spread, why or "")


def counted_share(answers: Answers, metric: Metric) -> float:
    """Which share of the predictions the metric is counted on: positives for recall, flagged rows for precision."""
    if answers.task != "binary":
        return 1.0
    shares = {"positives": float(answers.positive_share), "flagged rows": flag_rate(answers)}
    return shares.get(metric.counted_on, 1.0)


def decay(answers: Answers, quality: Quality, alpha: float, power: float) -> Numbers:
    """The floor, how soon a fall to it is seen, and the tests that see it."""
    early: Numbers = {
        "monitor.early_warning": Number(
            None, note="Measured from the served scores; it is never a pass: scores can lose their meaning unseen."
        )
    }
    seen = _fall(answers, quality, alpha, power)
    return seen | _cusum(answers) | early | _sequential(quality, alpha, power)


def _fall(answers: Answers, quality: Quality, alpha: float, power: float) -> Numbers:
    """The floor, and the labelled rows and days until a fall from target to floor is seen."""
    given = {"target": quality.target, "floor": quality.floor}
    formula: FormulaId = "F02" if quality.is_rate else "F08"
    rows, falls, limit = quality_rows(quality, alpha, power), fall_rows(quality, evidence(answers)), evidence(answers)
    days = None if falls is None else signals.detection_days(falls, quality.rows_a_day, quality.delay)
    blind = "Raise label_return_share: without labels nobody sees the model decay."
    return {
        "monitor.floor": Number(quality.floor, inputs=given, note=unknown(quality)),
        "monitor.quality_rows": Number(
            rows, formula=formula, inputs=given | {"alpha": alpha, "power": power}, note=unknown(quality)
        ),
        "monitor.fall_rows": Number(
            falls, inputs=given | {"cusum_h": limit, "weight": signals.BET_WEIGHT}, note=unknown(quality)
        ),
        "monitor.labels_day": Number(
            quality.rows_a_day,
            inputs={
                "daily_volume": answers.daily_volume,
                "share": quality.share,
                "label_return_share": answers.label_return_share,
            },
        ),
        "monitor.delay_days": Number(
            days,
            inputs={"rows": falls, "rows_a_day": quality.rows_a_day, "label_delay_days": quality.delay},
            note=unknown(quality),
            remedy=blind if days == math.inf else None,
        ),
        "monitor.cost_hour": _cost_of_an_hour(answers),
    }


def _cusum(answers: Answers) -> Numbers:
    """F21. The evidence at which the running test alarms."""
    return {
        "monitor.cusum_h": Number(
            evidence(answers),
            inputs={"false_alerts_per_month": answers.false_alerts_per_month, "days": _apart(answers)},
            note="It may raise one false alarm in so many days: the quality signal gets a twelfth of the alert budget.",
        ),
    }


def _apart(answers: Answers) -> float:
    """Days between two false alarms of the quality test: a twelfth of the budget of false alerts."""
    return max(1.0, 365 / answers.false_alerts_per_month)


def evidence(answers: Answers) -> float:
    """F21. The log evidence of an alarm."""
    return math.log(_apart(answers))


def _cost_of_an_hour(answers: Answers) -> Number:
    hourly = answers.daily_volume / 24
    if answers.task == "binary":
        share = answers.positive_share
        wrong = share * answers.miss_cost + (1 - share) * answers.false_alarm_cost
    elif answers.task == "multiclass":
        wrong = float(answers.miss_cost)
    else:
        given = {"daily_volume": answers.daily_volume}
        note = "An error of this task has no worst size: name the largest error you have seen, times unit_error_cost."
        return Number(None, inputs=given, note=note)
    both = {"daily_volume": answers.daily_volume, "cost_of_a_wrong_result": wrong}
    return Number(hourly * wrong, inputs=both)


def quality_rows(quality: Quality, alpha: float, power: float) -> int | None:
    """F20. Labelled rows that show a fall from target to floor, one-sided; None where either is unknown."""
    if quality.drop <= 0 or quality.target is None or quality.floor is None or quality.spread is None:
        return None
    if quality.is_rate:
        return samples.fixed_rows(inside(quality.target), inside(quality.floor), alpha, power)
    return samples.mean_rows(quality.loss_drop, quality.spread, alpha, power)


def fall_rows(quality: Quality, limit: float) -> int | None:
    """F21. Labelled rows until the running test shows a fall from target to floor; None where either is unknown."""
    target, floor, spread = quality.target, quality.floor, quality.spread
    if quality.drop <= 0 or target is None or floor is None or spread is None:
        return None
    if quality.is_rate:
        gain = signals.growth_of_share(1 - inside(target), 1 - inside(floor))
    elif quality.metric.better == "lower":
        good, bad = (target**2, floor**2) if quality.metric.known == "rmse" else (target, floor)
        gain = signals.growth_of_loss(good, bad, spread * bad / good) if good > 0 else math.inf
    else:
        gain = (quality.drop / 2 / spread) ** 2 / 2 if spread > 0 else math.inf
    return max(LEAST_LABELS, signals.rows_to_alarm(gain, limit))


def inside(rate: float) -> float:
    """A rate just inside (0, 1): a perfect target leaves no error to test, so one in a million stands for it."""
    return min(max(rate, EDGE), 1 - EDGE)


def unknown(quality: Quality) -> str | None:
    """Why the fall from target to floor gives no number, as the note of each that needs it; None where it does."""
    if quality.drop > 0:
        return quality.metric.unplanned or None
    if quality.no_target:
        return f"Needs a target to fall from. {quality.no_target}"
    if quality.target is None:
        return "Needs a target: answer target_value, or current_value so that it can be worked out."
    return "Needs a measured baseline that the target improves on: answer current_value."


def _sequential(quality: Quality, alpha: float, power: float) -> Numbers:
    """F22. The SPRT over single labelled rows, for metrics that are shares of right rows."""
    test, note = None, unknown(quality)
    given = {"alpha": alpha, "power": power}
    if quality.target is not None and quality.floor is not None and quality.is_rate and quality.drop > 0:
        good, bad = 1 - inside(quality.target), 1 - inside(quality.floor)
        test = signals.sprt(good, bad, alpha, power)
        given |= {"good_error": good, "bad_error": bad}
    elif note is None:
        note = "A sequential test on single rows needs a metric that counts right rows; others have the running test."
    fields: Mapping[NumberKey, str] = {
        "monitor.sprt.upper": "upper",
        "monitor.sprt.lower": "lower",
        "monitor.sprt.error_step": "error_step",
        "monitor.sprt.success_step": "success_step",
        "monitor.sprt.rows_healthy": "rows_healthy",
        "monitor.sprt.rows_decayed": "rows_decayed",
    }
    return {
        key: Number(getattr(test, field) if test else None, inputs=given, note=note) for key, field in fields.items()
    }
