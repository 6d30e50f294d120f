"""A small repository of a kind of its own: what the shared package does is held to no kind's gates here."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from planrun import gates
from planrun.catalogue import Listed
from planrun.gates import Gate, Result, Row
from planrun.repository import Repo, seal

KIND, PACKAGE = "toy", "planrun_toy"
LISTED = {
    "G0.1": Listed("Worth it", "light", {}, {}),
    "G1.2": Listed("Counted", "light", {}, {}),
    "G1.11": Listed("Assumed", "standard", {}, {}),
    "G1.lock": Listed("Locked", "light", {}, {}),
    "G2.1": Listed("Tried", "strict", {}, {}),
    "G2.2": Listed("Round", "light", {"compute": ("round",)}, {}),
}
ANSWERS = {
    "kind": KIND,
    "project_name": "Toy",
    "project_slug": "our-toy",
    "rigor": "standard",
    "compute": "square",
    "current_value": "",
    "team": "po=Ana:0.2; ds=Bo:1; swe=?:0.5",
}
ASSUMED = {"key": "compute", "question": "Which shape?", "value": "square", "why": "It rolls or not.", "gate": "G1.11"}
SMALL = {"value": 3.5, "unit": "days", "formula": "F01", "inputs": {}, "provenance": "computed", "note": ""}
OPEN = {**SMALL, "value": None, "inputs": {"baseline": 0.5}, "note": "Nobody has measured it."}


class Toy:
    """The repository in `root`, and what a person does to it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def repo(self) -> Repo:
        """The repository as its files are now."""
        return Repo(self.root)

    def write(self, path: str, text: str) -> None:
        """A file, with the folders that it needs."""
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text, "utf-8")

    def answer(self, **changed: str) -> None:
        """Other answers, and a plan that was computed from them."""
        answers = {**ANSWERS, **changed}
        self.write("plan/project.yaml", "".join(f"{key}: {json.dumps(text)}\n" for key, text in answers.items()))
        self.plan()

    def plan(self, **more: Any) -> None:
        """A plan for the answers as they stand, sealed."""
        numbers = {"test": {"rows": SMALL}, "acceptance": {"target": OPEN}}
        plan = {**numbers, "assumptions": [ASSUMED], "answers_sha256": self.repo.answers_sha256, **more}
        self.write("plan/plan.json", json.dumps({**plan, "seal": seal(plan)}))

    def git(self, *words: str, name: str = "Ana") -> str:
        """A git command under a person's name; what it says."""
        who = ("-c", f"user.name={name}", "-c", "user.email=somebody@example.org")
        done = subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def commit(self, name: str = "Ana") -> None:
        """All files as they are, in a commit of this person's."""
        self.git("add", "--all", name=name)
        self.git("commit", "--quiet", "--allow-empty", "-m", "as it is", name=name)

    def says(self, id: str, check: Callable[[Repo], Result], **settings: Any) -> None:
        """Register a check for a gate of the toy's."""
        gates.GATES[id] = Gate(id, LISTED[id].title if id in LISTED else id, check, **settings)

    def all_pass(self) -> None:
        """Every gate of the list has a check, and each passes."""
        for id in LISTED:
            self.says(id, lambda repo: gates.passed("Well."))

    def row(self, id: str) -> Row:
        """A gate's state now."""
        return gates.state_of(self.repo, id)

    def waive(self, **fields: str) -> None:
        """A waiver as somebody with an editor writes it, in a commit of the approver's."""
        rows: list[Mapping[str, str]] = [fields]
        self.write(gates.WAIVERS, json.dumps(rows))
        self.commit(fields.get("approver") or "Ana")
