"""Runs the rendered repository's commands inside the demo's environment: a program of its own, standard library only.

`python driver.py PACKAGE MODULE …` in the repository's folder imports the modules once, where processes can be forked
safely, and then runs each command in a fork of itself: the same code in a process of its own, without the seconds that
importing takes. Elsewhere (Windows, and macOS, whose numerical libraries do not survive a fork) each command is a plain
`python -m PACKAGE …`.

Orders come as JSON lines on standard input and are answered on standard output:
{"run": [words]} → {"code", "printed", "said"}; {"start": [words], "module": name, or "" for PACKAGE} → {"pid"};
{"stop": pid} → {"code", "printed", "said"}. What was printed is standard output alone; what was said is all of it.
Every answer also has "cpu": the processor seconds used so far, children that have ended included.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO

FORKS = sys.platform.startswith("linux")


class Running:
    """A command on its way, and the files that its output and its errors go to."""

    def __init__(self, package: str, words: Sequence[str]) -> None:
        self.output: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `ends`, in another call)
        self.errors: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  (as is this one)
        self.process: subprocess.Popen[bytes] | None = None
        if FORKS:
            self.pid = os.fork()
            if self.pid == 0:
                _become(package, words, self.output.fileno(), self.errors.fileno())
        else:
            self.process = subprocess.Popen(
                [sys.executable, "-m", package, *words],
                stdin=subprocess.DEVNULL,
                stdout=self.output,
                stderr=self.errors,
            )
            self.pid = self.process.pid

    def ends(self, stop: bool = False) -> dict[str, Any]:
        """Wait for it, or stop it first; its exit code, what it printed, and everything it said."""
        if self.process is not None:
            if stop:
                self.process.terminate()
            code = self.process.wait()
        else:
            if stop:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGTERM)
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        printed, errors = _written(self.output), _written(self.errors)
        return {"code": code, "printed": printed, "said": printed + errors}

    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        if self.process is not None:
            return self.process.poll() is not None
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _written(file: BinaryIO) -> str:
    """Everything that is in the file, which is closed."""
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def _become(package: str, words: Sequence[str], output: int, errors: int) -> None:
    """In the fork: be that command, and leave with its exit code."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for here, there in ((nothing, 0), (output, 1), (errors, 2)):
            os.dup2(here, there)
        command = importlib.import_module(f"{package}.__main__")
        try:
            code = command.main(list(words)) or 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())  # a bug of the command is told as Python tells it
        sys.stderr.flush()
    finally:
        os._exit(code)


def serve(package: str, modules: Sequence[str]) -> None:
    """Answer orders until standard input ends."""
    sys.path[:0] = ["src", "engine"]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])  # for commands that are processes of their own
    for module in modules if FORKS else ():
        # Only to save time: a module whose extra is not installed here refuses in its own way, with an ImportError or
        # a sentence of its own, and the command that needs it imports it again and tells that.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    running: dict[int, Running] = {}
    _answer({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if "run" in order:
            _answer(Running(package, order["run"]).ends())
        elif "start" in order:
            started = Running(order.get("module") or package, order["start"])
            running[started.pid] = started
            _answer({"pid": started.pid})
        elif "alive" in order:
            _answer({"alive": not running[order["alive"]].has_ended()})
        else:
            _answer(running.pop(order["stop"]).ends(stop=True))
    for left in running.values():
        left.ends(stop=True)


def _answer(facts: dict[str, Any]) -> None:
    times = os.times()
    facts["cpu"] = round(times.user + times.system + times.children_user + times.children_system, 2)
    os.write(1, json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
