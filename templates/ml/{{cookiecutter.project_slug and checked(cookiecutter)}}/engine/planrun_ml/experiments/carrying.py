"""After an update of the engine: which records it works out equal from their predictions, and which it does not."""

from dataclasses import dataclass, field
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data import prediction_files
from planrun_ml.data.lock import LOCK, MEASURING, moved
from planrun_ml.experiments import records
from planrun_ml.experiments.recompute import same, wrong
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import interval
from planrun_ml.measuring.stakes import decision_threshold
from planrun_ml.measuring.telling import figure


@dataclass(frozen=True)
class Carrying:
    """Records that come out equal, each with the lock it was measured under, and the others with a sentence each."""

    equal: dict[str, str] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)

    def told(self) -> list[str]:
        """What a person reads of it; nothing where there was no record to work out."""
        if not (self.equal or self.other):
            return []
        many = len(self.equal) + len(self.other)
        lines = [f"The engine measures with other modules now: {len(self.equal)} of {many} records come out equal."]
        return lines + [f"Not counted any more: {id}: {why}." for id, why in self.other.items()]


def carried(repo: Repo) -> Carrying:
    """Work out every record of the lock that is there with the engine of now, from its prediction files.

    Only where nothing but the measuring modules has moved; where nothing has, those carried before stay so. A record
    that was compared with one that does not come out equal falls with it.
    """
    changed = moved(repo)
    found = records.counted(repo, repo.sha256(LOCK)) if changed in ([], [MEASURING]) else []
    if not changed:
        here = repo.sha256(LOCK)
        return Carrying({record["id"]: record["lock_sha"] for record in found if record["lock_sha"] != here})
    result = Carrying()
    baseline = repo.fresh("baseline", "make baseline")["predictions"] if found else ""
    kept: dict[str, dict[str, Any]] = {}
    for record in found:
        against = record.get("champion")
        if against and against not in kept:
            result.other[record["id"]] = f"it was compared with {against}, which does not come out equal"
            continue
        if why := _differs(repo, record, baseline, kept.get(against) if against else None):
            result.other[record["id"]] = why
            continue
        result.equal[record["id"]] = record["lock_sha"]
        if record["decision"] == "keep":  # those after it were compared with it under the name it had then
            kept |= {name: record for name in (record["id"], record.get("again")) if name}
    return result


def _differs(repo: Repo, record: dict[str, Any], baseline: str, champion: dict[str, Any] | None) -> str:
    """What does not come out equal in a record, its interval included; "" when all does."""
    try:
        if why := wrong(repo, record, baseline, champion):
            return why
        case = prediction_files.case(
            prediction_files.read_predictions(repo, record["predictions_file"]), decision_threshold(repo)
        )
    except Trouble as trouble:
        return trouble.sentence.rstrip(".")
    again = interval(deciding(repo), case, repo.needed("acceptance.alpha")).as_json()
    if not all(same(again[key], record["metric"].get(key)) for key in ("value", "low", "high")):
        return f"its bounds recompute to {figure(again['low'])} to {figure(again['high'])}"
    return ""
