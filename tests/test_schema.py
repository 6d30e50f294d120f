"""The JSON Schema accepts the answers files that the program accepts; where only reading a number tells, its shape."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from material import ROOT, SAMPLES
from mlscaffold import answers, numerals, patterns, questions, schema, yamltext
from mlscaffold.errors import AnswerError

VALIDATOR = Draft202012Validator(schema.json_schema())
SHAPES = [
    "", "0", "1", "-0", "-1", "0.5", ".5", "5.", "007", "1e3", "99.95", "100", "100.0", "1000000000", "1000000001", "0.99",
    "0.990", "0.991", "260", "261", "2.0", "no", "none", "ml", "recall", "mae", "a" * 19, "a" * 20, "a" * 600, "a" * 601,
    "x" * 300, "x" * 301, "   ", "a\tb", "a\u2028b", "\ufeff", "my-project", "json", "a-", "2026-02-29", "2028-02-29", "2100-01-01",
    "po=Ana:0.2; ds=Bo:1", "po=Ana:0", "po=:1", "po=Ana:1;", ";", "a;b", "abcd; efgh", "abc; defg", "payments=99.95; b=1",
    "payments=0", "pay ments=50.5;x1=100", "po=@org/a", "po=@/a", "EUR", "eur", "a@b.co", "a@b", "positive_share; task",
    "positive_share; tsak", "region;;channel", ";".join("abcdefghijklm"), "; ".join("abcdefghijkl"), "a" * 121, "a" * 120, "名前",
    'q"uote', "back\\slash", "{{ 7*7 }}", "=1+1", "trailing ", "\n", "a\n", "2.", "+3", "３",
    "48,000", "48 000", "48\u202f000", "48'000", "48.000", "4%", "4 %", ".41", "0,41", "1.200,50", "1,200.50", "1,234", "1.234", "1e300",
    "1e-20", "−1", "%", ",", "1,2,3", "1 2", "12,34,567", "1_000", "5,", "0,99", "a, b", "a,b;", "po=Ana:20%, ds=Bo:0,5", "po=Ana, B:1",
    "payments=99,95, inventory=99.5 %", "payments=99,950", "payments=1e9", "; a=1, b=2", "task, metric", "task metric", "po=@a, ds=@b",
]  # fmt: skip


def program_accepts(texts: dict[str, str]) -> bool:
    """Whether the reading step takes these texts."""
    try:
        answers.check_texts(texts)
    except AnswerError:
        return False
    return True


def test_the_schema_is_a_schema() -> None:
    """A real validator takes it, for both kinds and each."""
    for kind in (None, *questions.KINDS):
        Draft202012Validator.check_schema(schema.json_schema(kind))


def only_read(key: str, text: str) -> bool:
    """Whether a text spells its numbers in a way of which a pattern knows the shape, and not the value."""
    question = questions.load()[key]
    if question.type in patterns.TYPED_LISTS:
        shape, plain = patterns.TYPED_LISTS[question.type], questions.PATTERNS[question.type][0]
    else:
        shape, plain = numerals.TYPED, patterns.INTEGER if question.type == "integer" else patterns.NUMBER
    numeric = question.type in ("integer", "number", *patterns.TYPED_LISTS)
    return numeric and bool(re.fullmatch(shape, text)) and not re.fullmatch(plain, text)


def agree(key: str, text: str) -> bool:
    """Whether schema and program say the same, or the program, which reads the number, is the stricter one."""
    valid, accepted = VALIDATOR.is_valid({key: text}), program_accepts({key: text})
    return valid == accepted or (valid and only_read(key, text))


@pytest.mark.parametrize("key", questions.load())
def test_schema_and_program_agree_on_awkward_texts(key: str) -> None:
    """Every key against every awkward shape."""
    for text in SHAPES:
        assert agree(key, text), (key, text)


@given(st.sampled_from(sorted(questions.load())), st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_schema_and_program_agree_on_any_text(key: str, text: str) -> None:
    """The same for texts nobody thought of."""
    assert agree(key, text)


@given(st.sampled_from(sorted(k for k, q in questions.load().items() if q.min is not None)), st.data())
def test_schema_and_program_agree_on_numbers(key: str, data: st.DataObject) -> None:
    """Numbers around each bound, written in several ways."""
    question = questions.load()[key]
    low, high = question.min or 0.0, question.max or 1.0
    value = data.draw(st.floats(low - 1, high * 1.1 + 1) | st.sampled_from([low, high]))
    text = f"{value:.{data.draw(st.integers(0, 7))}f}"

    assert agree(key, text), text


def test_the_schema_takes_numbers_as_people_type_them() -> None:
    """Each spelling that the program reads, and no word."""
    for text in ("48,000", "48 000", "48\u202f000", "48'000", "1e3", "+3"):
        assert VALIDATOR.is_valid({"past_cases": text}), text
        assert program_accepts({"past_cases": text}), text
    for text in ("4%", "4 %", ".41", "0,41", "4e-2"):
        assert VALIDATOR.is_valid({"positive_share": text}), text
        assert program_accepts({"positive_share": text}), text
    for text in ("many", "4%%", "1 1 million", "-"):
        assert not VALIDATOR.is_valid({"past_cases": text}), text


def test_schema_and_program_agree_on_metric_and_task() -> None:
    """Where one file gives both, they must fit."""
    metrics, tasks = questions.load()["metric"].choices, questions.load()["task"].choices
    for metric in (*metrics, ""):
        for task in tasks:
            texts = {"metric": metric, "task": task}
            assert VALIDATOR.is_valid(texts) == program_accepts(texts), texts


def test_typed_files_of_editors_are_accepted() -> None:
    """An editor that reads YAML with types sees numbers; the schema takes them within the same bounds."""
    assert VALIDATOR.is_valid({"positive_share": 0.04, "past_cases": 1200})
    assert not VALIDATOR.is_valid({"positive_share": 1.5})
    assert not VALIDATOR.is_valid({"past_cases": 1.5})


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_valid_and_a_broken_one_is_not(name: str) -> None:
    """The samples themselves, and each with one key spoilt."""
    texts = yamltext.load((ROOT / "tests/samples" / f"{name}.yaml").read_text("utf-8"))
    spoilt = texts | {random.Random(7).choice(sorted(texts)) + "x": "1"}

    assert VALIDATOR.is_valid(texts)
    assert not VALIDATOR.is_valid(spoilt)


def test_a_limit_that_may_not_be_reached_is_one_in_the_schema() -> None:
    """For numbers as for texts: both ends of every range, in it or out of it as the question says."""
    for question in questions.load().values():
        for end in (question.min, question.max) if question.type in ("integer", "number") else ():
            if end is not None:
                accepted = VALIDATOR.is_valid({question.key: int(end) if end == int(end) else end})
                assert accepted is not question.exclusive, (question.key, end)


def test_the_schema_says_what_each_key_is() -> None:
    """An editor shows it where the key is typed, and what holds for all of them at the top."""
    found = schema.json_schema("ml")

    assert found["description"] == schema.DESCRIPTION
    assert found["title"] == "mlscaffold answers (ml)"
    for key, shape in found["properties"].items():
        assert shape["description"].startswith(questions.load()[key].text)
