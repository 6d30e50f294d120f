"""The drafted requirements as pages, the plan's file and the scenarios take them."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.requirements.verbs import ASKING, CHANGING, approvals, verb
from mlscaffold.rendering.forms import called_for, lines
from mlscaffold.wording import percent

Row = Mapping[str, Any]

EVIDENCE = {"test_rollback": "rollback_drill", "test_restore": "restore"}  # whatever is timed is in `load`
WITHOUT = {True: "goes on and marks the result as degraded", False: "refuses and says why"}
# The numbers that a quality scenario's sentences hold, by what it is about.
FIGURES: Mapping[str, tuple[tuple[PlanKey, str], ...]] = {
    "speed": (("capacity", "load_per_second"),),
    "availability": (("slo", "budget_requests"), ("slo", "demo_requests")),
}


def must_tests(plan: Mapping[PlanKey, Any]) -> list[Row]:
    """The must requirements that a test shows, in the plan's order."""
    return [one for one in plan["requirements"] if (one["priority"], one["verification"]) == ("must", "test")]


def _faults(plan: Mapping[PlanKey, Any]) -> list[Row]:
    return [one for one in plan["requirements"] if one["kind"] == "fault"]


def fault_list(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """What must hold when something fails, as a list; nothing where nothing outside it can."""
    return lines(f"- **{one['id']}** {one['text']}" for one in _faults(plan))


def systems(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[Row]:
    """The systems that it asks, each with its fault requirement: they come in that order."""
    return [
        {
            "name": name,
            "availability": percent(share / 100),
            "without": WITHOUT["degraded" in fault["text"]],
            "requirement": fault["id"],
        }
        for (name, share), fault in zip(answers.dependencies.items(), _faults(plan), strict=False)
    ]


def wanted(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[Row]:
    """The capabilities as the team typed them."""
    wanted = enumerate(answers.capabilities, 1)
    return [{"id": f"C-{number:02}", "text": text, "priority": "must"} for number, text in wanted]


def drafts(answers: Answers, plan: Mapping[PlanKey, Any]) -> dict[str, list[Row]]:
    """The drafted requirements by the section that shows them."""
    shown = {"behaviour": ("capability", "input"), "quality": ("quality",)}
    found = {name: [one for one in plan["requirements"] if one["kind"] in kinds] for name, kinds in shown.items()}
    found["quality"] = [{**one, "rests_on": _resting(one, plan)} for one in found["quality"]]
    must = [one for one in plan["requirements"] if one["priority"] == "must"]
    found["tested"] = [one for one in must if one["verification"] == "test"]
    found["shown"] = [one for one in must if one["verification"] != "test"]
    carried_out = [{**one, "carried_out": _carried_out(answers, one["function"])} for one in plan["requirements"]]
    found["offered"] = [one for one in carried_out if one["kind"] == "capability"]
    return found | {"whole": [{**one, "to_fill": _to_fill(one)} for one in plan["requirements"]]}


def _resting(requirement: Row, plan: Mapping[PlanKey, Any]) -> list[str]:
    """The unconfirmed defaults behind the figures of a quality scenario."""
    keys = FIGURES.get(requirement["about"], ())
    found = (plan[group][name].get("rests_on", ()) for group, name in keys)
    return list(dict.fromkeys(key for entry in found for key in entry))


def queries(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[str]:
    """The functions of capabilities that only answer, by their verb; none where nothing would be left that is done."""
    offered = [one for one in plan["requirements"] if one["kind"] == "capability"]
    asking = [one["function"] for one in offered if verb(one["capability"]) in ASKING]
    return asking if len(asking) < len(offered) else []


def changes(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[str]:
    """The functions of capabilities that change a part of what is there, by their verb.

    None where nothing would be left that every caller may have done anew.
    """
    offered = [one for one in plan["requirements"] if one["kind"] == "capability"]
    changing = [one["function"] for one in offered if verb(one["capability"]) in CHANGING]
    others = {*queries(answers, plan), *approving(answers, plan), *changing}
    return changing if any(one["function"] not in others for one in offered) else []


def approving(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[str]:
    """The functions of capabilities that approve what somebody else has submitted, by their verb."""
    offered = [one for one in plan["requirements"] if one["kind"] == "capability"]
    return [one["function"] for one in offered if one["capability"] in approvals(answers)]


def first_done(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """The function of the first capability that everybody may have done: examples, drills and scenarios call it."""
    others = [*queries(answers, plan), *approving(answers, plan), *changes(answers, plan)]
    return str(next(one["function"] for one in plan["requirements"] if one["function"] not in others))


def _carried_out(answers: Answers, function: str) -> str:
    """What a capability's function hands to `Outcome.of` beside the request and what it finds out."""
    return f'"{function}", request{", without()" if answers.dependencies else ""}'


def _to_fill(requirement: Row) -> list[str]:
    """The lines of a requirement that wait: the evidence it names, and who has agreed to a degraded result."""
    verified, evidence = requirement["verification"], EVIDENCE.get(requirement["test"], "load")
    inspected = verified not in ("test", "demonstration")
    degraded = requirement["kind"] == "fault" and "degraded" in requirement["text"]
    return called_for(
        (verified == "demonstration", f'evidence: "evidence/{evidence}.json"'),
        (inspected, f'evidence: "docs/inspections/{requirement["id"]}.md"'),
        (degraded, 'agreed: ""'),
    )
