"""The commands that every repository has, and where the other ones of its kind are."""

import importlib

from planrun.answers import Given
from planrun.command import Command, argument
from planrun.governance import called
from planrun.rigor import ENGINES

COMMANDS = (
    Command(
        "confirm",
        "planrun.signing.assumptions:confirm",
        "take assumptions as true, under your name",
        (
            argument("keys", nargs="*", metavar="KEY"),
            argument("--all", action="store_true", help="every assumption that is open"),
        ),
        answered_for="confirm says that a person takes something as true",
    ),
    Command(
        "sign",
        "planrun.signing.signatures:sign",
        "accept an exact hash, for the roles you hold",
        (argument("name", metavar="GATE"),),
        answered_for="sign puts a person's name to something",
    ),
    Command(
        "waive",
        "planrun.signing.waivers:waive",
        "walk past a gate for a while",
        (
            argument("id", metavar="GATE"),
            argument("--reason", required=True, help="why"),
            argument("--until", required=True, metavar="DAY", help="2027-01-31, or for how many days, at most 90"),
        ),
        answered_for="waive walks past a gate under a person's name",
    ),
    Command(
        "status",
        "planrun.status:status",
        "one line a phase, then what is shut in this one and the next step",
        (
            argument("--check", action="store_true", help="exit with the worst blocking state: 1 fail, 2 blocked"),
            argument("--all", action="store_true", help="one row a gate, also those that do not block at this rigor"),
            argument("--json", action="store_true", dest="as_json", help="the same as data, for a program"),
            argument(
                "--markdown",
                action="store_true",
                dest="as_markdown",
                help="the same as a code host shows it by a change",
            ),
            argument(
                "--junit",
                action="store_true",
                dest="as_junit",
                help="the same as a test report that GitLab, Azure and others show by a change",
            ),
            argument(
                "--facts",
                action="store_true",
                dest="as_facts",
                help="a few flat facts as data, for the scorecards of a platform",
            ),
        ),
        settled=False,
    ),
    Command(
        "explain",
        "planrun.explanation:explain",
        "what a number, a formula, a gate, a metric or an answer means, with its value here",
        (argument("name", metavar="KEY|FORMULA|GATE"),),
        settled=False,
    ),
    Command(
        "demo",
        "planrun.demo.run:run",
        "a whole project's life on one screen: an example in a scratch folder, of which nothing is left",
        (argument("--keep", default="", metavar="DIR", help="keep the example's repository there"),),
        settled=False,
    ),
    Command(
        "govern",
        "planrun.governance:govern",
        "write into docs/governance.md which evidence is there, and what is open with whom",
        applies=called,
    ),
    Command("self-test", "planrun.self_test:run", "run the engine's own tests, on its own sample"),
)


def commands(answers: Given) -> dict[str, Command]:
    """The commands of a repository with these answers, by name."""
    own: tuple[Command, ...] = importlib.import_module(f"{ENGINES[answers['kind']]}.commands").COMMANDS
    return {command.name: command for command in (*own, *COMMANDS) if command.applies(answers)}
