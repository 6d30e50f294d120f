"""`plan --what-if` of five values and `plan --drivers`, beside `plan` itself, in one run.

    python tests/bench/what_if.py [--rounds 3]

Fails when `plan` takes more than 0.5 s of CPU, or five values more than four times as much as `plan`.
Modules are compiled once before, as they are wherever mlscaffold was run before; where the surroundings forbid Python
to keep what it compiled, that is lifted here, because compiling alone takes as long as the plan.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS, MOST_TIMES = 0.5, 4.0
WAYS = {
    "plan": (),
    "five values": ("--what-if", "daily_volume=200,500,2000,5000,20000"),
    "drivers": ("--drivers",),
}


def spent(words: tuple[str, ...], compiled: str) -> float:
    """Seconds of CPU of one run of `mlscaffold plan` with these words, interpreter and imports included.

    `compiled` is the folder in which Python keeps its compiled modules.
    """
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    around["PYTHONPYCACHEPREFIX"] = compiled
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mlscaffold", "plan", "--kind", "ml", "--set", "current_value=0.3", *words]
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=ROOT / "generator", env=around, check=True, stdout=quiet, stderr=quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the median of each; exit code 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as compiled:
        for words in WAYS.values():  # whatever each of them imports
            spent(words, compiled)
        taken = {name: [spent(words, compiled) for _ in range(rounds)] for name, words in WAYS.items()}
    medians = {name: statistics.median(found) for name, found in taken.items()}
    for name, seconds in medians.items():
        print(f"{name:<12} {seconds:6.2f} s of CPU, {seconds / medians['plan']:5.1f} times plan")
    return int(medians["plan"] > MOST_SECONDS or medians["five values"] > MOST_TIMES * medians["plan"])


if __name__ == "__main__":
    sys.exit(main())
