"""Threats of a software product by the answers: what can be lost, where others reach in, what stands against it.

STRIDE (Kohnfelder and Garg, 1999) asks six things of each entry: spoofing, tampering, repudiation, information
disclosure, denial of service, elevation of privilege. A row is written only where the product has its entry.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.planning.requirements.verbs import approvals
from mlscaffold.rendering.forms import called_for, is_guarded, is_served, lets_in, lines, stores
from mlscaffold.wording import cell, needs


class Threat(NamedTuple):
    """One thing that can go wrong at an entry; a control names a file below the package, a file, or a gate."""

    entry: str
    asks: str
    happens: str
    control: str  # what stands against it in this repository; empty for nothing
    owner: str  # the role that owns what stays open
    open: str  # what stays open, as a question; empty for nothing


class Threats:
    """The tables of the page."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers = answers

    @property
    def assets(self) -> str:
        """A row for each thing that can be lost: where it is, and what it holds."""
        answers, held = self._answers, f"{self._answers.data_class} data"
        served, kept = is_served(answers), stores(answers)
        rows = called_for(
            (served and kept, ("records", "the database of `DATABASE_URL`", held)),
            (answers.deliverable == "batch", ("outcomes", "the folder that a run is given, with its ledger", held)),
            (kept, ("backups", "the folder `BACKUPS`", held)),
            (
                not kept,
                ("what passes through", "memory, while it works", held if answers.data_class != "none" else "none"),
            ),
            (bool(answers.ml_component), ("judgements and decisions", "the folder `PREDICTION_LOG`", held)),
            (lets_in(answers), ("tokens", "their hashes in `ACCESS_TOKENS`, each with its holder alone", "secret")),
            (lets_in(answers), ("who asked for what", "the folder `ACCESS_LOG`", "names and keys, no content")),
            (True, ("the code and what it is built from", "this repository and its pipeline", "integrity")),
        )
        return lines(f"| {what} | {where} | {said} |" for what, where, said in rows)

    @property
    def rows(self) -> str:
        """A row for each threat, entry by entry."""
        return lines(
            f"| {one.entry} | {one.asks} | {one.happens} | {one.control or 'nothing'} "
            f"| {needs(one.owner, one.open) if one.open else 'nothing known'} |"
            for one in self.threats()
        )

    def threats(self) -> Iterator[Threat]:
        """Every threat that the answers call for, by the entry where it comes in."""
        if is_served(self._answers):
            yield from self._asked()
        yield from {"batch": _file, "cli": _typed, "library": _called}.get(self._answers.deliverable, _nothing)()
        if stores(self._answers):
            yield from self._kept()
        yield from self._others()
        yield from self._built()

    def _asked(self) -> Iterator[Threat]:
        answers, http = self._answers, "requests over HTTP"
        known = lets_in(answers)
        yield Threat(
            http,
            "S",
            "somebody asks in another one's name",
            "a token for each caller, compared in constant time: `access.py`" if known else "",
            "ops",
            "" if known else "Which network can reach it, and who is in that network?",
        )
        yield Threat(http, "T", "a field holds what no rule expects", "typed models: `contract.py`, `routers/`", "", "")
        yield Threat(
            http,
            "R",
            "nobody can say who had something done",
            "the access log, without which nothing is shown: `access.py`" if known else "ids in every line: `door.py`",
            "ops",
            "How long is the log kept, and who reads it?",
        )
        yield Threat(
            http,
            "I",
            "an error or a log line holds somebody's words",
            "sentences without values, lines without content: `logs.py`; no cache: `door.py`",
            "",
            "",
        )
        yield Threat(
            http,
            "D",
            "large or very many requests",
            "a limit before anything is read: `door.py`; load is measured: T3.3",
            "ops",
            "What in front of it limits how often one caller may ask?",
        )
        approves = bool(approvals(answers))
        erased = "deletion asks for a role: `access.py`" if is_guarded(answers) else ""
        yield Threat(
            http,
            "E",
            "whoever may ask does what only some may" + (", or approves their own" if approves else ""),
            "roles, and four eyes: `access.py`, `contract.py`" if approves else erased,
            "po",
            "" if approves else "May everybody who is let in do everything?",
        )
        if answers.deliverable == "web-app":
            yield from self._pages()

    def _pages(self) -> Iterator[Threat]:
        yield Threat(
            "pages", "T", "another site sends a form in a person's name", "its origin is looked at: `pages.py`", "", ""
        )
        yield Threat(
            "pages", "E", "what one person types runs for another", "escaped, and no script allowed: `pages.py`", "", ""
        )
        if lets_in(self._answers):
            ended = "signed, strict, eight hours, over on the server at sign-out: `access.py`, `store.py`"
            yield Threat("sessions", "S", "a cookie is copied", ended, "", "")

    def _kept(self) -> Iterator[Threat]:
        guarded, served = is_guarded(self._answers), is_served(self._answers)
        where = "`tables.py`, `deletion.py`" if served else "`ledger.py`, `deletion.py`"
        yield Threat(
            "data at rest",
            "I",
            "a disk or a backup is read by others",
            f"a person's rows go on request, in backups too: {where}" if guarded else "",
            "ops",
            "Are disk and backups encrypted, and who holds the key?",
        )
        yield Threat(
            "data at rest",
            "D",
            "the data are lost",
            "backup and restore, rehearsed: T4.3",
            "ops",
            "Where do copies lie that this machine cannot delete?",
        )
        if served:
            yield Threat(
                "messages to others",
                "R",
                "one is lost, or sent twice",
                "kept with the work, sent under one key: `outbox.py`",
                "",
                "",
            )

    def _others(self) -> Iterator[Threat]:
        answers = self._answers
        if answers.dependencies:
            names = cell(", ".join(answers.dependencies))
            late = "a time limit, a retry budget and a rest: `resilience.py`"
            yield Threat(f"answers of {names}", "D", "one is slow, or silent", late, "", "")
            yield Threat(
                f"answers of {names}",
                "S",
                "another machine answers in its place",
                "",
                "swe",
                "How does each prove who it is: TLS, a key of its own?",
            )
        if answers.ml_component:
            read = "read strictly, and the rule decides otherwise: `model.py`"
            yield Threat("answers of the model", "T", "nonsense, or too much of it", read, "", "")

    def _built(self) -> Iterator[Threat]:
        audited = self._answers.rigor != "light"
        locked = "locked with hashes: `requirements.lock`" + (
            "; known weaknesses and secrets: T3.5, T4.6" if audited else ""
        )
        yield Threat(
            "packages and pipeline",
            "T",
            "code of somebody else is built in",
            locked,
            "swe",
            "Who is told of a new weakness, and within how many days is it mended?",
        )


def _file() -> Iterator[Threat]:
    yield Threat(
        "the file of rows",
        "T",
        "a row holds what no rule expects",
        "checked row by row, refused by name: `run.py`",
        "",
        "",
    )
    yield Threat("the file of rows", "R", "a row is done twice, or never", "one transaction a row: `ledger.py`", "", "")
    yield Threat(
        "the file of rows",
        "S",
        "somebody else puts it there",
        "",
        "ops",
        "Who may write into the folder that a run reads?",
    )
    yield Threat(
        "the file of rows", "D", "it is larger than ever", "read row by row: `run.py`; the run is timed: T3.3", "", ""
    )
    yield Threat("results", "I", "others read what a run leaves", "", "ops", "Who may read the folder of results?")


def _typed() -> Iterator[Threat]:
    yield Threat(
        "what is typed", "T", "it holds what no rule expects", "checked, refused by name: `contract.py`", "", ""
    )
    yield Threat(
        "what is typed",
        "I",
        "others on the machine see it in the list of processes",
        "",
        "swe",
        "Is anything typed that must not be seen there?",
    )
    yield Threat(
        "what is typed",
        "E",
        "the command runs with more rights than its user",
        "",
        "ops",
        "Is it installed without rights of its own?",
    )


def _called() -> Iterator[Threat]:
    yield Threat(
        "what callers pass", "T", "it holds what no rule expects", "checked, refused by name: `contract.py`", "", ""
    )
    yield Threat(
        "what callers pass",
        "I",
        "an error holds what was passed",
        "",
        "swe",
        "Do callers write these errors into their logs?",
    )


def _nothing() -> Iterator[Threat]:
    return iter(())
