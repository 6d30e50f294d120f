"""gates/G1.lock: what every experiment is measured on, by hash. When one part moves, results stop being comparable."""

import json

from .evaluate import VERSION
from .files import Blocked, canonical, read_json, write_text
from .gates import require
from .repo import Repo

PATH = "gates/G1.lock"
SPLITS = "evidence/splits.json#rule,sizes,keys,answers"
GUIDE = "docs/labelling-guide.md"


def parts(repo: Repo) -> dict[str, str]:
    """The hashes of today's files."""
    package = (f"src/{repo.answers['project_slug'].replace('-', '_')}/{name}.py" for name in ("evaluate", "intervals"))
    return {
        "manifest": repo.sha256("data/manifest.json"),
        "schema": repo.sha256("data/schema.yaml"),
        "splits": repo.digest(SPLITS) if (repo.root / "evidence/splits.json").is_file() else "",
        "harness": canonical([VERSION, *(repo.sha256(path) for path in package)]),
        "labelling_guide": repo.sha256(GUIDE),
    }


def write(repo: Repo) -> None:
    """Lock today's data once the blocking gates of G1 are open. Raises `Blocked` with those that are not."""
    require(repo, *(id for id in repo.blocking() if id.startswith("G1.") and id != "G1.lock"))
    write_text(repo.root / PATH, json.dumps(parts(repo), indent=2) + "\n")


def sha(repo: Repo) -> str:
    """The lock that experiments carry. Raises `Blocked` when there is none, or when something locked has moved."""
    if not (repo.root / PATH).is_file():
        raise Blocked("The data is not locked yet.", "make baseline locks it, once the gates of G1 are open")
    locked, today = read_json(repo.root / PATH), parts(repo)
    moved = [name for name, digest in today.items() if locked.get(name) != digest]
    if moved:
        raise Blocked(f"The lock no longer fits: {', '.join(moved)} changed after it was written.", "make baseline")
    return repo.sha256(PATH)
