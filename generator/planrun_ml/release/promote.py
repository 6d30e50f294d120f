"""`promote` makes an accepted version answer, `rollback` puts the last known good one back, `retrain` makes the next.

Nothing is switched before the gates are open, the hashes are written down, and training and serving code were shown
to agree on the same rows.
"""

from collections.abc import Mapping
from typing import Any

from planrun.gates import OPEN, blocking, require, state_of
from planrun.repository import Repo
from planrun.signing.people import person
from planrun.trouble import Blocked, Outcome, Trouble

from planrun_ml.data import source
from planrun_ml.experiments.retracing import OTHER
from planrun_ml.release import provenance, registry
from planrun_ml.release.champion_model import load
from planrun_ml.release.parity import measure
from planrun_ml.release.versions import register_accepted, register_baseline


def promote(repo: Repo, version: str = "") -> Outcome:
    """Release what was accepted, or the challenger that retraining left; else measure the champion once more.

    Raises `Trouble` for a version that the registry lacks, `Blocked` where a gate before it is shut or it is not due.
    """
    book = registry.read(repo.root)
    waiting, champion = registry.version_of(book, "challenger"), registry.version_of(book, "champion")
    chosen = version or waiting
    if chosen and chosen not in book["models"]:
        raise Trouble(f'The registry holds no version "{chosen}".', f"It holds: {', '.join(book['models'])}.")
    known = {event["version"] for event in book["events"] if event["what"] == "promoted"} | {registry.BASELINE, waiting}
    if chosen and chosen not in known:
        raise Blocked(f"{chosen} never answered, and it is no challenger: it was refused, or is old.", "make retrain")
    if chosen:  # gates of the candidate first; a version that answered before needs none of them again
        if chosen == waiting and (held := state_of(repo, "G6.2")).state not in OPEN:
            raise Blocked(held.reason, held.next_step)  # at any rigor: what is not shown to be no worse may be worse
        _refuse_doubtful(repo, book["models"][chosen])
        require(repo, *(id for id in blocking(repo) if chosen == waiting and id.startswith(("G1.", "G6.", "X."))))
        return switch(repo, chosen, "not worse than the champion")
    accepted = repo.evidence("acceptance", "make accept")
    released = {entry["files"]["model"]["sha256"] for entry in book["models"].values() if entry["kind"] == "model"}
    if champion and (accepted is None or accepted["model"] in released):
        return switch(repo, champion, "measured again")
    require(repo, *(id for id in blocking(repo) if id.startswith(("G0.", "G1.", "G2.", "G3.", "X."))))
    register_baseline(repo)
    return switch(repo, register_accepted(repo), "accepted")


def _refuse_doubtful(repo: Repo, entry: Mapping[str, Any]) -> None:
    """Raises `Blocked`, at any rigor, for a version that nothing speaks for, or that its settings do not give."""
    if entry["kind"] != "model":
        return
    doubts = provenance.problems(repo, entry)
    if not doubts and (found := provenance.traced(repo, entry, patient=True)) and found.state == OTHER:
        doubts = [f"{entry['version']} is not what its settings give: {found.why}"]
    if doubts:
        raise Blocked(f"{'; '.join(doubts)}.", "make retrain")


def switch(repo: Repo, version: str, reason: str) -> Outcome:
    """Show parity and the fallback on this version, then point the alias at it in one write.

    Raises `Blocked` where the version cannot answer.
    """
    candidate = load(repo.root, version)
    if candidate.model is None and candidate.card["kind"] == "model":
        raise Blocked(f"{version} cannot answer: {candidate.reason}.", "Fetch the store, or: make retrain")
    measure(repo, candidate)
    before = registry.version_of(registry.read(repo.root), "champion")
    registry.promote(repo.root, version, by=person(repo), reason=reason)
    provenance.keep(repo, registry.read(repo.root)["models"][version])
    mark = source.label(repo, source.source_of(repo))
    said = "answers already" if before == version else f"answers now; before: {before or 'nothing'}"
    return Outcome(f"{version} {said}{mark}.\nTraining and serving code agree; the rule answers when the model cannot.")
