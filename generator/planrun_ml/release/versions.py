"""Versions as the registry keeps them: baseline, accepted models, challengers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from planrun.files import canonical
from planrun.repository import Repo
from planrun.signing.people import person

from planrun_ml.baseline import rule as rule_module
from planrun_ml.data import frames, manifest, prediction_files
from planrun_ml.data.schema import PATH as SCHEMA
from planrun_ml.measuring.case import Case
from planrun_ml.models import model_files, training
from planrun_ml.release import registry, version_card


# ------------------------------------------------------------------------------------------------ registering
def code_of(repo: Repo) -> str:
    """The hash of all code that a version answers with: the team's, and the engine's."""
    return canonical({path: repo.digest(path) for path in ("src/", "engine/")})


def hashes(repo: Repo, settings: Mapping[str, Any], acceptance: str) -> dict[str, str]:
    """What a version is made of."""
    found = {"code": code_of(repo), "data": manifest.manifest(repo)["sha256"], "schema": repo.sha256(SCHEMA)}
    return found | {
        "config": canonical(dict(settings)),
        "environment": model_files.environment(),
        "acceptance": acceptance,
    }


def register_baseline(repo: Repo) -> None:
    """The measured rule as version 0.0.0: what answers when no model can, and where the last rollback ends."""
    if registry.version_of(registry.read(repo.root), "baseline"):
        return
    found, validation = repo.fresh("baseline", "make baseline"), frames.load(repo, "validation")
    scores = rule_module.scores(found["rule"], validation.x)
    case = validation.case(scores, found["threshold"], rule_module.classes(found["rule"]))
    entry = {"version": registry.BASELINE, "kind": "rule", "metrics": found["result"]}
    _register(repo, entry | {"hashes": hashes(repo, found["rule"], "")}, scores, case, alias="baseline")


def register_accepted(repo: Repo) -> str:
    """The model that was measured on the test rows, by the file whose hash acceptance holds."""
    found = repo.fresh("acceptance", "make accept")
    case = prediction_files.case(
        prediction_files.read_predictions(repo, found["predictions"]["model"]), found["decision_threshold"]
    )
    evidence = repo.sha256("evidence/acceptance.json")
    return register_model(repo, found["config"], found["model"], case, evidence, found["result"])


def register_model(
    repo: Repo, settings: Mapping[str, Any], model: str, case: Case, acceptance: str, metrics: Mapping[str, Any]
) -> str:
    """A trained model as a version, with the card that answering and watching need; the same hashes, the same one."""
    made = hashes(repo, settings, acceptance)
    if known := registry.find_same(registry.read(repo.root), made):
        return known
    path, validation = prediction_files.store(repo) / f"{model}.skops", frames.load(repo, "validation")
    scores = training.predict(model_files.load(path, model), validation.x, repo.answers["task"])
    held = str(path.relative_to(repo.root)) if path.is_relative_to(repo.root) else str(path)
    entry = {"kind": "model", "metrics": dict(metrics), "hashes": made, "config": dict(settings)}
    return _register(repo, entry | {"files": {"model": {"path": held, "sha256": model}}}, scores, case)


def _register(repo: Repo, entry: dict[str, Any], scores: np.ndarray, case: Case, alias: str | None = None) -> str:
    """Write the version's card, then enter both; `scores` are its own on the validation rows."""
    _, source, columns = frames.open_split(repo)
    interface = canonical({"columns": columns, "task": repo.answers["task"], "target": source.target})
    version = entry.get("version") or registry.next_version(registry.read(repo.root), entry["hashes"], interface)
    rule = repo.fresh("baseline", "make baseline")
    held = registry.standard(repo, case, rule["result"]["value"] if entry["kind"] == "model" else None)
    card = version_card.write_card(repo, version, entry["kind"], rule["rule"], scores, case, **held)
    entry |= {"version": version, "interface": interface, "files": {**entry.get("files", {}), "card": card}}
    return registry.register(repo.root, entry, alias=alias, by=person(repo))
