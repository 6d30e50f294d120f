"""Free text inside sentences and Python: it may hold braces, other scripts, or the word "shall"."""

import keyword
import re
import unicodedata
from collections.abc import Sequence

# Names that a function of a rendered module must not hide. A fixed list, so that every Python writes the same plan.
_TAKEN = (
    "abs all any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex copyright credits "
    "delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help "
    "hex id input int isinstance issubclass iter len license list locals map max memoryview min next object oct open "
    "ord pow print property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple "
    "type vars zip self cls request outcome capability capabilities refused dependencies hashlib json time logging "
    "dataclass dataclasses datetime pytest test tests main run match case title "
    # the commands and addresses that a rendered product has of its own
    "accept alert_test audit backup budget check completion confirm decide deletion deletions docs forget healthz "
    "labels load login logout metrics openapi page pages readyz records redoc restore restore_drill rollback_drill "
    "session sign static status token waiting waive warnings "
    # modules of tests that a scenario's file must not be called like
    "access command job library model review samples scenarios service"
)
TAKEN = frozenset(_TAKEN.split())


def identifiers(texts: Sequence[str], empty: str) -> list[str]:
    """A Python name for each text, all different; `empty` and a number where no Latin letter or digit is left."""
    names: list[str] = []
    for number, text in enumerate(texts, 1):
        name = _identifier(text) or f"{empty}_{number}"
        found, copy = name, 2
        while found in names:
            found, copy = f"{name}_{copy}", copy + 1
        names.append(found)
    return names


def _identifier(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:48].strip("_")
    if name[:1].isdigit():
        return f"do_{name}"
    return f"{name}_it" if name in TAKEN or keyword.iskeyword(name) else name


def spoken(text: str, instead: str) -> str:
    """A capability inside a sentence: "Submit an order" becomes "submit an order"; odd texts are quoted.

    `instead` replaces a text with the word "shall", because a requirement says it exactly once.
    """
    if re.search(r"\bshall\b", text, re.IGNORECASE):
        return instead
    if not re.fullmatch(r"[^\W_][\w '’/&-]*[\w'’]", text):
        return f"“{text}”"
    return text[0].lower() + text[1:] if text[1:2].islower() else text
