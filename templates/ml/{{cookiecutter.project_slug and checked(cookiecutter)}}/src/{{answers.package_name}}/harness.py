"""Is the measuring instrument sound? A constant must score what arithmetic says, noise must score chance, and the
same seed must give the same model twice. A harness that fails here would have flattered every experiment after it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from . import baseline, train
from .dataset import Frame
from .evaluate import NATURAL, higher_is_better, score
from .intervals import interval, of_mean

TOLERANCE = 1e-9
SHARES = (0.15, 0.3, 0.5, 0.75, 1.0)
MOST = 20_000  # training rows: the shape of the curve shows below this, and the audit stays quick
SHUFFLES = 10


def check(train_rows: Frame, validation: Frame, task: str, metric: str, threshold: float) -> dict[str, Any]:
    """The three results, each with `ok`."""
    settings = train.config("linear")
    return {
        "constant": constant(train_rows, validation, task, metric, threshold),
        "shuffled": shuffled(train_rows, validation, task, settings, threshold),
        "double_run": double_run(train_rows, validation, task, settings),
    }


def constant(train_rows: Frame, validation: Frame, task: str, metric: str, threshold: float) -> dict[str, Any]:
    """The constant predictor, by the evaluator and by arithmetic that shares no code with it."""
    rule = baseline.constant(train_rows, task)
    names = baseline.classes(rule)
    case = validation.case(baseline.scores(rule, validation.x), threshold, names)
    level = {name: float(sql) for name, sql in rule["sql"].items()}
    found = {}
    for name in dict.fromkeys((metric, NATURAL[task])):
        expected = _expected(name, validation, level, threshold)
        if expected is None:
            continue
        measured = score(name, case)
        slack = 1e-6 if name not in ("ndcg_at_10", "mrr") else _slack(name, case)
        found[name] = {"measured": measured, "expected": expected, "ok": abs(measured - expected) <= slack}
    return {"metrics": found, "ok": bool(found) and all(entry["ok"] for entry in found.values())}


def _slack(name: str, case: Any) -> float:
    """One random order is no mean over all: as far as its 99 % interval reaches."""
    found = interval(name, case, 0.005)
    return found.value - found.low


def _expected(name: str, frame: Frame, level: dict[str, float], threshold: float) -> float | None:
    y = frame.y
    if name == "roc_auc":
        return 0.5
    if name in ("mae", "rmse"):
        error = [abs(float(value) - level["score"]) for value in y]
        return sum(error) / len(y) if name == "mae" else (sum(e * e for e in error) / len(y)) ** 0.5
    if name == "ndcg_at_10":
        return _random_ndcg(frame)
    if list(level) == ["score"]:
        p, share = level["score"], float((y == 1).mean())
        says_yes = p >= threshold
        table = {
            "accuracy": share if says_yes else 1 - share,
            "recall": float(says_yes),
            "brier": share * (1 - p) ** 2 + (1 - share) * p**2,
            "average_precision": share,
            "log_loss": -share * np.log(p) - (1 - share) * np.log(1 - p) if 0 < p < 1 else None,
        }
        return table.get(name)
    if name == "accuracy":
        return sum(1 for value in y if value == max(level, key=level.__getitem__)) / len(y)
    return None


def _random_ndcg(frame: Frame) -> float:
    total = []
    for query in dict.fromkeys(frame.queries):
        gains = [2**grade - 1 for grade in frame.y[frame.queries == query]]
        discounts = [1 / np.log2(place + 2) for place in range(min(10, len(gains)))]
        ideal = sum(g * d for g, d in zip(sorted(gains, reverse=True), discounts, strict=False))
        total.append(sum(gains) / len(gains) * sum(discounts) / ideal if ideal else 0.0)
    return float(np.mean(total))


def shuffled(
    train_rows: Frame, validation: Frame, task: str, settings: Mapping[str, Any], threshold: float
) -> dict[str, Any]:
    """Models trained on shuffled answers must on average not beat the constant, with 99 % confidence."""
    rule, metric, gains = baseline.constant(train_rows, task), NATURAL[task], []
    flat = score(metric, validation.case(baseline.scores(rule, validation.x), threshold, baseline.classes(rule)))
    for number in range(SHUFFLES):
        noise = replace(train_rows, y=np.random.default_rng(number).permutation(train_rows.y))
        model = train.fit(noise, task, settings)
        case = validation.case(train.predict(model, validation.x, task), threshold, train.classes(model, task))
        gains.append((score(metric, case) - flat) * (1 if higher_is_better(metric) else -1))
    found = of_mean(np.array(gains), 0.005)
    return {"metric": metric, "gain_over_constant": found.as_json(), "ok": bool(found.low <= 0)}


def double_run(train_rows: Frame, validation: Frame, task: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Two trainings with one seed must give the same scores."""
    said = [train.predict(train.fit(train_rows, task, settings), validation.x, task) for _ in range(2)]
    difference = float(np.abs(said[0] - said[1]).max())
    return {"largest_difference": difference, "tolerance": TOLERANCE, "ok": difference <= TOLERANCE}


# ---------------------------------------------------------------------------------------------------- more rows?
def curve(rows: Frame, validation: Frame, task: str, metric: str, threshold: float) -> dict[str, Any]:
    """Would more rows help? Errors of a simple model at growing sizes, and a + b·size^-c through them."""
    order = _order(rows)
    sizes, errors = [], []
    for share in SHARES:
        part = order[: max(20, int(share * min(len(order), MOST)))]
        if task in train.CLASSIFY and len(set(rows.y[part].astype(str))) < 2:
            continue
        cut = Frame(rows.keys[part], rows.x.iloc[part], rows.y[part], None, None, rows.segments)
        model = train.fit(cut, task, train.config("linear"))
        case = validation.case(train.predict(model, validation.x, task), threshold, train.classes(model, task))
        value = score(metric, case)
        sizes.append(len(part))
        errors.append(1 - value if higher_is_better(metric) else value)
    return {"metric": metric, "sizes": sizes, "errors": errors, "rows": len(order)} | power_law(sizes, errors)


def power_law(sizes: list[int], errors: list[float]) -> dict[str, Any]:
    """a + b·n^-c by least squares over a grid of c, weighted by size; the band is two residual deviations wide."""
    n, e = np.array(sizes, dtype=float), np.array(errors, dtype=float)
    if len(set(sizes)) < 4 or not np.isfinite(e).all():
        return {"fit": None}
    best: tuple[float, float, float, float] | None = None
    for c in np.arange(0.05, 1.51, 0.05):
        design = np.column_stack([np.ones(len(n)), n**-c]) * np.sqrt(n)[:, None]
        (a, b), *_ = np.linalg.lstsq(design, e * np.sqrt(n), rcond=None)
        if a < 0 or b < 0:
            a, b = (max(0.0, float(np.average(e, weights=n))), 0.0) if b < 0 else (0.0, float((e * n**c).mean()))
        left = float((n * (a + b * n**-c - e) ** 2).sum())
        if best is None or left < best[0]:
            best = (left, float(a), float(b), float(c))
    left, a, b, c = best
    band = 2 * (left / n.sum()) ** 0.5
    return {"fit": {"a": a, "b": b, "c": c, "band": band, "at_all_rows": a + b * float(n[-1]) ** -c}}


def _order(rows: Frame) -> np.ndarray:
    """A shuffle that keeps a cluster's rows side by side."""
    unit = rows.queries if rows.queries is not None else rows.clusters
    place = np.arange(len(rows.y)) if unit is None else np.unique(unit.astype(str), return_inverse=True)[1]
    shuffled = np.random.default_rng(17).permutation(int(place.max()) + 1)
    return np.argsort(shuffled[place], kind="stable")
