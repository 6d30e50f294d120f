"""The rendered service and web application on a real PostgreSQL: their tests, scenarios and both drills."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlscaffold import answers, render, vcs
from rendered_repository import run, run_product

# Debian keeps initdb and pg_ctl out of the PATH, one folder a version.
PLACES = [
    str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
]
INITDB, PG_CTL = (
    shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES])) for name in ("initdb", "pg_ctl")
)
MISSING = not (INITDB and PG_CTL and find_spec("pg8000"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MISSING, reason="PostgreSQL's initdb and pg_ctl, or pg8000, are not installed here"),
]
PRODUCTS = {
    "service": {"deliverable": "service", "data_class": "internal"},
    "web-app": {"deliverable": "web-app", "data_class": "personal", "ml_component": "http://127.0.0.1:9"},
}


@dataclass
class Cluster:
    """A PostgreSQL server of its own on loopback."""

    folder: Path
    port: int
    as_owner: list[str]

    @property
    def url(self) -> str:
        """Where it answers, for SQLAlchemy."""
        return f"postgresql+pg8000://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        """Every statement that it was given."""
        return self.folder.joinpath("server.log").read_text("utf-8", errors="replace")

    def command(self, *words: str) -> None:
        """One of PostgreSQL's own programs, as the user who owns the data."""
        done = subprocess.run(
            [*self.as_owner, *words], cwd=self.folder, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def databases(self) -> list[str]:
        """The databases there are."""
        from pg8000.native import Connection

        connection = Connection("postgres", host="127.0.0.1", port=self.port, database="postgres")
        try:
            return [name for (name,) in connection.run("select datname from pg_database")]
        finally:
            connection.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Started for these tests and ended with them; PostgreSQL refuses to run as root, so root hands it over."""
    with (
        tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as name,
        socket.socket() as probe,
    ):
        probe.bind(("127.0.0.1", 0))
        port, folder, as_owner = int(probe.getsockname()[1]), Path(name), []
        probe.close()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            as_owner = ["runuser", "-u", "postgres", "--"]
        server = Cluster(folder, port, as_owner)
        server.command(str(INITDB), "--auth=trust", "--username=postgres", "--encoding=UTF8", "data")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c log_statement=all -c fsync=off"
        server.command(str(PG_CTL), "--pgdata=data", "--log=server.log", "--wait", f"--options={options}", "start")
        try:
            yield server
        finally:
            server.command(str(PG_CTL), "--pgdata=data", "--wait", "--mode=immediate", "stop")


@pytest.fixture
def product(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rendered repository whose tests and drills use the cluster."""
    given = {"kind": "software", "project_name": f"Ledger {request.param}", "start_date": ""} | PRODUCTS[request.param]
    folder = render.render(answers.complete(given), tmp_path)
    vcs.create(folder, "Start")
    folder.joinpath("CHANGELOG.md").write_text("# Changes\n\nA second commit, to go back from.\n", "utf-8")
    subprocess.run(["git", "commit", "-qam", "Second"], cwd=folder, check=True)
    monkeypatch.setenv("DRILL_DATABASE_URL", cluster.url)
    return folder


@pytest.mark.parametrize("product", PRODUCTS, indirect=True)
def test_tests_scenarios_and_drills_pass_on_postgresql(product: Path, cluster: Cluster) -> None:
    """Migrations, requests, backup, restore and rollback; every database made for it is dropped again."""
    before, logged = cluster.databases(), len(cluster.log)
    names = sorted(path.name for path in product.glob("tests/test_*.py"))
    tests = run(product, "-q", "-p", "no:cacheprovider", *[f"tests/{name}" for name in names], module="pytest")
    accepted = run(product, "accept")
    restored = run(product, "restore-drill")
    rolled_back = run(product, "rollback-drill")
    statements = cluster.log[logged:]

    for done in (tests, accepted, restored, rolled_back):
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "100 records came back" in restored.stdout
    assert statements.count("CREATE TABLE record") >= 5, "the tests did not run here"
    assert "pg_advisory_xact_lock" in statements
    assert "alembic_version" in statements
    assert before == cluster.databases()


@pytest.mark.parametrize("product", ["service"], indirect=True)
def test_a_lost_database_is_filled_from_a_backup(
    product: Path, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands an operator types: from SQLite to PostgreSQL, where the next record gets a number of its own."""
    make = (
        "import sys; from ledger_service import store\n"
        "from ledger_service.capabilities import CAPABILITIES, taken_by\n"
        "kept = store.Store(sys.argv[1]); kept.migrate(); name = next(iter(CAPABILITIES))\n"
        "rows = [kept.once(name, taken_by(name)(subject))[0] for subject in sys.argv[2:]]; print(rows[-1]['id'])"
    )
    in_repository: Callable[..., subprocess.CompletedProcess[str]] = lambda *words: subprocess.run(  # noqa: E731
        [sys.executable, "-c", make, *words], cwd=product, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"},
    )  # fmt: skip
    lost = f"sqlite:///{tmp_path}/lost.db"
    in_repository(lost, "née", "名前", "third")
    monkeypatch.setenv("BACKUPS", str(tmp_path / "backups"))
    monkeypatch.setenv("DATABASE_URL", lost)
    assert run_product(product, "backup").returncode == 0
    (file,) = (tmp_path / "backups").iterdir()
    monkeypatch.setenv("DATABASE_URL", cluster.url)
    restored, again = run_product(product, "restore", str(file)), run_product(product, "restore", str(file))

    assert (restored.returncode, again.returncode) == (0, 1)
    assert "3 records came back" in restored.stdout
    assert "already holds records" in again.stderr
    assert in_repository(cluster.url, "fourth").stdout.strip() == "4"
