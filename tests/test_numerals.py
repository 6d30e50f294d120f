"""Numbers are read as people type them, and only one text for each goes on into a repository."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlscaffold import answers, context, numerals, questions
from mlscaffold.errors import InvalidAnswer
from mlscaffold.numerals import NotANumber

NARROW, HARD = "\u202f", "\u00a0"
READ = [  # typed, and every number that it can mean
    ("1200", ["1200"]),
    ("48 000", ["48000"]),
    (f"48{NARROW}000", ["48000"]),
    (f"1{HARD}234{HARD}567,5", ["1234567.5"]),
    ("48'000", ["48000"]),
    ("48’000.50", ["48000.5"]),
    ("1_000_000", ["1000000"]),
    ("1,234,567", ["1234567"]),
    ("12,34,567", ["1234567"]),
    ("1.234.567", ["1234567"]),
    ("1.200,50", ["1200.5"]),
    ("1,200.50", ["1200.5"]),
    (".41", ["0.41"]),
    (",41", ["0.41"]),
    ("0,41", ["0.41"]),
    ("0,410", ["0.41"]),
    ("0.410", ["0.41"]),
    ("99,95", ["99.95"]),
    ("1234,567", ["1234.567"]),
    ("12,3456", ["12.3456"]),
    ("1e3", ["1000"]),
    ("1E+3", ["1000"]),
    ("2,5e-3", ["0.0025"]),
    ("5.", ["5"]),
    ("+3", ["3"]),
    ("−3", ["-3"]),
    (" 7 ", ["7"]),
    ("0", ["0"]),
    ("1,234", ["1234", "1.234"]),
    ("48,000", ["48000", "48"]),
    ("1.234", ["1.234"]),
]
NO_NUMBERS = [
    *(
        "",
        " ",
        "many",
        "%",
        ".",
        ",",
        "-",
        "1 2",
        "1,2,3",
        "1.2.3",
        "1,200,50",
        "007",
        "1 0000",
        "e3",
        "0x10",
        "３",
        "-0",
    ),
    *("1e99", "1e-13", "1" * 16, "0." + "1" * 13, "4%", "1,234.567,8", "5 EUR"),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_each_spelling_is_read(text: str, expected: list[str]) -> None:
    """Thousands by comma, point, space or apostrophe, decimals by point or comma, with an exponent, with a sign."""
    assert [reading.text for reading in numerals.read(text)] == expected


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused(text: str) -> None:
    """Nothing is guessed: half groups, leading zeros, words, and more digits than a plan can hold."""
    with pytest.raises(NotANumber):
        numerals.read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("48,000", ["48000"]), ("1e3", ["1000"]), ("1.5e3", ["1500"]), ("2.0", None), ("48,00", None), ("7 %", None)],
)
def test_a_whole_number_takes_a_comma_as_thousands(text: str, expected: list[str] | None) -> None:
    """Where a whole number is asked, 48,000 is one; a share of it is not."""
    if expected is None:
        with pytest.raises(NotANumber):
            numerals.read(text, whole=True)
    else:
        assert [reading.text for reading in numerals.read(text, whole=True)] == expected


def test_a_point_before_three_digits_is_asked_at_a_keyboard_and_never_guessed() -> None:
    """In a file a point is a decimal point; 48.000 as a whole number is refused there, since it could be either."""
    typed = [reading.text for reading in numerals.read("1.234", typed=True)]

    assert typed == ["1234", "1.234"]
    assert [reading.text for reading in numerals.read("48.000", whole=True, typed=True)] == ["48000"]
    with pytest.raises(NotANumber, match="write 48000"):
        numerals.read("48.000", whole=True)


def test_a_per_cent_sign_means_what_the_question_counts_in() -> None:
    """4% of the cases is 0.04; 99.5% of the requests, asked in per cent, is 99.5; of days there is none."""
    assert numerals.read("4%", percent=numerals.SHARE)[0].text == "0.04"
    assert numerals.read("0,5 %", percent=numerals.SHARE)[0].text == "0.005"
    assert numerals.read("99,5 %", percent=numerals.PERCENT)[0].text == "99.5"
    with pytest.raises(NotANumber, match="per cent sign means nothing"):
        numerals.read("4%")


@given(st.decimals(-(10**14), 10**14, places=6, allow_nan=False))
def test_the_canonical_text_reads_as_itself(value: Decimal) -> None:
    """Whatever was written down once is read again as the same number and the same text."""
    text = numerals.canonical(value + 0)

    assert [reading.text for reading in numerals.read(text)] == [text]
    assert Decimal(text) == value


@given(st.integers(1000, 10**14), st.sampled_from([",", ".", " ", NARROW, HARD, "'", "_"]))
def test_grouped_thousands_read_as_the_same_count(count: int, sign: str) -> None:
    """Every usual way to group a count, where a whole number is asked at a keyboard."""
    grouped = f"{count:,}".replace(",", sign)

    assert str(count) == numerals.read(grouped, whole=True, typed=True)[0].text


# --------------------------------------------------------------------------------------------------- as answers


TYPED_AND_KEPT = {
    "past_cases": ("48,000", "48000"),
    "labelled_cases": ("1 500", "1500"),
    "positive_share": ("4%", "0.04"),
    "current_value": ("0,410", "0.41"),
    "target_value": ("55 %", "0.55"),
    "miss_cost": ("1.200,50", "1200.5"),
    "daily_volume": ("1e3", "1000"),
    "team": ("po=Ana:20%, ds=Bo:1,0", "po=Ana:0.2; ds=Bo:1"),
    "start_date": ("2026-03-02", "2026-03-02"),
}


def test_both_doors_keep_the_canonical_form() -> None:
    """Two people who type the same facts differently, at either door, get the same answers, and so the same tree."""
    typed = {key: text for key, (text, _) in TYPED_AND_KEPT.items()}
    kept = {key: text for key, (_, text) in TYPED_AND_KEPT.items()}
    at_the_door = {key if questions.load()[key].plain else f"_{key}": text for key, text in typed.items()}

    assert {key: answers.complete(typed).raw[key] for key in kept} == kept
    assert answers.complete(typed).raw == answers.complete(kept).raw
    assert context.room(at_the_door)[0].raw == answers.complete(kept).raw


def test_a_default_typed_another_way_is_still_the_default() -> None:
    """Provenance follows the value, not its spelling."""
    assert answers.complete({"positive_share": "50 %"}).provenance("positive_share") == "default"


def test_a_sign_that_could_be_either_is_refused_with_both_readings() -> None:
    """Where nobody can be asked, the sentence names both numbers; the range settles it where only one fits."""
    with pytest.raises(InvalidAnswer, match=r'miss_cost is "1,234".*read as 1234 or as 1\.234'):
        answers.complete({"miss_cost": "1,234"})
    assert answers.complete({"kind": "software", "slo_percent": "99,950"}).slo_percent == 99.95


def test_a_per_cent_sign_fits_a_metric_that_is_a_share() -> None:
    """55% of recall is 0.55; an error in the data's own unit has no per cent."""
    assert answers.complete({"metric": "recall", "current_value": "55%"}).current_value == 0.55
    with pytest.raises(InvalidAnswer, match="per cent sign means nothing"):
        answers.complete({"task": "regression", "metric": "mae", "current_value": "55%"})


def test_a_percentage_typed_as_a_share_is_told_how_to_write_it() -> None:
    """4 where a share is asked names 4%."""
    with pytest.raises(InvalidAnswer, match=r"less than 1 \(4 % is written 4%\)"):
        answers.complete({"positive_share": "4"})


LISTED = [
    ("dependencies", "payments=99,95, inventory=99.5 %", "payments=99.95; inventory=99.5"),
    ("dependencies", "payments=99,95; inventory=99,5", "payments=99.95; inventory=99.5"),
    ("team", "po=Ana:0,2, swe=Bo:100%", "po=Ana:0.2; swe=Bo:1"),
    ("code_owners", "po=@org/a, swe=@org/b", "po=@org/a; swe=@org/b"),
    ("capabilities", "Submit, approve and pay;Report;", "Submit, approve and pay; Report"),
]


@pytest.mark.parametrize(("key", "text", "expected"), LISTED)
def test_lists_are_understood_with_commas_between(key: str, text: str, expected: str) -> None:
    """A comma before a further name separates; one inside a number or a phrase does not."""
    assert answers.complete({"kind": "software", key: text}).raw[key] == expected


def test_column_names_are_split_at_commas_unless_semicolons_are_there() -> None:
    """`region, channel` are two columns; with a semicolon a comma belongs to a name."""
    assert answers.complete({"segments": "region, channel"}).segments == ("region", "channel")
    assert answers.complete({"segments": "region, north;"}).segments == ("region, north",)


def test_every_numeric_default_is_canonical() -> None:
    """A default is compared with answers in canonical form, so it must be written in it."""
    for question in questions.load().values():
        for kind in question.kinds:
            text = questions.default(question, {"kind": kind, "consequence": "cosmetic"})
            assert questions.canonical(question, text, {}) == text, question.key


@pytest.mark.parametrize("between", ["X", "x", ";", "\t", "\u3000"])
def test_only_what_people_put_between_thousands_is_a_blank(between: str) -> None:
    """Any other sign there is a slip, and no number is guessed from it."""
    with pytest.raises(NotANumber):
        numerals.read(f"48{between}000")


@pytest.mark.parametrize(("text", "name"), [("1,234", "comma"), ("1.234", "point")])
def test_each_reading_says_how_the_sign_was_taken(text: str, name: str) -> None:
    """A person chooses between these two sentences."""
    grouped, decimal = numerals.read(text, typed=True)

    assert grouped == numerals.Reading("1234", f"the {name} groups thousands")
    assert decimal == numerals.Reading("1.234", f"the {name} is the decimal sign")
