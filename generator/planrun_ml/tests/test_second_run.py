"""The second run of an audit: what it finds is its own, and what can be had for less is not paid for twice."""

from typing import Any

import pandas as pd
import pytest

from planrun_ml.audit import run
from planrun_ml.data import columns, profile, snapshot, splits
from planrun_ml.tables.query import Engine

INPUTS = {f"x{place}": "number" for place in range(12)}


@pytest.mark.parametrize("repeated", [0, 5])
def test_rows_are_compared_in_all_columns_only_where_few_do_not_tell(
    repeated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was found, it is the count of the whole rows, as the first run has it."""
    frame = pd.DataFrame({name: range(100) for name in INPUTS})
    table = Engine()
    table.register("source", pd.concat([frame, frame[:repeated]]))
    asked, rows = list[str](), table.rows
    monkeypatch.setattr(table, "rows", lambda sql: asked.append(sql) or rows(sql))  # type: ignore[func-returns-value]
    monkeypatch.setattr(snapshot, "open_table", lambda repo: (table, None))
    monkeypatch.setattr(columns, "inputs", lambda *_: INPUTS)
    monkeypatch.setattr(columns, "target_sql", lambda *_: "")
    monkeypatch.setattr(splits, "cut", lambda *_: {})
    monkeypatch.setattr(run, "_arrived", lambda *_: ({}, {"repeats": str(profile.repeats(table, list(INPUTS)))}))
    nothing: Any = None
    facts = {name: {"distinct": 100, "missing": 0.0} for name in INPUTS}

    assert run.again(nothing, False, facts) == {"repeats": str(repeated)}
    assert any("x11" in sql for sql in asked) == (repeated > 0)
