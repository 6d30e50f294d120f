"""Gates of acceptance (G3: thresholds first, then the look) and of release (G4: what holds of a version that answers).

A verdict is worked out again from the prediction files; what was typed into evidence does not count.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from planrun import gates
from planrun.catalogue import NumberKey
from planrun.files import read_json, read_yaml
from planrun.gates import Result, at_strict, blocked, failed, gate, passed, warned
from planrun.repository import Repo
from planrun.signing.people import decides, waiving
from planrun.steps import asked_of

from planrun_ml.data import source
from planrun_ml.experiments.retracing import LOOSE, OTHER
from planrun_ml.gates.g3_acceptance import DRILL, PROMOTE
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.measuring.intervals import bound_without_a_miss
from planrun_ml.measuring.stakes import planned_floor
from planrun_ml.release import provenance, registry
from planrun_ml.release.parity import PARITY_ROWS
from planrun_ml.release.prediction_log import FIELDS, PREDICTIONS, last_rows
from planrun_ml.release.registry import champion_entry, of_champion
from planrun_ml.serving.load import EVIDENCE, LEAST, p95, problems
from planrun_ml.watching.monitor import settings

TEST_ALERT = "make monitor ARGS=--test-alert"
WINDOW: NumberKey = "monitor.window_days"
Figure = float | Literal["latency_ms", "drift_floor"] | NumberKey  # itself, an answer, or a number of the plan
PLANNED: dict[str, tuple[Figure, Figure]] = {  # days and limit
    "volume": (1, 1), "latency": (1, "latency_ms"), "fallback": (1, 0.01), "inputs": (WINDOW, "drift_floor"),
    "skew": (WINDOW, 0), "drift": (WINDOW, "monitor.alpha"), "scores": (WINDOW, "monitor.alpha"),
    "early_warning": (WINDOW, "monitor.alpha"), "quality": (365, "monitor.floor"),
    "labels": (30, "feedback.minimum_day"), "age": (1, "retrain.cap_days"),
}  # fmt: skip
FILLED = ("id", "made_at", "model", "source", "input_hash", "inputs", "decision")


# ------------------------------------------------------------------------------------------------ release
@gate("G4.2")
def parity(repo: Repo) -> Result:
    found = of_champion(repo, "parity", PROMOTE)
    trained, served = found["training"], found["serving"]
    if not trained or len(trained) != len(served):
        return blocked(f"Scores of {len(trained)} and {len(served)} rows cannot be compared.", PROMOTE)
    gaps = [math.inf if math.isnan(a - b) else abs(a - b) for a, b in zip(trained, served, strict=True)]
    wrong, bound = sum(gap > found["tolerance"] for gap in gaps), bound_without_a_miss(len(gaps))
    if wrong:
        said = f"{wrong} of {len(gaps)} rows score differently in service, by up to {max(gaps):.3g}."
        return failed(said, "make triage")
    said = f"{len(gaps)} rows score the same in training and service; mismatches stay below {bound:.1%} of rows."
    return passed(said) if len(gaps) >= PARITY_ROWS else warned(f"{said} {PARITY_ROWS} rows would bound them at 1 %.")


@gate("G4.4")
def rollback_drill(repo: Repo) -> Result:
    champion_entry(repo)
    found, most = repo.evidence("rollback_drill", DRILL), repo.answers["drill_age_days"]
    if found is None:
        return blocked("No rollback has been rehearsed.", DRILL)
    limit = float(repo.answers["rollback_minutes"]) * 60
    age = (datetime.now(UTC) - datetime.fromisoformat(found["at"])) / timedelta(days=1)
    if not found["answered"]:
        return failed(f"After the rollback, {found['to']} gave no answer.", "make triage")
    if found["seconds"] > limit:
        return failed(f"The rollback took {found['seconds']:.1f} s; the limit is {limit:.0f} s.", DRILL)
    if age > float(most):
        return blocked(f"The last rehearsal is {age:.0f} days old; the limit is {most}.", DRILL)
    way = f"from {found['from']} to {found['to']}"
    return passed(f"Back {way} in {found['seconds']:.2f} s, rehearsed {found['at'][:10]}.")


@gate("G4.5")
def fallback(repo: Repo) -> Result:
    cases = of_champion(repo, "fallback", PROMOTE)["cases"]
    missing = {"absent", "failing", "invalid"} - set(cases)
    silent = [name for name, answer in cases.items() if answer.get("source") != "rule" or not answer.get("reason")]
    if missing:
        return blocked(f"The rule was not tried with the model {', '.join(sorted(missing))}.", PROMOTE)
    if silent:
        return failed(f"With the model {', '.join(silent)}, no rule answered.", "make triage")
    return passed("Model absent, failing, or input invalid: the rule answered each time, with its reason in the log.")


@gate("G4.6")
def hashes(repo: Repo) -> Result:
    entry, book = champion_entry(repo), registry.read(repo.root)
    wrong = registry.file_problems(repo.root, entry)
    if any("another hash" in problem for problem in wrong):
        return failed(f"{'; '.join(wrong)}.", "make rollback")
    if wrong:
        back = "bring the file back from the model store, or: make promote"
        return blocked(f"{'; '.join(wrong)}.", decides(repo, "mle", back, PROMOTE))
    doubts = [doubt for doubt in (provenance.unswitched(book, entry["version"]),) if doubt]
    by = provenance.promoter(book, entry["version"])
    if entry["kind"] == "rule":
        named = registry.version_of(book, "baseline")
        doubts += [] if entry["version"] == named else [f"{entry['version']} is a rule, and not the measured baseline"]
        return _doubtful(repo, doubts) if doubts else passed(f"The rule answers, {by}: it has no model file.")
    if doubts := doubts + provenance.problems(repo, entry):
        return _doubtful(repo, doubts)
    said = f"{entry['version']}, {by}: {len(registry.HASHES)} hashes and {len(entry['files'])} files match"
    found = provenance.traced(repo, entry)
    if found is None:
        return passed(f"{said}. Its rows or packages are not here as they were, so it was not trained again.")
    if found.state == OTHER:
        return _doubtful(repo, [f"{entry['version']} is not what its settings give: {found.why}"])
    if found.state == LOOSE:
        return warned(f"{said}. Nobody can tell whether it is what its settings give: {found.why}.")
    return passed(f"{said}, and training by its settings gives it again.")


def _doubtful(repo: Repo, doubts: Sequence[str]) -> Result:
    """A champion that nobody accepted as it is."""
    back = "put the last good version back (make rollback ARGS='--reason …'), or accept this one"
    step = f"{back} (make accept, then make promote); or walk past it: {waiving('G4.6')}"
    return failed(f"{'; '.join(doubts)}.", decides(repo, "mle", step))


@gate("G4.7")
def monitors(repo: Repo) -> Result:
    signals, called, edited = settings(repo), planned(repo), []
    problems = [f"{name} is missing" for name in called if name not in [signal["name"] for signal in signals]]
    for signal in signals:
        name, runbook = signal["name"], signal.get("runbook")
        problems += [f"{name} has no {key}" for key in ("owner", "severity", "runbook") if not signal.get(key)]
        if runbook and not _anchor_exists(repo, runbook):
            problems.append(f"{name} points at {runbook}, which does not exist")
        edited += _edited(repo, signal, called.get(name, {}))
    if edited:
        return failed(
            f"Edited by hand: {'; '.join(edited)}.",
            "Write a decision record in docs/decisions/ that names signal and number",
        )
    if problems:
        return blocked(f"{'; '.join(problems)}.", "Complete ops/monitors.yaml")
    alert = repo.evidence("test_alert", TEST_ALERT)
    if alert is None:
        return blocked("No test alert was ever sent.", TEST_ALERT)
    if not alert["acknowledged_by"]:
        said = "The test alert was acknowledged by nobody."
        return blocked(
            said, asked_of(["ops"], "Whom it reached types: make monitor ARGS='--acknowledge CODE', with its code")
        )
    return passed(f"All windows and limits are the plan's; {alert['acknowledged_by']} acknowledged the test alert.")


def planned(repo: Repo) -> dict[str, dict[str, float | None]]:
    """Window and limit of each signal that this task and this way of serving call for, from plan and answers."""

    def value(of: Figure) -> float | None:
        if not isinstance(of, str):
            return float(of)
        if of == "monitor.floor":
            return planned_floor(repo)
        found = repo.answers[of] if of == "latency_ms" or of == "drift_floor" else repo.number(of)
        return None if found is None else float(found)

    asked = {"latency": "latency_ms" in repo.answers, "early_warning": repo.answers["task"] in CLASSES}
    named = {name: held for name, held in PLANNED.items() if asked.get(name, True)}
    return {name: {"window_days": value(days), "limit": value(limit)} for name, (days, limit) in named.items()}


def _edited(repo: Repo, signal: Mapping[str, Any], wanted: Mapping[str, float | None]) -> list[str]:
    """Numbers of a signal that are not the plan's, where no decision record holds its name and the number."""
    records = [record.read_text("utf-8") for record in (repo.root / "docs/decisions").glob("*.md")]
    name, moved = signal["name"], []
    for key, planned in wanted.items():
        held, plan = ("null" if value is None else f"{value:.7g}" for value in (signal[key], planned))
        both = [re.compile(rf"\b{re.escape(word)}\b") for word in (name, held)]
        if held != plan and not any(all(word.search(text) for word in both) for text in records):
            moved.append(f"{key} of {name} is {held}, the plan says {plan}")
    return moved


def _anchor_exists(repo: Repo, link: str) -> bool:
    page, _, anchor = link.partition("#")
    titles = re.findall(r"^#+ (.+)$", repo.text(page), re.MULTILINE) if (repo.root / page).is_file() else []
    return anchor in {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def answering(repo: Repo) -> str:
    """How the champion answers here; the sample has rows that stand in for new ones."""
    make = {"batch": "make score", "api": "make serve", "alert": "make alert"}[repo.answers["serving"]]
    own = make != "make serve" and not source.source_of(repo).is_sample
    return f"{make} ARGS=FILE, a file of rows to answer" if own else make


@gate("G4.8")
def prediction_log(repo: Repo) -> Result:
    champion_entry(repo)
    if not (rows := last_rows(repo.root / PREDICTIONS)):
        return blocked("No prediction has been logged here.", answering(repo))
    lacking = [name for name in FIELDS if name not in rows[-1]]
    lacking += [name for name in FILLED if any(row.get(name) in (None, "") for row in rows)]
    if lacking:
        return failed(f"The log lacks {', '.join(lacking)}.", "make triage")
    return passed(f"The last {len(rows)} predictions carry all {len(FIELDS)} fields.")


SCORE_FLOOR = {"cosmetic": 1, "money": 2, "rights": 3, "intolerable": 4}
SECTIONS = {
    "data": ("G1.2", "G1.3", "G1.4", "G1.6", "G1.12"),
    "model": ("G2.6", "G3.3", "G3.4", "G3.5", "G3.8"),
    "infrastructure": ("G1.8", "G2.5", "G3.9", "G4.4", "G4.9"),
    "monitoring": ("G4.2", "G4.7", "G5.1", "G5.2", "G5.3"),
}


@gate("G4.1", applies=at_strict)
def contract(repo: Repo) -> Result:
    entry, before = champion_entry(repo), registry.entry_of(registry.read(repo.root), "previous")
    if before is None or before["kind"] == "rule":
        return passed(f"Version {entry['version']} is the first one with an interface.")
    old, new = (read_json(repo.root / one["files"]["card"]["path"]) for one in (before, entry))
    broken = []
    for name, kind in new["columns"].items():
        needed, was_needed = (card["rules"].get(name, {}).get("missing_at_most") in ("0", "0.0") for card in (new, old))
        if name not in old["columns"]:
            broken += [f"{name} is new and required"] if needed else []
        elif old["columns"][name] != kind:
            broken.append(f"{name} was a {old['columns'][name]} and is a {kind}")
        elif needed and not was_needed:
            broken.append(f"{name} may no longer be missing")
    if broken:
        said = f"Requests of {before['version']} are refused: {'; '.join(broken)}."
        return failed(said, decides(repo, "mle", "take both kinds of request, or: make retrain", "make retrain"))
    return passed(f"{entry['version']} takes every request that {before['version']} took.")


@gate("G4.9", applies=at_strict)
def rollout(repo: Repo) -> Result:
    plan = read_yaml(repo.root / "ops/rollout.yaml")
    wanted = [("shadow", "days"), ("shadow", "go"), ("canary", "share"), ("canary", "labelled_rows")]
    missing = [f"{part}.{key}" for part, key in wanted if plan.get(part, {}).get(key) in (None, "", "null")]
    missing += [] if plan.get("stop") else ["stop"]
    if missing:
        step = "Answer it in ops/rollout.yaml"
        return blocked(f"ops/rollout.yaml has no {', '.join(missing)}.", step)
    return passed(f"Shadow {plan['shadow']['days']} days, then {float(plan['canary']['share']):.0%} of the traffic.")


@gate("G4.10", applies=at_strict)
def readiness(repo: Repo) -> Result:
    known = gates.load(repo)  # what these answers do not call for is nothing that is missing
    points = {
        section: sum(id not in known or gates.state_of(repo, id).state in ("pass", "warn") for id in ids)
        for section, ids in SECTIONS.items()
    }
    floor, weakest = SCORE_FLOOR[repo.answers["consequence"]], min(points, key=lambda section: points[section])
    said = ", ".join(f"{section} {count}" for section, count in points.items())
    if points[weakest] < floor:
        return failed(f"{said}; the weakest must reach {floor}.", _to_the_points(repo, weakest))
    return passed(f"{said}; the weakest reaches {floor}.")


def _to_the_points(repo: Repo, section: str) -> str:
    """The step of the first gate of a section that is shut."""
    rows = [gates.state_of(repo, id) for id in SECTIONS[section] if id in gates.load(repo)]
    first = next((row for row in rows if row.state not in ("pass", "warn") and row.next_step), None)
    return first.next_step if first else decides(repo, "po", f"what is waived there, or {waiving('G4.10')}")


LOAD = "make load"
KEPT_UP = 0.95  # of the rate asked for; below it the caller or the service could not keep up


@gate("G4.3")
def under_load(repo: Repo) -> Result:
    found = of_champion(repo, EVIDENCE, LOAD)
    workers, planned = math.ceil(repo.needed("capacity.workers")), repo.needed("capacity.load_per_second")
    if found["workers"] != workers or found["limit_ms"] != float(repo.answers["latency_ms"]):
        return blocked("Workers or limit of the test are not the plan's.", LOAD)
    if found["sent"] < LEAST or not found["times_ms"]:
        return blocked(f"{found['sent']} requests tell no p95; {LEAST} are needed.", LOAD)
    wrong = problems(found)
    if wrong:
        return failed(" ".join(wrong), "Add workers, a cache or a smaller model: docs/06-interface.md, section 4")
    if found["per_second"] < KEPT_UP * planned:
        return failed(
            f"{found['per_second']:.3g} requests a second were answered; the plan asks for {planned:.3g}.",
            decides(repo, "ops", "ask from another machine (make load), or add workers", LOAD),
        )
    return passed(
        f"{found['sent']:,} requests at {found['per_second']:.3g} a second, {workers} workers, {found['cores']} cores: "
        f"95 % within {p95(found):.1f} ms of {found['limit_ms']:g}, {found['errors']} errors."
    )
