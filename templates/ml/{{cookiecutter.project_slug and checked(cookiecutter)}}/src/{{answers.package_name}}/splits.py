"""Which row trains, validates or tests: one rule, small enough to read in evidence/splits.json.

The rule is a set of cut points over a hash of the row's key (or over time), so it gives each row the same split in
every run and on every engine, and keeps it when new rows arrive.
"""

import itertools
from typing import Any

from .data import SOURCE, Source
from .engine import Engine, listed, literal, quoted
from .features import CLASSES, content_sql, copy_sql, key_sql, repeats, telling
from .files import Trouble
from .repo import Repo

PARTS = ("train", "validation", "test")
SHARES = (0.6, 0.8)
RANK = "case _split when 'train' then 1 when 'validation' then 2 when 'test' then 3 end"


def propose(table: Engine, source: Source, task: str, target: str, inputs: list[str], embargo: float) -> dict[str, Any]:
    """The rule that fits the task and the columns: own, by time, by group, or stratified."""
    base = {"salt": "split-1", "embargo_days": embargo, "repeats": False, "groups_once": False}
    if source.split:
        return base | {"kind": "own"}
    if source.time:
        cuts = _time_cuts(table, source)
        return base | {"kind": "time", "cuts": cuts, "groups_once": bool(source.group) and task != "forecast"}
    if task == "forecast":
        raise Trouble("A forecast needs a time column, and data/source.yaml names none.", "Set `time` there.")
    if source.group:
        base |= {"kind": "group"}
        return base | {"cuts": _group_cuts(table, source, hash_sql(source, inputs, base))}
    if task == "ranking":
        raise Trouble("Ranking needs the query as `group`, and data/source.yaml names none.", "Set `group` there.")
    base |= {"kind": "stratified", "strata": target if task in CLASSES else "'all'", "by": "id"}
    if not source.id:
        tell = telling(table, inputs, "source")
        base |= {"by": "inputs", "telling": tell} if tell else {"by": "row"}
    return base | {"cuts": _strata_cuts(table, base["strata"], hash_sql(source, inputs, base))}


def hash_sql(source: Source, inputs: list[str], rule: dict[str, Any]) -> str:
    """What the cut points cut: a hash of the group, of the id, or of the inputs, so that copies stay together."""
    if rule["kind"] == "group":
        key = f"cast({quoted(source.group)} as varchar)"
    else:
        key = copy_sql(rule.get("telling"), content_sql(inputs)) if rule["by"] == "inputs" else key_sql(source)
    return f"md5({literal(rule['salt'])} || {key})"


def time_sql(source: Source) -> str:
    return f"try_cast({quoted(source.time)} as timestamp)"


def create_view(table: Engine, source: Source, rule: dict[str, Any], inputs: list[str]) -> None:
    """The view `split_rows`: the source with `_split` (train, validation, test, or left out)."""
    plain = f"select *, {_expression(source, rule, inputs)} as _split from source"
    later = []
    if rule["repeats"]:
        later.append(f"{RANK} > min({RANK}) over (partition by {copy_sql(rule.get('copies'), content_sql(inputs))})")
    if rule["groups_once"]:
        later.append(f"{RANK} > min({RANK}) over (partition by {quoted(source.group)})")
    if later:
        dropped = f"case when {' or '.join(later)} then 'left out' else _split end"
        plain = f"select * replace ({dropped} as _split) from ({plain})"
    table.run(f"create or replace view split_rows as {plain}")


def _expression(source: Source, rule: dict[str, Any], inputs: list[str]) -> str:
    if rule["kind"] == "own":
        names = ", ".join(literal(part) for part in PARTS)
        column = f"lower(cast({quoted(source.split)} as varchar))"
        return f"case when {column} in ({names}) then {column} else 'left out' end"
    if rule["kind"] == "time":
        return _time_expression(source, rule)
    hashed = hash_sql(source, inputs, rule)
    if rule["kind"] == "group":
        return _cut(hashed, rule["cuts"])
    cases = " ".join(f"when {literal(name)} then {_cut(hashed, cuts)}" for name, cuts in rule["cuts"].items())
    return f"case cast({rule['strata']} as varchar) {cases} else 'left out' end"


def _cut(hashed: str, cuts: list[str]) -> str:
    low, high = (literal(cut) for cut in cuts)
    return (
        f"case when {hashed} < {low} then 'train' when {hashed} < {high} then 'validation' "
        f"when {hashed} >= {high} then 'test' else 'left out' end"
    )


def _time_expression(source: Source, rule: dict[str, Any]) -> str:
    moment, (low, high) = time_sql(source), (f"timestamp {literal(cut)}" for cut in rule["cuts"])
    gap = f"interval {round(float(rule['embargo_days']) * 86400)} second"
    return (
        f"case when {moment} is null then 'left out' when {moment} <= {low} - {gap} then 'train' "
        f"when {moment} <= {low} then 'left out' when {moment} <= {high} - {gap} then 'validation' "
        f"when {moment} <= {high} then 'left out' else 'test' end"
    )


def _time_cuts(table: Engine, source: Source) -> list[str]:
    column = quoted(source.time)
    bad = table.rows(f"select {column} from source where {column} is not null and {time_sql(source)} is null limit 1")
    if bad:
        raise Trouble(f'{source.time} holds "{bad[0][0]}", which is no date.', "Write dates as 2026-01-31, or 10:00.")
    low, high, last = table.rows(
        f"select quantile_disc({time_sql(source)}, {SHARES[0]}), quantile_disc({time_sql(source)}, {SHARES[1]}), "
        f"max({time_sql(source)}) from source"
    )[0]
    if low is None or not low < high < last:
        raise Trouble(
            f"{source.time} has too few different moments to put the test rows last.", "Clear `time`, or add rows."
        )
    return [str(low), str(high)]


def _strata_cuts(table: Engine, strata: str, hashed: str) -> dict[str, list[str]]:
    low, high = (f"quantile_disc({hashed}, {share})" for share in SHARES)
    rows = table.rows(
        f"select cast({strata} as varchar), {low}, {high} from source where {strata} is not null group by 1 order by 1"
    )
    return {name: [first, second] for name, first, second in rows}


def _group_cuts(table: Engine, source: Source, hashed: str) -> list[str]:
    """Cuts between groups, so that about 60, 20 and 20 percent of the rows follow."""
    rows = table.rows(f"select h, n from (select {hashed} h, count(*) n from source group by 1) order by h")
    if len(rows) < 5:
        sentence = f"{source.group} holds {len(rows)} groups, too few to split by."
        raise Trouble(sentence, "Clear `group` in data/source.yaml, or add rows.")
    total, seen, cuts = sum(count for _, count in rows), 0, []
    for hashed_group, count in rows:
        if len(cuts) < 2 and seen >= SHARES[len(cuts)] * total:
            cuts.append(hashed_group)
        seen += count
    while len(cuts) < 2:
        cuts.append(rows[-1][0])
    return cuts


def sizes(table: Engine) -> dict[str, int]:
    """Rows in each split."""
    found = dict(table.rows("select _split, count(*) from split_rows group by _split"))
    return {part: int(found.get(part, 0)) for part in (*PARTS, "left out")}


def digest(table: Engine, relation: str, key: str) -> str:
    """One number for a set of keys, the same in any order: their count and the sum of their hashes."""
    return _number(*table.rows(f"select count(*), {_sum(key)} from {relation}")[0])


def digests(table: Engine, key: str, answer: str, target: str) -> tuple[dict[str, str], dict[str, str]]:
    """For each split the digest of its keys, and of its keys with their right answers; in one scan."""
    known = f"{target} is not null"
    rows = table.rows(
        f"select _split, count(*), {_sum(key)}, count(*) filter (where {known}), {_sum(answer)} filter (where {known}) "
        "from split_rows group by _split"
    )
    keys = {part: _number(count, total) for part, count, total, _, _ in rows if part in PARTS}
    return keys, {part: _number(count, total) for part, _, _, count, total in rows if part in PARTS}


def _sum(text: str) -> str:
    return f"sum(cast(cast('0x' || substr(md5({text}), 1, 12) as bigint) as decimal(38, 0)))"


def _number(count: int, total: int | None) -> str:
    return f"{count}-{int(total or 0):x}"


def still_fits(known: dict[str, Any], fresh: dict[str, Any]) -> bool:
    """Whether the recorded rule was made for the same columns, so that rows keep their split when data grows."""
    same = ("kind", "salt", "strata", "embargo_days", "groups_once")
    if any(known.get(key) != fresh.get(key) for key in same):
        return False
    if (known.get("by") == "id") != (fresh.get("by") == "id"):
        return False
    return known["kind"] != "stratified" or set(known["cuts"]) >= set(fresh["cuts"])


def across(table: Engine, source: Source, task: str, inputs: list[str], tell: dict[str, float]) -> dict[str, int]:
    """How many keys, groups and copies of rows lie in more than one split."""
    tested = {"keys": quoted(source.id)} if source.id else {}
    if source.group and task != "forecast":
        tested["groups"] = quoted(source.group)
    if tell:
        tested["rows"] = copy_sql(tell, f"hash({listed(inputs)})")
    found = {"keys": 0, "groups": 0, "rows": 0}
    for name, expression in tested.items():
        kept = f"select {expression} k from split_rows where _split <> 'left out'"
        shared = f"{kept} group by 1 having count(distinct _split) > 1"
        found[name] = int(table.rows(f"select count(*) from ({shared})")[0][0])
    return found


def inverted(table: Engine, source: Source) -> bool:
    """Whether a row of an earlier split is as new as one of a later split; never without a time column."""
    if not source.time:
        return False
    moment = time_sql(source)
    spans = {part: (low, high) for part, low, high in table.rows(
        f"select _split, min({moment}), max({moment}) from split_rows group by _split")}  # fmt: skip
    pairs = itertools.pairwise(PARTS)
    return any(not spans[early][1] < spans[late][0] for early, late in pairs if early in spans and late in spans)


def answered(key: str, target: str, task: str) -> str:
    """A row's key and right answer as one text, the same from the data and from a predictions file."""
    value = target if task == "multiclass" else f"cast({target} as double)"
    return f"{key} || '=' || cast({value} as varchar)"


def some(part: str, size: int, most: int) -> str:
    """A condition that picks a split, or a fixed sample of about `most` of its rows."""
    where = f"_split = '{part}'"
    return where if size <= most else f"{where} and md5('some' || _row) < '{int(16**8 * most / size):08x}'"


def cut(repo: Repo, table: Engine, source: Source, inputs: list[str], target: str, resplit: bool) -> dict[str, Any]:
    """The rule (the recorded one, unless the columns changed), its sizes, and what lies in two splits."""
    task, known = repo.answers["task"], repo.evidence("splits")
    embargo = float(repo.answers.get("label_delay_days") or 0) if source.time else 0.0
    rule = propose(table, source, task, target, inputs, embargo)
    if known and not resplit and still_fits(known["rule"], rule):
        rule = known["rule"]
    create_view(table, source, rule, inputs)
    copies = telling(table, inputs, "split_rows where _split = 'train'") if repeats(table, inputs) else {}
    shared = across(table, source, task, inputs, copies)
    if shared["rows"] and rule["kind"] != "own":
        rule = rule | {"repeats": True, "copies": copies}
        create_view(table, source, rule, inputs)
        shared = across(table, source, task, inputs, copies)
    counts, key = sizes(table), key_sql(source)
    empty = [part for part in PARTS if not counts[part]]
    if empty:
        raise Trouble(f"The {empty[0]} split is empty.", f"Add rows, or change split, time or group in {SOURCE}.")
    keys, answers = digests(table, key, answered(key, target, task), target)
    moved = inverted(table, source)
    return {"rule": rule, "sizes": counts, "keys": keys, "answers": answers, "across": shared, "time_inverted": moved}


def span(table: Engine, source: Source) -> list[str]:
    """The first and the last moment; empty without a time column."""
    if not source.time:
        return []
    moment = time_sql(source)
    return [str(value) for value in table.rows(f"select min({moment}), max({moment}) from source")[0]]
