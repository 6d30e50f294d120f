"""Acceptance: the champion against the baseline on the test rows, judged by the thresholds that were signed.

The look is logged before the rows are read. What counts is worked out again from the prediction files by gate G3.3.
"""

import time
from dataclasses import asdict
from typing import Any

import numpy as np

from . import baseline, behaviour, data, dataset, experiment, train
from .dataset import Frame
from .evaluate import SPLITS, Case, cost, decision_threshold, expected_cost, lock_sha
from .files import Blocked, Outcome
from .gates import require
from .intervals import Verdict, gain, interval, verdict
from .repo import Repo

NEEDS = ("G1.lock", "G2.4", "G2.5", "G3.1")
THRESHOLDS = "plan/plan.json#acceptance,test,slices"
PREDICTIONS = "evidence/acceptance.json#predictions"
MEASURED = ("data/manifest.json", SPLITS, THRESHOLDS)
CODES = {"pass": 0, "fail": 1, "inconclusive": 2}


def run(repo: Repo) -> Outcome:
    """Measure the champion once on the test rows. Exit code 0 pass, 1 fail, 2 not yet shown."""
    require(repo, *NEEDS)
    champion = experiment.champion(repo, lock_sha(repo))
    if champion is None:
        raise Blocked("No experiment was kept, so there is nothing to accept.", "make experiment")
    _looks_left(repo, champion)
    purpose = {"command": "accept", "experiment": champion["id"], "model": champion["model_file"]}
    frame = dataset.load(repo, "test", purpose)
    digests, seconds = _predict(repo, frame, champion)
    facts = judge(Repo(repo.root), digests) | {
        "experiment": champion["id"],
        "model": champion["model_file"],
        "config": champion["config"],
        "decision_threshold": decision_threshold(repo),
        "rule": repo.fresh("baseline", "make baseline")["rule"],
        "limits": _limits(repo, champion, digests, seconds, len(frame.y)),
    }
    facts["looks"] = dataset.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"])
    repo.write_evidence("acceptance", facts, MEASURED)
    moved = behaviour.of_files(repo, digests["model"], digests["baseline"], facts["decision_threshold"])
    repo.write_evidence(behaviour.EVIDENCE, {"against": "baseline", **moved}, (*MEASURED, PREDICTIONS))
    dataset.write_card(Repo(repo.root))
    return Outcome(_told(repo, facts, moved["changed"]), CODES[facts["verdict"]["state"]])


def judge(repo: Repo, digests: dict[str, str]) -> dict[str, Any]:
    """Everything that is decided, from the prediction files and the plan alone; the gates call it again."""
    metric, threshold = repo.answers["metric"], decision_threshold(repo)
    alpha, minimum = repo.needed("test.alpha_per_look"), repo.needed("acceptance.min_gain")
    mine, old = (dataset.read_predictions(repo, digests[name]) for name in ("model", "baseline"))
    new_case, old_case = dataset.pair(mine, old, threshold)
    found = gain(metric, new_case, old_case, alpha)
    facts: dict[str, Any] = {
        "metric": metric,
        "minimum": minimum,
        "predictions": digests,
        "result": interval(metric, new_case, alpha).as_json(),
        "baseline": interval(metric, old_case, alpha).as_json(),
        "gain": found.as_json(),
        "verdict": asdict(verdict(found, minimum, unit_name(repo))),
        "segments": _segments(repo, mine, new_case, old_case),
        "cost": {
            "model": expected_cost(repo, new_case),
            "baseline": expected_cost(repo, old_case),
            "nothing": _nothing(repo, new_case),
        },
    }
    if digests.get("simpler"):
        simple, plain = dataset.pair(dataset.read_predictions(repo, digests["simpler"]), old, threshold)
        facts["simpler"] = asdict(verdict(gain(metric, simple, plain, alpha), minimum, unit_name(repo)))
    return facts


def unit_name(repo: Repo) -> str:
    """What more of is needed."""
    if repo.answers["task"] == "ranking":
        return "queries"
    return "positive rows" if repo.answers["metric"] == "recall" else "rows"


def _looks_left(repo: Repo, champion: dict[str, Any]) -> None:
    """Raises `Blocked` when the plan's looks at this test set are spent; the same model again costs no look."""
    test_set, allowed = repo.fresh("splits", "make audit")["keys"]["test"], int(repo.needed("test.looks"))
    seen = {entry.get("model") for entry in dataset.looks(repo) if entry["test_set"] == test_set}
    if champion["model_file"] not in seen and dataset.looks_used(repo, test_set) >= allowed:
        raise Blocked(
            f"All {allowed} looks at this test set are spent.",
            "Add new rows, then: audit --resplit makes a new test set",
        )


def _predict(repo: Repo, frame: Frame, champion: dict[str, Any]) -> tuple[dict[str, str], float]:
    """Prediction files of model, baseline rule and, where the champion is not it, the simplest model."""
    task = repo.answers["task"]
    model = train.load(dataset.store(repo) / f"{champion['model_file']}.skops", champion["model_file"])
    started = time.perf_counter()
    said = train.predict(model, frame.x, task)
    seconds = time.perf_counter() - started
    rule = repo.fresh("baseline", "make baseline")["rule"]
    digests = {
        "model": dataset.keep_predictions(repo, frame, said, train.classes(model, task)),
        "baseline": dataset.keep_predictions(repo, frame, baseline.scores(rule, frame.x), baseline.classes(rule)),
    }
    if champion["config"]["model"] != train.ORDER[0]:
        simple = train.fit(dataset.load(repo, "train"), task, train.config(train.ORDER[0]))
        digests["simpler"] = dataset.keep_predictions(
            repo, frame, train.predict(simple, frame.x, task), train.classes(simple, task)
        )
    return digests, seconds


def _segments(repo: Repo, mine: Any, new: Case, old: Case) -> dict[str, Any]:
    """Each segment: its gain at its share of alpha, against the margin it may lose."""
    masks = dataset.segments(mine)
    if not masks:
        return {}
    margin = repo.needed("slices.margin")
    alpha = repo.needed("acceptance.alpha") / len(masks)
    found = {}
    for name, mask in masks.items():
        difference = gain(repo.answers["metric"], new.only(mask), old.only(mask), alpha)
        found[name] = {"gain": difference.as_json(), **asdict(verdict(difference, -margin, unit_name(repo)))}
    return found


def _nothing(repo: Repo, case: Case) -> float | None:
    """What one decision costs where nobody is ever alarmed."""
    if repo.answers["task"] != "binary":
        return None
    return round(cost(Case(case.y, np.zeros(len(case.y)), 0.5), 0.0, float(repo.answers["miss_cost"])), 6)


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
    judged: Verdict = Verdict(**facts["verdict"])
    mark = data.label(repo, data.source_of(repo))
    lines = [
        f"{judged.state.upper()}{mark}: {facts['experiment']}, {facts['metric']}, look {facts['looks']} "
        f"of {repo.number('test.looks'):.0f}.",
        judged.sentence,
        f"Model {facts['result']['value']:.4g}, baseline {facts['baseline']['value']:.4g}, "
        f"{facts['gain']['n']} {unit_name(repo)} ({facts['gain']['method']}).",
    ]
    room = _room(facts)
    if room is not None and room < facts["minimum"]:
        lines.append(
            f"The baseline leaves room for {room:.3g} only: put it into the plan (replan --set current_value=…)."
        )
    lines += [f"Segment {name}: {found['state']}. {found['sentence']}" for name, found in facts["segments"].items()]
    lines.append(f"It decides otherwise than the baseline on {moved:.1%} of the rows: evidence/behaviour.json.")
    return "\n".join([*lines, "Evidence: evidence/acceptance.json, evidence/model-card.md"])


def _room(facts: dict[str, Any]) -> float | None:
    """The largest gain that the baseline leaves possible."""
    value = facts["baseline"]["value"]
    if value is None:
        return None
    return value if facts["metric"] in ("mae", "rmse", "log_loss", "brier") else 1 - value
