"""The team's data: where it is, which column is what, and the file whose hash everything else depends on."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import fetch
from .engine import ROW, Engine, engine, literal, quoted
from .fetch import RAW, REMEDY, SOURCE
from .files import Blocked, Trouble, read_json, read_yaml, write_text
from .repo import Repo

MANIFEST = "data/manifest.json"


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
    split: str
    leave_out: tuple[str, ...]
    known_after: tuple[str, ...]
    explained: dict[str, str]
    baseline: str
    store: str
    sources: tuple[dict[str, str], ...]

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
    texts = {}
    for key in ("source", "query", "target", "positive", "time", "group", "id", "split", "baseline", "store"):
        value = found.get(key, "")
        if not isinstance(value, str):
            raise Trouble(f"{SOURCE}: {key} must be one text.", REMEDY)
        texts[key] = value.strip()
    if not texts["source"] or not texts["target"]:
        empty = "source" if not texts["source"] else "target"
        raise Trouble(f"{SOURCE}: {empty} is empty.", f"Name the {'data' if empty == 'source' else 'target column'}.")
    lists = {key: tuple(found.get(key) or ()) for key in ("leave_out", "known_after")}
    texts["store"], texts["baseline"] = texts["store"] or "store", texts["baseline"] or "auto"
    entries = tuple(dict(entry) for entry in found.get("sources") or ())
    return Source(**texts, **lists, explained=dict(found.get("explained") or {}), sources=entries)


def label(repo: Repo, source: Source) -> str:
    """A mark for every output while the data is not the team's own; "" otherwise."""
    return f" [{fetch.describe(repo.answers['task'])} data]" if source.is_sample else ""


def snapshot(repo: Repo, source: Source) -> Path:
    """The file to read: the sample written out, a download, a database read into Parquet, or the team's own file."""
    where = source.source
    if source.is_sample:
        return _sample(repo)
    if where.startswith(("http://", "https://")):
        return fetch.download(repo, where)
    if "://" in where:
        return fetch.database(repo, where, source.query)
    path = Path(where) if Path(where).is_absolute() else repo.root / where
    if not path.is_file():
        what = f"{where} is a folder" if path.is_dir() else f"there is no file {where}"
        raise Trouble(f"{SOURCE}: {what}.", "Give the path of a file, from the folder of this repository.")
    return path


def _sample(repo: Repo) -> Path:
    path = repo.root / RAW / f"sample-{repo.answers['task']}.csv"
    if not path.is_file():
        write_text(path, fetch.table(repo.answers["task"]).to_csv(index=False, lineterminator="\n"))
    return path


def open_table(repo: Repo, path: Path | None = None) -> tuple[Engine, Source]:
    """The data as the table `source`, every column that data/source.yaml names being there."""
    source = source_of(repo)
    table = engine(repo.answers.get("engine", "duckdb"))
    path = path or snapshot(repo, source)
    table.open(path)
    columns = [column for column in table.columns("source") if column != ROW]
    named = {"target": source.target, "time": source.time, "group": source.group, "id": source.id}
    named |= {"split": source.split} | {f"segment {name}": name for name in segments(repo, source)}
    for role, column in named.items():
        if column and column not in columns:
            raise Trouble(f'The data has no column "{column}" ({role}). {_instead(column, columns)}', REMEDY)
    if not table.rows("select 1 from source limit 1"):
        raise Trouble(f"{path.name} holds no rows.", f"Add some, or correct `source` in {SOURCE}.")
    return table, source


def segments(repo: Repo, source: Source) -> tuple[str, ...]:
    """The columns that name segments; the sample has none of the team's own."""
    return () if source.is_sample else tuple(repo.names("segments"))


def _instead(column: str, columns: list[str]) -> str:
    near = difflib.get_close_matches(column, columns, 1)
    shown = columns if len(columns) <= 12 else [*columns[:8], "…", *columns[-3:]]
    return f'Did you mean "{near[0]}"?' if near else f"The first line of the file names: {', '.join(shown)}."


def key_sql(source: Source) -> str:
    """What identifies a row: the id column, or its position in the file."""
    return f"cast({quoted(source.id or ROW)} as varchar)"


def target_sql(repo: Repo, source: Source, table: Engine) -> str:
    """The target as the task needs it: 0 and 1, a class's name, or a number."""
    column = quoted(source.target)
    if repo.answers["task"] == "multiclass":
        return f"cast({column} as varchar)"
    if repo.answers["task"] == "binary":
        positive = literal(positive_value(source, table))
        return f"case when {column} is null then null when cast({column} as varchar) = {positive} then 1 else 0 end"
    return f"try_cast({column} as double)"


def positive_value(source: Source, table: Engine) -> str:
    """The value of the target that counts as positive."""
    column = quoted(source.target)
    text = f"cast({column} as varchar)"
    rows = table.rows(f"select distinct {text} from source where {column} is not null order by 1 limit 20")
    values = [row[0] for row in rows]
    if not values:
        raise Trouble(f"{source.target} is empty in every row.", f"Name the column with the right answers in {SOURCE}.")
    shown = ", ".join(f'"{value}"' for value in values[:6])
    if source.positive:
        if source.positive not in values:
            raise Trouble(f'No row\'s {source.target} is "{source.positive}"; it holds {shown}.', REMEDY)
        return source.positive
    fitting = [value for value in values if value.lower() in ("1", "1.0", "true", "yes")]
    if len(fitting) != 1:
        raise Trouble(f"{SOURCE}: positive is empty, and {source.target} holds {shown}.", "Say which one is positive.")
    return fitting[0]


def manifest_of(
    repo: Repo, source: Source, path: Path, columns: dict[str, str], rows: int, span: list[Any]
) -> dict[str, Any]:
    """What was audited. It holds no clock, so the same data gives the same bytes."""
    return {
        "file": path.relative_to(repo.root).as_posix() if path.is_relative_to(repo.root) else str(path),
        "sha256": repo.sha256(path),
        "source_yaml": repo.sha256(SOURCE),
        "sample": source.is_sample,
        "rows": rows,
        "time_range": span,
        "columns": {name: kind for name, kind in columns.items() if name != ROW},
    }


def write_manifest(repo: Repo, content: dict[str, Any]) -> None:
    """Keep it as data/manifest.json."""
    write_text(repo.root / MANIFEST, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


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
        known = {key: repo.sha256(path)}
        write_text(cache, json.dumps(known))
    return str(known[key])
