"""The data: odd tables and files that the audit meets, and what it keeps."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planrun.repository import Repo
from planrun_ml.data import columns as columns_module
from planrun_ml.data import frames, leakage
from planrun_ml.self_test.conftest import ROWS, TASK, ask, evidence, write_source
from planrun_ml.self_test.test_data import ID, TABLE, TARGET, put
from planrun_ml.tables import parquet
from planrun_ml.tables import query as query_module


def test_missing_values_repeats_and_letters_of_all_scripts(newborn: Path) -> None:
    """Real tables have holes, copies and names in any language; the loop takes them."""
    rows = TABLE.copy()
    number = next(name for name in rows.select_dtypes("number") if name != TARGET)
    rows.loc[rows.sample(frac=0.1, random_state=1).index, number] = np.nan
    rows = rows.rename(columns={number: 'größe 名前 "q"'})
    rows.insert(2, "ort", np.where(np.arange(len(rows)) % 3 == 0, "Zürich", "東京"))
    copies = rows.iloc[:4].assign(**{ID: [f"copy-{n}" for n in range(4)]})
    put(newborn, pd.concat([rows, copies], ignore_index=True))

    code, said = ask(newborn, "audit")

    assert code == 0, said
    repo = Repo(newborn)
    assert repo.evidence("splits")["across"] == {"keys": 0, "groups": 0, "rows": 0}
    assert {'größe 名前 "q"', "ort"} <= set(repo.evidence("quality")["inputs"])
    assert ask(newborn, "baseline")[0] == 0


OWN_IDS, CHANCE = "each has its own case", "of such pairs by chance"


@pytest.mark.parametrize(("otherwise", "why", "not_said"), [(True, OWN_IDS, CHANCE), (False, CHANCE, OWN_IDS)])
def test_rows_with_ids_of_their_own_that_look_alike_are_cases(
    otherwise: bool, why: str, not_said: str, newborn: Path
) -> None:
    """A few coarse columns cannot tell cases apart; their ids do, where answers differ, and chance where none does.

    Planted: rows that look alike are all answered in turn, or all answered the same. None is left out of a split.
    """
    if TASK in ("ranking", "forecast"):  # their rows come in queries, and in time
        return
    count, draw = 1200, np.random.default_rng(7)
    rows = pd.DataFrame(draw.integers(0, [9, 8, 7, 6, 6], (count, 5)), columns=list("abcde"))
    alike = rows.groupby(list("abcde"))
    turn = alike.cumcount() % 2 if otherwise else 0
    drawn = (alike.ngroup() + turn) % 2
    answers = {
        "binary": drawn,
        "multiclass": np.where(drawn, "wild", "calm"),
        "regression": alike.ngroup() + 0.5 * turn,
    }
    rows.assign(case=[f"R{n}" for n in range(count)], answer=answers[TASK]).to_csv(newborn / ROWS, index=False)
    write_source(newborn, "answer", '"1"' if TASK == "binary" else '""', id="case")
    said = ask(newborn, "audit")[1]
    split = evidence(newborn, "splits")

    assert split["alike"]["cases"]
    assert split["alike"]["differ"] == (split["alike"]["rows"] if otherwise else 0)
    assert split["sizes"]["left out"] == 0
    assert split["across"]["rows"] == 0
    assert f"{split['alike']['rows']:,} rows share all inputs with another" in said
    assert "none is left out" in said
    assert why in said
    assert not_said not in said


def test_what_was_left_out_as_a_copy_is_told(newborn: Path) -> None:
    """How many rows look alike, and what to do where they are cases of their own."""
    if TASK in ("ranking", "forecast"):
        return
    count = min(200, len(TABLE))
    copies = TABLE.iloc[:count].assign(**{ID: [f"copy-{n}" for n in range(count)]})
    put(newborn, pd.concat([TABLE, copies], ignore_index=True))
    said = ask(newborn, "audit")[1]

    assert evidence(newborn, "splits")["sizes"]["left out"] > 0
    assert "Left out of a later split are rows that share all inputs with one of an earlier split" in said
    assert f"{2 * count:,} rows share all inputs with another, 0 of them with one that is answered otherwise." in said


def test_a_row_keeps_its_split_when_rows_are_added(newborn: Path) -> None:
    """The recorded rule holds for old rows, so the test set cannot seep into training."""
    half = TABLE.iloc[: len(TABLE) * 3 // 4]
    if TASK == "ranking":
        half = TABLE[TABLE["query"] < "Q150"]
    put(newborn, half)
    assert ask(newborn, "audit")[0] == 0
    before = {key: part for part in ("train", "validation") for key in frames.load(Repo(newborn), part).keys}

    schema = (newborn / "data" / "schema.yaml").read_text()
    TABLE.to_csv(newborn / ROWS, index=False)
    (newborn / "data" / "schema.yaml").write_text(schema)
    ask(newborn, "audit")

    after = {key: part for part in ("train", "validation") for key in frames.load(Repo(newborn), part).keys}
    assert after.items() >= before.items()


def test_noise_does_not_look_predictive() -> None:
    """Out of fold a random column scores chance, in sample it would not."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600).astype(float)
    noise = pd.Series(rng.integers(0, 40, 600).astype(str))

    assert leakage.single(noise, y, "binary") < 0.56
    assert leakage.single(pd.Series(y + rng.normal(0, 0.01, 600)), y, "binary") > 0.99
    assert leakage.single(pd.Series(np.where(y == 1, np.nan, 1.0)), y, "binary") > 0.99


def test_a_moment_is_the_same_whoever_names_its_zone(tmp_path: Path) -> None:
    """A caller's text, a file's text and a file's moment give one input: that of UTC."""
    path = tmp_path / "rows.csv"
    path.write_text("id,due\n1,2024-01-31T01:00:00+01:00\n2,2024-07-31T02:00:00+02:00\n", "utf-8")
    table = query_module.Engine()
    table.open(path)
    of_file = table.frame(f"select {columns_module.select({'due': 'date'})} from source")["due"].tolist()  # noqa: S608
    told = [{"due": "2024-01-31T01:00:00+01:00"}, {"due": "2024-07-31"}, {"due": "2024-07-31T00:00:00Z"}]
    of_caller = columns_module.of_rows(told, {"due": "date"})["due"].tolist()

    assert of_file == [19753.0, 19935.0]
    assert of_caller == [19753.0, 19935.0, 19935.0]
    assert table.columns("source")["due"] == "TIMESTAMP"


def point(newborn: Path, source: str, query: str) -> None:
    """Name another source."""
    path = newborn / "data" / "source.yaml"
    named = f"source: {source}\nquery: {json.dumps(query)}"
    path.write_text(re.sub(r"(?m)^source: .*$", lambda _: named, path.read_text("utf-8")), "utf-8")


def test_a_cluster_that_nobody_asked_for(newborn: Path) -> None:
    """One sentence, with the answer that works."""
    point(newborn, "sc://127.0.0.1:9", "select 1")

    code, said = ask(newborn, "audit")

    assert code == 1
    assert "replan --set compute=spark" in said


def test_an_address_with_a_part_from_the_environment(newborn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password stays out of git; where it is not set, that is said; where it is, nobody prints it."""
    point(newborn, "sqlite:///$SECRET_PLACE/no.db", "select 1")
    unset = ask(newborn, "audit")
    monkeypatch.setenv("SECRET_PLACE", "hunter2")
    wrong = ask(newborn, "audit")

    assert (unset[0], wrong[0]) == (1, 1)
    assert "$SECRET_PLACE" in unset[1]
    assert "hunter2" not in wrong[1]


def test_a_column_of_a_database_that_is_empty_at_first(tmp_path: Path) -> None:
    """What it holds is known only later; rows stay in their order, and a column without any value stays a column."""
    first = pd.DataFrame({"n": [1, 2], "when": [None, None], "text": ["a", "b"], "never": [None, None]}, dtype=object)
    later = pd.DataFrame({"n": [3.5], "when": [pd.Timestamp("2024-05-01")], "text": [None], "never": [None]})

    count = parquet.write_chunks([first.astype({"n": int}), later], tmp_path / "rows.parquet")
    held = parquet.read_parquet(tmp_path / "rows.parquet")

    assert count == 3
    assert list(held) == ["n", "when", "text", "never"]
    assert held["n"].tolist() == [1, 2, 3.5]
    assert held["when"].isna().tolist() == [True, True, False]
    assert str(held["when"].dtype).startswith("datetime64")
    assert held["text"].tolist()[:2] == ["a", "b"]
    assert parquet.write_chunks([later.iloc[:0]], tmp_path / "none.parquet") == 0
    assert not (tmp_path / "none.parquet").exists()


def test_files_that_are_no_tables(newborn: Path) -> None:
    """An empty file, a missing one, and bytes that are no text."""
    for content in (b"", b"\xff\xfe\x00\x01" * 50):
        (newborn / ROWS).write_bytes(content)
        code, said = ask(newborn, "audit")
        assert code == 1
        assert "rows.csv" in said or "column" in said
    (newborn / ROWS).unlink()
    assert ask(newborn, "audit")[0] == 1
