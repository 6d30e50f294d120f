"""One hypothesis, one change, one record; first of all the baseline's; and the lock on what they are measured on.

Records are written whole and never changed, a folder each. When a part of gates/G1.lock moves, results stop being
comparable: older records are kept and not counted. Nothing runs before the data is audited, sound and locked.
"""

import json
import math
import re
import time
from collections.abc import Sequence
from typing import Any

import yaml

from . import baseline, data, dataset, files, train
from .evaluate import LOCK, SPLITS, decision_threshold, expected_cost, lock_sha, locked, minimum_gain, score
from .files import Outcome, Trouble, write_text
from .gates import require
from .intervals import gain, interval
from .repo import Repo

NEEDS = ("G1.3", "G1.4", "G1.8", "G1.9", "G1.11", "G1.lock")
WATCHED = ("src", "plan", "pyproject.toml")  # the data is in the lock, the environment has its own hash
TOLERANCE = 1e-5
FOLDER, BASELINE = "experiments", "0000-baseline"
FIELDS = (
    "id", "goal", "hypothesis", "change", "predicted_effect", "lock_sha", "git_sha", "git_clean", "env_sha", "seeds",
    "split", "n", "config", "predictions_file", "metric", "vs_baseline", "cost", "decision", "learned", "next",
)  # fmt: skip
FIRST = {
    "linear": "The simplest readable model uses several columns, so it beats a rule that uses one.",
    "forest": "Columns act together or in steps, which a linear model cannot see.",
    "boosting": "Many small trees fit what a forest smooths over.",
}


def run(
    repo: Repo,
    hypothesis: str = "",
    model: str = "",
    params: Sequence[str] = (),
    drop: Sequence[str] = (),
    predict: float | None = None,
    goal: str = "",
    seed: int = 7,
) -> Outcome:
    """Train one configuration, measure it on validation, and write its record. Raises `Blocked` before G1 is done."""
    if not (repo.root / LOCK).is_file():
        locked(repo)
    require(repo, *NEEDS)
    lock = lock_sha(repo)
    before, known = champion(repo, lock), counted(repo, lock)
    settings = train.asked(before, known, model, params, drop, seed)
    same = [record["id"] for record in known if record["config"] == settings]
    if same:
        raise Trouble(f"{same[0]} measured exactly this configuration.", "Change one thing: --model, --set or --drop.")
    found = measure(repo, settings, before)
    against = found["vs_champion"] or found["vs_baseline"]
    keep = keeps(found)
    sure = "beyond doubt" if against["low"] > 0 or against["high"] < 0 else "which may be chance"
    name = "the champion" if before else "the baseline"
    content = {
        "id": next_id(repo, settings["model"]),
        "goal": goal or f"beat {name}",
        "hypothesis": hypothesis or FIRST[settings["model"]],
        "change": train.changed(before["config"] if before else None, settings),
        "predicted_effect": predict if predict is not None else minimum_gain(repo),
        "lock_sha": lock,
        "git_sha": files.head(repo.root),
        "git_clean": not files.changed(repo.root, WATCHED) if files.is_repository(repo.root) else None,
        "env_sha": train.environment(),
        "seeds": [settings["seed"]],
        "split": "validation",
        "config": settings,
        "test_looks": len(dataset.looks(repo)),
        "champion": before["id"] if before else None,
        **found,
        "decision": "keep" if keep else "drop",
        "learned": f"{'Kept' if keep else 'Dropped'}: {against['value']:+.4g} against {name}, {sure}.",
        "next": "read 50 errors, then change one thing" if keep else "try the next entry of the backlog",
    }
    write_record(repo, content["id"], content)
    if repo.answers.get("tracking") == "mlflow":
        from . import tracking

        tracking.log(repo, content)
    return Outcome(_told(repo, content))


def keeps(found: dict[str, Any]) -> bool:
    """Keep the first that is not shown to be worse than the baseline, then what beats the champion beyond doubt."""
    return bool(found["vs_champion"]["low"] > 0 if found["vs_champion"] else found["vs_baseline"]["high"] > 0)


def measure(repo: Repo, settings: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Train on train, predict validation, compare with the baseline and the champion row by row."""
    started, task, metric = time.perf_counter(), repo.answers["task"], repo.answers["metric"]
    rows, validation = dataset.load(repo, "train"), dataset.load(repo, "validation")
    fitted = train.fit(rows, task, settings)
    classes = train.classes(fitted, task)
    predictions = dataset.keep_predictions(repo, validation, train.predict(fitted, validation.x, task), classes)
    _, model = train.save(fitted, dataset.store(repo))
    threshold, alpha = decision_threshold(repo), repo.needed("acceptance.alpha")
    mine = dataset.read_predictions(repo, predictions)
    case = dataset.case(mine, threshold)

    def against(digest: str) -> dict[str, Any]:
        pair = dataset.pair(mine, dataset.read_predictions(repo, digest), threshold)
        return gain(metric, *pair, alpha).as_json()

    return {
        "n": len(mine),
        "model_file": model,
        "predictions_file": predictions,
        "metric": {"name": metric, **interval(metric, case, alpha).as_json()},
        "vs_baseline": against(repo.fresh("baseline", "make baseline")["predictions"]),
        "vs_champion": against(before["predictions_file"]) if before else None,
        "slices": {name: round(score(metric, case.only(mask)), 6) for name, mask in dataset.segments(mine).items()},
        "cost": {"hours": (time.perf_counter() - started) / 3600, "per_decision": expected_cost(repo, case)},
    }


def wrong(repo: Repo, record: dict[str, Any], baseline: str, before: dict[str, Any] | None) -> str:
    """What does not recompute in a record from its predictions, the baseline's and the champion's; "" when all does."""
    said, threshold = dataset.read_predictions(repo, record.get("predictions_file") or ""), decision_threshold(repo)
    outside = dataset.problems(repo, said, "validation")
    if outside:
        return outside
    metric, alpha = repo.answers["metric"], repo.needed("acceptance.alpha")
    value = score(metric, dataset.case(said, threshold))
    if not math.isfinite(value) or not _same(value, record["metric"]["value"]):
        return f"{metric} recomputes to {value:.4g}, not to {record['metric']['value']}"
    pairs = [("vs_baseline", baseline)] + ([("vs_champion", before["predictions_file"])] if before else [])
    for name, other in pairs:
        if other == record["predictions_file"]:
            return f"it was compared with itself ({name})"
        pair = dataset.pair(said, dataset.read_predictions(repo, other), threshold)
        again, typed = gain(metric, *pair, alpha).as_json(), record.get(name) or {}
        if not all(_same(again[key], typed.get(key)) for key in ("value", "low", "high")):
            return f"{name} recomputes to {again['value']} ({again['low']} to {again['high']})"
    decided = "keep" if keeps(record) else "drop"
    return "" if record["decision"] == decided else f"its figures say {decided}, not {record['decision']}"


def _same(one: float | None, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return isinstance(other, (int, float)) and abs(one - other) <= TOLERANCE


def _told(repo: Repo, content: dict[str, Any]) -> str:
    metric, against = content["metric"], content["vs_baseline"]
    optimism = repo.number("iterations.optimism")
    mark = data.label(repo, data.source_of(repo))
    lines = [
        f"{content['id']}: {metric['name']} {metric['value']:.4g}, bounds {metric['low']:.4g} to {metric['high']:.4g}, "
        f"{content['n']} validation rows{mark}.",
        f"Against the baseline: {against['value']:+.4g}, bounds {against['low']:+.4g} to {against['high']:+.4g}.",
        content["learned"],
    ]
    if optimism is not None:
        lines.append(f"The best of a budget of experiments looks about {optimism:.3g} better here than it is.")
    return "\n".join([*lines, f"Record: experiments/{content['id']}/record.yaml"])


# ---------------------------------------------------------------------------------------------------- the baseline
def measure_baseline(repo: Repo) -> Outcome:
    """Learn or read the rule, measure it on validation, and lock the data if nothing else is missing."""
    task, metric = repo.answers["task"], repo.answers["metric"]
    source = data.source_of(repo)
    rows, validation = dataset.load(repo, "train"), dataset.load(repo, "validation")
    rule = baseline.learn(rows, task) if source.baseline == "auto" else baseline.own(source, task)
    case = baseline.case(rule, validation, decision_threshold(repo))
    found = interval(metric, case, repo.needed("acceptance.alpha"))
    flat = score(metric, baseline.case(baseline.constant(rows, task), validation, case.threshold))
    facts: dict[str, Any] = {
        "rule": rule,
        "metric": metric,
        "threshold": case.threshold,
        "result": found.as_json(),
        "constant": flat,
        "cost_per_decision": expected_cost(repo, case),
        "predictions": dataset.keep_predictions(repo, validation, case.scores, case.classes),
    }
    repo.write_evidence("baseline", facts, ("data/manifest.json", SPLITS))
    result = facts["result"]
    content = {
        "id": BASELINE,
        "goal": "the baseline",
        "rule": rule,
        "metric": {"name": metric, **{key: result[key] for key in ("value", "low", "high")}},
        "n": result["n"],
        "split": "validation",
        "predictions_file": facts["predictions"],
    }
    write_record(repo, BASELINE, content)
    said = rule["sql"].get("score") or "; ".join(f"{name}: {sql}" for name, sql in rule["sql"].items())
    lines = [
        f"Baseline {metric} {found.value:.4g}, bounds {found.low:.4g} to {found.high:.4g}, "
        f"{len(case.y)} rows{data.label(repo, source)}.",
        f"Rule: {said}",
        f"A constant scores {flat:.4g}.",
        locked(Repo(repo.root)),
    ]
    return Outcome("\n".join(lines))


# ---------------------------------------------------------------------------------------------------- records
def all_records(repo: Repo) -> list[dict[str, Any]]:
    """Every experiment but the baseline, oldest first. Raises `Trouble` for one that cannot be read."""
    found = []
    for path in sorted((repo.root / FOLDER).glob("[0-9]*/record.yaml")):
        if path.parent.name.startswith("0000-"):
            continue
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError as error:
            first = str(error).splitlines()[0]
            raise Trouble(f"{path.parent.name}/record.yaml is not YAML: {first}.", "git checkout it.") from None
        if not isinstance(content, dict):
            raise Trouble(f"{path.parent.name}/record.yaml holds no record.", "git checkout it.")
        found.append(content | {"folder": path.parent.name})
    return found


def counted(repo: Repo, lock_sha: str) -> list[dict[str, Any]]:
    """Records measured on today's locked data; others are kept and not counted."""
    return [record for record in all_records(repo) if record.get("lock_sha") == lock_sha]


def champion(repo: Repo, lock_sha: str) -> dict[str, Any] | None:
    """The last record that was kept."""
    kept = [record for record in counted(repo, lock_sha) if record.get("decision") == "keep"]
    return kept[-1] if kept else None


def next_id(repo: Repo, name: str) -> str:
    """0001-linear, 0002-forest …"""
    numbers = [int(path.name[:4]) for path in (repo.root / FOLDER).glob("[0-9][0-9][0-9][0-9]-*")]
    return f"{max(numbers, default=0) + 1:04d}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'experiment'}"


def write_record(repo: Repo, folder: str, content: dict[str, Any]) -> None:
    content = json.loads(json.dumps(content, ensure_ascii=False))  # plain numbers, whatever numpy made of them
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    write_text(repo.root / FOLDER / folder / "record.yaml", text)
