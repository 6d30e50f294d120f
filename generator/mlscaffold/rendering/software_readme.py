"""What a software repository's README says by the answers: lines to type, settings, the tree."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.requirements.verbs import approvals
from mlscaffold.rendering.delivered import DELIVERED
from mlscaffold.rendering.forms import called_for, is_guarded, is_served, lets_in, lines, stores
from mlscaffold.rendering.requirements import first_done
from mlscaffold.rendering.settings import settings, variable_of
from mlscaffold.wording import Page, as_text

LET_IN = 'ACCESS_TOKENS="$(.venv/bin/python -m {package} token you --is try-me)"'


class SoftwareReadme:
    """The README's prepared words, each worked out when the page asks for it."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers = answers
        self._plan = plan
        self._served = is_served(answers)
        self._stores = stores(answers)
        self._guarded = is_guarded(answers)
        self._promised = answers.is_asked("slo_percent")
        self._strict = answers.rigor == "strict"
        self._composed = answers.deploy == "container" and self._served and self._stores
        self._let_in = lets_in(answers)

    @property
    def first(self) -> str:
        """The function of the first capability, which the examples call."""
        return first_done(self._answers, self._plan)

    @property
    def path(self) -> str:
        """The same as a path and as a command spell it."""
        return self.first.replace("_", "-")

    @property
    def environment(self) -> str:
        """What stands before a command on one's own machine: stand-ins for other systems, a token."""
        token = LET_IN.format(package=self._answers.package_name)
        return "".join(
            f"{setting} "
            for setting in called_for(
                (bool(self._answers.dependencies), "DEPENDENCIES=stand-in"), (self._let_in, token)
            )
        )

    @property
    def key(self) -> str:
        """What a request shows to be let in."""
        return " -H 'Authorization: Bearer try-me'" if self._let_in else ""

    @property
    def container(self) -> str:
        """The same settings for `docker run`."""
        token = LET_IN.format(package=self._answers.package_name)
        return "".join(
            called_for(
                (bool(self._answers.dependencies), " --env DEPENDENCIES=stand-in"),
                (self._let_in, f" --env {token}"),
            )
        )

    @property
    def volume(self) -> str:
        """Where a container keeps what has to outlive it."""
        keeps = self._stores or self._answers.ml_component
        return f" --volume {self._answers.project_slug}-data:/data" if keeps else ""

    @property
    def addresses(self) -> str:
        """The setting of each system's address for `docker run`."""
        return ", ".join(f"`--env {variable_of(name)}=https://…`" for name in self._answers.dependencies)

    @property
    def softened(self) -> bool:
        """Whether the promise is kept only where a degraded result counts as one."""
        return self._promised and bool(self._plan["slo"]["soft"]["value"])

    @property
    def inspected(self) -> list[str]:
        """The requirements that neither a test nor a demonstration shows."""
        seen = ("test", "demonstration")
        return [one["id"] for one in self._plan["requirements"] if one["verification"] not in seen]

    @property
    def runs(self) -> str:
        """What `make run` does."""
        return DELIVERED[self._answers.deliverable].started

    @property
    def measurements(self) -> str:
        """The commands that measure, for the first evidence."""
        return lines(called_for((True, "make load"), (self._strict, "make audit")))

    @property
    def drills(self) -> str:
        """The drills that are rehearsed at once."""
        return lines(called_for((True, "make rollback-drill"), (self._strict and self._stores, "make restore-drill")))

    @property
    def checks(self) -> str:
        """The rows of commands that look at code and packages."""
        audited = self._answers.rigor != "light"
        return lines(
            called_for(
                (True, "| `make check` | format, lint, types, lock file, tests, wheel (T2.3) |"),
                (audited, "| `make audit` | secrets in the files, known weaknesses in the packages (T3.5, T4.6) |"),
            )
        )

    @property
    def rehearsals(self) -> str:
        """The rows of commands that rehearse what goes wrong in operation."""
        from_page = "; `--metrics URL` counts from a page of metrics instead" if self._served else ""
        budget = f'| `make budget ARGS="--total N --failed M"` | what is left of the error budget (T5.1){from_page} |'
        back = "| `make rollback-drill` | back to the release before on the same data, timed (T4.1) |"
        restored = "| `make restore-drill` | loses the data, restores it, compares every table (T4.3) |"
        alert = "| `make alert-test` | one test alert to the address in `ALERT_WEBHOOK` (T4.2) |"
        return lines(
            called_for((True, back), (self._stores, restored), (self._promised, alert), (self._promised, budget))
        )

    @property
    def settings(self) -> str:
        """A row for each variable that is read; nothing where none is."""
        kept = self._served and self._stores
        drills = "a PostgreSQL server on which tests and drills make databases of their own"
        found = settings(self._answers, self._plan).values()
        return Page(
            lines(
                [
                    *(
                        f"| `{one.variable}` | {as_text(one.about)} "
                        f"| {f'`{as_text(one.default)}`' if one.default else one.where_empty} |"
                        for one in found
                    ),
                    *called_for((kept, f"| `DRILL_DATABASE_URL` | {drills} | none: SQLite |")),
                ]
            )
        )

    @property
    def tools(self) -> str:
        """The lines of the tree for what checks and packs it."""
        return lines(
            called_for(
                (
                    bool(settings(self._answers, self._plan)),
                    _line(".env.example", "every setting, with its default and what it is"),
                ),
                (True, _line(".pre-commit-config.yaml", "format, lint and types before a commit")),
                (self._answers.deploy == "container", _line("Dockerfile", "the image, from the locked versions")),
                (self._composed, _line("compose.yaml", "the product with PostgreSQL, on one machine")),
                (
                    bool(self._answers.catalog_owner),
                    _line("catalog-info.yaml", "what the software catalogue is told of it"),
                ),
            )
        )

    @property
    def on_call(self) -> str:
        """The lines of the tree for who is called, and by what."""
        return lines(
            called_for(
                (self._promised, _line("ops/alerts.yaml", "burn-rate alerts, with the plan's figures")),
                (
                    self._promised and self._served,
                    _line("ops/dashboard.json", "for Grafana: the objective, its burn rates, the time of answers"),
                ),
                (True, _line("ops/oncall.yaml", "who is called, how, and how soon")),
            )
        )

    @property
    def modules(self) -> str:
        """The lines of the tree below the package."""
        answers, served = self._answers, self._served
        asks, model = bool(answers.dependencies), bool(answers.ml_component)
        kept = (
            "what it remembers, and that a request is done once"
            if self._stores
            else "the seam for a database: it keeps nothing"
        )
        rows = called_for(
            (asks, _line("  dependencies.py", "the systems it needs, and which of them answer")),
            (bool(settings(answers, self._plan)), _line("  settings.py", "every setting, read from the environment")),
            (served, _line("  api.py", "the HTTP interface, health, readiness, metrics")),
            (served, _line("  routers/", "how each capability is asked over HTTP, a file each")),
            (served, _line("  routing.py", "what the routers share: once, reading, how answers are described")),
            (served, _line("  door.py", "limit on a request's size, its id, headers")),
            (served, _line("  logs.py", "log lines, and what none of them holds")),
            (served, _line("  metrics.py", "how many requests, how long they took")),
            (
                served or answers.deliverable == "batch",
                _line("  telemetry.py", "traces and figures for OpenTelemetry, where asked for"),
            ),
            (served, _line("  store.py", kept)),
            (served and self._stores, _line("  tables.py", "the tables, and which columns are personal")),
            (served and self._stores, _line("  migrations/, migrating.py", "how the tables became what they are")),
            (served and self._stores, _line("  backups.py", "backup and restore of every table")),
            (served and self._stores, _line("  maintenance.py", "migrations, and what has been kept too long")),
            (served and self._stores, _line("  outbox.py", "what is told elsewhere once the work has held")),
            (answers.deliverable == "web-app", _line("  pages.py, page.html", "the pages")),
            (model, _line("  model.py", "the model service: its columns, its answers, the fallback rule")),
            (model, _line("  review.py", "judgements, what a person decided about them, labels")),
            (model and served, _line("  review_pages.py", "where that person sees warnings and decides")),
            (asks or model, _line("  resilience.py", "time limit, retry budget and rest for a neighbour that fails")),
            (self._let_in, _line("  access.py", "who may ask, and the access log")),
            (self._guarded and self._stores, _line("  deletion.py", "a person's data, deleted on request")),
            (answers.deliverable == "batch", _line("  ledger.py", "what was done, and copies of it")),
            (True, _line("  run.py", DELIVERED[answers.deliverable].program)),
        )
        return lines(rows)

    @property
    def tests(self) -> str:
        """The lines of the tree for the tests beside the scenarios."""
        answers, model = self._answers, bool(self._answers.ml_component)
        own = f"tests/test_{DELIVERED[answers.deliverable].tests}.py"
        browser = "the pages, and a real browser (browser.py) that fills in a form"
        stand_in = "the model service killed, slowed and fed nonsense; model_stand_in.py plays it"
        review = "decisions of people, labels, and the contract with a real model service"
        rows = called_for(
            (True, _line(own, f"{answers.deliverable} tests beyond the scenarios")),
            (
                bool(settings(answers, self._plan)),
                _line("tests/test_settings.py", "settings, and that .env.example lists them all"),
            ),
            (self._served and self._promised, _line("tests/test_dashboard.py", "that it asks for what is counted")),
            (answers.deliverable == "web-app", _line("tests/test_pages.py", browser)),
            (model, _line("tests/test_model.py", stand_in)),
            (model, _line("tests/test_review.py", review)),
            (self._let_in, _line("tests/test_access.py", "who is let in, the access log, deletion")),
            (
                bool(approvals(answers)),
                _line("tests/test_roles.py", "who may approve, and that nobody approves their own"),
            ),
        )
        return lines(rows)


def _line(path: str, about: str) -> str:
    return f"{path:<25} {about}"
