"""What the plan on a page says beside the six lines: the picture, what is assumed, what is open, what would stop it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.number import entries
from mlscaffold.rendering.forms import lines, taken
from mlscaffold.rendering.schedule import Risks
from mlscaffold.wording import MARK, Page, mermaid, number

Row = Mapping[str, Any]

PHASES = {
    "ml": {
        "p0": "Decision",
        "p1": "Data, labels, baseline",
        "p2": "Experiments",
        "p3": "Acceptance",
        "p4": "What runs it",
        "p5": "Shadow and canary",
    },
    "software": {
        "p0": "Decision",
        "p1": "Requirements and design",
        "p2": "Slices",
        "p3": "Acceptance",
        "p4": "What runs it",
        "p5": "Gradual release",
    },
}
SECTIONS = {"p0": "Before the gate", "p1": "Before the gate", "p2": "Work", "p4": "Work", "p3": "Release"}
MOST = 4  # rows of a list here; the whole of it is linked


class OnePage:
    """The page that is read first, and by most alone."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers, self._plan, self._kind = answers, plan, answers.kind
        self._tasks: list[Row] = plan["schedule"]["tasks"]
        self._by_id = {task["id"]: task for task in self._tasks}
        known = [entry for _, entry in entries(plan) if entry["value"] is not None]
        moved = Counter(key for entry in known for key in entry.get("rests_on", ()))
        ranked = sorted(plan["assumptions"], key=lambda row: -moved[row["key"]])
        self.assumed: list[Row] = [{**row, "value": taken(row), "moves": moved[row["key"]]} for row in ranked[:MOST]]
        self.assumed_more = len(ranked) - len(self.assumed)
        open_rows = [*self._findings(), *self._severe()]
        self.open: list[Row] = open_rows[:MOST]
        self.open_more = len(open_rows) - len(self.open)

    # -------------------------------------------------------------------------------------------- the picture

    @property
    def bars(self) -> str:
        """The lines of a Gantt chart: a bar a phase, a diamond a gate, and the end at even odds and at four in five."""
        return Page(lines(self._bars()))  # a picture knows no marks

    def _bars(self) -> Iterator[str]:
        for section in ("Before the gate", "Work", "Release"):
            yield f"  section {section}"
            for phase, title in PHASES[self._kind].items():
                if SECTIONS.get(phase, "Release") == section:
                    yield from self._bar(phase, title)
            if section == "Before the gate":
                yield self._gate("g1")
        yield self._gate("g5")
        for name, title in (("p50", "Even odds (P50)"), ("p80", "Four in five (P80)"), ("deadline", "Appetite ends")):
            yield f"  {title} :milestone, {name}, {self._plan['schedule'][name]['value']}, 0d"

    def _bar(self, phase: str, title: str) -> Iterator[str]:
        found = [task for task in self._tasks if task["phase"] == phase]
        if found:
            begun, ended = min(task["start"] for task in found), max(task["end"] for task in found)
            yield f"  {title} :{phase}, {begun}, {ended}"

    def _gate(self, id: str) -> str:
        task = self._by_id[id]
        return f"  {mermaid(task['title'])} :milestone, {id}, {task['end']}, 0d"

    # -------------------------------------------------------------------------------------------- what is open

    def _findings(self) -> Iterator[Row]:
        """What stands in the way of the plan is the product owner's, and due before the charter is done.

        The remedy of each is in the charter's table, which the page links.
        """
        owner, due = self._plan["people"]["roles"]["PO"], self._by_id["charter"]["end"]
        for finding in self._plan["findings"]:
            yield {"what": finding["sentence"], "owner": owner, "due": due, "rests_on": finding["rests_on"]}

    def _severe(self) -> Iterator[Row]:
        risks = Risks(self._answers, self._plan)
        for risk in risks.active:
            if risk["id"] in risks.severe:
                yield {
                    "what": f"{risk['id']} {risk['risk']}",
                    "owner": risk["owner"],
                    "due": risk["due"],
                    "rests_on": [],
                }

    # -------------------------------------------------------------------------------------------- what would stop it

    @property
    def stops(self) -> list[str]:
        """What ends the project or sends it back, each with its day where there is one."""
        advice = self._plan["advice"]
        first = []
        if advice["overruled"]:
            first = [
                f"The charter, by {self._ends('charter')}, follows the advice after all: {advice['recommendation']}"
                f"{self._unspent()}."
            ]
        return [*first, *(self._ml_stops() if self._kind == "ml" else self._software_stops())]

    def _unspent(self) -> str:
        """What following the advice against a model leaves unspent: its experiments."""
        if self._kind != "ml":
            return ""
        days = self._plan["schedule"]["iteration_days"]
        marked = f"{number(days)}{MARK if days.get('rests_on') else ''}"
        return f", saving {marked} days of experiments"

    def _ml_stops(self) -> Iterator[str]:
        if "labels_found" in self._by_id:
            yield f"Nobody has found a source of right answers by {self._ends('labels_found')}."
        if "privacy_answer" in self._by_id:
            yield f"The use of special data is not allowed by {self._ends('privacy_answer')}."
        gain, metric = self._plan["acceptance"]["min_gain"], self._plan["metric"]["title"]
        marked = f"{number(gain)}{MARK if gain.get('rests_on') else ''}"
        asked = f"{marked} of {metric}" if gain["value"] is not None else f"a useful gain in {metric}"
        yield f"The baseline, measured by {self._ends('baseline')}, leaves no room for {asked}: then the rule ships."
        money = self._plan["acceptance"]
        if money["value_month"]["value"] is not None and money["payback_months"]["value"] is None:
            yield "At these costs it never pays back, and nobody finds cheaper ones or a dearer error before the gate."
        count = self._plan["iterations"]["max"]["value"]
        many = f"{count:,} experiments" if count > 1 else "one experiment"
        yield f"After {many}, or on {self._ends('experiments')}, none has shown that gain."
        yield "The test data say FAIL, and no agreed threshold is moved after that."

    def _software_stops(self) -> Iterator[str]:
        objective, ceiling = (self._plan["slo"][name]["value"] for name in ("objective", "ceiling"))
        if objective is not None and ceiling is not None and ceiling < objective:
            yield "The objective stays above what the dependencies allow: no design reaches it."
        yield f"Users and product owner have not agreed on the requirements by {self._ends('g1')}."
        yield "A capability is not done after two iterations, and no smaller form of it is worth having."
        yield f"A must scenario still fails on {self._ends('acceptance')}, and whoever asked for it will not wait."

    def _ends(self, task: str) -> str:
        return str(self._by_id[task]["end"])
