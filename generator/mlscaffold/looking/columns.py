"""What one column looks like: its kind, how it is filled, how often values repeat, how its moments are written."""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

NUMBER, DATE, TEXT, EMPTY = "number", "date", "text", "empty"
LEVELS = 50  # a text with more different values than this is free text to the rendered repository

_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+(,\d+)?|\d{1,3}([   ']\d{3})+([.,]\d+)?)")
_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?")
_MONTHS = re.compile(r"(1[89]|20)\d{2}-(0[1-9]|1[0-2])")
_DAYS = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[./-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{4}|\d{2})"
    r"(?P<gap>[T ])?(?P<time>\d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<fraction>\.\d+)?)?( ?(?P<half>[AaPp][Mm]))?"
)
SINCE_1970 = {"seconds": 1e9, "milliseconds": 1e12}  # unit → the number of September 2001
ALMOST = 0.98  # of the filled values must be of a kind; the rest are slips, which the audit names


@dataclass(frozen=True)
class Column:
    """A column of the sample. Missing values are empty texts."""

    name: str
    values: tuple[str, ...]
    decimal: str = "."

    @cached_property
    def filled(self) -> list[str]:
        """The values that are not missing, in the order of the rows."""
        return [value for value in self.values if value]

    @cached_property
    def counts(self) -> Counter[str]:
        """Filled value → how often."""
        return Counter(self.filled)

    @property
    def missing(self) -> float:
        """Share without a value."""
        return 1 - len(self.filled) / len(self.values) if self.values else 1.0

    @property
    def distinct(self) -> int:
        """How many different values there are, missing ones left out."""
        return len(self.counts)

    @property
    def is_unique(self) -> bool:
        """Every sampled row has a value of its own."""
        return len(self.filled) == len(self.values) == self.distinct and self.distinct > 1

    @cached_property
    def kind(self) -> str:
        """NUMBER, DATE, TEXT or EMPTY: what `ALMOST` of the filled values are, else TEXT; numbers go before dates."""
        if not self.filled:
            return EMPTY
        needed = ALMOST * len(self.filled)
        if sum(count for value, count in self.counts.items() if self.number(value) is not None) >= needed:
            return NUMBER
        if self.moments is not None:
            return DATE
        return TEXT

    def number(self, value: str) -> float | None:
        """The value of a number as the rendered repository reads it; None for what it takes for text."""
        if self.decimal == "," and _COMMA.fullmatch(value):
            return float(value.replace(",", "."))
        return float(value) if _PLAIN.fullmatch(value) else None

    @cached_property
    def numbers(self) -> list[float | None]:
        """One number a row; None where missing or no number."""
        known = {value: self.number(value) for value in self.counts}
        return [known.get(value) for value in self.values]

    @property
    def is_whole(self) -> bool:
        """Whole numbers only."""
        return self.kind == NUMBER and all(
            number is None or number == int(number) for number in map(self.number, self.counts)
        )

    @cached_property
    def example(self) -> str:
        """The first filled value, to be shown to a person; "" in an empty column."""
        return next(iter(self.filled), "")

    @property
    def odd_numbers(self) -> str:
        """How numbers are written that the rendered repository would read as texts; "" where there are none."""
        if self.kind != TEXT:
            return ""
        needed = ALMOST * len(self.filled)
        plain = [value for value in self.filled if _PLAIN.fullmatch(value)]
        thousands = [value for value in self.filled if _THOUSANDS.fullmatch(value)]
        commas = [value for value in self.filled if _COMMA.fullmatch(value)]
        if thousands and len({*plain, *thousands}) and len(plain) + len(thousands) >= needed:
            return f"with marks between thousands ({thousands[0]})"
        if commas and len(plain) + len(commas) >= needed:
            return f"with decimal commas in a file separated by commas ({commas[0]})"
        return ""

    # ------------------------------------------------------------------------------------------------------- moments

    @cached_property
    def moments(self) -> tuple[str, ...] | None:
        """How its moments may be written, as formats of `strftime`; "" for ISO 8601. None where it holds no moments.

        Two formats where every date could be day first or month first: only a person can tell.
        """
        needed = ALMOST * len(self.filled)
        if not self.filled or not any(character in self.example for character in "-./"):
            return None
        if sum(count for value, count in self.counts.items() if _ISO.fullmatch(value)) >= needed:
            return ("",)
        if sum(count for value, count in self.counts.items() if _MONTHS.fullmatch(value)) >= needed:
            return ("%Y-%m",)
        found = [match for value in self.counts if (match := _DAYS.fullmatch(value))]
        if sum(self.counts[match.string] for match in found) < needed:
            return None
        return _formats(found)

    @property
    def counted_since_1970(self) -> str:
        """The unit in which whole numbers, mostly different, could count moments of 2001 to 2096; "" for others."""
        if not self.is_whole or self.distinct < len(self.filled) / 2:
            return ""
        known = [number for number in self.numbers if number is not None]
        low, high = min(known), max(known)
        return next((unit for unit, least in SINCE_1970.items() if least <= low < high < 4 * least), "")

    @property
    def is_ambiguous(self) -> bool:
        """Every date of it could be day first or month first, so that a person has to say which."""
        return self.moments is not None and len(self.moments) > 1

    def moment(self, value: str, form: str | None = None) -> datetime.datetime | None:
        """A value as a moment without zone (in UTC where it names one); None where it is none."""
        if not value or not self.moments:
            return None
        form = self.moments[0] if form is None else form
        try:
            if form:
                return datetime.datetime.strptime(value, form)
            moment = datetime.datetime.fromisoformat(_padded(value))
        except ValueError:
            return None
        return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment

    @cached_property
    def times(self) -> list[datetime.datetime | None]:
        """One moment a row."""
        known = {value: self.moment(value) for value in self.counts}
        return [known.get(value) for value in self.values]


def _padded(value: str) -> str:
    """ISO texts as Python reads them: two digits for month, day and hour."""
    value = value.replace(",", ".").replace(" Z", "Z")
    return re.sub(r"(?<=[-T ])(\d)(?=[-T: ]|$)", r"0\1", value)


def _formats(found: Sequence[re.Match[str]]) -> tuple[str, ...] | None:
    """The formats that fit all of these dates; None where none does."""
    shapes = {
        (m["mark"], len(m["a"]) == 4, len(m["c"]), m["gap"], m["time"] and bool(m["seconds"]), bool(m["fraction"]),
         bool(m["half"]))
        for m in found
    }  # fmt: skip
    if len(shapes) != 1:
        return None
    mark, year_first, digits, gap, seconds, fraction, half = shapes.pop()
    if (gap is None) != (seconds is None):
        return None
    time = ""
    if seconds is not None:
        hour = "%I" if half else "%H"
        time = f"{gap}{hour}:%M" + (":%S" if seconds else "") + (".%f" if fraction else "")
        time += (" %p" if " " in found[0].string[-3:] else "%p") if half else ""
    pairs = [(int(m["a"]), int(m["b"]), int(m["c"])) for m in found]
    if year_first:
        fits = digits == 2 and all(1 <= b <= 12 and 1 <= c <= 31 for _, b, c in pairs)
        return (f"%Y{mark}%m{mark}%d{time}",) if fits else None
    year = "%Y" if digits == 4 else "%y"
    day_first = all(1 <= a <= 31 and 1 <= b <= 12 for a, b, _ in pairs)
    month_first = all(1 <= a <= 12 and 1 <= b <= 31 for a, b, _ in pairs)
    orders = [f"%d{mark}%m{mark}{year}{time}"] if day_first else []
    orders += [f"%m{mark}%d{mark}{year}{time}"] if month_first else []
    return tuple(orders) or None
