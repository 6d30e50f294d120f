"""The team's data: where it is, which column is what, and the file whose hash everything else depends on."""

import difflib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .engine import ROW, Engine, write_chunks
from .files import Blocked, Trouble, canonical, read_json, read_yaml, write_text
from .repo import Repo

SOURCE, MANIFEST, RAW = "data/source.yaml", "data/manifest.json", "data/raw"
REMEDY = f"Correct it in {SOURCE}."
ORIGINS = ("bundled with scikit-learn", "made by synthetic.py from a seed")  # how source.yaml names a sample's source
# task: (scikit-learn's set, its target, the classes' names); the other tasks' samples are made by synthetic.py
BUNDLED: dict[str, tuple[str, str, dict[int, str] | None]] = {
    "binary": ("breast_cancer", "diagnosis", {0: "malignant", 1: "benign"}),
    "multiclass": ("wine", "cultivar", {0: "one", 1: "two", 2: "three"}),
    "regression": ("diabetes", "progression", None),
}
# What holds more than one text, of what, in words.
NAMES = (list, str, "a list of column names")
SHAPES: dict[str, tuple[type, type, str]] = {
    "leave_out": NAMES, "known_after": NAMES, "explained": (dict, str, "lines of `column: the reason`"),
    "sources": (list, dict, "entries that open with `- name: …`"),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """data/source.yaml, read."""

    source: str
    query: str
    target: str
    positive: str
    time: str
    group: str
    id: str
    time_format: str
    split: str
    leave_out: list[str]
    known_after: list[str]
    explained: dict[str, str]
    baseline: str
    store: str
    sources: list[dict[str, str]]

    @property
    def is_sample(self) -> bool:
        return self.source == "sample"

    @property
    def special(self) -> tuple[str, ...]:
        """Columns that are not inputs."""
        named = (self.target, self.time, self.group, self.id, self.split, *self.leave_out, *self.known_after)
        return tuple(dict.fromkeys(name for name in named if name))


def source_of(repo: Repo) -> Source:
    """data/source.yaml. Raises `Trouble` naming the key that is missing or not what it should be."""
    found = read_yaml(repo.root / SOURCE)
    if not isinstance(found, dict):
        raise Trouble(f"{SOURCE} is not a list of `key: value` lines.", f"git checkout {SOURCE}")
    given: dict[str, Any] = {key: SHAPES[key][0]() if key in SHAPES else "" for key in Source.__dataclass_fields__}
    for key, value in found.items():
        if key not in given:
            raise Trouble(f'{SOURCE}: nobody reads "{key}". {near(key, list(given))}', REMEDY)
        kind, of, what = SHAPES.get(key, (str, str, "one text"))
        value = [value] if value and kind is list and isinstance(value, of) else value or given[key]
        parts = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or not all(part and isinstance(part, of) for part in parts):
            raise Trouble(f"{SOURCE}: {key} must be {what}.", REMEDY)
        given[key] = value.strip() if kind is str else value
    for key, what in (("source", "data"), ("target", "target column")):
        if not given[key]:
            raise Trouble(f"{SOURCE}: {key} is empty.", f"Name the {what}.")
    return Source(**given | {"store": given["store"] or "store", "baseline": given["baseline"] or "auto"})


def label(repo: Repo, source: Source) -> str:
    """A mark for every output while the data is not the team's own; "" otherwise."""
    made = "" if repo.answers["task"] in BUNDLED else "synthetic "
    return f" [{made}sample data]" if source.is_sample else ""


# ---------------------------------------------------------------------------------------------------- one file
def snapshot(repo: Repo, source: Source) -> Path:
    """The file to read: the sample written out, a download, a database read into Parquet, or the team's own file."""
    where = source.source
    if source.is_sample:
        path = repo.root / RAW / f"sample-{repo.answers['task']}.csv"
        if not path.is_file():
            write_text(path, sample(repo.answers["task"]).to_csv(index=False, lineterminator="\n"))
        return path
    if "://" in where:
        return _fetched(repo, source)
    path = repo.root / where
    if not path.is_file():
        what = f"{where} is a folder" if path.is_dir() else f"there is no file {where}"
        raise Trouble(f"{SOURCE}: {what}.", "Give the path of a file, from the folder of this repository.")
    return path


def sample(task: str) -> pd.DataFrame:
    """Rows to start on: real ones that scikit-learn bundles, or made from a seed."""
    if task not in BUNDLED:
        from . import synthetic

        return synthetic.table(task)
    from sklearn import datasets

    name, target, labels = BUNDLED[task]
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.data.round(6)
    frame.insert(0, "case_id", [f"C{number:04d}" for number in range(len(frame))])
    frame[target] = bunch.target.map(labels) if labels else bunch.target
    return frame


def _fetched(repo: Repo, source: Source) -> Path:
    """One read of an address, a database or a cluster, kept under its own name; delete the file to read again."""
    url = os.path.expandvars(source.source)
    if unset := re.search(r"\$\{?(\w+)", url):
        raise Trouble(f"{SOURCE}: source names ${unset[1]}, which is not set.", f"export {unset[1]}=…")
    web = url.startswith(("http://", "https://"))
    if not web and not source.query:
        raise Trouble(f"{SOURCE}: a database needs a query.", "Write query: SELECT … FROM …")
    file = url.rpartition("/")[2].partition("?")[0] or "download.csv" if web else "snapshot.parquet"
    path = repo.root / RAW / f"{canonical(source.source if web else [source.source, source.query])[:8]}-{file}"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        try:
            _fetch(repo.root, url, source.query, part := Path(folder, "part"))
        except (Trouble, ModuleNotFoundError):
            raise
        except Exception as error:  # each driver has its own family of errors
            what = f"{source.source} cannot be downloaded" if web else f"{SOURCE}: the query fails"
            raise Trouble(f"{what}: {str(error).splitlines()[0]}.", REMEDY) from error
        os.replace(part, path)
    return path


def _fetch(root: Path, url: str, query: str, part: Path) -> None:
    if url.startswith(("http://", "https://")):
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
    elif url.startswith("sc://"):
        try:
            from . import spark
        except ImportError:
            raise Trouble("Reading from Spark was not asked for.", "mlscaffold replan --set engine=spark") from None
        spark.copy(url, query, part)
    else:
        chunks = pd.read_sql_query(query, _connected(root, url), chunksize=100_000)
        if not write_chunks(chunks, part):
            raise Trouble(f"{SOURCE}: the query returns no rows.", REMEDY)


def _connected(root: Path, url: str) -> Any:
    if url.startswith("sqlite:///"):  # a relative path starts at this repository, wherever one stands
        return sqlite3.connect(f"{(root / url.removeprefix('sqlite:///')).as_uri()}?mode=ro", uri=True)
    try:
        from sqlalchemy import create_engine
    except ImportError:
        raise Trouble("Reading a database needs sqlalchemy and its driver.", "Add both to pyproject.toml.") from None
    return create_engine(url).connect().execution_options(stream_results=True)


# ---------------------------------------------------------------------------------------------------- one table
def open_table(repo: Repo) -> tuple[Engine, Source]:
    """The data as the table `source`, every column that data/source.yaml names being there."""
    source, table = source_of(repo), Engine()
    table.open(path := snapshot(repo, source))
    if source.time_format and source.time in table.columns("source"):
        table.open(path, {source.time: source.time_format})
    columns = [column for column in table.columns("source") if column != ROW]
    named = [(f"segment {name}", name) for name in segments(repo, source)]
    for role in ("target", "time", "group", "id", "split", "leave_out", "known_after", "explained"):
        value = getattr(source, role)
        named += [(role, name) for name in ([value] if isinstance(value, str) else value) if name]
    shown = ", ".join(columns if len(columns) <= 12 else [*columns[:8], "…", *columns[-3:]])
    for role, column in named:
        if column not in columns:
            meant = near(column, columns, f"The first line of the file names: {shown}.")
            raise Trouble(f'The data has no column "{column}" ({role}). {meant}', REMEDY)
    if not table.rows("select 1 from source limit 1"):
        raise Trouble(f"{path.name} holds no rows.", f"Add some, or correct `source` in {SOURCE}.")
    return table, source


def segments(repo: Repo, source: Source) -> tuple[str, ...]:
    """The columns that name segments; the sample has none of the team's own."""
    return () if source.is_sample else tuple(repo.names("segments"))


def near(name: str, known: list[str], otherwise: str = "") -> str:
    plain = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), plain, 1)
    return f'Did you mean "{plain[found[0]]}"?' if found else otherwise


# ---------------------------------------------------------------------------------------------------- manifest
def manifest_of(
    repo: Repo, source: Source, path: Path, columns: dict[str, str], rows: int, span: list[Any]
) -> dict[str, Any]:
    """What was audited. It holds no clock, so the same data gives the same bytes."""
    return {
        "file": path.relative_to(repo.root).as_posix() if path.is_relative_to(repo.root) else str(path),
        "sha256": _hash(repo, path),
        "source_yaml": repo.sha256(SOURCE),
        "sample": source.is_sample,
        "rows": rows,
        "time_range": span,
        "columns": {name: kind for name, kind in columns.items() if name != ROW},
    }


def manifest(repo: Repo) -> dict[str, Any]:
    """The manifest of the data as it is now. Raises `Blocked` when data or data/source.yaml moved after the audit."""
    if not (repo.root / MANIFEST).is_file():
        raise Blocked("The data has not been audited.", "make audit")
    found = read_json(repo.root / MANIFEST)
    if found["source_yaml"] != repo.sha256(SOURCE):
        raise Blocked(f"{SOURCE} changed after the audit.", "make audit")
    path = repo.root / found["file"]
    if path.is_file() and _hash(repo, path) != found["sha256"]:
        raise Blocked(f"{found['file']} changed after the audit, though no code did.", "make audit")
    return found


def _hash(repo: Repo, path: Path) -> str:
    """A file's hash, remembered in .cache/ for as long as its size and times stay the same."""
    stat, cache = path.stat(), repo.root / ".cache" / "hashes.json"
    key = f"{path}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"
    known = read_json(cache) if cache.is_file() else {}
    if key not in known:
        with path.open("rb") as file:  # data is what was delivered, byte for byte
            known = {key: hashlib.file_digest(file, "sha256").hexdigest()}
        write_text(cache, json.dumps(known))
    return str(known[key])
