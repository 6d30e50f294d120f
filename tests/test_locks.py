"""One writer at a time on every system, and nothing that a power cut could leave half on the disk."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlscaffold import disk
from mlscaffold.errors import Busy, CannotChange
from mlscaffold.repository import journal, lock
from planrun import files
from planrun_ml.release import registry
from standing import contents

GENERATOR = Path(journal.__file__).parents[2]
NOTE = """
import sys
from pathlib import Path
from planrun_ml.release import registry

for _ in range(15):
    with registry.changing(Path(sys.argv[1])) as found:
        registry.note(found, "counted", "1.0.0", sys.argv[2])
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A folder with a record in it, as a repository has it."""
    tmp_path.joinpath(".mlscaffold").mkdir()
    return tmp_path


# --------------------------------------------------------------------------------------------------- who waits for whom


def test_processes_that_change_the_registry_wait_for_each_other(tmp_path: Path) -> None:
    """Each reads what the one before has written: no event is lost."""
    env = os.environ | {"PYTHONPATH": str(GENERATOR)}
    writers = [subprocess.Popen([sys.executable, "-c", NOTE, str(tmp_path), str(n)], env=env) for n in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    events = registry.read(tmp_path)["events"]
    assert sorted(event["by"] for event in events) == [str(n) for n in range(3) for _ in range(15)]


def test_whoever_dies_with_the_lock_keeps_nobody_out(record: Path) -> None:
    """The system gives a lock back with its process; what it leaves is swept, and git never sees it."""
    code = (
        "import os, sys; from pathlib import Path; from mlscaffold.repository import lock\n"
        "with lock.alone(Path(sys.argv[1])):\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(record)], env=os.environ | {"PYTHONPATH": str(GENERATOR)})
    left = contents(record)
    with lock.alone(record):
        pass

    assert left == {".mlscaffold/held/lock": b"", ".mlscaffold/held/.gitignore": b"*\n"}
    assert contents(record) == {}


def test_two_threads_are_never_in_it_together(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though every holder removes the file that the next one waits for."""
    monkeypatch.setattr(lock, "PATIENCE", 60.0)
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(15):
            with lock.alone(record):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.002)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1]
    assert contents(record) == {}


def test_a_held_lock_is_refused_once_patience_ends(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is free again right after."""
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    met: list[type[Exception]] = []

    def second() -> None:
        try:
            with lock.alone(record):
                pass
        except Busy as busy:
            met.append(type(busy))

    with lock.alone(record):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    second()

    assert met == [Busy]


@pytest.mark.parametrize("name", ["held", "work"])
def test_no_link_leads_our_files_elsewhere(record: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """A repository from anywhere may hold a link in these places."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    record.joinpath(".mlscaffold", name).symlink_to(elsewhere)
    with pytest.raises(CannotChange, match=rf"\.mlscaffold/{name} is a link"), lock.alone(record):
        lock.workshop(record)

    assert list(elsewhere.iterdir()) == []


# ------------------------------------------------------------------------------------------------ what is on the disk


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the disk, in its order: `sync NAME` of a file or folder, `rename NAME` of what it becomes."""
    done: list[str] = []
    fsync, replace, unlink = os.fsync, os.replace, Path.unlink

    def synced(opened: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{opened}')).name}")
        fsync(opened)

    def replaced(part: str | Path, target: str | Path) -> None:
        replace(part, target)
        done.append(f"rename {Path(target).name}")

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        done.append(f"unlink {path.name}")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(Path, "replace", lambda part, target: replaced(part, target))
    monkeypatch.setattr(Path, "unlink", unlinked)
    return done


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the names of open files are read from /proc")


@on_linux
@pytest.mark.parametrize("put", [files.put_in_place, disk.put_in_place])
def test_bytes_are_on_the_disk_before_their_name(
    tmp_path: Path, deeds: list[str], put: Callable[[Path, Path], None]
) -> None:
    """First the file, then the rename, then the folder that holds the new name."""
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.joinpath("part").write_text("new")
    folder.joinpath("text").write_text("old")
    put(folder / "part", folder / "text")

    assert deeds == ["sync part", "rename text", "sync folder"]
    assert contents(folder) == {"text": b"new"}


@on_linux
def test_texts_of_the_engine_are_flushed(tmp_path: Path, deeds: list[str]) -> None:
    """All evidence, records and registries go this way."""
    files.write_text(tmp_path / "evidence/audit.json", "{}\n")

    assert [deed.split()[0] for deed in deeds] == ["sync", "rename", "sync"]
    assert deeds[1:] == ["rename audit.json", "sync evidence"]


@on_linux
def test_the_journal_outlives_what_it_could_finish(record: Path, deeds: list[str]) -> None:
    """It is on the disk before the first rename, and goes once the last one is."""
    record.joinpath("docs").mkdir()
    record.joinpath("docs/page.md").write_text("old")
    journal.write(record, [journal.Change("docs/page.md", b"new", b"old"), journal.Change("plan/new.md", b"new", None)])

    begun, first, last = deeds.index("rename journal.json"), deeds.index("rename page.md"), deeds.index("rename new.md")
    gone = deeds.index("unlink journal.json")
    assert {"sync 0.part", "sync 1.part", "sync old", "sync new", "sync journal.json.part"} <= set(deeds[:begun])
    assert "sync work" in deeds[begun:first]
    assert {"sync docs", "sync plan", f"sync {record.name}"} <= set(deeds[last:gone])
    assert contents(record) == {"docs/page.md": b"new", "plan/new.md": b"new"}


def test_every_rename_of_the_engine_flushes() -> None:
    """`os.replace` stands in `put_in_place`, and where the locks are compiled before anything else can be imported."""
    trees = [GENERATOR / package for package in ("planrun", "planrun_ml", "planrun_software")]
    files = [path for tree in trees for path in tree.rglob("*.py") if "os.replace(" in path.read_text("utf-8")]
    renaming = sorted(path.relative_to(GENERATOR).as_posix() for path in files)

    assert renaming == [
        "planrun/environment.py",
        "planrun/files.py",
    ]
