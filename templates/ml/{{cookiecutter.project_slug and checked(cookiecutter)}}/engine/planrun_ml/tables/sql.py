"""Names and values as SQL text."""

from collections.abc import Sequence

ROW = "_row"  # the position of a row in its file, from 1


def quoted(column: str) -> str:
    """A column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def listed(columns: Sequence[str]) -> str:
    """Columns as a list in SQL, each quoted."""
    return ", ".join(quoted(column) for column in columns)
