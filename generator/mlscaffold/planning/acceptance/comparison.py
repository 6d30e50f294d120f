"""Today and the target on the same rows: how far they differ, and what it takes to show it (F04 to F10)."""

import math
from dataclasses import dataclass
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import FormulaId, NumberKey
from mlscaffold.planning.acceptance import worth
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.formulas import samples, spreads
from mlscaffold.planning.formulas.counts import LIMIT, whole
from mlscaffold.planning.formulas.stats import increasing_root
from mlscaffold.planning.number import Number, Numbers, said

EDGE = 1e-4  # AUC estimates are planned within [.0001, .9999]; beyond, one row would decide


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same rows, as far as the plan knows them: what a gain needs to be shown."""

    metric: Metric
    baseline: float
    discordance: float | None  # share of rows where exactly one is right; only for shares
    correlation: float  # of the two systems' losses (means) or estimates (AUC)
    spread: float | None  # standard deviation of a row's loss; None: derived from the value
    negatives_each: float  # negatives per positive; only for AUC

    def units(self, gain: float, minimum: float, alpha: float, power: float) -> int:
        """Units (positives, rows, queries …) to show a gain above `minimum` when it is `gain`; ValueError if never."""
        if gain <= minimum:
            raise ValueError(f"a gain of {gain:g} can never be shown to exceed {minimum:g}")
        if self.metric.method == "share":
            discordance = max(self.discordance or 0.0, abs(gain), 1e-9)
            rows = samples.margin_rows(gain, discordance, -minimum, alpha, power)
            return max(rows, self.metric.least_units)
        value = self.metric.improved(self.baseline, gain)
        if self.metric.method == "auc":
            first, second = _inside(self.baseline), _inside(value)
            allowed = max(second - first - minimum, 1e-12)
            positives = samples.auc_positives(
                first, second, second - first - allowed, self.negatives_each, self.correlation, alpha, power
            )
            least = self.metric.least_units
            return max(positives, least, whole(least / self.negatives_each))  # of the negatives as many
        effect, spread = self._effect(gain, minimum), self.paired_spread(value)
        if self.metric.known == "average_precision":
            rows = samples.precision_rows(effect, spread, alpha, power, lambda n: self._of_few(value, n))
        else:
            rows = samples.mean_rows(effect, spread, alpha, power)
        return max(rows, self.metric.least_units)

    def _of_few(self, value: float, positives: float) -> tuple[float, float]:
        """F38. What so few positives lose of the gain in average precision, and the degrees of freedom they leave."""
        share, positives = self.metric.share, max(positives, self.metric.least_units)
        today, then = (spreads.average_precision_surplus(one, share, positives) for one in (self.baseline, value))
        return today - then, spreads.precision_freedom(share, positives)

    def paired_spread(self, value: float) -> float:
        """Standard deviation of the rows' loss differences between the baseline and a system at `value`."""
        return samples.difference_spread(self._spread(self.baseline), self._spread(value), self.correlation)

    def detectable(self, units: int, alpha: float, power: float) -> float | None:
        """F09. The smallest gain that `units` can show to be above zero; None where not even perfection would do."""
        room = self.metric.gain(self.baseline, self.metric.best)
        try:
            if math.isinf(room):  # no best value: as large a gain as it takes
                return increasing_root(lambda gain: units - self._units_float(gain, alpha, power), 0.0, 1.0)
            if self.metric.method == "share":
                found = samples.detectable_gain(units, self.discordance or 1e-9, alpha, power)
            elif room <= 0 or self.units(room, 0, alpha, power) > units:
                return None
            else:
                found = increasing_root(lambda gain: units - self._units_float(gain, alpha, power), 0.0, room)
        except ValueError:
            return None
        return found if found <= room else None

    def error(self, units: float, value: float) -> float:
        """Standard error of the metric at `value`, measured on this many units."""
        if self.metric.method == "share":
            return math.sqrt(value * (1 - value) / units)
        if self.metric.method == "auc":
            negatives = max(1.0, units * self.negatives_each)
            return math.sqrt(samples.auc_variance(_inside(value), max(1.0, units), negatives))
        error = self._spread(value) / math.sqrt(units)
        return error / (2 * value) if self.metric.known == "rmse" and value > 0 else error

    def _units_float(self, gain: float, alpha: float, power: float) -> float:
        return float(self.units(gain, 0, alpha, power)) if gain > 0 else math.inf

    def _effect(self, gain: float, minimum: float) -> float:
        """The fall of the mean loss beyond the minimum; for RMSE, whose loss is the squared error, a² - b² by factors.

        Not the difference of two squares: beside an RMSE of thousands that loses a small gain altogether.
        """
        if self.metric.known == "rmse":
            return (gain - minimum) * (max(self.baseline - minimum, 0.0) + self.metric.improved(self.baseline, gain))
        return gain - minimum

    def _spread(self, value: float) -> float:
        return self.metric.spread_at(value, self.baseline, self.spread)


def _inside(auc: float) -> float:
    return min(max(auc, EDGE), 1 - EDGE)


def compared(answers: Answers, metric: Metric, numbers: Numbers) -> tuple[Comparison | None, Number]:
    """The comparison of target and baseline, and the discordance it rests on; None while either is unknown."""
    baseline, target = numbers["acceptance.baseline"].value, numbers["acceptance.target"].value
    discordance = _discordance(answers, metric, numbers)
    if baseline is None or target is None or metric.unplanned:
        return None, discordance
    return compare(answers, metric, baseline, discordance.value), discordance


def compare(answers: Answers, metric: Metric, baseline: float, discordance: float | None) -> Comparison:
    """A comparison with this baseline, spread and correlation from the answers."""
    share = answers.positive_share if answers.task == "binary" else 0.5
    spread = answers.error_spread if answers.task in ("regression", "ranking", "forecast") else None
    return Comparison(metric, baseline, discordance, answers.error_correlation, spread, (1 - share) / share)


def _discordance(answers: Answers, metric: Metric, numbers: Numbers) -> Number:
    baseline, target = numbers["acceptance.baseline"].value, numbers["acceptance.target"].value
    inputs = {"baseline": baseline, "target": target, "discordance": answers.discordance}

    def number(found: float | None, note: str | None = None, remedy: str | None = None) -> Number:
        given = answers.discordance is not None
        provenance = answers.provenance("discordance") if given and remedy is None else "computed"
        formula: FormulaId = "" if given else "F04"
        return Number(found, formula=formula, inputs=inputs, provenance=provenance, note=note, remedy=remedy)

    if metric.method != "share":
        return number(None, f"The {metric.title} is no share of right rows, so other spreads take its place.")
    if baseline is None or target is None:
        return number(answers.discordance, None if answers.discordance else unknown(metric, numbers))
    if answers.discordance is None:
        note = "Taken as if the two erred independently; two models' disagreement measures it without labels."
        return number(samples.independent_discordance(baseline, target), note)
    least, most = abs(target - baseline), min(baseline + target, 2 - baseline - target)
    fitting = min(max(answers.discordance, least), most)
    if math.isclose(fitting, answers.discordance, rel_tol=1e-9):
        return number(answers.discordance)
    note = (
        f"A discordance of {said(answers.discordance)} cannot be: from {said(baseline)} to {said(target)} it lies "
        f"between {said(least)} and {said(most)}; the plan uses {said(fitting)}."
    )
    return number(fitting, note, "Measure discordance again, or leave it empty.")


def unknown(metric: Metric, numbers: Numbers) -> str:
    """Why there is no comparison of target and baseline, or no gain that it could show."""
    notes = (numbers[key].note for key in WHY if numbers[key].value is None)
    return metric.unplanned or next(
        (note for note in (*notes, numbers["acceptance.target"].note) if note), "Baseline or target is not known."
    )


WHY: tuple[NumberKey, ...] = ("acceptance.baseline", "acceptance.target", "acceptance.gain")


def unit_share(answers: Answers, metric: Metric) -> float:
    """Units (positives, flagged rows, queries) in one row."""
    if metric.counted_on == "positives":
        return float(answers.positive_share)
    if metric.counted_on == "flagged rows":
        return worth.flag_rate(answers)
    return 1 / float(answers.group_size) if metric.counted_on == "queries" else 1.0


def effect(answers: Answers, metric: Metric) -> float:
    """F10. The design effect of grouped rows; queries are groups already."""
    return 1.0 if metric.counted_on == "queries" else samples.design_effect(answers.group_size, answers.icc)


def count_of(
    amount: float | None,
    unit: str,
    *,
    inputs: dict[str, Any],
    formula: FormulaId | None = None,
    note: str | None = None,
    remedy: str = "Aim for a larger gain with target_value.",
) -> Number:
    """A count of `unit` rounded up; beyond a thousand million it is a finding."""
    if amount is not None and amount > LIMIT:
        note = f"It would take more than {LIMIT:,.0f} {unit}: the difference is too small for any sample to show."
        return Number(None, formula=formula, inputs=inputs, note=note, remedy=remedy)
    return Number(None if amount is None else whole(amount), formula=formula, inputs=inputs, note=note)
