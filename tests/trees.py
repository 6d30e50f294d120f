"""Write the list of files of every sample into tests/trees, for a reviewer to read in the diff."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from material import SAMPLES, sample_answers  # noqa: E402
from mlscaffold import render  # noqa: E402


def listing(paths: list[str]) -> list[str]:
    """What a reviewer reads: every file of a tree, and the engine, which is the same in all of them, as one line."""
    return sorted({"engine/" if path.startswith("engine/") else path for path in paths})


def main() -> None:
    """Render each sample and list its files; lists without a sample are removed."""
    folder = ROOT / "tests" / "trees"
    folder.mkdir(exist_ok=True)
    for stale in {path.stem for path in folder.glob("*.txt")} - set(SAMPLES):
        folder.joinpath(f"{stale}.txt").unlink()
    for name in SAMPLES:
        with tempfile.TemporaryDirectory() as output:
            tree = render.render(sample_answers(name), Path(output))
            listed = [path for path, _ in render.file_sizes(tree)]
        folder.joinpath(f"{name}.txt").write_text("\n".join(listing(listed)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
