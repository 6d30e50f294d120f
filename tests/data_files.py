"""Data files of many kinds, made from a seed: each function writes one and returns its path."""

import csv
import datetime
import gzip
import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

FIRST_DAY = datetime.date(2025, 1, 1)


def complaints(rows: int = 600, form: str = "%Y-%m-%d", yes: str = "yes", no: str = "no") -> list[list[str]]:
    """Cases with a name, a customer, a moment, two inputs, and a late answer in one of ten; the newest have none."""
    chance = random.Random(11)
    table = [["case_id", "customer", "opened", "amount", "region", "churned"]]
    for number in range(rows):
        day = FIRST_DAY + datetime.timedelta(days=number * 300 // rows)
        answer = yes if chance.random() < 0.1 else no
        amount, region = f"{chance.uniform(1, 900):.2f}", chance.choice(["north", "south", "east", "west"])
        table.append(
            [f"C{number:05}", f"K{chance.randrange(rows // 5)}", day.strftime(form), amount, region,
             answer if number < rows * 0.9 else ""]
        )  # fmt: skip
    return table


def text(table: Sequence[Sequence[str]], separator: str = ",", end: str = "\n") -> str:
    """A table as CSV."""
    lines: list[str] = []

    class Lines:
        def write(self, line: str) -> None:
            lines.append(line)

    csv.writer(Lines(), delimiter=separator, lineterminator=end).writerows(table)
    return "".join(lines)


def write(path: Path, content: str | bytes) -> Path:
    """A file of text (UTF-8) or bytes."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def column(table: list[list[str]], name: str, value: Callable[[int, list[str]], str]) -> list[list[str]]:
    """The table with a column more, before the last one."""
    head, *rows = table
    return [[*head[:-1], name, head[-1]], *([*row[:-1], value(at, row), row[-1]] for at, row in enumerate(rows))]


def database(path: Path, **tables: Sequence[Sequence[str]]) -> Path:
    """A SQLite database with these tables."""
    with sqlite3.connect(path) as connection:
        for name, (head, *rows) in tables.items():
            connection.execute(f"create table {name} ({', '.join(head)})")
            connection.executemany(f"insert into {name} values ({', '.join('?' * len(head))})", rows)  # noqa: S608
    connection.close()
    return path


def packed(path: Path, content: bytes) -> Path:
    return write(path, gzip.compress(content, mtime=0))
