"""Gates of acceptance (G3: thresholds first, then the look) and of release (G4: what holds of a version that answers).

A verdict is worked out again from the prediction files; what was typed into evidence does not count.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from . import cards, data, dataset, evaluate, experiment, files, registry, train
from .accept import THRESHOLDS, accepted, too_little_room
from .checks_work import open_questions
from .files import Blocked, read_yaml
from .gates import OPEN, Repo, Result, asked_of, blocked, failed, gate, passed, require, rows_missing, state_of, warned
from .monitor import settings
from .predictions import FIELDS, PREDICTIONS, last_rows
from .promote import PARITY_ROWS
from .registry import champion_entry, of_champion
from .signing import SIGNABLES, document_hash, signable, signed

ACCEPT, PROMOTE, DRILL = "make accept", "make promote", "make rollback ARGS=--drill"
DOCUMENT, SIGNED = "docs/03-acceptance.md", "evidence/acceptance.json#experiment,predictions,verdict,segments"
ROLES = ("po", "ds", "ops")
WINDOW = "monitor.window_days"
PLANNED: dict[str, tuple[float | str, float | str]] = {  # days and limit: a number, an answer, or a number of the plan
    "volume": (1, 1), "latency": (1, "latency_ms"), "fallback": (1, 0.01), "inputs": (WINDOW, "drift_floor"),
    "skew": (WINDOW, 0), "drift": (WINDOW, "monitor.psi_limit"), "scores": (WINDOW, "monitor.psi_limit"),
    "early_warning": (WINDOW, "monitor.alpha"), "quality": (365, "monitor.floor"),
    "labels": (30, "feedback.minimum_day"), "age": (1, "retrain.cap_days"),
}  # fmt: skip
FILLED = ("id", "made_at", "model", "source", "input_hash", "inputs", "decision")


# ------------------------------------------------------------------------------------------------ acceptance
def _ready(repo: Repo) -> None:
    """The acceptance is signed last: every blocking gate before it has to be open."""
    accepted(repo)
    require(repo, *(id for id in repo.blocking() if id < "G4" and id not in ("G3.9", "G3.10")))


def _answered(repo: Repo) -> None:
    """Where gate G3.10 will want section 1 answered, it is answered first: later it would void the signature."""
    asks = open_questions(repo.text(DOCUMENT).partition("## 2")[0]) if "G3.10" in repo.blocking() else 0
    if asks:
        told = f"Section 1 of {DOCUMENT} has {files.counted(asks, 'open question')}."
        raise Blocked(f"{told} An answer after signing would void the signature.", f"Answer section 1 of {DOCUMENT}")


signable("G3a", (DOCUMENT, THRESHOLDS), ROLES, _answered)
signable("G3b", (SIGNED,), ROLES, _ready)


@gate("G3.1", "Thresholds signed before the first look")
def thresholds(repo: Repo) -> Result:
    if (state := signed(repo, "G3a")).state not in OPEN:
        return state
    test_set = repo.fresh("splits", "make audit")["keys"]["test"]
    looks = [look for look in dataset.looks(repo) if look["test_set"] == test_set]
    if not looks:
        return passed(f"{state.reason} Nobody has looked at the test rows.")
    if _came_late(repo, datetime.fromisoformat(looks[0]["at"])):
        said = "The thresholds that stand now were signed after the first look at the test rows."
        return failed(said, "Restore the signed text, or take a new test set: audit --resplit with new rows")
    return passed(f"{state.reason} The first look came after.")


def _came_late(repo: Repo, first: datetime) -> bool:
    """Whether today's signature came in after the first look. Within git's one second its own time decides."""
    digest, path = document_hash(repo, SIGNABLES["G3a"]), "gates/signoff-G3a.yaml"
    stamps = files.git(repo.root, "log", "--reverse", "--format=%ct", f"-S{digest}", "--", path)
    when, look = int(stamps.splitlines()[0]) if stamps else math.inf, int(first.timestamp())
    if when != look:
        return when > look
    return any(datetime.fromisoformat(row["at"]) > first for row in read_yaml(repo.root / path))


@gate("G3.2", "Looks at the test split")
def looks(repo: Repo) -> Result:
    allowed = repo.needed("test.looks")
    used = dataset.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"])
    if used > allowed:
        return failed(f"{used} models were measured on this test set, {allowed:.0f} may be.", "Take a new test set")
    return passed(f"{used} of {allowed:.0f} looks are used, each at alpha {repo.needed('test.alpha_per_look'):.3g}.")


@gate("G3.3", "Gain over the baseline")
def gain_shown(repo: Repo) -> Result:
    judged = accepted(repo)["verdict"]
    if judged["state"] == "inconclusive":
        step = "Label more test rows, then make audit and make accept"
        if judged["more"]:
            step = rows_missing(judged["more"], f"{judged['more']:,} more test rows with labels, then make audit")
        return blocked(f"Inconclusive. {judged['sentence']}", step)
    return Result(judged["state"], judged["sentence"], "" if judged["state"] == "pass" else _after_a_fail(repo))


def _after_a_fail(repo: Repo) -> str:
    """What is left once the gain was shown not to be there: another model while there is one to try, or a decision."""
    who = [f"po {name}" for name in repo.team.get("po", ())] or ["po"]
    tried = {record["config"]["model"] for record in experiment.counted(repo, evaluate.lock_sha(repo))}
    used, facts = dataset.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"]), accepted(repo)
    if too_little_room(facts) is not None:
        return asked_of(who, "No model can pay at these costs: check them (mlscaffold replan --set …), or stop")
    if set(train.ORDER) - tried and used < repo.needed("test.looks"):
        return asked_of(
            who, "Try another model (make experiment, then make accept); or promise less, or stop", "make experiment"
        )
    return asked_of(who, "Better data or columns, other costs (mlscaffold replan --set …), or stop: the rule ships")


@gate("G3.4", "Segments")
def segments(repo: Repo) -> Result:
    judged, named = accepted(repo)["segments"], ", ".join(repo.names("segments"))
    if named and not judged:
        return blocked(f"The data has no rows of the segments {named}.", "Name your own data in data/source.yaml")
    if not judged:
        return passed("No segment is named (`segments` in plan/project.yaml).")
    for state, result in (("fail", failed), ("inconclusive", blocked)):
        for name, entry in judged.items():
            if entry["state"] == state:
                return result(f"{name}: {entry['sentence']}", "Better rows for this segment, or a wider margin, signed")
    return passed(f"{len(judged)} segments are not worse than the margin allows.")


@gate("G3.8", "Nothing simpler does")
def simpler(repo: Repo) -> Result:
    facts = accepted(repo)
    if facts["config"]["model"] == "linear":
        return passed("The accepted model is itself the simple one.")
    if "simpler" not in facts:
        return blocked("The simplest model was not measured.", ACCEPT)
    if facts["simpler"]["state"] == "pass":
        return failed("A linear model passes by itself.", "Ship it: experiment --model linear")
    return passed(f"A linear model alone does not pass ({facts['simpler']['state']}).")


@gate("G3.9", "Acceptance signed")
def acceptance_signed(repo: Repo) -> Result:
    accepted(repo)
    shut = [id for id in repo.blocking() if id.startswith("G0.") and state_of(repo, id).state not in OPEN]
    if shut:
        step = state_of(repo, shut[0]).next_step
        return blocked(f"{', '.join(shut)} come before the acceptance signature.", step)
    return signed(repo, "G3b")


@gate("G3.10", "Model card and datasheet")
def model_card(repo: Repo) -> Result:
    accepted(repo)
    if stale := [path for path, text in cards.pages(repo).items() if repo.text(path) != text]:
        return failed(f"{' and '.join(stale)} does not tell of today's evidence.", ACCEPT)
    if questions := open_questions(repo.text(DOCUMENT).partition("## 2")[0]):
        return blocked(f"{questions} questions on use and limits are open.", f"Answer section 1 of {DOCUMENT}")
    return passed("Written from the evidence; use and limits are answered.")


# ------------------------------------------------------------------------------------------------ release
@gate("G4.2", "Training and serving code agree")
def parity(repo: Repo) -> Result:
    found = of_champion(repo, "parity", PROMOTE)
    trained, served = found["training"], found["serving"]
    if not trained or len(trained) != len(served):
        return blocked(f"Scores of {len(trained)} and {len(served)} rows cannot be compared.", PROMOTE)
    gaps = [math.inf if math.isnan(a - b) else abs(a - b) for a, b in zip(trained, served, strict=True)]
    wrong, bound = sum(gap > found["tolerance"] for gap in gaps), -math.log(0.05) / len(gaps)
    if wrong:
        said = f"{wrong} of {len(gaps)} rows score differently in service, by up to {max(gaps):.3g}."
        return failed(said, "make triage")
    said = f"{len(gaps)} rows score the same in training and service; mismatches stay below {bound:.1%} of rows."
    return passed(said) if len(gaps) >= PARITY_ROWS else warned(f"{said} {PARITY_ROWS} rows would bound them at 1 %.")


@gate("G4.4", "Rollback is rehearsed")
def rollback_drill(repo: Repo) -> Result:
    champion_entry(repo)
    found, most = repo.evidence("rollback_drill"), repo.answers["drill_age_days"]
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


@gate("G4.5", "The rule answers when the model cannot")
def fallback(repo: Repo) -> Result:
    cases = of_champion(repo, "fallback", PROMOTE)["cases"]
    missing = {"absent", "failing", "invalid"} - set(cases)
    silent = [name for name, answer in cases.items() if answer.get("source") != "rule" or not answer.get("reason")]
    if missing:
        return blocked(f"The rule was not tried with the model {', '.join(sorted(missing))}.", PROMOTE)
    if silent:
        return failed(f"With the model {', '.join(silent)}, no rule answered.", "make triage")
    return passed("Model absent, failing, or input invalid: the rule answered each time, with its reason in the log.")


@gate("G4.6", "The registry knows what the champion is made of")
def hashes(repo: Repo) -> Result:
    if (entry := champion_entry(repo))["kind"] == "rule":
        return passed("The rule answers: it has no model file.")
    if not (problems := registry.file_problems(repo.root, entry)):
        return passed(f"{entry['version']}: {len(registry.HASHES)} hashes and {len(entry['files'])} files match.")
    if any("another hash" in problem for problem in problems):
        return failed(f"{'; '.join(problems)}.", "make rollback")
    return blocked(f"{'; '.join(problems)}.", "Restore the file from the model store, or: make promote")


@gate("G4.7", "Every signal has a limit, an owner and a runbook")
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
        return failed(f"Edited by hand: {'; '.join(edited)}.", "Write a decision record that names signal and number")
    if problems:
        return blocked(f"{'; '.join(problems)}.", "Complete ops/monitors.yaml")
    alert = repo.evidence("test_alert")
    if alert is None:
        return blocked("No test alert was ever sent.", "make monitor ARGS=--test-alert")
    if not alert["acknowledged_by"]:
        said = "The test alert was acknowledged by nobody."
        return blocked(
            said, asked_of(["ops"], "Whom it reached types: make monitor ARGS='--acknowledge CODE', with its code")
        )
    return passed(f"All windows and limits are the plan's; {alert['acknowledged_by']} acknowledged the test alert.")


def planned(repo: Repo) -> dict[str, dict[str, float | None]]:
    """Window and limit of each signal that this task and this way of serving call for, from plan and answers."""

    def value(of: float | str) -> float | None:
        found = of if not isinstance(of, str) else repo.number(of) if "." in of else repo.answers[of]
        return None if found is None else float(found)

    asked = {"latency": "latency_ms" in repo.answers, "early_warning": repo.answers["task"] in ("binary", "multiclass")}
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


def _answering(repo: Repo) -> str:
    """How the champion answers here; the sample has rows that stand in for new ones."""
    make = {"batch": "make score", "api": "make serve", "alert": "make alert"}[repo.answers["serving"]]
    own = make != "make serve" and not data.source_of(repo).is_sample
    return f"{make} ARGS=FILE, a file of rows to answer" if own else make


@gate("G4.8", "The prediction log holds what late labels need")
def prediction_log(repo: Repo) -> Result:
    champion_entry(repo)
    if not (rows := last_rows(repo.root / PREDICTIONS)):
        return blocked("No prediction has been logged here.", _answering(repo))
    lacking = [name for name in FIELDS if name not in rows[-1]]
    lacking += [name for name in FILLED if any(row.get(name) in (None, "") for row in rows)]
    if lacking:
        return failed(f"The log lacks {', '.join(lacking)}.", "make triage")
    return passed(f"The last {len(rows)} predictions carry all {len(FIELDS)} fields.")
