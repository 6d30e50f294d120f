"""Write tests/verdicts.json and docs/verdicts.md: how often a verdict is wrong, and how often it sees what is there.

Each row draws samples of a world whose true gain is known, and lets the engine judge them. It is a simulation with
seeds, so every run of it gives the same figures.
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

import decaying  # noqa: E402
import drifting  # noqa: E402
import numpy as np  # noqa: E402
import planned_shapes  # noqa: E402
from mlscaffold.planning.formulas import samples  # noqa: E402
from planrun_ml.measuring import intervals, pairs  # noqa: E402
from planrun_ml.measuring.case import Case  # noqa: E402
from planrun_ml.measuring.influence import Influence  # noqa: E402
from planrun_ml.measuring.metrics import named, score  # noqa: E402
from scipy.stats import binom, norm, t  # noqa: E402

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


# ------------------------------------------------------------------------------------------------ the page
FIGURES, FRAME, PAGE = (ROOT / name for name in ("tests/verdicts.json", "tests/verdicts.md", "docs/verdicts.md"))
ALPHA = 0.05
# the jackknife and the ranking are slow, so their figures have the larger error
ALONE = [
    (World("precision", 600), 10_000), (World("f1", 600), 10_000), (World("roc_auc", 400), 10_000),
    (World("average_precision", 300), 2_000), (World("macro_f1", 600), 10_000), (World("log_loss", 200), 10_000),
    (World("brier", 200), 10_000), (World("mae", 200), 10_000), (World("rmse", 200), 10_000),
    (World("ndcg_at_10", 300), 2_000), (World("mrr", 600), 2_000),
]  # fmt: skip
FEW = [(World(metric, 200, share=0.1, better=0.5), 10_000) for metric in ("precision", "f1", "roc_auc")]
GROUPED = [
    (World(metric, 30 * count, clusters=count, unequal=unequal, luck=0.5), 10_000)
    for metric in ("f1", "mae")
    for count in (8, 20)
    for unequal in (False, True)
]
PAIRS = [(30, -0.1), (30, 0.0), (30, 0.05), (60, -0.05), (60, 0.03), (100, -0.03), (100, 0.1)]
PLANNED = [(0.15, 0.48, -0.05), (0.15, 0.15, -0.05), (0.0, 0.04, 0.03), (0.05, 0.15, 0.0), (0.2, 0.5, 0.1)]
EXPONENTIAL = (8, 20, 29, 60, 200)


def passing(n: int, margin: float, alpha: float, counts: range) -> np.ndarray:
    """Of each number of discordant rows, the fewest that the new model has to win to pass; one more where none do."""
    found, least = [], 0
    for count in counts:
        least = min(least, count + 1)
        while least <= count and pairs.p_value(n, least, count - least, margin) > alpha:
            least += 1
        while least > 0 and pairs.p_value(n, least - 1, count - least + 1, margin) <= alpha:
            least -= 1
        found.append(least)
    return np.array(found)


def passes(n: int, least: np.ndarray, counts: range, discordance: float, gain: float) -> float:
    """The exact chance to pass where the models differ on this share of rows, and the new one gains so much."""
    discordance = max(discordance, 1e-12)
    wins = min(1.0, max(0.0, (discordance + gain) / 2 / discordance))
    told = np.arange(counts.start, counts.stop)
    return float((binom.pmf(told, n, min(1.0, discordance)) * binom.sf(least - 1, told, wins)).sum())


def power(n: int, gain: float, discordance: float, margin: float, alpha: float) -> float:
    """The exact power of the test, up to a millionth."""
    counts = range(int(binom.ppf(1e-7, n, discordance)), int(binom.isf(1e-7, n, discordance)) + 1)
    return passes(n, passing(n, margin, alpha, counts), counts, discordance, gain)


def largest(n: int, margin: float, alpha: float) -> float:
    """The largest chance of a false pass at the margin, over all shares of discordant rows, exact."""
    counts = range(n + 1)
    least, low = passing(n, margin, alpha, counts), abs(margin)
    shares = np.concatenate([np.linspace(low, min(1, low + 0.2), 81), np.linspace(low, 1, 41)])
    return max(passes(n, least, counts, share, margin) for share in shares)


def skewed(clusters: int, runs: int, seed: int = 4) -> tuple[float, float]:
    """Exponential luck against the claim: how often it passes, and how often a t test would let it."""
    draws, shown, blind = np.random.default_rng(seed), 0, 0
    for _ in range(runs):
        luck = 1 - draws.exponential(size=clusters)
        held = Influence((luck - luck.mean()) / clusters, np.full(clusters, 1 / clusters), 0.0, float(clusters))
        bounds = intervals.of_clusters(float(luck.mean()), held, clusters, ALPHA, "{}")
        shown += intervals.judged(bounds, held, True).low > 0
        error = luck.std(ddof=1) / math.sqrt(clusters)
        blind += luck.mean() - t.isf(ALPHA, clusters - 1) * error > 0
    return shown / runs, blind / runs


def further(world: World, alpha: float = ALPHA) -> float:
    """The gain above the minimum for which the normal formula promises a power of .80, from ten samples' errors."""
    rng, metric = np.random.default_rng(3), named(world.metric)  # type: ignore[arg-type]
    errors = [intervals.gain(metric, *world.sample(rng), alpha).error for _ in range(10)]
    return float((norm.isf(alpha) + norm.isf(0.2)) * np.nanmean(errors))


Table = list[list[float | str]]


def row(name: str, world: World, runs: int) -> list[float | str]:
    """What of, rows, samples, and the rates."""
    found = rates(world, ALPHA, runs, further(world))
    return [name, world.rows, runs, found.passes, found.fails, found.unknown, found.seen]


def planned() -> Table:
    """The rows of F05 and the exact power of the test with them."""
    found: Table = []
    for gain, share, margin in PLANNED:
        rows = samples.margin_rows(gain, share, margin, ALPHA, 0.8)
        what = f"gain {gain:g}, discordance {share:g}, allowed {margin:g}"
        found.append([what, rows, power(rows, gain, share, -margin, ALPHA)])
    return found


POWERED = {  # what is planned by figures that a large sample, or `baseline`, measured first
    "own:profit": "a team's own: profit a decision",
    "own:pinball": "a team's own: pinball loss at .9",
    "own:top": "a team's own: recall among the top hundredth",
    "mae, measured": "mae, its spread measured on today's practice",
    "rmse, measured": "rmse, its spread measured on today's practice",
}
POWER_RUNS = 1_000


def powered() -> Table:
    """The rows of a plan, and how often the engine sees the target's gain with them, on data of the planned shape."""
    return [
        [what, planned_shapes.plan_of(name)[0], POWER_RUNS, planned_shapes.power(name, POWER_RUNS)]
        for name, what in POWERED.items()
    ]


DAILY = 0.02  # the level at which days are simulated
UNEQUAL = [
    ("independent, .05 sd", drifting.World("numeric", 28, 300, 0.05, 0.0)),
    ("independent, .2 sd", drifting.World("numeric", 28, 300, 0.2, 0.0)),
    ("weekends off by .5 sd, .2 sd", drifting.World("numeric", 28, 300, 0.2, 0.5)),
    ("each with .7 of the day before, .2 sd", drifting.World("numeric", 28, 300, 0.2, 0.0, chain=0.7)),
    ("heavy tails (t, 3 degrees), .2 sd", drifting.World("numeric", 28, 300, 0.2, 0.0, tails=3)),
]
YEARLY = 0.0007  # the level of one of 42 noisy signals that share one alert a month


def replayed() -> Table:
    """Three real series, four planted changes: alerts before, days to the first one after, smallest shift printed."""
    found: Table = []
    for name, values in drifting.series().items():
        for change in drifting.CHANGES:
            seen = drifting.replay(values, change, YEARLY)
            found.append([name, change, seen.false, seen.before, seen.after, seen.least])
    return found


FALLS, YEARS = 1_000, 100  # samples of a row of live quality


def quality(name: str) -> list[str | float]:
    """Days printed; days simulated and their error; years with an alarm half way to the floor, and as accepted."""
    days = decaying.delays(name, FALLS)
    printed = decaying.held_to(name).falls / decaying.WORLDS[name][4]
    seen = [float(np.mean(days)), float(np.std(days, ddof=1) / math.sqrt(FALLS))]
    return [name, printed, *seen, *(decaying.years_with_an_alarm(name, way, YEARS) for way in (0.5, 0.0))]


TABLES: dict[str, Callable[[], Table]] = {
    "days": lambda: [
        [name, drifting.daily(world, DAILY, 12, 30) / DAILY, drifting.least(world, YEARLY)] for name, world in UNEQUAL
    ],
    "replayed": replayed,
    "quality": lambda: [quality(name) for name in decaying.WORLDS],
    "pairs": lambda: [[f"{n} rows, margin {margin:g}", largest(n, margin, ALPHA)] for n, margin in PAIRS],
    "planned": planned,
    "powered": powered,
    "skewed": lambda: [[f"{count} groups", *skewed(count, 2_000)] for count in EXPONENTIAL],
    "few": lambda: [row(world.metric, world, runs) for world, runs in FEW],
    "grouped": lambda: [
        row(f"{world.metric}, {world.clusters} {'log-normal' if world.unequal else 'equal'}", world, runs)
        for world, runs in GROUPED
    ],
    "alone": lambda: [row(world.metric, world, runs) for world, runs in ALONE],
}


def page(found: dict[str, Table]) -> str:
    """docs/verdicts.md: the rules in words, and the figures in tables."""

    def table(head: str, rows: list[list[str]]) -> str:
        cells = head.split(" | ")
        return "\n".join(["| " + " | ".join(line) + " |" for line in [cells, ["---"] * len(cells), *rows]])

    def simulated(name: str) -> str:
        rows = []
        for what, n, runs, passes, fails, unknown, seen in found[name]:
            error = math.sqrt(ALPHA * (1 - ALPHA) / float(runs))
            covered = 1 - float(passes) - float(fails)
            told = [f"{float(value):.3f}" for value in (passes, fails)] + [f"{error:.3f}", f"{covered:.3f}"]
            rows.append([str(what), str(n), str(runs), *told, f"{float(seen):.2f}", f"{float(unknown):.2f}"])
        head = "metric | rows | samples | false pass | false fail | error of both | coverage | power | without a bound"
        return table(head, rows)

    exact = table("rows and margin | largest false pass", [[str(a), f"{float(b):.4f}"] for a, b in found["pairs"]])
    planned = table("planned for | rows | power", [[str(a), str(b), f"{float(c):.3f}"] for a, b, c in found["planned"]])
    seen = [[str(a), str(b), str(c), f"{float(d):.3f}"] for a, b, c, d in found["powered"]]
    days = [[str(a), f"{float(b):.2f}", f"{float(c):.2f} sd"] for a, b, c in found["days"]]
    years = [
        [str(a), str(b), f"{false} of {before} days", f"on day {after}" if after else "never", f"{float(least):.2f} sd"]
        for a, b, false, before, after, least in found["replayed"]
    ]
    heads = ("series | planted after 90 days | alerts before it", "first alert after it | smallest shift printed")
    falls = [
        [str(name), *(f"{float(value):.1f}" for value in days), *(f"{float(value):.2f}" for value in years)]
        for name, *days, half, good in found["quality"]
        for years in [(half, good)]
    ]
    skew = [[str(a), f"{float(b):.3f}", f"{float(c):.3f}"] for a, b, c in found["skewed"]]
    return FRAME.read_text("utf-8").format(
        exact=exact, planned=planned, alone=simulated("alone"), few=simulated("few"), grouped=simulated("grouped"),
        powered=table("planned for | rows | samples | power", seen),
        skewed=table("groups | false pass | of a t test", skew), least=intervals.LEAST, fewest=intervals.FEWEST,
        many=intervals.MANY, falls=FALLS, years=YEARS,
        days=table("days that are | false alerts, of the budget | smallest shift printed", days),
        replayed=table(" | ".join(heads), years), quality=table(
            "what is lost | days printed | days simulated | error | years with an alarm half way | as accepted", falls
        ),
    )  # fmt: skip


def main(words: list[str]) -> None:
    """Work out the named tables, or all, keep their figures, and write the page."""
    found = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    for name in words or TABLES:
        rows = json.dumps(TABLES[name]())
        found[name] = json.loads(rows, parse_float=lambda text: round(float(text), 6))
        FIGURES.write_text(json.dumps({key: found[key] for key in TABLES if key in found}, indent=1) + "\n", "utf-8")
    PAGE.write_text(page(found), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
