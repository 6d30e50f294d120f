"""The pages of docs/ that follow from the catalogue: every formula, and every gate.

For development; it is not part of the installed package. `generator/sync.py` writes them.
"""

from mlscaffold import catalogue, questions
from mlscaffold.catalogue import Formula, Gate

KINDS = {"ml": "Machine learning", "software": "Software"}


def formulas() -> str:
    """docs/formulas.md: each formula with its symbols, its source and the functions that compute it."""
    opening = [
        "# Formulas",
        "",
        "`generator/sync.py` writes this page from `generator/mlscaffold/catalogue/formulas.yaml`.",
        "A number of a plan names its formula by the id; a rendered repository has a page of those that it cites.",
        "",
    ]
    return "\n".join([*opening, *(line for formula in catalogue.formulas().values() for line in _formula(formula))])


def _formula(formula: Formula) -> list[str]:
    computed = [f"`planning.{name}`" for name in formula.planning] + [f"`{name}`" for name in formula.engine]
    return [
        f"## {formula.id}",
        "",
        f"{formula.name}.",
        "",
        "```text",
        *formula.lines,
        "```",
        "",
        formula.where,
        f"Computed by {', '.join(computed)}.",
        f"Source: {formula.source}.",
        "",
    ]


def gates() -> str:
    """docs/gates.md: the gates of each kind, from which rigor each blocks, and under which answers."""
    opening = [
        "# Gates",
        "",
        "`generator/sync.py` writes this page from `generator/mlscaffold/catalogue/gates.yaml`.",
        "A gate blocks at the rigor of its row and at every higher one: light, then standard, then strict.",
    ]
    return "\n".join([*opening, *(line for kind in questions.KINDS for line in _table(kind)), ""])


def _table(kind: str) -> list[str]:
    rows = [f"| {gate.id} | {gate.title} | {gate.blocks} | {_condition(gate)} |" for gate in catalogue.gates_of(kind)]
    return ["", f"## {KINDS[kind]}", "", "| Gate | Title | Blocks from | Where |", "|---|---|---|---|", *rows]


def _condition(gate: Gate) -> str:
    conditions = [f"`{key}` is {' or '.join(allowed)}" for key, allowed in gate.when.items()]
    return " and ".join(conditions) or "always"
