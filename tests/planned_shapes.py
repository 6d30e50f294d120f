"""Data of the shape that the plan takes them to have: today's practice and the target on the same rows, per metric.

Each shape says the plan's answers, and draws both systems as the formulas of sizes describe them: F05 right and wrong
answers that err independently, F07 and F35 normal scores of two classes, F36 the same way round between classes. How
much the two systems' losses move together is measured on a large sample and given to the plan as `error_correlation`,
so that nothing but the size itself is tried.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from mlscaffold import answers as answers_module
from mlscaffold.planning.formulas import samples
from mlscaffold.planning.plan import compute
from planrun_ml.measuring import intervals, measures
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.influence import influence
from planrun_ml.measuring.metrics import Metric, named, score
from scipy.optimize import brentq
from scipy.stats import norm

Pair = tuple[Case, Case]  # the system at the target first, today's second
Draw = Callable[[np.random.Generator, int], Pair]
LARGE = 200_000
PROBABILITIES = ("log_loss", "brier")
DECISION = {"decision": "Somebody decides something else than today.", "start_date": "2026-03-02", "kind": "ml"}


@dataclass(frozen=True)
class Shape:
    """A metric, the answers that plan it, and how its rows are drawn."""

    metric: str
    texts: Mapping[str, str]
    draw: Draw
    unit_rows: int = 1  # rows in a query
    own: Metric | None = None

    @property
    def measured(self) -> Metric:
        """The engine's metric."""
        return self.own or named(self.metric)  # type: ignore[arg-type]


def both_normal(share: float, aparts: tuple[float, float], together: float = 0.6) -> Callable[..., tuple]:
    """Right answers and two systems' scores: normal in both classes, `aparts` standard deviations from each other."""

    def scores(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        y = (rng.random(rows) < share).astype(float)
        shared = rng.normal(size=(rows, 1))
        noise = math.sqrt(together) * shared + math.sqrt(1 - together) * rng.normal(size=(rows, 2))
        return y, noise + y[:, None] * np.array(aparts)

    return scores


def flagged_as_often(share: float, apart: float) -> float:
    """The cut above which as many rows lie as are positive, so that precision and recall are the same."""
    return float(brentq(lambda cut: share * norm.sf(cut - apart) + (1 - share) * norm.sf(cut) - share, -10, 20))


def apart_for(metric: str, share: float, value: float) -> float:
    """How far the classes lie apart where the metric has this value; by a sample for what has no closed form."""
    if metric == "roc_auc":
        return math.sqrt(2) * float(norm.ppf(value))
    if metric == "f1":
        return float(brentq(lambda d: norm.sf(flagged_as_often(share, d) - d) - value, 0.01, 12))
    rng = np.random.default_rng(17)
    y, noise = (rng.random(LARGE) < share).astype(float), rng.normal(size=LARGE)

    def found(apart: float) -> float:
        scores = noise + apart * y
        said = calibrated(share, apart, scores) if metric in PROBABILITIES else scores
        return float(score(named(metric), Case(y, said)))  # type: ignore[arg-type]

    return float(brentq(lambda d: found(d) - value, 0.01, 8, xtol=1e-3))


def calibrated(share: float, apart: float, scores: np.ndarray) -> np.ndarray:
    """The chance of a positive, given its score."""
    found: np.ndarray = 1 / (1 + (1 - share) / share * np.exp(-apart * scores + apart**2 / 2))
    return found


def of_scores(metric: str, share: float, values: tuple[float, float]) -> Draw:
    """Two systems by their scores; probabilities where the metric asks for them, a cut where it decides."""
    aparts = tuple(apart_for(metric, share, value) for value in values)
    draw = both_normal(share, aparts)  # type: ignore[arg-type]

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        y, scores = draw(rng, rows)
        cases = []
        for at, apart in enumerate(aparts):
            if metric in PROBABILITIES:
                cases.append(Case(y, calibrated(share, apart, scores[:, at])))
            elif metric == "f1":
                cases.append(Case(y, scores[:, at], flagged_as_often(share, apart)))
            else:
                cases.append(Case(y, scores[:, at]))
        return cases[0], cases[1]

    return pair


def of_rights(values: tuple[float, float], share: float) -> Draw:
    """Positives found (and with a share of 1 rows told) right, by two systems that err independently."""

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        y = (rng.random(rows) < share).astype(float)
        right = rng.random((rows, 2)) < np.array(values)
        said = np.where(right, y[:, None], 1 - y[:, None])
        return Case(y, said[:, 0]), Case(y, said[:, 1])

    return pair


def of_alarms(values: tuple[float, float], share: float, flagged: float) -> Draw:
    """Two systems that raise as many alarms, apart from each other but for what is positive, with these precisions."""
    chances = np.array([[flagged * (1 - v) / (1 - share), flagged * v / share] for v in values])

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        y = (rng.random(rows) < share).astype(float)
        said = (rng.random((rows, 2)) < chances[:, y.astype(int)].T).astype(float)
        return Case(y, said[:, 0]), Case(y, said[:, 1])

    return pair


def of_classes(values: tuple[float, float], classes: int, rarest: float) -> Draw:
    """Systems that find each class with precision and recall of the value; mistakes are as frequent both ways."""
    names = tuple(f"c{number}" for number in range(classes))
    shares = np.array([rarest, *[(1 - rarest) / (classes - 1)] * (classes - 1)])
    rows_of = []
    for value in values:
        cells = np.zeros((classes, classes))
        cells[0, 1:] = cells[1:, 0] = rarest * (1 - value) / (classes - 1)
        cells[1:, 1:] = (shares[1] * (1 - value) - cells[0, 1]) / (classes - 2)
        np.fill_diagonal(cells, shares * value)
        rows_of.append(np.cumsum(cells / cells.sum(1, keepdims=True), axis=1))

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        truth = rng.choice(classes, size=rows, p=shares)
        cases = []
        for chances in rows_of:
            said = (rng.random((rows, 1)) > chances[truth]).sum(axis=1)
            cases.append(Case(np.array(names)[truth], np.eye(classes)[np.minimum(said, classes - 1)], classes=names))
        return cases[0], cases[1]

    return pair


def of_amounts(metric: str, values: tuple[float, float]) -> Draw:
    """Normal errors around the right amount, which move together."""
    spread = np.array(values) * (math.sqrt(math.pi / 2) if metric == "mae" else 1.0)

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        y = rng.normal(100.0, 20.0, rows)
        noise = math.sqrt(0.7) * rng.normal(size=(rows, 1)) + math.sqrt(0.3) * rng.normal(size=(rows, 2))
        said = y[:, None] + noise * spread
        return Case(y, said[:, 0]), Case(y, said[:, 1])

    return pair


PLACES = 10  # items of a query


def of_places(metric: str, values: tuple[float, float]) -> Draw:
    """One right item a query, each place a fixed number of times as likely to hold it as the next, in both systems."""
    worth = 1 / np.arange(1, PLACES + 1) if metric == "mrr" else 1 / np.log2(np.arange(2, PLACES + 2))

    def chances(value: float) -> np.ndarray:
        def places(p: float) -> np.ndarray:
            found = p * (1 - p) ** np.arange(PLACES)
            return found / found.sum()

        return places(float(brentq(lambda p: places(p) @ worth - value, 1e-6, 1 - 1e-9)))

    told = [np.cumsum(chances(value)) for value in values]

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        count = max(1, rows // PLACES)
        queries = np.repeat(np.arange(count), PLACES).astype(object)
        y = np.tile(np.arange(PLACES) == 0, count).astype(float)
        shared, cases = rng.normal(size=count), []
        for steps in told:
            own = norm.cdf(math.sqrt(0.6) * shared + math.sqrt(0.4) * rng.normal(size=count))
            place = np.minimum(np.searchsorted(steps, own), PLACES - 1)
            scores = np.tile(-np.arange(PLACES, dtype=float), (count, 1))  # of the others, in their order
            scores[:, 0] = -place + 0.5
            scores[:, 1:] = -np.arange(PLACES - 1)[None, :]
            cases.append(Case(y, scores.ravel(), queries=queries))
        return cases[0], cases[1]

    return pair


def binary(metric: str, today: float, target: float, minimum: float, share: float, **more: str) -> dict[str, str]:
    """Answers of a yes-or-no task."""
    texts = {"task": "binary", "metric": metric, "positive_share": str(share), "current_value": str(today)}
    return texts | {"target_value": str(target), "min_gain": str(minimum)} | more


# ------------------------------------------------------------------------------------------------ a team's own

FOUND, FOR_NOTHING, QUANTILE, TOP = 40.0, -8.0, 0.9, 0.01
EXPERIMENT, EXPERIMENTS = 6_000, 40  # rows of one, and how many are averaged: one alone is off by a quarter


def profit(case: Case) -> np.ndarray:
    """What acting earns on each row: much where there was something, a loss where there was nothing."""
    return np.where(case.scores >= case.threshold, np.where(case.y == 1, FOUND, FOR_NOTHING), 0.0)


def pinball(case: Case) -> np.ndarray:
    """The pinball loss of a forecast that nine outcomes in ten shall stay below."""
    short = case.y - case.scores
    return np.maximum(QUANTILE * short, (QUANTILE - 1) * short)


def found_in_the_top(case: Case) -> float:
    """Share of the positives that lie among the highest hundredth of the scores."""
    flagged = np.argsort(-case.scores, kind="stable")[: max(1, int(len(case.y) * TOP))]
    return float(case.y[flagged].sum() / max(1.0, case.y.sum()))


def _large(draw: Draw, measured: Metric) -> tuple[Case, Case, float, float]:
    """Both systems on a large sample, with their values."""
    first, second = draw(np.random.default_rng(29), LARGE)
    return first, second, float(score(measured, first)), float(score(measured, second))


def of_an_own_mean(name: str, task: str, measured: Metric, draw: Draw) -> Shape:
    """A mean of the team's own: value, spread and gain as `baseline` would measure them, a third of it the minimum."""
    _, today, target, value = _large(draw, measured)
    each = measured.each
    assert each is not None
    texts = {
        "task": task,
        "metric": f"own:{name}",
        "metric_form": "mean",
        "metric_direction": measured.better,
        "current_value": f"{value:.5g}",
        "target_value": f"{target:.5g}",
        "min_gain": f"{abs(target - value) / 3:.4g}",
        "metric_spread": f"{float(np.std(each(today))):.5g}",
    }
    return Shape(f"own:{name}", texts, draw, own=measured)


def of_an_own_top(share: float) -> Shape:
    """Recall among the top hundredth, which no row has alone; its discordance is what experiments measure."""
    draw = of_scores_apart(share, (2.8, 2.1))
    measured = Metric(value=found_in_the_top, share=True, counted_on="positives", name="own:top")
    _, _, target, value = _large(draw, measured)
    texts = binary("own:top", round(value, 4), round(target, 4), round((target - value) / 6, 4), share)
    texts |= {"metric_form": "share", "metric_counted_on": "positives", "metric_direction": "higher"}
    rng = np.random.default_rng(31)
    differ = [measures.of_pair(measured, *draw(rng, EXPERIMENT))["discordance"] for _ in range(EXPERIMENTS)]
    return Shape("own:top", texts | {"discordance": f"{float(np.mean(differ)):.4f}"}, draw, own=measured)


def of_scores_apart(share: float, aparts: tuple[float, float], cut: float = 0.5) -> Draw:
    """Two systems by their scores alone, and the cut from which they act."""
    draw = both_normal(share, aparts)

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        y, scores = draw(rng, rows)
        return Case(y, scores[:, 0], cut), Case(y, scores[:, 1], cut)

    return pair


def of_quantiles(spreads: tuple[float, float]) -> Draw:
    """Forecasts of the nine-tenths quantile, the narrower the better known; their errors move together."""

    def pair(rng: np.random.Generator, rows: int) -> Pair:
        shared, y = rng.normal(size=rows), rng.normal(100.0, 20.0, rows)
        at = []
        for spread in spreads:
            noise = math.sqrt(0.7) * shared + math.sqrt(0.3) * rng.normal(size=rows)
            at.append(Case(y, y + spread * (noise + float(norm.ppf(QUANTILE)))))
        return at[0], at[1]

    return pair


OWN: dict[str, Callable[[], Shape]] = {
    "own:profit": lambda: of_an_own_mean(
        "profit", "binary", Metric(each=profit, name="own:profit"), of_scores_apart(0.1, (1.7, 1.4), 1.6)
    ),
    "own:pinball": lambda: of_an_own_mean(
        "pinball", "regression", Metric(each=pinball, better="lower", name="own:pinball"), of_quantiles((8.8, 10.0))
    ),
    "own:top": lambda: of_an_own_top(0.02),
}
# The same once `baseline` has measured how much today's losses vary, which the target's do less.
MEASURED = {"mae, measured": ("mae", 10 * samples.SD_PER_MAE), "rmse, measured": ("rmse", math.sqrt(2) * 10**2)}


@functools.cache
def shape_of(name: str) -> Shape:
    """A built-in metric's shape, or one of a team's own, whose figures a large sample measures first."""
    if name in MEASURED:
        metric, spread = MEASURED[name]
        known = SHAPES[metric]
        return replace(known, texts={**known.texts, "error_spread": f"{spread:.6g}"})
    return OWN[name]() if name in OWN else SHAPES[name]


SHAPES: dict[str, Shape] = {
    "recall": Shape("recall", binary("recall", 0.55, 0.7, 0.05, 0.3), of_rights((0.7, 0.55), 0.3)),
    "precision": Shape(
        "precision", binary("precision", 0.55, 0.7, 0.05, 0.3, review_rate="0.02"), of_alarms((0.7, 0.55), 0.3, 0.02)
    ),
    "accuracy": Shape("accuracy", binary("accuracy", 0.8, 0.86, 0.02, 0.3), of_rights((0.86, 0.8), 0.3)),
    "roc_auc": Shape("roc_auc", binary("roc_auc", 0.75, 0.81, 0.02, 0.2), of_scores("roc_auc", 0.2, (0.81, 0.75))),
    "average_precision": Shape(
        "average_precision",
        binary("average_precision", 0.5, 0.62, 0.02, 0.2),
        of_scores("average_precision", 0.2, (0.62, 0.5)),
    ),
    "f1": Shape("f1", binary("f1", 0.5, 0.6, 0.02, 0.2), of_scores("f1", 0.2, (0.6, 0.5))),
    "log_loss": Shape("log_loss", binary("log_loss", 0.42, 0.37, 0.01, 0.2), of_scores("log_loss", 0.2, (0.37, 0.42))),
    "brier": Shape("brier", binary("brier", 0.13, 0.115, 0.003, 0.2), of_scores("brier", 0.2, (0.115, 0.13))),
    "macro_f1": Shape(
        "macro_f1",
        {"task": "multiclass", "metric": "macro_f1", "class_count": "4", "rarest_share": "0.1", "current_value": "0.6",
         "target_value": "0.7", "min_gain": "0.03"},
        of_classes((0.7, 0.6), 4, 0.1),
    ),
    **{
        metric: Shape(
            metric,
            {"task": "regression", "metric": metric, "current_value": "10", "target_value": "8.8", "min_gain": "0.4"},
            of_amounts(metric, (8.8, 10.0)),
        )
        for metric in ("mae", "rmse")
    },
    **{
        metric: Shape(
            metric,
            {"task": "ranking", "metric": metric, "group_size": str(PLACES), "current_value": "0.5",
             "target_value": "0.58", "min_gain": "0.02"},
            of_places(metric, (0.58, 0.5)),
            PLACES,
        )
        for metric in ("ndcg_at_10", "mrr")
    },
}  # fmt: skip


@functools.cache
def together(name: str) -> float:
    """How the two systems' losses (estimates, of an AUC) move together, on a large sample."""
    shape = shape_of(name)
    first, second = shape.draw(np.random.default_rng(23), 20_000 if shape.metric == "average_precision" else LARGE)
    metric = shape.measured
    if metric.name == "rmse":  # the plan's loss is the squared error
        metric = named("rmse")
    moves = [influence(metric, [case]).moves for case in (first, second)]
    return float(np.corrcoef(*moves)[0, 1])


@functools.cache
def plan_of(name: str) -> tuple[int, float, float]:
    """The rows that the plan asks for at a single look, with the alpha and the power that it promises."""
    texts = DECISION | dict(shape_of(name).texts)
    if shape_of(name).metric not in ("recall", "precision", "accuracy", "own:top"):
        texts["error_correlation"] = f"{min(0.99, max(0.0, together(name))):.4f}"
    plan = compute(answers_module.complete(texts))
    acceptance, test = plan["acceptance"], plan["test"]
    return test["rows_one_look"]["value"], acceptance["alpha"]["value"], acceptance["power"]["value"]


def power(name: str, runs: int, seed: int = 1) -> float:
    """How often the engine sees the target's gain above the smallest useful one, with the planned rows."""
    shape = shape_of(name)
    rows, alpha, _ = plan_of(name)
    rng, minimum = np.random.default_rng(seed), float(shape.texts["min_gain"])
    seen = sum(
        intervals.verdict(intervals.gain(shape.measured, *shape.draw(rng, rows), alpha), minimum).state == "pass"
        for _ in range(runs)
    )
    return seen / runs
