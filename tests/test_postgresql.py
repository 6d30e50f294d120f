"""The rendered service and web application on a real PostgreSQL: their tests, scenarios and both drills."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from many_rows import moved
from mlscaffold import answers, render, vcs
from postgresql import MISSING, WHY_NOT, Cluster, started
from rendered_repository import run, run_product
from test_software_slice import ask, give_tables

pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING, reason=WHY_NOT)]
PRODUCTS = {
    "service": {"deliverable": "service", "data_class": "internal"},
    "web-app": {"deliverable": "web-app", "data_class": "personal", "ml_component": "http://127.0.0.1:9"},
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Started for these tests and ended with them; it logs every statement."""
    with started("-c log_statement=all") as server:
        yield server


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
    logged = len(cluster.log)
    restored, again = run_product(product, "restore", str(file)), run_product(product, "restore", str(file))

    assert (restored.returncode, again.returncode) == (0, 1)
    assert "3 records came back" in restored.stdout
    assert cluster.log[logged:].count("INSERT INTO record") == 1, "each row has made its own way to the server"
    assert "already holds records" in again.stderr
    assert in_repository(cluster.url, "fourth").stdout.strip() == "4"


@pytest.mark.parametrize("repository", ["sw-orders"], indirect=True)
def test_a_teams_own_tables_are_as_safe_as_on_sqlite(
    repository: Path, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backed up, restored and compared by content; a person leaves each of them, and a table left out is named."""
    url = cluster.create("orders")
    for name, value in {"DATABASE_URL": url, "DRILL_DATABASE_URL": cluster.url, "BACKUPS": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    give_tables(repository)
    ask(repository, url, "Erika Muster", "Max Muster")
    backed_up, drilled = run_product(repository, "backup"), run(repository, "restore-drill")
    forgotten = run_product(repository, "forget", "Erika Muster")
    (backup,) = tmp_path.glob("records-*.jsonl")
    monkeypatch.setenv("DATABASE_URL", cluster.create("again"))
    restored = run_product(repository, "restore", str(backup))
    expired = run_product(repository, "expire", "--keep-days", "0.000001")
    backups = next(repository.glob("src/*/backups.py"))
    text = backups.read_text("utf-8")
    one = text.replace("tables = Base.metadata.sorted_tables\n", "tables = [Base.metadata.tables['record']]\n", 1)
    backups.write_text(one, "utf-8")
    bad = run(repository, "restore-drill")

    assert "6 records in" in backed_up.stdout, backed_up.stderr
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr
    assert json.loads(forgotten.stdout)["rows"] == {"visit": 1, "customer": 1, "outbox": 0, "record": 1}
    assert "Erika" not in backup.read_text("utf-8")
    assert "3 records came back" in restored.stdout, restored.stderr
    deleted = sorted(expired.stdout.removesuffix(" deleted.\n").split(", "))
    assert deleted == ["0 of outbox", "1 of customer", "1 of record", "1 of visit"], expired.stderr
    assert one != text
    assert bad.returncode == 1
    assert "Tables that differ: customer, visit." in bad.stdout


@pytest.mark.parametrize("repository", ["sw-orders"], indirect=True)
def test_many_rows_take_no_more_memory_than_few(repository: Path, cluster: Cluster, tmp_path: Path) -> None:
    """Twenty times as many, read and written by the thousand; tests/bench/backup.py does it with a million."""
    peaks = {}
    for count in (2_000, 40_000):
        source, target = (cluster.create(f"{name}_{count}") for name in ("kept", "again"))
        peaks[count] = moved(repository, tmp_path / f"{count}.jsonl", count, source, target, seconds=600)["peak"]

    assert peaks[40_000] - peaks[2_000] < 15, peaks


KINDS = """
import datetime, decimal, math, sys, uuid
from pathlib import Path
import sqlalchemy as sa
from ledger_service import backups, store
from ledger_service.tables import Base

here = datetime.datetime(2026, 3, 1, 12, 30, 15, 250000)
row = {
    "id": 7, "order": 'he said "no", {née}\\n\\t\\\\', "nothing": None, "json": None, "more": {"a": [1, None, "x"]},
    "yes": True,
    "bytes": bytes(range(256)), "naive": here,
    "aware": here.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=5))),
    "day": here.date(), "hour": here.time(), "exact": decimal.Decimal("12345678901234.5678"),
    "name": uuid.UUID(int=5), "half": 0.1, "endless": math.inf,
}
kinds = [
    sa.Integer, sa.String, sa.String, sa.JSON, sa.JSON, sa.Boolean, sa.LargeBinary, sa.DateTime,
    sa.DateTime(timezone=True), sa.Date, sa.Time, sa.Numeric(18, 4), sa.Uuid, sa.Float, sa.Float,
]
table = sa.Table("user", Base.metadata, *(
    sa.Column(name, kind, primary_key=name == "id", nullable=name == "nothing", info={"data": "plain"})
    for (name, kind) in zip(row, kinds, strict=True)
))
first, second = (sa.create_engine(url) for url in sys.argv[1:3])
file = Path(sys.argv[3])
for engine in (first, second):
    store.migrating.upgrade(engine)
    table.create(engine)
with first.begin() as connection:
    connection.execute(table.insert(), [row, row | {"id": 8, "yes": False, "nothing": "null"}])
assert (backups.write(first, file), backups.read(second, file)) == (2, 2)
with first.connect() as before, second.connect() as after:
    held, found = ([tuple(row) for row in one.execute(table.select().order_by(table.c.id))] for one in (before, after))
    assert held == found, (held, found)
    assert held[0][1:] == tuple(row.values())[1:], held[0]
"""


@pytest.mark.parametrize("product", ["service"], indirect=True)
def test_every_kind_of_column_comes_back_as_it_was(product: Path, cluster: Cluster, tmp_path: Path) -> None:
    """In a table that is called as a word of SQL is, a row goes in as JSON and is what it was."""
    words = [
        sys.executable,
        "-c",
        KINDS,
        cluster.create("kinds"),
        cluster.create("kinds_again"),
        str(tmp_path / "kinds"),
    ]
    settings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"}
    done = subprocess.run(words, cwd=product, env=settings, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
