"""What rendered documents print for numbers of the plan, each with the number's key and the place where it stands.

A template's line says which numbers stand where: `| Rows | {{ plan.test.rows | number }} |`. Its other words find the
line again in the finished page, and what stands there between them is read as a person reads it, by no filter of ours.
Folds, where numbers come from, name each number by its meaning; the six lines and the backlog by a sentence of theirs.
"""

import functools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from material import ROOT
from mlscaffold import templates

KEY = r"plan\.(?P<key>[a-z_][\w.]*?)"
PRINTED = re.compile(rf"\{{\{{ {KEY} \| (?P<form>number|percent|money|days) \}}\}}")
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
CHOSEN = re.compile(r"\{% if [^%]*%\}.*\{% endif %\}")  # inside a line: some of its words may not be there
WEIGHTS = re.compile(r" (?:\(\*(?:blocks|advises)\*\)|\*(?:blocks|advises)\*)")  # added behind a gate
FOLDED = re.compile(r"^- (?P<meaning>.+?): \*\*(?P<text>.+?)\*\* \((?:\[|answer)")
FEWEST_LETTERS = 8  # of a template's line, so that it is found again and no other
AMOUNT = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
CURRENCY = re.compile(r"(?!PSI)[A-Z]{3}\b")
NEEDED = ("rows", "labelled rows", "flagged rows", "queries", "positives")
LESS = ("less than 1", "less than a day")
# What a sentence of the six lines or of a risk says by a number of the plan: in which list, its words, the number.
SAID = (
    ("headline", r"by (\S+) as likely as not", "schedule.p50"),
    ("headline", r"by (\S+) in 4 of 5 cases", "schedule.p80"),
    ("headline", r"the appetite ends (?:before that, on )?(\S+)$", "schedule.deadline"),
    ("headline", r"^([\d,]+) labelled test rows show the gain", "test.rows"),
    ("headline", r"([\d,]+) are missing$", "test.shortfall"),
    ("headline", r"over today's(?: assumed)? (\S+?); the target", "acceptance.baseline"),
    ("headline", r"; the target is (\S+)", "acceptance.target"),
    ("headline", r"calibrated probability is above ([\d.]+)", "acceptance.threshold"),
    ("headline", r"within ([\d,]+) months? of operation", "acceptance.payback_months"),
    ("headline", r"^([\d,]+) \w+ in a row without a failure", "slo.demo_requests"),
    ("headline", r"^(\S+ %) of (?:requests|runs) succeed", "slo.objective"),
    ("headline", r", or ([\d,.]+) failed (?:requests|runs)$", "slo.budget_requests"),
    ("headline", r"^([\d,.]+) minutes of complete failure", "slo.budget_minutes"),
    ("headline", r"^([\d,.]+) person-days", "schedule.effort_days"),
    ("requirements", r"^At most ([\d,.]+) failed (?:requests|runs)", "slo.budget_requests"),
    ("backlog", r"The test set holds ([\d,]+) rows", "test.rows"),
    ("risks", r"for the test, ([\d,]+) needed", "test.rows"),
    ("risks", r"^Label ([\d,]+) more rows", "test.shortfall"),
    ("risks", r"only a gain of (\S+) can be shown", "test.mde_available"),
    ("risks", r"^Exempt ([\d,]+) random cases a week", "feedback.audit_rows_week"),
)


@dataclass(frozen=True)
class Statement:
    """A number's key, what is printed for it, and where; `form` is the way in which it is written."""

    key: str
    text: str
    form: str
    where: str

    @property
    def amount(self) -> float | None:
        """The number that is printed, of a percentage its share; None where no number is."""
        found = AMOUNT.search(self.text)
        if found is None or self.text.startswith(LESS):
            return None
        amount = float(found[0].replace(",", ""))
        return amount / 100 if self.form == "percent" else amount

    @property
    def step(self) -> float:
        """How much one in the last printed digit is."""
        found = AMOUNT.search(self.text)
        decimals = len(found[0].partition(".")[2]) if found else 0
        return 10.0**-decimals / (100 if self.form == "percent" else 1)


@dataclass(frozen=True)
class Line:
    """A line of a template: what finds it in its page, and the keys and forms of the numbers in it."""

    pattern: re.Pattern[str]
    keys: tuple[tuple[str, str], ...]


def plain(text: str) -> str:
    """Without the marks of assumptions, of emphasis and of gates."""
    return WEIGHTS.sub("", text).strip().strip("*").strip()


@functools.cache
def lines_of(kind: str) -> tuple[Line, ...]:
    """The lines of all templates of a kind that print a number of the plan, but for those of too few words."""
    found = []
    folder = ROOT / "templates" / kind
    for path in templates.files_of(folder):  # nothing that Python compiled beside them
        if "engine" not in path.relative_to(folder).parts and path.suffix != ".py":
            found += [line for text in path.read_text("utf-8").splitlines() if (line := _line(text.strip()))]
    return tuple(dict.fromkeys(found))


def _line(text: str) -> Line | None:
    text = CHOSEN.sub("{# one or the other #}", text)
    pattern, keys, at, letters = "", [], 0, 0
    for tag in TAG.finditer(text):
        words = text[at : tag.start()]
        # Where one expression follows on another, nothing says where the number ends.
        alone = not text[: tag.start()].rstrip().endswith("}") and not text[tag.end() :].lstrip().startswith("{")
        printed = PRINTED.fullmatch(tag[0]) if alone else None
        pattern += re.escape(words) + ("(.+?)" if printed else ".*?")
        if printed:
            keys.append((printed["key"], printed["form"]))
        letters, at = letters + len(re.findall(r"\w", words)), tag.end()
    letters += len(re.findall(r"\w", text[at:]))
    if not keys or letters < FEWEST_LETTERS:
        return None
    return Line(re.compile(pattern + re.escape(text[at:])), tuple(keys))


def statements(tree: Path, plan: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> Iterator[Statement]:
    """Everything that the documents of a rendered repository print for a number of its plan, by the number's key."""
    meanings: dict[str, list[str]] = {}
    for key, entry in entries.items():
        meanings.setdefault(entry["meaning"].rstrip("."), []).append(key)
    for path in documents(tree):
        where = path.relative_to(tree).as_posix()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield from _of_a_line(line, f"{where}:{number}", plan["kind"], meanings)
    yield from _of_sentences(plan)


def documents(tree: Path) -> list[Path]:
    """Pages and settings that people read, as they are rendered; not the plan itself and not the program."""
    named = [*tree.glob("*.md"), *tree.glob("docs/**/*.md"), *tree.glob("ops/*.yaml"), *tree.glob("data/*.md")]
    return sorted(named)


def _of_a_line(text: str, where: str, kind: str, meanings: Mapping[str, list[str]]) -> Iterator[Statement]:
    if not re.search(r"\d|[a-z]", text):
        return
    bare = WEIGHTS.sub("", text).strip()
    folded = FOLDED.match(bare)
    if folded:
        keys = meanings.get(folded["meaning"], [])
        if len(keys) == 1:
            form = "percent" if "%" in folded["text"] else "number"
            yield Statement(keys[0], plain(folded["text"]).replace("*", ""), form, where)
        return
    for line in lines_of(kind):
        if found := line.pattern.fullmatch(bare):
            for (key, form), printed in zip(line.keys, found.groups(), strict=True):
                if ".inputs." not in key:
                    yield Statement(key, plain(printed), form, where)


def _of_sentences(plan: Mapping[str, Any]) -> Iterator[Statement]:
    active = [risk for risk in plan["risks"] if risk["active"]]
    texts = {
        "headline": [row["text"] for row in plan["headline"]],
        "requirements": [row["fit"] for row in plan.get("requirements", ())],
        "backlog": [item["body"] for item in plan["backlog"]],
        "risks": [text for risk in active for text in (risk["trigger"], risk["response"])],
    }
    for place, pattern, key in SAID:
        for text in texts[place]:
            for found in re.finditer(pattern, text):
                printed = found[1].rstrip(";,")
                form = "percent" if printed.endswith("%") else "number"
                yield Statement(key, printed, form, f"{place}: {text[:60]}")


def wrong(said: Statement, entry: Mapping[str, Any]) -> str | None:
    """Why a statement is not its number under the rule of rounding; None where it is.

    A number has three digits or more, or is whole; a share in percent has two or more, an amount of money that was
    worked out three, and one that somebody gave all. Of requests that may fail the last is whole, rows that are needed
    are rounded up, and months count from their beginning. What is less than one says so, and what is not there says
    which of four things it is.
    """
    value = entry["value"]
    if value is None:
        expected = entry.get("words") or entry["absent"]["kind"]
        return None if said.text.startswith(expected) else f"{said.text!r} stands where there is no number ({expected})"
    if isinstance(value, bool):
        return None if said.text == ("yes" if value else "no") else f"{said.text!r} is not {value}"
    if isinstance(value, str):
        return None if said.text == value else f"{said.text!r} is not {value}"
    if isinstance(value, list):
        return None if len(AMOUNT.findall(said.text)) == len(value) else f"{said.text!r} is not {value}"
    if said.text.startswith(LESS):
        return None if 0 < value < 1 else f"{said.text!r} is not {value}"
    if said.amount is None:
        return f"{said.text!r} is no number, and the plan has {value}"
    beyond = said.amount - value
    months = entry["unit"] == "months" and said.form == "number"
    failing = entry["unit"] in ("requests", "runs")
    needed = isinstance(value, float) and entry["unit"] in NEEDED
    if CURRENCY.match(entry["unit"]) and entry["provenance"] not in ("answered", "measured"):
        return None if abs(beyond) <= unit_of_money(value) / 2 * (1 + 1e-6) else f"{said.text!r} is not {value}"
    near = (
        -1e-9 <= (-beyond if failing else beyond) < 1
        if months or failing or needed
        else abs(beyond) <= said.step / 2 * (1 + 1e-6) + 1e-9 * abs(value)
    )
    whole = said.step >= {"percent": 0.001, "money": 0.01}.get(said.form, 1)
    two = said.form == "percent" or (said.form == "money" and abs(value) < 0.1)
    exact = abs(beyond) <= (0.06 if two else 0.006) * abs(value) or whole
    return None if near and exact and math.isfinite(value) else f"{said.text!r} is not {value}"


def unit_of_money(amount: float) -> float:
    """How much one in the third digit of an amount is: 100 of 42,300."""
    return 10.0 ** (math.floor(math.log10(abs(amount))) - 2) if amount else 0.0


def forms(found: list[Statement]) -> dict[tuple[str, str], dict[str, str]]:
    """What is printed for each number in each form, and where: more than one text for one number is a contradiction."""
    texts: dict[tuple[str, str], dict[str, str]] = {}
    for said in found:
        amount = AMOUNT.search(said.text)
        text = amount[0] if amount and not said.text.startswith(LESS) else said.text
        form = "number" if said.form == "days" else said.form
        if said.text.startswith(LESS):
            text = "1" if said.key.endswith("_months") else LESS[0]  # a month counts from its beginning
        texts.setdefault((said.key, form), {}).setdefault(text, said.where)
    return texts
