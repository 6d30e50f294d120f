"""The product's own commands, as the table in its `__main__.py` holds them: those alone that this product has."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import called_for, is_served, lets_in, lines, of_people, stores
from mlscaffold.rendering.settings import settings
from mlscaffold.wording import as_python

Command = tuple[str, str, str, str]  # its name, the module and the function behind it, and what it does

KEPT: tuple[Command, ...] = (
    ("backup", "run", "backup", "keep what it remembers in a file; old files are removed"),
    ("restore", "run", "restore", "bring a backup back"),
)
TABLES: tuple[Command, ...] = (
    ("migrate", "maintenance", "migrate_command", "bring the tables up to date; --new and --merge write a migration"),
    ("expire", "maintenance", "expire_command", "delete what has been kept for too long"),
    ("deliver", "outbox", "deliver_command", "send what the work has left to be told"),
)
REVIEWED: tuple[Command, ...] = (
    ("waiting", "review", "waiting_command", "the warnings that wait for a person"),
    ("decide", "review", "decide_command", "confirm a warning, or overrule it"),
    ("labels", "review", "labels_command", "what people decided, for the model's repository"),
)


def commands(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """The lines of the table, in the order in which `--help` has them."""
    tables = is_served(answers) and stores(answers)
    every = ("settings", "settings", "settings_command", "every setting, with its default and what it is")
    token = ("token", "access", "token_command", "a caller's token, and its hash for ACCESS_TOKENS")
    forget = ("forget", "deletion", "forget_command", "delete everything that is known about a person")
    found: list[tuple[Command, ...]] = called_for(
        (True, (("run", "run", "run", "the product itself; words after -- are its own"),)),
        (bool(settings(answers, plan)), (every,)),
        (tables or answers.deliverable == "batch", KEPT),
        (tables, TABLES),
        (lets_in(answers), (token,)),
        (of_people(answers), (forget,)),
        (bool(answers.ml_component), REVIEWED),
    )
    return lines(
        f"    {as_python(name)}: ({as_python(module)}, {as_python(function)}, {as_python(does)}),"
        for group in found
        for name, module, function, does in group
    )
