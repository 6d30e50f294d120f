"""`rollback`: the last known good version again, timed."""

import time

from planrun.repository import Repo
from planrun.signing.people import person
from planrun.trouble import Outcome, Trouble

from planrun_ml.data import source
from planrun_ml.release import registry
from planrun_ml.release.champion_model import load
from planrun_ml.release.parity import both_ways


# ------------------------------------------------------------------------------------------------ rollback
def rollback(repo: Repo, drill: bool = False, reason: str = "") -> Outcome:
    """Put the last known good version back; as a drill, time it, let it answer, and return to where we were.

    Raises `Trouble` where it is no drill and has no reason.
    """
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
    limit = f"limit {float(repo.answers['rollback_minutes']):g} min{source.label(repo, source.source_of(repo))}"
    return Outcome(f"{bad} → {good} in {seconds:.2f} s, {limit}.\n{rest}")
