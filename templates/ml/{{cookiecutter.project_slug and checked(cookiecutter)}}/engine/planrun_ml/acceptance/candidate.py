"""A retrained candidate held against the champion, and the verdict recomputed from both prediction files."""

from collections.abc import Mapping
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.acceptance.verdicts import behaviour, read_pair
from planrun_ml.baseline.rule import stood_in
from planrun_ml.data import frames, prediction_files
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding, same_metric
from planrun_ml.measuring.intervals import affordable, compared, interval, verdict
from planrun_ml.measuring.stakes import allowed_loss, decision_threshold
from planrun_ml.release import registry
from planrun_ml.release.champion_model import Champion

# between a recorded figure and the same one worked out again
CANDIDATE = "candidate"


# ------------------------------------------------------------------------------------------------ candidates
def compare(repo: Repo, champion: Champion, version: str, case: Case) -> dict[str, Any]:
    """evidence/candidate.json: both models on the same new rows, by the files that hold their predictions.

    Raises `Trouble` where the champion cannot answer today's rows.
    """
    validation = frames.load(repo, "validation")
    missing = [name for name in champion.columns if name not in validation.x]
    if missing or champion.model is None:
        why = f"the data has no {', '.join(missing)} any more" if missing else champion.reason
        raise Trouble(f"{champion.version} cannot score today's rows: {why}.", "make experiment")
    old = stood_in(champion.card["rule"], champion.model, validation.x, repo.answers["task"])
    files = {
        "candidate": prediction_files.keep_predictions(repo, validation, case.scores, case.classes),
        "champion": prediction_files.keep_predictions(repo, validation, old, tuple(champion.card["classes"])),
    }
    model = registry.read(repo.root)["models"][version]["files"].get("model", {}).get("sha256")
    facts = {"version": version, "model": model, "champion": champion.version, "predictions": files}
    facts |= held_to(repo, champion.card)
    moved = behaviour(repo, files["candidate"], files["champion"], case.threshold)
    facts |= judged(repo, facts) | {"behaviour": moved}
    return repo.write_evidence(CANDIDATE, facts, ("data/manifest.json", "evidence/splits.json#rule,sizes,keys"))


def held_to(repo: Repo, card: Mapping[str, Any]) -> dict[str, Any]:
    """What a candidate is held to, by the plan and by the champion's card: threshold, margin, floor and alpha.

    The margin is in units of the metric; the champion's floor is too, in those of the metric it was accepted by.
    """
    return {
        "threshold": decision_threshold(repo),
        "margin": allowed_loss(repo, "promotion.margin", "promotion_margin"),
        "floor": card["floor"] if same_metric(repo, card) else None,
        "alpha": repo.needed("promotion.alpha"),
    }


def judged(repo: Repo, facts: dict[str, Any]) -> dict[str, Any]:
    """The verdicts, worked out from the prediction files alone; the gates of G6 call this again."""
    metric, alpha, files = deciding(repo), facts["alpha"], facts["predictions"]
    _, one, other = read_pair(repo, files["candidate"], files["champion"], facts["threshold"])
    (against, shown), own = compared(repo, one, other, alpha), interval(metric, one, alpha)
    held, floor = affordable(verdict(against, -facts["margin"]), shown), facts["floor"]
    above = floor is None or (own.high >= floor if metric.sign > 0 else own.low <= floor)
    found = {"vs_champion": shown, "result": own.as_json(), "verdict": held.state if above else "fail"}
    side = "below" if metric.sign > 0 else "above"
    below = "" if above else f" Its {metric.name} of {own.value:.4g} is {side} the floor of {floor:.4g}."
    return found | {"sentence": held.sentence + below}
