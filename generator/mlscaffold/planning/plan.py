"""The whole plan: every group of numbers and every list, computed from the answers and put together as plain data."""

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning import risks
from mlscaffold.planning.acceptance import criteria, iterations, labels, metrics, sample_size, slices
from mlscaffold.planning.assumptions import assumptions
from mlscaffold.planning.number import Numbers, bounded, findings, nested, tidy, value_of
from mlscaffold.planning.operations import capacity, monitoring, promotion, slo
from mlscaffold.planning.requirements import specification
from mlscaffold.planning.schedule import backlog, dated_lists, dates, people, waiting
from mlscaffold.planning.terms import terms


def compute(answers: Answers) -> dict[str, Any]:
    """The plan as nested plain data, ready for JSON: same answers, same bytes."""
    words = terms(answers)
    numbers = _ml(answers) if answers.kind == "ml" else _software(answers)
    schedule = dates.build(answers, numbers)
    numbers |= _checked(dates.schedule(answers, schedule), words)
    if answers.kind == "software":
        numbers |= _checked(dates.iterations(answers, schedule), words)
    plan = {"kind": answers.kind, "answers_sha256": fingerprint(answers)} | nested(numbers, words)
    plan["schedule"] |= dated_lists.lists(answers, schedule, numbers)
    plan |= {
        "people": people.people(answers),
        "risks": risks.risks(answers, numbers, schedule),
        "assumptions": assumptions(answers, numbers),
        "findings": findings(numbers),
    }
    if answers.kind == "ml":
        plan |= {"metric": metrics.of(answers).as_json(), "hypotheses": backlog.hypotheses(answers)}
    else:
        plan["requirements"] = specification.requirements(answers, numbers)
        plan["slo"]["burn"] = slo.burn_alerts(answers)
    plan["backlog"] = backlog.backlog(answers, numbers, schedule, plan.get("requirements", ()))
    return tidy(plan)  # type: ignore[no-any-return]


def sealed(plan: dict[str, Any]) -> dict[str, Any]:
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

    Build cost holds the labels that the rows take, and the rows follow from the gain that pays the build cost. So
    both are worked out again with the other's last figure until they agree; where they never do, with the larger.
    """
    metric = metrics.of(answers)
    checked = functools.partial(_checked, words=terms(answers))
    days: int | None = 0
    tried: list[int | None] = []
    numbers, found = _sized(answers, metric, days)
    while found != days and len(tried) < MOST_PASSES:
        tried.append(days)
        days = max(found or 0, days or 0) if found in tried else found
        numbers, found = _sized(answers, metric, days)
        found = days if found in tried else found
    numbers |= checked(waiting.labelling_days(answers, numbers, days) | waiting.wait(answers, numbers))
    phase = value_of(numbers, "schedule.iteration_days")
    numbers |= iterations.curve() | checked(iterations.iterations(answers, metric, numbers, phase))
    numbers |= checked(promotion.promotion(answers, metric, numbers))
    numbers |= checked(monitoring.monitoring(answers, numbers))
    return numbers | checked(capacity.capacity(answers))


def _sized(answers: Answers, metric: metrics.Metric, labelling: int | None) -> tuple[Numbers, int | None]:
    """Effort, gain, rows and labels, where people label for so many person-days; and how many those labels take."""
    checked = functools.partial(_checked, words=terms(answers))
    numbers = checked(dates.effort(answers, labelling))
    numbers |= checked(criteria.acceptance(answers, metric, value_of(numbers, "schedule.effort_days")))
    numbers |= checked(sample_size.test_set(answers, metric, numbers))
    numbers |= checked(slices.slices(answers, metric, numbers))
    numbers |= checked(labels.labels(answers, metric, numbers))
    return numbers, waiting.labelling(answers, numbers)


def _software(answers: Answers) -> Numbers:
    numbers = dates.effort(answers) | slo.objectives(answers) | capacity.capacity(answers)
    return _checked(numbers, terms(answers))


def _checked(numbers: Numbers, words: Mapping[str, str]) -> Numbers:
    return {key: bounded(key, number, words) for key, number in numbers.items()}
