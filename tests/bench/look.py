"""`--data` over a large CSV, beside plain passes of `csv.reader` over the same file, in one run.

The rows are made from a seed: an id, a customer, a moment, fourteen numbers with holes, two texts and an answer. The
look counts every row and every answer and draws its sample; a plain pass does nothing but split each line.

    python tests/bench/look.py [--rows 1000000] [--rounds 1] [--folder DIR]

Fails when the look takes more CPU than four plain passes, or more than 300 MB at its peak.

Measured on 2 cores with other programs at work, 1,000,000 rows × 20 columns in 143 MB: a plain pass 2.9 s of CPU, the
look 8.8 s (3.0 passes), its peak 46 MB.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_TIMES, MOST_BYTES = 4.0, 300_000_000

PLAIN = """
import csv, json, sys, time
clock = time.process_time()
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    count = sum(1 for _ in csv.reader(file))
print(json.dumps({"CPU": time.process_time() - clock, "rows": count - 1}))
"""

LOOK = """
import json, resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
clock = time.process_time()
from mlscaffold import looking
seen = looking.look(Path(sys.argv[1]), {})
spent = time.process_time() - clock
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"CPU": spent, "peak": peak, "rows": seen.table.rows, "answers": seen.texts}))
"""


def make(path: Path, rows: int) -> None:
    """Write the file; one answer in eight is yes, and one in twenty is not there yet."""
    chance = random.Random(4)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("case_id,customer,opened," + ",".join(f"x{n}" for n in range(14)) + ",region,note,late\n")
        for row in range(rows):
            day = f"2025-{1 + row * 12 // rows:02}-{1 + row % 28:02}"
            numbers = ",".join("" if (row * 7 + n) % 19 == 0 else f"{chance.random() * 100:.3f}" for n in range(14))
            answer = "" if row % 20 == 3 else "yes" if chance.random() < 0.125 else "no"
            region = ["north", "south", "east", "west"][row % 4]
            file.write(f'C{row},K{row * 31 % 90_001},{day},{numbers},{region},"called, no. {row % 40}",{answer}\n')


def run(code: str, *arguments: str) -> dict[str, float]:
    """What a program in a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def main() -> int:
    """Measure, print, and return 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder, "rows.csv")
        make(path, given.rows)
        size = path.stat().st_size
        plain = min(run(PLAIN, str(path))["CPU"] for _ in range(given.rounds + 1))
        looks = [run(LOOK, str(path), str(ROOT / "generator")) for _ in range(given.rounds)]
    spent, peak = min(look["CPU"] for look in looks), max(look["peak"] for look in looks)
    assert all(look["rows"] == given.rows for look in looks)
    times = spent / plain
    print(f"{given.rows:,} rows x 20 columns, {size / 1e6:.0f} MB")
    print(f"one pass of csv.reader   {plain:6.2f} s of CPU")
    print(f"the look                 {spent:6.2f} s of CPU: {times:.2f} passes (at most {MOST_TIMES:g})")
    print(f"its peak                 {peak / 1e6:6.0f} MB (at most {MOST_BYTES / 1e6:.0f})")
    return int(times > MOST_TIMES or peak > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
