"""What a database holds, table by table, read a row at a time and without the product's own code."""

import hashlib
import importlib
import json
from collections.abc import Iterable
from typing import Any

from planrun_software.harness.deliverable import Content

HISTORY = "alembic_version"  # which migration the tables are at: not content


def contents(url: str) -> dict[str, Content]:
    """Every table of a database that SQLAlchemy reaches, whoever made it."""
    sa = importlib.import_module("sqlalchemy")  # the product's: a product without a database has none
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    held = sa.MetaData()
    held.reflect(engine)
    with engine.connect() as connection:
        return {
            name: of_rows(connection.execution_options(yield_per=1000).execute(_ordered(sa, table)))
            for name, table in held.tables.items()
            if name != HISTORY
        }


def _ordered(sa: Any, table: Any) -> Any:
    return sa.select(table).order_by(*(table.primary_key or table.columns))


def of_rows(rows: Iterable[Any]) -> Content:
    """The number of rows and a hash of their values, each as text."""
    count, digest = 0, hashlib.sha256()
    for row in rows:
        count += 1
        digest.update(json.dumps(list(row), default=str, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return Content(count, digest.hexdigest())
