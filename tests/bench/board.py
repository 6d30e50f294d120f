"""Wall and CPU time of `mlscaffold board` over 200 repositories, and the size of its page, for each kind of source.

    python tests/bench/board.py [--count 200] [--rounds 3]

The repositories are two rendered samples with some evidence, cloned as often as asked. Wall times are this machine's:
the goal is 5 seconds and 3 MB.

Measured on two cores that other programs shared, 200 repositories each, one round: status files 1.0 s and 2.37 MB,
working copies 3.1 s and 1.57 MB, bare repositories 3.5 s and 1.57 MB; their CPU was 1.0, 3.9 and 4.8 s.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from material import newborn  # noqa: E402
from mlscaffold import render, vcs  # noqa: E402
from planrun.repository import Repo  # noqa: E402
from planrun.status import status  # noqa: E402
from test_board import lived_in  # noqa: E402


def prepared(folder: Path, count: int) -> dict[str, Path]:
    """Folders of status files, working copies and bare repositories, `count` of each."""
    found = {name: folder / name for name in ("status", "copies", "bare")}
    for path in found.values():
        path.mkdir()
    origins = []
    for sample in ("ml-default", "sw-default"):
        origins.append(render.render(newborn(sample), folder / sample))
        if sample == "ml-default":
            lived_in(origins[-1])
        vcs.create(origins[-1], "Start")
    told = [status(Repo(origin), as_json=True).text for origin in origins]
    for number in range(count):
        origin = str(origins[number % 2])
        subprocess.run(["git", "clone", "-q", origin, str(found["copies"] / f"team-{number}")], check=True)
        subprocess.run(["git", "clone", "-q", "--bare", origin, str(found["bare"] / f"team-{number}.git")], check=True)
        facts = json.loads(told[number % 2])
        facts["project"]["name"] = f"Team {number}"
        (found["status"] / f"team-{number}.json").write_text(json.dumps(facts))
    return found


def main() -> None:
    """Print one line a kind of source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder in prepared(Path(scratch), asked.count).items():
            page = Path(scratch) / f"{name}.html"
            command = [sys.executable, "-m", "mlscaffold", "board", str(folder), "--no-run", "--output", str(page)]
            walls, processors = [], []
            for _ in range(asked.rounds):
                page.unlink(missing_ok=True)
                before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": sys.path[0]})
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                walls.append(time.perf_counter() - started)
                processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            wall, cpu = statistics.median(walls), statistics.median(processors)
            print(f"{name:<8} {wall:5.2f} s wall  {cpu:5.2f} s CPU  {page.stat().st_size / 1e6:4.2f} MB", flush=True)


if __name__ == "__main__":
    main()
