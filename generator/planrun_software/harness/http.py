"""A service or web application, started as its own process and asked over HTTP.

None of the tests, loads and drills that go through here can pass on code that a caller would never reach.
"""

import hashlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from planrun_software.harness.deliverable import STAND_INS, Content, Harness, Reply
from planrun_software.harness.tables import contents

IDLE_SECONDS = 3  # the server hangs up after five
START_SECONDS = 60  # and as many again for each worker beyond the first two: they share the machine's cores
TOKEN = secrets.token_hex()  # a fresh one: known to copies of the product that are started here, and to nothing else
SECOND = secrets.token_hex()  # of whoever approves what the first has submitted
CALLER = " ".join(
    f"{name}={hashlib.sha256(token.encode()).hexdigest()}" for name, token in (("drill", TOKEN), ("second", SECOND))
)
PARALLEL = 32


class Own(Harness):
    """A product that is served."""

    PARALLEL = PARALLEL
    TOKEN = TOKEN
    SECOND = SECOND
    CALLER = CALLER

    @property
    def knows_callers(self) -> bool:
        """Whether callers must carry a token."""
        return find_spec(f"{self.package}.access") is not None

    @property
    def roles(self) -> str:
        """Who may do what not everybody may, as ACCESS_ROLES has it: the second caller whatever a capability needs."""
        return " ".join(["drill=eraser", *sorted({f"second={role}" for role in self.needs.values()})])

    def request(self, capability: str, number: int | None = None, **changes: Any) -> Any:
        """A sample as the class that its capability takes, each field read as the interface reads it."""
        takes = self.module("capabilities").taken_by(capability)
        return import_module("pydantic").TypeAdapter(takes).validate_python(self.sample(capability, number, **changes))

    def method(self, capability: str) -> str:
        """How a capability is asked: what only answers with GET, what changes a part with PATCH, all else with POST."""
        return "GET" if capability in self.queries else "PATCH" if capability in self.changes else "POST"

    def product(self, folder: Path, source: Path | None = None, workers: int = 1, **environment: str) -> "Service":
        """The service of a release in `source`, this one's where none is named, in so many worker processes."""
        return Service(self, folder, source or self.source, workers, **environment)

    def url_of(self, folder: Path) -> str:
        """Where a copy of the service keeps its data; on a server in DRILL_DATABASE_URL, in a database of its own."""
        if server := os.environ.get("DRILL_DATABASE_URL"):
            name = f"drill_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
            return str(self.module("store").own_database(server, name))
        return f"sqlite:///{(folder / 'data.db').as_posix()}"

    def backup(self, folder: Path, file: Path) -> int:
        """Write what the copy in `folder` keeps into a file; the number of records."""
        store = self.module("store").Store(self.url_of(folder))
        try:
            return int(store.backup(file))
        finally:
            store.close()

    def restore(self, file: Path, folder: Path) -> int:
        """Bring a backup back into the copy in `folder`; the number of records."""
        store = self.module("store").Store(self.url_of(folder))
        try:
            return int(store.restore(file))
        finally:
            store.close()

    def content(self, folder: Path) -> dict[str, Content]:
        """Every table of the copy's database; none where the product keeps no data."""
        return contents(self.url_of(folder)) if find_spec(f"{self.package}.tables") else {}


def path_of(capability: str) -> str:
    """Where it is asked: submit_an_order → /submit-an-order."""
    return f"/{capability.replace('_', '-')}"


class Within:
    """A product in this process, asked through a test client of its framework as `Service` is asked over a socket."""

    def __init__(self, harness: Own, client: Any) -> None:
        self._harness, self._client = harness, client

    def perform(self, capability: str, request: Mapping[str, Any]) -> Reply:
        """Ask for one capability, as a caller who may."""
        method, token = self._harness.method(capability), SECOND if capability in self._harness.needs else TOKEN
        sent = {"params" if method == "GET" else "json": dict(request)}
        started, known = time.perf_counter(), {"Authorization": f"Bearer {token}"}
        answer = self._client.request(method, path_of(capability), headers=known, **sent)
        seconds, body = time.perf_counter() - started, answer.json()
        status = int(answer.status_code)
        return Reply(status < 300, 400 <= status < 500, body if isinstance(body, dict) else {"value": body}, seconds)

    def kept(self) -> list[dict[str, Any]]:
        """What the product remembers, newest first."""
        return list(self._client.get("/records", params={"limit": 500}).json())


class Service:
    """One running copy of a release. `source` is the folder that holds its package, `folder` keeps its data."""

    def __init__(self, harness: "Own", folder: Path, source: Path, workers: int, **environment: str) -> None:
        self.url = harness.url_of(folder)
        self._package, self._needs, self._method = harness.package, harness.needs, harness.method
        self.log = folder / "server.log"
        self._source, self._workers, self._port = source, workers, _free_port()
        self._patience = START_SECONDS * max(1, workers - 1)
        own = dict.fromkeys(("PREDICTION_LOG", "ACCESS_LOG", "BACKUPS"), str(folder)) | {"ACCESS_TOKENS": CALLER}
        own |= {"ACCESS_ROLES": harness.roles}
        self._environment = os.environ | STAND_INS | own | {"PYTHONPATH": str(source)} | environment
        self._environment["DATABASE_URL"] = self.url
        self._headers = {"Content-Type": "application/json"}
        if harness.knows_callers:
            self._headers["Authorization"] = f"Bearer {TOKEN}"
        self._local, self._open = threading.local(), list[http.client.HTTPConnection]()

    def __enter__(self) -> "Service":
        words = [sys.executable, "-m", self._package, "run", "--port", str(self._port), "--quiet"]
        words += ["--workers", str(self._workers)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, env=self._environment, cwd=self._source, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        try:
            self._wait()
            self._gather()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for connection in self._open:
            connection.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}/"

    def perform(self, capability: str, request: Mapping[str, Any]) -> Reply:
        """Ask for one capability, by field as `Harness.sample` has it: by the method that it has."""
        path, method = path_of(capability), self._method(capability)
        if method == "GET":
            return self.ask(method, f"{path}?{urlencode(request)}")
        return self.ask(method, path, dict(request), SECOND if capability in self._needs else None)

    def kept(self) -> list[dict[str, Any]]:
        """What the product remembers, newest first."""
        return list(self.ask("GET", "/records?limit=500").body["value"])

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> Reply:
        """One HTTP request, as the drills' caller or with another token; an answer that is no object: {"value": …}."""
        headers = self._headers if token is None else self._headers | {"Authorization": f"Bearer {token}"}
        started = time.perf_counter()
        try:
            status, text = self._exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            return Reply(False, False, {"value": repr(error)}, time.perf_counter() - started)
        seconds = time.perf_counter() - started
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        return Reply(
            status < 300,
            (400 <= status < 500 or status == 503),
            value if isinstance(value, dict) else {"value": value},
            seconds,
        )

    def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        connection = getattr(self._local, "connection", None)
        if connection is None or time.monotonic() - self._local.used > IDLE_SECONDS:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            self._open.append(connection)
        self._local.used = time.monotonic()
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._local.connection = None
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ask("GET", "/readyz").ok:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The service did not start. {self.log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)

    def _gather(self) -> None:
        """Wait until every worker process has answered once: many fresh connections at a time, until all were met."""
        if self._workers == 1:
            return
        deadline, met = time.monotonic() + self._patience, set[int]()
        with ThreadPoolExecutor(PARALLEL) as callers:
            while len(met) < self._workers:
                met |= set(callers.map(self._process_met, range(4 * self._workers))) - {0}
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{len(met)} of {self._workers} workers answer after {self._patience} s.")

    def _process_met(self, _: int) -> int:
        """The number of the process that answers a fresh connection; 0 where none does."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", "/healthz", headers={"Connection": "close"})
            return int(json.loads(connection.getresponse().read())["process"])
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
