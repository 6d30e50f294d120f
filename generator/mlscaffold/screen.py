"""What the wizard shows: lines broken and aligned by the screen cells that letters take (名 takes two)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prompt_toolkit import print_formatted_text
from prompt_toolkit.application import get_app_session
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from mlscaffold import questions
from mlscaffold.advice_rules import ML, SOFTWARE
from mlscaffold.interview import Row
from mlscaffold.questions import Question

VALUE_CELLS = 24


STYLE = Style(
    [
        ("place", "bold"),
        ("question", "bold"),
        ("complaint", "ansired bold"),
        ("highlighted", "bold"),
        ("selected", "noreverse"),  # the default is named in words; only the pointer shows where one stands
        ("answer", ""),
    ]
)


def say(*lines: str | tuple[str, str]) -> None:
    """Lines on the screen, wrapped at its width; a pair names the line's style."""
    shown = [(line if isinstance(line, tuple) else (line, "")) for line in lines]
    pieces = [
        (f"class:{style}" if style else "", piece)
        for text, style in shown
        for part in text.split("\n")
        for piece in wrap(part, width())
    ]
    if pieces:  # all at once, because each call builds the whole of prompt_toolkit's output anew
        print_formatted_text(FormattedText([(style, f"{piece}\n") for style, piece in pieces]), style=STYLE, end="")


def complain(sentence: str) -> None:
    """A sentence of what is wrong with an answer, indented below its question in the style of complaints."""
    say((f"  {sentence}", "complaint"))


def width() -> int:
    """Cells that a line may fill: one less than the terminal is wide, taken as 40 to 100."""
    return max(40, min(get_app_session().output.get_size().columns, 100)) - 1


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at spaces, and inside a word only where it is too long for a line."""
    if get_cwidth(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip(" ")))
    hang = indent + ("  " if text.lstrip(" ").startswith("- ") else "")
    lines, line = [], indent
    for word in text.split():
        joined = f"{line} {word}" if line.strip() else f"{line}{word}"
        if get_cwidth(joined) > width and line.strip():
            lines.append(line)
            joined = hang + word
        while get_cwidth(joined) > width:
            head = _head(joined, width)
            lines.append(head)
            joined = hang + joined[len(head) :]
        line = joined
    return [*lines, line]


def cut(text: str, width: int) -> str:
    """A text shortened to `width` cells."""
    return text if get_cwidth(text) <= width else _head(text, width - 1) + "…"


def table(rows: Sequence[Row], width: int) -> Iterator[str | tuple[str, str]]:
    """Rows by section: a mark where assumed, the value, the question. A long value gets lines of its own.

    A section's title comes with its style.
    """
    column = min(VALUE_CELLS, max((get_cwidth(row.value) for row in rows), default=0)) + 2
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            yield section, "place"
        mark = "* " if row.assumed else "  "
        margin = " " * (column + 2)
        question = [margin + line for line in wrap(row.text, width - len(margin))]
        if get_cwidth(row.value) + 2 <= column:
            gap = " " * (column - get_cwidth(row.value))
            yield f"{mark}{row.value}{gap}{question[0].strip()}"
            yield from question[1:]
        else:
            first, *more = wrap(row.value, width - 2)
            yield from (mark + first, *(f"  {line}" for line in more), *question)


def keys(question: Question, default: str, typed: str) -> str:
    """What the keys do at a question; it is broken between two of them only."""
    back = ("? not known", "< back" + (" (as the first key)" if questions.is_free(question) else ""))
    if question.type == "choice":
        return legend("Enter keeps it" if typed else f"Enter on {default} assumes it, Space means it", *back)
    if typed:
        return legend("Enter keeps it", *back)
    if not default:
        return legend("Enter leaves it open", *back)
    return legend(f"Enter assumes {cut(default, 40)}", "Tab edits it", *back)


def legend(*keys: str) -> str:
    """What each key does, on lines of their own where one is too short for all."""
    lines = [""]
    for key in keys:
        joined = f"{lines[-1]} · {key}" if lines[-1] else f"  {key}"
        if get_cwidth(joined) > width() and lines[-1]:
            lines.append(f"  {key}")
        else:
            lines[-1] = joined
    return "\n".join(lines)


def choices(question: Question, offered: Sequence[str], width: int) -> list[tuple[str, str]]:
    """Each value to choose with its meaning beside it, aligned, on one line of at most `width` cells."""
    meanings = {value: question.meanings[value] for value in offered}
    meanings |= {questions.OWN_NAME: question.own} if question.own else {}
    column = max(map(get_cwidth, meanings))
    return [
        (value, cut(f"{value}{' ' * (column - get_cwidth(value))}  {meaning}", width))
        for value, meaning in meanings.items()
    ]


def headline(lines: Sequence[Mapping[str, Any]], width: int) -> Iterator[str | tuple[str, str]]:
    """The plan's six lines: a label and its text beside it, or below it where the screen is narrow; `*` if assumed."""
    column = max(get_cwidth(line["label"]) for line in lines) + 2
    beside = width - 2 - column >= 40
    for line in lines:
        margin = "  " + " " * (column if beside else 2)
        parts = wrap(line["text"], width - len(margin) - 2)
        parts[-1] += " *" if line["assumed"] else ""
        if beside:
            yield f"  {line['label']}{' ' * (column - get_cwidth(line['label']))}{parts.pop(0)}"
        else:
            yield f"  {line['label']}:"
        yield from (margin + part for part in parts)


def ways_on(advised: str) -> list[tuple[str, str]]:
    """The ways on from an advice: follow it first."""
    titles = {ML: "opens with a data audit", SOFTWARE: "opens with requirements"}
    named = {kind: f"{kind}: {title}" for kind, title in titles.items()}
    if advised not in named:
        return [
            ("stop", "follow it: stop here and write nothing"),
            *((kind, f"{named[kind]} anyway") for kind in named),
        ]
    other = SOFTWARE if advised == ML else ML
    return [(advised, f"{named[advised]} (recommended)"), (other, f"{named[other]} (with a reason)")]


def _head(text: str, width: int) -> str:
    """As many leading characters as fit into `width` cells, at least one."""
    end, cells = 0, 0
    for character in text:
        cells += get_cwidth(character)
        if cells > width and end:
            break
        end += 1
    return text[:end]
