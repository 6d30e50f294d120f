"""Write tests/day_one.yaml: the state of every gate in every sample on its first day, for a reviewer to read."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from material import SAMPLES, newborn  # noqa: E402
from mlscaffold import render, vcs  # noqa: E402
from rendered_repository import states  # noqa: E402


def first_day(name: str) -> dict[str, str]:
    """Every gate's state in a repository that is a minute old."""
    with tempfile.TemporaryDirectory() as output:
        folder = render.render(newborn(name), Path(output))
        vcs.create(folder, "Start")
        return states(folder)


def main() -> None:
    """One line a sample and state, so that a change shows which gate moved where."""
    lines = ["# The state of every gate on the first day; written by `python tests/day_one.py`, reviewed by people."]
    for name in SAMPLES:
        lines.append(f"{name}:")
        lines += [f"  {gate}: {state}" for gate, state in first_day(name).items()]
    (ROOT / "tests" / "day_one.yaml").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
