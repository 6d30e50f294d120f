"""The prediction log: what was answered, when, by which version, from which inputs; and the labels that come back.

Online, one JSON line a prediction, handed to the operating system before the reply leaves: a killed process loses no
acknowledged prediction, at most a torn last line, which the reader skips. In batch, Parquet parts under a temporary
name, renamed when whole. Labels come later, in files of `id,label`, and are joined by id.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.measuring.case import Case
from planrun_ml.tables.parquet import read_parquet
from planrun_ml.tables.sql import literal, quoted

FIELDS = (
    *("id", "made_at", "model", "source", "input_hash", "inputs", "score", "decision"),
    *("detail", "reason", "group_key", "outcome", "ms"),
)
PREDICTIONS = Path("predictions")
LABELS = Path("labels")
SETTLED = "settled.csv"  # in that folder: what a named person said where two labels differ
Encode = Callable[[Any], bytes]
GRACE = timedelta(days=1)  # a label is missed a day after it was due


# ------------------------------------------------------------------------------------------------ writing
def as_json(value: object) -> bytes:
    """JSON as the log holds it. A service that has a quicker writer gives that to `record` and `Log`."""
    return json.dumps(value, ensure_ascii=False, default=str).encode()


def record(
    key: str, inputs: Mapping[str, Any], answer: Mapping[str, Any], ms: float, group: str = "", encode: Encode = as_json
) -> dict[str, Any]:
    """One line of the log; `outcome` stays empty until a label with this id arrives."""
    return {
        "id": key,
        "made_at": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "model": answer["model"],
        "source": answer["source"],
        "input_hash": hashlib.blake2b(encode(dict(sorted(inputs.items()))), digest_size=8).hexdigest(),
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

    def __init__(self, folder: Path, encode: Encode = as_json) -> None:
        self.folder, self.encode = folder, encode
        self.day: date | None = None
        self.handle = -1

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Returns when the operating system holds every line; raises when it does not, and then nobody is answered."""
        today = datetime.now(UTC).date()
        if today != self.day:
            self._open(today)
        lines = memoryview(b"".join(self.encode(row) + b"\n" for row in rows))
        while lines:
            lines = lines[os.write(self.handle, lines) :]

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
        """Close the file of the day; the next line opens one again."""
        if self.handle >= 0:
            os.close(self.handle)
        self.handle, self.day = -1, None


# ------------------------------------------------------------------------------------------------ reading
def log_sql(folder: Path, types: Mapping[str, str]) -> str:
    """One SQL text over everything logged, online and batch; no rows where nothing was. `types` are the inputs'."""
    inputs = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    known = {"made_at": "TIMESTAMP", "score": "DOUBLE", "ms": "DOUBLE", "inputs": f"STRUCT({inputs})"}
    columns = {name: known.get(name, "VARCHAR") for name in FIELDS}
    texts = [f"select {', '.join(f'null::{kind} as {name}' for name, kind in columns.items())} where false"]
    if lines := sorted(folder.glob("*.jsonl")):
        asked = ", ".join(f"{name} := {literal(kind)}" for name, kind in columns.items())
        read = f"read_ndjson({_files(lines)}, ignore_errors=true, columns=struct_pack({asked}))"
        texts.append(f"select * from {read} where id is not null and made_at is not null")  # a torn line has neither
    if parts := sorted(_parts(folder)):
        texts.append(f"select {', '.join(FIELDS)} from read_parquet({_files(parts)}, union_by_name=true)")
    return " union all by name ".join(f"({text})" for text in texts)


def _files(paths: Iterable[Path]) -> str:
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


def _parts(folder: Path) -> list[Path]:
    """The Parquet parts of batch runs that are whole."""
    return [part for run in folder.glob("*/run.json") for part in run.parent.glob("part-*.parquet")]


def last_rows(folder: Path, count: int = 100) -> list[dict[str, Any]]:
    """The newest whole records, as far as the newest file holds them."""
    newest = max([*folder.glob("*.jsonl"), *_parts(folder)], key=lambda file: file.stat().st_mtime, default=None)
    if newest is None:
        return []
    if newest.suffix == ".parquet":
        return list(read_parquet(newest).tail(count).to_dict("records"))
    lines = newest.read_bytes().split(b"\n")[:-1][-count:]  # what follows the last line break is torn
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def read_labels(con: duckdb.DuckDBPyConnection, folder: Path, card: Mapping[str, Any]) -> None:
    """Late labels in the card's words, as the table `labels` of id, label and file; in `odd` those that say nothing.

    Raises `Trouble` where a file cannot be read, or lacks a column.
    """
    readers = {".csv": "read_csv({}, all_varchar=true)", ".parquet": "read_parquet({})", ".jsonl": "read_json_auto({})"}
    con.execute("create table labels (id varchar, label varchar, file varchar)")
    for file in sorted(file for file in folder.glob("*") if file.suffix in readers):
        name, table = f"{LABELS}/{file.name}", readers[file.suffix].format(literal(str(file)))
        try:
            held = con.execute(f"select * from {table} limit 0").df().columns
            if missing := " and no ".join(column for column in ("id", "label") if column not in held):
                raise Trouble(f"{name} has no column {missing}.", "Every file there needs the columns id and label.")
            con.execute(f"insert into labels select id, trim(label::varchar), {literal(name)} from {table}")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise Trouble(f"{name} cannot be read: {str(error).splitlines()[0]}", "Mend it, or move it away.") from None
    con.execute("delete from labels where coalesce(id, '') = '' or coalesce(label, '') = ''")
    decided = literal(f"{LABELS}/{SETTLED}")  # a dispute that somebody settled is none
    con.execute(f"delete from labels where file <> {decided} and id in (select id from labels where file = {decided})")
    words = {plain(name): name for name in card["labels"]}
    if card["task"] == "binary":  # a caller need not know what the data calls the two
        words = {("yes" if name == card["positive"] else "no"): name for name in card["labels"]} | words
    for (text,) in con.execute("select distinct label from labels").fetchall() if words else ():
        con.execute("update labels set label = ? where label = ?", [words.get(plain(text), text), text])
    known = f"label in ({', '.join(literal(name) for name in words.values())})"
    says = known if words else "coalesce(isfinite(try_cast(label as double)), false)"
    con.execute(f"create table odd as from labels where not {says}")
    con.execute(f"delete from labels where not {says}")


def odd_labels(con: duckdb.DuckDBPyConnection) -> str:
    """What came back and is no number, or no class that the version knows; "" where there is nothing of that kind."""
    found = con.execute("select label, id, file from odd order by file, id").fetchall()
    if not found:
        return ""
    label, key, file = found[0]
    return f"{many(len(found), 'label')} cannot be used; the first is {label!r} for {key} in {file}"


def disputed(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Answers whose late labels differ, so that they count in no figure: id → the labels."""
    found = con.execute(
        "select id, string_agg(distinct label, ', ' order by label) from labels group by id "
        "having count(distinct label) > 1 order by id"
    )
    return dict(found.fetchall())


def labels_alone(root: Path, card: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """A connection with the late labels and no answers."""
    con = duckdb.connect()
    read_labels(con, root / LABELS, card)
    return con


def many(count: int, word: str) -> str:
    """1 label, 1,200 labels."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def moment_of(text: str) -> datetime:
    """A moment in UTC without a zone, as the log has them; now, unless one is given.

    Raises `Trouble` where it is none.
    """
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        raise Trouble(f'"{text}" is no moment.', "Write 2026-01-31T10:00.") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def open_log(
    root: Path, card: Mapping[str, Any], types: Mapping[str, str], since: datetime, until: datetime
) -> duckdb.DuckDBPyConnection:
    """A connection whose tables `log`, `labels` and `odd` hold what was answered and what came back."""
    con = duckdb.connect(config={"memory_limit": "1GB"})
    con.execute("set timezone = 'UTC'")
    window = f"made_at > timestamp '{since}' and made_at <= timestamp '{until}'"
    con.execute(f"create table log as select * from ({log_sql(root / PREDICTIONS, types)}) where {window}")
    read_labels(con, root / LABELS, card)
    return con


# ------------------------------------------------------------------------------------------------ late labels
def expected_share(repo: Repo) -> float:
    """Of the labels that are due, the share below which too few come back: four fifths of what the plan counts on."""
    return 0.8 * float(repo.answers["label_return_share"])


def nothing_due(repo: Repo) -> str:
    """A label is missed a day after it was due, and no answer is that old yet."""
    waits = float(repo.answers["label_delay_days"]) + GRACE / timedelta(days=1)
    return f"no answer is older than {many(math.ceil(waits), 'day')}, after which a label is missed"


def labelled(con: duckdb.DuckDBPyConnection, card: Mapping[str, Any]) -> pd.DataFrame:
    """The version's own answers whose label came back, oldest first; ids with two different labels stay out."""
    return con.execute(
        "with truth as (select id, any_value(label) as label from labels group by id "
        "having count(distinct label) = 1), "
        f"said as (select * from log where model = '{card['version']}' and source = '{card['kind']}' "
        "qualify row_number() over (partition by id order by made_at desc) = 1) "
        "select said.* exclude (inputs), truth.label from said join truth using (id) order by made_at, id"
    ).df()


def plain(text: object) -> str:
    """One spelling for 1, 1.0 and " 1 "."""
    stripped = str(text).strip()
    try:
        return f"{float(stripped):g}"
    except ValueError:
        return stripped


def case_of(card: Mapping[str, Any], rows: pd.DataFrame) -> Case:
    """Labelled answers as the evaluator takes them."""
    if card["task"] == "multiclass":
        said = [json.loads(text) for text in rows["detail"]]
        table = np.array([[row[name] for name in card["classes"]] for row in said], dtype=float)
        return Case(rows["label"].to_numpy(dtype=object), table, classes=tuple(card["classes"]))
    scores = rows["score"].to_numpy(dtype=float)
    if card["task"] == "binary":
        return Case((rows["label"] == card["positive"]).to_numpy(dtype=float), scores, card["threshold"])
    queries = rows["group_key"].to_numpy(dtype=object) if card["task"] == "ranking" else None
    return Case(rows["label"].to_numpy(dtype=float), scores, queries=queries)


def expected_accuracy(best: np.ndarray) -> tuple[float, float]:
    """CBPE: the accuracy that the chances of the chosen classes promise, and its standard error (F25).

    An early warning, never a pass: it believes the model, so it is blind when the meaning of the inputs changes.
    """
    return float(best.mean()), float(math.sqrt((best * (1 - best)).sum()) / len(best))
