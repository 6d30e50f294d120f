"""data/manifest.json: which bytes were audited."""

import hashlib
from pathlib import Path
from typing import Any

from planrun.files import read_json
from planrun.remembered import recall, remember
from planrun.repository import Repo
from planrun.steps import Step
from planrun.trouble import Blocked, Trouble

from planrun_ml.data import people_labels
from planrun_ml.data.source import SOURCE, Source, of_rows
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.metrics import OWN
from planrun_ml.measuring.own import ROOM
from planrun_ml.tables.sql import ROW

MANIFEST = "data/manifest.json"


# ---------------------------------------------------------------------------------------------------- manifest
def manifest_of(
    repo: Repo, source: Source, path: Path, columns: dict[str, str], rows: int, span: list[Any]
) -> dict[str, Any]:
    """What was audited. It holds no clock, so the same data gives the same bytes."""
    return {
        "file": path.relative_to(repo.root).as_posix() if path.is_relative_to(repo.root) else str(path),
        "sha256": people_labels.digest(repo, _hash(repo, path)),
        "source_yaml": of_rows(repo),
        "sample": source.is_sample,
        "rows": rows,
        "time_range": span,
        "columns": {name: kind for name, kind in columns.items() if name != ROW},
    }


def manifest(repo: Repo) -> dict[str, Any]:
    """The manifest of the data as it is now. Raises `Blocked` when data or data/source.yaml moved after the audit.

    And where a metric of the team's own decides and is not there as the plan knows it: nothing can be measured then.
    """
    _can_be_measured(repo)
    if not (repo.root / MANIFEST).is_file():
        raise Blocked("The data has not been audited.", "make audit")
    found = read_json(repo.root / MANIFEST)
    if found["source_yaml"] != of_rows(repo):
        raise Blocked(f"{SOURCE} changed after the audit.", "make audit")
    path = repo.root / found["file"]
    if path.is_file() and people_labels.digest(repo, _hash(repo, path)) != found["sha256"]:
        labels = f", or {people_labels.LABELS}," if (repo.root / people_labels.LABELS).is_file() else ""
        raise Blocked(f"{found['file']}{labels} changed after the audit, though no code did.", "make audit")
    return found


def at_hand(repo: Repo) -> bool:
    """Whether the audited rows are on this machine; a sample's are made anew wherever they are not."""
    found = manifest(repo)
    return bool(found["sample"]) or (repo.root / found["file"]).is_file()


def _can_be_measured(repo: Repo) -> None:
    """Raises `Blocked` with the step that comes before every other while the team's metric cannot be asked."""
    if not repo.answers.get("metric", "").startswith(OWN):
        return
    try:
        deciding(repo)
    except Trouble as trouble:
        room = f"src/{repo.rooms.package}/{ROOM}.py"
        raise Blocked(trouble.sentence, Step(trouble.remedy, "edit", files=[room], first=True)) from trouble


def _hash(repo: Repo, path: Path) -> str:
    """A file's hash, remembered for as long as its size and times stay the same."""
    stat = path.stat()
    about = ("file", str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    known = recall(repo.root, *about)
    if known is None:
        with path.open("rb") as file:  # data is what was delivered, byte for byte
            known = hashlib.file_digest(file, "sha256").hexdigest()
        remember(repo.root, known, *about)
    return str(known)
