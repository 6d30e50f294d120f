"""One planned number with everything a reader needs to argue with it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from mlscaffold import catalogue, figures
from mlscaffold.catalogue import NumberRow
from mlscaffold.catalogue.keys import FormulaId, NumberKey, PlanKey
from mlscaffold.planning import absence
from mlscaffold.planning.formulas.counts import LIMIT


@dataclass(frozen=True)
class Number:
    """What varies of a number; its key, unit, formula and meaning are a row of the catalogue.

    `value` None: not measured yet or not computable, and `note` says why. `formula` says which one it was where the
    row lists several and it was not the first. `remedy` is set where the value (or its absence) stands in the way of
    the plan: note and remedy then become a finding. `provenance` is answered, measured (in a data file, or by the
    rendered repository), default (a figure nobody gave) or computed. `words` stand for a value that a rule will give
    once something is measured.
    """

    value: Any  # a number, a text such as a date, a yes or no, or None
    _: KW_ONLY
    inputs: Mapping[str, Any] = field(default_factory=dict)
    formula: FormulaId | None = None
    provenance: str = "computed"
    note: str | None = None
    remedy: str | None = None
    words: str | None = None

    def as_json(self, row: NumberRow, terms: Mapping[str, str]) -> dict[str, Any]:
        """The entry of plan.json. Floats keep ten significant digits, so that every platform writes the same text.

        Raises ValueError for a formula that the catalogue does not have.
        """
        return {
            "value": tidy(self.value),
            "unit": row.unit.format_map(terms),
            "formula": self._formula_of(row),
            "inputs": {name: tidy(value) for name, value in self.inputs.items()},
            "provenance": self.provenance,
            "meaning": row.meaning.format_map(terms),
            "note": self.note,
        } | ({"words": self.words} if self.words else {})

    def _formula_of(self, row: NumberRow) -> str:
        """The formula's id; "" for an answer. Raises ValueError for one that the row does not list."""
        if self.formula is None:
            return row.formulas[0]
        if self.formula not in row.formulas:
            raise ValueError(f"{row.key} has no formula {self.formula!r} in catalogue/numbers.yaml")
        return self.formula


Numbers = dict[NumberKey, Number]


def tidy(value: Any) -> Any:
    """Plain JSON data with floats cut to ten significant digits; an input without limit becomes null."""
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.10g}") + 0.0  # + 0.0 turns -0.0 into 0.0
    if isinstance(value, Mapping):
        return {key: tidy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [tidy(item) for item in value]
    return value


def value_of(numbers: Mapping[NumberKey, Number], key: NumberKey) -> Any:
    """The value under `key`; None where the plan has no such number."""
    return numbers[key].value if key in numbers else None


def said(value: float | int | None) -> str:
    """A value inside a sentence of the plan: 1225 → 1,225; 0.6127 → 0.613; "not known yet" for None.

    Close to one and to a hundred it keeps more digits, as pages do: 0.99999 is no certainty.
    """
    if value is None:
        return "not known yet"
    if isinstance(value, int) or abs(value) >= 999.5:
        return f"{value:,.0f}"
    if 0.99 < abs(value) < 1 or 99 < abs(value) < 100:
        return figures.significant(value, figures.digits_near_the_top(value))
    return figures.significant(value, 3)


def begun(months: float | None) -> str:
    """Months as people count them, from the beginning of each: 2.67 → 3 months; 0.2 → a month."""
    if months is None:
        return said(None)
    whole = math.ceil(months - 1e-9)
    return "a month" if whole <= 1 else f"{whole:,} months"


def bounded(key: NumberKey, number: Number, terms: Mapping[str, str]) -> Number:
    """The number itself, or, where it is infinite, not a number or beyond a thousand million, a finding instead."""
    value = number.value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) <= LIMIT:
        return number
    row = catalogue.numbers()[key]
    unit, meaning = row.unit.format_map(terms), row.meaning.format_map(terms).rstrip(".")
    most = f"{'less than -' if value < 0 else 'more than '}{LIMIT:,.0f}"
    amount = f"{most} {unit}".rstrip() if math.isfinite(value) else f"{unit} without end"
    suspects = ", ".join(number.inputs) or "the answers"
    return replace(
        number,
        value=None,
        note=f"These answers give {amount}, which no project can use ({meaning}).",
        remedy=number.remedy or f"Look at {suspects}: something there is far from real.",
    )


def nested(numbers: Mapping[NumberKey, Number], terms: Mapping[str, str]) -> dict[PlanKey, Any]:
    """Entries nested by the dots of their keys: `test.rows` becomes ["test"]["rows"]."""
    tree: dict[Any, Any] = {}
    for key, number in numbers.items():
        *groups, name = key.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = number.as_json(catalogue.numbers()[key], terms)
        if number.value is None:
            node[name]["absent"] = absence.absent(key, number.note)
    return tree


def numbers_of(plan: Mapping[PlanKey, Any]) -> dict[NumberKey, Mapping[str, Any]]:
    """The numbers of a plan that was computed here, by their dotted keys: `nested` turned round."""
    return dict(entries(plan))


def entries(plan: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The numbers of a finished plan with their dotted keys; of another version's plan also keys unknown here."""
    for key, value in plan.items():
        if isinstance(value, Mapping) and {"value", "formula"} <= value.keys():
            yield f"{prefix}{key}", value
        elif isinstance(value, Mapping):
            yield from entries(value, f"{prefix}{key}.")


def findings_of(numbers: Mapping[NumberKey, Number]) -> list[dict[str, str]]:
    """What stands in the way of the plan: one sentence and one remedy, once for each group of numbers."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for key, number in numbers.items():
        if number.remedy:
            entry = {"key": key, "sentence": str(number.note), "remedy": number.remedy}
            found.setdefault((key.partition(".")[0], number.remedy), entry)
    return list(found.values())
