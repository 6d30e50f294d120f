"""Backup and restore of many rows in a rendered product, in a process of its own whose peak memory is its alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import datetime, json, resource, sys, time
import sqlalchemy as sa
from pathlib import Path
from order_desk import store
from order_desk.tables import Record
file, count = Path(sys.argv[1]), int(sys.argv[2])
kept, again = (store.Store(address) for address in sys.argv[3:])
kept.migrate()
now = datetime.datetime.now(datetime.UTC)
with kept.engine.begin() as connection:
    for start in range(0, count, 1000):
        rows = [dict(key=f"k{n}", capability="a", subject=f"Person {n}", more={"note": "x" * 100}, done_at=now)
                for n in range(start, min(start + 1000, count))]
        connection.execute(sa.insert(Record), rows)
began = time.perf_counter()
assert kept.backup(file) == count
half = time.perf_counter()
assert again.restore(file) == count
found = {"backup": half - began, "restore": time.perf_counter() - half}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({name: round(seconds, 1) for name, seconds in found.items()} | {"peak": peak}))
"""


def moved(repository: Path, file: Path, count: int, source: str, target: str, *, seconds: float) -> dict[str, float]:
    """Rows of an order desk from one database to another: seconds of backup and restore, peak memory in MB.

    Raises AssertionError with what the process said where it did not end well, and TimeoutExpired after `seconds`.
    """
    words = [sys.executable, "-c", PROGRAM, str(file), str(count), source, target]
    settings = os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run(
        words, cwd=repository, env=settings, capture_output=True, text=True, check=False, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found
