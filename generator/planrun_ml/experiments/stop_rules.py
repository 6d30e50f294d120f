"""When experiments stop: success, futility, budget."""

from datetime import date

from planrun.repository import Repo

from planrun_ml.data.lock import lock_sha
from planrun_ml.experiments.records import all_records, champion, standing, tried
from planrun_ml.measuring.intervals import optimism
from planrun_ml.measuring.stakes import minimum_gain, reachable

DECIDE = "Ship the champion, re-scope or stop: docs/decisions/…-stop.md; or say why it goes on: …-extend.md"

ENDED = "budget: the phase ended on"


# ---------------------------------------------------------------------------------------------------- when to stop
def stop_rule(repo: Repo) -> str:
    """success, futility or budget, and why; "" while none is met, or a decision record says what follows from it.

    The fourth, a lock that no longer fits, raises `Blocked`.
    """
    found, best = standing(all_records(repo)), champion(repo, lock_sha(repo))
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
    ends = _phase_end(repo)
    return f"{ENDED} {ends}." if ends and date.today().isoformat() > ends else ""


def in_time(repo: Repo, rule: str) -> bool:
    """Whether the only rule that is met is the calendar's, and no experiment was made after the phase."""
    made = max((str(record.get("at"))[:10] for record in all_records(repo)), default="")
    return rule.startswith(ENDED) and made <= _phase_end(repo)


def _phase_end(repo: Repo) -> str:
    planned = repo.plan.get("schedule", {}).get("tasks", [])
    return str(next((task["end"] for task in planned if task["id"] == "experiments"), ""))


def optimism_of(repo: Repo) -> float:
    """How much better the best looks than it is: of as many as were really tried, trials of searches among them, by
    the last record's own error. Before the first record, the plan's figure."""
    found = standing(all_records(repo))
    if not found:
        return float(repo.number("iterations.optimism") or 0.0)
    return optimism(found[-1]["metric"], tried(repo))
