"""The door: `planrun COMMAND`, in the folder of a repository or below it. Only this module prints and exits."""

import argparse
import importlib
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence

from planrun import agents
from planrun.command import COMMAND, Command
from planrun.commands import commands
from planrun.identity import told
from planrun.repository import Repo
from planrun.trouble import MEMORY_ENDS, Outcome, Trouble, memory_ended

# What computed the plan, and where a README says how it is typed in a shell that does not know it.
PLANNER, HEADING = "mlscaffold", "The program that computes the plan"

# Tables are small for a matrix library: its threads wait for each other longer than they work. Set it to change it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 pass, 1 fail, 2 blocked or wrong usage, 130 stopped."""
    words = sys.argv[1:] if words is None else list(words)
    try:
        if words == ["--version"]:
            print(told(Repo.here().answers["kind"]))
            return 0
        repo = Repo.here()
        known = commands(repo.answers)
        options = vars(_parser(known).parse_args(words))
        command = known[options.pop("command")]
        if command.answered_for:
            agents.refuse(command.answered_for, shlex.join([COMMAND, *words]))
        if command.settled:
            repo.refuse_unresolved()
        outcome: Outcome = _function(command)(repo, **options)
    except Trouble as trouble:
        return _say_trouble(trouble)
    except tuple(MEMORY_ENDS) as error:
        return _say_trouble(memory_ended(words[0], error))
    except KeyboardInterrupt:
        print("Stopped. Nothing half-written stays; run the same command again.", file=sys.stderr)
        return 130
    _say(outcome.text)
    _say_where_the_planner_is(outcome.text)
    return outcome.code


def _say_trouble(trouble: Trouble) -> int:
    """The sentence, the remedy and what else was seen; the exit code."""
    print(trouble.sentence, file=sys.stderr)
    if trouble.remedy:
        print(f"Next: {trouble.remedy}", file=sys.stderr)
    for line in trouble.also:
        print(line, file=sys.stderr)
    _say_where_the_planner_is(trouble.remedy)
    return trouble.code


def _function(command: Command):  # type: ignore[no-untyped-def]  # each command takes what its arguments say
    module, _, function = command.function.partition(":")
    return getattr(importlib.import_module(module), function)


def _say_where_the_planner_is(text: str) -> None:
    """Where a line is to be typed that this shell would not find: the page that says how."""
    if f"{PLANNER} replan" in text and shutil.which(PLANNER) is None:
        print(f'Not found here: {PLANNER}. README, "{HEADING}", says what to type for it.', file=sys.stderr)


def _say(text: str) -> None:
    """Print, and do not mind a reader that has gone, such as `head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(known: Mapping[str, Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="planrun", description="Exit codes: 0 pass, 1 fail, 2 blocked.")
    named = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in known.items():
        one = named.add_parser(name, help=command.help, description=command.help)
        for names, settings in command.arguments:
            one.add_argument(*names, **settings)
    return parser
