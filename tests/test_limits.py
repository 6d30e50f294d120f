"""What `ops/` is set to is what the plan computed, in every sample: figure for figure, the one that it is `from`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from material import SAMPLES
from mlscaffold.wording import number

# Limits that are no figure of the plan: one prediction at least, one in a hundred by the rule, no score that differs.
OWN = {"volume": 1, "fallback": 0.01, "skew": 0}
WINDOWS = {"volume": 1, "latency": 1, "fallback": 1, "age": 1, "labels": 30, "quality": 365}
ML = [name for name in SAMPLES if name == "awkward-ml" or name.startswith("ml-")]


def read(folder: Path, name: str) -> Any:
    return yaml.safe_load((folder / name).read_text("utf-8"))


def figure(plan: dict[str, Any], key: str) -> Any:
    """A number of plan.json by its dotted key."""
    for part in key.split("."):
        plan = plan[part]
    return plan["value"]


def test_every_monitor_is_set_to_the_plan(rendered: Callable[[str], Path]) -> None:
    """Limit and window of each monitor, the drift limit on its page, and the canary's, over all samples of the kind."""
    seen = set()
    for name in ML:
        folder = rendered(name)
        plan = json.loads((folder / "plan/plan.json").read_text("utf-8"))
        answers = read(folder, "plan/project.yaml")
        for monitor in read(folder, "ops/monitors.yaml")["signals"]:
            source = monitor.get("from")
            own = OWN[monitor["name"]] if source is None else None
            limit = own if source is None else figure(plan, source) if "." in source else float(answers[source])
            if monitor["name"] == "quality" and plan["acceptance"]["baseline"]["provenance"] == "default":
                limit = None  # nobody has said what today reaches: the first release sets it from what was measured
            window = WINDOWS.get(monitor["name"]) or figure(plan, "monitor.window_days")
            seen.add(monitor["name"])
            assert (name, monitor["name"], monitor["limit"], monitor["window_days"]) == (
                name, monitor["name"], limit, window,
            )  # fmt: skip
        page = (folder / "docs/04-operations.md").read_text("utf-8")
        drift = next(line for line in page.split("\n") if line.startswith("| drift, scores |"))
        assert f"| {number(plan['monitor']['alpha'])}" in drift
        rollout = read(folder, "ops/rollout.yaml")
        assert rollout["canary"]["stop_at"] == figure(plan, "monitor.sprt.upper")
        assert rollout["canary"]["go_at"] == figure(plan, "monitor.sprt.lower")
        assert rollout["canary"]["labelled_rows"] == figure(plan, "rollout.canary_rows")
        assert rollout["promotion"]["margin"] == figure(plan, "promotion.margin")

    assert {"drift", "scores", "early_warning", "quality", "labels", "age", "inputs", *OWN} <= seen


def test_every_alert_is_set_to_the_plan(rendered: Callable[[str], Path]) -> None:
    """The burn rates and their windows, where an objective is promised."""
    compared = 0
    for name in set(SAMPLES) - set(ML):
        folder = rendered(name)
        if not (folder / "ops/alerts.yaml").is_file():
            continue
        burn = json.loads((folder / "plan/plan.json").read_text("utf-8"))["slo"]["burn"]
        found = read(folder, "ops/alerts.yaml")["alerts"]
        assert [(row["burn_rate"], row["long_window_hours"], row["min_requests"]) for row in found] == [
            (row["multiplier"], row["window_hours"], row["guard"]) for row in burn
        ]
        compared += len(found)

    assert compared
