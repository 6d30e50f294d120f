"""One hypothesis, one change, one record; the rules that say stop; and the log, rebuilt from the records.

Records are written whole and never changed, a folder each. When a part of gates/G1.lock moves, results stop being
comparable: older records are kept and not counted. Nothing runs before the data is audited, sound and locked.
"""

import re
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import yaml

from . import cards, data, dataset, files, train
from .evaluate import (
    FOLDER,
    LOCK,
    decision_threshold,
    expected_cost,
    lock_sha,
    locked,
    minimum_gain,
    reachable,
    score,
)
from .files import Blocked, Outcome, Trouble, as_text, write_text
from .gates import require
from .intervals import compared, dearer, interval, keeps, optimism
from .repo import Repo

NEEDS = ("G1.3", "G1.4", "G1.8", "G1.9", "G1.11", "G1.lock")
WATCHED = ("src", "plan", "pyproject.toml")  # the data is in the lock, the environment has its own hash
LOG = "evidence/experiments.md"
DECIDE = "Ship the champion, re-scope or stop: docs/decisions/…-stop.md; or say why it goes on: …-extend.md"
FIELDS = (
    "id", "goal", "hypothesis", "change", "predicted_effect", "lock_sha", "git_sha", "git_clean", "env_sha", "seeds",
    "split", "n", "config", "predictions_file", "metric", "vs_baseline", "cost", "decision", "learned", "next",
)  # fmt: skip


def run(
    repo: Repo,
    hypothesis: str = "",
    model: str = "",
    params: Sequence[str] = (),
    drop: Sequence[str] = (),
    predict: float | None = None,
    goal: str = "",
    seed: int | None = None,
    ablation: str = "",
    log: bool = False,
) -> Outcome:
    """Train one configuration, measure it on validation, and write its record. Raises `Blocked` before G1 is done."""
    if log:
        return Outcome(write_log(repo))
    if not (repo.root / LOCK).is_file():
        locked(repo)
    require(repo, *NEEDS)
    lock, rule = lock_sha(repo), stop_rule(repo)
    if rule and not rule.startswith("success") and "G2.6" in repo.blocking():
        raise Blocked(f"Stop rule {rule}", DECIDE)
    before, known = champion(repo, lock), counted(repo, lock)
    settings = train.asked(before, known, model, params, drop, seed)
    same = [record["id"] for record in known if record["config"] == settings]
    if same:
        raise Trouble(f"{same[0]} measured exactly this configuration.", "Change one thing: --model, --set or --drop.")
    change = train.changed(before["config"] if before else None, settings)
    if len(change) > 1 and not ablation:
        raise Trouble(
            f"This changes {len(change)} things at once: {'; '.join(change)}.",
            'Change one, or say what each gives: --ablation "…"',
        )
    if repo.answers.get("tracking") == "mlflow":
        from . import tracking  # before the work: it says when it is not installed
    found = measure(repo, settings, before)
    against = found["vs_champion"] or found["vs_baseline"]
    keep = keeps(found)
    sure = "beyond doubt" if (against["low"] or 0) > 0 or (against["high"] or 0) < 0 else "which may be chance"
    name = "the champion" if before else "the baseline"
    sure += f"; {more}" if (more := dearer(against)) else ""
    content = {
        "id": next_id(repo, settings["model"]),
        "goal": goal or f"beat {name}",
        "hypothesis": hypothesis or train.FIRST[settings["model"]],
        "change": change,
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
        **({"ablation": ablation} if ablation else {}),
        **found,
        "decision": "keep" if keep else "drop",
        "learned": f"{'Kept' if keep else 'Dropped'}: {_said(against, '+').partition(',')[0]} against {name}, {sure}.",
        "next": "read 50 errors, then change one thing" if keep else "try the next entry of the backlog",
    }
    cards.write_record(repo, content["id"], content)
    write_log(repo)
    if repo.answers.get("tracking") == "mlflow":
        tracking.log(repo, content)
    return Outcome(_told(repo, content))


def measure(repo: Repo, settings: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Train on train, predict validation, compare with the baseline and the champion row by row."""
    started, task, metric = time.perf_counter(), repo.answers["task"], repo.answers["metric"]
    rows, validation = dataset.load(repo, "train"), dataset.load(repo, "validation")
    fitted = train.fit(rows, task, settings)
    classes = train.classes(fitted, task)
    predictions = dataset.keep_predictions(repo, validation, train.predict(fitted, validation.x, task), classes)
    _, model = train.save(fitted, dataset.store(repo))
    threshold, alpha = decision_threshold(repo), repo.needed("acceptance.alpha")
    base = repo.fresh("baseline", "make baseline")["predictions"]
    for name, other in (("the baseline", base), ("the champion", (before or {}).get("predictions_file"))):
        if predictions == other:
            raise Trouble(f"Every prediction is that of {name}: the change changes nothing.", "Change something else.")
    mine = dataset.read_predictions(repo, predictions)
    case = dataset.case(mine, threshold)

    def against(digest: str) -> dict[str, Any]:
        pair = dataset.pair(mine, dataset.read_predictions(repo, digest), threshold)
        return compared(repo, *pair, alpha)[1]

    return {
        "n": len(mine),
        "model_file": model,
        "predictions_file": predictions,
        "metric": {"name": metric, **interval(metric, case, alpha).as_json()},
        "vs_baseline": against(base),
        "vs_champion": against(before["predictions_file"]) if before else None,
        "slices": {name: round(score(metric, case.only(mask)), 6) for name, mask in dataset.segments(mine).items()},
        "cost": {"hours": (time.perf_counter() - started) / 3600, "per_decision": expected_cost(repo, case)},
    }


def _said(found: dict[str, Any], sign: str = "") -> str:
    """A recorded interval in words; a bound without end is a question mark."""
    value, low, high = ("?" if found[key] is None else f"{found[key]:{sign}.4g}" for key in ("value", "low", "high"))
    return f"{value}, bounds {low} to {high}"


def _told(repo: Repo, content: dict[str, Any]) -> str:
    mark, rule, chance = data.label(repo, data.source_of(repo)), stop_rule(repo), optimism_of(repo)
    score = f"{content['id']}: {content['metric']['name']} {_said(content['metric'])}"
    lines = [
        f"{score}, {content['n']} validation rows{mark}.",
        f"Against the baseline: {_said(content['vs_baseline'], '+')}.",
        content["learned"],
        f"The best of the experiments looks about {chance:.3g} better here than it is." if chance else "",
        f"Stop rule {rule}" if rule else "",
        f"Record: {FOLDER}/{content['id']}/record.yaml; all of them: {LOG}",
    ]
    return "\n".join(line for line in lines if line)


# ---------------------------------------------------------------------------------------------------- when to stop
def stop_rule(repo: Repo) -> str:
    """success, futility or budget, and why; "" while none is met, or a decision record says what follows from it.

    The fourth, a lock that no longer fits, raises `Blocked`.
    """
    found, best = all_records(repo), champion(repo, lock_sha(repo))
    most, least, chance = repo.number("iterations.max"), repo.number("iterations.mde"), optimism_of(repo)
    low = best["vs_baseline"]["low"] if best else None
    if best and low is not None and low - chance >= (needed := minimum_gain(repo)):
        return f"success: {best['id']} gains {low:.3g} or more, {chance:.3g} of it chance; {needed:.3g} is needed."
    names = " ".join(path.name for path in (repo.root / "docs/decisions").glob("*.md"))
    if "stop" in names or "extend" in names:
        return ""
    gains = [record["vs_baseline"]["value"] or 0.0 for record in found[-3:]]
    if len(gains) == 3 and least is not None and max(gains) < least and not reachable(repo):
        return f"futility: the last three gained less than {least:.3g}, and these rows do not reach the target."
    if most is not None and len(found) >= most:
        return f"budget: {len(found)} experiments are done, and {most:.0f} were planned."
    ends = next((task["end"] for task in repo.plan.get("schedule", {}).get("tasks", []) if task["id"] == "p2"), "")
    return f"budget: the phase ended on {ends}." if ends and date.today().isoformat() > ends else ""


def optimism_of(repo: Repo) -> float:
    """How much better the best looks than it is: the plan's figure, or from the last record's own spread."""
    planned, found = repo.number("iterations.optimism"), all_records(repo)
    return float(planned or 0.0) if planned is not None or not found else optimism(found[-1]["metric"], len(found))


def write_log(repo: Repo) -> str:
    """evidence/experiments.md, from the records alone: a row each, the champion, and what one more may give."""
    found, lock, rule = all_records(repo), lock_sha(repo), stop_rule(repo)
    rows = [
        "# Experiments",
        "",
        "| Record | Change | Score | Against the baseline | Learned |",
        "|---|---|---|---|---|",
    ]
    for record in found:
        change = "; ".join(record["change"]).replace("|", "\\|")
        learned = record["learned"] if record["lock_sha"] == lock else "Of other data: not counted."
        scores = f"{_said(record['metric'])} | {_said(record['vs_baseline'], '+')}"
        rows.append(f"| {record['id']} | {change} | {scores} | {learned} |")
    helped = sum(((record["vs_champion"] or record["vs_baseline"])["low"] or 0) > 0 for record in found)
    left, best = max(0, round(repo.number("iterations.max") or 0) - len(found)), champion(repo, lock)
    rate = helped / len(found) if len(found) >= 5 else float(repo.answers["success_rate"])
    said = (
        f"Champion: {best['id'] if best else 'none yet'}. {helped} of {len(found)} helped beyond doubt. {left} are left"
    )
    said += (
        f"; the chance that one of them helps is {1 - (1 - rate) ** left:.0%}.{f' Stop rule {rule}' if rule else ''}"
    )
    write_text(repo.root / LOG, as_text("\n".join([*rows, "", said, ""])))
    return said


# ---------------------------------------------------------------------------------------------------- records
def all_records(repo: Repo) -> list[dict[str, Any]]:
    """Every experiment but the baseline, oldest first. Raises `Trouble` for one that cannot be read."""
    found = []
    for path in sorted((repo.root / FOLDER).glob("[0-9]*/record.yaml")):
        if path.parent.name.startswith("0000-"):
            continue
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError:
            content = None
        if not isinstance(content, dict):
            raise Trouble(f"{path.parent.name}/record.yaml is no YAML record.", "git checkout it.")
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
