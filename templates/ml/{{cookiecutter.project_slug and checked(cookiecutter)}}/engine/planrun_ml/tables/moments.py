"""How a column of texts writes its moments: read from all of its values, and never guessed.

2026-03-31 and the like are left to the engine. What puts the year last could be day first or month first: one value
that is possible in one order alone settles it for the column, and without one only a person can tell.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from planrun_ml.tables.sql import literal, quoted

Rows = Callable[[str], list[tuple[Any, ...]]]
TIME = r"(([T ])\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?)?"
DAYS = rf"(\d{{1,4}})([./-])(\d{{1,2}})[./-](\d{{1,4}}){TIME}"
MONTHS = r"(1[89]|20)\d{2}-(0[1-9]|1[0-2])"
ISO = r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?"
OWN = re.compile(rf"(?!{ISO}$)(?:{DAYS}|{MONTHS})")  # a form of its own: not that of ISO 8601
MOST = 0.9  # of the first values that look like moments for a column to be looked at
WORDS = {
    "%d": "day", "%m": "month", "%Y": "year", "%y": "year", "%H": "hour", "%I": "hour", "%M": "minute",
    "%S": "second", "%f": "fraction", "%p": "am or pm",
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    """How a column writes its moments: the formats of strptime that fit every value, and one of them."""

    forms: tuple[str, ...]
    example: str

    @property
    def is_ambiguous(self) -> bool:
        """Whether more than one format fits, so that a day could be read as a month."""
        return len(self.forms) > 1


def looks_own(values: Iterable[str]) -> bool:
    """Whether nearly all of these texts are moments in another form than that of ISO 8601."""
    known = list(values)
    return bool(known) and sum(bool(OWN.fullmatch(value)) for value in known) >= MOST * len(known)


def in_words(form: str) -> str:
    """%d.%m.%Y as "day.month.year"."""
    return re.sub("%[a-zA-Z]", lambda found: WORDS.get(found[0], found[0]), form)


def read(rows: Rows, relation: str, column: str) -> Written | None:
    """How the texts of a column are written; None where they are not all moments in one form."""
    text = quoted(column)
    first, second, third = (f"regexp_extract({text}, {literal(DAYS)}, {n})" for n in (1, 3, 4))
    shape = f"regexp_replace(regexp_replace(upper({text}), '[0-9]+', '0', 'g'), 'AM', 'PM')"
    parts = f"max(try_cast({first} as integer)), max(try_cast({second} as integer)), max(try_cast({third} as integer))"
    sizes = f"min(length({first})), max(length({first})), min(length({third})), max(length({third}))"
    fit = ", ".join(
        f"count(*) filter (where regexp_full_match({text}, {literal(form)}))" for form in (DAYS, MONTHS, ISO)
    )
    found = rows(
        f"select count({text}), {fit}, count(distinct {shape}), min({shape}), any_value({text}), {parts}, {sizes} "
        f"from {relation} where {text} is not null"
    )[0]
    filled, days, months, iso, shapes, written, example, *numbers = found
    if not filled or shapes != 1 or iso == filled:
        return None
    if months == filled:
        return Written(("%Y-%m",), str(example))
    orders = _orders(numbers, written[1]) if days == filled else ()
    time = _time(written[5:])  # what follows 0.0.0
    return Written(tuple(f"{order}{time}" for order in orders), str(example)) if orders else None


def _orders(numbers: list[int], mark: str) -> tuple[str, ...]:
    """The orders of day, month and year that the largest numbers and their digits leave open."""
    a, b, c, least, most, short, long = numbers
    if least == most == 4:
        return (f"%Y{mark}%m{mark}%d",) if b <= 12 and c <= 31 and long <= 2 else ()
    if most > 2 or (short, long) not in ((2, 2), (4, 4)):
        return ()
    year = "%Y" if long == 4 else "%y"
    orders = [f"%d{mark}%m{mark}{year}"] if a <= 31 and b <= 12 else []
    return (*orders, *([f"%m{mark}%d{mark}{year}"] if a <= 12 and b <= 31 else []))


def _time(shape: str) -> str:
    """The format of what follows the day, such as " 0:0 PM"."""
    half = shape.endswith("PM")
    hour = "%I" if half else "%H"
    body = shape.removesuffix("PM")
    for zeros, form in (("0:0:0.0", f"{hour}:%M:%S.%f"), ("0:0:0", f"{hour}:%M:%S"), ("0:0", f"{hour}:%M")):
        if zeros in body:
            body = body.replace(zeros, form)
            break
    return body + ("%p" if half else "")


def misfit(rows: Rows, relation: str, column: str, form: str) -> str:
    """The first value that a format does not read; "" where it reads all. 2026-03-31 and the like are read anyway."""
    text = quoted(column)
    found = rows(
        f"select {text} from {relation} where {text} is not null and try_strptime({text}, {literal(form)}) is null "
        f"and not regexp_full_match({text}, {literal(ISO)}) limit 1"
    )
    return str(found[0][0]) if found else ""


def all_iso(rows: Rows, relation: str, column: str) -> bool:
    """Whether every text of a column is a moment as ISO 8601 writes it, and there is one."""
    text = quoted(column)
    fit = f"count(*) filter (where regexp_full_match({text}, {literal(ISO)}))"
    filled, iso = rows(f"select count({text}), {fit} from {relation}")[0]
    return bool(filled) and filled == iso


def iso_sql(column: str) -> str:
    """A text column's moments in UTC, as ISO 8601 writes them."""
    return f"cast(try_cast({quoted(column)} as timestamptz) as timestamp)"


def sql(column: str, form: str) -> str:
    """A text column's moments in UTC, by its own format or that of ISO 8601."""
    return f"coalesce(try_strptime({quoted(column)}, {literal(form)}), {iso_sql(column)})"
