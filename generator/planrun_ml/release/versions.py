"""Versions as the registry keeps them: baseline, accepted models, challengers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from planrun.files import canonical
from planrun.repository import Repo
from planrun.rooms import KEPT
from planrun.signing.people import person

from planrun_ml.baseline import rule as rule_module
from planrun_ml.data import frames, manifest, prediction_files
from planrun_ml.data.schema import PATH as SCHEMA
from planrun_ml.measuring.case import Case
from planrun_ml.models import families, model_files, own_features
from planrun_ml.release import registry, version_card


# ------------------------------------------------------------------------------------------------ registering
def code_of(settings: Mapping[str, Any]) -> str:
    """The hash of the team's code that a version answers with: its features and its family, as they were kept.

    Neither an edit elsewhere nor another engine is a new version.
    """
    return canonical({key: settings.get(key, "") for key in ("features", "family")})


def rooms_of(repo: Repo, settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The files of the kept rooms that a version answers with: name → path and hash, as the registry keeps them."""
    held = ((own_features.ROOM, settings.get("features", "")), (families.ROOM, settings.get("family", "")))
    paths = [path for room, digest in held if digest for path in repo.rooms.kept_files(room, digest)]
    named = [path.relative_to(repo.root).as_posix() for path in paths]
    return {path.removeprefix(f"{KEPT}/"): {"path": path, "sha256": repo.sha256(path)} for path in named}


def hashes(repo: Repo, settings: Mapping[str, Any], acceptance: str) -> dict[str, str]:
    """What a version is made of."""
    found = {"code": code_of(settings), "data": manifest.manifest(repo)["sha256"], "schema": repo.sha256(SCHEMA)}
    return found | {
        "config": canonical(dict(settings)),
        "environment": model_files.environment(settings, repo.rooms),
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
    loaded = model_files.load(path, model, settings, repo.rooms)
    rule = repo.fresh("baseline", "make baseline")["rule"]
    scores = rule_module.stood_in(rule, loaded, validation.x, repo.answers["task"])
    held = str(path.relative_to(repo.root)) if path.is_relative_to(repo.root) else str(path)
    entry = {"kind": "model", "metrics": dict(metrics), "hashes": made, "config": dict(settings)}
    files = {"model": {"path": held, "sha256": model}, **rooms_of(repo, settings)}
    return _register(repo, entry | {"files": files}, scores, case)


def _register(repo: Repo, entry: dict[str, Any], scores: np.ndarray, case: Case, alias: str | None = None) -> str:
    """Write the version's card, then enter both; `scores` are its own on the validation rows."""
    _, source, columns = frames.open_split(repo)
    interface = canonical({"columns": columns, "task": repo.answers["task"], "target": source.target})
    version = entry.get("version") or registry.next_version(registry.read(repo.root), entry["hashes"], interface)
    rule = repo.fresh("baseline", "make baseline")
    held = registry.standard(repo, case, rule["result"]["value"] if entry["kind"] == "model" else None)
    card = version_card.write_card(repo, version, entry["kind"], rule["rule"], scores, case, **held)
    entry |= {
        "engine": repo.digest("engine/"),
        "version": version,
        "interface": interface,
        "files": {**entry.get("files", {}), "card": card},
    }
    return registry.register(repo.root, entry, alias=alias, by=person(repo))
