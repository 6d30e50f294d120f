"""The pages of docs/ that follow from the catalogue: every formula, every gate, and the work of a schedule.

For development; it is not part of the installed package. `generator/sync.py` writes them.
"""

from mlscaffold import catalogue, questions
from mlscaffold.catalogue import Formula, Gate, Work

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
    return gate.conditions("`") or "always"


# ------------------------------------------------------------------------------------------------ the schedule


def work() -> str:
    """The tables of docs/schedule.md: every task with what it follows, its days by part, and why so many."""
    lines: list[str] = []
    for kind, title in KINDS.items():
        rows = list(catalogue.work()[kind].values())
        head = ["| Id | Task | Whose | After | There |", "|---|---|---|---|---|"]
        lines += ["", f"## {title}: the tasks", "", *head, *(_task_row(row) for row in rows)]
        days = ["| Id | Part | Best | Likely | Worst | Of |", "|---|---|---|---|---|---|"]
        lines += ["", f"## {title}: the days", "", *days, *(line for row in rows for line in _part_rows(row))]
        why = ["| Task | Why so many | Follows from |", "|---|---|---|"]
        lines += ["", f"## {title}: why", "", *why, *(_why_row(row) for row in rows)]
    return "\n".join([*lines, "", ""])


def _task_row(row: Work) -> str:
    whose = "nobody: it waits" if row.waits else f"`{row.hands}`" if row.hands else row.role
    after = ", ".join(row.after) or "–"
    return f"| {row.id} | {row.title} | {whose} | {after} | {row.there} |"


def _part_rows(row: Work) -> list[str]:
    return [
        f"| {row.id} | {name} | {part.days[0]:g} | {part.days[1]:g} | {part.days[2]:g} | {part.of} |"
        for name, part in row.parts.items()
    ]


def _why_row(row: Work) -> str:
    return (
        f"| {row.id} | {row.why} | {', '.join(f'`{key}`' for key in row.grows) or 'nothing: it is the same in each'} |"
    )
