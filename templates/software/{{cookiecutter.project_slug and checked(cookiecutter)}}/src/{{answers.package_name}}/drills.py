"""Rehearsals that are run and timed: the release before, the lost data, the alert that has to arrive."""

import io
import json
import os
import sqlite3
import subprocess
import tarfile
import tempfile
import time
import urllib.request
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from . import drive, files
from .capabilities import CAPABILITIES
from .files import Blocked, Outcome, canonical, counted, read_yaml
from .repo import Repo

RECORDS = 100
ALERTS = "ops/alerts.yaml"


def rollback(repo: Repo, to: str = "") -> Outcome:
    """Run the present release, go back to the one before on the same data, and time it until work is done again."""
    before = release_before(repo.root, to)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "data")
        data.mkdir()
        new, old = (_unpacked(repo.root, name, Path(scratch, name)) for name in ("HEAD", before))
        same = files.git(repo.root, "diff", "--name-only", before, "HEAD", "--", "src") == ""
        worked_before = works(data, new, "before the rollback")
        started = time.perf_counter()
        worked_after = works(data, old, "after the rollback")
        seconds = time.perf_counter() - started
    facts: dict[str, Any] = {
        "from": files.head(repo.root),
        "to": before,
        "seconds": round(seconds, 2),
        "limit_minutes": float(repo.answers.get("rollback_minutes", "15")),
        "same_code": same,
        "worked_before": worked_before,
        "worked_after": worked_after,
        "on": date.today().isoformat(),
    }
    repo.write_evidence("rollback_drill", facts)
    good = worked_before and worked_after and seconds <= facts["limit_minutes"] * 60
    told = f"From HEAD to {before[:10]} in {seconds:.1f} s (limit {facts['limit_minutes']:g} min): "
    return Outcome(
        told
        + (
            "work went on" + (" (both hold the same code)." if same else ".")
            if good
            else "the drill failed; see evidence/rollback_drill.json."
        ),
        0 if good else 1,
    )


def restore(repo: Repo, backup: str = "") -> Outcome:
    """Back up, lose, restore and compare every record; `backup` names a file to restore instead of a fresh one."""
    with tempfile.TemporaryDirectory() as scratch:
        kept, again, file = Path(scratch, "kept"), Path(scratch, "again"), Path(backup or f"{scratch}/backup")
        kept.mkdir()
        again.mkdir()
        before = None if backup else _filled(kept)
        written = None if backup else drive.backup(kept, file)
        if written == 0:
            raise Blocked("This product keeps no data, so there is nothing to restore.", "")
        if not file.is_file():
            raise Blocked(f"There is no backup at {backup}.", "restore-drill --backup FILE")
        started = time.perf_counter()
        try:
            restored, problem = drive.restore(file, again), ""
        except (OSError, ValueError, KeyError, sqlite3.Error) as error:
            restored, problem = 0, f" {error}"
        expected = [] if problem else held(file)
        same = bool(expected) and _again(again, Path(scratch, "second")) == expected
        with drive.Product(again) as product:
            works = product.perform(_first(), "after the restore").ok
            after = [row for row in product.kept() if row["subject"] != "after the restore"]
        seconds = time.perf_counter() - started
    equal = same and restored == len(expected) and before in (None, after)
    facts = {
        "records": len(expected) if written is None else written,
        "restored": restored,
        "equal": equal,
        "works": works,
        "seconds": round(seconds, 2),
        "backup": backup or "made for the drill",
        "on": date.today().isoformat(),
    }
    repo.write_evidence("restore", facts)
    told = f"{counted(restored, 'record')} came back in {seconds:.1f} s"
    rest = f"each as {backup} holds it. Whether that is all there was, the drill cannot see" if backup else "all equal"
    return (
        Outcome(f"{told}, and work went on: {rest}.", 0)
        if equal and works
        else Outcome(f"{told}: not as they were.{problem}", 1)
    )


def held(backup: Path) -> list[Any]:
    """Every record in a backup, in an order of its own: JSON lines of a service, or the ledger of a job."""
    if backup.read_bytes()[:6] != b"SQLite":
        return sorted(map(canonical, map(json.loads, backup.read_bytes().splitlines())))
    with closing(sqlite3.connect(f"{backup.resolve().as_uri()}?immutable=1", uri=True)) as ledger:
        return sorted(ledger.execute("select key, outcome from done"))


def _again(folder: Path, file: Path) -> list[Any]:
    """What a second backup holds, made of what the first one brought back."""
    drive.backup(folder, file)
    return held(file)


def alert_test(repo: Repo) -> Outcome:
    """Send one test alert to whoever is on call, and write down how it was received."""
    if not (repo.root / ALERTS).is_file():
        raise Blocked("Nothing is promised here that an alert could watch: there is no service level.")
    variable = read_yaml(repo.root / ALERTS)["webhook_variable"]
    address = os.environ.get(variable, "")
    if not address.startswith(("http://", "https://")):
        raise Blocked(f"{variable} holds no address.", f"{variable}=https://… alert-test")
    body = json.dumps({"text": f"Test alert of {repo.answers['project_name']}: please confirm."}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status = int(answer.status)
    except OSError as error:
        raise Blocked(
            f"The test alert did not arrive: {error}.", f"Correct {variable}, then alert-test again."
        ) from error
    repo.write_evidence("alert_test", {"status": status, "on": date.today().isoformat()}, [ALERTS])
    return Outcome(f"The test alert was received with status {status}. Ask whether a person saw it.")


def release_before(root: Path, to: str = "") -> str:
    """The commit to go back to: the one named, else the newest tag before HEAD, else the commit before it.

    In a repository that holds other projects too, tags and commits of theirs do not count.
    """
    if not files.exists(root, "HEAD~1"):
        raise Blocked("There is no release to go back to: the history holds one commit or none.", "git commit")
    others = root.resolve() != files.top(root).resolve()
    named = ["--match", "{{ answers.project_slug }}-v*"] if others else []
    last = files.git(root, "rev-list", "-1", "--skip=1", "HEAD", "--", ".") if others else "HEAD~1"
    wanted = to or files.git(root, "describe", "--tags", "--abbrev=0", *named, "HEAD~1") or last or "HEAD~1"
    if not files.exists(root, wanted):
        raise Blocked(f"{wanted} is no commit of this repository.", "rollback-drill --to TAG")
    return str(files.git(root, "rev-parse", wanted + "^{commit}"))


def works(data: Path, release: Path, subject: str) -> bool:
    """Whether a release starts on this data and does its first capability."""
    try:
        with drive.Product(data, source=release) as product:
            return product.perform(_first(), subject).ok
    except (OSError, RuntimeError):
        return False


def _filled(folder: Path) -> list[dict[str, Any]]:
    """What the product keeps after it has done some work in this folder."""
    names = list(CAPABILITIES)
    with drive.Product(folder) as product:
        for number in range(RECORDS):
            product.perform(names[number % len(names)], f"record {number}", "née 名前")
        return product.kept()


def _first() -> str:
    return next(iter(CAPABILITIES))


def _unpacked(root: Path, commit: str, folder: Path) -> Path:
    """The source of one commit, as it was."""
    done = subprocess.run(["git", "archive", commit, "src"], cwd=root, check=False, capture_output=True)
    if done.returncode:
        remedy = "Name one that has: rollback-drill --to TAG, or commit once more and drill again."
        raise Blocked(f"{commit[:10]} holds no src/, so there is no release in it to go back to.", remedy)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python has it from 3.11.4 on
        archive.extractall(folder)
    return folder / "src"
