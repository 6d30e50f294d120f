"""Gates of operation (G5) and of retrained candidates (G6), and `triage`, which says where to look when one is shut.

Silence is a failure, not a quiet pass. Triage looks at labels, inputs and data first, at code last: in a model the
fault is mostly in the data, and a debugger sees none of it.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from planrun.files import read_yaml, restoring
from planrun.gates import Result, at_strict, blocked, failed, gate, passed, warned
from planrun.repository import Repo
from planrun.signing.people import decides
from planrun.steps import Step, rows_missing
from planrun.trouble import Blocked

from planrun_ml.gates.g4_release import answering
from planrun_ml.release import registry
from planrun_ml.release.prediction_log import PREDICTIONS, expected_share, last_rows, nothing_due
from planrun_ml.release.registry import champion_entry
from planrun_ml.watching.monitor import BAD, MONITORS, settings
from planrun_ml.watching.quality import Verdict
from planrun_ml.watching.triage import STEPS, TRIAGE

MONITOR = "make monitor"
RETRAIN = "make retrain"


# ------------------------------------------------------------------------------------------------ operation
@gate("G5.1")
def reported(repo: Repo) -> Result:
    champion_entry(repo)
    signals, found = settings(repo), repo.evidence("monitor", MONITOR)
    every = str(read_yaml(repo.root / MONITORS).get("every_hours"))
    if not re.fullmatch(r"[1-9]\d{0,4}", every):
        return failed(f'{MONITORS}: every_hours is "{every}", no number of hours.', restoring(repo.root / MONITORS))
    silent = not last_rows(repo.root / PREDICTIONS)
    if found is None:
        told = "Nobody was answered yet, so there is nothing to watch" if silent else "The monitor has never reported"
        return failed(f"{told}; no data is a failure.", answering(repo) if silent else MONITOR)
    hours = (datetime.now(UTC) - datetime.fromisoformat(found["at"])) / timedelta(hours=1)
    if hours > 1.5 * float(every):
        return failed(f"The monitor is silent for {hours:.0f} hours; it must report every {every}.", MONITOR)
    seen = found["signals"]
    if missing := [signal["name"] for signal in signals if signal["name"] not in seen]:
        return failed(f"{', '.join(missing)} did not report.", MONITOR)
    bad, soft = (
        [f"{name}: {signal['reason']}" for name, signal in seen.items() if signal["state"] in states]
        for states in (BAD, ("warn",))
    )
    if bad:
        return failed(f"{'; '.join(bad)}.", answering(repo) if silent else _after_the_look(repo, found["at"]))
    said = f"All {len(seen)} signals reported on {found['at'][:16]}."
    return warned(f"{said} {'; '.join(soft)}.", TRIAGE) if soft else passed(said)


def _after_the_look(repo: Repo, looked: str) -> Step | str:
    """What comes after a monitor that fired: triage, or what triage has said of it already."""
    told = repo.evidence("triage") or {}
    if told.get("version") != champion_entry(repo)["version"] or str(told.get("at")) < looked:
        return TRIAGE
    left = next((step for step in told["steps"] if step["found"] and "explained" not in step), None)
    if left is None:
        return decides(repo, "ops", "all that triage finds is explained: mend what fired, or label more answers")
    number, remedy = left["step"], STEPS[left["step"] - 1][2]
    return decides(repo, "ops", f"{remedy}; or, where it is explained: {TRIAGE} ARGS='--explained \"{number}=…\"'")


@gate("G5.2")
def age(repo: Repo) -> Result:
    entry, cap = champion_entry(repo), repo.entry("retrain.cap_days")
    since = registry.promoted_at(registry.read(repo.root), entry["version"])
    days = (datetime.now(UTC).replace(tzinfo=None) - since).days
    said = f"{entry['version']} is {days} days old"
    if cap["value"] is None:
        return warned(f"{said}; the plan sets no limit. {cap.get('note') or ''}".strip())
    return failed(f"{said}; the limit is {cap['value']:.0f}.", RETRAIN) if days > cap["value"] else passed(f"{said}.")


@gate("G5.3")
def floor(repo: Repo) -> Result:
    found = live_quality(repo)
    verdicts = [Verdict(**row) for row in found["verdicts"]]
    if decayed := [f"{verdict.test}: {verdict.reason}" for verdict in verdicts if verdict.state == "decayed"]:
        return failed(f"{found['metric']} is worse than what was accepted. {'; '.join(decayed)}.", TRIAGE)
    if any(verdict.state == "healthy" for verdict in verdicts):
        return passed(f"{found['reason']}.")
    odd = f"; {found['odd']}" if found["odd"] else ""
    missing = next((verdict.missing for verdict in verdicts if verdict.missing), found["needed"])
    step = found.get("step") or "make baseline"
    step = f"Put about {missing:,} more {found['unit']} (id, label) into labels/" if missing else step
    step = rows_missing(missing, step) if missing else step
    return blocked(f"Not known: {found['reason']}{odd}.", step)


@gate("G5.4")
def feedback(repo: Repo) -> Result:
    found = live_quality(repo)
    said = f"{found['received']:,} of {found['due']:,} due labels came back"
    if not found["due"]:
        return blocked(
            f"Not known: {nothing_due(repo)}.",
            decides(repo, "ops", f"wait until answers are as old as their labels take, then: {MONITOR}", MONITOR),
        )
    if found["received"] < expected_share(repo) * found["due"]:
        return blocked(
            f"{said}: quality is unknown.",
            decides(repo, "ops", f"put labels (id, label) into labels/, then: {MONITOR}", MONITOR),
        )
    return passed(f"{said}.")


def live_quality(repo: Repo) -> dict[str, Any]:
    """What `monitor` last found in the late labels of the version that answers. Raises `Blocked` before it looked."""
    entry, found = champion_entry(repo), repo.evidence("live_quality", MONITOR)
    if found is None or found["version"] != entry["version"]:
        raise Blocked(f"Nobody has looked at late labels for {entry['version']}.", MONITOR)
    return found


REVIEW_DAYS = 90
OVERDUE_DAYS = 30


@gate("G5.5", applies=at_strict)
def reviews(repo: Repo) -> Result:
    entry = champion_entry(repo)
    days = [_date(path.name[:10]) for path in (repo.root / "docs/decisions").glob("*review*.md")]
    first = registry.promoted_at(registry.read(repo.root), entry["version"]).date()
    due = max([day for day in days if day], default=first) + timedelta(days=REVIEW_DAYS)
    late = (date.today() - due).days
    step = f"Write docs/decisions/{date.today()}-review.md"
    if late > OVERDUE_DAYS:
        return failed(f"The review of {due} is {late} days overdue.", step)
    return blocked(f"The review of {due} is due.", step) if late > 0 else passed(f"The next review is due on {due}.")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
