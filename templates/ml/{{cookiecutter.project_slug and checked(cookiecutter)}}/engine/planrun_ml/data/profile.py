"""What each column holds: counts, levels, extremes, repeats, drawn in a few passes."""

import math
from collections.abc import Sequence
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data.source import SOURCE, Source
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW, listed, quoted

VALUES = 20
AT_ONCE = 8_000_000  # values whose different ones are counted together: about half a gibibyte
WIDE = 256  # columns at once where the number of different values is estimated, which takes next to nothing
PLACE = f"{ROW} * 2654435761 % 1000003 / 1000003.0"  # a multiplicative hash: Knuth, volume 3, section 6.4
FEW = 6  # inputs that usually tell all rows apart


def draw(table: Engine, share: float) -> None:
    """The table `drawn`: at least this share of the rows, always the same ones; all of them from a share of 1 on."""
    if share > table.drawn:
        table.run(f"create or replace table drawn as select * from source where {PLACE} < {share}")
        table.drawn = share


def profile(table: Engine, columns: dict[str, str], rows: int) -> dict[str, dict[str, Any]]:
    """Per column: type, values that are missing and different, range, mean; texts that are numbers.

    What many rows are not needed for is worked out on those of `drawn`: the mean, and how many values are different,
    but for texts, whose number decides whether they are inputs. Columns go by batches: an exact number of different
    values takes memory for each of them.
    """
    draw(table, min(1.0, columns_module.MANY / rows))
    found: dict[str, dict[str, Any]] = {}
    names, width = list(columns), max(1, AT_ONCE // rows) if rows <= columns_module.MANY else WIDE
    for place in range(0, len(names), width):
        found |= _profile(table, {name: columns[name] for name in names[place : place + width]}, rows)
    return found


def _profile(table: Engine, columns: dict[str, str], rows: int) -> dict[str, dict[str, Any]]:
    """The same of so many columns as are looked at together."""
    seen, some, many = [], [], rows > columns_module.MANY
    for name, kind in columns.items():
        column, what = quoted(name), columns_module.kind_of(kind)
        different = f"approx_count_distinct({column})" if many else f"count(distinct {column})"
        seen.append(f"count({column}), min({column}), max({column}), {different if what == 'category' else 'null'}")
        number = f"try_cast({column} as double)"
        share = f"avg(if({number} is null, 0, 1)) filter (where {column} is not null)"
        middle = {"number": f"avg({number})", "category": share}.get(what, "null")
        some.append(f"{different}, {middle}")
    row = table.rows(f"select {', '.join(seen)} from {'source' if many else 'drawn'}")[0]  # few rows are all drawn
    part = table.rows(f"select {', '.join(some)} from drawn")[0]
    found: dict[str, dict[str, Any]] = {}
    for n, (name, kind) in enumerate(columns.items()):
        (filled, low, high, of_all), (of_some, middle) = row[4 * n : 4 * n + 4], part[2 * n : 2 * n + 2]
        what = {"category": "text"}.get(columns_module.kind_of(kind), columns_module.kind_of(kind))
        facts = {"type": what, "missing": 1 - filled / rows, "distinct": of_all or of_some, "min": low, "max": high}
        found[name] = facts | ({"mean": middle} if what == "number" else {"numbers": middle or 0.0})
        if what == "text" and facts["distinct"] <= 2 * VALUES:
            levels = table.rows(f"select {quoted(name)}, count(*) from source group by 1 order by 2 desc, 1 limit 50")
            found[name]["levels"] = {str(level): count for level, count in levels if level is not None}
    return found


def repeats(table: Engine, columns: Sequence[str]) -> int:
    """Rows that repeat another one in these columns: exact up to the collisions of a 64-bit hash; counted once."""
    known = tuple(columns)
    if known not in table.repeats:
        counted = table.rows(f"select count(*) - count(distinct hash({listed(columns)})) from source")
        table.repeats[known] = int(counted[0][0])
    return table.repeats[known]


def copied(table: Engine, inputs: list[str], facts: dict[str, dict[str, Any]]) -> int:
    """Rows that repeat another one in all inputs. Rows that differ in a few of them already are not compared in all."""
    few = sorted(inputs, key=lambda name: -(facts[name]["distinct"] ** (1 - facts[name]["missing"])))[:FEW]
    table.repeats[tuple(inputs)] = repeats(table, few) and repeats(table, inputs)
    return table.repeats[tuple(inputs)]


def telling(table: Engine, inputs: list[str], relation: str) -> dict[str, float]:
    """How well each input tells rows apart: the decimal digits of its number of values, and under "" what it takes.

    Two equal rows are copies when their known inputs have room for ten times as many rows as there are. With less,
    such as in rows where most inputs are missing, they are equal by chance. Empty where every row could be so.
    """
    counts = ", ".join(f"approx_count_distinct({part})" for part in (f"hash({listed(inputs)})", *map(quoted, inputs)))
    rows, different, *each = table.rows(f"select count(*), {counts} from {relation}")[0]
    digits = {name: round(math.log10(max(1, count)), 2) for name, count in zip(inputs, each, strict=True)}
    enough = round(math.log10(10 * max(1, rows)), 2)
    return {} if different < 0.5 * rows or sum(digits.values()) < enough else {"": enough, **digits}


def labelled(repo: Repo, table: Engine, source: Source, target: str) -> dict[str, Any]:
    """Counts of the target. Raises `Trouble` for one class, a constant, or no number where one is needed."""
    name, classes = source.target, repo.answers["task"] in CLASSES
    text, known = f"cast({quoted(name)} as varchar)", f"{quoted(name)} is not null"
    total, filled, distinct = table.rows(f"select count(*), count({target}), count(distinct {target}) from source")[0]
    odd, example = table.rows(f"select count(*), min({text}) from source where {known} and {target} is null")[0]
    if odd:
        raise Trouble(f'{name} holds "{example}", which is no number ({odd} rows).', "Correct or empty them.")
    if not filled:
        raise Trouble(f"{name} is empty in every row.", f"Name the column with the right answers in {SOURCE}.")
    if distinct < 2:
        kind, (value,) = "one class" if classes else "one value", table.rows(f"select min({text}) from source")[0]
        raise Trouble(f'{name} holds {kind} only: "{value}".', "Add rows that differ, or change target.")
    counted = f"select {text}, count(*) from source where {known} group by 1 order by 2 desc, 1"
    balance = dict(table.rows(counted)) if classes else {}
    counts = {"rows": total, "labelled": filled, "balance": balance}
    return counts | {"agreement": repo.answers.get("label_agreement") or None}
