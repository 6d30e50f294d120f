"""`plan --what-if` of five values and `plan --drivers`, beside `plan` itself, in one run.

    python tests/bench/what_if.py [--rounds 3]

Fails when `plan` takes more than 0.5 s of CPU, or five values more than four times as much as `plan`.
"""

import argparse
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS, MOST_TIMES = 0.5, 4.0
WAYS = {
    "plan": (),
    "five values": ("--what-if", "daily_volume=200,500,2000,5000,20000"),
    "drivers": ("--drivers",),
}


def spent(words: tuple[str, ...]) -> float:
    """Seconds of CPU of one run of `mlscaffold plan` with these words, interpreter and imports included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mlscaffold", "plan", "--kind", "ml", "--set", "current_value=0.3", *words]
    subprocess.run(command, cwd=ROOT / "generator", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the median of each; exit code 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    taken = {name: [spent(words) for _ in range(rounds)] for name, words in WAYS.items()}
    medians = {name: statistics.median(found) for name, found in taken.items()}
    for name, seconds in medians.items():
        print(f"{name:<12} {seconds:6.2f} s of CPU, {seconds / medians['plan']:5.1f} times plan")
    return int(medians["plan"] > MOST_SECONDS or medians["five values"] > MOST_TIMES * medians["plan"])


if __name__ == "__main__":
    sys.exit(main())
