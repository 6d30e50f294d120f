"""What goes wrong around a rendered product: settings, files and history that cannot be used end in one sentence."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from material import newborn
from mlscaffold import render, vcs
from rendered_repository import run

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
    done = run(made("sw-default"), *words, timeout=60)

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
    done = run(made("sw-default"), "run", *words, timeout=60)

    assert done.returncode == 2
    assert f"{(words or [port])[-1]!r} is not a" in said(done)


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
    done = run(made("sw-default"), "backup", "--folder", str(tmp_path / "backups"))

    assert done.returncode == 1
    assert "backups cannot be written" in said(done)


def test_a_fresh_backup_is_kept_whatever_the_age_limit(
    made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--keep-days 0` removes the older ones, not the one that was just made."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path.as_posix()}/local.db")
    for _ in range(2):
        done = run(made("sw-default"), "backup", "--folder", str(tmp_path / "backups"), "--keep-days", "0")
        assert done.returncode == 0, said(done)

    assert len(list((tmp_path / "backups").iterdir())) == 1


# -------------------------------------------------------------------------------------------------------- backups
def record(key: str, **changes: object) -> dict[str, object]:
    """A line of a backup."""
    at = "2026-01-05T10:00:00+00:00"
    return {"id": int(key), "key": key, "capability": "a", "subject": "A-17", "note": "", "done_at": at} | changes


def lines(*records: dict[str, object]) -> str:
    """A backup."""
    return "".join(json.dumps(one) + "\n" for one in records)


TORN = {
    "no time": (lines(record("1"), {"key": "2", "capability": "a", "subject": "b"}), "Line 2 is no record"),
    "twice": (lines(record("1"), record("1")), "Line 2 repeats the key 1"),
    "the same number": (lines(record("1"), record("2", id=1)), "A record does not fit"),
    "a list": ("[]\n", "Line 1 is no record"),
    "torn": ('{"key": "1', "Line 1 is no record"),
    "empty": ("", "It holds no record"),
}


@pytest.mark.parametrize(("text", "problem"), TORN.values(), ids=TORN)
def test_a_backup_that_is_none_is_refused(
    text: str, problem: str, made: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the command and by the drill, with the line; the database stays empty, and takes a good one afterwards."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path.as_posix()}/local.db")
    (tmp_path / "bad").write_text(text, "utf-8")
    (tmp_path / "good").write_text(lines(record("1")), "utf-8")
    done = run(made("sw-default"), "restore", str(tmp_path / "bad"))

    assert done.returncode == 1
    assert problem in said(done)
    drill = run(made("sw-default"), "restore-drill", "--backup", str(tmp_path / "bad"))
    assert drill.returncode == 1
    assert problem in said(drill)
    assert run(made("sw-default"), "restore", str(tmp_path / "good")).returncode == 0


def test_a_restore_that_changes_a_record_fails_the_drill(made: Rendered, tmp_path: Path) -> None:
    """Every record of a given file is compared with what came back, not only counted."""
    folder = made("sw-default")
    (tmp_path / "backup").write_text(lines(record("1"), record("2", subject="A-18")), "utf-8")
    good = run(folder, "restore-drill", "--backup", str(tmp_path / "backup"))
    (store,) = folder.glob("src/*/store.py")
    whole = store.read_text("utf-8")
    store.write_text(
        whole.replace('        rows[row["key"]] = row\n', "        rows[row[\"key\"]] = row | {'subject': 'A'}\n")
    )
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
