"""What goes wrong around a rendered product: settings, files and history that cannot be used end in one sentence."""

import hashlib
import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from material import newborn
from mlscaffold import answers, render, vcs
from rendered_repository import run, run_product

Rendered = Callable[[str], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """`made(sample)`: a repository of today with its history, made once."""
    folders: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in folders:
            folders[name] = render.render(newborn(name), tmp_path_factory.mktemp(name))
            subprocess.run(["git", "init", "--quiet"], cwd=folders[name], check=True)
        return folders[name]

    return make


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command complained about, which is never a traceback."""
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout + done.stderr


# ------------------------------------------------------------------------------------------------------- settings
TOKEN = secrets.token_hex()
NO_SERVER = "postgresql+pg8000://ana:secret@127.0.0.1:9/shop"
WRONG_DATABASES = {
    "somewhere": "no address of a database",
    "mysql://localhost/shop": "MySQLdb, which is not installed",
    "sqlite:////nowhere/at/all.db": "unable to open database file",
    NO_SERVER: "127.0.0.1:9/shop cannot be used",
}


@pytest.mark.parametrize("url", WRONG_DATABASES)
@pytest.mark.parametrize("words", [["run"], ["backup"], ["restore", "records.jsonl"]], ids=lambda words: words[0])
def test_a_database_that_cannot_be_used_is_named(
    url: str, words: list[str], made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By every command that needs it, with what is wrong and without its password."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("BACKUPS", str(tmp_path))
    done = run_product(made("sw-default"), *words, timeout=60)

    assert done.returncode == 1
    assert WRONG_DATABASES[url] in said(done)
    assert "DATABASE_URL" in said(done)
    assert "secret" not in said(done)


@pytest.mark.parametrize(
    ("port", "words"),
    [("abc", []), ("0", []), ("8000", ["--port", "99999"]), ("8000", ["--workers", "0"])],
)
def test_a_number_that_is_none_is_named(
    port: str, words: list[str], made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A port and a number of workers have bounds."""
    monkeypatch.setenv("PORT", port)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path.as_posix()}/local.db")
    done = run_product(made("sw-default"), "run", *words, timeout=60)

    told = f"{words[-1]!r} is not a" if words else f"PORT is {port!r}. Give the port on which it listens, from 1 to"
    assert done.returncode == (2 if words else 1)
    assert told in said(done)


@pytest.mark.parametrize("count", ["0", "-3"])
def test_a_load_of_nothing_is_refused(count: str, made: Rendered) -> None:
    """No request shows nothing."""
    done = run(made("sw-default"), "load", "--requests", count)

    assert done.returncode == 1
    assert f"{count} requests show nothing." in said(done)


def test_a_folder_that_cannot_be_written_is_named(
    made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file stands where the backups should go."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path.as_posix()}/local.db")
    (tmp_path / "backups").write_text("in the way", "utf-8")
    done = run_product(made("sw-default"), "backup", "--folder", str(tmp_path / "backups"))

    assert done.returncode == 1
    assert "backups cannot be written" in said(done)


def test_a_fresh_backup_is_kept_whatever_the_age_limit(
    made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--keep-days 0` removes the older ones, not the one that was just made."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path.as_posix()}/local.db")
    for _ in range(2):
        done = run_product(made("sw-default"), "backup", "--folder", str(tmp_path / "backups"), "--keep-days", "0")
        assert done.returncode == 0, said(done)

    assert len(list((tmp_path / "backups").iterdir())) == 1


# -------------------------------------------------------------------------------------------------------- backups
def record(number: int, **changes: object) -> dict[str, object]:
    """A row of the table of records, as a backup holds it."""
    at = "2026-01-05T10:00:00+00:00"
    own = {"id": number, "key": str(number), "asked": "", "capability": "a", "subject": "A-17", "more": {"note": ""}}
    return {**own, "done_at": at, **changes}


def lines(*records: dict[str, object], table: str = "record", counted: int | None = None) -> str:
    """A backup; `counted` is what its last line says."""
    count = len(records) if counted is None else counted
    head = {"backup": 1, "revision": "0001", "tables": ["record"]}
    rows = [{"table": table, "row": one} for one in records]
    return "".join(json.dumps(one) + "\n" for one in [head, *rows, {"rows": {table: count}}])


WITHOUT_TIME = {name: value for name, value in record(2).items() if name != "done_at"}
TORN = {
    "no time": (lines(record(1), WITHOUT_TIME), "A record does not fit"),
    "twice": (lines(record(1), record(2, key="1")), "A record does not fit"),
    "the same number": (lines(record(1), record(2, id=1)), "A record does not fit"),
    "another table": (lines(record(1), table="moon"), "Line 2 is no row of a table that the file names"),
    "cut off": (lines(record(1)).rpartition('{"rows"')[0], "It was cut off or edited"),
    "a row less": (lines(record(1), counted=2), "It was cut off or edited"),
    "another release's": (lines(record(1)).replace('"0001"', '"9999"'), "at migration 9999, which is not known here"),
    "a list": ("[]\n", "Line 1 is no record"),
    "torn": ('{"key": "1', "Line 1 is no record"),
    "another file": ('{"key": "1"}\n', "Line 1 does not begin a backup"),
    "empty": ("", "It holds nothing"),
}


@pytest.mark.parametrize(("text", "problem"), TORN.values(), ids=TORN)
def test_a_backup_that_is_none_is_refused(
    text: str, problem: str, made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the command and by the drill, with the line; the database stays empty, and takes a good one afterwards."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path.as_posix()}/local.db")
    (tmp_path / "bad").write_text(text, "utf-8")
    (tmp_path / "good").write_text(lines(record(1)), "utf-8")
    done = run_product(made("sw-default"), "restore", str(tmp_path / "bad"))

    assert done.returncode == 1
    assert problem in said(done)
    drill = run(made("sw-default"), "restore-drill", "--backup", str(tmp_path / "bad"))
    assert drill.returncode == 1
    assert problem in said(drill)
    assert run_product(made("sw-default"), "restore", str(tmp_path / "good")).returncode == 0


def test_a_restore_that_changes_a_record_fails_the_drill(made: Rendered, tmp_path: Path) -> None:
    """Every record of a given file is compared with what came back, not only counted."""
    folder = made("sw-default")
    (tmp_path / "backup").write_text(lines(record(1), record(2, subject="A-18")), "utf-8")
    good = run(folder, "restore-drill", "--backup", str(tmp_path / "backup"))
    (store,) = folder.glob("src/*/backups.py")
    whole = store.read_text("utf-8")
    other = 'row | ({"subject": "A"} if "subject" in row else {})'
    store.write_text(whole.replace("_typed(table, row) for row in batch", f"_typed(table, {other}) for row in batch"))
    assert store.read_text("utf-8") != whole
    bad = run(folder, "restore-drill", "--backup", str(tmp_path / "backup"))
    store.write_text(whole, "utf-8")

    assert (good.returncode, "2 records came back" in said(good)) == (0, True), said(good)
    assert (bad.returncode, "not as they were" in said(bad)) == (1, True)


# ---------------------------------------------------------------------------------------------- history and budget
def test_a_first_commit_without_code_is_no_release(tmp_path: Path) -> None:
    """The usual "Initial commit" of a host holds a README alone: the drill says so, and what to do."""
    folder = render.render(newborn("sw-default"), tmp_path)
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "Initial commit"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    vcs.create(folder, "Start")
    done = run(folder, "rollback-drill")

    assert done.returncode == 2
    assert "holds no src/" in said(done)
    assert "rollback-drill --to" in said(done)


def test_a_spent_budget_is_told_in_whole_words(made: Rendered) -> None:
    """Not as minus 3100 %."""
    done = run(made("sw-default"), "budget", "--total", "100", "--failed", "40")

    assert done.returncode == 1
    assert "40 of 100 failed, and" in said(done)
    assert "the error budget is spent" in said(done)
    assert "-" not in said(done)


# ------------------------------------------------------------------------------------------------ several processes
@contextmanager
def served(folder: Path, data: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The product on a free port, once every worker has answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    package = next(path.parent.name for path in folder.glob("src/*/__init__.py"))
    words = ["-m", package, "run", "--port", str(port), "--workers", str(workers), "--quiet"]
    own = {
        "PYTHONPATH": f"src{os.pathsep}engine",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": f"sqlite:///{data.as_posix()}/local.db",
        "ACCESS_TOKENS": f"test={hashlib.sha256(TOKEN.encode()).hexdigest()}",
        "ACCESS_LOG": str(data),
    }
    process = subprocess.Popen([sys.executable, *words], cwd=folder, env=os.environ | own, start_new_session=True)
    try:
        met: set[object] = set()
        for _ in range(600):
            with suppress(OSError):
                met.add(json.loads(asked(f"http://127.0.0.1:{port}/healthz"))["process"])
            if len(met) == workers:
                break
            time.sleep(0.1)
        assert len(met) == workers
        yield process, f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def asked(url: str, body: bytes | None = None) -> str:
    """What a URL answers."""
    host, _, path = url.removeprefix("http://").partition("/")
    with closing(http.client.HTTPConnection(host, timeout=10)) as line:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {TOKEN}",
        }  # read where callers are known
        line.request("GET" if body is None else "POST", f"/{path}", body, headers)
        return line.getresponse().read().decode()


def test_workers_end_with_the_process_that_started_them(made: Rendered, tmp_path: Path) -> None:
    """Killed without a word, it leaves nobody who holds the port and answers with yesterday's release."""
    with served(made("sw-default"), tmp_path, workers=2) as (process, url):
        process.kill()
        process.wait(20)
        for _ in range(100):
            try:
                asked(f"{url}/healthz")
            except OSError:
                break
            time.sleep(0.1)

        with pytest.raises(OSError, match="refused"):
            asked(f"{url}/healthz")


def test_several_workers_are_one_budget(made: Rendered, tmp_path: Path) -> None:
    """They count together, so that the figures do not depend on which one answers."""
    folder = made("sw-default")
    capability = yaml.safe_load((folder / "plan/requirements.yaml").read_text("utf-8"))[0]["function"]
    with served(folder, tmp_path, workers=2) as (_, url):
        for number in range(12):
            asked(f"{url}/{capability.replace('_', '-')}", json.dumps({"subject": f"A-{number}"}).encode())
        done = run(folder, "budget", "--metrics", f"{url}/metrics")

    assert done.returncode == 0
    assert "0 of 12 failed" in said(done)


def test_a_budget_counts_what_users_asked_for(made: Rendered, tmp_path: Path) -> None:
    """One request among many probes is one request."""
    folder = made("sw-default")
    capability = yaml.safe_load((folder / "plan/requirements.yaml").read_text("utf-8"))[0]["function"]
    with served(folder, tmp_path, workers=1) as (_, url):
        for path in ("healthz", "readyz", "metrics", "docs", "openapi.json"):
            asked(f"{url}/{path}")
        asked(f"{url}/{capability.replace('_', '-')}", b'{"subject": "A-17"}')
        done = run(folder, "budget", "--metrics", f"{url}/metrics")

    assert done.returncode == 0
    assert "0 of 1 failed" in said(done)


# ------------------------------------------------------------------------------------- pipelines, containers, README
HOSTS = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}


def rendered_with(folder: Path, sample: str, **changes: str) -> Path:
    """A sample with some answers changed."""
    return render.render(answers.complete(newborn(sample).raw | changes), folder)


@pytest.mark.parametrize("host", HOSTS)
def test_a_release_counts_its_budget_first(host: str, tmp_path: Path) -> None:
    """T5.1 wants figures of today, so the pipeline that is to open it counts them, where it can."""
    typed = (rendered_with(tmp_path, "sw-default", ci=host) / HOSTS[host]).read_text("utf-8").split("\n  release:")[-1]
    typed = typed.split("\nrelease:")[-1].split("watch:")[0]

    assert 'budget --metrics "$METRICS_URL"' in typed
    assert typed.index("budget --metrics") < typed.index("status --check")
    assert ("secrets.METRICS_URL" in typed) == (host == "github")


def test_a_light_release_has_no_budget_gate(tmp_path: Path) -> None:
    """At rigor light T5.1 does not block."""
    typed = (rendered_with(tmp_path, "sw-default", rigor="light") / HOSTS["github"]).read_text("utf-8")

    assert "budget --metrics" not in typed.split("\n  release:")[1].split("\n  watch:")[0]


def test_pages_are_tested_where_a_browser_is(tmp_path: Path) -> None:
    """The image of GitLab's jobs has none: each job that runs the tests installs one, and no other job does."""
    text = (rendered_with(tmp_path, "sw-web-app", ci="gitlab") / HOSTS["gitlab"]).read_text("utf-8")
    jobs = {name: job for name, job in yaml.safe_load(text).items() if isinstance(job, dict) and "script" in job}
    with_browser = {name for name, job in jobs.items() if "chromium" in " ".join(job.get("before_script", []))}

    assert with_browser == {name for name, job in jobs.items() if {"$DO test", "$DO check"} & set(job["script"])}
    assert with_browser == {"test", "build", "release"}


CONTAINERS = {
    "sw-web-app": ["--env ACCESS_TOKENS=", "--env DEPENDENCIES=stand-in", "DIRECTORY_URL", "MAIL_URL", "-data:/data"],
    "sw-model": ["MODEL_URL", "-data:/data"],
    "sw-batch": ['--volume "$PWD:/data"', "--env DEPENDENCIES=stand-in", "BANK_URL", "input.csv results"],
    "sw-cli": ["trim-a-log A-17"],
}


@pytest.mark.parametrize("sample", CONTAINERS)
def test_the_containers_lines_start_a_product_that_can_be_used(sample: str, tmp_path: Path) -> None:
    """Whatever it refuses everybody without is in the line, or named below it."""
    readme = (rendered_with(tmp_path, sample, deploy="container") / "README.md").read_text("utf-8")
    section = readme.split("## In a container\n")[1].split("\n## ")[0]

    assert [words for words in CONTAINERS[sample] if words not in section] == []


def test_what_the_readmes_job_leaves_is_not_in_git(made: Rendered) -> None:
    """Its input, its results and its backups are data, regulated here."""
    folder = made("sw-batch")
    readme = (folder / "README.md").read_text("utf-8")
    package = next(path.parent.name for path in folder.glob("src/*/__init__.py"))
    (make,) = re.findall(r"^printf .*$", readme, re.MULTILINE)
    subprocess.run(["bash", "-c", make], cwd=folder, check=True)
    surroundings = {"DEPENDENCIES": "stand-in", "PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1"}
    for words in (["run", "input.csv", "results"], ["backup", "results"]):
        subprocess.run([sys.executable, "-m", package, *words], cwd=folder, env=os.environ | surroundings, check=True)
    lists = ["git", "ls-files", "--others", "--exclude-standard", "--", "*.csv", "results", "backups", "*.db"]

    assert (folder / "results/outcomes.jsonl").is_file()
    assert subprocess.run(lists, cwd=folder, check=True, capture_output=True, text=True).stdout == ""


def test_forgetting_in_a_folder_without_a_job_is_a_sentence(made: Rendered, tmp_path: Path) -> None:
    """And leaves no ledger behind."""
    done = run_product(made("sw-batch"), "forget", "Erika", str(tmp_path))

    assert done.returncode == 1
    assert "holds no ledger" in said(done)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------------- model and facts
def test_a_decision_that_is_nested_too_deeply_is_refused(made: Rendered, tmp_path: Path) -> None:
    """Within its size, and beyond what can be read."""
    with served(made("sw-model"), tmp_path, workers=1) as (_, url):
        assert "nested too deeply" in asked(f"{url}/warnings/1", b"[" * 9000)


def test_a_fact_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """A terminal can type any bytes."""
    folder = rendered_with(tmp_path, "sw-cli", ml_component="http://127.0.0.1:9")
    done = run_product(folder, "run", "trim-a-log", "A-17", "--fact", "name=\udcff")

    assert done.returncode == 1
    assert "is not UTF-8" in said(done)
