"""Alerts: bands, the queue of a person, and answers that become labels."""

import re
import sqlite3
from pathlib import Path

import pytest
from planrun.repository import Repo

from planrun_ml.data import snapshot
from planrun_ml.release import champion_model, prediction_log
from planrun_ml.self_test.conftest import ask, edit, gate
from planrun_ml.serving import alert
from planrun_ml.tables.parquet import read_parquet, write_parquet

ROWS = "new rows.parquet"


def confirms(root: Path, word: str) -> None:
    """The answer, and the plan's record of it, as a new plan would hold them."""
    edit(root / "plan/project.yaml", lambda found: found.update(human_confirms=word))
    edit(root / "plan/plan.json", lambda found: found.update(answers_sha256=Repo(root).answers_sha256))


@pytest.fixture
def released(released: Path) -> Path:
    """A champion, and a file of new rows."""
    repo = Repo(released)
    table, _ = snapshot.open_table(repo)
    write_parquet(table.frame("select * exclude (_row) from source limit 300"), released / ROWS)
    return released


@pytest.fixture
def waiting(released: Path) -> Path:
    """Alerts that wait for a person."""
    confirms(released, "yes")
    code, said = ask(released, "alert", ROWS)
    assert code == 0, said
    return released


def ids(root: Path) -> list[str]:
    """The cases that wait for an answer, by their id."""
    with sqlite3.connect(root / alert.QUEUE) as connection:
        return [row[0] for row in connection.execute("select id from alerts where answer is null order by id")]


def test_bands_follow_the_accepted_threshold(released: Path) -> None:
    """Acting starts at the threshold, reviewing below it; ops/rollout.yaml overrules both."""
    repo, found = Repo(released), champion_model.load(released)
    limits = alert.bands(repo, found)

    assert limits["review"] <= limits["act"]

    edit(released / "ops/rollout.yaml", lambda content: content["bands"].update(act="0.9"))

    assert alert.bands(Repo(released), found)["act"] == 0.9


def test_without_a_person_alerts_take_effect_at_once(released: Path) -> None:
    """No queue where nobody confirms; every row is in the log."""
    confirms(released, "no")
    code, said = ask(released, "alert", ROWS)

    assert code == 0, said
    assert "at once" in said
    assert not (released / alert.QUEUE).exists()
    assert prediction_log.last_rows(released / prediction_log.PREDICTIONS)
    assert gate(released, "G4.8").state == "pass"


def test_the_same_row_waits_once(waiting: Path) -> None:
    """Raising the same alerts again queues nothing new."""
    before = ids(waiting)
    ask(waiting, "alert", ROWS)

    assert before
    assert ids(waiting) == before
    assert before[0] in ask(waiting, "alert", "--waiting")[1] or len(before) > alert.SHOWN


def test_an_answer_is_a_label_and_is_given_once(waiting: Path) -> None:
    """It closes the alert, stands in labels/, and cannot be given differently afterwards."""
    key, found = ids(waiting)[0], champion_model.load(waiting)
    label = (found.card["labels"] or ["1.5"])[0]
    other = (found.card["labels"] or ["", "2.5"])[1]
    code, said = ask(waiting, "alert", "--answer", key, label)

    assert code == 0, said
    assert key not in ids(waiting)
    assert key in (waiting / "labels/people.jsonl").read_text("utf-8")
    assert ask(waiting, "alert", "--answer", key, other)[0] == 1
    assert ask(waiting, "alert", "--answer", "nobody", label)[0] == 1


def test_rows_without_a_name_are_told_apart_by_their_file(waiting: Path) -> None:
    """The first row of another file is another alert, not the one that waits already."""
    source = waiting / "data/source.yaml"
    source.write_text(re.sub(r"^id: .*$", 'id: ""', source.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    before = len(ids(waiting))
    ask(waiting, "alert", ROWS)
    once = len(ids(waiting))
    rows = read_parquet(waiting / ROWS)
    write_parquet(rows.sample(frac=1, random_state=1), waiting / "other.parquet")
    code, said = ask(waiting, "alert", "other.parquet")

    assert code == 0, said
    assert before < once < len(ids(waiting))
