"""Follow a rendered repository's README: its shell lines, word for word, as a new user in an empty home would."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


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
    serving = None
    for line in lines(folder / "README.md", heading):
        if line.startswith(("make run", "make serve")):
            serving = _start(line, folder)
            continue
        yield typed(line, folder)
        if serving is not None and line.startswith("curl"):
            _stop(serving)
            serving = None


def typed(line: str, folder: Path) -> Ran:
    """One line, to its end."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=_surroundings(), capture_output=True, text=True, check=False, timeout=600
    )
    return Ran(line, done.returncode, done.stdout + done.stderr)


def _start(line: str, folder: Path) -> subprocess.Popen[bytes]:
    """A server in a process group of its own, once it answers on the port that the README names."""
    process = subprocess.Popen(
        ["bash", "-c", line], cwd=folder, env=_surroundings(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(300):
        try:
            urllib.request.urlopen("http://127.0.0.1:8000/", timeout=1)
        except urllib.error.HTTPError:
            break  # it answers, if only that there is no such page
        except OSError:
            time.sleep(0.1)
        else:
            break
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)


def _surroundings() -> dict[str, str]:
    """The test's own environment, without the paths that would let a repository borrow this project's packages."""
    return {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS")
    }
