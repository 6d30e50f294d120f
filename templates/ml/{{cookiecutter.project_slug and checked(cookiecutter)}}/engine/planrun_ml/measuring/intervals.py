"""How sure a measurement is: intervals for one model, paired intervals for two, and the verdict that follows.

One share of independent rows: Wilson's interval. Two models' right and wrong answers on the same rows: Tango's score
test (`pairs`). Everything else, and whatever comes in groups: sums of influence values over clusters (`influence`).
A gain, a segment's loss and a promotion are one test each: whether the lower bound reaches the minimum.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from planrun.repository import Repo
from scipy.integrate import quad
from scipy.stats import binomtest, norm, t

from planrun_ml.measuring import pairs
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding, settled
from planrun_ml.measuring.influence import Influence, influence, measured
from planrun_ml.measuring.metrics import Metric, counted, losses, named, priced, score

FEWEST = 8  # clusters, below which no gain is judged: t and sandwich hold from there on
LEAST = 20  # positives, alarms or rows of the rarest class: an order, an F1 or a precision of fewer is no normal value
MANY = 30  # clusters from which a skew is answered with a wider bound; with fewer it hides too often
SLACK = 0.3  # of alpha, by which a skew may raise the chance of a false verdict


@dataclass(frozen=True)
class Interval:
    """A value with one-sided bounds, each missed with probability alpha; `n` units were measured."""

    value: float
    low: float
    high: float
    n: int
    method: str
    alpha: float
    error: float = math.nan  # standard error, where the bounds were made of one
    missing: int | None = None  # units without which nothing is judged

    @property
    def spread(self) -> float:
        """How much one unit varies (standard deviation), as the bounds show it; 0.0 where they show nothing."""
        if math.isfinite(self.error):
            return self.error * math.sqrt(self.n)
        z, half = norm.ppf(1 - self.alpha), (self.high - self.low) / 2
        return float(half / z * math.sqrt(self.n)) if math.isfinite(half) and z > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        """The fields that evidence and records keep; None for a number that is not finite."""
        return {key: _plain(value) for key, value in asdict(self).items() if key not in ("error", "missing")}


def _plain(value: Any) -> Any:
    """A number that JSON and YAML can hold; None where it is not finite."""
    if isinstance(value, float):
        return round(float(value), 6) if math.isfinite(value) else None
    return value


def interval(metric: Metric, case: Case, alpha: float) -> Interval:
    """One model's metric with its bounds. Raises `Trouble` where a team's own metric is not a number here."""
    value = settled(metric, score(metric, case))
    values = losses(metric, case) if case.clusters is None else None
    if values is not None and metric.share and _yes_or_no(values):
        return Interval(value, *wilson(values.sum(), len(values), alpha), len(values), "Wilson", alpha)
    found = of_clusters(value, influence(metric, [case]), measured(metric, case), alpha, _kind(metric, case))
    return _possible(metric, found)


def _possible(metric: Metric, found: Interval) -> Interval:
    """No bound where the metric has no values. A team's own may lie below 0, unless it is a share."""
    low, high = found.low, found.high
    if math.isfinite(low) and (metric.share or not metric.own):
        low = max(0.0, low)
    if math.isfinite(high) and metric.sign > 0 and metric.limit is not None:
        high = min(metric.limit, high)
    return replace(found, low=low, high=high)


def gain(metric: Metric, new: Case, old: Case, alpha: float) -> Interval:
    """How much better `new` is than `old` on the same rows; positive is better whichever way the metric runs."""
    # the alarms of two models are not the same rows: nothing pairs them
    if new.clusters is None and metric.share and metric.counted_on != "alarms":
        after, before = losses(metric, new), losses(metric, old)
        if after is not None and before is not None and _yes_or_no(after) and _yes_or_no(before):
            return _paired_proportion(after == 1, before == 1, alpha)
    value = metric.sign * (score(metric, new) - score(metric, old))
    n = max(measured(metric, new), measured(metric, old))
    held, what = rarest(metric, [new, old])
    if what and held < LEAST:
        why = f"{held} {what}, and {LEAST - held} more are needed to judge"
        return Interval(value, -math.inf, math.inf, n, why, alpha, missing=LEAST - held)
    found = influence(metric, [new, old])
    if not found.moves.any():
        return _none_differs(metric, value, held or (len(found.moves) if new.clusters is not None else n), n, alpha)
    return judged(of_clusters(value, found, n, alpha, _kind(metric, new)), found, new.clusters is not None)


def _none_differs(metric: Metric, value: float, k: int, n: int, alpha: float) -> Interval:
    """Two models that no unit tells apart: a share of at most 1 - alpha^(1/k) would, each by the whole range."""
    half = 1 - alpha ** (1 / k) if k and (metric.share or metric.limit == 1 or metric.name == "brier") else math.inf
    return Interval(value, -half, half, n, f"none of {k} differs", alpha)


def can_be_shown(metric: Metric, new: Case, old: Case, loss: float, alpha: float) -> bool:
    """Whether rows like these could show that `new` loses no more than `loss`, whatever they held."""
    found = gain(metric, new, old, alpha)
    if not math.isfinite(found.value):
        return False
    if new.clusters is None and metric.share and metric.counted_on != "alarms":
        return pairs.bounds(found.n, 0, 0, alpha)[0] >= -loss
    return math.isfinite(found.low) or math.isfinite(found.high)


def rarest(metric: Metric, cases: list[Case]) -> tuple[int, str]:
    """How many there are of what a metric hangs on, and what that is; "" where each unit counts by itself."""
    y, (one, *_) = cases[0].y, cases
    if metric.counted_on == "alarms":
        return min(int(counted(metric, case).sum()) for case in cases), "alarms"
    if metric.counted_on == "positives" and metric.each is None:
        positive, negative = int((y == 1).sum()), int((y != 1).sum())
        if metric.delong and negative < positive:
            return negative, "negative rows"
        return positive, "positive rows"
    if metric.sums is not None and one.classes:
        names, counts = np.unique(y.astype(str), return_counts=True)
        return (int(counts.min()), f'rows of class "{names[counts.argmin()]}"') if len(names) else (0, "rows")
    return 0, ""


def _kind(metric: Metric, case: Case) -> str:
    if case.clusters is not None:
        return "sandwich (CR2) over {} clusters"
    if metric.value and not metric.delong:
        return "jackknife over {} parts"
    return "DeLong, t on {} rows" if metric.delong else "t on {} units"


def _yes_or_no(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0, 1)).all())


@dataclass(frozen=True)
class Verdict:
    """pass, fail or inconclusive; how many more units would decide at the gain seen."""

    state: str
    more: int | None
    sentence: str


def affordable(held: Verdict, found: dict[str, Any]) -> Verdict:
    """A gain that is shown to cost more than it brings is none, whatever its size."""
    return Verdict("fail", None, f"{held.sentence} But {more}.") if (more := dearer(found)) else held


def verdict(found: Interval, minimum: float, unit: str = "rows") -> Verdict:
    """Whether the lower bound of a gain reaches the minimum, the upper bound stays below it, or neither."""
    if not math.isfinite(found.value):
        told = "the gain is not a number" if found.n else "there is nothing to measure it on"
        return Verdict("inconclusive", found.missing, f"Not yet shown: {told} on {found.n:,} {unit}.")
    shown = f"gain {found.value:.4g}, bounds {_bound(found.low)} to {_bound(found.high)}, needed {minimum:.4g}"
    if found.low >= minimum:
        return Verdict("pass", 0, f"Shown: {shown}.")
    if found.high < minimum:
        return Verdict("fail", 0, f"Shown not to be there: {shown}.")
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        told = f"Not yet shown: gain {found.value:.4g}, bounds {_bound(found.low)} to {_bound(found.high)}"
        return Verdict("inconclusive", found.missing, f"{told} ({found.method}), needed {minimum:.4g}.")
    more = rows_to_go(found, minimum)
    if more is None:
        return Verdict("inconclusive", None, f"Not yet shown: {shown}; no number of rows decides at this gain.")
    return Verdict("inconclusive", more, f"Not yet shown: {shown}; {more:,} more {unit} would decide at this gain.")


def _bound(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "unknown"


def rows_to_go(found: Interval, minimum: float) -> int | None:
    """Units missing until the bound on the decisive side passes the minimum, if the gain stays as seen."""
    distance = found.value - minimum
    half = found.value - found.low if distance > 0 else found.high - found.value
    if abs(distance) < 1e-9 or abs(distance) * 1000 < half:
        return None
    return max(1, math.ceil(found.n * (half / distance) ** 2) - found.n)


def compared(repo: Repo, new: Case, old: Case, alpha: float) -> tuple[Interval, dict[str, Any]]:
    """The gain, and as evidence holds it: for a yes or no with `saves`, by how much each decision gets cheaper."""
    found = gain(deciding(repo), new, old, alpha)
    if repo.answers["task"] != "binary":
        return found, found.as_json()
    return found, found.as_json() | {
        "saves": gain(named("cost"), priced(repo, new), priced(repo, old), alpha).as_json()
    }


def dearer(found: dict[str, Any]) -> str:
    """How much more a decision is shown to cost; "" where that is not shown."""
    most = (found.get("saves") or {}).get("high")
    return "" if most is None or most >= 0 else f"each decision costs at least {-most:.4g} more"


def keeps(found: dict[str, Any]) -> bool:
    """Keep the first that is not shown to be worse than the baseline, then what beats the champion beyond doubt."""
    against = found["vs_champion"] or found["vs_baseline"]
    low, high = against["low"], against["high"]
    better = (low is not None and low > 0) if found["vs_champion"] else (high is None or high > 0)
    return against["value"] is not None and better and not dearer(against)


def share_of(alpha: float, number: int) -> float:
    """The part of alpha at which the how-manieth experiment is compared: alpha / (k (k + 1)).

    However many follow, the parts sum to alpha, so that is the chance that any of them is ever held to be better
    beyond doubt and is not. What a search tried is not counted: it saw the training rows alone.
    """
    return alpha / (number * (number + 1))


def optimism(found: dict[str, Any], count: int) -> float:
    """F11. How much the best of `count` independent results beats the truth: standard error × E[largest normal]."""
    if None in (found["value"], found["low"]):
        return 0.0
    largest = quad(lambda x: count * x * norm.pdf(x) * norm.cdf(x) ** (count - 1), -9, 9)[0]
    return float(max(0.0, largest * (found["value"] - found["low"]) / norm.ppf(1 - found["alpha"])))


# ---------------------------------------------------------------------------------------------------- formulas
def wilson(hits: float, n: float, alpha: float) -> tuple[float, float]:
    """F01. Wilson's bounds of a share, each at alpha; no numbers where there is no row."""
    if n == 0:
        return float("nan"), float("nan")
    found = binomtest(round(hits), round(n)).proportion_ci(1 - 2 * alpha, method="wilson")
    return float(found.low), float(found.high)


def bound_without_a_miss(rows: int, risk: float = 0.05) -> float:
    """F28. The share of misses that so many rows without one leave possible: 1 − risk^(1 / rows).

    A larger share would show itself with a chance of more than 1 − risk. Raises ValueError where there is no row.
    """
    if rows < 1:
        raise ValueError("no row bounds nothing")
    return -math.expm1(math.log(risk) / rows)


def of_mean(values: np.ndarray, alpha: float) -> Interval:
    """The mean of independent values with its bounds."""
    n, mean = len(values), float(values.mean())
    half = float(t.ppf(1 - alpha, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Interval(mean, mean - half, mean + half, n, "paired t on units", alpha)


def of_clusters(value: float, found: Influence, n: int, alpha: float, kind: str) -> Interval:
    """Bounds of a metric from what its clusters move it by: Student's t on CR2's error, and wider against a skew.

    The t quantile is raised on each side by twice Edgeworth's first term, skew (2 z² + 1) / 6, where the skew makes
    that bound fail too often; once is not enough, because few clusters show less skew than there is.
    """
    k, error = found.count, found.error() if found.count > 1 else math.inf
    if math.isnan(value) or not math.isfinite(error):
        why = "all rows share one day or group" if k == 1 < len(found.shares) or k < 2 else "no number for some rows"
        return Interval(value, -math.inf, math.inf, n, why, alpha)
    if error <= 0:
        return Interval(value, -math.inf, math.inf, n, "no two of them differ", alpha)
    z, limit, skew = norm.isf(alpha), float(t.isf(alpha, found.freedom())), found.skew()
    below, above = (limit + 2 * max(0.0, side) * (2 * z * z + 1) / 6 for side in (-skew, skew))
    low, high = float(value - below * error), float(value + above * error)
    return Interval(float(value), low, high, n, kind.format(k), alpha, error)


def _missing(k: int, grouped: bool) -> int | None:
    """Units, where clusters are units."""
    return FEWEST - k if k < FEWEST and not grouped else None


def judged(bounds: Interval, found: Influence, grouped: bool) -> Interval:
    """Bounds as a verdict may use them: without one that so few clusters, skewed as these are, do not hold."""
    name, k = "groups or days" if grouped else "units", found.count
    if not math.isfinite(bounds.low) or k < FEWEST:
        why = f"{k} {name}, and {FEWEST - k} more are needed to judge" if 1 < k < FEWEST else bounds.method
        return replace(bounds, low=-math.inf, high=math.inf, method=why, missing=_missing(k, grouped))
    if k >= MANY:
        return bounds
    z = norm.isf(bounds.alpha)
    allowed = SLACK * bounds.alpha * 6 / ((2 * z * z + 1) * norm.pdf(z))
    needed = min(MANY, math.ceil(k * (found.skew() / allowed) ** 2))
    if needed <= k:
        return bounds
    why = f"{bounds.method}, so skewed that {needed - k} more are needed"
    if found.skew() < 0:
        return replace(bounds, low=-math.inf, method=why)
    return replace(bounds, high=math.inf, method=why)


def _paired_proportion(right: np.ndarray, was_right: np.ndarray, alpha: float) -> Interval:
    n, up, down = len(right), int((right & ~was_right).sum()), int((~right & was_right).sum())
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, "no row to measure on", alpha)
    low, high = pairs.bounds(n, up, down, alpha)
    return Interval((up - down) / n, low, high, n, "Tango's score test, enumerated", alpha)
