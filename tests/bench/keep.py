"""A million rows of a rendered service: backed up, restored, compared, kept to their time and deleted.

An order desk is rendered; its tables are filled with records about people and, a tenth as many, messages. Then its own
code does what an operator types, each step in a process of its own, so that each has a peak of its own:

    python tests/bench/keep.py [--rows 1000000] [--database sqlite|postgresql]

Without --database both are measured, PostgreSQL where initdb and pg_ctl are installed. The same steps are run with a
hundredth of the rows before. Fails when a step's peak grows by more than 30 MB from the one to the other, when a table
comes back with other content, or when anything else is left than what should be.

Measured on 2 cores that other programs kept busy. SQLite, 1,100,000 rows: a backup 88 s, its restoring 242 s, comparing
both by content 104 s, deleting the half that is too old 4 s, deleting a person there and in the backup 129 s; the peak
is 80 MB, as with 11,000 rows. PostgreSQL, 110,000 rows: 31, 85, 54, 1 and 59 s; the peak is 83 MB, as with 1,100.
Since then a restore into PostgreSQL hands over a thousand rows as one parameter: 22,000 rows take the product 0.4 s
of CPU where they took 3.5, and 110,000 take 1.9 s; the peak of both is 93 MB. A million rows were not measured there.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "generator")]
MOST_MORE = 30  # MB

STEP = """
import datetime, json, os, resource, sys, time
from pathlib import Path
import sqlalchemy as sa
from order_desk import deletion, store
from order_desk.tables import Message, Record
from planrun_software.harness import tables
step, live, again, backups, rows = *sys.argv[1:5], int(sys.argv[5])
now = datetime.datetime.now(datetime.UTC)


def fill():
    kept = store.Store(live)
    kept.migrate()
    for table, first, last, moment in (
        (Record, 1, rows // 2, now - datetime.timedelta(days=400)), (Record, rows // 2 + 1, rows, now),
        (Message, 1, rows // 20, now - datetime.timedelta(days=400)), (Message, rows // 20 + 1, rows // 10, now),
    ):
        numbers = sa.select(sa.literal(first).label("n")).cte("numbers", recursive=True)
        numbers = numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < last))
        person = sa.literal("Person ").concat(sa.cast(numbers.c.n % 10_000, sa.String))
        told = sa.literal({"note": "n\u00e9e " + "x" * 100}, sa.JSON)
        values = {
            Record: {"key": sa.cast(numbers.c.n, sa.String), "asked": sa.literal(""), "capability": sa.literal("a"),
                     "subject": person, "more": told, "done_at": sa.literal(moment, sa.DateTime(timezone=True))},
            Message: {"topic": sa.literal("a"), "about": person, "body": told, "tries": sa.literal(0),
                      "made_at": sa.literal(moment, sa.DateTime(timezone=True))},
        }[table]
        with kept.engine.begin() as connection:
            connection.execute(sa.insert(table).from_select(list(values), sa.select(*values.values())))
    return rows + rows // 10


def backup():
    return store.Store(live).backup(Path(backups) / "records-0.jsonl")


def restore():
    return store.Store(again).restore(Path(backups) / "records-0.jsonl")


def compare():
    before, after = tables.contents(live), tables.contents(again)
    assert before == after, (before, after)
    return sum(one.rows for one in before.values())


def expire():
    return sum(store.Store(live).expire(now - datetime.timedelta(days=365)).values())


def forget():
    os.environ["BACKUPS"] = backups
    found = deletion.forget(store.Store(live), "Person 7")
    assert found["backups"] == ["records-0.jsonl"], found
    return sum(found["rows"].values())


clock = time.perf_counter()
count = globals()[step]()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1_000_000 if sys.platform == "darwin" else 1_000)
print(json.dumps({"rows": count, "seconds": time.perf_counter() - clock, "peak": peak}))
"""
STEPS = ("fill", "backup", "restore", "compare", "expire", "forget")


def expected(rows: int) -> dict[str, int]:
    """How many rows each step has to touch: half are too old, and one name in ten thousand is deleted."""
    young = (range(rows // 2 + 1, rows + 1), range(rows // 20 + 1, rows // 10 + 1))
    left = sum(number % 10_000 == 7 for numbers in young for number in numbers)
    return dict.fromkeys(STEPS, rows + rows // 10) | {"expire": rows // 2 + rows // 20, "forget": left}


def measured(folder: Path, live: str, again: str, rows: int) -> dict[str, dict[str, float]]:
    """Rows, seconds and peak (MB) of each step."""
    found = {}
    with tempfile.TemporaryDirectory() as backups:
        for step in STEPS:
            words = [sys.executable, "-c", STEP, step, live, again, backups, str(rows)]
            settings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine", "DEPENDENCIES": "stand-in"}
            done = subprocess.run(words, cwd=folder, env=settings, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{step} failed: {done.stderr}")
            found[step] = json.loads(done.stdout)
    return found


def compared(name: str, folder: Path, create: Callable[[str], str], rows: int) -> list[str]:
    """Print the figures of both sizes; what is not as it should be."""
    few, many = (
        measured(folder, create(f"live{count}"), create(f"again{count}"), count) for count in (rows // 100, rows)
    )
    wrong = []
    print(f"{name}: {rows // 100:,} and {rows:,} records, a tenth as many messages")
    for step in STEPS:
        more = many[step]["peak"] - few[step]["peak"]
        print(
            f"  {step:8} {many[step]['rows']:>9,.0f} rows in {many[step]['seconds']:6.1f} s,"
            f" peak {few[step]['peak']:.0f} -> {many[step]['peak']:.0f} MB"
        )
        if more > MOST_MORE:
            wrong.append(f"{name}: {step} takes {more:.0f} MB more")
        for count, found in ((rows // 100, few), (rows, many)):
            if found[step]["rows"] != expected(count)[step]:
                wrong.append(f"{name}: {step} of {count:,} touched {found[step]['rows']:,}")
    return wrong


def main() -> int:
    """Measure and compare; 1 where something is not as it should be."""
    import postgresql
    from material import newborn
    from mlscaffold import render

    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    given = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = render.render(newborn("sw-orders"), Path(name))
        if given.database != "postgresql":
            wrong += compared("SQLite", folder, lambda what: f"sqlite:///{name}/{what}.db", given.rows)
        if given.database != "sqlite" and not postgresql.MISSING:
            with postgresql.started() as cluster:
                wrong += compared("PostgreSQL", folder, cluster.create, given.rows)
    for problem in wrong:
        print(problem, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
