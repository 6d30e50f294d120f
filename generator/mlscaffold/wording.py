"""How values look inside rendered documents: the filters and small blocks that templates call."""

import json
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from mlscaffold import catalogue, figures
from mlscaffold.yamltext import quoted

COUNTED = "day|row|worker|week|month|minute|label|iteration|request|run|call|year"  # units that have a singular
UNKNOWN = "not yet measured"
HELD = ("past_cases", "labelled_cases")  # none of them is a default, which nobody has counted
PAGE = "_page"  # under this name a context keeps which page it writes, also in the parts that the page includes
DAY = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w*-])")  # one that carries no mark yet
MARK = "*"  # on a number that rests on a default nobody has confirmed; the page's last lines say which


def bare(value: Any) -> Any:
    """The value of a plan entry, or the value itself."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def missing(value: Any) -> str:
    """What stands where a number is not there: which of four things it is, and by what or why."""
    entry = value if isinstance(value, dict) else {}
    if entry.get("words"):
        return str(entry["words"])
    found = entry.get("absent")
    if not found:
        return UNKNOWN
    why = found["why"]
    return f"{found['kind']} ({why if found['kind'] == UNKNOWN else why[:1].lower() + why[1:]})"


def number(value: Any) -> str:
    """1225 → 1,225; 0.0476 → 0.0476; a plan entry by its kind (`figures.number`), or the words for what is missing."""
    entry, value = value, bare(value)
    if value is None:
        return missing(entry)
    if isinstance(entry, dict):
        return figures.number(value, entry.get("unit") or "", entry.get("provenance") or "answered")
    return figures.number(value)


def percent(value: Any) -> str:
    """0.55 → 55 %; finer close to the ends, where the digits matter: 0.9995 → 99.95 %, 0.0167 → 1.7 %."""
    if bare(value) is None:
        return missing(value)
    share = bare(value) * 100
    if share and (abs(share) < 1 or 99 < abs(share) < 100):
        return figures.significant(share, 2 if abs(share) < 1 else figures.digits_near_the_top(share)) + " %"
    if isinstance(value, dict) and value.get("provenance") == "computed" and abs(share) >= 10:
        return f"{share:.0f} %"  # worked out from answers that have two digits; what a person typed stays as it is
    return f"{share:.1f}".removesuffix(".0") + " %"


@pass_context
def marked_money(context: Context, value: Any) -> str:
    """`money`, with a mark where it is assumed."""
    return money(context, value) + mark(context, value)


def unmarked(text: str) -> str:
    """A number inside a drawing or a command, where a mark would be read as something else."""
    return text.replace(MARK, "")


def money(context: Context, value: Any) -> str:
    """37425.1 → 37,400 EUR, in the currency of the answers; an amount that somebody gave keeps its digits."""
    entry, value = value, bare(value)
    if value is None:
        return missing(entry)
    given = entry.get("provenance") or "answered" if isinstance(entry, dict) else "answered"
    return f"{figures.money(value, given)} {context['answers'].currency}"


def days(value: Any) -> str:
    """177.9 → 178 days, 0.04 → less than a day; whole days, because nobody plans in hours, rounded like `number`."""
    entry, value = value, bare(value)
    if value is None:
        return missing(entry)
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
    text = f"{number(entry)} {unit}".rstrip()
    return re.sub(rf"^((?:less than )?1 (?:working |person-)?)({COUNTED})s\b", r"\1\2", text)


def as_json(value: Any) -> str:
    """A structure as indented JSON with the letters of all scripts kept; a number is one to YAML as well."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # 6e-06 is JSON's number and YAML's word; 6.0e-06 is a number to both.
    return re.sub(r"^(-?\d+)e", r"\1.0e", text) if isinstance(value, float) else text


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


def bullets(texts: Iterable[str]) -> str:
    """A list in Markdown, one text a line."""
    return "\n".join(f"- {text}" for text in texts)


def rows(records: Iterable[Any], *columns: str) -> str:
    """A table's rows in Markdown, one a record; a column names a field of it, or a field's field: "scenario.given"."""
    return "\n".join(f"| {' | '.join(cell(_field(record, column)) for column in columns)} |" for record in records)


def _field(record: Any, column: str) -> Any:
    for name in column.split("."):
        record = record[name] if isinstance(record, Mapping) else getattr(record, name)
    return record


def mermaid(text: str) -> str:
    """A text inside a Mermaid label, without the characters that end or split one."""
    return re.sub(r"\s+", " ", re.sub(r'[:;,#"`<>{}\[\]()|\\%*]', " ", text)).strip()[:80] or "item"


def metric_name(metric: str) -> str:
    """How people write a metric: roc_auc → ROC AUC."""
    row = catalogue.metrics().get(metric)
    return row.short if row else metric.removeprefix("own:").replace("_", " ")


def needs(owner: str, question: str) -> str:
    """The mark for what only a person can say; a gate finds it."""
    return f"[NEEDS ANSWER owner: {owner}] {question}"


def mark(context: Context, value: Any) -> str:
    """The mark of a number that rests on an unconfirmed default; the page remembers which, for `footnote`."""
    keys = value.get("rests_on") if isinstance(value, dict) else None
    if not keys or ".md" not in _path(context):
        return ""
    _page(context).update(dict.fromkeys(keys))
    return MARK


def marked(plain: Callable[..., str]) -> Callable[..., str]:
    """The filter as documents call it: its text, with a mark where the number is assumed."""

    @pass_context
    def shown(context: Context, value: Any) -> str:
        return plain(value) + mark(context, value)

    return shown


def _path(context: Context) -> str:
    """The template of the page that is being written, whichever of its parts writes now."""
    return str(context.parent.get(PAGE) or "")


def _page(context: Context) -> dict[str, None]:
    """The defaults behind the marks of the page that is being written, in order."""
    pages: dict[str, dict[str, None]] = context.environment.__dict__.setdefault("assumed_on_pages", {})
    return pages.setdefault(_path(context), {})


@pass_context
def assumed_here(context: Context) -> bool:
    """Whether the page has carried a mark so far."""
    return bool(_page(context))


@pass_context
def footnote(context: Context) -> str:
    """What the marks above mean, and how each default is confirmed or replaced by a fact."""
    keys = list(_page(context))
    _page(context).clear()
    known = [row["key"] for row in context["plan"]["assumptions"]]
    named = ", ".join(f"`{key}`" + ("" if key in known else " (not known yet: give it)") for key in keys)
    return (
        f"\\* rests on defaults that nobody has confirmed: {named}. "
        "Give the fact with `mlscaffold replan --set KEY=VALUE`, "
        "or take the default as true with `.venv/bin/planrun confirm KEY`."
    )


@pass_context
def fact(context: Context, key: str) -> dict[str, Any]:
    """An answer as the filters want it: its value, and whether it is a default that nobody has confirmed."""
    open_keys = [row["key"] for row in context["plan"]["assumptions"]]
    value = context["answers"].get(key)
    if key in HELD and key in open_keys and not value:
        return {"value": None, "unit": "", "words": "nobody has counted them"}
    return {"value": value, "unit": "", "rests_on": [key] if key in open_keys else []}


@pass_context
def taken(context: Context, key: str, text: str) -> str:
    """What follows from an answer, with the mark where nobody has given it."""
    return text + mark(context, fact(context, key) | {"value": text})


def actions(expression: str) -> str:
    """An expression that GitHub works out when a workflow runs; its braces are Jinja's as well."""
    return f"${{{{ {expression} }}}}"


@pass_context
def decision_or(context: Context, otherwise: str) -> str:
    """The decision as it was answered, quoted; what else to say while nobody has written it."""
    decision = context["answers"].decision
    return f"> {decision}" if decision else otherwise


@pass_context
def reasons(context: Context, texts: Iterable[str]) -> str:
    """What speaks for the advice or against it, as a list; one with a figure is marked where figures are assumed."""
    advice = context["plan"]["advice"]
    return bullets(text + (mark(context, advice) if re.search(r"\d", text) else "") for text in texts)


@pass_context
def six_lines(context: Context) -> str:
    """What the plan comes to, as a list: the lines that `mlscaffold plan` shows first."""
    rows = context["plan"]["headline"]
    texts = [_whole(row["text"]) + mark(context, row | {"value": row["text"]}) for row in rows]
    lines = "\n".join(f"- **{row['label']}:** {text}" for row, text in zip(rows, texts, strict=True))
    return Page(as_text(lines))  # a line has one mark at its end, also for its days


def _whole(text: str) -> str:
    """A sentence of the plan inside a list: no line ends, and nothing that Markdown reads as markup."""
    return re.sub(r"([*_<>|`])", r"\\\1", " ".join(text.split()))


class Page(str):
    """Markdown that this program wrote, with its own marks in it; texts of people inside are `as_text` already."""

    __slots__ = ()


def as_text(text: str) -> str:
    """A text in Markdown that stays a text: no HTML and no image comes of it, whatever somebody typed.

    A "<" that begins a tag, a comment or an address becomes "&lt;", and "![" becomes "!\\[", as CommonMark reads them.
    """
    unescaped = r"(?<!\\)((?:\\\\)*)<(?=[A-Za-z/!?])"
    return re.sub(unescaped, r"\1&lt;", text).replace("![", "!\\[")


@pass_context
def in_its_document(context: Context, value: Any) -> Any:
    """What a template's expression becomes: in a Markdown page a text stays a text, elsewhere nothing changes."""
    if not isinstance(value, str) or isinstance(value, Page):
        return value
    return _dated(context, as_text(value)) if re.search(r"\.md(?:$|\{)", _path(context)) else value


def _dated(context: Context, text: str) -> str:
    """A text with the mark behind each day that the schedule works out, while the schedule rests on assumptions."""
    if not DAY.search(text):
        return text
    schedule = context["plan"]["schedule"]
    planned = {task[end] for task in schedule["tasks"] for end in ("start", "end")}
    planned |= {row["date"] for row in (*schedule["sessions"], *schedule["reviews"])}
    planned -= {schedule["start"]["value"]}  # the first day is an answer, and its number says itself what it rests on

    def with_its_mark(found: re.Match[str]) -> str:
        return found[0] + (mark(context, schedule["p50"]) if found[0] in planned else "")

    return DAY.sub(with_its_mark, text)


@pass_context
def fold(context: Context, *entries: dict[str, Any]) -> str:
    """A closed block that shows for each number its formula and inputs, so that a reader can argue with it."""
    lines = "\n".join(as_text(_worked_out(context, entry)) for entry in entries)
    return Page(f"<details>\n<summary>Where the numbers come from</summary>\n\n{lines}\n\n</details>")


def _worked_out(context: Context, entry: dict[str, Any]) -> str:
    assumed = entry.get("assumed_inputs", ())
    waits = entry.get("absent", {}).get("kind") == UNKNOWN  # then nothing has gone into it
    given = [(name, value) for name, value in entry["inputs"].items() if value is not None and not waits]
    answers = context["answers"]
    inputs = ", ".join(
        f"{name} {figures.given(name, value, answers)}{MARK if name in assumed else ''}" for name, value in given
    )
    unit = f" {entry['unit']}" if entry["unit"] not in ("", "share") and entry["value"] is not None else ""
    value = (percent(entry) if entry["unit"] == "share" else number(entry)) + mark(context, entry)
    if value.rstrip(MARK) in ("1", "less than 1"):
        unit = re.sub(rf"\b({COUNTED})s\b", r"\1", unit)
    line = f"- {entry['meaning'].rstrip('.')}: **{value}{unit}** ({_formula(context, entry)}"
    line += f"; {inputs})" if inputs else ")"
    told = entry.get("absent", {}).get("why") == str(entry.get("note")).rstrip(".")
    return line + (f". {entry['note']}" if entry.get("note") and not told else "")


def _formula(context: Context, entry: Mapping[str, Any]) -> str:
    """The id of the formula, and the way to it from the page that shows the number."""
    if not entry["formula"]:
        return "answer"
    up = "../" * _path(context).rpartition("docs/")[2].count("/")
    return f"[{entry['formula']}]({up}formulas.md#{entry['formula'].lower()})"


def printable(text: str) -> str:
    """A text of somebody else's on a terminal: what steers the terminal becomes a question mark; line ends stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def as_python(text: str) -> str:
    """A text as a Python literal, in the quotes that a formatter would leave: those that need fewer escapes."""
    double = quoted(text)
    if text.count('"') <= text.count("'"):
        return double
    return "'" + double[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


FILTERS = {
    "number": marked(number),
    "percent": marked(percent),
    "money": marked_money,
    "days": marked(days),
    "half_days": figures.half_days,
    "mark": pass_context(mark),
    "unmarked": unmarked,
    "quoted": quoted,
    "json": as_json,
    "python": as_python,
    "identifier": identifier,
    "cell": cell,
    "mermaid": mermaid,
    "metric_name": metric_name,
}
GLOBALS = {
    "actions": actions,
    "assumed_here": assumed_here,
    "bullets": bullets,
    "decision_or": decision_or,
    "fact": fact,
    "fold": fold,
    "footnote": footnote,
    "needs": needs,
    "reasons": reasons,
    "rows": rows,
    "six_lines": six_lines,
    "taken": taken,
}
