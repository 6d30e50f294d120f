"""How a planned repository stands, read from its files alone: plan, evidence, records, names and dates.

Nothing of the repository is run and no gate is judged. The board reads a repository so, and the status that the engine
tells as JSON says the same beside its gates; `docs/status.schema.json` describes what comes out.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import yaml

from planrun.catalogue import AnswerKey, NumberKey, PlanKey

SCHEMA = 1
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
MOST_EVENTS = 60
# Where the facts lie, folders and a file; nothing else of a repository is read.
WHERE = ("plan/", "evidence/", "experiments/", "gates/", "ops/", "registry/models.json")
BAD = ("alarm", "silent")  # states of a signal that call somebody
# Builds texts and lists only; libyaml's is ten times as quick, where it is there.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Files(Protocol):
    """A repository's files as they lie in a folder, or in a commit of it."""

    def read(self, path: str) -> bytes | None:
        """What a file holds; None where there is none."""

    def names(self, folder: str) -> list[str]:
        """The paths of the files below a folder, in order."""


@dataclass(frozen=True)
class Folder:
    """The files of a working copy; a link that leads out of it is no file of it."""

    root: Path

    def read(self, path: str) -> bytes | None:
        """What a file holds; None where there is none, or where it leads out of the folder."""
        full = self.root / path
        inside = full.is_file() and full.resolve().is_relative_to(self.root.resolve())
        return full.read_bytes() if inside else None

    def names(self, folder: str) -> list[str]:
        """The paths of the files below a folder, in order; none where there is no such folder."""
        below = sorted(path for path in (self.root / folder).rglob("*") if path.is_file())
        return [path.relative_to(self.root).as_posix() for path in below]


@dataclass(frozen=True)
class Stored:
    """Files that were read already, by their paths."""

    content: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        """What a file holds; None where it was not read."""
        return self.content.get(path)

    def names(self, folder: str) -> list[str]:
        """The paths that begin with a folder's, in order."""
        return sorted(path for path in self.content if path.startswith(folder))


@dataclass
class _Reader:
    """Reads what is there, and keeps a sentence about what cannot be read: it is shown, never passed over."""

    files: Files
    unreadable: list[str] = field(default_factory=list)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)  # evidence by its name, read once

    def json(self, path: str, *, lines: bool = False) -> Any:
        """The JSON in a file, or one JSON object a line; None where there is none or it cannot be read."""
        text = self._text(path)
        if text is None:
            return None
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
        except ValueError:
            self._not(path, "JSON")
            return None

    def evidence(self, name: str) -> dict[str, Any]:
        """Sealed evidence; {} where there is none. What was edited by hand is not shown as measured."""
        if name not in self.known:
            self.known[name] = self._sealed(name)
        return self.known[name]

    def _sealed(self, name: str) -> dict[str, Any]:
        path = f"evidence/{name}.json"
        found = self.json(path)
        if found is None:
            return {}
        unsealed = {key: value for key, value in found.items() if key != "seal"} if isinstance(found, dict) else {}
        if not unsealed or found.get("seal") != _hash(unsealed):
            self.unreadable.append(f"{path} was edited by hand or torn: its seal does not fit.")
            return {}
        return unsealed

    def rows(self, path: str, key: str = "") -> list[dict[str, Any]]:
        """The rows of a YAML file, each with named fields; with `key`, those below that key."""
        found = self.yaml(path)
        if key and isinstance(found, dict):
            found = found.get(key)
        if found in (None, ""):
            return []
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            self._not(path, "a list of rows")
            return []
        return found

    def yaml(self, path: str) -> Any:
        """The YAML in a file, every scalar as its text; None where there is none or it cannot be read."""
        text = self._text(path)
        if text is None:
            return None
        try:
            return yaml.load(text, Loader=LOADER)  # noqa: S506  (see LOADER)
        except yaml.YAMLError:
            self._not(path, "YAML")
            return None

    def _text(self, path: str) -> str | None:
        content = self.files.read(path)
        try:
            return None if content is None else content.decode("utf-8")
        except UnicodeDecodeError:
            self._not(path, "UTF-8 text")
            return None

    def _not(self, path: str, form: str) -> None:
        self.unreadable.append(f"{path} is not {form}.")


def standing(files: Files, today: date, week_ago: Files | None = None) -> dict[str, Any]:
    """All facts of a repository but its gates, as plain data.

    `today` is the day of asking (times are UTC); `week_ago` are the plan's files of seven days before, where history
    holds them. What cannot be read is named under `unreadable` and missing elsewhere.
    """
    read = _Reader(files)
    answers = read.yaml("plan/project.yaml")
    answers = {key: value for key, value in answers.items() if isinstance(value, str)} if _mapping(answers) else {}
    plan = read.json("plan/plan.json")
    plan = plan if _mapping(plan) else {}
    records = _records(read)
    assumed = _assumptions(read, plan)
    found = {
        "project": _project(answers),
        "headline": [_only(row, "key", "label", "text", "assumed") for row in _list(plan.get("headline"))],
        "schedule": _schedule(plan),
        "owners": _owners(plan),
        "assumptions": [_only(row, "key", "question", "value", "gate") for row in assumed if not _vouched(row)],
        "budgets": _budgets(read, plan, records),
        "thresholds": _thresholds(read, plan, answers, records),
        "monitors": _monitors(read, plan),
        "experiments": [_experiment(record) for record in records],
        "champion": _champion(read),
        "events": _events(read, records, assumed, today),
        "changed_numbers": _moved(week_ago, plan),
    }
    return found | {"unreadable": list(dict.fromkeys(read.unreadable))}


# ------------------------------------------------------------------------------------------------------------ the plan


def _project(answers: Mapping[AnswerKey, str]) -> dict[str, str]:
    keys: tuple[AnswerKey, ...] = (
        "project_name",
        "project_slug",
        "kind",
        "rigor",
        "consequence",
        "serving",
        "deliverable",
        "decision",
    )
    return {key.removeprefix("project_"): answers[key] for key in keys if answers.get(key)}


def _schedule(plan: Mapping[PlanKey, Any]) -> dict[str, Any]:
    """First and last day, the days of release at even odds and at 4 in 5, and the tasks."""
    schedule = plan.get("schedule")
    if not _mapping(schedule):
        return {}
    numbers: tuple[NumberKey, ...] = ("schedule.start", "schedule.deadline", "schedule.p50", "schedule.p80")
    days = {key.removeprefix("schedule."): _planned(plan, key) for key in numbers}
    keys = ("id", "title", "start", "end", "person", "critical", "milestone")
    return days | {"tasks": [_only(task, *keys) for task in _list(schedule.get("tasks"))]}


def _owners(plan: Mapping[PlanKey, Any]) -> dict[str, str]:
    """Who does most in each phase, by the backlog: whoever is responsible for the largest task, or else decides."""
    owners: dict[str, tuple[float, str]] = {}
    for item in _list(plan.get("backlog")):
        phase, owner = str(item.get("gate", "")), str(item.get("owner", ""))
        days = _number(item.get("estimate_days")) or 0.0 if item.get("kind") != "session" else -1.0
        if owner and days > owners.get(phase, (-2.0, ""))[0]:
            owners[phase] = (days, owner)
    return {phase: owner for phase, (_, owner) in owners.items()}


def _assumptions(read: _Reader, plan: Mapping[PlanKey, Any]) -> list[dict[str, Any]]:
    """Every assumption of the plan with who vouches for it; one whose row differs from the plan is open again."""
    rows = {row.get("key"): row for row in read.rows("plan/assumptions.yaml")}
    found = []
    for one in _list(plan.get("assumptions")):
        row = rows.get(one.get("key"), {})
        same = row.get("value") == one.get("value")
        found.append(one | (_only(row, "confirmed_by", "confirmed_on") if same else {}))
    return found


def _vouched(row: Mapping[str, Any]) -> bool:
    return bool(row.get("confirmed_by") and row.get("confirmed_on"))


def _moved(week_ago: Files | None, plan: Mapping[PlanKey, Any]) -> list[dict[str, str]]:
    """The headline's lines that said something else a week ago."""
    if week_ago is None:
        return []
    earlier = _Reader(week_ago).json("plan/plan.json")
    before = {row.get("key"): row.get("text") for row in _list(earlier.get("headline") if _mapping(earlier) else [])}
    return [
        {"label": str(row.get("label")), "before": str(before[row.get("key")]), "now": str(row.get("text"))}
        for row in _list(plan.get("headline"))
        if row.get("key") in before and before[row.get("key")] != row.get("text")
    ]


# -------------------------------------------------------------------------------------------- experiments and budgets


def _records(read: _Reader) -> list[dict[str, Any]]:
    """Every experiment but the baseline, oldest first."""
    found = []
    for path in read.files.names("experiments/"):
        folder = path.split("/")[1]
        if path == f"experiments/{folder}/record.yaml" and folder[:1].isdigit() and not folder.startswith("0000-"):
            record = read.yaml(path)
            if _mapping(record):
                found.append(record)
            elif record is not None:
                read.unreadable.append(f"{path} is no record of an experiment.")
    return found


def _experiment(record: Mapping[str, Any]) -> dict[str, Any]:
    against = record.get("vs_baseline")
    against = against if _mapping(against) else {}
    change = record.get("change")
    return {
        "id": str(record.get("id", "")),
        "at": str(record.get("at", "")),
        "change": "; ".join(map(str, change)) if isinstance(change, list) else str(change or ""),
        "gain": _interval(against),
        "decision": str(record.get("decision", "")),
        "again": str(record.get("again", "")),
    }


def _budgets(read: _Reader, plan: Mapping[PlanKey, Any], records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What may be used up: experiments, looks at the test rows, the error budget."""
    found = []
    if (most := _number(_planned(plan, "iterations.max"))) is not None and plan.get("kind") == "ml":
        used = sum(not record.get("again") for record in records)
        found.append({"name": "Experiments", "used": used, "limit": most, "unit": "experiments"})
    if (most := _number(_planned(plan, "test.looks"))) is not None:
        log = read.json("evidence/test_access.log", lines=True) or []
        looks = [look for look in log if _mapping(look)]
        same = [look for look in looks if look.get("test_set") == looks[-1].get("test_set")]
        found.append({"name": "Looks at the test rows", "used": len(same), "limit": most, "unit": "looks"})
    spent = read.evidence("error_budget")
    if (left := _number(spent.get("left"))) is not None:
        on = str(spent.get("on", ""))
        found.append({"name": "Error budget", "used": round(1 - left, 4), "limit": 1.0, "unit": "share", "on": on})
    return found


# ---------------------------------------------------------------------------------------------- measured against limits


def _thresholds(
    read: _Reader, plan: Mapping[PlanKey, Any], answers: Mapping[AnswerKey, str], records: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Each limit of the plan with what was measured last: its value, its bounds where it has some, and the verdict."""
    found = _accepted(read, plan) + _validated(plan, records) + _alive(read, plan) + _loaded(read)
    drill, most = read.evidence("rollback_drill"), _number(answers.get("rollback_minutes"))
    if (seconds := _number(drill.get("seconds"))) is not None and most:
        found.append(_threshold("Rollback rehearsed", seconds / 60, most, "lower", "minutes", drill.get("at")))
    return found


def _accepted(read: _Reader, plan: Mapping[PlanKey, Any]) -> list[dict[str, Any]]:
    """The gain that acceptance saw, all over and in each segment."""
    facts = read.evidence("acceptance")
    if not _mapping(facts.get("gain")):
        return []
    at, metric = facts.get("at"), str(facts.get("metric", ""))
    state = facts["verdict"].get("state", "") if _mapping(facts.get("verdict")) else ""
    rows = [
        _threshold(
            "Gain over the baseline, on the test rows", facts["gain"], facts.get("minimum"), "higher", metric, at
        )
        | {"verdict": state}
    ]
    margin = _number(_planned(plan, "slices.margin"))
    for name, part in (facts.get("segments") or {}).items():
        needed = None if margin is None else -margin
        row = _threshold(f"Gain in segment {name}", part.get("gain"), needed, "higher", metric, at)
        rows.append(row | {"verdict": str(part.get("state", ""))})
    return rows


def _validated(plan: Mapping[PlanKey, Any], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The champion among the experiments, on the validation rows; chance helped it, so no verdict follows."""
    kept = [record for record in records if record.get("decision") == "keep" and _mapping(record.get("vs_baseline"))]
    if not kept:
        return []
    last, metric = kept[-1], kept[-1].get("metric")
    unit = str(metric.get("name", "")) if _mapping(metric) else ""
    needed = _planned(plan, "acceptance.min_gain")
    name = f"Gain of {last.get('id')}, on the validation rows"
    return [_threshold(name, last["vs_baseline"], needed, "higher", unit, last.get("at")) | {"verdict": ""}]


def _alive(read: _Reader, plan: Mapping[PlanKey, Any]) -> list[dict[str, Any]]:
    """What late labels say in operation, and what a candidate gains on the champion."""
    rows = []
    live = read.evidence("live_quality")
    if (value := _number(live.get("value"))) is not None:
        better = plan["metric"].get("better", "higher") if _mapping(plan.get("metric")) else "higher"
        rows.append(
            _threshold("Live quality", value, live.get("floor"), better, str(live.get("metric", "")), live.get("at"))
        )
    candidate = read.evidence("candidate")
    if _mapping(candidate.get("vs_champion")):
        margin = _number(candidate.get("margin"))
        needed = None if margin is None else -margin
        unit = str(live.get("metric", ""))
        name = "Candidate against the champion"
        rows.append(_threshold(name, candidate["vs_champion"], needed, "higher", unit, candidate.get("at")))
    return rows


def _loaded(read: _Reader) -> list[dict[str, Any]]:
    """Speed and errors under load, as far as a software product was asked."""
    facts = read.evidence("load")
    if "limit_p95_ms" not in facts:
        return []
    at, verdict = facts.get("at"), str(facts.get("verdict", ""))
    rows = [_threshold("p95 under load", facts.get("p95_ms"), facts["limit_p95_ms"], "lower", "ms", at)]
    if (objective := _number(facts.get("objective"))) is not None:
        bounds = {"value": facts.get("error_rate"), "low": 0.0, "high": facts.get("failure_bound")}
        errors = _threshold("Share of errors under load", bounds, 1 - objective, "lower", "share", at)
        rows.append(errors | {"verdict": verdict})
    return rows


def _threshold(name: str, measured: Any, needed: Any, better: str, unit: str, at: Any) -> dict[str, Any]:
    """One limit beside its measurement. Without a verdict of its own, bounds (or the value) are held against it."""
    found = _interval(measured) if _mapping(measured) else {"value": _number(measured), "low": None, "high": None}
    limit = _number(needed)
    row = {"name": name, **found, "needed": limit, "better": better, "unit": unit, "at": str(at or "")}
    return row | {"verdict": _verdict(found, limit, better)}


def _verdict(found: Mapping[str, float | None], limit: float | None, better: str) -> str:
    value = found["value"]
    if value is None or limit is None:
        return ""
    low = value if found["low"] is None else found["low"]
    high = value if found["high"] is None else found["high"]
    if better == "lower":
        low, high, limit = -high, -low, -limit
    return "pass" if low >= limit else "fail" if high < limit else "inconclusive"


def _monitors(read: _Reader, plan: Mapping[PlanKey, Any]) -> dict[str, Any]:
    """Every signal that is to be watched, with its owner, and what the last look saw; {} where nothing is watched."""
    wanted = read.rows("ops/monitors.yaml", "signals")
    seen = read.evidence("monitor")
    found = seen.get("signals")
    looked = found if _mapping(found) else {}
    people = (plan.get("people") or {}).get("roles")
    signals = [_signal(row, looked.get(str(row.get("name"))), people) for row in wanted]
    for alert in read.rows("ops/alerts.yaml", "alerts"):
        signals.append(_signal(alert, {"state": "set", "reason": f"burn rate {alert.get('burn_rate')} or faster"}))
    spent = read.evidence("error_budget")
    if (left := _number(spent.get("left"))) is not None:
        state = "ok" if left > 0 else "alarm"
        signals.append(_signal({"name": "error budget"}, {"state": state, "reason": f"{left:.0%} is left"}))
    if not signals:
        return {}
    at = str(seen.get("at") or spent.get("at") or "")
    return {"at": at, "version": str(seen.get("version", "")), "signals": signals}


def _signal(row: Mapping[str, Any], seen: Any, people: Any = None) -> dict[str, Any]:
    """One signal with whom it calls, by name where its owner is a role that somebody holds."""
    seen = seen if _mapping(seen) else {"state": "not looked", "reason": "nothing has looked yet"}
    told = {key: str(row.get(key, "")) for key in ("name", "owner", "severity")}
    if _mapping(people):
        told["owner"] = str(people.get(told["owner"].upper(), told["owner"]))
    return told | {"state": str(seen.get("state", "")), "reason": str(seen.get("reason", ""))}


def _champion(read: _Reader) -> dict[str, str]:
    """The version that answers, and since when it has been there."""
    book = read.json("registry/models.json")
    aliases = book.get("aliases") if _mapping(book) else None
    version = str(aliases.get("champion") or "") if _mapping(aliases) else ""
    entry = (book.get("models") or {}).get(version) if version else None
    return {"version": version, "created": str(entry.get("created", "")) if _mapping(entry) else ""} if version else {}


# ------------------------------------------------------------------------------------------------- what happened lately


def _events(
    read: _Reader, records: list[dict[str, Any]], assumed: list[dict[str, Any]], today: date
) -> list[dict[str, str]]:
    """What the last thirty days brought, newest first, by the dates that the files themselves hold."""
    found = [*_signed(read), *_waived(read), *_confirmed(assumed), *_measured(read), *_tried(records)]
    book = read.json("registry/models.json")
    for version, entry in ((book.get("models") or {}) if _mapping(book) else {}).items():
        if _mapping(entry) and entry.get("kind") == "model":
            found.append((entry.get("created"), f"Version {version} was registered."))
    dated = {(day, what) for at, what in found if (day := day_of(at)) and today - MONTH <= day <= today}
    newest = sorted(dated, key=lambda event: (event[0].toordinal() * -1, event[1]))
    return [{"on": day.isoformat(), "what": what} for day, what in newest[:MOST_EVENTS]]


_Event = tuple[Any, str]


def _signed(read: _Reader) -> list[_Event]:
    found: dict[tuple[Any, str], list[str]] = {}
    for path in read.files.names("gates/"):
        gate = path.removeprefix("gates/signoff-").removesuffix(".yaml")
        if path != f"gates/signoff-{gate}.yaml":
            continue
        for row in read.rows(path):
            said = "signed" if row.get("decision") == "accept" else f"answered “{row.get('decision')}”"
            found.setdefault((day_of(row.get("at")), f"{gate} was {said} by {row.get('name')}"), []).append(
                str(row.get("role", ""))
            )
    return [(day, f"{what} ({', '.join(dict.fromkeys(roles))}).") for (day, what), roles in found.items()]


def _waived(read: _Reader) -> list[_Event]:
    return [
        (row.get("on"), f"{row.get('gate')} was waived by {row.get('approver')} until {row.get('until')}.")
        for row in read.rows("gates/waivers.yaml")
    ]


def _confirmed(assumed: Iterable[Mapping[str, Any]]) -> list[_Event]:
    found: dict[tuple[str, str], list[str]] = {}
    for row in assumed:
        if _vouched(row):
            found.setdefault((str(row["confirmed_on"]), str(row["confirmed_by"])), []).append(str(row.get("key")))
    return [
        (on, f"{who} confirmed {', '.join(keys[:3])}{f' and {len(keys) - 3} more' if len(keys) > 3 else ''}.")
        for (on, who), keys in found.items()
    ]


def _measured(read: _Reader) -> list[_Event]:
    """What was measured on each day, as one sentence a day."""
    names: dict[date, list[str]] = {}
    for path in read.files.names("evidence/"):
        name = path.removeprefix("evidence/").removesuffix(".json")
        if path.endswith(".json") and "/" not in name and (day := day_of(read.evidence(name).get("at"))):
            names.setdefault(day, []).append(name.replace("_", " "))
    return [(day, f"Measured: {', '.join(found)}.") for day, found in names.items()]


def _tried(records: Iterable[Mapping[str, Any]]) -> list[_Event]:
    return [
        (record.get("at"), f"Experiment {record.get('id')}: {record.get('learned') or record.get('decision')}")
        for record in records
    ]


# --------------------------------------------------------------------------------------------------------- small things


def day_of(moment: Any) -> date | None:
    """The day, in UTC, of a date or a moment in ISO form; None where it is neither."""
    try:
        found = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    return (found.astimezone(UTC) if found.tzinfo else found).date()


def _interval(measured: Mapping[str, Any]) -> dict[str, float | None]:
    return {key: _number(measured.get(key)) for key in ("value", "low", "high")}


def _number(value: Any) -> float | None:
    """A finite number, also from its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None  # not a number is not below it either


def _planned(plan: Mapping[PlanKey, Any], key: NumberKey) -> Any:
    """The value of a number of the plan; None where there is none."""
    found: Any = plan
    for part in key.split("."):
        found = found.get(part) if _mapping(found) else None
    return found.get("value") if _mapping(found) else None


def _list(found: Any) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _only(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: row[key] for key in keys if key in row}


def _mapping(found: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(found, dict)


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
