"""A command that is started, answers and ends.

None of the tests, loads and drills that go through here can pass on code that nobody could reach from a shell.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from planrun.catalogue import NumberKey

from planrun_software.harness.deliverable import STAND_INS, Harness, Reply


class Own(Harness):
    """A product that people type."""

    SAMPLES: NumberKey = "slo.demo_samples_p95"  # starting a process takes long

    def product(self, folder: Path, source: Path | None = None, workers: int = 1, **environment: str) -> "Started":
        """The command of a release in `source`, this one's where none is named; `workers` says nothing here."""
        return Started(self.package, folder, source or self.source, **environment)


class Started:
    """The command of one release. `source` is the folder that holds its package."""

    def __init__(self, package: str, folder: Path, source: Path, **environment: str) -> None:
        self._package, self._folder = package, folder
        self._environment = os.environ | STAND_INS | {"PREDICTION_LOG": str(folder)} | environment
        self._environment |= {"PYTHONPATH": str(source), "PYTHONUTF8": "1"}

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing keeps running."""

    def perform(self, capability: str, request: Mapping[str, Any]) -> Reply:
        """Start the command once; each field of the request but its subject is an option."""
        start = f"from {self._package}.run import main; main()"
        options = [f"--{name.replace('_', '-')}={text}" for name, text in request.items() if name != "subject"]
        words = [capability.replace("_", "-"), *options, "--json", "--", str(request["subject"])]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", start, *words],
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        seconds = time.perf_counter() - started
        body = json.loads(done.stdout) if done.returncode == 0 else {"detail": done.stderr}
        return Reply(done.returncode == 0, done.returncode == 1 and "Traceback" not in done.stderr, body, seconds)

    def kept(self) -> list[dict[str, Any]]:
        """It remembers nothing."""
        return []
