"""The example's repository while the story is told: made in a scratch folder, run by a driver, and gone at the end."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planrun.demo import door
from planrun.demo.door import AnswerKey, DemoFailed, DemoNotKept, NumberKey
from planrun.demo.telling import Telling

NOBODY, ADDRESS = "nobody (demo)", "nobody@example.org"
DRIVER = Path(__file__).with_name("driver.py")
PATIENCE = 60.0  # seconds for a service to answer for the first time
LAST = 10.0  # seconds for processes to end before they are killed


@dataclass(frozen=True)
class Ran:
    """How a command of the repository ended, what it printed on standard output, and all that it said."""

    code: int
    printed: str
    said: str


@dataclass
class Project:
    """A rendered repository in a scratch folder, and the one process that runs its commands."""

    scratch: Path
    folder: Path
    package: str
    driver: subprocess.Popen[str] | None = None
    cpu: float = 0.0

    # ------------------------------------------------------------------------------------------------ from birth …
    @classmethod
    @contextlib.contextmanager
    def born(cls, scratch: Path, make: Callable[[Path], "Project"], telling: Telling) -> Iterator["Project"]:
        """`make` and commit the example; whatever happens then, no process of it outlives the block."""
        with telling.step("new") as step:
            for name in ("home", "tmp"):
                scratch.joinpath(name).mkdir()
            identity = f"[user]\n\tname = {NOBODY}\n\temail = {ADDRESS}\n"
            scratch.joinpath("home", ".gitconfig").write_text(identity, "utf-8")
            project = make(scratch)
            count = sum(path.is_file() for path in project.folder.rglob("*"))
            project.commit(f"Start {project.folder.name} from a computed plan")
            step.says(f"{count} files, a plan in numbers and a first commit, by {NOBODY}")
        try:
            yield project
        finally:
            project.ends()

    def starts(self, python: Path, settings: Mapping[str, str]) -> None:
        """Start the driver in the demo's environment, with settings of the product."""
        package = self.package
        engine = (path.relative_to(self.folder / "engine") for path in self.folder.glob("engine/planrun*/**/*.py"))
        own = (path.relative_to(self.folder / "src") for path in self.folder.glob(f"src/{package}/*.py"))
        named = sorted(".".join(path.with_suffix("").parts) for path in (*engine, *own))
        # nothing that the story's commands import
        left_out = ("__init__", "__main__", ".self_test.", ".tests.", ".demo.")
        modules = [name for name in named if not any(part in f"{name}." for part in left_out)]
        command = [str(python), "-u", str(DRIVER), "planrun", *modules]
        # A group of its own: Ctrl-C in the terminal reaches us alone, and we end the whole group.
        apart: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        self.driver = subprocess.Popen(
            command, cwd=self.folder, env=self.surroundings() | dict(settings), text=True, encoding="utf-8", **apart,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.scratch.joinpath("driver.txt").open("w"),
        )  # fmt: skip

    def ends(self) -> None:
        """End every process of the story, so that none writes into a folder that is being removed."""
        if self.driver is None:
            return
        if os.name == "posix":
            _end_group(self.driver)
        else:  # what the driver has started is ended with it
            tree = ["taskkill", "/T", "/F", "/PID", str(self.driver.pid)]
            subprocess.run(tree, capture_output=True, check=False)
            self.driver.wait()

    # ------------------------------------------------------------------------------------------------ … to commands
    def run(self, *words: str, ends: Collection[int] = (0,)) -> Ran:
        """One command of the repository. Raises `DemoFailed` unless it ends with one of these exit codes."""
        answer = self._asked({"run": words})
        if answer["code"] not in ends:
            raise DemoFailed(_ended(" ".join(words), answer))
        return Ran(answer["code"], answer["printed"], answer["said"])

    @contextlib.contextmanager
    def serving(self, *words: str, health: str, module: str = "") -> Iterator["Service"]:
        """A command that answers on a free port of this machine until the block ends; `module`: not `planrun`'s.

        Raises `DemoFailed` where it ends, or does not answer in time.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        pid = self._asked({"start": [*words, "--port", str(port)], "module": module})["pid"]
        service = Service(port)
        until = time.monotonic() + PATIENCE
        while not service.answers(health):
            if not self._asked({"alive": pid})["alive"] or time.monotonic() > until:
                ended = self._asked({"stop": pid})
                raise DemoFailed(_ended(" ".join(words), ended))
            time.sleep(0.05)
        try:
            yield service
        finally:
            self._asked({"stop": pid})

    def commit(self, message: str) -> None:
        """Commit everything, as nobody."""
        door.commit(self.folder, message, self.surroundings())

    def evidence(self, name: str) -> dict[str, Any]:
        """What a command measured."""
        return dict(json.loads(self.folder.joinpath(f"evidence/{name}.json").read_text("utf-8")))

    def answer(self, key: AnswerKey) -> str:
        """An answer as plan/project.yaml has it, a key and its text a line."""
        lines = self.folder.joinpath("plan/project.yaml").read_text("utf-8").splitlines()
        text = next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{key}:"))
        return str(json.loads(text)) if text.startswith('"') else text

    def plan(self, key: NumberKey) -> Any:
        """A number of the plan by its dotted key."""
        found: Any = json.loads(self.folder.joinpath("plan/plan.json").read_text("utf-8"))
        for part in key.split("."):
            found = found[part]
        return found["value"]

    def surroundings(self) -> dict[str, str]:
        """The person's environment without what would reach their home, their git or another Python.

        Nor does it say that an agent types: the story's people sign in a repository of the story, and nobody else does.
        """
        foreign = (
            "GIT_", "PYTHON", "PYTEST", "COVERAGE", "VIRTUAL_ENV", "XDG_", "OMP_", "OPENBLAS_", "MKL_", "MAKE",
            "PLANRUN_",
        )  # fmt: skip
        kept = {key: value for key, value in os.environ.items() if not key.upper().startswith(foreign)}
        home, passing = str(self.scratch / "home"), str(self.scratch / "tmp")
        git = {"GIT_CONFIG_GLOBAL": str(self.scratch / "home" / ".gitconfig"), "GIT_CONFIG_SYSTEM": os.devnull}
        git |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        places = {"HOME": home, "USERPROFILE": home, "APPDATA": home, "LOCALAPPDATA": home}
        places |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), passing)
        python = {"PYTHONPATH": "src", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return kept | git | places | python

    # ------------------------------------------------------------------------------------------------ … to the end
    @staticmethod
    def refuse(keep: Path) -> None:
        """Raise `DemoNotKept` where the repository could not be moved to."""
        if keep.is_symlink() or (keep.exists() and not keep.is_dir()):
            raise DemoNotKept(keep, "it is there, and no folder")
        if keep.is_dir() and (found := sorted(path.name for path in keep.iterdir())):
            raise DemoNotKept(keep, f"it is not empty ({', '.join(found[:8])})")
        above = keep.absolute().parent
        if not above.is_dir():
            raise DemoNotKept(keep, f"there is no folder {above}")
        if not os.access(above, os.W_OK):
            raise DemoNotKept(keep, f"{above} cannot be written to")

    def kept(self, keep: Path) -> None:
        """Move the repository out of the scratch folder. Raises `DemoNotKept` where the place cannot be written."""
        self.ends()
        try:
            if keep.is_dir():
                keep.rmdir()  # empty, or it would have been refused
            shutil.move(self.folder, keep)
        except OSError as error:
            raise DemoNotKept(keep, error.strerror or str(error)) from error

    def _asked(self, order: Mapping[str, Any]) -> dict[str, Any]:
        assert self.driver is not None
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        try:
            if self.cpu == 0.0:
                self._heard()  # that it is ready
            self.driver.stdin.write(json.dumps(order) + "\n")
            self.driver.stdin.flush()
            return self._heard()
        except (BrokenPipeError, ValueError):
            said = self.scratch.joinpath("driver.txt").read_text("utf-8", "replace")
            ended = {"code": self.driver.wait(), "said": said}
            raise DemoFailed(_ended(f"import {self.package}", ended)) from None

    def _heard(self) -> dict[str, Any]:
        """The driver's next answer. Raises `ValueError` where it has none."""
        assert self.driver is not None
        assert self.driver.stdout is not None
        answer = dict(json.loads(self.driver.stdout.readline()))
        self.cpu = answer["cpu"]
        return answer


@dataclass(frozen=True)
class Service:
    """A service on this machine, asked without the proxies that the surroundings may name, always with `headers`."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def answers(self, path: str) -> bool:
        """Whether somebody answers there yet."""
        try:
            return self._ask(path, None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, path: str, body: Any = None) -> Any:
        """What it says, as JSON, to a GET, or to a POST of a JSON body. Raises `DemoFailed` unless it is glad to."""
        try:
            status, said = self._ask(path, body)
        except (OSError, http.client.HTTPException) as error:
            raise DemoFailed(f"the service did not answer {path}: {type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            raise DemoFailed(f"the service answered {path} with {status}: {said.decode('utf-8', 'replace')[:200]}")
        return json.loads(said)

    def _ask(self, path: str, body: Any) -> tuple[int, bytes]:
        text = None if body is None else json.dumps(body)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            headers = {"Content-Type": "application/json"} | self.headers
            line.request("GET" if text is None else "POST", path, text, headers)
            reply = line.getresponse()
            return reply.status, reply.read()


def _end_group(leader: subprocess.Popen[str]) -> None:
    """Ask the processes of a group to end, then end them."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            leader.wait(LAST)
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()
    until = time.monotonic() + LAST
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:  # whoever adopted them may be slow to bury them
            os.killpg(leader.pid, 0)
            time.sleep(0.01)


def _ended(command: str, answer: Mapping[str, Any]) -> str:
    """How a command ended, in one sentence with the last thing it said."""
    lines = [line.strip() for line in answer["said"].splitlines() if line.strip()]
    return f"`{command}` ended with exit code {answer['code']}: {lines[-1] if lines else 'it said nothing'}"
