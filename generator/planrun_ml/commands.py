"""The commands of a machine learning repository: names, help and arguments; the work is elsewhere."""

from pathlib import Path
from typing import Any

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
        flag("--set", dest="params", action="append", default=[], metavar="NAME=VALUE", help="one model setting"),
        flag("--drop", action="append", default=[], metavar="COLUMN", help="leave one input out"),
        flag("--predict", type=float, default=None, help="the gain you expect, in units of the metric"),
        flag("--goal", default="", help="the entry of the backlog this belongs to"),
        flag("--seed", type=int, default=None, help="another start of chance; empty: the champion's"),
        flag("--ablation", default="", help="what each of several changes gives"),
        flag("--log", action="store_true", help="run nothing: write the log anew from the records"),
    ]),
    "accept": ("accept", "run", "measure the champion on the test rows, once (G3)", []),
    "promote": ("promote", "promote", "let the accepted version answer, or the challenger (G4)", [
        flag("version", nargs="?", default="", help="a version of the registry; empty: the one that is due"),
    ]),
    "rollback": ("promote", "rollback", "put the last known good version back, timed (G4.4)", [
        flag("--drill", action="store_true", help="rehearse: go back, let it answer, return"),
        flag("--reason", default="", help="why; asked for unless it is a drill"),
    ]),
    "score": ("score", "score", "score a file of rows with the champion", [
        flag("rows", nargs="?", default=None, metavar="FILE", help="CSV or Parquet; the sample has rows to stand in"),
    ]),
    "serve": ("serve", "serve", "answer requests until stopped", [
        flag("--host", default="127.0.0.1"),
        flag("--port", type=int, default=8000),
        flag("--workers", type=int, default=1),
    ]),
    "load": ("load", "load", "ask a copy of the service at the plan's peak load (G4.3)", [
        flag("--seconds", type=float, default=30.0),
    ]),
    "alert": ("alert", "alert", "raise alerts for a file of rows; list or answer those that wait", [
        flag("rows", nargs="?", default=None, metavar="FILE", help="CSV or Parquet; the sample has rows to stand in"),
        flag("--waiting", action="store_true", help="the alerts that wait for a person"),
        flag("--answer", nargs=2, default=(), metavar=("ID", "LABEL"), help="what was right"),
    ]),
    "monitor": ("monitor", "run", "every signal over its window; exit 1 for an alarm or silence (G5)", [
        flag("--test-alert", action="store_true", help="send an alert that proves the way to a person"),
        flag("--acknowledge", default="", metavar="CODE", help="say that the test alert reached you"),
        flag("--at", default="", metavar="MOMENT", help="look from another moment, such as 2026-01-31T10:00"),
    ]),
    "triage": ("checks_live", "triage", "something is off: look at labels and data first, at code last", [
        flag("--at", default="", metavar="MOMENT", help="look from another moment"),
    ]),
    "retrain": ("promote", "retrain", "train the champion again on today's data and compare (G6)", [
        flag("--if-due", action="store_true", help="only when the interval has passed or the floor was breached"),
    ]),
    "sign": ("signing", "sign", "accept an exact hash, for the roles you hold", [flag("name", metavar="GATE")]),
    "waive": ("signing", "waive", "walk past a gate for a while", [
        flag("id", metavar="GATE"),
        flag("--reason", required=True),
        flag("--until", required=True, metavar="DAY", help="2027-01-31, or for how many days, at most 90"),
    ]),
    "status": ("gates", "status", "one line a phase, then what is shut in this one and the next step", [
        flag("--check", action="store_true", help="exit with the worst blocking state: 1 fail, 2 blocked"),
        flag("--all", action="store_true", help="one row a gate, also those that do not block at this rigor"),
        flag("--json", action="store_true", dest="as_json", help="the same as data, for a program"),
    ]),
}  # fmt: skip
HERE = Path(__file__).parent
# How results are served was an answer; only that form's module was written.
COMMANDS = {name: entry for name, entry in COMMANDS.items() if (HERE / f"{entry[0]}.py").is_file()}
