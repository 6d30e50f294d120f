"""The work of each kind of project: tasks, what they follow, whose they are, and three-point effort in person-days.

The figures are proposals for a first project of a team that knows its tools; they are shown as assumptions.
"""

from dataclasses import dataclass, replace

from mlscaffold.answers import Answers


@dataclass(frozen=True)
class Task:
    """One line of the schedule. `elapsed` tasks are waiting, not working: no share of a week makes them shorter."""

    id: str
    title: str
    after: tuple[str, ...]
    role: str
    effort: tuple[float, float, float]
    gate: str | None = None
    elapsed: bool = False

    @property
    def mean(self) -> float:
        """The PERT mean of the effort."""
        low, likely, high = self.effort
        return (low + 4 * likely + high) / 6


ML = (
    Task("p0a", "Charter, and the decision for or against ML", (), "ds", (2, 4, 8)),
    Task("p0b", "Baseline measured", ("p0a",), "ds", (3, 5, 10)),
    Task("p1a", "Data access and availability", ("p0a",), "de", (3, 8, 20)),
    Task("p1b", "Data quality report", ("p1a",), "de", (4, 7, 15)),
    Task("p1c", "Labelling guide, pilot and agreement", ("p1a",), "ds", (5, 8, 15)),
    Task("p1d", "Test set labelled", ("p1c",), "ds", (6, 10, 18)),
    Task("p1e", "Data pipeline reproducible", ("p1a",), "mle", (8, 12, 20)),
    Task("p1f", "Training and evaluation harness", ("p1e",), "ds", (4, 6, 12)),
    Task("g1", "Gate G1 signed", ("p0b", "p1b", "p1d", "p1f"), "po", (1, 1, 3), "G1", elapsed=True),
    Task("p2", "Experiments", ("g1",), "ds", (20, 30, 40)),
    Task("p3", "Acceptance and negotiation", ("p2",), "ds", (3, 5, 8)),
    Task("p4", "Serving, load test and rollback drill", ("g1",), "swe", (10, 15, 25)),
    Task("p5", "Shadow and canary", ("p3", "p4"), "ops", (10, 12, 20), elapsed=True),
    Task("g5", "Gate G5 reached: monitoring is live", ("p5",), "po", (1, 1, 2), "G5", elapsed=True),
)

SOFTWARE = (
    Task("p0a", "Charter and decision on the approach", (), "swe", (2, 3, 6)),
    Task("p0b", "Current practice measured", ("p0a",), "swe", (1, 2, 5)),
    Task("p1a", "Requirements elicited", ("p0a",), "swe", (3, 6, 12)),
    Task("p1b", "Quality scenarios and objectives", ("p1a",), "swe", (2, 3, 6)),
    Task("p1c", "Architecture and interfaces", ("p1a",), "swe", (3, 5, 10)),
    Task("p1d", "Environments and CI", ("p1a",), "ops", (2, 4, 8)),
    Task("g1", "Gate T1 signed", ("p0b", "p1b", "p1c", "p1d"), "po", (1, 1, 3), "T1", elapsed=True),
    Task("p3", "Acceptance", ("p2",), "swe", (2, 3, 6)),
    Task("p4", "Deployment, load test and drills", ("p2",), "ops", (4, 6, 12)),
    Task("p5", "Gradual release", ("p3", "p4"), "ops", (2, 4, 8), elapsed=True),
    Task("g5", "Gate T4 reached: in operation", ("p5",), "po", (1, 1, 2), "T4", elapsed=True),
)

CAPABILITY = (3.0, 5.0, 9.0)  # effort of building one capability


def tasks(answers: Answers, label_weeks: float | None = None) -> list[Task]:
    """The tasks of this project, each after what it follows. `label_weeks` (F15) is how long people will label."""
    if answers.kind == "software":
        return _software(answers.capabilities)
    return [_labelled(task, answers, label_weeks) if task.id == "p1d" else task for task in ML]


def _labelled(task: Task, answers: Answers, label_weeks: float | None) -> Task:
    """Labels from people take the weeks that F15 says; labels from logs are joined and checked by an engineer."""
    if answers.label_source == "logs":
        return replace(task, title="Test set assembled from the logs", role="de")
    if not label_weeks:
        return task
    days = 5 * label_weeks
    return replace(task, role="expert", effort=(0.8 * days, days, 1.5 * days), elapsed=True)


def _software(capabilities: tuple[str, ...]) -> list[Task]:
    """One task a capability, each after gate T1; acceptance waits for all of them."""
    built = [
        Task(f"p2{letter}", capability, ("g1",), "swe", CAPABILITY)
        for letter, capability in zip("abcdefghijkl", capabilities, strict=False)
    ]
    every = tuple(task.id for task in built)
    return [
        *(task for task in SOFTWARE if is_early(task)),
        *built,
        *(
            replace(task, after=every if task.after == ("p2",) else task.after)
            for task in SOFTWARE
            if not is_early(task)
        ),
    ]


def is_early(task: Task) -> bool:
    """Whether the task belongs to the sequential phase before the first experiment or iteration."""
    return task.id[:2] in ("p0", "p1", "g1")
