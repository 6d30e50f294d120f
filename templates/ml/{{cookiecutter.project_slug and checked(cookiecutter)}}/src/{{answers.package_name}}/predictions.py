"""The prediction log: what was answered, when, by which version, from which inputs.

Online, one JSON line a prediction, handed to the operating system before the reply leaves: a killed process loses no
acknowledged prediction, at most a torn last line, which the reader skips. In batch, Parquet parts under a temporary
name, renamed when whole. Labels come later, in files of `id,label`, and are joined by id.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from .engine import literal, quoted, read_parquet

FIELDS = (
    *("id", "made_at", "model", "source", "input_hash", "inputs", "score", "decision"),
    *("detail", "reason", "group_key", "outcome", "ms"),
)
PREDICTIONS = Path("predictions")
LABELS = Path("labels")


def input_hash(inputs: Mapping[str, Any]) -> str:
    """The same inputs give the same 16 characters, whatever their order."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def record(
    key: str, inputs: Mapping[str, Any], answer: Mapping[str, Any], ms: float, group: str = ""
) -> dict[str, Any]:
    """One line of the log; `outcome` stays empty until a label with this id arrives."""
    return {
        "id": key,
        "made_at": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "model": answer["model"],
        "source": answer["source"],
        "input_hash": input_hash(inputs),
        "inputs": dict(inputs),
        "score": answer.get("score"),
        "decision": answer["decision"],
        "detail": answer.get("detail", ""),
        "reason": answer.get("reason", ""),
        "group_key": group,
        "outcome": None,
        "ms": round(ms, 3),
    }


class Log:
    """Appends lines to one file a process and a day; one write call for all rows of a batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.day: date | None = None
        self.handle = -1

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Returns when the operating system holds every line; raises when it does not, and then nobody is answered."""
        today = datetime.now(UTC).date()
        if today != self.day:
            self._open(today)
        lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        _write_all(self.handle, lines.encode())

    def _open(self, today: date) -> None:
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{today.isoformat()}-{os.getpid()}.jsonl"
        self.handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(self.handle).st_size
        if size and os.pread(self.handle, 1, size - 1) != b"\n":
            os.write(self.handle, b"\n")  # an earlier process with this number died in the middle of a line
        self.day = today

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
        self.handle, self.day = -1, None


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def kinds_of(types: Mapping[str, str]) -> dict[str, str]:
    """The log's columns with their SQL types; `types` are those of the inputs."""
    fields = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    known = {"made_at": "TIMESTAMP", "score": "DOUBLE", "ms": "DOUBLE", "inputs": f"STRUCT({fields})"}
    return {name: known.get(name, "VARCHAR") for name in FIELDS}


def lines_sql(files: Sequence[Path], types: Mapping[str, str]) -> str:
    """All whole lines of some log files; torn ones have no id."""
    names = ", ".join(literal(str(file)) for file in files)
    columns = ", ".join(f"{name}: {literal(kind)}" for name, kind in kinds_of(types).items())
    read = f"read_json([{names}], format='newline_delimited', ignore_errors=true, columns="
    return f"select * from {read}" + "{" + columns + "}) where id is not null and made_at is not null"


def log_sql(folder: Path, types: Mapping[str, str]) -> str:
    """One SQL text over everything logged, online and batch; no rows where nothing was."""
    lines = sorted(folder.glob("*.jsonl"))
    parts = sorted(part for run in folder.glob("*/run.json") for part in run.parent.glob("part-*.parquet"))
    nothing = ", ".join(f"null::{kind} as {name}" for name, kind in kinds_of(types).items())
    texts = [f"select {nothing} where false"] + ([lines_sql(lines, types)] if lines else [])
    if parts:
        names = ", ".join(literal(str(part)) for part in parts)
        texts.append(f"select {', '.join(FIELDS)} from read_parquet([{names}], union_by_name=true)")
    return " union all by name ".join(f"({text})" for text in texts)


def labels_sql(folder: Path) -> str | None:
    """Late labels as (id, label, by): CSV, Parquet or JSON lines with an id and a label; None without a file."""
    readers = {".csv": "read_csv", ".parquet": "read_parquet", ".jsonl": "read_json_auto"}
    texts = []
    for file in sorted(folder.glob("*")):
        if file.suffix in readers:
            extra = ", all_varchar=true" if file.suffix == ".csv" else ""
            texts.append(
                f"select cast(id as varchar) as id, cast(label as varchar) as label, {literal(file.stem)} as origin "
                f"from {readers[file.suffix]}({literal(str(file))}{extra})"
            )
    return " union all ".join(texts) or None


def last_rows(folder: Path, count: int = 100) -> list[dict[str, Any]]:
    """The newest whole records, as far as the newest file holds them."""
    parts = [part for run in folder.glob("*/run.json") for part in run.parent.glob("part-*.parquet")]
    newest = max([*folder.glob("*.jsonl"), *parts], key=lambda file: file.stat().st_mtime, default=None)
    if newest is None:
        return []
    if newest.suffix == ".parquet":
        return read_parquet(newest).tail(count).to_dict("records")
    lines = newest.read_bytes().split(b"\n")[:-1][-count:]  # what follows the last line break is torn
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]
