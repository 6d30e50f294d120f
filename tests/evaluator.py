"""Write tests/evaluator.json: what each of the engine's metrics says of two models on the same rows.

A reviewer reads the change: a metric that says something else is another metric. The score of a new one is compared
with another program's before its lines are kept, because nothing else holds the formula.
"""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator")]

import numpy as np  # noqa: E402
from planrun_ml.measuring import intervals  # noqa: E402
from planrun_ml.measuring.case import Case  # noqa: E402
from planrun_ml.measuring.metrics import named, score  # noqa: E402
from planrun_ml.watching import quality  # noqa: E402

KNOWN = ROOT / "tests" / "evaluator.json"
DIGITS = 6  # as intervals are written; further ones are those of a machine and its libraries
NAMES = {
    "binary": "recall precision accuracy roc_auc average_precision f1 log_loss brier cost",
    "multiclass": "accuracy macro_f1 log_loss cost",
    "regression": "mae rmse",
    "ranking": "ndcg_at_10 mrr",
}


def pairs() -> dict[str, list[Case]]:
    """Two models on the same 240 rows of each task, the first the better one."""
    rng = np.random.default_rng(3)
    y = (rng.random(240) < 0.3).astype(float)
    found = {"binary": []}
    for strength in (1.0, 0.7):
        said = 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(0, 1, 240))))
        found["binary"].append(Case(y, np.round(said, 3), 0.4, prices=(4.0, 150.0)))
    names = np.array(["a", "b", "c"])
    truth = names[rng.integers(0, 3, 240)]
    found["multiclass"] = []
    for strength in (0.6, 0.3):
        said = rng.dirichlet([1, 1, 1], 240) + strength * (truth[:, None] == names)
        said /= said.sum(1, keepdims=True)
        found["multiclass"].append(Case(truth, said, 0.5, tuple(names), prices=(0, 3.0)))
    amounts = rng.normal(10, 3, 240)
    found["regression"] = [Case(amounts, amounts + rng.normal(0, spread, 240)) for spread in (1.0, 1.5)]
    queries, grades = np.repeat(np.arange(40), 6).astype(object), rng.integers(0, 4, 240).astype(float)
    found["ranking"] = [Case(grades, grades + rng.normal(0, spread, 240), queries=queries) for spread in (1.0, 2.0)]
    return found


def says(task: str, name: str, grouped: bool) -> dict[str, Any]:
    """Score, interval and gain on rows alone or in groups; on rows alone, what 240 late labels show as well."""
    groups = np.repeat(np.arange(20), 12) if task == "ranking" else np.repeat(np.arange(60), 4)
    one, other = (replace(case, clusters=groups.astype(object) if grouped else None) for case in pairs()[task])
    metric = named(name)
    found = intervals.interval(metric, one, 0.05)
    said = {
        "score": round(score(metric, one), DIGITS),
        "interval": found.as_json(),
        "gain": intervals.gain(metric, one, other, 0.05).as_json(),
    }
    if grouped or name == "cost":  # money is what decisions cost, and no quality that is watched
        return said
    spread = (found.high - found.low) / 2 / 1.645 * math.sqrt(found.n)
    held = {"value": found.value, "low": found.low, "high": found.high, "rows": found.n, "spread": spread}
    floor = found.value * (0.8 if metric.sign > 0 else 1.3)
    bounds = quality.bounds(metric, held, floor, math.log(365), 0.01, 0.8)
    one = quality.verdict(metric, other, np.arange(240) // 24, bounds).verdict
    return said | {"watch": [one.test, one.state, one.reason, one.missing]}


def key(task: str, name: str, grouped: bool) -> str:
    return f"{task} {name}{' grouped' if grouped else ''}"


def every() -> list[tuple[str, str, bool]]:
    """Each metric of each task, on rows alone and in groups."""
    return [(task, name, grouped) for task in NAMES for name in NAMES[task].split() for grouped in (False, True)]


def main() -> None:
    """One entry a metric, in the order of their names."""
    said = {key(*one): says(*one) for one in every()}
    KNOWN.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
