"""The door: `python -m <package> COMMAND`, or the command that pyproject.toml installs. Only this file prints."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from .files import Trouble
from .gates import Outcome
from .repo import Repo

Argument = tuple[tuple[str, ...], dict[str, Any]]


def flag(*names: str, **options: Any) -> Argument:
    return names, options


# name: (module, function, help, arguments). The module is imported when its command is called.
COMMANDS: dict[str, tuple[str, str, str, list[Argument]]] = {
    "audit": ("audit", "run", "audit the data that data/source.yaml names (G1)", [
        flag("--resplit", action="store_true", help="cut new splits, although the recorded ones still fit"),
    ]),
    "confirm": ("signing", "confirm", "take assumptions as true, under your name", [
        flag("keys", nargs="*", metavar="KEY"),
        flag("--all", action="store_true", help="every assumption that is open"),
    ]),
    "baseline": ("baseline", "run", "measure the baseline, and lock the data (G1.9, G1.lock)", []),
    "experiment": ("experiment", "run", "train and measure one configuration (G2)", [
        flag("--hypothesis", default="", help="what you expect, and why"),
        flag("--model", default="", help="linear, forest or boosting; empty: the next one not tried"),
        flag("--set", dest="params", action="append", default=[], metavar="NAME=VALUE", help="one setting of the model"),
        flag("--drop", action="append", default=[], metavar="COLUMN", help="leave one input out"),
        flag("--predict", type=float, default=None, help="the gain you expect, in units of the metric"),
        flag("--goal", default="", help="the entry of the backlog this belongs to"),
        flag("--seed", type=int, default=7),
    ]),
    "accept": ("accept", "run", "measure the champion on the test rows, once (G3)", []),
    "sign": ("signing", "sign", "accept an exact hash, for the roles you hold", [flag("name", metavar="GATE")]),
    "waive": ("signing", "waive", "walk past a gate for a while", [
        flag("id", metavar="GATE"),
        flag("--reason", required=True),
        flag("--until", required=True, metavar="YYYY-MM-DD"),
    ]),
    "status": ("status", "status", "one row a gate: state, reason, next step", [
        flag("--check", action="store_true", help="exit with the worst blocking state: 1 fail, 2 blocked"),
        flag("--all", action="store_true", help="also gates that do not block at this rigor"),
    ]),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = vars(_parser().parse_args(arguments))
    module, function, _, _ = COMMANDS[options.pop("command")]
    try:
        action = getattr(importlib.import_module(f".{module}", __package__), function)
        outcome: Outcome = action(Repo.here(), **options)
    except Trouble as trouble:
        print(trouble.sentence, file=sys.stderr)
        if trouble.remedy:
            print(f"Next: {trouble.remedy}", file=sys.stderr)
        return trouble.code
    except KeyboardInterrupt:
        print("Stopped. Nothing half-written stays; run the same command again.", file=sys.stderr)
        return 130
    print(outcome.text)
    return outcome.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=os.path.basename(__package__ or ""), description="Exit codes: 0 pass, 1 fail, 2 blocked.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, _, text, arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        for names, settings in arguments:
            command.add_argument(*names, **settings)
    return parser


if __name__ == "__main__":
    sys.exit(main())
