"""Records of experiments: read, written, counted, and the champion among them."""

import json
import re
from typing import Any

import yaml
from planrun.files import write_text
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data.lock import carried


# ------------------------------------------------------------------------------------------------ records
def write_record(repo: Repo, folder: str, content: dict[str, Any]) -> None:
    """experiments/FOLDER/record.yaml, with plain numbers, whatever numpy made of them."""
    plain = json.loads(json.dumps(content, ensure_ascii=False))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    write_text(repo.root / FOLDER / folder / "record.yaml", text)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else float(f"{float(value):.6g}")


FOLDER = "experiments"
FIELDS = (
    "id", "goal", "hypothesis", "change", "predicted_effect", "lock_sha", "git_sha", "git_clean", "env_sha", "seeds",
    "split", "n", "config", "predictions_file", "metric", "vs_baseline", "cost", "decision", "learned", "next",
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------- records
def all_records(repo: Repo) -> list[dict[str, Any]]:
    """Every experiment but the baseline, oldest first. Raises `Trouble` for one that cannot be read."""
    found = []
    for path in sorted((repo.root / FOLDER).glob("[0-9]*/record.yaml")):
        if path.parent.name.startswith("0000-"):
            continue
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError:
            content = None
        if not isinstance(content, dict):
            raise Trouble(f"{path.parent.name}/record.yaml is no YAML record.", "git checkout it.")
        found.append(content | {"folder": path.parent.name})
    return found


def counted(repo: Repo, lock_sha: str) -> list[dict[str, Any]]:
    """Records measured on today's locked data, or carried to this lock; others are kept and not counted."""
    known = carried(repo)
    return [
        record
        for record in all_records(repo)
        if record.get("lock_sha") is not None and record["lock_sha"] in (lock_sha, known.get(record.get("id", "")))
    ]


def champion(repo: Repo, lock_sha: str) -> dict[str, Any] | None:
    """The last record that was kept."""
    kept = [record for record in counted(repo, lock_sha) if record.get("decision") == "keep"]
    return kept[-1] if kept else None


def next_id(repo: Repo, name: str) -> str:
    """0001-linear, 0002-forest …"""
    numbers = [int(path.name[:4]) for path in (repo.root / FOLDER).glob("[0-9][0-9][0-9][0-9]-*")]
    return f"{max(numbers, default=0) + 1:04d}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'experiment'}"
