"""Runs `python -m MODULE …` in a fork of a process that has the libraries loaded: the same command in a process of its
own, without the seconds that importing numpy, pandas and scikit-learn takes each time.

Nothing of a repository is loaded before the fork: its own code and the engine's are imported anew in each. Where
something would decide how an interpreter starts (`PYTHONHASHSEED`, `LC_ALL` …) and differs from what the parent was
started with, and where no fork is safe, the command is a plain process.
"""

import atexit
import contextlib
import importlib
import json
import os
import random
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

FORKS = sys.platform.startswith("linux")
# What commands of either kind import sooner or later; none of it is ours.
LIBRARIES = (
    "alembic.command", "duckdb", "fastapi.responses", "httpx", "numpy", "pandas", "pydantic", "scipy.integrate",
    "scipy.optimize", "scipy.special", "scipy.stats", "skops.io", "sklearn.compose", "sklearn.ensemble",
    "sklearn.impute", "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing", "sklearn.tree",
    "sqlalchemy", "threadpoolctl", "uvicorn", "yaml",
)  # fmt: skip
REWRITES = ("pytest",)  # it changes modules as it imports them, and complains of those that are there before it
STARTS = ("LANG", "LC_", "PYTHON", "OMP_", "OPENBLAS_")  # variables that are read when an interpreter or library starts
OURS = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")  # what `_become` does by itself


def _deciding(surroundings: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in surroundings.items() if key.startswith(STARTS) and key not in OURS}


class Forks:
    """The process that forks, started with the first command and ended with the tests; it loads `also` as well."""

    def __init__(self, *also: str) -> None:
        self._also = also
        self._parent: subprocess.Popen[str] | None = None
        self._started_with: dict[str, str] = {}

    def run(
        self, module: str, words: Sequence[str], folder: Path, surroundings: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """`python -m module words …` to its end. Raises `subprocess.TimeoutExpired`."""
        command = [sys.executable, "-m", module, *words]
        other = self._parent is not None and _deciding(surroundings) != self._started_with
        if not FORKS or other or module in REWRITES:
            return subprocess.run(
                command, cwd=folder, env=dict(surroundings), capture_output=True, text=True, check=False,
                timeout=timeout,
            )  # fmt: skip
        parent = self._parent or self._start(surroundings)
        with tempfile.TemporaryDirectory() as place:
            order = {"module": module, "words": list(words), "folder": str(folder), "surroundings": dict(surroundings)}
            self._tell(parent, order | {"out": f"{place}/out", "err": f"{place}/err"})
            code = self._end(parent, command, timeout)
            out, err = (Path(place, name).read_text("utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(command, code, out, err)

    def _start(self, surroundings: Mapping[str, str]) -> subprocess.Popen[str]:
        self._started_with = _deciding(surroundings)
        command = [sys.executable, str(Path(__file__).resolve()), *self._also]
        self._parent = subprocess.Popen(
            command, env=dict(surroundings), text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1,
        )  # fmt: skip
        atexit.register(self.close)
        return self._parent

    @staticmethod
    def _tell(parent: subprocess.Popen[str], order: Mapping[str, object]) -> None:
        assert parent.stdin is not None
        parent.stdin.write(json.dumps(order) + "\n")
        parent.stdin.flush()

    @staticmethod
    def _end(parent: subprocess.Popen[str], command: list[str], timeout: float) -> int:
        """The exit code; a command that takes too long is killed."""
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        ready, _, _ = select.select([parent.stdout], [], [], timeout)
        if not ready:
            os.kill(pid, signal.SIGKILL)
            parent.stdout.readline()
            raise subprocess.TimeoutExpired(command, timeout)
        return int(parent.stdout.readline())

    def close(self) -> None:
        """End the parent, which ends with its standard input."""
        if self._parent is not None and self._parent.stdin is not None:
            self._parent.stdin.close()
            self._parent.wait()
            self._parent = None


# -------------------------------------------------------------------------------------------- the process that forks


def serve() -> None:
    """Fork for each order that comes in; answer with the child's id and then with its exit code."""
    for name in (*LIBRARIES, *sys.argv[1:]):
        with contextlib.suppress(ImportError):  # the command that needs it says so
            importlib.import_module(name)
    base = [path for path in sys.path if path != str(Path(__file__).resolve().parent)]
    orders, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for line in orders:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.close(answers)
            orders.close()
            _become(order, base)
        os.write(answers, f"{pid}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(answers, f"{code}\n".encode())


def _become(order: dict[str, object], base: list[str]) -> None:
    """Be that command, and leave with its exit code as an interpreter does."""
    code = 1
    try:
        for name, there in (("out", 1), ("err", 2)):
            os.dup2(os.open(str(order[name]), os.O_WRONLY | os.O_CREAT, 0o600), there)
        os.chdir(str(order["folder"]))
        os.environ.clear()
        os.environ.update(dict(order["surroundings"]))  # type: ignore[call-overload]
        time.tzset()
        random.seed()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        own = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        sys.path[:] = [os.getcwd(), *own, *base]
        importlib.invalidate_caches()
        sys.argv = [str(order["module"]), *order["words"]]  # type: ignore[misc]
        code = _ended(str(order["module"]))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(code)


def _ended(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        print(left.code, file=sys.stderr)
        return 1
    return 0


FORKED = Forks()

if __name__ == "__main__":
    serve()
