"""One hypothesis, one change, one record. It refuses to run before the data is audited, sound and locked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from . import data, dataset, files, records, train
from .baseline import decision_threshold, expected_cost, locked
from .evaluate import score
from .files import Outcome, Trouble
from .gates import require
from .intervals import Interval, gain, interval
from .repo import Repo

NEEDS = ("G1.3", "G1.4", "G1.8", "G1.9", "G1.11", "G1.lock")
WATCHED = ("src", "plan", "pyproject.toml")  # the data is in the lock, the environment has its own hash
FIRST = {
    "linear": "The simplest readable model uses several columns, so it beats a rule that uses one.",
    "forest": "Columns act together or in steps, which a linear model cannot see.",
    "boosting": "Many small trees fit what a forest smooths over.",
}


@dataclass(frozen=True)
class Measured:
    """What one run gave."""

    metric: Interval
    vs_baseline: Interval
    vs_champion: Interval | None
    segments: dict[str, float]
    cost: float | None
    model: str
    predictions: str
    rows: int
    seconds: float


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
    if not (repo.root / records.LOCK).is_file():
        locked(repo)
    require(repo, *NEEDS)
    lock_sha = records.lock_sha(repo)
    before, known = records.champion(repo, lock_sha), records.counted(repo, lock_sha)
    settings = _settings(before, known, model, params, drop, seed)
    same = [record["id"] for record in known if record["config"] == settings]
    if same:
        raise Trouble(f"{same[0]} measured exactly this configuration.", "Change one thing: --model, --set or --drop.")
    measured = measure(repo, settings, before)
    content = record(repo, settings, before, measured, hypothesis or FIRST[settings["model"]], predict, goal, lock_sha)
    records.write_record(repo, content["id"], content)
    if repo.answers.get("tracking") == "mlflow":
        from . import tracking

        tracking.log(repo, content)
    return Outcome(_told(repo, content))


def measure(repo: Repo, settings: dict[str, Any], before: dict[str, Any] | None) -> Measured:
    """Train on train, predict validation, compare with the baseline and the champion row by row."""
    started, task, metric = time.perf_counter(), repo.answers["task"], repo.answers["metric"]
    rows, validation = dataset.load(repo, "train"), dataset.load(repo, "validation")
    fitted = train.fit(rows, task, settings)
    said, classes = train.predict(fitted, validation.x, task), train.classes(fitted, task)
    predictions = dataset.keep_predictions(repo, validation, said, classes)
    _, model = train.save(fitted, dataset.store(repo))
    threshold, alpha = decision_threshold(repo), repo.needed("acceptance.alpha")
    mine = dataset.read_predictions(repo, predictions)
    case = dataset.case(mine, threshold)
    baseline = dataset.read_predictions(repo, repo.fresh("baseline", "make baseline")["predictions"])
    against = gain(metric, *dataset.pair(mine, baseline, threshold), alpha)
    champion = None
    if before:
        champion = gain(
            metric, *dataset.pair(mine, dataset.read_predictions(repo, before["predictions_file"]), threshold), alpha
        )
    parts = {name: round(score(metric, case.only(mask)), 6) for name, mask in dataset.segments(mine).items()}
    seconds = round(time.perf_counter() - started, 2)
    found, money = interval(metric, case, alpha), expected_cost(repo, case)
    return Measured(found, against, champion, parts, money, model, predictions, len(mine), seconds)


def record(
    repo: Repo,
    settings: dict[str, Any],
    before: dict[str, Any] | None,
    measured: Measured,
    hypothesis: str,
    predict: float | None,
    goal: str,
    lock_sha: str,
) -> dict[str, Any]:
    """record.yaml, complete."""
    changes = changed(before["config"] if before else None, settings)
    keep = decide(measured)
    return {
        "id": records.next_id(repo, settings["model"]),
        "goal": goal or ("beat the champion" if before else "beat the baseline"),
        "hypothesis": hypothesis,
        "change": changes,
        "predicted_effect": predict if predict is not None else repo.needed("acceptance.min_gain"),
        "lock_sha": lock_sha,
        "git_sha": files.head(repo.root),
        "git_clean": not files.changed(repo.root, WATCHED) if files.is_repository(repo.root) else None,
        "env_sha": train.environment(),
        "seeds": [settings["seed"]],
        "split": "validation",
        "n": measured.rows,
        "config": settings,
        "model_file": measured.model,
        "predictions_file": measured.predictions,
        "test_looks": len(dataset.looks(repo)),
        "metric": {"name": repo.answers["metric"], **measured.metric.as_json()},
        "vs_baseline": measured.vs_baseline.as_json(),
        "vs_champion": measured.vs_champion.as_json() if measured.vs_champion else None,
        "champion": before["id"] if before else None,
        "slices": measured.segments,
        "cost": {"hours": round(measured.seconds / 3600, 6), "per_decision": measured.cost},
        "decision": "keep" if keep else "drop",
        "learned": _learned(measured, keep),
        "next": "read 50 errors, then change one thing" if keep else "try the next entry of the backlog",
    }


def decide(measured: Measured) -> bool:
    """Keep the first that is not shown to be worse than the baseline, then what beats the champion beyond doubt."""
    if measured.vs_champion is None:
        return measured.vs_baseline.high > 0
    return measured.vs_champion.low > 0


def changed(before: dict[str, Any] | None, settings: dict[str, Any]) -> list[str]:
    """What differs from the champion, one entry a change; a family's own defaults belong to the family."""
    if before is None or before["model"] != settings["model"]:
        return [f"model: {before['model'] if before else 'the baseline rule'} → {settings['model']}"]
    params = sorted({*before["params"], *settings["params"]})
    pairs = [(f"{name}", before["params"].get(name), settings["params"].get(name)) for name in params]
    pairs += [
        ("without", ", ".join(before["drop"]), ", ".join(settings["drop"])),
        ("seed", before["seed"], settings["seed"]),
    ]
    return [f"{name}: {old} → {new}" for name, old, new in pairs if old != new]


def _settings(
    before: dict[str, Any] | None,
    known: list[dict[str, Any]],
    model: str,
    params: Sequence[str],
    drop: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """The configuration asked for: the champion's with the change, or the next family nobody has tried."""
    base = before["config"] if before else None
    if not (model or params or drop):
        tried = {record["config"]["model"] for record in known}
        model = next((family for family in train.ORDER if family not in tried), "")
        if not model:
            raise Trouble("Every model family has been tried as it is.", "Change one thing: --model, --set or --drop.")
    family = model or (base["model"] if base else train.ORDER[0])
    kept = base["params"] if base and base["model"] == family else {}
    dropped = tuple(base["drop"] if base else ()) + tuple(drop)
    return train.config(family, {**kept, **dict(_param(text) for text in params)}, tuple(set(dropped)), seed)


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Trouble(f"--set {text} has no equals sign.", "Write --set NAME=VALUE, such as --set C=0.1.")
    return name, yaml.safe_load(value)


def _learned(measured: Measured, keep: bool) -> str:
    against = measured.vs_champion or measured.vs_baseline
    name = "the champion" if measured.vs_champion else "the baseline"
    sure = "beyond doubt" if against.low > 0 or against.high < 0 else "which may be chance"
    return f"{'Kept' if keep else 'Dropped'}: {against.value:+.4g} against {name}, {sure}."


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
