"""How values look inside rendered documents: the filters and small blocks that templates call."""

import json
import keyword
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from mlscaffold.yamltext import quoted

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "macro_f1": "macro F1",
    "brier": "Brier score",
    "mae": "MAE",
    "rmse": "RMSE",
    "ndcg_at_10": "NDCG@10",
    "mrr": "MRR",
}
COUNTED = "day|row|worker|week|month|minute|label|iteration|request|run|call|year"  # units that have a singular
WHOLE = ("working days", "person-days", "days", "weeks", "months", "minutes", "hours")  # nobody plans in parts of them
UNKNOWN = "not yet measured"


def bare(value: Any) -> Any:
    """The value of a plan entry, or the value itself."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def number(value: Any) -> str:
    """1225 → 1,225; 0.0476 → 0.0476; three significant digits, and more close to one or a hundred: 99.95, 0.9995."""
    words = value.get("words") if isinstance(value, dict) else None
    value = bare(value)
    if value is None:
        return words or UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(number(part) for part in value)
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000 or value == int(value):
        return f"{round(value):,}"
    near_the_top = 0.99 < abs(value) < 1 or 99 < abs(value) < 100
    return _significant(value, 5 if near_the_top else 3 if abs(value) < 100 else 4)


def percent(value: Any) -> str:
    """0.55 → 55 %; finer close to the ends, where the digits matter: 0.9995 → 99.95 %."""
    value = bare(value)
    if value is None:
        return UNKNOWN
    share = value * 100
    if share and (abs(share) < 1 or 99 < abs(share) < 100):
        return _significant(share, 2 if abs(share) < 1 else 5) + " %"
    return f"{share:.1f}".removesuffix(".0") + " %"


@pass_context
def money(context: Context, value: Any) -> str:
    """37425.1 → 37,425 EUR, in the currency of the answers."""
    value = bare(value)
    if value is None:
        return UNKNOWN
    amount = f"{value:,.2f}".removesuffix(".00") if abs(value) < 100 else f"{round(value):,}"
    if 0 < abs(value) < 0.1:
        amount = _significant(value, 2)
    return f"{amount} {context['answers'].currency}"


def days(value: Any) -> str:
    """177.9 → 178 days, 0.04 → less than a day; whole days, because nobody plans in hours, rounded like `number`."""
    value = bare(value)
    if value is None:
        return UNKNOWN
    if 0 < value < 1:
        return "less than a day"
    whole = round(value)
    return "1 day" if whole == 1 else f"{whole:,} days"


def measure(entry: Mapping[str, Any]) -> str:
    """A plan entry with its unit, for a line of its own: 1,136 rows, 55 %, 1 worker, 45 working days, yes."""
    entry = dict(entry)
    value, unit = entry["value"], entry["unit"] or ""
    if value is None or isinstance(value, (bool, str)):
        return number(entry)
    if unit == "share":
        return percent(entry)
    if unit == "probability":
        return number(entry)
    if unit in WHOLE and not isinstance(value, int):
        text = f"less than 1 {unit}" if 0 < value < 1 else f"{round(value):,} {unit}"
    else:
        text = f"{number(entry)} {unit}".rstrip()
    return re.sub(rf"^((?:less than )?1 (?:working |person-)?)({COUNTED})s\b", r"\1\2", text)


def as_json(value: Any) -> str:
    """A structure as indented JSON with the letters of all scripts kept."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def identifier(text: str) -> str:
    """A Python name for a text: accents dropped, words joined by underscores; "item" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:60].strip("_")
    if not name:
        return "item"
    return f"_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def cell(text: Any) -> str:
    """A text inside a Markdown table cell."""
    return number(text).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def mermaid(text: str) -> str:
    """A text inside a Mermaid label, without the characters that end or split one."""
    return re.sub(r"\s+", " ", re.sub(r'[:;,#"`<>{}\[\]()|\\%]', " ", text)).strip()[:80] or "item"


def metric_name(metric: str) -> str:
    """How people write a metric: roc_auc → ROC AUC."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def needs(owner: str, question: str) -> str:
    """The mark for what only a person can say; a gate finds it."""
    return f"[NEEDS ANSWER owner: {owner}] {question}"


def fold(*entries: dict[str, Any]) -> str:
    """A closed block that shows for each number its formula and inputs, so that a reader can argue with it."""
    lines = "\n".join(_worked_out(entry) for entry in entries)
    return f"<details>\n<summary>Where the numbers come from</summary>\n\n{lines}\n\n</details>"


def _worked_out(entry: dict[str, Any]) -> str:
    inputs = ", ".join(f"{name} {number(value)}" for name, value in entry["inputs"].items() if value is not None)
    unit = f" {entry['unit']}" if entry["unit"] not in ("", "share") and entry["value"] is not None else ""
    value = percent(entry) if entry["unit"] == "share" else number(entry)
    if value == "1":
        unit = re.sub(rf"\b({COUNTED})s\b", r"\1", unit)
    line = f"- {entry['meaning'].rstrip('.')}: **{value}{unit}** ({entry['formula'] or 'answer'}"
    line += f"; {inputs})" if inputs else ")"
    return line + (f". {entry['note']}" if entry.get("note") else "")


def _significant(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return f"{float(text):.10f}".rstrip("0").rstrip(".") if "e" in text else text


def printable(text: str) -> str:
    """A text of somebody else's on a terminal: what steers the terminal becomes a question mark; line ends stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


FILTERS = {
    "number": number,
    "percent": percent,
    "money": money,
    "days": days,
    "quoted": quoted,
    "json": as_json,
    "identifier": identifier,
    "cell": cell,
    "mermaid": mermaid,
    "metric_name": metric_name,
}
GLOBALS = {"fold": fold, "needs": needs}
