"""The verdicts of an acceptance, computed from prediction files; a typed figure is never read."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from planrun.files import restoring
from planrun.gates import OPEN, state_of
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.acceptance import behaviour as behaviour_module
from planrun_ml.acceptance import thresholds
from planrun_ml.acceptance.agreed import SIGNATURE, THRESHOLDS, told
from planrun_ml.baseline import practice
from planrun_ml.data import frames, manifest, prediction_files, splits
from planrun_ml.experiments import records
from planrun_ml.experiments.recompute import TOLERANCE
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import (
    Interval,
    Verdict,
    affordable,
    can_be_shown,
    compared,
    gain,
    interval,
    verdict,
)
from planrun_ml.measuring.stakes import allowed_loss, decision_threshold, expected_cost, minimum_gain
from planrun_ml.models import families

MEASURED = ("data/manifest.json", splits.SPLITS, THRESHOLDS)
ACCEPT = "make accept"
ACCEPTED = "evidence/acceptance.json#predictions"
CODES = {"pass": 0, "fail": 1, "inconclusive": 2}


# ------------------------------------------------------------------------------------------------ judging
def judge(repo: Repo, digests: dict[str, str]) -> dict[str, Any]:
    """Everything that is decided, from the prediction files and the plan alone; the gates call it again."""
    metric, threshold = deciding(repo), decision_threshold(repo)
    alpha, minimum = repo.needed("test.alpha_per_look"), minimum_gain(repo)
    _, new, old = read_pair(repo, digests["model"], digests["baseline"], threshold)
    found, shown = compared(repo, new, old, alpha)
    result, baseline = interval(metric, new, alpha), interval(metric, old, alpha)
    held = affordable(verdict(found, minimum, metric.more), shown)
    today = _over_today(repo, result, baseline, minimum)
    facts: dict[str, Any] = {
        "metric": metric.name,
        "minimum": minimum,
        "predictions": digests,
        "result": result.as_json(),
        "baseline": baseline.as_json(),
        "gain": shown,
        "today": today and asdict(today),
        "verdict": asdict(_weaker(held, today)),
        "segments": slices(repo, digests["model"], digests["baseline"], threshold, alpha),
        "cost": {"model": expected_cost(repo, new), "baseline": expected_cost(repo, old), "nothing": None},
    }
    if repo.answers["task"] == "binary":  # what one decision costs where nobody is ever alarmed
        silent = Case(new.y, np.zeros(len(new.y)), 0.5)
        facts["cost"]["nothing"] = expected_cost(repo, silent)
    if digests.get("simpler"):
        _, simple, plain = read_pair(repo, digests["simpler"], digests["baseline"], threshold)
        found, shown = compared(repo, simple, plain, alpha)
        facts["simpler"] = asdict(affordable(verdict(found, minimum, metric.more), shown))
        found, shown = compared(repo, *read_pair(repo, digests["model"], digests["simpler"], threshold)[1:], alpha)
        facts["over_simpler"] = asdict(affordable(verdict(found, 0.0, metric.more), shown))
    return facts


def _over_today(repo: Repo, result: Interval, baseline: Interval, minimum: float) -> Verdict | None:
    """The verdict over the figure that today's practice is said to reach; None where the baseline reaches it, too."""
    metric, figure = deciding(repo), practice.stated(repo)
    if figure is None or not practice.missed(figure, metric, baseline.low, baseline.high):
        return None
    judged = verdict(practice.over(metric, result, figure), minimum, metric.more)
    why = practice.falls_short(metric.name, baseline.value, figure)
    return replace(judged, sentence=f"{why}, and over that number: {judged.sentence}")


def _weaker(over_baseline: Verdict, over_today: Verdict | None) -> Verdict:
    """The gain has to be there over both; both are said."""
    if over_today is None:
        return over_baseline
    states = ("fail", "inconclusive", "pass")
    first = min(over_baseline, over_today, key=lambda judged: states.index(judged.state))
    return replace(first, sentence=f"{over_baseline.sentence} {over_today.sentence}")


def read_pair(repo: Repo, new: str, old: str, threshold: float) -> tuple[pd.DataFrame, Case, Case]:
    """Two prediction files on the same rows, found by their hash: the first as it is, and both to evaluate."""
    said = prediction_files.read_predictions(repo, new)
    return said, *prediction_files.pair(said, prediction_files.read_predictions(repo, old), threshold)


@lru_cache(maxsize=1)  # nine gates of one look at the repository ask for it
def accepted(repo: Repo) -> dict[str, Any]:
    """The evidence of acceptance, recomputed. `Blocked` when missing or stale, `Trouble` when it does not fit."""
    manifest.manifest(repo)
    unsigned = "G3.1" in repo.blocking() and (state := state_of(repo, "G3.1")).state not in OPEN
    step = state.next_step if unsigned else ACCEPT
    _refuse_moved(repo, step)
    facts = repo.fresh("acceptance", step)
    for name, digest in facts["predictions"].items():
        wrong = prediction_files.problems(repo, prediction_files.read_predictions(repo, digest), "test")
        if wrong:
            raise Trouble(f"The predictions of the {name} do not fit: {wrong}.", "make accept")
    if facts["predictions"]["model"] == facts["predictions"]["baseline"]:
        raise Trouble("The model was compared with itself.", "make accept")
    _fits_its_record(repo, facts)
    again = judge(repo, facts["predictions"])
    again |= {"simple": families.is_simple(facts["config"], repo.rooms)}
    for part in ("gain", "result", "baseline"):
        for key in ("value", "low", "high"):
            typed, found = facts[part][key], again[part][key]
            if typed != found and (None in (typed, found) or abs(typed - found) > TOLERANCE):
                raise Trouble(f"{part} {key} recomputes to {found}, not to {typed}.", "make accept; never type a score")
    return facts | again


def _refuse_moved(repo: Repo, step: str) -> None:
    """Raises `Blocked`, with the numbers, where thresholds moved after the verdict by them."""
    facts = repo.evidence("acceptance", ACCEPT)
    if facts is None or facts["measured"].get(THRESHOLDS) == repo.digest(THRESHOLDS):
        return
    if changes := thresholds.moved_since(repo, "evidence/acceptance.json", SIGNATURE):
        raise Blocked(f"evidence/acceptance.json was judged by other thresholds: {told(changes)}.", step)


def _fits_its_record(repo: Repo, facts: dict[str, Any]) -> None:
    """Raises `Trouble` where what is said beside the predictions is not what record, plan and baseline say."""
    record = next((one for one in records.all_records(repo) if one.get("id") == facts["experiment"]), None)
    if record is None:
        where = f"experiments/{facts['experiment']}/record.yaml"
        raise Blocked(f"{where}, whose model was accepted, is missing.", restoring(repo.root / where, bool, ACCEPT))
    held = {
        "model": record.get("model_file"),
        "config": record.get("config"),
        "decision_threshold": decision_threshold(repo),
        "rule": repo.fresh("baseline", "make baseline")["rule"],
    }
    if typed := [name for name, value in held.items() if facts.get(name) != value]:
        told = f"{', '.join(typed)} in evidence/acceptance.json is not what record, plan and baseline say."
        raise Trouble(told, ACCEPT)


def slices(repo: Repo, new: str, old: str, threshold: float, alpha: float) -> dict[str, Any]:
    """Each segment: its gain, and the verdict against the margin it may lose; those too small are judged together.

    All have to pass, so each is tested at the whole alpha: one that got worse passes no more often for the others
    (Berger 1982, the intersection-union test). That one is shown to be worse is said at alpha / segments, or luck would
    say it of some.
    """
    said, one, other = read_pair(repo, new, old, threshold)
    masks, metric, found = frames.segments(said), deciding(repo), {}
    margin = allowed_loss(repo, "slices.margin", "slice_margin") if masks else 0.0
    held = pooled(masks, lambda mask: not can_be_shown(metric, one.only(mask), other.only(mask), margin, alpha))
    for name, mask in held.items():
        first, second = one.only(mask), other.only(mask)
        both = gain(metric, first, second, alpha)
        difference = replace(both, high=gain(metric, first, second, alpha / len(held)).high)
        judged = verdict(difference, -margin, metric.more)
        told = (
            f"{judged.sentence} It has {int(mask.sum()):,} rows." if judged.state == "inconclusive" else judged.sentence
        )
        found[name] = {"gain": difference.as_json(), **asdict(judged), "sentence": told}
    return found


def pooled(masks: dict[str, np.ndarray], too_small: Callable[[np.ndarray], bool]) -> dict[str, np.ndarray]:
    """The segments, those of one column that are too small to be judged put together and named one after another."""
    small: dict[str, list[str]] = {}
    for name, mask in masks.items():
        if too_small(mask):
            small.setdefault(name.partition(" = ")[0], []).append(name)
    together = {column: names for column, names in small.items() if len(names) > 1}
    gone = {name for names in together.values() for name in names}
    found = {name: mask for name, mask in masks.items() if name not in gone}
    for column, names in together.items():
        values = ", ".join(name.partition(" = ")[2] for name in names)
        found[f"{column} = {values} (together)"] = np.any([masks[name] for name in names], axis=0)
    return found


def behaviour(repo: Repo, new: str, old: str, threshold: float) -> dict[str, Any]:
    """How one model decides otherwise than another, from two prediction files: the share, and rows to read."""
    return behaviour_module.behaviour(*read_pair(repo, new, old, threshold))
