"""gates/G1.lock: the hashes of data, schema, splits and evaluator that results are comparable under."""

import json

from planrun.files import canonical, read_json, write_text
from planrun.gates import require
from planrun.identity import manifest_of
from planrun.repository import Repo
from planrun.trouble import Blocked

from planrun_ml import measuring
from planrun_ml.data import manifest
from planrun_ml.data.splits import SPLITS

VERSION = "1"  # part of the lock: raise it when a metric changes its meaning
LOCK = "gates/G1.lock"
GUIDE = "docs/labelling-guide.md"


# ---------------------------------------------------------------------------------------------------- the lock
def locked_parts(repo: Repo) -> dict[str, str]:
    """The hashes of today's files."""
    return {
        "manifest": repo.sha256("data/manifest.json"),
        "schema": repo.sha256("data/schema.yaml"),
        "splits": repo.digest(SPLITS) if (repo.root / "evidence/splits.json").is_file() else "",
        "harness": canonical([VERSION, manifest_of(measuring)]),
        "labelling_guide": repo.sha256(GUIDE),
    }


def locked(repo: Repo) -> str:
    """Lock today's data once the blocking gates of G1 are open; the sentence to print."""
    try:
        require(repo, *(id for id in repo.blocking() if id.startswith("G1.") and id != "G1.lock"))
    except Blocked as reason:
        return f"Not locked. {reason.sentence}\nNext: {reason.remedy}"
    write_text(repo.root / LOCK, json.dumps(locked_parts(repo), indent=2) + "\n")
    return "Locked: gates/G1.lock. Experiments may start."


def lock_sha(repo: Repo) -> str:
    """The lock that experiments carry. Raises `Blocked` when there is none, or when something locked has moved."""
    manifest.manifest(repo)
    if not (repo.root / LOCK).is_file():
        raise Blocked("The data is not locked yet.", "make baseline")
    locked, today = read_json(repo.root / LOCK), locked_parts(repo)
    moved = [name for name, digest in today.items() if locked.get(name) != digest]
    if moved:
        raise Blocked(f"The lock no longer fits: {', '.join(moved)} changed after it was written.", "make baseline")
    return repo.sha256(LOCK)
