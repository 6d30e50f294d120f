"""The service: what it reads of a request before it parses it. Alerts: one file is one set of answers."""

import json
from collections.abc import Iterator
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


def test_the_bound_holds_what_a_full_request_takes() -> None:
    """A thousand rows of fifty inputs with a name of twenty letters each, as a caller would write them."""
    inputs = ", ".join(f'"{"a" * 20}": 1234.56789' for _ in range(50))

    assert serve.ROWS * len(f'{{"id": "{"a" * 32}", "inputs": {{{inputs}}}}}, ') < serve.MOST_BYTES


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
