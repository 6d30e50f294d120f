"""Is the way from the raw file to the manifest repeatable? It is walked a second time, in an engine of its own.

Compared are hashes: of the manifest, of the inputs with their kinds, and of the splits, whose digests cover every
row's key and right answer.
"""

from typing import Any

from . import data, features
from .cut import cut, span
from .files import canonical
from .repo import Repo

PARTS = ("manifest", "inputs", "splits")
EVIDENCE = "pipeline"


def hashes(manifest: dict[str, Any], inputs: dict[str, str], split: dict[str, Any]) -> dict[str, str]:
    """One hash for each part of what a run arrives at."""
    kept = {key: split[key] for key in ("rule", "sizes", "keys", "answers")}
    return {name: canonical(part) for name, part in zip(PARTS, (manifest, inputs, kept), strict=True)}


def again(repo: Repo, resplit: bool) -> dict[str, str]:
    """The same hashes from a run that shares nothing with the first one but the raw file and the code."""
    path = data.snapshot(repo, data.source_of(repo))
    table, source = data.open_table(repo, path)
    columns, inputs = table.columns("source"), features.inputs(table, source)
    rows = table.rows("select count(*) from source")[0][0]
    manifest = data.manifest_of(repo, source, path, columns, rows, span(table, source))
    split = cut(repo, table, source, inputs, data.target_sql(repo, source, table), resplit)
    return hashes(manifest, inputs, split)


def differing(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """The parts in which two runs differ."""
    return [name for name in PARTS if first.get(name) != second.get(name)]
