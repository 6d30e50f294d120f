"""`restore-drill`: lose the data, restore it into an empty place, compare every table by content."""

import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, counted

from planrun_software import harness
from planrun_software.harness.deliverable import Content, not_carried_out
from planrun_software.traceability.offered import SAMPLES

RECORDS = 100
AFTERWARDS = 100_000  # the number of a sample that was not among them
MEASURED = ("src/", f"{SAMPLES}/", "engine/")
Tables = dict[str, Content]


def restore(repo: Repo, backup: str = "") -> Outcome:
    """Back up, lose, restore and compare every table; `backup` names a file to restore instead of a fresh one.

    Raises `Blocked` where the product keeps no data, or there is no such backup.
    """
    drive = harness.of(repo)
    with tempfile.TemporaryDirectory() as scratch:
        kept, again = Path(scratch, "kept"), Path(scratch, "again")
        kept.mkdir()
        again.mkdir()
        before = {} if backup else _filled(drive, kept)
        file = Path(backup) if backup else Path(scratch, "backup")
        if not backup and drive.backup(kept, file) == 0:
            raise Blocked("This product keeps no data, so there is nothing to restore.", "")
        if not file.is_file():
            raise Blocked(f"There is no backup at {backup}.", f"{COMMAND} restore-drill --backup FILE")
        started = time.perf_counter()
        restored, problem = _brought_back(drive, file, again)
        after = {} if problem else drive.content(again)
        seconds = time.perf_counter() - started
        # Of a file that is given nothing else is known: what it brought back is backed up, and has to say the same.
        if backup and not problem:
            drive.backup(again, Path(scratch, "second"))
            before = after if says_the_same(file, Path(scratch, "second")) else {}
        works = not problem and _goes_on(drive, again)
    differing = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    rows = sum(table.rows for table in after.values())
    equal = bool(after) and not differing and restored == rows > 0
    facts: dict[str, Any] = {
        "records": restored if backup else sum(table.rows for table in before.values()),
        "restored": restored,
        "tables": {name: table.rows for name, table in after.items()},
        "differing": differing,
        "equal": equal,
        "works": works,
        "seconds": round(seconds, 2),
        "backup": backup or "made for the drill",
        "on": date.today().isoformat(),
    }
    repo.write_evidence("restore", facts, MEASURED)
    told = f"{counted(restored, 'record')} came back in {seconds:.1f} s"
    if equal and works:
        rest = (
            f"each as {backup} holds it. Whether that is all there was, the drill cannot see" if backup else "all equal"
        )
        return Outcome(f"{told}, and work went on: {counted(len(after), 'table')}, {rest}.", 0)
    which = f" Tables that differ: {', '.join(differing)}." if differing else ""
    return Outcome(f"{told}: not as they were.{which}{problem}", 1)


def _brought_back(drive: harness.Harness, file: Path, folder: Path) -> tuple[int, str]:
    """How many records a backup brought into an empty folder, and what was wrong with it."""
    try:
        return drive.restore(file, folder), ""
    except (OSError, ValueError, KeyError) as error:
        return 0, f" {error}"


def says_the_same(file: Path, second: Path) -> bool:
    """Whether a second backup holds every row of the first, in the same order; it may know further columns of each."""
    pairs = zip_longest(_rows(file), _rows(second))
    return all(
        a and b and a[0] == b[0] and all(b[1].get(name) == value for name, value in a[1].items()) for a, b in pairs
    )


def _rows(backup: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row of a backup with its table's name: JSON lines of a service, or the ledger of a job."""
    with backup.open("rb") as lines:
        is_ledger = lines.read(6) == b"SQLite"
        lines.seek(0)
        if not is_ledger:
            rows = (line for line in map(json.loads, lines) if "row" in line)
            yield from ((str(line["table"]), line["row"]) for line in rows)
            return
    with closing(sqlite3.connect(f"{backup.resolve().as_uri()}?immutable=1", uri=True)) as ledger:
        ledger.row_factory = sqlite3.Row
        for (name,) in ledger.execute("select name from sqlite_master where type = 'table' order by name").fetchall():
            yield from ((str(name), dict(row)) for row in ledger.execute(f'select * from "{name}" order by 1'))


def _goes_on(drive: harness.Harness, folder: Path) -> bool:
    """Whether the product starts on what was brought back, and does a request that was not among it."""
    with drive.product(folder) as product:
        return product.perform(drive.first, drive.sample(drive.first, AFTERWARDS)).ok


def _filled(drive: harness.Harness, folder: Path) -> Tables:
    """What the product keeps after it has done some work in this folder."""
    names = list(drive.capabilities)
    with drive.product(folder) as product:
        for number in range(RECORDS):
            name = names[number % len(names)]
            reply = drive.asked(product, name, number)
            if not reply.ok:
                raise not_carried_out(name, reply)
    return drive.content(folder)
