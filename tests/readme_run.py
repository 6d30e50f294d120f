"""Follow a rendered repository's README: its shell lines, word for word, as a new user in an empty home would."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Ran:
    """A line that was typed, how it ended and what it said."""

    line: str
    code: int
    said: str


def lines(readme: Path, heading: str) -> list[str]:
    """The shell lines below a heading, in order."""
    section = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert section, f"{readme} has no heading {heading}"
    blocks = re.findall(r"^```sh\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def follow(folder: Path, heading: str) -> Iterator[Ran]:
    """Type each line in the folder. A line that serves is left running until the next one has been answered."""
    with contextlib.ExitStack() as serving:
        for line in lines(folder / "README.md", heading):
            # Each types their own line, under their own name; of two who may, the first.
            if whose := re.search(r"   # (.+?)(?: or .+)? \([A-Z, ]+\)$", line):
                subprocess.run(["git", "config", "user.name", whose[1]], cwd=folder, check=True)
            if re.match(r'(\w+=("[^"]*"|\S+) )*make (run|serve)$', line):
                serving.enter_context(served(line, folder))
                continue
            yield typed(line, folder)
            if line.startswith("curl"):
                serving.close()


def typed(line: str, folder: Path) -> Ran:
    """One line, to its end."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=_surroundings(), capture_output=True, text=True, check=False, timeout=600
    )
    return Ran(line, done.returncode, done.stdout + done.stderr)


@contextlib.contextmanager
def served(line: str, folder: Path, port: int = 8000) -> Iterator[None]:
    """A server in a process group of its own, from when it answers on the port, by default the README's.

    There is one such port, so tests that run at the same time wait for each other.
    """
    with (
        Path(tempfile.gettempdir(), f"readme-port-{port}.lock").open("w") as turn,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
    ):
        fcntl.flock(turn, fcntl.LOCK_EX)
        process = subprocess.Popen(
            ["bash", "-c", line], cwd=folder, env=_surroundings(), start_new_session=True,
            stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            if not _answers(process, port):
                said.seek(0)
                pytest.fail(f"{line} serves nothing on port {port}. It said:\n{said.read()[-3000:]}")
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def _answers(process: subprocess.Popen[bytes], port: int, seconds: float = 120) -> bool:
    """Whether something answers on the port before the command has ended or the time is up."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
        except urllib.error.HTTPError:
            return True  # it answers, if only that there is no such page
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def _surroundings() -> dict[str, str]:
    """The test's own environment, without the paths that would let a repository borrow this project's packages."""
    return {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS")
    }


def assert_installed_as_told(folder: Path) -> None:
    """Packages within three of the README's number and disk within a tenth: newer versions may need a little more.

    pip compiles what it installs, uv leaves that to the first import: the number counts the compiled files.
    """
    said = re.search(r"installs (\d+) packages.*, (\d+) MB on disk", folder.joinpath("README.md").read_text("utf-8"))
    packages = len(
        {*re.findall(r"^([\w.-]+)==", folder.joinpath("requirements-dev.lock").read_text("utf-8"), re.MULTILINE)}
    )
    subprocess.run([".venv/bin/python", "-m", "compileall", "-q", ".venv/lib"], cwd=folder, check=False)
    used = int(subprocess.run(["du", "-sm", ".venv"], cwd=folder, capture_output=True, check=True).stdout.split()[0])

    assert said
    assert packages == pytest.approx(int(said[1]), abs=3)
    assert used == pytest.approx(int(said[2]), rel=0.1), f"{used} MB on disk, and the README says {said[2]}"
