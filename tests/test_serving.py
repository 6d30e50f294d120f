"""The service: what it reads of a request before it parses it. Alerts: one file is one set of answers."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from planrun.repository import Repo
from planrun_ml.release.champion_model import Answer
from planrun_ml.serving import alert, serve
from planrun_ml.serving.counts import Counts
from pydantic import BaseModel, field_validator

MOST = 1_000


@pytest.fixture
def client() -> TestClient:
    """An application that says how many bytes it was given."""
    app = FastAPI()

    @app.post("/own")
    async def own(request: Request) -> dict[str, int]:
        return {"read": len(await request.body())}

    serve.bounded(app, MOST)
    return TestClient(app)


def test_a_request_up_to_the_bound_is_read(client: TestClient) -> None:
    """To its last byte."""
    assert client.post("/own", content=b"x" * MOST).json() == {"read": MOST}


def test_a_request_that_announces_too_much_is_not_read(client: TestClient) -> None:
    """It is told the bound, and what to do instead."""
    said = client.post("/own", content=b"x" * (MOST + 1))

    assert said.status_code == 413
    assert said.json()["errors"][0]["problem"].startswith("A request may have at most 1,000 bytes: send fewer rows")


def test_a_request_that_announces_nothing_is_stopped_at_the_bound(client: TestClient) -> None:
    """In chunks without a length: no more of them are taken than the bound allows."""
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"x" * 100

    said = client.post("/own", content=chunks())

    assert said.status_code == 413
    assert "1,000 bytes" in said.json()["errors"][0]["problem"]


@pytest.mark.parametrize("megabytes", [33, 280])
def test_a_huge_request_is_not_taken_in(megabytes: int) -> None:
    """Where it does not say its length: no more of it is asked for than the bound allows."""
    app, taken, said = FastAPI(), 0, list[Any]()

    @app.post("/own")
    async def own(request: Request) -> dict[str, int]:
        return {"read": len(await request.body())}

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 2**20, "more_body": taken < megabytes}

    async def send(message: Any) -> None:
        said.append(message)

    serve.bounded(app)
    asyncio.run(
        app({"type": "http", "method": "POST", "path": "/own", "headers": [], "query_string": b""}, receive, send)
    )

    assert said[0]["status"] == 413
    assert taken <= serve.MOST_BYTES / 2**20 + 1 < 33


@pytest.mark.parametrize(("size", "answered"), [(serve.BESIDE + 1, True), (10, False)])
def test_a_large_request_is_parsed_beside_the_event_loop(size: int, answered: bool) -> None:
    """While it is, others are answered; a small one is parsed at once, which costs less than to hand it over."""
    turns, during = 0, list[int]()

    class Body(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def slow(cls, text: str) -> str:
            before = turns
            time.sleep(0.3)
            during.append(turns - before)
            return text

    async def others() -> None:
        nonlocal turns
        for _ in range(20):
            turns += 1
            await asyncio.sleep(0.005)

    async def together() -> Any:
        raw = json.dumps({"text": "x" * size}).encode()
        return (await asyncio.gather(serve.parsed(Body, raw), others()))[0]

    assert asyncio.run(together()).text == "x" * size
    assert (during[0] > 0) == answered


def test_the_bound_holds_what_a_full_request_takes() -> None:
    """A thousand rows of fifty inputs with a name of twenty letters each, as a caller would write them."""
    inputs = ", ".join(f'"{"a" * 20}": 1234.56789' for _ in range(50))

    assert serve.ROWS * len(f'{{"id": "{"a" * 32}", "inputs": {{{inputs}}}}}, ') < serve.MOST_BYTES


# ------------------------------------------------------------------------------------------------ labels
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ml-regression", "`id` is the one that the request gave the row, or else the one that stands in its answer |"),
        ("ml-default", "`id` is what the row has in the column that `data/source.yaml` names under `id`, or else"),
    ],
)
def test_a_page_says_what_the_id_of_a_label_is(name: str, said: str, rendered: Callable[[str], Path]) -> None:
    """Whoever sends labels back finds there under which name."""
    assert said in (rendered(name) / "docs/04-operations.md").read_text("utf-8")


# ------------------------------------------------------------------------------------------------ counts
WORKER = """
import sys
from pathlib import Path
from planrun_ml.serving.counts import Counts
counts = Counts(Path(sys.argv[1]))
counts.answers_with("1.0.0")
counts.answered(["model", "model", "rule"], 0.02)
counts.waits(5)
print("counted", flush=True)
sys.stdin.read()
"""


def test_many_workers_are_one_service(tmp_path: Path) -> None:
    """Whichever is asked tells what all have counted; one that was killed takes nothing back, and waits no more."""
    mine = Counts(tmp_path)
    mine.answers_with("1.1.0")
    mine.answered(["model"], 3.0)
    mine.waits(2)
    words = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "counted\n"
        both = mine.text().splitlines()
        other.kill()
        other.wait()
    one = mine.text().splitlines()

    for line in (
        'predictions_total{source="model"} 3',
        'predictions_total{source="rule"} 1',
        'request_seconds_bucket{le="0.025"} 1',
        'request_seconds_bucket{le="+Inf"} 2',
        "request_seconds_count 2",
        "request_seconds_sum 3.020000",
    ):
        assert line in both
        assert line in one
    assert {'model_info{version="1.0.0"} 1', 'model_info{version="1.1.0"} 1', "queue_rows 7", "workers 2"} <= {*both}
    assert one[-3:] == ['model_info{version="1.1.0"} 1', "queue_rows 2", "workers 1"]


def test_the_workers_of_a_service_count_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there while the service runs, each worker is told of it, and nothing of it is left."""
    seen, built = [], []

    def run(_: str, **settings: Any) -> None:
        seen.append((Path(os.environ["SERVE_COUNTS"]), settings["workers"]))
        assert seen[0][0].is_dir()
        serve.from_environment()

    monkeypatch.setenv("SERVE_COUNTS", "")
    monkeypatch.setattr(Repo, "answers", {"latency_ms": "50"})
    monkeypatch.setattr(serve, "load", lambda root: SimpleNamespace(version="1.0.0"))
    monkeypatch.setattr(serve, "application", lambda *given: built.append(given))
    monkeypatch.setattr(serve.uvicorn, "run", run)
    serve.serve(Repo(tmp_path), "127.0.0.1", 8000, 3)

    assert built == [(tmp_path, 0.05, seen[0][0])]
    assert seen[0][1] == 3
    assert not seen[0][0].exists()


def test_a_worker_alone_counts_in_memory() -> None:
    """An application without a folder, such as a test's, leaves no file."""
    counts = Counts()
    counts.answers_with("1.0.0")
    counts.answered(["rule"], 0.001)

    assert 'predictions_total{source="rule"} 1' in counts.text()
    assert counts.text().endswith('model_info{version="1.0.0"} 1\nqueue_rows 0\nworkers 1\n')


# ------------------------------------------------------------------------------------------------ alerts
class Champion:
    """Answers with the input itself as score."""

    version, columns = "1.0.0", {"x": "number"}

    def __init__(self) -> None:
        self.asked: list[float] = []

    def answers(self, rows: list[dict[str, Any]], groups: object) -> list[Any]:
        self.asked += [row["x"] for row in rows]
        return [Answer(row["x"], "yes", "model", "1.0.0") for row in rows]


@pytest.fixture
def alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A repository of one file in two chunks of three rows, and a champion that a test may kill."""
    file = tmp_path / "cases.csv"
    file.write_text("id,x\n")
    frame = pd.DataFrame({"_row": range(6), "id": [f"C{n}" for n in range(6)], "x": [0.1, 0.9, 0.8, 0.2, 0.95, 0.3]})
    source, champion, repo = SimpleNamespace(id="id", group=""), Champion(), Repo(tmp_path)
    monkeypatch.setattr(Repo, "answers", {"human_confirms": "yes"})
    monkeypatch.setattr(alert, "load", lambda root: champion)
    monkeypatch.setattr(alert, "open_rows", lambda repo, champion, rows: (file, None, source))
    monkeypatch.setattr(alert, "bands", lambda repo, champion: {"act": 0.9, "review": 0.5})
    monkeypatch.setattr(alert, "chunks", lambda *_: iter([frame.head(3).copy(), frame.tail(3).copy()]))
    monkeypatch.setattr(alert.source_module, "label", lambda repo, source: "")

    def logged() -> list[str]:
        lines = [line for log in (tmp_path / "predictions").glob("*.jsonl") for line in log.read_text().splitlines()]
        return [json.loads(line)["id"] for line in lines]

    return SimpleNamespace(repo=repo, champion=champion, logged=logged, file=file)


def test_the_same_file_alerted_twice_is_one_set_of_answers(alerts: SimpleNamespace) -> None:
    """Nothing is scored, logged or handed over a second time, and that is said; another file is answered."""
    first = alert.raise_alerts(alerts.repo, None)
    second = alert.raise_alerts(alerts.repo, None)

    assert "2 to act on, 1 to review, 3 below" in first.text
    assert second.text == "cases.csv was already answered by 1.0.0; nothing was answered again."
    assert alerts.logged() == [f"C{n}" for n in range(6)]

    alerts.file.write_text("id,x\nanother\n")
    alert.raise_alerts(alerts.repo, None)

    assert len(alerts.logged()) == 12


def test_alerts_that_were_cut_short_go_on(alerts: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the log and the queue of the second chunk: the first one is not answered again."""
    put, killed = alert.put, []

    def once(*given: Any) -> None:
        if alerts.champion.asked[-1] == 0.3 and not killed:
            killed.append(True)
            raise KeyboardInterrupt
        put(*given)

    monkeypatch.setattr(alert, "put", once)
    with pytest.raises(KeyboardInterrupt):
        alert.raise_alerts(alerts.repo, None)
    alert.raise_alerts(alerts.repo, None)

    assert alerts.champion.asked == [0.1, 0.9, 0.8, 0.2, 0.95, 0.3, 0.2, 0.95, 0.3]
    assert alert.answered_before(alerts.repo, f"{alerts.repo.sha256(alerts.file)} by id", "1.0.0") == (6, True)
