"""How much memory the rows of a split take, told before they are read into one frame; refused where it is not there.

A rough figure: bytes a value as pandas holds them (8 a number; about 64 a text, with its object), a quarter more while
they are read, and for a training the matrix that is made of them, twice while its parts are put together.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from planrun.repository import Repo
from planrun.trouble import Blocked

from planrun_ml.tables import LESS

GIB = 2**30
TOLD = GIB  # bytes from which on it is worth a line
NUMBER, TEXT = 8, 64
BESIDE = 2 * TEXT  # a row's key and answer, and its place
READING = 1.25
# Where the kernel says what is free, and a container what it may take.
FREE = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")


def announce(repo: Repo, parts: Sequence[str], doing: str, *, trains: bool = False) -> None:
    """Say on standard error how many rows are read and about how many bytes that takes, where it is a gibibyte or more.

    `doing` says what becomes of the rows, `trains` that a model is trained on them. Raises `Blocked` where the memory
    is not there: the system would end the process without a word.
    """
    found, split = repo.evidence("quality"), repo.evidence("splits")
    if not found or not split:
        return  # whoever reads the rows says that they were never audited
    rows = sum(split["sizes"][part] for part in parts)
    levels = {name: held.get("distinct", 0) for name, held in found["profile"].items()}
    needs, there = needed(found["inputs"], levels, rows, trains=trains), free()
    if needs < TOLD:
        return
    told = f"{rows:,} rows of {' and '.join(parts)} take about {needs / GIB:.1f} GiB of memory"
    if there is not None and needs > there:
        raise Blocked(f"{told}, and {there / GIB:.1f} GiB are free.", LESS)
    beside = "" if there is None else f"; {there / GIB:.1f} GiB are free"
    print(f"{told}{beside}. {doing}", file=sys.stderr, flush=True)


def needed(inputs: Mapping[str, str], levels: Mapping[str, int], rows: int, *, trains: bool) -> int:
    """Bytes at the peak, roughly. `inputs`: column → kind; `levels`: column → how many values it has."""
    texts = [name for name, kind in inputs.items() if kind in ("category", "text")]
    numbers = len(inputs) - len(texts)
    held = READING * (NUMBER * numbers + TEXT * len(texts) + BESIDE)
    wide = 2 * numbers + sum(levels.get(name, 0) for name in texts if inputs[name] == "category")
    made = TEXT * len(texts) + 2 * NUMBER * wide if trains else 0
    return round(rows * (held + made))


def free() -> int | None:
    """Bytes that this process may still take, swap among them; None where the system does not say."""
    if not FREE.is_file():
        return None
    known = _told(FREE)
    found = 1024 * (known.get("MemAvailable:", 0) + known.get("SwapFree:", 0))
    limit = GROUP / "memory.max"
    if limit.is_file() and (most := limit.read_text("utf-8").strip()).isdecimal():
        cached = _told(GROUP / "memory.stat").get("file", 0)  # given back as soon as somebody needs it
        found = min(found, int(most) - int((GROUP / "memory.current").read_text("utf-8")) + cached)
    return found


def _told(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    lines = (line.split() for line in path.read_text("utf-8").splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) > 1}
