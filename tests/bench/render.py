"""CPU time of `mlscaffold new --defaults --no-git`, as a ratio to the least work that makes the same files.

The least work: a new Python process imports jinja2, renders the same template files with the finished answers and plan,
and writes them. Both are measured in turns within one run, children included, and the medians are compared.

    python tests/bench/render.py [--kind ml|software] [--rounds 9]
"""

import argparse
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 3.5

LEAST = """
import pickle, sys, pathlib
import jinja2
sources, out = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()), pathlib.Path(sys.argv[2])
env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
for name, text in sources.items():
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(env.from_string(text).render(), encoding="utf-8")
"""


def sources(kind: str, folder: Path) -> Path:
    """The rendered files as templates (their braces escaped), so that both sides write the same bytes."""
    render(kind, folder / "reference")
    (tree,) = (folder / "reference").iterdir()
    files = {p.relative_to(tree).as_posix(): p for p in tree.rglob("*") if p.is_file() and ".mlscaffold" not in p.parts}
    texts = {name: "{% raw %}" + path.read_text("utf-8") + "{% endraw %}" for name, path in files.items()}
    pickled = folder / "sources.pickle"
    pickled.write_bytes(pickle.dumps(texts))
    return pickled


def render(kind: str, output: Path) -> None:
    """Our own command, as a person runs it."""
    arguments = ["new", "--kind", kind, "--defaults", "--no-git", "--output", str(output)]
    spend([sys.executable, "-m", "mlscaffold", *arguments])


def spend(command: list[str]) -> float:
    """Seconds of CPU, user and system, that a command and its children use."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    subprocess.run(command, check=True, capture_output=True, env=surroundings)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure, print, and return 1 when the ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["ml", "software"], default="ml")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pickled = sources(options.kind, folder)
        ours, least = [], []
        for turn in range(options.rounds + 1):  # the first turn warms the caches and does not count
            out = folder / str(turn)
            arguments = ["new", "--kind", options.kind, "--defaults", "--no-git", "--output", str(out / "ours")]
            ours.append(spend([sys.executable, "-m", "mlscaffold", *arguments]))
            least.append(spend([sys.executable, "-c", LEAST, str(pickled), str(out / "least")]))
    ratio = statistics.median(ours[1:]) / statistics.median(least[1:])
    print(
        f"{options.kind}: ours {statistics.median(ours[1:]):.3f} s, least {statistics.median(least[1:]):.3f} s CPU",
        end="",
    )
    print(f"; ratio {ratio:.2f}, limit {LIMIT}")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
