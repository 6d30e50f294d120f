"""A service as its callers meet it: started in a process of its own, asked over HTTP, ended with all that it held."""

import http.client
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from planrun.trouble import Blocked

from planrun_software.harness import http as served
from planrun_software.harness.tables import of_rows
from planrun_software.tests.conftest import Make
from planrun_software.tests.toy import PACKAGE


def test_what_changes_is_patched(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of what is there becomes otherwise; drills ask for something that is made anew."""
    drive = served.Own(make("service").repo)
    assert drive.first == "open_file"
    monkeypatch.setattr(drive.module("capabilities"), "CHANGES", ("open_file",), raising=False)
    with drive.product(tmp_path) as service:
        changed = service.perform("open_file", {"subject": "Ä", "page_count": "2"})

    assert (changed.body["method"], changed.body["path"]) == ("PATCH", "/open-file")
    assert json.loads(changed.body["body"]) == {"subject": "Ä", "page_count": "2"}
    with pytest.raises(Blocked, match="offers nothing to do"):
        drive.first  # noqa: B018  (it raises)


def test_a_caller_reaches_it_as_anybody_would(make: Make, tmp_path: Path) -> None:
    """What does something is posted as JSON, what only answers is asked with a query; words are joined by a dash."""
    drive = served.Own(make("service").repo)
    with drive.product(tmp_path, SHELF="low") as service:
        posted = service.perform("open_file", {"subject": "Ä & 1", "page_count": "2"})
        asked = service.perform("show_file", {"subject": "Ä & 1"})
        service.perform("open_file", {"subject": "the second"})
        kept = service.kept()
        page = service.ask("GET", "/page")

    assert (posted.ok, posted.refused, posted.body["method"], posted.body["path"]) == (
        True,
        False,
        "POST",
        "/open-file",
    )
    assert json.loads(posted.body["body"]) == {"subject": "Ä & 1", "page_count": "2"}
    assert (asked.body["method"], urlsplit(asked.body["path"]).path) == ("GET", "/show-file")
    assert parse_qs(urlsplit(asked.body["path"]).query) == {"subject": ["Ä & 1"]}
    assert [one["subject"] for one in kept] == ["the second", "Ä & 1"]
    assert page.body == {"value": "<p>A page</p>"}
    assert 0 < posted.seconds < 30

    surroundings = posted.body
    assert surroundings["DATABASE_URL"] == service.url == drive.url_of(tmp_path)
    assert (surroundings["DEPENDENCIES"], surroundings["SHELF"]) == ("stand-in", "low")
    assert surroundings["by"] is None
    assert asked.body["from"] == posted.body["from"], "a connection is kept"
    assert "A desk opens." in service.log.read_text()


def test_a_status_is_an_answer_a_refusal_or_an_error(make: Make, tmp_path: Path) -> None:
    """What the caller can mend, or wait for, is refused; what only the product can mend is neither."""
    with served.Own(make("service").repo).product(tmp_path) as service:
        replies = {status: service.ask("GET", f"/{status}") for status in (201, 302, 400, 409, 429, 500, 502, 503)}
    gone = service.ask("GET", "/200")

    assert [status for status, reply in replies.items() if reply.ok] == [201]
    assert [status for status, reply in replies.items() if reply.refused] == [400, 409, 429, 503]
    assert (gone.ok, gone.refused) == (False, False), "nothing runs after the drill, and no answer is an error"
    assert gone.body["value"]


def test_callers_carry_a_token_where_the_product_asks_for_one(make: Make, tmp_path: Path) -> None:
    """Known to the copy that was started, by its hash; a test may come with another one."""
    desk = make("service")
    desk.write(f"src/{PACKAGE}/access.py", "")
    drive = served.Own(desk.repo)
    with drive.product(tmp_path) as service:
        own, other = service.perform("open_file", {"subject": "A"}), service.ask("GET", "/", None, "another")

    assert drive.knows_callers
    assert own.body["by"] == f"Bearer {drive.TOKEN}"
    assert own.body["ACCESS_TOKENS"] == drive.CALLER
    assert drive.TOKEN not in drive.CALLER
    assert other.body["by"] == "Bearer another"


def test_a_service_with_several_workers_is_ready_when_all_have_answered(make: Make, tmp_path: Path) -> None:
    with served.Own(make("service").repo).product(tmp_path, workers=3) as service:
        assert service.ask("GET", "/").body["workers"] == 3
        met = {served_by(service.address) for _ in range(3)}

    assert met == {1, 2, 3}


def served_by(address: str) -> int:
    """Which process answers a fresh connection."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", "/healthz")
    with connection.getresponse() as response:
        return int(json.loads(response.read())["process"])


def test_workers_that_never_answer_are_missed(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two were asked for, one is met: what would be measured is not what the plan says. It is ended all the same."""
    desk = make("service")
    desk.edit(f"src/{PACKAGE}/__main__.py", "next(met) % asked.workers", "0")
    with monkeypatch.context() as impatient:
        impatient.setattr(served, "START_SECONDS", 0.5)  # it may take its time to start all the same
        service = served.Own(desk.repo).product(tmp_path, workers=2)
    with pytest.raises(RuntimeError, match="1 of 2 workers answer"), service:
        pass

    assert not service.ask("GET", "/").ok


def test_a_service_that_does_not_start_says_what_it_printed(make: Make, tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"(?s)did not start.*The desk is closed today"),
        served.Own(make("service").repo).product(tmp_path, DESK_IS_CLOSED="yes"),
    ):
        raise AssertionError("it is not given to anybody")


def test_two_copies_keep_apart(make: Make, tmp_path: Path) -> None:
    """Each has a port, a folder and a database of its own."""
    drive = served.Own(make("service").repo)
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with drive.product(folders[0]) as one, drive.product(folders[1]) as other:
        one.perform("open_file", {"subject": "A"})
        assert (one.kept(), other.kept()) == ([{"subject": "A"}], [])
        assert one.address != other.address
        assert one.url != other.url


def test_a_database_of_its_own_on_a_server(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name for each folder, the same each time; the product makes it."""
    desk = make("service")
    desk.write(f"src/{PACKAGE}/store.py", "def own_database(server, name):\n    return f'{server}/{name}'\n")
    monkeypatch.setenv("DRILL_DATABASE_URL", "pg://there")
    drive = served.Own(desk.repo)
    urls = [drive.url_of(tmp_path / name) for name in ("one", "one", "other")]

    assert urls[0] == urls[1] != urls[2]
    assert urls[0].startswith("pg://there/drill_")


STORE = """
class Store:
    closed = []

    def __init__(self, url):
        self.url = url

    def backup(self, file):
        file.write_text(self.url)
        return 3

    def restore(self, file):
        if not file.exists():
            raise ValueError("no such backup")
        return 2

    def close(self):
        self.closed.append(self.url)
"""


def test_backup_and_restore_are_the_products_own(make: Make, tmp_path: Path) -> None:
    """On the data of the folder; whatever comes of it, the store is closed."""
    desk = make("service")
    desk.write(f"src/{PACKAGE}/store.py", STORE)
    drive, url = served.Own(desk.repo), served.Own(desk.repo).url_of(tmp_path)
    file = tmp_path / "backup"
    counts = drive.backup(tmp_path, file), drive.restore(file, tmp_path)
    with pytest.raises(ValueError, match="no such backup"):
        drive.restore(tmp_path / "nothing", tmp_path)

    assert counts == (3, 2)
    assert file.read_text() == url
    assert drive.module("store").Store.closed == [url] * 3


# ---------------------------------------------------------------------------------------------------- tables
def test_a_table_is_equal_when_all_its_rows_are() -> None:
    """In their order, whatever their values are; no value runs over into the next."""
    rows = [("A-1", 2, None), ("é", 2.5, True)]
    same = of_rows(iter(rows))

    assert (same, same.rows) == (of_rows([list(row) for row in rows]), 2)
    for other in (rows[::-1], rows[:1], [*rows, rows[0]], [("A-1", "2", None), rows[1]], [("A-12", None), rows[1]]):
        assert of_rows(other) != same
    assert of_rows([("ab", "c")]) != of_rows([("a", "bc")])
    assert of_rows([]).rows == 0


class Answer:
    """What a test client's request gives."""

    def __init__(self, status: int, body: object) -> None:
        self.status_code, self.body = status, body

    def json(self) -> object:
        """Its body."""
        return self.body


class Client:
    """A test client that tells what it was asked."""

    def request(self, method: str, path: str, headers: dict[str, str], **sent: object) -> Answer:
        """What it was asked, as the answer."""
        return Answer(201, {"method": method, "path": path, "by": headers["Authorization"], **sent})

    def get(self, path: str, params: dict[str, int]) -> Answer:
        """One record: where it was asked for, and how many."""
        return Answer(200, [{"path": path, **params}])


def test_a_product_within_the_process_is_asked_alike(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the capability's method, and by whoever may."""
    drive = served.Own(make("service").repo)
    monkeypatch.setattr(drive.module("capabilities"), "NEEDS", {"open_file": "approver"}, raising=False)
    within = served.Within(drive, Client())
    opened, shown = (within.perform(name, {"subject": "Ä"}) for name in ("open_file", "show_file"))

    assert (opened.ok, opened.body["method"], opened.body["path"]) == (True, "POST", "/open-file")
    assert (opened.body["json"], opened.body["by"]) == ({"subject": "Ä"}, f"Bearer {drive.SECOND}")
    assert (shown.body["method"], shown.body["params"]) == ("GET", {"subject": "Ä"})
    assert shown.body["by"] == f"Bearer {drive.TOKEN}"
    assert within.kept() == [{"path": "/records", "limit": 500}]
