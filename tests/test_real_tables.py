"""Real tables are walked by the printed next steps to a verdict, and verdict, point and bounds are computed otherwise.

The tables are those of tests/real_tables.py. A walk types `mlscaffold new --data`, writes the one page that names the
source's owner, and from there on what `status` prints as next; it ends at a promoted model or at an honest refusal.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import walk_states
from mlscaffold import cli
from real_tables import COMMON, TABLES
from sklearn import metrics
from walks import Walk

# How each walk ends: promoted, or the words of the refusal and of the step that is left.
ENDS = {
    "binary": "promoted",
    "rare": r"FAIL: .*Try another model|Better data or columns",
    "small": r"INCONCLUSIVE: .*\d+ more positive rows with labels to test on",
    "classes": "promoted",
    "trend": "promoted",
    "forecast": r"ship the rule, or lower the target",
    "groups": r"come from 2 values of firm: with fewer than 8 nothing can be shown",
    "ranking": "promoted",
    "database": r"FAIL: .*Try another model",
}
DRAWS = 4000
NEAR = 0.35  # of half the width of the bounds: what a bootstrap of a few hundred units may differ by


class Follower(Walk):
    """Whoever follows the printed steps and answers only the pages that a step names."""

    def takes(self, step: dict[str, Any]) -> str:
        if step["kind"] != "edit":
            return super().takes(step)
        changed = False
        for name in step["files"]:
            path = self.folder / name
            text = path.read_text("utf-8")
            answered = re.sub(r"\[NEEDS ANSWER[^\]]*\]", "Answered.", text)
            answered = re.sub(r"(?m)^status: proposed", "status: accepted", answered, count=1)
            path.write_text(answered, "utf-8")
            changed = changed or answered != text
        walk_states.commit(self.folder)
        return "" if changed else "edit"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder, and a home that nobody has set up."""
    folder = tmp_path_factory.mktemp("tables")
    with walk_states.surroundings(folder):
        yield folder


def born(name: str, place: Path) -> Path:
    """The repository that `mlscaffold new --data` makes of a table."""
    table, folder = TABLES[name], place / name
    folder.mkdir()
    given = {"kind_reason": "a test", "start_date": ""} | COMMON | dict(table.answers)
    words = ["new", f"Table {name}", "--kind", "ml", "--defaults", "--data", str(table.file(folder))]
    code = cli.run([*words, "--output", str(folder), *(f"--set={key}={value}" for key, value in given.items())])
    assert code == 0
    made = folder / f"table-{name}"
    source = made / "data/source.yaml"
    text = source.read_text("utf-8").replace('owner: ""', 'owner: "Ana"').replace('access: ""', 'access: "granted"')
    source.write_text(text, "utf-8")
    walk_states.git(made, "config", "user.name", "Ana")
    walk_states.git(made, "config", "user.email", "ana@example.org")
    walk_states.commit(made)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_is_walked_to_a_verdict(name: str, place: Path) -> None:
    """Nothing is waived; what was judged equals what scikit-learn and a bootstrap of the test's own say."""
    folder = born(name, place)
    walk = Follower(folder, random.Random(1))
    walk.follows()
    told = "\n".join(walk.history)

    assert not folder.joinpath("gates/waivers.yaml").exists()
    promoted = folder / "registry/models.json"
    if ENDS[name] == "promoted":
        assert json.loads(promoted.read_text("utf-8"))["aliases"]["champion"], told
    else:
        assert re.search(ENDS[name], told, re.DOTALL), told
        assert not promoted.exists() or not json.loads(promoted.read_text("utf-8"))["aliases"].get("champion")
    if folder.joinpath("evidence/acceptance.json").exists():
        agrees(folder)


# ------------------------------------------------------------------------------------------ computed otherwise
def agrees(folder: Path) -> None:
    """The evidence of an acceptance beside an own computation from its prediction files."""
    found = json.loads(folder.joinpath("evidence/acceptance.json").read_text("utf-8"))
    new, old = (
        duckdb.read_parquet(str(folder / f"store/{found['predictions'][which]}.parquet"))
        .df()
        .sort_values("_key", ignore_index=True)
        for which in ("model", "baseline")
    )
    assert new["_key"].equals(old["_key"])
    measure = Measure(found["metric"], found["decision_threshold"])
    for which, rows in (("result", new), ("baseline", old)):
        assert found[which]["value"] == pytest.approx(measure.score(rows), abs=2e-6)
    shown = found["gain"]
    assert shown["value"] == pytest.approx(measure.better * (measure.score(new) - measure.score(old)), abs=2e-6)
    low, high = measure.bootstrapped(new, old, shown["alpha"])
    half = (shown["high"] - shown["low"]) / 2
    assert shown["low"] == pytest.approx(low, abs=NEAR * half)
    assert shown["high"] == pytest.approx(high, abs=NEAR * half)
    if found["today"] is None:
        state = "pass" if low >= found["minimum"] else "fail" if high < found["minimum"] else "inconclusive"
        clear = min(abs(low - found["minimum"]), abs(high - found["minimum"])) > NEAR * half
        assert not clear or found["verdict"]["state"] == state


class Measure:
    """A metric on a prediction file: by scikit-learn, and bootstrapped over rows or what holds them together."""

    def __init__(self, name: str, threshold: float) -> None:
        self.name, self.threshold, self.better = name, threshold, -1 if name == "mae" else 1

    def score(self, rows: pd.DataFrame) -> float:
        """By scikit-learn."""
        right, said = rows["_y"], rows.get("score")
        if self.name == "ndcg_at_10":
            return float(np.mean(self.each(rows)[0]))
        known: dict[str, Callable[[], float]] = {
            "roc_auc": lambda: metrics.roc_auc_score(right, said),
            "average_precision": lambda: metrics.average_precision_score(right, said),
            "recall": lambda: metrics.recall_score(right, said >= self.threshold),
            "accuracy": lambda: metrics.accuracy_score(right.astype(str), _classes(rows)),
            "mae": lambda: metrics.mean_absolute_error(right, said),
        }
        return known[self.name]()

    def each(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray] | None:
        """What each unit adds, and the units, where the metric is a mean over units; None where it is not."""
        right = rows["_y"].to_numpy()
        if self.name == "ndcg_at_10":
            parts = [part for _, part in rows.groupby("_query")]
            found = [metrics.ndcg_score([part["_y"].astype(float)], [part["score"]], k=10) for part in parts]
            return np.array(found), np.arange(len(parts))
        added = {
            "recall": lambda: (rows["score"].to_numpy() >= self.threshold)[right == 1],
            "accuracy": lambda: _classes(rows) == right.astype(str),
            "mae": lambda: np.abs(right - rows["score"].to_numpy()),
        }.get(self.name)
        if added is None:
            return None
        counted = right == 1 if self.name == "recall" else np.full(len(rows), True)
        held = rows["_cluster"].astype(str).to_numpy() if "_cluster" in rows else np.arange(len(rows)).astype(str)
        return added().astype(float), held[counted]

    def bootstrapped(self, new: pd.DataFrame, old: pd.DataFrame, alpha: float) -> tuple[float, float]:
        """One-sided bounds of the gain, from rows or groups that are drawn anew with both models' answers."""
        rng, pair = np.random.default_rng(1), (self.each(new), self.each(old))
        if pair[0] is not None and pair[1] is not None:
            differences, places = pair[0][0] - pair[1][0], np.unique(pair[0][1], return_inverse=True)[1]
            units = places.max() + 1
            sums, sizes = np.bincount(places, differences, units), np.bincount(places, minlength=units)
            counts = rng.multinomial(units, np.full(units, 1 / units), DRAWS)
            gains = (counts @ sums) / (counts @ sizes)
        else:
            drawn = (rng.integers(0, len(new), len(new)) for _ in range(DRAWS // 5))
            gains = np.array([self.score(new.iloc[rows]) - self.score(old.iloc[rows]) for rows in drawn])
        low, high = np.quantile(self.better * gains, (alpha, 1 - alpha))
        return float(low), float(high)


def _classes(rows: pd.DataFrame) -> np.ndarray:
    chances = rows.filter(like="p:")
    found: np.ndarray = chances.columns.str.removeprefix("p:").to_numpy()[chances.to_numpy().argmax(axis=1)]
    return found
