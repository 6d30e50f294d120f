"""The file in the place where the repository looks for it: data/raw, which git ignores, readable to its engine."""

import filecmp
import gzip
import io
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from mlscaffold import disk
from mlscaffold.errors import DataNotCopied, UnreadableData
from mlscaffold.looking.proposals import copied_as
from mlscaffold.looking.reading import Table

AS_IT_IS = ("utf-8", "utf-8-sig")  # encodings that the repository reads


def refuse_changed(table: Table) -> None:
    """Raises `UnreadableData` where the file is no longer the one that was looked at."""
    facts = table.path.stat() if table.path.is_file() else None
    if facts is None or (facts.st_size, facts.st_mtime_ns) != table.stamp:
        raise UnreadableData(table.path.name, "changed after it was looked at", "Run the same command again.")


def bring(table: Table, folder: Path) -> Path | None:
    """Copy the file into the repository at `folder`; its place there, or None where it is read where it lies.

    Text in another encoding becomes UTF-8; a database is copied whole, with what its journal holds.
    Raises `DataNotCopied` where there is no room or no right, with nothing half-copied left.
    """
    place = copied_as(table)
    if not place:
        return None
    target = folder / place
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            part = Path(scratch, "part")
            if table.form.kind == "sqlite":
                _copy_database(table.path, part)
            elif table.form.kind == "text" and table.form.encoding not in AS_IT_IS:
                _recode(table, part)
            else:
                shutil.copyfile(table.path, part)
            refuse_changed(table)
            if target.exists() and not filecmp.cmp(part, target, shallow=False):
                raise DataNotCopied(table.path, target, "another file of that name is there")
            disk.put_in_place(part, target)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataNotCopied(table.path, target, why) from error
    return target


def _copy_database(path: Path, part: Path) -> None:
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(part)) as copy:
        source.backup(copy)


def _recode(table: Table, part: Path) -> None:
    """The text as UTF-8, packed again where it was packed."""
    with _opened(table) as text, part.open("wb") as raw:
        packed: Any = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if table.form.packed else raw
        with io.TextIOWrapper(packed, encoding="utf-8", newline="") as file:
            shutil.copyfileobj(text, file)


@contextmanager
def _opened(table: Table) -> Iterator[IO[str]]:
    encoding = table.form.encoding
    if table.form.packed:
        with gzip.open(table.path, "rt", encoding=encoding, newline="") as packed:
            yield packed
    else:
        with table.path.open(encoding=encoding, newline="") as plain:
            yield plain
