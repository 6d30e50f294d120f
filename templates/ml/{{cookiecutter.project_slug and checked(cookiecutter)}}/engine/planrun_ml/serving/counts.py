"""What a service counts. Every worker process counts in a file of its own, and whichever is asked tells of all.

A file holds what was counted even after its worker has died, so that a sum never falls; what waits, and which version
answers, is told of workers that live.
"""

import mmap
import os
import sys
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

if sys.platform != "win32":
    import fcntl

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
SOURCES = ("model", "rule")  # who answers
SECONDS = len(SOURCES) + len(BUCKETS) + 1  # the places of numbers: rows by source, requests by bucket, these two
WAITING = SECONDS + 1
NUMBERS = WAITING + 1
SIZE = 8 * NUMBERS + 64  # bytes; the last 64 are the version's name


@dataclass(frozen=True)
class Told:
    """What one worker has counted: its numbers in their places, its version, and whether it still runs."""

    numbers: Sequence[float]
    version: str
    lives: bool


class Counts:
    """One worker's numbers, in its own file in a folder that the workers share; without a folder in memory alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._raw: mmap.mmap | bytearray = bytearray(SIZE)
        if folder is not None:
            self._file, _ = tempfile.mkstemp(".counts", dir=folder)  # open until this process ends, however it ends
            os.truncate(self._file, SIZE)
            if sys.platform != "win32":
                fcntl.flock(self._file, fcntl.LOCK_EX)
            self._raw = mmap.mmap(self._file, SIZE)
        self._numbers = memoryview(self._raw)[: 8 * NUMBERS].cast("d")

    def answered(self, sources: Iterable[str], seconds: float) -> None:
        """One request: who answered each of its rows, and how long it took."""
        for source in sources:
            self._numbers[SOURCES.index(source)] += 1
        self._numbers[len(SOURCES) + bisect_left(BUCKETS, seconds)] += 1
        self._numbers[SECONDS] += seconds

    def waits(self, rows: int) -> None:
        """So many rows more wait for an answer; fewer, where it is negative."""
        self._numbers[WAITING] += rows

    def answers_with(self, version: str) -> None:
        """The version that answers from here on."""
        self._raw[8 * NUMBERS :] = version.encode()[:64].ljust(64, b"\0")

    def text(self) -> str:
        """What all workers have counted, in the text format that Prometheus reads."""
        told = self._all()
        total = [sum(column) for column in zip(*(one.numbers for one in told), strict=True)]
        living = [one for one in told if one.lives]
        rows = {source: total[place] for place, source in enumerate(SOURCES) if total[place]}
        within = dict(zip([*BUCKETS, "+Inf"], accumulate(total[len(SOURCES) : SECONDS]), strict=True))
        lines = [f"predictions_total{_label('source', source)} {count:.0f}" for source, count in rows.items()]
        lines += [f"request_seconds_bucket{_label('le', bucket)} {count:.0f}" for bucket, count in within.items()]
        lines += [f"request_seconds_count {within['+Inf']:.0f}", f"request_seconds_sum {total[SECONDS]:.6f}"]
        versions = Counter(one.version for one in living)
        lines += [f"model_info{_label('version', version)} 1" for version in sorted(versions)]
        lines += [f"queue_rows {sum(one.numbers[WAITING] for one in living):.0f}", f"workers {len(living)}"]
        return "\n".join(lines) + "\n"

    def _all(self) -> list[Told]:
        if self.folder is None:
            return [_read(bytes(self._raw), lives=True)]
        return [_read(path.read_bytes(), lives=_is_held(path)) for path in sorted(self.folder.glob("*.counts"))]


def _read(raw: bytes, *, lives: bool) -> Told:
    raw = raw.ljust(SIZE, b"\0")  # a file that another worker is just making
    return Told(memoryview(raw)[: 8 * NUMBERS].cast("d").tolist(), raw[8 * NUMBERS :].rstrip(b"\0").decode(), lives)


def _is_held(path: Path) -> bool:
    """Whether the worker that counts in a file still runs: its lock ends with it."""
    if sys.platform == "win32":
        return True
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _label(name: str, value: object) -> str:
    return "{" + f'{name}="{value}"' + "}"
