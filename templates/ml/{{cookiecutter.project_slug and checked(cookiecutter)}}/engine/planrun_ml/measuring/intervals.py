"""How sure a measurement is: intervals for one model, paired intervals for two, and the verdict that follows.

Where rows are independent: Wilson, DeLong, Student's t, and for paired yes/no results Tango's score test (`pairs`).
Where they share a cluster, and for metrics without a formula: the paired cluster bootstrap.
A gain, a segment's loss and a promotion are one test each: whether the lower bound reaches the minimum.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from planrun.repository import Repo
from scipy.integrate import quad
from scipy.stats import binomtest, norm, rankdata, t

from planrun_ml.measuring import pairs
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding, settled
from planrun_ml.measuring.metrics import Metric, components, losses, named, per_unit, priced, score

DRAWS = 2000
ORDER_DRAWS = 400  # AUC and average precision are sorted anew in each draw
# clusters: fewer vary less in a redraw than in the world, more are poured together at random
FEW = 30
GROUPS = 1000


@dataclass(frozen=True)
class Interval:
    """A value with one-sided bounds, each missed with probability alpha; `n` units were measured."""

    value: float
    low: float
    high: float
    n: int
    method: str
    alpha: float

    @property
    def spread(self) -> float:
        """How much one unit varies (standard deviation), as the bounds show it; 0.0 where they show nothing."""
        z, half = norm.ppf(1 - self.alpha), (self.high - self.low) / 2
        return float(half / z * math.sqrt(self.n)) if math.isfinite(half) and z > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        return {key: _plain(value) for key, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    """A number that JSON and YAML can hold; None where it is not finite."""
    if isinstance(value, float):
        return round(float(value), 6) if math.isfinite(value) else None
    return value


def interval(metric: Metric, case: Case, alpha: float) -> Interval:
    """One model's metric with its bounds. Raises `Trouble` where a team's own metric is not a number here."""
    value = settled(metric, score(metric, case))
    if case.clusters is None and metric.delong and not math.isnan(value):
        half = norm.ppf(1 - alpha) * math.sqrt(max(_delong([case]), 0.0))
        return Interval(value, max(0.0, value - half), min(1.0, value + half), len(case.y), "DeLong", alpha)
    values = losses(metric, case)
    if case.clusters is not None or values is None:
        return _bootstrap(metric, [case], alpha, value)
    if metric.share and _yes_or_no(values):
        return Interval(value, *_wilson(values.sum(), len(values), alpha), len(values), "Wilson", alpha)
    return of_mean(values, alpha, value)


def gain(metric: Metric, new: Case, old: Case, alpha: float) -> Interval:
    """How much better `new` is than `old` on the same rows; positive is better whichever way the metric runs."""
    value = metric.sign * (score(metric, new) - score(metric, old))
    if new.clusters is None and metric.delong and not math.isnan(value):
        half = norm.ppf(1 - alpha) * math.sqrt(max(_delong([new, old]), 0.0))
        return Interval(value, value - half, value + half, len(new.y), "DeLong, paired", alpha)
    after, before = losses(metric, new), losses(metric, old)
    # the alarms of two models are not the same rows: nothing pairs them
    if new.clusters is not None or after is None or before is None or metric.counted_on == "alarms":
        return _bootstrap(metric, [new, old], alpha, value)
    if metric.share and _yes_or_no(after) and _yes_or_no(before):
        return _paired_proportion(after == 1, before == 1, alpha)
    return of_mean(metric.sign * (after - before), alpha, value)


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
        return Verdict("fail", None, "The gain is not a number, so nothing was shown.")
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return Verdict("inconclusive", None, f"Not yet shown: gain {found.value:.4g} without bounds ({found.method}).")
    shown = f"gain {found.value:.4g}, bounds {found.low:.4g} to {found.high:.4g}, needed {minimum:.4g}"
    if found.low >= minimum:
        return Verdict("pass", 0, f"Shown: {shown}.")
    if found.high < minimum:
        return Verdict("fail", 0, f"Shown not to be there: {shown}.")
    more = rows_to_go(found, minimum)
    if more is None:
        return Verdict("inconclusive", None, f"Not yet shown: {shown}; no number of rows decides at this gain.")
    return Verdict("inconclusive", more, f"Not yet shown: {shown}; {more:,} more {unit} would decide at this gain.")


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


def optimism(found: dict[str, Any], count: int) -> float:
    """By how much the best of `count` independent results beats the truth: its standard error × E[largest normal]."""
    if None in (found["value"], found["low"]):
        return 0.0
    largest = quad(lambda x: count * x * norm.pdf(x) * norm.cdf(x) ** (count - 1), -9, 9)[0]
    return float(max(0.0, largest * (found["value"] - found["low"]) / norm.ppf(1 - found["alpha"])))


# ---------------------------------------------------------------------------------------------------- formulas
def _wilson(hits: float, n: float, alpha: float) -> tuple[float, float]:
    if n == 0:
        return float("nan"), float("nan")
    found = binomtest(round(hits), round(n)).proportion_ci(1 - 2 * alpha, method="wilson")
    return float(found.low), float(found.high)


def of_mean(values: np.ndarray, alpha: float, value: float | None = None) -> Interval:
    """The mean of independent values with its bounds; `value` is the mean as the evaluator gives it."""
    n, mean = len(values), float(values.mean()) if value is None else value
    half = float(t.ppf(1 - alpha, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Interval(mean, mean - half, mean + half, n, "paired t on units", alpha)


def _paired_proportion(right: np.ndarray, was_right: np.ndarray, alpha: float) -> Interval:
    n, up, down = len(right), int((right & ~was_right).sum()), int((~right & was_right).sum())
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, "no row to measure on", alpha)
    low, high = pairs.bounds(n, up, down, alpha)
    return Interval((up - down) / n, low, high, n, "Tango's score test, enumerated", alpha)


def _delong(cases: list[Case]) -> float:
    """Variance of one AUC, or of the difference of two on the same rows."""
    parts = []
    for case in cases:
        positive = case.y == 1
        m, n = int(positive.sum()), int((~positive).sum())
        everyone, ups, downs = (rankdata(part) for part in (case.scores, case.scores[positive], case.scores[~positive]))
        parts.append(((everyone[positive] - ups) / n, 1 - (everyone[~positive] - downs) / m))
    by_positive, by_negative = parts[0] if len(parts) == 1 else (parts[0][0] - parts[1][0], parts[0][1] - parts[1][1])
    if len(by_positive) < 2 or len(by_negative) < 2:
        return math.inf
    return float(by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative))


# ---------------------------------------------------------------------------------------------------- bootstrap
def _bootstrap(metric: Metric, cases: list[Case], alpha: float, value: float) -> Interval:
    """Percentile interval over k clusters drawn with replacement, the same draw for both models; where there are few,
    Student's t on the draws' deviation × √(k/(k-1)) (Hesterberg, "What Teachers Should Know About the Bootstrap")."""
    sign = 1 if len(cases) == 1 else metric.sign
    draws, n, k = (_redraw if metric.value else _redraw_sums)(metric, cases)
    draws = sign * draws[np.isfinite(draws)]
    if k < 2 or len(draws) < 100 or np.ptp(draws) == 0:
        why = "all rows share one day or group" if k < 2 else "no spread to resample"
        return Interval(value, -math.inf, math.inf, n, why, alpha)
    low, high = (float(np.quantile(draws, share)) for share in (alpha, 1 - alpha))
    if k < FEW:
        half = float(t.ppf(1 - alpha, k - 1) * draws.std()) * math.sqrt(k / (k - 1))
        low, high = value - half, value + half
    return Interval(value, low, high, n, f"bootstrap over {k} clusters", alpha)


def _redraw_sums(metric: Metric, cases: list[Case]) -> tuple[np.ndarray, int, int]:
    rng, sums, n = np.random.default_rng(7), [], 0
    for case in cases:
        parts, clusters, combine = components(metric, case)
        place, n = _places(clusters, len(parts)), max(n, _measured(metric, case))
        sums.append(np.column_stack([np.bincount(place, weights=column) for column in parts.T]))
    count = len(sums[0])
    weights = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    drawn = [combine(weights @ part) for part in sums]
    return (drawn[0] - drawn[1] if len(drawn) == 2 else drawn[0]), n, count


def _measured(metric: Metric, case: Case) -> int:
    """How many units a metric is measured on: recall on the positive rows, precision on the alarms, others on all."""
    return int(per_unit(metric, case)[1].sum()) if metric.each else len(case.y)


def _redraw(metric: Metric, cases: list[Case]) -> tuple[np.ndarray, int, int]:
    rng, n = np.random.default_rng(7), len(cases[0].y)
    place = _places(cases[0].clusters, n)
    order = np.argsort(place, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(place))[:-1])
    drawn = []
    for _ in range(ORDER_DRAWS):
        rows = np.concatenate([members[number] for number in rng.integers(0, len(members), len(members))])
        some = [replace(case, y=case.y[rows], scores=case.scores[rows], clusters=None) for case in cases]
        picked = [score(metric, case) for case in some]
        drawn.append(picked[0] - picked[1] if len(picked) == 2 else picked[0])
    return np.array(drawn), n, len(members)


def _places(clusters: np.ndarray | None, n: int) -> np.ndarray:
    """The number of each unit's cluster, clusters poured together where there are very many."""
    place = np.arange(n) if clusters is None else np.unique(clusters.astype(str), return_inverse=True)[1]
    count = int(place.max()) + 1 if n else 0
    if count <= GROUPS:
        return place
    return (np.random.default_rng(11).permutation(count) % GROUPS)[place]
