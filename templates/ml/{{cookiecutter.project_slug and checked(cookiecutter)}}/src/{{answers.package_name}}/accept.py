"""Acceptance: the champion against the baseline on the test rows, judged by the thresholds that were signed.

The look is logged before the rows are read. What counts is worked out again from the prediction files by gate G3.3.
A yes to everybody finds every positive row: where wrong answers have prices, a gain that costs more is no gain.
"""

import math
import time
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from . import baseline, cards, data, dataset, evaluate, experiment, train
from .champion import Champion
from .dataset import Frame
from .evaluate import Case, decision_threshold, expected_cost, higher_is_better, minimum_gain, score
from .files import Blocked, Outcome, Trouble
from .gates import OPEN, require, state_of
from .intervals import affordable, compared, gain, interval, keeps, verdict
from .repo import Repo

NEEDS = ("G1.lock", "G2.4", "G2.5", "G3.1")
THRESHOLDS = "plan/plan.json#acceptance,test,slices"
MEASURED, ACCEPTED = ("data/manifest.json", evaluate.SPLITS, THRESHOLDS), "evidence/acceptance.json#predictions"
CODES = {"pass": 0, "fail": 1, "inconclusive": 2}
CANDIDATE, TOLERANCE = "candidate", 1e-5  # between a recorded figure and the same one worked out again


def run(repo: Repo) -> Outcome:
    """Measure the champion once on the test rows. Exit code 0 pass, 1 fail, 2 not yet shown."""
    require(repo, *NEEDS)
    champion = experiment.champion(repo, evaluate.lock_sha(repo))
    if champion is None:
        raise Blocked("No experiment was kept, so there is nothing to accept.", "make experiment")
    _looks_left(repo, champion)
    purpose = {"command": "accept", "experiment": champion["id"], "model": champion["model_file"]}
    frame = dataset.load(repo, "test", purpose)
    digests, seconds = _predict(repo, frame, champion)
    facts = judge(Repo(repo.root), digests)
    facts |= {"experiment": champion["id"], "model": champion["model_file"], "config": champion["config"]}
    facts |= {"decision_threshold": decision_threshold(repo), "rule": repo.fresh("baseline", "make baseline")["rule"]}
    facts["limits"] = _limits(repo, champion, digests, seconds, len(frame.y))
    facts["looks"] = dataset.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"])
    repo.write_evidence("acceptance", facts, MEASURED)
    moved = behaviour(repo, digests["model"], digests["baseline"], facts["decision_threshold"])
    repo.write_evidence("behaviour", {"against": "baseline", **moved}, (*MEASURED, ACCEPTED))
    cards.write(Repo(repo.root))
    return Outcome(_told(repo, facts, moved["changed"]), CODES[facts["verdict"]["state"]])


def _looks_left(repo: Repo, champion: dict[str, Any]) -> None:
    """Raises `Blocked` when the plan's looks at this test set are spent; the same model again costs no look."""
    test_set, allowed = repo.fresh("splits", "make audit")["keys"]["test"], int(repo.needed("test.looks"))
    seen = {entry.get("model") for entry in dataset.looks(repo) if entry["test_set"] == test_set}
    if champion["model_file"] not in seen and dataset.looks_used(repo, test_set) >= allowed:
        remedy = "Add new rows, then: audit --resplit makes a new test set"
        raise Blocked(f"All {allowed} looks at this test set are spent.", remedy)


def _predict(repo: Repo, frame: Frame, champion: dict[str, Any]) -> tuple[dict[str, str], float]:
    """Prediction files of model, baseline rule and, where the champion is not it, the simplest model."""
    task = repo.answers["task"]
    model = train.load(dataset.store(repo) / f"{champion['model_file']}.skops", champion["model_file"])
    started = time.perf_counter()
    said = train.predict(model, frame.x, task)
    seconds, rule = time.perf_counter() - started, repo.fresh("baseline", "make baseline")["rule"]
    found = {
        "model": (said, train.classes(model, task)),
        "baseline": (baseline.scores(rule, frame.x), baseline.classes(rule)),
    }
    if champion["config"]["model"] != train.ORDER[0]:
        simple = train.fit(dataset.load(repo, "train"), task, train.config(train.ORDER[0]))
        found["simpler"] = train.predict(simple, frame.x, task), train.classes(simple, task)
    return {name: dataset.keep_predictions(repo, frame, *pair) for name, pair in found.items()}, seconds


def _limits(
    repo: Repo, champion: dict[str, Any], digests: dict[str, str], seconds: float, rows: int
) -> dict[str, float | None]:
    """Size, speed, and how far the cost at the plan's threshold is from the best of twenty."""
    size = (dataset.store(repo) / f"{champion['model_file']}.skops").stat().st_size
    limits: dict[str, float | None] = {"model_bytes": size, "seconds_per_1000": round(1000 * seconds / rows, 5)}
    if repo.answers["task"] == "binary":
        found = dataset.read_predictions(repo, digests["model"])
        tried = [expected_cost(repo, dataset.case(found, number / 20)) for number in range(1, 20)]
        limits["cost_best_of_20"] = min(tried)
        limits["cost_at_threshold"] = expected_cost(repo, dataset.case(found, decision_threshold(repo)))
    return limits


def _told(repo: Repo, facts: dict[str, Any], moved: float) -> str:
    judged, mark = facts["verdict"], data.label(repo, data.source_of(repo))
    lines = [
        f"{judged['state'].upper()}{mark}: {facts['experiment']}, {facts['metric']}, look {facts['looks']} "
        f"of {repo.number('test.looks'):.0f}.",
        judged["sentence"],
        f"Model {facts['result']['value']:.4g}, baseline {facts['baseline']['value']:.4g}, "
        f"{facts['gain']['n']} {unit_name(repo)} ({facts['gain']['method']}).",
    ]
    room = too_little_room(facts)
    if room is not None:
        drives = "the costs of errors, daily_volume, build_cost, monthly_run_budget, payback_limit_months, min_gain"
        lines.append(
            f"At these costs no model can pay: the baseline leaves room for {room:.3g}, and "
            f"{facts['minimum']:.3g} is asked for. What drives it, to be checked and replanned: {drives}."
        )
    lines += [f"Segment {name}: {found['state']}. {found['sentence']}" for name, found in facts["segments"].items()]
    lines.append(f"It decides otherwise than the baseline on {moved:.1%} of the rows: evidence/behaviour.json.")
    return "\n".join([*lines, "Evidence: evidence/acceptance.json, model-card.md, datasheet.md"])


def too_little_room(facts: dict[str, Any]) -> float | None:
    """How much better than the baseline a perfect model would be, where that is less than the gain asked for."""
    value = facts["baseline"]["value"]
    if value is None:
        return None
    room = 1 - value if higher_is_better(facts["metric"]) else value
    return float(room) if room < facts["minimum"] else None


# ------------------------------------------------------------------------------------------------ judging
def judge(repo: Repo, digests: dict[str, str]) -> dict[str, Any]:
    """Everything that is decided, from the prediction files and the plan alone; the gates call it again."""
    metric, threshold, unit = repo.answers["metric"], decision_threshold(repo), unit_name(repo)
    alpha, minimum = repo.needed("test.alpha_per_look"), minimum_gain(repo)
    _, new, old = read_pair(repo, digests["model"], digests["baseline"], threshold)
    found, shown = compared(repo, new, old, alpha)
    facts: dict[str, Any] = {
        "metric": metric,
        "minimum": minimum,
        "predictions": digests,
        "result": interval(metric, new, alpha).as_json(),
        "baseline": interval(metric, old, alpha).as_json(),
        "gain": shown,
        "verdict": asdict(affordable(verdict(found, minimum, unit), shown)),
        "segments": slices(repo, digests["model"], digests["baseline"], threshold, repo.needed("acceptance.alpha")),
        "cost": {"model": expected_cost(repo, new), "baseline": expected_cost(repo, old), "nothing": None},
    }
    if repo.answers["task"] == "binary":  # what one decision costs where nobody is ever alarmed
        silent = Case(new.y, np.zeros(len(new.y)), 0.5)
        facts["cost"]["nothing"] = expected_cost(repo, silent)
    if digests.get("simpler"):
        _, simple, plain = read_pair(repo, digests["simpler"], digests["baseline"], threshold)
        found, shown = compared(repo, simple, plain, alpha)
        facts["simpler"] = asdict(affordable(verdict(found, minimum, unit), shown))
    return facts


def read_pair(repo: Repo, new: str, old: str, threshold: float) -> tuple[pd.DataFrame, Case, Case]:
    """Two prediction files on the same rows, found by their hash: the first as it is, and both to evaluate."""
    said = dataset.read_predictions(repo, new)
    return said, *dataset.pair(said, dataset.read_predictions(repo, old), threshold)


@lru_cache(maxsize=1)  # nine gates of one look at the repository ask for it
def accepted(repo: Repo) -> dict[str, Any]:
    """The evidence of acceptance, recomputed. `Blocked` when missing or stale, `Trouble` when it does not fit."""
    data.manifest(repo)
    unsigned = "G3.1" in repo.blocking() and (state := state_of(repo, "G3.1")).state not in OPEN
    facts = repo.fresh("acceptance", state.next_step if unsigned else "make accept")
    for name, digest in facts["predictions"].items():
        wrong = dataset.problems(repo, dataset.read_predictions(repo, digest), "test")
        if wrong:
            raise Trouble(f"The predictions of the {name} do not fit: {wrong}.", "make accept")
    if facts["predictions"]["model"] == facts["predictions"]["baseline"]:
        raise Trouble("The model was compared with itself.", "make accept")
    again = judge(repo, facts["predictions"])
    for part in ("gain", "result", "baseline"):
        for key in ("value", "low", "high"):
            typed, found = facts[part][key], again[part][key]
            if typed != found and (None in (typed, found) or abs(typed - found) > TOLERANCE):
                raise Trouble(f"{part} {key} recomputes to {found}, not to {typed}.", "make accept; never type a score")
    return facts | again


def unit_name(repo: Repo) -> str:
    """What more of is needed."""
    units = {"recall": "positive rows", "precision": "alarms", "ndcg_at_10": "queries", "mrr": "queries"}
    return units.get(repo.answers["metric"], "rows")


def slices(repo: Repo, new: str, old: str, threshold: float, alpha: float) -> dict[str, Any]:
    """Each segment: its gain at its share of alpha, and the verdict against the margin it may lose."""
    said, one, other = read_pair(repo, new, old, threshold)
    masks, found = dataset.segments(said), {}
    for name, mask in masks.items():
        difference = gain(repo.answers["metric"], one.only(mask), other.only(mask), alpha / len(masks))
        held = verdict(difference, -repo.needed("slices.margin"), unit_name(repo))
        found[name] = {"gain": difference.as_json(), **asdict(held)}
    return found


def behaviour(repo: Repo, new: str, old: str, threshold: float) -> dict[str, Any]:
    """How one model decides otherwise than another, from two prediction files: the share, and rows to read."""
    return cards.behaviour(*read_pair(repo, new, old, threshold))


# ------------------------------------------------------------------------------------------------ records
def wrong(repo: Repo, record: dict[str, Any], baseline: str, champion: dict[str, Any] | None) -> str:
    """What does not recompute in a record from its predictions, the baseline's and the champion's; "" when all does."""
    said, threshold = dataset.read_predictions(repo, record.get("predictions_file") or ""), decision_threshold(repo)
    outside = dataset.problems(repo, said, "validation")
    if outside:
        return outside
    metric, alpha = repo.answers["metric"], repo.needed("acceptance.alpha")
    value, typed = score(metric, dataset.case(said, threshold)), record["metric"]["value"]
    if not math.isfinite(value) or not _same(value, typed):
        return f"{metric} recomputes to {value:.4g}, not to {typed}"
    pairs = [("vs_baseline", baseline)] + ([("vs_champion", champion["predictions_file"])] if champion else [])
    for name, other in pairs:
        if other == record["predictions_file"]:
            return f"it was compared with itself ({name})"
        pair = dataset.pair(said, dataset.read_predictions(repo, other), threshold)
        again, typed = compared(repo, *pair, alpha)[1], record.get(name) or {}
        if not all(_same(again[key], typed.get(key)) for key in ("value", "low", "high")):
            return f"{name} recomputes to {again['value']} ({again['low']} to {again['high']})"
    decided = "keep" if keeps(record) else "drop"
    return "" if record["decision"] == decided else f"its figures say {decided}, not {record['decision']}"


def _same(one: Any, other: Any) -> bool:
    return one is other if None in (one, other) else isinstance(other, (int, float)) and abs(one - other) <= TOLERANCE


# ------------------------------------------------------------------------------------------------ candidates
def compare(repo: Repo, champion: Champion, version: str, case: Case) -> dict[str, Any]:
    """evidence/candidate.json: both models on the same new rows, by the files that hold their predictions."""
    validation = dataset.load(repo, "validation")
    missing = [name for name in champion.columns if name not in validation.x]
    if missing or champion.model is None:
        why = f"the data has no {', '.join(missing)} any more" if missing else champion.reason
        raise Trouble(f"{champion.version} cannot score today's rows: {why}.", "make experiment")
    old = train.predict(champion.model, validation.x, repo.answers["task"])
    files = {
        "candidate": dataset.keep_predictions(repo, validation, case.scores, case.classes),
        "champion": dataset.keep_predictions(repo, validation, old, tuple(champion.card["classes"])),
    }
    facts = {"version": version, "champion": champion.version, "predictions": files, "threshold": case.threshold}
    facts |= {"floor": champion.card["floor"], "margin": float(repo.answers["promotion_margin"])}
    facts["alpha"], moved = repo.needed("acceptance.alpha"), behaviour(repo, *files.values(), case.threshold)
    facts |= judged(repo, facts) | {"behaviour": moved}
    return repo.write_evidence(CANDIDATE, facts, ("data/manifest.json", "evidence/splits.json#rule,sizes,keys"))


def judged(repo: Repo, facts: dict[str, Any]) -> dict[str, Any]:
    """The verdicts, worked out from the prediction files alone; the gates of G6 call this again."""
    metric, alpha, files = repo.answers["metric"], facts["alpha"], facts["predictions"]
    _, one, other = read_pair(repo, files["candidate"], files["champion"], facts["threshold"])
    (against, shown), own = compared(repo, one, other, alpha), interval(metric, one, alpha)
    held, floor = affordable(verdict(against, -facts["margin"]), shown), facts["floor"]
    above = floor is None or (own.high >= floor if higher_is_better(metric) else own.low <= floor)
    found = {"vs_champion": shown, "result": own.as_json(), "verdict": held.state if above else "fail"}
    below = "" if above else f" Its {metric} of {own.value:.4g} is below the floor of {floor:.4g}."
    return found | {"sentence": held.sentence + below}
