"""The project's commands. Each is one row of the table; only this module reads words, prints and exits."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble


@dataclass(frozen=True)
class Command:
    """Where a command's function is, what it does, and which options it takes."""

    module: str
    function: str
    help: str
    options: tuple[tuple[tuple[str, ...], dict[str, object]], ...] = ()


def option(*names: str, **settings: object) -> tuple[tuple[str, ...], dict[str, object]]:
    """One argument, as argparse wants it."""
    return names, settings


PRODUCT = {  # they need nothing of this repository, so they work where only the package is installed
    "run": Command("run", "run", "the product itself; words after -- are its own"),
    "backup": Command("run", "backup", "keep what it remembers in a file; old files are removed"),
    "restore": Command("run", "restore", "bring a backup back"),
    "token": Command("access", "token_command", "a caller's token, and its hash for ACCESS_TOKENS"),
    "forget": Command("deletion", "forget_command", "delete everything that is known about a subject"),
    "waiting": Command("review", "waiting_command", "the warnings that wait for a person"),
    "decide": Command("review", "decide_command", "confirm a warning, or overrule it"),
    "labels": Command("review", "labels_command", "what people decided, for the model's repository"),
}
COMMANDS = {
    "test": Command("trace", "test", "all tests, remembered with the hash of the code"),
    "check": Command("checks_build", "check", "format, lint, types, lock file, tests and wheel"),
    "audit": Command("audit", "audit", "secrets in the files, known weaknesses in the packages (not at rigor light)"),
    "accept": Command("trace", "accept", "the scenarios and the traceability table"),
    "load": Command(
        "measure",
        "load",
        "speed and error rate beside the plan's",
        (option("--requests", type=int, help="how many requests, instead of the plan's number"),),
    ),
    "rollback-drill": Command(
        "drills",
        "rollback",
        "back to the release before, timed",
        (option("--to", default="", help="the tag or commit to go back to"),),
    ),
    "restore-drill": Command(
        "drills",
        "restore",
        "lose the data, restore it, compare every record",
        (option("--backup", default="", help="a backup file to restore, instead of a fresh one"),),
    ),
    "alert-test": Command("drills", "alert_test", "one test alert to whoever is on call"),
    "budget": Command(
        "measure",
        "budget",
        "what is left of the error budget",
        (
            option("--total", type=int, help="requests or runs in the window"),
            option("--failed", type=int, help="how many of them failed"),
            option("--metrics", default="", help="instead of both: the URL of a page with requests_total"),
        ),
    ),
    "status": Command(
        "gates",
        "status",
        "one line a phase, then what is shut in this one and the next step",
        (
            option("--check", action="store_true", help="exit with the worst state: 1 failed, 2 blocked"),
            option("--all", action="store_true", help="one row a gate, also those that do not block at this rigor"),
            option("--json", action="store_true", dest="as_json", help="the same as data, for a program"),
        ),
    ),
    "confirm": Command(
        "signing",
        "confirm",
        "take assumptions as true",
        (option("keys", nargs="*", help="which ones"), option("--all", action="store_true", help="every one")),
    ),
    "sign": Command("signing", "sign", "accept the exact text of T1 or T3", (option("name", help="T1 or T3"),)),
    "waive": Command(
        "signing",
        "waive",
        "walk past a gate for a while",
        (
            option("id", help="the gate"),
            option("--reason", required=True, help="why"),
            option("--until", required=True, help="until which day, as 2027-01-31, or for how many days, at most 90"),
        ),
    ),
}
# They sign or measure, which is done on one version of everything: not while a merge waits to be finished.
ON_ONE_VERSION = {"audit", "confirm", "accept", "load", "rollback-drill", "restore-drill", "budget", "sign", "waive"}


def main(words: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code: 0 done, 1 failed, 2 blocked or wrong usage."""
    words = sys.argv[1:] if words is None else list(words)
    try:
        sys.exit(_go(words))
    except Trouble as trouble:
        print(trouble.sentence, f"Next: {trouble.remedy}" if trouble.remedy else "", sep="\n", file=sys.stderr)
        sys.exit(trouble.code)
    except KeyboardInterrupt:
        sys.exit(130)


def _go(words: Sequence[str]) -> int:
    if words and words[0] in PRODUCT:
        return int(_function(PRODUCT[words[0]])(*[word for word in words[1:] if word != "--"]))
    given = vars(_parser().parse_args(words))
    name = given.pop("command")
    repo = Repo.here()
    if name in ON_ONE_VERSION:
        repo.refuse_unresolved()
    outcome: Outcome = _function(COMMANDS[name])(repo, **given)
    _say(outcome.text)
    return outcome.code


def _say(text: str) -> None:
    """Print, and do not mind a reader that has gone, such as `head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _function(command: Command) -> Callable[..., Any]:
    """The function behind a command, imported only now: `status` never loads a web server."""
    try:
        module = importlib.import_module(f".{command.module}", __package__)
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.{command.module}":
            raise
        raise Trouble("This repository's answers do not call for that command.", "mlscaffold replan") from None
    function: Callable[..., Any] | None = getattr(module, command.function, None)
    if function is None:
        raise Trouble("This deliverable has no such command: it keeps nothing.")
    return function


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description="Plan, tests, gates and drills.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    called_for = {name: one for name, one in PRODUCT.items() if find_spec(f"{__package__}.{one.module}")}
    for name, command in (called_for | COMMANDS).items():
        one = commands.add_parser(name, help=command.help, description=command.help)
        for names, settings in command.options:
            one.add_argument(*names, **settings)  # type: ignore[arg-type]  # argparse checks them itself
    return parser


if __name__ == "__main__":
    main()
