"""How a version came to be, held against what spoke for it: an acceptance, or a retraining that was not worse.

`registry/models.json` is text, and whoever may write it can point `champion` at anything. So a version counts only
where its evidence tells of exactly its model file, its entry and its card are what was registered, and, while its data
and packages are still here, training by its settings gives the same model again.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from planrun import git
from planrun.authors import in_the_team, same_person, written
from planrun.files import canonical, read_json, write_text
from planrun.gates import WAIVERS
from planrun.repository import Repo, seal

from planrun_ml.data.manifest import MANIFEST, at_hand
from planrun_ml.experiments import records, retracing
from planrun_ml.experiments.retracing import Traced
from planrun_ml.models import model_files
from planrun_ml.release import registry

ACCEPTANCE, CANDIDATE = "acceptance", "candidate"
KEPT = "registry/evidence"  # what spoke for a version when it was promoted, in a file of its own
NEWEST = 50  # commits of the registry that its entries are held against
FIXED = ("kind", "hashes", "files", "config", "metrics", "interface")  # of an entry, from its registration on
SWITCHES = ("promoted", "rolled back", "drill ended")


# ------------------------------------------------------------------------------------------------ what speaks for it
def spoken_for(repo: Repo, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """The evidence that a version answers by: of today, as it was kept at a promotion, or in history; None without."""
    model, retrained = entry["files"]["model"]["sha256"], _is_retrained(entry)
    name = CANDIDATE if retrained else ACCEPTANCE
    for facts in _told(repo, entry["version"], name):
        mine = facts.get("version") == entry["version"] and facts.get("model", model) == model
        if mine if retrained else facts.get("model") == model:
            return facts
    return None


def keep(repo: Repo, entry: Mapping[str, Any]) -> None:
    """Keep what speaks for a version beside the registry, for the day on which evidence/ tells of a later one."""
    if entry["kind"] == "model" and (facts := spoken_for(repo, entry)):
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        write_text(repo.root / KEPT / f"{entry['version']}.json", text)


def _is_retrained(entry: Mapping[str, Any]) -> bool:
    return bool(entry["hashes"].get("acceptance") == canonical({"retrained": entry["files"]["model"]["sha256"]}))


def _told(repo: Repo, version: str, name: str) -> Iterator[dict[str, Any]]:
    """Sealed evidence of this name: today's, what was kept of the version, and all that history holds."""
    path = f"evidence/{name}.json"
    for place in (path, f"{KEPT}/{version}.json"):
        if (repo.root / place).is_file():
            yield from _sealed((repo.root / place).read_text("utf-8"))
    commits = (git.git(repo.root, "log", "--full-history", "--format=%H", "--", path) or "").split()
    for text in git.contents(repo.root, path, commits).values():
        yield from _sealed(text)


def _sealed(text: str) -> Iterator[dict[str, Any]]:
    try:
        facts = json.loads(text)
    except ValueError:  # torn then, and of no use now
        return
    if isinstance(facts, dict) and facts.get("seal") == seal(facts):
        yield facts


# ------------------------------------------------------------------------------------------------ what is wrong with it
def problems(repo: Repo, entry: Mapping[str, Any]) -> list[str]:
    """Why a registered model does not count as released by people; none where it does."""
    version = entry["version"]
    found = _at_odds(entry) + _rewritten(repo, entry)
    facts = spoken_for(repo, entry)
    if facts is None:
        told = "no retraining compared it" if _is_retrained(entry) else "no acceptance tells of its model file"
        return [*found, f"{version} was never accepted: {told}"]
    return found + _not_passed(repo, entry, facts) + _card(repo, entry, facts)


def _at_odds(entry: Mapping[str, Any]) -> list[str]:
    """Hashes of an entry that are not those of what stands beside them."""
    settings = entry["config"]
    code = canonical({key: settings.get(key, "") for key in ("features", "family")})
    wanted = {"config": canonical(dict(settings)), "code": code}
    odd = [name for name, digest in wanted.items() if entry["hashes"].get(name) != digest]
    return [f"the {name} hash of {entry['version']} is not that of its config" for name in odd]


def _rewritten(repo: Repo, entry: Mapping[str, Any]) -> list[str]:
    """What another commit holds otherwise of the same version: an entry never changes."""
    path, version = registry.PATH.as_posix(), entry["version"]
    commits = (git.git(repo.root, "log", f"-{NEWEST}", "--format=%H", "--", path) or "").split()
    for commit, text in git.contents(repo.root, path, commits).items():
        try:
            before = json.loads(text)["models"].get(version, {})
        except (ValueError, KeyError, AttributeError):  # a version of the file that cannot be read says nothing
            continue
        if moved := [name for name in FIXED if name in before and before[name] != entry.get(name)]:
            return [f"{', '.join(moved)} of {version} in {path} was rewritten: {commit[:9]} holds it otherwise"]
    return []


def _not_passed(repo: Repo, entry: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """That its verdict opens nothing, where nobody who may has walked past the gate."""
    if _is_retrained(entry):
        state, gate = facts.get("verdict"), "G6.2"
    else:
        state, gate = (facts.get("verdict") or {}).get("state"), "G3.3"
    if state == "pass" or _walked_past(repo, gate):
        return []
    return [f"{entry['version']} was never accepted: its verdict is {state}, and nobody waived {gate}"]


def _walked_past(repo: Repo, gate: str) -> bool:
    """Whether somebody who may ever waived a gate, in a commit of their own."""
    return any(
        row.get("gate") == gate
        and same_person(commit.author, row.get("approver", ""))
        and in_the_team(repo, commit.author)
        for row, commit in written(repo, WAIVERS)
    )


def _card(repo: Repo, entry: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """What the card answers with that is not what was accepted."""
    card = read_json(repo.root / entry["files"]["card"]["path"])
    wanted = {"version": entry["version"], "kind": entry["kind"]}
    if _is_retrained(entry):
        wanted |= {"threshold": facts["threshold"]}
    else:
        wanted |= {"threshold": facts["decision_threshold"], "rule": facts["rule"]}
    odd = [name for name, value in wanted.items() if card.get(name) != value]
    return [f"the card of {entry['version']} has another {' and '.join(odd)} than was accepted"] if odd else []


def unswitched(book: Mapping[str, Any], version: str) -> str:
    """A sentence where the events do not lead to the version that answers; "" where they do."""
    moves = [event for event in book["events"] if event["what"] in SWITCHES]
    if moves and moves[-1]["version"] == version:
        return ""
    told = f"it is {moves[-1]['version']}" if moves else "nobody promoted anything"
    return f"{registry.PATH.as_posix()} says that {version} answers, and by its events {told}"


def promoter(book: Mapping[str, Any], version: str) -> str:
    """Who put a version where it is, and when, as the registry has it; "" where it does not say."""
    moves = [event for event in book["events"] if event["what"] in SWITCHES[:2] and event["version"] == version]
    return f"{moves[-1]['what']} by {moves[-1]['by']} on {moves[-1]['at'][:10]}" if moves else ""


# ------------------------------------------------------------------------------------------------ trained again
def traced(repo: Repo, entry: Mapping[str, Any], patient: bool = False) -> Traced | None:
    """Whether a version's model is what its settings give; None where its data or packages are no longer those.

    `patient` waits for a training that takes minutes too.
    """
    facts, settings = spoken_for(repo, entry), entry["config"]
    if facts is None or entry["hashes"].get("environment") != model_files.environment(settings, repo.rooms):
        return None
    then = {path: digest for path, digest in facts["measured"].items() if path.startswith((MANIFEST, "evidence/spl"))}
    if not then or not at_hand(repo) or any(repo.digest(path) != digest for path, digest in then.items()):
        return None
    model = entry["files"]["model"]["sha256"]
    record = next((one for one in records.all_records(repo) if one.get("model_file") == model), None)
    if record and record["config"] == settings:
        return retracing.of_record(repo, record, patient)
    return retracing.traced(repo, settings, model)
