"""What a software product's architecture page says by the answers: neighbours, parts, rules, changes."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import called_for, is_guarded, is_served, lets_in, lines, stores, with_roles
from mlscaffold.wording import cell, mermaid

CALLERS = {"library": "Calling code", "batch": "Schedule"}
ENTRIES = {
    "served": "| `api.py` | HTTP, validation, health and metrics | what a capability does |",
    "batch": "| `run.py` | reading the file, writing results in one step | what a capability does |",
    "cli": "| `run.py` | arguments, output and exit codes | what a capability does |",
    "library": "| `__init__.py` | which names are public | what a capability does |",
}


class Architecture:
    """The page's prepared lines, each worked out when the page asks for it."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers = answers
        self._served = is_served(answers)
        self._stores = stores(answers)
        self._guarded = is_guarded(answers)
        self._faults = [one for one in plan["requirements"] if one["kind"] == "fault"]

    @property
    def context(self) -> str:
        """The arrows of the first picture: who calls it, and what it calls."""
        answers = self._answers
        caller = CALLERS.get(answers.deliverable, "User")
        systems = [f'  it --> d{at}["{mermaid(name)}"]' for at, name in enumerate(answers.dependencies, 1)]
        more = called_for(
            (bool(answers.ml_component), '  it --> model["Model service"]'),
            (self._stores, f'  it --> store[("{answers.data_class} data")]'),
        )
        return lines([f'  user["{caller}"] --> it["{mermaid(answers.project_name)}"]', *systems, *more])

    @property
    def blocks(self) -> str:
        """The rows of the parts beside the capabilities: what each knows, and must not know."""
        answers = self._answers
        asks, model = bool(answers.dependencies), bool(answers.ml_component)
        systems = cell(", ".join(answers.dependencies))
        forms = "forms, wording, what a reader with a keyboard or a screen reader meets"
        kept = "how records are kept" + ("" if self._stores else " (today none are)")
        calls = f"whether {systems} answer, how soon, and which can be missing"
        tables, maintenance = "the tables, and which columns are personal", "backup, restore, retention of every table"
        pages = ", `review_pages.py`" if self._served else ""
        roles = ", who may do what" if with_roles(answers) else ""
        sessions = ", sessions" if answers.deliverable == "web-app" else ""
        resilience = "time limit, retry budget, and rest for a neighbour that fails"
        return lines(
            [
                ENTRIES["served" if self._served else answers.deliverable],
                *called_for(
                    (answers.deliverable == "web-app", f"| `pages.py`, `page.html` | {forms} | HTTP details |"),
                    (
                        self._served,
                        "| `routers/`, `routing.py` | addresses, models and statuses of each capability | any rule |",
                    ),
                    (self._served, "| `settings.py` | what differs between environments | who reads it |"),
                    (
                        self._served,
                        "| `door.py`, `logs.py`, `metrics.py` | a request's size, its id, headers, log lines, seconds "
                        "| what is asked |",
                    ),
                    (
                        self._served or answers.deliverable == "batch",
                        "| `telemetry.py` | traces and figures for OpenTelemetry | contents, and words of failures |",
                    ),
                    (self._served, f"| `store.py` | {kept} | who asked for them |"),
                    (self._served and self._stores, f"| `tables.py`, `migrations/` | {tables} | who asks for them |"),
                    (self._served and self._stores, "| `outbox.py` | what waits to be told elsewhere | what it says |"),
                    (
                        self._served and self._stores,
                        f"| `backups.py`, `maintenance.py` | {maintenance} | what a row means |",
                    ),
                    (asks, f"| `dependencies.py` | {calls} | what for |"),
                    (
                        model,
                        "| `model.py` | the model's columns, its answers, the fallback rule "
                        "| what is done with the judgement |",
                    ),
                    (
                        model,
                        f"| `review.py`{pages} | the log of judgements, what people decided about them, labels "
                        "| how the model came to it |",
                    ),
                    (asks or model, f"| `resilience.py` | {resilience} | what is asked |"),
                    (
                        lets_in(answers),
                        f"| `access.py` | who is known{roles}{sessions}, the access log | what a record holds |",
                    ),
                    (
                        self._stores and self._guarded,
                        "| `deletion.py` | every place where a person's records are | why they are to go |",
                    ),
                ),
            ]
        )

    @property
    def failing(self) -> str:
        """What fails in the second picture, by which its part is named."""
        if self._answers.dependencies:
            return "system"
        return "model" if self._answers.ml_component else "request"

    @property
    def softened(self) -> bool:
        """Whether it goes on without the first system."""
        return "degraded" in self._faults[0]["text"]

    @property
    def rules(self) -> str:
        """The rules that hang on what it is and what it keeps."""
        answers = self._answers
        apart = "; `PREDICTION_LOG` alone names the subject, because a person has to know what to look at"
        held = "personal or regulated data" if self._guarded else "secrets"
        logs = f"- Logs name records by their key and hold no {held}"
        said = {
            "cli": "- Messages go to standard error, results to standard output.",
            "library": "- Messages go to the caller as exceptions; nothing is printed.",
        }
        let_in = (
            "- Whoever is not known is refused before anything is read, "
            "and nothing is shown that the access log does not hold."
        )
        schema = "- A schema change works with the version before it, so that a rollback never needs one."
        exception = apart if answers.ml_component and self._guarded else ""
        return lines(
            [
                said.get(answers.deliverable, f"{logs}{exception}."),
                *called_for((lets_in(answers), let_in), (self._stores, schema)),
            ]
        )

    @property
    def changes(self) -> str:
        """The rows of changes and of the one part that each reaches."""
        store = "`store.py`" if self._served else "`ledger.py`"
        field = "the entry, as an added optional field, never renamed"
        workers = "the number of workers first, then one measure of section 4"
        return lines(
            [
                f"| a field of the interface | {field} | an older call stays valid |",
                *(
                    f"| {cell(name)} is replaced | `dependencies.py` | its fault requirement stays |"
                    for name in self._answers.dependencies
                ),
                *called_for(
                    (self._stores, f"| the database | {store} | capabilities never see a row |"),
                    (self._served, f"| ten times the volume | {workers} | no worker keeps state |"),
                ),
            ]
        )
