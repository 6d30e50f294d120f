"""How often a verdict is wrong, and how often it sees what is there.

Each row draws samples of a world whose true gain is known, and lets the engine judge them. It is a simulation with
seeds, so every run of it gives the same figures.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator")]

import numpy as np  # noqa: E402
from planrun_ml.measuring import intervals  # noqa: E402
from planrun_ml.measuring.case import Case  # noqa: E402
from planrun_ml.measuring.metrics import named, score  # noqa: E402

Pair = tuple[Case, Case]
ENTIRE = 400_000  # rows of the sample that stands for the truth


@dataclass(frozen=True)
class World:
    """Where samples come from: the rows or clusters of each, and how two models answer there.

    `clusters` 0 leaves rows alone. `unequal` gives clusters log-normal sizes, `effects` is how their luck is spread,
    `luck` how large it is beside a row's own, `better` how much better the new model is (0: they are equally good).
    """

    metric: str
    rows: int
    share: float = 0.3
    clusters: int = 0
    unequal: bool = False
    effects: str = "normal"
    luck: float = 0.0
    better: float = 0.0
    apart: float = 1.2

    def sample(self, rng: np.random.Generator, rows: int = 0) -> Pair:
        """One sample of both models, the new one first."""
        rows = rows or self.rows
        groups = self._groups(rng, rows)
        n = len(groups)
        told = self.clusters > 0 and rows == self.rows
        luck = self._luck(rng, int(groups.max()) + 1)[groups]
        return self._answers(rng, n, luck, groups.astype(object) if told else None)

    def _groups(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        if not self.clusters:
            return np.arange(rows)
        count = max(1, round(rows * self.clusters / self.rows))
        sizes = np.full(count, rows / count)
        if self.unequal:
            sizes = rng.lognormal(0.0, 1.0, count) * rows / count / math.exp(0.5)
        return np.repeat(np.arange(count), np.maximum(1, np.round(sizes)).astype(int))

    def _luck(self, rng: np.random.Generator, count: int) -> np.ndarray:
        draw: dict[str, Callable[[], np.ndarray]] = {
            "normal": lambda: rng.normal(size=(count, 2)),
            "exponential": lambda: 1 - rng.exponential(size=(count, 2)) * np.array([1.0, 0.0]),
        }
        return self.luck * draw[self.effects]()

    def _answers(self, rng: np.random.Generator, n: int, luck: np.ndarray, clusters: np.ndarray | None) -> Pair:
        shared, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 2))
        noise = math.sqrt(0.5) * shared + math.sqrt(0.5) * own
        if self.metric in ("mae", "rmse"):
            y = rng.normal(10.0, 3.0, n)
            scale = np.array([math.exp(-self.better), 1.0]) * np.exp(0.3 * luck)
            return tuple(Case(y, y + noise[:, at] * scale[:, at], clusters=clusters) for at in (0, 1))  # type: ignore[return-value]
        if self.metric in ("ndcg_at_10", "mrr"):
            y = rng.integers(0, 4, n).astype(float)
            queries = (np.arange(n) // 6).astype(object)
            weight = np.array([math.exp(self.better), 1.0])
            return tuple(  # type: ignore[return-value]
                Case(y, weight[at] * y + 2 * noise[:, at], queries=queries, clusters=clusters) for at in (0, 1)
            )
        if self.metric == "macro_f1":
            names = ("a", "b", "c")
            truth = rng.choice(3, n, p=[self.share, 0.5 * (1 - self.share), 0.5 * (1 - self.share)])
            base = rng.normal(size=(n, 3))
            cases = []
            for at in (0, 1):
                said = math.sqrt(0.5) * (base + rng.normal(size=(n, 3)))
                said[np.arange(n), truth] += self.apart + (self.better if at == 0 else 0.0) + luck[:, at]
                said = np.exp(said) / np.exp(said).sum(1, keepdims=True)
                cases.append(Case(np.array(names)[truth], said, classes=names, clusters=clusters))
            return cases[0], cases[1]
        y = (rng.random(n) < self.share).astype(float)
        apart = np.array([self.apart + self.better, self.apart]) + luck
        log_odds = math.log(self.share / (1 - self.share)) + apart * (apart * (y[:, None] - 0.5) + noise)
        said = 1 / (1 + np.exp(-log_odds))
        cut = min(0.5, 1.2 * self.share)
        return tuple(Case(y, said[:, at], cut, clusters=clusters) for at in (0, 1))  # type: ignore[return-value]

    def truth(self) -> float:
        """The gain on a sample so large that its own chance does not matter."""
        if self.better == 0 and self.effects == "normal":
            return 0.0  # the two are exchangeable
        metric = named(self.metric)  # type: ignore[arg-type]
        found = [
            metric.sign * (score(metric, new) - score(metric, old))
            for new, old in (self.sample(np.random.default_rng(seed), ENTIRE) for seed in range(900, 904))
        ]
        return float(np.mean(found))


@dataclass(frozen=True)
class Rates:
    """Of many samples: the share that passes at the true gain, that fails there, and that ends without a bound."""

    passes: float
    fails: float
    unknown: float
    seen: float


def rates(world: World, alpha: float, runs: int, further: float = 0.0, seed: int = 1) -> Rates:
    """What the engine says where the minimum is the true gain itself; `seen` where it lies lower by `further`."""
    truth, metric = world.truth(), named(world.metric)  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    passes = fails = unknown = seen = 0
    for _ in range(runs):
        found = intervals.gain(metric, *world.sample(rng), alpha)
        passes += found.low > truth
        fails += found.high < truth
        unknown += not (math.isfinite(found.low) and math.isfinite(found.high))
        seen += found.low > truth - further if further else 0
    return Rates(passes / runs, fails / runs, unknown / runs, seen / runs)
