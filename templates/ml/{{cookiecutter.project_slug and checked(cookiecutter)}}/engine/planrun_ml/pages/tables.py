"""Small Markdown tables."""

from typing import Any


def listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def table(rows: dict[str, str]) -> str:
    """Two columns of Markdown."""
    cells = [
        (str(name).replace("|", "\\|"), text.replace("|", "\\|").replace("\n", " ")) for name, text in rows.items()
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in cells)])
