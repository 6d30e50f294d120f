"""What the plan knows of each metric: which way is better, its range, what it is counted on, and how it is compared."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from mlscaffold import catalogue, questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue import MetricRow
from mlscaffold.catalogue.keys import FormulaId, MetricKey
from mlscaffold.planning.formulas import samples, spreads

SHAPED_BY: Mapping[MetricKey | None, FormulaId] = {
    "macro_f1": "F36", "f1": "F37", "average_precision": "F38", "mrr": "F39", "ndcg_at_10": "F39",
}  # fmt: skip
PLANNED_BY: Mapping[str, FormulaId] = {"share": "F05", "auc": "F07", "mean": "F08"}


@dataclass(frozen=True)
class Metric:
    """One metric. `method` says how two systems are compared: shares of right rows, AUC, or means of a row's loss."""

    key: str
    title: str
    better: str  # "higher" or "lower"
    high: float  # the largest value; the smallest is 0, but for a team's own that counts gains
    counted_on: str  # positives, flagged rows, rows or queries
    method: str  # "share" (F04, F05), "auc" (F07) or "mean" (F08)
    decided_by: str  # the interval the acceptance gate computes
    own: bool = False  # the team writes it, in metrics.py
    unit: str = ""  # of a team's own: what a value is counted in
    spread: float | None = None  # of a team's own mean: the standard deviation of one row's value, where it is known
    share: float = 0.5  # of the positives, in a yes-or-no task
    classes: int = 2
    rarest: float = 0.5  # share of the rarest class
    items: int = 0  # of a query; 0 where nobody has said how many

    @property
    def known(self) -> MetricKey | None:
        """Which row of the catalogue it is; None of a team's own."""
        return None if self.own else cast(MetricKey, self.key)

    def is_any(self, *keys: MetricKey) -> bool:
        """Whether it is one of these."""
        return self.known in keys

    @property
    def unplanned(self) -> str:
        """Why no rows can be planned, although baseline and target are known; "" where they can."""
        if self.own and self.method == "mean" and self.spread is None:
            return f"How much the {self.title} varies from row to row is not known: make baseline measures it."
        return ""

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1

    @property
    def best(self) -> float:
        """The value of a perfect system."""
        return self.high if self.better == "higher" else 0.0

    @property
    def low(self) -> float:
        """The smallest value: a gain, in money say, may be a loss."""
        return -math.inf if self.own and self.better == "higher" and self.method == "mean" else 0.0

    @property
    def formula(self) -> FormulaId:
        """The formula that plans its rows."""
        return PLANNED_BY[self.method]

    def gain(self, baseline: float, value: float) -> float:
        """How much better `value` is than `baseline`; negative when it is worse."""
        return self.sign * (value - baseline)

    def improved(self, baseline: float, gain: float) -> float:
        """The value that is better than `baseline` by `gain`."""
        return baseline + self.sign * gain

    def error(self, value: float) -> float:
        """What is left to gain at this value: the way to a perfect score, or the loss itself; of gains, their size."""
        return max(0.0, self.high - value) if math.isfinite(self.high) and self.better == "higher" else abs(value)

    def row_spread(self, value: float, measured: float | None) -> float:
        """Standard deviation of one row's contribution: measured, or the standard assumption at this value.

        Normal errors give .7555·MAE and √2·RMSE² (for the squared loss); calibrated scores give log loss and Brier
        (F35), the classes macro F1 (F36), equal precision and recall F1 (F37), normal scores average precision (F38),
        one right item a query NDCG and MRR (F39). What has no upper limit is else taken as spread as its mean; another
        score in [0, 1] as its bound √(v(1 - v)) (Bhatia and Davis, 2000).
        """
        if self.own and self.method == "mean":
            return self.spread or 0.0
        if measured is not None:
            return measured
        if self.known == "mae":
            return samples.SD_PER_MAE * value
        if self.known == "rmse":
            return math.sqrt(2) * value**2
        if self.known == "macro_f1":
            return spreads.macro_f1_spread(min(max(value, 0.0), 1.0), self.classes, self.rarest)
        shaped = self._shaped(value)
        if shaped is not None:
            return shaped
        return value if math.isinf(self.high) else math.sqrt(max(0.0, value * (1 - value)))

    def spread_at(self, value: float, today: float, measured: float | None) -> float:
        """F08. Standard deviation of one row's contribution for a system at `value`, measured on `today`'s or assumed.

        What was measured on today's practice is taken along as the metric's standard assumption goes. Of a team's own a
        loss keeps its shape, so its spread goes with its mean; a gain comes from few rows, and a better system earns on
        more of them, so its variance does. A gain that is not above zero says nothing of that, and the spread stays.
        """
        own_mean = self.own and self.method == "mean"
        if not own_mean and measured is None:
            return self.row_spread(value, None)
        found = self.row_spread(today, measured)
        if own_mean:
            if today <= 0 or value <= 0:
                return found
            return found * (value / today if self.better == "lower" else math.sqrt(value / today))
        then, now = self.row_spread(value, None), self.row_spread(today, None)
        return found * then / now if now > 0 else found

    def _shaped(self, value: float) -> float | None:
        """What scores, decisions or places of the standard shape give; None of others, and where none is as bad."""
        if self.known in ("log_loss", "brier") and self.classes == 2:
            return spreads.calibrated_spread(self.known, value, self.share)
        if self.known == "f1":
            return spreads.f1_spread(min(max(value, 0.0), 1.0))
        if self.known == "average_precision":
            return spreads.average_precision_spread(value, self.share)
        if self.known in ("mrr", "ndcg_at_10"):
            return spreads.places_spread(self.known, value, self.items or spreads.LONGEST_LIST)
        return None

    @property
    def spread_formula(self) -> FormulaId:
        """The formula that gives the spread where nobody has measured it."""
        if self.is_any("log_loss", "brier"):
            return "F35" if self.classes == 2 else "F08"
        return SHAPED_BY.get(self.known, "F08")

    @property
    def least_units(self) -> int:
        """Units below which the engine judges no gain, whatever it is: the rarest class has to be seen (F36).

        An order, an F1 and a precision need so many positives or alarms, a mean so many values, for its error to be
        Student's; `planrun_ml.measuring.intervals` has the same two figures, by simulation.
        """
        if self.known == "macro_f1":
            return spreads.rows_for_rarest(self.rarest)
        if self.counted_on == "flagged rows" or (self.counted_on == "positives" and self.method != "share"):
            return LEAST
        return FEWEST if self.method == "mean" else 2

    def as_json(self) -> dict[str, Any]:
        """The entry of plan.json that documents and gates read."""
        return {
            "key": self.key,
            "title": self.title,
            "better": self.better,
            "low": 0 if math.isfinite(self.low) else None,
            "high": self.high if math.isfinite(self.high) else None,
            "counted_on": self.counted_on,
            "method": self.method,
            "formula": self.formula,
            "decided_by": self.decided_by,
        } | ({"unit": self.unit} if self.own else {})


LEAST, FEWEST = 20, 8
_INFLUENCE = "what each row, or group where there are groups, moves the difference by, with Student's t"
DECIDED_BY: Mapping[str, str] = {
    "score": "Tango's score test of the paired difference, and its bounds",
    "delong": "DeLong's paired interval, with Student's t",
    "influence": _INFLUENCE,
    "mean": "paired mean difference of the rows' losses",
}
_VALUES = "paired mean difference of the rows' values"  # of a team's own, which may be gains
# Nobody knows of a team's own whether its rows stand alone.
_ALONE = "; where a row does not stand alone, what each group moves the difference by, with Student's t"
COUNTED_ON = {"alarms": "flagged rows"}  # the plan's word


def _built_in(row: MetricRow) -> Metric:
    return Metric(
        row.key,
        row.title,
        row.better,
        math.inf if row.high is None else row.high,
        COUNTED_ON.get(row.counted_on, row.counted_on),
        row.method,
        DECIDED_BY[row.decided_by],
    )


METRICS: Mapping[MetricKey, Metric] = {cast(MetricKey, key): _built_in(row) for key, row in catalogue.metrics().items()}


def of(answers: Answers) -> Metric:
    """The metric that decides; one of the team's own is what the answers say of it."""
    if not questions.is_own(answers.metric):
        return replace(METRICS[cast(MetricKey, answers.metric)], **_classes(answers))
    name = answers.metric.removeprefix(questions.OWN).replace("_", " ")
    share, unit = answers.metric_form == "share", answers.metric_unit
    return Metric(
        answers.metric,
        f"{name} ({unit})" if unit else name,
        answers.metric_direction,
        1 if share else math.inf,
        COUNTED_ON.get(answers.metric_counted_on, answers.metric_counted_on),
        "share" if share else "mean",
        (DECIDED_BY["score"] if share else _VALUES) + _ALONE,
        own=True,
        unit=unit,
        spread=answers.metric_spread,
    )


def _classes(answers: Answers) -> dict[str, Any]:
    """Classes, or a query's items; while nobody has said how rare the rarest class is, half of an equal share."""
    if answers.task == "binary":
        return {"share": float(answers.positive_share)}
    if answers.task == "ranking":
        return {"items": int(answers.group_size) if answers.group_size >= 2 else 0}
    if answers.task != "multiclass":
        return {}
    count = answers.class_count
    return {"classes": count, "rarest": answers.rarest_share or 0.5 / count}
