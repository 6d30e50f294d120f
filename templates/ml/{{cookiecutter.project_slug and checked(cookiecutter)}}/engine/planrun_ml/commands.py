"""The commands of a machine learning repository: names, help and arguments; the work is elsewhere."""

from planrun.answers import Applies
from planrun.command import Command, argument


def _served(form: str) -> Applies:
    """How results are served is an answer; each form has commands of its own."""
    return lambda answers: answers.get("serving") == form


ROWS = argument("rows", nargs="?", default=None, metavar="FILE", help="CSV or Parquet; the sample has rows to stand in")
MOMENT = argument("--at", default="", metavar="MOMENT", help="look from another moment, such as 2026-01-31T10:00")
COMMANDS = (
    Command(
        "audit",
        "planrun_ml.audit.run:run",
        "audit the data that data/source.yaml names (G1)",
        (argument("--resplit", action="store_true", help="cut new splits, although the recorded ones still fit"),),
    ),
    Command(
        "label",
        "planrun_ml.labelling.run:run",
        "draw rows for people to label, collect their sheets, settle what they differ on (G1.5)",
        (
            argument("what", choices=("draw", "collect", "settle"), help="settle takes an id and a label"),
            argument("given", nargs="*", metavar="ID LABEL", help="of settle: the row, and what is right"),
            argument("--rows", type=int, default=100, help="of draw: how many"),
            argument("--how", default="random", help="of draw: random, stratified, or differ (where two models do)"),
            argument("--by", action="append", default=[], metavar="NAME", help="of draw: who labels; several times"),
            argument("--double", type=float, default=None, metavar="SHARE", help="of draw: rows for two people"),
            argument("--column", default="", help="of draw: whose values are the strata; empty: the first segment"),
        ),
    ),
    Command("baseline", "planrun_ml.baseline.run:run", "measure the baseline, and lock the data (G1.9, G1.lock)"),
    Command(
        "experiment",
        "planrun_ml.experiments.run:run",
        "train and measure one configuration (G2)",
        (
            argument("--hypothesis", default="", help="what you expect, and why"),
            argument(
                "--model",
                default="",
                help="linear, forest, boosting, one of models.py; empty: the next one",
            ),
            argument(
                "--set", dest="params", action="append", default=[], metavar="NAME=VALUE", help="one model setting"
            ),
            argument("--features", default="", help="champion: the champion's, whatever features.py says; none: none"),
            argument("--drop", action="append", default=[], metavar="COLUMN", help="leave one input out"),
            argument("--predict", type=float, default=None, help="the gain you expect, in units of the metric"),
            argument("--goal", default="", help="the entry of the backlog this belongs to"),
            argument("--seed", type=int, default=None, help="another start of chance; empty: the champion's"),
            argument("--ablation", default="", help="what each of several changes gives"),
            argument("--again", default="", metavar="ID", help="a record whose code was in no commit, measured anew"),
            argument("--log", action="store_true", help="run nothing: write the log anew from the records"),
        ),
    ),
    Command(
        "accept",
        "planrun_ml.acceptance.run:run",
        "measure the champion on the test rows, once (G3)",
        (argument("--experiment", default="", metavar="ID", help="another experiment than the champion"),),
        answered_for="accept looks at the test rows, and a person decides when a look is spent",
    ),
    Command(
        "promote",
        "planrun_ml.release.promote:promote",
        "let the accepted version answer, or the challenger (G4)",
        (argument("version", nargs="?", default="", help="a version of the registry; empty: the one that is due"),),
    ),
    Command(
        "rollback",
        "planrun_ml.release.rollback:rollback",
        "put the last known good version back, timed (G4.4)",
        (
            argument("--drill", action="store_true", help="rehearse: go back, let it answer, return"),
            argument("--reason", default="", help="why; asked for unless it is a drill"),
        ),
        settled=False,
    ),
    Command(
        "score",
        "planrun_ml.serving.score:score",
        "score a file of rows with the champion",
        (ROWS,),
        _served("batch"),
        settled=False,
    ),
    Command(
        "serve",
        "planrun_ml.serving.serve:serve",
        "answer requests until stopped",
        (
            argument("--host", default="127.0.0.1"),
            argument("--port", type=int, default=8000),
            argument("--workers", type=int, default=1),
        ),
        _served("api"),
        settled=False,
    ),
    Command(
        "load",
        "planrun_ml.serving.load:load",
        "ask a copy of the service at the plan's peak load (G4.3)",
        (argument("--seconds", type=float, default=30.0),),
        _served("api"),
        settled=False,
    ),
    Command(
        "alert",
        "planrun_ml.serving.alert:alert",
        "raise alerts for a file of rows; list or answer those that wait",
        (
            ROWS,
            argument("--waiting", action="store_true", help="the alerts that wait for a person"),
            argument("--answer", nargs=2, default=(), metavar=("ID", "LABEL"), help="what was right"),
        ),
        _served("alert"),
        settled=False,
    ),
    Command(
        "monitor",
        "planrun_ml.watching.monitor:run",
        "every signal over its window; exit 1 for an alarm or silence (G5)",
        (
            argument("--test-alert", action="store_true", help="send an alert that proves the way to a person"),
            argument("--acknowledge", default="", metavar="CODE", help="say that the test alert reached you"),
            MOMENT,
        ),
        settled=False,
    ),
    Command(
        "triage",
        "planrun_ml.watching.triage:triage",
        "something is off: look at labels and data first, at code last",
        (
            MOMENT,
            argument(
                "--explained", action="append", default=[], metavar="STEP=REASON", help="go on past what a step finds"
            ),
        ),
        settled=False,
    ),
    Command(
        "predictions",
        "planrun_ml.watching.predictions:run",
        "write what was answered, with what turned out to be right, as one table",
        (
            argument("file", metavar="FILE", help="where to: a name that ends in .csv or .parquet"),
            argument("--inputs", action="store_true", help="with what each answer was made from"),
            MOMENT,
        ),
        settled=False,
    ),
    Command(
        "retrain",
        "planrun_ml.retraining.retrain:retrain",
        "train the champion again on today's data and compare (G6)",
        (
            argument(
                "--if-due", action="store_true", help="only when the interval has passed or the floor was breached"
            ),
        ),
    ),
)
