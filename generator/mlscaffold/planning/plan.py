"""The whole plan: every group of numbers and every list, computed from the answers and put together as plain data."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlscaffold import questions
from mlscaffold.answers import Answers
from mlscaffold.planning import acceptance, iterations, labels, metrics, monitoring, sizes
from mlscaffold.planning.number import Number, Numbers, bounded, findings, nested, tidy


def compute(answers: Answers) -> dict[str, Any]:
    """The plan as nested plain data, ready for JSON: same answers, same bytes."""
    head: dict[str, Any] = {"kind": answers.kind, "answers_sha256": fingerprint(answers)}
    numbers, lists = _ml(answers) if answers.kind == "ml" else _software(answers)
    lists["assumptions"] = assumptions(answers, numbers)
    return head | nested(numbers) | tidy(lists) | {"findings": findings(numbers)}


def fingerprint(answers: Answers) -> str:
    """What plan.json remembers of project.yaml: the hash of the answers' texts, whatever their order or layout."""
    text = json.dumps(answers.recorded, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _ml(answers: Answers) -> tuple[Numbers, dict[str, Any]]:
    metric = metrics.of(answers)
    effort_days, phase_days = 114.0, 30.0
    numbers = _checked(acceptance.acceptance(answers, metric, effort_days))
    numbers |= _checked(sizes.test_set(answers, metric, numbers))
    numbers |= _checked(sizes.slices(answers, metric, numbers))
    numbers |= _checked(labels.labels(answers, metric, numbers))
    numbers |= iterations.curve(metric) | _checked(iterations.iterations(answers, metric, numbers, phase_days))
    numbers |= _checked(sizes.promotion(answers, metric, numbers))
    numbers |= _checked(monitoring.monitoring(answers, numbers))
    return numbers, {"metric": metric.as_json()}


def _software(answers: Answers) -> tuple[Numbers, dict[str, Any]]:
    return {}, {}


def _checked(numbers: Numbers) -> Numbers:
    return {key: bounded(number) for key, number in numbers.items()}


# ------------------------------------------------------------------------------------------------ assumptions


def assumptions(answers: Answers, numbers: Mapping[str, Number]) -> list[dict[str, Any]]:
    """Critical answers that are defaults and that nobody has confirmed, with the numbers each one drives."""
    known = questions.load()
    gate = "G1.11" if answers.kind == "ml" else "T1.3"
    return [
        {
            "key": key,
            "question": known[key].text,
            "value": answers.raw[key],
            "why": known[key].why,
            "gate": gate,
            "drives": [name for name, number in numbers.items() if key in number.inputs],
        }
        for key in answers.recorded
        if known[key].critical and answers.provenance(key) == "default"
    ]
