"""What the verdict needs, held ready before a look at the test rows is logged: afterwards only the verdict may follow.

A look that ends in a refusal is spent for nothing, and what would mend the refusal may void the signed thresholds.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.signing.people import decides
from planrun.trouble import MEMORY_ENDS, Trouble

from planrun_ml.acceptance.verdicts import pooled
from planrun_ml.data import columns, frames
from planrun_ml.data.frames import Frame
from planrun_ml.data.source import SOURCE, source_of
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import FEWEST, compared, gain, interval
from planrun_ml.measuring.metrics import score
from planrun_ml.measuring.stakes import allowed_loss, decision_threshold, minimum_gain

Said = Mapping[str, tuple[np.ndarray, tuple[str, ...]]]


def refuse_unready(repo: Repo, frame: Frame, said: Said) -> None:
    """Raise `Trouble` or `Blocked` where the plan, the rows or what the models said would leave no verdict."""
    for key in ("test.alpha_per_look", "acceptance.alpha"):
        repo.needed(key)
    minimum_gain(repo)
    if frame.segments.columns.size:
        allowed_loss(repo, "slices.margin", "slice_margin")
    frames.refuse_repeated(frame, "test")
    _independent_units(repo, frame)
    for name, (scores, _) in said.items():
        _one_number_a_row(name, scores, len(frame.y))
    with _told(repo):
        _judged_segments(repo, frame)
        _rehearse(repo, frame, said)


@contextmanager
def _told(repo: Repo) -> Iterator[None]:
    """Whatever a metric, or a row that no other split has, breaks on: as one sentence."""
    try:
        yield
    except Trouble:
        raise
    except tuple(MEMORY_ENDS):
        raise
    except Exception as error:
        metric = deciding(repo)
        text = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        columns = "target, group or segments in data/source.yaml"
        where = f"src/{repo.rooms.package}/metrics.py" if metric.own else columns
        told = f"{metric.name} cannot be worked out on the test rows: {text}. No look was taken."
        raise Trouble(told, f"Correct {where}, then: make audit") from error


def _independent_units(repo: Repo, frame: Frame) -> None:
    """What counts comes from as many groups or days as a verdict asks for: from fewer it could only be inconclusive."""
    if frame.clusters is None:
        return
    held, metric = frame.clusters, deciding(repo)
    if repo.answers["task"] == "binary" and metric.counted_on == "positives":
        held = held[frame.y == 1]
    if len(found := np.unique(held.astype(str))) >= FEWEST:
        return
    name = columns.cluster_of(source_of(repo), repo.answers["task"])[0]
    said = f"{len(found)} values of {name}" if len(found) > 1 else f'one {name}, "{found[0]}"' if len(found) else ""
    told = (
        f"All {metric.more} among the test rows come from {said or f'no {name}'}: with fewer than {FEWEST} nothing can "
        "be shown or ruled out."
    )
    other = f"rows of other values of {name} in the test split (a column of your own, `split` in {SOURCE}, says which)"
    raise Trouble(told, decides(repo, "po", f"{other}, then make audit; more rows of the same {name} add none"))


def _one_number_a_row(name: str, scores: Any, rows: int) -> None:
    found = np.asarray(scores, dtype=float)
    if len(found) != rows or not np.isfinite(found).all():
        odd = f"{len(found)} answers for {rows} rows" if len(found) != rows else "no number for some test rows"
        raise Trouble(f"The {name} gives {odd}.", "Correct it in src/, then: make experiment")


def _judged_segments(repo: Repo, frame: Frame) -> None:
    """Where segments block, the metric has a value in each, or in those together that alone have none: by answers that
    are perfect."""
    metric, task = deciding(repo), repo.answers["task"]
    if "G3.4" not in repo.blocking() or not frame.segments.columns.size:
        return
    names = tuple(np.unique(frame.y.astype(str))) if task == "multiclass" else ()
    right = (frame.y.astype(str)[:, None] == np.array(names)).astype(float) if names else frame.y
    whole = Case(frame.y, right, decision_threshold(repo), names, frame.clusters, frame.queries)

    def has_none(mask: np.ndarray) -> bool:
        return not np.isfinite(score(metric, whole.only(mask)))

    for name, mask in pooled(frames.segments(frame.segments.add_prefix("segment:")), has_none).items():
        if has_none(mask):
            told = f"{metric.name} has no value on the {mask.sum()} test rows of {name}, so nobody could judge them."
            other = "other segments: mlscaffold replan --set segments=…"
            past = f"{COMMAND} waive G3.4 --reason … --until …"
            raise Trouble(told, decides(repo, "po", f"more rows of {name}, then make audit; or {other}; or {past}"))


def _rehearse(repo: Repo, frame: Frame, said: Said) -> None:
    """Work the verdict out on answers that were mixed up: that tells nothing, and breaks where the verdict would.

    Such as a metric of the team's own does on a class that only the test rows have.
    """
    metric, threshold, alpha = deciding(repo), decision_threshold(repo), repo.needed("test.alpha_per_look")
    mixed = replace(frame, y=_mixed(frame))
    cases = {
        name: mixed.case(np.asarray(scores, dtype=float), threshold, names) for name, (scores, names) in said.items()
    }
    interval(metric, cases["model"], alpha)
    for name in sorted(cases.keys() - {"baseline"}) if "baseline" in cases else ():
        compared(repo, cases[name], cases["baseline"], alpha)
        for mask in frames.segments(frame.segments.add_prefix("segment:")).values():
            gain(metric, cases[name].only(mask), cases["baseline"].only(mask), alpha)


def _mixed(frame: Frame) -> np.ndarray:
    """The right answers, each given to another row of its segments and its query."""
    same = [frame.segments[name].astype(str).to_numpy() for name in frame.segments]
    same += [] if frame.queries is None else [frame.queries.astype(str)]
    told = np.array(["\0".join(row) for row in zip(*same, strict=True)]) if same else np.zeros(len(frame.y))
    places = np.unique(told, return_inverse=True)[1]
    rng, mixed = np.random.default_rng(7), frame.y.copy()
    for place in np.unique(places):
        rows = np.flatnonzero(places == place)
        mixed[rows] = frame.y[rng.permutation(rows)]
    return mixed
