"""The prediction service: typed, versioned and batched; no answer leaves before it is in the prediction log.

`POST /v1/predict` takes rows and gives answers, `/health` says who answers, `/metrics` counts for Prometheus.
Requests that arrive together are scored together: sixty rows cost little more than one.
"""

import asyncio
import contextlib
import gc
import itertools
import os
import tempfile
import time
import uuid
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from threadpoolctl import threadpool_limits

from planrun_ml.release import registry
from planrun_ml.release.champion_model import Answer, Champion, load
from planrun_ml.release.prediction_log import PREDICTIONS, Log, record
from planrun_ml.serving.counts import Counts

SIZE = 64  # rows of one batch, unless one request brings more
GAP = 0.002  # seconds; a batch that may still grow waits while one more request comes within each, ten at most
ROWS = 1_000
MOST_BYTES = 4 * 2**20  # of one request: read before it is parsed, and four times what 1,000 rows of 50 inputs take
BESIDE = 2**16  # bytes from which a request is parsed beside the event loop, which costs a small one more than it saves
TOLD = 100  # problems of one request that are named
Answered = list[dict[str, Any]]  # one answer a row


@dataclass
class Waiting:
    """One request on its way through a batch: its rows share a place in the log and, when ranked, an order."""

    keys: list[str]
    rows: list[Mapping[str, Any]]
    future: asyncio.Future[Answered]
    since: float


class Service:
    """Collects rows, scores them with the champion, writes the log, then answers."""

    def __init__(self, root: Path, limit_seconds: float, counts: Path | None = None) -> None:
        self.root, self.limit = root, limit_seconds
        self.counts = Counts(counts)
        self.stamp = self._stamp()
        self.champion = self._load()
        self.log = Log(root / PREDICTIONS, to_json)
        self.queue: list[Waiting] = []
        self.expected = 1  # requests
        self.some, self.enough = asyncio.Event(), asyncio.Event()
        self.busy: asyncio.Task[list[Answer]] | None = None

    async def ask(self, keys: list[str], rows: list[Mapping[str, Any]]) -> Answered:
        """The answers to one request, once they are in the log."""
        waiting = Waiting(keys, rows, asyncio.get_running_loop().create_future(), time.perf_counter())
        self.queue.append(waiting)
        self.counts.waits(len(rows))
        self.some.set()
        if len(self.queue) >= self.expected:
            self.enough.set()
        answers = await waiting.future
        self.counts.answered((answer["source"] for answer in answers), time.perf_counter() - waiting.since)
        return answers

    async def run(self) -> None:
        """Takes the requests that are waiting, up to one batch, answers them together, and goes on."""
        while True:
            batch = await self._batch()
            try:
                answers = iter(await self._answered(batch))
                given = [[next(answers).as_json() for _ in waiting.rows] for waiting in batch]
                self._log(batch, given)
            except Exception as error:
                for waiting in batch:
                    if not waiting.future.done():  # the caller may have gone
                        waiting.future.set_exception(error)
            else:
                for waiting, own in zip(batch, given, strict=True):
                    if not waiting.future.done():
                        waiting.future.set_result(own)
            # Callers that were answered together often ask again together, and are then worth a moment's waiting.
            self.expected = len(batch) + len(self.queue)

    async def _batch(self) -> list[Waiting]:
        await self.some.wait()
        until = time.perf_counter() + 10 * GAP
        while (count := len(self.queue)) < min(self.expected, SIZE) and time.perf_counter() < until:
            self.enough.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GAP):
                    await self.enough.wait()
            if len(self.queue) == count:
                break
        sizes = itertools.accumulate(len(waiting.rows) for waiting in self.queue)
        count = bisect_left(list(sizes), SIZE) + 1
        batch, self.queue = self.queue[:count], self.queue[count:]
        self.counts.waits(-sum(len(waiting.rows) for waiting in batch))
        if not self.queue:
            self.some.clear()
        return batch

    async def _answered(self, batch: Sequence[Waiting]) -> list[Answer]:
        """By the model, beside the event loop; by the rule while the model takes longer than the limit."""
        rows = [row for waiting in batch for row in waiting.rows]
        groups = [number for number, waiting in enumerate(batch) for _ in waiting.rows]
        if self.busy is None or self.busy.done():
            self.busy = asyncio.create_task(asyncio.to_thread(self._score, rows, groups))
            done, _ = await asyncio.wait({self.busy}, timeout=self.limit)
            if done:
                return self.busy.result()
        return await asyncio.to_thread(self.champion.fall_back, rows, "the model took too long")

    def _score(self, rows: Sequence[Mapping[str, Any]], groups: Sequence[int]) -> list[Answer]:
        stamp = self._stamp()
        if stamp != self.stamp:  # a promotion or a rollback happened: from here on the new champion answers
            self.stamp, self.champion = stamp, self._load()
        return self.champion.answers(rows, groups)

    def _load(self) -> Champion:
        found = load(self.root)
        self.counts.answers_with(found.version)
        return found

    def _log(self, batch: Sequence[Waiting], answers: Sequence[Answered]) -> None:
        self.log.append(
            record(key, row, answer, (time.perf_counter() - waiting.since) * 1000, waiting.keys[0], to_json)
            for waiting, given in zip(batch, answers, strict=True)
            for key, row, answer in zip(waiting.keys, waiting.rows, given, strict=True)
        )

    def _stamp(self) -> int:
        path = self.root / registry.PATH
        return path.stat().st_mtime_ns if path.exists() else 0


def inputs_model(champion: Champion) -> type[BaseModel]:
    """One typed field an input, required where data/schema.yaml lets no value be missing; unknown ones are refused."""
    fields: dict[str, Any] = {}
    for position, (name, kind) in enumerate(champion.columns.items()):
        needed = champion.card["rules"].get(name, {}).get("missing_at_most") in ("0", "0.0")
        base: Any = float if kind == "number" else str
        limit: dict[str, Any] = {"allow_inf_nan": False} if kind == "number" else {}
        field = Field(... if needed else None, alias=name, strict=True, **limit)
        fields[f"input_{position}"] = (base if needed else base | None, field)
    return create_model("Inputs", __config__=ConfigDict(extra="forbid"), **fields)


def described(body: type[BaseModel]) -> dict[str, Any]:
    """The request's body as /docs shows it, with the parts of its schema in their places."""
    schema = body.model_json_schema()
    parts = schema.pop("$defs")
    parts["Row"]["properties"]["inputs"] = parts["Inputs"]
    schema["properties"]["rows"]["items"] = parts["Row"]
    return {"required": True, "content": {"application/json": {"schema": schema}}}


class TooLarge(Exception):
    """A request has more bytes than the service reads of one."""


def too_large(most: int) -> JSONResponse:
    """What a caller is told whose request was not read to its end."""
    said = f"A request may have at most {most:,} bytes: send fewer rows in each, or score a file with make score."
    return JSONResponse({"errors": [{"field": "", "problem": said}]}, 413)


class Bounded:
    """Every request, the team's own endpoints included, is refused at its first byte too many, before it is parsed."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self.most:
            await too_large(self.most)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most:
                raise TooLarge
            return message

        await self.app(scope, counted, send)


def bounded(app: FastAPI, most: int = MOST_BYTES) -> None:
    """Let an application read no more than so many bytes of a request."""
    app.add_middleware(Bounded, most=most)

    @app.exception_handler(TooLarge)
    async def refuse(_: Request, __: TooLarge) -> JSONResponse:
        return too_large(most)


async def parsed(body: type[BaseModel], raw: bytes) -> Any:
    """The request, read once; a large one beside the event loop, so that /health and others are answered meanwhile."""
    if len(raw) <= BESIDE:
        return body.model_validate_json(raw)
    return await asyncio.to_thread(body.model_validate_json, raw)


def application(root: Path, limit_seconds: float, counts: Path | None = None) -> FastAPI:
    """The service as an ASGI application; `counts` is a folder where its workers count together.

    Raises `Trouble` where the room for further paths has no function for them.
    """
    service = Service(root, limit_seconds, counts)
    inputs, closed = inputs_model(service.champion), ConfigDict(extra="forbid")
    row = create_model("Row", __config__=closed, id=(str | None, None), inputs=(inputs, ...))
    body = create_model("Body", __config__=closed, rows=(list[row], Field(min_length=1, max_length=ROWS)))  # type: ignore[valid-type]

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gc.freeze()  # what lives as long as the service is not looked through again while somebody waits
        with threadpool_limits(1):
            service.champion.answers([dict.fromkeys(service.champion.columns)])  # nobody waits for what is only once
            task = asyncio.create_task(service.run())
            yield
            task.cancel()
        service.log.close()
        gc.unfreeze()

    app = FastAPI(title="Predictions", version="1", lifespan=lifespan)
    app.state.service = service
    bounded(app)

    @app.exception_handler(ValidationError)
    async def refuse(_: Request, error: ValidationError) -> JSONResponse:
        problems = error.errors(include_url=False, include_input=False)[:TOLD]
        return JSONResponse({"errors": [named(problem) for problem in problems]}, 422)

    @app.exception_handler(OSError)
    async def unlogged(_: Request, error: OSError) -> JSONResponse:
        problem = {"field": "", "problem": f"The prediction could not be logged, so it is not given: {error}"}
        return JSONResponse({"errors": [problem]}, 503)

    # The body is read by pydantic alone, once: reading JSON first and checking it then costs as much as all the rest.
    @app.post("/v1/predict", openapi_extra={"requestBody": described(body)})
    async def predict(request: Request) -> Response:
        given = await parsed(body, await request.body())
        rows = given.rows
        keys = [row.id or uuid.uuid4().hex for row in rows]
        answers = await service.ask(keys, [row.inputs.model_dump(by_alias=True) for row in rows])
        listed = [{"id": key, **answer} for key, answer in zip(keys, answers, strict=True)]
        return Response(to_json({"answers": listed}), media_type="application/json")

    @app.get("/health")
    async def health() -> dict[str, str]:
        champion = service.champion
        return {"status": "ok" if champion.model else "fallback", "model": champion.version, "reason": champion.reason}

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(service.counts.text())

    _open_room(Repo(root), app, service)
    return app


def _open_room(repo: Repo, app: FastAPI, service: Service) -> None:
    """The team's own endpoints, where it has any; what they ask the service is answered and logged like the rest."""
    room, where = repo.rooms.room("service"), f"src/{repo.rooms.package}/service.py"
    if room is None:
        return
    if not callable(getattr(room, "routes", None)):
        raise Trouble(f"{where} has no function routes(app, service).", f"Write it in {where}.")
    room.routes(app, service)


def named(problem: Mapping[str, Any]) -> dict[str, str]:
    """A validation error as the field's path and a sentence."""
    return {"field": ".".join(str(part) for part in problem["loc"]), "problem": str(problem["msg"])}


def from_environment() -> FastAPI:
    """What each worker process of uvicorn builds."""
    counts = os.environ.get("SERVE_COUNTS")
    limit = float(os.environ["SERVE_LIMIT_MS"]) / 1000
    return application(Path(os.environ["SERVE_ROOT"]), limit, Path(counts) if counts else None)


def serve(repo: Repo, host: str, port: int, workers: int) -> Outcome:
    """Answer requests until stopped; every worker process writes a log file of its own."""
    version = load(repo.root).version  # refuses before the first worker starts
    os.environ |= {"SERVE_ROOT": str(repo.root), "SERVE_LIMIT_MS": repo.answers["latency_ms"], "OMP_NUM_THREADS": "1"}
    factory = f"{__name__}:from_environment"
    with tempfile.TemporaryDirectory(prefix="served-") as counts:
        os.environ["SERVE_COUNTS"] = counts
        uvicorn.run(factory, factory=True, host=host, port=port, workers=workers, log_level="warning", access_log=False)
    return Outcome(f"{version} answered on {host}:{port} until it was stopped.")
