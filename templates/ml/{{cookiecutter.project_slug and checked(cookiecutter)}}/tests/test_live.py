"""Operation: the log, drift, decay, silence, triage and retraining; each gate of G5 and G6 is seen red once."""

import json
import math
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import TASK, ask, edit, forge, gate

from {{ answers.package_name }} import champion, data, decay, drift, predictions, promote, registry, retrain
from {{ answers.package_name }}.repo import Repo

KINDS = {"x": "number", "é \"q\"": "category"}


def con_and_ask() -> tuple[duckdb.DuckDBPyConnection, drift.Ask]:
    con = duckdb.connect()
    return con, lambda sql: con.execute(sql).fetchall()


def rows(count: int, shift: float = 0.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(shift, 1, count), "é \"q\"": rng.choice(list("abc"), count)})


# ---------------------------------------------------------------------------------------------------- the log
def test_a_torn_line_is_skipped_and_the_next_one_kept(tmp_path: Path) -> None:
    """A process that died in the middle of a line costs that line alone."""
    log = predictions.Log(tmp_path)
    answer = {"model": "1.0.0", "source": "model", "score": 0.5, "decision": "yes"}
    log.append([predictions.record("a", {"x": 1.5}, answer, 1.0)])
    file = next(tmp_path.glob("*.jsonl"))
    with file.open("ab") as torn:
        torn.write(b'{"id": "torn", "made_')
    log.close()
    log = predictions.Log(tmp_path)
    log.append([predictions.record("b é", {"x": None}, answer, 1.0)])
    log.close()
    with file.open("ab") as torn:
        torn.write(b'{"id": "torn ag')
    _, sql = con_and_ask()
    found = sql(f"select id from ({predictions.log_sql(tmp_path, {'x': 'DOUBLE'})}) order by id")

    assert found == [("a",), ("b é",)]
    assert [row["id"] for row in predictions.last_rows(tmp_path)] == ["a", "b é"]


def test_a_batch_run_counts_when_it_is_whole(tmp_path: Path) -> None:
    """Parts without run.json are those of a run that was killed."""
    run = tmp_path / "1.0.0-abc"
    run.mkdir()
    with duckdb.connect() as con:
        con.execute(f"copy (select 'a' as id) to '{run}/part-00000.parquet' (format parquet)")

    assert "read_parquet" not in predictions.log_sql(tmp_path, {"x": "DOUBLE"})

    (run / "run.json").write_text("{}")

    assert "read_parquet" in predictions.log_sql(tmp_path, {"x": "DOUBLE"})


# ---------------------------------------------------------------------------------------------------- drift
def test_drift_limits_know_their_sample() -> None:
    """Noise stays below the limit as often as alpha says; a shift of 0.3 standard deviations does not."""
    con, sql = con_and_ask()
    con.register("reference", rows(20_000))
    held = drift.profile(sql, "select * from reference", KINDS, 10)
    alarms = 0
    for seed in range(60):
        con.register("now", rows(1_000, seed=seed + 1))
        alarms += sum(shift.moved for shift in drift.compare(sql, held, "select * from now", alpha=0.01, floor=0))
    con.register("now", rows(2_000, shift=0.3, seed=99))
    moved = drift.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)

    assert alarms <= 12  # 120 looks, two checks each, at one in a hundred
    assert [shift.column for shift in moved if shift.moved] == ["x"]
    assert len(json.dumps(held)) < 2_000


@pytest.mark.parametrize("planted", [{"x": 0.0}, {"x": None}, {"é \"q\"": "new"}])
def test_planted_drift_is_found(planted: dict) -> None:
    """A column that turned constant, empty, or into a level nobody has seen, without a missing value elsewhere."""
    con, sql = con_and_ask()
    con.register("reference", rows(5_000))
    held = drift.profile(sql, "select * from reference", KINDS, 10)
    con.register("now", rows(500, seed=5).assign(**planted))
    found = drift.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)

    assert [shift.column for shift in found if shift.moved] == list(planted)


def test_a_constant_column_that_moves_is_drift() -> None:
    """The lower edge lies below the smallest value, so a constant can be left on either side."""
    con, sql = con_and_ask()
    con.register("reference", pd.DataFrame({"x": np.ones(1_000)}))
    held = drift.profile(sql, "select * from reference", {"x": "number"}, 10)
    for value in (0.5, 1.5):
        con.register("now", pd.DataFrame({"x": np.full(500, value)}))

        assert drift.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)[0].moved
    con.register("now", pd.DataFrame({"x": np.ones(500)}))

    assert not drift.compare(sql, held, "select * from now", alpha=0.001, floor=0.02)[0].moved


# ---------------------------------------------------------------------------------------------------- decay
def test_sequential_test_decides_both_ways() -> None:
    """A healthy model is mostly cleared, a decayed one mostly found, before the fixed window is full."""
    rng = np.random.default_rng(3)

    def states(rate: float) -> list[str]:
        draws = ((rng.random(400) < rate).astype(float).tolist() for _ in range(100))
        return [decay.sprt(draw, 0.7, 0.6, 0.05, 0.8).state for draw in draws]

    assert states(0.7).count("decayed") <= 12
    assert states(0.6).count("decayed") >= 70


def test_fixed_window_waits_for_its_labels() -> None:
    """Too few labels are no verdict; enough of them are."""
    assert decay.fixed_window(0.2, 10, 0.7, 0.46, 0.05, 136).state == "open"
    assert decay.fixed_window(0.2, 136, 0.7, 0.46, 0.05, 136).state == "decayed"
    assert decay.fixed_window(0.69, 136, 0.7, 0.46, 0.05, 136).state == "healthy"
    assert decay.fixed_window(math.nan, 136, 0.7, 0.46, 0.05, 136).state == "open"


def test_cusum_finds_a_slow_slide_in_the_days_it_was_planned_for() -> None:
    """One standard deviation a day, limit 4.07: 8.5 days on average (F21)."""
    rng = np.random.default_rng(1)
    reasons = [decay.cusum(rng.normal(-1, 1, 200).tolist(), 4.07).reason for _ in range(200)]
    days = [int(reason.split("period ")[1].split()[0]) for reason in reasons]

    assert 7.5 < np.mean(days) < 9.5
    assert decay.cusum([0.0] * 400, 4.07).state == "healthy"


def test_early_warning_follows_calibrated_scores() -> None:
    """The accuracy that honest chances promise is the accuracy that comes true (F25)."""
    rng = np.random.default_rng(2)
    chance = rng.beta(2, 2, 20_000)
    right = (chance >= 0.5) == (rng.random(20_000) < chance)
    promised, error = decay.expected_accuracy(np.maximum(chance, 1 - chance))

    assert abs(promised - right.mean()) < 4 * error


# ---------------------------------------------------------------------------------------------------- watching
def answer_rows(root: Path, plant: dict | None = None, wrong: bool = False, label: bool = True) -> None:
    """Let the champion answer the rows of the sample, and let the labels come back; both may be planted."""
    repo, found = Repo(root), champion.load(root)
    table, source = data.open_table(repo)
    together = f'"{source.group}"' if TASK == "ranking" else "_row"  # whole queries, or an order means nothing
    frame = table.frame(f"select * from source order by md5(cast({together} as varchar)), _row limit 400")
    given = frame[list(found.columns)].astype(object).assign(**(plant or {}))
    sent = json.loads(json.dumps(given.where(given.notna(), None).to_dict("records"), default=str))
    groups = frame[source.group].astype(str).tolist() if source.group else [""] * len(frame)
    answers = found.answers(sent, groups)
    log = predictions.Log(root / predictions.PREDICTIONS)
    keys = [f"T{number}" for number in range(len(frame))]
    given_back = zip(keys, sent, answers, groups, strict=True)
    log.append(predictions.record(key, row, answer.as_json(), 1.0, group) for key, row, answer, group in given_back)
    log.close()
    truth = frame[source.target].astype(str)
    if wrong:
        truth = truth.sample(frac=1, random_state=4).reset_index(drop=True)
    if label:
        (root / predictions.LABELS).mkdir(exist_ok=True)
        pd.DataFrame({"id": keys, "label": truth}).to_csv(root / predictions.LABELS / "late.csv", index=False)


def soon() -> str:
    """A moment of today at which everything logged so far lies in the window."""
    return (datetime.now(UTC) + timedelta(seconds=2)).isoformat()


def test_no_prediction_is_a_failure(released: Path) -> None:
    """A watch that sees nothing is not a watch."""
    assert gate(released, "G5.1").state == "fail"  # it never reported

    code, said = ask(released, "monitor")

    assert code == 1
    assert "silent" in said
    assert gate(released, "G5.1").state == "fail"


def test_a_healthy_champion_passes(released: Path) -> None:
    """Rows like those of the training, labels that fit: every signal is content and quality is known."""
    answer_rows(released)
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 0, said
    assert gate(released, "G5.1").state in ("pass", "warn")
    found = Repo(released).evidence("live_quality")
    known = any(v["state"] == "healthy" for v in found["verdicts"] if v["test"] != "CUSUM")

    assert gate(released, "G5.3").state == ("pass" if known else "blocked"), gate(released, "G5.3").reason
    assert known or found["needed"] > found["rows"]  # a small sample may leave it open, and that is said
    assert gate(released, "G4.8").state == "pass"


def test_a_monitor_that_fell_silent(released: Path) -> None:
    """Yesterday's good report does not speak for today."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    past = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    forge(released, "monitor", lambda found: found.update(at=past))

    assert gate(released, "G5.1").state == "fail"
    assert "silent" in gate(released, "G5.1").reason


def test_a_signal_that_did_not_report(released: Path) -> None:
    """One watch missing from the report."""
    answer_rows(released)
    ask(released, "monitor", "--at", soon())
    forge(released, "monitor", lambda found: found["signals"].pop("quality"))

    assert "quality did not report" in gate(released, "G5.1").reason


def test_drift_with_no_missing_value(released: Path) -> None:
    """One input pinned to a value it often has: nothing is missing, nothing is out of range, and it is found."""
    found = champion.load(released)
    _, sent = promote.both_ways(Repo(released), found)
    name = next(name for name, kind in found.columns.items() if kind == "number")
    value = float(np.median([row[name] for row in sent if row[name] is not None]))
    answer_rows(released, plant={name: value})
    _, said = ask(released, "monitor", "--at", soon())
    line = next(line for line in said.splitlines() if " drift " in line)

    assert line.startswith("warn")
    assert name in line


def test_decay_with_no_drift(released: Path) -> None:
    """The inputs are the same and the outcomes no longer follow them: only late labels can tell."""
    answer_rows(released, wrong=True)
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 1
    assert next(line for line in said.splitlines() if " quality " in line).startswith("alarm")
    assert gate(released, "G5.3").state == "fail"
    assert "docs/04-operations.md#5-performance-decay" in said


def test_labels_that_stay_away(released: Path) -> None:
    """Predictions whose label is overdue: quality is unknown, and that is no pass."""
    answer_rows(released, label=False)
    later = timedelta(days=float(Repo(released).answers["label_delay_days"]) + 1.1)
    code, said = ask(released, "monitor", "--at", (datetime.now(UTC) + later).isoformat())

    assert code == 1
    assert next(line for line in said.splitlines() if " labels " in line).startswith("alarm")
    assert gate(released, "G5.3").state == "blocked"
    assert gate(released, "G5.4").state == "blocked"


def test_scores_that_cannot_be_computed_again(released: Path) -> None:
    """A log whose scores are not those of the model that is named in it."""
    answer_rows(released)
    file = next((released / predictions.PREDICTIONS).glob("*.jsonl"))
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    file.write_text("".join(json.dumps(line | {"score": line["score"] * 0.5 + 0.1}) + "\n" for line in lines), "utf-8")
    code, said = ask(released, "monitor", "--at", soon())

    assert code == 1
    assert next(line for line in said.splitlines() if " skew " in line).startswith("alarm")


def test_a_signal_nobody_watches(released: Path) -> None:
    """A name typed wrongly is named, with those that exist."""
    edit(released / "ops/monitors.yaml", lambda found: found["signals"][0].update(name="volum"))
    code, said = ask(released, "monitor")

    assert code == 1
    assert '"volum"' in said
    assert "volume" in said


def test_an_alarm_reaches_a_command(released: Path, tmp_path: Path) -> None:
    """The text goes to the command of ops/oncall.yaml; a command that fails is shouted about."""
    target = tmp_path / "told.txt"
    edit(released / "ops/oncall.yaml", lambda found: found.update(notify=["tee", str(target)]))
    ask(released, "monitor")

    assert "silent" in target.read_text("utf-8")

    edit(released / "ops/oncall.yaml", lambda found: found.update(notify=["false"]))

    assert "NOBODY WAS TOLD" in ask(released, "monitor")[1]


# ---------------------------------------------------------------------------------------------------- triage
def test_triage_looks_at_labels_before_anything_else(released: Path) -> None:
    """Two labels for one id, and code changed as well: the labels are what it finds."""
    answer_rows(released)
    late = released / predictions.LABELS / "late.csv"
    late.write_text(late.read_text() + f"T0,{'malignant' if TASK == 'binary' else '12345'}\nT0,99999\n")
    source = next((released / "src").glob("*/features.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1
    assert said.startswith("1 Are the labels wrong? FOUND")
    assert "7 " not in said


def test_triage_comes_to_code_last(released: Path) -> None:
    """Everything about the data is clear, and the code differs from what was released."""
    answer_rows(released)
    source = next((released / "src").glob("*/features.py"))
    source.write_text(source.read_text() + "\n# changed\n")
    code, said = ask(released, "triage", "--at", soon())

    assert code == 1, said
    assert "7 Did code or infrastructure change? FOUND: code" in said


# ---------------------------------------------------------------------------------------------------- retraining
def more_rows(root: Path, spoil: bool = False) -> None:
    """Twice the rows, newer where there is time; the new ones may have answers that follow nothing."""
    repo = Repo(root)
    source = data.source_of(repo)
    path = root / source.source
    old = pd.read_csv(path)
    new = old.copy()
    if source.id:
        new[source.id] = [f"N{number:05d}" for number in range(len(new))]
    if source.group and TASK == "ranking":
        new[source.group] = "N" + new[source.group].astype(str)
    if source.time:
        moment = pd.to_datetime(new[source.time])
        new[source.time] = (moment + (moment.max() - moment.min()) + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d")
    numbers = [name for name in new.select_dtypes("float") if name not in source.special]
    new[numbers] *= np.random.default_rng(5).uniform(0.98, 1.02, (len(new), len(numbers)))
    if spoil:
        new[source.target] = new[source.target].sample(frac=1, random_state=9).to_numpy()
    pd.concat([old, new]).to_csv(path, index=False)


@pytest.fixture(scope="module")
def _retrained(_released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twice the rows, and one retraining on them; the candidate is the challenger, whatever it is worth."""
    root = Path(shutil.copytree(_released, tmp_path_factory.mktemp("retrained") / "repo"))
    more_rows(root)
    code, said = ask(root, "retrain")
    found = Repo(root).evidence("candidate")
    assert found is not None, said
    assert (code == 1) == (found["verdict"] == "fail"), said
    assert registry.version_of(registry.read(root), "challenger") == (None if code else found["version"])
    registry.set_alias(root, "challenger", found["version"], by="a test")
    return root


@pytest.fixture
def retrained(_retrained: Path, tmp_path: Path) -> Path:
    """A candidate waits."""
    return Path(shutil.copytree(_retrained, tmp_path / "repo"))


def test_retraining_hands_over_and_can_be_repeated(retrained: Path) -> None:
    """The champion still answers; the same data, code and settings give no second version."""
    book = registry.read(retrained)
    ask(retrained, "retrain")
    found = Repo(retrained).evidence("candidate")

    assert registry.version_of(book, "champion") == "1.0.0"
    assert registry.read(retrained)["models"].keys() == book["models"].keys()
    assert found is not None
    assert {"changed", "better", "worse"} == set(found["behaviour"])


def test_a_worse_candidate_is_refused(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained on answers that follow nothing, it loses to the champion and cannot be promoted."""
    fit = retrain.train.fit

    def spoiled(frame, task, settings):  # noqa: ANN001, ANN202
        order = np.random.default_rng(3).permutation(len(frame.y))
        return fit(frame.__class__(**{**vars(frame), "y": frame.y[order]}), task, settings)

    more_rows(released)
    monkeypatch.setattr(retrain.train, "fit", spoiled)
    code, said = ask(released, "retrain")
    book = registry.read(released)

    assert code == 1, said
    assert "stays" in said
    assert registry.version_of(book, "champion") == "1.0.0"
    assert registry.version_of(book, "challenger") is None

    rejected = Repo(released).evidence("candidate")["version"]
    registry.set_alias(released, "challenger", rejected, by="somebody")

    assert gate(released, "G6.2").state == "fail"
    assert ask(released, "promote")[0] == 2
    assert registry.version_of(registry.read(released), "champion") == "1.0.0"


def test_a_typed_verdict(retrained: Path) -> None:
    """The gate works the verdict out again from the prediction files."""
    forge(retrained, "candidate", lambda found: found["vs_champion"].update(low=0.9))

    assert gate(retrained, "G6.2").state == "fail"
    assert "do not follow" in gate(retrained, "G6.2").reason


def test_a_candidate_compared_with_itself(retrained: Path) -> None:
    """The champion under two names shows nothing."""
    forge(retrained, "candidate", lambda found: found.update(champion=found["version"]))

    assert gate(retrained, "G6.2").state == "blocked"
    assert "itself" in gate(retrained, "G6.2").reason


def test_a_candidate_on_older_data(retrained: Path) -> None:
    """The data changed after the comparison, though no code did."""
    edit(retrained / "data/manifest.json", lambda found: found.update(rows=1))

    assert gate(retrained, "G6.2").state == "blocked"


def test_retraining_before_it_is_due(released: Path) -> None:
    """A fresh champion, a quiet floor: nothing is trained."""
    code, said = ask(released, "retrain", "--if-due")

    assert code == 0
    assert "due" in said or Repo(released).number("retrain.every_days") is None
