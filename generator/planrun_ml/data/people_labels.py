"""Labels that people gave: one file of id and label, which fills the target where the data has none.

`planrun label` draws the rows, collects the sheets and writes the file. A label is there once those who gave it agree,
or once somebody settled it; disputes are listed beside it and count nowhere.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from planrun.files import canonical, write_text
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data.columns import key_sql
from planrun_ml.data.source import SOURCE, Source
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import literal, quoted

FOLDER = "labelling"
LABELS = f"{FOLDER}/labels.csv"
DISPUTES = f"{FOLDER}/disputes.csv"
SETTLED = f"{FOLDER}/settled.csv"
FIELDS = ("id", "label", "by", "guide", "how", "settled_by", "drawn")


def digest(repo: Repo, data: str) -> str:
    """The hash of the data, and with it of the labels that people gave, where there are any."""
    return canonical([data, repo.sha256(LABELS)]) if (repo.root / LABELS).is_file() else data


def fill(repo: Repo, table: Engine, source: Source) -> None:
    """Fill the target of `source` where the data has none. Raises `Trouble` where rows have no id to find them by."""
    path = repo.root / LABELS
    if not path.is_file():
        return
    need_id(source)
    target, key = quoted(source.target), key_sql(source)
    kind, text = table.columns("source")[source.target], repo.answers["task"] in CLASSES
    known = f"cast({target} as varchar)" if text else target
    given = "_given_label" if text else f"try_cast(_given_label as {'double' if kind == 'VARCHAR' else kind})"
    read = f"read_csv({literal(str(path))}, header = true, all_varchar = true)"
    table.replace_source(
        f"select held.* replace (coalesce({known}, {given}) as {target}) from source_before as held "
        f"left join (select id as _given_id, label as _given_label from {read}) on {key} = _given_id"
    )


def need_id(source: Source) -> None:
    """Raises `Trouble` where no column names a row: a label could not be brought back to its row."""
    if not source.id:
        raise Trouble("Labels are brought back to rows by their id, and no column is named.", f"Name `id` in {SOURCE}.")


def write(path: Path, fields: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    """A CSV of these fields; a file that is whole, or the one before."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(fields), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text.getvalue())


def read(path: Path) -> list[dict[str, str]]:
    """The rows of such a file; none where it is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{str(key): (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)]
