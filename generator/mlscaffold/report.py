"""What the commands say, as text: each function takes values and returns the words, and prints nothing."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlscaffold import questions, wording
from mlscaffold.advisor import Advice
from mlscaffold.answers import Answers
from mlscaffold.planning.number import entries
from mlscaffold.questions import Question

if TYPE_CHECKING:
    from mlscaffold.update import Replanned


def tree(name: str, files: Sequence[tuple[str, int]]) -> str:
    """A folder drawn as a tree, a line a file with its size, and the total."""
    lines = [f"{name}/"]
    folder: tuple[str, ...] = ()
    for path, size in files:
        *parents, leaf = path.split("/")
        for depth, parent in enumerate(parents):
            if folder[: depth + 1] != tuple(parents[: depth + 1]):
                lines.append(f"{'  ' * (depth + 1)}{parent}/")
        folder = tuple(parents)
        label = f"{'  ' * (len(parents) + 1)}{leaf}"
        lines.append(f"{label:<56}{_size(size):>10}")
    lines.append(f"{len(files)} files, {_size(sum(size for _, size in files))}")
    return "\n".join(lines)


def written(folder: Path, answers: Answers, plan: Mapping[str, Any], files: Sequence[tuple[str, int]], git: str) -> str:
    """The end of `new`: what was written, what is still assumed, and the next two commands."""
    assumed = [
        _bullet(f"{row['key']} = {row['value'] or '(unknown)'}: {row['question']}") for row in plan["assumptions"]
    ]
    parts = [tree(str(folder), files), git, "\n".join(_findings(plan))]
    if assumed:
        parts.append("\n".join([f"Still assumed, until a person confirms it ({len(assumed)}):", *assumed]))
    parts.append(f"Next:\n  cd {folder}\n  make setup    (without make: see the README)")
    return "\n\n".join(part for part in parts if part)


def chosen(advice: Advice) -> str:
    """One paragraph: which kind the advisor chose, and why."""
    return f"The advisor chose {advice.recommendation}: {' '.join(advice.reasons)} Overrule it with --kind."


def advice(facts: Mapping[str, Any]) -> str:
    """The advisor's answer: recommendation, rung, reasons, blockers, and what would change it."""
    parts = [f"Recommendation: {facts['recommendation']} ({facts['rung']})"]
    for title, key in (("Why", "reasons"), ("What blocks it now", "blockers"), ("What would change it", "flips")):
        if facts[key]:
            parts.append(f"{title}:\n" + "\n".join(_bullet(line) for line in facts[key]))
    if facts["overruled"]:
        parts.append(f"Overruled: {facts['override_reason'] or 'no reason is written down yet'}")
    return "\n\n".join(parts)


def headline(
    computed: Mapping[str, Any],
    confirm: str = "--set KEY=VALUE gives the fact, --set confirmed=KEY takes the default as true.",
) -> str:
    """The six lines of a plan, aligned, with a mark where one rests on an assumption, and what the mark means.

    `confirm` says where the reader stands how a fact is given and an assumption confirmed.
    """
    lines = computed["headline"]
    column = max(len(line["label"]) for line in lines) + 2
    shown = [_row(line["label"], line["text"] + " *" * line["assumed"], column) for line in lines]
    keys = list(dict.fromkeys(key for line in lines for key in line["rests_on"]))
    if keys:
        mark = f"* rests on defaults that nobody has confirmed ({', '.join(keys)}). {confirm}"
        shown.append(textwrap.fill(mark, _width(), subsequent_indent="  ", break_on_hyphens=False))
    return "\n".join(shown)


def _row(label: str, text: str, column: int) -> str:
    """A label and a text beside it, wrapped in a column of its own."""
    indent = " " * column
    # The mark stays with the last word: a line that begins with a star reads as something else.
    glued = re.sub(" ([*%])", "\N{NO-BREAK SPACE}\\1", text)
    filled = textwrap.fill(glued, _width(), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return (label.ljust(column) + filled[column:]).replace("\N{NO-BREAK SPACE}", " ")


def plan(computed: Mapping[str, Any]) -> str:
    """The plan's numbers as a table: key, value, formula, and what each means in one line."""
    lines = []
    for key, entry in entries(computed):
        value = (
            f"{wording.number(entry)} {entry['unit'] or ''}".strip() if entry["value"] is not None else wording.UNKNOWN
        )
        lines.append(f"{key:<34} {value:<28} {entry['formula'] or entry['provenance']}")
        lines.append(textwrap.fill(entry["meaning"], _width(), initial_indent="    ", subsequent_indent="    "))
    return "\n".join([*lines, *_findings(computed)])


def replanned(result: "Replanned", moved: Sequence[tuple[str, Any, Any]], dry_run: bool) -> str:
    """What a replan changed: each number before and after, then the files."""
    width = max((len(key) for key, _, _ in moved), default=0)
    lines = [f"{key:<{width}}  {_moved(old)} → {_moved(new)}" for key, old, new in moved]
    parts = ["\n".join(lines) or "No number changes."]
    for title, paths in (("Would change" if dry_run else "Changed", result.changed), ("Removed", result.removed)):
        if paths:
            parts.append(f"{title}:\n" + "\n".join(f"  {path}" for path in paths))
    if (result.changed or result.removed) and not dry_run and not result.conflicts:
        parts.append("Read the changes with git diff, then commit them; signatures of changed pages are void.")
    return "\n\n".join(parts)


def _moved(entry: Mapping[str, Any] | None) -> str:
    return wording.number(entry) if entry else "absent"


def questions_text(asked: Iterable[Question]) -> str:
    """The questions for a terminal: key, what may be answered, text and why."""
    lines: list[str] = []
    section = ""
    for question in asked:
        if question.section != section:
            section = question.section
            lines += ["", section.upper()]
        lines.append(f"{question.key}  ({answerable(question)}; default {default(question)}{_condition(question)})")
        lines.append(textwrap.fill(question.text, _width(), initial_indent="    ", subsequent_indent="    "))
        lines.append(textwrap.fill(question.why, _width(), initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines).lstrip("\n")


def questions_markdown(asked: Iterable[Question]) -> str:
    """The questions as the README's table."""
    rows = ["| key | question | answers | default |", "|---|---|---|---|"]
    for question in asked:
        cells = [f"`{question.key}`", question.text + _condition(question), answerable(question), default(question)]
        rows.append("| " + " | ".join(wording.cell(cell) for cell in cells) + " |")
    return "\n".join(rows)


def answerable(question: Question) -> str:
    """Which answers a question takes, in a few words."""
    if question.type == "choice":
        return ", ".join(question.choices)
    if question.type not in ("integer", "number") or question.min is None or question.max is None:
        return question.type
    first, then = ("between", "and") if question.exclusive else ("from", "to")
    return f"{question.type} {first} {question.min:,.15g} {then} {question.max:,.15g}"


def default(question: Question) -> str:
    """The default in a few words."""
    if questions.depends(question):
        return f"by {question.default['by']}"
    if isinstance(question.default, Mapping):
        return " / ".join(f"{kind}: {value}" for kind, value in question.default.items())
    return str(question.default) or "empty"


def _condition(question: Question) -> str:
    return "".join(f"; asked when {key} is {' or '.join(wanted)}" for key, wanted in question.when.items())


def _findings(computed: Mapping[str, Any]) -> list[str]:
    return [_bullet(f"{finding['sentence']} {finding['remedy']}") for finding in computed.get("findings", ())]


def _bullet(line: str) -> str:
    return textwrap.fill(line, _width(), initial_indent="  - ", subsequent_indent="    ")


def _width() -> int:
    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def _size(count: int) -> str:
    return f"{count:,} B" if count < 1024 else f"{count / 1024:,.1f} KiB"
