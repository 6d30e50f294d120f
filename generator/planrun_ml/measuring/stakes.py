"""What the plan says of thresholds, gains and costs, as measurements need it."""

from planrun.catalogue import NumberKey
from planrun.repository import Repo

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.metrics import named, priced, score


def decision_threshold(repo: Repo) -> float:
    """The plan's decision threshold; one half where the task has none."""
    value = repo.number("acceptance.threshold")
    return 0.5 if value is None else float(value)


def minimum_gain(repo: Repo, baseline: float | None = None) -> float:
    """The gain to be shown: the plan's, or where no unit of error has a price, a share of the baseline's own error."""
    share = repo.entry("acceptance.min_gain")["inputs"].get("min_gain_share")
    if repo.number("acceptance.min_gain") is None and share is not None:
        measured = repo.fresh("baseline", "make baseline")["result"]["value"] if baseline is None else baseline
        return float(share * measured)
    return float(repo.needed("acceptance.min_gain"))


def planned_floor(repo: Repo) -> float | None:
    """The value of the metric below which a model no longer pays, as planned from a baseline that somebody measured.

    None while the plan only assumes a baseline (`current_value` is not answered): a model may lie beyond that floor and
    still be far above the rule that was measured since, or the other way round.
    """
    assumed = repo.entry("acceptance.baseline")["provenance"] == "default"
    return None if assumed else repo.number("monitor.floor")


def allowed_loss(repo: Repo, key: NumberKey, share: str) -> float:
    """How much worse something may be: the plan's figure, or where today's value is not known, that share of what the
    baseline was measured to reach."""
    planned, told = repo.number(key), repo.entry(key)["inputs"].get(share)
    measured = repo.fresh("baseline", "make baseline")["result"]["value"] if planned is None and told else None
    return float(told * abs(measured)) if measured else repo.needed(key)


def reachable(repo: Repo) -> bool:
    """Whether the learning curve's band at all rows leaves the target within reach; unknown counts as yes."""
    fit, target = (repo.evidence("learning_curve", "make audit") or {}).get("fit"), repo.number("acceptance.target")
    if not fit or target is None:
        return True
    allowed = deciding(repo).error(target)
    return allowed is None or bool(fit["at_all_rows"] - fit["band"] <= allowed)


def expected_cost(repo: Repo, case: Case) -> float | None:
    """Cost of one decision in the plan's currency; None for tasks whose result is no decision."""
    if repo.answers["task"] not in CLASSES:
        return None
    return round(score(named("cost"), priced(repo, case)), 6)
