"""The wizard's conversation as data: what is asked next, what going back undoes, and what its tables show.

Nothing here talks. A `State` goes in and a new one comes out, so that every path through the questions can be tested
with a dictionary.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlscaffold import answers, questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.errors import AnswerError
from mlscaffold.numerals import NotANumber
from mlscaffold.questions import Question

KIND, ASSUMPTIONS, SUMMARY = "kind", "(assumptions)", "(summary)"


@dataclass(frozen=True)
class State:
    """How far a conversation has come."""

    texts: Mapping[str, str]  # every answer so far, also those that other answers have since made moot
    known: frozenset[str] = frozenset()  # answered in a file or by a flag, and so not asked
    passed: frozenset[str] = frozenset()  # the steps behind us
    vouched: frozenset[str] = frozenset()  # typed here: where such an answer equals its default, it is confirmed
    full: bool = False  # ask everything instead of showing what would be assumed
    matters: bool = False  # ask what a gate would ask to confirm, before showing what would be assumed


@dataclass(frozen=True)
class Row:
    """One line of a table of answers."""

    key: str
    section: str
    text: str
    value: str
    assumed: bool  # a default that a gate will ask a person to confirm


def start(given: Mapping[str, str], full: bool) -> State:
    """The beginning of a conversation. Raises `AnswerError` where the given answers cannot be used."""
    state = State(texts=dict(given), known=frozenset(given), full=full)
    complete(state)
    return state


def complete(state: State, key: str = "") -> Answers:
    """All answers as they would be if the conversation ended here.

    Once the metric is chosen (also by `key`, the answer just given), what is counted in its units must be in its range.
    """
    chosen = {"metric", "target_value"} & ({key} | state.passed | state.known)
    return answers.complete(state.texts, metric_is_open=not chosen)


def open_answers(state: State) -> dict[AnswerKey, Any]:
    """What somebody has said while the kind is open: no default, be it of what was not asked or of what nobody knew."""
    filled = complete(state)
    return {key: value for key, value in filled.items() if key in state.texts}


# ------------------------------------------------------------------------------------------------- which step is next


def steps(state: State) -> list[str]:
    """Every step of this conversation in order, as far as the answers so far tell."""
    filled = complete(state)
    first = _of_stage(list(questions.of_kind(filled.kind).values()), "first")
    before = [key for key in first if _decides_the_kind(questions.load()[key])]
    keys = [*before, KIND, *(key for key in first if key not in before)]
    if state.full:
        keys += _rest(filled)
    else:
        keys += [*(_critical(filled) if state.matters else ()), ASSUMPTIONS]
    keys.append(SUMMARY)
    return [key for key in keys if key not in state.known and (key not in filled.raw or filled.calls_for(key))]


def _decides_the_kind(question: Question) -> bool:
    """Asked before the kind: common to both, and not counted in the units of a metric that is chosen after it."""
    return question.kinds == questions.KINDS and question.most.get("by") != "metric"


def next_step(state: State) -> str | None:
    """The first step that is not behind us; None at the end."""
    return next((step for step in steps(state) if step not in state.passed), None)


def position(state: State, step: str) -> tuple[int, int]:
    """Where a question stands among the questions of this conversation: (4, 11)."""
    asked = [other for other in steps(state) if other not in (ASSUMPTIONS, SUMMARY)]
    return asked.index(step) + 1, len(asked)


def count(state: State, kind: str) -> int:
    """How many questions a conversation of this kind asks, as far as the answers so far tell."""
    steps_of_kind = steps(replace(state, texts={**state.texts, "kind": kind}))
    return sum(step not in (ASSUMPTIONS, SUMMARY) for step in steps_of_kind)


def what_matters(state: State) -> list[str]:
    """The questions not asked yet whose default a gate will ask a person to confirm."""
    filled = complete(state)
    return [key for key in _critical(filled) if filled.calls_for(key) and not {key} & (state.passed | state.known)]


def _of_stage(candidates: list[Question], *stages: str) -> list[str]:
    return [question.key for question in candidates if question.stage in stages]


def _rest(filled: Answers) -> list[str]:
    return _of_stage(list(questions.of_kind(filled.kind).values()), "assumed", "expert")


def _critical(filled: Answers) -> list[str]:
    return [key for key in _rest(filled) if questions.load()[key].critical and questions.load()[key].stage == "assumed"]


# -------------------------------------------------------------------------------------------------- taking each step


def understandings(state: State, key: str, text: str) -> list[tuple[str, str]]:
    """What a typed text can mean, each as an answer and in words; more than one where a person must say.

    A number whose comma or point could be either, and names with commas between them where a name may hold one.
    """
    question, context = questions.load()[key], complete(state).raw | {key: text}
    if question.type in ("integer", "number"):
        try:
            found = questions.readings(question, text, context, typed=True)
        except NotANumber:
            return [(text, "")]
        return [(reading.text, reading.how) for reading in found] if len(found) > 1 else [(found[0].text, "")]
    if question.type == "names" and "," in text and ";" not in text and not question.comma_separates:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [("; ".join(parts), f"{len(parts)} of them"), (f"{text};", "one, with a comma in it")]
    return [(text, "")]


def answer(state: State, key: str, text: str) -> State:
    """Take an answer. Other answers that it makes impossible are dropped and asked again; all that still fit stay.

    Raises `AnswerError` where the answer itself cannot be used.
    """
    context = complete(state).raw | {key: text}
    answers.check_texts({name: context[name] for name in (key, *_governing(key)) if name in context})
    texts = answers.merge(state.texts, {key: text})  # another value than the measured one is no longer measured
    changed = replace(state, texts=texts, vouched=state.vouched | {key})
    return _passed(_reconciled(state, changed, key), key)


def unknown(state: State, key: str) -> State:
    """Leave a question at its default, which then counts as assumed."""
    texts = {name: text for name, text in answers.forget_origins(state.texts, {key}).items() if name != key}
    changed = replace(state, texts=texts, vouched=state.vouched - {key}, known=state.known - {key})
    return _passed(_reconciled(state, changed, key), key)


def decide(state: State, kind: str, reason: str = "") -> State:
    """Settle the kind, with the reason why the advisor is overruled where it is."""
    texts = {key: text for key, text in state.texts.items() if key != "kind_reason"} | {"kind": kind}
    other = complete(state).kind != kind
    passed = state.passed - {ASSUMPTIONS} if other else state.passed
    changed = replace(state, texts=texts | ({"kind_reason": reason} if reason else {}), passed=passed)
    return _passed(_reconciled(state, changed, KIND), KIND)


def go_on(state: State, step: str) -> State:
    """Leave a table behind."""
    return _passed(state, step)


def ask_what_matters(state: State) -> State:
    """Ask the questions whose default a gate would ask to confirm, then show what is still assumed."""
    return reopen(replace(state, matters=True), ASSUMPTIONS)


def ask_all(state: State) -> State:
    """Ask everything that would have been assumed."""
    return reopen(replace(state, full=True), ASSUMPTIONS)


def back(state: State) -> State:
    """Return to the step before the next one; its answer stays, to be kept or changed."""
    order, here = steps(state), next_step(state)
    before = order[: order.index(here)] if here else order
    return reopen(state, before[-1]) if before else state


def reopen(state: State, step: str) -> State:
    """Ask one step again, whatever lies behind it."""
    return replace(state, passed=state.passed - {step}, known=state.known - {step})


def _passed(state: State, step: str) -> State:
    return replace(state, passed=state.passed | {step})


def _reconciled(before: State, after: State, key: str) -> State:
    """Drop the answers that the new one contradicts, and reopen those that were given for another metric."""
    while True:
        try:
            metric = complete(after, key).get("metric")
            break
        except AnswerError as error:
            if error.key == key or error.key not in after.texts:
                raise
            texts = {name: text for name, text in after.texts.items() if name != error.key}
            after = reopen(replace(after, texts=texts), error.key)
    was = complete(before).get("metric")
    if None in (was, metric) or was == metric or "metric" not in before.passed | before.known:
        return after
    for name in questions.in_the_metrics_unit():
        after = reopen(after, name) if name in after.texts else after
    return after


def _governing(key: str) -> list[str]:
    by = questions.load()[key].allowed.get("by")
    return [by] if by else []


# --------------------------------------------------------------------------------------------------- what tables show


def assumption_rows(state: State) -> list[Row]:
    """What would be assumed if nothing more were asked."""
    filled = complete(state)
    rest = [key for key in _rest(filled) if questions.load()[key].stage == "assumed"]
    return _rows(state, [key for key in rest if key not in state.texts and filled.calls_for(key)])


def changeable_rows(state: State) -> list[Row]:
    """Every answer that may be changed before the summary: what would be assumed first, then what was answered."""
    assumed = assumption_rows(state)
    there = {row.key for row in assumed}
    return [*assumed, *(row for row in summary_rows(state) if row.key not in there)]


def summary_rows(state: State) -> list[Row]:
    """Every answer that the repository will be made from, the experts' ones only where they were given."""
    filled = complete(state)
    keys = [
        key
        for key, question in questions.of_kind(filled.kind).items()
        if filled.calls_for(key)
        and key not in ("confirmed", "measured", "requirement_ids")
        and (question.stage != "expert" or key in state.texts)
        and (key != "kind_reason" or filled.kind_reason)
    ]
    return _rows(state, keys)


def _rows(state: State, keys: list[str]) -> list[Row]:
    """The lines of these answers, each section's together."""
    sections = list(dict.fromkeys(question.section for question in questions.load().values()))
    filled = complete(state)
    return sorted((_row(state, filled, key) for key in keys), key=lambda row: sections.index(row.section))


def _row(state: State, filled: Answers, key: str) -> Row:
    """One answer as a line: what was typed, or what stands in for it."""
    question = questions.load()[key]
    text = re.sub(r" \([^)]*\)$", "", question.text)  # how to write an answer is told where it is asked
    return Row(key, question.section, text, shown(filled, key), question.critical and not _is_mine(state, filled, key))


def shown(filled: Answers, key: str) -> str:
    """An answer for the eye; what is worked out (folder, first day, author) is shown worked out."""
    text = filled.author if key == "author" else filled.raw[key]
    return str(text) or questions.nothing(questions.load()[key])


def default(state: State, key: str) -> str:
    """What a question would be left at; an answer that contradicts that default has no say in it."""
    others = {name: text for name, text in state.texts.items() if name != key}
    while True:
        try:
            return answers.complete(others, metric_is_open=True).raw[key]
        except AnswerError as error:
            if error.key not in others:
                raise
            del others[error.key]


def _is_mine(state: State, filled: Answers, key: str) -> bool:
    """Whether a person gave this answer, here or in a file: then it is no assumption, even if it equals the default."""
    return key in state.vouched or filled.origin_of(key) != "default"


# ------------------------------------------------------------------------------------------------------ what is kept


def kept(state: State) -> dict[str, str]:
    """Every answer so far, with the typed ones that equal a critical default listed as confirmed."""
    filled = complete(state)
    vouched = [key for key in filled.raw if key in state.vouched and _is_critical_default(filled, key)]
    confirmed = list(dict.fromkeys([*questions.split(questions.text_of(state.texts, "confirmed")), *vouched]))
    return {**state.texts, **({"confirmed": "; ".join(confirmed)} if confirmed else {})}


def finished(state: State) -> dict[str, str]:
    """The answers to go on with: what was typed and became moot is left out."""
    texts = kept(state)
    moot = set(answers.unused(texts, complete(replace(state, texts=texts)))) - state.known
    return {key: text for key, text in texts.items() if key not in moot}


def _is_critical_default(filled: Answers, key: str) -> bool:
    question: Any = questions.load()[key]
    return question.critical and filled.calls_for(key) and filled.raw[key] == questions.default(question, filled.raw)
