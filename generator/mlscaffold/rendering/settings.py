"""The settings that a product reads: what its README, its .env.example and its settings.py say of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.requirements.verbs import approvals
from mlscaffold.rendering.forms import called_for, is_guarded, is_served, lets_in, stores, with_roles
from mlscaffold.wording import identifier


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, what it is, its default as the environment spells it; empty for none."""

    variable: str
    about: str
    default: str = ""
    where_empty: str = "none"  # what an empty one means
    system: bool = False  # whether it is the address of a system that the product asks

    @property
    def field(self) -> str:
        """Its name in settings.py: that of the variable, but for one that begins as no field may."""
        return self.variable.lower() if self.variable[0].isalpha() else f"at{self.variable.lower()}"


def settings(answers: Answers, plan: Mapping[PlanKey, Any]) -> dict[str, Setting]:
    """Every setting by its variable, in the order in which they are read about."""
    package, model = answers.package_name, answers.ml_component
    served, asks = is_served(answers), bool(answers.dependencies)
    kept, let_in = served and stores(answers), lets_in(answers)
    # A system of such a name is found where the product's own is.
    own = called_for((kept, "DATABASE_URL"), (bool(model), "MODEL_URL"), (kept, "OUTBOX_URL"))
    postgres = "PostgreSQL with `pip install -e .[postgres]` and `postgresql+pg8000://…`"
    known = f"who is known: `ana=HASH bo=HASH`, each made by `python -m {package} token NAME`"
    judgements = "the folder of judgements and decisions; machines that answer together share it"
    stand_ins = "`stand-in` to take systems without an address as answering, for your own machine"
    log = "the folder of the access log: who asked for what, and which records were shown"
    traces = "where traces and figures go by OTLP over HTTP, with `pip install -e .[otel]`"
    unreached = "none: it counts as not answering"
    systems = [
        Setting(variable_of(name), f"the address of {_words(name)}", where_empty=unreached, system=True)
        for name in answers.dependencies
        if variable_of(name) not in own
    ]
    found = called_for(
        (bool(model), [Setting("PREDICTION_LOG", judgements, "predictions")]),
        (kept, [Setting("DATABASE_URL", f"where records are kept; {postgres}", "sqlite:///local.db")]),
        (served, [Setting("HOST", "the address on which it listens", "127.0.0.1")]),
        (served, [Setting("PORT", "the port on which it listens, from 1 to 65535", "8000")]),
        (served, [Setting("MAX_BODY_BYTES", "the most bytes that a request may have", "1000000")]),
        (
            served,
            [Setting("RELEASE", "the name of the release, shown at `/healthz`", where_empty="the version")],
        ),
        (served, [Setting("LOG_QUIET", "`true` to leave single requests out of the log, or `false`", "false")]),
        (served or answers.deliverable == "batch", [Setting("OTEL_EXPORTER_OTLP_ENDPOINT", traces)]),
        (True, systems),
        (asks, [Setting("DEPENDENCIES", stand_ins, where_empty="empty")]),
        (bool(model), [Setting("MODEL_URL", "the address of the model service", str(model))]),
        (kept or answers.deliverable == "batch", [Setting("BACKUPS", "the folder of backups", "backups")]),
        (kept, [Setting("OUTBOX_URL", "the address to which `deliver` sends what waits")]),
        (let_in, [Setting("ACCESS_TOKENS", known, where_empty="none: everybody is refused")]),
        (with_roles(answers), [Setting("ACCESS_ROLES", _roles(answers))]),
        (let_in, [Setting("ACCESS_LOG", log, "access")]),
    )
    return {setting.variable: setting for group in found for setting in group}


def _roles(answers: Answers) -> str:
    """Who may do what not everybody may, with an example."""
    approve, erase = bool(approvals(answers)), is_guarded(answers)
    acts = " and who may ".join(called_for((approve, "approve"), (erase, "erase")))
    examples = " ".join(called_for((approve, "ana=approver"), (erase, "bo=eraser")))
    return f"who may {acts}: `{examples}`"


def variable_of(system: str) -> str:
    """The variable that holds the address of a system."""
    return f"{identifier(system).upper()}_URL"


def _words(system: str) -> str:
    """A system's name in letters that every file may hold."""
    return identifier(system).strip("_").replace("_", " ")
