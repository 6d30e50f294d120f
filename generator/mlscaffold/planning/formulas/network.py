"""F30, the arithmetic of a schedule: forward and backward pass, and a seeded beta-PERT simulation.

Durations are working days. Nothing here knows of answers, people or calendars. The simulation uses only
`random.Random(seed).random()` and arithmetic, so that every Python and platform writes the same dates.
"""

import functools
import itertools
import math
import operator
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

DRAWS = 2000  # stratified draws a task: the P80 of the default plan moves by about a quarter of a day between seeds
SEED = 30
GRID = 256  # intervals of the tabulated beta quantile; its error is below 0.001 of a task's range


@dataclass(frozen=True)
class Activity:
    """One task of the network: what it follows, who can do only one at a time, and its three-point duration."""

    id: str
    after: tuple[str, ...]
    resource: str | None
    low: float
    likely: float
    high: float
    rank: int = 0  # where a resource must choose, a lower rank goes first

    @property
    def mean(self) -> float:
        """The PERT mean (low + 4 likely + high) / 6 (Malcolm et al., 1959)."""
        return (self.low + 4 * self.likely + self.high) / 6


@dataclass(frozen=True)
class Window:
    """When a task starts and ends, in working days from the start, and by how much it may slip without harm."""

    start: float
    end: float
    slack: float


@dataclass(frozen=True)
class Forecast:
    """Finish of the whole network and of one milestone at each draw, sorted, and how often each task was critical."""

    ends: tuple[float, ...]
    milestone_ends: tuple[float, ...]
    criticality: Mapping[str, float]

    def quantile(self, probability: float) -> float:
        """The working days within which the whole network ends with this probability."""
        return _quantile(self.ends, probability)

    def milestone(self, probability: float) -> float:
        """The working days within which the milestone is reached with this probability."""
        return _quantile(self.milestone_ends, probability)


def _quantile(ordered: Sequence[float], probability: float) -> float:
    return ordered[min(len(ordered) - 1, max(0, math.ceil(probability * len(ordered) - 1e-9) - 1))]


def level(activities: Sequence[Activity]) -> list[Activity]:
    """The same tasks in an order in which each resource does one at a time; its tasks are chained to one another.

    Within a rank, what can start first is placed first, and of those whatever can wait least (its latest start), so
    that nobody idles and the chain that decides the end is not held up by work that has time.
    Raises ValueError where tasks wait for each other.
    """
    latest = {name: window.start + window.slack for name, window in passes(_ordered(activities)).items()}
    waiting, done = list(activities), list[Activity]()
    end, last = dict[str, float](), dict[str | None, str]()
    while waiting:
        ready = [_chained(activity, last) for activity in waiting if all(name in end for name in activity.after)]
        starts = {activity.id: max((end[name] for name in activity.after), default=0.0) for activity in ready}
        chosen = min(ready, key=lambda activity: (activity.rank, starts[activity.id], latest[activity.id]))
        waiting = [activity for activity in waiting if activity.id != chosen.id]
        done.append(chosen)
        end[chosen.id] = starts[chosen.id] + chosen.mean
        if chosen.resource:
            last[chosen.resource] = chosen.id
    return done


def _chained(activity: Activity, last: Mapping[str | None, str]) -> Activity:
    """The task with one more predecessor: what its resource does before it."""
    before = last.get(activity.resource)
    return (
        activity if before is None or before in activity.after else replace(activity, after=(*activity.after, before))
    )


def _ordered(activities: Sequence[Activity]) -> list[Activity]:
    """Every task after the ones it follows. Raises ValueError for a circle or an unknown predecessor."""
    waiting, placed, done = list(activities), set[str](), list[Activity]()
    while waiting:
        ready = [activity for activity in waiting if placed.issuperset(activity.after)]
        if not ready:
            raise ValueError(f"these tasks wait for each other: {', '.join(activity.id for activity in waiting)}")
        done += ready
        placed.update(activity.id for activity in ready)
        waiting = [activity for activity in waiting if activity.id not in placed]
    return done


def passes(activities: Sequence[Activity]) -> dict[str, Window]:
    """Forward and backward pass at the mean durations; `activities` stand after what they follow."""
    end: dict[str, float] = {}
    for activity in activities:
        end[activity.id] = max((end[name] for name in activity.after), default=0.0) + activity.mean
    finish = max(end.values(), default=0.0)
    latest = dict.fromkeys(end, finish)
    for activity in reversed(activities):
        for name in activity.after:
            latest[name] = min(latest[name], latest[activity.id] - activity.mean)
    return {
        activity.id: Window(end[activity.id] - activity.mean, end[activity.id], latest[activity.id] - end[activity.id])
        for activity in activities
    }


def end_with(activities: Sequence[Activity], changed: str, days: float) -> float:
    """Working days to the end of all if one task takes this long and every other its mean."""
    end: dict[str, float] = {}
    for activity in activities:
        taken = days if activity.id == changed else activity.mean
        end[activity.id] = max((end[name] for name in activity.after), default=0.0) + taken
    return max(end.values(), default=0.0)


def shortest(activities: Sequence[Activity], until: str) -> float:
    """Working days to the end of one task if every task takes its optimistic duration."""
    end: dict[str, float] = {}
    for activity in activities:
        end[activity.id] = max((end[name] for name in activity.after), default=0.0) + activity.low
    return end[until]


def simulate(activities: Sequence[Activity], milestone: str, draws: int = DRAWS, seed: int = SEED) -> Forecast:
    """F30. Finish dates under independent beta-PERT durations; `activities` stand after what they follow.

    Stratified sampling: every task visits each of `draws` equal slices of its distribution once, in random order.
    Parallel paths make the median later than the longest path's mean (merge bias). Independent tasks understate
    the spread where one cause delays many. Source: Malcolm et al. (1959); sampling: McKay et al. (1979).
    """
    generator = random.Random(seed)
    place = {activity.id: at for at, activity in enumerate(activities)}
    befores = [[place[name] for name in activity.after] for activity in activities]
    finishes: list[list[float]] = []  # a column of draws for each task
    for activity, before in zip(activities, befores, strict=True):
        durations = _durations(activity, draws, generator)
        begins = [finishes[at] for at in before]
        ready: Iterable[float] = map(max, *begins) if len(begins) > 1 else begins[0] if begins else [0.0] * draws
        finishes.append(list(map(operator.add, durations, ready)))
    critical = [0] * len(activities)
    for finish in zip(*finishes, strict=True):
        _trace(finish, befores, critical)
    ends = sorted(map(max, zip(*finishes, strict=True)))
    shares = {activity.id: critical[at] / draws for activity, at in zip(activities, place.values(), strict=True)}
    return Forecast(tuple(ends), tuple(sorted(finishes[place[milestone]])), shares)


def _trace(finish: Sequence[float], befores: list[list[int]], critical: list[int]) -> None:
    """Count the tasks on the path that decided this draw's end, from the last one backwards."""
    at = finish.index(max(finish))
    while True:
        critical[at] += 1
        before = befores[at]
        if not before:
            return
        at = before[0] if len(before) == 1 else max(before, key=finish.__getitem__)


def _durations(activity: Activity, draws: int, generator: random.Random) -> list[float]:
    span = activity.high - activity.low
    if span <= 0:
        return [activity.low] * draws
    table = _beta_quantiles(round((activity.likely - activity.low) / span, 9))
    found = []
    for slice_of_one in _shuffled(draws, generator):
        position = (slice_of_one + generator.random()) / draws * GRID
        at = min(int(position), GRID - 1)
        found.append(activity.low + span * (table[at] + (table[at + 1] - table[at]) * (position - at)))
    return found


def _shuffled(count: int, generator: random.Random) -> list[int]:
    """Fisher and Yates, on `random()` alone: `shuffle` may draw differently from one Python to the next."""
    order = list(range(count))
    for at in range(count - 1, 0, -1):
        other = int(generator.random() * (at + 1))
        order[at], order[other] = order[other], order[at]
    return order


@functools.cache
def _beta_quantiles(mode: float) -> tuple[float, ...]:
    """Quantiles 0/GRID … GRID/GRID of the PERT beta on [0, 1]: alpha = 1 + 4 mode, beta = 1 + 4 (1 - mode).

    Trapezoids over 2,048 steps; rounded to ten digits, so that one platform's last bit of `**` moves no date.
    """
    steps = 2048
    heights = [((at / steps) ** mode * (1 - at / steps) ** (1 - mode)) ** 4 for at in range(steps + 1)]
    area = [0.0]
    for left, right in itertools.pairwise(heights):
        area.append(area[-1] + left + right)
    quantiles, at = [0.0], 0
    for wanted in range(1, GRID):
        goal = area[-1] * wanted / GRID
        while area[at + 1] < goal:
            at += 1
        quantiles.append(round((at + (goal - area[at]) / (area[at + 1] - area[at])) / steps, 10))
    return (*quantiles, 1.0)
