"""What a signature before the first look, and a verdict after it, hold to. The engine has a copy.

Of the plan these are the numbers that judge: the gain to be shown, the looks and their alpha, the sizes, the margins.
What follows from them and from facts of operation, such as money saved a month at so many results a day, judges
nothing: it may move, and what was signed still stands. The page of acceptance tells such figures below headings of
their own. How sure a number is, and what it rests on, is no part of it either: confirming a fact changes no threshold.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

THRESHOLDS = "plan/plan.json#thresholds"
DOCUMENT = "docs/03-acceptance.md"
SIGNATURE = "gates/signoff-G3a.yaml"
BESIDE = "### Not signed"
FOOTNOTE = "\\* rests on defaults"
READERS = re.compile(r"For [^\n]*: \d+ minutes?\.$")  # for whom a page is, and how long it takes
DATED = re.compile(r"\|\s*\d{4}-\d\d-\d\d\s*(?=\|)")
PARTS = ("acceptance", "test", "slices")
GAIN = "acceptance.min_gain"
UNKNOWN = "unknown"
MOST = 2  # so many that moved are named; the others mostly follow from them
# What follows from the thresholds, from money and volume, or from the rows at hand.
FOLLOWS = frozenset(
    {
        "acceptance.build_cost",
        "acceptance.run_cost_year",
        "acceptance.unit_worth",
        "acceptance.break_even_gain",
        "acceptance.break_even_cost",
        "acceptance.value_month",
        "acceptance.value_month_pass",
        "acceptance.payback_months",
        "test.units_available",
        "test.mde_available",
        "test.mde_available_one_look",
        "test.shortfall",
    }
)
SHARES = ("min_gain_share", "slice_margin")  # what stands in for a number that the measured baseline gives


def agreed(plan: Mapping[Any, Any]) -> dict[str, Any]:
    """The numbers of a plan that judge, by their dotted keys; where one is unknown, the share it will be worked out by.

    `plan` is the content of plan/plan.json; numbers that it lacks are left out.
    """
    return dict(row for part in PARTS for row in _numbers(plan.get(part), part))


def _numbers(part: Any, key: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(part, Mapping) or key in FOLLOWS:
        return
    if "value" not in part:
        for name, inner in part.items():
            yield from _numbers(inner, f"{key}.{name}")
        return
    yield key, part["value"]
    if part["value"] is None:
        given = part.get("inputs") or {}
        yield from ((f"{key} ({name})", given[name]) for name in SHARES if given.get(name) is not None)


def moved(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> dict[str, tuple[str, str]]:
    """The numbers that judge and differ between two plans: old and new by their keys, as somebody can type them."""
    old, new = agreed(before), agreed(after)
    keys = dict.fromkeys([*old, *new])
    return {key: (_said(old.get(key)), _said(new.get(key))) for key in keys if old.get(key) != new.get(key)}


def told(changes: Mapping[str, tuple[str, str]]) -> str:
    """The changes of `moved` as a part of a sentence: the gain asked for before others, and how many more there are."""
    first = sorted(changes, key=lambda key: key != GAIN)
    said = ", ".join(f"{key} {changes[key][0]} → {changes[key][1]}" for key in first[:MOST])
    more = len(first) - MOST
    return f"{said} and {more} more" if more > 0 else said


def holding(changes: Mapping[str, tuple[str, str]], program: str = "mlscaffold") -> str:
    """The command that asks for the old gain again, as `program` is typed here.

    It is "" where the gain did not move, or was not known.
    """
    old = changes.get(GAIN, (UNKNOWN, ""))[0]
    return "" if old == UNKNOWN else f"{program} replan --set min_gain={old}"


def _said(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def signed_text(text: str) -> str:
    """A page without what it says is not signed, without the marks of what nobody has confirmed, and without dates.

    A date alone in a cell of a table is the schedule's; one in a sentence is somebody's word, and is signed.
    """
    kept, beside = [], False
    for line in text.splitlines():
        if re.match(r"#{2,3} ", line):
            beside = line.startswith(BESIDE)
        if not (beside or line.startswith(FOOTNOTE) or READERS.match(line)):
            kept.append(DATED.sub("|", line.replace("*", "")).rstrip())
    return "\n".join(kept).rstrip() + "\n"
