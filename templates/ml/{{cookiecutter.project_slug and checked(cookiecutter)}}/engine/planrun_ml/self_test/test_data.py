"""The data and the model: rows that are not as they should be, and how the model behaves on those that are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.baseline import rule
from planrun_ml.data import columns as columns_module
from planrun_ml.data import frames, sample, splits
from planrun_ml.measuring import intervals, metrics
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.models import configuration, families, model_files, training
from planrun_ml.self_test.conftest import ROWS, TASK, ask, gate, write_source

TABLE = sample.sample(TASK)


TARGET = TABLE.columns[-1]


POSITIVE = "malignant" if TASK == "binary" else '""'


ID = next(name for name in ("row_id", "case_id") if name in TABLE)


TIME, GROUP = ("day" if TASK == "forecast" else ""), ("query" if TASK == "ranking" else "")


def put(root: Path, rows: pd.DataFrame, **source: str) -> None:
    """Other rows in the place of the sample."""
    rows.to_csv(root / ROWS, index=False)
    write_source(root, **({"target": TARGET, "positive": POSITIVE, "time": TIME, "group": GROUP, "id": ID} | source))


def one_class(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with one and the same target."""
    return rows.assign(**{TARGET: POSITIVE if TASK == "binary" else 1})


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]] = {
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
    assert not (newborn / "data" / "schema.yaml").exists()


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


def test_splits_share_nothing_and_time_runs_forward(worked: Path) -> None:
    """Keys lie in one split; dated rows are tested on what came later, after the embargo."""
    table, source, _ = frames.open_split(Repo(worked))
    key = columns_module.key_sql(source)
    twice = f"select {key} k from split_rows group by k having count(distinct _split) > 1"
    shared = table.rows(f"select count(*) from ({twice})")
    assert shared == [(0,)]
    found = splits.parts(table, source, TASK, columns_module.target_sql(Repo(worked), source, table))
    assert not splits.inverted(found)
    assert set(splits.PARTS) <= set(found)
    if TASK in CLASSES:
        parts = [frames.load(Repo(worked), part) for part in ("train", "validation")]
        shares = [pd.Series(part.y).value_counts(normalize=True) for part in parts]
        assert (shares[0] - shares[1]).abs().max() < 0.1


def test_one_query_makes_the_same_inputs_for_training_and_for_a_request(worked: Path) -> None:
    """Rows through the training query and through the request's path come out equal."""
    repo = Repo(worked)
    table, source, columns = frames.open_split(repo)
    trained = frames.load(repo, "validation")
    plain = table.frame("select * exclude (_row, _split) from split_rows where _split = 'validation' order by _row")

    requested = columns_module.of_rows(plain[plain[source.target].notna()], columns)

    pd.testing.assert_frame_equal(trained.x.reset_index(drop=True), requested, check_dtype=False)


def test_a_model_file_is_what_was_trained_and_nothing_else(worked: Path, tmp_path: Path) -> None:
    """Saved and loaded it says the same; other bytes are refused, for every family."""
    repo = Repo(worked)
    rows = frames.load(repo, "train")
    small = {"forest": {"n_estimators": 5}, "boosting": {"max_iter": 5}}
    for family in families.ORDER:
        fitted = training.fit(rows, TASK, configuration.config(family, small.get(family, {})))
        path, digest = model_files.save(fitted, tmp_path)
        again = model_files.load(path, digest)
        assert np.array_equal(training.predict(fitted, rows.x, TASK), training.predict(again, rows.x, TASK))
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        with pytest.raises(Trouble):
            model_files.load(path, digest)


def test_the_order_of_rows_and_a_new_category_change_nothing(worked: Path) -> None:
    """Invariance: rows are judged one by one, and the unseen is taken calmly."""
    repo = Repo(worked)
    rows = frames.load(repo, "train")
    fitted = training.fit(rows, TASK, configuration.config("linear"))
    said = training.predict(fitted, rows.x, TASK)

    turned = training.predict(fitted, rows.x.iloc[::-1], TASK)[::-1]

    assert np.allclose(said, turned)
    odd = rows.x.head(3).copy()
    for column in odd:
        odd[column] = np.nan if odd[column].dtype.kind == "f" else "never seen"
    assert np.isfinite(training.predict(fitted, odd, TASK)).all()


def test_the_model_beats_a_constant(worked: Path) -> None:
    """Minimum function: on validation it is better than looking at nothing."""
    repo = Repo(worked)
    rows, validation = frames.load(repo, "train"), frames.load(repo, "validation")
    fitted = training.fit(rows, TASK, configuration.config("linear"))
    flat = rule.constant(rows, TASK)
    metric = metrics.named(metrics.NATURAL[TASK])
    mine = validation.case(training.predict(fitted, validation.x, TASK), 0.5, training.classes(fitted, TASK))
    constant = validation.case(rule.scores(flat, validation.x), 0.5, rule.classes(flat))

    assert intervals.gain(metric, mine, constant, 0.05).low > 0
