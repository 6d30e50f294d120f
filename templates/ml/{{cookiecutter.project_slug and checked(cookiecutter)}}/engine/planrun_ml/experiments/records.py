"""Records of experiments: read, written, counted, and the champion among them."""

import json
import re
from typing import Any

import yaml
from planrun import git
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
WATCHED = ("src", "engine", "plan", "pyproject.toml")  # the data is in the lock, the environment has its own hash
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


def standing(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records without those that were measured again: what measured one again stands in its place."""
    place = {record.get("id"): number for number, record in enumerate(records)}
    held: dict[int, dict[str, Any]] = {}
    for number, record in enumerate(records):
        held[place.setdefault(record.get("id"), number)] = record
        if (earlier := place.get(record.get("again"), number)) < number:
            held[earlier] = held.pop(number)
            place[record.get("id")] = earlier  # it may be measured again in its turn
    return [held[number] for number in sorted(held)]


def counted(repo: Repo, lock_sha: str) -> list[dict[str, Any]]:
    """Records measured on today's locked data, or carried to this lock; others are kept and not counted.

    A record that was measured again from a commit is kept, and the one that did so stands in its place.
    """
    known = carried(repo)
    return standing(
        [
            record
            for record in all_records(repo)
            if record.get("lock_sha") is not None and record["lock_sha"] in (lock_sha, known.get(record.get("id", "")))
        ]
    )


def number_of(repo: Repo, id: str | None) -> int:
    """The how-manieth experiment this is, 1 the first; of one that is not there yet, the next. One that was measured
    again keeps its number, and one on other data counts: it was looked at, and the rows may be the same."""
    found = standing(all_records(repo))
    return next((number for number, record in enumerate(found, start=1) if record.get("id") == id), len(found) + 1)


def tried(repo: Repo) -> int:
    """How many configurations were tried: one a record, of a search each of its trials."""
    return sum(max(1, int(record.get("trials") or 1)) for record in standing(all_records(repo)))


def uncommitted(repo: Repo) -> list[str]:
    """What an experiment depends on and no commit holds; the repository itself where it has no history."""
    if not git.is_repository(repo.root):
        return ["this folder, which has no git history"]
    return git.changed(repo.root, WATCHED)


def in_a_commit(repo: Repo, record: dict[str, Any]) -> bool:
    """Whether the code that a record was measured with can be found again."""
    return bool(record.get("git_clean")) and git.exists(repo.root, record.get("git_sha") or "")


def of_name(records: list[dict[str, Any]], id: str) -> dict[str, Any]:
    """The record of this name. Raises `Trouble` where none has it."""
    found = next((record for record in records if record["id"] == id), None)
    if found is None:
        names = ", ".join(record["id"] for record in records) or "none"
        raise Trouble(f'No experiment on the locked data is called "{id}".', f"There are: {names}.")
    return found


def before(records: list[dict[str, Any]], id: str) -> dict[str, Any] | None:
    """The champion that the record of this id was compared with: the last one kept before it."""
    place = next(number for number, record in enumerate(records) if record["id"] == id)
    kept = [record for record in records[:place] if record.get("decision") == "keep"]
    return kept[-1] if kept else None


def champion(repo: Repo, lock_sha: str) -> dict[str, Any] | None:
    """The last record that was kept."""
    kept = [record for record in counted(repo, lock_sha) if record.get("decision") == "keep"]
    return kept[-1] if kept else None


def next_id(repo: Repo, name: str) -> str:
    """0001-linear, 0002-forest …"""
    numbers = [int(path.name[:4]) for path in (repo.root / FOLDER).glob("[0-9][0-9][0-9][0-9]-*")]
    return f"{max(numbers, default=0) + 1:04d}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'experiment'}"
