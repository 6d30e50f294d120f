"""gates/G1.lock: the hashes of data, schema, splits, metric and evaluator that results are comparable under."""

import json
from collections.abc import Mapping

from planrun.files import canonical, read_json, write_text
from planrun.gates import require
from planrun.identity import manifest_of
from planrun.repository import Repo
from planrun.trouble import Blocked

from planrun_ml import measuring
from planrun_ml.data import manifest
from planrun_ml.data.splits import SPLITS
from planrun_ml.measuring.deciding import identity

VERSION = "1"  # part of the lock: raise it when a metric changes its meaning
MEASURING = "harness"  # the part that only another engine changes: data, splits and rules are what they were
CARRIED = "carried"  # in the lock: records of an earlier one that the engine of now recomputes equal
LOCK = "gates/G1.lock"
GUIDE = "docs/labelling-guide.md"


# ---------------------------------------------------------------------------------------------------- the lock
def locked_parts(repo: Repo) -> dict[str, str]:
    """The hashes of today's files."""
    return {
        "manifest": repo.sha256("data/manifest.json"),
        "schema": repo.sha256("data/schema.yaml"),
        "splits": repo.digest(SPLITS) if (repo.root / "evidence/splits.json").is_file() else "",
        MEASURING: canonical([VERSION, manifest_of(measuring)]),
        "metric": identity(repo),
        "labelling_guide": repo.sha256(GUIDE),
    }


def moved(repo: Repo) -> list[str]:
    """The parts of the lock that are other ones today; none where nothing was locked."""
    if not (repo.root / LOCK).is_file():
        return []
    held = read_json(repo.root / LOCK)
    return [name for name, digest in locked_parts(repo).items() if held.get(name) != digest]


def carried(repo: Repo) -> dict[str, str]:
    """Record → the earlier lock that it was measured under, for those that count under this one all the same."""
    return dict(read_json(repo.root / LOCK).get(CARRIED, {})) if (repo.root / LOCK).is_file() else {}


def locked(repo: Repo, kept: Mapping[str, str] | None = None) -> str:
    """Lock today's data once the blocking gates of G1 are open; the sentence to print.

    `kept` are records of the lock before that go on to count, each with the lock it was measured under.
    """
    try:
        require(repo, *(id for id in repo.blocking() if id.startswith("G1.") and id != "G1.lock"))
    except Blocked as reason:
        return f"Not locked. {reason.sentence}\nNext: {reason.remedy}"
    content = {**locked_parts(repo), **({CARRIED: dict(kept)} if kept else {})}
    write_text(repo.root / LOCK, json.dumps(content, indent=2) + "\n")
    return "Locked: gates/G1.lock. Experiments may start."


def lock_sha(repo: Repo) -> str:
    """The lock that experiments carry. Raises `Blocked` when there is none, or when something locked has moved."""
    manifest.manifest(repo)
    if not (repo.root / LOCK).is_file():
        raise Blocked("The data is not locked yet.", "make baseline")
    if changed := moved(repo):
        raise Blocked(no_longer_fits(changed), "make baseline")
    return repo.sha256(LOCK)


def no_longer_fits(changed: list[str]) -> str:
    """What moved since the lock was written, as a sentence."""
    if changed == [MEASURING]:
        return "The lock no longer fits: the engine measures with other modules than those it was written with."
    return f"The lock no longer fits: {', '.join(changed)} changed after it was written."
