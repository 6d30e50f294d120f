"""What experiments are measured on, by hash, and their records: one folder each, written whole, never changed.

When a part of gates/G1.lock moves, results stop being comparable: older records are kept and not counted.
"""

import json
import re
from typing import Any

import yaml

from . import data
from .evaluate import VERSION
from .files import Blocked, Trouble, canonical, read_json, write_text
from .gates import require
from .repo import Repo

LOCK = "gates/G1.lock"
SPLITS = "evidence/splits.json#rule,sizes,keys,answers"
GUIDE = "docs/labelling-guide.md"
FOLDER = "experiments"
FIELDS = (
    "id", "goal", "hypothesis", "change", "predicted_effect", "lock_sha", "git_sha", "git_clean", "env_sha", "seeds",
    "split", "n", "config", "predictions_file", "metric", "vs_baseline", "cost", "decision", "learned", "next",
)  # fmt: skip


def all_records(repo: Repo) -> list[dict[str, Any]]:
    """Every experiment but the baseline, oldest first. Raises `Trouble` for one that cannot be read."""
    found = []
    for path in sorted((repo.root / FOLDER).glob("[0-9]*/record.yaml")):
        if path.parent.name.startswith("0000-"):
            continue
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError as error:
            first = str(error).splitlines()[0]
            raise Trouble(f"{path.parent.name}/record.yaml is not YAML: {first}.", "git checkout it.") from None
        if not isinstance(content, dict):
            raise Trouble(f"{path.parent.name}/record.yaml holds no record.", "git checkout it.")
        found.append(content | {"folder": path.parent.name})
    return found


def counted(repo: Repo, lock_sha: str) -> list[dict[str, Any]]:
    """Records measured on today's locked data; others are kept and not counted."""
    return [record for record in all_records(repo) if record.get("lock_sha") == lock_sha]


def champion(repo: Repo, lock_sha: str) -> dict[str, Any] | None:
    """The last record that was kept."""
    kept = [record for record in counted(repo, lock_sha) if record.get("decision") == "keep"]
    return kept[-1] if kept else None


def next_id(repo: Repo, name: str) -> str:
    """0001-linear, 0002-forest …"""
    numbers = [int(path.name[:4]) for path in (repo.root / FOLDER).glob("[0-9][0-9][0-9][0-9]-*")]
    return f"{max(numbers, default=0) + 1:04d}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'experiment'}"


def write_record(repo: Repo, folder: str, content: dict[str, Any]) -> None:
    content = json.loads(json.dumps(content, ensure_ascii=False))  # plain numbers, whatever numpy made of them
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    write_text(repo.root / FOLDER / folder / "record.yaml", text)


def locked_parts(repo: Repo) -> dict[str, str]:
    """The hashes of today's files."""
    package = (f"src/{repo.answers['project_slug'].replace('-', '_')}/{name}.py" for name in ("evaluate", "intervals"))
    return {
        "manifest": repo.sha256("data/manifest.json"),
        "schema": repo.sha256("data/schema.yaml"),
        "splits": repo.digest(SPLITS) if (repo.root / "evidence/splits.json").is_file() else "",
        "harness": canonical([VERSION, *(repo.sha256(path) for path in package)]),
        "labelling_guide": repo.sha256(GUIDE),
    }


def write_lock(repo: Repo) -> None:
    """Lock today's data once the blocking gates of G1 are open. Raises `Blocked` with those that are not."""
    require(repo, *(id for id in repo.blocking() if id.startswith("G1.") and id != "G1.lock"))
    write_text(repo.root / LOCK, json.dumps(locked_parts(repo), indent=2) + "\n")


def lock_sha(repo: Repo) -> str:
    """The lock that experiments carry. Raises `Blocked` when there is none, or when something locked has moved."""
    data.manifest(repo)
    if not (repo.root / LOCK).is_file():
        raise Blocked("The data is not locked yet.", "make baseline locks it, once the gates of G1 are open")
    locked, today = read_json(repo.root / LOCK), locked_parts(repo)
    moved = [name for name, digest in today.items() if locked.get(name) != digest]
    if moved:
        raise Blocked(f"The lock no longer fits: {', '.join(moved)} changed after it was written.", "make baseline")
    return repo.sha256(LOCK)
