"""A preset's file, read and checked: each part has one form, and what has another is one sentence with its remedy."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from mlscaffold import answers, catalogue, house, questions, yamltext
from mlscaffold.errors import MlscaffoldError, UnreadablePreset
from mlscaffold.house import Document, House, Limit, Lock
from mlscaffold.presets.source import MAIN, Files

PARTS = ("name", "answers", "locks", "choices", "questions", "documents", "gates", "words")
OWN_KEY = re.compile(r"x_[a-z0-9_]{1,40}")
OWN_GATE = re.compile(r"X\.[A-Za-z]\w{0,40}")
ASKED_AS = ("text", "name", "choice", "integer", "number", "date", "email", "names")
FIELDS = (
    "key", "text", "why", "type", "default", "choices", "critical", "kinds", "when", "min", "max", "min_length",
    "max_length", "min_items", "max_items", "example", "section",
)  # fmt: skip
# What may not be written by a preset: computed from the answers, the engine's, the record's, and git's own.
CLOSED = ("plan", "engine", "evidence", "gates", "registry", "experiments", ".mlscaffold", ".git")
MOST_LETTERS = 300  # of a reason, a title, a next step


def read(files: Files) -> House:
    """The preset in these files, as one layer. Raises `UnreadablePreset`, and what wrong answers raise."""
    reader = _Reader(files)
    name = reader.words(reader.content.get("name"), "name")
    asked = tuple(reader.question(row) for row in reader.rows("questions"))
    with house.using(_with_questions(asked, name)):
        given = reader.texts("answers")
        locks = {key: reader.lock(key, row, name) for key, row in reader.mapping("locks").items()}
        reader.checked(given | {key: lock.value for key, lock in locks.items()})
        limits = {key: reader.limit(key, row, name) for key, row in reader.mapping("choices").items()}
    documents = [reader.document(row, name) for row in reader.rows("documents")]
    return House(
        (name,),
        given,
        locks,
        limits,
        asked,
        {document.path: document for document in documents},
        tuple(reader.gate(row, name) for row in reader.rows("gates")),
        reader.texts("words"),
        (files.for_record(),),
    )


def check_together(found: House) -> None:
    """What only shows once all layers lie over each other: an answer outside the choices that are left.

    Raises what a wrong answer raises.
    """
    answers.check_texts(found.given, " and ".join(found.names))


def _with_questions(asked: Sequence[Mapping[str, Any]], name: str) -> House:
    """The layer below with these questions in it, so that answers to them are known."""
    below = house.in_force()
    return House((*below.names, name), locks=below.locks, limits=below.limits, questions=(*below.questions, *asked))


class _Reader:
    """One preset's YAML with where it is from, for its complaints."""

    def __init__(self, files: Files) -> None:
        self.files = files
        try:
            content = yamltext.load(files.files[MAIN])
        except yaml.YAMLError as error:
            raise self.no(f"{MAIN} is not YAML ({str(error).splitlines()[0]})") from error
        if not isinstance(content, dict):
            raise self.no(f"{MAIN} is not a list of `key: value` lines")
        for key in content:
            if key not in PARTS:
                raise self.no(f"{MAIN} has a part called {key}; there are {', '.join(PARTS)}")
        self.content: dict[str, Any] = content

    def no(self, why: str) -> UnreadablePreset:
        return UnreadablePreset(self.files.address, why)

    def words(self, text: Any, where: str) -> str:
        """A text on one line that is there."""
        if not isinstance(text, str) or not text.strip() or "\n" in text.strip() or len(text) > MOST_LETTERS:
            raise self.no(f"{where} must be a text on one line, of at most {MOST_LETTERS} letters")
        if questions.holds_secret(text):
            raise self.no(f"{where} holds a password or a key")
        return " ".join(text.split())

    def mapping(self, part: str) -> dict[str, Any]:
        found = self.content.get(part) or {}
        if not isinstance(found, dict):
            raise self.no(f"{part} must be lines of `key: …`")
        return found

    def rows(self, part: str) -> list[dict[str, Any]]:
        found = self.content.get(part) or []
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise self.no(f"{part} must be a list of entries, each begun with a dash")
        return found

    def texts(self, part: str) -> dict[str, str]:
        found = self.mapping(part)
        return {key: self.words(text, f"{part}, {key},") for key, text in found.items()}

    def checked(self, given: Mapping[str, str]) -> None:
        try:
            answers.check_texts(given)
        except MlscaffoldError as error:
            raise self.no(str(error).rstrip(".")) from error

    def fields(self, row: Any, where: str, needed: Sequence[str], allowed: Sequence[str]) -> dict[str, Any]:
        """An entry's fields, none missing and none unknown."""
        if not isinstance(row, dict):
            raise self.no(f"{where} must have the fields {', '.join(needed)}")
        for key in needed:
            if row.get(key) in (None, "", []):
                raise self.no(f"{where} has no {key}")
        for key in row:
            if key not in (*needed, *allowed):
                raise self.no(f"{where} has a field called {key}; there are {', '.join((*needed, *allowed))}")
        return row

    def lock(self, key: str, row: Any, name: str) -> Lock:
        where = f"locks, {key},"
        found = self.fields(row, where, ("value", "reason"), ())
        return Lock(self.words(found["value"], where), self.words(found["reason"], where), name)

    def limit(self, key: str, row: Any, name: str) -> Limit:
        where = f"choices, {key},"
        found = self.fields(row, where, ("only", "reason"), ())
        question = questions.load().get(key)
        if question is None or not question.choices:
            raise self.no(f"{where} is no question with choices")
        only = found["only"] if isinstance(found["only"], list) else [found["only"]]
        for choice in only:
            if choice not in question.choices:
                raise self.no(f"{where} leaves {choice}, and {questions.one_of(str(choice), question.choices)}")
        return Limit(tuple(only), self.words(found["reason"], where), name)

    def question(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        where = f"the question {row.get('key')}"
        found = self.fields(row, where, ("key", "text", "why", "type"), FIELDS[4:])
        if not OWN_KEY.fullmatch(str(found["key"])):
            raise self.no(f"{where} must have a key that begins with x_, of small letters, digits and underscores")
        if found["type"] not in ASKED_AS:
            raise self.no(f"{where} has the type {found['type']}; there are {', '.join(ASKED_AS)}")
        if (found["type"] == "choice") != isinstance(found.get("choices"), dict):
            raise self.no(f"{where} needs choices, each with its meaning, exactly where its type is choice")
        known = questions.load()
        for key, values in (found.get("when") or {}).items():
            if key not in known or not isinstance(values, list):
                raise self.no(f"{where} is asked when {key} …, which is no question with a list of answers")
        for field in ("text", "why"):
            self.words(found[field], f"{where}, {field},")
        try:
            question = questions.of_entry(found, "")
        except (ValueError, TypeError, KeyError) as error:
            raise self.no(f"{where} has a field of another form ({error})") from error
        text = questions.default(question, {})
        if complaint := None if text == "" and found["type"] != "choice" else questions.check(question, text):
            raise self.no(f"{where} has the default {text}, but {complaint}")
        return found

    def document(self, row: Any, name: str) -> Document:
        where = f"the document {row.get('path')}"
        found = self.fields(row, where, ("path", "file"), ("kinds", "replaces"))
        path = PurePosixPath(str(found["path"]))
        if path.is_absolute() or ".." in path.parts or "\\" in str(path) or path.parts[0] in CLOSED:
            raise self.no(f"{where} cannot lie there: it is outside, or written by the program")
        text = self.files.files.get(str(found["file"]))
        if text is None:
            raise self.no(f"{where} names {found['file']}, which is not there; pages lie in documents/")
        return Document(str(path), text, name, self.kinds(found, where), found.get("replaces") == "true")

    def gate(self, row: Any, name: str) -> Mapping[str, Any]:
        where = f"the gate {row.get('id')}"
        if row.get("id") in self._ours():
            found = self.fields(row, where, ("id",), ("title", "blocks"))
            if found.get("blocks", "true") != "true":
                raise self.no(f"{where} is one of ours, which a preset can tighten and not loosen")
            return dict(found) | {"by": name}
        found = self.fields(row, where, ("id", "title", "file", "next"), ("blocks", "holds", "lacks", "kinds"))
        if not OWN_GATE.fullmatch(str(found["id"])):
            raise self.no(f"{where} must have an id such as X.{_id_of(name)}_privacy, or one of ours")
        for field in ("holds", "lacks"):
            self.pattern(found.get(field), f"{where}, {field},")
        kinds = self.kinds(found, where)
        told = {field: self.words(found[field], f"{where}, {field},") for field in ("title", "file", "next")}
        return dict(found) | told | {"kinds": list(kinds), "blocks": found.get("blocks", "true") == "true", "by": name}

    def pattern(self, text: Any, where: str) -> None:
        try:
            re.compile(str(text or ""))
        except re.error as error:
            raise self.no(f"{where} is no regular expression ({error})") from error

    def kinds(self, row: Mapping[str, Any], where: str) -> tuple[str, ...]:
        kinds = row.get("kinds") or list(questions.KINDS)
        if not isinstance(kinds, list) or not set(kinds) <= set(questions.KINDS):
            raise self.no(f"{where} is for {kinds}; the kinds are {' and '.join(questions.KINDS)}")
        return tuple(kinds)

    @staticmethod
    def _ours() -> set[str]:
        return {gate.id for kind in questions.KINDS for gate in catalogue.gates_of(kind)}


def _id_of(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower() or "house"
