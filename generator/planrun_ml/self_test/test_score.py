"""A table of rows: each is answered and logged, once."""

from pathlib import Path

from planrun_ml.self_test.conftest import ask, gate
from planrun_ml.self_test.test_data import TABLE, TARGET


def test_every_row_of_a_table_is_answered_and_logged(released: Path) -> None:
    """As many answers as rows, the log that late labels need, and no second answer to the same table."""
    TABLE.drop(columns=TARGET).to_csv(released / "new rows.csv", index=False)
    code, said = ask(released, "score", "new rows.csv")

    assert code == 0, said
    assert f"{len(TABLE):,} rows" in said
    assert gate(released, "G4.8").state == "pass"
    assert "already scored" in ask(released, "score", "new rows.csv")[1]
