"""Batch scoring: the same answers as the service gives, parts that are whole, and runs that can be repeated."""

from pathlib import Path

import pandas as pd
import pytest
from planrun.repository import Repo
from planrun_ml.release import champion_model, parity, prediction_log
from planrun_ml.self_test.conftest import ask, gate
from planrun_ml.serving import score
from planrun_ml.tables.parquet import write_parquet


@pytest.fixture
def rows(released: Path) -> Path:
    """New rows as a file of the caller's."""
    _, sent = parity.both_ways(Repo(released), champion_model.load(released))
    path = released / "new rows é.parquet"
    write_parquet(pd.DataFrame(sent), path)
    return path


def test_each_row_is_answered_once(released: Path, rows: Path) -> None:
    """As many records as rows, by the model, with all fields; the same file again is not scored twice."""
    code, said = ask(released, "score", str(rows))
    again = ask(released, "score", str(rows))[1]
    held = prediction_log.last_rows(released / prediction_log.PREDICTIONS, 10_000)

    assert code == 0, said
    assert len(held) == len(pd.DataFrame(parity.both_ways(Repo(released), champion_model.load(released))[1]))
    assert {row["source"] for row in held} == {"model"}
    assert len({row["id"] for row in held}) == len(held)
    assert "already scored" in again
    assert gate(released, "G4.8").state == "pass"


def test_batch_and_single_rows_agree(released: Path, rows: Path) -> None:
    """One class answers both ways."""
    ask(released, "score", str(rows))
    held = prediction_log.last_rows(released / prediction_log.PREDICTIONS, 5)
    _, sent = parity.both_ways(Repo(released), champion_model.load(released))
    alone = champion_model.load(released).answers(sent)[-len(held) :]

    assert [row["score"] for row in held] == pytest.approx([answer.score for answer in alone], abs=1e-9)


def test_a_run_that_died_is_started_again(released: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after a part: nothing of it counts, and the same command finishes it."""
    right = score.write_part

    def dies(*given: object) -> None:
        right(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(score, "write_part", dies)
    code, _ = ask(released, "score", str(rows))

    assert code == 130
    assert prediction_log.last_rows(released / prediction_log.PREDICTIONS) == []

    monkeypatch.undo()

    assert ask(released, "score", str(rows))[0] == 0


@pytest.mark.parametrize("content", ["", "a,b\n", "a,b\n1,2\n", "not a table \x00\x01"])
def test_a_file_that_cannot_be_scored_is_one_sentence(released: Path, content: str) -> None:
    """Empty, without rows, without the columns, or no table at all."""
    path = released / "odd.csv"
    path.write_text(content)
    code, said = ask(released, "score", str(path))

    assert code == 1
    assert "odd.csv" in said
    assert "Traceback" not in said


def test_a_missing_file_is_named(released: Path) -> None:
    """A path typed wrongly."""
    code, said = ask(released, "score", "nowhere.csv")
    folder = ask(released, "score", "docs")

    assert (code, folder[0]) == (1, 1)
    assert "nowhere.csv" in said
    assert "docs is a folder" in folder[1]
    assert "source.yaml" not in said + folder[1]  # what is wrong is the path that was typed


def test_values_that_break_the_schema_are_answered_by_the_rule(released: Path, rows: Path) -> None:
    """They are not dropped: each has an answer, and the reason beside it."""
    _, sent = parity.both_ways(Repo(released), champion_model.load(released))
    found = champion_model.load(released)
    name = next(name for name, kind in found.columns.items() if kind == "number")
    frame = pd.DataFrame(sent)
    frame.loc[0, name] = 1e30
    write_parquet(frame, rows)
    code, said = ask(released, "score", str(rows))
    held = prediction_log.last_rows(released / prediction_log.PREDICTIONS, 10_000)

    assert code == 0
    assert "1 of them answered by the rule" in said
    assert next(row["reason"] for row in held if row["source"] == "rule").startswith(name)
