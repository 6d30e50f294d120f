"""`audit` of a rendered repository over a large Parquet file, beside one plain scan of all columns, in one run.

The rows are made from a seed: an id, a date, twelve numbers with holes, three whole numbers, two texts and an answer.
The plain scan is one DuckDB query that sums every number and goes through every text. The audit runs as its command
does, in a process of its own whose SQL is timed, so three figures come apart: its SQL, the hash of the file, and the
rest, which is Python: the leakage screen, the harness and the learning curve on at most 50,000 rows of a split.

    python tests/bench/audit.py [--rows 10000000] [--rounds 1] [--folder DIR] [--beside PYTHON]

With `--beside`, ydata-profiling's minimal report of the same file is measured too, in the interpreter named (it wants
an older pandas than a rendered repository); it holds all rows in memory, so give it fewer: --rows 300000.

Fails when the SQL takes more than 9 times the plain scan's time, or the process more than 1.5 GiB. The ratio that
counts is the smaller one of wall and CPU: where other programs share the machine, they stretch the longer of two walls.

Measured on 2 quiet cores, 10,000,000 rows in 695 MB: plain scan 1.0 s (1.9 s of CPU), the audit's SQL 7.5 s (14.5 s
of CPU: 7.5 times), its hash 0.5 s, its Python 4.9 s, the peak 808 MiB. Beside ydata-profiling 4.18, minimal, with
other programs at work: 1,000,000 rows in 14.2 s and 444 MiB against 26.7 s and 1,267 MiB.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "generator"))

from mlscaffold import answers, render  # noqa: E402

MOST_TIMES, MOST_BYTES = 9.0, 1.5 * 2**30
JUDGED = 5_000_000  # rows; a smaller scan is over before the audit's many small queries are planned

# Wall and CPU seconds of every call of the engine, of the file's hash and of the whole command.
AUDIT = """
import json, resource, sys, time
from collections import Counter
from planrun.cli import main
from planrun.repository import Repo
from planrun_ml.tables.query import Engine

spent, inside = Counter(), []


def timed(owner, name, key):
    real = getattr(owner, name)

    def call(*arguments):
        wall, cpu = time.perf_counter(), time.process_time()
        inside.append(key)
        try:
            return real(*arguments)
        finally:
            inside.pop()
            if not inside:  # one method of the engine may use another
                spent[key] += time.perf_counter() - wall
                spent[key + " CPU"] += time.process_time() - cpu

    setattr(owner, name, call)


for name in ("open", "run", "rows", "frame", "columns"):
    timed(Engine, name, "SQL")
timed(Repo, "sha256", "hash")
wall, cpu = time.perf_counter(), time.process_time()
code = main(["audit"])
spent["whole"], spent["whole CPU"] = time.perf_counter() - wall, time.process_time() - cpu
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"code": code, "peak": peak * (1 if sys.platform == "darwin" else 1024), **spent}))
"""

SCAN = """
import json, sys, time
import duckdb

wall, cpu = time.perf_counter(), time.process_time()
duckdb.connect().execute(sys.argv[1]).fetchall()
print(json.dumps({"wall": time.perf_counter() - wall, "CPU": time.process_time() - cpu}))
"""


PROFILE = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from ydata_profiling import ProfileReport

clock = time.perf_counter()
ProfileReport(pd.read_parquet(sys.argv[1]), minimal=True, progress_bar=False).to_html()
print(json.dumps({"wall": time.perf_counter() - clock,
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def noise(number: int) -> str:
    """A number from 0 to 1 for a row, the same in every run."""
    return f"(hash(i * 32 + {number}) % 1000003) / 1000003.0"


def columns() -> list[str]:
    """Nineteen of the twenty columns; the answer is made from them."""
    made = ["'K' || i as ref", f"date '2020-01-01' + cast(floor(1500 * {noise(0)}) as integer) as opened"]
    for n in range(1, 13):
        value = f"round(100 * {noise(n)} + 20 * {noise(n + 12)}, 3)"
        made.append(f"case when hash(i * 37 + {n}) % 100 < {n} then null else {value} end as x{n}")
    made += [f"cast(floor(1000 * {noise(n + 12)}) as integer) as x{n}" for n in range(13, 16)]
    made.append(f"['north', 'south', 'east', 'west'][1 + cast(floor(4 * {noise(28)}) as integer)] as region")
    return [*made, f"'kind ' || cast(floor(30 * {noise(29)}) as integer) as kind"]


def make(path: Path, rows: int) -> None:
    """Write the file; nearly a third of the answers are yes, and three columns tell."""
    score = f"x13 / 1000.0 + coalesce(x9, 60) / 120 + coalesce(x12, 60) / 120 + 0.6 * {noise(30)}"
    late = f"case when {score} > 2.05 then 'yes' else 'no' end as late"
    made = f"select i, {', '.join(columns())} from range({rows}) t(i)"  # noqa: S608  (only its own text)
    copied = f"copy (select * exclude (i), {late} from ({made})) to '{path}' (format parquet)"  # noqa: S608
    duckdb.sql(copied)


def scan_of(path: Path) -> str:
    """One aggregate of every column; neither a minimum nor a count, which the file's own statistics would answer."""
    described = duckdb.sql(f"describe select * from '{path}'").fetchall()  # noqa: S608
    parts = (
        f'sum("{name}")' if kind in ("DOUBLE", "INTEGER") else f"max(\"{name}\" || '')" for name, kind, *_ in described
    )
    return f"select {', '.join(parts)} from '{path}'"  # noqa: S608


def repository(folder: Path, rows: Path) -> Path:
    """A repository whose data are these rows."""
    own = {"data_source": str(rows), "target_column": "late", "id_column": "ref"}
    return render.render(answers.complete({"kind": "ml", "project_name": "Own data", **own}), folder)


def run(code: str, folder: Path, *arguments: str, python: str = sys.executable) -> dict[str, float]:
    """What a program in a process of its own prints last."""
    surroundings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Measure, print, and return 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the rows here, and use them again")
    parser.add_argument("--beside", help="a Python that has ydata-profiling")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = (options.folder or Path(scratch)).resolve() / f"rows-{options.rows}.parquet"
        if not path.is_file():
            make(path, options.rows)
        scans, audits = [], []
        for turn in range(options.rounds):
            scans += [run(SCAN, Path(scratch), scan_of(path)) for _ in range(3)]
            audits.append(run(AUDIT, repository(Path(scratch, str(turn)), path)))
            assert audits[-1]["code"] == 0
        if options.beside:
            other = run(PROFILE, Path(scratch), str(path), python=options.beside)
            print(f"ydata-profiling, minimal {other['wall']:.1f} s, peak {other['peak'] / 2**20:,.0f} MiB")
    return report(options.rows, path.name, scans, audits)


def report(rows: int, name: str, scans: list[dict[str, float]], audits: list[dict[str, float]]) -> int:
    """Medians over the rounds, and whether they keep the limits."""
    scan = {key: statistics.median(one[key] for one in scans) for key in scans[0]}
    audit = {key: statistics.median(one[key] for one in audits) for key in audits[0]}
    times, times_cpu = audit["SQL"] / scan["wall"], audit["SQL CPU"] / scan["CPU"]
    rest = audit["whole"] - audit["SQL"] - audit["hash"]
    peak = f"peak {audit['peak'] / 2**20:,.0f} MiB"
    lines = {
        "plain scan": f"{scan['wall']:7.2f} s, CPU {scan['CPU']:.2f} s",
        "audit's SQL": f"{audit['SQL']:7.2f} s, CPU {audit['SQL CPU']:.2f} s: {times:.1f} times ({times_cpu:.1f})",
        "audit's hash": f"{audit['hash']:7.2f} s",
        "audit's Python": f"{rest:7.2f} s",
        "whole audit": f"{audit['whole']:7.2f} s, CPU {audit['whole CPU']:.2f} s, {peak}",
    }
    print(f"{rows:,} rows × 20 columns ({name}); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("\n".join(f"{name:15}{line}" for name, line in lines.items()))
    too_slow = rows >= JUDGED and min(times, times_cpu) > MOST_TIMES
    return int(too_slow or audit["peak"] > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
