"""data/schema.yaml: what each column must be. Proposed from the data once, then the team's to tighten.

Data never gives rise to a rule twice: after the first audit a breach is a breach, until a person edits the file.
"""

import json
import math
from typing import Any

import yaml

from . import data, features
from .engine import Engine, quoted
from .files import Trouble, read_yaml
from .repo import Repo

PATH = "data/schema.yaml"
VALUES = 20
HEAD = """\
# What each column must be. The first audit proposed these lines from the data; from then on they are yours:
# tighten them, and fill in `meaning` and `owner`. Gate G1.3 holds the data to every line.
#   type            number, date or text
#   missing_at_most share of rows without a value
#   min, max        smallest and largest value allowed
#   values          the only texts allowed
#   unique          true where no value may repeat
#   fresh_days      how old the newest date may be
"""


def read(repo: Repo) -> dict[str, Any]:
    """The rules: {"rows_at_least": …, "columns": {column: {rule: text}}}; no columns before the first audit."""
    return _checked(read_yaml(repo.root / PATH, {}))


def parse(text: str) -> dict[str, Any]:
    """The rules in a proposed text."""
    return _checked(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  (builds texts and lists only)


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    columns = found.get("columns") or {}
    if not isinstance(columns, dict) or any(not isinstance(rules, dict) for rules in columns.values()):
        raise Trouble(f"{PATH}: columns must hold one block of rules a column.", f"git checkout {PATH}")
    limits = {"rows_at_least": "0", "repeated_rows_at_most": "1"}
    return {key: found.get(key, other) for key, other in limits.items()} | {"columns": columns}


def profile(table: Engine, columns: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Per column, in one scan: type, missing share, distinct values, smallest, largest, mean; texts that are numbers."""
    parts: list[str] = []
    for name, kind in columns.items():
        column = quoted(name)
        as_number = f"try_cast({column} as double)"
        middle = f"avg({as_number})" if features.kind_of(kind) == "number" else f"count({as_number})"
        parts += [f"count({column})", f"{table.words['distinct']}({column})", f"min({column})", f"max({column})", middle]
    row = table.rows(f"select count(*), {', '.join(parts)} from source")[0]
    found: dict[str, dict[str, Any]] = {}
    for number, (name, kind) in enumerate(columns.items()):
        filled, distinct, low, high, middle = row[1 + number * 5 : 6 + number * 5]
        found[name] = {
            "type": {"category": "text"}.get(features.kind_of(kind), features.kind_of(kind)),
            "missing": 1 - filled / row[0],
            "distinct": distinct,
            "min": low,
            "max": high,
        } | ({"mean": middle} if features.kind_of(kind) == "number" else {"numbers": middle / max(filled, 1)})
        if features.kind_of(kind) == "category" and distinct <= 2 * VALUES:
            levels = table.rows(f"select {quoted(name)}, count(*) from source group by 1 order by 2 desc, 1 limit 50")
            found[name]["levels"] = {str(level): count for level, count in levels if level is not None}
    return found


def propose(source: data.Source, found: dict[str, dict[str, Any]], rows: int, repeats: int) -> str:
    """The first rules as text: today's types and ranges, with room at both ends."""
    lines = [HEAD.rstrip(), "", f"rows_at_least: {max(1, rows // 2)}"]
    lines += [f"repeated_rows_at_most: {math.ceil(1000 * repeats / rows) / 1000}", "columns:"]
    for name, facts in found.items():
        lines.append(f"  {json.dumps(name, ensure_ascii=False)}:")
        lines += [f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in _rules(source, name, facts)]
    return "\n".join(lines) + "\n"


def _rules(source: data.Source, name: str, facts: dict[str, Any]) -> list[tuple[str, Any]]:
    # A text column that is nearly all numbers is a number column with something wrong in it: the audit must say so.
    mixed = facts["type"] == "text" and facts["numbers"] > 0.5
    rules: list[tuple[str, Any]] = [("type", "number" if mixed else facts["type"])]
    rules.append(("missing_at_most", 0.0 if facts["missing"] == 0 else round(min(1.0, facts["missing"] * 1.5 + 0.01), 4)))
    if facts["type"] == "number" and facts["min"] is not None:
        low, high = float(facts["min"]), float(facts["max"])
        room = (high - low) / 2
        rules += [("min", _short(0.0 if low >= 0 > low - room else low - room)), ("max", _short(high + room))]
    if facts["type"] == "text" and "levels" in facts and len(facts["levels"]) <= VALUES and not mixed:
        rules.append(("values", list(facts["levels"])))
    if name == source.id:
        rules.append(("unique", True))
    return [*rules, ("meaning", ""), ("owner", "")]


def breaches(
    table: Engine, rules: dict[str, Any], columns: dict[str, str], rows: int, repeats: int
) -> list[dict[str, Any]]:
    """Every rule that does not hold: column, rule, how many rows, an example, and a sentence."""
    found = []
    if rows < float(rules["rows_at_least"]):
        sentence = f"{rows} rows, and {rules['rows_at_least']} are asked for"
        found.append(_breach("", "rows_at_least", rows, rows, sentence))
    if repeats > float(rules["repeated_rows_at_most"]) * rows:
        sentence = f"{repeats} rows repeat another one, and a share of {rules['repeated_rows_at_most']} may"
        found.append(_breach("", "repeated_rows_at_most", repeats, None, sentence))
    for name, wanted in rules["columns"].items():
        if name not in columns:
            found.append(_breach(name, "present", rows, None, f'the column "{name}" is gone'))
            continue
        for rule, condition, say in _conditions(name, wanted, rows):
            count, example = table.rows(f"select count(*), min(cast({quoted(name)} as varchar)) from {condition}")[0]
            if count:
                shown = f'"{example}"' if example is not None else "no value"
                found.append(_breach(name, rule, count, example, say.replace("COUNT", str(count)).replace("SHOWN", shown)))
    return found


def _conditions(name: str, wanted: dict[str, str], rows: int) -> list[tuple[str, str, str]]:
    """(rule, FROM … WHERE that finds the rows breaking it, sentence)."""
    column, checks = quoted(name), []
    number = f"try_cast({column} as double)"
    cast = {"number": number, "date": f"try_cast({column} as timestamp)"}.get(wanted.get("type", "text"))
    if cast:
        checks.append(("type", f"source where {column} is not null and {cast} is null", _say(name, "are no " + wanted["type"])))
    for rule, sign in (("min", "<"), ("max", ">")):
        if wanted.get(rule):
            limit = _number(name, rule, wanted[rule])
            checks.append((rule, f"source where {number} {sign} {limit}", _say(name, f"lie beyond {rule} {wanted[rule]}")))
    if wanted.get("values"):
        allowed = ", ".join(data.literal(value) for value in wanted["values"])
        where = f"source where {column} is not null and cast({column} as varchar) not in ({allowed})"
        checks.append(("values", where, _say(name, "are none of the allowed values")))
    if wanted.get("unique") == "true":
        where = f"(select {column} from source group by {column} having count(*) > 1)"
        checks.append(("unique", where, _say(name, "repeat").replace("rows", "values")))
    limit = _number(name, "missing_at_most", wanted.get("missing_at_most") or "1")
    where = f"(select * from source where {column} is null) where (select count(*) from source where {column} is null) > "
    checks.append(("missing_at_most", f"{where}{limit * rows}", _say(name, f"have no value, and {limit:.2%} may")))
    if wanted.get("fresh_days"):
        days = _number(name, "fresh_days", wanted["fresh_days"])
        newest = f"(select max(try_cast({column} as timestamp)) {column} from source)"
        where = f"{newest} where {column} < now()::timestamp - interval {round(days * 86400)} second"
        checks.append(("fresh_days", where, f"{name}: the newest value SHOWN is older than {days:g} days"))
    return checks


def row_problems(rules: dict[str, Any], row: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with one row that came in: (column, sentence). Columns without a rule pass."""
    found = []
    for name, wanted in rules["columns"].items():
        value = row.get(name)
        if name not in row:
            continue
        if value is None or value == "":
            if (wanted.get("missing_at_most") or "1") in ("0", "0.0"):
                found.append((name, f"{name} is missing"))
            continue
        found += [(name, sentence) for sentence in _value_problems(name, wanted, value)]
    return found


def _value_problems(name: str, wanted: dict[str, str], value: Any) -> list[str]:
    if wanted.get("values") and str(value) not in wanted["values"]:
        return [f'{name} is "{value}", which is none of the allowed values']
    if wanted.get("type") != "number":
        return []
    try:
        number = float(value)
    except (TypeError, ValueError):
        return [f'{name} is "{value}", which is no number']
    low, high = wanted.get("min") or "-inf", wanted.get("max") or "inf"
    return [] if float(low) <= number <= float(high) else [f"{name} is {number:g}, outside {low} to {high}"]


def _breach(name: str, rule: str, count: int, example: Any, sentence: str) -> dict[str, Any]:
    return {"column": name, "rule": rule, "rows": count, "example": example, "sentence": sentence}


def _say(name: str, what: str) -> str:
    return f"{name}: COUNT rows {what}, such as SHOWN"


def _number(name: str, rule: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Trouble(f'{PATH}: {name} has {rule} "{text}", which is no number.', "Write a number.") from None


def _short(value: float) -> float:
    return float(f"{value:.6g}")
