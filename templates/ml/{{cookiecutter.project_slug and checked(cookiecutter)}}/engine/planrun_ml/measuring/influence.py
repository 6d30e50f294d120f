"""How much each unit moves a metric, and what follows for its standard error where units are alike or come in groups.

The influence of a unit is by how much the metric would move if the unit weighed a little more. Its mean over the units
is nothing, and to first order the metric's error is the mean of what the drawn units have. So one way serves them all:
the variance of sums over clusters, each corrected for the part of the mean that is its own (CR2 of Bell and McCaffrey,
Survey Methodology 28, 2002), and Satterthwaite's degrees of freedom. Rows that stand alone are clusters of one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import Combine, Metric, components, counted, per_unit, score

BLOCKS = 200  # groups left out one at a time, where a metric is one value for all rows
NUDGE = 1e-6  # of a sum's size, for the slope of what is made of sums


@dataclass(frozen=True)
class Influence:
    """Of k clusters: what each moves the metric by, and the share of what counts that each holds (they sum to 1).

    `moves` sums to the metric's error to first order. `alike` is how alike units of a cluster are, from 0 to 1, and
    `worth` how many of them there would be if all counted the same.
    """

    moves: np.ndarray
    shares: np.ndarray
    alike: float
    worth: float

    @property
    def count(self) -> int:
        """Clusters in which something counts."""
        return int((self.shares > 0).sum())

    def error(self) -> float:
        """Standard error of the metric: √Σ moves² / (1 - share); infinite where one cluster holds all that counts."""
        left = 1 - self.shares
        return float(np.sqrt((self.moves**2 / left).sum())) if (left > 1e-12).all() else float("inf")

    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of that error, for clusters whose units are alike as these are.

        (tr M)² / tr M², M the covariance of the corrected sums. Of equal clusters it is one less than there are.
        """
        size = self.shares * self.worth
        weight = size * (1 + np.maximum(size - 1, 0.0) * self.alike)
        weight = weight / weight.sum()
        left = 1 - self.shares
        d, x, y = weight / left, self.shares / np.sqrt(left), weight / np.sqrt(left)
        gram = np.array([[x @ x, x @ y], [x @ y, y @ y]])
        turn = np.array([[1.0, -1.0], [-1.0, 0.0]])  # M is diag(d) + x x' - x y' - y x'
        both = turn @ gram
        trace = d.sum() + np.trace(both)
        squared = d @ d + np.trace(both @ both) + 2 * (d @ (x * x) - 2 * (d @ (x * y)))
        return float(trace**2 / squared)

    def skew(self) -> float:
        """Of the sum of the moves, as these show it; that of equal clusters over the root of their number."""
        spread = float((self.moves**2).sum())
        return float((self.moves**3).sum() / spread**1.5) if spread > 0 else 0.0


def influence(metric: Metric, cases: list[Case]) -> Influence:
    """Of one model's metric, or of how much better the first of two is on the same rows (positive is better)."""
    if metric.value and not metric.delong:
        return _left_out(metric, cases)
    each = [_of_units(metric, case) for case in cases]
    moves = each[0][0] if len(each) == 1 else metric.sign * (each[0][0] - each[1][0])
    weights = _weights(metric, cases, moves)
    place = np.arange(len(moves)) if each[0][1] is None else np.unique(each[0][1].astype(str), return_inverse=True)[1]
    sums, held = np.bincount(place, weights=moves), np.bincount(place, weights=weights)
    total = float(weights.sum())
    if total <= 0:
        return Influence(sums, np.zeros(len(sums)), 0.0, 0.0)
    shares, worth = held / total, total**2 / float((weights**2).sum())
    return Influence(sums, shares, _alike(moves, sums, shares, worth), worth)


def _weights(metric: Metric, cases: list[Case], moves: np.ndarray) -> np.ndarray:
    """How much each unit counts: those that a mean goes over alike, of the two classes each by how far it moves."""
    if metric.each is not None:
        if metric.counted_on == "queries":
            return np.ones(len(moves))
        found: np.ndarray = np.any([counted(metric, case) for case in cases], axis=0).astype(float)
        return found
    if metric.counted_on != "positives":
        return np.ones(len(moves))
    positive = cases[0].y == 1
    found = np.zeros(len(moves))
    for mask in (positive, ~positive):
        if mask.any():
            found[mask] = float((moves[mask] ** 2).mean())
    return found


def _alike(moves: np.ndarray, sums: np.ndarray, shares: np.ndarray, worth: float) -> float:
    """The correlation of units of one cluster, by the method of moments."""
    size = shares * worth
    pairs = float((size * np.maximum(size - 1, 0.0)).sum())
    own = float((moves**2).sum())
    left = 1 - shares
    if pairs <= 0 or own <= 0 or (left < 1e-12).any():
        return 0.0
    return float(np.clip(((sums**2 / left).sum() - own) / (own / worth * pairs), 0.0, 1.0))


def _of_units(metric: Metric, case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """By how much each unit moves the metric, and the cluster that each is of."""
    if metric.delong:
        return _of_order(case), case.clusters
    parts, clusters, combine = components(metric, case)
    totals = parts.sum(axis=0)
    centred = parts - parts.mean(axis=0)
    return centred @ _slope(combine, totals), clusters


def _slope(combine: Combine, totals: np.ndarray) -> np.ndarray:
    """How a metric of sums moves with each of them, by central differences."""
    step = NUDGE * np.maximum(np.abs(totals), float(np.abs(totals).max()) * 1e-3 + 1e-12)
    ups, downs = totals + np.diag(step), totals - np.diag(step)
    found: np.ndarray = (combine(ups) - combine(downs)) / (2 * step)
    return found


def _of_order(case: Case) -> np.ndarray:
    """Of an AUC: how often each positive outranks the negatives, and each negative is outranked (DeLong 1988)."""
    positive = case.y == 1
    m, n = int(positive.sum()), int((~positive).sum())
    found = np.full(len(case.y), np.nan)
    if m and n:
        everyone, ups, downs = (rankdata(part) for part in (case.scores, case.scores[positive], case.scores[~positive]))
        above, below = (everyone[positive] - ups) / n, 1 - (everyone[~positive] - downs) / m
        found[positive], found[~positive] = (above - above.mean()) / m, (below - below.mean()) / n
    return found


def _left_out(metric: Metric, cases: list[Case]) -> Influence:
    """Of a value for all rows: it is worked out again without each cluster, many of them poured together at random."""
    n = len(cases[0].y)
    clusters = cases[0].clusters
    place = np.arange(n) if clusters is None else np.unique(clusters.astype(str), return_inverse=True)[1]
    count = int(place.max()) + 1 if n else 0
    if count > BLOCKS:
        place, count = (np.random.default_rng(11).permutation(count) % BLOCKS)[place], BLOCKS
    weights = np.any([counted(metric, case) for case in cases], axis=0).astype(float)
    shares = np.bincount(place, weights=weights, minlength=count) / max(weights.sum(), 1.0)

    def difference(rows: np.ndarray) -> float:
        # without clusters: that a metric looks at them is not meant
        values = [score(metric, case.only(rows)) for case in cases]
        return values[0] if len(values) == 1 else metric.sign * (values[0] - values[1])

    whole = difference(np.ones(n, dtype=bool))
    without = np.array([difference(place != number) for number in range(count)])
    moves = (whole - without) * (1 - shares)
    # A cut at a whole number of rows ("the first hundredth") jumps alike whichever part is left out: that is no spread.
    moves -= np.bincount(place, minlength=count) / max(n, 1) * moves.sum()
    return Influence(moves, shares, 0.0, float(weights.sum()))


def measured(metric: Metric, case: Case) -> int:
    """How many units a metric is measured on: recall on the positive rows, precision on the alarms, others on all."""
    return int(per_unit(metric, case)[1].sum()) if metric.each else len(case.y)
