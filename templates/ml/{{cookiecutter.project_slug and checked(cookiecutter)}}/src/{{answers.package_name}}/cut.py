"""Cutting the data: the recorded rule or a new one, the sizes it gives, and what then lies in two splits."""

from typing import Any

from . import data, splits
from .engine import Engine
from .files import Trouble
from .repo import Repo


def cut(
    repo: Repo, table: Engine, source: data.Source, inputs: dict[str, str], target: str, resplit: bool
) -> dict[str, Any]:
    """The rule (the recorded one, unless the columns changed), its sizes, and what lies in two splits."""
    task, known = repo.answers["task"], repo.evidence("splits")
    embargo = float(repo.answers.get("label_delay_days") or 0) if source.time else 0.0
    rule = splits.propose(table, source, task, target, list(inputs), embargo)
    if known and not resplit and splits.still_fits(known["rule"], rule):
        rule = known["rule"]
    splits.create_view(table, source, rule, list(inputs))
    across = splits.across(table, source, task, list(inputs))
    if across["rows"] and rule["kind"] != "own":
        rule = rule | {"repeats": True}
        splits.create_view(table, source, rule, list(inputs))
        across = splits.across(table, source, task, list(inputs))
    sizes = splits.sizes(table)
    empty = [part for part in splits.PARTS if not sizes[part]]
    if empty:
        raise Trouble(f"The {empty[0]} split is empty.", f"Add rows, or change split, time or group in {data.SOURCE}.")
    key = data.key_sql(source)
    keys, answers = splits.digests(table, key, splits.answered(key, target, task), target)
    return {
        "rule": rule,
        "sizes": sizes,
        "keys": keys,
        "answers": answers,
        "across": across,
        "time_inverted": splits.inverted(table, source),
    }


def span(table: Engine, source: data.Source) -> list[str]:
    """The first and the last moment; empty without a time column."""
    if not source.time:
        return []
    moment = splits.time_sql(source)
    return [str(value) for value in table.rows(f"select min({moment}), max({moment}) from source")[0]]
