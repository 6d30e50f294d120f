"""Which row trains, validates or tests: one rule, small enough to read in evidence/splits.json.

The rule is a set of cut points over a hash of the row's key (or over time), so it gives each row the same split in
every run and on every engine, and keeps it when new rows arrive.
"""

import itertools
from typing import Any

from planrun.repository import Repo
from planrun.trouble import Trouble, counted

from planrun_ml.data.columns import (
    MANY,
    answered,
    cluster_of,
    content_sql,
    copy_sql,
    key_sql,
    time_sql,
    twins_sql,
    units_sql,
)
from planrun_ml.data.copies import by_chance
from planrun_ml.data.profile import PLACE, draw, repeats, telling
from planrun_ml.data.source import SOURCE, Source
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW, literal, quoted

SPLITS = "evidence/splits.json#rule,sizes,keys,answers"
RESPLIT = "make audit ARGS=--resplit"

PARTS = ("train", "validation", "test")
SHARES = (0.6, 0.8)
UNANSWERED = "no right answer"
COPY = "the same inputs as a row of an earlier split: copies"
ALIKE = 0.05  # of rows that share all inputs: the most that may differ in their answers and still be copies
RANK = "case _split when 'train' then 1 when 'validation' then 2 when 'test' then 3 end"


def propose(table: Engine, source: Source, task: str, target: str, inputs: list[str], embargo: float) -> dict[str, Any]:
    """The rule that fits the task and the columns: own, by time, by group, or stratified.

    Raises `Trouble` where the task needs a column that data/source.yaml does not name.
    """
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
    strata = target if task in CLASSES else "'all'"
    base |= {"kind": "stratified", "strata": strata, "by": "id"}
    if not source.id:
        tell = telling(table, inputs, "source")
        if tell and repeats(table, inputs) and by_chance(table, inputs, "source", tell).explained:
            tell = {}
        base |= {"by": "inputs", "telling": tell} if tell else {"by": "row"}
    return base | {"cuts": _strata_cuts(table, strata, hash_sql(source, inputs, base))}


def hash_sql(source: Source, inputs: list[str], rule: dict[str, Any]) -> str:
    """What the cut points cut: a hash of the group, of the id, or of the inputs, so that copies stay together."""
    key = f"cast({quoted(source.group)} as varchar)" if rule["kind"] == "group" else key_sql(source)
    if rule.get("by") == "inputs":
        key = copy_sql(rule.get("telling"), content_sql(inputs), f"'row ' || {ROW}")
    return f"md5({literal(rule['salt'])} || {key})"


def create_view(table: Engine, source: Source, rule: dict[str, Any], inputs: list[str]) -> None:
    """The view `split_rows`: the source with `_split` (train, validation, test, or left out)."""
    plain, later = _split(source, rule, inputs, "source"), _later(source, rule, inputs)
    if later:
        plain = f"select * replace (case when {later} then 'left out' else _split end as _split) from ({plain})"
    table.run(f"create or replace view split_rows as {plain}")


def some_rows(
    table: Engine, source: Source, rule: dict[str, Any], inputs: list[str], wanted: dict[str, float]
) -> dict[str, str]:
    """The view `drawn_rows`, and for each split the condition that picks its share there: always the same rows."""
    share = max(wanted.values())
    if _later(source, rule, inputs):
        table.run(f"create or replace table drawn_rows as select * from split_rows where {PLACE} < {share}")
    else:  # what is not drawn need not be split
        draw(table, share)
        table.run(f"create or replace view drawn_rows as {_split(source, rule, inputs, 'drawn')}")
    return {part: f"_split = {literal(part)} and {PLACE} < {share}" for part, share in wanted.items()}


def _later(source: Source, rule: dict[str, Any], inputs: list[str]) -> str:
    """Which rows are left out because a copy of them, or their group, lies in an earlier split."""
    shared = [twins_sql(rule.get("copies"), inputs)] if rule["repeats"] else []
    shared += [quoted(source.group)] if rule["groups_once"] else []
    return " or ".join(f"{RANK} > min({RANK}) over (partition by {key})" for key in shared)


def _split(source: Source, rule: dict[str, Any], inputs: list[str], relation: str) -> str:
    if rule["kind"] == "own":
        names = ", ".join(literal(part) for part in PARTS)
        column = f"lower(cast({quoted(source.split)} as varchar))"
        return f"select *, case when {column} in ({names}) then {column} else 'left out' end as _split from {relation}"
    if rule["kind"] == "time":
        return f"select *, {_time_expression(source, rule)} as _split from {relation}"
    if rule["kind"] == "group":
        found = _cut(rule["cuts"])
    else:
        cases = " ".join(f"when {literal(name)} then {_cut(cuts)}" for name, cuts in rule["cuts"].items())
        found = f"case cast({rule['strata']} as varchar) {cases} else 'left out' end"
    hashed = f"select *, {hash_sql(source, inputs, rule)} as _hash from {relation}"
    return f"select * exclude (_hash), {found} as _split from ({hashed})"


def _cut(cuts: list[str]) -> str:
    low, high = (literal(cut) for cut in cuts)
    return (
        f"case when _hash < {low} then 'train' when _hash < {high} then 'validation' "
        f"when _hash >= {high} then 'test' else 'left out' end"
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
    column, moment = quoted(source.time), time_sql(source)
    bad = table.rows(f"select {column} from source where {column} is not null and {moment} is null limit 1")
    if bad:
        raise Trouble(f'{source.time} holds "{bad[0][0]}", which is no date.', "Write dates as 2026-01-31, or 10:00.")
    low, high = (f"quantile_disc({moment}, {share})" for share in SHARES)
    low, high, last = table.rows(f"select {low}, {high}, max({moment}) from source")[0]
    if low is None or not low < high < last:
        sentence = f"{source.time} has too few different moments to put the test rows last."
        raise Trouble(sentence, "Clear `time`, or add rows.")
    return [str(low), str(high)]


def _strata_cuts(table: Engine, strata: str, hashed: str) -> dict[str, list[str]]:
    """Cuts that give each stratum the same shares; among many rows every n-th shows where they lie."""
    nth = 1 + table.rows("select count(*) from source")[0][0] // MANY
    low, high = (f"quantile_disc({hashed}, {share})" for share in SHARES)
    rows = table.rows(
        f"select cast({strata} as varchar), {low}, {high} from source where {strata} is not null and {ROW} % {nth} = 0 "
        "group by 1 order by 1"
    )
    return {name: [first, second] for name, first, second in rows}


def _group_cuts(table: Engine, source: Source, hashed: str) -> list[str]:
    """Cuts between groups, so that about 60, 20 and 20 percent of the rows follow."""
    rows = table.rows(f"select h, n from (select {hashed} h, count(*) n from source group by 1) order by h")
    if len(rows) < 5:
        remedy = "Clear `group` in data/source.yaml, or add rows."
        raise Trouble(f"{source.group} holds {len(rows)} groups, too few to split by.", remedy)
    total, seen = sum(count for _, count in rows), 0
    cuts: list[str] = []
    for hashed_group, count in rows:
        if len(cuts) < 2 and seen >= SHARES[len(cuts)] * total:
            cuts.append(hashed_group)
        seen += count
    return [*cuts, rows[-1][0], rows[-1][0]][:2]


def parts(table: Engine, source: Source, task: str, target: str, units: str = "count(*)") -> dict[str, dict[str, Any]]:
    """Of every split, in one scan: rows, keys, first and last moment; of those with a right answer units, rows, keys,
    and how many groups or days they come from.

    Where there are very many training rows, every n-th of them gives its key.
    """
    key, moment = key_sql(source), time_sql(source) if source.time else "null"
    nth = 1 + table.rows("select count(*) from source")[0][0] // MANY
    some = f"_split <> 'train' or {ROW} % {nth} = 0" if nth > 1 else "true"
    keys, answers = (_sum(text, some) for text in (key, answered(key, target, task)))
    shared = cluster_of(source, task)[1]
    apart = f"count(distinct {shared})" if shared else "count(*)"
    known = (f"{of} filter (where {target} is not null)" for of in (units, "count(*)", answers, apart))
    counts = f"count(*), {keys}, min({moment}), max({moment}), {', '.join(known)}"
    names = ("rows", "keys", "first", "last", "units", "labelled", "answers", "clusters")
    rows = table.rows(f"select _split, {counts} from split_rows group by 1")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def inverted(found: dict[str, dict[str, Any]]) -> bool:
    """Whether a row of an earlier split is as new as one of a later split; never without a time column."""
    dated = [found[part] for part in PARTS if part in found and found[part]["first"] is not None]
    return any(not early["last"] < late["first"] for early, late in itertools.pairwise(dated))


def digest(table: Engine, relation: str, key: str) -> str:
    """One number for a set of keys, the same in any order: their count and the sum of their hashes."""
    return number(*table.rows(f"select count(*), {_sum(key)} from {relation}")[0])


def _sum(text: str, where: str = "true") -> str:
    return f"sum(case when {where} then cast('0x' || substr(md5({text}), 1, 12) as bigint) end)"


def number(count: int, total: int | None) -> str:
    """A set of keys as one number: how many there are, and the sum of their hashes."""
    return f"{count}-{int(total or 0):x}"


def still_fits(known: dict[str, Any], fresh: dict[str, Any]) -> bool:
    """Whether the recorded rule was made for the same columns, so that rows keep their split when data grows."""
    same = ("kind", "salt", "strata", "embargo_days", "groups_once")
    if any(known.get(key) != fresh.get(key) for key in same) or (known.get("by") == "id") != (fresh.get("by") == "id"):
        return False
    return known["kind"] != "stratified" or set(known["cuts"]) >= set(fresh["cuts"])


def across(table: Engine, source: Source, task: str, inputs: list[str], tell: dict[str, float]) -> dict[str, int]:
    """How many keys, groups and copies of rows lie in more than one split."""
    tested = {"keys": quoted(source.id)} if source.id and repeats(table, [source.id]) else {}
    if source.group and task != "forecast":
        tested["groups"] = quoted(source.group)
    if tell:
        tested["rows"] = twins_sql(tell, inputs)
    found = {"keys": 0, "groups": 0, "rows": 0}
    for name, expression in tested.items():
        kept = f"select {expression} k from split_rows where _split <> 'left out'"
        shared = f"{kept} group by 1 having count(distinct _split) > 1"
        found[name] = int(table.rows(f"select count(*) from ({shared})")[0][0])
    return found


def _nothing(table: Engine, source: Source, rule: dict[str, Any], part: str) -> Trouble:
    """An empty split, and the column that made it so."""
    role = {"own": "split", "stratified": "id" if rule.get("by") == "id" else ""}.get(rule["kind"], rule["kind"])
    if not role:
        return Trouble(f"The {part} split is empty.", f"Add rows, or change split, time or group in {SOURCE}.")
    column = getattr(source, role)
    text = f"cast({quoted(column)} as varchar)"
    count, low, high = table.rows(f"select count(distinct {text}), min({text}), max({text}) from source")[0]
    must = {"split": "say train, validation or test", "id": "tell rows apart"}.get(role, "vary more")
    said = f'{column} ({role}) holds {count} different value(s), from "{low}" to "{high}"'
    return Trouble(f"The {part} split is empty: {said}.", f"It must {must}; or clear `{role}` in {SOURCE}.")


def _alike(
    table: Engine, source: Source, inputs: list[str], copies: dict[str, float], target: str, relation: str
) -> dict[str, Any]:
    """Rows that share all inputs with another: how many, how many of them beside one answered otherwise, and `cases`.

    A copy has its row's answer. Where every row has an id of its own and many of those that look alike are answered
    otherwise, the ids are right: they are `cases` of their own, which a few coarse columns cannot tell apart.
    `by_chance` is the share of equal pairs that chance makes; where it is half or more, all of them are cases.
    """
    groups = f"select count(*) n, count(distinct {target}) answers from source where {target} is not null"
    groups += f" group by {twins_sql(copies, inputs)} having count(*) > 1"
    rows, differ = table.rows(f"select sum(n), sum(if(answers > 1, n, 0)) from ({groups})")[0]
    named = bool(source.id) and not repeats(table, [source.id])
    ids = named and int(differ or 0) > ALIKE * int(rows or 0)
    chance = by_chance(table, inputs, relation, copies)
    found = {"rows": int(rows or 0), "differ": int(differ or 0), "by_chance": round(chance.by_chance, 3)}
    return found | {"cases": ids or chance.explained, "why": "ids" if ids else "chance" if chance.explained else ""}


def left_out(table: Engine, source: Source, rule: dict[str, Any], inputs: list[str]) -> list[dict[str, Any]]:
    """Why rows are in no split: the reason, how many, and how many of them would be test rows otherwise."""
    copy, group = (
        _later(source, rule | {"groups_once": False}, inputs),
        _later(source, rule | {"repeats": False}, inputs),
    )
    whens = f"when _split = 'left out' then {_unsplit(source, rule)} "
    whens += f"when {copy} then {literal(COPY)} " if copy else ""
    whens += f"when {group} then {literal(f'their {source.group} lies in an earlier split')} " if group else ""
    plain = _split(source, rule, inputs, "source")
    rows = table.rows(
        f"select why, count(*), count(*) filter (where _plain = 'test') from (select _split as _plain, case {whens}end "
        f"as why from ({plain})) where why is not null group by 1 order by 2 desc, 1"
    )
    return [{"why": why, "rows": count, "test": test} for why, count, test in rows]


def _unsplit(source: Source, rule: dict[str, Any]) -> str:
    """SQL for why the rule itself gives a row no split."""
    if rule["kind"] == "own":
        return literal(f"{source.split} says none of {', '.join(PARTS)}")
    if rule["kind"] == "time":
        gap = f"within {float(rule['embargo_days']):g} days before a later split, when their answers were not known yet"
        unknown = literal(f"no moment in {source.time}")
        return f"case when {time_sql(source)} is null then {unknown} else {literal(gap)} end"
    if rule["kind"] == "group":
        return literal(f"no {source.group}")
    answered = f"{rule['strata']} is null"
    missing = f"no {source.id}" if rule.get("by") == "id" else "nothing to tell them by"
    return f"case when {answered} then {literal(UNANSWERED)} else {literal(missing)} end"


def cut(repo: Repo, table: Engine, source: Source, inputs: list[str], target: str, resplit: bool) -> dict[str, Any]:
    """The rule (the recorded one, unless the columns changed), its sizes, and what lies in two splits."""
    task, known = repo.answers["task"], None if resplit else repo.evidence("splits", RESPLIT)
    embargo = float(repo.answers.get("label_delay_days") or 0) if source.time else 0.0
    rule = proposed = propose(table, source, task, target, inputs, embargo)
    if known and still_fits(known["rule"], rule):
        rule = known["rule"]
    create_view(table, source, rule, inputs)
    trained = "split_rows where _split = 'train'"
    copies = telling(table, inputs, trained) if repeats(table, inputs) else {}
    alike = _alike(table, source, inputs, copies, target, trained) if copies else {}
    if alike.get("cases"):
        copies = {}
    shared = across(table, source, task, inputs, copies)
    if shared["rows"] and rule["kind"] != "own":
        rule = rule | {"repeats": True, "copies": copies}
        create_view(table, source, rule, inputs)
        shared = across(table, source, task, inputs, copies)
    found = parts(table, source, task, target, units_sql(repo, source, target))
    if empty := [part for part in PARTS if part not in found]:
        raise _nothing(table, source, rule, empty[0])
    three = {part: found[part] for part in PARTS}
    return {
        "rule": rule,
        "sizes": {part: found[part]["rows"] if part in found else 0 for part in (*PARTS, "left out")},
        "keys": {part: number(it["rows"], it["keys"]) for part, it in three.items()},
        "answers": {part: number(it["labelled"], it["answers"]) for part, it in three.items()},
        "left_out": left_out(table, source, rule, inputs) if "left out" in found else [],
        "across": shared,
        "alike": alike,
        "time_inverted": inverted(found),
        "as_proposed": rule.get("cuts") == proposed.get("cuts"),
        "test": {"rows": found["test"]["labelled"], "units": found["test"]["units"] or 0}
        | _shared(source, task, found),
    }


def _shared(source: Source, task: str, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How many groups or days the labelled test rows come from, and of what; nothing where each is one by itself."""
    name, count = cluster_of(source, task)[0], found["test"]["clusters"]
    return {"clusters": count, "cluster": name} if name and count < found["test"]["labelled"] else {}


def clusters_said(count: int, name: str) -> str:
    """That many clusters in words: 8 days; 8 values of customer."""
    return counted(count, "day") if name == "day" else f"{counted(count, 'value')} of {name}"
