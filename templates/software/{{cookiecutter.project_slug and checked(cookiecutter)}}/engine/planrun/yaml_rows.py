"""Rows of a YAML file that a person reads and git merges."""

import json
from collections.abc import Sequence
from typing import Any

from planrun.files import write_text
from planrun.repository import Repo


def write_rows(repo: Repo, path: str, rows: Sequence[dict[str, Any]], opening: str = "") -> None:
    """Rows as YAML, every value a quoted string, under the comment lines the file opened with, or is to open with."""
    full = repo.root / path
    text = full.read_text("utf-8") if full.is_file() else opening
    head = [line for line in text.splitlines() if line.startswith("#")]
    body = [
        f"{'  ' if number else '- '}{key}: {json.dumps(value, ensure_ascii=False)}"
        for row in rows
        for number, (key, value) in enumerate(row.items())
    ]
    write_text(full, "\n".join([*head, *body] if rows else [*head, "[]"]) + "\n")
