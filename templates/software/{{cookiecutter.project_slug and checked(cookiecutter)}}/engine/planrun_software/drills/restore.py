"""`restore-drill`: lose the data, restore it, compare every record."""

import json
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from planrun.command import COMMAND
from planrun.files import canonical
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, counted

from planrun_software import harness
from planrun_software.traceability.offered import SAMPLES

RECORDS = 100
AFTERWARDS = 100_000  # the number of a sample that was not among them
MEASURED = ("src/", SAMPLES, "engine/")


def restore(repo: Repo, backup: str = "") -> Outcome:
    """Back up, lose, restore and compare every record; `backup` names a file to restore instead of a fresh one."""
    drive = harness.of(repo)
    with tempfile.TemporaryDirectory() as scratch:
        kept, again, file = Path(scratch, "kept"), Path(scratch, "again"), Path(backup or f"{scratch}/backup")
        kept.mkdir()
        again.mkdir()
        before = None if backup else _filled(drive, kept)
        written = None if backup else drive.backup(kept, file)
        if written == 0:
            raise Blocked("This product keeps no data, so there is nothing to restore.", "")
        if not file.is_file():
            raise Blocked(f"There is no backup at {backup}.", f"{COMMAND} restore-drill --backup FILE")
        started = time.perf_counter()
        try:
            restored, problem = drive.restore(file, again), ""
        except (OSError, ValueError, KeyError, sqlite3.Error) as error:
            restored, problem = 0, f" {error}"
        expected = [] if problem else held(file)
        same = bool(expected) and _again(drive, again, Path(scratch, "second")) == expected
        with drive.product(again) as product:
            after = product.kept()
            works = product.perform(drive.first, drive.sample(drive.first, AFTERWARDS)).ok
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
    repo.write_evidence("restore", facts, MEASURED)
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


def _again(drive: harness.Harness, folder: Path, file: Path) -> list[Any]:
    """What a second backup holds, made of what the first one brought back."""
    drive.backup(folder, file)
    return held(file)


def _filled(drive: harness.Harness, folder: Path) -> list[dict[str, Any]]:
    """What the product keeps after it has done some work in this folder."""
    names = list(drive.capabilities)
    with drive.product(folder) as product:
        for number in range(RECORDS):
            name = names[number % len(names)]
            reply = product.perform(name, drive.sample(name, number))
            if not reply.ok:
                told = f"The sample of {name} was not carried out: {reply.body.get('detail', reply.body)}"
                raise Blocked(told, f"Correct {SAMPLES}, or what refuses it.")
        return product.kept()
