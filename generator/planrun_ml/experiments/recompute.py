"""A record's figures worked out again from its prediction files."""

import math
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data import prediction_files
from planrun_ml.experiments.records import number_of
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import compared, keeps, share_of
from planrun_ml.measuring.metrics import score
from planrun_ml.measuring.stakes import decision_threshold
from planrun_ml.measuring.telling import difference_told

TOLERANCE = 1e-5  # between a figure that was written down and the same worked out again


def same(one: Any, other: Any) -> bool:
    """Whether two figures are one, within the tolerance; what is not known is only like what is not known."""
    return one is other if None in (one, other) else isinstance(other, (int, float)) and abs(one - other) <= TOLERANCE


# ------------------------------------------------------------------------------------------------ records
def wrong(repo: Repo, record: dict[str, Any], baseline: str, champion: dict[str, Any] | None) -> str:
    """What does not recompute in a record from its predictions, the baseline's and the champion's; "" when all does."""
    said, threshold = (
        prediction_files.read_predictions(repo, record.get("predictions_file") or ""),
        decision_threshold(repo),
    )
    outside = prediction_files.problems(repo, said, "validation")
    if outside:
        return outside
    metric, alpha = deciding(repo), repo.needed("acceptance.alpha")
    value, typed = score(metric, prediction_files.case(said, threshold)), record["metric"]["value"]
    if not math.isfinite(value) or not same(value, typed):
        return f"{metric.name} recomputes to {value:.4g}, not to {typed}"
    alpha = share_of(alpha, number_of(repo, record.get("id")))
    pairs = [("vs_baseline", baseline)] + ([("vs_champion", champion["predictions_file"])] if champion else [])
    for name, other in pairs:
        if other == record["predictions_file"]:
            return f"it was compared with itself ({name})"
        pair = prediction_files.pair(said, prediction_files.read_predictions(repo, other), threshold)
        again, typed = compared(repo, *pair, alpha)[1], record.get(name) or {}
        if not all(same(again[key], typed.get(key)) for key in ("value", "low", "high")):
            return f"{name} recomputes to {difference_told(again)}"
    decided = "keep" if keeps(record) else "drop"
    return "" if record["decision"] == decided else f"its figures say {decided}, not {record['decision']}"


def stands(repo: Repo, record: dict[str, Any], champion: dict[str, Any] | None) -> bool:
    """Whether a record's figures follow from its predictions; not where those are lost."""
    try:
        return not wrong(repo, record, repo.fresh("baseline", "make baseline")["predictions"], champion)
    except Trouble:
        return False
