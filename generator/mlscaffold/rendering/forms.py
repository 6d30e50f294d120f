"""What a software product is, as far as pages differ by it, and how pages take lines that not every answer needs."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.planning.requirements.verbs import approvals
from mlscaffold.wording import HELD

Row = TypeVar("Row")


def is_served(answers: Answers) -> bool:
    """Whether it runs for others and is asked over HTTP."""
    return answers.deliverable in ("service", "web-app")


def stores(answers: Answers) -> bool:
    """Whether it keeps data that a backup has to bring back."""
    return (is_served(answers) or answers.deliverable == "batch") and answers.data_class != "none"


def is_guarded(answers: Answers) -> bool:
    """Whether what it handles is about people or under a law of its own."""
    return answers.data_class in ("personal", "regulated")


def lets_in(answers: Answers) -> bool:
    """Whether callers have to be known: for what they ask about, or because one approves what another submits."""
    return is_served(answers) and (is_guarded(answers) or bool(approvals(answers)))


def of_people(answers: Answers) -> bool:
    """Whether it keeps what is about people, so that a record says about whom."""
    return stores(answers) and is_guarded(answers)


def with_roles(answers: Answers) -> bool:
    """Whether not everybody who is let in may do everything: approving, and deleting what is known about a person."""
    return bool(approvals(answers)) or (is_served(answers) and is_guarded(answers))


def runs_as(answers: Answers) -> str:
    """How it comes to run, by which parts of pages are named: "served", as a "batch", or "alone" by its user."""
    if is_served(answers):
        return "served"
    return "batch" if answers.deliverable == "batch" else "alone"


def called_for(*rows: tuple[bool, Row]) -> list[Row]:
    """The lines of a page, or what they are made of, that the answers call for, in the page's order."""
    return [row for holds, row in rows if holds]


def lines(rows: Iterable[str]) -> str:
    """Lines of a page as one text, which the page shows in their place."""
    return "\n".join(rows)


def taken(assumption: Mapping[str, Any]) -> str:
    """What the plan takes an open answer as; "not known" where it has nothing to take, "none counted" of a count."""
    if not assumption["value"]:
        return "not known"
    return "none counted" if assumption["key"] in HELD and assumption["value"] == "0" else str(assumption["value"])


def or_assumed(answers: Answers, key: AnswerKey, sentence: str) -> str:
    """A sentence that an answer says; where nobody gave the answer, that the plan takes it so."""
    if answers.provenance(key) != "default":
        return sentence
    return f"Nobody has said; the plan takes it that {sentence[:1].lower()}{sentence[1:]}"
