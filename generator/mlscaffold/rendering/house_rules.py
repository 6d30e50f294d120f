"""What presets put into a rendered tree: gates in the plan, pages, the house's words, and reasons for exceptions."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.errors import UnreadablePreset
from mlscaffold.house import Document, House

GATES = "plan/gates.yaml"
# Pieces of a line in which no word is anybody's choice: code, the target of a link, HTML.
FIXED = re.compile(r"(`[^`]*`|\]\([^)]*\)|<[^>]*>|https?://\S+)")
# Lines that gates and programs read, or that are no prose: headings, tables, quotes, boxes, lists of facts.
NO_PROSE = re.compile(r"\s*(#|\||>|- \[|\w+: |<|\s*$)")


def rules(answers: Answers, house: House) -> dict[PlanKey, Any]:
    """The part `house` of the plan: which presets, the gates they add for this kind, and which locks are broken, why.

    It lies in the sealed plan, so that a gate of the house's goes no more easily than one of ours.
    """
    reasons = answers.lock_reasons
    gates = [gate for gate in house.gates if "file" in gate and answers.kind in gate["kinds"]]
    kept = ("id", "title", "file", "holds", "lacks", "next", "blocks", "by")
    broken = [
        {"key": key, "locked": house.locks[key].value, "value": answers.raw[key], "by": house.locks[key].by}
        | {"rule": house.locks[key].reason, "reason": reason}
        for key, reason in reasons.items()
    ]
    shown = [{field: gate[field] for field in kept if field in gate} for gate in gates]
    return {"house": {"presets": list(house.names), "gates": shown, "exceptions": broken}}


def dressed(
    pages: Mapping[str, str], present: Collection[str], answers: Answers, plan: Mapping[PlanKey, Any], house: House
) -> dict[str, str]:
    """The files that presets make another, or add: path → text.

    `pages` are texts of a render by their paths, the Markdown and plan/gates.yaml; `present` are all of its paths.
    Raises `UnreadablePreset`.
    """
    found = {path: spoken(text, house.words) for path, text in pages.items() if house.words and path.endswith(".md")}
    found[GATES] = _tightened(pages[GATES], house)
    if plan["house"]["exceptions"]:
        [record] = [path for path in pages if path.startswith("docs/decisions/0001-")]
        found[record] = _excepted(found.get(record, pages[record]), plan["house"]["exceptions"])
    for document in house.documents.values():
        if answers.kind in document.kinds:
            if (document.path in present) != document.replaces:
                how = "is there already: write replaces: true" if document.path in present else "replaces nothing"
                raise UnreadablePreset(document.by, f"its page {document.path} {how}")
            found[document.path] = _page(document, answers, plan)
    return found


def _page(document: Document, answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """A page of the house's, rendered with `answers` and `plan`; its Jinja reaches nothing else."""
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    env = SandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    try:
        return env.from_string(document.text).render(answers=answers.raw, plan=plan)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise UnreadablePreset(document.by, f"its page {document.path} does not render ({error})") from error


def _tightened(text: str, house: House) -> str:
    """plan/gates.yaml with our gates that the house wants to block, and what it calls them."""
    for gate in house.gates:
        if "file" in gate or f"  {gate['id']}: " not in text:
            continue
        if "title" in gate:
            line = f"  {gate['id']}: {json.dumps(gate['title'], ensure_ascii=False)}"
            text = "\n".join(line if old.startswith(f"  {gate['id']}: ") else old for old in text.split("\n"))
        if f"  - {gate['id']}\n" not in text:
            text = text.replace("titles:\n", f"  - {gate['id']}\ntitles:\n", 1)
    return text


def _excepted(text: str, broken: list[Mapping[str, str]]) -> str:
    """Decision record 0001 with the reasons at its end, where whoever signs it reads them."""
    lines = [
        "",
        "## House rules that this project breaks",
        "",
        "| Answer | House rule | Here | Why |",
        "|---|---|---|---|",
        *(f"| {' | '.join(map(_cell, _row(one)))} |" for one in broken),
    ]
    return text.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


def _row(one: Mapping[str, str]) -> tuple[str, ...]:
    return one["key"], f"{one['locked']} ({one['by']}: {one['rule']})", one["value"], one["reason"]


def _cell(text: str) -> str:
    """A text in a cell of a table, where it stays a text."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace("|", "\\|").replace("![", "!\\[")


# ------------------------------------------------------------------------------------------------- the house's words


def spoken(page: str, words: Mapping[str, str]) -> str:
    """A Markdown page with other words in its prose: whole words, a capital stays one.

    Headings, tables, lists of facts, code, links' targets and HTML stay: gates and links rest on them.
    """
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})\b", re.IGNORECASE)
    lower = {word.lower(): other for word, other in words.items()}

    def other(found: re.Match[str]) -> str:
        word = lower[found[0].lower()]
        return word[:1].upper() + word[1:] if found[0][:1].isupper() else word

    fenced, lines = False, []
    for line in page.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and not NO_PROSE.match(line):
            parts = FIXED.split(line)
            line = "".join(part if number % 2 else pattern.sub(other, part) for number, part in enumerate(parts))
        lines.append(line)
    return "\n".join(lines)
