"""The forms of a delimited file: separators, decimal signs, dates, names."""

import contextlib
import csv
import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from planrun.trouble import Trouble

from planrun_ml.tables.sql import literal

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
TYPES = ["NULL", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", ZONED := "TIMESTAMP WITH TIME ZONE", "VARCHAR"]
SMALL = 100_000_000  # bytes


@dataclass(frozen=True)
class Form:
    """How to read a file; no separator: Parquet."""

    separator: str = ""
    decimal: str = "."


def _options(form: Form, small: bool) -> str:
    """How to read delimited text. Nothing becomes true or false of itself: "yes" stays the word that was written."""
    nulls, types = (", ".join(literal(word) for word in words) for words in (MISSING, TYPES))
    return (
        f"header = true, delim = {literal(form.separator)}, quote = '\"', escape = '\"', skip = 0, comment = '', "
        f"decimal_separator = {literal(form.decimal)}, nullstr = [{nulls}], "
        f"sample_size = {-1 if small else 200000}, auto_type_candidates = [{types}]"
    )


def first(error: Exception) -> str:
    """The first line of an engine's message, without its label; the column and the value where it names them."""
    text = str(error)
    odd = re.search(
        r"Line: (\d+)\n.*converting column \"(.+?)\"\. Could not convert string \"(.*?)\" to '(\w+)", text, re.DOTALL
    )
    if odd:
        kind = {"BIGINT": "whole number", "DOUBLE": "number"}.get(odd[4], "date")
        return f'line {odd[1]}, {odd[2]}: "{odd[3]}" is no {kind}, as the values before it are'
    line = text.splitlines()[0]
    return line.partition("Error: ")[2] or line


CORRECT = "Correct it in the file, or name another file."
SAVE = "Save it as UTF-8 CSV or Parquet."
# Names this repository's own queries use.
OWN = ("_row", "_split", "_key", "_target", "_group", "_day", "_cluster", "_query", "_y", "_n")
NUMBER = r"[+-]?\d+{}\d+"
LOOK = 200  # lines that show whether a comma separates decimals


def form_of(path: Path) -> Form:
    """How to read this file. Raises `Trouble` for an empty one, and for what is no table."""
    try:
        with path.open("rb") as file:
            head = file.read(65536)
    except OSError as error:
        raise Trouble(f"{path.name} cannot be read: {error.strerror}.", "Give yourself the right to read it.") from None
    if not head.strip():
        raise Trouble(f"{path.name} is empty.", CORRECT)
    if head[:4] == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        return Form()
    if not head.startswith(b"\x1f\x8b"):
        if b"\0" in head:
            raise Trouble(f"{path.name} is neither UTF-8 text nor Parquet.", SAVE)
        if re.match(rb'(\xef\xbb\xbf)?\s*(<[!a-zA-Z?]|[\[{]\s*[{"])', head):
            raise Trouble(f"{path.name} is HTML, XML or JSON, not a table.", SAVE)
    return _separated(path)


def _separated(path: Path) -> Form:
    """The separator of the first line, and of decimals where it is a semicolon."""
    with _text(path) as file:
        try:
            lines = [line for line, _ in zip(file, range(LOOK), strict=False)]
        except UnicodeDecodeError:
            raise Trouble(f"{path.name} is not UTF-8.", SAVE) from None
    bare = re.sub(r'"[^"]*"', "", lines[0])
    separator = max((",", ";", "\t", "|"), key=bare.count)
    fields = [field.strip() for line in lines[1:] for field in line.split(separator)]
    commas, points = (any(re.fullmatch(NUMBER.format(mark), field) for field in fields) for mark in (",", r"\."))
    check_names(path.name, next(csv.reader(lines, delimiter=separator), []))
    return Form(separator, "," if separator != "," and commas and not points else ".")


def first_of(path: Path, form: Form, wide: int) -> list[list[str]]:
    """The first filled values of each column of a delimited file, in the order of the columns."""
    found: list[list[str]] = [[] for _ in range(wide)]
    with _text(path) as file:
        lines = csv.reader((line for line, _ in zip(file, range(LOOK), strict=False)), delimiter=form.separator)
        with contextlib.suppress(csv.Error):  # the engine says what is wrong with such a line
            next(lines, None)
            for row in lines:
                for place, value in zip(found, row, strict=False):
                    if value.strip() not in MISSING:
                        place.append(value.strip())
    return found


def check_names(file: str, names: Iterable[str]) -> None:
    """Raises `Trouble` for a name that occurs twice, and for one that this repository uses itself."""
    seen: dict[str, str] = {}
    for name in names:
        low = name.strip().lower()
        if low and low in seen:
            also = "" if name == seen[low] else f' (and "{seen[low]}": capitals do not tell columns apart)'
            raise Trouble(f'{file} has two columns called "{name}"{also}.', "Rename one of them.")
        if low in OWN or low.startswith("_segment_"):
            raise Trouble(f'{file} has a column called "{name}", which is used here.', "Rename that column.")
        seen[low] = name


def problem(path: Path, separator: str) -> str:
    """The first line that keeps a text file from being a table, in words; "" when every line fits the first."""
    with _text(path) as file:
        rows = csv.reader(file, delimiter=separator, strict=True)
        try:
            wide = len(next(rows, []))
            for row in rows:
                if row and len(row) != wide:
                    return f"line {rows.line_num} holds {len(row)} values for {wide} columns"
        except UnicodeDecodeError:
            return f"line {rows.line_num + 1} or one soon after it is not UTF-8"
        except csv.Error:
            return f"a quotation mark is never closed, or stands alone (before line {rows.line_num + 1})"
    return ""


def _text(path: Path) -> TextIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
