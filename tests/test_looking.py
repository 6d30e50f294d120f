"""A look at a data file: what is proposed, with which figure; what is asked instead of guessed; what is refused."""

import datetime
import gzip
import math
import os
import random
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import data_files
import pytest
from data_files import column, complaints, text, write
from mlscaffold import answers, looking
from mlscaffold.errors import OpenQuestion, UnreadableData
from mlscaffold.looking import reading


def look(path: Path, **chosen: str) -> looking.Seen:
    return looking.look(path, chosen)


def proposed(seen: looking.Seen) -> dict[str, str]:
    return {entry.key: entry.value for entry in seen.proposals}


def figure(seen: looking.Seen, key: str) -> str:
    return next(f"{entry.figure} · {entry.why}" for entry in seen.proposals if entry.key == key)


def opened(seen: looking.Seen) -> dict[str, list[str]]:
    return {entry.key: [value for value, _ in entry.choices] for entry in seen.open}


COMPLAINTS = {
    "target_column": "churned", "task": "binary", "time_column": "opened", "group_column": "customer",
    "id_column": "case_id", "past_cases": "600", "labelled_cases": "540", "input_columns": "2", "metric": "recall",
}  # fmt: skip


# ---------------------------------------------------------------------------------------------- forms of text files

FORMS: dict[str, tuple[Callable[[Path], Path], str, dict[str, str]]] = {
    "commas": (lambda p: write(p, text(complaints())), "CSV with commas", {}),
    "semicolons": (lambda p: write(p, text(complaints(), ";")), "CSV with semicolons", {}),
    "tabs": (lambda p: write(p, text(complaints(), "\t")), "CSV with tabs", {}),
    "bars": (lambda p: write(p, text(complaints(), "|")), "CSV with bars", {}),
    "carriage returns": (lambda p: write(p, text(complaints(), end="\r\n")), "CSV with commas", {}),
    "a mark in front": (lambda p: write(p, text(complaints()).encode("utf-8-sig")), "CSV with commas", {}),
    "UTF-16": (lambda p: write(p, text(complaints()).encode("utf-16")), "CSV with commas, UTF-16", {}),
    "decimal commas": (
        lambda p: write(p, text([[cell.replace(".", ",") for cell in row] for row in complaints()], ";")),
        "CSV with semicolons, decimal commas",
        {},
    ),
    "gzip": (lambda p: data_files.packed(p, text(complaints()).encode()), "CSV with commas, gzipped", {}),
    "ja and nein": (
        lambda p: write(p, text(complaints(yes="ja", no="nein"))),
        "CSV with commas",
        {"positive_value": "ja"},
    ),
    "true and false": (lambda p: write(p, text(complaints(yes="True", no="False"))), "CSV with commas", {}),
    "1 and 0": (lambda p: write(p, text(complaints(yes="1", no="0"))), "CSV with commas", {}),
    "day first": (
        lambda p: write(p, text(complaints(form="%d.%m.%Y"))),
        "CSV with commas",
        {"time_format": "%d.%m.%Y"},
    ),
    "month first": (
        lambda p: write(p, text(complaints(form="%m/%d/%Y %H:%M"))),
        "CSV with commas",
        {"time_format": "%m/%d/%Y %H:%M"},
    ),
    "months": (lambda p: write(p, text(complaints(form="%Y-%m"))), "CSV with commas", {"time_format": "%Y-%m"}),
    "with zones": (lambda p: write(p, text(complaints(form="%Y-%m-%dT08:00:00+02:00"))), "CSV with commas", {}),
    "quotes": (
        lambda p: write(p, text(column(complaints(), "word", lambda at, _: f'a "b", {at % 7}\nc'))),
        "CSV with commas",
        {"input_columns": "3"},
    ),
    "SQLite": (lambda p: data_files.database(p, cases=complaints()), "SQLite", {}),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_the_same_table_gives_the_same_answers(name: str, tmp_path: Path) -> None:
    """Separators, encodings, decimals, dates and yes in five ways: rows, labels and each column's part are seen."""
    make, said, own = FORMS[name]
    path = make(tmp_path / "cases.data")
    seen = look(path)
    found = proposed(seen)
    positives = sum(row[-1] in ("yes", "ja", "True", "1") for row in complaints()[1:541])

    assert {key: found.get(key) for key in COMPLAINTS} == COMPLAINTS | {
        key: value for key, value in own.items() if key in COMPLAINTS
    }
    assert {key: found[key] for key in own} == own
    assert ("positive_value" in found, "time_format" in found) == ("positive_value" in own, "time_format" in own)
    assert float(found["positive_share"]) == pytest.approx(positives / 540, abs=5e-5)
    assert figure(seen, "positive_share").startswith(f"{positives} of 540 labelled rows · ")
    assert figure(seen, "labelled_cases") == "540 of 600 rows · rows whose churned is filled in"
    assert seen.table.form.said == said
    assert not seen.open
    assert answers.complete({"decision": "x" * 20} | seen.texts).provenance("positive_share") == "measured"


def test_parquet_is_read_where_duckdb_is(tmp_path: Path) -> None:
    """The same table, typed; moments and numbers come as what they are."""
    duckdb = pytest.importorskip("duckdb")
    source = write(tmp_path / "cases.csv", text(complaints()))
    path = tmp_path / "cases.parquet"
    duckdb.sql(f"copy (from '{source}') to '{path}' (format parquet)")
    found = proposed(look(path))

    assert {key: found.get(key) for key in COMPLAINTS} == COMPLAINTS


def test_a_damaged_file_ends_in_a_sentence(tmp_path: Path) -> None:
    """Parquet and a database, at every length that a broken transfer may leave and with bytes overwritten."""
    duckdb = pytest.importorskip("duckdb")
    source, table, base = write(tmp_path / "a.csv", text(complaints())), tmp_path / "a.parquet", tmp_path / "a.db"
    duckdb.sql(f"copy (from '{source}') to '{table}' (format parquet)")
    with closing(sqlite3.connect(base)) as connection:
        connection.execute("create table cases (a, b)")
        connection.executemany("insert into cases values (?, ?)", [(n, "x" * 90) for n in range(600)])
        connection.commit()
    for path, begins in ((table, 4), (base, 16)):
        whole, middle = path.read_bytes(), len(path.read_bytes()) // 2
        over = whole[:middle] + b"\xff" * (len(whole) - middle - 8) + whole[-8:]
        for damaged in (whole[:begins], whole[:begins] + b"junk", whole[:middle], over):
            with pytest.raises(UnreadableData, match=f"{path.name} cannot be read as") as refusal:
                look(write(path, damaged))
            assert "whole" in refusal.value.hint


@pytest.mark.parametrize("suffix", ["parquet", "db"])
def test_a_file_that_breaks_after_the_first_look_ends_in_a_sentence(suffix: str, tmp_path: Path) -> None:
    """The second look, which counts the values of a column in all rows, says it as the first one does."""
    duckdb = pytest.importorskip("duckdb")
    path, rows = tmp_path / f"a.{suffix}", [(n, n % 3) for n in range(reading.MOST_ROWS + 1)]
    if suffix == "db":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("create table cases (a, b)")
            connection.executemany("insert into cases values (?, ?)", rows)
            connection.commit()
    else:
        duckdb.sql(f"select range as a, range % 3 as b from range({len(rows)})").write_parquet(str(path))  # noqa: S608
    table = reading.read(path)
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(UnreadableData, match="cannot be read as"):
        reading.count_values(table, "b")


def test_parquet_without_duckdb_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else needs the standard library only."""
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    path = write(tmp_path / "cases.parquet", b"PAR1....")

    with pytest.raises(UnreadableData, match="only where DuckDB is installed") as refusal:
        look(path)
    assert "[parquet]" in refusal.value.hint


def test_another_encoding_is_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are read as Windows-1252, and the person is told to look at the names."""
    table = [["größe", *complaints()[0][1:]], *complaints()[1:]]
    seen = look(write(tmp_path / "cases.csv", text(table).encode("latin-1")))

    assert "Windows-1252" in seen.table.form.said
    assert seen.table.names[0] == "größe"
    assert any("look at the names with accents" in note for note in seen.notes)


# ---------------------------------------------------------------------------------------------------- tasks


def numbers(rows: int = 400) -> list[list[str]]:
    chance = random.Random(5)
    table = [["flat", "rooms", "area", "price"]]
    for number in range(rows):
        area = chance.uniform(20, 200)
        table.append(
            [str(number + 1), str(chance.randrange(1, 6)), f"{area:.1f}", f"{area * chance.uniform(1, 3):.2f}"]
        )
    return table


def test_numbers_of_many_sizes_are_a_regression(tmp_path: Path) -> None:
    """And the metric follows the task."""
    seen = look(write(tmp_path / "flats.csv", text(numbers())))

    assert proposed(seen) == {
        "data_source": "data/raw/flats.csv", "target_column": "price", "past_cases": "400", "labelled_cases": "400",
        "task": "regression", "metric": "mae", "id_column": "flat", "input_columns": "2",
    }  # fmt: skip
    assert "numbers of many sizes" in figure(seen, "task")
    assert figure(seen, "id_column") == "different in all 400 rows · no two of them share it"
    assert "metric" not in answers.complete({"decision": "x" * 20} | seen.texts)["measured"]


def test_words_are_classes(tmp_path: Path) -> None:
    """More than two of them, few enough to be classes."""
    table = [["width", "height", "species"]]
    table += [[f"{n % 17}.5", f"{n % 23}.1", "abc"[n % 3] * 3] for n in range(300)]
    seen = look(write(tmp_path / "plants.csv", text(table)))

    assert (proposed(seen)["task"], proposed(seen)["metric"]) == ("multiclass", "accuracy")
    assert figure(seen, "task") == "3 different values · a few words, none of them a number"


def test_a_macro_f1_is_told_its_classes(tmp_path: Path) -> None:
    """How many there are and how rare the rarest is, counted, where that metric decides; else neither is asked."""
    table = [["width", "height", "species"]]
    table += [[f"{n % 17}.5", f"{n % 23}.1", "aaa" if n % 10 else "bbb" if n % 20 else "ccc"] for n in range(400)]
    path = write(tmp_path / "plants.csv", text(table))
    seen, other = look(path, metric="macro_f1"), look(path)

    assert (proposed(seen)["class_count"], proposed(seen)["rarest_share"]) == ("3", "0.05")
    assert figure(seen, "rarest_share") == '20 of 400 labelled rows · rows whose species is "bbb"'
    assert not {"class_count", "rarest_share"} & proposed(other).keys()


def test_one_number_a_day_and_store_is_a_forecast(tmp_path: Path) -> None:
    """Each store has each day once."""
    chance = random.Random(2)
    table = [["day", "store", "promotion", "sales"]]
    for at in range(200):
        day = FIRST + datetime.timedelta(days=at)
        table += [[day.isoformat(), f"S{store}", str(at % 2), f"{chance.uniform(5, 500):.1f}"] for store in range(5)]
    seen = look(write(tmp_path / "sales.csv", text(table)))

    assert proposed(seen)["task"] == "forecast"
    assert figure(seen, "task").endswith("numbers, one a moment (day) and store")


FIRST = datetime.date(2025, 1, 1)


def test_grades_within_queries_are_a_ranking(tmp_path: Path) -> None:
    """Whole grades in groups called query."""
    table = [["query", "words", "age", "relevance"]]
    table += [[f"q{n // 10}", str(n % 7), f"{n % 31}.5", str(n * 7 % 4)] for n in range(500)]
    seen = look(write(tmp_path / "searches.csv", text(table)))

    assert (proposed(seen)["task"], proposed(seen)["group_column"]) == ("ranking", "query")
    assert figure(seen, "task") == "4 different values · whole grades, in groups called query"


@pytest.mark.parametrize(("unit", "scale"), [("seconds", 1), ("milliseconds", 1000)])
def test_moments_that_are_numbers_are_named(unit: str, scale: int, tmp_path: Path) -> None:
    """The repository reads no such moments: nobody should find out from a model that knows the future."""
    noted = [
        look(write(tmp_path / "cases.csv", text(column(complaints(), name, make)))).notes
        for name, make in (
            ("created", lambda at, _: str((1_700_000_000 + 3_600 * at) * scale)),
            ("takings", lambda at, _: str((1_000 + 37 * at) * scale)),
            ("batch", lambda at, _: str((1_700_000_000 + at % 5) * scale)),
            ("phone", lambda at, _: str((1_700_000_000 + at) * scale)),
        )
    ]

    assert [any("since 1970" in note for note in notes) for notes in noted] == [True, False, False, False]
    assert any(note.startswith(f"created looks like moments, in {unit} since 1970") for note in noted[0])


# ---------------------------------------------------------------------------------------------- asked, not guessed


def test_every_candidate_is_named_where_there_are_many(tmp_path: Path) -> None:
    """Nine columns of a yes or no: six are written out as what to type, the others by name."""
    names = [f"mark_{n}" for n in range(9)]
    table = [["size", *names], *([f"{n}.5", *(str((n * k + n // 3) % 5 % 2) for k in range(9))] for n in range(300))]
    with pytest.raises(OpenQuestion) as question:
        looking.refuse_open(look(write(tmp_path / "marks.csv", text(table))))

    assert set(re.findall(r"mark_\d", question.value.hint)) == set(names)
    assert question.value.hint.count("--set target_column=") == 6


def test_few_whole_numbers_are_asked(tmp_path: Path) -> None:
    """A note from 1 to 5 is five classes to one team and an amount to another."""
    table = [["length", "rating"]] + [[f"{n % 91}.5", str(1 + n * 3 % 5)] for n in range(300)]
    seen = look(write(tmp_path / "notes.csv", text(table)))

    assert opened(seen) == {"task": ["multiclass", "regression"]}
    with pytest.raises(OpenQuestion, match=r"rating holds few whole numbers \(1, 2, 3, 4, 5\)") as question:
        looking.refuse_open(seen)
    assert question.value.hint == "Say which: --set task=multiclass or --set task=regression."
    assert not look(write(tmp_path / "notes.csv", text(table)), task="regression").open


def test_two_possible_targets_are_asked(tmp_path: Path) -> None:
    """Two columns called like right answers; the hint names a flag that works."""
    path = write(tmp_path / "cases.csv", text(column(complaints(), "fraud", lambda at, _: "01"[at % 9 == 0])))
    seen = look(path)

    assert opened(seen) == {"target_column": ["fraud", "churned"]}
    with pytest.raises(OpenQuestion, match="more than one column could be the right answer") as question:
        looking.refuse_open(seen)
    assert "--set target_column=fraud or --set target_column=churned" in question.value.hint
    assert proposed(look(path, target_column="fraud"))["positive_share"] == "0.1117"


def test_no_telling_name_is_asked(tmp_path: Path) -> None:
    """The likeliest columns first, but none is taken."""
    table = [["a", "b", "c"]] + [[f"{n}.25", str(n % 50), "yn"[n % 2]] for n in range(200)]
    seen = look(write(tmp_path / "x.csv", text(table)))

    assert opened(seen)["target_column"][0] == "c"
    assert "target_column" not in proposed(seen)
    assert proposed(seen)["past_cases"] == "200"


def test_which_value_is_positive_is_asked(tmp_path: Path) -> None:
    """Two words of which neither says yes."""
    path = write(tmp_path / "cases.csv", text(complaints(yes="malignant", no="benign")))

    assert opened(look(path)) == {"positive_value": ["benign", "malignant"]}
    assert "positive_share" not in proposed(look(path))
    assert float(proposed(look(path, positive_value="malignant"))["positive_share"]) < 0.2
    with pytest.raises(UnreadableData, match='has no churned that is "bad"'):
        look(path, positive_value="bad")


def test_a_date_that_could_be_two_days_is_asked(tmp_path: Path) -> None:
    """Days up to the twelfth only: both readings are shown."""
    table = complaints()
    for at, row in enumerate(table[1:]):
        row[2] = f"{1 + at % 12:02}/{1 + at // 12 % 12:02}/2025"
    path = write(tmp_path / "cases.csv", text(table))
    seen = look(path)
    (question,) = [entry for entry in seen.open if entry.key == "time_format"]

    assert [value for value, _ in question.choices] == ["%d/%m/%Y", "%m/%d/%Y"]
    assert question.needed
    assert "could be day first or month first (01/01/2025)" in question.question
    assert not look(path, time_format="%d/%m/%Y").open


def test_two_moments_are_ordered_or_asked(tmp_path: Path) -> None:
    """A moment that never comes first is known afterwards; two that cross are asked."""
    later = column(complaints(), "shipped", lambda at, row: _moved(row[2], 3))
    crossing = column(complaints(), "shipped", lambda at, row: _moved(row[2], at % 3 - 1))
    first = look(write(tmp_path / "a.csv", text(later)))
    second = look(write(tmp_path / "b.csv", text(crossing)))

    assert proposed(first)["time_column"] == "opened"
    assert proposed(first)["known_after"] == "shipped"
    assert "shipped: later than opened in 100% of 600 rows" in figure(first, "known_after")
    assert opened(second)["time_column"] == ["opened", "shipped"]
    assert not second.open[0].needed


def _moved(day: str, days: int) -> str:
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()


PEOPLE = {
    "email": (lambda at: f"a{at}@example.org", "mail addresses"),
    "contact": (lambda at: f"b{at}@example.org", "mail addresses"),
    "host": (lambda at: f"10.0.{at % 200}.{at % 17}", "IP addresses"),
    "account_ref": (lambda at: f"DE{10 + at % 80}3704004405320130{at % 90 + 10}", "IBANs"),
    "call": (lambda at: f"+49 30 {1000000 + at}", "phone numbers"),
    "birth_date": (lambda at: f"19{60 + at % 30}-03-04", "by its name"),
    "Last Name": (lambda at: "Bo"[: 1 + at % 2], "by its name"),
    "age": (lambda at: str(18 + at % 60), "by its name"),
    "yrs_married": (lambda at: str(at % 40), "by its name"),
    "Marital Status": (lambda at: ("single", "married")[at % 2], "by its name"),
}


@pytest.mark.parametrize("name", ["religious", "ethnic_group"])
def test_columns_about_belief_and_origin_are_taken_for_special_first(name: str, tmp_path: Path) -> None:
    """The first choice is the careful one."""
    seen = look(write(tmp_path / "cases.csv", text(column(complaints(), name, lambda at, _: str(at % 4)))))

    assert opened(seen)["personal_data"][0] == "special"


ANSWERS = ("personal", "special", "none")


@pytest.mark.parametrize("name", PEOPLE)
def test_columns_about_people_are_asked_about(name: str, tmp_path: Path) -> None:
    """By name or by what they hold; no file can tell whether they describe people."""
    make, why = PEOPLE[name]
    seen = look(write(tmp_path / "cases.csv", text(column(complaints(), name, lambda at, _: make(at)))))

    assert "personal_data" not in proposed(seen)
    assert opened(seen)["personal_data"][0] == "personal"
    assert f"{name} ({why})" in next(entry.question for entry in seen.open if entry.key == "personal_data")
    assert proposed(seen)["time_column"] == "opened"  # a birthday is no moment of prediction
    with pytest.raises(OpenQuestion, match="columns look as if they described people") as question:
        looking.refuse_open(seen)
    assert question.value.hint == f"Say which: {' or '.join(f'--set personal_data={answer}' for answer in ANSWERS)}."


# ---------------------------------------------------------------------------------------------- known only afterwards

LATER: dict[str, tuple[Callable[[int, list[str]], str], str]] = {
    "closed_at": (lambda at, row: "", 'its name says "closed"'),
    "RefundTotal": (lambda at, row: str(at % 5), 'its name says "refund"'),
    "note": (lambda at, row: "call" if row[-1] == "yes" and at % 2 else "", 'filled in only where churned is "yes"'),
    "clerk": (
        lambda at, row: f"clerk {at % 9}" if row[-1] else "",
        "filled in only where churned is (0 of 60 other rows)",
    ),
    "code": (lambda at, row: {"yes": "17", "no": "4", "": "9"}[row[-1]], "by itself it tells churned in 100.0%"),
    "score": (
        lambda at, row: f"{(row[-1] == 'yes') + at / 1000:.4f}",
        "by itself it puts 100.0% of pairs of rows in the order of churned",
    ),
}


@pytest.mark.parametrize("name", LATER)
def test_columns_known_only_afterwards_are_named_with_why(name: str, tmp_path: Path) -> None:
    """By name, by when they are filled in, by how well they tell the answer alone."""
    make, why = LATER[name]
    seen = look(write(tmp_path / "cases.csv", text(column(complaints(), name, make))))

    assert proposed(seen)["known_after"] == name
    assert f"{name}: {why}" in figure(seen, "known_after")
    assert "known_after" not in answers.complete({"decision": "x" * 20} | seen.texts)["measured"]
    assert proposed(seen)["input_columns"] == "2"


def test_a_number_that_goes_with_the_target_is_named(tmp_path: Path) -> None:
    """A price in another currency knows the price."""
    table = column(numbers(), "dollars", lambda at, row: f"{float(row[-1]) * 1.1:.2f}")
    seen = look(write(tmp_path / "flats.csv", text(table)))

    assert proposed(seen)["known_after"] == "dollars"
    assert "its correlation with price is 1.000" in figure(seen, "known_after")


def test_honest_inputs_are_not_suspected(tmp_path: Path) -> None:
    """Holes, weak signals and constants are no reason to leave a column out."""
    table = column(complaints(), "hole", lambda at, _: "" if at % 3 else f"{at % 91}.5")
    table = column(table, "signal", lambda at, row: f"{(row[-1] == 'yes') + at % 13}.5")
    table = column(table, "same", lambda at, _: "7")
    seen = look(write(tmp_path / "cases.csv", text(table)))

    assert "known_after" not in proposed(seen)
    assert "One value only, so that they say nothing: same." in seen.notes


def test_a_nearly_empty_column_is_told(tmp_path: Path) -> None:
    """99 % missing: counted exactly where every row was looked at."""
    table = column(complaints(), "rare", lambda at, _: "x" if at % 100 == 3 else "")
    seen = look(write(tmp_path / "cases.csv", text(table)))

    assert "Nearly empty: rare (99.0% missing)." in seen.notes


def test_thousands_are_told(tmp_path: Path) -> None:
    """A mark between thousands makes a text of a number; a comma that could be either is shown as it is read."""
    marked = column(complaints(), "paid", lambda at, _: f"{1000 + at:,}.50")
    comma = column(complaints(), "paid", lambda at, _: f"{1 + at % 9},{100 + at}")
    first = look(write(tmp_path / "a.csv", text(marked)))
    second = look(write(tmp_path / "b.csv", text([[c.replace(".", "") for c in row] for row in comma], ";")))

    assert any("paid holds numbers with marks between thousands (1,000.50)" in note for note in first.notes)
    assert any("paid holds 1,100, read as 1.100" in note for note in second.notes)


# ---------------------------------------------------------------------------------------------- large and wide


def test_a_thousand_columns(tmp_path: Path) -> None:
    """Each is looked at; the sample has fewer rows then."""
    chance = random.Random(1)
    head = [*(f"x{n}" for n in range(1000)), "label"]
    rows = [[*(f"{chance.random():.3f}" for _ in range(1000)), "01"[at % 3 == 0]] for at in range(1200)]
    seen = look(write(tmp_path / "wide.csv", text([head, *rows])))

    assert proposed(seen)["input_columns"] == "1000"
    assert len(seen.table.sample) == reading.CELLS // 1001
    assert proposed(seen)["positive_share"] == "0.3333"


def test_rows_are_counted_and_shares_of_a_sample_are_called_estimates(tmp_path: Path) -> None:
    """More rows than the sample holds: counts stay exact, uniqueness is said of the sample, the sample is spread."""
    rows = 3 * reading.MOST_ROWS
    lines = ["row_id,store,rare,label\n"]
    lines += [f"{n},S{n % 400},{'x' if n % 100 == 7 else ''},{n % 4 == 0:d}\n" for n in range(rows)]
    seen = look(write(tmp_path / "many.csv", "".join(lines)))
    kept = [int(row[0]) for row in seen.table.sample]

    assert proposed(seen)["past_cases"] == proposed(seen)["labelled_cases"] == str(rows)
    assert proposed(seen)["positive_share"] == "0.25"
    assert figure(seen, "id_column").startswith("different in 10,000 sampled rows")
    assert answers.complete(seen.texts)["measured"]["id_column"] == "a sample of the data file"
    assert answers.complete(seen.texts)["measured"]["past_cases"] == "data file"
    assert any("rare (about 9" in note and " ± 0." in note for note in seen.notes)
    assert kept == sorted(kept)
    thirds = [sum(low <= n < low + rows // 3 for n in kept) for low in (0, rows // 3, 2 * rows // 3)]
    assert all(abs(count - len(kept) / 3) < 6 * (len(kept) * 2 / 9) ** 0.5 for count in thirds), thirds


def test_the_same_file_gives_the_same_sample(tmp_path: Path) -> None:
    """Two looks agree."""
    path = write(tmp_path / "many.csv", "id,y\n" + "".join(f"{n},{n % 2}\n" for n in range(50_000)))

    assert look(path) == look(path)


# ---------------------------------------------------------------------------------------------------------- refused


def _zeros(path: Path) -> Path:
    return write(path, gzip.compress(b"\0" * 50_000_000))


def _long_line(path: Path) -> Path:
    return write(path, "a,b\n1,2\n" + "x" * (2 * reading.LONGEST))


REFUSED: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "not there": (lambda p: p, "is not there", "Check the path"),
    "a folder": (lambda p: (p.mkdir(), p)[1], "is a folder", "one file in it"),
    "empty": (lambda p: write(p, b""), "is empty", "with rows in it"),
    "blank": (lambda p: write(p, b"\n\n  \n"), "is empty", "with rows in it"),
    "names only": (lambda p: write(p, "a,b,label\n"), "holds names and no rows", "Add the rows"),
    "no names": (lambda p: write(p, "1,2.5,0\n2,3.5,1\n3,1.5,0\n"), 'no line of names: its first line holds "1"', ""),
    "one column": (lambda p: write(p, "label\n1\n0\n"), "has one column only", "save it with commas"),
    "one name twice": (lambda p: write(p, "a,A,label\nx,2,3\n"), 'two columns called "A" (and "a"', "Rename"),
    "a name of ours": (lambda p: write(p, "_row,label\nx,2\n"), 'a column called "_row"', "Rename"),
    "ragged": (lambda p: write(p, "a,label\n1,2\n1,2,3\n"), "line 3 holds 3 values for 2 columns", "Correct"),
    "an open quote": (lambda p: write(p, 'a,label\n"1,2\n3,4\n'), "a quotation mark is never closed", "Correct"),
    "junk": (lambda p: write(p, bytes(range(256)) * 40), "holds bytes that are no text", "CSV (UTF-8"),
    "NUL inside": (lambda p: write(p, "a,label\n" + "1,2\n" * 90_000 + "1,\0\n"), "a NUL byte in line 90002", "CSV"),
    "zeros, packed": (_zeros, "holds bytes that are no text", "CSV"),
    "no end of a line": (_long_line, "a line 3 of more than a million characters", "CSV"),
    "half a gzip": (lambda p: write(p, gzip.compress(b"a,b\n1,2\n" * 9999)[:50]), "cannot be unpacked", "again"),
    "a workbook": (lambda p: write(p.with_suffix(".xlsx"), b"PK\x03\x04zz"), "is an Excel workbook", "CSV"),
    "JSON": (lambda p: write(p, '[{"a": 1}]'), "is HTML, XML or JSON", "CSV"),
    "a broken database": (lambda p: write(p, b"SQLite format 3\0" + b"x" * 900), "cannot be read as a database", ""),
    "two tables": (
        lambda p: data_files.database(p, cases=complaints(), notes=[["a"], ["1"]]),
        "is a database with 2 tables (cases, notes)",
        """--set data_query='SELECT * FROM "cases"'""",
    ),
    "a constant": (lambda p: write(p, "a,label\n1,7\n2,7\n"), "has no column that could be predicted", "--set"),
    "a control character": (lambda p: write(p, "a\x1b[2J,A\x1b[2J\n" + "word,2\n" * 90), 'called "A?[2J"', "Rename"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    """One sentence with the file's name, and what to do."""
    make, sentence, hint = REFUSED[name]
    path = make(tmp_path / "cases.data")

    with pytest.raises(UnreadableData) as refusal:
        look(path)
    assert str(refusal.value).startswith(f"{path.name} ")
    assert sentence in str(refusal.value)
    assert hint in refusal.value.hint


def test_a_query_chooses_among_tables(tmp_path: Path) -> None:
    """The answer that the hint asks for settles it, and the repository reads the same rows."""
    path = data_files.database(tmp_path / "shop.db", cases=complaints(), notes=[["a"], ["1"]])
    seen = look(path, data_query="SELECT * FROM \"cases\" WHERE region = 'north'")

    assert int(proposed(seen)["past_cases"]) < 300
    assert proposed(seen)["data_source"] == "sqlite:///data/raw/shop.db"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe can be read once; nobody hangs on one without a writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[BaseException] = []

    def try_it() -> None:
        try:
            look(pipe)
        except UnreadableData as refusal:
            found.append(refusal)

    thread = threading.Thread(target=try_it, daemon=True)
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    assert "is a pipe or a device" in str(found[0])


def test_a_file_without_the_right_to_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says so; root, who may read everything, is refused here by hand."""
    path = write(tmp_path / "cases.csv", text(complaints()))
    path.chmod(0)
    if os.access(path, os.R_OK):
        real = Path.open

        def refuse(self: Path, *arguments: str) -> object:
            if self == path:
                raise PermissionError(13, "Permission denied", str(path))
            return real(self, *arguments)

        monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(UnreadableData, match=r"cases\.csv cannot be read \(Permission denied\)"):
        look(path)


def test_a_file_that_grows_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts of a file that is still being written belong to no file."""
    path = write(tmp_path / "cases.csv", text(complaints()))
    drawn = reading._drawn

    def draw_and_grow(*arguments: object) -> object:
        table = drawn(*arguments)  # type: ignore[arg-type]
        with path.open("a") as file:
            file.write("C9,K1,2025-01-01,5,north,no\n")
        return table

    monkeypatch.setattr(reading, "_drawn", draw_and_grow)
    with pytest.raises(UnreadableData, match="changed while it was being read"):
        look(path)


def test_more_text_than_the_bound_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to too much is read up to the bound, and the count is called a lower one."""
    monkeypatch.setattr(reading, "MOST_TEXT", 5_000)
    seen = look(data_files.packed(tmp_path / "cases.csv.gz", text(complaints()).encode()))

    assert any("there are more rows than" in note for note in seen.notes)


def test_columns_without_a_name_are_called_as_the_repository_calls_them(tmp_path: Path) -> None:
    """An index that another tool wrote in front has no name."""
    table = complaints()
    for row, first in zip(table, ["", *(str(n) for n in range(600))], strict=True):
        row.insert(0, first)
    seen = look(write(tmp_path / "cases.csv", text(table)))

    assert seen.table.names[0] == "column0"


def test_a_chosen_column_that_is_not_there(tmp_path: Path) -> None:
    """The sentence names it, and the hint the columns that are."""
    path = write(tmp_path / "cases.csv", text(complaints()))

    with pytest.raises(UnreadableData, match=r'has no column "churn" \(target_column\)') as refusal:
        look(path, target_column="churn")
    assert "churned" in refusal.value.hint


def series(make: Callable[[list[float], int], float]) -> list[list[str]]:
    """A slow wave that rises, a day a row, and a column made from it."""
    level = [300 + 0.05 * day + 5 * math.sin(day / 30) + 0.1 * math.sin(day * 7.3) for day in range(402)]
    first = datetime.date(2025, 1, 1)
    rows = [
        [str(first + datetime.timedelta(days=day)), f"{make(level, day):.4f}", f"{level[day]:.4f}"]
        for day in range(2, 402)
    ]
    return [["day", "other", "amount"], *rows]


def test_an_earlier_value_of_a_smooth_series_is_no_leak(tmp_path: Path) -> None:
    """It fits as well as a leak does; what changes with the answer from day to day is one, in another unit, too."""
    found = {}
    for name, make in {
        "the day before": lambda level, day: level[day - 1],
        "two days before": lambda level, day: level[day - 2],
        "itself in another unit": lambda level, day: 7 + 100 * level[day],
    }.items():
        seen = look(write(tmp_path / "series.csv", text(series(make))), target_column="amount", task="regression")
        found[name] = (proposed(seen).get("known_after", ""), sum("known_after=other" in note for note in seen.notes))

    assert found == {"the day before": ("", 1), "two days before": ("", 1), "itself in another unit": ("other", 0)}
