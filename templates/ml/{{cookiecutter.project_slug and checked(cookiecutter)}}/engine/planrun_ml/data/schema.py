"""data/schema.yaml: what each column must be. Proposed from the data once, then the team's to tighten.

Data never gives rise to a rule twice: after the first audit a breach is a breach, until a person edits the file.
"""

import json
import math
import re
from typing import Any

import yaml
from planrun.files import read_yaml
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data.profile import VALUES, repeats
from planrun_ml.data.source import Source, near
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import literal, quoted

PATH = "data/schema.yaml"
MEND = f"Correct it there, or: git checkout {PATH}"
RULES = {
    "type": "number, date or text", "missing_at_most": "share of rows without a value",
    "min": "smallest value allowed", "max": "largest value allowed", "values": "list of the only texts allowed",
    "unique": "true where no value may repeat, or false", "fresh_days": "how many days old the newest date may be",
}  # fmt: skip
LIMITS = {"rows_at_least": "0", "repeated_rows_at_most": "1"}
FREE = ("meaning", "owner", "unit", "why")
NUMBER = r"([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)?"  # or nothing: not filled in
FITS = {"type": "(number|date|text)?", "unique": "(true|false)?", "values": ""} | dict.fromkeys(FREE, "(?s:.*)")
HEAD = """\
# What each column must be. The first audit proposed these lines from the data; from then on they are yours:
# tighten them, and fill in `meaning` and `owner`. Gate G1.3 holds the data to every line.
""" + "\n".join(f"#   {rule:<15} {what}" for rule, what in RULES.items())


def read(repo: Repo) -> dict[str, Any]:
    """The rules: {"rows_at_least": …, "columns": {column: {rule: text}}}; no columns before the first audit.

    Raises `Trouble` for a rule that is none.
    """
    return _checked(read_yaml(repo.root / PATH, {}))


def parse(text: str) -> dict[str, Any]:
    """The rules in a proposed text.

    Raises `Trouble` for a rule that is none.
    """
    return _checked(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  (builds texts and lists only)


def _checked(found: Any) -> dict[str, Any]:
    """The rules, each of them known and with a value that data can be held to. Raises `Trouble` for another."""
    columns = (found.get("columns") or {}) if isinstance(found, dict) else found
    if not isinstance(columns, dict) or any(not isinstance(rules, dict) for rules in columns.values()):
        raise Trouble(f"{PATH}: columns must hold one block of rules a column.", MEND)
    whole = {rule: value for rule, value in found.items() if rule != "columns" and value}
    for name, rules in [("it", whole), *columns.items()]:
        for rule, value in rules.items():
            known = list(LIMITS if rules is whole else (*RULES, *FREE))
            if rule not in known:
                raise Trouble(f'{PATH}: {name} has "{rule}", which is no rule. {near(rule, known)}'.strip(), MEND)
            if not (re.fullmatch(FITS.get(rule, NUMBER), value) if isinstance(value, str) else rule == "values"):
                must = RULES.get(rule, "text" if rule in FREE else "number")
                raise Trouble(f'{PATH}: {name} has {rule} "{value}"; it must be: {must}.', MEND)
    return LIMITS | whole | {"columns": columns}


def propose(source: Source, found: dict[str, dict[str, Any]], rows: int, same: int) -> str:
    """The first rules as text: today's types and ranges, with room at both ends."""
    lines = [HEAD, "", f"rows_at_least: {max(1, rows // 2)}"]
    lines += [f"repeated_rows_at_most: {math.ceil(1000 * same / rows) / 1000}", "columns:"]
    for name, facts in found.items():
        lines.append(f"  {json.dumps(name, ensure_ascii=False)}:")
        lines += [f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in _rules(source, name, facts)]
    return "\n".join(lines) + "\n"


def _rules(source: Source, name: str, facts: dict[str, Any]) -> list[tuple[str, Any]]:
    # A text column that is nearly all numbers is a number column with something wrong in it: the audit must say so.
    mixed = facts["type"] == "text" and facts["numbers"] > 0.5
    whole = facts["missing"] == 0 or name in (source.id, source.group)
    rules: list[tuple[str, Any]] = [("type", "number" if mixed else facts["type"])]
    rules.append(("missing_at_most", 0.0 if whole else round(min(1.0, facts["missing"] * 1.5 + 0.01), 4)))
    known = facts["type"] == "number" and facts["min"] is not None
    low, high = (float(facts[end]) if known else math.nan for end in ("min", "max"))
    if math.isfinite(room := (high - low) / 2):  # rounding must not cut off the data itself
        least, most = (float(f"{end:.6g}") for end in (low - room, high + room))
        rules += [("min", 0.0 if low >= 0 > least else min(least, low)), ("max", max(most, high))]
    if facts["type"] == "text" and "levels" in facts and len(facts["levels"]) <= VALUES and not mixed:
        rules.append(("values", list(facts["levels"])))
    if name == source.id:
        rules.append(("unique", True))
    return [*rules, ("meaning", ""), ("owner", "")]


def breaches(
    table: Engine, rules: dict[str, Any], facts: dict[str, dict[str, Any]], rows: int, same: int
) -> list[dict[str, Any]]:
    """Every rule that does not hold: column, rule, how many rows, an example, and a sentence."""
    found = []
    if rows < float(rules["rows_at_least"]):
        sentence = f"{rows} rows, and {rules['rows_at_least']} are asked for"
        found.append(_breach("", "rows_at_least", rows, rows, sentence))
    if same > float(rules["repeated_rows_at_most"]) * rows:
        sentence = f"{same} rows repeat another one, and a share of {rules['repeated_rows_at_most']} may"
        found.append(_breach("", "repeated_rows_at_most", same, None, sentence))
    checks = []
    for name, wanted in rules["columns"].items():
        if name in facts:
            checks += [(name, *check) for check in _checks(table, name, wanted, facts[name], rows)]
        else:
            found.append(_breach(name, "present", rows, None, f'the column "{name}" is gone'))
    counts = table.rows(f"select {', '.join(check[2] for check in checks)} from source")[0] if checks else ()
    for (name, rule, _, limit, where, say), count in zip(checks, counts, strict=True):
        if (count or 0) > limit:
            example = table.rows(f"select min(cast({quoted(name)} as varchar)) from {where}")[0][0]
            shown = f', such as "{example}"' if example is not None else ""
            sentence = f"{name}: {say.replace('COUNT', f'{count:,.0f}')}{shown}"
            found.append(_breach(name, rule, int(count), example, sentence))
    return found


def _checks(
    table: Engine, name: str, wanted: dict[str, str], facts: dict[str, Any], rows: int
) -> list[tuple[str, str, float, str, str]]:
    """(rule, count in SQL, how many may be, FROM … WHERE that finds an example, what to say).

    Only for rules that the column's facts leave open: a column inside its limits is not read again.
    """
    column, kind, checks, rowwise = quoted(name), wanted.get("type", "text"), [], []
    number = f"try_cast({column} as double)"
    known = facts["type"] == "number" and facts["min"] is not None
    low, high = (float(facts[end]) if known else math.nan for end in ("min", "max"))
    if kind == "number" and not -columns_module.LARGEST <= low <= high <= columns_module.LARGEST:
        finite = f"(abs({number}) <= {columns_module.LARGEST} or isnan({number}))"
        rowwise.append(("type", f"{column} is not null and {finite} is not true", "are no number"))
    if kind == "date" and facts["type"] != "date":
        rowwise.append(("type", f"{column} is not null and try_cast({column} as timestamp) is null", "are no date"))
    for rule, sign, end in (("min", "<", low), ("max", ">", high)):
        limit = float(wanted.get(rule) or "nan")
        if wanted.get(rule) and not (end >= limit if rule == "min" else end <= limit):
            rowwise.append((rule, f"{number} {sign} {limit}", f"lie beyond {rule} {wanted[rule]}"))
    if wanted.get("values") and not set(facts.get("levels") or [""]) <= set(wanted["values"]):
        allowed = ", ".join(literal(value) for value in wanted["values"])
        where = f"{column} is not null and cast({column} as varchar) not in ({allowed})"
        rowwise.append(("values", where, "are none of the allowed values"))
    for rule, where, say in rowwise:
        checks.append((rule, f"count(*) filter (where {where})", 0.0, f"source where {where}", f"COUNT rows {say}"))
    share = float(wanted.get("missing_at_most") or 1)
    if facts["missing"] > share:
        say = f"COUNT rows have no value, and a share of {share:g} may"
        where = f"source where {column} is null"
        checks.append(("missing_at_most", f"count(*) - count({column})", share * rows, where, say))
    if wanted.get("unique") == "true" and repeats(table, [name]):
        twice = f"(select {column} from source group by 1 having count(*) > 1)"
        checks.append(("unique", f"count({column}) - count(distinct {column})", 0.0, twice, "COUNT values repeat"))
    if wanted.get("fresh_days"):
        days = float(wanted["fresh_days"])
        age = f"epoch(now()::timestamp - max(try_cast({column} as timestamp))) / 86400"
        newest = f"(select max({column}) {column} from source)"
        checks.append(("fresh_days", age, days, newest, f"the newest value is COUNT days old, {days:g} may be"))
    return checks


def _breach(name: str, rule: str, count: int, example: Any, sentence: str) -> dict[str, Any]:
    return {"column": name, "rule": rule, "rows": count, "example": example, "sentence": sentence}
