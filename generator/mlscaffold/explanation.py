"""What a name of the plan means: a number, a formula, a gate, a metric or a question, from its row in the catalogue."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from mlscaffold import catalogue, questions, report
from mlscaffold.catalogue import Formula, Gate, MetricRow, NumberRow
from mlscaffold.errors import UnknownName

Row = TypeVar("Row")


def explained(name: str) -> str:
    """All that the name may mean, with an empty line between. Raises `UnknownName`."""
    found = [
        *_found(name, questions.load(), lambda question: report.questions_text([question])),
        *_found(name, catalogue.numbers(), _number),
        *_found(name, catalogue.formulas(), _formula_and_numbers),
        *_found(name, catalogue.gates(), _gate),
        *_found(name, catalogue.metrics(), _metric),
        *([_own_metric(name.strip())] if questions.is_own(name.strip()) else []),
    ]
    if not found:
        raise UnknownName(name, questions.alike(name, names()))
    return "\n\n".join(found)


def names() -> list[str]:
    """Every name that can be explained."""
    tables = (questions.load(), catalogue.numbers(), catalogue.formulas(), catalogue.gates(), catalogue.metrics())
    return list(dict.fromkeys(name for table in tables for name in table))


def _found(name: str, rows: Mapping[str, Row], told: Callable[[Row], str]) -> list[str]:
    """What a table says of a name, whatever its case: f12, g3.3."""
    return [told(row) for known, row in rows.items() if known.casefold() == name.strip().casefold()]


def _number(row: NumberRow) -> str:
    """What it is counted in, what it means, and each formula that it may follow from."""
    unit = f" ({_open(row.unit)})" if row.unit else ""
    parts = [report.paragraph(f"{row.key}{unit}: {_open(row.meaning).rstrip('.')}.")]
    parts += [_formula(catalogue.formulas()[id]) for id in row.formulas if id]
    if "" in row.formulas:
        parts.append(
            "It is an answer, or follows from answers without a formula." if len(parts) == 1 else "Or answered."
        )
    return "\n\n".join(parts)


def _open(text: str) -> str:
    """A row's text with the words that answers fill in between angle brackets."""
    return re.sub(r"\{(\w+)\}", lambda word: f"<{word[1].replace('_', ' ').lower()}>", text)


def _formula(row: Formula) -> str:
    """Its name, its symbols and where it is from."""
    said = [report.paragraph(row.where), report.paragraph(f"Source: {row.source}.")]
    return "\n".join([f"{row.id}: {row.name}.", *(f"    {line}" for line in row.lines), *said])


def _formula_and_numbers(row: Formula) -> str:
    given = [key for key, number in catalogue.numbers().items() if row.id in number.formulas]
    return "\n".join([_formula(row), *([report.paragraph(f"Gives {', '.join(given)}.")] if given else [])])


def _gate(row: Gate) -> str:
    """What it is called, and where it blocks."""
    where = f", where {row.conditions()}" if row.conditions() else ""
    blocks = f"A gate of {report.KIND_NAMES[row.kind]}; it blocks at rigor {row.blocks} and above{where}."
    return report.paragraph(f"{row.id}: {row.title}. {blocks} There, planrun status says what opens it.")


def _own_metric(name: str) -> str:
    """A metric that no catalogue knows: where it stands, what the plan asks of it, and who can tell more."""
    asked = ", ".join(f"metric_{part}" for part in ("direction", "form", "counted_on", "unit", "spread"))
    said = f"{name}: a metric of the team's own, written in `metrics.py` of its package (docs/bring-your-own.md)."
    return report.paragraph(
        f"{said} The plan knows of it what the answers say: {asked}. "
        f"In a repository that it decides in, planrun explain {name} says how."
    )


def _metric(row: MetricRow) -> str:
    """What it measures, for which tasks, and how its rows are counted."""
    high = "" if row.high is None else f", at most {row.high}"
    said = f"{row.key}: {row.title}, {row.meaning}. For {' and '.join(row.tasks)}; {row.better} is better{high}."
    return report.paragraph(f"{said} Labelled rows are planned in {row.counted_on}.")
