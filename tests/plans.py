"""Write what every sample's plan says into tests/plans, one number a line, for a reviewer to read in the diff."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from material import SAMPLES, sample_answers  # noqa: E402
from mlscaffold.planning.number import entries  # noqa: E402
from mlscaffold.planning.plan import compute  # noqa: E402

FOLDER = ROOT / "tests" / "plans"
ELSEWHERE = ("unit", "formula", "meaning")  # rows of catalogue/numbers.yaml
LISTS = ("findings", "assumptions", "hypotheses", "metric")


def _as_text(value: Any) -> str:
    """Numbers with six digits, which is what every machine agrees on."""
    rounded = json.loads(json.dumps(value), parse_float=lambda text: float(f"{float(text):.6g}"))
    return json.dumps(rounded, ensure_ascii=False)


def listing(name: str) -> str:
    """Each number with where it comes from, then the tasks, then what else the plan says."""
    plan = compute(sample_answers(name))
    lines = []
    for key, entry in entries(plan):
        said = {field: value for field, value in entry.items() if field not in ELSEWHERE and value not in (None, {})}
        lines.append(f"{key}: {_as_text(said)}")
    lines += [f"task {_as_text(task)}" for task in plan["schedule"]["tasks"]]
    rest = {key: value for key, value in plan["schedule"].items() if key not in ("tasks", "sessions")}
    lines += [f"schedule.{key}: {_as_text(value)}" for key, value in rest.items() if not isinstance(value, dict)]
    for key in LISTS:
        found = plan.get(key, [])
        lines += [f"{key} {_as_text(row)}" for row in (found if isinstance(found, list) else [found])]
    return "\n".join(lines) + "\n"


def main() -> None:
    """One file a sample; those without a sample are removed."""
    FOLDER.mkdir(exist_ok=True)
    for stale in {path.stem for path in FOLDER.glob("*.txt")} - set(SAMPLES):
        FOLDER.joinpath(f"{stale}.txt").unlink()
    for name in SAMPLES:
        FOLDER.joinpath(f"{name}.txt").write_text(listing(name), "utf-8")


if __name__ == "__main__":
    main()
