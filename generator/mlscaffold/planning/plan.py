"""The whole plan: every group of numbers and every list, computed from the answers and put together as plain data."""

import functools
import hashlib
import json
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning import plausibility, risks
from mlscaffold.planning.acceptance import criteria, iterations, labels, metrics, money, sample_size, slices
from mlscaffold.planning.acceptance.metrics import Metric
from mlscaffold.planning.acceptance.worth import is_priced
from mlscaffold.planning.assumptions import assumptions
from mlscaffold.planning.number import Numbers, nested, tidy, value_of
from mlscaffold.planning.operations import capacity, monitoring, promotion, slo, yearly_cost
from mlscaffold.planning.requirements import specification
from mlscaffold.planning.schedule import backlog, dated_lists, dates, people, waiting
from mlscaffold.planning.terms import terms


def compute(answers: Answers) -> dict[PlanKey, Any]:
    """The plan as nested plain data, ready for JSON: same answers, same bytes."""
    words = terms(answers)
    numbers = _ml(answers) if answers.kind == "ml" else _software(answers)
    schedule = dates.build(answers, numbers)
    numbers |= _checked(answers, dates.schedule(answers, schedule))
    if answers.kind == "software":
        numbers |= _checked(answers, dates.iterations(answers, schedule))
    plan: dict[PlanKey, Any] = {"kind": answers.kind, "answers_sha256": fingerprint(answers)}
    plan |= nested(numbers, words)
    plan["schedule"] |= dated_lists.lists(answers, schedule, numbers)
    plan |= {
        "people": people.people(answers),
        "risks": risks.risks(answers, numbers, schedule),
        "assumptions": assumptions(answers, numbers),
        "findings": plausibility.findings(answers, numbers),
    }
    if answers.kind == "ml":
        plan |= {"metric": metrics.of(answers).as_json(), "hypotheses": backlog.hypotheses(answers)}
    else:
        plan["requirements"] = specification.requirements(answers, numbers)
        plan["slo"]["burn"] = slo.burn_alerts(answers)
    plan["backlog"] = backlog.backlog(answers, numbers, schedule, plan.get("requirements", ()))
    return tidy(plan)  # type: ignore[no-any-return]


def sealed(plan: dict[PlanKey, Any]) -> dict[PlanKey, Any]:
    """The plan with its own hash: the gates of the rendered repository see a number or a date edited by hand."""
    return plan | {"seal": _hash(json.loads(json.dumps(plan)))}


def fingerprint(answers: Answers) -> str:
    """What plan.json remembers of project.yaml: the hash of the answers' texts, whatever their order or layout."""
    return _hash(answers.recorded)


def _hash(content: Any) -> str:
    """Hash of plain data, whatever its order or layout; the rendered repository computes the same one."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


# Passes in which the cost of labels and the rows to label follow each other; most plans agree in the second.
MOST_PASSES = 8


def _ml(answers: Answers) -> Numbers:
    """The numbers of an ML plan, in the order in which they need each other.

    Build cost holds the labels that the rows take, and the rows follow from the gain that pays the build cost, so
    both are worked out again with the other's last figure until they agree.
    """
    metric = metrics.of(answers)
    checked = functools.partial(_checked, answers)
    numbers, days = _agreed(answers, metric)
    numbers |= checked(_kept_from(answers, metric, numbers))
    numbers |= checked(waiting.labelling_days(answers, numbers, days) | waiting.wait(answers, numbers))
    phase = value_of(numbers, "schedule.iteration_days")
    numbers |= iterations.curve() | checked(iterations.iterations(answers, metric, numbers, phase))
    numbers |= checked(monitoring.signals_and_release(answers, numbers))
    return numbers | checked(capacity.capacity(answers))


def _agreed(answers: Answers, metric: Metric) -> tuple[Numbers, int | None]:
    """The numbers in which the labels that are paid for are those that the rows take, and their person-days.

    Where no figure is both, because the price of labels takes the gain out of reach, the larger is paid for: a payback
    that leaves labels unpaid would be none.
    """
    passes: dict[int | None, int | None] = {}
    days: int | None = 0
    while True:
        numbers, found = _sized(answers, metric, days)
        if found == days:
            return numbers, days
        passes[days] = found
        if found in passes or len(passes) == MOST_PASSES:
            break
        days = found
    days = max(filter(None, passes), default=0)
    return _sized(answers, metric, days)[0], days


def _kept_from(answers: Answers, metric: Metric, numbers: Numbers) -> Numbers:
    """What an error has to cost, held against the plan in which it is answered.

    Only where nobody has answered it and the target pays back too late: there the plan promises something from it.
    """
    found = numbers["acceptance.break_even_cost"]
    target, months = (value_of(numbers, key) for key in ("acceptance.target", "acceptance.payback_months"))
    in_time = months is not None and months <= answers.payback_limit_months
    if target is None or in_time or is_priced(answers, metric):
        return {"acceptance.break_even_cost": found}
    key = money.break_even_key(answers, metric)

    def months_at(cost: float) -> float | None:
        there = answers.changed({key: f"{cost:.12g}", "target_value": repr(float(target))})  # a stand-in would move
        months: float | None = value_of(_agreed(there, metrics.of(there))[0], "acceptance.payback_months")
        return months

    return {"acceptance.break_even_cost": money.kept_from(answers, metric, found, months_at)}


def _sized(answers: Answers, metric: Metric, labelling: int | None) -> tuple[Numbers, int | None]:
    """Effort, gain, rows and labels, where people label for so many person-days; and how many those labels take."""
    checked = functools.partial(_checked, answers)
    numbers = checked(dates.effort(answers, labelling))
    numbers |= _account(answers, metric, numbers)
    numbers |= checked(sample_size.test_set(answers, metric, numbers))
    numbers |= checked(slices.slices(answers, metric, numbers))
    numbers |= checked(labels.labels(answers, metric, numbers))
    return numbers, waiting.labelling(answers, numbers)


ROUNDS = 12


def _account(answers: Answers, metric: Metric, earlier: Numbers) -> Numbers:
    """Success, what it takes to keep it, and what both are worth: the numbers that one yearly total runs through.

    The gain that pays follows from the yearly total, and what is retrained, checked and labelled from that gain. The
    total is made of whole days and rows, so a few rounds settle it; where two totals take turns, the gain is counted
    with the larger, and so never too small.
    """
    effort, year = value_of(earlier, "schedule.effort_days"), 12 * answers.monthly_run_budget
    for turn in range(ROUNDS):
        money_of = criteria.acceptance(answers, metric, effort, year)
        kept = _checked(answers, promotion.promotion(answers, metric, money_of))
        kept |= _checked(answers, monitoring.kept(answers, money_of))
        spent = yearly_cost.yearly_cost(answers, money_of | kept)
        total = spent["upkeep.total"].value
        if total == year or (turn > ROUNDS // 2 and total <= year):
            break
        year = max(total, year) if turn >= ROUNDS // 2 else total
    money_of |= spent  # amounts that no page may show are still counted with
    return _checked(answers, money_of | money.returns(answers, metric, money_of)) | kept


def _software(answers: Answers) -> Numbers:
    numbers = dates.effort(answers) | slo.objectives(answers) | capacity.capacity(answers)
    return _checked(answers, numbers)


def _checked(answers: Answers, numbers: Numbers) -> Numbers:
    words = terms(answers)
    return {key: plausibility.settled(answers, key, number, words) for key, number in numbers.items()}
