"""Every task in every serving form: by the README's words to a monitored champion, and whatever can happen to it then.

The lines of the README are typed into one interpreter of this project, in place of the one that `make setup` installs;
a line that serves runs on its own. What happens to the data is planted; what the repository says of it is not.
"""

import json
import math
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from mlscaffold import answers, render, vcs
from readme_run import lines

TASKS, FORMS = ("binary", "multiclass", "regression", "ranking", "forecast"), ("batch", "api", "alert")
QUICK = {("multiclass", "api")}  # test_rendered_ml walks binary and batch
PAIRS = [
    pytest.param(task, form, id=f"{task}-{form}", marks=() if (task, form) in QUICK else pytest.mark.slow)
    for task in TASKS
    for form in FORMS
]
HEADINGS = ("The first ten minutes", "From acceptance to operation")
DRIVER = """
import contextlib, io, json, sys
from planrun import cli
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = cli.main(json.loads(line))
        except SystemExit as left:
            code = left.code
    print(json.dumps([code, said.getvalue()]), flush=True)
"""
SPLITS = """
from planrun.repository import Repo
from planrun_ml.data import frames
table = frames.open_split(Repo.here())[0]
table.run("copy (select * exclude (_row) from split_rows order by _row) to 'known.parquet' (format parquet)")
"""
SOURCES = "sources:\n  - {name: rows, owner: a test, access: granted, lawful_basis: none}\n"


class Terminal:
    """A rendered repository, and one interpreter that runs what is typed there."""

    def __init__(self, folder: Path, python: Path | str = sys.executable) -> None:
        self.folder, self.python = folder, str(python)
        self.process = self._python(DRIVER, stdin=subprocess.PIPE)
        self.port, self.served = 0, None

    def type(self, line: str) -> tuple[int, str]:
        """A line of the README: its exit code, and everything it said."""
        words = shlex.split(line)
        if words == ["make", "setup"]:
            return 0, ""
        if words == ["make", "serve"]:
            return self._serve()
        if words[0] == "curl":
            url = words[-1].replace(":8000", f":{self.port}")
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
                return 0, answer.read().decode()
        if words[0] == "make":
            rest = "".join(word.removeprefix("ARGS=") for word in words[2:])
            return self.run(words[1], *shlex.split(rest))
        assert words[0] == ".venv/bin/planrun", line
        return self.run(*words[1:])

    def run(self, *words: str) -> tuple[int, str]:
        """One command of the engine."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{words} ended in a traceback"
        code, said = json.loads(answer)
        return code, said

    def known(self) -> pd.DataFrame:
        """The rows that the repository knows, each with its part of the split."""
        assert self._python(SPLITS).wait() == 0
        return duckdb.read_parquet(str(self.folder / "known.parquet")).df()

    def evidence(self, name: str) -> dict[str, Any]:
        return json.loads(self.folder.joinpath(f"evidence/{name}.json").read_text("utf-8"))

    def plan(self, key: str) -> Any:
        found: Any = json.loads(self.folder.joinpath("plan/plan.json").read_text("utf-8"))
        for part in key.split("."):
            found = found[part]
        return found["value"]

    def aliases(self) -> dict[str, str | None]:
        return dict(json.loads(self.folder.joinpath("registry/models.json").read_text("utf-8"))["aliases"])

    def close(self) -> None:
        for process in (self.process, self.served):
            if process is not None:
                process.kill()
                process.wait()

    def _serve(self) -> tuple[int, str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.served = self._python("", "-m", "planrun", "serve", "--port", str(self.port))
        for _ in range(1200):
            assert self.served.poll() is None, "make serve ended"
            try:
                return self.type(f"curl -s http://127.0.0.1:{self.port}/health")
            except OSError:
                time.sleep(0.1)
        raise AssertionError("make serve does not answer")

    def _python(self, code: str, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
        arguments = words or ("-c", code)
        surroundings = {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [self.python, *arguments], cwd=self.folder, env=os.environ | surroundings, text=True,
            stdin=stdin, stdout=subprocess.PIPE if stdin else None,
        )  # fmt: skip


@pytest.fixture
def terminal(task: str, form: str, tmp_path: Path) -> Iterator[Terminal]:
    """A repository of today with default answers for this task and form, committed once."""
    given = {"kind": "ml", "kind_reason": "a test", "project_name": "Whole loop", "task": task, "serving": form}
    if form != "batch":
        given["latency_ms"] = "60000"  # how fast a busy machine is, is not what is tried here
    folder = render.render(answers.complete(given), tmp_path)
    vcs.create(folder, "Start")
    typing = Terminal(folder)
    yield typing
    typing.close()


def drawn(rows: pd.DataFrame, count: int, seed: int, source: dict[str, str]) -> pd.DataFrame:
    """Rows of a day, drawn with replacement from known ones, whole queries where rows are ranked; with new names."""
    chance, group = np.random.default_rng(seed), source["group"]
    if source["task"] == "ranking":
        queries = dict(list(rows.groupby(group)))
        names = chance.choice(sorted(queries), max(1, count * len(queries) // len(rows)))
        day = pd.concat([queries[name].assign(**{group: f"D{seed}-{place}"}) for place, name in enumerate(names)])
    else:
        day = rows.iloc[chance.integers(0, len(rows), count)]
    return day.assign(**{source["id"]: [f"D{seed}-{place}" for place in range(len(day))]}).reset_index(drop=True)


def answered(terminal: Terminal, form: str, day: pd.DataFrame, labels: pd.Series, source: dict[str, str]) -> None:
    """Let the champion answer a day's rows in its own way, and let the labels come back."""
    file = terminal.folder / f"{day[source['id']].iloc[0]}.parquet"
    if form == "api":
        post(terminal, day, source)
    else:
        duckdb.from_df(day.drop(columns=source["target"])).write_parquet(str(file))
        code, said = terminal.run({"batch": "score", "alert": "alert"}[form], str(file))
        assert code == 0, said
    late_labels(terminal, file.stem, day[source["id"]], labels)


def late_labels(terminal: Terminal, name: str, keys: pd.Series, labels: pd.Series) -> None:
    """A file of id,label, as the README asks for."""
    terminal.folder.joinpath("labels").mkdir(exist_ok=True)
    late = pd.DataFrame({"id": keys.to_numpy(), "label": labels.to_numpy()})
    late.to_csv(terminal.folder / "labels" / f"{name}.csv", index=False)


def post(terminal: Terminal, day: pd.DataFrame, source: dict[str, str]) -> None:
    """The rows over HTTP; the items of a query in one request, because places are given within it."""
    columns = list(card(terminal)["columns"])
    inputs = json.loads(day[columns].to_json(orient="records", date_format="iso", double_precision=15))
    rows = [{"id": key, "inputs": row} for key, row in zip(day[source["id"]], inputs, strict=True)]
    parts = day[source["group"]] if source["task"] == "ranking" else pd.Series(range(len(day))) // 500
    for _, places in parts.groupby(parts.to_numpy()).groups.items():
        body = json.dumps({"rows": [rows[place] for place in places]}).encode()
        url, kind = f"http://127.0.0.1:{terminal.port}/v1/predict", {"content-type": "application/json"}
        request = urllib.request.Request(url, body, kind)
        with urllib.request.urlopen(request, timeout=60) as said:  # noqa: S310
            assert len(json.loads(said.read())["answers"]) == len(places)


def card(terminal: Terminal) -> dict[str, Any]:
    """What the registry knows of the champion."""
    return dict(json.loads(terminal.folder.joinpath(f"registry/{terminal.aliases()['champion']}.json").read_text()))


def a_day_passes(terminal: Terminal) -> None:
    """Everything that has happened is a day older: the log, and the registry's events."""
    for file in terminal.folder.glob("predictions/*.jsonl"):
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        older = [row | {"made_at": yesterday(row["made_at"])} for row in rows]
        file.write_text("".join(json.dumps(row) + "\n" for row in older), "utf-8")
    for part in terminal.folder.glob("predictions/*/part-*.parquet"):
        older = duckdb.read_parquet(str(part)).project("* replace (made_at - interval 1 day as made_at)")
        older.write_parquet(str(part.with_suffix(".older")))
        part.with_suffix(".older").replace(part)
    path = terminal.folder / "registry" / "models.json"
    book = json.loads(path.read_text("utf-8"))
    for event in book["events"]:
        event["at"] = yesterday(event["at"])
    path.write_text(json.dumps(book), "utf-8")


def yesterday(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(days=1)).isoformat()


def line_of(said: str, signal: str) -> str:
    """What the monitor said of one signal."""
    return next(line for line in said.splitlines() if line.split()[1:2] == [signal])


@pytest.mark.parametrize(("task", "form"), PAIRS)
def test_the_whole_loop(terminal: Terminal, task: str, form: str) -> None:
    """Setup to a monitored champion by the README; then everything that can happen to it afterwards."""
    follow_the_readme(terminal, form)
    known = terminal.known()
    source = {"task": task} | {key: card(terminal)[key] for key in ("target", "id", "group")}
    shown = known[known["_split"] == "validation"]  # the rows that the README's own line had answered
    late_labels(terminal, "readme", shown[source["id"]], shown[source["target"]])
    trained = known[known["_split"] == "train"].drop(columns="_split")

    a_healthy_day(terminal, form, trained, source)
    a_drift_is_seen_in_time(terminal, form, trained, source)
    a_decay_is_seen_in_time(terminal, form, trained, source)
    a_retraining_runs(terminal, known.drop(columns="_split"), source)
    a_worse_candidate_is_refused(terminal, known, source)
    a_rollback_is_timed(terminal)


def follow_the_readme(terminal: Terminal, form: str) -> None:
    """Each line does what the page says: `accept` may end in an error, and a service that nobody asked is an alarm."""
    page = terminal.folder.joinpath("README.md").read_text("utf-8")
    typed = [line for heading in HEADINGS for line in lines(terminal.folder / "README.md", heading)]
    ran = {line: terminal.type(line) for line in typed}
    failed = {line: said for line, (code, said) in ran.items() if code}

    assert set(failed) <= {"make accept", "make monitor"} if form == "api" else set(failed) <= {"make accept"}, failed
    assert form != "api" or ("in a second terminal" in page and "`make monitor` raises an alarm" in page)
    assert form != "api" or "make monitor" in failed
    assert "make status" in ran
    assert re.search(r"pass +G4.4", terminal.run("status", "--all")[1]), "a rollback was rehearsed on the way"
    assert terminal.aliases()["champion"] == "1.0.0"


def a_healthy_day(terminal: Terminal, form: str, trained: pd.DataFrame, source: dict[str, str]) -> None:
    """As many rows as the plan expects in a day, like those of training: no alarm, and quality is known."""
    day = drawn(trained, terminal.plan("monitor.window_rows"), 1, source)
    answered(terminal, form, day, day[source["target"]], source)
    code, said = terminal.run("monitor")

    assert code == 0, said
    assert line_of(said, "quality").startswith("ok"), said


def a_drift_is_seen_in_time(terminal: Terminal, form: str, trained: pd.DataFrame, source: dict[str, str]) -> None:
    """One input is stuck at its median, nothing is missing: named within the days that the plan computed.

    Where the reference knows how days differ, a shape has to be odd for as many windows as the page says is printed.
    """
    numbers = [name for name, kind in card(terminal)["columns"].items() if kind == "number"]
    stuck = max(numbers, key=lambda name: trained[name].nunique())
    before = line_of(terminal.run("monitor")[1], "drift")
    assert before.startswith("ok") or stuck not in before, "the furthest is named where none has moved, too"
    printed = re.search(r"a change of shape in (\d+) windows", before)
    days = terminal.plan("monitor.drift_window_days") * int(printed[1] if printed else 1)
    for day in range(1, days + 1):
        a_day_passes(terminal)
        rows = drawn(trained, terminal.plan("monitor.window_rows"), 10 + day, source)
        rows[stuck] = trained[stuck].median()
        answered(terminal, form, rows, rows[source["target"]], source)
        drift = line_of(terminal.run("monitor")[1], "drift")
        if drift.startswith("warn") and stuck in drift:
            break
    else:
        pytest.fail(f"{stuck} was not named in {days} days: {drift}")
    code, said = terminal.run("triage")

    assert code == 1, said
    assert re.search(rf"^3 .*FOUND: .*{re.escape(stuck)}", said, re.MULTILINE), said


def a_decay_is_seen_in_time(terminal: Terminal, form: str, trained: pd.DataFrame, source: dict[str, str]) -> None:
    """Outcomes stop following the inputs: an alarm that names its runbook, within the days that the plan computed."""
    for day in range(1, max(1, math.ceil(terminal.plan("monitor.delay_days") or 1)) + 1):
        a_day_passes(terminal)
        rows = drawn(trained, terminal.plan("monitor.window_rows"), 20 + day, source)
        wrong = rows[source["target"]].sample(frac=1, random_state=3)
        answered(terminal, form, rows, wrong, source)
        code, said = terminal.run("monitor")
        if line_of(said, "quality").startswith("alarm"):
            break

    assert code == 1, said
    assert line_of(said, "quality").startswith("alarm"), said
    assert "docs/04-operations.md#5-performance-decay" in said


def a_retraining_runs(terminal: Terminal, known: pd.DataFrame, source: dict[str, str]) -> None:
    """Twice the rows, newer where there is time: audited, trained, compared with the champion, which still answers."""
    new = known.assign(**{source["id"]: [f"N{place:05d}" for place in range(len(known))]})
    if source["task"] == "ranking":
        new[source["group"]] = "N" + new[source["group"]].astype(str)
    if source["task"] == "forecast":
        moments = pd.to_datetime(new["day"])
        new["day"] = (moments + (moments.max() - moments.min()) + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d")
        known = known.assign(day=pd.to_datetime(known["day"]).dt.strftime("%Y-%m-%d"))
    numbers = [name for name in new.select_dtypes("float") if name != source["target"]]
    new[numbers] *= np.random.default_rng(5).uniform(0.98, 1.02, (len(new), len(numbers)))
    own_rows(terminal, pd.concat([known, new]))
    code, said = terminal.run("retrain")
    assert code in (0, 1), said
    found = terminal.evidence("candidate")

    assert (code == 1) == (found["verdict"] == "fail"), said
    assert found["version"] != found["champion"] == terminal.aliases()["champion"] == "1.0.0"
    assert terminal.aliases()["challenger"] == (None if code else found["version"])


def own_rows(terminal: Terminal, rows: pd.DataFrame, split: str = "") -> None:
    """The team's own file in place of the sample, as the README's "Your own data" says."""
    rows.to_csv(terminal.folder / "data" / "raw" / "rows.csv", index=False)
    path = terminal.folder / "data" / "source.yaml"
    text = re.sub(r"^source: .*$", "source: data/raw/rows.csv", path.read_text("utf-8"), flags=re.MULTILINE)
    text = re.sub(r"^split: .*$", f'split: "{split}"', text, flags=re.MULTILINE)
    path.write_text(text.partition("sources:\n")[0] + SOURCES, "utf-8")


def a_worse_candidate_is_refused(terminal: Terminal, known: pd.DataFrame, source: dict[str, str]) -> None:
    """Trained on answers that follow nothing: the champion stays, and naming the version does not let it through."""
    spoiled = known[known["_split"].notna()].rename(columns={"_split": "part"})
    train, target = spoiled["part"] == "train", source["target"]
    spoiled.loc[train, target] = spoiled.loc[train, target].sample(frac=1, random_state=9).to_numpy()
    own_rows(terminal, spoiled, "part")
    code, said = terminal.run("retrain")
    assert code == 1, said
    refused = terminal.evidence("candidate")["version"]

    assert "1.0.0 stays" in said
    assert terminal.aliases()["challenger"] is None

    code, said = terminal.run("promote", refused)

    assert code == 2, said
    assert terminal.aliases()["champion"] == "1.0.0"


def a_rollback_is_timed(terminal: Terminal) -> None:
    """For real this time: the last known good version answers, well within the plan's minutes."""
    code, said = terminal.type("make rollback ARGS='--reason \"quality fell\"'")
    took = re.search(r"in ([\d.]+) s, limit ([\d.]+) min", said)

    assert code == 0, said
    assert took
    assert float(took[1]) < 60 * float(took[2])
    assert terminal.aliases()["champion"] == "0.0.0"
