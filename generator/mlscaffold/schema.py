"""A JSON Schema for answers files, generated from the questions.

It accepts what `answers.read` accepts, and nothing else, but for three things that no pattern can know: the value of a
number that is not written in digits and one point (4%, 48,000), whether the days of an effort rise, and what two
answers say together.
"""

from typing import Any

from mlscaffold import naming, numerals, patterns, questions
from mlscaffold.questions import Question

DESCRIPTION = (
    "One key a line. Every scalar is read as its text, so numbers may be quoted, and written as people type them "
    "(48,000, 4%, 0,41, 1e3): of such a spelling the schema knows the shape, and the program the value and its range. "
    "What two answers say together (labelled_cases at most past_cases) is checked once all answers are complete."
)


def json_schema(kind: str | None = None) -> dict[str, Any]:
    """The schema for answers files of one kind, or of both."""
    asked = questions.of_kind(kind) if kind else questions.load()
    fitting = [rule for question in asked.values() for rule in _fitting(question)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mlscaffold answers{f' ({kind})' if kind else ''}",
        "description": DESCRIPTION,
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _property(question) for key, question in asked.items()},
    } | ({"allOf": fitting} if fitting else {})


def _property(question: Question) -> dict[str, Any]:
    shape: dict[str, Any] = {"description": f"{question.text} {question.why}"}
    if question.type not in ("integer", "number", "choice"):
        shape["not"] = {"pattern": patterns.SECRET}
    options = _numeric(question) if question.type in ("integer", "number") else [_text(question)]
    if questions.may_be_empty(question):
        options.append({"const": ""})
    return shape | (options[0] if len(options) == 1 else {"anyOf": options})


def _numeric(question: Question) -> list[dict[str, Any]]:
    """The number itself, and the same number as a text (which is how answers files are read)."""
    limits: dict[str, Any] = {"type": "integer" if question.type == "integer" else "number"}
    low, high = ("exclusiveMinimum", "exclusiveMaximum") if question.exclusive else ("minimum", "maximum")
    if question.min is not None:
        limits[low] = question.min
    if question.max is not None:
        limits[high] = question.max
    pattern = patterns.number_range(question.min, question.max, question.exclusive, question.type == "integer")
    # What is written in digits and one point is held to its range here; another spelling's range shows in reading it.
    plain = patterns.INTEGER if question.type == "integer" else patterns.NUMBER
    spelled = patterns.whole(f"(?!{patterns.whole(plain)[1:]}){numerals.TYPED}")
    return [limits, {"type": "string", "pattern": patterns.whole(pattern)}, {"type": "string", "pattern": spelled}]


def _text(question: Question) -> dict[str, Any]:
    if question.type == "choice":
        known = [{"const": choice, "title": meaning} for choice, meaning in question.meanings.items()]
        own = [{"type": "string", "pattern": patterns.whole(patterns.OWN), "title": question.own}]
        return {"oneOf": known + (own if question.own else [])}
    if question.type in ("text", "place", "name"):
        blank = {"not": {"pattern": patterns.whole("\\s*")}} if question.min_length else {}
        lengths = {"minLength": question.min_length, "maxLength": question.max_length}
        return {"type": "string", "pattern": patterns.whole(patterns.PRINTABLE)} | lengths | blank
    if question.type == "slug":
        reserved = sorted(naming.reserved())
        return {"type": "string", "pattern": patterns.whole(patterns.SLUG), "not": {"enum": reserved}}
    if question.type == "names":
        return {"type": "string", "pattern": patterns.whole(_names(question))}
    pattern = questions.PATTERNS[question.type][0]
    if question.type == "keys":
        pattern = patterns.several(f"(?:{'|'.join(questions.load())})", ";,")
    if question.type == "origins":
        pattern = patterns.several(f"(?:{'|'.join(questions.load())})={patterns.ORIGIN}")
    if question.type == "efforts":
        pattern = patterns.several(f"(?:{'|'.join(questions.task_names())})\\s*=\\s*{patterns.THREE_DAYS}", ";,")
    if question.type in patterns.TYPED_LISTS:
        pattern = f"(?:{pattern}|(?!{patterns.whole(pattern)[1:]}){patterns.TYPED_LISTS[question.type]})"
    return {"type": "string", "pattern": patterns.whole(pattern), "maxLength": question.max_length}


def _names(question: Question) -> str:
    def separated(sign: str) -> str:
        shape = (question.min_items, question.max_items, question.min_length, question.max_length)
        return patterns.names(*shape, sign)

    one = f"(?:(?=[^;]*;){separated(';')}|(?![^;]*;){separated(',')})" if question.comma_separates else separated(";")
    return f"(?={patterns.whole(patterns.PRINTABLE)[1:]}){one}"


def _one_of(allowed: list[str], question: Question) -> dict[str, Any]:
    known: dict[str, Any] = {"enum": allowed}
    return {"anyOf": [known, {"pattern": patterns.whole(patterns.OWN)}]} if question.own else known


def _fitting(question: Question) -> list[dict[str, Any]]:
    """A metric must fit the task where one file gives both."""
    if not question.allowed:
        return []
    by = question.allowed["by"]
    return [
        {
            "if": {"properties": {by: {"const": value}}, "required": [by]},
            "then": {"properties": {question.key: _one_of([*allowed, ""], question)}},
        }
        for value, allowed in question.allowed["values"].items()
    ]
