"""Who is told of an alarm, and a test alert that proves the way."""

import secrets
import subprocess

from planrun.files import canonical, now, read_yaml
from planrun.repository import Repo
from planrun.signing.people import person
from planrun.trouble import Outcome, Trouble

ONCALL = "ops/oncall.yaml"


def _notify(repo: Repo, text: str) -> str:
    """Hand the text to the command in ops/oncall.yaml; without one, the failing run is the message."""
    command = read_yaml(repo.root / ONCALL).get("notify") or []
    if not command:
        return f"Nobody was told: {ONCALL} has no notify command, so this run's failure is the message."
    try:
        told = subprocess.run(command, input=text, text=True, capture_output=True, timeout=60, encoding="utf-8")
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"NOBODY WAS TOLD: {command[0]} failed: {error}"
    return f"NOBODY WAS TOLD: {command[0]} said {told.stderr.strip()}" if told.returncode else f"Told by {command[0]}."


def send_test_alert(repo: Repo) -> Outcome:
    """Send an alert that proves the way to a person; that person answers with the code in it.

    Raises `Trouble` where it reaches nobody.
    """
    code = secrets.token_hex(4)
    text = f"Test alert. If this reached you, run: make monitor ARGS='--acknowledge {code}'"
    if (told := _notify(repo, text)).startswith("NOBODY"):
        raise Trouble(told, f"Correct notify in {ONCALL}.")
    repo.write_evidence("test_alert", {"code_sha256": canonical(code), "acknowledged_by": ""})
    return Outcome(f"{text}\n{told}")


def confirm_alert(repo: Repo, code: str) -> Outcome:
    """The person whom a test alert reached says so. Raises `Trouble` where no alert carries the code."""
    sent = repo.evidence("test_alert", "make monitor ARGS=--test-alert")
    if sent is None or sent["code_sha256"] != canonical(code.strip()):
        raise Trouble(f'No test alert carries the code "{code}".', "make monitor ARGS=--test-alert")
    facts = {"acknowledged_by": person(repo), "acknowledged_at": now()}
    repo.write_evidence("test_alert", {"code_sha256": sent["code_sha256"], **facts})
    return Outcome(f"{facts['acknowledged_by']} acknowledged the test alert.")
