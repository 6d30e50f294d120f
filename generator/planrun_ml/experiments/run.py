"""One hypothesis, one change, one record; the rules that say stop; and the log, rebuilt from the records.

Records are written whole and never changed, a folder each. When a part of gates/G1.lock moves, results stop being
comparable: older records are kept and not counted. Nothing runs before the data is audited, sound and locked.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from planrun import git
from planrun.command import COMMAND
from planrun.files import now
from planrun.gates import require
from planrun.repository import Repo
from planrun.rooms import KEPT
from planrun.trouble import Blocked, Outcome, Trouble

from planrun_ml.data import frames, looks, memory, prediction_files, source
from planrun_ml.data.lock import LOCK, lock_sha, locked
from planrun_ml.experiments import records
from planrun_ml.experiments.log import LOG, write_log
from planrun_ml.experiments.recompute import stands
from planrun_ml.experiments.records import FOLDER, champion, counted, next_id
from planrun_ml.experiments.retracing import LONG, OTHER, of_record
from planrun_ml.experiments.stop_rules import DECIDE, optimism_of, stop_rule
from planrun_ml.measuring import measures
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import compared, dearer, interval, keeps, share_of
from planrun_ml.measuring.metrics import score
from planrun_ml.measuring.stakes import decision_threshold, expected_cost, minimum_gain
from planrun_ml.measuring.telling import better_by, difference_told, value_told
from planrun_ml.models import configuration, families, model_files, own_features, training
from planrun_ml.models.double_run import TOLERANCE
from planrun_ml.models.model import Model, selected

NEEDS = ("G1.3", "G1.4", "G1.8", "G1.9", "G1.11", "G1.lock")
OTHERWISE = "Change one thing: --model, --set or --drop."


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
    features: str = "",
    again: str = "",
) -> Outcome:
    """Train one configuration, measure it on validation, and write its record. Raises `Blocked` before G1 is done.

    `features`: "" for those of the code as it is, `champion` for the champion's, `none` for none. `again` names a
    record whose configuration is measured anew: its code was in no commit, or its figures do not recompute.
    Raises `Trouble` where several things change at once, or a record measured exactly this.
    """
    if log:
        return Outcome(write_log(repo))
    if not (repo.root / LOCK).is_file():
        locked(repo)
    require(repo, *NEEDS)
    memory.announce(repo, ("train", "validation"), "None is left out: the model is trained on all.", trains=True)
    lock, rule = lock_sha(repo), stop_rule(repo)
    if rule and not rule.startswith("success") and "G2.6" in repo.blocking():
        raise Blocked(f"Stop rule {rule}", DECIDE)
    before, known = champion(repo, lock), counted(repo, lock)
    if again:
        settings = records.of_name(known, again)["config"]
    else:
        settings = configuration.asked(before, known, model, params, drop, seed, repo.rooms, features)
    uncommitted = records.uncommitted(repo)
    renewed = _renewed(repo, known, settings, uncommitted)
    if renewed:
        before = records.before(known, renewed["id"])
    if uncommitted:
        print(_in_no_commit(uncommitted), file=sys.stderr, flush=True)
    with _kept_rooms(repo, settings):
        if renewed:
            change, ablation = list(renewed["change"]), renewed.get("ablation", "")
        else:
            change = _change(repo, before, settings, ablation)
        if repo.answers.get("tracking") == "mlflow":
            from planrun_ml.experiments import tracking  # before the work: it says when it is not installed
        number = records.number_of(repo, renewed["id"] if renewed else None)
        found = measure(repo, settings, before, number)
    against = found["vs_champion"] or found["vs_baseline"]
    keep = keeps(found)
    sure = "beyond doubt" if (against["low"] or 0) > 0 or (against["high"] or 0) < 0 else "which may be chance"
    name = "the champion" if before else "the baseline"
    sure += f"; {more}" if (more := dearer(against)) else ""
    packages = model_files.packages(settings, repo.rooms)
    content = {
        "id": next_id(repo, settings["model"]),
        "at": now(),
        "goal": goal or f"beat {name}",
        "hypothesis": hypothesis or (renewed["hypothesis"] if renewed else _why(repo, settings, change)),
        "change": change,
        "predicted_effect": predict if predict is not None else minimum_gain(repo),
        "lock_sha": lock,
        "git_sha": git.head(repo.root),
        "git_clean": not uncommitted if git.is_repository(repo.root) else None,
        "env_sha": model_files.environment(settings, repo.rooms),
        "packages": packages,
        "seeds": [settings["seed"]],
        "split": "validation",
        "config": settings,
        "test_looks": len(looks.looks(repo)),
        "champion": before["id"] if before else None,
        **({"ablation": ablation} if ablation else {}),
        **({"again": renewed["id"]} if renewed else {}),
        **found,
        "decision": "keep" if keep else "drop",
        "learned": f"{'Kept' if keep else 'Dropped'}: {_against(repo, against['value'], name)}, {sure}.",
        "next": "read 50 errors, then change one thing" if keep else "try the next entry of the backlog",
    }
    records.write_record(repo, content["id"], content)
    write_log(repo)
    if repo.answers.get("tracking") == "mlflow":
        tracking.log(repo, content)
    return Outcome(_told(repo, content))


def _renewed(
    repo: Repo, known: list[dict[str, Any]], settings: dict[str, Any], uncommitted: Sequence[str]
) -> dict[str, Any] | None:
    """The record that this run is to stand for: of the same configuration, and of no use as it is; None without one.

    Raises `Trouble` where the record of it is sound, and where a second one would be no better.
    """
    same = next((record for record in known if record["config"] == settings), None)
    if same is None:
        return None
    if not records.in_a_commit(repo, same):
        if uncommitted:
            told = f"{same['id']} measured exactly this configuration, from code that is in no commit."
            raise Trouble(told, f"Commit {', '.join(uncommitted)}, then: {COMMAND} experiment --again {same['id']}")
        return same
    if stands(repo, same, records.before(known, same["id"])) and _its_own(repo, same):
        raise Trouble(f"{same['id']} measured exactly this configuration.", OTHERWISE)
    return same


def _its_own(repo: Repo, record: dict[str, Any]) -> bool:
    """Whether the stored model is what its record gives, as far as that can be told soon; not where it is lost."""
    try:
        return of_record(repo, record).state != OTHER
    except Blocked:
        return True
    except Trouble:
        return False


def _in_no_commit(paths: Sequence[str]) -> str:
    """What is said before the work where its code could not be found again."""
    named = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return (
        f"In no commit: {named}. Gate G2.3 stays shut for what is measured now; "
        "commit first, or measure it again afterwards."
    )


def _change(repo: Repo, before: dict[str, Any] | None, settings: dict[str, Any], ablation: str) -> list[str]:
    """What differs from the champion. Raises `Trouble` for more than one thing that no ablation takes apart."""
    change = configuration.changed(before["config"] if before else None, settings, repo.rooms)
    code = configuration.code_changed(before["config"], settings) if before else []
    if before and code and len(change) > len(code) and not ablation and _says_the_same(repo, before, settings):
        change = [one for one in change if one not in code]  # written otherwise, it computes what it did
    if len(change) > 1 and not ablation:
        other = f"; --features {configuration.CHAMPION} takes the champion's" if "features" in "".join(code) else ""
        raise Trouble(
            f"This changes {len(change)} things at once: {'; '.join(change)}.",
            f'Change one{other}, or say what each gives: --ablation "…"',
        )
    return change


def measure(repo: Repo, settings: dict[str, Any], before: dict[str, Any] | None, number: int) -> dict[str, Any]:
    """Train on train, predict validation, compare with the baseline and the champion row by row.

    `number` says the how-manieth experiment it is; it is compared at its part of alpha. Raises `Trouble` where it
    predicts just what one of them does.
    """
    started, task, metric = time.perf_counter(), repo.answers["task"], deciding(repo)
    on_sample = source.source_of(repo).is_sample
    rows, validation = frames.load(repo, "train"), frames.load(repo, "validation")
    trained = training.fit(rows, task, settings, repo.rooms)
    keys = validation.keys.tolist()
    own_features.refuse_company(trained.steps, selected(validation.x, trained.columns), keys, repo.rooms)
    # What is measured is what was read back from the file: the same object will answer in service.
    fitted, model = model_files.kept(trained, validation.x, task, prediction_files.store(repo), settings, repo.rooms)
    twice = _again(rows, validation.x, task, settings, repo, trained, time.perf_counter() - started)
    classes = training.classes(fitted, task)
    predictions = prediction_files.keep_predictions(
        repo, validation, training.predict(fitted, validation.x, task), classes
    )
    threshold, alpha = decision_threshold(repo), repo.needed("acceptance.alpha")
    base = repo.fresh("baseline", "make baseline")["predictions"]
    for name, other in (("the baseline", base), ("the champion", (before or {}).get("predictions_file"))):
        if predictions == other:
            said = f"Every prediction is that of {name}: the change changes nothing."
            raise Trouble(said, "Change something else; code that computes the same is no change of the next one.")
    mine = prediction_files.read_predictions(repo, predictions)
    case = prediction_files.case(mine, threshold)

    def pair_with(digest: str) -> tuple[Case, Case]:
        return prediction_files.pair(mine, prediction_files.read_predictions(repo, digest), threshold)

    def against(digest: str) -> dict[str, Any]:
        return compared(repo, *pair_with(digest), share_of(alpha, number))[1]

    code = {"code": metric.code} if metric.own else {}  # of a team's own: what its room said
    return {
        "n": len(mine),
        "model_file": model,
        **({"trials": trained.trials} if trained.trials > 1 else {}),
        **({"double_run": twice} if twice else {}),
        "predictions_file": predictions,
        "metric": {"name": metric.name, **code, **interval(metric, case, alpha).as_json()},
        "vs_baseline": against(base),
        "vs_champion": against(before["predictions_file"]) if before else None,
        measures.MEASURES: {} if on_sample else measures.of_pair(metric, *pair_with(base)),
        "slices": {name: round(score(metric, case.only(mask)), 6) for name, mask in frames.segments(mine).items()},
        "cost": {"hours": (time.perf_counter() - started) / 3600, "per_decision": expected_cost(repo, case)},
    }


def _again(
    rows: frames.Frame,
    x: pd.DataFrame,
    task: str,
    settings: dict[str, Any],
    repo: Repo,
    trained: Model,
    seconds: float,
) -> dict[str, Any]:
    """How far a second training of the team's own code is from the first; nothing where it takes too long to ask."""
    if not (settings.get("features") or settings.get("family")) or seconds > LONG:
        return {}
    first, second = (one.scores(x, task) for one in (trained, training.fit(rows, task, settings, repo.rooms)))
    difference = float(np.abs(first - second).max())
    return {"largest_difference": difference, "tolerance": TOLERANCE, "ok": difference <= TOLERANCE}


@contextlib.contextmanager
def _kept_rooms(repo: Repo, settings: dict[str, Any]) -> Iterator[None]:
    """Keep what the code says now, where the configuration is about it: a model is trained with the kept copy alone.

    A copy that was made for a run that ends in no record goes with it.
    """
    folder = repo.root / KEPT
    before = set(folder.iterdir()) if folder.is_dir() else set()
    try:
        _keep_rooms(repo, settings)
        yield
    except BaseException:
        for made in set(folder.iterdir()) - before if folder.is_dir() else ():
            shutil.rmtree(made)
        raise


def _keep_rooms(repo: Repo, settings: dict[str, Any]) -> None:
    """Copies of the rooms that the configuration is about, as they are now."""
    model = settings["model"]
    for room, key, part in (
        (own_features.ROOM, "features", ""),
        (families.ROOM, "family", families.part_of(model)),
    ):
        if settings.get(key) and settings[key] == repo.rooms.content(room, part):
            repo.rooms.keep(room, part)


def _says_the_same(repo: Repo, before: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether the champion's own configuration, trained with this code, predicts what the champion did."""
    task, rows, validation = repo.answers["task"], frames.load(repo, "train"), frames.load(repo, "validation")
    keys = ("features", "family") if before["config"]["model"] == settings["model"] else ("features",)
    again = {key: value for key, value in before["config"].items() if key not in keys}
    again |= {key: settings[key] for key in keys if key in settings}
    trained = training.fit(rows, task, again, repo.rooms)
    said = training.predict(trained, validation.x, task)
    digest = prediction_files.keep_predictions(repo, validation, said, training.classes(trained, task))
    return bool(digest == before["predictions_file"])


def _why(repo: Repo, settings: dict[str, Any], change: list[str]) -> str:
    """Why one would try it, where nobody has said: the family's reason, or that the features are others."""
    if change and change[0].startswith("features "):
        return "The columns that features.py makes now tell more than those before."
    return families.family_of(settings, repo.rooms).why or f"{settings['model']} sees what the others do not."


def _against(repo: Repo, gain: float | None, name: str) -> str:
    """A gain over the champion or the baseline: how much better the metric is, whichever way it runs."""
    metric = deciding(repo)
    if gain is None:
        return f"nobody can tell how {metric.name} is beside that of {name}"
    return f"{metric.name} {better_by(gain, metric.unit)} {'than' if gain else 'as'} that of {name}"


def _unlike(twice: dict[str, Any] | None) -> str:
    """What two trainings that differ mean for those who read the result; "" where they do not."""
    if twice is None or twice["ok"]:
        return ""
    said = f"Two trainings with one seed differ by up to {twice['largest_difference']:.3g}"
    return f"{said}: seed what is random in features.py and models.py, or each training is another model."


def _told(repo: Repo, content: dict[str, Any]) -> str:
    mark, rule, chance = source.label(repo, source.source_of(repo)), stop_rule(repo), optimism_of(repo)
    metric, counted = deciding(repo), f"{content['n']:,} validation rows"
    told = f"{value_told(content['metric'], metric.unit)} ({metric.better} is better)"
    score = f"{content['id']}: {content['metric']['name']} {told}"
    if metric.more != "rows":  # what the metric counts, and the bounds rest on
        counted = f"{content['vs_baseline']['n']:,} {metric.more} among {counted}"
    lines = [
        f"{score}, {counted}{mark}.",
        f"Against the baseline: {difference_told(content['vs_baseline'], metric.unit)}.",
        content["learned"],
        f"The best of the experiments looks about {chance:.3g} better here than it is." if chance else "",
        _unlike(content.get("double_run")),
        f"Stop rule {rule}" if rule else "",
        f"Record: {FOLDER}/{content['id']}/record.yaml; all of them: {LOG}",
    ]
    return "\n".join(line for line in lines if line)
