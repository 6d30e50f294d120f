"""`promote` makes an accepted version answer, `rollback` puts the last known good one back, `retrain` makes the next.

Nothing is switched before the gates are open, the hashes are written down, and training and serving code were shown
to agree on the same rows.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from . import audit, baseline, cards, data, dataset, features, registry, train
from .accept import CANDIDATE, compare
from .champion import Champion, load
from .engine import listed
from .evaluate import Case, decision_threshold
from .files import Blocked, Outcome, Trouble, canonical, read_yaml
from .gates import OPEN, require, state_of
from .intervals import interval
from .repo import Repo
from .schema import PATH as SCHEMA
from .signing import person

AUDITED = ("G1.2", "G1.3", "G1.4", "G1.5", "G1.6", "G1.8")
PARITY_ROWS, TOLERANCE = 300, 1e-9


def promote(repo: Repo, version: str = "") -> Outcome:
    """Release what was accepted, or the challenger that retraining left; else measure the champion once more."""
    book = registry.read(repo.root)
    waiting, champion = registry.version_of(book, "challenger"), registry.version_of(book, "champion")
    chosen = version or waiting
    if chosen and chosen not in book["models"]:
        raise Trouble(f'The registry holds no version "{chosen}".', f"It holds: {', '.join(book['models'])}.")
    known = {event["version"] for event in book["events"] if event["what"] == "promoted"} | {registry.BASELINE, waiting}
    if chosen and chosen not in known:
        raise Blocked(f"{chosen} never answered, and it is no challenger: it was refused, or is old.", "make retrain")
    if chosen:  # gates of the candidate first; a version that answered before needs none of them again
        if chosen == waiting and (held := state_of(repo, "G6.2")).state == "fail":
            raise Blocked(held.reason, held.next_step)  # at any rigor
        require(repo, *(id for id in repo.blocking() if chosen == waiting and id.startswith(("G1.", "G6."))))
        return switch(repo, chosen, "not worse than the champion")
    accepted = repo.evidence("acceptance")
    released = {entry["files"]["model"]["sha256"] for entry in book["models"].values() if entry["kind"] == "model"}
    if champion and (accepted is None or accepted["model"] in released):
        return switch(repo, champion, "measured again")
    require(repo, *(id for id in repo.blocking() if id.startswith(("G0.", "G1.", "G2.", "G3."))))
    register_baseline(repo)
    return switch(repo, register_accepted(repo), "accepted")


def switch(repo: Repo, version: str, reason: str) -> Outcome:
    """Show parity and the fallback on this version, then point the alias at it in one write."""
    candidate = load(repo.root, version)
    if candidate.model is None and candidate.card["kind"] == "model":
        raise Blocked(f"{version} cannot answer: {candidate.reason}.", "Fetch the store, or: make retrain")
    measure(repo, candidate)
    before = registry.version_of(registry.read(repo.root), "champion")
    registry.promote(repo.root, version, by=person(repo), reason=reason)
    mark = data.label(repo, data.source_of(repo))
    said = "answers already" if before == version else f"answers now; before: {before or 'nothing'}"
    return Outcome(f"{version} {said}{mark}.\nTraining and serving code agree; the rule answers when the model cannot.")


# ------------------------------------------------------------------------------------------------ registering
def hashes(repo: Repo, settings: Mapping[str, Any], acceptance: str) -> dict[str, str]:
    """What a version is made of."""
    found = {"code": repo.digest("src/"), "data": data.manifest(repo)["sha256"], "schema": repo.sha256(SCHEMA)}
    return found | {"config": canonical(dict(settings)), "environment": train.environment(), "acceptance": acceptance}


def register_baseline(repo: Repo) -> None:
    """The measured rule as version 0.0.0: what answers when no model can, and where the last rollback ends."""
    if registry.version_of(registry.read(repo.root), "baseline"):
        return
    found, validation = repo.fresh("baseline", "make baseline"), dataset.load(repo, "validation")
    scores = baseline.scores(found["rule"], validation.x)
    case = validation.case(scores, found["threshold"], baseline.classes(found["rule"]))
    entry = {"version": registry.BASELINE, "kind": "rule", "metrics": found["result"]}
    _register(repo, entry | {"hashes": hashes(repo, found["rule"], "")}, scores, case, alias="baseline")


def register_accepted(repo: Repo) -> str:
    """The model that was measured on the test rows, by the file whose hash acceptance holds."""
    found = repo.fresh("acceptance", "make accept")
    case = dataset.case(dataset.read_predictions(repo, found["predictions"]["model"]), found["decision_threshold"])
    evidence = repo.sha256("evidence/acceptance.json")
    return register_model(repo, found["config"], found["model"], case, evidence, found["result"])


def register_model(
    repo: Repo, settings: Mapping[str, Any], model: str, case: Case, acceptance: str, metrics: Mapping[str, Any]
) -> str:
    """A trained model as a version, with the card that answering and watching need; the same hashes, the same one."""
    made = hashes(repo, settings, acceptance)
    if known := registry.find_same(registry.read(repo.root), made):
        return known
    path, validation = dataset.store(repo) / f"{model}.skops", dataset.load(repo, "validation")
    scores = train.predict(train.load(path, model), validation.x, repo.answers["task"])
    held = str(path.relative_to(repo.root)) if path.is_relative_to(repo.root) else str(path)
    entry = {"kind": "model", "metrics": dict(metrics), "hashes": made, "config": dict(settings)}
    return _register(repo, entry | {"files": {"model": {"path": held, "sha256": model}}}, scores, case)


def _register(repo: Repo, entry: dict[str, Any], scores: np.ndarray, case: Case, alias: str | None = None) -> str:
    """Write the version's card, then enter both; `scores` are its own on the validation rows."""
    _, source, columns = dataset.open_split(repo)
    interface = canonical({"columns": columns, "task": repo.answers["task"], "target": source.target})
    version = entry.get("version") or registry.next_version(registry.read(repo.root), entry["hashes"], interface)
    rule = repo.fresh("baseline", "make baseline")
    held = registry.standard(repo, case, rule["result"]["value"] if entry["kind"] == "model" else None)
    card = cards.write_card(repo, version, entry["kind"], rule["rule"], scores, case, **held)
    entry |= {"version": version, "interface": interface, "files": {**entry.get("files", {}), "card": card}}
    return registry.register(repo.root, entry, alias=alias, by=person(repo))


# ------------------------------------------------------------------------------------------------ parity, fallback
def measure(repo: Repo, candidate: Champion) -> None:
    """Evidence that a version serves what was trained, and that the rule stands in for it. Raises `Trouble` if not."""
    inputs, rows = both_ways(repo, candidate)
    served = candidate.answers(rows)
    trained = candidate.scored(inputs)["score"].tolist()
    pairs = [(t, s.score) for t, s in zip(trained, served, strict=True) if s.source == candidate.card["kind"]]
    wrong = sum(1 for t, s in pairs if s is None or not abs(t - s) <= TOLERANCE)
    facts, measured = {"version": candidate.version}, ("src/", registry.card_path(candidate.version))
    scores = {"training": [t for t, _ in pairs], "serving": [s for _, s in pairs]}
    repo.write_evidence("parity", facts | {"rows": len(rows), "tolerance": TOLERANCE} | scores, measured)
    repo.write_evidence("fallback", facts | {"cases": stand_ins(candidate, rows[0])}, measured)
    if wrong or not pairs:
        said = f"{wrong} of {len(pairs)} rows score differently in service (gate G4.2)."
        raise Trouble(f"{candidate.version} is not released: {said}", "make triage")


def both_ways(repo: Repo, candidate: Champion) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The same rows as training reads them, and as a caller would send them (through JSON and back)."""
    table, source, columns = dataset.open_split(repo)
    chosen = f"from split_rows order by md5({features.key_sql(source)}) limit {PARITY_ROWS}"
    inputs = table.frame(f"select {features.select(candidate.columns)} {chosen}")
    raw = table.frame(f"select {listed(list(columns))} {chosen}").astype(object)
    sent = raw.where(raw.notna(), None).to_dict("records")
    return inputs, json.loads(json.dumps(sent, default=str))


def stand_ins(candidate: Champion, row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What answers when the model is absent, when it fails, and when the input breaks the contract."""
    number = next((name for name, kind in candidate.columns.items() if kind == "number"), None)
    broken = dict(row) | ({number: "not a number"} if number else dict.fromkeys(row))
    cases = {
        "absent": replace(candidate, model=None, reason="the model is absent").answers([row]),
        "failing": replace(candidate, model=Failing()).answers([row]),
        "invalid": candidate.answers([broken]),
    }
    return {name: answers[0].as_json() for name, answers in cases.items()}


class Failing:
    """A model that raises whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("a rehearsed failure")


# ------------------------------------------------------------------------------------------------ rollback
def rollback(repo: Repo, drill: bool = False, reason: str = "") -> Outcome:
    """Put the last known good version back; as a drill, time it, let it answer, and return to where we were."""
    if not drill and not reason:
        raise Trouble("A rollback needs its reason.", "make rollback ARGS='--reason \"recall fell below the floor\"'")
    book, who, clock = registry.read(repo.root), person(repo), time.perf_counter()
    bad, good = registry.roll_back(repo.root, by=who, reason=reason or "drill")
    restored = load(repo.root)
    answers = restored.answers(both_ways(repo, restored)[1][:1])
    seconds = time.perf_counter() - clock
    rest = f"{good} answers now. Tell those whom section 10 of operations names."
    if drill:
        registry.restore(repo.root, book, by=who)
        facts = {"from": bad, "to": good, "seconds": round(seconds, 3), "answered": bool(answers[0].decision)}
        repo.write_evidence("rollback_drill", facts)
        rest = f"A drill: {bad} answers again."
    limit = f"limit {float(repo.answers['rollback_minutes']):g} min{data.label(repo, data.source_of(repo))}"
    return Outcome(f"{bad} → {good} in {seconds:.2f} s, {limit}.\n{rest}")


# ------------------------------------------------------------------------------------------------ retraining
def retrain(repo: Repo, if_due: bool = False) -> Outcome:
    """A challenger from today's data, or why the champion stays. The same data and settings give the same answer."""
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
    known = repo.evidence("splits") or {"rule": {"kind": ""}}
    audit.run(repo, resplit=known["rule"]["kind"] == "time")  # later cuts, or the new rows would all be test rows
    baseline.run(Repo(repo.root))
    require(Repo(repo.root), *AUDITED)


def challenger(repo: Repo, settings: dict[str, Any]) -> tuple[str, Case]:
    """The version these settings give on today's data, registered, and what it says about the validation rows."""
    task, validation, book = repo.answers["task"], dataset.load(repo, "validation"), registry.read(repo.root)
    known = registry.find_same(book, hashes(repo, settings, ""))
    if known:
        digest = book["models"][known]["files"]["model"]["sha256"]
        model = train.load(dataset.store(repo) / f"{digest}.skops", digest)
    else:
        model = train.fit(dataset.load(repo, "train"), task, settings)
        _, digest = train.save(model, dataset.store(repo))
    case = train.case(model, validation, task, decision_threshold(repo))
    found = interval(repo.answers["metric"], case, repo.needed("acceptance.alpha"))
    return register_model(repo, settings, digest, case, canonical({"retrained": digest}), found.as_json()), case


def decide(repo: Repo, version: str, facts: dict[str, Any], worse: bool) -> Outcome:
    """Keep the champion, hand the challenger to people, or promote where that may happen by itself."""
    mark, step = data.label(repo, data.source_of(repo)), f"{facts['champion']} stays: {version} is worse."
    automatic = read_yaml(repo.root / "ops/rollout.yaml").get("promotion", {}).get("automatic") == "yes"
    cosmetic = automatic and repo.answers["consequence"] == "cosmetic"
    if not worse and cosmetic and state_of(repo, "G6.2").state in OPEN:
        step = switch(repo, version, "retrained, not worse").text
    elif not worse:
        step = f"{version} is the challenger. Read evidence/{CANDIDATE}.json, then: make promote"
    said = f"{version} against {facts['champion']} on new rows{mark}. {facts['sentence']}"
    return Outcome(f"{said}\n{facts['behaviour']['changed']:.1%} of decisions change.\n{step}", int(worse))
