"""Numbers as people type them: 48,000 · 48 000 · 48'000 · 4% · .41 · 0,41 · 1e3 · 1.200,50 · 1,200.50.

One parser for the wizard, `--set`, answers files and both doors. What it returns is the canonical text: digits, at
most one point, no zero that changes nothing. Only that text goes on, so that a tree does not depend on who typed.

A sign before exactly three digits can group thousands or open decimals. A reader of many countries' numbers cannot
know which, so both readings are returned and a person is asked, with two exceptions: where a whole number is wanted a
comma groups thousands; and where nobody can be asked (`typed` is false) a single point is a decimal point, as in every
file that a program writes, and as in the canonical text itself. There 48.000 as a whole number is refused, not guessed.
"""

import functools
import re
from dataclasses import dataclass
from decimal import Decimal

SHARE, PERCENT = "share", "percent"  # what a per cent sign means: 4% is 0.04, or it is 4
MOST_DIGITS, MOST_DECIMALS = 15, 12
EXAMPLES = "1200, 1,200.50, 1 200,50, 0.05 or 1e3"

_BLANKS = "\u0020\u00a0\u2007\u2009\u202f"  # the spaces that people and spreadsheets put between thousands
_QUOTES = "'\u2019\u02bc`"
_GROUPS = "|".join(f"[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+" for sign in (f"[{_BLANKS}]", f"[{_QUOTES}]", "_"))
_BY_COMMA = "[1-9][0-9]{0,2}(?:,[0-9]{2,3})*,[0-9]{3}"  # also 1,23,456, as in India
_BY_POINT = "[1-9][0-9]{0,2}(?:\\.[0-9]{3})+"
_PLAIN = "(?:0|[1-9][0-9]*)"

# Each shape with the sign of its decimals: no two of them read one text as the same value.
_SHAPES = (
    (f"(?P<whole>{_BY_COMMA})(?:\\.(?P<decimals>[0-9]*))?", "groups"),
    (f"(?P<whole>{_BY_POINT})(?:,(?P<decimals>[0-9]*))?", "groups"),
    (f"(?P<whole>{_GROUPS})(?:[.,](?P<decimals>[0-9]*))?", "plain"),
    (f"(?P<whole>{_PLAIN})?[.,](?P<decimals>[0-9]+)", "plain"),
    (f"(?P<whole>{_PLAIN})[.,]?(?P<decimals>)", "plain"),
)
_EXPONENT = f"(?P<mantissa>(?:{_PLAIN})?(?:[.,][0-9]+)?)[eE](?P<power>[+-]?[0-9]{{1,3}})"

# Every text that may be a number, for a schema: neither its value nor its reading is known to a pattern.
TYPED = (
    f"\\s*[+\\-\u2212]?\\s*(?:[0-9][0-9{_BLANKS}{_QUOTES}_.,]*|[.,][0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
    f"(?:[{_BLANKS}]*%)?\\s*"
)


@dataclass(frozen=True)
class Reading:
    """One number that a text can mean, as its canonical text, and how the text was taken to get there."""

    text: str
    how: str = ""


class NotANumber(ValueError):
    """No reading: half a sentence says why ("it must be …")."""


@functools.lru_cache(maxsize=4096)
def read(text: str, *, whole: bool = False, percent: str = "", typed: bool = False) -> tuple[Reading, ...]:
    """Every number that `text` can mean, the likelier first; more than one where a sign could be either.

    `whole`: only whole numbers count. `percent`: what a per cent sign means here, `SHARE` or `PERCENT`; without it
    there must be none. `typed`: at a keyboard, where a point may group thousands.
    Raises `NotANumber`, also for more than 15 digits before or 12 behind the point.
    """
    body, negative, shift = _stripped(text, percent)
    found: dict[str, Reading] = {}
    too_fine = False
    for digits, how in _values(body, whole, typed):
        value = Decimal(digits).scaleb(shift) * (-1 if negative else 1)
        if negative and not value:
            raise NotANumber("a zero takes no minus sign")
        if value.adjusted() >= MOST_DIGITS:
            raise NotANumber(f"it must have at most {MOST_DIGITS} digits before the point")
        if -_exponent(value) > MOST_DECIMALS:
            raise NotANumber(f"it must have at most {MOST_DECIMALS} decimals")
        if whole and ("." in digits if "e" not in digits else value != value.to_integral_value()):
            too_fine = True  # 48,00 as well: more likely a zero too few than a count with decimals
            continue
        found.setdefault(canonical(value), Reading(canonical(value), how))
    if found:
        return tuple(found.values())
    if too_fine:
        raise NotANumber("it must be a whole number, such as 1200 or 48,000")
    raise NotANumber(
        f"it must be a {'whole ' if whole else ''}number, such as {'1200 or 48,000' if whole else EXAMPLES}"
    )


def canonical(value: Decimal) -> str:
    """Digits with at most one point; 99.50 → 99.5, 1E+3 → 1000."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stripped(text: str, percent: str) -> tuple[str, bool, int]:
    """The number without sign and per cent sign, whether it is negative, and the shift of its point."""
    body = text.strip(_BLANKS)
    shift = 0
    if body.endswith("%"):
        if not percent:
            raise NotANumber("a per cent sign means nothing here")
        body, shift = body[:-1].rstrip(_BLANKS), -2 if percent == SHARE else 0
    negative = body[:1] in ("-", "\u2212")
    if body[:1] in ("-", "\u2212", "+"):
        body = body[1:].lstrip(_BLANKS)
    return body, negative, shift


def _values(body: str, whole: bool, typed: bool) -> list[tuple[str, str]]:
    """The digits of each reading, with how a sign that could be either was taken."""
    if (power := re.fullmatch(_EXPONENT, body)) and any(sign.isdigit() for sign in power["mantissa"]):
        return [(f"{power['mantissa'].replace(',', '.')}e{power['power']}", "")]
    matches = [(match, kind) for shape, kind in _SHAPES if (match := re.fullmatch(shape, body))]
    either = re.fullmatch("[1-9][0-9]{0,2}([.,])[0-9]{3}", body)
    if either is None:
        return [(_digits(match), "") for match, _ in matches[:1]]
    sign = either[1]
    if sign == "." and not typed:
        if whole:
            raise NotANumber(
                f"its point could group thousands or open decimals: write {body.replace('.', '')} for that"
            )
        return [(body, "")]
    if sign == "," and whole:
        return [(body.replace(",", ""), "")]
    name = "comma" if sign == "," else "point"
    grouped = (body.replace(sign, ""), f"the {name} groups thousands")
    decimal = (body.replace(",", "."), f"the {name} is the decimal sign")
    return [grouped, decimal]


def _digits(match: re.Match[str]) -> str:
    before = re.sub("[^0-9]", "", match["whole"] or "") or "0"
    return f"{before}.{match['decimals']}" if match["decimals"] else before


def _exponent(value: Decimal) -> int:
    """The exponent of the last digit that is not a zero."""
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "digits alone are finite"
    return exponent
