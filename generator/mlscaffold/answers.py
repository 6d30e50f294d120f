"""Answers: read from files and flags, merged by precedence, completed with defaults, checked, typed."""

import contextlib
import datetime
import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mlscaffold import house, questions, yamltext
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.errors import (
    Contradiction,
    InvalidAnswer,
    LockedAnswer,
    SecretGiven,
    UnknownAnswer,
    UnreadableAnswers,
    UsageError,
)
from mlscaffold.fields import Fields
from mlscaffold.person import Person
from mlscaffold.questions import Question

PRESETS = "presets"  # in the person's own file: what lies over all of the person's projects


class Answers(Fields, Mapping[AnswerKey, Any]):
    """The complete, checked answers of one repository: typed by item and attribute, texts in `raw`."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        self.raw = dict(raw)
        # Its keys are the questions': those that the program knows as types, and a preset's.
        self._typed: dict[Any, Any] = {key: typed(questions.load()[key], text) for key, text in self.raw.items()}
        self._typed["author"] = self.text("author") or f"The {self.text('project_name')} team"
        self.__dict__.update(self._typed)

    def __getitem__(self, key: AnswerKey) -> Any:
        return self._typed[key]

    def __iter__(self) -> Iterator[AnswerKey]:
        return iter(self._typed)

    def __len__(self) -> int:
        return len(self._typed)

    # Narrower than a mapping's, which would let a misspelt key be asked for and answer no.
    def __contains__(self, key: AnswerKey) -> bool:  # type: ignore[override]
        return key in self._typed

    def text(self, key: AnswerKey) -> str:
        """An answer as it was written, canonical: a key of `raw` that is written in the code."""
        return self.raw[key]

    def at(self, key: str) -> Any:
        """`answers[key]`, where the key is not written in the code: it comes from a person, a preset or a row."""
        return self._typed[key]

    def provenance(self, key: AnswerKey) -> str:
        """`origin_of`, where the key is written in the code, so that a misspelt one fails the type check."""
        return self.origin_of(key)

    def is_asked(self, key: AnswerKey) -> bool:
        """`calls_for`, where the key is written in the code."""
        return self.calls_for(key)

    def origin_of(self, key: str) -> str:
        """Where a value is from: "measured", "answered" or "default".

        "measured" where `measured` names its origin, "default" exactly when the value equals the default and nobody
        vouches for it.
        """
        question = questions.load()[key]
        if key in self.measured:
            return "measured"
        is_default = self.raw[key] == questions.default(question, self.raw)
        return "default" if is_default and key not in self.confirmed else "answered"

    def calls_for(self, key: str) -> bool:
        """Whether the other answers call for this one."""
        return questions.is_asked(questions.load()[key], self.raw)

    @property
    def lock_reasons(self) -> Mapping[str, str]:
        """Why answers that a preset locks are broken, by their keys; only a preset asks for it."""
        return dict(self._typed.get(house.EXCEPTIONS, {}))

    @property
    def engine_extras(self) -> list[str]:
        """What the engine of an ML repository needs beyond its core, as its pyproject.toml names it."""
        wanted = {"api": self.serving == "api", "spark": self.compute == "spark", "mlflow": self.tracking == "mlflow"}
        return [extra for extra, needed in wanted.items() if needed]

    @property
    def package_name(self) -> str:
        """The slug as a Python name."""
        return str(self.text("project_slug")).replace("-", "_")

    @property
    def sections(self) -> list[tuple[str, list[tuple[Question, str]]]]:
        """The asked answers in the order of the questions, grouped by section."""
        groups: dict[str, list[tuple[Question, str]]] = {}
        for key, text in self.recorded.items():
            question = questions.load()[key]
            groups.setdefault(question.section, []).append((question, text))
        return list(groups.items())

    def changed(self, texts: dict[AnswerKey, str]) -> "Answers":
        """The same answers but for these, which count as answered; what they contradict is not looked for."""
        vouched = [*self.confirmed, *(key for key in texts if key not in self.confirmed)]
        given: dict[str, str] = {str(key): text for key, text in texts.items()}
        given["confirmed"] = "; ".join(vouched)
        return Answers(self.raw | given)

    @property
    def recorded(self) -> dict[str, str]:
        """The texts that plan/project.yaml keeps: every answer that is asked for."""
        return {key: text for key, text in self.raw.items() if self.calls_for(key)}


def complete(given: Mapping[str, str], today: datetime.date | None = None, *, metric_is_open: bool = False) -> Answers:
    """Fill in defaults and derived values, check everything, and type it.

    `given` maps keys to texts; keys of the other kind are ignored. What a preset locks is given where nobody gives
    another value, which needs a reason. Raises `LockedAnswer`, `UnknownAnswer`, `InvalidAnswer` or
    `Contradiction`. `today` (the machine's day when absent) decides only what an empty start_date becomes.
    While `metric_is_open`, today's value and the target are not yet held against the default metric's range.
    """
    locked = {key: lock.value for key, lock in house.in_force().locks.items()}
    given = locked | {key: text for key, text in given.items() if text or key not in locked}
    check_texts(given)
    kind = questions.text_of(given, "kind") or questions.KINDS[0]
    asked = questions.of_kind(kind)
    texts = {"kind": kind}
    for key, question in sorted(asked.items(), key=lambda item: questions.depends(item[1])):
        texts[key] = given.get(key, "") or questions.default(question, texts)
    texts["project_slug"] = texts["project_slug"] or slug(texts["project_name"])
    if not texts["project_slug"]:
        raise InvalidAnswer(
            "project_slug", "", "the project's name has no letters to make one from, so it must be given"
        )
    texts["start_date"] = texts["start_date"] or next_monday(today or datetime.date.today()).isoformat()
    for key, question in asked.items():
        if not questions.is_asked(question, texts):
            texts[key] = questions.default(question, texts)
    check_texts(texts)
    answers = Answers({key: questions.canonical(asked[key], texts[key], texts) for key in asked})
    _check_locks(answers)
    _check_together(answers)
    if not metric_is_open:
        _check_ranges(answers)
    elif (answers.get("current_value") or 0) < 0 and not questions.is_own(answers.get("metric")):
        raise InvalidAnswer("current_value", answers.text("current_value"), "it must be at least 0")
    return answers


def check_texts(texts: Mapping[str, str], source: str = "") -> None:
    """Refuse unknown keys and texts that are not answers. Raises `UnknownAnswer` or `InvalidAnswer`.

    Raises `SecretGiven` for a text that holds a secret.
    """
    for key, text in texts.items():
        question = questions.load().get(key)
        if questions.holds_secret(text):
            raise SecretGiven(key if question else "An answer", source)
        if question is None:
            raise UnknownAnswer(key, questions.near(key), source)
        context = _context(question, texts)
        complaint = questions.check(question, text, context)
        if complaint:
            raise InvalidAnswer(key, text, complaint, source)
        for named in named_keys(question, questions.canonical(question, text, context)):
            if named not in questions.load():
                meant = " or ".join(f"`{name}`" for name in questions.near(named))
                suggestion = f"; did you mean {meant}?" if meant else ""
                raise InvalidAnswer(key, text, f'there is no question called "{named}"{suggestion}', source)


def named_keys(question: Question, text: str) -> list[str]:
    """The questions that an answer speaks of: `confirmed` and `measured` name keys."""
    if question.type not in ("keys", "origins"):
        return []
    return [part.partition("=")[0].strip() for part in questions.split(text)]


def read(path: Path) -> dict[str, str]:
    """The answers in a YAML or JSON file, every scalar as its text, checked one by one.

    Raises `UnreadableAnswers` for a file that cannot be opened or holds no such list, an `AnswerError` for an answer.
    """
    texts = _flat(path, mapping(path))
    check_texts(texts, path.name)
    return texts


def mapping(path: Path) -> dict[Any, Any]:
    """A YAML or JSON file of `key: value` lines. Raises `UnreadableAnswers`."""
    try:
        content = yamltext.load(path.read_text("utf-8"))
    except OSError as error:
        raise UnreadableAnswers(path, error.strerror or "it cannot be opened") from error
    except UnicodeDecodeError as error:
        raise UnreadableAnswers(path, "it is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise UnreadableAnswers(path, f"it is not YAML ({_first_line(error)})") from error
    texts = {} if content in (None, "") else content
    if not isinstance(texts, dict):
        raise UnreadableAnswers(path, "it is not a list of `key: value` lines")
    return texts


def _flat(path: Path, texts: Mapping[Any, Any]) -> dict[str, str]:
    for key, value in texts.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise UnreadableAnswers(
                path, f"{key} holds more than one value; write several in one text, with semicolons"
            )
    return dict(texts)


def from_flags(assignments: Sequence[str]) -> dict[str, str]:
    """`--set KEY=VALUE …` as answers. Raises `UsageError` where there is no equals sign."""
    texts = assigned(assignments)
    check_texts(texts, "--set")
    return texts


def assigned(assignments: Sequence[str]) -> dict[str, str]:
    """`--set KEY=VALUE …`, whoever asks for the keys. Raises `SecretGiven`, and `UsageError` where one is missing."""
    texts: dict[str, str] = {}
    if any(questions.holds_secret(assignment.partition("=")[2] or assignment) for assignment in assignments):
        keys = [assignment.partition("=")[0] for assignment in assignments]
        raise SecretGiven(next((key for key in keys if key in questions.load()), "An answer"), "--set")
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if equals and not key.strip():
            raise UsageError(f"--set {assignment} names no key.", "Write --set KEY=VALUE, such as --set rigor=light.")
        if not equals:
            raise UsageError(
                f"--set {assignment} has no equals sign.", "Write --set KEY=VALUE, such as --set rigor=light."
            )
        texts[key] = value
    return texts


def user_defaults() -> dict[str, str]:
    """The person's own defaults in `$XDG_CONFIG_HOME/mlscaffold/config.yaml`, where there are any.

    Raises `UnreadableAnswers` where the file is there and cannot be read.
    """
    path = _user_file()
    if not path.is_file():
        return {}
    texts = _flat(path, {key: value for key, value in mapping(path).items() if key != PRESETS})
    check_texts(texts, path.name)
    return texts


def user_presets() -> list[str]:
    """The presets that the same file names, one or a list; a path is seen from the file's folder.

    Raises `UnreadableAnswers` where they are no list of names.
    """
    path = _user_file()
    named = mapping(path).get(PRESETS, []) if path.is_file() else []
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
        raise UnreadableAnswers(path, "its presets are no list of files, folders or addresses")
    beside = [path.parent / Path(name).expanduser() for name in listed]
    return [str(there) if there.exists() else name for there, name in zip(beside, listed, strict=True)]


def _user_file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(home, "mlscaffold", "config.yaml")


def merge(*layers: Mapping[str, str]) -> dict[str, str]:
    """Layers of answers, lowest precedence first. What a layer answers anew, a lower one no longer has measured."""
    merged: dict[str, str] = {}
    for layer in layers:
        anew = {key for key, text in layer.items() if merged.get(key, text) != text}
        merged = {**forget_origins(merged, anew), **layer}
    return merged


def forget_origins(texts: Mapping[str, str], keys: Collection[str]) -> dict[str, str]:
    """The answers without the origins of these keys: a person has given another value than the measured one."""
    measured = questions.split(questions.text_of(texts, "measured"))
    kept = [part for part in measured if part.partition("=")[0].strip() not in keys]
    return dict(texts) if kept == measured else {**texts, "measured": "; ".join(kept)}


def save(texts: Mapping[str, str], folder: Path = Path()) -> Path:
    """Keep answers in a new file that `read` accepts; its path. No existing file is overwritten.

    Raises `AssertionError` should free names ever end.
    """
    names = itertools.chain(["mlscaffold-answers.yaml"], (f"mlscaffold-answers-{n}.yaml" for n in itertools.count(2)))
    for name in names:
        with contextlib.suppress(FileExistsError), folder.joinpath(name).open("x", encoding="utf-8") as file:
            file.write(yamltext.dump(texts))
            return folder / name
    raise AssertionError("the names never end")


def unused(given: Mapping[str, str], answers: Answers) -> list[str]:
    """Given keys that change nothing, because the other answers do not call for them."""
    return [
        key
        for key, text in given.items()
        if text and (key not in answers.raw or (not answers.calls_for(key) and _differs(key, text, answers)))
    ]


def _differs(key: str, text: str, answers: Answers) -> bool:
    return questions.canonical(questions.load()[key], text, answers.raw) != answers.raw[key]


def slug(name: str) -> str:
    """A folder name for a project name, by the same function that plain cookiecutter's `slugify` filter calls."""
    from slugify import slugify  # imported late: `--help` and the plan never need its tables

    return slugify(name, max_length=48)


def next_monday(today: datetime.date) -> datetime.date:
    """The first Monday after `today`."""
    return today + datetime.timedelta(days=7 - today.weekday())


def typed(question: Question, text: str) -> Any:
    """A checked text as the value that planning and templates use (see `questions.yaml` for the types)."""
    if question.type in ("integer", "number"):
        return None if text == "" else (int(text) if question.type == "integer" else float(text))
    if question.type == "date":
        return datetime.date.fromisoformat(text)
    if question.type in ("names", "keys"):
        return tuple(questions.split(text))
    if question.type == "team":
        return tuple(_person(part) for part in questions.split(text))
    if question.type in ("shares", "owners", "ids", "origins", "efforts"):
        kinds: dict[str, Callable[[str], Any]] = {
            "shares": float, "owners": str.strip, "ids": int, "origins": str.strip, "efforts": _effort,
        }  # fmt: skip
        pairs = [part.partition("=") for part in questions.split(text)]
        return {name.strip(): kinds[question.type](value) for name, _, value in pairs}
    return text


def _effort(text: str) -> tuple[float, float, float]:
    low, likely, high = (float(days) for days in text.split("/"))
    return low, likely, high


def _person(part: str) -> Person:
    role, _, rest = part.partition("=")
    name, _, share = rest.rpartition(":")
    return Person(role.strip(), name.strip(), float(share))


def _context(question: Question, texts: Mapping[str, str]) -> dict[str, str]:
    by = question.allowed.get("by")
    if not by or by in texts:
        return dict(texts)
    values = question.allowed["values"]
    fitting = next((value for value, allowed in values.items() if texts.get(question.key) in allowed), "")
    return dict(texts) | {by: fitting}


def _check_locks(answers: Answers) -> None:
    """Refuse another value than a preset locks, unless the answers say why; and a reason where nothing is broken."""
    reasons, locks = answers.lock_reasons, house.in_force().locks
    for key, lock in locks.items():
        if key not in answers.raw or not answers.calls_for(key):
            continue
        wanted = questions.canonical(questions.load()[key], lock.value, answers.raw)
        if answers.raw[key] != wanted and key not in reasons:
            raise LockedAnswer(key, answers.raw[key], lock.value, lock.by, lock.reason)
    for key in reasons:
        if key not in locks:
            raise InvalidAnswer(house.EXCEPTIONS, answers.raw[house.EXCEPTIONS], f"nothing locks {key}")


def _check_together(answers: Answers) -> None:
    if (answers.labelled_cases or 0) > (answers.past_cases or 0):
        raise Contradiction(
            "labelled_cases",
            f"labelled_cases is {answers.labelled_cases}, which is more than past_cases ({answers.past_cases}).",
            "Count the labelled cases among the past cases, or raise past_cases.",
        )
    if (answers.get("test_cases") or 0) > (answers.labelled_cases or 0):
        raise Contradiction(
            "test_cases",
            f"test_cases is {answers.test_cases}, which is more than labelled_cases ({answers.labelled_cases}).",
            "Count the test cases among the labelled ones, or raise labelled_cases.",
        )
    if answers.get("metric_form") == "share" and answers.get("metric_direction") == "lower":
        raise Contradiction(
            "metric_direction",
            f"{answers.metric} is answered as a share, and less of it is to be better: the plan counts shares of right "
            "ones.",
            "Count the right ones (metric_direction=higher), or a mean of ones and noughts (metric_form=mean).",
        )
    for name in answers.efforts:
        if complaint := questions.task_complaint(name, (answers.kind,)):
            raise InvalidAnswer("efforts", answers.text("efforts"), f"of kind {answers.kind} {complaint}")
    rarest, classes = answers.get("rarest_share"), answers.get("class_count")
    if rarest and classes and rarest * classes > 1 + 1e-9:
        raise Contradiction(
            "rarest_share",
            f"rarest_share is {rarest:g}, and the rarest of {classes} classes has at most {1 / classes:.3g} of all.",
            "Answer a smaller rarest_share, or fewer classes in class_count.",
        )
    capabilities = answers.get("capabilities", ())
    if len(set(capabilities)) < len(capabilities):
        raise Contradiction("capabilities", "capabilities names the same capability twice.", "Name each one once.")


def _check_ranges(answers: Answers) -> None:
    for key, text in answers.raw.items():
        complaint = questions.check_most(questions.load()[key], text, answers.raw)
        if complaint:
            raise InvalidAnswer(key, text, complaint)


def _first_line(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
