"""Gates that people keep open, written where they block: reviews, and a candidate that was looked at and signed."""

from typing import Any

from planrun.files import canonical, read_json, read_yaml
from planrun.gates import OPEN, Result, at_strict, blocked, failed, gate, passed, state_of
from planrun.repository import Repo
from planrun.signing.people import decides, waiving
from planrun.signing.signatures import signable, signed
from planrun.trouble import Blocked

from planrun_ml.acceptance import candidate as candidate_module
from planrun_ml.acceptance import verdicts
from planrun_ml.gates.g5_operation import RETRAIN
from planrun_ml.release import registry
from planrun_ml.release.registry import champion_entry
from planrun_ml.retraining.retrain import AUDITED, not_due


# ------------------------------------------------------------------------------------------------ candidates
def unneeded(repo: Repo) -> str:
    """Why no candidate is to be judged; "" where one is: it waits, was refused, became the champion, or is due."""
    entry, found, book = (
        champion_entry(repo),
        repo.evidence(candidate_module.CANDIDATE, RETRAIN),
        registry.read(repo.root),
    )
    version, trained = entry["version"], entry["files"].get("model", {}).get("sha256")
    retrained = entry["hashes"].get("acceptance") == canonical({"retrained": trained})
    if registry.version_of(book, "challenger") or retrained:
        return ""
    if found is None:
        calm = repo.number("retrain.every_days") is None and state_of(repo, "G5.3").state != "fail"
        early = not_due(repo, version) or (
            calm and f"The plan sets no interval after which {version} is trained again."
        )
        return f"No candidate waits. {early}" if early else ""
    same = found["version"] == found["champion"] == version and repo.fresh(candidate_module.CANDIDATE, RETRAIN)
    return f"Retrained, the data gives {version} again: there was nothing new to learn." if same else ""


def candidate(repo: Repo) -> dict[str, Any]:
    """Evidence about the challenger, or about the champion it became. Raises `Blocked` without any."""
    found, book = repo.fresh(candidate_module.CANDIDATE, RETRAIN), registry.read(repo.root)
    challenger, champion = (registry.version_of(book, alias) for alias in ("challenger", "champion"))
    if found["version"] != (challenger or champion) and (challenger or found["verdict"] != "fail"):
        raise Blocked(f"evidence/candidate.json is about {found['version']}, not about {challenger}.", RETRAIN)
    if found["version"] == found["champion"]:
        raise Blocked("The candidate was compared with itself.", RETRAIN)
    return found


@gate("G6.1")
def new_data(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    candidate(repo)
    shut = [row for row in (state_of(repo, id) for id in AUDITED) if row.state not in OPEN]
    if not shut:
        return passed(f"{', '.join(AUDITED)} are open on the new data.")
    verdict = failed if any(row.state == "fail" for row in shut) else blocked
    return verdict(f"{', '.join(row.id for row in shut)}: {shut[0].reason}", shut[0].next_step)


@gate("G6.2")
def not_worse(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    found = candidate(repo)
    again = candidate_module.judged(repo, found)
    if typed := [key for key, value in _held_to(repo, found).items() if found.get(key) != value]:
        return failed(f"{', '.join(typed)} in evidence/candidate.json are not those of plan and champion.", RETRAIN)
    if typed := [key for key in ("verdict", "vs_champion", "result") if again[key] != found[key]]:
        return failed(f"{', '.join(typed)} in evidence/candidate.json do not follow from the predictions.", RETRAIN)
    said = f"{found['version']} against {found['champion']}: {again['sentence']}"
    if again["verdict"] == "inconclusive":
        return blocked(said, decides(repo, "mle", f"add labelled rows, then: {RETRAIN}"))
    return (
        failed(said, decides(repo, "po", f"keep {found['champion']}, or walk past it: {waiving('G6.2')}"))
        if again["verdict"] == "fail"
        else passed(said)
    )


def _held_to(repo: Repo, found: dict[str, Any]) -> dict[str, Any]:
    """What the candidate is held to today; nothing where the champion of then is no longer registered."""
    before = registry.read(repo.root)["models"].get(found["champion"])
    if before is None:
        return {}
    return candidate_module.held_to(repo, read_json(repo.root / before["files"]["card"]["path"]))


@gate("G6.6")
def versions(repo: Repo) -> Result:
    champion_entry(repo)
    if problems := registry.version_problems(registry.read(repo.root)):
        return failed(f"{'; '.join(problems)}.", RETRAIN)
    return passed("Each version's number says what changed.")


@gate("G6.3", applies=at_strict)
def segments(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    facts = candidate(repo)
    files, alpha = facts["predictions"], facts["alpha"]
    found = verdicts.slices(repo, files["candidate"], files["champion"], facts["threshold"], alpha)
    worse, unsure = ([n for n, e in found.items() if e["state"] == shut] for shut in ("fail", "inconclusive"))
    if worse:
        return failed(
            f"Worse in {', '.join(worse)}.",
            decides(repo, "po", f"keep the champion, or walk past it: {waiving('G6.3')}"),
        )
    if unsure:
        return blocked(
            f"Too few rows in {', '.join(unsure)}.", decides(repo, "mle", f"add labelled rows there, then: {RETRAIN}")
        )
    return passed(f"Not worse in any of {len(found)} segments." if found else "No segment was named.")


def _ready(repo: Repo) -> None:
    candidate(repo)


signable("G6.4", ("evidence/candidate.json",), ("expert",), _ready, applies=at_strict)
signable("G6.5", ("evidence/candidate.json",), ("mle",), _ready, applies=at_strict)


@gate("G6.4", applies=at_strict)
def behaviour(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    candidate(repo)
    return signed(repo, "G6.4")


@gate("G6.5", applies=at_strict)
def approved(repo: Repo) -> Result:
    if said := unneeded(repo):
        return passed(said)
    candidate(repo)
    automatic = read_yaml(repo.root / "ops/rollout.yaml").get("promotion", {}).get("automatic") == "yes"
    if automatic and repo.answers["consequence"] == "cosmetic":
        return passed("Errors are cosmetic, and the team lets retraining promote by itself.")
    return signed(repo, "G6.5")
