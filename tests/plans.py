"""Write what every sample's plan says into tests/plans, one number a line, for a reviewer to read in the diff."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from material import SAMPLES, sample_answers  # noqa: E402
from mlscaffold import answers, catalogue  # noqa: E402
from mlscaffold.planning.number import entries  # noqa: E402
from mlscaffold.planning.plan import compute  # noqa: E402

FOLDER = ROOT / "tests" / "plans"
ELSEWHERE = ("unit", "formula", "meaning")  # rows of catalogue/numbers.yaml
# Formulas that no sample reaches: other ways to measure, and what is not known, not labelled, or not to be had.
CORNERS = {
    "corner-auc": {"metric": "roc_auc", "current_value": "0.75", "target_value": "0.8", "min_gain": "0.01"},
    "corner-brier": {"metric": "brier", "current_value": "0.2", "change_rate": "fast", "segments": "region"},
    "corner-log-loss": {"metric": "log_loss", "current_value": "0.6", "target_value": "0.5", "min_gain": "0.02"},
    "corner-mae": {"task": "regression", "metric": "mae", "current_value": "10", "target_value": "8", "min_gain": "1"},
    "corner-no-labels": {"label_source": "none", "label_agreement": "0.9", "change_rate": "stable"},
    "corner-nothing-today": {"metric": "own:refunds", "metric_form": "mean", "current_value": "0", "min_gain": "0"},
    "corner-old-labels": {"label_source": "people", "label_agreement": "0.97", "past_cases": "90000"}
    | {"labelled_cases": "90000", "min_gain": "0.05"},
    "corner-out-of-reach": {"min_gain": "0.5", "current_value": "0.5", "label_source": "people"},
    "corner-own": {"metric": "own:refunds", "metric_form": "mean", "current_value": "40", "metric_spread": "25"},
    "corner-half-way": {"current_value": "0.9", "min_gain": "0.085", "build_cost": "5000", "label_source": "people"},
    "corner-years-of-labels": {"label_source": "people", "label_minutes": "480", "annotators": "1", "min_gain": "0.01"},
    "corner-two-kinds": {
        "label_source": "people",
        "missed_labels": "0.08",
        "false_labels": "0.01",
        "metric": "accuracy",
    },
    "corner-people": {"label_source": "people", "label_delay_days": "0", "consequence": "intolerable"},
    "corner-rmse": {"task": "regression", "metric": "rmse", "current_value": "", "error_spread": "4"},
    "corner-unmeasured-people": {"task": "regression", "current_value": "", "label_source": "people"},
    "corner-unmeasured": {"task": "regression", "current_value": "", "past_cases": "0", "labelled_cases": "0"},
}
KEPT = (*SAMPLES, *CORNERS)
LISTS = ("findings", "assumptions", "hypotheses", "metric")


def _as_text(value: Any) -> str:
    """Numbers with six digits, which is what every machine agrees on."""
    rounded = json.loads(json.dumps(value), parse_float=lambda text: float(f"{float(text):.6g}"))
    return json.dumps(rounded, ensure_ascii=False)


def _answers(name: str) -> answers.Answers:
    if name in SAMPLES:
        return sample_answers(name)
    return answers.complete({"kind": "ml", "kind_reason": "a test", "start_date": "2026-03-02"} | CORNERS[name])


def listing(name: str) -> str:
    """Each number with where it comes from, then the tasks, then what else the plan says."""
    plan = compute(_answers(name))
    lines = []
    for key, entry in entries(plan):
        said = {field: value for field, value in entry.items() if field not in ELSEWHERE and value not in (None, {})}
        if entry["formula"] != catalogue.numbers()[key].formulas[0]:
            said["formula"] = entry["formula"]  # the row lists several, and it is not the first
        lines.append(f"{key}: {_as_text(said)}")
    lines += [f"task {_as_text(task)}" for task in plan["schedule"]["tasks"]]
    rest = {key: value for key, value in plan["schedule"].items() if key not in ("tasks", "sessions")}
    lines += [f"schedule.{key}: {_as_text(value)}" for key, value in rest.items() if not isinstance(value, dict)]
    for key in LISTS:
        found = plan.get(key, [])
        lines += [f"{key} {_as_text(row)}" for row in (found if isinstance(found, list) else [found])]
    return "\n".join(lines) + "\n"


def main() -> None:
    """One file a sample and corner; others are removed."""
    FOLDER.mkdir(exist_ok=True)
    for stale in {path.stem for path in FOLDER.glob("*.txt")} - set(KEPT):
        FOLDER.joinpath(f"{stale}.txt").unlink()
    for name in KEPT:
        FOLDER.joinpath(f"{name}.txt").write_text(listing(name), "utf-8")


if __name__ == "__main__":
    main()
