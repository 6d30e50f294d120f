"""Whether to build nothing, rules or a model: the first rule that holds decides, and nothing is scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlscaffold.advice_rules import DECISIVE, ML, RULES, UNPAID, Answers, Plan, direction, is_said, planned
from mlscaffold.wording import number


@dataclass(frozen=True)
class Advice:
    """The first verdict that holds, with what stands in its way and whether a person overruled it."""

    recommendation: str
    rung: str
    rule: int
    reasons: tuple[str, ...]
    flips: tuple[str, ...]
    blockers: tuple[str, ...]
    overruled: bool
    override_reason: str

    def as_json(self) -> dict[str, Any]:
        """The entry `advice` of plan.json."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}


UNCOUNTED = "nobody has said how many past cases have a known right answer (labelled_cases)"


def advise(answers: Answers, plan: Plan | None) -> Advice:
    """The recommendation for these answers: without a plan by the answers alone, with one by its money as well."""
    rule, verdict = next(
        (place, verdict) for place, condition in enumerate(RULES, 1) if (verdict := condition(answers, plan or {}))
    )
    return Advice(
        recommendation=verdict.recommendation,
        rung=verdict.rung,
        rule=rule,
        reasons=verdict.reasons,
        flips=verdict.flips,
        blockers=tuple(_blockers(answers, plan or {})) if verdict.recommendation == ML else (),
        overruled=verdict.recommendation != answers.get("kind"),
        override_reason=answers.get("kind_reason") or "",
    )


def unsaid(answers: Answers) -> list[str]:
    """The answers that the rules look at and that nobody has given, most decisive first."""
    return [key for key in DECISIVE if not is_said(answers, key)]


# ------------------------------------------------------------------------------------- what stands in a model's way


def _blockers(answers: Answers, plan: Plan) -> Iterator[str]:
    past, labelled = answers.get("past_cases") or 0, answers.get("labelled_cases") or 0
    short, rows = planned(plan, "test.shortfall"), planned(plan, "test.rows")
    counted = is_said(answers, "labelled_cases")
    if short is not None and short > 0:
        needed = f"needs {number(rows)} labelled rows" if rows is not None else "needs more labelled rows"
        held = f"{number(short)} of them are missing, beside the {number(labelled)} known" if counted else UNCOUNTED
        yield f"The acceptance test {needed}; {held}."
    elif not labelled and counted:
        yield f"None of the {number(past)} past cases has a known right answer, so nothing can be shown yet."
    elif not labelled:
        yield f"Nothing can be shown yet: {UNCOUNTED}."
    if answers.get("label_source") == "none":
        yield "Right answers come from nowhere (label_source = none), so no model can be tested or watched."
    ceiling, target = planned(plan, "labels.ceiling"), _target(answers, plan)
    if ceiling is not None and target is not None and _beyond(answers, ceiling, target):
        yield (
            f"The labels' own disagreement caps the measurable {answers.get('metric')} at {number(ceiling)}, short of "
            f"the target of {number(target)}: raise label_agreement first."
        )

    for finding in plan.get("findings", ()):
        if finding["changes_advice"] and finding["name"] not in UNPAID:
            yield f"{finding['sentence']} {finding['remedy']}"


def _target(answers: Answers, plan: Plan) -> float | None:
    typed: float | None = answers.get("target_value")
    computed: float | None = planned(plan, "acceptance.target")
    return computed if typed is None else typed


def _beyond(answers: Answers, ceiling: float, target: float) -> bool:
    return direction(answers) == "higher" and ceiling < target
