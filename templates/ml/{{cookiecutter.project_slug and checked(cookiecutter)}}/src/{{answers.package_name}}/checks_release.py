"""Gates of release (G4): what must be shown before, and stay true after, a version answers anybody."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from . import gates, registry
from .files import Blocked, read_json, read_yaml
from .gates import Result, blocked, failed, gate, passed, warned
from .predictions import FIELDS, PREDICTIONS, last_rows
from .repo import Repo

PROMOTE, DRILL, MONITOR = "make promote", "make rollback ARGS=--drill", "make monitor"
PARITY_ROWS = 300
FILLED = ("id", "made_at", "model", "source", "input_hash", "inputs", "decision")
SCORE_FLOOR = {"cosmetic": 1, "money": 2, "rights": 3, "intolerable": 4}
SECTIONS = {
    "data": ("G1.2", "G1.3", "G1.4", "G1.6", "G1.12"),
    "model": ("G2.6", "G3.3", "G3.4", "G3.5", "G3.8"),
    "infrastructure": ("G1.8", "G2.5", "G3.9", "G4.4", "G4.9"),
    "monitoring": ("G4.2", "G4.7", "G5.1", "G5.2", "G5.3"),
}


def champion_entry(repo: Repo) -> dict[str, Any]:
    """The registered version that answers now. Raises `Blocked` before the first promotion."""
    entry = registry.entry_of(registry.read(repo.root), "champion")
    if entry is None:
        raise Blocked("Nothing is released yet: the registry has no champion.", PROMOTE)
    return entry


def of_champion(repo: Repo, name: str, remedy: str) -> dict[str, Any]:
    """Fresh evidence about the version that answers now, not about an earlier one."""
    entry = champion_entry(repo)
    found = repo.fresh(name, remedy)
    if found.get("version") != entry["version"]:
        said = f"evidence/{name}.json is about version {found.get('version')}; {entry['version']} answers now."
        raise Blocked(said, remedy)
    return found


def card_of(repo: Repo, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The card of a version: its columns, rule and reference figures."""
    return read_json(repo.root / entry["files"]["card"]["path"])


def needs_value(card: Mapping[str, Any], name: str) -> bool:
    return card["rules"].get(name, {}).get("missing_at_most") in ("0", "0.0")


@gate("G4.1", "The interface still answers yesterday's requests")
def contract(repo: Repo) -> Result:
    entry = champion_entry(repo)
    before = registry.entry_of(registry.read(repo.root), "previous")
    if before is None or before["kind"] == "rule":
        return passed(f"Version {entry['version']} is the first one with an interface.")
    old, new = card_of(repo, before), card_of(repo, entry)
    broken = []
    for name, kind in new["columns"].items():
        needed, was_needed = (needs_value(card, name) for card in (new, old))
        if name not in old["columns"]:
            broken += [f"{name} is new and required"] if needed else []
        elif old["columns"][name] != kind:
            broken.append(f"{name} was a {old['columns'][name]} and is a {kind}")
        elif needed and not was_needed:
            broken.append(f"{name} may no longer be missing")
    if broken:
        return failed(
            f"Requests of {before['version']} are refused: {'; '.join(broken)}.", "Accept both, or make retrain"
        )
    return passed(f"{entry['version']} takes every request that {before['version']} took.")


@gate("G4.2", "Training and serving code agree")
def parity(repo: Repo) -> Result:
    found = of_champion(repo, "parity", PROMOTE)
    trained, served = found["training"], found["serving"]
    if not trained or len(trained) != len(served):
        return blocked(f"Scores of {len(trained)} and {len(served)} rows cannot be compared.", PROMOTE)
    gaps = [abs(a - b) for a, b in zip(trained, served, strict=True)]
    wrong = sum(1 for gap in gaps if not gap <= found["tolerance"])  # NaN is wrong, too
    if wrong:
        worst = max(gaps, key=lambda gap: math.inf if math.isnan(gap) else gap)
        return failed(f"{wrong} of {len(gaps)} rows score differently in service, by up to {worst:.3g}.", "make triage")
    bound = -math.log(0.05) / len(gaps)
    said = f"{len(gaps)} rows score the same in training and service; mismatches stay below {bound:.1%} of rows."
    return passed(said) if len(gaps) >= PARITY_ROWS else warned(f"{said} {PARITY_ROWS} rows would bound them at 1 %.")


@gate("G4.4", "Rollback is rehearsed")
def rollback_drill(repo: Repo) -> Result:
    champion_entry(repo)
    found = repo.evidence("rollback_drill")
    if found is None:
        return blocked("No rollback has been rehearsed.", DRILL)
    limit, age = float(repo.answers["rollback_minutes"]) * 60, _days_since(found["at"])
    if not found["answered"]:
        return failed(f"After the rollback, {found['to']} gave no answer.", "make triage")
    if found["seconds"] > limit:
        return failed(f"The rollback took {found['seconds']:.1f} s; the limit is {limit:.0f} s.", DRILL)
    if age > float(repo.answers["drill_age_days"]):
        return blocked(
            f"The last rehearsal is {age:.0f} days old; the limit is {repo.answers['drill_age_days']}.", DRILL
        )
    return passed(
        f"Back from {found['from']} to {found['to']} in {found['seconds']:.2f} s, rehearsed {found['at'][:10]}."
    )


@gate("G4.5", "The rule answers when the model cannot")
def fallback(repo: Repo) -> Result:
    found = of_champion(repo, "fallback", PROMOTE)
    silent = [
        name for name, answer in found["cases"].items() if answer.get("source") != "rule" or not answer.get("reason")
    ]
    missing = {"absent", "failing", "invalid"} - set(found["cases"])
    if missing:
        return blocked(f"The rule was not tried with the model {', '.join(sorted(missing))}.", PROMOTE)
    if silent:
        return failed(f"With the model {', '.join(silent)}, no rule answered.", "make triage")
    return passed("Model absent, failing, or input invalid: the rule answered each time, with its reason in the log.")


@gate("G4.6", "The registry knows what the champion is made of")
def hashes(repo: Repo) -> Result:
    entry = champion_entry(repo)
    if entry["kind"] == "rule":
        return passed("The rule answers: it has no model file.")
    problems = registry.file_problems(repo.root, entry)
    lacking = [problem for problem in problems if "another hash" not in problem]
    if not problems:
        return passed(f"{entry['version']}: {len(registry.HASHES)} hashes and {len(entry['files'])} files match.")
    if len(lacking) < len(problems):
        return failed(f"{'; '.join(problems)}.", "make rollback")
    return blocked(f"{'; '.join(problems)}.", "Restore the file from the model store, or: make promote")


@gate("G4.7", "Every signal has a limit, an owner and a runbook")
def monitors(repo: Repo) -> Result:
    problems, edited = [], []
    for signal in read_yaml(repo.root / "ops/monitors.yaml")["signals"]:
        name = signal.get("name", "?")
        problems += [
            f"{name} has no {key}" for key in ("owner", "severity", "runbook", "window_days") if not signal.get(key)
        ]
        if signal.get("runbook") and not _anchor_exists(repo, signal["runbook"]):
            problems.append(f"{name} points at {signal['runbook']}, which does not exist")
        if not _as_planned(repo, signal) and not _decided(repo, name):
            edited.append(f"{name} is {signal.get('limit')}, the plan says {_planned(repo, signal['from'])}")
    if edited:
        return failed(f"Limits were edited: {'; '.join(edited)}.", "Write a decision record that names the signal.")
    if problems:
        return blocked(f"{'; '.join(problems)}.", "Complete ops/monitors.yaml")
    alert = repo.evidence("test_alert")
    if alert is None or not alert.get("acknowledged_by"):
        return blocked(
            "No test alert has been acknowledged by the person it should reach.", f"{MONITOR} ARGS=--test-alert"
        )
    return passed(f"All limits are the plan's; {alert['acknowledged_by']} acknowledged the test alert.")


def _planned(repo: Repo, source: str) -> str:
    value = repo.number(source) if "." in source else repo.answers[source]
    return "null" if value is None else str(value)


def _as_planned(repo: Repo, signal: Mapping[str, str]) -> bool:
    if not signal.get("from"):
        return True
    planned, held = _planned(repo, signal["from"]), signal.get("limit", "")
    try:
        return math.isclose(float(planned), float(held), rel_tol=1e-6)
    except ValueError:
        return planned == held


def _decided(repo: Repo, name: str) -> bool:
    records = (repo.root / "docs/decisions").glob("*.md")
    return any(re.search(rf"\b{re.escape(name)}\b", record.read_text("utf-8")) for record in records)


def _anchor_exists(repo: Repo, link: str) -> bool:
    page, _, anchor = link.partition("#")
    if not (repo.root / page).is_file():
        return False
    titles = re.findall(r"^#+ (.+)$", repo.text(page), re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@gate("G4.8", "The prediction log holds what late labels need")
def prediction_log(repo: Repo) -> Result:
    champion_entry(repo)
    rows = last_rows(repo.root / PREDICTIONS)
    if not rows:
        return blocked("No prediction has been logged here.", "Let the champion answer: make score, serve or alert")
    absent = [name for name in FIELDS if name not in rows[-1]]
    empty = [name for name in FILLED if any(row.get(name) in (None, "") for row in rows)]
    if absent or empty:
        return failed(f"The log lacks {', '.join(absent + empty)}.", "make triage")
    return passed(f"The last {len(rows)} predictions carry all {len(FIELDS)} fields.")


@gate("G4.9", "A new version reaches everybody step by step")
def rollout(repo: Repo) -> Result:
    plan = read_yaml(repo.root / "ops/rollout.yaml")
    wanted = [("shadow", "days"), ("shadow", "go"), ("canary", "share"), ("canary", "labelled_rows")]
    missing = [f"{part}.{key}" for part, key in wanted if plan.get(part, {}).get(key) in (None, "", "null")]
    if not plan.get("stop"):
        missing.append("stop")
    if missing:
        return blocked(
            f"ops/rollout.yaml has no {', '.join(missing)}.", "Answer what they need, then: mlscaffold replan"
        )
    return passed(f"Shadow {plan['shadow']['days']} days, then {float(plan['canary']['share']):.0%} of the traffic.")


@gate("G4.10", "Readiness, by the weakest of four sections")
def readiness(repo: Repo) -> Result:
    points = {
        section: sum(gates.state_of(repo, id).state in ("pass", "warn") for id in ids)
        for section, ids in SECTIONS.items()
    }
    floor, weakest = SCORE_FLOOR[repo.answers["consequence"]], min(points, key=lambda section: points[section])
    said = ", ".join(f"{section} {count}" for section, count in points.items())
    if points[weakest] < floor:
        return failed(f"{said}; the weakest must reach {floor}.", f"Open the gates of {weakest}: status --all")
    return passed(f"{said}; the weakest reaches {floor}.")


def _days_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)) / timedelta(days=1)
