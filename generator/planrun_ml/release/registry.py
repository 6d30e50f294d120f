"""The registry: which versions exist, which one answers, and what each was made from.

`registry/models.json` is small text in git. Every change is one atomic replacement of that file, so a process killed
between two steps leaves either the old champion or the new one, never none.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from planrun.files import now, restoring, write_text
from planrun.gates import OPEN, state_of
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.experiments import records
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import interval
from planrun_ml.measuring.stakes import minimum_gain, planned_floor

PATH = Path("registry/models.json")
ALIASES = ("champion", "challenger", "previous", "baseline")
HASHES = ("code", "data", "schema", "config", "environment", "acceptance")
BASELINE = "0.0.0"
ENTRY = {"kind": str, "version": str, "interface": str, "hashes": dict, "files": dict}  # what every entry holds


# ------------------------------------------------------------------------------------------------ reading
def _readable(text: str) -> bool:
    """Whether a committed registry is one whose aliases are all there."""
    try:
        found = json.loads(text)
        return set(found["aliases"].values()) - {None} <= set(found["models"]) and not _incomplete(found)
    except (ValueError, KeyError, AttributeError, TypeError):
        return False


def _incomplete(registry: Mapping[str, Any]) -> str:
    """What the first entry that somebody cut short lacks; empty where each is whole."""
    for version, entry in registry["models"].items():
        for field, kind in ENTRY.items():
            if not isinstance(entry.get(field), kind):
                return f'{version} has no "{field}"'
        if entry["kind"] == "model" and "model" not in entry["files"]:
            return f"{version} names no file of its model"
        for name, held in entry["files"].items():
            if not {"path", "sha256"} <= set(held):
                return f"{version} has no path or no hash for its {name} file"
    return ""


def read(root: Path) -> dict[str, Any]:
    """The registry as it stands; an empty one where none was written yet.

    Raises `Trouble` where it cannot be read, was cut short or points at nothing.
    """
    path = root / PATH
    if not path.exists():
        return {"format": 1, "aliases": dict.fromkeys(ALIASES), "models": {}, "events": []}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        missing = {v for v in found["aliases"].values() if v is not None} - set(found["models"])
        incomplete = _incomplete(found)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Trouble(f"{PATH} cannot be read ({error}).", restoring(path, _readable)) from error
    if missing:
        raise Trouble(f"{PATH} points at {', '.join(sorted(missing))}, which it lacks.", restoring(path, _readable))
    if incomplete:
        raise Trouble(f"{PATH} was cut short: {incomplete}.", restoring(path, _readable))
    return dict(found)


def version_of(registry: Mapping[str, Any], alias: str) -> str | None:
    """The version that an alias points at; None where it points at none."""
    version: str | None = registry["aliases"].get(alias)
    return version


def entry_of(registry: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The entry behind an alias or a version number."""
    entry: dict[str, Any] | None = registry["models"].get(registry["aliases"].get(name, name))
    return entry


def champion_entry(repo: Repo) -> dict[str, Any]:
    """The registered version that answers now. Raises `Blocked` before the first promotion."""
    entry = entry_of(read(repo.root), "champion")
    if entry is None:
        raise Blocked("Nothing is released yet: the registry has no champion.", _before_the_first(repo))
    return entry


def _before_the_first(repo: Repo) -> str:
    """The step that can be taken now on the way to the first promotion; `promote` itself once a model is accepted."""
    if not (repo.root / "data/manifest.json").is_file():
        return "make audit"
    if (held := state_of(repo, "G1.lock")).state not in OPEN:
        return held.next_step
    if not records.standing(records.all_records(repo)):
        return "make experiment"
    if repo.evidence("acceptance", "make accept") is not None:
        return "make promote"
    signed = state_of(repo, "G3.1")
    return "make accept" if signed.state in OPEN else signed.next_step


def of_champion(repo: Repo, name: str, remedy: str) -> dict[str, Any]:
    """Fresh evidence about the version that answers now, not about an earlier one.

    Raises `Blocked` where it is about another version, missing or stale.
    """
    entry, found = champion_entry(repo), repo.fresh(name, remedy)
    if found.get("version") != entry["version"]:
        said = f"evidence/{name}.json is about version {found.get('version')}; {entry['version']} answers now."
        raise Blocked(said, remedy)
    return found


def card_path(version: str) -> str:
    """The path of a version's card, from the repository's folder."""
    return f"registry/{version}.json"


def promoted_at(registry: Mapping[str, Any], version: str) -> datetime:
    """When a version last began to answer, in UTC without a zone, as the prediction log writes it.

    Raises `Trouble` where the registry does not say.
    """
    began = [e for e in registry["events"] if e["version"] == version and e["what"] in ("promoted", "rolled back")]
    if not began:
        raise Trouble(f"{PATH} does not say when {version} began to answer.", "make promote")
    return datetime.fromisoformat(began[-1]["at"]).astimezone(UTC).replace(tzinfo=None)


def find_same(registry: Mapping[str, Any], hashes: Mapping[str, str]) -> str | None:
    """The version made from exactly these hashes; it makes registering and retraining repeatable."""
    keys = [key for key in HASHES if key != "acceptance"]
    for version, entry in registry["models"].items():
        if entry["kind"] == "model" and all(entry["hashes"].get(key) == hashes.get(key) for key in keys):
            return str(version)
    return None


def next_version(registry: Mapping[str, Any], hashes: Mapping[str, str], interface: str) -> str:
    """Major for another interface or target, minor for features or algorithm, patch for new data or weights."""
    models = [version for version, entry in registry["models"].items() if entry["kind"] == "model"]
    if not models:
        return "1.0.0"
    entry = registry["models"][max(models, key=_parts)]
    major, minor, patch = max(map(_parts, models))
    if entry["interface"] != interface:
        return f"{major + 1}.0.0"
    if any(entry["hashes"].get(key) != hashes.get(key) for key in ("code", "config", "schema")):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def version_problems(registry: Mapping[str, Any]) -> list[str]:
    """Versions whose number does not say what changed (gate G6.6)."""
    problems: list[str] = []
    known: dict[str, Any] = {"models": {}}
    for version in sorted(registry["models"], key=_parts):
        entry = registry["models"][version]
        due = next_version(known, entry["hashes"], entry["interface"])
        if entry["kind"] == "model" and due != version:
            problems.append(f"{version} should be {due} after what changed")
        known["models"][version] = entry
    return problems


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def file_problems(root: Path, entry: Mapping[str, Any]) -> list[str]:
    """What no longer matches the hashes written down when the version was registered."""
    wanted = HASHES if entry["kind"] == "model" else ()
    problems = [f"{entry['version']} has no {key} hash" for key in wanted if not entry["hashes"].get(key)]
    for name, held in entry.get("files", {}).items():
        found = Repo(root).sha256(held["path"])
        if found != held["sha256"]:
            wrong = "has another hash than registered" if found else "is missing"
            problems.append(f"{name} file {held['path']} {wrong}")
    return problems


def standard(repo: Repo, accepted: Case, beaten: float | None) -> dict[str, Any]:
    """What a version is held to once it answers: its accepted value, how much one unit of it varies, and its floor.

    The floor, below which it no longer pays, is the plan's where somebody measured what it starts from; else the
    measured baseline plus the minimum gain. What the plan assumes holds on where nothing was measured, and where the
    version is no minimum gain better than what was: a floor right below it is one that no number of labels tells.
    """
    metric = deciding(repo)
    found = interval(metric, accepted, repo.needed("acceptance.alpha"))
    healthy = {"value": found.value, "low": found.low, "high": found.high, "rows": found.n, "spread": found.spread}
    floor, assumed = planned_floor(repo), repo.number("monitor.floor")
    if floor is None and beaten is not None:
        least, gain = minimum_gain(repo, beaten), metric.sign * (found.value - beaten)
        if assumed is None or gain >= least:
            floor = beaten + metric.sign * min(least, abs(gain) / 2)
    return {"healthy": healthy, "floor": assumed if floor is None else floor}


# ------------------------------------------------------------------------------------------------ changing
@contextmanager
def changing(root: Path) -> Iterator[dict[str, Any]]:
    """Read, let the caller change, write once. Two processes wait for each other; a killed one leaves no lock."""
    (root / PATH).parent.mkdir(parents=True, exist_ok=True)
    with FileLock((root / PATH).with_suffix(".lock")):
        registry = read(root)
        before = json.dumps(registry)
        yield registry
        if json.dumps(registry) != before:
            write_text(root / PATH, json.dumps(registry, indent=2, ensure_ascii=False) + "\n")


def note(registry: dict[str, Any], what: str, version: str, by: str, reason: str = "") -> None:
    """Add an event, dated now, to a registry that is being changed: what happened to which version, and why."""
    registry["events"].append({"at": now(), "what": what, "version": version, "by": by, "reason": reason})


def register(root: Path, entry: Mapping[str, Any], *, alias: str | None = None, by: str = "") -> str:
    """Add a version (or find the one with the same hashes) and, in the same write, point an alias at it."""
    with changing(root) as registry:
        version = entry.get("version") or find_same(registry, entry["hashes"])
        version = version or next_version(registry, entry["hashes"], entry["interface"])
        if version not in registry["models"]:
            registry["models"][version] = {**entry, "version": version, "created": now()}
            note(registry, "registered", version, by)
        if alias is not None:
            _point(registry, alias, version, by)
    return version


def set_alias(root: Path, alias: str, version: str | None, *, by: str) -> None:
    """Point one alias at a version, or at none."""
    with changing(root) as registry:
        _point(registry, alias, version, by)


def _point(registry: dict[str, Any], alias: str, version: str | None, by: str) -> None:
    if registry["aliases"][alias] != version:
        registry["aliases"][alias] = version
        note(registry, f"became {alias}" if version else f"left {alias}", str(version), by)


def promote(root: Path, version: str, *, by: str, reason: str) -> None:
    """Make a version the champion and the old champion the one to fall back to: one write.

    Raises `Trouble` for a version that the registry lacks.
    """
    with changing(root) as registry:
        if version not in registry["models"]:
            held = ", ".join(registry["models"]) or "none yet"
            raise Trouble(f"{PATH} holds no version {version}.", f"Name one of: {held}.")
        aliases = registry["aliases"]
        if aliases["champion"] == version:
            return
        aliases["previous"] = aliases["champion"] or aliases["baseline"]
        aliases["champion"] = version
        if aliases["challenger"] == version:
            aliases["challenger"] = None
        note(registry, "promoted", version, by, reason)


def roll_back(root: Path, *, by: str, reason: str) -> tuple[str, str]:
    """Put the last known good version back in one write; returns (withdrawn, restored).

    Raises `Trouble` where there is no champion, or none stands behind it.
    """
    with changing(root) as registry:
        aliases = registry["aliases"]
        bad, good = aliases["champion"], aliases["previous"]
        if bad is None:
            raise Trouble("There is no champion to roll back.", "make promote")
        if good is None or good == bad:
            raise Trouble(f"No version stands behind {bad}.", "make promote")
        registry["models"][bad]["withdrawn"] = {"at": now(), "reason": reason}
        aliases["champion"], aliases["previous"] = good, _before(registry, good)
        note(registry, "rolled back", good, by, reason)
    return bad, good


def _before(registry: Mapping[str, Any], version: str) -> str | None:
    """The newest earlier champion that was not withdrawn; the baseline rule where there is none."""
    for event in reversed(registry["events"]):
        earlier = event["version"]
        if event["what"] == "promoted" and earlier != version and "withdrawn" not in registry["models"][earlier]:
            return str(earlier)
    baseline = registry["aliases"]["baseline"]
    return None if baseline == version else baseline


def restore(root: Path, before: Mapping[str, Any], *, by: str) -> None:
    """After a drill: the aliases and the marks as they were; the events tell that it took place."""
    with changing(root) as registry:
        registry["aliases"] = dict(before["aliases"])
        registry["models"] = {version: dict(entry) for version, entry in before["models"].items()}
        note(registry, "drill ended", str(before["aliases"]["champion"]), by)
