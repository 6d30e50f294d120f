"""The schedule once more, written from docs/schedule.md alone: its tables, its rules, and a simulation by numpy."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from material import ROOT

PAGE = ROOT / "docs" / "schedule.md"
TITLES = {"ml": "Machine learning", "software": "Software"}
STAND_INS = {"ds": "mle", "mle": "ds", "swe": "mle ds", "de": "mle ds", "ops": "swe mle ds", "expert": "po", "po": ""}
DRAWS = 20_000

Row = dict[str, str]


def table(title: str) -> list[Row]:
    """The rows of the table under a heading of the page, by the names of its columns."""
    section = PAGE.read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def counts(a: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """How many there are of each part, by task and part; a task none of whose parts is here is not there."""
    return _ml(a, numbers) if a["kind"] == "ml" else _software(a)


def _ml(a: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    document = {"light": 0.5, "standard": 1.0, "strict": 1.5}[a["rigor"]]
    systems, tenfolds, segments = a["upstream_sources"], math.log(a["input_columns"], 10), len(a["segments"])
    n: dict[tuple[str, str], float] = {("charter", "document"): document, ("g1", "signature"): document}
    for task in ("pipeline", "audit"):
        n[task, "base"], n[task, "columns"], n[task, "system"] = 1, tenfolds, systems - 1
        n[task, "spark"] = a["compute"] == "spark"
    if a["data_source"] != "sample" or "data_source" not in a["confirmed"]:
        n["access", "unnamed" if a["data_source"] == "sample" else "named"] = 1
        n["access", "system"] = systems
    if a["personal_data"] != "none":
        n["privacy", a["personal_data"]] = 1
    if a["personal_data"] == "special":
        n["privacy_answer", "answer"] = 1
    if a["current_practice"] != "none" and a["current_value"] is None:
        n["practice", "practice"] = 1
    if a["label_source"] == "none":
        n["labels_found", "search"] = 1
    if a["label_source"] in ("people", "both"):
        n["label_guide", "new" if a["label_agreement"] is None else "measured"] = 1
        n["labelling", "label"] = numbers["labelling"]
    if numbers["wait"]:
        n["label_wait", "day"] = numbers["wait"] * 5 / 7
    n["test_set", "split"], n["test_set", "logs"] = 1, a["label_source"] in ("logs", "both")
    n["harness", "base"], n["harness", "segment"] = 1, segments
    n["baseline", "base"] = n["operation", "base"] = n["g5", "signature"] = 1
    n["experiments", "cycle"] = a["cycle_days"]
    n["acceptance", "document"], n["acceptance", "segment"] = document, segments
    if a["serving"] == "batch":
        n["batch_run", "base"] = 1
    else:
        n["service", "base"], n["service", "fast"] = 1, max(0, math.log(1000 / a["latency_ms"], 2))
        n["load_test", "base"], n["load_test", "peak"] = 1, math.log(a["peak_factor"], 10)
    n["shadow", "day"], n["canary", "day"] = numbers["shadow"] * 5 / 7, numbers["canary"] * 5 / 7
    if a["label_delay_days"]:
        n["canary_labels", "day"] = a["label_delay_days"] * 5 / 7
    return n


def _software(a: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    document = {"light": 0.5, "standard": 1.0, "strict": 1.5}[a["rigor"]]
    form, capabilities, others = a["deliverable"], len(a["capabilities"]), len(a["dependencies"])
    runs = form in ("service", "web-app", "batch")
    serves = form in ("service", "web-app")
    n: dict[tuple[str, str], float] = {("charter", "document"): document, ("g1", "signature"): document}
    if a["current_practice"] != "none" and a["current_value"] is None:
        n["practice", "practice"] = 1
    n["requirements", "base"], n["requirements", "capability"] = 1, capabilities
    n["requirements", "guarded"] = a["data_class"] in ("personal", "regulated")
    n["quality", "served" if serves else "other"] = 1
    if form == "library":
        n["quality", "called"] = n["architecture", "surface"] = n["deprecation", "base"] = 1
    n["architecture", "served" if runs else "alone"] = n["environment", "served" if runs else "alone"] = 1
    n["architecture", "dependency"] = others + (a["ml_component"] != "")
    n["slice", form], n["slice", "dependency"] = 1, others / capabilities
    if others:
        n["fault", "base"] = 1
    if a["ml_component"]:
        n["model_client", "base"] = 1
    n["acceptance", "document"], n["acceptance", "capability"] = document, capabilities
    n["g5", "signature"] = 1
    if not runs:
        return n | {("release", form): 1.0}
    if a["data_class"] != "none":
        n["data", a["data_class"]] = 1
    for task in ("deployment", "drills"):
        n[task, "served" if serves else "batch"] = 1
        n[task, "nines"] = max(0.0, 2 - math.log((100 - a["slo_percent"]) * 100, 10))
    n["gradual", "served" if serves else "batch"] = 1
    if serves:
        n["load", "base"], n["load", "peak"] = 1, math.log(a["peak_factor"], 10)
    return n


def network(a: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Each task with its days at best, likely and worst, whose it is, and what it follows; slices one each."""
    title = TITLES[a["kind"]]
    there = counts(a, numbers)
    days = {(row["Id"], row["Part"]): [float(row[at]) for at in ("Best", "Likely", "Worst")]
            for row in table(f"{title}: the days")}  # fmt: skip
    rows = {row["Id"]: row for row in table(f"{title}: the tasks")}
    many = {"slice": len(a.get("capabilities", ())), "fault": len(a.get("dependencies", ()))}
    names = {id: [f"{id}_{number + 1}" for number in range(many[id])] if id in many else [id] for id in rows}

    def follows(id: str) -> list[str]:
        found = []
        for name in re.findall(r"\w+", rows[id]["After"]):
            found += names[name] if any(task == name for task, _ in there) else follows(name)
        return found

    tasks = {}
    for id in rows:
        parts = [(days[key], amount) for key, amount in there.items() if key[0] == id]
        for name in names[id] if parts else []:
            effort = [sum(part[at] * amount for part, amount in parts) for at in range(3)]
            tasks[name] = {"effort": effort, "whose": rows[id]["Whose"], "after": follows(id)}
    return tasks


def durations(a: Mapping[str, Any], tasks: Mapping[str, Any]) -> dict[str, Any]:
    """The tasks in working days, with the role that really does each ("" for waiting and for people who label)."""
    found = {}
    for name, task in tasks.items():
        whose, pace, role = task["whose"], 1.0, ""
        if whose == "`annotators`":
            pace = float(a["annotators"])
        elif not whose.startswith("nobody"):
            held = {person.role for person in a["team"]}
            role = next((one for one in [whose, *STAND_INS[whose].split()] if one in held), "")
            shares = [person.share for person in a["team"] if person.role == role] or [1.0]
            pace, role = sum(shares) * a["focus_factor"], role or whose
        found[name] = {"days": [day / pace for day in task["effort"]], "role": role, "after": list(task["after"])}
    return found


def mean(days: list[float]) -> float:
    """Of three points."""
    return (days[0] + 4 * days[1] + days[2]) / 6


def chained(tasks: dict[str, Any]) -> list[str]:
    """Give each role one task at a time, by the page's rule; the order in which tasks are placed."""
    latest = _latest(tasks)
    last: dict[str, str] = {}
    end: dict[str, float] = {}
    order: list[str] = []
    while len(order) < len(tasks):
        choice = []
        for place, (name, task) in enumerate(tasks.items()):
            before = [*task["after"], *([last[task["role"]]] if task["role"] in last else [])]
            if name not in end and all(one in end for one in task["after"]):
                opens = name == "charter" or (name == "practice" and "slice_1" in tasks)  # slices are software's
                choice.append((not opens, max((end[one] for one in before), default=0.0), latest[name], place, name))
        _, begins, _, _, name = min(choice)
        if tasks[name]["role"]:
            if tasks[name]["role"] in last:
                tasks[name]["after"].append(last[tasks[name]["role"]])
            last[tasks[name]["role"]] = name
        end[name] = begins + mean(tasks[name]["days"])
        order.append(name)
    return order


def _latest(tasks: Mapping[str, Any]) -> dict[str, float]:
    """The latest start of each task that does not move the end, if nobody had to share."""
    end: dict[str, float] = {}
    for name, task in tasks.items():
        end[name] = max((end[one] for one in task["after"]), default=0.0) + mean(task["days"])
    latest = dict.fromkeys(end, max(end.values()))
    for name in reversed(list(tasks)):
        for one in tasks[name]["after"]:
            latest[one] = min(latest[one], latest[name] - mean(tasks[name]["days"]))
    return {name: latest[name] - mean(task["days"]) for name, task in tasks.items()}


def forecast(a: Mapping[str, Any], numbers: Mapping[str, Any], seed: int = 1) -> dict[str, float]:
    """Person-days, and the working days to the gate and to the end, with even odds and four in five."""
    work = network(a, numbers)
    tasks = durations(a, work)
    effort = sum(mean(task["effort"]) for task in work.values() if not task["whose"].startswith("nobody"))
    order, generator, ends = chained(tasks), np.random.default_rng(seed), dict[str, Any]()
    for name in order:
        low, likely, high = tasks[name]["days"]
        span = high - low
        drawn = np.full(DRAWS, low)
        if span > 0:
            drawn = low + span * generator.beta(1 + 4 * (likely - low) / span, 1 + 4 * (high - likely) / span, DRAWS)
        ends[name] = drawn + np.max([ends[one] for one in tasks[name]["after"]] or [np.zeros(DRAWS)], axis=0)
    last = np.max(list(ends.values()), axis=0)
    return {
        "effort": effort,
        "gate": float(np.quantile(ends["g1"], 0.5)),
        "p50": float(np.quantile(last, 0.5)),
        "p80": float(np.quantile(last, 0.8)),
    }
