"""Where memory ends: what will be needed is said before it is taken, and what runs out of it is one sentence."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pytest
from planrun import cli
from planrun.repository import Repo
from planrun.trouble import Blocked
from planrun_ml.acceptance import run as acceptance
from planrun_ml.baseline import rule
from planrun_ml.baseline import run as baseline
from planrun_ml.data import memory, profile
from planrun_ml.experiments import run as experiments
from planrun_ml.retraining import retrain
from planrun_ml.tables.query import Engine

NUMBERS, TEXTS = 12, 2
INPUTS = {f"n{n}": "number" for n in range(NUMBERS)} | {f"t{n}": "category" for n in range(TEXTS)}
TEN_MILLION = {"train": 6_000_000, "validation": 2_000_000, "test": 2_000_000}


class Audited(Repo):
    """A repository whose evidence says how many rows there are of which inputs."""

    sizes = TEN_MILLION

    @property
    def answers(self) -> dict[str, str]:  # type: ignore[override]
        return {"task": "binary", "kind": "ml"}

    def evidence(self, name: str, remedy: str = "") -> dict[str, Any] | None:
        profiled = {name: {"distinct": 4} for name in INPUTS}
        return {"quality": {"inputs": INPUTS, "profile": profiled}, "splits": {"sizes": self.sizes}}[name]


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audited:
    monkeypatch.setattr(memory, "free", lambda: 20 * memory.GIB)
    return Audited(tmp_path)


# ------------------------------------------------------------------------------------------------ before it is read
def test_what_ten_million_rows_need_is_said_before_they_are_read(
    audited: Audited, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many rows of which splits, about how much memory, what is free, and what becomes of them."""
    memory.announce(audited, ("train", "validation"), "All of them are read.")

    said = "8,000,000 rows of train and validation take about 3.3 GiB of memory; 20.0 GiB are free. All of them"
    assert said in capsys.readouterr().err


def test_a_training_needs_more_than_a_look() -> None:
    """The matrix that is made of the rows comes on top: two columns a number, one a level."""
    looked, trained = (memory.needed(INPUTS, {"t0": 4, "t1": 4}, 1_000, trains=trains) for trains in (False, True))

    assert looked == 1_000 * 1.25 * (8 * NUMBERS + 64 * TEXTS + 128)
    assert trained == looked + 1_000 * (64 * TEXTS + 16 * (2 * NUMBERS + 8))


TRAINED = """
import json, resource, sys
import duckdb, pandas as pd
from planrun_ml.data.frames import Frame
from planrun_ml.models import configuration, training

family, rows, numbers, texts, levels = sys.argv[1], *map(int, sys.argv[2:])
kinds = {f"n{n}": "number" for n in range(numbers)} | {f"t{n}": "category" for n in range(texts)}


def frame(rows):
    made = [f"hash(i * 32 + {n}) % 1000003 / 1000003.0 as n{n}" for n in range(numbers)]
    made += [f"'level ' || hash(i * 31 + {n}) % {levels} as t{n}" for n in range(texts)]
    said = f"select 'K' || i as key, {', '.join(made)}, (hash(i * 7) % 10 < 3)::int as y from range({rows}) t(i)"
    with duckdb.connect() as engine:
        found = engine.execute("set memory_limit = '300MB'; set enable_progress_bar = false").execute(said).df()
    return Frame(found["key"].to_numpy(), found[list(kinds)], found["y"].to_numpy(), None, None, pd.DataFrame(), kinds)


def works(frame):
    model = training.fit(frame, "binary", configuration.config(family))
    training.predict(model, frame.x, "binary")


works(frame(500))  # what libraries take is there before
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
before = int(status["VmRSS"].split()[0])
works(frame(rows))
print(json.dumps(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)))
"""


@pytest.mark.slow
@pytest.mark.skipif(not memory.FREE.is_file(), reason="a process is asked for its memory as Linux tells it")
@pytest.mark.parametrize(("family", "texts", "levels"), [("linear", 2, 4), ("boosting", 2, 4), ("linear", 3, 60)])
def test_a_training_takes_no_more_than_is_said(family: str, texts: int, levels: int) -> None:
    """Reading, training and answering 300,000 rows in a process of their own: at most what is said, and half of it."""
    rows, numbers = 300_000, 6
    words = [sys.executable, "-c", TRAINED, family, *map(str, (rows, numbers, texts, levels))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    kinds = {f"n{n}": "number" for n in range(numbers)} | {f"t{n}": "category" for n in range(texts)}
    said = memory.needed(kinds, {f"t{n}": levels for n in range(texts)}, rows, trains=True)

    assert 0.5 * said <= json.loads(done.stdout) <= said


def test_what_does_not_fit_is_not_read(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system would end the process without a word; the way out is named."""
    monkeypatch.setattr(memory, "free", lambda: 2 * memory.GIB)
    with pytest.raises(Blocked, match=r"take about 3\.3 GiB of memory, and 2\.0 GiB are free") as refusal:
        memory.announce(audited, ("train", "validation"), "")

    assert "data/source.yaml" in refusal.value.remedy


def test_small_tables_are_read_without_a_word(audited: Audited, capsys: pytest.CaptureFixture[str]) -> None:
    audited.sizes = {"train": 60_000, "validation": 20_000}
    memory.announce(audited, ("train", "validation"), "")

    assert capsys.readouterr().err == ""


SAID = {
    "baseline": ("8,000,000 rows of train and validation", f"{rule.MOST:,} of them"),
    "experiment": ("8,000,000 rows of train and validation", "trained on all"),
    "accept": ("8,000,000 rows of train and test", "trained again on all of train"),
    "retrain": ("8,000,000 rows of train and validation", "trained on all of train"),
    "retrain, trained before": ("8,000,000 rows of validation", "was trained before"),
}


@pytest.mark.parametrize("command", list(SAID))
def test_whoever_reads_the_rows_says_it_first(
    command: str, audited: Audited, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What they sample and what they do not, before a row is read."""

    class Reached(Exception):
        pass

    def read(*_: object) -> NoReturn:
        raise Reached

    for module, name in ((baseline.frames, "load"), (experiments, "lock_sha"), (acceptance.frames, "held_back")):
        monkeypatch.setattr(module, name, read)
    monkeypatch.setattr(experiments, "locked", lambda repo: None)
    monkeypatch.setattr(experiments, "require", lambda *_: None)
    monkeypatch.setattr(baseline, "deciding", lambda repo: None)
    monkeypatch.setattr(baseline.source_module, "source_of", lambda repo: None)
    monkeypatch.setattr(acceptance, "require", lambda *_: None)
    monkeypatch.setattr(acceptance.records, "champion", lambda *_: {"id": "0001", "model_file": ""})
    monkeypatch.setattr(acceptance.lock, "lock_sha", lambda repo: "")
    monkeypatch.setattr(acceptance, "_chosen", lambda repo, asked, best: (best, ""))
    monkeypatch.setattr(acceptance, "_looks_left", lambda *_: None)
    monkeypatch.setattr(retrain.registry, "read", lambda root: {})
    monkeypatch.setattr(retrain, "hashes", lambda *_: {})
    known = "v1" if command.endswith("before") else None
    audited.sizes = TEN_MILLION | ({"validation": 8_000_000} if known else {})
    monkeypatch.setattr(retrain.registry, "find_same", lambda *_: known)
    commands = {
        "baseline": lambda: baseline.run(audited),
        "experiment": lambda: experiments.run(audited),
        "accept": lambda: acceptance.run(audited),
    }
    with pytest.raises(Reached):
        commands.get(command, lambda: retrain.challenger(audited, {}))()

    rows, what = SAID[command]
    said = capsys.readouterr().err
    assert f"{rows} take about" in said
    assert what in said


def test_what_is_free_is_what_kernel_and_container_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smaller one of both; a container gives back what it caches of files. Where nobody says, nothing is known."""
    kernel = tmp_path / "meminfo"
    kernel.write_text("MemTotal: 9000 kB\nMemAvailable: 4000 kB\nSwapFree: 1000 kB\nHugePages_Free: 0\n")
    monkeypatch.setattr(memory, "FREE", kernel)
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    assert memory.free() == 5000 * 1024
    tmp_path.joinpath("memory.max").write_text("2048000\n")
    tmp_path.joinpath("memory.current").write_text("1024000\n")
    tmp_path.joinpath("memory.stat").write_text("anon 500000\nfile 24000\n")
    assert memory.free() == 1_048_000
    tmp_path.joinpath("memory.max").write_text("max\n")
    assert memory.free() == 5000 * 1024
    kernel.unlink()
    assert memory.free() is None


# ------------------------------------------------------------------------------------------------ when it ends
def small() -> Engine:
    """An engine that may take 20 MB, and may put nothing on the disk."""
    engine = Engine()
    engine.run("set memory_limit = '20MB'")
    engine.run("set temp_directory = ''")
    return engine


def ended(error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command that ends so."""

    def fails(repo: Repo, **_: object) -> NoReturn:
        raise error

    folder.joinpath("plan").mkdir()
    folder.joinpath("plan/project.yaml").write_text('kind: "ml"\n')
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cli, "_function", lambda command: fails)
    return cli.main(["audit"])


def test_an_engine_out_of_memory_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the remedy, and no traceback."""
    with pytest.raises(duckdb.OutOfMemoryException) as refusal:
        small().run("create table wide as select hash(range)::varchar as a from range(3000000)")
    code = ended(refusal.value, tmp_path, monkeypatch)

    sentence, remedy = capsys.readouterr().err.splitlines()
    assert code == 1
    assert sentence.startswith("audit needs more memory than is free here: Out of Memory Error")
    assert remedy.startswith("Next: Run it where more memory is free, or on fewer columns or rows: `leave_out`")


def test_a_library_out_of_memory_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as an array that does not fit, or an error that says nothing."""
    assert ended(MemoryError(), tmp_path, monkeypatch) == 1
    assert capsys.readouterr().err.startswith("audit needs more memory than is free here.\nNext: Run it where")


def test_a_file_that_does_not_fit_is_not_called_no_table(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n" + "".join(f"{'x' * 200}{n},{'y' * 200}{n}\n" for n in range(60_000)))
    with pytest.raises(duckdb.OutOfMemoryException):
        small().open(file)


def test_a_rule_that_runs_out_of_memory_is_not_called_no_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()

    def fails(sql: str) -> NoReturn:
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed")

    monkeypatch.setattr(engine, "frame", fails)
    with pytest.raises(duckdb.OutOfMemoryException):
        rule.scores({"sql": {"score": "1"}}, engine_rows(), engine)


def engine_rows() -> Any:
    return Engine().frame("select 1 as a")


# ------------------------------------------------------------------------------------------------ by batches
@pytest.mark.parametrize("at_once", [1, 6_000])
def test_the_profile_goes_by_batches_of_columns(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are looked at together, the facts are the same; never are more values counted at once."""
    rows, table, asked = 2_000, Engine(), []
    table.run(
        "create table source as select range + 1 as _row, range % 7 as a, range * 1.5 as b, 'k' || range % 3 as c, "
        "case when range % 2 = 0 then null else range end as d from range(2000)"
    )
    columns = {name: kind for name, kind in table.columns("source").items() if name != "_row"}
    whole = profile.profile(table, columns, rows)
    real = table.rows

    def counted(sql: str) -> list[tuple[Any, ...]]:
        asked.append(sql.count("count(distinct"))
        return real(sql)

    monkeypatch.setattr(table, "rows", counted)
    monkeypatch.setattr(profile, "AT_ONCE", at_once)

    assert json.dumps(profile.profile(table, columns, rows), default=str) == json.dumps(whole, default=str)
    assert max(asked) == max(1, at_once // rows)
