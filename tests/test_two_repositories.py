"""Two rendered repositories, by the words of their READMEs: one judges, the other warns and a person decides.

The model is killed, slowed and fed nonsense while the product runs, and returns. Both run on loopback, with this
project's interpreter in place of `make setup`.
"""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlscaffold import answers, render, vcs
from readme_run import lines
from rendered_repository import stand_in

pytestmark = pytest.mark.slow

MODEL = {
    "kind": "ml",
    "kind_reason": "a person's judgement is to be supported",
    "project_name": "Invoice watch",
    "serving": "api",
}
PRODUCT = {
    "kind": "software",
    "project_name": "Invoice desk",
    "deliverable": "service",
    "capabilities": "Submit an invoice; Approve an invoice",
    "ml_component": "http://127.0.0.1:8001",
    "human_confirms": "yes",
}
LIMIT_SECONDS = 0.3  # the product's p95, by its plan
SLACK_SECONDS = 0.25  # a busy machine's own delays, beyond what the product may take


@dataclass
class Service:
    """A server that a README's line started, in a process group of its own."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """End all of its processes."""
        try:
            os.killpg(self.process.pid, with_signal)
        except ProcessLookupError:
            return
        self.process.wait(20)


@dataclass
class Reply:
    """What came back over HTTP, and how long it took."""

    status: int
    body: Any
    seconds: float


def ask(url: str, body: dict[str, Any] | None = None) -> Reply:
    """GET, or POST where there is a body, with the token of the README's own line."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer try-me"}
    request = urllib.request.Request(url, content, headers)  # noqa: S310
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    seconds = time.perf_counter() - started
    return Reply(status, json.loads(text) if text.startswith((b"{", b"[")) else text.decode(), seconds)


def rendered(given: dict[str, str], parent: Path) -> Path:
    """A repository as `mlscaffold new` leaves it, with an environment that is this project's interpreter."""
    folder = render.render(answers.complete(given | {"start_date": ""}), parent)
    vcs.create(folder, "Start")
    stand_in(folder)
    return folder


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def typed(line: str, folder: Path, **environment: str) -> str:
    """One line of a README, to its end; what it said on both channels."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=os.environ | environment,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert done.returncode == 0 or line == "make accept", f"{line}: {said}"
    return said


def started(line: str, folder: Path, port: int, path: str, **environment: str) -> Service:
    """A README's line that serves, on a free port instead of its own, once it answers."""
    line = re.sub(r"--port \d+", f"--port {port}", line)
    with folder.parent.joinpath(f"{folder.name}.log").open("ab") as log:
        process = subprocess.Popen(
            ["bash", "-c", line], cwd=folder, env=os.environ | {"PORT": str(port)} | environment,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    service = Service(process, f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if ask(service.url + path).status == 200:
                return service
        except OSError:
            time.sleep(0.1)
    service.stop(signal.SIGKILL)
    raise AssertionError(
        f"{line} did not answer: {folder.parent.joinpath(folder.name + '.log').read_text('utf-8')[-2000:]}"
    )


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for both repositories, and a home whose git knows an invented name."""
    folder = tmp_path_factory.mktemp("two")
    home = folder / "home"
    home.mkdir()
    home.joinpath(".gitconfig").write_text("[user]\n\tname = Ana Example\n\temail = ana@example.org\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(home))
        yield folder


@pytest.fixture(scope="module")
def judge(parent: Path) -> Path:
    """The ML repository with a champion, accepted under the waivers that its README names, and promoted."""
    folder = rendered(MODEL, parent)
    for heading in ("The first ten minutes", "From acceptance to operation"):
        for line in lines(folder / "README.md", heading):
            if line != "make setup" and not (folder / "registry").is_dir():
                typed(line, folder)
    assert (folder / "registry/1.0.0.json").is_file()
    return folder


@pytest.fixture(scope="module")
def desk(parent: Path) -> Path:
    """The software repository."""
    return rendered(PRODUCT, parent)


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Where the model and the product answer."""
    return free_port(), free_port()


@pytest.fixture
def model(judge: Path, ports: tuple[int, int]) -> Iterator[Service]:
    """The model service, started as its README says."""
    (line,) = (one for one in lines(judge / "README.md", "Connect a product") if one.startswith("make serve"))
    service = started(line, judge, ports[0], "/health")
    yield service
    service.stop(signal.SIGKILL)


def running(desk: Path, model_url: str, port: int, log: Path) -> Service:
    """The product, started as its README says, with the address of its model."""
    (line,) = (one for one in lines(desk / "README.md", "Connect the model") if "make run" in one)
    line = line.replace("http://127.0.0.1:8001", model_url)
    return started(line, desk, port, "/readyz", PREDICTION_LOG=str(log), DATABASE_URL=f"sqlite:///{log}.db")


@pytest.fixture
def product(desk: Path, ports: tuple[int, int], tmp_path: Path) -> Iterator[Service]:
    """The product, whose model is where `model` will be."""
    service = running(desk, f"http://127.0.0.1:{ports[0]}", ports[1], tmp_path / "log")
    yield service
    service.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def cases(judge: Path) -> Callable[[str], dict[str, float]]:
    """`cases("malignant")`: the inputs of one row of the sample with that label."""
    columns = set(json.loads((judge / "registry" / "1.0.0.json").read_text("utf-8"))["columns"])
    (sample,) = (judge / "data" / "raw").glob("sample-*.csv")
    with sample.open(encoding="utf-8", newline="") as rows:
        first = {row["diagnosis"]: row for row in reversed(list(csv.DictReader(rows)))}
    return lambda label: {name: float(first[label][name]) for name in columns}


def submit(product: Service, subject: str, facts: dict[str, float]) -> Reply:
    """The product's first capability; it answers whatever happens, within its time."""
    reply = ask(f"{product.url}/submit-an-invoice", {"subject": subject, "facts": facts})

    assert reply.status == 201, reply
    assert reply.seconds <= LIMIT_SECONDS + SLACK_SECONDS, reply
    return reply


def until_used(product: Service, facts: dict[str, float], name: str) -> Reply:
    """Ask until the model decides again: it rests for five seconds after a failure."""
    for number in range(80):
        reply = submit(product, f"{name} {number}", facts)
        if reply.body["judgement"]["decided_by"] == "model":
            return reply
        time.sleep(0.2)
    raise AssertionError("the model was not used again")


def test_the_model_judges_and_a_person_decides(
    model: Service, product: Service, judge: Path, desk: Path, tmp_path: Path, cases: Callable[[str], dict[str, float]]
) -> None:
    """A warning by the model waits for a person; what the person says is a label under the model's own id."""
    until_used(product, cases("benign"), "warm-up")
    bad, good = (submit(product, f"case {label}", cases(label)) for label in ("malignant", "benign"))
    warned = bad.body["judgement"]
    waiting = ask(f"{product.url}/warnings").body
    decided = ask(f"{product.url}/warnings/{warned['id']}", {"decision": "overrule", "by": "Ana"})
    (line,) = (one for one in lines(desk / "README.md", "Connect the model") if " labels " in one)
    typed(line.replace("../MODEL/", f"{judge}/"), desk, PREDICTION_LOG=str(tmp_path / "log"))
    typed("make monitor || true", judge)  # exit 1 where a signal alarms: the sample is small
    logged = [json.loads(text) for file in (judge / "predictions").glob("*.jsonl") for text in file.open()]

    assert {"warn": True, "decided_by": "model", "decision": "yes", "model": "1.0.0"}.items() <= warned.items()
    assert {"warn": False, "decided_by": "model", "decision": "no"}.items() <= good.body["judgement"].items()
    assert [warned["id"]] == [warning["id"] for warning in waiting if warning["decided_by"] == "model"]
    assert decided.status == 201
    assert warned["id"] not in [warning["id"] for warning in ask(f"{product.url}/warnings").body]
    assert f"{warned['id']},no" in (judge / "labels" / "invoice-desk.csv").read_text("utf-8").splitlines()
    assert [cases("malignant")] == [row["inputs"] for row in logged if row["id"] == warned["id"]]
    assert labelled_rows(judge) == [(warned["id"], "benign")]


def labelled_rows(judge: Path) -> list[tuple[str, str]]:
    """The model's own answers that a label has come back for, as its table of predictions joins them."""
    table = judge.parent / "predictions.csv"
    typed(f"make predictions ARGS={table}", judge)
    with table.open(encoding="utf-8", newline="") as rows:
        return [(row["id"], row["outcome"]) for row in csv.DictReader(rows) if row["outcome"]]


def test_a_killed_model_is_replaced_by_the_rule_and_used_again(
    model: Service, product: Service, judge: Path, ports: tuple[int, int], cases: Callable[[str], dict[str, float]]
) -> None:
    """kill -9 in the middle of the work; when the service is back, it judges again."""
    until_used(product, cases("benign"), "before")
    model.stop(signal.SIGKILL)
    without = [submit(product, f"without {number}", cases("benign")) for number in range(20)]
    (line,) = (one for one in lines(judge / "README.md", "Connect a product") if one.startswith("make serve"))
    again = started(line, judge, ports[0], "/health")
    try:
        back = until_used(product, cases("benign"), "after")
    finally:
        again.stop(signal.SIGKILL)

    assert {"rule"} == {reply.body["judgement"]["decided_by"] for reply in without}
    assert all(reply.body["judgement"]["warn"] and reply.body["degraded"] == ["the model"] for reply in without)
    assert back.body["judgement"]["decided_by"] == "model"


def test_a_model_that_hangs_is_not_waited_for(
    model: Service, product: Service, cases: Callable[[str], dict[str, float]]
) -> None:
    """SIGSTOP: connections are taken and nothing is answered. Then it goes on, and is used again."""
    until_used(product, cases("benign"), "before")
    os.killpg(model.process.pid, signal.SIGSTOP)
    try:
        slow = [submit(product, f"slow {number}", cases("benign")) for number in range(20)]
    finally:
        os.killpg(model.process.pid, signal.SIGCONT)
    back = until_used(product, cases("benign"), "after")

    assert {"rule"} == {reply.body["judgement"]["decided_by"] for reply in slow}
    assert sum(reply.seconds > LIMIT_SECONDS / 2 for reply in slow) <= 2, "one request waits, the others do without"
    assert back.body["judgement"]["decided_by"] == "model"


def rubbish(text: bytes, drip: float = 0.0) -> ThreadingHTTPServer:
    """A service that answers everything with the same bytes."""

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            for part in [text[at : at + 1] for at in range(len(text))] if drip else [text]:
                self.wfile.write(part)
                time.sleep(drip)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


GOOD = b'{"answers": [{"id": "x", "score": 0.9, "decision": "yes", "source": "model", "model": "1.0.0"}]}'


@pytest.mark.parametrize(
    ("text", "drip"),
    [
        (b"", 0.0), (b"<html><h1>502 Bad Gateway</h1></html>", 0.0), (b'{"answers": []}', 0.0), (GOOD, 0.0),
        (GOOD.replace(b"0.9", b"NaN"), 0.0), (GOOD.replace(b"0.9", b'"high"'), 0.0), (b"[" * 60_000, 0.0),
        (b" " * 5_000_000, 0.0), (GOOD, 0.02),
    ],
    ids=["empty", "html", "no answers", "another's id", "no number", "wrong type", "too deep", "oversized", "dripping"],
)  # fmt: skip
def test_nonsense_is_not_believed(
    desk: Path, tmp_path: Path, cases: Callable[[str], dict[str, float]], text: bytes, drip: float
) -> None:
    """A stub in the model's place answers rubbish; the product answers by its rule, and the log says why."""
    stub = rubbish(text, drip)
    service = running(desk, f"http://127.0.0.1:{stub.server_address[1]}", free_port(), tmp_path / "log")
    try:
        replies = [submit(service, f"case {number}", cases("malignant")) for number in range(3)]
    finally:
        service.stop(signal.SIGKILL)
        stub.shutdown()
        stub.server_close()
    logged = [json.loads(line) for file in (tmp_path / "log").glob("*.jsonl") for line in file.open()]

    assert {"rule"} == {reply.body["judgement"]["decided_by"] for reply in replies}
    assert logged[0]["reason"].startswith("no answer: " if drip else "nonsense: ")
    assert [reply.body["judgement"]["id"] for reply in replies] == [line["id"] for line in logged]


def test_the_service_as_rendered_keeps_the_contract(model: Service, desk: Path) -> None:
    """The software repository's own contract test, against the started ML repository; not skipped, and seen red."""
    words = [
        desk / ".venv/bin/python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_review.py",
        "-k",
        "contract",
    ]
    held = subprocess.run(
        words, cwd=desk, env=os.environ | {"CONTRACT_URL": model.url}, capture_output=True, text=True, check=False
    )
    stub = rubbish(GOOD)
    broken = subprocess.run(
        words, cwd=desk, env=os.environ | {"CONTRACT_URL": f"http://127.0.0.1:{stub.server_address[1]}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    stub.shutdown()
    stub.server_close()

    assert held.returncode == 0, held.stdout
    assert "1 passed" in held.stdout
    assert "skipped" not in held.stdout
    assert broken.returncode == 1
