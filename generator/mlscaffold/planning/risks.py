"""The risk register: each row is a rule over answers and numbers, so that it comes and goes with the facts."""

from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers
from mlscaffold.planning.risk_rules import ML, SOFTWARE, Facts, Rule
from mlscaffold.planning.schedule.dates import Schedule
from mlscaffold.planning.schedule.people import people, staff

# By when a risk is settled whose own task is not called for.
OTHERWISE = {"ml": ("audit",), "software": ("requirements",)}


def risks(answers: Answers, numbers: Numbers, schedule: Schedule) -> list[dict[str, Any]]:
    """All rules of this kind of project; `active` says which of them the answers call forth."""
    load = people(answers)["load"]
    return [_row(rule, Facts(answers, numbers, schedule, load)) for rule in (ML if answers.kind == "ml" else SOFTWARE)]


def _row(rule: Rule, facts: Facts) -> dict[str, Any]:
    likelihood, impact = rule.score
    trigger, response = rule.trigger(facts), rule.response(facts)
    sources = sorted(facts.told)  # of what is said; whether it is said may follow from more
    return {
        "id": rule.id,
        "risk": rule.risk,
        "likelihood": likelihood,
        "impact": impact,
        "score": likelihood * impact,
        "trigger": trigger,
        "response": response,
        "owner": staff(facts.answers, rule.owner).person,
        "due": facts.schedule.ends(facts.schedule.there(rule.due, *OTHERWISE[facts.answers.kind])).isoformat(),
        "active": rule.active(facts),
        "sources": sources,
    }
