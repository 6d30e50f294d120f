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
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from .drift import verdicts
from .engine import literal, quoted, read_parquet
from .evaluate import Case, score
from .files import Trouble
from .repo import Repo

FIELDS = (
    *("id", "made_at", "model", "source", "input_hash", "inputs", "score", "decision"),
    *("detail", "reason", "group_key", "outcome", "ms"),
)
PREDICTIONS = Path("predictions")
LABELS = Path("labels")
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
        return read_parquet(newest).tail(count).to_dict("records")
    lines = newest.read_bytes().split(b"\n")[:-1][-count:]  # what follows the last line break is torn
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def labels_sql(folder: Path) -> str:
    """Late labels as (id, label, origin): CSV, Parquet or JSON lines with an id and a label."""
    texts = ["select ''::varchar as id, ''::varchar as label, ''::varchar as origin where false"]
    readers = {".csv": "read_csv({}, all_varchar=true)", ".parquet": "read_parquet({})", ".jsonl": "read_json_auto({})"}
    for file in sorted(file for file in folder.glob("*") if file.suffix in readers):
        table = readers[file.suffix].format(literal(str(file)))
        texts.append(f"select id::varchar, label::varchar, {literal(file.stem)} from {table}")
    return " union all ".join(texts)


def moment_of(text: str) -> datetime:
    """A moment in UTC without a zone, as the log has them; now, unless one is given."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        raise Trouble(f'"{text}" is no moment.', "Write 2026-01-31T10:00.") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def open_log(
    root: Path, card: Mapping[str, Any], types: Mapping[str, str], since: datetime, until: datetime
) -> duckdb.DuckDBPyConnection:
    """A connection whose tables `log` and `labels` hold what was answered and what came back, in the card's words."""
    con = duckdb.connect(config={"memory_limit": "1GB"})
    con.execute("set timezone = 'UTC'")
    window = f"made_at > timestamp '{since}' and made_at <= timestamp '{until}'"
    con.execute(f"create table log as select * from ({log_sql(root / PREDICTIONS, types)}) where {window}")
    try:
        con.execute(f"create table labels as from ({labels_sql(root / LABELS)}) where id != '' and label != ''")
    except duckdb.Error as error:
        said = f"{LABELS}/ cannot be read: {str(error).splitlines()[0]}"
        raise Trouble(said, "Every file there needs the columns id and label.") from None
    words = {plain(name): name for name in card["labels"]}
    if card["task"] == "binary":  # a caller need not know what the data calls the two
        words = {("yes" if name == card["positive"] else "no"): name for name in card["labels"]} | words
    for (text,) in con.execute("select distinct label from labels").fetchall() if words else ():
        con.execute("update labels set label = ? where label = ?", [words.get(plain(text), text), text])
    return con


# ------------------------------------------------------------------------------------------------ late labels
def expected_share(repo: Repo) -> float:
    """Of the labels that are due, the share below which too few come back: four fifths of what the plan counts on."""
    return 0.8 * float(repo.answers["label_return_share"])


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
    return Case(pd.to_numeric(rows["label"], errors="coerce").to_numpy(dtype=float), scores, queries=queries)


def judge(repo: Repo, con: duckdb.DuckDBPyConnection, card: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """What late labels say about the version that answers: value, rows, and the verdict of each test."""
    due = moment - timedelta(days=float(repo.answers["label_delay_days"])) - GRACE
    asked = f"select distinct id from log where model = '{card['version']}' and made_at <= timestamp '{due}'"
    counted = f"select count(*), count(*) filter (where id in (select id from labels)) from ({asked})"
    expected, received = con.execute(counted).fetchall()[0]
    metric, planned, rows = card["metric"], repo.number("monitor.floor"), labelled(con, card)
    floor = card["floor"] if planned is None else planned
    facts = {"metric": metric, "due": expected, "received": received, "healthy": card["healthy"]["value"]}
    facts |= {"floor": floor, "rows": len(rows), "value": None, "needed": 0, "verdicts": []}
    if not len(rows):
        return facts | {"reason": "no label has come back for an answer of this version"}
    case = case_of(card, rows)
    value = score(metric, case)
    facts["value"] = value if math.isfinite(value) else None
    if floor is None:
        said = f"{metric} has no floor, so nothing can be below it: measure the baseline, then replan"
        return facts | {"reason": said}
    limits = (repo.needed(key) for key in ("acceptance.alpha", "acceptance.power", "monitor.cusum_h"))
    days = rows["made_at"].dt.strftime("%Y-%m-%d").to_numpy()
    found, needed = verdicts(card, case, days, floor, *limits)
    order = ("decayed", "healthy", "open")
    first = min((verdict for verdict in found if verdict.counts), key=lambda verdict: order.index(verdict.state))
    said = f"{first.test}: {first.reason}"
    if facts["value"] is not None:
        said = f"{metric} {value:.4g}, floor {floor:.4g}; {said}"
    return facts | {"needed": needed, "verdicts": [asdict(verdict) for verdict in found], "reason": said}


def expected_accuracy(best: np.ndarray) -> tuple[float, float]:
    """CBPE: the accuracy that the chances of the chosen classes promise, and its standard error (F25).

    An early warning, never a pass: it believes the model, so it is blind when the meaning of the inputs changes.
    """
    return float(best.mean()), float(math.sqrt((best * (1 - best)).sum()) / len(best))
