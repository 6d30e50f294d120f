"""A team's own capability in the rendered software repository: fields, samples, tables, work done once."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from many_rows import moved
from material import mostly_slow
from mlscaffold import answers, render
from rendered_repository import run, run_product, told, write_the_rules

OWN = "    amount: float\n    on_account: bool = False\n    currency: str\n"
OWN_SAMPLE = 'return {"subject": f"A-{number}", "note": "", "amount": 12.5 + number, "currency": "EUR"}'
CLASS = '''

@dataclass(frozen=True, kw_only=True)
class Own(Request):
    """What the team's own capability takes."""

'''


def gate(folder: Path, name: str) -> tuple[str, str]:
    """A gate's state and its reason."""
    return next((row["state"], row["reason"]) for row in told(folder)["gates"] if row["id"] == name)


def commit(folder: Path) -> None:
    """Everything, as the team would."""
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "--quiet", "-m", "Work"], cwd=folder, check=True)


def capability(folder: Path, name: str = "") -> Path:
    """The module of a capability: of the first one that asks for something, where none is named."""
    whole = sorted(folder.glob("src/*/capabilities/[!_]*.py"))
    found = [path for path in whole if not re.search(r"^(QUERY|CHANGE) = ", path.read_text("utf-8"), re.MULTILINE)]
    first = next(path for path in found if 'MEETS = "R-01"' in path.read_text("utf-8"))
    return next((path for path in found if path.stem == name), first)


def give_fields(folder: Path) -> None:
    """The first capability takes two fields more that are required: in its class, and in its sample."""
    path = capability(folder)
    text, routed = path.read_text("utf-8"), next(folder.glob("src/*"), path) / "routers" / path.name
    if "(request: Request)" in text:  # its name holds no noun, so the team writes the class itself
        text = text.replace("from ..contract", "from dataclasses import dataclass\n\nfrom ..contract", 1)
        text = text.replace("\n\ndef ", f"{CLASS}{OWN}\n\ndef ", 1).replace("(request: Request)", "(request: Own)")
        if routed.is_file():
            router = (
                routed.read_text("utf-8")
                .replace("import TITLE", "import TITLE, Own")
                .replace("body: Request", "body: Own")
            )
            routed.write_text(router.replace("from ..contract import Request\n", ""), "utf-8")
    else:
        text = re.sub(r"(Request\):\n    \"\"\"What somebody sends.\"\"\"\n)", rf"\1\n{OWN}", text)
    assert OWN in text
    text = text.replace(
        'Request("A-17"))', 'Request("A-17", amount=1.5, currency="EUR"))'
    )  # its documentation's example
    path.write_text(text, "utf-8")
    sample = folder / "tests/samples" / path.name
    sample.write_text(
        re.sub(r"return \{.*?\}(?=\n$)", lambda _: OWN_SAMPLE, sample.read_text("utf-8"), flags=re.DOTALL), "utf-8"
    )
    assert OWN_SAMPLE in sample.read_text("utf-8")


QUICK = ("sw-library", "sw-cli")
FORMS = mostly_slow((*QUICK, "sw-default", "sw-model", "sw-web-app", "sw-batch"), *QUICK)


@pytest.mark.parametrize("repository", FORMS, indirect=True)
def test_own_fields_are_added_in_one_class_and_one_sample(repository: Path) -> None:
    """Two required fields: every test, the scenarios and the load ask with the sample, and none of them is edited."""
    give_fields(repository)
    tested = run(repository, "-q", "-p", "no:cacheprovider", module="pytest")
    accepted = run(repository, "accept")
    loaded = run(repository, "load", "--requests", "20")

    assert tested.returncode == 0, tested.stdout[-3000:]
    assert accepted.returncode == 0, accepted.stdout[-3000:]
    assert re.search(r"^errors +0 \(", loaded.stdout, re.MULTILINE), loaded.stdout + loaded.stderr


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_router_that_takes_less_than_its_capability_is_named(repository: Path) -> None:
    """What it does not ask for would be lost on the way: the service does not start, and says which file."""
    give_fields(repository)
    name = capability(repository).stem
    router = next(repository.glob(f"src/*/routers/{name}.py"))
    taken = re.findall(r"body: (\w+)", router.read_text("utf-8"))[0]
    text = router.read_text("utf-8").replace(f", {taken}", "").replace(f"body: {taken}", "body: Request")
    router.write_text(text.replace("from ..routing", "from ..contract import Request\nfrom ..routing"), "utf-8")
    refused = run_product(repository, "run")

    assert refused.returncode == 1
    assert f"routers/{name}.py takes Request, and its capability {taken}. Let it take {taken}." in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("repository", ["sw-cli"], indirect=True)
def test_a_field_of_the_wrong_kind_is_a_sentence(repository: Path) -> None:
    """By its name, with what it has to be; a missing one likewise, and nothing is a traceback."""
    give_fields(repository)
    typed = (capability(repository).stem.replace("_", "-"), "A-17", "--currency", "EUR")
    wrong, missing = (
        run(repository, "run", "--", *typed, *more, module="log_trim") for more in (["--amount", "many"], [])
    )

    assert (wrong.returncode, missing.returncode) == (1, 1)
    assert "The amount is not a number." in wrong.stderr
    assert "The amount is missing." in missing.stderr


@pytest.mark.parametrize("repository", ["sw-library"], indirect=True)
def test_a_capability_without_a_sample_shuts_its_gate(repository: Path) -> None:
    """T2.6 is red, and load says what to add instead of asking nothing."""
    fly = capability(repository).with_name("fly.py")
    fly.write_text("def fly(request):\n    raise NotImplementedError\n", "utf-8")
    before_samples = gate(repository, "T2.6")
    loaded = run(repository, "load", "--requests", "20")

    assert before_samples == ("fail", "Nothing stands for fly.")
    assert loaded.returncode == 2
    assert "fly has no sample" in loaded.stderr + loaded.stdout
    assert "Traceback" not in loaded.stderr


@pytest.mark.parametrize("repository", ["sw-library"], indirect=True)
def test_a_test_that_does_not_look_at_the_product_is_no_scenario(repository: Path) -> None:
    """It passes, and something in it could fail by its looks; on a version that answers nothing it passes as well."""
    scenarios = repository / "tests/acceptance/test_check_a_postal_code.py"
    text = scenarios.read_text("utf-8")
    hollow = re.sub(
        r"    # When .*",
        "    assert len(subjects) == len(name) - len(name) + 4\n",
        text,
        count=1,
        flags=re.DOTALL,
    )
    scenarios.write_text(hollow, "utf-8")
    commit(repository)
    done = run(repository, "accept")

    assert hollow != text
    assert done.returncode == 1, done.stdout
    assert "passes on a version in which check_a_postal_code answers nothing" in done.stdout
    assert gate(repository, "T3.1")[0] == "fail"


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["sw-library"], indirect=True)
def test_what_only_gives_its_request_back_is_not_accepted(repository: Path) -> None:
    """T3.1 waits for the rules of the newborn's capabilities, and opens once tests look at what they find."""
    newborn, waits = run(repository, "accept"), gate(repository, "T3.1")
    write_the_rules(repository)
    commit(repository)
    ruled, opened = run(repository, "accept"), gate(repository, "T3.1")

    told = (
        "R-01: test_check_a_postal_code passes on a version in which check_a_postal_code only gives its request back."
    )
    assert (newborn.returncode, waits) == (0, ("blocked", told)), newborn.stdout + newborn.stderr
    assert (ruled.returncode, opened[0]) == (0, "pass"), ruled.stdout + ruled.stderr


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_sample_that_is_refused_is_named_by_the_drill(repository: Path) -> None:
    """A drill over requests that are all refused would restore nothing and call it whole."""
    samples = repository / "tests/samples/report_status.py"
    samples.write_text(samples.read_text("utf-8").replace('f"A-{number}"', '""'), "utf-8")
    done = run(repository, "restore-drill")

    assert done.returncode == 2
    assert "The sample of report_status was not carried out: The subject is empty." in done.stdout + done.stderr


def test_the_product_and_its_database_start_together_where_a_container_is_asked_for(tmp_path: Path) -> None:
    """PostgreSQL, reached by the name of its service; no password is written down, and nothing starts without one."""
    given = {"kind": "software", "project_name": "Desk", "deploy": "container", "data_class": "personal"}
    folder = render.render(answers.complete(given), tmp_path)
    composed = yaml.safe_load(folder.joinpath("compose.yaml").read_text("utf-8"))["services"]
    url = composed["product"]["environment"]["DATABASE_URL"]

    assert url == "postgresql+pg8000://desk:${DATABASE_PASSWORD:?give one in the environment}@database/desk"
    assert composed["product"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert composed["database"]["environment"]["POSTGRES_USER"] == "desk"


@pytest.mark.parametrize("ci", ["github", "gitlab", "azure"])
def test_a_pipeline_asks_the_database_and_the_image_of_production(ci: str, tmp_path: Path) -> None:
    """The tests on PostgreSQL before anything is built; of the image a bill of materials, and red for a weakness."""
    given = {"kind": "software", "project_name": "Desk", "deploy": "container", "data_class": "personal", "ci": ci}
    folder = render.render(answers.complete(given), tmp_path)
    name = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines.yml"}[ci]
    text = folder.joinpath(name).read_text("utf-8")
    yaml.safe_load(text)
    build, bill, scan = (
        text.index(words) for words in ("docker build", "--format cyclonedx desk > sbom.json", "--exit-code 1 desk")
    )

    assert re.search(r"DRILL_DATABASE_URL(: |=)postgresql\+pg8000://", text)
    assert "postgres:17" in text
    assert build < bill < scan


# ------------------------------------------------------------------------------------------ own tables, work done once
TABLES = '''

class Customer(Base):
    """A table of the team's own, about people."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), info=PERSON)
    city: Mapped[str] = mapped_column(String(100), info=PERSONAL)
    seen_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), info=SINCE)


class Visit(Base):
    """One that refers to it."""

    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    remark: Mapped[str] = mapped_column(String(100), info=PERSONAL)


Found = '''
WORK = """
    customer = Customer(name=request.subject.strip(), city="Bern", seen_at=datetime.datetime.now(datetime.UTC))
    session.add(customer)
    session.flush()
    session.add(Visit(customer_id=customer.id, remark=f"Visit of {customer.name}"))
"""
ASK = """
import sys
from order_desk import store
from order_desk.capabilities import taken_by
kept = store.Store(sys.argv[1])
kept.migrate()
for subject in sys.argv[2:]:
    kept.once("place_an_order", taken_by("place_an_order")(subject))
kept.close()
"""


def give_tables(folder: Path) -> None:
    """Two tables more, their migration, and a capability that fills them."""
    tables, module = next(folder.glob("src/*/tables.py")), capability(folder, "place_an_order")
    text = tables.read_text("utf-8").replace("Column, ColumnElement,", "Column, ColumnElement, ForeignKey,", 1)
    tables.write_text(text.replace("\nFound = ", TABLES, 1), "utf-8")
    asked = '(request: OrderRequest) -> OrderOutcome:\n    """Meets R-01."""\n'
    text = module.read_text("utf-8").replace("from dataclasses", "import datetime\nfrom dataclasses", 1)
    text = text.replace("from ..contract", "from sqlalchemy.orm import Session\n\nfrom ..contract", 1)
    text = text.replace("\n\nTITLE", "\nfrom ..tables import Customer, Visit\n\nTITLE", 1)
    assert asked in text
    filled = asked.replace(") ->", ", session: Session) ->") + WORK
    module.write_text(text.replace(asked, filled), "utf-8")
    done = run_product(folder, "migrate", "--new", "Customers and their visits")
    assert done.returncode == 0, done.stderr
    assert len(list(folder.glob("src/*/migrations/versions/*customers*.py"))) == 1, done.stdout


def ask(folder: Path, url: str, *subjects: str) -> None:
    """Have the first capability done for each subject, in a process of its own."""
    words = [sys.executable, "-c", ASK, url, *subjects]
    settings = os.environ | {"PYTHONPATH": "src", "DEPENDENCIES": "stand-in"}
    done = subprocess.run(words, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def with_tables(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The order desk with tables of its own; its database and backups lie beside it."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{(tmp_path / 'live.db').as_posix()}")
    monkeypatch.setenv("BACKUPS", str(tmp_path / "backups"))
    give_tables(repository)
    return repository


ORDERS = pytest.mark.parametrize("repository", ["sw-orders"], indirect=True)


@ORDERS
def test_a_person_leaves_every_table_and_every_backup(with_tables: Path, tmp_path: Path) -> None:
    """A table that the team added, and one that refers to it: nobody had to tell deletion of them."""
    url = os.environ["DATABASE_URL"]
    ask(with_tables, url, "Erika Muster", "Max Muster")
    backed_up = run_product(with_tables, "backup")
    done = run_product(with_tables, "forget", "Erika Muster")

    assert "6 records in" in backed_up.stdout, backed_up.stdout + backed_up.stderr
    assert json.loads(done.stdout)["rows"] == {"visit": 1, "customer": 1, "outbox": 0, "record": 1}
    left = [*tmp_path.glob("live.db*"), *(tmp_path / "backups").iterdir()]
    assert [file.name for file in left if b"Erika" in file.read_bytes()] == []
    assert all(b"Max" in file.read_bytes() for file in left if file.stat().st_size and "shm" not in file.name)
    (backup,) = (tmp_path / "backups").iterdir()
    os.environ["DATABASE_URL"] = f"sqlite:///{(tmp_path / 'again.db').as_posix()}"
    assert "3 records came back" in run_product(with_tables, "restore", str(backup)).stdout


@ORDERS
def test_a_drill_compares_every_table(with_tables: Path) -> None:
    """All of them come back; where the backup leaves one out, the drill is red and names it."""
    good = run(with_tables, "restore-drill")
    kept = json.loads(with_tables.joinpath("evidence/restore.json").read_text("utf-8"))["tables"]
    backups = next(with_tables.glob("src/*/backups.py"))
    text = backups.read_text("utf-8")
    backups.write_text(
        text.replace("    tables = Base.metadata.sorted_tables\n", "    tables = [Base.metadata.tables['record']]\n")
    )
    assert backups.read_text("utf-8") != text
    bad = run(with_tables, "restore-drill")

    assert good.returncode == 0, good.stdout + good.stderr
    assert set(kept) == {"record", "customer", "visit", "outbox", "ended_session"}
    assert min(kept[name] for name in ("record", "customer", "visit")) > 0
    assert bad.returncode == 1
    assert "Tables that differ: customer, visit." in bad.stdout


@pytest.mark.slow
@ORDERS
def test_a_column_that_says_nothing_of_people_is_named(with_tables: Path) -> None:
    """And a personal row of which nothing says whose it is: by a test of the repository's own."""
    tables = next(with_tables.glob("src/*/tables.py"))
    text = tables.read_text("utf-8")
    words = ("-q", "-p", "no:cacheprovider", "tests/test_service.py", "-k", "every_table_is_covered")
    told = {}
    for old, new in (
        ("mapped_column(String(100), info=PERSONAL)", "mapped_column(String(100))"),
        (
            "name: Mapped[str] = mapped_column(String(200), info=PERSON)",
            "name: Mapped[str] = mapped_column(String(200), info=PLAIN)",
        ),
    ):
        tables.write_text(text.replace(old, new), "utf-8")
        told[new] = run(with_tables, *words, module="pytest").stdout
    tables.write_text(text, "utf-8")

    undeclared, nobodys = told.values()
    assert "customer.city does not say whether it is personal" in undeclared
    assert "customer is personal, and nothing says whose" in nobodys
    assert run(with_tables, *words, module="pytest").returncode == 0


@pytest.mark.slow
@ORDERS
def test_going_back_is_rehearsed_over_the_migration_that_is_there(with_tables: Path) -> None:
    """The release before runs on the newer tables; a migration that takes away what it needs makes the drill red."""
    undone = run(with_tables, "rollback-drill")
    commit(with_tables)
    good, state = run(with_tables, "rollback-drill"), gate(with_tables, "T4.1")
    version = next(with_tables.glob("src/*/migrations/versions/*customers*.py"))
    version.write_text(version.read_text("utf-8") + '    op.drop_column("record", "asked")\n', "utf-8")
    stale = gate(with_tables, "T4.1")
    tables = next(with_tables.glob("src/*/tables.py"))
    tables.write_text(re.sub(r"    asked: Mapped.*\n", "    asked = ''\n", tables.read_text("utf-8")), "utf-8")
    commit(with_tables)
    bad = run(with_tables, "rollback-drill", "--to", "HEAD~2")

    assert (undone.returncode, "is not committed" in undone.stderr + undone.stdout) == (2, True)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "on tables that 1 migration had changed" in good.stdout
    assert state[0] == "pass"
    assert "across 1 migration" in state[1]
    assert stale[0] == "blocked"
    assert bad.returncode == 1, bad.stdout


BRANCH = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision: str = "{name}"
down_revision: str = "0001"


def upgrade() -> None:
    """One more table."""
    op.create_table("{name}", sa.Column("id", sa.Integer, primary_key=True))
'''


@ORDERS
def test_two_last_migrations_are_an_error_that_says_what_to_do(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two people made one each: nothing starts, nothing is left out, and one command joins them."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{(tmp_path / 'live.db').as_posix()}")
    versions = next(repository.glob("src/*/migrations/versions"))
    for name in ("mine", "yours"):
        (versions / f"{name}.py").write_text(BRANCH.format(name=name), "utf-8")
    refused, started = run_product(repository, "migrate"), run_product(repository, "run")
    merged, done = run_product(repository, "migrate", "--merge"), run_product(repository, "migrate")
    with closing(sqlite3.connect(tmp_path / "live.db")) as database:
        made = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}

    assert (refused.returncode, started.returncode) == (1, 1)
    assert "Two migrations follow the same one: mine, yours." in refused.stderr
    assert "migrate --merge" in refused.stderr
    assert (merged.returncode, done.returncode) == (0, 0), merged.stderr + done.stderr
    assert {"mine", "yours", "record"} <= made


STORM = """
import random, sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer
from planrun.repository import Repo
from planrun_software import harness
drive, data, ends = harness.of(Repo(Path.cwd())), Path(sys.argv[1]), Counter()
chance = random.Random(7)
for kill in (True, True, True, False):
    with drive.product(data, workers=2) as product, ThreadPoolExecutor(32) as callers:
        if kill:
            Timer(chance.uniform(0.2, 0.6), product._process.kill).start()
        requests = [drive.sample(drive.first, number % 40) for number in range(250)]
        for reply in callers.map(lambda request: product.perform(drive.first, request), requests):
            ends["ok" if reply.ok else "refused" if reply.refused else "cut off"] += 1
    if kill:
        product._process.wait()
print(dict(ends))
"""


@pytest.mark.slow
@ORDERS
def test_a_side_effect_happens_once_whatever_happens(with_tables: Path, tmp_path: Path) -> None:
    """A thousand concurrent and repeated requests, the service killed three times in the midst of them."""
    (tmp_path / "data").mkdir()
    words = [sys.executable, "-c", STORM, str(tmp_path / "data")]
    settings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"}
    done = subprocess.run(
        words, cwd=with_tables, env=settings, capture_output=True, text=True, check=False, timeout=300
    )
    with closing(sqlite3.connect(tmp_path / "data/data.db")) as database:
        effects = dict(database.execute("select name, count(*) from customer group by name"))

    assert done.returncode == 0, done.stderr
    assert "cut off" in done.stdout, "no kill came in the midst of the work"
    assert "refused" not in done.stdout
    assert effects == {f"A-{number}": 1 for number in range(40)}


POSTED = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from order_desk import outbox
class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(self.path, self.headers["Idempotency-Key"], self.headers["Content-Type"], said, flush=True)
        if self.path == "/nonsense":
            self.wfile.write(b"nonsense")
            return
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/200")
        self.end_headers()
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
for address in (f"http://127.0.0.1:{server.server_port}/", "http://127.0.0.1:9"):
    for topic in ("200", "204", "307", "409", "500", "nonsense"):
        try:
            outbox.post_to(address)("outbox-1", topic, {"note": "né"})
        except OSError:
            print("waits")
        else:
            print("sent")
"""


@ORDERS
def test_a_message_has_arrived_only_where_its_receiver_says_so(repository: Path) -> None:
    """Under its key, as JSON; a redirection, a refusal, nonsense or nobody there leave it waiting."""
    words, settings = [sys.executable, "-c", POSTED], os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run(words, cwd=repository, env=settings, capture_output=True, text=True, check=False, timeout=60)
    received = [line for line in done.stdout.splitlines() if line.startswith("/")]

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line not in received] == ["sent"] * 2 + ["waits"] * 10
    assert [line.split()[0] for line in received] == ["/200", "/204", "/307", "/409", "/500", "/nonsense"]
    assert all(line.split(maxsplit=3)[1:3] == ["outbox-1", "application/json"] for line in received)
    assert all(json.loads(line.split(maxsplit=3)[3]) == {"note": "né"} for line in received)


KEYED = """
import datetime, json, os, sys
from pathlib import Path
from sqlalchemy import ForeignKey, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from order_desk import capabilities, deletion, migrating, store, tables
class Receipt(tables.Base):
    __tablename__ = "receipt"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"))
    street: Mapped[str] = mapped_column(String(200), info=tables.PERSONAL)
class Parcel(tables.Base):
    __tablename__ = "parcel"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"))
    weight: Mapped[int] = mapped_column(Integer, info=tables.PLAIN)
kept = store.Store(f"sqlite:///{sys.argv[1]}/live.db")
migrating.upgrade(kept.engine)
tables.Base.metadata.create_all(kept.engine)
name = next(name for name in capabilities.CAPABILITIES if name not in capabilities.QUERIES | capabilities.CHANGES)
first = capabilities.CAPABILITIES[name]
def keyed(request, session):
    receipt = Receipt(record_id=tables.record_of(session), street=f"Street of {request.subject}")
    session.add(receipt)
    session.flush()
    session.add(Parcel(receipt_id=receipt.id, weight=3))
    return capabilities.Outcome.of(name, request)
keyed.__annotations__ = {"request": capabilities.Request}
capabilities.CAPABILITIES[name] = keyed
for person in ("Erika Muster", "Max Muster"):
    kept.once(name, capabilities.Request(person))
os.environ["BACKUPS"] = sys.argv[1]
kept.backup(Path(sys.argv[1]) / "records-1.jsonl")
gone = deletion.forget(kept, "Erika Muster")
with Session(kept.engine) as session:
    left = [session.scalar(select(func.count()).select_from(table)) for table in (tables.Record, Receipt, Parcel)]
covered = list(tables.uncovered())
class Lost(tables.Base):
    __tablename__ = "lost"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    record_key: Mapped[str] = mapped_column(String(64), info=tables.PLAIN)
    done_at: Mapped[datetime.datetime] = mapped_column(info=tables.SINCE)
print(json.dumps({"gone": gone, "left": left, "covered": covered, "uncovered": list(tables.uncovered())}))
"""


@ORDERS
def test_deletion_follows_a_record_into_the_teams_own_tables(repository: Path, tmp_path: Path) -> None:
    """Rows that hold the id of a person's record go with it, here and in backups; an id that is no key is named."""
    words, settings = [sys.executable, "-c", KEYED, str(tmp_path)], os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run(words, cwd=repository, env=settings, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    assert {name: told["gone"]["rows"][name] for name in ("record", "receipt", "parcel")} == dict.fromkeys(
        ("record", "receipt", "parcel"), 1
    )
    assert told["gone"]["backups"] == ["records-1.jsonl"]
    assert told["left"] == [1, 1, 1]
    assert b"Street of Erika" not in tmp_path.joinpath("records-1.jsonl").read_bytes()
    assert b"Street of Max" in tmp_path.joinpath("records-1.jsonl").read_bytes()
    assert told["covered"] == []
    (missing,) = told["uncovered"]
    assert missing.startswith("lost.record_key is called like record.key, and deletion cannot follow it")


JOB = """
import json, sqlite3, sys
from contextlib import closing
from pathlib import Path
import {package} as package
from {package} import capabilities, deletion, ledger
folder = Path(sys.argv[1])
name = next(iter(capabilities.CAPABILITIES))
made = ("create table receipt (id integer primary key autoincrement, done_key text references done (key), street text)",
        "create table parcel (receipt integer references receipt, weight integer)")
def keyed(request, opened):
    key = capabilities.key_of(name, request)
    row = opened.execute("insert into receipt (done_key, street) values (?, ?)", (key, "Street of " + request.subject))
    opened.execute("insert into parcel values (?, 3)", (row.lastrowid,))
    return capabilities.Outcome.of(name, request)
keyed.__annotations__ = {{"request": capabilities.Request}}
capabilities.CAPABILITIES[name] = keyed
with closing(ledger.open_ledger(folder)) as opened:
    for statement in made:
        opened.execute(statement)
    for person in ("Erika Muster", "Max Muster"):
        ledger.once(opened, name, capabilities.Request(person))
    covered = ledger.uncovered(opened)
copied = [ledger.copy(folder, folder / "copy.db"), ledger.bring_back(folder / "copy.db", folder / "again")]
gone = deletion.forget(folder, "Erika Muster")["outcomes"]
(folder / "copy.db").unlink()
with closing(ledger.open_ledger(folder)) as opened:
    left = [opened.execute(f"select count(*) from {{table}}").fetchone()[0] for table in ("done", "receipt", "parcel")]
    opened.execute("create table lost (done_key text)")
    found = {{"copied": copied, "gone": gone, "left": left, "covered": covered}}
    print(json.dumps(found | {{"uncovered": ledger.uncovered(opened)}}))
"""


def test_a_jobs_deletion_follows_keys_into_the_teams_own_tables(tmp_path: Path) -> None:
    """A table that refers to what was done needs no word of ours; one that refers to nothing is named.

    A copy, what it brings back and what is deleted are counted in every table, but for those that SQLite keeps itself.
    """
    given = {"kind": "software", "deliverable": "batch", "data_class": "personal", "capabilities": "Submit an invoice"}
    folder = render.render(answers.complete(given), tmp_path / "first")
    package = next(folder.glob("src/*/ledger.py")).parent.name
    tmp_path.joinpath("job").mkdir()
    words = [sys.executable, "-c", JOB.format(package=package), str(tmp_path / "job")]
    settings = os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run(words, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["covered"], told["uncovered"]) == ([], ["lost"])
    assert told["left"] == [1, 1, 1]
    assert (told["copied"], told["gone"]) == ([6, 6], 3)
    assert b"Street of Erika" not in tmp_path.joinpath("job/ledger.db").read_bytes()


OUTBOX = """
import json, os, sqlite3, sys, time
from pathlib import Path
from sqlalchemy.orm import Session
from order_desk import outbox, store
how, file, log = sys.argv[1], sys.argv[2], Path(sys.argv[3])
kept = store.Store(f"sqlite:///{file}")
kept.migrate()
def send(key, topic, body):
    with log.open("a") as lines:
        lines.write(key + chr(10))
    if how == "dies":
        os._exit(9)
    if how == "writes":  # somebody else, who waits for no more than a moment
        other = sqlite3.connect(file, timeout=0.2)
        with other:
            other.execute("update outbox set topic = topic")
        other.close()
    if how == "slow":
        time.sleep(0.05)
    if how == "refused":
        raise OSError("no")
if how == "say":
    with Session(kept.engine) as session, session.begin():
        for number in range(30):
            outbox.say(session, "told", f"Person {number}", {"n": number})
else:
    print(json.dumps(outbox.deliver(kept, send)))
kept.close()
"""


@ORDERS
def test_nothing_is_locked_while_a_message_is_under_way(repository: Path, tmp_path: Path) -> None:
    """Others write meanwhile; two who deliver send each once; what a kill leaves is sent later, under its key."""
    database, log = tmp_path / "live.db", tmp_path / "log"

    def start(how: str, file: Path = database) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", OUTBOX, how, str(file), str(log)]
        settings = os.environ | {"PYTHONPATH": "src"}
        pipe = subprocess.PIPE
        return subprocess.Popen(words, cwd=repository, env=settings, stdout=pipe, stderr=pipe, text=True)

    def end(process: subprocess.Popen[str], code: int = 0) -> list[int]:
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return list(json.loads(out)) if out else []

    def sent() -> list[str]:
        found = log.read_text("utf-8").split() if log.exists() else []
        log.unlink(missing_ok=True)
        return found

    all_of_them = [f"outbox-{number}" for number in range(1, 31)]
    end(start("say"))
    end(start("dies"), 9)
    assert sent() == all_of_them[:1]
    both = [start("slow"), start("slow")]
    counts = [end(one) for one in both]
    assert sum(count for count, _ in counts) == 29, "the one that was under way is held for a while"
    assert sorted(sent()) == sorted(all_of_them[1:])
    assert end(start("writes")) == [0, 1]
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("update outbox set held_until = datetime('now', '-1 minute')")  # as if the time had gone
    assert end(start("writes")) == [1, 0]
    assert sent() == all_of_them[:1], "sent again, under the same key"

    more = tmp_path / "more.db"
    end(start("say", more))
    assert end(start("refused", more)) == [0, 30]
    assert sent() == all_of_them
    assert end(start("writes", more)) == [30, 0]
    assert sent() == all_of_them


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["sw-library"], indirect=True)
def test_two_clones_that_both_measured_are_merged_by_one_command(repository: Path, tmp_path: Path) -> None:
    """Each changed the product and measured it; the merge holds no mixture, gates say what to measure once more."""

    def git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)

    other = tmp_path / "other"
    assert git(repository, "clone", "--quiet", str(repository), str(other)).returncode == 0
    for folder, place in ((repository, "__init__.py"), (other, "contract.py")):
        module = next(folder.glob(f"src/*/{place}"))
        module.write_text(module.read_text("utf-8") + f"\n# Changed in {place}\n", "utf-8")
        assert "verdict: inconclusive" in run(folder, "load", "--requests", "20").stdout
        commit(folder)
    ours = repository.joinpath("evidence/load.json").read_text("utf-8")
    assert ours != other.joinpath("evidence/load.json").read_text("utf-8")
    pulled = git(repository, "pull", "--no-rebase", "--no-edit", str(other), "HEAD")
    merged = git(repository, "commit", "--all", "--no-edit")

    assert "evidence/load.json" in pulled.stdout
    assert merged.returncode == 0, merged.stdout + merged.stderr
    assert repository.joinpath("evidence/load.json").read_text("utf-8") == ours
    assert "stale" in gate(repository, "T3.3")[1]
    assert git(repository, "status", "--porcelain").stdout == "", "status has left something"


@pytest.mark.slow
@ORDERS
def test_backup_and_restore_take_the_same_memory_for_many_rows(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row at a time: twenty times as many rows take no more than a few megabytes more."""
    peaks = {}
    for count in (10_000, 200_000):
        kept, again = (f"sqlite:///{tmp_path / name}-{count}.db" for name in ("kept", "again"))
        found = moved(repository, tmp_path / f"{count}.jsonl", count, kept, again, seconds=300)
        peaks[count] = found["peak"]
    with capsys.disabled():
        print(f"\nPeak memory of backup and restore, MB by rows: {peaks}")

    assert peaks[200_000] - peaks[10_000] < 30


LARGE = """
import http.client, sys
from pathlib import Path
from planrun.repository import Repo
from planrun_software import harness
drive = harness.of(Repo(Path.cwd()))
def peak(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
ends = set()
with drive.product(Path(sys.argv[1])) as product:
    before = peak(product._process.pid)
    for path in (f"/{drive.first.replace('_', '-')}", "/login", "/nowhere"):
        for headers in ({"Content-Length": str(300_000_000)}, {"Transfer-Encoding": "chunked"}):
            connection = http.client.HTTPConnection("127.0.0.1", product._port, timeout=30)
            try:
                pieces = (b"x" * 1_000_000 for _ in range(300))
                connection.request("POST", path, pieces, headers, encode_chunked="Transfer-Encoding" in headers)
            except OSError:
                ends.add("cut off")
                continue
            ends.add(connection.getresponse().status)
    print(peak(product._process.pid) - before, ends)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak of another process is read from /proc")
@pytest.mark.parametrize("repository", ["sw-web-app"], indirect=True)
def test_three_hundred_megabytes_without_credentials_are_not_taken_in(repository: Path, tmp_path: Path) -> None:
    """To whatever path, with and without a length: the server's memory grows by little more than its limit."""
    words = [sys.executable, "-c", LARGE, str(tmp_path)]
    settings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"}
    done = subprocess.run(words, cwd=repository, env=settings, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    grown, _, ends = done.stdout.partition(" ")
    assert int(grown) < 20, done.stdout
    assert set(re.findall(r"\d+|cut off", ends)) <= {"413", "cut off"}, done.stdout
