"""Small Markdown tables."""

from typing import Any


def listed(values: dict[str, Any]) -> str:
    """Names and values on one line: `rows 7, columns 3`."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def cell(text: object) -> str:
    """A text inside one cell: what would open another cell or another line is escaped."""
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def row(*cells: object) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(map(cell, cells))} |"


def table(rows: dict[str, str]) -> str:
    """Two columns of Markdown."""
    return "\n".join(["| | |", "|---|---|", *(row(name, text) for name, text in rows.items())])
