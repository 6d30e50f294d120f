"""The check of the harness with shuffled answers: sound on any target, and not where answers seep through."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planrun_ml.audit import harness
from planrun_ml.baseline import rule
from planrun_ml.data.frames import Frame
from planrun_ml.measuring.metrics import NATURAL, named, score
from planrun_ml.models import configuration, training

ROWS, HELD = 1200, 400
Target = Callable[[np.random.Generator, np.ndarray], np.ndarray]
TARGETS: dict[str, tuple[str, Target]] = {
    "skewed, and it grows": ("regression", lambda d, at: np.exp(d.normal(0, 1.2, len(at))) * (1 + 3 * at)),
    "skewed, and it falls": ("regression", lambda d, at: np.exp(d.normal(0, 1.2, len(at))) * (4 - 3 * at)),
    "mostly nothing": ("regression", lambda d, at: np.where(d.random(len(at)) < 0.8, 0, d.exponential(9, len(at)))),
    "a trend alone": ("forecast", lambda d, at: 100 + 50 * at + d.normal(0, 1, len(at))),
    "a rare yes that becomes frequent": ("binary", lambda d, at: (d.random(len(at)) < 0.02 + 0.3 * at).astype(float)),
    "another class becomes the largest": (
        "multiclass",
        lambda d, at: np.where(d.random(len(at)) < 0.75 - 0.7 * at, "calm", "wild").astype(object),
    ),
}  # fmt: skip


def frames(name: str, seed: int) -> tuple[Frame, Frame, str]:
    """Training rows and later ones, with a column that grows and two that say nothing."""
    task, target = TARGETS[name]
    draw, at = np.random.default_rng(seed), np.arange(ROWS + HELD) / (ROWS + HELD)
    x = pd.DataFrame(
        {"grown": at + draw.normal(0, 0.1, len(at)), "a": draw.normal(0, 1, len(at)), "b": draw.random(len(at))}
    )
    y, kinds = target(draw, at), dict.fromkeys(x, "number")
    parts = (slice(0, ROWS), slice(ROWS, None))
    rows, held = (
        Frame(np.arange(len(y))[part], x[part].reset_index(drop=True), y[part], None, None, pd.DataFrame(), kinds)
        for part in parts
    )
    return rows, held, task


def checked(name: str, seed: int) -> bool:
    """Whether shuffled answers, drawn with this seed, are found to be no better than the constant."""
    rows, held, task = frames(name, seed)
    flat = rule.case(rule.constant(rows, task), held, 0.5)
    return bool(harness.shuffled(rows, held, task, configuration.config("linear"), flat)["ok"])


@pytest.mark.parametrize("name", TARGETS)
def test_shuffled_answers_raise_no_false_alarm(name: str) -> None:
    """Whatever the target's shape, and wherever it goes after training."""
    assert all(checked(name, seed) for seed in range(4))


def test_the_median_is_no_guess_of_the_same_kind() -> None:
    """What made the alarm false: the mean of training is nearer to answers that grew than its median is."""
    rows, held, task = frames("skewed, and it grows", 0)
    metric = named(NATURAL[task])
    flat = rule.case(rule.constant(rows, task), held, 0.5)

    assert harness.guessed(metric, flat, rows, task, 0) < score(metric, flat)


@pytest.mark.parametrize("name", ["skewed, and it grows", "a rare yes that becomes frequent"])
def test_answers_that_seep_through_are_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit that sees the right answers after all: the check says that the harness is not sound."""
    rows, held, task = frames(name, 1)
    telling = 1.0 * (held.y > np.median(held.y)) if task == "regression" else held.y
    held.x["a"] = telling
    rows.x["a"] = 1.0 * (rows.y > np.median(rows.y)) if task == "regression" else rows.y
    learned = training.learned
    monkeypatch.setattr(training, "learned", lambda ready, noise, *rest: learned(ready, rows.y, *rest))
    flat = rule.case(rule.constant(rows, task), held, 0.5)

    assert not harness.shuffled(rows, held, task, configuration.config("linear"), flat)["ok"]


@pytest.mark.parametrize("name", TARGETS)
def test_what_stands_before_the_family_is_the_same_whatever_the_answers_are(name: str) -> None:
    """So that the shuffles may share it; and a model trained in two steps is the one that `fit` trains."""
    rows, held, task = frames(name, 2)
    settings = configuration.config("linear")
    other = replace(rows, y=np.random.default_rng(0).permutation(rows.y))
    one, two = (training.prepared(of, task, settings) for of in (rows, other))

    assert np.array_equal(one.matrix, two.matrix)
    whole, parts = training.fit(other, task, settings), training.learned(one, other.y, task, settings)
    assert np.array_equal(whole.scores(held.x, task), parts.said(parts.matrix(held.x), task))
