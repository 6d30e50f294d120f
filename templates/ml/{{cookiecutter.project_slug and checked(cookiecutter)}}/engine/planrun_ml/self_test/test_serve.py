"""The service: its contract, its fallback, and its log."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from planrun.repository import Repo

from planrun_ml.release import champion_model, parity, prediction_log, registry
from planrun_ml.self_test.conftest import ask
from planrun_ml.serving import serve

Rows = list[dict[str, Any]]


@pytest.fixture
def sent(released: Path) -> Rows:
    """Rows as a caller would send them."""
    return parity.both_ways(Repo(released), champion_model.load(released))[1]


@pytest.fixture
def client(released: Path) -> Iterator[TestClient]:
    """A client of the service that answers with the champion, within 30 s a request."""
    with TestClient(serve.application(released, 30.0)) as made:
        yield made


def body(*rows: dict[str, Any]) -> dict[str, Any]:
    """A request with these rows, each under an id of its own."""
    return {"rows": [{"id": f"T{number}", "inputs": row} for number, row in enumerate(rows)]}


def logged(root: Path) -> Rows:
    """What the prediction log holds."""
    return prediction_log.last_rows(root / prediction_log.PREDICTIONS, 10_000)


def test_answers_are_in_the_log_before_they_leave(released: Path, client: TestClient, sent: Rows) -> None:
    """Each row gets an id, a score, a decision, its version and its source, and the same stands in the log."""
    said = client.post("/v1/predict", json=body(*sent[:3]))
    answers = said.json()["answers"]

    assert said.status_code == 200
    assert [answer["id"] for answer in answers] == ["T0", "T1", "T2"]
    assert {answer["source"] for answer in answers} == {"model"}
    assert [row["score"] for row in logged(released)] == [answer["score"] for answer in answers]


def test_nobody_waits_for_the_first_answer(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the first call costs is paid before the service listens, and leaves nothing in the log."""
    asked: list[int] = []

    def counted(self: champion_model.Champion, rows: Rows, *groups: object) -> list[Any]:
        asked.append(len(rows))
        return []

    monkeypatch.setattr(champion_model.Champion, "answers", counted)
    with TestClient(serve.application(released, 30.0)):
        assert asked == [1]
        assert logged(released) == []


def test_a_wrong_field_is_named(client: TestClient, sent: Rows) -> None:
    """Wrong type, unknown field, missing field, no rows, no object: 422, and which field it was."""
    name = next(name for name, value in sent[0].items() if isinstance(value, float))
    for inputs in (sent[0] | {name: "twelve"}, {key: value for key, value in sent[0].items() if key != name}):
        said = client.post("/v1/predict", json=body(inputs))

        assert said.status_code == 422
        assert said.json()["errors"][0]["field"] == f"rows.0.inputs.{name}"
    unknown = client.post("/v1/predict", json=body(sent[0] | {"nobody": 1}))

    assert unknown.json()["errors"][0]["field"] == "rows.0.inputs.nobody"
    assert client.post("/v1/predict", json={"rows": []}).json()["errors"][0]["field"] == "rows"
    assert client.post("/v1/predict", json=[1]).status_code == 422


def test_a_value_beyond_the_schema_gets_the_rule(released: Path, client: TestClient, sent: Rows) -> None:
    """The caller still gets an answer, with the reason, and the log says who gave it."""
    name = next(name for name, value in sent[0].items() if isinstance(value, float))
    answer = client.post("/v1/predict", json=body(sent[0] | {name: 1e30})).json()["answers"][0]

    assert answer["source"] == "rule"
    assert name in answer["reason"]
    assert logged(released)[-1]["source"] == "rule"


def test_a_slow_model_is_replaced_by_the_rule(released: Path, sent: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit passes, the rule answers, and nothing is logged twice."""
    right = champion_model.Champion.answers

    def slow(*given: Any) -> list[champion_model.Answer]:
        time.sleep(0.5)
        return right(*given)

    monkeypatch.setattr(champion_model.Champion, "answers", slow)
    with TestClient(serve.application(released, 0.1)) as client:
        answer = client.post("/v1/predict", json=body(sent[0])).json()["answers"][0]
        time.sleep(0.6)

    assert answer["source"] == "rule"
    assert answer["reason"] == "the model took too long"
    assert [row["source"] for row in logged(released)] == ["rule"]


def test_no_log_no_answer(released: Path, sent: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the caller is told, instead of getting an answer that nobody will ever label."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prediction_log.Log, "append", full)
    with TestClient(serve.application(released, 30.0), raise_server_exceptions=False) as broken:
        said = broken.post("/v1/predict", json=body(sent[0]))

    assert said.status_code == 503
    assert "could not be logged" in said.json()["errors"][0]["problem"]


def test_a_batch_that_fails_is_told_and_the_next_one_answered(
    released: Path, sent: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault nobody foresaw: an error for whoever asked, and a service that goes on."""
    right = champion_model.Champion.answers
    with TestClient(serve.application(released, 30.0), raise_server_exceptions=False) as client:
        monkeypatch.setattr(champion_model.Champion, "answers", lambda *_: 1 / 0)
        failed = client.post("/v1/predict", json=body(sent[0]))
        monkeypatch.setattr(champion_model.Champion, "answers", right)
        after = client.post("/v1/predict", json=body(sent[0]))

    assert (failed.status_code, after.status_code) == (500, 200)
    assert len(logged(released)) == 1


def test_requests_that_come_together_are_scored_together(
    released: Path, sent: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, or as answered callers ask again, one after the other; each gets the answer to its own row."""
    sizes: list[int] = []
    right = champion_model.Champion.answers

    def counted(found: champion_model.Champion, rows: Rows, groups: list[int]) -> list[champion_model.Answer]:
        sizes.append(len(rows))
        return right(found, rows, groups)

    monkeypatch.setattr(champion_model.Champion, "answers", counted)
    monkeypatch.setattr(serve, "GAP", 1.0)  # however busy the machine is

    async def asked() -> list[float]:
        service = serve.Service(released, 30.0)
        task = asyncio.create_task(service.run())

        async def one(number: int, turns: int) -> float:
            for _ in range(turns):
                await asyncio.sleep(0)
            return float((await service.ask([f"T{number}"], [sent[number]]))[0]["score"])

        await asyncio.gather(*(one(number, 0) for number in range(8)))
        scores = await asyncio.gather(*(one(number, number) for number in range(8)))
        task.cancel()
        return scores

    scores = asyncio.run(asked())

    assert sizes == [8, 8]
    assert scores == [answer.score for answer in right(champion_model.load(released), sent[:8])]


def test_a_rollback_reaches_the_running_service(released: Path, client: TestClient, sent: Rows) -> None:
    """No restart: the next answer is the restored version's."""
    before = client.post("/v1/predict", json=body(sent[0])).json()["answers"][0]
    ask(released, "rollback", "--reason", "it was wrong")
    after = client.post("/v1/predict", json=body(sent[0])).json()["answers"][0]

    assert (before["model"], after["model"]) == ("1.0.0", registry.BASELINE)
    assert client.get("/health").json()["model"] == registry.BASELINE


def test_health_and_metrics(client: TestClient, sent: Rows) -> None:
    """Who answers, how much was answered, and what one may ask."""
    client.post("/v1/predict", json=body(sent[0]))

    described = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    rows = described["application/json"]["schema"]["properties"]["rows"]["items"]

    assert client.get("/health").json()["status"] == "ok"
    assert set(rows["properties"]["inputs"]["properties"]) == set(sent[0])
    assert 'predictions_total{source="model"} 1' in client.get("/metrics").text
