"""Acceptance: the champion against the baseline on the test rows, judged by the thresholds that were signed.

The look is logged before an answer is compared, and not before the verdict has all it needs.
What counts is worked out again from the prediction files by gate G3.3.
A yes to everybody finds every positive row: where wrong answers have prices, a gain that costs more is no gain.
"""

from typing import Any

from planrun.gates import require
from planrun.repository import Repo
from planrun.signing.people import decides
from planrun.trouble import Blocked, Outcome

from planrun_ml.acceptance import readiness
from planrun_ml.acceptance.predicting import predicted
from planrun_ml.acceptance.retracing import refuse_other_model
from planrun_ml.acceptance.verdicts import ACCEPTED, CODES, MEASURED, behaviour, judge
from planrun_ml.data import frames, lock, looks, memory, prediction_files, source
from planrun_ml.experiments import records
from planrun_ml.measuring.deciding import deciding, measured_by
from planrun_ml.measuring.metrics import Metric
from planrun_ml.measuring.stakes import decision_threshold, expected_cost
from planrun_ml.models import families
from planrun_ml.pages import write

NEEDS = ("G1.lock", "G2.4", "G2.5", "G3.1")
WHOLE = "Every test row is answered, and the model is trained again on all of train, to be held against its record."


def run(repo: Repo, experiment: str = "") -> Outcome:
    """Measure the champion once on the test rows. Exit code 0 pass, 1 fail, 2 not yet shown.

    `experiment` names another one, such as the simplest that passes; that choice stands until another is the champion.
    Raises `Blocked` where a gate before it is shut, no experiment was kept or no look is left, `Trouble` for an unknown
    name.
    """
    require(repo, *NEEDS)
    best = records.champion(repo, lock.lock_sha(repo))
    if best is None and not experiment:
        raise Blocked("No experiment was kept, so there is nothing to accept.", "make experiment")
    champion, over = _chosen(repo, experiment, best)
    _looks_left(repo, champion)
    purpose = {"command": "accept", "experiment": champion["id"], "model": champion["model_file"]}
    memory.announce(repo, ("train", "test"), WHOLE, trains=True)
    frame = frames.held_back(repo)
    loose = refuse_other_model(repo, champion)
    said, seconds = predicted(repo, frame, champion)
    readiness.refuse_unready(repo, frame, said)
    committed = looks.log_look(repo, purpose)
    digests = {name: prediction_files.keep_predictions(repo, frame, *pair) for name, pair in said.items()}
    facts = judge(Repo(repo.root), digests)
    facts |= {"experiment": champion["id"], "model": champion["model_file"], "config": champion["config"]}
    facts["over"] = over
    facts["simple"] = families.is_simple(champion["config"], repo.rooms)
    facts |= {"decision_threshold": decision_threshold(repo), "rule": repo.fresh("baseline", "make baseline")["rule"]}
    facts["limits"] = _limits(repo, champion, digests, seconds, len(frame.y))
    facts["looks"] = looks.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"])
    measured = (*MEASURED, *measured_by(repo))
    repo.write_evidence("acceptance", facts, measured)
    moved = behaviour(repo, digests["model"], digests["baseline"], facts["decision_threshold"])
    repo.write_evidence("behaviour", {"against": "baseline", **moved}, (*measured, ACCEPTED))
    write.write(Repo(repo.root))
    lines = [_told(repo, facts, moved["changed"]), loose, committed]
    return Outcome("\n".join(line for line in lines if line), CODES[facts["verdict"]["state"]])


def _chosen(repo: Repo, asked: str, best: dict[str, Any] | None) -> tuple[dict[str, Any], str]:
    """The experiment to measure, and the champion that it was named instead of; "" where it is the champion.

    With nothing asked the last choice stands, as long as the champion is the one it was made over. Raises `Trouble`
    for a name that no counted experiment has.
    """
    known, before = records.counted(repo, lock.lock_sha(repo)), repo.evidence("acceptance") or {}
    if best and not asked and before.get("over") == best["id"]:
        asked = next((record["id"] for record in known if record["id"] == before["experiment"]), "")
    if best and asked in ("", best["id"]):
        return best, ""
    return records.of_name(known, asked), best["id"] if best else ""


def _looks_left(repo: Repo, champion: dict[str, Any]) -> None:
    """Raises `Blocked` when the plan's looks at this test set are spent; the same model again costs no look."""
    test_set, allowed = repo.fresh("splits", "make audit")["keys"]["test"], int(repo.needed("test.looks"))
    seen = {entry.get("model") for entry in looks.looks(repo) if entry["test_set"] == test_set}
    if champion["model_file"] not in seen and looks.looks_used(repo, test_set) >= allowed:
        remedy = decides(repo, "po", "take a new test set: add rows, then make audit ARGS=--resplit")
        raise Blocked(f"All {allowed} looks at this test set are spent.", remedy)


def _limits(
    repo: Repo, champion: dict[str, Any], digests: dict[str, str], seconds: float, rows: int
) -> dict[str, float | None]:
    """Size, speed, and how far the cost at the plan's threshold is from the best of twenty."""
    size = (prediction_files.store(repo) / f"{champion['model_file']}.skops").stat().st_size
    limits: dict[str, float | None] = {"model_bytes": size, "seconds_per_1000": round(1000 * seconds / rows, 5)}
    if repo.answers["task"] == "binary":
        found = prediction_files.read_predictions(repo, digests["model"])
        tried = [expected_cost(repo, prediction_files.case(found, number / 20)) for number in range(1, 20)]
        limits["cost_best_of_20"] = min(cost for cost in tried if cost is not None)
        limits["cost_at_threshold"] = expected_cost(repo, prediction_files.case(found, decision_threshold(repo)))
    return limits


def _told(repo: Repo, facts: dict[str, Any], moved: float) -> str:
    judged, mark = facts["verdict"], source.label(repo, source.source_of(repo))
    lines = [
        f"{judged['state'].upper()}{mark}: {facts['experiment']}, {facts['metric']}, look {facts['looks']} "
        f"of {repo.number('test.looks'):.0f}.",
        judged["sentence"],
        f"Model {facts['result']['value']:.4g}, baseline {facts['baseline']['value']:.4g}, "
        f"{facts['gain']['n']} {deciding(repo).more} ({facts['gain']['method']}).",
    ]
    room = too_little_room(facts, deciding(repo))
    if room is not None:
        drives = "the costs of errors, daily_volume, build_cost, monthly_run_budget, payback_limit_months, min_gain"
        lines.append(
            f"At these costs no model can pay: the baseline leaves room for {room:.3g}, and "
            f"{facts['minimum']:.3g} is asked for. What drives it, to be checked and replanned: {drives}."
        )
    lines += [f"Segment {name}: {found['state']}. {found['sentence']}" for name, found in facts["segments"].items()]
    lines.append(f"It decides otherwise than the baseline on {moved:.1%} of the rows: evidence/behaviour.json.")
    return "\n".join([*lines, "Evidence: evidence/acceptance.json, model-card.md, datasheet.md"])


def too_little_room(facts: dict[str, Any], metric: Metric) -> float | None:
    """How much better than the baseline a perfect model would be, where that is less than the gain asked for."""
    value = facts["baseline"]["value"]
    if value is None:
        return None
    room = metric.error(value)
    return room if room is not None and room < facts["minimum"] else None
