"""`monitor`: runs every watch, writes what they saw into evidence/, and tells the owners what is wrong."""

import hashlib
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from . import data, decay, registry
from .champion import load
from .files import Outcome, Trouble, read_yaml
from .repo import Repo
from .signals import WATCHES, Signal, View
from .signing import person

MONITORS, ONCALL = "ops/monitors.yaml", "ops/oncall.yaml"
BAD = ("alarm", "silent")


def run(repo: Repo, test_alert: bool = False, acknowledge: str = "", at: str = "") -> Outcome:
    """The command: watch, or prove that an alarm reaches its owner."""
    if test_alert or acknowledge:
        return confirm_alert(repo, acknowledge) if acknowledge else send_test_alert(repo)
    return monitor(repo, moment_of(at))


def moment_of(text: str) -> datetime:
    """The moment to look from, in UTC without a zone; now, unless one is given."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        raise Trouble(f'"{text}" is no moment.', "Write 2026-01-31T10:00.") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def monitor(repo: Repo, moment: datetime) -> Outcome:
    """Every signal once; exit 1 when one is in alarm or silent."""
    settings = monitors(repo)
    view = look(repo, moment)
    seen = {setting["name"]: WATCHES[setting["name"]](view, setting) for setting in settings["signals"]}
    repo.write_evidence("live_quality", {"version": view.champion.version, **view.quality})
    facts = {"version": view.champion.version, "moment": view.now.isoformat(timespec="seconds")}
    repo.write_evidence("monitor", facts | {"signals": {name: asdict(signal) for name, signal in seen.items()}})
    lines = [f"{view.champion.version} on {view.now:%Y-%m-%d %H:%M}{data.label(repo, data.source_of(repo))}"]
    lines += [line for setting in settings["signals"] for line in _lines(setting, seen[setting["name"]])]
    bad = [name for name, signal in seen.items() if signal.state in BAD]
    if bad:
        lines.append(_notify(repo, "\n".join(lines)))
    return Outcome("\n".join(lines), 1 if bad else 0)


def monitors(repo: Repo) -> dict[str, Any]:
    """ops/monitors.yaml, refused when it names a signal that nothing watches."""
    settings = read_yaml(repo.root / MONITORS)
    for setting in settings["signals"]:
        if setting.get("name") not in WATCHES:
            said = f'{MONITORS} names a signal "{setting.get("name")}" that nothing watches.'
            raise Trouble(said, f"Use one of: {', '.join(WATCHES)}.")
    return dict(settings)


def look(repo: Repo, moment: datetime) -> View:
    """The log since the champion was promoted, joined with its late labels."""
    champion, book = load(repo.root), registry.read(repo.root)
    since = registry.promoted_at(book, champion.version)
    con = decay.open_log(repo.root, champion.log_types, since, moment)
    judged = decay.judge(repo, con, champion.card, moment)
    return View(repo, con, champion, registry.entry_of(book, "champion") or {}, since, moment, judged)


def _lines(setting: Mapping[str, str], signal: Signal) -> list[str]:
    first = f"{signal.state:<8} {setting['name']:<14} {signal.reason}"
    if signal.state not in (*BAD, "warn"):
        return [first]
    return [first, f"{'':<23} severity {setting['severity']}, {setting['owner']}: {setting['runbook']}"]


def _notify(repo: Repo, text: str) -> str:
    """Hand the text to the command in ops/oncall.yaml; without one, the failing run is the message."""
    command = read_yaml(repo.root / ONCALL).get("notify") or []
    if not command:
        return f"Nobody was told: {ONCALL} has no notify command, so this run's failure is the message."
    try:
        run = subprocess.run(command, input=text, text=True, capture_output=True, timeout=60, encoding="utf-8")
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"NOBODY WAS TOLD: {command[0]} failed: {error}"
    return (
        f"Told by {command[0]}." if run.returncode == 0 else f"NOBODY WAS TOLD: {command[0]} said {run.stderr.strip()}"
    )


def send_test_alert(repo: Repo) -> Outcome:
    """Send an alert that proves the way to a person; that person answers with the code in it."""
    code = secrets.token_hex(4)
    text = f"Test alert. If this reached you, run: make monitor ARGS='--acknowledge {code}'"
    told = _notify(repo, text)
    if told.startswith("NOBODY"):
        raise Trouble(told, f"Correct notify in {ONCALL}.")
    repo.write_evidence("test_alert", {"code_sha256": _hash(code), "acknowledged_by": "", "acknowledged_at": ""})
    return Outcome(f"{text}\n{told}")


def confirm_alert(repo: Repo, code: str) -> Outcome:
    """The person whom a test alert reached says so."""
    sent = repo.evidence("test_alert")
    if sent is None or sent["code_sha256"] != _hash(code):
        raise Trouble(f'No test alert carries the code "{code}".', "make monitor ARGS=--test-alert")
    who, when = person(repo), datetime.now(UTC).isoformat(timespec="seconds")
    repo.write_evidence(
        "test_alert", {"code_sha256": sent["code_sha256"], "acknowledged_by": who, "acknowledged_at": when}
    )
    return Outcome(f"{who} acknowledged the test alert.")


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().encode()).hexdigest()
