"""git as nobody has set it up, a repository in which all is well, toy products, and a page on the loopback."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from planrun.signing import signatures

from planrun_software.tests.products import FILES
from planrun_software.tests.toy import PACKAGE, SHOWN, Desk, newborn

Answer = Callable[[BaseHTTPRequestHandler], tuple[int, str]]
Serve = Callable[[Answer], str]
Make = Callable[..., Desk]


@pytest.fixture(scope="package", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ana is at work; no hooks, keys, templates or other places of whoever runs the tests, and no proxy between."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text("[user]\n\tname = Ana\n\temail = ana@example.org\n")
    with pytest.MonkeyPatch.context() as surroundings:
        for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
            surroundings.delenv(name)
        surroundings.setenv("GIT_CONFIG_GLOBAL", str(settings))
        surroundings.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for name in ("no_proxy", "NO_PROXY"):
            surroundings.setenv(name, "127.0.0.1")
        surroundings.delenv("DRILL_DATABASE_URL", raising=False)
        yield


@pytest.fixture(scope="package")
def _well(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which everything has been answered, shown, rehearsed and signed."""
    desk = newborn(tmp_path_factory.mktemp("well") / "desk")
    desk.start()
    desk.ran("tests")
    desk.ran("acceptance")
    for name in SHOWN:
        desk.shown(name)
    for name in ("T1", "T3"):
        signatures.sign(desk.repo, name)
    return desk.root


@pytest.fixture
def desk(_well: Path, tmp_path: Path) -> Desk:
    """A copy of the repository in which all is well."""
    return Desk(Path(shutil.copytree(_well, tmp_path / "desk")))


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """`make(deliverable, **answers)`: a repository whose product runs, and can be imported while the test does."""

    def made(deliverable: str, **answers: str) -> Desk:
        desk = newborn(tmp_path / "desk")
        desk.answer(deliverable=deliverable, **answers)
        for path, text in FILES[deliverable].items():
            desk.write(path, text)
        monkeypatch.syspath_prepend(str(desk.root / "src"))
        return desk

    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(answer)`: the address of a server that gives `answer(request)`, a status and a text, to whoever asks."""
    servers = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = answer(self)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_GET

            def log_message(self, format: str, *words: object) -> None:
                """Nothing is printed."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
