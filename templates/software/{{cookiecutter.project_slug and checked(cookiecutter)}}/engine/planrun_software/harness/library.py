"""Functions that are imported and called.

Another release is called in a process of its own, because one process can import a package only once.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from planrun_software.harness.deliverable import Harness, Reply, Surroundings


class Own(Harness):
    """A product that is imported."""

    def product(self, folder: Path, source: Path | None = None, workers: int = 1, **environment: str) -> "Called":
        """The functions of a release in `source`, this one's where none is named, called in this process."""
        return Called(self, folder, source or self.source, **environment)


class Called:
    """The functions of one release. `source` is the folder that holds its package."""

    def __init__(self, harness: Harness, folder: Path, source: Path, **environment: str) -> None:
        self._harness, self._folder, self._source = harness, folder, source
        self._surroundings = Surroundings(**{"PREDICTION_LOG": str(folder)} | environment)

    def __enter__(self) -> "Called":
        self._surroundings.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._surroundings.leave()

    def perform(self, capability: str, request: Mapping[str, Any]) -> Reply:
        """Call one function with what it takes."""
        started = time.perf_counter()
        if self._source != self._harness.source:
            return self._elsewhere(capability, request, started)
        own = self._harness.module("capabilities")
        try:
            texts = {name: value for name, value in request.items() if isinstance(value, str)}
            rest = {name: value for name, value in request.items() if name not in texts}
            outcome = own.CAPABILITIES[capability](own.request_of(capability, texts, **rest))
        except own.Refused as refusal:
            return Reply(False, True, {"detail": str(refusal)}, time.perf_counter() - started)
        except Exception:  # a caller of a service would get a 500: it is counted, and what broke is told
            return Reply(False, False, {"detail": traceback.format_exc()}, time.perf_counter() - started)
        return Reply(True, False, dict(outcome.as_json()), time.perf_counter() - started)

    def _elsewhere(self, capability: str, request: Mapping[str, Any], started: float) -> Reply:
        options = [f"--{name.replace('_', '-')}={text}" for name, text in request.items() if name != "subject"]
        words = [
            sys.executable,
            "-m",
            self._harness.package,
            "run",
            *options,
            capability,
            "--",
            str(request["subject"]),
        ]
        environment = os.environ | {"PYTHONPATH": str(self._source), "PYTHONUTF8": "1"}
        done = subprocess.run(
            words, env=environment, cwd=self._folder, capture_output=True, text=True, encoding="utf-8", check=False
        )
        body = json.loads(done.stdout) if done.returncode == 0 else {"detail": done.stderr}
        refused = done.returncode == 1 and "Traceback" not in done.stderr
        return Reply(done.returncode == 0, refused, body, time.perf_counter() - started)

    def kept(self) -> list[dict[str, Any]]:
        """It remembers nothing."""
        return []
