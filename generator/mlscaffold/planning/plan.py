"""The whole plan: every group of numbers and every list, computed from the answers and put together as plain data."""

import hashlib
import json
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, bounded, findings, nested


def compute(answers: Answers) -> dict[str, Any]:
    """The plan as nested plain data, ready for JSON: same answers, same bytes."""
    numbers: Numbers = {}
    plan = {"kind": answers.kind, "answers_sha256": fingerprint(answers)}
    return plan | nested({key: bounded(number) for key, number in numbers.items()}) | {"findings": findings(numbers)}


def fingerprint(answers: Answers) -> str:
    """What plan.json remembers of project.yaml: the hash of the answers' texts, whatever their order or layout."""
    text = json.dumps(answers.recorded, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
