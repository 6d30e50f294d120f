"""The service: what it reads of a request before it parses it."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from planrun_ml.serving import serve

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
