"""Rehearsals: lost data comes back, the release before goes on with it, the alert arrives; or each says why not."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from planrun.trouble import Blocked

from planrun_software.drills import alert, releases, restore, rollback
from planrun_software.tests.conftest import Make, Serve
from planrun_software.tests.toy import OFFERED, PACKAGE, SAMPLE, Desk
from planrun_software.traceability.offered import SAMPLES

LEDGER, RUN = f"src/{PACKAGE}/ledger.py", f"src/{PACKAGE}/run.py"


@pytest.fixture
def job(make: Make, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A job that keeps a ledger; a few records show as much as a hundred."""
    monkeypatch.setattr(restore, "RECORDS", 6)
    return make("batch")


# ---------------------------------------------------------------------------------------------------- restore
def test_what_was_lost_comes_back_and_work_goes_on(job: Desk) -> None:
    """Every record of every capability, compared table by table; the drill says which code it was."""
    outcome = restore.restore(job.repo)
    found = job.repo.fresh("restore", "make restore-drill")

    assert outcome.code == 0, outcome.text
    assert "6 records came back" in outcome.text
    assert (found["records"], found["restored"], found["tables"]) == (6, 6, {"files": 6})
    assert (found["equal"], found["works"], found["differing"]) == (True, True, [])
    job.append(LEDGER, "# edited\n")
    with pytest.raises(Blocked, match="stale: src/"):
        job.repo.fresh("restore", "make restore-drill")


BRING = '    shutil.copyfile(file, folder / "ledger.db")\n    return len(kept(folder))\n'
LESS, OTHER = "delete from files where rowid = 1", "update files set pages = 'x' where rowid = 1"
LOSES = """    shutil.copyfile(file, folder / "ledger.db")
    with closing(ledger(folder)) as held, held:
        held.execute({sql!r})
    return {count}
"""


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        (
            LOSES.format(sql=LESS, count="len(kept(folder))"),
            "Tables that differ: files.",
        ),
        (LOSES.format(sql=LESS, count=6), "Tables that differ: files."),
        (LOSES.format(sql=OTHER, count=6), "Tables that differ: files."),
        (LOSES.format(sql="create table notes (note)", count=6), "Tables that differ: notes."),
        (BRING.replace("len(kept(folder))", "5"), "5 records came back"),
        ("    raise ValueError('The backup is torn.')\n", "0 records came back in 0.0 s: not as they were."),
        ("    raise KeyError('rows')\n", "not as they were."),
    ],
    ids=["a row less", "and says nothing", "a value", "a table more", "counts wrongly", "refuses", "breaks"],
)
def test_a_backup_that_does_not_bring_everything_back_is_red(instead: str, told: str, job: Desk) -> None:
    """Whatever the product says of itself: what came back is looked at without its code."""
    job.edit(LEDGER, BRING, instead)
    outcome = restore.restore(job.repo)
    found = job.repo.fresh("restore", "")

    assert outcome.code == 1
    assert not found["equal"]
    assert told.replace(" in 0.0 s", "") in outcome.text.replace(" in 0.0 s", "")


def test_a_product_that_does_not_go_on_is_red(job: Desk) -> None:
    """Its data is back, and the next request is not carried out."""
    job.edit(RUN, "            try:\n", "            assert row['subject'] != 'A-100000'\n            try:\n")
    outcome = restore.restore(job.repo)
    found = job.repo.fresh("restore", "")

    assert outcome.code == 1
    assert (found["equal"], found["works"]) == (True, False)


def test_a_product_that_keeps_nothing_has_nothing_to_restore(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "RECORDS", 2)

    with pytest.raises(Blocked, match="keeps no data"):
        restore.restore(make("library").repo)


def test_a_sample_that_is_refused_is_said(job: Desk) -> None:
    """Nothing would be kept, and nothing shown."""
    job.edit(SAMPLE, "f'A-{number}'", "' '")

    with pytest.raises(Blocked, match="The sample of open_file was not carried out: The subject is empty"):
        restore.restore(job.repo)


# ---------------------------------------------------------------------------------------------------- a given backup
@pytest.fixture
def backup(job: Desk, tmp_path: Path) -> Path:
    """A backup of three records that was made some other day."""
    with closing(sqlite3.connect(tmp_path / "backup")) as held, held:
        held.execute("create table files (capability, subject, pages, primary key (capability, subject))")
        held.executemany("insert into files values ('open_file', ?, '1')", [("Z-1",), ("Z-2",), ("Z-3",)])
    return tmp_path / "backup"


def test_a_backup_that_is_given_is_restored(job: Desk, backup: Path) -> None:
    """Nothing is known of it but what it holds; whether that is all, the drill does not claim."""
    outcome = restore.restore(job.repo, str(backup))
    found = job.repo.fresh("restore", "")

    assert outcome.code == 0, outcome.text
    assert "3 records came back" in outcome.text
    assert "Whether that is all there was, the drill cannot see" in outcome.text
    assert (found["records"], found["backup"]) == (3, str(backup))


@pytest.mark.parametrize("sql", [LESS, OTHER], ids=["row", "value"])
def test_a_backup_that_is_given_and_does_not_come_back_whole_is_red(sql: str, job: Desk, backup: Path) -> None:
    """A second backup of what came back does not say the same."""
    job.edit(LEDGER, BRING, LOSES.format(sql=sql, count="len(kept(folder))"))
    outcome = restore.restore(job.repo, str(backup))

    assert outcome.code == 1
    assert not job.repo.fresh("restore", "")["equal"]


def test_a_backup_that_is_not_there_is_said(job: Desk, tmp_path: Path) -> None:
    with pytest.raises(Blocked, match="There is no backup at"):
        restore.restore(job.repo, str(tmp_path / "nothing"))


def test_a_backup_without_records_shows_nothing(job: Desk, backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as held, held:
        held.execute("delete from files")

    assert restore.restore(job.repo, str(backup)).code == 1


ROWS: list[dict[str, Any]] = [{"table": "files", "row": {"id": 1}}, {"table": "files", "row": {"id": 2}}]


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (ROWS, True),
        ([{"made": "later"}, *ROWS], True),
        ([row | {"row": row["row"] | {"more": None}} for row in ROWS], True),
        (ROWS[::-1], False),
        (ROWS[:1], False),
        ([*ROWS, ROWS[1]], False),
        ([ROWS[0], {"table": "notes", "row": {"id": 2}}], False),
        ([ROWS[0], {"table": "files", "row": {"id": 3}}], False),
        ([ROWS[0], {"table": "files", "row": {}}], False),
    ],
)
def test_two_backups_say_the_same(second: list[dict[str, Any]], same: bool, tmp_path: Path) -> None:
    """Row for row in one order; lines that are no rows do not count, and a column more may have come since."""
    for name, rows in (("first", [{"made": "once"}, *ROWS]), ("second", second)):
        tmp_path.joinpath(name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")

    assert restore.says_the_same(tmp_path / "first", tmp_path / "second") == same


# ---------------------------------------------------------------------------------------------------- releases
@pytest.fixture
def history(desk: Desk) -> Desk:
    """Three commits that change nothing of what is read here; the first is tagged."""
    desk.git("tag", "v1")
    for number in (2, 3):
        desk.write("docs/log.md", f"{number}\n")
        desk.commit()
    return desk


def commit(desk: Desk, name: str) -> str:
    """The commit that a name of git stands for."""
    return desk.git("rev-parse", f"{name}^{{commit}}").strip()


def test_the_release_before_is_the_newest_tag_before_head(history: Desk) -> None:
    """Not one on HEAD itself; without any tag it is the commit before."""
    assert releases.release_before(history.root) == commit(history, "v1")
    history.git("tag", "v2", "HEAD~1")
    history.git("tag", "v3")
    assert releases.release_before(history.root) == commit(history, "v2")
    history.git("tag", "--delete", "v1", "v2", "v3")
    assert releases.release_before(history.root) == commit(history, "HEAD~1")


def test_a_release_that_is_named_is_the_one(history: Desk) -> None:
    """A tag with a message stands for its commit; what is no commit is said."""
    history.git("tag", "-a", "told", "-m", "A message", "HEAD~2")

    assert releases.release_before(history.root, "told") == commit(history, "HEAD~2")
    with pytest.raises(Blocked, match="v9 is no commit of this repository"):
        releases.release_before(history.root, "v9")


@pytest.mark.parametrize("commits", [0, 1])
def test_without_a_commit_before_there_is_nothing_to_go_back_to(commits: int, make: Make) -> None:
    desk = make("library")
    if commits:
        desk.start()

    with pytest.raises(Blocked, match="no release to go back to"):
        releases.release_before(desk.root)


def test_releases_of_other_projects_are_not_this_ones(tmp_path: Path) -> None:
    """In one repository: their tags and their commits do not count."""
    top, own = Desk(tmp_path), Desk(tmp_path / "small-desk")
    top.git("init", "--quiet", "--template=", "--initial-branch=main")
    for path in ("small-desk/a", "small-desk/b", "other/c", "other/d"):
        top.write(path, path)
        top.commit()
    top.git("tag", "other-v7", "HEAD~1")
    untagged = releases.release_before(own.root, slug="small-desk")
    top.git("tag", "small-desk-v1", "HEAD~3")

    assert untagged == commit(top, "HEAD~3")
    assert releases.release_before(own.root, slug="small-desk") == commit(top, "small-desk-v1")
    top.write("small-desk/a", "once more")
    top.commit()
    top.git("tag", "--delete", "small-desk-v1")
    assert releases.release_before(own.root, slug="small-desk") == commit(top, "HEAD~3")


def test_a_release_is_its_source_and_its_samples(history: Desk, tmp_path: Path) -> None:
    """As they were then, and nothing else of it."""
    history.write("src/small_desk/later.py", "")
    history.stands_for("fly")
    history.commit()
    source = releases.unpacked(history.root, commit(history, "v1"), tmp_path / "old")

    assert source == tmp_path / "old" / "src"
    assert not (source / "small_desk/later.py").exists()
    assert "open_file" in (source.parent / SAMPLE).read_text("utf-8")
    assert sorted(path.name for path in source.parent.iterdir()) == ["src", "tests"]


def test_a_release_without_samples_or_without_source(history: Desk, tmp_path: Path) -> None:
    """One is from before there were any; of the other nothing can be run."""
    history.stands_for()
    history.commit()
    source = releases.unpacked(history.root, commit(history, "HEAD"), tmp_path / "bare")
    shutil.rmtree(history.root / "src")
    history.commit()

    assert source.is_dir()
    assert not (source.parent / SAMPLES).exists()
    with pytest.raises(Blocked, match="holds no src/"):
        releases.unpacked(history.root, commit(history, "HEAD"), tmp_path / "none")


# ---------------------------------------------------------------------------------------------------- rollback
def released(desk: Desk, then: Callable[[Desk], object]) -> Desk:
    """A desk with two releases: what it is, and what it is after an edit."""
    desk.start()
    then(desk)
    desk.write("docs/log.md", "The second release.\n")
    desk.commit()
    return desk


def test_the_release_before_goes_on_with_the_data(job: Desk) -> None:
    """Both work, on one folder of data; it is written down which they were, and how long it took."""
    released(job, lambda desk: desk.append(RUN, "# edited\n"))
    outcome = rollback.rollback(job.repo)
    found = job.repo.fresh("rollback_drill", "make rollback-drill")

    assert outcome.code == 0, outcome.text
    assert (found["from"], found["to"]) == (commit(job, "HEAD"), commit(job, "HEAD~1"))
    assert (found["worked_before"], found["worked_after"], found["same_code"]) == (True, True, False)
    assert (found["limit_minutes"], found["migrations"]) == (15, [])
    assert found["seconds"] > 0
    job.write(SAMPLE, "# edited\n")
    with pytest.raises(Blocked, match=f"stale: {SAMPLES}"):
        job.repo.fresh("rollback_drill", "")


def test_an_older_release_that_cannot_read_the_data_is_red(job: Desk) -> None:
    """The new one has made a table anew, in a form that the old one does not know."""

    def wider(desk: Desk) -> None:
        desk.edit(LEDGER, "files (capability, subject, pages,", "files (capability, subject, pages, shelf,")
        desk.edit(RUN, "values (?, ?, ?)", "values (?, ?, ?, 'low')")

    outcome = rollback.rollback(released(job, wider).repo)
    found = job.repo.fresh("rollback_drill", "")

    assert outcome.code == 1
    assert (found["worked_before"], found["worked_after"]) == (True, False)
    assert "after going back, open_file was not carried out: " in outcome.text
    assert "columns" in outcome.text  # as the older one's database says


def test_a_release_that_does_not_work_is_red_whatever_was_before(job: Desk) -> None:
    outcome = rollback.rollback(released(job, lambda desk: desk.write(RUN, "raise SystemExit(3)\n")).repo)
    found = job.repo.fresh("rollback_drill", "")

    assert outcome.code == 1
    assert (found["worked_before"], found["worked_after"]) == (False, True)
    assert "before going back, open_file was not carried out: " in outcome.text


def test_going_back_has_a_limit(job: Desk) -> None:
    """Also where all works."""
    job.answer(rollback_minutes="0")

    assert rollback.rollback(released(job, lambda desk: None).repo).code == 1
    found = job.repo.fresh("rollback_drill", "")
    assert (found["worked_before"], found["worked_after"]) == (True, True)


@pytest.mark.parametrize(
    ("then", "migrations", "told"),
    [
        (lambda desk: None, [], "both hold the same code"),
        (
            lambda desk: desk.write(f"src/{PACKAGE}/migrations/versions/0002_shelf.py", ""),
            [f"src/{PACKAGE}/migrations/versions/0002_shelf.py"],
            "on tables that 1 migration had changed",
        ),
    ],
    ids=["nothing", "a migration"],
)
def test_what_lies_between_two_releases_is_said(
    then: Callable[[Desk], object], migrations: list[str], told: str, job: Desk
) -> None:
    """A drill over nothing shows less than one over changed tables."""
    outcome = rollback.rollback(released(job, then).repo)
    found = job.repo.fresh("rollback_drill", "")

    assert told in outcome.text
    assert (found["migrations"], found["same_code"]) == (migrations, not migrations)


def test_the_older_release_is_asked_as_its_own_samples_ask(job: Desk) -> None:
    """Since then a field has come that it does not know; without samples of its own it is asked as today."""
    released(job, lambda desk: desk.edit(SAMPLE, "{'subject'", "{'shelf': 'low', 'subject'"))
    field = '    page_count: str = "1"\n'
    job.edit(f"{OFFERED}/__init__.py", field, f'{field}    shelf: str = ""\n')
    job.commit()
    first, second = commit(job, "HEAD~2"), commit(job, "HEAD~1")

    assert rollback.rollback(job.repo, first).code == 0
    assert rollback.rollback(job.repo, second).code == 1


@pytest.mark.parametrize("path", [RUN, SAMPLE])
def test_what_is_not_committed_is_no_release(path: str, job: Desk) -> None:
    released(job, lambda desk: None)
    job.append(path, "# edited\n")

    with pytest.raises(Blocked, match=f"{path} is not committed"):
        rollback.rollback(job.repo)


# ---------------------------------------------------------------------------------------------------- alert
def test_a_test_alert_reaches_whoever_is_on_call(desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON with a text that names the project; what the receiver said is kept, and goes stale with the alerts."""
    received = []

    def receive(request: BaseHTTPRequestHandler) -> tuple[int, str]:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        received.append((request.command, request.headers["Content-Type"], json.loads(body)))
        return 202, ""

    monkeypatch.setenv("DESK_ALERTS", serve(receive))
    outcome = alert.alert_test(desk.repo)

    assert received == [("POST", "application/json", {"text": "Test alert of Small Desk: please confirm."})]
    assert outcome.code == 0
    assert "status 202" in outcome.text
    assert desk.repo.fresh("alert_test", "")["status"] == 202
    desk.append(alert.ALERTS, "\n")
    with pytest.raises(Blocked, match=f"stale: {alert.ALERTS}"):
        desk.repo.fresh("alert_test", "")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "DESK_ALERTS holds no address"),
        ("ana@example.org", "DESK_ALERTS holds no address"),
        ("http://127.0.0.1:9/", "The test alert did not arrive"),
    ],
)
def test_an_alert_that_does_not_arrive_is_said(
    address: str, told: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is written down as if it had."""
    monkeypatch.setenv("DESK_ALERTS", address)
    before = desk.root.joinpath("evidence/alert_test.json").read_bytes()

    with pytest.raises(Blocked, match=told):
        alert.alert_test(desk.repo)
    assert desk.root.joinpath("evidence/alert_test.json").read_bytes() == before


@pytest.mark.parametrize("status", [404, 500])
def test_an_alert_that_is_refused_is_said(
    status: int, desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_ALERTS", serve(lambda request: (status, "")))

    with pytest.raises(Blocked, match=f"did not arrive: HTTP Error {status}"):
        alert.alert_test(desk.repo)


def test_without_a_service_level_nothing_alerts(desk: Desk) -> None:
    desk.remove(alert.ALERTS)

    with pytest.raises(Blocked, match="there is no service level"):
        alert.alert_test(desk.repo)
