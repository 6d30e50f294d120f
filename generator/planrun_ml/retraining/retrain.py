"""`retrain`: the champion's settings on today's data, compared with the champion."""

from datetime import UTC, datetime, timedelta
from typing import Any

from planrun.files import canonical, read_yaml
from planrun.gates import OPEN, require, state_of
from planrun.repository import Repo
from planrun.signing.people import person
from planrun.trouble import Outcome, Trouble

from planrun_ml.acceptance.candidate import CANDIDATE, compare
from planrun_ml.audit import run as audit_run
from planrun_ml.baseline import run as baseline_run
from planrun_ml.baseline.rule import stood_in
from planrun_ml.data import frames, memory, prediction_files, source, splits
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import interval
from planrun_ml.measuring.stakes import decision_threshold
from planrun_ml.models import model_files, training
from planrun_ml.release import registry
from planrun_ml.release.champion_model import load
from planrun_ml.release.promote import switch
from planrun_ml.release.versions import hashes, register_model

WHOLE = "None is left out: the challenger is trained on all of train, and answers every validation row."
ALONE = "The challenger was trained before, and answers every one of them."
AUDITED = ("G1.2", "G1.3", "G1.4", "G1.5", "G1.6", "G1.8")


# ------------------------------------------------------------------------------------------------ retraining
def retrain(repo: Repo, if_due: bool = False) -> Outcome:
    """A challenger from today's data, or why the champion stays. The same data and settings give the same answer.

    Raises `Trouble` where the rule answers and there is nothing to train again.
    """
    champion = load(repo.root)
    entry = registry.entry_of(registry.read(repo.root), "champion") or {}
    if entry["kind"] == "rule":
        raise Trouble("The rule answers now: there is no configuration to train again.", "make experiment")
    if if_due and (waiting := not_due(repo, champion.version)):
        return Outcome(waiting)
    prepare(repo)
    repo = Repo(repo.root)
    version, case = challenger(repo, entry["config"])
    facts = compare(repo, champion, version, case)
    same, worse = version == champion.version, facts["verdict"] == "fail"
    registry.set_alias(repo.root, "challenger", None if same or worse else version, by=person(repo))
    if same:
        return Outcome(f"Data, code and configuration are those of {version}: there is nothing new to learn.")
    return decide(Repo(repo.root), version, facts, worse)


def not_due(repo: Repo, version: str) -> str:
    """Why it is too early; "" when the interval has passed or the floor was breached."""
    every = repo.number("retrain.every_days")
    age = datetime.now(UTC).replace(tzinfo=None) - registry.promoted_at(registry.read(repo.root), version)
    if state_of(repo, "G5.3").state == "fail" or every is None or age >= timedelta(days=float(every)):
        return ""
    return f"{version} is {age.days} days old; the next retraining is due after {every:g} days."


def prepare(repo: Repo) -> None:
    """Audit and baseline again on the new data. Raises `Blocked` with the gates of G1 that do not open."""
    known = repo.evidence("splits", splits.RESPLIT) or {"rule": {"kind": ""}}
    audit_run.run(repo, resplit=known["rule"]["kind"] == "time")  # later cuts, or the new rows would all be test rows
    baseline_run.run(Repo(repo.root))
    require(Repo(repo.root), *AUDITED)


def challenger(repo: Repo, settings: dict[str, Any]) -> tuple[str, Case]:
    """The version these settings give on today's data, registered, and what it says about the validation rows."""
    task, book = repo.answers["task"], registry.read(repo.root)
    known = registry.find_same(book, hashes(repo, settings, ""))
    parts = ("validation",) if known else ("train", "validation")
    memory.announce(repo, parts, ALONE if known else WHOLE, trains=not known)
    validation = frames.load(repo, "validation")
    if known:
        digest = book["models"][known]["files"]["model"]["sha256"]
        model = model_files.load(prediction_files.store(repo) / f"{digest}.skops", digest, settings, repo.rooms)
    else:
        trained = training.fit(frames.load(repo, "train"), task, settings, repo.rooms)
        store = prediction_files.store(repo)
        model, digest = model_files.kept(trained, validation.x, task, store, settings, repo.rooms, every=False)
    said = stood_in(repo.fresh("baseline", "make baseline")["rule"], model, validation.x, task)
    case = validation.case(said, decision_threshold(repo), training.classes(model, task))
    found = interval(deciding(repo), case, repo.needed("acceptance.alpha"))
    return register_model(repo, settings, digest, case, canonical({"retrained": digest}), found.as_json()), case


def decide(repo: Repo, version: str, facts: dict[str, Any], worse: bool) -> Outcome:
    """Keep the champion, hand the challenger to people, or promote where that may happen by itself."""
    mark, step = source.label(repo, source.source_of(repo)), f"{facts['champion']} stays: {version} is worse."
    automatic = read_yaml(repo.root / "ops/rollout.yaml").get("promotion", {}).get("automatic") == "yes"
    cosmetic = automatic and repo.answers["consequence"] == "cosmetic"
    if not worse and cosmetic and state_of(repo, "G6.2").state in OPEN:
        step = switch(repo, version, "retrained, not worse").text
    elif not worse:
        then = "make promote" if state_of(repo, "G6.2").state in OPEN else state_of(repo, "G6.2").next_step
        step = f"{version} is the challenger. Read evidence/{CANDIDATE}.json, then: {then}"
    said = f"{version} against {facts['champion']} on new rows{mark}. {facts['sentence']}"
    return Outcome(f"{said}\n{facts['behaviour']['changed']:.1%} of decisions change.\n{step}", int(worse))
