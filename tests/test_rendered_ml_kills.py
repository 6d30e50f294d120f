"""kill -9 at any moment: files are whole or absent, `status` tells the truth, and the same command can be run again.

Half of the kills come at a random time, the other half just before a random write of the command, where a crash hurts
most. The service is killed while callers wait for answers: each answer that left must be in the prediction log.
"""

import csv
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from material import sample_answers
from mlscaffold import answers, render, vcs
from rendered_repository import run, states

OPEN = {"pass", "warn", "waived"}
# Counts what the command writes below KILL_ROOT and dies just before write number KILL_AT; 0: tells how many there are.
HOOK = """
import atexit, os, signal, sys
root, at, seen = os.environ["KILL_ROOT"], int(os.environ["KILL_AT"]), 0
def written(event, given):
    if event == "open":
        return given[0] if given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None
    return given[1] if event == "os.rename" else None
def watch(event, given):
    global seen
    path = written(event, given) if event in ("open", "os.rename") else None
    if isinstance(path, (str, os.PathLike)) and os.path.abspath(path).startswith(root):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
if not at:
    atexit.register(lambda: os.write(2, f"WRITES {seen}\\n".encode()))
"""


@dataclass
class Work:
    """A repository under way, and how many kills each of its commands and its service has to survive."""

    folder: Path
    scratch: Path
    kills: int
    chance: random.Random
    done: list[str] = field(default_factory=list)

    def copy(self, name: str) -> Path:
        target = self.scratch / name
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(self.folder, target))


@dataclass(frozen=True)
class Undisturbed:
    """How a command ends when nobody kills it."""

    code: int
    seconds: float
    writes: int
    states: dict[str, str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The default answers, served over HTTP, by a team in which one person may sign for every role."""
    given = sample_answers("ml-default").raw | {"serving": "api", "start_date": ""}
    team = "po=?:0.2; ds=?:1; mle=?:0.5; ops=?:0.2"
    folder = render.render(answers.complete(given | {"team": team}), tmp_path / "rendered")
    vcs.create(folder, "Start")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "served"), [(1, 1), (8, 20)])
def test_killed_at_any_moment(repository: Path, tmp_path: Path, kills: int, served: int) -> None:
    """`audit`, `experiment`, `accept`, `promote` and `retrain`, and the service under load between them."""
    work = Work(repository, tmp_path / "copies", kills, random.Random(20260))
    survive(work, ["audit"])
    finish(work, ["confirm", "--all"])
    waive(work.folder, "G1.")
    finish(work, ["baseline"])
    commit(work.folder)
    survive(work, ["experiment"], same_end=False)  # the next run may be the next experiment
    finish(work, ["sign", "G3"])
    survive(work, ["accept"])
    waive(work.folder, "G")
    survive(work, ["promote"])
    survive_under_load(work, served)
    more_rows(work.folder)
    survive(work, ["retrain"])

    print(*work.done, sep="\n")
    assert len(work.done) == 5 * kills + served, work.done


# ---------------------------------------------------------------------------------------------------- the commands
def survive(work: Work, command: Sequence[str], same_end: bool = True) -> None:
    """Kill the command on copies of the repository, look, run it again; at last, run it on the repository itself."""
    before = states(work.folder)
    calm = undisturbed(work, command)
    for number in range(work.kills):
        folder = work.copy(f"{command[0]}-{number}")
        at = work.chance.randint(1, calm.writes) if number % 2 else 0
        seconds = work.chance.uniform(0, calm.seconds) if not at else None
        how = f"{' '.join(command)}: " + (f"write {at} of {calm.writes}" if at else f"{seconds:.2f} s")
        kill(folder, command, at, seconds)
        work.done.append(how)

        whole(folder, how)
        truthful(states(folder), before, calm.states, how)
        again = run(folder, *command)
        assert again.returncode == calm.code, (how, again.stdout, again.stderr)
        assert "Traceback" not in again.stderr, (how, again.stderr)
        if same_end:
            assert states(folder) == calm.states, how
        shutil.rmtree(folder)
    finish(work, command, codes=(calm.code,))


def undisturbed(work: Work, command: Sequence[str]) -> Undisturbed:
    """The command on a copy, from start to end."""
    folder = work.copy("undisturbed")
    clock = time.perf_counter()
    process = started(folder, command, 0)
    _, said = process.communicate(timeout=600)
    seconds = time.perf_counter() - clock
    assert "Traceback" not in said, said
    return Undisturbed(process.returncode, seconds, int(said.rpartition("WRITES ")[2]), states(folder))


def kill(folder: Path, command: Sequence[str], at: int, seconds: float | None) -> None:
    """Start the command and kill it before its write number `at`, or after so many seconds."""
    process = started(folder, command, at or 10**9)
    try:
        process.communicate(timeout=seconds if seconds is not None else 600)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    assert seconds is not None or process.returncode == -signal.SIGKILL


def started(folder: Path, command: Sequence[str], at: int) -> subprocess.Popen[str]:
    hook = folder.parent / "hook"
    hook.mkdir(parents=True, exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK, "utf-8")
    surroundings = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(hook), "src", "engine")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    surroundings |= {"KILL_ROOT": str(folder), "KILL_AT": str(at)}
    words = [sys.executable, "-m", "planrun", *command]
    return subprocess.Popen(
        words, cwd=folder, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


# ---------------------------------------------------------------------------------------------------- looking
def truthful(now: dict[str, str], before: dict[str, str], after: dict[str, str], how: str) -> None:
    """A command that was killed opens no gate that it would not have opened itself."""
    was_open = {id for found in (before, after) for id, state in found.items() if state in OPEN}
    assert {id for id, state in now.items() if state in OPEN} <= was_open, how


def whole(folder: Path, how: str) -> None:
    """Every file that counts can be read, carries its own hash, and the champion is what the registry says."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.suffix == ".part" or {".git", "__pycache__"} & set(path.parts):
            continue
        if path.suffix == ".json":
            content = json.loads(path.read_text("utf-8"))
            if path.parent.name == "evidence" and "seal" in content:
                assert sealed(content) == content["seal"], (how, path)
        elif path.suffix == ".yaml":
            yaml.safe_load(path.read_text("utf-8"))
        elif path.parent.name == "store":
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem, (how, path)
    book = folder / "registry" / "models.json"
    if book.is_file():
        found = json.loads(book.read_text("utf-8"))
        for version in filter(None, found["aliases"].values()):
            for held in found["models"][version]["files"].values():
                assert hashlib.sha256((folder / held["path"]).read_bytes()).hexdigest() == held["sha256"], (how, held)


def sealed(content: dict[str, Any]) -> str:
    """The hash of evidence without its seal."""
    rest = {key: value for key, value in content.items() if key != "seal"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------------------------------------------- the service
def survive_under_load(work: Work, kills: int) -> None:
    """Four callers ask without a pause while the service is killed; what they were told is in the log."""
    folder = work.copy("serve")
    before, acknowledged = states(folder), set[str]()
    for number in range(kills):
        port, process = serving(folder)
        told = [set[str]() for _ in range(4)]
        callers = [
            threading.Thread(target=ask, args=(folder, port, f"{number}-{n}", told[n])) for n in range(len(told))
        ]
        for caller in callers:
            caller.start()
        wait_until(lambda told=told: any(told), "nobody was answered")
        seconds = work.chance.uniform(0.0, 0.5)
        time.sleep(seconds)
        process.kill()
        process.wait(20)
        for caller in callers:
            caller.join(20)
        how = f"serve: {seconds:.2f} s after the first answer, {sum(map(len, told))} answers"
        work.done.append(how)
        acknowledged |= set().union(*told)

        assert acknowledged <= logged(folder), how
        whole(folder, how)
        now = states(folder)
        truthful(now, before | {"G4.8": "pass"}, {}, how)
        assert now["G4.8"] == "pass", how
    port, process = serving(folder)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (0, 130, -signal.SIGINT)
    assert len(acknowledged) > 10 * kills


def serving(folder: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """The service on a free port, once it is healthy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "planrun", "serve", "--port", str(port)]
    surroundings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        words, cwd=folder, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def healthy() -> bool:
        assert process.poll() is None, "the service did not start"
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            return bool(json.loads(connection.getresponse().read())["status"] == "ok")
        except OSError:
            return False

    wait_until(healthy, "the service is not healthy")
    return port, process


def ask(folder: Path, port: int, name: str, told: set[str]) -> None:
    """Ask until the service is gone; keep each id whose answer arrived whole."""
    card = json.loads((folder / "registry" / "1.0.0.json").read_text("utf-8"))
    cuts = {column: found["cuts"] for column, found in card["profile"]["columns"].items()}
    inputs = {column: edges[len(edges) // 2] for column, edges in cuts.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for number in range(1_000_000):
        body = json.dumps({"rows": [{"id": f"{name}-{number}", "inputs": inputs}]})
        try:
            connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
            reply = connection.getresponse()
            answers = json.loads(reply.read())["answers"]
        except (OSError, http.client.HTTPException, ValueError):
            return  # cut off: nothing was acknowledged
        assert reply.status == 200
        told.update(answer["id"] for answer in answers)


def logged(folder: Path) -> set[str]:
    """The ids of every whole line of the prediction log."""
    found = set()
    for path in (folder / "predictions").glob("*.jsonl"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            found.add(json.loads(line)["id"])
    return found


def wait_until(true: Any, otherwise: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.01)


# ---------------------------------------------------------------------------------------------------- the way there
def finish(work: Work, command: Sequence[str], codes: Sequence[int] = (0,)) -> None:
    done = run(work.folder, *command)
    assert done.returncode in codes, (command, done.stdout, done.stderr)


def commit(folder: Path) -> None:
    for words in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "-m", "as it is"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def waive(folder: Path, start: str) -> None:
    """A waiver for each gate of this stage that is shut."""
    shut = [id for id, state in states(folder).items() if id.startswith(start) and state not in OPEN]
    month = str(date.today() + timedelta(days=30))
    words = ["git", "config", "user.name"]
    who = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    rows = [{"gate": id, "approver": who, "reason": "the sample", "until": month} for id in shut]
    path = folder / "gates" / "waivers.yaml"
    path.parent.mkdir(exist_ok=True)
    known = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else []
    path.write_text(yaml.safe_dump([*(known or []), *rows]), "utf-8")
    commit(folder)


def more_rows(folder: Path) -> None:
    """The sample's rows twice, the second time under new ids, as a file of the team's own."""
    (sample,) = (folder / "data" / "raw").glob("sample-*.csv")
    with sample.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    target = folder / "data" / "raw" / "rows.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        writer.writerows(row | {"case_id": f"new-{number}"} for number, row in enumerate(rows))
    source = folder / "data" / "source.yaml"
    text = source.read_text("utf-8")
    source.write_text(re.sub(r"^source: .*$", "source: data/raw/rows.csv", text, flags=re.MULTILINE), "utf-8")
