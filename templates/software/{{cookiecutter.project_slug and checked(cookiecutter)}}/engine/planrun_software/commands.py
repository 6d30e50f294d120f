"""The commands of a software repository: names, help and arguments; the work is elsewhere.

The product's own commands (`run`, `backup` and the like) are the product's: they need nothing of this repository.
"""

from planrun.command import Command, argument

COMMANDS = (
    Command(
        "test",
        "planrun_software.traceability.runs:test",
        "all tests, remembered with the hash of the code",
        settled=False,
    ),
    Command(
        "check", "planrun_software.build.check:check", "format, lint, types, lock file, tests and wheel", settled=False
    ),
    Command(
        "audit",
        "planrun_software.inspection.secrets_and_packages:audit",
        "secrets in the files, known weaknesses in the packages (not at rigor light)",
    ),
    Command("accept", "planrun_software.traceability.table:accept", "the scenarios and the traceability table"),
    Command(
        "load",
        "planrun_software.measuring.load:load",
        "speed and error rate beside the plan's",
        (argument("--requests", type=int, help="how many requests, instead of the plan's number"),),
    ),
    Command(
        "rollback-drill",
        "planrun_software.drills.rollback:rollback",
        "back to the release before, timed",
        (argument("--to", default="", help="the tag or commit to go back to"),),
    ),
    Command(
        "restore-drill",
        "planrun_software.drills.restore:restore",
        "lose the data, restore it, compare every record",
        (argument("--backup", default="", help="a backup file to restore, instead of a fresh one"),),
    ),
    Command(
        "alert-test", "planrun_software.drills.alert:alert_test", "one test alert to whoever is on call", settled=False
    ),
    Command(
        "budget",
        "planrun_software.measuring.error_budget:budget",
        "what is left of the error budget",
        (
            argument("--total", type=int, help="requests or runs in the window"),
            argument("--failed", type=int, help="how many of them failed"),
            argument("--metrics", default="", help="instead of both: the URL of a page with requests_total"),
        ),
    ),
)
