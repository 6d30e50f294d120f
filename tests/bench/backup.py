"""Backup and restore of many rows, SQLite and PostgreSQL, beside a hundredth of them: seconds, and whose peak memory.

    python tests/bench/backup.py [--rows 1000000] [--on sqlite postgresql]

Fails where so many rows take 30 MB more than a hundredth of them. PostgreSQL is a server of its own on loopback, and is
left out with a sentence where initdb and pg_ctl are not installed.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from many_rows import moved  # noqa: E402
from material import newborn  # noqa: E402
from mlscaffold import render  # noqa: E402
from postgresql import MISSING, WHY_NOT, started  # noqa: E402

MORE_MB, HOURS = 30, 2


@contextlib.contextmanager
def databases(kind: str, folder: Path) -> Iterator[list[str]]:
    """Addresses of four empty databases: two for few rows, two for many."""
    names = ["few", "few_again", "many", "many_again"]
    if kind == "sqlite":
        yield [f"sqlite:///{folder / name}.db" for name in names]
        return
    with started() as server:
        yield [server.create(name) for name in names]


def measured(kind: str, rows: int) -> float:
    """Print a line for few rows and for many; by how many MB the peaks differ."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository = render.render(newborn("sw-orders"), folder)
        peaks = []
        with databases(kind, folder) as (few, few_again, many, many_again):
            for count, source, target in ((rows // 100, few, few_again), (rows, many, many_again)):
                file = folder / f"{count}.jsonl"
                found = moved(repository, file, count, source, target, seconds=HOURS * 3600)
                size = file.stat().st_size / 1e6
                told = f"backup {found['backup']:g} s, restore {found['restore']:g} s, peak {found['peak']:g} MB"
                print(f"{kind}, {count:,} rows, {size:.0f} MB in the file: {told}", flush=True)
                peaks.append(found["peak"])
        return peaks[1] - peaks[0]


def main() -> int:
    """0 where the peaks are alike on every database that is here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--on", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    given = parser.parse_args()
    more = {}
    for kind in given.on:
        if kind == "postgresql" and MISSING:
            print(WHY_NOT)
            continue
        more[kind] = measured(kind, given.rows)
    return int(any(mb > MORE_MB for mb in more.values()))


if __name__ == "__main__":
    sys.exit(main())
