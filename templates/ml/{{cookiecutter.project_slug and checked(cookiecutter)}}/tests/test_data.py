"""The data: what the audit says about rows that are not as they should be, and what it leaves behind."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROWS, TASK, ask, gate, write_source

from {{ answers.package_name }} import data, dataset, features, fetch, splits
from {{ answers.package_name }}.repo import Repo

TABLE = fetch.table(TASK)
TARGET = TABLE.columns[-1]
POSITIVE = "malignant" if TASK == "binary" else '""'
ID = next(name for name in ("row_id", "case_id") if name in TABLE)
TIME, GROUP = ("day" if TASK == "forecast" else ""), ("query" if TASK == "ranking" else "")


def put(root: Path, rows: pd.DataFrame, **source: str) -> None:
    """Other rows in the place of the sample."""
    rows.to_csv(root / ROWS, index=False)
    write_source(root, **({"target": TARGET, "positive": POSITIVE, "time": TIME, "group": GROUP, "id": ID} | source))


def one_class(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{TARGET: POSITIVE if TASK == "binary" else 1})


REFUSED = {
    "no such target": (lambda rows: rows.rename(columns={TARGET: "outcome"}), [TARGET, "outcome"]),
    "no rows": (lambda rows: rows.iloc[:0], ["no rows"]),
    "one class or a constant": (one_class, [TARGET, "only"]),
    "an empty target": (lambda rows: rows.assign(**{TARGET: None}), [TARGET, "empty"]),
    "nothing but ids": (lambda rows: rows[[name for name in (ID, TIME, GROUP, TARGET) if name]], ["No column"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_data_that_cannot_be_used_is_refused_in_one_sentence(newborn: Path, name: str) -> None:
    """Exit 1, the column's name, a remedy, no traceback, and nothing half-written."""
    change, words = REFUSED[name]
    put(newborn, change(TABLE))

    code, said = ask(newborn, "audit")

    assert code == 1
    assert all(word in said for word in words), said
    assert "Next: " in said
    assert not (newborn / "evidence").exists()
    assert not (newborn / "data" / "manifest.json").exists()
    assert "columns: {}" in (newborn / "data" / "schema.yaml").read_text()


def test_files_that_are_no_tables(newborn: Path) -> None:
    """An empty file, a missing one, and bytes that are no text."""
    for content in (b"", b"\xff\xfe\x00\x01" * 50):
        (newborn / ROWS).write_bytes(content)
        code, said = ask(newborn, "audit")
        assert code == 1
        assert "rows.csv" in said or "column" in said
    (newborn / ROWS).unlink()
    assert ask(newborn, "audit")[0] == 1


def test_a_wrong_column_name_is_answered_with_the_likely_one(newborn: Path) -> None:
    """A slip of the keyboard in data/source.yaml."""
    put(newborn, TABLE, target=TARGET + "s")

    assert f'Did you mean "{TARGET}"?' in ask(newborn, "audit")[1]


def test_mixed_types_are_named_and_not_trained_on(newborn: Path) -> None:
    """A column of numbers with words in it is a breach, with an example."""
    number = next(name for name in TABLE.select_dtypes("number") if name != TARGET)
    rows = TABLE.astype({number: object})
    rows.loc[rows.index[:3], number] = "unknown"
    put(newborn, rows)

    code, said = ask(newborn, "audit")

    assert code == 1
    assert number in said
    assert "unknown" in said
    assert gate(newborn, "G1.3").state == "fail"


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


def test_a_row_keeps_its_split_when_rows_are_added(newborn: Path) -> None:
    """The recorded rule holds for old rows, so the test set cannot seep into training."""
    half = TABLE.iloc[: len(TABLE) * 3 // 4]
    if TASK == "ranking":
        half = TABLE[TABLE["query"] < "Q150"]
    put(newborn, half)
    assert ask(newborn, "audit")[0] == 0
    before = {key: part for part in ("train", "validation") for key in dataset.load(Repo(newborn), part).keys}

    schema = (newborn / "data" / "schema.yaml").read_text()
    TABLE.to_csv(newborn / ROWS, index=False)
    (newborn / "data" / "schema.yaml").write_text(schema)
    ask(newborn, "audit")

    after = {key: part for part in ("train", "validation") for key in dataset.load(Repo(newborn), part).keys}
    assert after.items() >= before.items()


def test_splits_share_nothing_and_time_runs_forward(worked: Path) -> None:
    """Keys lie in one split; dated rows are tested on what came later, after the embargo."""
    table, source, _ = dataset.open_split(Repo(worked))
    key = data.key_sql(source)
    twice = f"select {key} k from split_rows group by k having count(distinct _split) > 1"
    shared = table.rows(f"select count(*) from ({twice})")
    assert shared == [(0,)]
    assert not splits.inverted(table, source)
    assert all(count > 0 for part, count in splits.sizes(table).items() if part != "left out")
    if TASK in ("binary", "multiclass"):
        parts = [dataset.load(Repo(worked), part) for part in ("train", "validation")]
        shares = [pd.Series(part.y).value_counts(normalize=True) for part in parts]
        assert (shares[0] - shares[1]).abs().max() < 0.1


def test_one_query_makes_the_same_inputs_for_training_and_for_a_request(worked: Path) -> None:
    """Rows through the training query and through the request's path come out equal."""
    repo = Repo(worked)
    table, source, columns = dataset.open_split(repo)
    trained = dataset.load(repo, "validation")
    plain = table.frame("select * exclude (_row, _split) from split_rows where _split = 'validation' order by _row")

    requested = features.of_rows(plain[plain[source.target].notna()], columns)

    pd.testing.assert_frame_equal(trained.x.reset_index(drop=True), requested, check_dtype=False)


def test_noise_does_not_look_predictive() -> None:
    """Out of fold a random column scores chance, in sample it would not."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600).astype(float)
    noise = pd.Series(rng.integers(0, 40, 600).astype(str))

    assert features.single(noise, y, "binary") < 0.56
    assert features.single(pd.Series(y + rng.normal(0, 0.01, 600)), y, "binary") > 0.99
    assert features.single(pd.Series(np.where(y == 1, np.nan, 1.0)), y, "binary") > 0.99


def test_an_engine_that_is_not_here(newborn: Path) -> None:
    """One sentence, with the answer that works."""
    plan = newborn / "plan" / "project.yaml"
    plan.write_text(plan.read_text("utf-8").replace('engine: "duckdb"', 'engine: "spark"'), "utf-8")

    code, said = ask(newborn, "audit")

    assert code == 1
    assert 'engine is "spark"' in said
    assert "engine=duckdb" in said
