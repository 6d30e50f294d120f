"""The scenarios of tests/acceptance/test_scenarios.py: which part of the template shows each, and what they import."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import is_served
from mlscaffold.rendering.requirements import must_tests

Row = Mapping[str, Any]

ABOUT = {
    "person": "a person decides",
    "security": "security",
    "approval": "approval",
    "reading": "reading",
    "deletion": "deletion",
}
FORMED = ("person", "security", "deletion")  # a product that is asked over HTTP shows these another way


class Scenarios:
    """What the file is filled with. A capability's own scenarios are in a file of their own."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers, self._plan, self._served = answers, plan, is_served(answers)
        self.rows = [*self._rows()]

    def _rows(self) -> Iterator[Row]:
        """Each requirement with its `part` of the template; of another system, with its name as `system`."""
        shown = must_tests(self._plan)
        faults, systems = [one for one in shown if one["kind"] == "fault"], list(self._answers.dependencies)
        soft = (self._plan["slo"]["soft"]["value"] or "").split(", ")
        yield from ({**one, "part": "input"} for one in shown if one["kind"] == "input")
        for one, system in zip(faults, systems, strict=False):  # one for each system that it asks, in that order
            yield {**one, "part": f"others-{'soft' if system in soft else 'hard'}", "system": system}
        yield from ({**one, "part": "model"} for one in faults[len(systems) :])
        for name, about in ABOUT.items():
            form = f"-{'served' if self._served else 'alone'}" if name in FORMED else ""
            yield from ({**one, "part": name + form} for one in shown if one["about"] == about)

    def _has(self, name: str) -> bool:
        return any(row["part"].startswith(name) for row in self.rows)

    @property
    def drive(self) -> str:
        """What starts the product and asks it."""
        return "http.Own" if self._served else "harness"

    @property
    def imports(self) -> str:
        """The import lines, in the order that a formatter gives them."""
        job = self._answers.deliverable == "batch" and self._has("deletion")
        used = {"deletion": job, "ledger": job, "review": self._answers.ml_component and not self._served}
        own = [name for name, needed in used.items() if needed]
        harness = ["from planrun_software import harness", "from planrun_software.harness.deliverable import Product"]
        if self._served:
            harness = [
                "from planrun_software.harness import http",
                "from planrun_software.harness.http import Service as Product",
            ]
        folders = any(row["part"] != "input" for row in self.rows)
        groups = [
            ["import json"] * (self._served and self._has("security")) + ["from pathlib import Path"] * folders,
            ["import pytest"],
            harness,
            [f"from {self._answers.package_name} import {', '.join(own)}"] * bool(own),
        ]
        return "\n\n".join("\n".join(lines) for lines in groups if lines)
