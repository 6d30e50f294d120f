"""A job that is given a file and leaves results in a folder.

Another release runs in a process of its own, because one process can import a package only once.
"""

import csv
import json
import os
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from planrun_software.harness.deliverable import Content, Harness, Reply, Surroundings
from planrun_software.harness.tables import of_rows


class Own(Harness):
    """A product that is run over a file."""

    def product(self, folder: Path, source: Path | None = None, workers: int = 1, **environment: str) -> "Run":
        """The job of a release in `source`, this one's where none is named; `workers` says nothing here."""
        return Run(self, folder, source or self.source, **environment)

    def backup(self, folder: Path, file: Path) -> int:
        """Copy the ledger in `folder` into a file; the number of records."""
        return int(self.module("ledger").copy(folder, file))

    def restore(self, file: Path, folder: Path) -> int:
        """Bring a copy of the ledger back into `folder`; the number of records."""
        return int(self.module("ledger").bring_back(file, folder))

    def content(self, folder: Path) -> dict[str, Content]:
        """Every table of the ledger, but for those that SQLite keeps for itself."""
        own = "type = 'table' and name not like 'sqlite!_%' escape '!'"
        with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
            names = ledger.execute(f"select name from sqlite_master where {own} order by name").fetchall()
            return {name: of_rows(ledger.execute(f'select * from "{name}" order by 1')) for (name,) in names}


class Run:
    """The job of one release. `source` is the folder that holds its package, `folder` keeps ledger and results."""

    def __init__(self, harness: Harness, folder: Path, source: Path, **environment: str) -> None:
        self._harness, self._folder, self._source = harness, folder, source
        self._surroundings = Surroundings(**{"PREDICTION_LOG": str(folder)} | environment)

    def __enter__(self) -> "Run":
        self._surroundings.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._surroundings.leave()

    def perform(self, capability: str, request: Mapping[str, Any]) -> Reply:
        """Run the job over a file of one row, a column a field."""
        file, subject = self._folder / "input.csv", str(request["subject"])
        with file.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows([["capability", *request], [capability, *request.values()]])
        started = time.perf_counter()
        code, told = self._carry_out(file)
        seconds = time.perf_counter() - started
        if code not in (0, 1) or "Traceback" in told:
            return Reply(False, False, {"detail": f"the job ended with {code}: {told}"}, seconds)
        with (self._folder / "rejected.csv").open(encoding="utf-8", newline="") as lines:
            reasons = [row["reason"] for row in csv.DictReader(lines)]
        refused = bool(reasons)
        found = [one for one in self.kept() if (one["capability"], one["subject"]) == (capability, subject.strip())]
        body = {"detail": reasons[0]} if refused else found[0] if found else {}
        return Reply(bool(found) and not refused, refused, body, seconds)

    def kept(self) -> list[dict[str, Any]]:
        """What the product remembers."""
        file = self._folder / "outcomes.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []

    def _carry_out(self, file: Path) -> tuple[int, str]:
        """The exit code of the job, and what it complained about."""
        if self._source == self._harness.source:
            try:
                return min(int(self._harness.module("run").carry_out(file, self._folder).rejected), 1), ""
            except Exception:  # as a process of its own would end
                return 1, traceback.format_exc()
        words = [sys.executable, "-m", self._harness.package, "run", str(file), str(self._folder)]
        environment = os.environ | {"PYTHONPATH": str(self._source), "PYTHONUTF8": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
        return done.returncode, done.stderr
