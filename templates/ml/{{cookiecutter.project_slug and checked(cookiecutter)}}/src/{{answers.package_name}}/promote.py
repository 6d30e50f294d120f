"""`promote` makes an accepted version answer, `rollback` puts the last known good one back, timed when rehearsed.

Nothing is switched before the gates are open, the hashes are written down, and training and serving code were shown
to agree on the same rows.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from . import baseline, data, dataset, features, passport, registry, train
from .champion import Champion, load
from .engine import listed
from .evaluate import Case
from .files import Blocked, Outcome, Trouble, canonical
from .gates import require
from .repo import Repo
from .schema import PATH as SCHEMA
from .signing import person

STAGES = ("G0", "G1", "G2", "G3")
PARITY_ROWS, TOLERANCE = 300, 1e-9


def promote(repo: Repo, version: str = "") -> Outcome:
    """Release what was accepted, or the challenger that retraining left; else measure the champion once more."""
    book = registry.read(repo.root)
    chosen, champion = version or registry.version_of(book, "challenger"), registry.version_of(book, "champion")
    if chosen:
        return release_challenger(repo, chosen)
    accepted = repo.evidence("acceptance")
    released = {entry["files"]["model"]["sha256"] for entry in book["models"].values() if entry["kind"] == "model"}
    if champion and (accepted is None or accepted["model"] in released):
        return switch(repo, champion, "measured again")
    require(repo, *(id for id in repo.blocking() if id.partition(".")[0] in STAGES))
    register_baseline(repo)
    return switch(repo, register_accepted(repo), "accepted")


def release_challenger(repo: Repo, version: str) -> Outcome:
    """Gates of the candidate first; a version that answered before needs none of them again."""
    book = registry.read(repo.root)
    if registry.entry_of(book, version) is None:
        raise Trouble(f'The registry holds no version "{version}".', f"It holds: {', '.join(book['models'])}.")
    if registry.version_of(book, "challenger") == version:
        require(repo, *(id for id in repo.blocking() if id.startswith(("G1.", "G6."))))
    return switch(repo, version, "not worse than the champion")


def switch(repo: Repo, version: str, reason: str) -> Outcome:
    """Show parity and the fallback on this version, then point the alias at it in one write."""
    candidate = load(repo.root, version)
    if candidate.model is None and candidate.card["kind"] == "model":
        raise Blocked(f"{version} cannot answer: {candidate.reason}.", "Fetch the store, or: make retrain")
    problems = measure(repo, candidate)
    if problems:
        raise Trouble(f"{version} is not released: {problems}", "make triage")
    before = registry.version_of(registry.read(repo.root), "champion")
    registry.promote(repo.root, version, by=person(repo), reason=reason)
    mark = data.label(repo, data.source_of(repo))
    said = "answers already" if before == version else f"answers now; before: {before or 'nothing'}"
    return Outcome(f"{version} {said}{mark}.\nTraining and serving code agree; the rule answers when the model cannot.")


# ------------------------------------------------------------------------------------------------ registering
def hashes(repo: Repo, settings: Mapping[str, Any], acceptance: str) -> dict[str, str]:
    """What a version is made of."""
    manifest = data.manifest(repo)
    found = {"code": repo.digest("src/"), "data": manifest["sha256"], "schema": repo.sha256(SCHEMA)}
    return found | {"config": canonical(dict(settings)), "environment": train.environment(), "acceptance": acceptance}


def interface(repo: Repo) -> str:
    """What callers depend on: the inputs with their kinds, the task and the target."""
    _, source, columns = dataset.open_split(repo)
    return canonical({"columns": columns, "task": repo.answers["task"], "target": source.target})


def register_baseline(repo: Repo) -> None:
    """The measured rule as version 0.0.0: what answers when no model can, and where the last rollback ends."""
    if registry.version_of(registry.read(repo.root), "baseline"):
        return
    found, validation = repo.fresh("baseline", "make baseline"), dataset.load(repo, "validation")
    rule, threshold = found["rule"], found["threshold"]
    scores, names = baseline.scores(rule, validation.x), baseline.classes(rule)
    case = validation.case(scores, threshold, names)
    facts = passport.build(repo, registry.BASELINE, "rule", rule, scores, case, None)
    entry = {"version": registry.BASELINE, "kind": "rule", "interface": interface(repo), "metrics": found["result"]}
    entry |= {
        "hashes": hashes(repo, rule, ""),
        "files": {"card": passport.write(repo, registry.BASELINE, facts)},
    }
    registry.register(repo.root, entry, alias="baseline", by=person(repo))


def register_accepted(repo: Repo) -> str:
    """The model that was measured on the test rows, by the file whose hash acceptance holds."""
    found = repo.fresh("acceptance", "make accept")
    case = dataset.case(dataset.read_predictions(repo, found["predictions"]["model"]), found["decision_threshold"])
    evidence = repo.sha256("evidence/acceptance.json")
    return register_model(repo, found["config"], found["model"], case, evidence, found["result"])


def register_model(
    repo: Repo,
    settings: Mapping[str, Any],
    model: str,
    case: Case,
    acceptance: str,
    metrics: Mapping[str, Any],
) -> str:
    """A trained model as a version, with the card that answering and watching need; the same hashes, the same one."""
    made, contract, book = hashes(repo, settings, acceptance), interface(repo), registry.read(repo.root)
    known = registry.find_same(book, made)
    if known:
        return known
    version, rule = registry.next_version(book, made, contract), repo.fresh("baseline", "make baseline")
    path, validation = dataset.store(repo) / f"{model}.skops", dataset.load(repo, "validation")
    scores = train.predict(train.load(path, model), validation.x, repo.answers["task"])
    facts = passport.build(repo, version, "model", rule["rule"], scores, case, rule["result"]["value"])
    held = str(path.relative_to(repo.root)) if path.is_relative_to(repo.root) else str(path)
    files = {"model": {"path": held, "sha256": model}, "card": passport.write(repo, version, facts)}
    entry = {"version": version, "kind": "model", "interface": contract, "metrics": dict(metrics)}
    entry |= {"hashes": made, "config": dict(settings), "files": files}
    return registry.register(repo.root, entry, by=person(repo))


# ------------------------------------------------------------------------------------------------ parity, fallback
def measure(repo: Repo, candidate: Champion) -> str:
    """Evidence that the version serves what was trained, and that the rule stands in for it; "" or what is wrong."""
    inputs, rows = both_ways(repo, candidate)
    served = candidate.answers(rows)
    trained = candidate.scored(inputs)["score"].tolist()
    pairs = [(t, s.score) for t, s in zip(trained, served, strict=True) if s.source == candidate.card["kind"]]
    wrong = sum(1 for t, s in pairs if s is None or not abs(t - s) <= TOLERANCE)
    facts = {"version": candidate.version, "rows": len(rows), "tolerance": TOLERANCE}
    facts |= {"training": [t for t, _ in pairs], "serving": [s for _, s in pairs]}
    measured = ("src/", passport.path_of(candidate.version))
    repo.write_evidence("parity", facts, measured)
    repo.write_evidence("fallback", {"version": candidate.version, "cases": stand_ins(candidate, rows[0])}, measured)
    return f"{wrong} of {len(pairs)} rows score differently in service (gate G4.2)." if wrong or not pairs else ""


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
    book, who = registry.read(repo.root), person(repo)
    clock = time.perf_counter()
    bad, good = registry.roll_back(repo.root, by=who, reason=reason or "drill")
    restored = load(repo.root)
    _, rows = both_ways(repo, restored)
    answers = restored.answers(rows[:1])
    seconds = time.perf_counter() - clock
    if drill:
        registry.restore(repo.root, book, by=who)
        facts = {"from": bad, "to": good, "seconds": round(seconds, 3), "answered": bool(answers[0].decision)}
        repo.write_evidence("rollback_drill", facts)
    mark = data.label(repo, data.source_of(repo))
    said = f"{bad} → {good} in {seconds:.2f} s, limit {float(repo.answers['rollback_minutes']):g} min{mark}."
    rest = (
        f"A drill: {bad} answers again."
        if drill
        else f"{good} answers now. Tell those whom section 10 of operations names."
    )
    return Outcome(f"{said}\n{rest}")
