"""`retrain`: audit the new data, train the champion's configuration on it, and compare the two on the same new rows.

Safe to run again at any time: the same data, code and configuration give the same version and the same answer.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from . import audit, behaviour, data, dataset, experiment, promote, registry, train
from .champion import Champion, load
from .evaluate import Case, decision_threshold, higher_is_better
from .files import Outcome, Trouble, canonical, read_yaml
from .gates import OPEN, require, state_of
from .intervals import Interval, gain, interval, verdict
from .repo import Repo
from .signing import person

CANDIDATE = "candidate"
AUDITED = ("G1.2", "G1.3", "G1.4", "G1.5", "G1.6", "G1.8")


def retrain(repo: Repo, if_due: bool = False) -> Outcome:
    """A challenger from the data as it is now, or the reason why the champion stays."""
    champion = load(repo.root)
    entry = registry.entry_of(registry.read(repo.root), "champion") or {}
    if entry["kind"] == "rule":
        raise Trouble("The rule answers now: there is no configuration to train again.", "make experiment")
    waiting = not_due(repo, champion.version) if if_due else ""
    if waiting:
        return Outcome(waiting)
    prepare(repo)
    repo = Repo(repo.root)
    settings = entry["config"]
    version, case = challenger(repo, settings)
    facts = compare(repo, champion, version, case)
    if version == champion.version:
        registry.set_alias(repo.root, "challenger", None, by=person(repo))
        return Outcome(f"Data, code and configuration are those of {version}: there is nothing new to learn.")
    worse = facts["verdict"] == "fail"
    registry.set_alias(repo.root, "challenger", None if worse else version, by=person(repo))
    return decide_promotion(Repo(repo.root), version, facts, worse)


def not_due(repo: Repo, version: str) -> str:
    """Why it is too early; "" when the interval has passed or the floor was breached."""
    every = repo.number("retrain.every_days")
    age = datetime.now(UTC).replace(tzinfo=None) - registry.promoted_at(registry.read(repo.root), version)
    if state_of(repo, "G5.3").state == "fail" or every is None or age >= timedelta(days=float(every)):
        return ""
    return f"{version} is {age.days} days old; the next retraining is due after {every:g} days."


def prepare(repo: Repo) -> None:
    """Audit and baseline again on the new data. Raises `Blocked` with the gates of G1 that do not open."""
    known = repo.evidence("splits")
    by_time = bool(known) and known["rule"]["kind"] == "time"  # later cuts, or the new rows would all be test rows
    audit.run(repo, resplit=by_time)
    fresh = Repo(repo.root)
    experiment.measure_baseline(fresh)
    require(Repo(repo.root), *AUDITED)


def challenger(repo: Repo, settings: dict[str, Any]) -> tuple[str, Case]:
    """The version these settings give on today's data, registered, and what it says about the validation rows."""
    task, validation = repo.answers["task"], dataset.load(repo, "validation")
    made = promote.hashes(repo, settings, "")
    book = registry.read(repo.root)
    known = registry.find_same(book, made)
    if known:
        digest = book["models"][known]["files"]["model"]["sha256"]
        model = train.load(dataset.store(repo) / f"{digest}.skops", digest)
    else:
        model = train.fit(dataset.load(repo, "train"), task, settings)
        _, digest = train.save(model, dataset.store(repo))
    scores, threshold = train.predict(model, validation.x, task), decision_threshold(repo)
    case = validation.case(scores, threshold, train.classes(model, task))
    found = interval(repo.answers["metric"], case, repo.needed("acceptance.alpha"))
    acceptance = canonical({"retrained": digest})
    return promote.register_model(repo, settings, digest, case, acceptance, found.as_json()), case


def compare(repo: Repo, champion: Champion, version: str, case: Case) -> dict[str, Any]:
    """evidence/candidate.json: both models on the same new rows, by the files that hold their predictions."""
    task, validation = repo.answers["task"], dataset.load(repo, "validation")
    missing = [name for name in champion.columns if name not in validation.x]
    if missing or champion.model is None:
        why = f"the data has no {', '.join(missing)} any more" if missing else champion.reason
        raise Trouble(f"{champion.version} cannot score today's rows: {why}.", "make experiment")
    old = validation.case(
        train.predict(champion.model, validation.x, task), case.threshold, tuple(champion.card["classes"])
    )
    files = {"candidate": dataset.keep_predictions(repo, validation, case.scores, case.classes)}
    files |= {"champion": dataset.keep_predictions(repo, validation, old.scores, old.classes)}
    facts = {"version": version, "champion": champion.version, "predictions": files, "threshold": case.threshold}
    facts |= {
        "floor": champion.card["floor"],
        "margin": float(repo.answers["promotion_margin"]),
        "alpha": repo.needed("acceptance.alpha"),
    }
    facts |= judged(repo, facts) | {"behaviour": changed(validation.keys, case, old)}
    repo.write_evidence(CANDIDATE, facts, ("data/manifest.json", "evidence/splits.json#rule,sizes,keys"))
    return facts


def judged(repo: Repo, facts: dict[str, Any]) -> dict[str, Any]:
    """The verdicts, worked out from the prediction files alone; the gates of G6 call this again."""
    metric, alpha, threshold = repo.answers["metric"], facts["alpha"], facts["threshold"]
    new, old = (dataset.read_predictions(repo, facts["predictions"][name]) for name in ("candidate", "champion"))
    one, other = dataset.pair(new, old, threshold)
    against, own = gain(metric, one, other, alpha), interval(metric, one, alpha)
    held, floor = verdict(against, -facts["margin"]), facts["floor"]
    above = floor is None or (own.high >= floor if higher_is_better(metric) else own.low <= floor)
    found = {"vs_champion": against.as_json(), "result": own.as_json(), "verdict": held.state if above else "fail"}
    below = "" if above else f" Its {metric} of {own.value:.4g} is below the floor of {floor:.4g}."
    return found | {"sentence": held.sentence + below}


def slices(repo: Repo, facts: dict[str, Any]) -> dict[str, tuple[Interval, str]]:
    """Segment → its gain against the champion and the verdict at its share of alpha."""
    new, old = (dataset.read_predictions(repo, facts["predictions"][name]) for name in ("candidate", "champion"))
    one, other = dataset.pair(new, old, facts["threshold"])
    masks, margin = dataset.segments(new), float(repo.answers["slice_margin"])
    found = {}
    for name, mask in masks.items():
        against = gain(repo.answers["metric"], one.only(mask), other.only(mask), facts["alpha"] / len(masks))
        found[name] = (against, verdict(against, -margin).state)
    return found


def changed(keys: np.ndarray, new: Case, old: Case) -> dict[str, Any]:
    """How many decisions change, and which rows, each way: a model can be as good and still answer otherwise."""
    moved, right, wrong = behaviour.places(new, old)
    return {
        "changed": round(len(moved) / max(len(keys), 1), 6),
        "better": [str(keys[place]) for place in right[: behaviour.EXAMPLES]],
        "worse": [str(keys[place]) for place in wrong[: behaviour.EXAMPLES]],
    }


def decide_promotion(repo: Repo, version: str, facts: dict[str, Any], worse: bool) -> Outcome:
    """Keep the champion, hand the challenger to people, or promote where that may happen by itself."""
    mark = data.label(repo, data.source_of(repo))
    lines = [f"{version} against {facts['champion']} on new rows{mark}. {facts['sentence']}"]
    lines.append(f"{facts['behaviour']['changed']:.1%} of decisions change.")
    if worse:
        return Outcome("\n".join([*lines, f"{facts['champion']} stays: {version} is worse."]), 1)
    automatic = read_yaml(repo.root / "ops/rollout.yaml").get("promotion", {}).get("automatic") == "yes"
    if automatic and repo.answers["consequence"] == "cosmetic" and state_of(repo, "G6.2").state in OPEN:
        return Outcome("\n".join([*lines, promote.switch(repo, version, "retrained, not worse").text]))
    return Outcome(
        "\n".join([*lines, f"{version} is the challenger. Read evidence/{CANDIDATE}.json, then: make promote"])
    )
